/** What one mount holds, and how its requests are answered: at once if the answer is at hand,
 *  otherwise when it comes, and once. */
import { FileError, type Node, type OpenFile, type Req, type Wait, type Who } from '@9p/lib9p';
import { counters, errnoOf, errorText } from 'slashnet/core';
import type { Accounts } from './accounts.js';
import { type Inode, Inodes } from './inodes.js';
import { emitHeader, emitNotifyPoll, notify_poll_bytes, out_header_bytes } from './wire.js';

/** Where replies go: one message each, written into `bytes` and sent in order. */
export interface Replies {
  readonly bytes: Uint8Array;
  /** Where `n` bytes are free, until they are sent. */
  take(n: number): number;
  send(start: number, end: number): void;
}

export const errno = {
  EPERM: 1,
  ENOENT: 2,
  EINTR: 4,
  EIO: 5,
  EBADF: 9,
  EAGAIN: 11,
  EACCES: 13,
  EXDEV: 18,
  ENODEV: 19,
  ENOTDIR: 20,
  EISDIR: 21,
  EINVAL: 22,
  ENFILE: 23,
  EMFILE: 24,
  ENOTTY: 25,
  ENOSYS: 38,
  EPROTO: 71,
  ESTALE: 116,
} as const;

/** Largest read or write of one request. */
export const io_bytes = 128 * 1024;
const pending_max = 16384;
const handles_max = 65536;

/** Thrown for a name that means another file by now, or none, where the kernel remembers the old
 *  one: ESTALE makes it look the name up anew and open what it then finds. */
export class Stale extends Error {}

/** One request of the kernel, under way. */
export class Op implements Req {
  readonly unique: number;
  readonly who: Who;
  readonly iounit = io_bytes;
  flushed = false;
  onflush: (() => void) | undefined;
  answered = false;
  constructor(unique: number, who: Who) {
    this.unique = unique;
    this.who = who;
  }
}

/** An open file or directory. */
export interface Handle {
  readonly inode: Inode;
  readonly file: OpenFile | undefined;
  readonly writes: boolean;
  /** A directory's entries, as of its opening or the last read from its beginning. */
  nodes: readonly Node[];
  /** Of a directory: read since it was opened. */
  used: boolean;
  /** The kernel's name for it when it asked to be told of readiness, until it is told. */
  kh: number | undefined;
}

export interface SessionOptions {
  /** Hears of an error that no node meant for a client. */
  readonly bug?: (e: unknown) => void;
}

export class Session {
  readonly inodes: Inodes;
  readonly accounts: Accounts;
  readonly handles = new Map<number, Handle>();
  readonly stats = counters();
  readonly out: Replies;
  readonly #pending = new Map<number, Op>();
  readonly #bug: (e: unknown) => void;
  #handle = 0;
  #closed = false;
  #op: Op | undefined;
  #start = 0;
  /** The last reply had a secret. */
  #secret = false;
  #end = 0;

  constructor(root: Node, out: Replies, accounts: Accounts, o: SessionOptions = {}) {
    this.inodes = new Inodes(root);
    this.out = out;
    this.accounts = accounts;
    this.#bug = o.bug ?? (() => {});
  }

  get waiting(): number {
    return this.#pending.size;
  }

  // Replies

  /** Begin a reply with `n` bytes after its header; returns where they go in `out.bytes`. */
  begin(op: Op, n: number): number {
    this.#op = op;
    this.#start = this.#take(out_header_bytes + n);
    this.#end = this.#start + out_header_bytes + n;
    emitHeader(this.out.bytes, this.#start, out_header_bytes + n, 0, op.unique);
    return this.#start + out_header_bytes;
  }
  send(): void {
    if (this.#op !== undefined) this.#op.answered = true;
    this.out.send(this.#start, this.#end);
  }
  empty(op: Op): void {
    this.begin(op, 0);
    this.send();
  }
  /** What the last reply told is wiped, now that it has gone. */
  #take(n: number): number {
    const at = this.out.take(n);
    if (this.#secret) this.out.bytes.fill(0, this.#start, this.#end);
    this.#secret = false;
    return at;
  }
  data(op: Op, data: Uint8Array, limit: number, secret = false): void {
    const bytes = data.length > limit ? data.subarray(0, limit) : data;
    const o = this.begin(op, bytes.length);
    this.out.bytes.set(bytes, o);
    this.#secret = secret;
    this.send();
  }
  error(op: Op, n: number): void {
    op.answered = true;
    const o = this.#take(out_header_bytes);
    emitHeader(this.out.bytes, o, out_header_bytes, n, op.unique);
    this.out.send(o, o + out_header_bytes);
  }
  /** A request that is not as the protocol has it. */
  malformed(op: Op, why: string): void {
    this.stats.add(why);
    this.error(op, errno.EIO);
  }
  /** The errno of what an operation threw. */
  failed(op: Op, e: unknown): void {
    if (op.flushed) return this.error(op, errno.EINTR);
    if (e instanceof Stale) return this.error(op, errno.ESTALE);
    if (e instanceof FileError) return this.error(op, errnoOf(errorText(e)));
    this.stats.add('bugs');
    this.#bug(e);
    this.error(op, errno.EIO);
  }

  // Operations that wait

  /**
   * `reply` to `op` with `result`: now, or when it comes. `undo` gets a result that came after the
   * caller had gone and was told so.
   */
  answer<T>(op: Op, result: Wait<T>, reply: (v: T) => void, undo?: (v: T) => void): void {
    if (!(result instanceof Promise)) return reply(result);
    this.#pending.set(op.unique, op);
    if (this.#pending.size > pending_max) this.#refuse(op);
    result.then(
      (v) => (this.#settle(op) ? this.#guard(op, () => reply(v)) : undo?.(v)),
      (e) => {
        if (this.#settle(op)) this.failed(op, e);
      },
    );
  }

  /** One more than may wait: it is undone as if its caller had gone. */
  #refuse(op: Op): void {
    this.stats.add('toomanywaiting');
    this.#flush(op);
    this.#pending.delete(op.unique);
    this.error(op, errno.EMFILE);
  }

  #guard(op: Op, reply: () => void): void {
    try {
      reply();
    } catch (e) {
      if (op.answered) this.#bug(e);
      else this.failed(op, e);
    }
  }

  /** True if the operation still wants an answer. */
  #settle(op: Op): boolean {
    if (this.#pending.get(op.unique) === op) this.#pending.delete(op.unique);
    op.onflush = undefined;
    return !op.answered && !this.#closed;
  }

  /**
   * The caller of `unique` was interrupted. Who holds the operation is told and may still answer,
   * with what it has or an error; if it does not by the next round of the loop, we answer for it.
   */
  interrupt(unique: number): void {
    const op = this.#pending.get(unique);
    if (op === undefined || op.flushed) return;
    this.#flush(op);
    setImmediate(() => {
      if (op.answered || this.#closed) return;
      this.#pending.delete(unique);
      this.error(op, errno.EINTR);
    });
  }

  #flush(op: Op): void {
    op.flushed = true;
    const { onflush } = op;
    op.onflush = undefined;
    try {
      onflush?.();
    } catch (e) {
      this.#bug(e);
    }
  }

  // Open files

  /** The handle of an open file. Where there are too many the file is closed, and it throws. */
  keep(inode: Inode, file: OpenFile | undefined, writes: boolean, nodes: readonly Node[]): number {
    if (this.handles.size >= handles_max) {
      file?.close();
      throw new FileError('too many open files');
    }
    const fh = ++this.#handle;
    this.handles.set(fh, { inode, file, writes, nodes, used: false, kh: undefined });
    return fh;
  }
  release(fh: number): void {
    const handle = this.handles.get(fh);
    this.handles.delete(fh);
    if (handle?.file === undefined) return;
    handle.file.onready = undefined;
    handle.file.close();
  }

  /** Tell the kernel that a file it polls has become readable. */
  notify(handle: Handle): void {
    const { kh } = handle;
    if (kh === undefined || this.#closed) return;
    handle.kh = undefined;
    const o = this.out.take(notify_poll_bytes);
    emitNotifyPoll(this.out.bytes, o, kh);
    this.out.send(o, o + notify_poll_bytes);
  }

  /** The mount is gone: whatever waits is undone, what is open is closed, nothing more is sent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const op of [...this.#pending.values()]) this.#flush(op);
    this.#pending.clear();
    for (const fh of [...this.handles.keys()]) this.release(fh);
  }
}
