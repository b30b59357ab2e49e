/** Compression Control Protocol, RFC 1962, for one option: MPPC (RFC 2118) and MPPE (RFC 3078
 *  section 2). Whatever else a peer asks for is rejected. */
import { put32, u32 } from '@9p/packet';
import type { Ms } from 'slashnet/core';
import { ccpOptions, codes, protocols } from './codes.js';
import type { ControlProtocol, CpHost } from './cp.js';
import type { Mode } from './mppe.js';
import type { Bits } from './mppekey.js';
import type { NcpSpec } from './network.js';
import type { Option, Verdict } from './options.js';
import type { Control } from './wire.js';

export interface CcpConfig {
  /** MPPC: asked for, taken if the peer would have it, or not. */
  readonly compress: 'ask' | 'agree' | 'no';
  readonly mppe: 'require' | 'prefer' | 'deny';
  /** Key lengths that will do, the first by preference. */
  readonly bits: readonly Bits[];
  /** The one that must be; undefined: stateless, or what the peer would rather have. */
  readonly state: 'stateless' | 'stateful' | undefined;
}

export const defaultCcp: CcpConfig = {
  compress: 'agree',
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

/** In words: "mppc 128 stateless". */
export function valueText(v: number): string {
  const bits = strengths.filter(([, flag]) => (v & flag) !== 0).map(([b]) => `${b}`);
  const words = [...((v & mppc) === 0 ? [] : ['mppc']), ...bits];
  return [...words, (v & stateless) === 0 ? 'stateful' : 'stateless'].join(' ');
}

export function modeText(m: Mode | undefined): string {
  if (m === undefined) return 'none';
  const mppe = m.bits === 0 ? [] : [`mppe ${m.bits}`];
  const state = m.stateless ? 'stateless' : 'stateful';
  return [...(m.compress ? ['mppc'] : []), ...mppe, state].join(' ');
}

/** What goes out, what comes in; once if they are alike. */
export function ccpLine(r: CcpResult): string {
  const [send, receive] = [modeText(r.send), modeText(r.receive)];
  return send === receive ? send : `send ${send} receive ${receive}`;
}

/** From one Reset-Request to the next. */
const reset_ms = 500;

/** Is there anything to negotiate? */
export const wanted = (c: CcpConfig): boolean => c.mppe === 'require' || wishes(c).length > 0;

/** What can be had with the keys there are: those of MS-CHAP do for 128 bits alone, since shorter
 *  ones are made of the LAN Manager hash (RFC 3079 section 2.1), which `auth` does not make. */
export function possible(c: CcpConfig, keys: 'none' | 'mschap' | 'mschapv2'): CcpConfig {
  if (keys === 'none' || c.mppe === 'deny') return { ...c, bits: [] };
  return keys === 'mschap' ? { ...c, bits: c.bits.filter((b) => b === 128) } : c;
}

/** Of what the peer offers, that which we take. 0: nothing. */
function choose(c: CcpConfig, offer: number): number {
  const bits = c.bits.find((b) => (offer & flagOf(b)) !== 0);
  const comp = c.compress === 'no' ? 0 : offer & mppc;
  if (bits === undefined) return comp === 0 ? 0 : comp | (offer & stateless);
  if (c.state === 'stateful') return comp | flagOf(bits);
  return comp | flagOf(bits) | (c.state === 'stateless' ? stateless : offer & stateless);
}

/** What we would have, by preference: the first goes out, the next if that is rejected. */
function wishes(c: CcpConfig): number[] {
  const comp = c.compress === 'ask' ? mppc : 0;
  const h = c.state === 'stateful' ? 0 : stateless;
  const out = c.bits.map((b) => flagOf(b) | comp | h);
  return comp === 0 || c.mppe === 'require' ? out : [...out, comp];
}

/** Values of the option, as they were agreed on. */
interface Agreed {
  send: number;
  receive: number;
}

/** More than once, since the Nak may be lost: the same request then comes again. Fewer than
 *  Max-Failure, so that a peer that has no encryption may compress at least. */
const hints_max = 3;

class MppeOption implements Option {
  readonly #c: CcpConfig;
  readonly #r: Agreed;
  readonly #left: number[];
  readonly #best: number;
  /** How often encryption was suggested to a peer that asks for less, and what it had asked for. */
  #hints = 0;
  #hinted = 0;
  /** How often the peer suggested what we had asked for. */
  #insisted = 0;

  constructor(c: CcpConfig, r: Agreed) {
    this.#c = c;
    this.#r = r;
    this.#left = wishes(c);
    this.#best = this.#left[0] ?? 0;
  }
  get type(): number {
    return ccpOptions.mppe;
  }
  get length(): readonly [number, number] {
    return four;
  }
  get #must(): boolean {
    return this.#c.mppe === 'require';
  }
  wanted(): Uint8Array | undefined {
    const [first] = this.#left;
    return first === undefined ? undefined : value(first);
  }
  acked(v: Uint8Array | undefined): void {
    this.#r.receive = v === undefined ? 0 : u32(v, 0);
  }
  /** What we can of it; the next wish, if that is nothing or what we have asked for. Who suggests
   *  encryption to a request for MPPC alone may still take that, as we do after a few hints. */
  naked(hint: Uint8Array): string | undefined {
    const v = choose(this.#c, u32(hint, 0));
    const useless = v === 0 || (this.#must && (v & anyBits) === 0);
    const plain = (v & anyBits) === 0 && ++this.#insisted <= hints_max;
    if (useless || (v === this.#left[0] && !plain)) return this.rejected();
    this.#left[0] = v;
    return undefined;
  }
  rejected(): string | undefined {
    this.#insisted = 0;
    this.#left.shift();
    const over = this.#left.length === 0 && this.#must;
    return over ? 'peer refuses the encryption that we require' : undefined;
  }
  judge(v: Uint8Array): Verdict {
    const asked = u32(v, 0);
    const ours = choose(this.#c, asked);
    const weak = (ours & anyBits) === 0 && (this.#best & anyBits) !== 0;
    if (this.#hints === 0) this.#hinted = asked;
    const again = asked === this.#hinted && this.#hints < hints_max;
    if (weak && (this.#must || again)) {
      this.#hints++;
      return value(this.#best);
    }
    if (ours === asked) return 'ack';
    return ours === 0 ? 'rej' : value(ours);
  }
  suggest(): Uint8Array {
    return value(this.#best);
  }
  agreed(v: Uint8Array | undefined): void {
    this.#r.send = v === undefined ? 0 : u32(v, 0);
  }
  missing(): Uint8Array | undefined {
    return this.#must ? value(this.#best) : undefined;
  }
}
const four: readonly [number, number] = [4, 4];

export interface CcpHost extends CpHost {
  /** Both requests are acknowledged; undefined: no longer. */
  agreed(r: CcpResult | undefined, why: string): void;
  /** The peer has lost something: our next packet must not depend on it. */
  flush(): void;
}

/** One negotiation of it, and the resets while it is Opened. */
export class Ccp {
  readonly spec: NcpSpec;
  readonly #host: CcpHost;
  #ncp: ControlProtocol | undefined;
  readonly #r: Agreed = { send: 0, receive: 0 };
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
      options: [new MppeOption(c, this.#r)],
      extra: (x) => this.#extra(x),
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
  #extra(c: Control): boolean {
    if (c.code !== codes.resetReq && c.code !== codes.resetAck) return false;
    if (this.#ncp === undefined) this.#host.count('ccpearly');
    else if (c.code === codes.resetAck) this.#quiet = Number.NEGATIVE_INFINITY;
    else {
      if ((this.#r.send & mppc) === 0) this.#ncp.send(codes.resetAck, c.id, c.body.slice());
      this.#host.flush();
    }
    return true;
  }

  /** What came cannot be read, for something is missing. */
  reset(now: Ms): void {
    if (this.#ncp === undefined || now < this.#quiet) return;
    this.#quiet = now + reset_ms;
    this.#ncp.send(codes.resetReq, this.#ncp.nextId(), new Uint8Array(0));
  }

  /** Negotiate anew: both ends begin with the first key and an empty history. */
  restart(now: Ms): void {
    const ncp = this.#ncp;
    ncp?.down(now);
    ncp?.up(now);
  }
}
