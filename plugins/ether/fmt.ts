/** The texts of ether(3): types, addresses, ifstats and the twelve lines of stats. */
import { hex, u8, u16 } from '@9p/packet';

export const headerLen = 14;
/** 802.1Q: the tag is not counted to the mtu. */
const tagLen = 4;
export const allTypes = -1;

/** As strtoul with base 0: decimal, 0x hexadecimal, leading-0 octal; -1 for all. */
export function parseType(s: string): number | undefined {
  if (s === '-1') return allTypes;
  const n = /^0[0-7]+$/.test(s)
    ? Number.parseInt(s, 8)
    : /^(0x[0-9a-f]+|\d+)$/i.test(s)
      ? Number(s)
      : Number.NaN;
  return n >= 0 && n <= 0xffff ? n : undefined;
}

export const typeText = (type: number): string =>
  type === allTypes ? 'all' : `0x${type.toString(16).padStart(4, '0')}`;

/** Six bytes as 12 digits, with or without colons or dashes between bytes. */
export function parseMac(s: string): Uint8Array | undefined {
  const digits = /^[0-9a-f]{2}([:-][0-9a-f]{2}){5}$/i.test(s) ? s.replace(/[:-]/g, '') : s;
  if (!/^[0-9a-f]{12}$/i.test(digits)) return undefined;
  return Uint8Array.from({ length: 6 }, (_, i) =>
    Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16),
  );
}

/** Largest frame that may be sent here, of those that begin like this one. */
export function frameMax(b: Uint8Array, start: number, mtu: number): number {
  return u16(b, start + 12) === 0x8100 ? mtu + headerLen + tagLen : mtu + headerLen;
}

export interface Figures {
  readonly in: number;
  readonly out: number;
  readonly link: boolean;
  readonly overflows: number;
  readonly outputErrors: number;
  readonly promiscuous: number;
  readonly mac: Uint8Array;
}

/** As netif.c prints them. */
export function statsText(f: Figures): string {
  const lines: readonly [name: string, value: number | string][] = [
    ['in', f.in],
    ['link', f.link ? 1 : 0],
    ['out', f.out],
    ['crc errs', 0],
    ['overflows', 0],
    ['soft overflows', f.overflows],
    ['framing errs', 0],
    ['buffer errs', 0],
    ['output errs', f.outputErrors],
    ['prom', f.promiscuous],
    ['mbps', 0],
    ['addr', hex(f.mac)],
  ];
  return lines.map(([name, value]) => `${name}: ${value}\n`).join('');
}

/** One frame on a line, for `log`: whatever its bytes are. */
export function frameText(b: Uint8Array, start: number, end: number): string {
  const n = end - start;
  if (n < headerLen) return `frame of ${n} bytes: short`;
  const mac = (o: number): string => hex(b.subarray(start + o, start + o + 6));
  const tagged = u16(b, start + 12) === 0x8100 && n >= headerLen + tagLen;
  const type = u16(b, start + (tagged ? 16 : 12));
  const vlan = tagged ? ` vlan ${((u8(b, start + 14) & 15) << 8) | u8(b, start + 15)}` : '';
  return `${mac(6)} > ${mac(0)}${vlan} ${typeText(type)} len ${n}`;
}
