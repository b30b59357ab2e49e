/** A client's fid: one message each, and no more. */
import type { Cancel } from './cancel.js';
import type { Client } from './client.js';
import * as linux from './clientlinux.js';
import { Efound, Eintr, Eperm, Ewalk, FileError, refuse } from './errors.js';
import { maxwelem } from './fcall.js';
import { changeDir, decodeDirs } from './stat.js';
import { type Dir, type DirChange, omode, type Qid, qt } from './tree.js';

/** More than any directory has; what goes on beyond it has no end. */
const directory_bytes = 64 * 1024 * 1024;
/** Entries of a directory of 9P2000.L that are asked for at once. */
const stats_max = 32;

export class ClientFid {
  readonly client: Client;
  readonly fid: number;
  qid: Qid;
  /** Largest data of one read or write that is not cut in two. */
  iounit: number;
  /** Where it is, from what was attached to: 9P2000.L needs to be told. */
  #names: readonly string[];
  readonly #root: ClientFid;
  /** A walk that failed may have made it. */
  #perhaps = false;
  /** Open with ORCLOSE, which 9P2000.L has not. */
  #rclose = false;

  constructor(client: Client, fid: number, qid: Qid, root?: ClientFid) {
    this.client = client;
    this.fid = fid;
    this.qid = qid;
    this.iounit = client.iounit;
    this.#root = root ?? this;
    this.#names = [];
  }

  get #linux(): boolean {
    return this.client.dialect === '9P2000.L';
  }

  /** A new fid: no names, and it is for the same file. */
  async walk(names: readonly string[], cancel?: Cancel): Promise<ClientFid> {
    let at = await this.#step(names.slice(0, maxwelem), cancel);
    for (let i = maxwelem; i < names.length; i += maxwelem) {
      const from = at;
      at = await from.#step(names.slice(i, i + maxwelem), cancel).finally(() => from.drop());
    }
    return at;
  }

  /** A walk, and what is asked first of the new fid in the same write: one round trip. Of several
   *  requests `first` may send one ahead of the answer to another where `client.ordered`. If it
   *  fails the fid is gone. */
  async walkAnd<T>(
    names: readonly string[],
    first: (fid: ClientFid) => Promise<T>,
    cancel?: Cancel,
  ): Promise<[ClientFid, T]> {
    const { client } = this;
    if (!client.ordered || names.length > maxwelem) {
      const fid = await this.walk(names, cancel);
      return [fid, await fid.orDrop(first(fid))];
    }
    const fid = this.#another();
    const both = [this.#walk(fid, names, cancel), first(fid)] as const;
    const [walk, done] = await Promise.allSettled(both);
    if (walk.status === 'rejected') return fid.unmade(walk.reason);
    if (done.status === 'fulfilled') return [fid, done.value];
    return [fid, await fid.orDrop(fid.#inTurn(first, done.reason))];
  }

  async open(mode: number, cancel?: Cancel): Promise<this> {
    const { client, fid } = this;
    const asked = this.#linux
      ? linux.open(client, fid, mode, cancel)
      : client.rpc('open', { fid, mode }, cancel);
    return this.#opened(await asked, mode);
  }

  /** In this directory; the fid becomes the new file's, open. */
  async create(name: string, perm: number, mode: number, cancel?: Cancel): Promise<this> {
    const { client, fid } = this;
    const asked = this.#linux
      ? linux.create(client, fid, name, perm, mode, cancel)
      : client.rpc('create', { fid, name, perm, mode }, cancel);
    const opened = await asked;
    this.#names = [...this.#names, name];
    return this.#opened(opened, mode);
  }

  read(n: number, offset: number, cancel?: Cancel): Promise<Uint8Array> {
    return this.client.read(this.fid, n, offset, cancel);
  }

  /** At most iounit bytes: how many were taken. */
  write(data: Uint8Array, offset: number, cancel?: Cancel): Promise<number> {
    return this.client.write(this.fid, data, offset, cancel);
  }

  async stat(cancel?: Cancel): Promise<Dir> {
    const { client, fid } = this;
    if (!this.#linux) return (await client.rpc('stat', { fid }, cancel)).stat;
    return linux.stat(client, fid, this.#names.at(-1) ?? '/', client.accounts, cancel);
  }

  /** All or nothing; but in 9P2000.L a new name is a message of its own, the last. */
  async wstat(change: DirChange, cancel?: Cancel): Promise<void> {
    const { client, fid } = this;
    if (!this.#linux) {
      await client.rpc('wstat', { fid, stat: changeDir(change) }, cancel);
      return;
    }
    const { name, ...rest } = change;
    if (Object.keys(rest).length > 0)
      await linux.setattr(client, fid, rest, client.accounts, cancel);
    if (name !== undefined) await this.#rename(name, cancel);
  }

  async #rename(name: string, cancel: Cancel | undefined): Promise<void> {
    const { client, fid } = this;
    if (this.#names.length === 0) refuse('cannot rename root');
    const dir = await this.#root.walk(this.#names.slice(0, -1), cancel);
    await dir.orDrop(client.rpc('rename', { fid, dirfid: dir.fid, name }, cancel));
    dir.drop();
    this.#names = [...this.#names.slice(0, -1), name];
  }

  /** The entries of this open directory. */
  async list(cancel?: Cancel): Promise<Dir[]> {
    if (this.#linux) return this.#linuxList(cancel);
    const all: Dir[] = [];
    for (let offset = 0; ; ) {
      const data = await this.read(this.client.iounit, offset, cancel);
      if (data.length === 0) return all;
      offset += data.length;
      const some = decodeDirs(data, this.client.dialect);
      if (typeof some === 'string') throw new FileError(`bad directory: ${some}`);
      if (offset > directory_bytes) refuse('directory too large');
      for (const d of some) all.push(d);
    }
  }

  async #linuxList(cancel: Cancel | undefined): Promise<Dir[]> {
    const all: Dir[] = [];
    let total = 0;
    for (let offset = 0n; ; ) {
      const { entries, bytes, next } = await linux.readdir(this.client, this.fid, offset, cancel);
      if (bytes === 0) return all;
      total += bytes;
      if (total > directory_bytes || next === offset) refuse('directory too large');
      offset = next;
      for (let i = 0; i < entries.length; i += stats_max) {
        const some = entries.slice(i, i + stats_max).map((e) => this.#entry(e, cancel));
        for (const dir of await Promise.all(some)) if (dir !== undefined) all.push(dir);
      }
    }
  }

  /** Undefined where it went away since it was listed; where we may not look, what is known. */
  async #entry(entry: linux.Entry, cancel: Cancel | undefined): Promise<Dir | undefined> {
    const names = [...this.#names, entry.name];
    try {
      const [fid, dir] = await this.#root.walkAnd(names, (f) => f.stat(cancel), cancel);
      fid.drop();
      return dir;
    } catch (e) {
      if (e instanceof Error && e.message === Efound) return undefined;
      if (e instanceof Error && e.message === Eperm) return linux.bare(entry);
      throw e;
    }
  }

  /** The fid is gone, whether it succeeds or not. */
  async remove(): Promise<void> {
    await this.#last(this.client.rpc('remove', { fid: this.fid }));
  }

  async clunk(): Promise<void> {
    if (this.#rclose) return this.remove();
    await this.#last(this.client.rpc('clunk', { fid: this.fid }));
  }

  /** Clunk it, and do not wait for that: what is sent later comes after it. */
  drop(): void {
    this.clunk().catch(() => undefined);
  }

  /** What became of an operation on this fid, which is gone if it failed. */
  async orDrop<T>(done: Promise<T>): Promise<T> {
    try {
      return await done;
    } catch (e) {
      this.drop();
      throw e;
    }
  }

  /** The request that was to make this fid failed. One that was given up may have been done. */
  unmade(e: unknown): never {
    if (this.#perhaps || (e instanceof Error && e.message === Eintr)) this.drop();
    else this.client.freeFid(this.fid);
    throw e;
  }

  get isDir(): boolean {
    return (this.qid.type & qt.dir) !== 0;
  }

  async #step(names: readonly string[], cancel: Cancel | undefined): Promise<ClientFid> {
    const fid = this.#another();
    await this.#walk(fid, names, cancel).catch((e) => fid.unmade(e));
    return fid;
  }

  #another(): ClientFid {
    return new ClientFid(this.client, this.client.newFid(), this.qid, this.#root);
  }

  async #walk(to: ClientFid, names: readonly string[], cancel: Cancel | undefined): Promise<void> {
    to.#names = below(this.#names, names);
    const asked = { fid: this.fid, newfid: to.fid, names };
    const { qids } = await this.client.rpc('walk', asked, cancel);
    if (qids.length !== names.length) {
      to.#perhaps = this.#linux; // diod makes the fid all the same
      throw await this.#astray(names, qids, cancel);
    }
    to.qid = qids.at(-1) ?? this.qid;
  }

  /** Why a walk came back with other than a qid a name. One that stops on its way does not say so
   *  itself: its next step alone does. */
  async #astray(
    names: readonly string[],
    qids: readonly Qid[],
    cancel: Cancel | undefined,
  ): Promise<unknown> {
    const n = qids.length;
    if (n > names.length) return new FileError('too many qids returned by walk');
    const last = qids.at(-1);
    if (last === undefined) return new FileError(Efound);
    if ((last.type & qt.dir) === 0) return new FileError(Ewalk);
    const step = (fid: ClientFid) => fid.walk(names.slice(n, n + 1), cancel);
    try {
      for (const fid of await this.walkAnd(names.slice(0, n), step, cancel)) fid.drop();
      return new FileError(Efound);
    } catch (e) {
      return e;
    }
  }

  /** A server that takes requests as it likes had no such fid yet: ask again, now that it has,
   *  and wait for each answer from now on. */
  async #inTurn<T>(first: (fid: ClientFid) => Promise<T>, why: unknown): Promise<T> {
    if (!this.client.outOfTurn(why)) throw why;
    return first(this);
  }

  #opened(r: { readonly qid: Qid; readonly iounit: number }, mode: number): this {
    const most = this.client.iounit;
    this.qid = r.qid;
    this.iounit = r.iounit > 0 ? Math.min(r.iounit, most) : most;
    this.#rclose = this.#linux && (mode & omode.rclose) !== 0;
    return this;
  }

  async #last(done: Promise<unknown>): Promise<void> {
    try {
      await done;
    } finally {
      this.client.freeFid(this.fid);
    }
  }
}

/** The path of `names` from `dir`. */
function below(dir: readonly string[], names: readonly string[]): readonly string[] {
  const path = [...dir];
  for (const name of names) {
    if (name === '..') path.pop();
    else path.push(name);
  }
  return path;
}
