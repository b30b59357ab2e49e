/** MD4, RFC 1320. Ours because Node 20's OpenSSL has it in its legacy provider only, and a
 *  password's NT hash (RFC 2759 section 8.3) is made with it. */
import { le32, outside, put8, putLe32 } from '@9p/packet';

const block_bytes = 64;
/** 0x80, and the length in 8 bytes, follow the message. */
const padding_bytes_min = 9;

type Mix = (x: number, y: number, z: number) => number;
interface Round {
  readonly mix: Mix;
  readonly constant: number;
  /** Which word of the block each step takes. */
  readonly words: readonly number[];
  readonly shifts: readonly number[];
}

/** Section 3.4. */
const rounds: readonly Round[] = [
  {
    mix: (x, y, z) => (x & y) | (~x & z),
    constant: 0,
    words: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
    shifts: [3, 7, 11, 19],
  },
  {
    mix: (x, y, z) => (x & y) | (x & z) | (y & z),
    constant: 0x5a827999,
    words: [0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15],
    shifts: [3, 5, 9, 13],
  },
  {
    mix: (x, y, z) => x ^ y ^ z,
    constant: 0x6ed9eba1,
    words: [0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15],
    shifts: [3, 9, 11, 15],
  },
];

type State = [a: number, b: number, c: number, d: number];

/** 16 bytes. Keeps no copy of the message, which may be a secret. */
export function md4(message: Uint8Array): Uint8Array {
  const padded = pad(message);
  let state: State = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476];
  for (let at = 0; at < padded.length; at += block_bytes) state = digestBlock(state, padded, at);
  padded.fill(0);
  const out = outside(16);
  for (const [i, word] of state.entries()) putLe32(out, 4 * i, word);
  return out;
}

function pad(message: Uint8Array): Uint8Array {
  const blocks = Math.ceil((message.length + padding_bytes_min) / block_bytes);
  const out = outside(blocks * block_bytes);
  out.set(message);
  put8(out, message.length, 0x80);
  putLe32(out, out.length - 8, message.length << 3);
  putLe32(out, out.length - 4, Math.floor(message.length / 2 ** 29));
  return out;
}

function digestBlock(state: State, b: Uint8Array, at: number): State {
  let [a, x, y, z] = state;
  for (const { mix, constant, words, shifts } of rounds) {
    for (let step = 0; step < words.length; step++) {
      const sum = (a + mix(x, y, z) + le32(b, at + 4 * words[step]!) + constant) | 0;
      const shift = shifts[step & 3]!;
      a = z;
      z = y;
      y = x;
      x = (sum << shift) | (sum >>> (32 - shift));
    }
  }
  return [state[0] + a, state[1] + x, state[2] + y, state[3] + z].map((w) => w | 0) as State;
}
