/** DES with one key, through triple DES with that key three times: Node 20's OpenSSL has single DES
 *  in its legacy provider only, and MS-CHAP (RFC 2759 section 8.6) and p9sk1 need it. */
import { createCipheriv, createDecipheriv } from 'node:crypto';
import { outside, put8, u8 } from '@9p/packet';

const block_bytes = 8;
const raw_key_bytes = 7;
const key_bytes = 8;

/** One block under a key of 56 bits: 7 bytes, or 8 with a bit of parity each. */
export const desEncrypt = (block: Uint8Array, key: Uint8Array): Uint8Array =>
  crypt(createCipheriv, block, key);

/** The block that `desEncrypt` made this of. */
export const desDecrypt = (block: Uint8Array, key: Uint8Array): Uint8Array =>
  crypt(createDecipheriv, block, key);

function crypt(
  make: typeof createCipheriv | typeof createDecipheriv,
  block: Uint8Array,
  key: Uint8Array,
): Uint8Array {
  if (block.length !== block_bytes) throw new Error('a DES block has 8 bytes');
  const one = key.length === raw_key_bytes ? desKey(key) : key;
  if (one.length !== key_bytes) throw new Error('a DES key has 7 or 8 bytes');
  const three = outside(3 * key_bytes);
  for (let at = 0; at < three.length; at += key_bytes) three.set(one, at);
  const cipher = make('des-ede3-ecb', three, null).setAutoPadding(false);
  const out = new Uint8Array(cipher.update(block));
  cipher.final();
  three.fill(0);
  if (one !== key) one.fill(0);
  return out;
}

/** 7 bytes of a key as the 8 that DES takes: 7 bits and one of odd parity in each. */
export function desKey(raw: Uint8Array): Uint8Array {
  const out = outside(key_bytes);
  for (let i = 0; i < key_bytes; i++) {
    const before = i === 0 ? 0 : u8(raw, i - 1) << (8 - i);
    const bits = (before | (u8(raw, i) >> i)) & 0xfe;
    put8(out, i, bits | oddParity(bits));
  }
  return out;
}

function oddParity(bits: number): number {
  const four = bits ^ (bits >> 4);
  const two = four ^ (four >> 2);
  return ~(two ^ (two >> 1)) & 1;
}
