/** Readers and writers of integers in network byte order; the only access to bytes
 *  elsewhere. No bounds check: a wire file checks its length once, and a read beyond the end
 *  gives 0 for the bytes not there. */

export const u8 = (b: Uint8Array, o: number): number => b[o]! | 0;
export const u16 = (b: Uint8Array, o: number): number => (b[o]! << 8) | b[o + 1]!;
export const u32 = (b: Uint8Array, o: number): number =>
  ((b[o]! << 24) | (b[o + 1]! << 16) | (b[o + 2]! << 8) | b[o + 3]!) >>> 0;

export function put8(b: Uint8Array, o: number, v: number): void {
  b[o] = v;
}
export function put16(b: Uint8Array, o: number, v: number): void {
  b[o] = v >>> 8;
  b[o + 1] = v;
}
export function put32(b: Uint8Array, o: number, v: number): void {
  b[o] = v >>> 24;
  b[o + 1] = v >>> 16;
  b[o + 2] = v >>> 8;
  b[o + 3] = v;
}

/** Little-endian, as 9P, FUSE and pcapng have them. */
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
export function putLe64(b: Uint8Array, o: number, v: bigint): void {
  putLe32(b, o, Number(v & 0xffffffffn));
  putLe32(b, o + 4, Number((v >> 32n) & 0xffffffffn));
}

export function equal(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8');
export const utf8 = (s: string): Uint8Array => encoder.encode(s);
export const text = (b: Uint8Array): string => decoder.decode(b);

/** "00 1a ff" or "001aff" to bytes; white space is ignored. Throws on anything else. */
export function fromHex(s: string): Uint8Array {
  const digits = s.replace(/\s+/g, '');
  if (digits.length % 2 !== 0 || /[^0-9a-fA-F]/.test(digits)) throw new Error(`bad hex: ${s}`);
  const out = new Uint8Array(digits.length / 2);
  for (let i = 0; i < out.length; i++) out[i] = Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16);
  return out;
}

/** Bytes as hex digits, `between` after each byte but the last. */
export function hex(b: Uint8Array, between = ''): string {
  let s = '';
  for (let i = 0; i < b.length; i++) {
    if (i > 0) s += between;
    s += b[i]!.toString(16).padStart(2, '0');
  }
  return s;
}

/** The parts one after the other, in bytes of their own. */
export function concat(...parts: readonly (Uint8Array | readonly number[])[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((n, p) => n + p.length, 0));
  let at = 0;
  for (const p of parts) {
    out.set(p, at);
    at += p.length;
  }
  return out;
}
