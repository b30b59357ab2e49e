/** The kernel's FUSE protocol, 7.23 to 7.38: requests read from /dev/fuse and replies written to
 *  it. Layouts from linux/fuse.h; all integers little-endian on the machines we run on. */
import { le16, le32, le64, putLe16, putLe32, putLe64, text, u8 } from '@9p/packet';

export const opcode = {
  lookup: 1,
  forget: 2,
  getattr: 3,
  setattr: 4,
  readlink: 5,
  symlink: 6,
  mknod: 8,
  mkdir: 9,
  unlink: 10,
  rmdir: 11,
  rename: 12,
  link: 13,
  open: 14,
  read: 15,
  write: 16,
  statfs: 17,
  release: 18,
  fsync: 20,
  setxattr: 21,
  getxattr: 22,
  listxattr: 23,
  removexattr: 24,
  flush: 25,
  init: 26,
  opendir: 27,
  readdir: 28,
  releasedir: 29,
  fsyncdir: 30,
  access: 34,
  create: 35,
  interrupt: 36,
  destroy: 38,
  ioctl: 39,
  poll: 40,
  batchForget: 42,
  fallocate: 43,
  readdirplus: 44,
  rename2: 45,
  lseek: 46,
} as const;

/** Bits of INIT's flags that we ask for. */
export const initFlag = {
  asyncRead: 1 << 0,
  atomicTrunc: 1 << 3,
  bigWrites: 1 << 5,
  readdirplus: 1 << 13,
  readdirplusAuto: 1 << 14,
  parallelDirops: 1 << 18,
  maxPages: 1 << 22,
} as const;

/** Bits of the flags in the reply to OPEN. */
export const fopen = {
  directIo: 1 << 0,
  nonseekable: 1 << 2,
  stream: 1 << 4,
  noflush: 1 << 5,
  parallelDirectWrites: 1 << 6,
} as const;

/** Bits of SETATTR's `valid`. */
export const fattr = { mode: 1, uid: 2, gid: 4, size: 8, atime: 16, mtime: 32 } as const;

/** Flags of open(2) on Linux, as OPEN and READ carry them. */
export const oflag = { accmode: 3, trunc: 0o1000, nonblock: 0o4000 } as const;

/** Events of poll(2), and the flag of POLL that asks to be notified. */
export const pollEvent = { in: 0x001, out: 0x004, rdnorm: 0x040, wrnorm: 0x100 } as const;
export const pollScheduleNotify = 1;

export const rootId = 1;
export const header_bytes = 40;
export const out_header_bytes = 16;
export const name_bytes_max = 255;
/** fuse.h: the smallest buffer that the kernel fills. */
export const read_buffer_bytes_min = 8192;

/** Why bytes are no request; the name of a counter. */
export type Malformed = 'short' | 'badlength' | 'badname' | 'badid';

/** fuse_in_header. Ids are exact numbers: the kernel counts them
 *  up from 1, and nodeids are ours. */
export interface Header {
  readonly opcode: number;
  readonly unique: number;
  readonly nodeid: number;
  readonly uid: number;
  readonly gid: number;
  readonly pid: number;
  /** Where the request's own structure begins and ends. */
  readonly body: number;
  readonly end: number;
}

/** 64 bits as a number, exact up to 2**53. */
const id64 = (b: Uint8Array, o: number): number => le32(b, o) + le32(b, o + 4) * 0x100000000;
function putId64(b: Uint8Array, o: number, v: number): void {
  putLe32(b, o, v >>> 0);
  putLe32(b, o + 4, Math.floor(v / 0x100000000));
}

/**
 * fuse_in_header, 40 bytes: len[4] opcode[4] unique[8] nodeid[8] uid[4] gid[4] pid[4] extlen[2]
 * pad[2]. Extensions (extlen, in units of 8 bytes) lie at the end and are left out.
 */
export function parseHeader(b: Uint8Array, o: number, end: number): Header | Malformed {
  if (end - o < header_bytes) return 'short';
  const len = le32(b, o);
  const extensions = 8 * le16(b, o + 36);
  if (len !== end - o || extensions > len - header_bytes) return 'badlength';
  const unique = id64(b, o + 8);
  const nodeid = id64(b, o + 16);
  if (unique > Number.MAX_SAFE_INTEGER || nodeid > Number.MAX_SAFE_INTEGER) return 'badid';
  return {
    opcode: le32(b, o + 4),
    unique,
    nodeid,
    uid: le32(b, o + 24),
    gid: le32(b, o + 28),
    pid: le32(b, o + 32),
    body: o + header_bytes,
    end: end - extensions,
  };
}

export interface Init {
  readonly major: number;
  readonly minor: number;
  readonly readahead: number;
  readonly flags: number;
}
/** fuse_init_in: major[4] minor[4] max_readahead[4] flags[4], more since 7.36. */
export function parseInit(b: Uint8Array, o: number, end: number): Init | Malformed {
  if (end - o < 8) return 'short';
  const major = le32(b, o);
  const minor = le32(b, o + 4);
  if (end - o < 16) return { major, minor, readahead: 0, flags: 0 };
  return { major, minor, readahead: le32(b, o + 8), flags: le32(b, o + 12) };
}

/** A NUL-terminated name of one path component, and where the next field begins. */
export function parseName(
  b: Uint8Array,
  o: number,
  end: number,
): { name: string; next: number } | Malformed {
  const limit = Math.min(end, o + name_bytes_max + 1);
  for (let i = o; i < limit; i++) {
    const c = u8(b, i);
    if (c === 0x2f) return 'badname';
    if (c !== 0) continue;
    return i === o ? 'badname' : { name: text(b.subarray(o, i)), next: i + 1 };
  }
  return limit === end ? 'short' : 'badname';
}

export interface Forget {
  readonly nodeid: number;
  readonly lookups: number;
}
/** fuse_forget_in: nlookup[8]. */
export function parseForget(b: Uint8Array, h: Header): Forget | Malformed {
  if (h.end - h.body < 8) return 'short';
  return { nodeid: h.nodeid, lookups: id64(b, h.body) };
}

/** fuse_batch_forget_in: count[4] dummy[4], then nodeid[8] nlookup[8] each. */
export function parseBatchForget(b: Uint8Array, o: number, end: number): Forget[] | Malformed {
  if (end - o < 8) return 'short';
  const count = le32(b, o);
  if (count > (end - o - 8) / 16) return 'badlength';
  const all: Forget[] = [];
  for (let i = 0, at = o + 8; i < count; i++, at += 16)
    all.push({ nodeid: id64(b, at), lookups: id64(b, at + 8) });
  return all;
}

/** What a SETATTR asks; undefined is left alone. Times in seconds. */
export interface Setattr {
  readonly mode: number | undefined;
  readonly uid: number | undefined;
  readonly gid: number | undefined;
  readonly size: bigint | undefined;
  readonly mtime: number | undefined;
}
/** fuse_setattr_in, 88 bytes. */
export function parseSetattr(b: Uint8Array, o: number, end: number): Setattr | Malformed {
  if (end - o < 88) return 'short';
  const valid = le32(b, o);
  const has = (bit: number): boolean => (valid & bit) !== 0;
  return {
    mode: has(fattr.mode) ? le32(b, o + 68) : undefined,
    uid: has(fattr.uid) ? le32(b, o + 76) : undefined,
    gid: has(fattr.gid) ? le32(b, o + 80) : undefined,
    size: has(fattr.size) ? le64(b, o + 16) : undefined,
    mtime: has(fattr.mtime) ? id64(b, o + 40) : undefined,
  };
}

/** fuse_open_in: flags[4] open_flags[4]; the flags of open(2). */
export function parseOpen(b: Uint8Array, o: number, end: number): { flags: number } | Malformed {
  return end - o < 8 ? 'short' : { flags: le32(b, o) };
}

/** fuse_create_in: flags[4] mode[4] umask[4] open_flags[4], then the name;
 *  mkdir: mode[4] umask[4], name. */
export interface Create {
  readonly flags: number;
  readonly mode: number;
  readonly name: string;
}
export function parseCreate(b: Uint8Array, o: number, end: number): Create | Malformed {
  if (end - o < 16) return 'short';
  const name = parseName(b, o + 16, end);
  if (typeof name === 'string') return name;
  return { flags: le32(b, o), mode: le32(b, o + 4), name: name.name };
}
export function parseMkdir(b: Uint8Array, o: number, end: number): Create | Malformed {
  if (end - o < 8) return 'short';
  const name = parseName(b, o + 8, end);
  if (typeof name === 'string') return name;
  return { flags: 0, mode: le32(b, o), name: name.name };
}

/** fuse_rename_in: newdir[8], then two names; rename2 has flags[4] pad[4] between. */
export interface Rename {
  readonly newdir: number;
  readonly flags: number;
  readonly from: string;
  readonly to: string;
}
/** A flag of renameat2(2). */
export const renameNoreplace = 1;
export function parseRename(
  b: Uint8Array,
  o: number,
  end: number,
  names: 8 | 16,
): Rename | Malformed {
  if (end - o < names) return 'short';
  const from = parseName(b, o + names, end);
  if (typeof from === 'string') return from;
  const to = parseName(b, from.next, end);
  if (typeof to === 'string') return to;
  const flags = names === 16 ? le32(b, o + 8) : 0;
  return { newdir: id64(b, o), flags, from: from.name, to: to.name };
}

export interface ReadIn {
  readonly fh: number;
  readonly offset: number;
  readonly size: number;
  /** The file's flags now: O_NONBLOCK is set and cleared by fcntl(2). */
  readonly flags: number;
}
/** fuse_read_in, 40 bytes: fh[8] offset[8] size[4] read_flags[4] lock_owner[8] flags[4] pad[4]. */
export function parseRead(b: Uint8Array, o: number, end: number): ReadIn | Malformed {
  if (end - o < 40) return 'short';
  return {
    fh: id64(b, o),
    offset: id64(b, o + 8),
    size: le32(b, o + 16),
    flags: le32(b, o + 32),
  };
}

export interface WriteIn extends ReadIn {
  /** Where the data begins; there are `size` bytes. */
  readonly data: number;
}
/** fuse_write_in, 40 bytes: fh[8] offset[8] size[4] write_flags[4]
 *  lock_owner[8] flags[4] pad[4], data. */
export function parseWrite(b: Uint8Array, o: number, end: number): WriteIn | Malformed {
  if (end - o < 40) return 'short';
  const size = le32(b, o + 16);
  if (size > end - o - 40) return 'badlength';
  const fh = id64(b, o);
  return { fh, offset: id64(b, o + 8), size, flags: le32(b, o + 32), data: o + 40 };
}

/** fuse_release_in begins with fh[8]. */
export function parseRelease(b: Uint8Array, o: number, end: number): { fh: number } | Malformed {
  return end - o < 24 ? 'short' : { fh: id64(b, o) };
}

export interface PollIn {
  readonly fh: number;
  /** The kernel's name for the file in a notification. */
  readonly kh: number;
  readonly notify: boolean;
}
/** fuse_poll_in: fh[8] kh[8] flags[4] events[4]. */
export function parsePoll(b: Uint8Array, o: number, end: number): PollIn | Malformed {
  if (end - o < 24) return 'short';
  const notify = (le32(b, o + 16) & pollScheduleNotify) !== 0;
  return { fh: id64(b, o), kh: id64(b, o + 8), notify };
}

/** fuse_interrupt_in: unique[8] of the request whose caller was interrupted. */
export function parseInterrupt(
  b: Uint8Array,
  o: number,
  end: number,
): { unique: number } | Malformed {
  return end - o < 8 ? 'short' : { unique: id64(b, o) };
}

/** fuse_access_in: mask[4] pad[4]. */
export function parseAccess(b: Uint8Array, o: number, end: number): { mask: number } | Malformed {
  return end - o < 8 ? 'short' : { mask: le32(b, o) };
}

// Replies ----------------------------------------------------------------------------------------

/** fuse_out_header: len[4] error[4] unique[8]. `errno` is positive or 0; it goes out negative. */
export function emitHeader(
  b: Uint8Array,
  o: number,
  len: number,
  errno: number,
  unique: number,
): void {
  putLe32(b, o, len);
  putLe32(b, o + 4, -errno);
  putId64(b, o + 8, unique);
}

export interface Attr {
  readonly ino: bigint;
  readonly size: bigint;
  /** With the type: S_IFDIR or S_IFREG. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Seconds. */
  readonly atime: number;
  readonly mtime: number;
}
export const attr_bytes = 88;
const block_bytes = 4096;

/** fuse_attr. nlink is 1 for directories too: find(1) then does not count sub-directories by it. */
export function emitAttr(b: Uint8Array, o: number, a: Attr): void {
  b.fill(0, o, o + attr_bytes);
  putLe64(b, o, a.ino);
  putLe64(b, o + 8, a.size);
  putLe64(b, o + 16, (a.size + 511n) >> 9n);
  putId64(b, o + 24, a.atime);
  putId64(b, o + 32, a.mtime);
  putId64(b, o + 40, a.mtime);
  putLe32(b, o + 60, a.mode);
  putLe32(b, o + 64, 1);
  putLe32(b, o + 68, a.uid);
  putLe32(b, o + 72, a.gid);
  putLe32(b, o + 80, block_bytes);
}

/** fuse_attr_out: attr_valid[8] nsec[4] dummy[4] attr[88]. The
 *  attributes hold for `valid_s` seconds. */
export const attr_out_bytes = 16 + attr_bytes;
export function emitAttrOut(b: Uint8Array, o: number, valid_s: number, a: Attr): void {
  b.fill(0, o, o + 16);
  putId64(b, o, valid_s);
  emitAttr(b, o + 16, a);
}

/** fuse_entry_out: nodeid[8] generation[8] entry_valid[8] attr_valid[8] nsec[4] nsec[4] attr[88].
 *  A nodeid is never used twice, so the generation is always 0. */
export const entry_bytes = 40 + attr_bytes;
export function emitEntry(
  b: Uint8Array,
  o: number,
  nodeid: number,
  entry_s: number,
  attr_s: number,
  a: Attr,
): void {
  b.fill(0, o, o + 40);
  putId64(b, o, nodeid);
  putId64(b, o + 16, entry_s);
  putId64(b, o + 24, attr_s);
  emitAttr(b, o + 40, a);
}

/** fuse_open_out: fh[8] open_flags[4] pad[4]. */
export const open_bytes = 16;
export function emitOpen(b: Uint8Array, o: number, fh: number, flags: number): void {
  putId64(b, o, fh);
  putLe32(b, o + 8, flags);
  putLe32(b, o + 12, 0);
}

/** fuse_write_out: size[4] pad[4]; fuse_poll_out: revents[4] pad[4]. */
export const word_bytes = 8;
export function emitWord(b: Uint8Array, o: number, v: number): void {
  putLe32(b, o, v);
  putLe32(b, o + 4, 0);
}

/** fuse_statfs_out, 80 bytes: of a tree without blocks only the longest name is worth telling. */
export const statfs_bytes = 80;
export function emitStatfs(b: Uint8Array, o: number): void {
  b.fill(0, o, o + statfs_bytes);
  putLe32(b, o + 40, block_bytes);
  putLe32(b, o + 44, name_bytes_max);
  putLe32(b, o + 48, block_bytes);
}

export interface InitOut {
  readonly minor: number;
  readonly readahead: number;
  readonly flags: number;
  /** Asynchronous requests in flight before the kernel makes others
   *  wait, and before it calls it busy. */
  readonly background: number;
  readonly congestion: number;
  readonly write_bytes: number;
  readonly pages: number;
}
/** fuse_init_out, 64 bytes since 7.23. */
export const init_bytes = 64;
export function emitInit(b: Uint8Array, o: number, i: InitOut): void {
  b.fill(0, o, o + init_bytes);
  putLe32(b, o, 7);
  putLe32(b, o + 4, i.minor);
  putLe32(b, o + 8, i.readahead);
  putLe32(b, o + 12, i.flags);
  putLe16(b, o + 16, i.background);
  putLe16(b, o + 18, i.congestion);
  putLe32(b, o + 20, i.write_bytes);
  putLe32(b, o + 24, 1_000_000_000); // time_gran: our times are whole seconds
  putLe16(b, o + 28, i.pages);
}

/** fuse_dirent: ino[8] off[8] namelen[4] type[4] name, padded to 8. `type` as st_mode >> 12. */
export const direntBytes = (name: Uint8Array): number => (24 + name.length + 7) & ~7;
export function emitDirent(
  b: Uint8Array,
  o: number,
  ino: bigint,
  next: number,
  type: number,
  name: Uint8Array,
): void {
  const n = direntBytes(name);
  putLe64(b, o, ino);
  putId64(b, o + 8, next);
  putLe32(b, o + 16, name.length);
  putLe32(b, o + 20, type);
  b.set(name, o + 24);
  b.fill(0, o + 24 + name.length, o + n);
}

/** FUSE_NOTIFY_POLL: unique 0 and the code where the errno is, positive; then kh[8]. */
export const notify_poll_bytes = out_header_bytes + 8;
export function emitNotifyPoll(b: Uint8Array, o: number, kh: number): void {
  putLe32(b, o, notify_poll_bytes);
  putLe32(b, o + 4, 1);
  putId64(b, o + 8, 0);
  putId64(b, o + 16, kh);
}
