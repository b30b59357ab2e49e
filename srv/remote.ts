/** Another server's tree, to be served again: in the name space, or over FUSE. A node is a path
 *  there and holds nothing: each operation walks from the root in the write that carries it, one
 *  round trip, and leaves no fid but those of open files. */
import {
  type ClientFid,
  type Dir,
  type DirChange,
  goodName,
  type Mount,
  may,
  type Node,
  needed,
  type OpenFile,
  type Qid,
  qt,
  type Req,
  split,
  type Tree,
} from '@9p/lib9p';
import { refuse } from 'slashnet/core';

export interface RemoteOptions {
  /** Tells its files from ours and from those of other trees. */
  readonly salt?: bigint;
}

/** `aname` is a path below the mount's root. Errors come as the other server words them. */
export function remoteTree(m: Mount, o: RemoteOptions = {}): Tree {
  const remote = new Remote(m, o);
  return {
    async attach(_who, aname) {
      const names = split(aname);
      const dir = await remote.stat(names);
      return new RemoteNode(remote, names, dir.qid, undefined);
    },
  };
}

const last_path = 0xffffffffffffffffn;
const missing = /not found|does not exist|no such file/i;

/** What the nodes of a tree share. */
class Remote {
  readonly m: Mount;
  readonly #salt: bigint;

  constructor(m: Mount, o: RemoteOptions) {
    this.m = m;
    this.#salt = o.salt ?? 0n;
  }

  /** Never 0, which is no file to some. */
  salted(qid: Qid): Qid {
    return { ...qid, path: qid.path ^ this.#salt || last_path };
  }

  async at<T>(names: readonly string[], first: (fid: ClientFid) => Promise<T>, req?: Req) {
    return (await this.m.attached(req)).walkAnd(names, first, req);
  }

  async stat(names: readonly string[], req?: Req): Promise<Dir> {
    const [fid, dir] = await this.at(names, (f) => f.stat(req), req);
    fid.drop();
    return { ...dir, qid: this.salted(dir.qid) };
  }

  /** The other server sees us, whoever asks here: who is not the owner gets what anybody may
   *  there. `want`: bits of a mode. */
  async allow(names: readonly string[], want: number, req: Req): Promise<void> {
    if (req.who.owner || want === 0) return;
    const { mode } = await this.stat(names, req);
    if ((mode & want) !== want) throw refuse('permission denied');
  }
}

class RemoteNode implements Node {
  readonly qid: Qid;
  readonly name: string;
  readonly #r: Remote;
  readonly #names: readonly string[];
  /** As it came with the qid: good for the stat that follows it. */
  #dir: Dir | undefined;
  readonly #empty: boolean;

  /** `qid` is salted, as is `dir`'s. */
  constructor(r: Remote, names: readonly string[], qid: Qid, dir: Dir | undefined) {
    this.#r = r;
    this.#names = names;
    this.qid = qid;
    this.name = names.at(-1) ?? '/';
    this.#dir = dir;
    this.#empty = dir?.length === 0n;
  }

  // 9P does not say what kind of file it is; names do, as far as Plan 9's manual gives them.

  /** A write here may wait for long. */
  get slow(): boolean {
    return /^clone$|ctl$/.test(this.name);
  }

  get secret(): boolean {
    return this.#names.some((n) => n === 'auth' || n === 'factotum');
  }

  get #stream(): boolean {
    return this.#empty && /^(data\d*|event|listen|log|pcap|snoop)$/.test(this.name);
  }

  async stat(): Promise<Dir> {
    const dir = this.#dir ?? (await this.#r.stat(this.#names));
    this.#dir = undefined;
    return dir;
  }

  async walk(name: string, req: Req): Promise<Node | undefined> {
    if ((this.qid.type & qt.dir) === 0) throw refuse('walk in non-directory');
    await this.#r.allow(this.#names, may.exec, req);
    const names = [...this.#names, name];
    try {
      const dir = await this.#r.stat(names, req);
      const node = new RemoteNode(this.#r, names, dir.qid, dir);
      setImmediate(() => (node.#dir = undefined)); // by then it may have changed
      return node;
    } catch (e) {
      if (e instanceof Error && missing.test(e.message)) return undefined;
      throw e;
    }
  }

  async list(req: Req): Promise<readonly Node[]> {
    await this.#r.allow(this.#names, may.read, req);
    const [fid] = await this.#r.at(this.#names, (f) => f.open(0, req), req);
    const dirs = await fid.list(req).finally(() => fid.drop());
    return dirs
      .filter((d) => goodName(d.name))
      .map((d) => {
        const dir = { ...d, qid: this.#r.salted(d.qid) };
        return new RemoteNode(this.#r, [...this.#names, d.name], dir.qid, dir);
      });
  }

  async open(mode: number, req: Req): Promise<OpenFile> {
    await this.#r.allow(this.#names, needed(mode), req);
    const [fid] = await this.#r.at(this.#names, (f) => f.open(mode, req), req);
    return new RemoteFile(fid, this.#r.salted(fid.qid), this.#stream);
  }

  async create(name: string, perm: number, mode: number, req: Req): Promise<OpenFile> {
    await this.#r.allow(this.#names, may.write, req);
    const create = (f: ClientFid) => f.create(name, perm, mode, req);
    const [fid] = await this.#r.at(this.#names, create, req);
    const qid = this.#r.salted(fid.qid);
    const node = new RemoteNode(this.#r, [...this.#names, name], qid, undefined);
    return new RemoteFile(fid, qid, false, node);
  }

  async remove(req: Req): Promise<void> {
    if (this.#names.length === 0) throw refuse('permission denied');
    await this.#r.allow(this.#names.slice(0, -1), may.write, req);
    const [fid] = await this.#r.at(this.#names, async () => undefined, req);
    await fid.remove();
  }

  async wstat(change: DirChange, req: Req): Promise<void> {
    const { name, mode, gid, length, mtime } = change;
    // There we are the owner; here he who asks is not.
    if ((mode ?? gid) !== undefined && !req.who.owner) throw refuse('not owner');
    if (name !== undefined) await this.#r.allow(this.#names.slice(0, -1), may.write, req);
    if ((length ?? mtime) !== undefined) await this.#r.allow(this.#names, may.write, req);
    const [fid] = await this.#r.at(this.#names, async () => undefined, req);
    await fid.wstat(change, req).finally(() => fid.drop());
  }
}

/** An open fid there. Its reads and writes go as they come: none waits for another. */
class RemoteFile implements OpenFile {
  readonly ready = true;
  onready: (() => void) | undefined;
  readonly qid: Qid;
  readonly stream: boolean;
  readonly node?: Node;
  readonly #fid: ClientFid;
  #readAt = 0;
  #writeAt = 0;

  constructor(fid: ClientFid, qid: Qid, stream: boolean, node?: Node) {
    this.#fid = fid;
    this.qid = qid;
    this.stream = stream;
    if (node !== undefined) this.node = node;
  }

  async read(n: number, offset: number, req: Req): Promise<Uint8Array> {
    const data = await this.#fid.read(n, this.#place(offset, this.#readAt), req);
    this.#readAt += data.length;
    return data;
  }

  get iounit(): number {
    return this.#fid.iounit;
  }

  /** In one message: as much of it as that takes. */
  async write(data: Uint8Array, offset: number, req: Req): Promise<number> {
    const n = await this.#fid.write(data, this.#place(offset, this.#writeAt), req);
    this.#writeAt += n;
    return n;
  }

  /** Who sees a stream gives no offsets. If it is none after all, but an ordinary file that was
   *  empty, it is read and written from end to end all the same. */
  #place(offset: number, reached: number): number {
    return this.stream && offset === 0 ? reached : offset;
  }

  close(): void {
    this.#fid.drop();
  }
}
