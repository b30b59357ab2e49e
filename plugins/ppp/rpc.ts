/** Answers what the machines need, by relaying messages to auth/rpc
 *  (factotum(4)). No secret stays here. */
import { concat, text, u8, utf8 } from '@9p/packet';
import {
  type Chan,
  errorText,
  type Namespace,
  newReq,
  omode,
  quote,
  refuse,
  type Who,
} from 'slashnet/core';
import type { Answer, Need } from './authentication.js';

const reply_bytes = 4096;

/** One authentication: an open rpc file. */
class Rpc {
  readonly #file: Chan;
  readonly #who: Who;

  constructor(file: Chan, who: Who) {
    this.#file = file;
    this.#who = who;
  }

  /** The data of `ok` and `done`; any other reply is thrown. */
  async ask(verb: string, data: Uint8Array = new Uint8Array(0)): Promise<Uint8Array> {
    const message = data.length === 0 ? utf8(verb) : concat(utf8(`${verb} `), data);
    await this.#file.write(message, 0, newReq(this.#who));
    const reply = (await this.#file.read(reply_bytes, 0, newReq(this.#who))).slice();
    message.fill(0);
    const space = reply.indexOf(0x20);
    const word = text(space < 0 ? reply : reply.subarray(0, space));
    const rest = space < 0 ? new Uint8Array(0) : reply.subarray(space + 1);
    if (word === 'ok' || word === 'done') return rest;
    throw refuse(word === 'needkey' ? `no key for ${text(rest)}` : text(rest) || word);
  }

  close(): void {
    this.#file.close();
  }
}

/** Words in bytes, quoted as by %q: a password need not be UTF-8. */
export function byteWords(b: Uint8Array): Uint8Array[] {
  const out: Uint8Array[] = [];
  let word: number[] | undefined;
  let quoted = false;
  for (let i = 0; i < b.length; i++) {
    const c = u8(b, i);
    const isQuote = c === 0x27;
    if (quoted && isQuote && i + 1 < b.length && u8(b, i + 1) === 0x27) {
      word?.push(c);
      i++;
    } else if (isQuote) {
      quoted = !quoted;
      word ??= [];
    } else if (!quoted && (c === 0x20 || c === 0x09 || c === 0x0a)) {
      if (word !== undefined) out.push(Uint8Array.from(word));
      word = undefined;
    } else {
      word ??= [];
      word.push(c);
    }
  }
  if (word !== undefined) out.push(Uint8Array.from(word));
  return out;
}

/** What `start` says: ours, and the words of the `key` verb, which may choose another service. */
function pattern(proto: string, role: string, key: readonly string[]): Uint8Array {
  const more = key.filter((w) => !/^(proto|role)=/.test(w));
  const service = more.some((w) => w.startsWith('service=')) ? [] : ['service=ppp'];
  return utf8([`proto=${proto}`, `role=${role}`, ...service, ...more].map(attr).join(' '));
}
/** `user=o'hara` is quoted after the equals sign. */
function attr(w: string): string {
  const i = w.indexOf('=');
  return i < 0 ? w : `${w.slice(0, i + 1)}${quote(w.slice(i + 1))}`;
}

export class AuthClient {
  readonly #ns: Namespace;
  readonly #who: Who;
  readonly #key: readonly string[];
  /** Of a challenge that we sent, until the response is judged. */
  #challenger: Rpc | undefined;
  #closed = false;

  /** `who` wrote the ctl line: only keys that he may use are used. */
  constructor(ns: Namespace, who: Who, key: readonly string[]) {
    this.#ns = ns;
    this.#who = who;
    this.#key = key;
  }

  async answer(need: Need): Promise<Answer> {
    const { n } = need;
    try {
      if (need.need === 'pap') return await this.#pap(n);
      if (need.need === 'chap') return await this.#chap(n, need.id, need.challenge);
      if (need.need === 'challenge') return await this.#challenge(n);
      if (need.need === 'papcheck') return await this.#papCheck(n, need.user, need.password);
      return await this.#chapCheck(n, need.user, concat([need.id], need.response));
    } catch (e) {
      return { n, is: 'error', why: errorText(e) };
    }
  }

  close(): void {
    this.#closed = true;
    this.#challenger?.close();
    this.#challenger = undefined;
  }

  async #start(proto: string, role: string): Promise<Rpc> {
    const rpc = new Rpc(await this.#ns.open('/net/auth/rpc', omode.rdwr, this.#who), this.#who);
    try {
      await rpc.ask('start', pattern(proto, role, this.#key));
    } catch (e) {
      rpc.close();
      throw e;
    }
    return rpc;
  }

  async #pap(n: number): Promise<Answer> {
    const rpc = await this.#start('pap', 'client');
    try {
      const [user, password] = byteWords(await rpc.ask('read'));
      if (user === undefined || password === undefined) throw refuse('auth gave no password');
      return { n, is: 'pap', user, password };
    } finally {
      rpc.close();
    }
  }

  async #chap(n: number, id: number, challenge: Uint8Array): Promise<Answer> {
    const rpc = await this.#start('chap', 'client');
    try {
      await rpc.ask('write', concat([id], challenge));
      const response = await rpc.ask('read');
      const attrs = byteWords(await rpc.ask('attr')).map(text);
      const user = attrs.find((a) => a.startsWith('user='))?.slice(5) ?? '';
      return { n, is: 'chap', user: utf8(user), response };
    } finally {
      rpc.close();
    }
  }

  async #challenge(n: number): Promise<Answer> {
    this.#challenger?.close();
    const rpc = await this.#start('chap', 'server');
    this.#challenger = rpc;
    if (this.#closed) this.close();
    return { n, is: 'challenge', challenge: await rpc.ask('read') };
  }

  async #chapCheck(n: number, user: string, reply: Uint8Array): Promise<Answer> {
    const rpc = this.#challenger;
    if (rpc === undefined) throw refuse('no challenge was sent');
    this.#challenger = undefined;
    return this.#verdict(n, rpc, utf8(user), reply);
  }

  async #papCheck(n: number, user: string, password: Uint8Array): Promise<Answer> {
    return this.#verdict(n, await this.#start('pap', 'server'), utf8(user), password);
  }

  /** Name, then proof; a refusal of auth here is about the peer. */
  async #verdict(n: number, rpc: Rpc, user: Uint8Array, proof: Uint8Array): Promise<Answer> {
    try {
      await rpc.ask('write', user);
      await rpc.ask('write', proof);
      return { n, is: 'verdict', ok: true, message: '' };
    } catch {
      return { n, is: 'verdict', ok: false, message: 'authentication failed' };
    } finally {
      proof.fill(0);
      rpc.close();
    }
  }
}
