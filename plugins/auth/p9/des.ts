/** What Plan 9 makes of DES: its chaining, the key of a password, the key as a secret.
 *  encrypt(2), authsrv(2). */
import { desDecrypt, desEncrypt, desKey } from '@9p/crypto';
import { outside, put8, u8 } from '@9p/packet';

export const key_bytes = 7;
const block_bytes = 8;
const word_bytes = 8;

/** Where the blocks of `n` bytes begin: each but the last seven bytes after the one before it, so
 *  that each shares a byte with its neighbour; a rest shares more. */
function blocks(n: number): number[] {
  if (n < block_bytes) throw new Error('at least a DES block');
  const out: number[] = [];
  for (let at = 0; at + block_bytes <= n; at += block_bytes - 1) out.push(at);
  const rest = (n - 1) % (block_bytes - 1);
  if (rest > 0) out.push(n - block_bytes);
  return out;
}

/** In place, at least 8 bytes. */
export function encrypt(b: Uint8Array, key: Uint8Array): void {
  for (const at of blocks(b.length)) b.set(desEncrypt(b.subarray(at, at + block_bytes), key), at);
}

export function decrypt(b: Uint8Array, key: Uint8Array): void {
  for (const at of blocks(b.length).reverse())
    b.set(desDecrypt(b.subarray(at, at + block_bytes), key), at);
}

export const password_bytes_max = 27;

/** The key of a password: of its first 8 bytes, under which the next 8 are enciphered and are
 *  the key then, and so on; the last 8 overlap those before if fewer are left. One of less than 8
 *  is padded with a NUL and blanks. authsrv(2), passtokey. */
export function passwordKey(password: Uint8Array): Uint8Array {
  const n = Math.min(password.length, password_bytes_max);
  const t = outside(Math.max(n, word_bytes)).fill(blank);
  t.set(password.subarray(0, n));
  if (n < word_bytes) put8(t, n, 0);
  const key = outside(key_bytes);
  squeeze(t, key);
  for (let at = 0; at + word_bytes < n; ) {
    at = Math.min(at + word_bytes, n - word_bytes);
    const word = t.subarray(at, at + word_bytes);
    encrypt(word, key);
    squeeze(word, key);
  }
  t.fill(0);
  return key;
}
const blank = 0x20;

/** 8 bytes as 7: what one is shifted right by, the next is left. */
function squeeze(word: Uint8Array, key: Uint8Array): void {
  for (let i = 0; i < key_bytes; i++)
    put8(key, i, (u8(word, i) >> i) + (u8(word, i + 1) << (key_bytes - i)));
}

/** A key as the 8 bytes that AuthInfo has for a secret. */
export const secretOf = (key: Uint8Array): Uint8Array => desKey(key);
