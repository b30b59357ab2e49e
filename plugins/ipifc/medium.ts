/** What an IP interface is made of (Plan 9's Medium): a TUN device of Linux, or a host in memory. */
import type { Packet } from '@9p/packet';
import type { Wait } from 'slashnet/core';
import { type Ip, ipText, maskText } from './ip.js';

export interface Address {
  readonly local: Ip;
  readonly bits: number;
  /** The other end of a point-to-point link; else undefined. */
  readonly remote: Ip | undefined;
}

export interface Medium {
  /** What status calls it: the Linux name. */
  readonly name: string;
  /** 0 where there is no Linux interface. */
  readonly ifindex: number;
  /** send() would drop. */
  readonly full: boolean;
  /** To the host. The name of a counter if it was dropped. */
  send(p: Packet): string | undefined;
  up(): Wait<void>;
  setMtu(n: number): Wait<void>;
  add(a: Address): Wait<void>;
  remove(a: Address): Wait<void>;
  /** Packets to this network come here. */
  route(net: Ip, bits: number): Wait<void>;
  unroute(net: Ip, bits: number): Wait<void>;
  acceptRa(on: boolean): Wait<void>;
  pause(): void;
  resume(): void;
  /** Done when the interface is no more. */
  close(): Promise<void>;
}

export interface MediumEvents {
  receive(p: Packet): void;
  /** After each batch of them. */
  batch(): void;
  room(): void;
  /** Removed by somebody else. */
  gone(why: string): void;
  bug(e: unknown): void;
}

export const sameIp = (a: Ip, b: Ip): boolean => ipText(a) === ipText(b);

/** `10.0.0.2/32`, for error texts: the mask as Linux writes it. */
export const addressText = (a: Address): string => `${ipText(a.local)}/${a.bits}`;

const forever = 4_294_967_295;

/** A line of status for each address, ip(3): local, mask, remote, two life-times. */
export function addressLine(a: Address): string {
  const column = (s: string, n: number): string => s.padEnd(n);
  const local = column(ipText(a.local), 40);
  const mask = column(maskText(a.bits, a.local), 10);
  const remote = column(ipText(a.remote ?? a.local), 40);
  return `\t${local} ${mask} ${remote} ${forever}   ${forever}  \n`;
}
