/** Link-Quality-Reports written a second time, from RFC 1989's layout alone. */
import type { Bytes } from './keys.js';

/** In the order of the packet, and behind it what the receiver appends. */
export const fields = [
  'magic',
  'lastOutLqrs',
  'lastOutPackets',
  'lastOutOctets',
  'peerInLqrs',
  'peerInPackets',
  'peerInDiscards',
  'peerInErrors',
  'peerInOctets',
  'peerOutLqrs',
  'peerOutPackets',
  'peerOutOctets',
] as const;
export type Report = Record<(typeof fields)[number], number>;

export function emitReport(r: Report): Bytes {
  const b = Buffer.alloc(48);
  for (const [i, f] of fields.entries()) b.writeUInt32BE(r[f], 4 * i);
  return b;
}
export function parseReport(b: Bytes): Report | undefined {
  if (b.length !== 48) return undefined;
  const words = fields.map((f, i) => [f, Buffer.from(b).readUInt32BE(4 * i)]);
  return Object.fromEntries(words) as Report;
}

/** LCP's option 4: LQR every so many hundredths of a second. */
export const option = (period: number): Bytes => {
  const b = Buffer.from('0408c02500000000', 'hex');
  b.writeUInt32BE(period, 4);
  return b;
};

/** One end: what it counted, and the last report that it got. */
export interface End {
  magic: number;
  out: { lqrs: number; packets: number; octets: number };
  in: { lqrs: number; packets: number; discards: number; errors: number; octets: number };
}

/** The next report of `mine`, which `heard` the other's last: `out` counts this one as well. */
export function report(mine: End, heard: Report | undefined): Report {
  return {
    magic: mine.magic,
    lastOutLqrs: heard?.peerOutLqrs ?? 0,
    lastOutPackets: heard?.peerOutPackets ?? 0,
    lastOutOctets: heard?.peerOutOctets ?? 0,
    peerInLqrs: mine.in.lqrs,
    peerInPackets: mine.in.packets,
    peerInDiscards: mine.in.discards,
    peerInErrors: mine.in.errors,
    peerInOctets: mine.in.octets,
    peerOutLqrs: mine.out.lqrs,
    peerOutPackets: mine.out.packets,
    peerOutOctets: mine.out.octets,
  };
}
