/** The kernel's side of FUSE for tests without one: requests as linux/fuse.h lays them out,
 *  replies taken apart. Written with DataView, so that it shares no code with what it tests. */
import { Accounts } from '../../srv/fuse/accounts.js';
import { FuseServer, type ServerOptions } from '../../srv/fuse/server.js';
import type { Replies } from '../../srv/fuse/session.js';
import { opcode } from '../../srv/fuse/wire.js';
import { type Mem, memTree } from './tree.js';

/** Fields of a structure: [bytes, value] each, little-endian; a string is NUL-terminated. */
export type Field = readonly [4 | 8, number | bigint] | string | Uint8Array;

export function struct(...fields: Field[]): Uint8Array {
  const parts = fields.map((f) => {
    if (f instanceof Uint8Array) return f;
    if (typeof f === 'string') return Buffer.from(`${f}\0`);
    const b = new DataView(new ArrayBuffer(f[0]));
    if (f[0] === 4) b.setUint32(0, Number(f[1]), true);
    else b.setBigUint64(0, BigInt(f[1]), true);
    return new Uint8Array(b.buffer);
  });
  return Uint8Array.from(Buffer.concat(parts));
}

export interface From {
  unique?: number;
  node?: number;
  uid?: number;
  gid?: number;
  pid?: number;
}

/** fuse_in_header and body. */
export function request(op: number, body: Uint8Array, from: From = {}): Uint8Array {
  const { unique = 2, node = 1, uid = 0, gid = 0, pid = 77 } = from;
  const head = struct(
    [4, 40 + body.length],
    [4, op],
    [8, unique],
    [8, node],
    [4, uid],
    [4, gid],
    [4, pid],
    [4, 0],
  );
  return Uint8Array.from(Buffer.concat([head, body]));
}

export const bodies = {
  init: (minor = 45, major = 7) =>
    struct([4, major], [4, minor], [4, 65536], [4, 0xffffffff], [4, 0], new Uint8Array(44)),
  name: (name: string) => struct(name),
  forget: (n: number) => struct([8, n]),
  batchForget: (...nodes: number[]) =>
    struct(
      [4, nodes.length],
      [4, 0],
      ...nodes.flatMap((n): Field[] => [
        [8, n],
        [8, 1],
      ]),
    ),
  getattr: () => struct([4, 0], [4, 0], [8, 0]),
  setattr: (
    valid: number,
    v: { size?: number; mode?: number; uid?: number; gid?: number; mtime?: number },
  ) =>
    struct(
      ...([
        [4, valid],
        [4, 0],
        [8, 0],
        [8, v.size ?? 0],
        [8, 0],
        [8, 0],
      ] as Field[]),
      ...([
        [8, v.mtime ?? 0],
        [8, 0],
        [4, 0],
        [4, 0],
        [4, 0],
      ] as Field[]),
      ...([
        [4, v.mode ?? 0],
        [4, 0],
        [4, v.uid ?? 0],
        [4, v.gid ?? 0],
        [4, 0],
      ] as Field[]),
    ),
  open: (flags: number) => struct([4, flags], [4, 0]),
  read: (fh: number, size: number, offset = 0, flags = 0) =>
    struct([8, fh], [8, offset], [4, size], [4, 0], [8, 0], [4, flags], [4, 0]),
  write: (fh: number, data: string, offset = 0, flags = 1) => {
    const d = Buffer.from(data);
    return struct([8, fh], [8, offset], [4, d.length], [4, 0], [8, 0], [4, flags], [4, 0], d);
  },
  release: (fh: number) => struct([8, fh], [4, 0], [4, 0], [8, 0]),
  poll: (fh: number, kh: number, notify: boolean) =>
    struct([8, fh], [8, kh], [4, notify ? 1 : 0], [4, 1]),
  interrupt: (unique: number) => struct([8, unique]),
  access: (mask: number) => struct([4, mask], [4, 0]),
  create: (name: string) => struct([4, 1], [4, 0o100644], [4, 0o22], [4, 0], name),
  mkdir: (name: string) => struct([4, 0o755], [4, 0o22], name),
  rename: (dir: number, from: string, to: string) => struct([8, dir], from, to),
  rename2: (dir: number, from: string, to: string, flags = 0) =>
    struct([8, dir], [4, flags], [4, 0], from, to),
};

export interface Reply {
  readonly unique: number;
  /** Positive; of a notification, its code, negative. */
  readonly errno: number;
  readonly body: Uint8Array;
}

export const at32 = (b: Uint8Array, o: number): number =>
  new DataView(b.buffer, b.byteOffset, b.length).getUint32(o, true);
export const at64 = (b: Uint8Array, o: number): number =>
  Number(new DataView(b.buffer, b.byteOffset, b.length).getBigUint64(o, true));

function parseReply(b: Uint8Array): Reply {
  const d = new DataView(b.buffer, b.byteOffset, b.length);
  if (d.getUint32(0, true) !== b.length) throw new Error('length of a reply is not its header’s');
  const n = -d.getInt32(4, true);
  if (n >= 512) throw new Error(`errno ${n}: the kernel takes no such reply`);
  return { unique: at64(b, 8), errno: n === 0 ? 0 : n, body: b.slice(16) };
}

/** A server that answers into an array, and a caller for it. */
export class Kernel {
  readonly replies: Reply[] = [];
  readonly server: FuseServer;
  readonly mem: Mem;
  #unique = 0;

  constructor(mem: Mem = memTree(), o: ServerOptions = {}) {
    this.mem = mem;
    const bytes = new Uint8Array(1 << 18);
    const out: Replies = {
      bytes,
      take: (n) => {
        bytes.fill(0xa5); // what a reply leaves unwritten is seen
        if (n > bytes.length) throw new Error('too large a reply');
        return 0;
      },
      send: (start, end) => void this.replies.push(parseReply(bytes.slice(start, end))),
    };
    const files = {
      passwd: () => 'root:x:0:0::/:/bin/sh\nglenda:x:1000:1000::/:/bin/rc\n',
      group: () => 'root:x:0:\nglenda:x:1000:\nslashnet:x:990:glenda\n',
    };
    this.server = new FuseServer(mem.root, out, new Accounts(0, files), o);
  }

  /** Send a request; its unique. */
  send(op: number, body: Uint8Array, from: From = {}): number {
    const unique = from.unique ?? (this.#unique += 2);
    const b = request(op, body, { ...from, unique });
    this.server.request(b, 0, b.length);
    return unique;
  }
  /** The only reply to `unique`, taken. */
  reply(unique: number): Reply | undefined {
    const mine = this.replies.filter((r) => r.unique === unique);
    if (mine.length > 1) throw new Error(`${mine.length} replies to one request`);
    if (mine[0] !== undefined) this.replies.splice(this.replies.indexOf(mine[0]), 1);
    return mine[0];
  }
  /** A request that must be answered at once. */
  call(op: number, body: Uint8Array, from: From = {}): Reply {
    const r = this.reply(this.send(op, body, from));
    if (r === undefined) throw new Error(`opcode ${op} was not answered at once`);
    return r;
  }

  /** Walk a path from the root; the nodeid of its end. */
  walk(path: string): number {
    let node = 1;
    for (const name of path.split('/').filter((n) => n !== '')) {
      const r = this.call(opcode.lookup, bodies.name(name), { node });
      if (r.errno !== 0) throw new Error(`${path}: errno ${r.errno}`);
      node = at64(r.body, 0);
    }
    return node;
  }
  /** Open a path; the file handle. */
  open(path: string, flags = 0, from: From = {}): number {
    const r = this.call(opcode.open, bodies.open(flags), { ...from, node: this.walk(path) });
    if (r.errno !== 0) throw new Error(`${path}: errno ${r.errno}`);
    return at64(r.body, 0);
  }
}

export const oneRound = (): Promise<void> => new Promise((done) => setImmediate(done));
