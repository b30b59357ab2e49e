/** The rpc file of factotum(4): a request is a write, its reply the next read. */
import { outside, outsideCopy, putLe16, text, u8, utf8 } from '@9p/packet';
import { Einterrupted, type Req, refuse, type Wait } from 'slashnet/core';
import { parseAttrs, printAttrs } from './attr.js';
import type { AuthInfo } from './protocol.js';
import { type Agent, type Reply, type Session, then } from './session.js';

/** A request has fewer bytes than this, factotum's Maxrpc. */
export const request_bytes_max = 4095;
export const reply_bytes_min = 64;
const okBytes = utf8('ok ');

/** One open of rpc. */
export class Rpc {
  readonly #session: Session;
  readonly #agent: Agent;
  readonly #name: string;
  /** Written and not yet answered. */
  #request: Uint8Array | undefined;
  /** Being answered; a read that was interrupted is taken up by the next. */
  #working: Promise<Uint8Array> | undefined;
  /** The last reply may hold a secret: it is wiped at the next operation. */
  #given: Uint8Array | undefined;

  constructor(session: Session, agent: Agent, name: string) {
    this.#session = session;
    this.#agent = agent;
    this.#name = name;
  }

  /** Throws a refusal; an answer to the request itself is what the next read gives. */
  write(data: Uint8Array): void {
    if (data.length > request_bytes_max) throw refuse('rpc too large');
    if (this.#request !== undefined) throw refuse('rpc already pending; read to clear');
    this.#forget();
    this.#request = outsideCopy(data);
  }

  read(n: number, req?: Req): Wait<Uint8Array> {
    if (n < reply_bytes_min) throw refuse('rpc read too small');
    if (this.#request === undefined) throw refuse('no rpc pending');
    this.#forget();
    const answer = this.#working ?? this.#answer(this.#request, n);
    if (!(answer instanceof Promise)) return this.#give(answer, n);
    this.#working = answer;
    return new Promise((resolve, reject) => {
      if (req !== undefined) req.onflush = () => reject(refuse(Einterrupted));
      answer.then((reply) => {
        if (req?.flushed) return; // kept for the next read
        if (this.#working === answer) resolve(this.#give(reply, n));
        else reject(refuse('no rpc pending'));
      }, reject);
    });
  }

  /** Never throws. */
  close(): void {
    this.#forget();
    this.#working = undefined;
    this.#request?.fill(0);
    this.#request = undefined;
    this.#session.close();
  }

  #give(reply: Uint8Array, n: number): Uint8Array {
    this.#working = undefined;
    this.#request?.fill(0);
    this.#request = undefined;
    this.#given = reply;
    return reply.subarray(0, n);
  }

  #forget(): void {
    this.#given?.fill(0);
    this.#given = undefined;
  }

  #answer(request: Uint8Array, n: number): Wait<Uint8Array> {
    const at = request.indexOf(0x20);
    const verb = text(at < 0 ? request : request.subarray(0, at));
    const data = request.subarray(at < 0 ? request.length : at + 1);
    const reply = (r: Reply): Uint8Array => {
      const bytes = this.#print(r, verb);
      if (this.#agent.debug) this.#trace(verb, data.length, bytes);
      return bytes;
    };
    switch (verb) {
      case 'start':
        return then(this.#start(data), reply);
      case 'read':
        if (data.length > 0) return reply({ is: 'error', why: 'read needs no parameters' });
        return then(this.#session.read(n - okBytes.length), reply);
      case 'write':
        return then(this.#session.write(data), reply);
      case 'authinfo':
        return reply(fitting(this.#authinfo(), n));
      case 'attr':
        return reply(fitting({ is: 'ok', data: utf8(printAttrs(this.#session.attrs)) }, n));
      default:
        return reply({ is: 'error', why: 'unknown verb' });
    }
  }

  #start(data: Uint8Array): Wait<Reply> {
    try {
      return this.#session.start(parseAttrs(data));
    } catch (e) {
      return { is: 'error', why: (e as Error).message };
    }
  }

  #authinfo(): Reply {
    const { phase, info } = this.#session;
    if (phase !== 'Established') return { is: 'error', why: 'authentication unfinished' };
    if (info === undefined) return { is: 'error', why: 'no authinfo available' };
    return { is: 'ok', data: marshal(info) };
  }

  #print(r: Reply, verb: string): Uint8Array {
    if (r.is !== 'ok') return utf8(replyText(r, verb, this.#session.phase));
    if (r.data === undefined) return utf8('ok');
    const out = outside(okBytes.length + r.data.length);
    out.set(okBytes);
    out.set(r.data, okBytes.length);
    r.data.fill(0);
    return out;
  }

  /** Sizes and the first word: what a reply says after `ok` may be a secret. */
  #trace(verb: string, bytes: number, reply: Uint8Array): void {
    const known = ['start', 'read', 'write', 'authinfo', 'attr'].includes(verb) ? verb : '?';
    const end = reply.findIndex((_, i) => u8(reply, i) === 0x20);
    const word = text(end < 0 ? reply : reply.subarray(0, end));
    this.#agent.log(`${this.#name}: ${known} ${bytes} -> ${word} ${reply.length}`);
  }
}

/** The words of a reply that is not ok. factotum(4). */
export function replyText(r: Exclude<Reply, { is: 'ok' }>, verb: string, phase: string): string {
  switch (r.is) {
    case 'done':
      return r.haveai ? 'done haveai' : 'done';
    case 'toosmall':
      return `toosmall ${r.bytes}`;
    case 'phase':
      return `phase protocol phase error: ${verb} in state ${phase}`;
    case 'needkey':
      return `needkey ${printAttrs(r.template)}`;
    case 'notstarted':
      return 'protocol not started';
    case 'error':
      return `error ${r.why}`;
  }
}

function fitting(r: Reply, n: number): Reply {
  if (r.is !== 'ok' || r.data === undefined || r.data.length <= n - okBytes.length) return r;
  r.data.fill(0); // made anew the next time
  return { is: 'toosmall', bytes: r.data.length };
}

/** cuid, suid, cap and secret, each after its length in 2 bytes, little endian. auth(2). */
export function marshal(info: AuthInfo): Uint8Array {
  const parts = [utf8(info.cuid), utf8(info.suid), new Uint8Array(0), info.secret];
  const out = outside(parts.reduce((n, p) => n + 2 + p.length, 0));
  let at = 0;
  for (const p of parts) {
    putLe16(out, at, p.length);
    out.set(p, at + 2);
    at += 2 + p.length;
  }
  return out;
}
