/** What an IP interface is made of (Plan 9's Medium): a TUN device
 *  of Linux, or a host in memory. */
import type { Packet } from '@9p/packet';
import type { Wait } from 'slashnet/core';
import type { Address } from './address.js';
import type { Ip } from './ip.js';

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
