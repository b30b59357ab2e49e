/** Digests and comparisons: the one file here that uses node:crypto. */

import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { outsideCopy } from '@9p/packet';

/** MD5 of the parts one after the other, 16 bytes. RFC 1321. */
export const md5 = (...parts: readonly Uint8Array[]): Uint8Array => digest('md5', parts);

/** SHA-1 of the parts one after the other, 20 bytes. RFC 3174. */
export const sha1 = (...parts: readonly Uint8Array[]): Uint8Array => digest('sha1', parts);

function digest(name: string, parts: readonly Uint8Array[]): Uint8Array {
  const h = createHash(name);
  for (const p of parts) h.update(p);
  const pooled = h.digest();
  const out = outsideCopy(pooled);
  pooled.fill(0);
  return out;
}

/** A secret that nobody has, for logins of nobody. */
export const unguessable = (n: number): Uint8Array => new Uint8Array(randomBytes(n));

/** Are two values of a length that everybody knows equal? Takes as long whatever they are. */
export const sameBytes = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && timingSafeEqual(a, b);

const blind = randomBytes(32);

/** 32 bytes that nobody else can know, the same for the same name as long as we run. */
export const nobodys = (name: string): Uint8Array =>
  createHmac('sha256', blind).update('nobody ').update(name).digest();

/** The same of secrets, whose lengths do not show either: digests are compared, under a key that
 *  nobody knows. */
export function sameSecret(a: Uint8Array, b: Uint8Array): boolean {
  const of = (x: Uint8Array) => createHmac('sha256', blind).update(x).digest();
  return timingSafeEqual(of(a), of(b));
}
