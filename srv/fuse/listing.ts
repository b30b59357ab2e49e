/** Listings: opendir, readdir, and readdirplus, which brings the attributes along. */
import type { Dir, Node, Wait } from '@9p/lib9p';
import { utf8 } from '@9p/packet';
import { attrOf, cache_s, inoOf } from './attrs.js';
import { type Inode, isDir } from './inodes.js';
import { errno, type Handle, io_bytes, type Op, type Session } from './session.js';
import {
  direntBytes,
  emitDirent,
  emitEntry,
  emitOpen,
  entry_bytes,
  type Header,
  open_bytes,
  parseRead,
} from './wire.js';

/** The listing is taken here: what comes or goes while it is read moves nothing. */
export function opendir(s: Session, op: Op, inode: Inode): void {
  if (!isDir(inode.node)) return s.error(op, errno.ENOTDIR);
  s.answer(op, inode.node.list(op), (nodes) => {
    const fh = s.keep(inode, undefined, false, nodes);
    const o = s.begin(op, open_bytes);
    emitOpen(s.out.bytes, o, fh, 0);
    s.send();
  });
}

export function readdir(s: Session, op: Op, b: Uint8Array, h: Header): void {
  whenListed(s, op, b, h, (handle, offset, size) => {
    replyDirents(s, op, entriesFrom(handle, offset, size, 0));
  });
}

/** Asked for when somebody looks at what he lists: one request then, instead of one more a file. */
export function readdirplus(s: Session, op: Op, b: Uint8Array, h: Header): void {
  whenListed(s, op, b, h, (handle, offset, size) => {
    const entries = entriesFrom(handle, offset, size, entry_bytes).slice(0, plus_max);
    const stats = entries.map(statOf);
    const all = stats.some((d) => d instanceof Promise) ? Promise.all(stats) : stats;
    s.answer(op, all as Wait<(Dir | undefined)[]>, (dirs) =>
      replyPlus(s, op, handle.inode, entries, dirs),
    );
  });
}
/** Of another server's tree each is a request of its own, all at once. */
const plus_max = 256;

type Emit = (handle: Handle, offset: number, size: number) => void;

function whenListed(s: Session, op: Op, b: Uint8Array, h: Header, emit: Emit): void {
  const asked = parseRead(b, h.body, h.end);
  if (typeof asked === 'string') return s.malformed(op, asked);
  const handle = s.handles.get(asked.fh);
  if (handle === undefined || handle.file !== undefined) return s.error(op, errno.EBADF);
  const size = Math.min(asked.size, io_bytes);
  if (asked.offset > 0 || !handle.used) {
    handle.used = true;
    return emit(handle, asked.offset, size);
  }
  // rewinddir(3) lists anew
  s.answer(op, handle.inode.node.list(op), (nodes) => {
    handle.nodes = nodes;
    emit(handle, 0, size);
  });
}

interface Entry {
  readonly ino: bigint;
  /** As st_mode >> 12. */
  readonly type: number;
  readonly name: Uint8Array;
  /** Where the one after it is. */
  readonly next: number;
  /** Undefined for `.` and `..`. */
  readonly node: Node | undefined;
}

const typeDir = 4; // DT_DIR, DT_REG
const typeFile = 8;

/** Entries `offset` and on, as many as have room with `more` bytes each besides. */
function entriesFrom(of: Handle, offset: number, size: number, more: number): Entry[] {
  const entries: Entry[] = [];
  let room = size;
  for (let i = offset; i < of.nodes.length + 2; i++) {
    const e = entryAt(of, i);
    room -= more + direntBytes(e.name);
    if (room < 0) break;
    entries.push(e);
  }
  return entries;
}

/** Entry `i` of a listing: `.`, `..`, then the nodes. */
function entryAt(of: Handle, i: number): Entry {
  const { inode, nodes } = of;
  const dots = i < 2 ? (i === 0 ? inode : (inode.parent ?? inode)) : undefined;
  const node = dots?.node ?? (nodes[i - 2] as Node);
  return {
    ino: inoOf(node.qid),
    type: isDir(node) ? typeDir : typeFile,
    name: utf8(dots === undefined ? node.name : '..'.slice(0, i + 1)),
    next: i + 1,
    node: dots === undefined ? node : undefined,
  };
}

function replyDirents(s: Session, op: Op, entries: readonly Entry[]): void {
  let o = s.begin(
    op,
    entries.reduce((n, e) => n + direntBytes(e.name), 0),
  );
  for (const e of entries) o = putDirent(s, o, e);
  s.send();
}

function putDirent(s: Session, o: number, e: Entry): number {
  emitDirent(s.out.bytes, o, e.ino, e.next, e.type, e.name);
  return o + direntBytes(e.name);
}

/** Undefined leaves the looking up to the kernel: what is gone by now, and a slow node, which is
 *  another inode each time. */
function statOf({ node }: Entry): Wait<Dir | undefined> {
  if (node === undefined || node.slow) return undefined;
  try {
    const dir = node.stat();
    return dir instanceof Promise ? dir.catch(() => undefined) : dir;
  } catch {
    return undefined;
  }
}

function replyPlus(
  s: Session,
  op: Op,
  parent: Inode,
  entries: readonly Entry[],
  dirs: readonly (Dir | undefined)[],
): void {
  let o = s.begin(
    op,
    entries.reduce((n, e) => n + entry_bytes + direntBytes(e.name), 0),
  );
  for (const [i, e] of entries.entries()) {
    putEntry(s, o, parent, e.node, dirs[i]);
    o = putDirent(s, o + entry_bytes, e);
  }
  s.send();
}

/** Counts as a look-up. */
function putEntry(
  s: Session,
  o: number,
  parent: Inode,
  node: Node | undefined,
  dir: Dir | undefined,
): void {
  if (node === undefined || dir === undefined) {
    s.out.bytes.fill(0, o, o + entry_bytes);
    return;
  }
  const inode = s.inodes.look(parent, node.name, node);
  emitEntry(s.out.bytes, o, inode.id, cache_s, cache_s, attrOf(dir, s.accounts));
}
