/** Cuts a stream of bytes into messages by their size field: one byte at a
 *  time or many messages at once.
 *
 *    f.feed(chunk);
 *    while (f.next()) use(f.buf, f.start, f.end);
 *    f.keep();
 *
 *  A message that lies whole in a chunk is used where it lies. `keep` copies what is left over:
 *  the chunk goes back to its owner. One may stop between messages, keep, and go on later. */
import { le32 } from './bytes.js';
import { header_bytes } from './fcall.js';
import type { Malformed } from './reader.js';

const none: Uint8Array = new Uint8Array(0);

export class Framer {
  /** The message that `next` found: buf[start..end). */
  buf: Uint8Array = none;
  start = 0;
  end = 0;
  /** Set by a size that cannot be: the stream is lost from there on. */
  bad: Malformed | undefined;
  /** Largest message taken. */
  msize: number;

  #cur = none; // looked at now: cur[at..to)
  #at = 0;
  #to = 0;
  #chunk = none; // after it
  #chunkAt = 0;
  #own = none; // ours, for what is left over

  constructor(msize: number) {
    this.msize = msize;
  }

  feed(bytes: Uint8Array): void {
    const chunk = plain(bytes);
    if (this.#chunkAt < this.#chunk.length) this.keep();
    if (this.#at === this.#to) this.#look(chunk, 0, chunk.length);
    else this.#follow(chunk, 0);
  }

  next(): boolean {
    while (this.bad === undefined) {
      const have = this.#to - this.#at;
      const want = this.#want(have);
      if (want <= have) return this.#found(want);
      if (this.#chunkAt === this.#chunk.length) return false;
      if (have === 0) this.#turnToChunk();
      else this.#fill(want - have);
    }
    return false;
  }

  keep(): void {
    if (this.#at === this.#to) this.#look(this.#own, 0, 0);
    else if (this.#cur !== this.#own) this.#store(this.#to - this.#at);
    if (this.#chunkAt < this.#chunk.length) this.#append(this.#chunk.subarray(this.#chunkAt));
    this.#follow(none, 0);
  }

  /** Bytes received and not yet used. */
  get left(): number {
    return this.#to - this.#at + this.#chunk.length - this.#chunkAt;
  }

  #look(buf: Uint8Array, at: number, to: number): void {
    this.#cur = buf;
    this.#at = at;
    this.#to = to;
  }

  #follow(chunk: Uint8Array, at: number): void {
    this.#chunk = chunk;
    this.#chunkAt = at;
  }

  /** Bytes that the message needs, as far as is known; 4 until its size is there. */
  #want(have: number): number {
    if (have < 4) return 4;
    const size = le32(this.#cur, this.#at);
    if (size < header_bytes) this.bad = 'message size too small';
    if (size > this.msize) this.bad = 'message size over msize';
    return this.bad === undefined ? size : 4;
  }

  #found(size: number): boolean {
    if (this.bad !== undefined) return false;
    this.buf = this.#cur;
    this.start = this.#at;
    this.end = this.#at += size;
    return true;
  }

  #turnToChunk(): void {
    this.#look(this.#chunk, this.#chunkAt, this.#chunk.length);
    this.#follow(none, 0);
  }

  /** Complete a message that began in an earlier chunk, or at least its size field. */
  #fill(lack: number): void {
    const n = Math.min(lack, this.#chunk.length - this.#chunkAt);
    this.#append(this.#chunk.subarray(this.#chunkAt, this.#chunkAt + n));
    this.#chunkAt += n;
  }

  #append(b: Uint8Array): void {
    this.#store(this.#to - this.#at + b.length);
    this.#own.set(b, this.#to);
    this.#to += b.length;
  }

  /** What is looked at moves to a buffer of ours with room for `n` bytes in all from `at` on. */
  #store(n: number): void {
    if (this.#cur === this.#own && this.#at + n <= this.#own.length) return;
    const rest = this.#cur.subarray(this.#at, this.#to);
    if (n > this.#own.length) this.#own = new Uint8Array(this.#room(n));
    this.#own.set(rest);
    this.#look(this.#own, 0, rest.length);
  }

  /** A message whose size is known gets its room at once. */
  #room(n: number): number {
    if (this.#to - this.#at < 4) return Math.max(n, 64);
    return Math.max(n, Math.min(le32(this.#cur, this.#at), this.msize));
  }
}

/** Buffer's slice and subarray are not those of Uint8Array: the one
 *  copies not, the other is slow. */
function plain(b: Uint8Array): Uint8Array {
  return b.constructor === Uint8Array ? b : new Uint8Array(b.buffer, b.byteOffset, b.length);
}
