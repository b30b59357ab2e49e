/** An address of an interface: what a control message says, and what status shows of it. */
import { refuse } from 'slashnet/core';
import {
  bitsOf,
  classMask,
  type Ip,
  ipText,
  masked,
  maskText,
  parseIp,
  parseMask,
  parsePrefix,
} from './ip.js';

export interface Address {
  readonly local: Ip;
  readonly bits: number;
  /** The other end of a point-to-point link; else undefined. */
  readonly remote: Ip | undefined;
  /** This host answers for `remote` on the Ethernet that it is of. */
  readonly proxy?: boolean;
}

export function addressOf(s: string): Ip {
  const ip = parseIp(s);
  if (ip === undefined) throw refuse(`bad ip address: ${s}`);
  return ip;
}
export function maskOf(s: string | undefined, ip: Ip): number {
  if (s === undefined) return classMask(ip);
  const bits = parseMask(s, ip.length);
  if (bits === undefined) throw refuse(`bad mask: ${s}`);
  return bits;
}
/** local [mask [remote]]; `fe80::1/64` has its mask with it. A remote that
 *  is the network itself is none. */
export function parseAddress([first = '', mask, end]: readonly string[]): Address {
  const both = first.includes('/') ? parsePrefix(first) : undefined;
  const local = both?.ip ?? addressOf(first);
  const bits = both !== undefined && mask === undefined ? both.bits : maskOf(mask, local);
  const remote = end === undefined || bits < bitsOf(local) ? undefined : addressOf(end);
  if (remote !== undefined && remote.length !== local.length)
    throw refuse(`bad ip address: ${end}`);
  return {
    local,
    bits,
    remote: remote === undefined || sameIp(remote, local) ? undefined : remote,
  };
}

export const sameIp = (a: Ip, b: Ip): boolean => ipText(a) === ipText(b);

/** `10.0.0.2/32`, for error texts: the mask as Linux writes it. */
export const addressText = (a: Address): string => `${ipText(a.local)}/${a.bits}`;

const forever = 4_294_967_295;

/** A line of status for each address, ip(3): local, mask, remote (the network, where there is no
 *  other end), two life-times. */
export function addressLine(a: Address): string {
  const column = (s: string, n: number): string => s.padEnd(n);
  const local = column(ipText(a.local), 40);
  const mask = column(maskText(a.bits, a.local), 10);
  const remote = column(ipText(a.remote ?? masked(a.local, a.bits)), 40);
  return `\t${local} ${mask} ${remote} ${forever}   ${forever}  \n`;
}
