/** A client's fid: one message each, and no more. */
import type { Cancel, Client } from './client.js';
import { FileError, refuse } from './errors.js';
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

  get isDir(): boolean {
    return (this.qid.type & qt.dir) !== 0;
  }

  async #step(names: readonly string[], cancel: Cancel | undefined): Promise<ClientFid> {
    const newfid = this.client.newFid();
    const { qids } = await this.client.rpc('walk', { fid: this.fid, newfid, names }, cancel);
    if (qids.length > names.length) refuse('too many qids returned by walk');
    if (qids.length === names.length)
      return new ClientFid(this.client, newfid, qids.at(-1) ?? this.qid);
    this.client.freeFid(newfid);
    const last = qids.at(-1);
    const inFile = last !== undefined && (last.type & qt.dir) === 0;
    return refuse(inFile ? 'walk in non-directory' : 'file not found');
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
