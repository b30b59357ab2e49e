/** MS-CHAP and the keys of MPPE written a second time, from RFC 2433, 2759, 3078 and 3079 alone, as
 *  plain as can be: what ours is compared with. Nothing is shared with it. */
import { createCipheriv, createHash } from 'node:crypto';

export type Bytes = Uint8Array;

const rotate = (x: number, n: number): number => (x << n) | (x >>> (32 - n));

/** MD4, RFC 1320: three rounds of sixteen steps each. */
export function md4(message: Bytes): Bytes {
  const padded = Buffer.alloc((((message.length + 8) >> 6) + 1) << 6);
  padded.set(message);
  padded[message.length] = 0x80;
  padded.writeUInt32LE(message.length * 8, padded.length - 8);
  const order = [
    [...Array(16).keys()],
    [0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15],
    [0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15],
  ];
  const shifts = [
    [3, 7, 11, 19],
    [3, 5, 9, 13],
    [3, 9, 11, 15],
  ];
  const mix = [
    (x: number, y: number, z: number) => (x & y) | (~x & z),
    (x: number, y: number, z: number) => ((x & y) | (x & z) | (y & z)) + 0x5a827999,
    (x: number, y: number, z: number) => (x ^ y ^ z) + 0x6ed9eba1,
  ];
  let state = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476];
  for (let o = 0; o < padded.length; o += 64) {
    let [a = 0, b = 0, c = 0, d = 0] = state;
    for (let i = 0; i < 48; i++) {
      const round = i >> 4;
      const word = padded.readUInt32LE(o + 4 * order[round]![i & 15]!);
      const sum = (a + mix[round]!(b, c, d) + word) | 0;
      [a, b, c, d] = [d, rotate(sum, shifts[round]![i & 3]!), b, c];
    }
    state = [a, b, c, d].map((x, i) => (x + state[i]!) | 0);
  }
  const out = Buffer.alloc(16);
  for (const [i, x] of state.entries()) out.writeInt32LE(x, 4 * i);
  return out;
}

/** RC4: what it does goes on from call to call. */
export class Rc4 {
  readonly #s = [...Array(256).keys()];
  #i = 0;
  #j = 0;

  constructor(key: Bytes) {
    let j = 0;
    for (let i = 0; i < 256; i++) {
      j = (j + this.#s[i]! + key[i % key.length]!) & 255;
      this.#swap(i, j);
    }
  }
  #swap(i: number, j: number): void {
    [this.#s[i], this.#s[j]] = [this.#s[j]!, this.#s[i]!];
  }
  crypt(b: Bytes): Bytes {
    return b.map((x) => {
      this.#i = (this.#i + 1) & 255;
      this.#j = (this.#j + this.#s[this.#i]!) & 255;
      this.#swap(this.#i, this.#j);
      return x ^ this.#s[(this.#s[this.#i]! + this.#s[this.#j]!) & 255]!;
    });
  }
}

export const sha1 = (...parts: (Bytes | string)[]): Bytes => {
  const h = createHash('sha1');
  for (const p of parts) h.update(p);
  return h.digest();
};

/** One block of DES under 56 bits, each seven of which become a byte: three keys that are one. */
export function des(key56: Bytes, block: Bytes): Bytes {
  let bits = 0n;
  for (const b of key56) bits = (bits << 8n) | BigInt(b);
  const key = Buffer.from(
    [7, 6, 5, 4, 3, 2, 1, 0].map((i) => Number((bits >> BigInt(7 * i)) & 127n) << 1),
  );
  const c = createCipheriv('des-ede3', Buffer.concat([key, key, key]), null).setAutoPadding(false);
  return Buffer.concat([c.update(block), c.final()]);
}

export const ntPasswordHash = (password: string): Bytes => md4(Buffer.from(password, 'utf16le'));

export function challengeResponse(challenge: Bytes, passwordHash: Bytes): Bytes {
  const z = Buffer.concat([passwordHash, new Uint8Array(5)]);
  return Buffer.concat([0, 7, 14].map((o) => des(z.subarray(o, o + 7), challenge)));
}

export const challengeHash = (peer: Bytes, authenticator: Bytes, user: string): Bytes =>
  sha1(peer, authenticator, user).subarray(0, 8);

/** RFC 2759 section 8.1. */
export const ntResponse = (auth: Bytes, peer: Bytes, user: string, password: string): Bytes =>
  challengeResponse(challengeHash(peer, auth, user), ntPasswordHash(password));

/** RFC 2759 section 8.7, what is behind "S=". */
export function authenticatorResponse(
  auth: Bytes,
  peer: Bytes,
  user: string,
  password: string,
): string {
  const hash = md4(ntPasswordHash(password));
  const signed = sha1(
    hash,
    ntResponse(auth, peer, user, password),
    'Magic server to client signing constant',
  );
  const pad = 'Pad to make it do more than one iteration';
  const digest = sha1(signed, challengeHash(peer, auth, user), pad);
  return Buffer.from(digest).toString('hex').toUpperCase();
}

/** RFC 3079 section 2.4, Get_Start_Key: of MS-CHAP, 128 bit. */
export function startKey(password: string, challenge: Bytes): Bytes {
  const hash = md4(ntPasswordHash(password));
  return sha1(hash, hash, challenge).subarray(0, 16);
}
/** RFC 3079 section 3.4, GetMasterKey: of MS-CHAP-2. */
export const masterKey = (password: string, response: Bytes): Bytes =>
  sha1(md4(ntPasswordHash(password)), response, 'This is the MPPE Master Key').subarray(0, 16);

const pad1 = Buffer.alloc(40, 0);
const pad2 = Buffer.alloc(40, 0xf2);
const clientSends =
  'On the client side, this is the send key; on the server side, it is the receive key.';
const clientReceives =
  'On the client side, this is the receive key; on the server side, it is the send key.';

/** RFC 3079 section 3.4, GetAsymmetricStartKey. */
export function asymmetricStartKey(
  master: Bytes,
  length: number,
  send: boolean,
  server: boolean,
): Bytes {
  const magic = send === server ? clientReceives : clientSends;
  return sha1(master, pad1, magic, pad2).subarray(0, length);
}

/** RFC 3078 section 7.3, GetNewKeyFromSHA. */
export const newKeyFromSha = (start: Bytes, session: Bytes): Bytes =>
  sha1(start, pad1, session, pad2).subarray(0, start.length);

export type Bits = 40 | 56 | 128;
export const keyLength = (bits: Bits): number => (bits === 128 ? 16 : 8);

export function reduced(key: Bytes, bits: Bits): Bytes {
  const known = { 40: [0xd1, 0x26, 0x9e], 56: [0xd1], 128: [] }[bits];
  return Uint8Array.from(key, (x, i) => known[i] ?? x);
}
