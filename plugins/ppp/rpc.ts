/** Answers what the machines need, by relaying messages to auth/rpc
 *  (factotum(4)). No secret stays here. */
import { concat, le16, outsideCopy, text, u8, utf8 } from '@9p/packet';
import {
  type Chan,
  Ehungup,
  errorText,
  type Namespace,
  newReq,
  omode,
  quote,
  refuse,
  type Who,
} from 'slashnet/core';
import type { Answer, MppeKeys, Need } from './authentication.js';
import { eapCodes } from './codes.js';
import { proof_bytes } from './mschap.js';

const reply_bytes = 4096;
/** Of a peer's address. */
const address_bytes = 64;

/** One authentication: an open rpc file. */
class Rpc {
  readonly #file: Chan;
  readonly #who: Who;
  readonly #open: Set<Rpc>;

  /** `open`: those that are. */
  constructor(file: Chan, who: Who, open: Set<Rpc>) {
    this.#file = file;
    this.#who = who;
    this.#open = open;
    open.add(this);
  }

  /** The data of `ok` and `done`; any other reply is thrown. */
  async ask(verb: string, data: Uint8Array = new Uint8Array(0)): Promise<Uint8Array> {
    const message = data.length === 0 ? utf8(verb) : concat(utf8(`${verb} `), data);
    await this.#file.write(message, 0, newReq(this.#who));
    const reply = outsideCopy(await this.#file.read(reply_bytes, 0, newReq(this.#who)));
    message.fill(0);
    const space = reply.indexOf(0x20);
    const word = text(space < 0 ? reply : reply.subarray(0, space));
    const rest = space < 0 ? new Uint8Array(0) : reply.subarray(space + 1);
    if (word === 'ok' || word === 'done') return rest;
    throw refuse(word === 'needkey' ? `no key for ${text(rest)}` : text(rest) || word);
  }

  close(): void {
    if (this.#open.delete(this)) this.#file.close();
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

/** What a response has on the wire after what rpc gives: the flags of the Microsoft CHAPs. RFC 2433
 *  section 5: the NT response is to be used. */
const flags: Readonly<Record<string, readonly number[]>> = { chap: [], mschap: [1], mschapv2: [0] };
/** AuthInfo's secret: MPPE's key, and of mschapv2 the authenticator response after it. */
const key_bytes = 16;

export interface AuthClientOptions {
  /** The words of the `key` verb. */
  readonly key: readonly string[];
  /** Both ends prove who they are: a user's name in `key` is ours. */
  readonly mutual: boolean;
  /** The directory of a factotum. */
  readonly agent: string;
  /** The data file below: `remote` beside it is who the peer is in the agent's log. */
  readonly below: string;
}

export const ourAgent = '/net/auth';
export class AuthClient {
  readonly #ns: Namespace;
  readonly #who: Who;
  readonly #o: AuthClientOptions;
  readonly #open = new Set<Rpc>();
  /** Of a challenge that we sent, until the response is judged. */
  #challenger: Rpc | undefined;
  /** The method of EAP by which we answer, and the one by which we ask. */
  #eap: { proto: string; rpc: Rpc } | undefined;
  #asking: { proto: string; rpc: Rpc } | undefined;
  /** Of each direction that made some. */
  readonly #keys = new Map<'client' | 'server', MppeKeys>();
  #closed = false;

  /** `who` wrote the ctl line: only keys that he may use are used. */
  constructor(ns: Namespace, who: Who, o: AuthClientOptions) {
    this.#ns = ns;
    this.#who = who;
    this.#o = o;
  }

  /** For MPPE; who keeps them keeps a copy. RFC 3079 takes those of the end that called, which
   *  nobody can tell here: where both directions made some there are none, as with pppd. */
  get keys(): MppeKeys | undefined {
    const [keys, others] = this.#keys.values();
    return others === undefined ? keys : undefined;
  }

  /** What was authenticated is so no longer. */
  forget(): void {
    for (const { key } of this.#keys.values()) key.fill(0);
    this.#keys.clear();
  }

  async answer(need: Need): Promise<Answer> {
    const { n } = need;
    try {
      if (need.need === 'pap') return await this.#pap(n);
      if (need.need === 'chap') return await this.#chap(n, need);
      if (need.need === 'challenge') return await this.#challenge(n, need.method);
      if (need.need === 'eapidentity') return await this.#identity(n, need.protos);
      if (need.need === 'eappeer') return await this.#eapPeer(n, need);
      if (need.need === 'eapserver') return await this.#eapServer(n, need);
      if (need.need === 'papcheck') return await this.#papCheck(n, need.user, need.password);
      return await this.#chapCheck(n, need);
    } catch (e) {
      return { n, is: 'error', why: errorText(e) };
    }
  }

  /** Nobody is asked for a key any more. */
  close(): void {
    this.#closed = true;
    this.forget();
    for (const rpc of [...this.#open]) rpc.close();
    this.#challenger = undefined;
    this.#eap = undefined;
    this.#asking = undefined;
  }

  /** `more` is for our own agent alone. */
  async #start(proto: string, role: string, more: readonly string[] = []): Promise<Rpc> {
    const { agent, mutual } = this.#o;
    const key = this.#o.key.filter((w) => !(mutual && role === 'server' && /^user[=?]/.test(w)));
    const path = `${agent}/rpc`;
    const file = await this.#ns.open(path, omode.rdwr, this.#who);
    const rpc = new Rpc(file, this.#who, this.#open);
    try {
      if (this.#closed) throw refuse(Ehungup);
      const told = role === 'server' && agent === ourAgent;
      const extra = told ? [`address=${await this.#remote()}`, ...more] : [];
      await rpc.ask('start', pattern(proto, role, [...key, ...extra]));
    } catch (e) {
      rpc.close();
      throw e;
    }
    return rpc;
  }

  /** The path where no layer below says more. */
  async #remote(): Promise<string> {
    const { below } = this.#o;
    try {
      const path = below.replace(/[^/]*$/, 'remote');
      const f = await this.#ns.open(path, omode.read, this.#who);
      const said = text(await f.read(address_bytes, 0, newReq(this.#who)));
      f.close();
      return said.split('\n')[0]?.trim() || below;
    } catch {
      return below;
    }
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

  async #chap(n: number, q: Extract<Need, { need: 'chap' }>): Promise<Answer> {
    const rpc = await this.#start(q.method, 'client');
    try {
      await rpc.ask('write', concat(q.method === 'chap' ? [q.id] : [], q.challenge));
      const response = concat(await rpc.ask('read'), flags[q.method] ?? []);
      const user = await userOf(rpc);
      return { n, is: 'chap', user, response, ...(await this.#shared(rpc, q.method, 'client')) };
    } finally {
      rpc.close();
    }
  }

  async #challenge(n: number, method: string): Promise<Answer> {
    this.#challenger?.close();
    const rpc = await this.#start(method, 'server');
    this.#challenger = rpc;
    if (this.#closed) this.close();
    return { n, is: 'challenge', challenge: await rpc.ask('read') };
  }

  async #chapCheck(n: number, q: Extract<Need, { need: 'chapcheck' }>): Promise<Answer> {
    const rpc = this.#challenger;
    if (rpc === undefined) throw refuse('no challenge was sent');
    this.#challenger = undefined;
    const { method, id, response } = q;
    const reply = method === 'chap' ? concat([id], response) : response.slice(0, -1);
    return this.#verdict(n, rpc, method, utf8(q.user), reply);
  }

  async #papCheck(n: number, user: string, password: Uint8Array): Promise<Answer> {
    const rpc = await this.#start('pap', 'server');
    return this.#verdict(n, rpc, 'pap', utf8(user), password);
  }

  // EAP: the rpc's data are whole packets.

  /** As a key has it that one of these would use. */
  async #identity(n: number, protos: readonly string[]): Promise<Answer> {
    let why: unknown = refuse('no method of eap is allowed');
    for (const proto of protos) {
      try {
        const rpc = await this.#start(proto, 'client');
        const user = await userOf(rpc).finally(() => rpc.close());
        return { n, is: 'eap', user, identity: true };
      } catch (e) {
        why = e;
      }
    }
    throw why;
  }

  async #eapPeer(n: number, q: Extract<Need, { need: 'eappeer' }>): Promise<Answer> {
    const proto = q.proto ?? this.#eap?.proto;
    if (proto === undefined) return { n, is: 'eap' };
    if (this.#eap?.proto !== proto) {
      this.#eap?.rpc.close();
      this.#eap = { proto, rpc: await this.#start(proto, 'client') };
    }
    const { rpc } = this.#eap;
    if (!(await understood(rpc, q.packet))) return { n, is: 'eap' };
    if (q.packet[0] === eapCodes.success) {
      const { keyed } = await this.#shared(rpc, proto, 'client');
      rpc.close(); // a request from now on is of another authentication
      this.#eap = undefined;
      return { n, is: 'eap', ended: true, keyed: keyed === true };
    }
    return { n, is: 'eap', packet: await rpc.ask('read'), user: await userOf(rpc) };
  }

  async #eapServer(n: number, q: Extract<Need, { need: 'eapserver' }>): Promise<Answer> {
    if ('proto' in q) {
      const { proto, user, attempts } = q;
      this.#asking?.rpc.close();
      this.#asking = { proto, rpc: await this.#start(proto, 'server', [`tries=${attempts}`]) };
      await this.#asking.rpc.ask('write', utf8(user));
    }
    if (this.#asking === undefined) throw refuse('nothing was asked');
    const { proto, rpc } = this.#asking;
    if ('packet' in q && !(await understood(rpc, q.packet))) return { n, is: 'eap' };
    const packet = await rpc.ask('read');
    if (packet[0] === eapCodes.request) return { n, is: 'eap', packet };
    const ok = packet[0] === eapCodes.success;
    const { keyed } = ok ? await this.#shared(rpc, proto, 'server') : {};
    rpc.close();
    this.#asking = undefined;
    return { n, is: 'eap', packet, keyed: keyed === true };
  }

  /** What AuthInfo has of a method: keys, which stay here, and the proof of mschapv2. */
  async #shared(
    rpc: Rpc,
    method: string,
    role: 'client' | 'server',
  ): Promise<{ keyed?: boolean; proof?: Uint8Array }> {
    this.#keys.get(role)?.key.fill(0);
    this.#keys.delete(role);
    const isV2 = method.endsWith('mschapv2');
    if (!isV2 && method !== 'mschap') return {};
    const secret = await secretOf(rpc);
    const proof = secret.slice(key_bytes);
    const key = outsideCopy(secret.subarray(0, key_bytes));
    secret.fill(0);
    if (isV2 && proof.length !== proof_bytes) throw refuse('auth gave no authenticator response');
    if (this.#closed) key.fill(0);
    if (this.#closed || key.length !== key_bytes) return isV2 ? { proof } : {};
    this.#keys.set(role, { method: isV2 ? 'mschapv2' : 'mschap', key, server: role === 'server' });
    return isV2 ? { keyed: true, proof } : { keyed: true };
  }

  /** Name, then proof; a refusal of auth here is about the peer. */
  async #verdict(
    n: number,
    rpc: Rpc,
    method: string,
    user: Uint8Array,
    proof: Uint8Array,
  ): Promise<Answer> {
    try {
      await rpc.ask('write', user);
      await rpc.ask('write', proof);
      const shared = await this.#shared(rpc, method, 'server');
      return { n, is: 'verdict', ok: true, message: '', ...shared };
    } catch {
      return { n, is: 'verdict', ok: false, message: 'authentication failed' };
    } finally {
      proof.fill(0);
      rpc.close();
    }
  }
}

/** The name that goes with the key. */
async function userOf(rpc: Rpc): Promise<Uint8Array> {
  const attrs = byteWords(await rpc.ask('attr')).map(text);
  return utf8(attrs.find((a) => a.startsWith('user='))?.slice(5) ?? '');
}

/** False: it was no packet of the method in its place, and nothing has changed. */
async function understood(rpc: Rpc, packet: Uint8Array): Promise<boolean> {
  try {
    await rpc.ask('write', packet);
    return true;
  } catch (e) {
    if (errorText(e) !== 'eap botch') throw e;
    return false;
  }
}

/** AuthInfo is cuid, suid, cap and secret, each after its length. Another agent may have none. */
async function secretOf(rpc: Rpc): Promise<Uint8Array> {
  try {
    const info = await rpc.ask('authinfo');
    let at = 0;
    for (let i = 0; i < 3; i++) at += 2 + le16(info, at);
    const secret = outsideCopy(info.subarray(at + 2, at + 2 + le16(info, at)));
    info.fill(0);
    return secret;
  } catch {
    return new Uint8Array(0);
  }
}
