/** Microsoft Point-To-Point Compression, RFC 2118 section 4: literals, and copies of what is in the
 *  history of the last 8192 bytes. Which packet it is, flushed or not, is the affair of MPPE. */
import { u8 } from '@9p/packet';

/** Also the longest packet. */
export const history_bytes = 8192;
const match_min = 3;
const hash_bits = 12;

/** What the header takes that a compressed packet has and another has not: less is no gain. */
const gain_min = 4;

/** Where offsets of 6, 8 and 13 bits begin. */
const offset8 = 64;
const offset13 = 320;

export class Compressor {
  readonly #history = new Uint8Array(history_bytes);
  /** Where three bytes with this hash were last; what is there is compared before it is used. */
  readonly #last = new Uint16Array(1 << hash_bits);
  readonly #out = new Uint8Array(history_bytes + 8);
  #at = 0;
  /** The next packet goes to the front of the history, and says so. */
  #front = true;
  #end = 0;
  #bits = 0;
  #held = 0;

  /** The receiver's history is empty, or will be. */
  reset(): void {
    this.#at = 0;
    this.#front = true;
  }

  /** Whether the packet that was compressed last begins the history. */
  atFront = false;

  /** b[o..end) compressed, valid until the next call; undefined: nothing is gained by it, and
   *  the receiver's history must not learn of it. */
  compress(b: Uint8Array, o: number, end: number): Uint8Array | undefined {
    const n = end - o;
    if (n > history_bytes) return undefined;
    if (this.#at + n > history_bytes) this.reset();
    const at = this.#at;
    this.#history.set(b.subarray(o, end), at);
    this.#end = 0;
    this.#bits = 0;
    this.#held = 0;
    if (!this.#encode(at, at + n, n - gain_min)) return undefined;
    this.#at = at + n;
    this.atFront = this.#front;
    this.#front = false;
    return this.#out.subarray(0, this.#end);
  }

  /** False as soon as it has come to more than `limit` bytes. */
  #encode(from: number, end: number, limit: number): boolean {
    const h = this.#history;
    for (let at = from; at < end; ) {
      const length = at + match_min <= end ? this.#match(at, end) : 0;
      if (length === 0) {
        const c = h[at]!;
        if (c < 0x80) this.#put(c, 8);
        else this.#put(0x100 | (c & 0x7f), 9);
        at++;
      } else {
        this.#putOffset(at - this.#found);
        this.#putLength(length);
        at += length;
      }
      if (this.#end > limit) return false;
    }
    if (this.#held > 0) this.#put(0, 8 - this.#held);
    return this.#end <= limit;
  }

  #found = 0;
  /** How long what is at `at` has been in the history, at #found; 0 if less than three bytes. */
  #match(at: number, end: number): number {
    const h = this.#history;
    const three = (h[at]! << 16) | (h[at + 1]! << 8) | h[at + 2]!;
    const hash = Math.imul(three, 0x9e3779b1) >>> (32 - hash_bits);
    const was = this.#last[hash]!;
    this.#last[hash] = at;
    if (was >= at) return 0;
    let n = 0;
    while (at + n < end && h[was + n] === h[at + n]) n++;
    this.#found = was;
    return n < match_min ? 0 : n;
  }

  /** Section 4.2.1. */
  #putOffset(offset: number): void {
    if (offset < offset8) this.#put(0x3c0 | offset, 10);
    else if (offset < offset13) this.#put(0xe00 | (offset - offset8), 12);
    else this.#put(0xc000 | (offset - offset13), 16);
  }

  /** Section 4.2.2: 3 is a zero; else as many ones as bits follow the first one of the number, less
   *  one, a zero, and those bits. */
  #putLength(length: number): void {
    if (length === match_min) return this.#put(0, 1);
    const bits = 31 - Math.clz32(length);
    this.#put((1 << bits) - 2, bits);
    this.#put(length - (1 << bits), bits);
  }

  #put(value: number, bits: number): void {
    this.#bits = (this.#bits << bits) | value;
    this.#held += bits;
    while (this.#held >= 8) {
      this.#held -= 8;
      this.#out[this.#end++] = this.#bits >>> this.#held;
    }
  }
}

export class Decompressor {
  readonly #history = new Uint8Array(history_bytes);
  #at = 0;
  /** As much of the history has ever been written. */
  #known = 0;
  // The packet that is read.
  #b: Uint8Array = this.#history;
  #next = 0;
  #end = 0;
  #bits = 0;
  #held = 0;

  /** The sender's history is empty. */
  reset(): void {
    this.#at = 0;
    this.#known = 0;
  }
  /** The sender goes on at the front; what is behind may still be copied. */
  front(): void {
    this.#at = 0;
  }

  /** What b[o..end) was, in the history: valid until the next call. Undefined if it makes no sense;
   *  then nothing does until a reset. */
  decompress(b: Uint8Array, o: number, end: number): Uint8Array | undefined {
    this.#b = b;
    this.#next = o;
    this.#end = end;
    this.#bits = 0;
    this.#held = 0;
    const from = this.#at;
    // fewer than eight bits are padding
    while (this.#held + 8 * (this.#end - this.#next) >= 8) if (!this.#token()) return undefined;
    this.#known = Math.max(this.#known, this.#at);
    return this.#history.subarray(from, this.#at);
  }

  #token(): boolean {
    if (this.#get(1) === 0) return this.#write(this.#get(7));
    if (this.#get(1) === 0) return this.#write(0x80 | this.#get(7));
    const offset = this.#offset();
    const length = this.#length();
    return this.#held >= 0 && this.#copy(offset, length);
  }

  #offset(): number {
    if (this.#get(1) === 0) return offset13 + this.#get(13);
    return this.#get(1) === 0 ? offset8 + this.#get(8) : this.#get(6);
  }

  /** 0: there is no such length. */
  #length(): number {
    for (let bits = 1; bits < 13; bits++)
      if (this.#get(1) === 0) return bits === 1 ? match_min : (1 << bits) | this.#get(bits);
    return 0;
  }

  #write(byte: number): boolean {
    if (this.#held < 0 || this.#at >= history_bytes) return false;
    this.#history[this.#at++] = byte;
    return true;
  }

  /** The source may run into what is being copied. */
  #copy(offset: number, length: number): boolean {
    const h = this.#history;
    const known = Math.max(this.#known, this.#at);
    let from = this.#at - offset;
    if (from < 0) from += history_bytes;
    const bad = offset === 0 || length === 0 || this.#at + length > history_bytes;
    if (bad || from >= known) return false;
    for (let n = 0; n < length; n++) {
      h[this.#at++] = u8(h, from);
      from = (from + 1) % history_bytes;
    }
    return true;
  }

  /** The next bits; #held below zero says that there were not so many. */
  #get(n: number): number {
    while (this.#held < n && this.#next < this.#end) {
      this.#bits = (this.#bits << 8) | u8(this.#b, this.#next++);
      this.#held += 8;
    }
    this.#held -= n;
    if (this.#held < 0) {
      this.#end = this.#next;
      return 0;
    }
    return (this.#bits >>> this.#held) & ((1 << n) - 1);
  }
}
