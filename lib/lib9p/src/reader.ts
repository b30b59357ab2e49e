/** A cursor over one message. Reading beyond the end gives zeros and marks it, so that a decoder
 *  checks once, at its end, and no bytes from a peer make it throw. */
import { le16, le32, le64, text } from './bytes.js';
import type { Qid } from './tree.js';

export type Malformed = string;

const ascii_bytes = 24;
const strictly = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export class Reader {
  readonly buf: Uint8Array;
  at: number;
  readonly end: number;
  readonly #strict: boolean;
  #bad: Malformed | undefined;

  /** `strict`: strings must be UTF-8. Otherwise what is not is replaced: a server may have such
   *  names, and its directories are to be read all the same. */
  constructor(buf: Uint8Array, at: number, end: number, strict = false) {
    this.#strict = strict;
    this.buf = buf;
    this.at = at;
    this.end = end;
  }

  u8(): number {
    return this.#has(1) ? this.buf[this.at++]! : 0;
  }

  u16(): number {
    if (!this.#has(2)) return 0;
    this.at += 2;
    return le16(this.buf, this.at - 2);
  }

  u32(): number {
    if (!this.#has(4)) return 0;
    this.at += 4;
    return le32(this.buf, this.at - 4);
  }

  u64(): bigint {
    if (!this.#has(8)) return 0n;
    this.at += 8;
    // Small ones, which most are, in one step.
    const small = le32(this.buf, this.at - 4) === 0;
    return small ? BigInt(le32(this.buf, this.at - 8)) : le64(this.buf, this.at - 8);
  }

  qid(): Qid {
    return { type: this.u8(), vers: this.u32(), path: this.u64() };
  }

  /** n bytes where they lie. */
  bytes(n: number): Uint8Array {
    if (!this.#has(n)) return this.buf.subarray(0, 0);
    this.at += n;
    return this.buf.subarray(this.at - n, this.at);
  }

  str(): string {
    const n = this.u16();
    if (!this.#has(n)) return '';
    const start = this.at;
    this.at += n;
    return this.#short(start, n) ?? this.#text(start);
  }

  fail(why: Malformed): void {
    this.#bad ??= why;
  }

  /** Why what was read is no good; a message must be read to its end exactly. */
  verdict(): Malformed | undefined {
    if (this.#bad === undefined && this.at < this.end) return 'message too long';
    return this.#bad;
  }

  #has(n: number): boolean {
    if (n <= this.end - this.at) return true;
    this.#bad ??= 'message too short';
    this.at = this.end;
    return false;
  }

  /** Names are short and ASCII mostly, and a decoder costs more than they do. */
  #short(start: number, n: number): string | undefined {
    if (n > ascii_bytes) return undefined;
    let s = '';
    for (let i = start; i < start + n; i++) {
      const c = this.buf[i]!;
      if (c === 0 || c > 0x7f) return undefined;
      s += String.fromCharCode(c);
    }
    return s;
  }

  #text(start: number): string {
    const b = this.buf.subarray(start, this.at);
    if (b.includes(0)) this.fail('NUL in a string');
    if (!this.#strict) return text(b);
    try {
      return strictly.decode(b);
    } catch {
      this.fail('a string is not UTF-8');
      return '';
    }
  }
}
