/** The tree by paths, for libfuse's high-level interface as fuse-native has it: it tells neither
 *  who asks nor that he has gone. So nothing waits for long here. */
import { FileError, type Node, type OpenFile, omode, type Wait, type Who } from '@9p/lib9p';
import { type Clock, errnoOf, errorText } from 'slashnet/core';
import type { Accounts } from './accounts.js';
import { attrOf } from './attrs.js';
import { isDir } from './inodes.js';
import { errno, io_bytes, Op } from './session.js';
import { then } from './wait.js';
import { type Attr, oflag } from './wire.js';

/** What waits longer is ended: a reader killed meanwhile is stuck for so long and no longer. */
export const wait_ms = 2000;
const einprogress = 115;
const handles_max = 4096;

/** A verb goes on when its write has been answered with EINPROGRESS; a read or open is given up. */
type Late = 'goes on' | 'given up';

export interface PathOptions {
  readonly root: Node;
  readonly accounts: Accounts;
  readonly who: Who;
  readonly clock: Clock;
  readonly bug: (e: unknown) => void;
}

/** All answers are a number as fuse-native wants it: 0 or a count, or an errno, negative. */
export class Paths {
  readonly #o: PathOptions;
  readonly #files = new Map<number, OpenFile>();
  readonly #pending = new Set<Op>();
  #fd = 0;
  #closed = false;

  constructor(o: PathOptions) {
    this.#o = o;
  }
  get waiting(): number {
    return this.#pending.size;
  }

  attr(path: string): Wait<Attr> {
    const dir = then(this.#walk(path), (node) => node.stat());
    return then(dir, (d) => attrOf(d, this.#o.accounts));
  }

  names(path: string): Wait<string[]> {
    const nodes = then(this.#walk(path), (node) => {
      if (!isDir(node)) throw new FileError('not a directory');
      return node.list(this.#op());
    });
    return then(nodes, (all) => ['.', '..', ...all.map((n) => n.name)]);
  }

  /** The number of the open file. */
  open(path: string, flags: number): Wait<number> {
    const access = flags & oflag.accmode;
    const trunc = access !== omode.read && (flags & oflag.trunc) !== 0 ? omode.trunc : 0;
    return then(this.#walk(path), (node) => {
      if (isDir(node)) throw new FileError('is a directory');
      if (this.#files.size >= handles_max) throw new FileError('too many open files');
      const op = this.#op();
      const opened = node.open(access | trunc, op);
      const file = this.#bounded(op, opened, 'given up', (f) => f.close());
      return then(file, (f) => {
        this.#files.set(++this.#fd, f);
        return this.#fd;
      });
    });
  }

  /** Into `b`; how many bytes. */
  read(fd: number, b: Uint8Array, n: number, offset: number): Wait<number> {
    const op = this.#op();
    const most = Math.min(n, io_bytes, b.length);
    const data = this.#bounded(op, this.#file(fd).read(most, offset, op), 'given up');
    return then(data, (bytes) => {
      const part = bytes.subarray(0, most);
      b.set(part);
      return part.length;
    });
  }

  write(fd: number, b: Uint8Array, n: number, offset: number): Wait<number> {
    const op = this.#op();
    return this.#bounded(op, this.#file(fd).write(b.subarray(0, n), offset, op), 'goes on');
  }

  release(fd: number): void {
    const file = this.#files.get(fd);
    this.#files.delete(fd);
    file?.close();
  }

  chmod(path: string, mode: number): Wait<void> {
    return then(this.#walk(path), (node) => node.wstat({ mode: mode & 0o777 }, this.#op()));
  }

  /** What `work` comes to or the errno of what it throws, to `done`, once; never throws. */
  answer<T>(work: () => Wait<T>, ok: (v: T) => void, failed: (errno: number) => void): void {
    try {
      const result = work();
      if (result instanceof Promise) result.then(ok, (e) => failed(this.#errnoOf(e)));
      else ok(result);
    } catch (e) {
      failed(this.#errnoOf(e));
    }
  }
  #errnoOf(e: unknown): number {
    if (e instanceof Errno) return -e.errno;
    if (e instanceof FileError) return -errnoOf(errorText(e));
    this.#o.bug(e);
    return -errno.EIO;
  }

  /** Whatever waits is undone, and what is open is closed. */
  close(): void {
    this.#closed = true;
    for (const op of [...this.#pending]) flush(op);
    for (const fd of [...this.#files.keys()]) this.release(fd);
  }

  #op(): Op {
    return new Op(0, this.#o.who);
  }
  #file(fd: number): OpenFile {
    const file = this.#files.get(fd);
    if (file === undefined) throw new Errno(errno.EBADF);
    return file;
  }

  #walk(path: string): Wait<Node> {
    let node: Wait<Node> = this.#o.root;
    for (const name of path.split('/')) {
      if (name !== '') node = then(node, (dir) => this.#step(dir, name));
    }
    return node;
  }
  #step(dir: Node, name: string): Wait<Node> {
    return then(dir.walk(name, this.#op()), (node) => {
      if (node === undefined) throw new FileError('file not found');
      return node;
    });
  }

  /** `result`, or after wait_ms an error; what then still comes goes to `undo`. */
  #bounded<T>(op: Op, result: Wait<T>, late: Late, undo?: (v: T) => void): Wait<T> {
    if (!(result instanceof Promise)) return result;
    this.#pending.add(op);
    return new Promise((resolve, reject) => {
      const timer = this.#o.clock.after(wait_ms, () => {
        op.answered = true;
        if (late === 'given up') flush(op);
        reject(new Errno(late === 'given up' ? errno.EINTR : einprogress));
      });
      const settled = (): boolean => {
        timer.stop();
        this.#pending.delete(op);
        return !op.answered && !this.#closed;
      };
      result.then(
        (v) => {
          if (settled()) return resolve(v);
          undo?.(v);
          reject(new Errno(errno.EINTR));
        },
        (e) => {
          settled();
          reject(e);
        },
      );
    });
  }
}

/** An errno that has no text. */
class Errno extends Error {
  readonly errno: number;
  constructor(n: number) {
    super(`errno ${n}`);
    this.errno = n;
  }
}

function flush(op: Op): void {
  op.flushed = true;
  op.onflush?.();
  op.onflush = undefined;
}
