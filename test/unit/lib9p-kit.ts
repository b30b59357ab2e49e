/** What the tests of lib9p share: a server's raw end, a client in memory, files
 *  that wait, messages by chance. */

import assert from 'node:assert/strict';
import type { Duplex } from 'node:stream';
import {
  Client,
  type ClientOptions,
  type Connection,
  code,
  type Dialect,
  decode,
  encodeFcall,
  type Fcall,
  Framer,
  type Kind,
  type Kinds,
  layoutOf,
  type MoreKinds,
  Mount,
  type Node,
  nofid,
  notag,
  type OpenFile,
  type Prove,
  type Qid,
  qt,
  type Req,
  type Rmessage,
  type Server,
  speaks,
  type Tmessage,
  type Tree,
  type WireDir,
} from '@9p/lib9p';
import type { SeededRandom } from '../kit/index.js';

/** A connection without a socket: requests in, replies out, and what
 *  the server asks of the carrier. */
export class Raw {
  readonly replies: Rmessage[] = [];
  /** Length of each write. */
  readonly writes: number[] = [];
  readonly events: string[] = [];
  /** The carrier keeps what is written until `drain`. */
  keeps = false;
  readonly connection: Connection;
  readonly #framer = new Framer(1 << 20);
  dialect: Dialect = '9P2000';
  #tag = 0;

  constructor(server: Server, peer = { net: 'test', address: '' }) {
    this.connection = server.connect(
      {
        write: (b) => this.#written(b),
        pause: () => this.events.push('pause'),
        resume: () => this.events.push('resume'),
        end: (why) => this.events.push(`end ${why}`),
      },
      peer,
    );
  }

  #written(b: Uint8Array): boolean {
    this.writes.push(b.length);
    this.#framer.feed(b);
    const f = this.#framer;
    while (f.next()) this.replies.push(reply(f.buf.slice(f.start, f.end), this.dialect));
    f.keep();
    // Who may use his buffer again does: nobody reads it after the write.
    if (!this.keeps) b.fill(0xa5);
    return !this.keeps;
  }

  /** Messages in one receive; the replies that they had at once. */
  send(...messages: readonly Tmessage[]): Rmessage[] {
    const before = this.replies.length;
    this.connection.receive(Buffer.concat(messages.map((f) => encodeFcall(f, this.dialect))));
    return this.replies.slice(before);
  }

  /** One request with a tag of its own; its reply, if it had one at once. */
  ask(f: Untagged): Rmessage | undefined {
    return this.send({ ...f, tag: ++this.#tag } as Tmessage)[0];
  }

  /** The text of the error that the request gets. */
  error(f: Untagged): string {
    const r = this.ask(f);
    if (r?.type === 'Rlerror') return String(r.ecode);
    return r?.type === 'Rerror' ? r.ename : `no error: ${JSON.stringify(r, bigints)}`;
  }

  start(msize = 8216, dialect: Dialect = '9P2000'): this {
    this.send({ type: 'Tversion', tag: notag, msize, version: dialect });
    this.dialect = dialect;
    this.ask({ type: 'Tattach', fid: 0, afid: nofid, uname: 'glenda', aname: '' });
    this.replies.length = 0;
    this.writes.length = 0;
    return this;
  }

  /** Fid `newfid` on a path, open. */
  open(path: string, newfid: number, mode = 0): this {
    this.ask({ type: 'Twalk', fid: 0, newfid, names: path.split('/').filter((n) => n !== '') });
    const r = this.ask({ type: 'Topen', fid: newfid, mode });
    if (r?.type !== 'Ropen') throw new Error(`open ${path}: ${JSON.stringify(r, bigints)}`);
    return this;
  }
}

type Untag<F> = F extends Tmessage ? Omit<F, 'tag'> : never;
export type Untagged = Untag<Tmessage>;

const bigints = (_: string, v: unknown): unknown => (typeof v === 'bigint' ? String(v) : v);

function reply(b: Uint8Array, dialect: Dialect): Rmessage {
  const f = decode(b, 0, b.length, dialect);
  if (typeof f === 'string') throw new Error(`bad reply: ${f}`);
  if (f.type[0] !== 'R') throw new Error(`server sent ${f.type}`);
  return f as Rmessage;
}

/** All that is due has happened. */
export const settled = (): Promise<void> => new Promise((done) => setImmediate(done));

/** A client and a server joined without a socket; bytes cross in a
 *  later turn, as they would in one. */
export async function joined(
  server: Server,
  options: ClientOptions = {},
  prove?: Prove,
): Promise<Mount> {
  const client: Client = new Client(
    {
      write: (b) => {
        const copy = new Uint8Array(b);
        queueMicrotask(() => connection.receive(copy));
        return true;
      },
      end: (why) => connection.hangup(why),
    },
    options,
  );
  const connection = server.connect(
    {
      write: (b) => {
        const copy = new Uint8Array(b);
        queueMicrotask(() => client.receive(copy));
        return true;
      },
      pause: () => undefined,
      resume: () => undefined,
      end: (why) => client.hangup(why),
    },
    { net: 'test', address: '' },
  );
  await client.version();
  return new Mount(await client.attach('glenda', '', undefined, prove));
}

/** A file whose reads wait until `give`; it notes what happens to it. */
export class Waiting implements Node, OpenFile {
  readonly name: string;
  readonly qid: Qid;
  readonly ready = false;
  onready = undefined;
  readonly log: string[] = [];
  /** What a flush does: nothing at all, or reject. */
  readonly undoes: boolean;
  readonly reads: { req: Req; give(data: Uint8Array): void }[] = [];

  constructor(name: string, path: bigint, undoes = true) {
    this.name = name;
    this.qid = { type: 0, vers: 0, path };
    this.undoes = undoes;
  }

  read(_n: number, offset: number, req: Req): Promise<Uint8Array> {
    return new Promise((give, reject) => {
      this.reads.push({ req, give });
      if (!this.undoes) return;
      req.onflush = () => {
        this.log.push(`flushed ${offset}`);
        reject(new Error('interrupted'));
      };
    });
  }

  write(data: Uint8Array): number {
    return data.length;
  }

  stat() {
    return dirOf(this.name, this.qid);
  }

  walk(): undefined {
    return undefined;
  }

  list(): readonly Node[] {
    return [];
  }

  open(): OpenFile {
    return this;
  }

  wstat(): void {}

  close(): void {
    this.log.push('close');
  }
}

export function dirOf(name: string, qid: Qid): WireDir {
  const who = { uid: 'glenda', gid: 'glenda', muid: '' };
  const times = { atime: 0, mtime: 0, length: 0n };
  return { type: 0, dev: 0, qid, mode: (qid.type << 24) >>> 0, name, ...times, ...who };
}

/** A tree of one directory; walks answer at once or by promises. */
export function flatTree(files: readonly Node[], later = false): Tree {
  const qid = { type: qt.dir, vers: 0, path: 1n };
  const find = (name: string) => files.find((f) => f.name === name);
  const root: Node = {
    qid,
    name: '/',
    stat: () => ({ ...dirOf('/', qid), mode: 0x800001ed }),
    walk: (name) => (later ? Promise.resolve(find(name)) : find(name)),
    list: () => files,
    open: () => {
      throw new Error('is a directory');
    },
    wstat: () => undefined,
  };
  return { attach: () => root };
}

// Messages by chance ----------------------------------------------------------------------------

const words = ['', 'a', 'ctl', 'données', '日本', 'x'.repeat(300), '..', '\u{1f600}'] as const;
const u16 = (r: SeededRandom): number => r.u32() >>> 16;
const u64 = (r: SeededRandom): bigint => (BigInt(r.u32()) << 32n) | BigInt(r.u32());
const some = <T>(r: SeededRandom, most: number, make: () => T): T[] =>
  Array.from({ length: r.below(most + 1) }, make);

export function randomQid(r: SeededRandom): Qid {
  return { type: r.below(256), vers: r.u32(), path: u64(r) };
}

export function randomDir(r: SeededRandom): WireDir {
  const [name, uid, gid, muid] = [r.pick(words), r.pick(words), r.pick(words), r.pick(words)];
  const numbers = { mode: r.u32(), atime: r.u32(), mtime: r.u32(), length: u64(r) };
  return { type: u16(r), dev: r.u32(), qid: randomQid(r), ...numbers, name, uid, gid, muid };
}

type Maker<T> = (r: SeededRandom) => T;
const u32: Maker<number> = (r) => r.u32();
const word: Maker<string> = (r) => r.pick(words);
const makers: { readonly [K in keyof Kinds]: Maker<Kinds[K]> } & {
  readonly [K in keyof MoreKinds]: Maker<MoreKinds[K]>;
} = {
  u8: (r) => r.below(256),
  u16,
  u32,
  u64,
  fid: u32,
  perm: u32,
  mode: u32,
  str: word,
  quoted: word,
  ename: word,
  qid: randomQid,
  names: (r) => some(r, 16, () => r.pick(words)),
  qids: (r) => some(r, 16, () => randomQid(r)),
  data: (r) => r.bytes(r.below(70)),
  stat: randomDir,
  uid: u32,
  errno: u32,
  extension: word,
};

export const dialects: readonly Dialect[] = ['9P2000', '9P2000.u', '9P2000.L'];
const has = (d: Dialect, kind: Kind): boolean =>
  kind === 'uid' ? d !== '9P2000' : !(kind === 'errno' || kind === 'extension') || d === '9P2000.u';

/** The messages of a dialect. */
export const typesOf = (d: Dialect): readonly Fcall['type'][] =>
  layoutOf.flatMap((l) => (l !== undefined && speaks(d, code[l.type]) ? [l.type] : []));
export const types = typesOf('9P2000');

export function randomFcall(
  r: SeededRandom,
  type?: Fcall['type'],
  dialect: Dialect = '9P2000',
): Fcall {
  const t = type ?? r.pick(typesOf(dialect));
  const f: Record<string, unknown> = { type: t, tag: u16(r) };
  for (const [name, kind] of layoutOf[code[t]]!.fields) {
    if (!has(dialect, kind)) continue;
    const more = { extension: r.pick(words), nuid: r.u32(), ngid: r.u32(), nmuid: r.u32() };
    const made = makers[kind](r);
    f[name] = kind === 'stat' && dialect === '9P2000.u' ? { ...(made as WireDir), ...more } : made;
  }
  return f as unknown as Fcall;
}

/** Requests for more than the sockets hold, by one who does not read the answers. */
function greedy(socket: Duplex, reads: number): void {
  const requests: Tmessage[] = [
    { type: 'Tversion', tag: notag, msize: 8216, version: '9P2000' },
    { type: 'Tattach', tag: 0, fid: 0, afid: nofid, uname: 'u', aname: '' },
    { type: 'Twalk', tag: 0, fid: 0, newfid: 1, names: ['big'] },
    { type: 'Topen', tag: 0, fid: 1, mode: 0 },
  ];
  for (let tag = 0; tag < reads; tag++)
    requests.push({ type: 'Tread', tag, fid: 1, offset: 0n, count: 8192 });
  socket.pause();
  socket.write(Buffer.concat(requests.map((f) => encodeFcall(f))));
}

/** Who does not read is stopped at the limit, others meanwhile are served,
 *  and all comes when it reads after all. The tree has files `hello` and `big`. */
export async function doesNotRead(socket: Duplex, server: Server, read: () => Promise<string>) {
  const reads = 2000; // more than the buffers of two sockets hold
  greedy(socket, reads);
  const stopped = () => [...server.connections].find((c) => c.unsent > server.limits.ahead_bytes);
  while (stopped() === undefined) assert.equal(await read(), 'hello\n');
  const slow = stopped();
  for (let i = 0; i < 20; i++) assert.equal(await read(), 'hello\n');
  assert.equal(stopped(), slow);
  const kept = slow?.unsent ?? 0;
  assert.ok(kept < server.limits.ahead_bytes + 200_000, `${kept} bytes kept`);
  let bytes = 0;
  const all = new Promise<void>((done) =>
    socket.on('data', (b: Buffer) => {
      bytes += b.length;
      if (bytes >= reads * (8192 + 11)) done();
    }),
  );
  socket.resume();
  await all;
  assert.equal(await read(), 'hello\n');
  socket.destroy();
}
