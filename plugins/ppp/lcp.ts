/** The options of the Link Control Protocol, RFC 1661 section 6 and RFC 1662 section 7. */
import { concat, put16, put32, u16, u32 } from '@9p/packet';
import type { Random } from 'slashnet/core';
import { type AuthMethod, lcpOptions, protocols } from './codes.js';
import type { Option, Verdict } from './options.js';

export interface LcpConfig {
  /** Largest information field that we take; 1500 needs no option. */
  readonly mru: number;
  /** Control characters which the peer must escape; undefined: no
   *  asynchronous line, not asked for. */
  readonly accm: number | undefined;
  readonly magic: boolean;
  readonly pfc: boolean;
  readonly acfc: boolean;
  /** The peer is to report on the quality of the link as often, in hundredths of a second;
   *  undefined: LQR is not spoken. */
  readonly quality: number | undefined;
  /** The peer must authenticate itself by one of these, the first by
   *  preference; none: it need not. */
  readonly demand: readonly AuthMethod[];
  /** We let ourselves be authenticated by these. */
  readonly accept: readonly AuthMethod[];
}

/** What both ends have agreed to. */
export interface LcpResult {
  /** Largest information field that the peer takes. */
  peerMru: number;
  /** What we said that we take. */
  mru: number;
  /** Characters that we escape, and that the peer escapes (RFC 1662 7.1). */
  sendAccm: number;
  receiveAccm: number;
  /** We may send compressed protocol, address and control fields. */
  sendPfc: boolean;
  sendAcfc: boolean;
  magic: number;
  peerMagic: number;
  /** How often the peer reports on the link's quality, and how often we are to. */
  peerQuality: number | undefined;
  quality: number | undefined;
  /** How the peer authenticates itself to us, and we to the peer. */
  demand: AuthMethod | undefined;
  comply: AuthMethod | undefined;
}

export const defaultMru = 1500;
export const mru_min = 128;
/** Configure-Requests that carry our own magic number until the line counts as looped back. */
const loops_max = 5;

export function initialResult(): LcpResult {
  return {
    peerMru: defaultMru,
    mru: defaultMru,
    sendAccm: 0xffffffff,
    receiveAccm: 0xffffffff,
    sendPfc: false,
    sendAcfc: false,
    magic: 0,
    peerMagic: 0,
    peerQuality: undefined,
    quality: undefined,
    demand: undefined,
    comply: undefined,
  };
}

const be16 = (v: number): Uint8Array => {
  const b = new Uint8Array(2);
  put16(b, 0, v);
  return b;
};
const be32 = (v: number): Uint8Array => {
  const b = new Uint8Array(4);
  put32(b, 0, v);
  return b;
};
const nothing = new Uint8Array(0);

/** The options, which write what is agreed into `r`. Classes: a session has all of them, and
 *  functions of its own would be half its memory. */
export function lcpOptionSet(c: LcpConfig, r: LcpResult, random: Random): readonly Option[] {
  return [
    new Mru(c, r),
    new Accm(c, r),
    new Auth(c, r),
    ...(c.quality === undefined ? [] : [new LinkQuality(c.quality, r)]),
    new Magic(c, r, random),
    new Flag(lcpOptions.pfc, c.pfc, r, 'sendPfc'),
    new Flag(lcpOptions.acfc, c.acfc, r, 'sendAcfc'),
  ];
}

const none: readonly [number, number] = [0, 0];
const two: readonly [number, number] = [2, 2];
const four: readonly [number, number] = [4, 4];

/** Maximum-Receive-Unit, RFC 1661 6.1. */
class Mru implements Option {
  readonly #r: LcpResult;
  readonly #most: number;
  #ask: number | undefined;

  constructor(c: LcpConfig, r: LcpResult) {
    this.#r = r;
    this.#most = c.mru;
    this.#ask = c.mru === defaultMru ? undefined : c.mru;
  }
  get type(): number {
    return lcpOptions.mru;
  }
  get length(): readonly [number, number] {
    return two;
  }
  wanted(): Uint8Array | undefined {
    return this.#ask === undefined ? undefined : be16(this.#ask);
  }
  acked(v: Uint8Array | undefined): void {
    this.#r.mru = v === undefined ? defaultMru : u16(v, 0);
  }
  naked(hint: Uint8Array): undefined {
    const mru = u16(hint, 0);
    this.#ask = mru >= mru_min && mru <= this.#most ? mru : undefined;
  }
  rejected(): undefined {
    this.#ask = undefined;
  }
  judge(v: Uint8Array): Verdict {
    return u16(v, 0) >= mru_min ? 'ack' : be16(mru_min);
  }
  suggest(): Uint8Array {
    return be16(defaultMru);
  }
  agreed(v: Uint8Array | undefined): void {
    this.#r.peerMru = v === undefined ? defaultMru : u16(v, 0);
  }
}

/** Async-Control-Character-Map, RFC 1662 7.1. What the peer suggests is added to what we ask. */
class Accm implements Option {
  readonly #r: LcpResult;
  #ask: number | undefined;

  constructor(c: LcpConfig, r: LcpResult) {
    this.#r = r;
    this.#ask = c.accm;
  }
  get type(): number {
    return lcpOptions.accm;
  }
  get length(): readonly [number, number] {
    return four;
  }
  wanted(): Uint8Array | undefined {
    return this.#ask === undefined ? undefined : be32(this.#ask);
  }
  acked(v: Uint8Array | undefined): void {
    this.#r.receiveAccm = v === undefined ? 0xffffffff : u32(v, 0);
  }
  naked(hint: Uint8Array): undefined {
    if (this.#ask !== undefined) this.#ask = (this.#ask | u32(hint, 0)) >>> 0;
  }
  rejected(): undefined {
    this.#ask = undefined;
  }
  judge(): Verdict {
    return 'ack';
  }
  suggest(): Uint8Array {
    return be32(0);
  }
  agreed(v: Uint8Array | undefined): void {
    this.#r.sendAccm = v === undefined ? 0xffffffff : u32(v, 0);
  }
}

const methodValue = (m: AuthMethod): Uint8Array => concat(be16(m.protocol), m.data);

/** The method that an option's value names, of `list`; CHAP's algorithm is part of its name. */
export function methodOf(v: Uint8Array, list: readonly AuthMethod[]): AuthMethod | undefined {
  return list.find(
    (m) =>
      v.length === 2 + m.data.length &&
      u16(v, 0) === m.protocol &&
      m.data.every((d, i) => v[2 + i] === d),
  );
}

/** Authentication-Protocol, RFC 1661 6.2: we ask it of a peer that must authenticate itself. */
class Auth implements Option {
  readonly #c: LcpConfig;
  readonly #r: LcpResult;
  /** Those that the peer has not refused yet. */
  #left: readonly AuthMethod[];

  constructor(c: LcpConfig, r: LcpResult) {
    this.#c = c;
    this.#r = r;
    this.#left = c.demand;
  }
  get type(): number {
    return lcpOptions.auth;
  }
  get length(): readonly [number, number] {
    return authLength;
  }
  wanted(): Uint8Array | undefined {
    return this.#left[0] === undefined ? undefined : methodValue(this.#left[0]);
  }
  acked(v: Uint8Array | undefined): void {
    this.#r.demand = v === undefined ? undefined : methodOf(v, this.#c.demand);
  }
  /** To the method that the peer suggests if we allow it, else to our next. */
  naked(hint: Uint8Array): string | undefined {
    const m = methodOf(hint, this.#left);
    const [refused, ...left] = this.#left;
    this.#left = left;
    if (m === undefined || m === refused)
      return left.length > 0 ? undefined : 'peer refuses to authenticate itself by what we allow';
    this.#left = [m, ...left.filter((x) => x !== m)];
    return undefined;
  }
  rejected(): string | undefined {
    return this.#left.length === 0 ? undefined : 'peer refuses to authenticate itself';
  }
  judge(v: Uint8Array): Verdict {
    if (methodOf(v, this.#c.accept) !== undefined) return 'ack';
    const first = this.#c.accept[0];
    return first === undefined ? 'rej' : methodValue(first);
  }
  agreed(v: Uint8Array | undefined): void {
    this.#r.comply = v === undefined ? undefined : methodOf(v, this.#c.accept);
  }
}
const authLength: readonly [number, number] = [2, 32];

const lqrValue = (period: number): Uint8Array => concat(be16(protocols.lqr), be32(period));
/** The period of a Quality-Protocol option that asks for LQR. */
const lqrPeriod = (v: Uint8Array | undefined): number | undefined =>
  v?.length === 6 && u16(v, 0) === protocols.lqr ? u32(v, 2) : undefined;
/** A second: to report more often is a burden. */
const period_min = 100;
const protocolAndMore: readonly [number, number] = [2, 32];

/** Quality-Protocol, RFC 1661 6.3 and RFC 1989: who asks for it wants to be told. */
class LinkQuality implements Option {
  readonly #r: LcpResult;
  readonly #period: number;
  #ask: number | undefined;

  constructor(period: number, r: LcpResult) {
    this.#r = r;
    this.#period = period;
    this.#ask = period;
  }
  get type(): number {
    return lcpOptions.quality;
  }
  get length(): readonly [number, number] {
    return protocolAndMore;
  }
  wanted(): Uint8Array | undefined {
    return this.#ask === undefined ? undefined : lqrValue(this.#ask);
  }
  acked(v: Uint8Array | undefined): void {
    this.#r.peerQuality = lqrPeriod(v);
  }
  naked(hint: Uint8Array): undefined {
    this.#ask = lqrPeriod(hint);
  }
  rejected(): undefined {
    this.#ask = undefined;
  }
  judge(v: Uint8Array): Verdict {
    const asked = lqrPeriod(v);
    if (asked === undefined) return lqrValue(this.#period);
    return asked > 0 && asked < period_min ? lqrValue(period_min) : 'ack';
  }
  agreed(v: Uint8Array | undefined): void {
    this.#r.quality = lqrPeriod(v);
  }
}

/** Magic-Number, RFC 1661 6.4: a request that carries ours has come back to us. */
class Magic implements Option {
  readonly #r: LcpResult;
  readonly #random: Random;
  #ask: boolean;
  #ours: number;
  #loops = 0;

  constructor(c: LcpConfig, r: LcpResult, random: Random) {
    this.#r = r;
    this.#random = random;
    this.#ask = c.magic;
    this.#ours = nonZero(random);
  }
  #another(): number {
    for (;;) {
      const m = nonZero(this.#random);
      if (m !== this.#ours) return m;
    }
  }
  get type(): number {
    return lcpOptions.magic;
  }
  get length(): readonly [number, number] {
    return four;
  }
  wanted(): Uint8Array | undefined {
    return this.#ask ? be32(this.#ours) : undefined;
  }
  acked(v: Uint8Array | undefined): void {
    this.#r.magic = v === undefined ? 0 : u32(v, 0);
  }
  naked(): undefined {
    this.#ours = this.#another();
  }
  rejected(): undefined {
    this.#ask = false;
  }
  judge(v: Uint8Array): Verdict {
    const m = u32(v, 0);
    if (m === 0) return this.suggest();
    if (!this.#ask || m !== this.#ours) {
      this.#loops = 0;
      return 'ack';
    }
    return ++this.#loops >= loops_max ? { fail: 'the line is looped back' } : this.suggest();
  }
  suggest(): Uint8Array {
    return be32(this.#another());
  }
  agreed(v: Uint8Array | undefined): void {
    this.#r.peerMagic = v === undefined ? 0 : u32(v, 0);
  }
}

export function nonZero(random: Random): number {
  for (;;) {
    const m = random.u32();
    if (m !== 0) return m;
  }
}

/** Protocol- and Address-and-Control-Field-Compression, RFC 1661 6.5 and 6.6: there or not. */
class Flag implements Option {
  readonly type: number;
  readonly #on: boolean;
  readonly #r: LcpResult;
  readonly #send: 'sendPfc' | 'sendAcfc';
  #ask: boolean;

  constructor(type: number, on: boolean, r: LcpResult, send: 'sendPfc' | 'sendAcfc') {
    this.type = type;
    this.#on = on;
    this.#r = r;
    this.#send = send;
    this.#ask = on;
  }
  get length(): readonly [number, number] {
    return none;
  }
  wanted(): Uint8Array | undefined {
    return this.#ask ? nothing : undefined;
  }
  acked(): void {}
  naked(): undefined {
    this.#ask = false;
  }
  rejected(): undefined {
    this.#ask = false;
  }
  judge(): Verdict {
    return this.#on ? 'ack' : 'rej';
  }
  agreed(v: Uint8Array | undefined): void {
    this.#r[this.#send] = v !== undefined;
  }
}
