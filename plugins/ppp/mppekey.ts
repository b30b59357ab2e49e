/** The keys of MPPE: RFC 3079 makes the first ones of what authenticated, RFC 3078 section 7.3
 *  changes them. */
import { Rc4, sha1 } from '@9p/crypto';
import { concat, outside, outsideCopy, utf8 } from '@9p/packet';
import type { MppeKeys } from './authentication.js';

export type Bits = 40 | 56 | 128;

const pad1 = new Uint8Array(40);
const pad2 = new Uint8Array(40).fill(0xf2);
const digest_bytes = 20;
const key_bytes: Readonly<Record<Bits, number>> = { 40: 8, 56: 8, 128: 16 };
/** What a weaker key begins with, so that so many bits are left of it. */
const known: Readonly<Record<Bits, readonly number[]>> = {
  40: [0xd1, 0x26, 0x9e],
  56: [0xd1],
  128: [],
};

const sent = ['send', 'receive'] as const;
const received = ['receive', 'send'] as const;
/** Magic2 and Magic3 of RFC 3079 section 3.4. */
const magic = ([client, server]: typeof sent | typeof received): Uint8Array =>
  utf8(
    `On the client side, this is the ${client} key; on the server side, it is the ${server} key.`,
  );
const clientSends = magic(sent);
const serverSends = magic(received);

/** The start key of one direction, 16 bytes of one's own. With MS-CHAP both have the same. */
export function startKey(k: MppeKeys, send: boolean): Uint8Array {
  if (k.method === 'mschap') return outsideCopy(k.key);
  const text = concat(k.key, pad1, send === k.server ? serverSends : clientSends, pad2);
  const digest = sha1(text);
  text.fill(0);
  return digest.subarray(0, key_bytes[128]);
}

/** The session key of one direction, and RC4 with it. */
export class SessionKey {
  readonly rc4: Rc4;
  /** Start key, pad, session key, pad: what each change hashes. */
  readonly #text: Uint8Array;
  readonly #key: Uint8Array;
  readonly #was: Uint8Array;
  readonly #digest = outside(digest_bytes);
  readonly #interim: Uint8Array;
  readonly #known: readonly number[];

  /** `start` is not kept. */
  constructor(start: Uint8Array, bits: Bits) {
    const n = key_bytes[bits];
    this.#known = known[bits];
    this.#text = outside(2 * n + pad1.length + pad2.length);
    this.#key = this.#text.subarray(n + pad1.length, 2 * n + pad1.length);
    this.#was = outside(n);
    this.#interim = this.#digest.subarray(0, n);
    this.#text.set(start.subarray(0, n));
    this.#key.set(start.subarray(0, n));
    this.#text.set(pad2, 2 * n + pad1.length);
    sha1(this.#text, this.#digest);
    this.#set();
    this.rc4 = new Rc4(this.#key);
  }

  /** As it is now; for tests. */
  get bytes(): Uint8Array {
    return this.#key.slice();
  }

  /** Section 7.3 but for its last step, `begin`: of many changes only the last needs it. */
  change(times = 1): void {
    for (; times > 0; times--) {
      sha1(this.#text, this.#digest);
      this.rc4.rekey(this.#interim);
      this.rc4.crypt(this.#interim);
      this.#set();
    }
  }
  #set(): void {
    this.#key.set(this.#interim);
    this.#key.set(this.#known);
  }

  /** RC4 from the start of this key. */
  begin(): void {
    this.rc4.rekey(this.#key);
  }

  /** Remembers the key, and goes back to it. */
  mark(): void {
    this.#was.set(this.#key);
  }
  back(): void {
    this.#key.set(this.#was);
  }

  wipe(): void {
    for (const b of [this.#text, this.#was, this.#digest]) b.fill(0);
    this.rc4.wipe();
  }
}
