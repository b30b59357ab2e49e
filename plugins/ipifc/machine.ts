/** Pinging, sans-IO: echo requests (RFC 792, RFC 4443 section 4.1) at an
 *  interval, and who answered when. */
import { take } from '@9p/packet';
import type { Machine, Ms, Output, Random } from 'slashnet/core';
import { type Echo, echoLength, emitEcho, parseEcho } from './icmp.js';
import { type Ip, ipText } from './ip.js';

export interface PingOptions {
  readonly src: Ip;
  readonly dst: Ip;
  readonly count: number;
  readonly interval_ms: number;
  /** Bytes of data in each. */
  readonly size: number;
}
export type PingCommand = { do: 'start'; ping: PingOptions } | { do: 'stop' };
/** `line` for each reply; `done` once. */
export type PingEvent =
  | { tell: 'line'; text: string }
  | { tell: 'done'; text: string; sent: number; received: number };

/** After the last request. */
export const answer_timeout_ms = 2000;

interface Run {
  readonly o: PingOptions;
  readonly id: number;
  /** When each request was sent; -1 once it was answered. */
  readonly sentAt: Ms[];
  readonly rtts: Ms[];
  next: Ms;
}

export class PingMachine implements Machine<PingCommand, PingEvent> {
  readonly #random: Random;
  readonly #out: Output<PingEvent>[] = [];
  #run: Run | undefined;

  constructor(random: Random) {
    this.#random = random;
  }

  command(c: PingCommand, now: Ms): void {
    if (c.do === 'stop') {
      this.#run = undefined;
      return;
    }
    const id = this.#random.u32() & 0xffff;
    this.#run = { o: c.ping, id, sentAt: [], rtts: [], next: now };
    this.timeout(now);
  }

  receive(p: { buf: Uint8Array; start: number; end: number }, now: Ms): void {
    const e = parseEcho(p.buf, p.start, p.end);
    if (typeof e !== 'string' && !e.request) this.#reply(e, now);
  }

  /** Replies to nobody, and those that come twice, are let pass. */
  #reply(e: Echo, now: Ms): void {
    const run = this.#run;
    const sentAt = run?.sentAt[e.seq - 1] ?? -1;
    if (run === undefined || e.id !== run.id || sentAt < 0) return;
    run.sentAt[e.seq - 1] = -1;
    const rtt = now - sentAt;
    run.rtts.push(rtt);
    const from = `${e.end - e.at} bytes from ${ipText(e.src)}`;
    const text = `${from}: icmp_seq=${e.seq} ttl=${e.ttl} time=${rtt.toFixed(3)} ms`;
    this.#out.push({ do: 'tell', event: { tell: 'line', text } });
    if (run.rtts.length === run.o.count) this.#finish(run);
  }

  timeout(now: Ms): void {
    const run = this.#run;
    if (run === undefined || now < run.next) return;
    if (run.sentAt.length === run.o.count) this.#finish(run);
    else this.#request(run, now);
  }

  #request(run: Run, now: Ms): void {
    const { src, dst, count, interval_ms, size } = run.o;
    run.sentAt.push(now);
    const seq = run.sentAt.length;
    const p = take(echoLength(src, size));
    emitEcho(p.buf, p.start, { src, dst, id: run.id, seq, data: size });
    run.next = now + (seq === count ? answer_timeout_ms : interval_ms);
    this.#out.push({ do: 'send', packet: p });
  }

  #finish(run: Run): void {
    this.#run = undefined;
    const text = summary(run.o.count, run.rtts);
    const { length: received } = run.rtts;
    this.#out.push({ do: 'tell', event: { tell: 'done', text, sent: run.o.count, received } });
  }

  poll(): Output<PingEvent> | undefined {
    return this.#out.shift();
  }
  deadline(): Ms {
    return this.#run?.next ?? Number.POSITIVE_INFINITY;
  }
}

/** The two last lines of ping(8). */
function summary(sent: number, rtts: readonly Ms[]): string {
  const lost = Math.round((100 * (sent - rtts.length)) / sent);
  const first = `${sent} packets transmitted, ${rtts.length} received, ${lost}% packet loss`;
  if (rtts.length === 0) return first;
  const mean = rtts.reduce((a, b) => a + b, 0) / rtts.length;
  const [min, avg, max] = [Math.min(...rtts), mean, Math.max(...rtts)].map((x) => x.toFixed(3));
  return `${first}\nrtt min/avg/max ${min}/${avg}/${max} ms`;
}
