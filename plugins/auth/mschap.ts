/** What the Microsoft CHAPs compute, by the names of RFC 2759 section 8 (and RFC 2433) and of
 *  RFC 3079. Passwords and their hashes stay in bytes, and are wiped. */
import { desEncrypt, md4 } from '@9p/crypto';
import { outside, outsideCopy, put8, u8, utf8 } from '@9p/packet';
import { sha1 } from './digest.js';

const key_bytes = 16;
export const ntResponse_bytes = 24;
const desKey_bytes = 7;

/** MD4 of the password in UTF-16. RFC 2759 section 8.3. */
export function ntPasswordHash(password: Uint8Array): Uint8Array {
  const wide = utf16(password);
  const hash = md4(wide);
  wide.fill(0);
  return hash;
}

/** `f` of the password's hash and of the hash of that (RFC 2759 section 8.4), then wiped. */
export function withHashes<T>(
  password: Uint8Array,
  f: (hash: Uint8Array, hashHash: Uint8Array) => T,
): T {
  const hash = ntPasswordHash(password);
  const hashHash = md4(hash);
  try {
    return f(hash, hashHash);
  } finally {
    hash.fill(0);
    hashHash.fill(0);
  }
}

/** The challenge enciphered under three DES keys cut from the hash. RFC 2759 section 8.5. */
export function challengeResponse(challenge: Uint8Array, passwordHash: Uint8Array): Uint8Array {
  const keys = outside(3 * desKey_bytes);
  keys.set(passwordHash);
  const out = new Uint8Array(ntResponse_bytes);
  for (let i = 0; i < 3; i++)
    out.set(desEncrypt(challenge, keys.subarray(i * desKey_bytes, (i + 1) * desKey_bytes)), 8 * i);
  keys.fill(0);
  return out;
}

/** What MS-CHAPv2 enciphers. The name counts without its domain. RFC 2759 section 8.2. */
export function challengeHash(
  peerChallenge: Uint8Array,
  authenticatorChallenge: Uint8Array,
  user: string,
): Uint8Array {
  const name = user.slice(user.lastIndexOf('\\') + 1);
  return sha1(peerChallenge, authenticatorChallenge, utf8(name)).subarray(0, 8);
}

/** By which the authenticator proves that it knows the password, 20 bytes; on the wire `S=` and
 *  upper-case hex. RFC 2759 section 8.7. */
export function authenticatorResponse(
  passwordHashHash: Uint8Array,
  ntResponse: Uint8Array,
  challenge: Uint8Array,
): Uint8Array {
  const digest = sha1(passwordHashHash, ntResponse, signing);
  return sha1(digest, challenge, iteration);
}
const signing = utf8('Magic server to client signing constant');
const iteration = utf8('Pad to make it do more than one iteration');

/** MPPE's key of MS-CHAPv2, from which each direction derives its own. RFC 3079 section 3.4. */
export const getMasterKey = (passwordHashHash: Uint8Array, ntResponse: Uint8Array): Uint8Array =>
  key(sha1(passwordHashHash, ntResponse, masterKey));
const masterKey = utf8('This is the MPPE Master Key');

/** MPPE's key of MS-CHAP, for both directions, 128 bits. RFC 3079 section 2.4. */
export const getStartKey = (challenge: Uint8Array, passwordHashHash: Uint8Array): Uint8Array =>
  key(sha1(passwordHashHash, passwordHashHash, challenge));

/** The first 128 bits. */
function key(digest: Uint8Array): Uint8Array {
  const out = outsideCopy(digest.subarray(0, key_bytes));
  digest.fill(0);
  return out;
}

const replacement = 0xfffd;

/** UTF-8 as UTF-16, little endian. TextDecoder would make a string, which cannot be wiped. What
 *  is no UTF-8 is U+FFFD, byte by byte. */
export function utf16(b: Uint8Array): Uint8Array {
  const out = outside(2 * b.length);
  let at = 0;
  const put = (unit: number) => {
    put8(out, at++, unit);
    put8(out, at++, unit >> 8);
  };
  for (let i = 0; i < b.length; ) {
    const n = runeBytes(b, i);
    const rune = n === 0 ? replacement : runeAt(b, i, n);
    if (rune < 0x10000) put(rune);
    else {
      put(0xd800 + ((rune - 0x10000) >> 10));
      put(0xdc00 + (rune & 0x3ff));
    }
    i += Math.max(n, 1);
  }
  const exact = outsideCopy(out.subarray(0, at));
  out.fill(0);
  return exact;
}

/** How many bytes the rune at `i` has; 0: there is none. */
function runeBytes(b: Uint8Array, i: number): number {
  const first = u8(b, i);
  if (first < 0x80) return 1;
  const n = first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
  for (let k = 1; k < n; k++) if ((u8(b, i + k) & 0xc0) !== 0x80) return 0;
  if (n < 3) return n;
  const rune = runeAt(b, i, n);
  const isSurrogate = rune >= 0xd800 && rune < 0xe000;
  return isSurrogate || rune < (n === 3 ? 0x800 : 0x10000) || rune > 0x10ffff ? 0 : n;
}

function runeAt(b: Uint8Array, i: number, n: number): number {
  let rune = n === 1 ? u8(b, i) : u8(b, i) & (0x7f >> n);
  for (let k = 1; k < n; k++) rune = (rune << 6) | (u8(b, i + k) & 0x3f);
  return rune;
}
