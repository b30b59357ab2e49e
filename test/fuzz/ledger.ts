/** The books that a client keeps of one connection: what it asked, and whether the server answers
 *  that and nothing else, each request once unless it was flushed. Knows a message by its size,
 *  type and tag, whatever else is wrong with it. */
import assert from 'node:assert/strict';
import { code, type Dialect, decode, Framer, max_msize_bytes, min_msize_bytes } from '@9p/lib9p';

interface Asked {
  readonly type: number;
  /** In the order of asking. */
  readonly n: number;
  /** Of a Tread or Treaddir how much it asked for, of a Tflush what it flushes. */
  readonly more: number;
  /** Of a Tversion that begins a session: how. */
  readonly session: Session | undefined;
}

interface Session {
  readonly msize: number;
  readonly dialect: Dialect;
}

const first_msize_bytes = 8216;
const read_bytes = 23;
const flush_bytes = 9;
const errors: readonly number[] = [code.Rerror, code.Rlerror];
const reads: readonly number[] = [code.Tread, code.Treaddir];

export class Ledger {
  /** What was sent that is no message: the server must end the connection. */
  doomed = false;
  requests = 0;
  answered = 0;
  flushed = 0;
  refused = 0;
  /** As the replies have it that come now. */
  #session: Session = { msize: first_msize_bytes, dialect: '9P2000' };
  readonly #open = new Map<number, Asked[]>();
  readonly #sent = new Framer(first_msize_bytes);
  readonly #got = new Framer(max_msize_bytes);

  get outstanding(): number {
    return this.#open.size;
  }
  /** The server has a part of a message and waits for the rest: what is sent now is that. */
  get torn(): boolean {
    return this.#sent.left > 0;
  }
  tags(): number[] {
    return [...this.#open.keys()];
  }
  /** Nothing is open with this tag. */
  free(tag: number): boolean {
    return !this.#open.has(tag);
  }

  sent(bytes: Uint8Array): void {
    const f = this.#sent;
    f.feed(bytes);
    while (f.next()) this.#ask(Buffer.from(f.buf.subarray(f.start, f.end)));
    f.keep();
    this.doomed ||= f.bad !== undefined;
  }

  #ask(b: Buffer): void {
    const [type, tag] = [b[4]!, b.readUInt16LE(5)];
    this.requests++;
    const session = type === code.Tversion ? this.#begun(b) : undefined;
    const list = this.#open.get(tag) ?? [];
    const isRead = reads.includes(type) && b.length === read_bytes;
    const isFlush = type === code.Tflush && b.length === flush_bytes;
    const more = isRead ? b.readUInt32LE(19) : isFlush ? b.readUInt16LE(7) : -1;
    list.push({ type, n: this.requests, more, session });
    this.#open.set(tag, list);
  }

  /** What the server makes of a Tversion that it can read. */
  #begun(b: Buffer): Session | undefined {
    const f = decode(b, 0, b.length);
    if (typeof f === 'string' || f.type !== 'Tversion') return undefined;
    const none: Session = { msize: this.#sent.msize, dialect: '9P2000' };
    const linux = f.version === '9P2000.u' || f.version === '9P2000.L';
    if (f.msize < min_msize_bytes || !(linux || /^9P[2-9]\d{3}/.test(f.version))) return none;
    this.#sent.msize = Math.min(f.msize, max_msize_bytes);
    return { msize: this.#sent.msize, dialect: linux ? (f.version as Dialect) : '9P2000' };
  }

  got(bytes: Uint8Array): void {
    const f = this.#got;
    f.feed(bytes);
    while (f.next()) this.#answer(Buffer.from(f.buf.subarray(f.start, f.end)));
    f.keep();
    assert.equal(f.bad, undefined, 'what the server sends are messages');
  }

  #answer(b: Buffer): void {
    const [type, tag] = [b[4]!, b.readUInt16LE(5)];
    const list = this.#open.get(tag) ?? [];
    const failed = errors.includes(type);
    // A tag that is taken is refused at once, and the request that has it goes on.
    const version = list.findIndex((a) => type === code.Rversion && a.session !== undefined);
    const [asked] = list.splice(failed ? -1 : Math.max(0, version), 1);
    if (asked?.session !== undefined) this.#begin(asked.n, asked.session);
    const r = decode(b, 0, b.length, this.#session.dialect);
    assert.ok(typeof r !== 'string', `a reply that is none: ${r} ${b.toString('hex', 0, 32)}`);
    assert.ok(b.length <= this.#session.msize, `${r.type} of ${b.length} bytes, over the msize`);
    assert.ok(asked !== undefined, `${r.type} tag ${tag} answers nothing`);
    assert.ok(failed || type === asked.type + 1, `${r.type} answers ${asked.type}`);
    if ((this.#open.get(tag) ?? []).length === 0) this.#open.delete(tag);
    this.answered++;
    if (failed) this.refused++;
    if (r.type === 'Rread' || r.type === 'Rreaddir') assert.ok(r.data.length <= asked.more);
    if (r.type === 'Rflush') this.#drop(asked);
  }

  /** All that was asked before is aborted. */
  #begin(n: number, session: Session): void {
    this.#session = session;
    for (const [tag, list] of this.#open) {
      const left = list.filter((a) => a.n > n);
      this.flushed += list.length - left.length;
      if (left.length > 0) this.#open.set(tag, left);
      else this.#open.delete(tag);
    }
  }

  /** What a flush that was answered was for is never answered. */
  #drop(flush: Asked): void {
    const list = this.#open.get(flush.more) ?? [];
    const left = list.filter((a) => a.n > flush.n);
    for (const a of list)
      if (a.n < flush.n) assert.notEqual(a.type, code.Tflush, 'flushes are answered in order');
    this.flushed += list.length - left.length;
    if (left.length > 0) this.#open.set(flush.more, left);
    else this.#open.delete(flush.more);
  }
}
