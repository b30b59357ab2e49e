/** IP Control Protocol: RFC 1332 (IP-Address) and RFC 1877 (name servers), with ppp(8)'s rule:
 *  an address that was given is neither asked for nor believed of the other end. */
import { u8, u16, u32 } from '@9p/packet';
import { ipBytes, ipText, usable } from './address.js';
import { ipcpOptions, protocols } from './codes.js';
import type { Option, Verdict } from './options.js';
import type { VjLimits } from './vj.js';

export interface IpcpConfig {
  /** Ours; undefined: the peer gives it. */
  readonly local: number | undefined;
  /** The peer's; undefined: the peer knows it. */
  readonly remote: number | undefined;
  /** A server takes no address from the peer for itself. */
  readonly server: boolean;
  readonly askDns: boolean;
  readonly askWins: boolean;
  /** To give to the peer, two at most. */
  readonly dns: readonly number[];
  readonly wins: readonly number[];
  /** Where the peer's address comes from if `remote` is not given. */
  readonly pool?: Lease;
  /** What we take of VJ's; the peer's is taken as it is. Absent: none either way. */
  readonly vj?: VjLimits;
}

/** A session's share of a pool: one address, the same each time. */
export interface Lease {
  /** "pool 10.0.0.10-10.0.3.250" */
  readonly name: string;
  /** `asked` if that is free, else any that is; undefined: none is. */
  take(asked: number): number | undefined;
}

/** First and second server; 0: none. */
type Found = [number, number];

export interface IpcpResult {
  local: number;
  remote: number;
  readonly dns: Found;
  readonly wins: Found;
  /** VJ as we send it, and as the peer does. */
  vjSend?: VjLimits | undefined;
  vjReceive?: VjLimits | undefined;
}

export function initialIpcp(c: IpcpConfig): IpcpResult {
  return { local: c.local ?? 0, remote: c.remote ?? 0, dns: [0, 0], wins: [0, 0] };
}

export function ipcpOptionSet(c: IpcpConfig, r: IpcpResult): readonly Option[] {
  const { dns1, dns2, wins1, wins2 } = ipcpOptions;
  // A server that is neither asked for nor given is refused as any unknown option is.
  const server = (type: number, ask: boolean, give: number | undefined, found: Found, i: 0 | 1) =>
    ask || give !== undefined ? [new NameServer(type, ask, give, found, i)] : [];
  return [
    new Address(c, r),
    ...(c.vj === undefined ? [] : [new Compression(c.vj, r)]),
    ...server(dns1, c.askDns, c.dns[0], r.dns, 0),
    ...server(wins1, c.askWins, c.wins[0], r.wins, 0),
    ...server(dns2, c.askDns, c.dns[1], r.dns, 1),
    ...server(wins2, c.askWins, c.wins[1], r.wins, 1),
  ];
}

const noAddress = 'peer gives us no address';

/** Why what was agreed on cannot be used. */
export function ipcpFault(c: IpcpConfig, r: IpcpResult): string | undefined {
  if (r.local === 0) return noAddress;
  if (r.local === r.remote) return `both ends would be ${ipText(r.local)}`;
  if (c.pool !== undefined && r.remote === 0) return `peer has no address of ${c.pool.name}`;
  return undefined;
}

const four: readonly [number, number] = [4, 4];

/** IP-Address, RFC 1332 3.3: in a request the sender's own, 0 asks for one. */
class Address implements Option {
  readonly #c: IpcpConfig;
  readonly #r: IpcpResult;
  #ask = true;
  /** What the peer would have us be, against what was given. */
  #forced: number | undefined;

  constructor(c: IpcpConfig, r: IpcpResult) {
    this.#c = c;
    this.#r = r;
  }
  get type(): number {
    return ipcpOptions.addr;
  }
  get length(): readonly [number, number] {
    return four;
  }
  wanted(): Uint8Array | undefined {
    return this.#ask ? ipBytes(this.#r.local) : undefined;
  }
  acked(v: Uint8Array | undefined): void {
    if (v !== undefined) this.#r.local = u32(v, 0);
  }
  naked(hint: Uint8Array): undefined {
    const v = u32(hint, 0);
    const fixed = this.#c.local !== undefined || this.#c.server;
    const good = v === 0 || (usable(v) && v !== this.#remote);
    if (!fixed && good) this.#r.local = v;
    else if (v !== this.#r.local) this.#forced = v;
  }
  /** A peer that does not talk about addresses may leave us what was given; one that had another
   *  for us will not talk to it. */
  rejected(): string | undefined {
    this.#ask = false;
    if (this.#forced !== undefined && this.#forced !== 0)
      return `peer wants us to be ${ipText(this.#forced)}`;
    return this.#r.local === 0 ? noAddress : undefined;
  }

  /** The peer's address, where that is not for the peer to say. */
  get #remote(): number | undefined {
    return this.#c.remote ?? (this.#c.pool === undefined ? undefined : this.#r.remote || undefined);
  }
  /** One of the pool, the one asked for if it can be. */
  #lease(asked: number): number | undefined {
    const leased = this.#remote ?? this.#c.pool?.take(asked);
    if (this.#c.pool !== undefined) this.#r.remote = leased ?? 0;
    return leased;
  }

  judge(v: Uint8Array): Verdict {
    const asked = u32(v, 0);
    const right = this.#lease(asked);
    if (right !== undefined) return asked === right ? 'ack' : ipBytes(right);
    if (this.#c.pool !== undefined) return { fail: `ipcp: ${this.#c.pool.name} is used up` };
    if (asked === 0) return 'rej';
    return usable(asked) && asked !== this.#r.local ? 'ack' : ipBytes(0);
  }
  /** One that asks for an address has only not heard which. */
  insists(v: Uint8Array): string | undefined {
    const asked = u32(v, 0);
    return asked === 0 ? undefined : `ipcp: peer wants to be ${ipText(asked)}`;
  }
  suggest(): Uint8Array {
    return ipBytes(this.#lease(0) ?? 0);
  }
  agreed(v: Uint8Array | undefined): void {
    if (this.#remote === undefined) this.#r.remote = v === undefined ? 0 : u32(v, 0);
  }
  missing(): Uint8Array | undefined {
    return this.#c.remote === undefined ? this.suggest() : undefined;
  }
}

/** A name server, RFC 1877: 0 asks for it, the Nak brings it. `mine` is what we give. */
class NameServer implements Option {
  readonly type: number;
  readonly #mine: number | undefined;
  readonly #found: Found;
  readonly #i: 0 | 1;
  #ask: boolean;
  #value = 0;

  constructor(type: number, wants: boolean, mine: number | undefined, found: Found, i: 0 | 1) {
    this.type = type;
    this.#mine = mine;
    this.#found = found;
    this.#i = i;
    this.#ask = wants;
  }
  get length(): readonly [number, number] {
    return four;
  }
  wanted(): Uint8Array | undefined {
    return this.#ask ? ipBytes(this.#value) : undefined;
  }
  acked(v: Uint8Array | undefined): void {
    const server = v === undefined ? 0 : u32(v, 0);
    this.#found[this.#i] = usable(server) ? server : 0;
  }
  naked(hint: Uint8Array): undefined {
    if (this.#ask) this.#value = u32(hint, 0);
  }
  rejected(): undefined {
    this.#ask = false;
  }
  judge(v: Uint8Array): Verdict {
    if (this.#mine === undefined) return 'rej';
    return u32(v, 0) === this.#mine ? 'ack' : ipBytes(this.#mine);
  }
  agreed(): void {}
}

/** IP-Compression-Protocol, RFC 1332 section 4: what its sender can decompress. */
class Compression implements Option {
  readonly #r: IpcpResult;
  #mine: VjLimits;
  #ask = true;

  constructor(mine: VjLimits, r: IpcpResult) {
    this.#mine = mine;
    this.#r = r;
  }
  get type(): number {
    return ipcpOptions.comp;
  }
  get length(): readonly [number, number] {
    return four;
  }
  wanted(): Uint8Array | undefined {
    return this.#ask ? vjBytes(this.#mine) : undefined;
  }
  acked(v: Uint8Array | undefined): void {
    this.#r.vjReceive = v && this.#mine;
  }
  /** Fewer slots, or each packet with its own; of another protocol we know nothing. */
  naked(hint: Uint8Array): undefined {
    const { slots, compSlot } = vjOf(hint) ?? this.#mine;
    this.#mine = {
      slots: Math.min(slots, this.#mine.slots),
      compSlot: compSlot && this.#mine.compSlot,
    };
  }
  rejected(): undefined {
    this.#ask = false;
  }
  judge(v: Uint8Array): Verdict {
    return vjOf(v) === undefined ? this.suggest() : 'ack';
  }
  suggest(): Uint8Array {
    return vjBytes(this.#mine);
  }
  agreed(v: Uint8Array | undefined): void {
    this.#r.vjSend = v && vjOf(v);
  }
}
const vjBytes = ({ slots, compSlot }: VjLimits): Uint8Array =>
  Uint8Array.of(0, protocols.vjc, slots - 1, compSlot ? 1 : 0);
const vjOf = (v: Uint8Array): VjLimits | undefined =>
  u16(v, 0) === protocols.vjc ? { slots: u8(v, 2) + 1, compSlot: u8(v, 3) !== 0 } : undefined;
