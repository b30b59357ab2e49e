/** IP Control Protocol: RFC 1332 (IP-Address) and RFC 1877 (name servers), with ppp(8)'s rule:
 *  an address that was given is neither asked for nor believed of the other end. */
import { u32 } from '@9p/packet';
import { ipBytes, usable } from './address.js';
import { ipcpOptions } from './codes.js';
import type { Option, Verdict } from './options.js';

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
}

/** First and second server; 0: none. */
type Found = [number, number];

export interface IpcpResult {
  local: number;
  remote: number;
  readonly dns: Found;
  readonly wins: Found;
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
    ...server(dns1, c.askDns, c.dns[0], r.dns, 0),
    ...server(wins1, c.askWins, c.wins[0], r.wins, 0),
    ...server(dns2, c.askDns, c.dns[1], r.dns, 1),
    ...server(wins2, c.askWins, c.wins[1], r.wins, 1),
  ];
}

const four: readonly [number, number] = [4, 4];

/** IP-Address, RFC 1332 3.3: in a request the sender's own, 0 asks for one. */
class Address implements Option {
  readonly #c: IpcpConfig;
  readonly #r: IpcpResult;
  #ask = true;

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
    if (!fixed && (v === 0 || usable(v))) this.#r.local = v;
  }
  rejected(): string | undefined {
    this.#ask = false;
    return this.#r.local === 0 ? 'peer gives us no address' : undefined;
  }
  judge(v: Uint8Array): Verdict {
    const asked = u32(v, 0);
    const { local, remote } = this.#c;
    if (remote !== undefined) return asked === remote ? 'ack' : ipBytes(remote);
    return usable(asked) && asked !== local ? 'ack' : 'rej';
  }
  suggest(): Uint8Array {
    return ipBytes(this.#c.remote ?? 0);
  }
  agreed(v: Uint8Array | undefined): void {
    if (this.#c.remote === undefined) this.#r.remote = v === undefined ? 0 : u32(v, 0);
  }
  missing(): Uint8Array | undefined {
    return this.#c.remote === undefined ? ipBytes(0) : undefined;
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
    this.#found[this.#i] = v === undefined ? 0 : u32(v, 0);
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
