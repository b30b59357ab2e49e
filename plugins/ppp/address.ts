/** IPv4 addresses as numbers, and interface identifiers as the
 *  link-local address that they make. */
import { put16, put32, u16, u32 } from '@9p/packet';

/** "10.0.0.1" to a number of 32 bits; undefined if it is not an address. */
export function parseIp(s: string): number | undefined {
  const m = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(s);
  if (m === null) return undefined;
  let v = 0;
  for (const part of m.slice(1)) {
    const n = Number(part);
    if (n > 255) return undefined;
    v = v * 256 + n;
  }
  return v;
}

export const ipText = (v: number): string =>
  `${v >>> 24}.${(v >>> 16) & 255}.${(v >>> 8) & 255}.${v & 255}`;

export function ipBytes(v: number): Uint8Array {
  const b = new Uint8Array(4);
  put32(b, 0, v);
  return b;
}

/** May be the address of one end of a link: no loop-back,
 *  multicast, broadcast or "this network". */
export const usable = (v: number): boolean => v >>> 24 !== 0 && v >>> 24 !== 127 && v >>> 24 < 224;

/** fe80::/64 with this interface identifier (8 bytes), RFC 5072
 *  section 5; the longest zeros as "::". */
export function linkLocal(id: Uint8Array): string {
  const groups = [0, 2, 4, 6].map((o) => u16(id, o));
  const zeros = groups.findIndex((g) => g !== 0);
  if (zeros < 0) return 'fe80::';
  return `fe80::${groups
    .slice(zeros)
    .map((g) => g.toString(16))
    .join(':')}`;
}

/** The identifier in an address as `linkLocal` writes it; undefined where it is none, or zero. */
export function linkLocalId(s: string): Uint8Array | undefined {
  const m = /^fe80::((?:[0-9a-f]{1,4}:){0,3}[0-9a-f]{1,4})$/i.exec(s);
  if (m === null) return undefined;
  const id = new Uint8Array(8);
  const groups = (m[1] ?? '').split(':');
  for (const [i, g] of groups.entries())
    put16(id, 2 * (4 - groups.length + i), Number.parseInt(g, 16));
  return isZero(id) ? undefined : id;
}

export const isZero = (id: Uint8Array): boolean => u32(id, 0) === 0 && u32(id, 4) === 0;
