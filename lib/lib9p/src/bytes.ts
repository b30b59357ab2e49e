/** Integers as 9P has them, little-endian, and text. The package has its own, so that it needs no
 *  other. No bounds check: who reads has checked the length. */

export const le16 = (b: Uint8Array, o: number): number => b[o]! | (b[o + 1]! << 8);
export const le32 = (b: Uint8Array, o: number): number =>
  (b[o]! | (b[o + 1]! << 8) | (b[o + 2]! << 16) | (b[o + 3]! << 24)) >>> 0;
export const le64 = (b: Uint8Array, o: number): bigint =>
  BigInt(le32(b, o)) | (BigInt(le32(b, o + 4)) << 32n);

export function putLe16(b: Uint8Array, o: number, v: number): void {
  b[o] = v;
  b[o + 1] = v >>> 8;
}
export function putLe32(b: Uint8Array, o: number, v: number): void {
  b[o] = v;
  b[o + 1] = v >>> 8;
  b[o + 2] = v >>> 16;
  b[o + 3] = v >>> 24;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
export const utf8 = (s: string): Uint8Array => encoder.encode(s);
export const text = (b: Uint8Array): string => decoder.decode(b);

/** "00 1a ff" */
export const hex = (b: Uint8Array): string =>
  Array.from(b, (v) => v.toString(16).padStart(2, '0')).join(' ');
