/** SHA-1, FIPS 180-1. Ours because MPPE (RFC 3078 section 7.3) hashes two blocks for each packet,
 *  and to make one of OpenSSL's takes six times as long as that. */
import { outside, put32, u8, u32 } from '@9p/packet';

const block_bytes = 64;
const length_at = 56;
const initial = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0];

/** Outside V8's heap, and wiped: what is hashed may be a key. */
const state = new Int32Array(new ArrayBuffer(4 * initial.length));
const w = new Int32Array(new ArrayBuffer(4 * 80));

/** 20 bytes, into `out`. Keeps nothing of the message. */
export function sha1(message: Uint8Array, out: Uint8Array = outside(20)): Uint8Array {
  const n = message.length;
  state.set(initial);
  let at = 0;
  for (; at + block_bytes <= n; at += block_bytes) {
    for (let i = 0; i < 16; i++) w[i] = u32(message, at + 4 * i);
    digestBlock();
  }
  w.fill(0, 0, 16);
  for (; at < n; at++) append(at, u8(message, at));
  append(n, 0x80);
  if (n % block_bytes >= length_at) {
    digestBlock();
    w.fill(0, 0, 16);
  }
  w[14] = Math.floor(n / 2 ** 29);
  w[15] = n << 3;
  digestBlock();
  for (let i = 0; i < initial.length; i++) put32(out, 4 * i, state[i]!);
  state.fill(0);
  w.fill(0);
  return out;
}

function append(at: number, byte: number): void {
  const i = (at % block_bytes) >> 2;
  w[i] = w[i]! | (byte << (24 - 8 * (at & 3)));
}

/** Section 7, a loop for each function of it: one that chose among them would be slower. */
function digestBlock(): void {
  for (let i = 16; i < 80; i++) {
    const x = w[i - 3]! ^ w[i - 8]! ^ w[i - 14]! ^ w[i - 16]!;
    w[i] = (x << 1) | (x >>> 31);
  }
  let a = state[0]!;
  let b = state[1]!;
  let c = state[2]!;
  let d = state[3]!;
  let e = state[4]!;
  let t = 0;
  for (let i = 0; i < 20; i++) {
    t = (((a << 5) | (a >>> 27)) + (d ^ (b & (c ^ d))) + e + 0x5a827999 + w[i]!) | 0;
    e = d;
    d = c;
    c = (b << 30) | (b >>> 2);
    b = a;
    a = t;
  }
  for (let i = 20; i < 40; i++) {
    t = (((a << 5) | (a >>> 27)) + (b ^ c ^ d) + e + 0x6ed9eba1 + w[i]!) | 0;
    e = d;
    d = c;
    c = (b << 30) | (b >>> 2);
    b = a;
    a = t;
  }
  for (let i = 40; i < 60; i++) {
    t = (((a << 5) | (a >>> 27)) + ((b & c) | (d & (b | c))) + e + 0x8f1bbcdc + w[i]!) | 0;
    e = d;
    d = c;
    c = (b << 30) | (b >>> 2);
    b = a;
    a = t;
  }
  for (let i = 60; i < 80; i++) {
    t = (((a << 5) | (a >>> 27)) + (b ^ c ^ d) + e + 0xca62c1d6 + w[i]!) | 0;
    e = d;
    d = c;
    c = (b << 30) | (b >>> 2);
    b = a;
    a = t;
  }
  state[0] = state[0]! + a;
  state[1] = state[1]! + b;
  state[2] = state[2]! + c;
  state[3] = state[3]! + d;
  state[4] = state[4]! + e;
}
