/** The texts of ip(3): status of an interface, and lines of iproute in 9front's columns. */

import { type Address, addressLine } from './address.js';
import { type Ip, ipText, isV4, maskText } from './ip.js';

export interface Status {
  readonly device: string;
  readonly mtu: number;
  readonly recvra: boolean;
  readonly pktin: number;
  readonly pktout: number;
  readonly errin: number;
  readonly errout: number;
  readonly speed: number;
  readonly delay: number;
  readonly addresses: readonly Address[];
}

/** As 9front's ipifc.c, which readipifc(2) reads. What Linux keeps to itself is 0. */
export function statusText(s: Status): string {
  const ra = `sendra 0 recvra ${s.recvra ? 1 : 0} mflag 0 oflag 0 maxraint 600000 minraint 200000`;
  const host = 'linkmtu 0 reachtime 0 rxmitra 0 ttl 0 routerlt 0';
  const packets = `pktin ${s.pktin} pktout ${s.pktout} errin ${s.errin} errout ${s.errout}`;
  const first = `device ${s.device} maxtu ${s.mtu} ${ra} ${host} ${packets} speed ${s.speed} delay ${s.delay}`;
  return `${first}\n${s.addresses.length === 0 ? '\n' : s.addresses.map(addressLine).join('')}`;
}

export interface RouteRow {
  readonly dst: Ip;
  readonly dstLen: number;
  readonly next: Ip | undefined;
  readonly src: Ip | undefined;
  readonly srcLen: number;
  /** 'u', 'b' or 'm' */
  readonly kind: string;
  readonly tag: string;
  readonly ifc: string;
}

/** `%-15I %-4M %-15I %-4s %4.4s %3s %-15I %-4M` */
export function routeLine(r: RouteRow): string {
  const zero = new Uint8Array(r.dst.length);
  const direct = r.next === undefined ? 'i' : '';
  const whole = r.dstLen === 8 * r.dst.length && r.kind === 'u' ? 'p' : '';
  const columns = [
    ipText(r.dst).padEnd(15),
    maskText(r.dstLen, r.dst).padEnd(4),
    ipText(r.next ?? zero).padEnd(15),
    `${isV4(r.dst) ? 4 : 6}${direct}${r.kind}${whole}`.padEnd(4),
    r.tag.slice(0, 4).padStart(4),
    r.ifc.padStart(3),
    ipText(r.src ?? zero).padEnd(15),
    maskText(r.srcLen, r.dst).padEnd(4),
  ];
  return `${columns.join(' ')}\n`;
}

/** rtm_protocol in four letters: who made a route. */
export function protocolTag(n: number): string {
  const tags: Readonly<Record<number, string>> = {
    2: 'kern',
    3: 'boot',
    4: 'stat',
    9: 'ra',
    16: 'dhcp',
  };
  return tags[n] ?? String(n);
}
