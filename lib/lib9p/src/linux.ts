/** The messages that 9P2000.L has of its own, in terms of the session's operations: Linux's flags,
 *  attributes and directory entries for the same nodes. What a synthetic tree has not (links,
 *  devices, locks, extended attributes) is refused. */
import type { Call } from './calls.js';
import * as err from './errors.js';
import { refuse } from './errors.js';
import { nouid, type Rmessage, type Tmessage } from './fcall.js';
import { isDir, type Place } from './fids.js';
import type { Session } from './session.js';
import { goodName } from './stat.js';
import { type Dir, type DirChange, dmdir, type Node, omode, type Wait } from './tree.js';
import { then } from './wait.js';

/** Messages by name: what handles each. */
type T<K extends Tmessage['type']> = Extract<Tmessage, { type: K }>;
type Reply = Wait<Rmessage>;

/** Flags of open(2) with the numbers that x86 has; v9fs translates elsewhere. */
const oflag = { trunc: 0x200, nonblock: 0x800, directory: 0x10000 } as const;
/** unlinkat(2): a directory is meant. */
const at_removedir = 0x200;
/** Bits of Tsetattr.valid. */
const set = { mode: 1, uid: 2, gid: 4, size: 8, mtime: 0x20 } as const;
/** What Rgetattr tells: all that stat(2) does. */
const basic_valid = 0x7ffn;
const s_ifdir = 0o040000;
const s_ifreg = 0o100000;
/** statfs(2), V9FS_MAGIC. */
const fstype_9p = 0x01021997;
const block_bytes = 4096;
const longest_name_bytes = 255;

export class Linux {
  readonly #s: Session;

  constructor(session: Session) {
    this.#s = session;
  }

  handle(f: Tmessage, call: Call): Reply {
    switch (f.type) {
      case 'Tlopen':
        return this.#open(f, call);
      case 'Tlcreate':
        return this.#create(f, call);
      case 'Tgetattr':
        return this.#getattr(f);
      case 'Tsetattr':
        return this.#setattr(f, call);
      case 'Treaddir':
        return this.#readdir(f, call);
      case 'Tmkdir':
        return this.#mkdir(f, call);
      case 'Tunlinkat':
        return this.#unlinkat(f, call);
      case 'Trename':
        return this.#rename(f, call);
      case 'Trenameat':
        return this.#renameat(f, call);
      case 'Tstatfs':
        this.#s.fids.get(f.fid);
        return statfs(f.tag);
      case 'Tfsync':
        this.#s.fids.get(f.fid);
        return { type: 'Rfsync', tag: f.tag };
      case 'Treadlink':
        return refuse('not a symbolic link');
      case 'Tsymlink':
      case 'Tlink':
        return refuse('links are not permitted');
      case 'Tmknod':
        return refuse('special files are not permitted');
      case 'Txattrwalk':
      case 'Txattrcreate':
        return refuse('extended attributes are not supported');
      case 'Tlock':
      case 'Tgetlock':
        return refuse('locks are not supported');
    }
    return refuse(`unexpected ${f.type}`);
  }

  #open(f: T<'Tlopen'>, call: Call): Reply {
    const fid = this.#s.fids.get(f.fid);
    if ((f.flags & oflag.directory) !== 0 && !isDir(fid.place.node)) refuse(err.Enotdir);
    return then(this.#s.open(f.fid, modeOf(f.flags), call), (qid) => {
      fid.nonblock = (f.flags & oflag.nonblock) !== 0;
      return { type: 'Rlopen', tag: f.tag, qid, iounit: this.#s.iounit };
    });
  }

  #create(f: T<'Tlcreate'>, call: Call): Reply {
    const { fid, name, mode, flags } = f;
    const qid = this.#s.create(fid, name, mode & 0o777, modeOf(flags), call);
    return then(qid, (qid) => ({ type: 'Rlcreate', tag: f.tag, qid, iounit: this.#s.iounit }));
  }

  #getattr(f: T<'Tgetattr'>): Reply {
    return then(this.#node(f.fid).stat(), (d) => this.#attributes(f.tag, d));
  }

  #attributes(tag: number, d: Dir): Rmessage {
    const times = { atimens: 0n, mtimens: 0n, ctimens: 0n, btime: 0n, btimens: 0n };
    const [atime, mtime] = [BigInt(Math.trunc(d.atime)), BigInt(Math.trunc(d.mtime))];
    return {
      type: 'Rgetattr',
      tag,
      valid: basic_valid,
      qid: d.qid,
      mode: ((d.mode & dmdir) !== 0 ? s_ifdir : s_ifreg) | (d.mode & 0o777),
      uid: this.#s.accounts.uid(d.uid),
      gid: this.#s.accounts.gid(d.gid),
      // Of a directory 1 says that nobody counted: find(1) then looks into each.
      nlink: 1n,
      rdev: 0n,
      length: d.length,
      blksize: BigInt(block_bytes),
      blocks: (d.length + 511n) / 512n,
      atime,
      mtime,
      ctime: mtime,
      ...times,
      gen: 0n,
      version: BigInt(d.qid.vers),
    };
  }

  /** Times of access are nobody's to change, and an owner stays who he is. */
  #setattr(f: T<'Tsetattr'>, call: Call): Reply {
    const node = this.#node(f.fid);
    return then(node.stat(), (is) => {
      const uid = (f.valid & set.uid) !== 0 ? f.uid : nouid;
      if (uid !== nouid && uid !== this.#s.accounts.uid(is.uid)) refuse(err.Eowner);
      const change = this.#change(f, is);
      const directory = (is.mode & dmdir) !== 0;
      if (directory && change.length !== undefined) refuse(err.Eisdir);
      const done = Object.keys(change).length > 0 ? node.wstat(change, call) : undefined;
      return then(done, () => ({ type: 'Rsetattr', tag: f.tag }));
    });
  }

  /** Append-only and exclusive files stay so: Linux does not know of them. */
  #change(f: T<'Tsetattr'>, is: Dir): DirChange {
    const has = (bit: number): boolean => (f.valid & bit) !== 0;
    return {
      ...(has(set.mode) && { mode: ((is.mode & ~0o777) | (f.mode & 0o777)) >>> 0 }),
      ...(has(set.gid) && f.gid !== nouid && { gid: this.#s.accounts.group(f.gid) }),
      ...(has(set.size) && { length: f.length }),
      // v9fs says what the time is where it means "now"; another client may not.
      ...(has(set.mtime) && f.mtime !== 0n && { mtime: Number(BigInt.asUintN(32, f.mtime)) }),
    };
  }

  #readdir(f: T<'Treaddir'>, call: Call): Reply {
    const fid = this.#s.fids.get(f.fid);
    if (fid.entries === undefined) return refuse(fid.state === 'open' ? err.Enotdir : err.Enotread);
    const count = Math.min(f.count, this.#s.iounit);
    return then(fid.entries.read(count, f.offset, call), (data) => ({
      type: 'Rreaddir',
      tag: f.tag,
      data,
    }));
  }

  #mkdir(f: T<'Tmkdir'>, call: Call): Reply {
    const place = this.#s.fids.get(f.fid).place;
    const perm = ((f.mode & 0o777) | dmdir) >>> 0;
    return then(this.#s.make(place, f.name, perm, omode.read, call), (file) => {
      file.close();
      const made = file.node ?? child(place, f.name, call);
      return then(made, ({ qid }) => ({ type: 'Rmkdir', tag: f.tag, qid }));
    });
  }

  #unlinkat(f: T<'Tunlinkat'>, call: Call): Reply {
    return then(child(this.#place(f.fid), f.name, call), (node) => {
      const directory = (f.flags & at_removedir) !== 0;
      if (isDir(node) !== directory) refuse(directory ? err.Enotdir : err.Eisdir);
      const removed = node.remove === undefined ? refuse(err.Enoremove) : node.remove(call);
      return then(removed, () => ({ type: 'Runlinkat', tag: f.tag }));
    });
  }

  #rename(f: T<'Trename'>, call: Call): Reply {
    const { node, up } = this.#place(f.fid);
    return then(renamed(node, up, this.#place(f.dirfid), f.name, call), () => ({
      type: 'Rrename',
      tag: f.tag,
    }));
  }

  #renameat(f: T<'Trenameat'>, call: Call): Reply {
    const from = this.#place(f.fid);
    const to = this.#place(f.dirfid);
    return then(child(from, f.name, call), (node) =>
      then(renamed(node, from, to, f.newname, call), () => ({ type: 'Rrenameat', tag: f.tag })),
    );
  }

  #place(fid: number): Place {
    return this.#s.fids.get(fid).place;
  }

  #node(fid: number): Node {
    return this.#place(fid).node;
  }
}

function modeOf(flags: number): number {
  if ((flags & 3) === 3) refuse(err.Emode);
  return (flags & 3) | ((flags & oflag.trunc) !== 0 ? omode.trunc : 0);
}

function child(dir: Place, name: string, call: Call): Wait<Node> {
  if (!isDir(dir.node)) refuse(err.Enotdir);
  if (!goodName(name)) refuse(err.Ename);
  return then(dir.node.walk(name, call), (node) => node ?? refuse(err.Efound));
}

/** A name in the same directory is all that 9P can change. */
function renamed(
  node: Node,
  from: Place | undefined,
  to: Place,
  name: string,
  call: Call,
): Wait<void> {
  if (from === undefined || from.node.qid.path !== to.node.qid.path) refuse(err.Exdev);
  if (!goodName(name)) refuse(err.Ename);
  return node.wstat({ name }, call);
}

function statfs(tag: number): Rmessage {
  return {
    type: 'Rstatfs',
    tag,
    fstype: fstype_9p,
    bsize: block_bytes,
    blocks: 0n,
    bfree: 0n,
    bavail: 0n,
    files: 0n,
    ffree: 0n,
    fsid: 0n,
    namelen: longest_name_bytes,
  };
}
