/** Open files: open, read, write, poll, release. */
import { FileError, type OpenFile, omode, type Wait } from '@9p/lib9p';
import { errnoOf, errorText } from 'slashnet/core';
import { type Inode, isDir } from './inodes.js';
import { errno, type Handle, io_bytes, type Op, type Session, Stale } from './session.js';
import { then } from './wait.js';
import {
  emitOpen,
  emitWord,
  fopen,
  type Header,
  oflag,
  open_bytes,
  parseOpen,
  parsePoll,
  parseRead,
  parseRelease,
  parseWrite,
  pollEvent,
  word_bytes,
} from './wire.js';

/** Direct: the size does not count, and every read and write is ours. A stream
 *  has no offsets, so that its readers and its writers do not wait for one
 *  another's turn at the file's position. */
export const openFlags = (file: OpenFile): number =>
  fopen.directIo |
  fopen.parallelDirectWrites |
  (file.stream ? fopen.stream | fopen.nonseekable : 0);

export function open(s: Session, op: Op, inode: Inode, b: Uint8Array, h: Header): void {
  const asked = parseOpen(b, h.body, h.end);
  if (typeof asked === 'string') return s.malformed(op, asked);
  const access = asked.flags & oflag.accmode;
  if (access === 3) return s.error(op, errno.EINVAL);
  if (isDir(inode.node)) return s.error(op, errno.EISDIR);
  const trunc = access !== omode.read && (asked.flags & oflag.trunc) !== 0 ? omode.trunc : 0;
  s.answer(
    op,
    opened(inode, access | trunc, op),
    (file) => replyOpen(s, op, s.keep(inode, file, access !== omode.read, []), openFlags(file)),
    (file) => file.close(),
  );
}

export function replyOpen(s: Session, op: Op, fh: number, flags: number): void {
  const o = s.begin(op, open_bytes);
  emitOpen(s.out.bytes, o, fh, flags);
  s.send();
}

function opened(inode: Inode, mode: number, op: Op): Wait<OpenFile> {
  try {
    const file = inode.node.open(mode, op);
    return file instanceof Promise ? file.catch((e) => checkStale(e, inode, op)) : file;
  } catch (e) {
    return checkStale(e, inode, op);
  }
}

/** An open may fail because the name, or one above it, means another file by now, or
 *  none, and the kernel does not know. */
function checkStale(e: unknown, inode: Inode, op: Op): Wait<never> {
  const n = e instanceof FileError ? errnoOf(errorText(e)) : 0;
  if (n !== errno.ENOENT && n !== errno.ENODEV) throw e;
  return then(stillThere(inode, op), (same) => {
    throw same ? e : new Stale();
  });
}

/** Whether the names from the root on lead to this file still. */
function stillThere(inode: Inode, op: Op): Wait<boolean> {
  const { parent, node, name } = inode;
  if (parent === undefined) return true;
  return then(stillThere(parent, op), (above) => {
    if (!above || node.slow) return above; // a slow one was looked up just now
    return then(parent.node.walk(name, op), (now) => now?.qid.path === node.qid.path);
  });
}

export function read(s: Session, op: Op, b: Uint8Array, h: Header): void {
  const asked = parseRead(b, h.body, h.end);
  if (typeof asked === 'string') return s.malformed(op, asked);
  const handle = s.handles.get(asked.fh);
  const file = handle?.file;
  if (file === undefined) return s.error(op, errno.EBADF);
  if (asked.offset > Number.MAX_SAFE_INTEGER) return s.error(op, errno.EINVAL);
  if ((asked.flags & oflag.nonblock) !== 0 && !file.ready) return s.error(op, errno.EAGAIN);
  const n = Math.min(asked.size, io_bytes);
  const data = file.read(n, asked.offset, op);
  const secret = handle?.inode.node.secret === true;
  if (data instanceof Promise) s.answer(op, data, (bytes) => s.data(op, bytes, n, secret));
  else s.data(op, data, n, secret);
}

export function write(s: Session, op: Op, b: Uint8Array, h: Header): void {
  const asked = parseWrite(b, h.body, h.end);
  if (typeof asked === 'string') return s.malformed(op, asked);
  const handle = s.handles.get(asked.fh);
  if (handle?.file === undefined || !handle.writes) return s.error(op, errno.EBADF);
  if (asked.offset > Number.MAX_SAFE_INTEGER) return s.error(op, errno.EINVAL);
  const data = b.subarray(asked.data, asked.data + asked.size);
  s.answer(op, written(handle, data, asked.offset, op), (n) => {
    const o = s.begin(op, word_bytes);
    emitWord(s.out.bytes, o, n);
    s.send();
  });
}

/** Whoever keeps what is written has copied it: a secret is wiped. */
function written(h: Handle, data: Uint8Array, offset: number, op: Op): Wait<number> {
  try {
    return h.file?.write(data, offset, op) ?? 0;
  } finally {
    if (h.inode.node.secret === true) data.fill(0);
  }
}

/** poll(2), select(2) and epoll(7). Writing never blocks as far as we can tell. */
export function poll(s: Session, op: Op, b: Uint8Array, h: Header): void {
  const asked = parsePoll(b, h.body, h.end);
  if (typeof asked === 'string') return s.malformed(op, asked);
  const handle = s.handles.get(asked.fh);
  if (handle?.file === undefined) return s.error(op, errno.EBADF);
  if (asked.notify) watch(s, handle, handle.file, asked.kh);
  const readable = handle.file.ready ? pollEvent.in | pollEvent.rdnorm : 0;
  const writable = handle.writes ? pollEvent.out | pollEvent.wrnorm : 0;
  const o = s.begin(op, word_bytes);
  emitWord(s.out.bytes, o, readable | writable);
  s.send();
}

function watch(s: Session, handle: Handle, file: OpenFile, kh: number): void {
  handle.kh = kh;
  file.onready ??= () => s.notify(handle);
}

export function release(s: Session, op: Op, b: Uint8Array, h: Header): void {
  const asked = parseRelease(b, h.body, h.end);
  if (typeof asked === 'string') return s.malformed(op, asked);
  s.release(asked.fh);
  s.empty(op);
}
