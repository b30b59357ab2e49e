/** Bytes that can be wiped. V8 keeps small typed arrays in its heap, and its collector moves them
 *  and leaves what they were behind; what lies in an ArrayBuffer stays where it is. */

/** Small ones share a slab, since an ArrayBuffer for each costs more than what is done with it. */
const slab_bytes = 8192;
const small_bytes = 512;
let slab = new ArrayBuffer(slab_bytes);
let used = 0;

/** Zeros. */
export function outside(n: number): Uint8Array {
  if (n > small_bytes) return new Uint8Array(new ArrayBuffer(n));
  if (used + n > slab_bytes) {
    slab = new ArrayBuffer(slab_bytes);
    used = 0;
  }
  const at = used;
  used += n;
  return new Uint8Array(slab, at, n);
}

/** A copy; of a Buffer too, whose `slice` is none. */
export function outsideCopy(b: Uint8Array): Uint8Array {
  const out = outside(b.length);
  out.set(b);
  return out;
}
