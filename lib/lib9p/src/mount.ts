/** A client's files by their paths below what it attached to. */
import type { Cancel, Client } from './client.js';
import type { ClientFid } from './clientfid.js';
import { refuse } from './errors.js';
import { type Dir, type DirChange, omode } from './tree.js';

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
  readonly client: Client;
  readonly root: ClientFid;

  constructor(root: ClientFid) {
    this.client = root.client;
    this.root = root;
  }

  close(): void {
    this.client.end('closed');
  }

  async open(path: string, mode: number = omode.read, cancel?: Cancel): Promise<Handle> {
    const fid = await this.walk(path, cancel);
    return new Handle(await orClunk(fid, fid.open(mode, cancel)));
  }

  /** Make a file and open it. */
  async create(path: string, perm: number, mode: number, cancel?: Cancel): Promise<Handle> {
    const names = split(path);
    const name = names.pop() ?? refuse('illegal name');
    const fid = await this.root.walk(names, cancel);
    return new Handle(await orClunk(fid, fid.create(name, perm, mode, cancel)));
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
    const fid = await this.walk(path, cancel);
    return fid.stat(cancel).finally(() => fid.clunk());
  }

  async wstat(path: string, change: DirChange, cancel?: Cancel): Promise<void> {
    const fid = await this.walk(path, cancel);
    await fid.wstat(change, cancel).finally(() => fid.clunk());
  }

  async remove(path: string, cancel?: Cancel): Promise<void> {
    await (await this.walk(path, cancel)).remove();
  }

  walk(path: string, cancel?: Cancel): Promise<ClientFid> {
    return this.root.walk(split(path), cancel);
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

async function orClunk<T>(fid: ClientFid, done: Promise<T>): Promise<T> {
  try {
    return await done;
  } catch (e) {
    await fid.clunk().catch(() => undefined);
    throw e;
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
