/** A directory of the name space: its own files, and what was bound
 *  there before, after or instead. */
import {
  type Dir,
  type DirChange,
  type Node,
  type OpenFile,
  type Qid,
  qt,
  type Req,
  type Wait,
} from '@9p/lib9p';

export type How = 'replace' | 'before' | 'after';

/** What was bound: a walked node, so that a number used again is never caught by an old bind. */
export interface Source {
  readonly node: Node;
  readonly how: How;
  /** The line of `ns`. */
  readonly described: string;
  readonly from: string | undefined;
  /** What was there when it was bound. */
  readonly onto?: Node;
}

/** A directory at a path: its own node and what is bound there. */
export class Place implements Node {
  readonly #path: string;
  readonly #own: readonly Node[];
  readonly #binds: ReadonlyMap<string, readonly Source[]>;
  readonly create?: NonNullable<Node['create']>;
  readonly remove?: NonNullable<Node['remove']>;

  constructor(path: string, own: readonly Node[], binds: ReadonlyMap<string, readonly Source[]>) {
    this.#path = path;
    this.#own = own;
    this.#binds = binds;
    // Where one directory alone is seen; in which one of a union, nobody has said.
    const [only, ...more] = this.#nodes();
    if (only === undefined || more.length > 0) return;
    if (only.create !== undefined) this.create = (...args) => only.create!(...args);
    if (only.remove !== undefined) this.remove = (req) => only.remove!(req);
  }

  get bare(): Node {
    return this.#own[0] as Node;
  }
  /** What is seen here, for who binds it elsewhere: one node, or a union that
   *  stays as it is now. */
  seen(): Node {
    const all = this.#nodes();
    return all.length === 1 ? (all[0] as Node) : new Place(this.#path, all, new Map());
  }
  get qid(): Qid {
    return this.bare.qid;
  }
  get name(): string {
    return this.#path.slice(this.#path.lastIndexOf('/') + 1) || '/';
  }

  /** The union at this place, first name wins. */
  #nodes(): readonly Node[] {
    const bound = this.#binds.get(this.#path);
    if (bound === undefined) return this.#own;
    const before = bound.filter((s) => s.how === 'before').map((s) => s.node);
    const after = bound.filter((s) => s.how === 'after').map((s) => s.node);
    const replace = bound.filter((s) => s.how === 'replace').map((s) => s.node);
    return [...before, ...(replace.length > 0 ? replace : this.#own), ...after];
  }

  #child(name: string): string {
    return this.#path === '/' ? `/${name}` : `${this.#path}/${name}`;
  }

  #wrap(name: string, node: Node): Node {
    const path = this.#child(name);
    if (node.qid.type & qt.dir) return new Place(path, [node], this.#binds);
    const bound = this.#binds.size === 0 ? undefined : this.#binds.get(path)?.[0];
    return bound?.node ?? node;
  }

  walk(name: string, r: Req): Wait<Node | undefined> {
    for (const [i, n] of this.#nodes().entries()) {
      const found = n.walk(name, r);
      if (found instanceof Promise) return this.#walkSlowly(name, r, i, found);
      if (found !== undefined) return this.#wrap(name, found);
    }
    return this.#grafted(name);
  }

  /** An element of a union that fails (a lost import) is passed over;
   *  what stands alone tells its error. */
  async #walkSlowly(name: string, r: Req, i: number, first: Promise<Node | undefined>) {
    const all = this.#nodes();
    const rest = all.slice(i + 1);
    let found = all.length === 1 ? await first : await first.catch(() => undefined);
    for (const n of rest) found ??= await orNothing(() => n.walk(name, r), undefined);
    return found === undefined ? this.#grafted(name) : this.#wrap(name, found);
  }

  /** What was put where no file was: imported trees in /n. */
  #grafted(name: string): Node | undefined {
    const path = this.#child(name);
    const s = this.#binds.get(path)?.[0];
    if (s === undefined) return undefined;
    return s.node.qid.type & qt.dir ? new Place(path, [s.node], this.#binds) : s.node;
  }

  list(r: Req): Wait<readonly Node[]> {
    const nodes = this.#nodes();
    const list = (n: Node): Wait<readonly Node[]> => n.list(r);
    const lists = nodes.map(nodes.length === 1 ? list : (n) => orNothing(() => list(n), []));
    if (lists.some((l) => l instanceof Promise))
      return Promise.all(lists).then((all) => this.#merge(all));
    return this.#merge(lists as (readonly Node[])[]);
  }

  #merge(lists: readonly (readonly Node[])[]): readonly Node[] {
    const out: Node[] = [];
    const seen = new Set<string>();
    const add = (n: Node | undefined): void => {
      if (n === undefined || seen.has(n.name)) return;
      seen.add(n.name);
      out.push(n);
    };
    for (const list of lists) for (const n of list) add(this.#wrap(n.name, n));
    const here = this.#path === '/' ? '/' : `${this.#path}/`;
    for (const path of this.#binds.keys())
      if (path.startsWith(here) && path !== '/' && !path.slice(here.length).includes('/'))
        add(this.#grafted(path.slice(here.length)));
    return out;
  }

  stat(): Wait<Dir> {
    const d = this.bare.stat();
    if (d instanceof Promise) return d.then((x) => ({ ...x, name: this.name }));
    return d.name === this.name ? d : { ...d, name: this.name };
  }
  open(mode: number, r: Req): Wait<OpenFile> {
    return this.bare.open(mode, r);
  }
  wstat(change: DirChange, r: Req): Wait<void> {
    return this.bare.wstat(change, r);
  }
}

/** What an element of a union answers, or `nothing` if it fails. */
function orNothing<T>(f: () => Wait<T>, nothing: T): Wait<T> {
  try {
    const r = f();
    return r instanceof Promise ? r.catch(() => nothing) : r;
  } catch {
    return nothing;
  }
}
