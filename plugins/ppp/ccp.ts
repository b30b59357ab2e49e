/** Compression Control Protocol, RFC 1962, for one option: MPPC (RFC 2118) and MPPE (RFC 3078
 *  section 2). Whatever else a peer asks for is rejected. */
import { put32, u32 } from '@9p/packet';
import type { Ms } from 'slashnet/core';
import { ccpCodes, ccpOptions, protocols } from './codes.js';
import type { ControlProtocol, CpHost } from './cp.js';
import type { Mode } from './mppe.js';
import type { Bits } from './mppekey.js';
import type { NcpSpec } from './network.js';
import type { Option } from './options.js';
import type { Control } from './wire.js';

export interface CcpConfig {
  /** MPPC. */
  readonly compress: boolean;
  readonly mppe: 'require' | 'prefer' | 'deny';
  /** Key lengths that will do, the first by preference. */
  readonly bits: readonly Bits[];
  /** The one that must be; undefined: stateless, or what the peer would rather have. */
  readonly state: 'stateless' | 'stateful' | undefined;
}

export const defaultCcp: CcpConfig = {
  compress: true,
  mppe: 'prefer',
  bits: [128, 56],
  state: undefined,
};

/** Either direction may be without. */
export interface CcpResult {
  readonly send: Mode | undefined;
  readonly receive: Mode | undefined;
}

/** The value of the option. */
const mppc = 0x01;
const stateless = 0x01000000;
const strengths: readonly (readonly [bits: Bits, flag: number])[] = [
  [128, 0x40],
  [56, 0x80],
  [40, 0x20],
];
const flagOf = (bits: Bits | undefined): number => strengths.find(([b]) => b === bits)?.[1] ?? 0;
const anyBits = 0xe0;

const value = (v: number): Uint8Array => {
  const b = new Uint8Array(4);
  put32(b, 0, v);
  return b;
};

function modeOf(v: number): Mode | undefined {
  const bits = strengths.find(([, flag]) => (v & flag) !== 0)?.[0] ?? 0;
  const mode: Mode = { bits, stateless: (v & stateless) !== 0, compress: (v & mppc) !== 0 };
  return bits === 0 && !mode.compress ? undefined : mode;
}

/** `v` in words, for logs and the file. */
export function modeText(m: Mode | undefined): string {
  if (m === undefined) return 'none';
  const mppe = m.bits === 0 ? [] : [`mppe ${m.bits}`];
  return [...(m.compress ? ['mppc'] : []), ...mppe, m.stateless ? 'stateless' : 'stateful'].join(' ');
}

const least_ms = 500;

/** What CCP may have: no key, no encryption. */
export function possible(c: CcpConfig, method: string | undefined): CcpConfig {
  if (method === undefined) return { ...c, bits: [] };
  // RFC 3079 section 2: shorter keys are made of the LAN Manager hash, which `auth` does not make
  return method === 'mschap' ? { ...c, bits: c.bits.filter((b) => b === 128) } : c;
}

/** Of what the peer offers, that which we take. 0: nothing. */
function choose(c: CcpConfig, offer: number): number {
  const bits = c.bits.find((b) => (offer & flagOf(b)) !== 0);
  const comp = c.compress ? offer & mppc : 0;
  if (bits === undefined) return comp === 0 ? 0 : comp | (offer & stateless);
  if (c.state === 'stateful') return comp | flagOf(bits);
  return comp | flagOf(bits) | (c.state === 'stateless' ? stateless : offer & stateless);
}

/** What we would have, by preference: the first goes out, the next if that is rejected. */
function wishes(c: CcpConfig): number[] {
  const comp = c.compress ? mppc : 0;
  const h = c.state === 'stateful' ? 0 : stateless;
  const out = c.bits.map((b) => flagOf(b) | comp | h);
  return comp === 0 || c.mppe === 'require' ? out : [...out, comp];
}

/** The option: `r` gets what is agreed on. */
function mppeOption(c: CcpConfig, r: { send: number; receive: number }): Option {
  const left = wishes(c);
  const best = left[0] ?? 0;
  const must = c.mppe === 'require';
  const refused = must ? 'peer refuses the encryption that we require' : undefined;
  let hinted = false;
  const next = (): string | undefined => {
    left.shift();
    return left.length === 0 ? refused : undefined;
  };
  return {
    type: ccpOptions.mppe,
    length: [4, 4],
    wanted: () => (left[0] === undefined ? undefined : value(left[0])),
    acked(v) {
      r.receive = v === undefined ? 0 : u32(v, 0);
    },
    /** What we can of it; the next wish, if that is what we have asked for. */
    naked(hint) {
      const v = choose(c, u32(hint, 0));
      if (v === 0 || (must && (v & anyBits) === 0) || v === left[0]) return next();
      left[0] = v;
      return undefined;
    },
    rejected: next,
    /** Encryption is suggested once to who asks for compression alone. */
    judge(v) {
      const asked = u32(v, 0);
      const ours = choose(c, asked);
      const weak = (ours & anyBits) === 0 && (best & anyBits) !== 0;
      if (weak && (must || !hinted)) {
        hinted = true;
        return value(best);
      }
      if (ours === asked) return 'ack';
      return ours === 0 ? 'rej' : value(ours);
    },
    suggest: () => value(best),
    agreed(v) {
      r.send = v === undefined ? 0 : u32(v, 0);
    },
    missing: () => (must ? value(best) : undefined),
  };
}

export interface CcpHost extends CpHost {
  /** Both requests are acknowledged; undefined: no longer. */
  agreed(r: CcpResult | undefined, why: string): void;
  /** The peer has lost something: our next packet must not depend on it. */
  flush(): void;
  /** The link may not go on without. */
  failed(why: string): void;
}

/** One negotiation of it, and the resets while it is Opened. */
export class Ccp {
  readonly spec: NcpSpec;
  readonly #host: CcpHost;
  #ncp: ControlProtocol | undefined;
  #r = { send: 0, receive: 0 };
  /** Our Reset-Request is under way: another one must wait. */
  #quiet: Ms = Number.NEGATIVE_INFINITY;

  constructor(c: CcpConfig, host: CcpHost) {
    this.#host = host;
    const must = c.mppe === 'require';
    this.spec = {
      name: 'ccp',
      protocol: protocols.ccp,
      carries: false,
      demanded: must,
      options: mppeOption(c, this.#r),
      extra: (x, now) => this.#extra(x, now),
      up: (now, ncp) => this.#up(now, ncp, must),
      lost: (why) => {
        host.agreed(undefined, why);
        this.#ncp = undefined;
      },
    };
  }

  #up(now: Ms, ncp: ControlProtocol, must: boolean): void {
    const { send, receive } = this.#r;
    if (must && ((send & anyBits) === 0 || (receive & anyBits) === 0))
      return ncp.close('ccp: peer does not encrypt', now);
    this.#ncp = ncp;
    this.#quiet = Number.NEGATIVE_INFINITY;
    this.#host.agreed({ send: modeOf(send), receive: modeOf(receive) }, '');
  }

  /** Reset-Request and Reset-Ack, RFC 1962 sections 3.1 and 3.2. RFC 2118 and RFC 3078 have no
   *  Reset-Ack, but Linux drops all until there is one; with MPPC it is not Linux. */
  #extra(c: Control, _now: Ms): boolean {
    if (c.code !== ccpCodes.resetReq && c.code !== ccpCodes.resetAck) return false;
    if (this.#ncp === undefined) this.#host.count('ccpearly');
    else if (c.code === ccpCodes.resetAck) this.#quiet = Number.NEGATIVE_INFINITY;
    else {
      const send = modeOf(this.#r.send);
      if (send?.compress === false)
        this.#host.send(protocols.ccp, { code: ccpCodes.resetAck, id: c.id, body: c.body.slice() });
      this.#host.flush();
    }
    return true;
  }

  /** What came cannot be read, for something is missing. */
  reset(now: Ms): void {
    if (this.#ncp === undefined || now < this.#quiet) return;
    this.#quiet = now + least_ms;
    const id = this.#ncp.nextId();
    this.#host.send(protocols.ccp, { code: ccpCodes.resetReq, id, body: new Uint8Array(0) });
  }

  /** Negotiate anew: both ends begin with the first key and an empty history. */
  restart(now: Ms): void {
    const ncp = this.#ncp;
    ncp?.down(now);
    ncp?.up(now);
  }
}
