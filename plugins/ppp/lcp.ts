/** The options of the Link Control Protocol, RFC 1661 section 6 and RFC 1662 section 7. */
import { concat, put16, put32, u16, u32 } from '@9p/packet';
import type { Random } from 'slashnet/core';
import { type AuthMethod, authMethods, lcpOptions } from './codes.js';
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

/** The options, which write what is agreed into `r`. */
export function lcpOptionSet(c: LcpConfig, r: LcpResult, random: Random): readonly Option[] {
  return [
    mruOption(c, r),
    accmOption(c, r),
    authOption(c, r),
    magicOption(c, r, random),
    flagOption(lcpOptions.pfc, c.pfc, (on) => {
      r.sendPfc = on;
    }),
    flagOption(lcpOptions.acfc, c.acfc, (on) => {
      r.sendAcfc = on;
    }),
  ];
}

/** Maximum-Receive-Unit, RFC 1661 6.1. */
function mruOption(c: LcpConfig, r: LcpResult): Option {
  let ask: number | undefined = c.mru === defaultMru ? undefined : c.mru;
  return {
    type: lcpOptions.mru,
    length: [2, 2],
    wanted: () => (ask === undefined ? undefined : be16(ask)),
    acked(v) {
      r.mru = v === undefined ? defaultMru : u16(v, 0);
    },
    naked(hint) {
      const mru = u16(hint, 0);
      ask = mru >= mru_min && mru <= c.mru ? mru : undefined;
      return undefined;
    },
    rejected() {
      ask = undefined;
      return undefined;
    },
    judge: (v) => (u16(v, 0) >= mru_min ? 'ack' : be16(mru_min)),
    suggest: () => be16(defaultMru),
    agreed(v) {
      r.peerMru = v === undefined ? defaultMru : u16(v, 0);
    },
  };
}

/** Async-Control-Character-Map, RFC 1662 7.1. What the peer suggests is added to what we ask. */
function accmOption(c: LcpConfig, r: LcpResult): Option {
  let ask = c.accm;
  return {
    type: lcpOptions.accm,
    length: [4, 4],
    wanted: () => (ask === undefined ? undefined : be32(ask)),
    acked(v) {
      r.receiveAccm = v === undefined ? 0xffffffff : u32(v, 0);
    },
    naked(hint) {
      if (ask !== undefined) ask = (ask | u32(hint, 0)) >>> 0;
      return undefined;
    },
    rejected() {
      ask = undefined;
      return undefined;
    },
    judge: () => 'ack',
    suggest: () => be32(0),
    agreed(v) {
      r.sendAccm = v === undefined ? 0xffffffff : u32(v, 0);
    },
  };
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
function authOption(c: LcpConfig, r: LcpResult): Option {
  const left = [...c.demand];
  const known = [...authMethods, ...c.demand, ...c.accept];
  const prefer = (): Verdict => {
    const first = c.accept[0];
    return first === undefined ? 'rej' : methodValue(first);
  };
  return {
    type: lcpOptions.auth,
    length: [2, 32],
    wanted: () => (left[0] === undefined ? undefined : methodValue(left[0])),
    acked(v) {
      r.demand = v === undefined ? undefined : methodOf(v, known);
    },
    /** To the method that the peer suggests if we allow it, else to our next. */
    naked(hint) {
      const m = methodOf(hint, left);
      const refused = left.shift();
      if (m === undefined || m === refused) {
        return left.length > 0 ? undefined : 'peer refuses to authenticate itself by what we allow';
      }
      left.splice(left.indexOf(m), 1);
      left.unshift(m);
      return undefined;
    },
    rejected: () => (left.length === 0 ? undefined : 'peer refuses to authenticate itself'),
    judge: (v) => (methodOf(v, c.accept) === undefined ? prefer() : 'ack'),
    agreed(v) {
      r.comply = v === undefined ? undefined : methodOf(v, c.accept);
    },
  };
}

/** Magic-Number, RFC 1661 6.4: a request that carries ours has come back to us. */
function magicOption(c: LcpConfig, r: LcpResult, random: Random): Option {
  let ask = c.magic;
  let ours = nonZero(random);
  let loops = 0;
  const another = (not: number): number => {
    for (;;) {
      const m = nonZero(random);
      if (m !== not) return m;
    }
  };
  return {
    type: lcpOptions.magic,
    length: [4, 4],
    wanted: () => (ask ? be32(ours) : undefined),
    acked(v) {
      r.magic = v === undefined ? 0 : u32(v, 0);
    },
    naked() {
      ours = another(ours);
      return undefined;
    },
    rejected() {
      ask = false;
      return undefined;
    },
    judge(v) {
      const m = u32(v, 0);
      if (m === 0) return be32(another(ours));
      if (!ask || m !== ours) {
        loops = 0;
        return 'ack';
      }
      if (++loops >= loops_max) return { fail: 'the line is looped back' };
      return be32(another(ours));
    },
    suggest: () => be32(another(ours)),
    agreed(v) {
      r.peerMagic = v === undefined ? 0 : u32(v, 0);
    },
  };
}

export function nonZero(random: Random): number {
  for (;;) {
    const m = random.u32();
    if (m !== 0) return m;
  }
}

/** Protocol- and Address-and-Control-Field-Compression, RFC 1661 6.5 and 6.6: there or not. */
function flagOption(type: number, on: boolean, send: (on: boolean) => void): Option {
  let ask = on;
  return {
    type,
    length: [0, 0],
    wanted: () => (ask ? nothing : undefined),
    acked() {},
    naked() {
      ask = false;
      return undefined;
    },
    rejected() {
      ask = false;
      return undefined;
    },
    judge: () => (on ? 'ack' : 'rej'),
    agreed: (v) => send(v !== undefined),
  };
}
