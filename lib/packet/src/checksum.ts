/** Checksums: Internet (RFC 1071) and FCS-16 (RFC 1662 appendix C). */

/** One's complement sum of bytes o..end as 16-bit words, added to `sum`; not folded. */
export function inetSum(b: Uint8Array, o: number, end: number, sum = 0): number {
  let i = o;
  for (; i + 1 < end; i += 2) sum += (b[i]! << 8) | b[i + 1]!;
  if (i < end) sum += b[i]! << 8;
  return sum;
}

/** The checksum to put in a header for an unfolded sum. */
export function inetFold(sum: number): number {
  while (sum > 0xffff) sum = Math.floor(sum / 0x10000) + (sum & 0xffff);
  return ~sum & 0xffff;
}

export const inetChecksum = (b: Uint8Array, o: number, end: number, sum = 0): number =>
  inetFold(inetSum(b, o, end, sum));

export const fcsInit = 0xffff;
/** What the FCS over a good frame with its FCS field comes to. */
export const fcsGood = 0xf0b8;

/** `stride` tables of 256: what byte v does to the FCS when 0, 1, … more bytes follow it. One step
 *  then takes eight bytes, whose lookups do not wait for one another. */
const stride = 8;
const fcsTable = new Uint16Array(stride * 256);
for (let i = 0; i < 256; i++) {
  let v = i;
  for (let bit = 0; bit < 8; bit++) v = v & 1 ? (v >>> 1) ^ 0x8408 : v >>> 1;
  fcsTable[i] = v;
}
for (let i = 256; i < fcsTable.length; i++) {
  const v = fcsTable[i - 256]!;
  fcsTable[i] = (v >>> 8) ^ fcsTable[v & 0xff]!;
}

export const fcsByte = (fcs: number, c: number): number =>
  (fcs >>> 8) ^ fcsTable[(fcs ^ c) & 0xff]!;

export function fcs16(b: Uint8Array, o: number, end: number, fcs = fcsInit): number {
  const t = fcsTable;
  let i = o;
  for (; i + stride <= end; i += stride)
    fcs =
      t[0x700 + ((fcs ^ b[i]!) & 0xff)]! ^
      t[0x600 + ((fcs >>> 8) ^ b[i + 1]!)]! ^
      t[0x500 + b[i + 2]!]! ^
      t[0x400 + b[i + 3]!]! ^
      t[0x300 + b[i + 4]!]! ^
      t[0x200 + b[i + 5]!]! ^
      t[0x100 + b[i + 6]!]! ^
      t[b[i + 7]!]!;
  for (; i < end; i++) fcs = (fcs >>> 8) ^ t[(fcs ^ b[i]!) & 0xff]!;
  return fcs;
}
