/** Runs a check over streams: sends what it says, and holds each reply against its pattern. */
import type { Duplex } from 'node:stream';
import type { Check, Step } from './check.js';
import type { Dialect } from './layouts.js';
import { bytes, number, type Pattern, parseMessage, type Vars } from './notation.js';
import { Peer } from './peer.js';
import { decode, encode, entriesOf, type Message, misfit, sameNames, show } from './wire.js';

/** How messages are put into segments, where the check does not say it. */
export type Segments =
  /** Each message in one. */
  | 'whole'
  /** A byte in each. */
  | 'bytes'
  /** Each message in two, cut at a place that moves on with every message. */
  | 'cut'
  /** All messages that do not depend on a reply in one: for servers that answer in order. */
  | 'ahead';

export interface RunOptions {
  /** A connection to the server under test. */
  readonly connect: () => Promise<Duplex>;
  readonly user: string;
  readonly aname: string;
  readonly limit_ms: number;
  readonly segments?: Segments;
  /** Connections of checks that went well, for others that begin with a Tversion: it makes them
   *  as new. Without it each check has new ones. */
  readonly spare?: Peer[];
}

/** undefined where the server does what the check claims; or what it did instead. */
export async function run(
  check: Pick<Check, 'steps'>,
  options: RunOptions,
): Promise<string | undefined> {
  const vars: Vars = new Map([
    ['user', Buffer.from(options.user)],
    ['aname', Buffer.from(options.aname)],
  ]);
  const exchanges = new Map<number, Exchange>();
  let spare = options.spare;
  try {
    for (const [i, step] of check.steps.entries()) {
      let exchange = exchanges.get(step.on);
      if (exchange === undefined) {
        const peer = await peerFor(step, options);
        exchange = new Exchange(peer, vars, options.segments ?? 'whole');
        exchanges.set(step.on, exchange);
      }
      await exchange.play(step, check.steps.slice(i));
    }
    for (const exchange of exchanges.values()) await exchange.nothingMore();
    return undefined;
  } catch (e) {
    spare = undefined;
    return told(e);
  } finally {
    for (const exchange of exchanges.values()) exchange.leave(spare);
  }
}

async function peerFor(first: Step, o: RunOptions): Promise<Peer> {
  const renews = first.op === 'send' && first.messages[0]?.name === 'Tversion';
  const used = renews ? o.spare?.pop() : undefined;
  return used ?? new Peer(await o.connect(), o.limit_ms);
}

const told = (e: unknown): string => (e instanceof Error ? e.message : String(e));

/** No directory of the checks needs so many. */
const reads_max = 1000;
/** A longer message goes out whole: a hundred thousand writes tell no more. */
const bytes_max = 4096;
const marked = parseMessage('Rversion notag * *');

class Exchange {
  readonly #peer: Peer;
  /** What requests are written in, and replies: a Tversion changes it, and its reply. */
  #speaks: Dialect = '';
  #dialect: Dialect = '';
  /** One that the server knows. */
  #version = '9P2000';
  readonly #segments: Segments;
  readonly #vars: Vars;
  #over = false;
  /** A reply that came where it only might have. */
  #held: Message | undefined;
  /** Requests that went out ahead of their step. */
  readonly #sent = new Set<Step>();
  /** Where `cut` cuts next. */
  #place = 0;
  /** What the server agreed to: no reply may be longer. */
  #msize = Number.POSITIVE_INFINITY;

  constructor(peer: Peer, vars: Vars, segments: Segments) {
    this.#peer = peer;
    this.#vars = vars;
    this.#segments = segments;
  }

  leave(spare: Peer[] | undefined): void {
    if (spare === undefined || this.#over) this.#peer.close();
    else spare.push(this.#peer);
  }

  /** `from` are the steps from this one on. */
  async play(step: Step, from: readonly Step[]): Promise<void> {
    if (this.#over) return;
    try {
      await this.#step(step, from);
    } catch (e) {
      throw new Error(`${told(e)}, at: ${step.text}`);
    }
  }

  async nothingMore(): Promise<void> {
    if (this.#over) return;
    if (this.#held !== undefined) throw new Error(`a reply to nothing: ${show(this.#held)}`);
    const marker = parseMessage(`Tversion notag 8216 ${this.#version}`);
    this.#peer.send(encode(marker, '', this.#vars));
    const b = await this.#peer.next();
    if (b === undefined) throw new Error('the server hung up at the end');
    const m = decode(b, this.#dialect);
    const bad = typeof m === 'string' ? m : misfit(marked, m, '', this.#vars);
    if (bad !== undefined) throw new Error(`a reply to nothing: ${describe(m, b)}`);
  }

  async #step(step: Step, from: readonly Step[]): Promise<void> {
    switch (step.op) {
      case 'send':
        if (this.#sent.has(step)) return;
        if (this.#segments === 'ahead') this.#ahead(from);
        else this.#put(step.messages.map((m) => this.#encode(m)));
        return;
      case 'bytes':
        for (const byte of this.#encode(step.message)) this.#peer.send(Uint8Array.of(byte));
        return;
      case 'short':
        return this.#peer.send(sized(this.#encode(step.message).subarray(0, -1)));
      case 'long':
        return this.#peer.send(sized(Buffer.concat([this.#encode(step.message), Buffer.of(0)])));
      case 'cut':
        return this.#cut(this.#encode(step.message), step.replies);
      case 'raw':
        return this.#peer.send(Buffer.concat(step.words.map((w) => bytes(w, this.#vars))));
      case 'reply':
        return this.#reply(step.replies);
      case 'replies':
        return this.#replies(step.replies);
      case 'maybe':
        return this.#maybe(step.replies);
      case 'refused':
        return this.#refused(step.tag);
      case 'closed':
        return this.#closed();
      case 'hangup':
        this.#peer.end();
        return this.#closed();
      case 'ls':
        return this.#ls(step);
    }
  }

  // Requests --------------------------------------------------------------------------------------

  #encode(m: Pattern): Buffer {
    if (m.name === 'Tversion') this.#speaks = dialectOf(String(m.fields[1]));
    return encode(m, this.#speaks, this.#vars);
  }

  #put(messages: readonly Buffer[]): void {
    const all = Buffer.concat(messages);
    const at = 1 + (this.#place++ % (all.length - 1));
    if (this.#segments === 'bytes' && all.length <= bytes_max) {
      for (const byte of all) this.#peer.send(Uint8Array.of(byte));
    } else if (this.#segments === 'cut') {
      this.#peer.send(all.subarray(0, at));
      this.#peer.send(all.subarray(at));
    } else this.#peer.send(all);
  }

  /** This step's requests and those after it, up to one that needs a number from a reply, or to
   *  replies whose order would be another if more had been asked. */
  #ahead(steps: readonly Step[]): void {
    const out: Buffer[] = [];
    for (const step of steps) {
      if (step.on !== steps[0]!.on) break;
      if (step.op === 'reply' && !step.replies.some((p) => p.name === 'Rflush')) continue;
      if (step.op !== 'send' || !step.messages.every((m) => this.#known(m))) break;
      out.push(...step.messages.map((m) => this.#encode(m)));
      this.#sent.add(step);
    }
    this.#peer.send(Buffer.concat(out));
  }

  #known(m: Pattern): boolean {
    return [...m.text.matchAll(/\$(\w+)/g)].every(([, name]) => this.#vars.has(name!));
  }

  async #cut(message: Buffer, replies: readonly Pattern[]): Promise<void> {
    for (let at = 1; at < message.length; at++) {
      this.#peer.send(message.subarray(0, at));
      this.#peer.send(message.subarray(at));
      await this.#reply(replies);
    }
  }

  // Replies ---------------------------------------------------------------------------------------

  async #reply(replies: readonly Pattern[]): Promise<void> {
    const m = await this.#next();
    if (m === undefined) throw new Error('the server hung up');
    this.#fit(replies, m);
  }

  /** The pattern that the reply fits. */
  #fit(replies: readonly Pattern[], m: Message): Pattern {
    const bad = replies.map((p) => misfit(p, m, this.#dialect, this.#vars));
    const found = replies[bad.indexOf(undefined)];
    if (found === undefined) throw new Error(`${bad.at(-1)}: ${show(m)}`);
    this.#heed(m);
    return found;
  }

  async #replies(replies: readonly Pattern[]): Promise<void> {
    const left = [...replies];
    while (left.length > 0) {
      const m = await this.#next();
      if (m === undefined) throw new Error('the server hung up');
      left.splice(left.indexOf(this.#fit(left, m)), 1);
    }
  }

  async #maybe(replies: readonly Pattern[]): Promise<void> {
    const m = await this.#next();
    const fits = (p: Pattern) => misfit(p, m!, this.#dialect, this.#vars) === undefined;
    if (m !== undefined && !replies.some(fits)) this.#held = m;
  }

  async #next(): Promise<Message | undefined> {
    const held = this.#held;
    this.#held = undefined;
    if (held !== undefined) return held;
    const b = await this.#peer.next();
    if (b === undefined) return undefined;
    const m = decode(b, this.#dialect);
    if (typeof m === 'string') throw new Error(describe(m, b));
    if (b.length > this.#msize) throw new Error(`${m.name} of ${b.length} bytes is over msize`);
    return m;
  }

  #heed(m: Message): void {
    if (m.name === 'Rversion') {
      this.#msize = Number(m.values[0]);
      const version = String(m.values[1]);
      this.#dialect = dialectOf(version);
      if (version.startsWith('9P')) this.#version = version;
    }
    if (/^Rl?error$/.test(m.name) && m.values.length > 0) checkError(m);
  }

  async #refused(tag: string): Promise<void> {
    const m = await this.#next();
    if (m === undefined) this.#over = true;
    else if (!/^Rl?error$/.test(m.name) || BigInt(m.tag) !== number(tag, this.#vars))
      throw new Error(`is not refused: ${show(m)}`);
  }

  async #closed(): Promise<void> {
    const m = await this.#next();
    if (m !== undefined) throw new Error(`the server has not hung up: ${show(m)}`);
    this.#over = true;
  }

  async #ls(step: Extract<Step, { op: 'ls' }>): Promise<void> {
    const most = number(step.count, this.#vars);
    const read = this.#dialect === 'L' ? 'Treaddir' : 'Tread';
    const names: string[] = [];
    for (let offset = 0n, reads = 0; ; reads++) {
      if (reads > reads_max) throw new Error(`a directory without end: ${names.length} names`);
      const text = `${read} 0 ${step.fid} ${offset} ${most}`;
      this.#peer.send(this.#encode(parseMessage(text)));
      const m = await this.#next();
      const data = m?.values[0];
      if (!Buffer.isBuffer(data) || !/^Rread/.test(m!.name))
        throw new Error(`no data: ${m === undefined ? 'the server hung up' : show(m)}`);
      if (data.length > most) throw new Error(`${data.length} bytes, more than were asked for`);
      if (data.length === 0) break;
      const got = entriesOf(data, this.#dialect);
      if (typeof got === 'string') throw new Error(`no whole entries: ${got}`);
      names.push(...got.names);
      offset = this.#dialect === 'L' ? got.next : offset + got.next;
    }
    const own = names.filter((name) => name !== '.' && name !== '..');
    if (!sameNames(own, step.names)) throw new Error(`lists ${own.length} names: ${own.join(' ')}`);
  }
}

const dialectOf = (version: string): Dialect =>
  (/^9P2000\.([uL])$/.exec(version)?.[1] ?? '') as Dialect;

/** A client has room for so much of an error; a longer one is cut. */
function checkError(m: Message): void {
  const [text] = m.values;
  if (Buffer.isBuffer(text) && text.length === 0) throw new Error('an error without a text');
}

/** The size field says what there is. */
function sized(b: Buffer): Buffer {
  b.writeUInt32LE(b.length, 0);
  return b;
}

const describe = (m: Message | string, b: Buffer): string =>
  typeof m === 'string' ? `${m}: ${b.subarray(0, 64).toString('hex')}` : show(m);
