/** Attributes: a node's Dir as the kernel has it, and what chmod,
 *  chgrp, truncate and touch ask for. */
import type { Dir, DirChange, Qid, Who } from '@9p/lib9p';
import { dmdir, qt } from '@9p/lib9p';
import type { Accounts } from './accounts.js';
import type { Inode } from './inodes.js';
import { errno, type Op, type Session } from './session.js';
import {
  type Attr,
  attr_out_bytes,
  emitAttrOut,
  emitStatfs,
  type Header,
  parseAccess,
  parseSetattr,
  type Setattr,
  statfs_bytes,
} from './wire.js';

/** How long the kernel may believe names and attributes. Files are synthetic: their
 *  content never counts on it, and an open of a file that is gone is answered with ESTALE,
 *  upon which the kernel looks again. */
export const cache_s = 1;

const modeDir = 0o040000;
const modeFile = 0o100000;

export const fileType = (d: Dir): number =>
  (d.mode & dmdir) !== 0 || (d.qid.type & qt.dir) !== 0 ? modeDir : modeFile;

/** A name whose number is 0 is skipped by readdir(3); some servers have none else to give. */
export const inoOf = (qid: Qid): bigint => (qid.path === 0n ? 1n << 63n : qid.path);

export function attrOf(d: Dir, accounts: Accounts): Attr {
  return {
    ino: inoOf(d.qid),
    size: d.length,
    mode: fileType(d) | (d.mode & 0o777),
    uid: accounts.uid(d.uid),
    gid: accounts.gid(d.gid),
    atime: Math.floor(d.atime),
    mtime: Math.floor(d.mtime),
  };
}

function replyAttr(s: Session, op: Op, d: Dir): void {
  const attr = attrOf(d, s.accounts);
  const o = s.begin(op, attr_out_bytes);
  emitAttrOut(s.out.bytes, o, cache_s, attr);
  s.send();
}

export function getattr(s: Session, op: Op, inode: Inode): void {
  s.answer(op, inode.node.stat(), (d) => replyAttr(s, op, d));
}

export function setattr(s: Session, op: Op, inode: Inode, b: Uint8Array, h: Header): void {
  const asked = parseSetattr(b, h.body, h.end);
  if (typeof asked === 'string') return s.malformed(op, asked);
  const { uid, mode } = asked;
  if (uid === undefined && mode === undefined) return change(s, op, inode, asked, 0);
  s.answer(op, inode.node.stat(), (d) => {
    if (uid !== undefined && s.accounts.uid(d.uid) !== uid) return s.error(op, errno.EPERM);
    change(s, op, inode, asked, d.mode);
  });
}

function change(s: Session, op: Op, inode: Inode, asked: Setattr, mode: number): void {
  const wanted = changeOf(asked, s.accounts, mode);
  if (Object.keys(wanted).length === 0) return getattr(s, op, inode);
  s.answer(op, inode.node.wstat(wanted, op), () => getattr(s, op, inode));
}

/** 9P cannot change an owner or a time of access: these are left out. `mode` is what it is now:
 *  an append-only or exclusive file stays one, though Linux does not know of such. */
export function changeOf(asked: Setattr, accounts: Accounts, mode: number): DirChange {
  return {
    ...(asked.mode === undefined ? {} : { mode: ((mode & ~0o777) | (asked.mode & 0o777)) >>> 0 }),
    ...(asked.gid === undefined ? {} : { gid: accounts.group(asked.gid) }),
    ...(asked.size === undefined ? {} : { length: asked.size }),
    ...(asked.mtime === undefined ? {} : { mtime: asked.mtime }),
  };
}

/** access(2), chdir(2) and execve(2) ask; an open is checked by the node itself. */
export function access(s: Session, op: Op, inode: Inode, b: Uint8Array, h: Header): void {
  const asked = parseAccess(b, h.body, h.end);
  if (typeof asked === 'string') return s.malformed(op, asked);
  s.answer(op, inode.node.stat(), (d) =>
    allows(d, op.who, asked.mask & 7) ? s.empty(op) : s.error(op, errno.EACCES),
  );
}

/** The three sets of mode bits, as open(5): the most that any of them gives. */
export function allows(d: Dir, who: Who, mask: number): boolean {
  if (who.owner) return true;
  let bits = d.mode & 7;
  if (who.groups.includes(d.gid)) bits |= (d.mode >> 3) & 7;
  if (who.uname === d.uid) bits |= (d.mode >> 6) & 7;
  return (mask & ~bits) === 0;
}

export function statfs(s: Session, op: Op): void {
  const o = s.begin(op, statfs_bytes);
  emitStatfs(s.out.bytes, o);
  s.send();
}
