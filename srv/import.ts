/** Trees of other machines in our name space: `mount tcp!host!564 /n/host`. A node is a path
 *  there; each operation walks anew, so nothing is held at the other end but what is open. */
import {
  type DialOptions,
  type Dir,
  type DirChange,
  dial,
  type Handle,
  Mount,
  type Node,
  type OpenFile,
  parseAddress,
  type Qid,
  qt,
  type Req,
  split,
  type Wait,
  wantsRead,
  wantsWrite,
} from '@9p/lib9p';
import {
  type Clock,
  clean,
  type Namespace,
  ownerOnly,
  quote,
  refuse,
  type Verb,
} from 'slashnet/core';

export const imports_max = 64;
/** A server that is there and says nothing gets this long. */
const dial_ms = 10_000;

/** A mount, and what tells its files from ours and from those of other mounts. */
interface Remote {
  readonly m: Mount;
  readonly salt: bigint;
}

const salted = (r: Remote, qid: Qid): Qid => ({ ...qid, path: qid.path ^ r.salt });

class RemoteNode implements Node {
  readonly qid: Qid;
  readonly name: string;
  readonly #r: Remote;
  readonly #m: Mount;
  readonly #path: string;

  constructor(r: Remote, path: string, qid: Qid) {
    this.#r = r;
    this.#m = r.m;
    this.#path = path;
    this.qid = salted(r, qid);
    this.name = path.slice(path.lastIndexOf('/') + 1) || '/';
  }

  #child(name: string, qid: Qid): RemoteNode {
    return new RemoteNode(this.#r, `${this.#path}/${name}`, qid);
  }
  /** The other end sees the daemon's owner, whoever asks: others get there what anybody may. */
  async #allow(req: Req, bits: number): Promise<void> {
    if (req.who.owner) return;
    const { mode } = await this.#m.stat(this.#path, req);
    if ((mode & bits) !== bits) throw refuse('permission denied');
  }
  async stat(): Promise<Dir> {
    const d = await this.#m.stat(this.#path);
    return { ...d, qid: salted(this.#r, d.qid) };
  }
  async walk(name: string, req: Req): Promise<Node | undefined> {
    if ((this.qid.type & qt.dir) === 0) throw refuse('walk in non-directory');
    await this.#allow(req, 1);
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
    await this.#allow(req, 4);
    const all = await this.#m.ls(this.#path, req);
    return all.map((d) => this.#child(d.name, d.qid));
  }
  async open(mode: number, req: Req): Promise<OpenFile> {
    await this.#allow(req, (wantsRead(mode) ? 4 : 0) | (wantsWrite(mode) ? 2 : 0));
    return new RemoteFile(this.#r, await this.#m.open(this.#path, mode, req));
  }
  async wstat(change: DirChange, req: Req): Promise<void> {
    await this.#allow(req, 2);
    return this.#m.wstat(this.#path, change, req);
  }
}

class RemoteFile implements OpenFile {
  readonly ready = true;
  onready: (() => void) | undefined;
  readonly qid: Qid;
  readonly #h: Handle;
  constructor(r: Remote, h: Handle) {
    this.#h = h;
    this.qid = salted(r, h.fid.qid);
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

  /** Throws where a unix path is not to be dialled. */
  readonly #check: (path: string) => Promise<void>;
  readonly #clock: Clock;
  readonly #how: DialOptions;
  #count = 0n;

  constructor(
    ns: Namespace,
    instance: string,
    uname: string,
    check: (path: string) => Promise<void>,
    clock: Clock,
    how: DialOptions = {},
  ) {
    this.#clock = clock;
    this.#how = how;
    this.#check = check;
    this.#ns = ns;
    this.#instance = instance;
    this.#uname = uname;
  }

  async mount(address: string, target: string, aname: string, req: Req): Promise<void> {
    const at = clean(target);
    if (!at.startsWith('/n/') || split(at).length !== 2)
      throw refuse(`'${target}': imported trees are mounted at /n/NAME`);
    if (this.#all.has(at)) throw refuse(`${at} is in use`);
    if (this.#all.size >= imports_max) throw refuse(`too many mounts: limit ${imports_max}`);
    const at9p = parseAddress(address);
    if ('path' in at9p) await this.#check(at9p.path);
    const m = await this.#dial(address, aname, req);
    const spec = aname === '' ? '' : ` ${quote(aname)}`;
    const remote = { m, salt: ++this.#count << 40n };
    const node = new RemoteNode(remote, '', m.root.qid);
    const graft = this.#ns.graft(node, at, `mount ${quote(address)} ${quote(at)}${spec}`);
    this.#all.set(at, { m, remove: graft.remove });
  }

  /** Within a time, and while the writer waits; not ourselves. */
  async #dial(address: string, aname: string, req: Req): Promise<Mount> {
    if (req.flushed) throw refuse('interrupted');
    const given = new AbortController();
    const late = (): void => given.abort(`no answer in ${dial_ms / 1000} s`);
    const timer = this.#clock.after(dial_ms, late);
    req.onflush = () => given.abort('interrupted');
    let m: Mount | undefined;
    try {
      m = await dial(address, { ...this.#how, uname: this.#uname, aname, signal: given.signal });
      given.signal.onabort = () => m?.close();
      if (await this.#isOurs(m, aname)) throw refuse(`${address} is this daemon itself`);
      if (given.signal.aborted) throw refuse('interrupted');
      return m;
    } catch (e) {
      m?.close();
      throw given.signal.aborted ? refuse(`${address}: ${given.signal.reason}`) : e;
    } finally {
      timer.stop();
      req.onflush = undefined;
    }
  }

  /** By the version in the root, whatever subtree is mounted. */
  async #isOurs(m: Mount, aname: string): Promise<boolean> {
    try {
      const root = aname === '' ? m : new Mount(await m.client.attach(this.#uname));
      return (await root.readText('/version')).includes(this.#instance);
    } catch {
      return false; // no slashnet
    }
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
      return imports().mount(address, target, aname, req);
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
