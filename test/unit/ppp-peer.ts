/** A PPP machine together with someone who knows the passwords, for the tests of ppp. */
import { createHash } from 'node:crypto';
import { type Packet, text, utf8 } from '@9p/packet';
import type { Machine, Ms, Output } from 'slashnet/core';
import type { Answer, Need } from '../../plugins/ppp/authentication.js';
import { type AuthMethod, authMethods } from '../../plugins/ppp/codes.js';
import { fmtPpp } from '../../plugins/ppp/fmt.js';
import { PppMachine } from '../../plugins/ppp/machine.js';
import {
  type Command,
  defaultConfig,
  type PppConfig,
  type PppEvent,
} from '../../plugins/ppp/session.js';
import { type Control, controlPacket } from '../../plugins/ppp/wire.js';
import { Pair, type PairOptions, SeededRandom } from '../kit/index.js';

export const user = 'glenda';

export const md5 = (id: number, secret: string, challenge: Uint8Array): Uint8Array =>
  createHash('md5').update(Uint8Array.of(id)).update(secret).update(challenge).digest();

/** A response of the right length; how the Microsoft ones are made is the affair of `auth`. */
export const respond = (
  method: string,
  id: number,
  secret: string,
  challenge: Uint8Array,
): Uint8Array =>
  method === 'chap'
    ? md5(id, secret, challenge)
    : Buffer.concat([0, 1, 2, 3].map((i) => md5(i, method + secret, challenge))).subarray(0, 49);
/** What the authenticator proves with, where the method has such a thing; are there keys? */
const proof = (
  method: string,
  secret: string,
  challenge: Uint8Array,
): { proof?: Uint8Array; keyed?: boolean } =>
  method === 'mschapv2'
    ? {
        keyed: true,
        proof: Buffer.concat([md5(9, secret, challenge), md5(8, secret, challenge)]).subarray(
          0,
          20,
        ),
      }
    : { keyed: method === 'mschap' };

/** Plays `auth`: proves to be glenda with `password`, and takes for glenda who knows `secret`. */
export class Peer implements Machine<Command, PppEvent> {
  readonly ppp: PppMachine;
  password = 'rabbit';
  secret = 'rabbit';
  /** Says yes without knowing the secret. */
  lies = false;
  /** Does not answer what the machine needs. */
  mute = false;
  /** Has no challenges any more. */
  noChallenge = false;
  readonly needs: Need[] = [];
  /** Sent last. */
  challenge: Uint8Array = utf8('');
  readonly #random: SeededRandom;
  #now: Ms = 0;
  #eapUser = '';

  constructor(config: PppConfig, seed: number, heard: () => number = () => 0) {
    this.#random = new SeededRandom(seed);
    this.ppp = new PppMachine(config, this.#random, heard);
  }

  command(c: Command, now: Ms): void {
    this.#now = now;
    this.ppp.command(c, now);
  }
  receive(p: Packet, now: Ms): void {
    this.#now = now;
    this.ppp.receive(p, now);
  }
  timeout(now: Ms): void {
    this.#now = now;
    this.ppp.timeout(now);
  }
  deadline(): Ms {
    return this.ppp.deadline();
  }
  poll(): Output<PppEvent> | undefined {
    const o = this.ppp.poll();
    if (o?.do === 'tell' && o.event.is === 'need') {
      this.needs.push(o.event.need);
      if (!this.mute)
        this.ppp.command({ do: 'answer', answer: this.#answer(o.event.need) }, this.#now);
    }
    return o;
  }

  /** MD5 in the packets of each method: how MSCHAPv2 computes is what `auth` alone knows. */
  #eapPeer(n: number, packet: Uint8Array): Answer {
    const [code = 0, id = 0, , , type = 0] = packet;
    if (code === 3) return { n, is: 'eap', ended: true, keyed: true };
    const challenge = valueIn(packet);
    if (challenge?.length !== 16) return { n, is: 'eap' };
    const value = md5(id, this.password, challenge);
    return { n, is: 'eap', packet: eap(2, id, type, value), user: utf8(user) };
  }
  #eapServer(n: number, q: Extract<Need, { need: 'eapserver' }>): Answer {
    if ('proto' in q) {
      this.challenge = this.#random.bytes(16);
      this.#eapUser = q.user;
      const type = q.proto === 'eap-md5' ? 4 : 26;
      return { n, is: 'eap', packet: eap(1, 77, type, this.challenge) };
    }
    const [, id = 0] = q.packet;
    const value = valueIn(q.packet);
    if (value?.length !== 16) return { n, is: 'eap' };
    const right = md5(id, this.secret, this.challenge);
    const ok = Buffer.compare(value, right) === 0 && this.#eapUser === user;
    return { n, is: 'eap', packet: Uint8Array.of(ok ? 3 : 4, id, 0, 4), keyed: ok };
  }

  #answer(need: Need): Answer {
    const { n } = need;
    const name = utf8(user);
    if (need.need === 'pap') return { n, is: 'pap', user: name, password: utf8(this.password) };
    if (need.need === 'eapidentity') return { n, is: 'eap', user: name, identity: true };
    if (need.need === 'eappeer') return this.#eapPeer(n, need.packet);
    if (need.need === 'eapserver') return this.#eapServer(n, need);
    if (need.need === 'challenge') {
      if (this.noChallenge) return { n, is: 'error', why: 'auth has gone' };
      this.challenge = this.#random.bytes(16);
      return { n, is: 'challenge', challenge: this.challenge };
    }
    if (need.need === 'chap') {
      const { method, id, challenge } = need;
      const response = respond(method, id, this.password, challenge);
      return { n, is: 'chap', user: name, response, ...proof(method, this.password, challenge) };
    }
    const right =
      need.need === 'papcheck'
        ? text(need.password) === this.secret
        : Buffer.compare(
            need.response,
            respond(need.method, need.id, this.secret, this.challenge),
          ) === 0;
    const ok = right && need.user === user;
    const proven =
      need.need === 'chapcheck' && ok
        ? proof(need.method, this.lies ? 'lies' : this.secret, this.challenge)
        : {};
    return { n, is: 'verdict', ok, message: ok ? 'welcome' : 'go away', ...proven };
  }
}

const mschapv2Type = 26;
/** A packet of EAP with this value in it; MSCHAPv2 has an operation before it. */
function eap(code: number, id: number, type: number, value: Uint8Array): Uint8Array {
  const size = value.length + 1;
  const front = type === mschapv2Type ? [code, id, 0, 4 + size] : [];
  const length = 5 + front.length + size;
  return Uint8Array.of(code, id, 0, length, type, ...front, value.length, ...value);
}
function valueIn(packet: Uint8Array): Uint8Array | undefined {
  const at = packet[4] === mschapv2Type ? 9 : 5;
  const size = packet[at] ?? 0;
  return at + 1 + size > packet.length ? undefined : packet.subarray(at + 1, at + 1 + size);
}

type Loose<T> = {
  [K in keyof T]?: T[K] extends object | undefined ? Partial<T[K]> | undefined : T[K];
};

/** The default configuration with some of it changed. */
export function config(o: Loose<PppConfig> = {}): PppConfig {
  const merged: Record<string, unknown> = { ...defaultConfig };
  for (const [k, v] of Object.entries(o)) {
    const was = merged[k];
    merged[k] = typeof v === 'object' && typeof was === 'object' ? { ...was, ...v } : v;
  }
  return merged as unknown as PppConfig;
}

const methodNamed = (name: string): AuthMethod => {
  const m = authMethods.find((x) => x.name === name);
  if (m === undefined) throw new Error(name);
  return m;
};
export const [chap, pap] = [methodNamed('chap'), methodNamed('pap')];
export const [mschap, mschapv2] = [methodNamed('mschap'), methodNamed('mschapv2')];
export const eapMethod = methodNamed('eap');
export const local = 0x0a000001;
export const remote = 0x0a000002;
export const dns = [0x08080808, 0x09090909] as const;

/** A server that gives an address and name servers. */
export const server = (o: Loose<PppConfig> = {}): PppConfig => {
  const gives = { local, remote, server: true, askDns: false, dns };
  const ip = 'ip' in o && o.ip === undefined ? undefined : { ...gives, ...o.ip };
  return config({ ...o, lcp: { accept: [], ...o.lcp }, ip });
};

export type PppPair = Pair<Command, PppEvent> & { client: Peer; server: Peer };

/** Client a and server b, both with the link up and open. */
export function pair(a: PppConfig, b: PppConfig, o: PairOptions = {}): PppPair {
  const seed = o.seed ?? 1;
  const client = new Peer(a, 2 * seed);
  const srv = new Peer(b, 2 * seed + 1);
  const fmt = (p: Packet) => fmtPpp(p.buf, p.start, p.end);
  const p = new Pair<Command, PppEvent>(client, srv, { delay_ms: 10, fmt, ...o });
  return Object.assign(p, { client, server: srv });
}

export function both(p: PppPair, c: Command): void {
  p.command('a', c);
  p.command('b', c);
}

export function begin(p: PppPair): void {
  both(p, { do: 'up' });
  both(p, { do: 'open' });
}

/** A packet from nowhere to one side. */
export function inject(p: PppPair, to: 'client' | 'server', protocol: number, c: Control): void {
  p[to].receive(controlPacket(protocol, c), p.now);
  const nothing: Command = { do: 'answer', answer: { n: -1, is: 'error', why: '' } };
  if (to === 'client') p.command('a', nothing);
  else p.command('b', nothing);
}

/** Both NCPs are Opened at both ends. */
export const isUp = (p: PppPair): boolean =>
  [p.client, p.server].every(
    (x) => x.ppp.phase === 'Network' && x.ppp.ncps.every((ncp) => ncp.opened),
  );

export function last<K extends PppEvent['is']>(
  events: readonly PppEvent[],
  is: K,
): Extract<PppEvent, { is: K }> | undefined {
  return events.filter((e): e is Extract<PppEvent, { is: K }> => e.is === is).at(-1);
}
