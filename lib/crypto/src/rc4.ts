/** RC4. Ours because Node 20's OpenSSL has it in its legacy provider only; MPPE (RFC 3078) is
 *  made of it. Vectors: RFC 6229. */
import { put8, u8 } from '@9p/packet';

const states = 256;

/** One stream of key bytes. */
export class Rc4 {
  readonly #s = new Int32Array(states);
  #i = 0;
  #j = 0;

  constructor(key: Uint8Array) {
    this.rekey(key);
  }

  /** Begins anew, in the same table: MPPE does so for each packet. */
  rekey(key: Uint8Array): void {
    if (key.length === 0 || key.length > states) throw new Error('an RC4 key has 1 to 256 bytes');
    const s = this.#s;
    for (let i = 0; i < states; i++) s[i] = i;
    for (let i = 0, j = 0; i < states; i++) {
      const si = s[i]!;
      j = (j + si + u8(key, i % key.length)) & 0xff;
      s[i] = s[j]!;
      s[j] = si;
    }
    this.#i = 0;
    this.#j = 0;
  }

  /** Encrypts or decrypts bytes o..end in place. */
  crypt(b: Uint8Array, o = 0, end = b.length): void {
    const s = this.#s;
    let i = this.#i;
    let j = this.#j;
    for (let at = o; at < end; at++) {
      i = (i + 1) & 0xff;
      const si = s[i]!;
      j = (j + si) & 0xff;
      const sj = s[j]!;
      s[i] = sj;
      s[j] = si;
      put8(b, at, u8(b, at) ^ s[(si + sj) & 0xff]!);
    }
    this.#i = i;
    this.#j = j;
  }

  wipe(): void {
    this.#s.fill(0);
  }
}
