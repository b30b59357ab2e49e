/** Trees of other machines in our name space: `mount tcp!host!564 /n/host`. A node is a path
 *  there; each operation walks anew, so nothing is held at the other end but what is open. */
import {
  type Dir,
  type DirChange,
  dial,
  type Handle,
  type Mount,
  type Node,
  type OpenFile,
  type Qid,
  qt,
  type Req,
  split,
  type Wait,
} from '@9p/lib9p';
import { clean, type Namespace, ownerOnly, quote, refuse, type Verb } from 'slashnet/core';

export const imports_max = 64;

class RemoteNode implements Node {
  readonly qid: Qid;
  readonly name: string;
  readonly #m: Mount;
  readonly #path: string;

  constructor(m: Mount, path: string, qid: Qid) {
    this.#m = m;
    this.#path = path;
    this.qid = qid;
    this.name = path.slice(path.lastIndexOf('/') + 1) || '/';
  }

  #child(name: string, qid: Qid): RemoteNode {
    return new RemoteNode(this.#m, `${this.#path}/${name}`, qid);
  }
  stat(): Promise<Dir> {
    return this.#m.stat(this.#path);
  }
  async walk(name: string, req: Req): Promise<Node | undefined> {
    if ((this.qid.type & qt.dir) === 0) throw refuse('walk in non-directory');
    try {
      const fid = await this.#m.walk(`${this.#path}/${name}`, req);
      const { qid } = fid;
      await fid.clunk();
      return this.#child(name, qid);
    } catch (e) {
      if (e instanceof Error && /not found|does not exist/.test(e.message)) return undefined;
      throw e;
    }
  }
  async list(req: Req): Promise<readonly Node[]> {
    const all = await this.#m.ls(this.#path, req);
    return all.map((d) => this.#child(d.name, d.qid));
  }
  async open(mode: number, req: Req): Promise<OpenFile> {
    return new RemoteFile(await this.#m.open(this.#path, mode, req));
  }
  wstat(change: DirChange, req: Req): Promise<void> {
    return this.#m.wstat(this.#path, change, req);
  }
}

class RemoteFile implements OpenFile {
  readonly ready = true;
  onready: (() => void) | undefined;
  readonly #h: Handle;
  constructor(h: Handle) {
    this.#h = h;
  }
  get qid(): Qid {
    return this.#h.fid.qid;
  }
  read(n: number, offset: number, req: Req): Promise<Uint8Array> {
    return this.#h.read(n, offset, req);
  }
  write(data: Uint8Array, offset: number, req: Req): Wait<number> {
    return this.#h.write(data, offset, req);
  }
  close(): void {
    this.#h.close().catch(() => undefined);
  }
}

/** The trees that a daemon has imported. */
export class Imports {
  readonly #ns: Namespace;
  readonly #instance: string;
  readonly #uname: string;
  readonly #all = new Map<string, { m: Mount; remove(): void }>();

  constructor(ns: Namespace, instance: string, uname: string) {
    this.#ns = ns;
    this.#instance = instance;
    this.#uname = uname;
  }

  async mount(address: string, target: string, aname: string): Promise<void> {
    const at = clean(target);
    if (!at.startsWith('/n/') || split(at).length !== 2)
      throw refuse(`'${target}': imported trees are mounted at /n/NAME`);
    if (this.#all.has(at)) throw refuse(`${at} is in use`);
    if (this.#all.size >= imports_max) throw refuse(`too many mounts: limit ${imports_max}`);
    const m = await dial(address, { uname: this.#uname, aname });
    try {
      await this.#refuseOurselves(m, address);
    } catch (e) {
      m.close();
      throw e;
    }
    const spec = aname === '' ? '' : ` ${quote(aname)}`;
    const node = new RemoteNode(m, '', m.root.qid);
    const graft = this.#ns.graft(node, at, `mount ${quote(address)} ${quote(at)}${spec}`);
    this.#all.set(at, { m, remove: graft.remove });
  }

  async #refuseOurselves(m: Mount, address: string): Promise<void> {
    const version = await m.readText('/version').catch(() => '');
    if (version.includes(this.#instance)) throw refuse(`${address} is this daemon itself`);
  }

  unmount(target: string): void {
    const at = clean(target);
    const i = this.#all.get(at);
    if (i === undefined) throw refuse(`${target} is not a mount`);
    this.#all.delete(at);
    i.remove();
    i.m.close();
  }

  stop(): void {
    for (const at of [...this.#all.keys()]) this.unmount(at);
  }
}

export const importVerbs = (imports: () => Imports): readonly Verb<unknown>[] => [
  {
    name: 'mount',
    args: [2, 3],
    usage: 'mount address /n/NAME [aname]',
    run(_r, [address = '', target = '', aname = ''], req) {
      ownerOnly(req);
      return imports().mount(address, target, aname);
    },
  },
  {
    name: 'unmount',
    args: [1, 1],
    usage: 'unmount /n/NAME',
    run(_r, [target = ''], req) {
      ownerOnly(req);
      imports().unmount(target);
    },
  },
];
