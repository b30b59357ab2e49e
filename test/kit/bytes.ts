/** Tables of bytes: hex with comments, buffers that show what was
 *  not written, messages cut short. */
import { fromHex } from '@9p/packet';

/** "c0 21 # LCP" to bytes: white space is ignored, and what follows
 *  a # up to the end of its line. */
export const bytes = (hex: string): Uint8Array => fromHex(hex.replace(/#.*$/gm, ''));

const guard_bytes = 16;
const unset = 0xa5;

/**
 * What `emit` writes at offset `o` of a buffer full of 0xa5, as many bytes as it says it wrote or,
 * if it says nothing, as `length` gives. Fails if it wrote outside them.
 */
export function emitted(
  length: number,
  emit: (b: Uint8Array, o: number) => number | undefined | void,
): Uint8Array {
  const b = new Uint8Array(length + 2 * guard_bytes).fill(unset);
  const n = emit(b, guard_bytes) ?? length;
  if (n > length) throw new Error(`emit says ${n} bytes, its length function ${length}`);
  for (let i = 0; i < b.length; i++) {
    const inside = i >= guard_bytes && i < guard_bytes + n;
    if (!inside && b[i] !== unset) throw new Error(`emit wrote outside, at ${i - guard_bytes}`);
  }
  return b.slice(guard_bytes, guard_bytes + n);
}

/** The message cut at every byte: all its beginnings, from none of it to all but the last byte. */
export function* cuts(b: Uint8Array): Generator<Uint8Array> {
  for (let n = 0; n < b.length; n++) yield b.slice(0, n);
}

/** `b` in the middle of a buffer of noise, as in a receive arena: a
 *  parser that ignores `end` is seen. */
export function embedded(b: Uint8Array): { buf: Uint8Array; start: number; end: number } {
  const buf = new Uint8Array(b.length + 2 * guard_bytes).fill(unset);
  buf.set(b, guard_bytes);
  return { buf, start: guard_bytes, end: guard_bytes + b.length };
}
