/** A client's files by their paths below what it attached to. */
import type { Cancel, Client } from './client.js';
import type { ClientFid } from './clientfid.js';
import { Eintr, errorText, refuse } from './errors.js';
import type { Redial } from './redial.js';
import { type Dir, type DirChange, omode, type Wait } from './tree.js';

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
    const at = offset ?? this.offset;
    let done = 0;
    do {
      const piece = bytes.subarray(done, done + this.iounit);
      const n = await this.fid.write(piece, at + done, cancel);
      done += n;
      if (n < piece.length) break;
    } while (done < bytes.length);
    if (offset === undefined) this.offset += done;
    return done;
  }

  async close(): Promise<void> {
    await this.fid.clunk();
  }
}

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

  async readFile(path: string, cancel?: Cancel): Promise<Uint8Array> {
    const f = await this.open(path, omode.read, cancel);
    return orClose(f, readAll(f, cancel));
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

async function readAll(f: Handle, cancel: Cancel | undefined): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  for (;;) {
    const data = await f.read(f.iounit, undefined, cancel);
    if (data.length === 0) return Buffer.concat(pieces);
    if (f.offset > most_bytes) refuse('file too large to read at once');
    pieces.push(data);
  }
}

/** The result, once the file is closed. */
async function orClose<T>(f: Handle, done: Promise<T>): Promise<T> {
  try {
    return await done;
  } finally {
    await f.close();
  }
}
