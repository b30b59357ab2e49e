/** Names: look-up, and making, removing and renaming where a tree has them. */
import { type Dir, FileError, type Node, type OpenFile, omode, type Wait } from '@9p/lib9p';
import { attrOf, cache_s } from './attrs.js';
import { openFlags } from './files.js';
import { type Inode, isDir } from './inodes.js';
import { errno, type Op, type Session } from './session.js';
import { then } from './wait.js';
import {
  type Attr,
  emitEntry,
  emitOpen,
  entry_bytes,
  type Header,
  oflag,
  open_bytes,
  parseBatchForget,
  parseCreate,
  parseForget,
  parseMkdir,
  parseName,
  parseRename,
  renameNoreplace,
} from './wire.js';

interface Found {
  readonly node: Node;
  readonly dir: Dir;
}

/** A name's node and its attributes; undefined if there is none. */
function find(parent: Node, name: string, op: Op): Wait<Found | undefined> {
  const node = parent.walk(name, op);
  if (node instanceof Promise) return node.then((n) => (n === undefined ? n : withDir(n)));
  return node === undefined ? undefined : withDir(node);
}
function withDir(node: Node): Wait<Found> {
  const dir = node.stat();
  return dir instanceof Promise ? dir.then((d) => ({ node, dir: d })) : { node, dir };
}

/** A slow node's name is not to be remembered: the next look-up gives it another inode. */
const entrySeconds = (node: Node): number => (node.slow ? 0 : cache_s);

export function lookup(s: Session, op: Op, parent: Inode, b: Uint8Array, h: Header): void {
  const asked = parseName(b, h.body, h.end);
  if (typeof asked === 'string') return s.malformed(op, asked);
  if (!isDir(parent.node)) return s.error(op, errno.ENOTDIR);
  s.answer(op, find(parent.node, asked.name, op), (found) => {
    if (found === undefined) return s.error(op, errno.ENOENT);
    replyEntry(s, op, parent, asked.name, found);
  });
}

function replyEntry(s: Session, op: Op, parent: Inode, name: string, found: Found): void {
  const attr = attrOf(found.dir, s.accounts);
  const inode = s.inodes.look(parent, name, found.node);
  const o = s.begin(op, entry_bytes);
  emitEntry(s.out.bytes, o, inode.id, entrySeconds(found.node), cache_s, attr);
  s.send();
}

/** No reply to these two. */
export function forget(s: Session, b: Uint8Array, h: Header): void {
  const asked = parseForget(b, h);
  if (typeof asked === 'string') return s.stats.add(asked);
  s.inodes.forget(asked.nodeid, asked.lookups);
}
export function batchForget(s: Session, b: Uint8Array, h: Header): void {
  const asked = parseBatchForget(b, h.body, h.end);
  if (typeof asked === 'string') return s.stats.add(asked);
  for (const f of asked) s.inodes.forget(f.nodeid, f.lookups);
}

// Where a tree allows it (an imported one may)

const refused = (what: string): never => {
  throw new FileError(`${what} not permitted: the tree is synthetic`);
};

export function create(s: Session, op: Op, parent: Inode, b: Uint8Array, h: Header): void {
  const asked = parseCreate(b, h.body, h.end);
  if (typeof asked === 'string') return s.malformed(op, asked);
  const { name, flags } = asked;
  const make = (): Wait<OpenFile> =>
    parent.node.create?.(name, asked.mode & 0o777, flags & oflag.accmode, op) ?? refused('create');
  const made = then(make(), (file) =>
    then(find(parent.node, name, op), (found) => ({ file, found })),
  );
  s.answer(
    op,
    made,
    ({ file, found }) => {
      if (found === undefined) {
        file.close();
        return s.error(op, errno.ENOENT);
      }
      replyCreated(s, op, parent, name, { ...found, file, flags });
    },
    ({ file }) => file.close(),
  );
}

function replyCreated(
  s: Session,
  op: Op,
  parent: Inode,
  name: string,
  made: Found & { file: OpenFile; flags: number },
): void {
  const attr: Attr = attrOf(made.dir, s.accounts);
  const inode = s.inodes.look(parent, name, made.node);
  const fh = s.keep(inode, made.file, (made.flags & oflag.accmode) !== omode.read, []);
  const o = s.begin(op, entry_bytes + open_bytes);
  emitEntry(s.out.bytes, o, inode.id, entrySeconds(made.node), cache_s, attr);
  emitOpen(s.out.bytes, o + entry_bytes, fh, openFlags(made.file));
  s.send();
}

export function mkdir(s: Session, op: Op, parent: Inode, b: Uint8Array, h: Header): void {
  const asked = parseMkdir(b, h.body, h.end);
  if (typeof asked === 'string') return s.malformed(op, asked);
  const perm = 0x80000000 + (asked.mode & 0o777);
  const made = parent.node.create?.(asked.name, perm, omode.read, op) ?? refused('mkdir');
  const found = then(made, (file) => {
    file.close();
    return find(parent.node, asked.name, op);
  });
  s.answer(op, found, (f) =>
    f === undefined ? s.error(op, errno.ENOENT) : replyEntry(s, op, parent, asked.name, f),
  );
}

export function remove(s: Session, op: Op, parent: Inode, b: Uint8Array, h: Header): void {
  const asked = parseName(b, h.body, h.end);
  if (typeof asked === 'string') return s.malformed(op, asked);
  const gone = then(parent.node.walk(asked.name, op), (node) => {
    if (node === undefined) throw new FileError('file not found');
    return node.remove?.(op) ?? (node.remove === undefined ? refused('remove') : undefined);
  });
  s.answer(op, gone, () => s.empty(op));
}

/** 9P renames within a directory only, and never over another file. Exchanging two names is
 *  nothing that it has. */
export function rename(
  s: Session,
  op: Op,
  parent: Inode,
  b: Uint8Array,
  h: Header,
  names: 8 | 16,
): void {
  const asked = parseRename(b, h.body, h.end, names);
  if (typeof asked === 'string') return s.malformed(op, asked);
  const { from, to } = asked;
  if (parent.node.create === undefined) refused('rename');
  if (asked.newdir !== parent.id) return s.error(op, errno.EXDEV);
  if ((asked.flags & ~renameNoreplace) !== 0) return s.error(op, errno.EINVAL);
  const done = then(parent.node.walk(from, op), (node) => {
    if (node === undefined) throw new FileError('file not found');
    return then(node.wstat({ name: to }, op), () => parent.node.walk(to, op));
  });
  s.answer(op, done, (node) => {
    s.inodes.rename(parent, from, to, node);
    s.empty(op);
  });
}
