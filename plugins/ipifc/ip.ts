/** IP addresses and masks as Plan 9 writes them (eipfmt, parseip): an address is its 4 or 16
 *  bytes, a mask a number of bits. */
import { u8, u16 } from '@9p/packet';

/** 4 bytes, or 16. */
export type Ip = Uint8Array;

export const isV4 = (a: Ip): boolean => a.length === 4;
export const bitsOf = (a: Ip): number => 8 * a.length;

/** Dotted quad, or IPv6 text (RFC 4291 section 2.2); IPv4-mapped gives 4 bytes. `0` is 0.0.0.0. */
export function parseIp(s: string): Ip | undefined {
  if (s === '0') return new Uint8Array(4);
  return s.includes(':') ? parseV6(s) : parseV4(s);
}

function parseV4(s: string): Ip | undefined {
  const parts = s.split('.');
  if (parts.length !== 4) return undefined;
  const out = new Uint8Array(4);
  for (let i = 0; i < 4; i++) {
    const part = parts[i] as string;
    if (!/^\d{1,3}$/.test(part) || Number(part) > 255) return undefined;
    out[i] = Number(part);
  }
  return out;
}

function parseV6(s: string): Ip | undefined {
  const halves = s.split('::');
  if (halves.length > 2) return undefined;
  const head = groups(halves[0] as string, halves.length === 1);
  const tail = halves.length === 2 ? groups(halves[1] as string, true) : [];
  if (head === undefined || tail === undefined) return undefined;
  const n = head.length + tail.length;
  if (halves.length === 1 ? n !== 16 : n > 14) return undefined;
  const out = new Uint8Array(16);
  out.set(head);
  out.set(tail, 16 - tail.length);
  return isMapped(out) ? out.slice(12) : out;
}

/** The bytes of groups between colons; the last of an address may be a dotted quad. */
function groups(s: string, last: boolean): number[] | undefined {
  if (s === '') return [];
  const out: number[] = [];
  const parts = s.split(':');
  for (const [i, part] of parts.entries()) {
    if (last && i === parts.length - 1 && part.includes('.')) {
      const quad = parseV4(part);
      if (quad === undefined) return undefined;
      out.push(...quad);
    } else {
      if (!/^[0-9a-fA-F]{1,4}$/.test(part)) return undefined;
      const n = Number.parseInt(part, 16);
      out.push(n >> 8, n & 255);
    }
  }
  return out;
}

function isMapped(b: Uint8Array): boolean {
  for (let i = 0; i < 10; i++) if (b[i] !== 0) return false;
  return u16(b, 10) === 0xffff;
}

/** As eipfmt's %I: dotted quad, or lower case hexadecimal with the
 *  longest run of zeros left out. */
export function ipText(a: Ip): string {
  if (isV4(a)) return a.join('.');
  const words: number[] = [];
  for (let i = 0; i < 16; i += 2) words.push(u16(a, i));
  const run = longestZeros(words);
  const hex = (from: number, to: number): string =>
    words
      .slice(from, to)
      .map((w) => w.toString(16))
      .join(':');
  if (run.length < 2) return hex(0, 8);
  return `${hex(0, run.start)}::${hex(run.start + run.length, 8)}`;
}

function longestZeros(words: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  let start = 0;
  for (let i = 0; i <= words.length; i++) {
    if (words[i] === 0) continue;
    if (i - start > best.length) best = { start, length: i - start };
    start = i + 1;
  }
  return best;
}

/**
 * Mask bits for an address of `family` bytes: `/24`, `255.255.255.0`, `ffff:ffff::`, `0`. An IPv4
 * length above 32 is counted over 128 bits, as Plan 9 prints it: `/120`.
 */
export function parseMask(s: string, family: number): number | undefined {
  if (/^\/\d{1,3}$/.test(s)) {
    const n = Number(s.slice(1));
    if (n <= 8 * family) return n;
    return family === 4 && n >= 96 && n <= 128 ? n - 96 : undefined;
  }
  const mask = parseIp(s);
  if (mask === undefined) return undefined;
  return mask.length === family || s === '0' ? contiguous(mask) : undefined;
}

function contiguous(mask: Uint8Array): number | undefined {
  let bits = 0;
  let ended = false;
  for (const byte of mask) {
    for (let bit = 0x80; bit > 0; bit >>= 1) {
      if ((byte & bit) === 0) ended = true;
      else if (ended) return undefined;
      else bits++;
    }
  }
  return bits;
}

/** As %M: over 128 bits whatever the family, so that an IPv4 /24 is `/120`. */
export const maskText = (bits: number, a: Ip): string => `/${isV4(a) ? bits + 96 : bits}`;

/** Class A, B or C; all of an IPv6 address. */
export function classMask(a: Ip): number {
  if (!isV4(a)) return 128;
  const first = u8(a, 0);
  return first < 128 ? 8 : first < 192 ? 16 : 24;
}

/** The address with all but its first `bits` bits cleared. */
export function masked(a: Ip, bits: number): Ip {
  const out = a.slice();
  for (let i = 0; i < out.length; i++) {
    const keep = Math.min(8, Math.max(0, bits - 8 * i));
    out[i] = u8(out, i) & (0xff00 >> keep);
  }
  return out;
}

export const within = (a: Ip, net: Ip, bits: number): boolean =>
  a.length === net.length && ipText(masked(a, bits)) === ipText(masked(net, bits));

/** fe80::/10 */
export const isLinkLocal = (a: Ip): boolean =>
  a.length === 16 && u8(a, 0) === 0xfe && (u8(a, 1) & 0xc0) === 0x80;

/** `10.0.0.0/8`, or a bare address with all its bits. */
export function parsePrefix(s: string): { ip: Ip; bits: number } | undefined {
  const slash = s.indexOf('/');
  const ip = parseIp(slash < 0 ? s : s.slice(0, slash));
  if (ip === undefined) return undefined;
  const bits = slash < 0 ? bitsOf(ip) : parseMask(s.slice(slash), ip.length);
  return bits === undefined ? undefined : { ip, bits };
}
