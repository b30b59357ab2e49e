/** IP Control Protocol: RFC 1332 (IP-Address) and RFC 1877 (name servers), with ppp(8)'s rule:
 *  an address that was given is neither asked for nor believed of the other end. */
import { u32 } from '@9p/packet';
import { ipBytes, usable } from './address.js';
import { ipcpOptions } from './codes.js';
import type { Option } from './options.js';

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

export interface IpcpResult {
  local: number;
  remote: number;
  readonly dns: [number, number];
  readonly wins: [number, number];
}

export function initialIpcp(c: IpcpConfig): IpcpResult {
  return { local: c.local ?? 0, remote: c.remote ?? 0, dns: [0, 0], wins: [0, 0] };
}

export function ipcpOptionSet(c: IpcpConfig, r: IpcpResult): readonly Option[] {
  const { dns1, dns2, wins1, wins2 } = ipcpOptions;
  return [
    addressOption(c, r),
    serverOption(dns1, c.askDns, c.dns[0], r.dns, 0),
    serverOption(wins1, c.askWins, c.wins[0], r.wins, 0),
    serverOption(dns2, c.askDns, c.dns[1], r.dns, 1),
    serverOption(wins2, c.askWins, c.wins[1], r.wins, 1),
  ];
}

/** IP-Address, RFC 1332 3.3: in a request the sender's own, 0 asks for one. */
function addressOption(c: IpcpConfig, r: IpcpResult): Option {
  const fixed = c.local !== undefined || c.server;
  let ask = true;
  return {
    type: ipcpOptions.addr,
    length: [4, 4],
    wanted: () => (ask ? ipBytes(r.local) : undefined),
    acked(v) {
      if (v !== undefined) r.local = u32(v, 0);
    },
    naked(hint) {
      const v = u32(hint, 0);
      if (!fixed && (v === 0 || usable(v))) r.local = v;
      return undefined;
    },
    rejected() {
      ask = false;
      return r.local === 0 ? 'peer gives us no address' : undefined;
    },
    judge(v) {
      const asked = u32(v, 0);
      if (c.remote !== undefined) return asked === c.remote ? 'ack' : ipBytes(c.remote);
      return usable(asked) && asked !== c.local ? 'ack' : 'rej';
    },
    suggest: () => ipBytes(c.remote ?? 0),
    agreed(v) {
      if (c.remote === undefined) r.remote = v === undefined ? 0 : u32(v, 0);
    },
    missing: () => (c.remote === undefined ? ipBytes(0) : undefined),
  };
}

/** A name server, RFC 1877: 0 asks for it, the Nak brings it. `mine` is what we give. */
function serverOption(
  type: number,
  wants: boolean,
  mine: number | undefined,
  found: [number, number],
  i: 0 | 1,
): Option {
  let ask = wants;
  let value = 0;
  return {
    type,
    length: [4, 4],
    wanted: () => (ask ? ipBytes(value) : undefined),
    acked(v) {
      found[i] = v === undefined ? 0 : u32(v, 0);
    },
    naked(hint) {
      if (ask) value = u32(hint, 0);
      return undefined;
    },
    rejected() {
      ask = false;
      return undefined;
    },
    judge(v) {
      if (mine === undefined) return 'rej';
      return u32(v, 0) === mine ? 'ack' : ipBytes(mine);
    },
    agreed() {},
  };
}
