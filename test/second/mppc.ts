/** MPPC written a second time, from RFC 2118's layout alone: a history of 8192 bytes and tokens of
 *  bits. Slow and plain: each match is looked for everywhere. */
import type { Bytes } from './keys.js';
import { flag } from './mppe.js';

export const history_bytes = 8192;
const match_min = 3;

/** Bits, the first one the highest. */
class BitWriter {
  #bits = '';
  put(value: number, count: number): void {
    this.#bits += value.toString(2).padStart(count, '0');
  }
  get length(): number {
    return Math.ceil(this.#bits.length / 8);
  }
  bytes(): Bytes {
    const all = this.#bits.padEnd(8 * this.length, '0');
    return Uint8Array.from({ length: this.length }, (_, i) =>
      Number.parseInt(all.slice(8 * i, 8 * i + 8), 2),
    );
  }
}

class BitReader {
  readonly #bits: string;
  #at = 0;
  constructor(b: Bytes) {
    this.#bits = Array.from(b, (x) => x.toString(2).padStart(8, '0')).join('');
  }
  /** Undefined beyond the end. */
  get(count: number): number | undefined {
    if (this.#at + count > this.#bits.length) return undefined;
    this.#at += count;
    return Number.parseInt(`0${this.#bits.slice(this.#at - count, this.#at)}`, 2);
  }
  /** Ones up to a zero, at most `max` of them. */
  ones(max: number): number | undefined {
    for (let n = 0; n <= max; n++) {
      const bit = this.get(1);
      if (bit !== 1) return bit === undefined ? undefined : n;
    }
    return undefined;
  }
  get left(): number {
    return this.#bits.length - this.#at;
  }
}

function putOffset(w: BitWriter, offset: number): void {
  if (offset < 64) w.put(0b1111_000000 | offset, 10);
  else if (offset < 320) w.put(0b1110_00000000 | (offset - 64), 12);
  else w.put((0b110 << 13) | (offset - 320), 16);
}
/** 3 is 0; from 2^n on, n-1 ones, a zero, and the n low bits. */
function putLength(w: BitWriter, length: number): void {
  if (length === 3) return w.put(0, 1);
  const n = Math.floor(Math.log2(length));
  for (let i = 1; i < n; i++) w.put(1, 1);
  w.put(0, 1);
  w.put(length - 2 ** n, n);
}

/** The longest match at `at` that begins at `from` or later; the nearest of equals. */
function longest(
  h: Bytes,
  from: number,
  at: number,
  end: number,
): { offset: number; length: number } {
  let best = { offset: 0, length: 0 };
  for (let start = at - 1; start >= from; start--) {
    let n = 0;
    while (at + n < end && h[start + n] === h[at + n]) n++;
    if (n > best.length) best = { offset: at - start, length: n };
  }
  return best;
}

function tokens(h: Bytes, begin: number, end: number): Bytes {
  const w = new BitWriter();
  for (let at = begin; at < end; ) {
    const { offset, length } = longest(h, 0, at, end);
    if (length >= match_min && offset < history_bytes) {
      putOffset(w, offset);
      putLength(w, length);
      at += length;
    } else {
      const b = h[at++]!;
      if (b < 0x80) w.put(b, 8);
      else w.put(0b10_0000000 | (b & 0x7f), 9);
    }
  }
  return w.bytes();
}

export class MppcSender {
  #history = new Uint8Array(history_bytes);
  #at = 0;
  #flush = true;

  /** The next packet begins with an empty history. */
  reset(): void {
    this.#flush = true;
  }
  get flushes(): boolean {
    return this.#flush;
  }
  /** What goes out and its flags: without `compressed` the packet as it was, and the history is
   *  gone. */
  send(packet: Bytes): { readonly bits: number; readonly data: Bytes } {
    let bits = 0;
    if (this.#flush) {
      this.#history.fill(0);
      this.#at = 0;
      bits = flag.flushed | flag.front;
    } else if (this.#at + packet.length > history_bytes) {
      this.#at = 0;
      bits = flag.front;
    }
    if (packet.length > history_bytes) return this.#asItWas(packet);
    this.#history.set(packet, this.#at);
    const data = tokens(this.#history, this.#at, this.#at + packet.length);
    if (data.length >= packet.length) return this.#asItWas(packet);
    this.#at += packet.length;
    this.#flush = false;
    return { bits: bits | flag.compressed, data };
  }
  #asItWas(packet: Bytes): { readonly bits: number; readonly data: Bytes } {
    this.#flush = true;
    return { bits: 0, data: packet };
  }
}

function lengthOf(r: BitReader): number | undefined {
  const ones = r.ones(11);
  if (ones === undefined || ones === 0) return ones === 0 ? 3 : undefined;
  const low = r.get(ones + 1);
  return low === undefined ? undefined : 2 ** (ones + 1) + low;
}
function offsetOf(r: BitReader, kind: number): number | undefined {
  const bits = kind === 2 ? 13 : kind === 3 ? 8 : 6;
  const v = r.get(bits);
  return v === undefined ? undefined : v + (kind === 2 ? 320 : kind === 3 ? 64 : 0);
}

export class MppcReceiver {
  readonly #history = new Uint8Array(history_bytes);
  #at = 0;

  /** The packet, or undefined if the bits are none that a sender makes. */
  receive(bits: number, data: Bytes): Bytes | undefined {
    if ((bits & flag.flushed) !== 0) this.#history.fill(0);
    if ((bits & (flag.flushed | flag.front)) !== 0) this.#at = 0;
    if ((bits & flag.compressed) === 0) return data;
    const begin = this.#at;
    const r = new BitReader(data);
    while (r.left >= 8) if (!this.#token(r)) return undefined;
    return this.#history.slice(begin, this.#at);
  }
  #token(r: BitReader): boolean {
    const kind = r.ones(4 - 1) ?? 4;
    if (kind < 2) {
      const low = r.get(7);
      return low !== undefined && this.#put(low | (kind << 7));
    }
    const offset = offsetOf(r, kind);
    const length = lengthOf(r);
    if (offset === undefined || length === undefined) return false;
    if (offset === 0 || offset > this.#at) return false;
    for (let i = 0; i < length; i++)
      if (!this.#put(this.#history[this.#at - offset]!)) return false;
    return true;
  }
  #put(b: number): boolean {
    if (this.#at >= history_bytes) return false;
    this.#history[this.#at++] = b;
    return true;
  }
}
