/** What a file server offers, whatever carries it: the 9P server here and
 *  a FUSE front end use the same. */

/** An answer at hand is returned as it is: no promise, no microtask. */
export type Wait<T> = T | Promise<T>;

/** Identity of a file, intro(5). `path` is never 0 and never used again for another file. */
export interface Qid {
  readonly type: number;
  readonly vers: number;
  readonly path: bigint;
}

/** Bits of Qid.type, and of Dir.mode when shifted left by 24. */
export const qt = { dir: 0x80, append: 0x40, excl: 0x20, auth: 0x08, tmp: 0x04, file: 0 } as const;
export const dmdir = 0x80000000;
export const dmappend = 0x40000000;
export const dmexcl = 0x20000000;
export const dmtmp = 0x04000000;

/** stat(5), with times in seconds. */
export interface Dir {
  readonly qid: Qid;
  readonly mode: number;
  readonly atime: number;
  readonly mtime: number;
  readonly length: bigint;
  readonly name: string;
  readonly uid: string;
  readonly gid: string;
  readonly muid: string;
}

/** What a wstat asks to change; a field that is absent is left alone. */
export interface DirChange {
  readonly name?: string;
  readonly mode?: number;
  readonly mtime?: number;
  readonly length?: bigint;
  readonly gid?: string;
}

export interface Who {
  readonly uname: string;
  readonly groups: readonly string[];
  /** The daemon's owner: passes always. */
  readonly owner: boolean;
  /** Where this client has the tree mounted, if it said so: paths
   *  that it writes may begin with it. */
  prefix?: string;
}

/** One operation under way. A plain object: an AbortController costs 5 us here, this
 *  25 ns. A holder that set `onflush` answers soon after it was called, and its answer
 *  is awaited; an operation without is abandoned: what it answers is dropped, and its
 *  file may be closed before it does. */
export interface Req {
  readonly who: Who;
  /** Largest read or write that this client can do at once; 0 where there is no limit. */
  readonly iounit: number;
  /** The client no longer waits: whoever holds the operation undoes it and may answer anything. */
  flushed: boolean;
  onflush: (() => void) | undefined;
}

/** An operation that nobody has given up yet. */
export const newReq = (who: Who, iounit = 0): Req => ({
  who,
  iounit,
  flushed: false,
  onflush: undefined,
});

/** How a file is opened: bits of open(5)'s mode. */
export const omode = { read: 0, write: 1, rdwr: 2, exec: 3, trunc: 0x10, rclose: 0x40 } as const;
export const wantsRead = (mode: number): boolean => (mode & 3) !== omode.write;
export const wantsWrite = (mode: number): boolean => (mode & 3) === 1 || (mode & 3) === 2;

/** One fid or FUSE handle, from open to clunk. Errors are thrown with
 *  the text that the client sees. */
export interface OpenFile {
  /** After an open of `clone` or `listen`: that of the new ctl. */
  readonly qid: Qid;
  /** At most n bytes at `offset`; empty at the end of the file. The bytes are the caller's only
   *  until it returns to the event loop. */
  read(n: number, offset: number, req: Req): Wait<Uint8Array>;
  /** `data` is the caller's: copy what is kept beyond the call.
   *  Returns how many bytes were taken. */
  write(data: Uint8Array, offset: number, req: Req): Wait<number>;
  /** poll(2): a read would not block. Always true for text. */
  readonly ready: boolean;
  onready: (() => void) | undefined;
  /** Records in order (data, event, log, pcap, listen): offsets mean nothing. A front end then
   *  offers no seek, and a read that waits does not hold up a write through the same descriptor. */
  readonly stream?: boolean;
  /** Most that one write takes, where another server says so. */
  readonly iounit?: number;
  /** Last use. Never throws. */
  close(): void;
  /** What the fid or handle is from now on, where the open changed it:
   *  ctl after clone, a created file. */
  readonly node?: Node;
}

/** A file or directory. A front end keeps the chain of nodes that
 *  it walked; `..` is its business. */
export interface Node {
  readonly qid: Qid;
  readonly name: string;
  stat(): Wait<Dir>;
  /** One name of a directory; undefined if there is no such file. */
  walk(name: string, req: Req): Wait<Node | undefined>;
  /** A directory's files, in the order of a listing. */
  list(req: Req): Wait<readonly Node[]>;
  /** A file, not a directory; permission is checked here, once. */
  open(mode: number, req: Req): Wait<OpenFile>;
  wstat(change: DirChange, req: Req): Wait<void>;
  create?(name: string, perm: number, mode: number, req: Req): Wait<OpenFile>;
  remove?(req: Req): Wait<void>;
  /** ctl and clone: a write may wait for long, so a front end whose kernel locks an inode for
   *  the whole of a write gives each look-up an identity of its own. */
  readonly slow?: boolean;
  /** What is read and written here is never shown in a trace. */
  readonly secret?: boolean;
}

/** A tree to serve. `aname` selects a subtree; an unknown one is refused by a throw. */
export interface Tree {
  attach(who: Who, aname: string): Wait<Node>;
}
