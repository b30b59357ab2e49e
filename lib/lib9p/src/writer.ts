/** A buffer that messages are put into one after the other; it grows as it must. Numbers take
 *  the room that `need` or `begin` made, strings make their own. */
import { putLe16, putLe32, utf8 } from './bytes.js';
import type { Qid } from './tree.js';

const first_bytes = 512;

export class Writer {
  buf: Uint8Array;
  at = 0;

  constructor(buf: Uint8Array = new Uint8Array(0)) {
    this.buf = buf;
  }

  /** Room for n more bytes. */
  need(n: number): this {
    if (this.at + n > this.buf.length) this.#grow(this.at + n);
    return this;
  }

  u8(v: number): this {
    this.buf[this.at++] = v;
    return this;
  }

  u16(v: number): this {
    putLe16(this.buf, this.at, v);
    this.at += 2;
    return this;
  }

  u32(v: number): this {
    putLe32(this.buf, this.at, v);
    this.at += 4;
    return this;
  }

  u64(v: bigint): this {
    const n = Number(v);
    const exact = n <= Number.MAX_SAFE_INTEGER;
    putLe32(this.buf, this.at, exact ? n : Number(BigInt.asUintN(32, v)));
    putLe32(this.buf, this.at + 4, exact ? n / 2 ** 32 : Number(BigInt.asUintN(32, v >> 32n)));
    this.at += 8;
    return this;
  }

  /** A file offset, which is a number here. */
  offset(n: number): this {
    putLe32(this.buf, this.at, n);
    putLe32(this.buf, this.at + 4, n / 2 ** 32);
    this.at += 8;
    return this;
  }

  qid(q: Qid): this {
    return this.u8(q.type).u32(q.vers).u64(q.path);
  }

  bytes(b: Uint8Array): this {
    this.buf.set(b, this.at);
    this.at += b.length;
    return this;
  }

  /** A counted string; makes its own room. */
  str(s: string): this {
    this.need(2 + 3 * s.length);
    const start = this.at + 2;
    const end = this.#ascii(s, start) ? start + s.length : this.#utf8(s, start);
    if (end - start > 0xffff) throw new Error('string too long for a message');
    putLe16(this.buf, this.at, end - start);
    this.at = end;
    return this;
  }

  /** Begin a message and return where it starts. `end` fills in its size. */
  begin(type: number, tag: number, room: number): number {
    this.need(room);
    const start = this.at;
    this.buf[start + 4] = type;
    putLe16(this.buf, start + 5, tag);
    this.at = start + 7;
    return start;
  }

  end(start: number): void {
    putLe32(this.buf, start, this.at - start);
  }

  #ascii(s: string, o: number): boolean {
    for (let i = 0; i < s.length; i++) {
      const c = s.charCodeAt(i);
      if (c > 0x7f) return false;
      this.buf[o + i] = c;
    }
    return true;
  }

  #utf8(s: string, o: number): number {
    const b = utf8(s);
    this.buf.set(b, o);
    return o + b.length;
  }

  #grow(n: number): void {
    const old = this.buf;
    this.buf = unfilled(Math.max(n, 2 * old.length, first_bytes));
    this.buf.set(old.subarray(0, this.at));
    old.fill(0, 0, this.at); // it may have had a secret
  }
}

/** Zeros that are overwritten at once cost as much as what they are overwritten with. */
function unfilled(n: number): Uint8Array {
  return new Uint8Array(Buffer.allocUnsafeSlow(n).buffer);
}
