/** A client's fid: one message each, and no more. */
import type { Cancel } from './cancel.js';
import type { Client } from './client.js';
import { Efound, Eintr, Ewalk, FileError } from './errors.js';
import { maxwelem } from './fcall.js';
import { changeDir, decodeDirs } from './stat.js';
import { type Dir, type DirChange, type Qid, qt } from './tree.js';

export class ClientFid {
  readonly client: Client;
  readonly fid: number;
  qid: Qid;
  /** Largest data of one read or write that is not cut in two. */
  iounit: number;

  constructor(client: Client, fid: number, qid: Qid) {
    this.client = client;
    this.fid = fid;
    this.qid = qid;
    this.iounit = client.iounit;
  }

  /** A new fid: no names, and it is for the same file. */
  async walk(names: readonly string[], cancel?: Cancel): Promise<ClientFid> {
    let at = await this.#step(names.slice(0, maxwelem), cancel);
    for (let i = maxwelem; i < names.length; i += maxwelem) {
      const from = at;
      at = await from.#step(names.slice(i, i + maxwelem), cancel).finally(() => from.clunk());
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
    const fid = this.#unmade();
    const both = [this.#walk(fid, names, cancel), first(fid)] as const;
    const [walk, done] = await Promise.allSettled(both);
    if (walk.status === 'rejected') return fid.#lost(walk.reason);
    if (done.status === 'fulfilled') return [fid, done.value];
    return [fid, await fid.orDrop(fid.#inTurn(first, done.reason))];
  }

  async open(mode: number, cancel?: Cancel): Promise<this> {
    const r = await this.client.rpc('open', { fid: this.fid, mode }, cancel);
    return this.#opened(r.qid, r.iounit);
  }

  /** In this directory; the fid becomes the new file's, open. */
  async create(name: string, perm: number, mode: number, cancel?: Cancel): Promise<this> {
    const r = await this.client.rpc('create', { fid: this.fid, name, perm, mode }, cancel);
    return this.#opened(r.qid, r.iounit);
  }

  read(n: number, offset: number, cancel?: Cancel): Promise<Uint8Array> {
    return this.client.read(this.fid, n, offset, cancel);
  }

  /** At most iounit bytes: how many were taken. */
  write(data: Uint8Array, offset: number, cancel?: Cancel): Promise<number> {
    return this.client.write(this.fid, data, offset, cancel);
  }

  async stat(cancel?: Cancel): Promise<Dir> {
    return (await this.client.rpc('stat', { fid: this.fid }, cancel)).stat;
  }

  async wstat(change: DirChange, cancel?: Cancel): Promise<void> {
    await this.client.rpc('wstat', { fid: this.fid, stat: changeDir(change) }, cancel);
  }

  /** The entries of this open directory. */
  async list(cancel?: Cancel): Promise<Dir[]> {
    const all: Dir[] = [];
    let offset = 0;
    for (;;) {
      const data = await this.read(this.client.iounit, offset, cancel);
      if (data.length === 0) return all;
      const some = decodeDirs(data);
      if (typeof some === 'string') throw new FileError(`bad directory: ${some}`);
      all.push(...some);
      offset += data.length;
    }
  }

  /** The fid is gone, whether it succeeds or not. */
  async remove(): Promise<void> {
    await this.#last(this.client.rpc('remove', { fid: this.fid }));
  }

  async clunk(): Promise<void> {
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

  get isDir(): boolean {
    return (this.qid.type & qt.dir) !== 0;
  }

  async #step(names: readonly string[], cancel: Cancel | undefined): Promise<ClientFid> {
    const fid = this.#unmade();
    await this.#walk(fid, names, cancel).catch((e) => fid.#lost(e));
    return fid;
  }

  #unmade(): ClientFid {
    return new ClientFid(this.client, this.client.newFid(), this.qid);
  }

  async #walk(to: ClientFid, names: readonly string[], cancel: Cancel | undefined): Promise<void> {
    const asked = { fid: this.fid, newfid: to.fid, names };
    const { qids } = await this.client.rpc('walk', asked, cancel);
    if (qids.length !== names.length) throw new FileError(astray(names, qids));
    to.qid = qids.at(-1) ?? this.qid;
  }

  /** The walk that was to make this fid failed. One that was given up may have been done. */
  #lost(e: unknown): never {
    if (e instanceof Error && e.message === Eintr) this.drop();
    else this.client.freeFid(this.fid);
    throw e;
  }

  /** A server that takes requests as it likes had no such fid yet: ask again, now that it has,
   *  and wait for each answer from now on. */
  async #inTurn<T>(first: (fid: ClientFid) => Promise<T>, why: unknown): Promise<T> {
    if (!this.client.outOfTurn(why)) throw why;
    return first(this);
  }

  #opened(qid: Qid, iounit: number): this {
    this.qid = qid;
    this.iounit = iounit > 0 ? Math.min(iounit, this.client.iounit) : this.client.iounit;
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

/** Why a walk came back with other than a qid a name. */
function astray(names: readonly string[], qids: readonly Qid[]): string {
  if (qids.length > names.length) return 'too many qids returned by walk';
  const last = qids.at(-1);
  return last !== undefined && (last.type & qt.dir) === 0 ? Ewalk : Efound;
}
