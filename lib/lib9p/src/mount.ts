/** A client's files by their paths below what it attached to. */
import { Reads, type ReadsOptions, writeAll } from './bulk.js';
import type { Cancel } from './cancel.js';
import type { Client } from './client.js';
import type { ClientFid } from './clientfid.js';
import { Eintr, Eisdir, errorText, refuse } from './errors.js';
import type { Redial } from './redial.js';
import { type Dir, type DirChange, dmdir, omode, qt, type Wait } from './tree.js';

const most_bytes = 64 * 1024 * 1024;

/** An open file with a position. */
export class Handle {
  readonly fid: ClientFid;
  offset = 0;

  constructor(fid: ClientFid) {
    this.fid = fid;
  }

  /** Largest data that one read or write does at once. */
  get iounit(): number {
    return this.fid.iounit;
  }

  /** One read of at most n bytes: from `offset`, or from where the
   *  last one ended. Empty at the end. */
  async read(n = this.iounit, offset?: number, cancel?: Cancel): Promise<Uint8Array> {
    const data = await this.fid.read(n, offset ?? this.offset, cancel);
    if (offset === undefined) this.offset += data.length;
    return data;
  }

  /** All of it, in pieces where it is over the iounit. Returns how much was taken. */
  async write(data: Uint8Array | string, offset?: number, cancel?: Cancel): Promise<number> {
    const bytes = typeof data === 'string' ? new TextEncoder().encode(data) : data;
    const to = { count: this.iounit, offset: offset ?? this.offset, cancel };
    // Where each piece has its place, several may be under way.
    const depth = this.fid.qid.type === qt.file ? {} : { depth: 1 };
    const done = await writeAll(this.fid, bytes, { ...to, ...depth });
    if (offset === undefined) this.offset += done;
    return done;
  }

  async close(): Promise<void> {
    await this.fid.clunk();
  }
}

export type PiecesOptions = Pick<ReadsOptions, 'depth' | 'stream' | 'cancel'>;

export class Mount {
  #root: ClientFid;
  readonly #redial: Redial | undefined;

  /** With `redial`, one that comes back after its connection is lost. */
  constructor(root: ClientFid, redial?: Redial) {
    this.#root = root;
    this.#redial = redial;
  }

  /** The last root that was attached to. */
  get root(): ClientFid {
    return this.#root;
  }

  get client(): Client {
    return this.#root.client;
  }

  /** The root to walk from now: of a new connection, where the last is lost and may be made again.
   *  What was open on the old one stays hung up. */
  attached(cancel?: Cancel): Wait<ClientFid> {
    if (this.#redial === undefined || this.client.ended === undefined) return this.#root;
    return this.#redial.again(cancel).then(
      (root) => (this.#root = root),
      (e) => refuse(e.message === Eintr ? Eintr : `hungup: ${errorText(e)}`),
    );
  }

  close(): void {
    this.#redial?.stop();
    this.client.end('closed');
  }

  async open(path: string, mode: number = omode.read, cancel?: Cancel): Promise<Handle> {
    return new Handle(await this.#walkAnd(path, (fid) => fid.open(mode, cancel), cancel));
  }

  /** Make a file and open it. */
  async create(path: string, perm: number, mode: number, cancel?: Cancel): Promise<Handle> {
    const names = split(path);
    const name = names.pop() ?? refuse('illegal name');
    const root = await this.attached(cancel);
    const create = (fid: ClientFid) => fid.create(name, perm, mode, cancel);
    return new Handle((await root.walkAnd(names, create, cancel))[0]);
  }

  async mkdir(path: string, perm = 0o777, cancel?: Cancel): Promise<void> {
    const dir = await this.create(path, dmdir + (perm & 0o777), omode.read, cancel);
    dir.fid.drop();
  }

  async readFile(path: string, cancel?: Cancel): Promise<Uint8Array> {
    const pieces: Uint8Array[] = [];
    let bytes = 0;
    for await (const piece of this.pieces(path, { cancel })) {
      bytes += piece.length;
      if (bytes > most_bytes) refuse('file too large to read at once');
      pieces.push(piece);
    }
    return pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces);
  }

  /** What is in a file, in pieces, for as long as it goes on. The first comes with the walk and
   *  the open, in one round trip, and if that is as much as its stat says it is all. */
  async *pieces(path: string, o: PiecesOptions = {}): AsyncGenerator<Uint8Array, void, void> {
    const { cancel } = o;
    const root = await this.attached(cancel);
    const first = (fid: ClientFid) => opened(fid, cancel);
    const [fid, { length, data }] = await root.walkAnd(split(path), first, cancel);
    try {
      if (fid.isDir) refuse(Eisdir);
      if (data.length > 0) yield data;
      if (data.length === 0 || data.length === length) return;
      const from = { count: fid.iounit, offset: data.length, length };
      yield* new Reads(fid, { ...from, ...o });
    } finally {
      fid.drop();
    }
  }

  async readText(path: string, cancel?: Cancel): Promise<string> {
    return new TextDecoder().decode(await this.readFile(path, cancel));
  }

  /** Truncates what is there; a ctl file takes no harm of that. */
  async writeFile(path: string, data: Uint8Array | string, cancel?: Cancel): Promise<void> {
    const f = await this.open(path, omode.write | omode.trunc, cancel);
    await orClose(f, f.write(data, 0, cancel));
  }

  async ls(path = '/', cancel?: Cancel): Promise<Dir[]> {
    const f = await this.open(path, omode.read, cancel);
    return orClose(f, f.fid.list(cancel));
  }

  async stat(path: string, cancel?: Cancel): Promise<Dir> {
    const root = await this.attached(cancel);
    const [fid, dir] = await root.walkAnd(split(path), (f) => f.stat(cancel), cancel);
    fid.drop();
    return dir;
  }

  async wstat(path: string, change: DirChange, cancel?: Cancel): Promise<void> {
    const fid = await this.walk(path, cancel);
    await fid.orDrop(fid.wstat(change, cancel));
    fid.drop();
  }

  async remove(path: string, cancel?: Cancel): Promise<void> {
    await (await this.walk(path, cancel)).remove();
  }

  async walk(path: string, cancel?: Cancel): Promise<ClientFid> {
    return (await this.attached(cancel)).walk(split(path), cancel);
  }

  async #walkAnd(
    path: string,
    first: (fid: ClientFid) => Promise<unknown>,
    cancel: Cancel | undefined,
  ): Promise<ClientFid> {
    const root = await this.attached(cancel);
    return (await root.walkAnd(split(path), first, cancel))[0];
  }
}

/** The names of a path. `.` is not for the wire. */
export function split(path: string): string[] {
  return path.split('/').filter((name) => name !== '' && name !== '.');
}

/** Open for reading, its length, and what the first read gave. */
async function opened(
  fid: ClientFid,
  cancel: Cancel | undefined,
): Promise<{ length: number; data: Uint8Array }> {
  const { client } = fid;
  const read = () => fid.read(client.iounit, 0, cancel);
  const ahead = client.ordered;
  const open = fid.open(omode.read, cancel);
  const data = ahead ? read() : open.then(read);
  const [o, d, dir] = await Promise.allSettled([open, data, fid.stat(cancel)]);
  if (o.status === 'rejected') throw o.reason;
  const length = dir.status === 'fulfilled' ? Number(dir.value.length) : 0;
  if (d.status === 'fulfilled') return { length, data: d.value };
  if (ahead && client.outOfTurn(d.reason)) return { length, data: await read() };
  throw d.reason;
}

/** The result, once the file is closed. */
async function orClose<T>(f: Handle, done: Promise<T>): Promise<T> {
  try {
    return await done;
  } finally {
    await f.close();
  }
}
