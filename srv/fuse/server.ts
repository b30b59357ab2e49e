/** The FUSE server: a request's bytes in, the operation on the tree, the reply's bytes out. It
 *  knows no device and no kernel; `direct.ts` joins it to /dev/fuse, tests to arrays. */
import type { Node } from '@9p/lib9p';
import type { Accounts } from './accounts.js';
import { access, getattr, setattr, statfs } from './attrs.js';
import { batchForget, create, forget, lookup, mkdir, remove, rename } from './dirs.js';
import { open, poll, read, release, write } from './files.js';
import type { Inode } from './inodes.js';
import { opendir, readdir, readdirplus } from './listing.js';
import { errno, io_bytes, Op, type Replies, Session, type SessionOptions } from './session.js';
import {
  emitInit,
  type Header,
  init_bytes,
  initFlag,
  opcode,
  parseHeader,
  parseInit,
  parseInterrupt,
} from './wire.js';

/** We speak 7.38; older kernels than 7.23 (Linux 3.15) have a shorter INIT. */
const minor_max = 38;
const minor_min = 23;
const wanted =
  initFlag.asyncRead |
  initFlag.atomicTrunc |
  initFlag.bigWrites |
  initFlag.readdirplus |
  initFlag.readdirplusAuto |
  initFlag.parallelDirops |
  initFlag.maxPages;
/** Blocked reads of io_uring and aio count as background: leave room for many. */
const background_max = 1024;
/** One page more than io_bytes has, for a buffer that does not begin at a page. */
const pages_max = io_bytes / 4096 + 1;

export interface ServerOptions extends SessionOptions {
  /** The kernel has said hello, and requests will follow; or it
   *  speaks a protocol that is too old. */
  readonly oninit?: (refused?: string) => void;
}

type OnInode = (s: Session, op: Op, inode: Inode, b: Uint8Array, h: Header) => void;
type OnHandle = (s: Session, op: Op, b: Uint8Array, h: Header) => void;

const onInode: Partial<Record<number, OnInode>> = {
  [opcode.lookup]: lookup,
  [opcode.getattr]: getattr,
  [opcode.setattr]: setattr,
  [opcode.access]: access,
  [opcode.open]: open,
  [opcode.opendir]: opendir,
  [opcode.create]: create,
  [opcode.mkdir]: mkdir,
  [opcode.unlink]: remove,
  [opcode.rmdir]: remove,
  [opcode.rename]: (s, op, inode, b, h) => rename(s, op, inode, b, h, 8),
  [opcode.rename2]: (s, op, inode, b, h) => rename(s, op, inode, b, h, 16),
};
const onHandle: Partial<Record<number, OnHandle>> = {
  [opcode.read]: read,
  [opcode.write]: write,
  [opcode.readdir]: readdir,
  [opcode.readdirplus]: readdirplus,
  [opcode.release]: release,
  [opcode.releasedir]: release,
  [opcode.poll]: poll,
  [opcode.statfs]: statfs,
  [opcode.destroy]: (s, op) => s.empty(op),
};

/** Refused with this errno; what is in no table is ENOSYS, and the kernel then never asks again. */
const refusals: Partial<Record<number, number>> = {
  [opcode.ioctl]: errno.ENOTTY,
  [opcode.symlink]: errno.EPERM,
  [opcode.mknod]: errno.EPERM,
  [opcode.link]: errno.EPERM,
  [opcode.setxattr]: errno.EPERM,
};

export class FuseServer {
  readonly session: Session;
  readonly #oninit: (refused?: string) => void;

  constructor(root: Node, out: Replies, accounts: Accounts, o: ServerOptions = {}) {
    this.session = new Session(root, out, accounts, o);
    this.#oninit = o.oninit ?? (() => {});
  }

  /** One request, as one read of /dev/fuse gave it. */
  request(b: Uint8Array, start: number, end: number): void {
    const s = this.session;
    const h = parseHeader(b, start, end);
    if (typeof h === 'string') return s.stats.add(h);
    if (h.opcode === opcode.forget) return forget(s, b, h);
    if (h.opcode === opcode.batchForget) return batchForget(s, b, h);
    if (h.opcode === opcode.interrupt) return this.#interrupt(b, h);
    const op = new Op(h.unique, s.accounts.who(h.uid, h.gid));
    try {
      this.#dispatch(op, b, h);
    } catch (e) {
      s.failed(op, e);
    }
  }

  #dispatch(op: Op, b: Uint8Array, h: Header): void {
    const s = this.session;
    const handle = onHandle[h.opcode];
    if (handle !== undefined) return handle(s, op, b, h);
    const node = onInode[h.opcode];
    if (node !== undefined) {
      const inode = s.inodes.get(h.nodeid);
      return inode === undefined ? s.error(op, errno.ESTALE) : node(s, op, inode, b, h);
    }
    if (h.opcode === opcode.init) return this.#init(op, b, h);
    s.error(op, refusals[h.opcode] ?? errno.ENOSYS);
  }

  #interrupt(b: Uint8Array, h: Header): void {
    const asked = parseInterrupt(b, h.body, h.end);
    if (typeof asked === 'string') this.session.stats.add(asked);
    else this.session.interrupt(asked.unique);
  }

  /** A kernel newer than major 7 is told 7 and asks again; an older one cannot be spoken with. */
  #init(op: Op, b: Uint8Array, h: Header): void {
    const s = this.session;
    const asked = parseInit(b, h.body, h.end);
    if (typeof asked === 'string') return s.malformed(op, asked);
    if (asked.major < 7 || (asked.major === 7 && asked.minor < minor_min)) {
      s.error(op, errno.EPROTO);
      return this.#oninit(
        `the kernel's FUSE ${asked.major}.${asked.minor} is too old: 7.23 is needed`,
      );
    }
    const o = s.begin(op, init_bytes);
    emitInit(s.out.bytes, o, {
      minor: Math.min(asked.minor, minor_max),
      readahead: asked.readahead,
      flags: asked.flags & wanted,
      background: background_max,
      congestion: (background_max * 3) / 4,
      write_bytes: io_bytes,
      pages: pages_max,
    });
    s.send();
    if (asked.major === 7) this.#oninit();
  }
}
