/** The name space: one map from cleaned path to an ordered list of walked nodes, as bind(1) makes it. */
import {
  type Dir,
  type DirChange,
  type Node,
  type OpenFile,
  type Qid,
  qt,
  type Req,
  type Wait,
  type Who,
} from '@9p/lib9p';
import { refuse } from './errors.js';
import type { Port } from './port.js';
import { quote } from './words.js';

export interface Chan extends OpenFile {
  /** Only where served in this process: to be joined, not read. */
  readonly port?: Port;
}

/** A node that would rather be joined than opened: `data`. */
export interface ChannelNode extends Node {
  channel(req: Req): Chan;
}
const isChannel = (n: Node): n is ChannelNode => 'channel' in n;

export type How = 'replace' | 'before' | 'after';

export interface Namespace {
  /** The root as front ends serve it, binds and unions included. */
  readonly root: Node;
  /** With the rights of who wrote the ctl line; mode as in open(5). */
  open(path: string, mode: number, who: Who): Wait<Chan>;
  /** The node at a path, or a refusal that says what to try. */
  walk(path: string, who: Who): Wait<Node>;
  bind(source: string, target: string, how: How, who: Who): Promise<void>;
  /** Without a source: everything bound at target goes. Open files and links stay as they are. */
  unbind(source: string | undefined, target: string, who: Who): void;
  /** Put a node (an imported tree) at a path. */
  graft(node: Node, target: string, described: string): { remove(): void };
  /** A prefix that means the root: folded away when a path is cleaned, never listed, never walked. */
  alias(prefix: string): { remove(): void };
  /** The commands that rebuild it, as ns(1). */
  toString(): string;
}

export const path_bytes = 4096;
export const binds_max = 1024;
const depth_max = 16;

/** Cleaned: absolute, no empty or dot elements. */
export function clean(path: string): string {
  if (path.length > path_bytes) throw refuse(`path too long: over ${path_bytes} bytes`);
  if (!path.startsWith('/')) throw refuse(`'${path}' is not an absolute path`);
  const out: string[] = [];
  for (const name of path.split('/')) {
    if (name === '..') out.pop();
    else if (name !== '' && name !== '.') out.push(name);
  }
  return `/${out.join('/')}`;
}

interface Source {
  readonly node: Node;
  readonly how: How;
  /** The line of `ns`. */
  readonly described: string;
  readonly from: string | undefined;
}

const req = (who: Who): Req => ({ who, iounit: 0, flushed: false, onflush: undefined });

export function makeNamespace(base: Node): Namespace {
  const binds = new Map<string, Source[]>();
  const aliases: string[] = [];
  const root: Node = new Place('/', [base], binds);

  function fold(path: string, who: Who): string {
    let p = clean(path);
    for (let n = 0; n < depth_max; n++) {
      const a = [...(who.prefix === undefined ? [] : [who.prefix]), ...aliases].find(
        (x) => p === x || p.startsWith(`${x}/`),
      );
      if (a === undefined) return p;
      p = p.slice(a.length) || '/';
    }
    throw refuse(`too many aliases in ${path}`);
  }

  async function slowly(names: readonly string[], i: number, at: Wait<Node | undefined>, r: Req) {
    let node = await at;
    for (let k = i; k < names.length && node !== undefined; k++)
      node = await node.walk(names[k] as string, r);
    return node;
  }

  function find(path: string, who: Who): Wait<Node> {
    const p = fold(path, who);
    const names = p === '/' ? [] : p.slice(1).split('/');
    const r = req(who);
    let node: Node = root;
    for (let i = 0; i < names.length; i++) {
      const next = node.walk(names[i] as string, r);
      if (next instanceof Promise)
        return slowly(names, i + 1, next, r).then((n) => n ?? missing(path));
      if (next === undefined) return missing(path);
      node = next;
    }
    return node;
  }

  function missing(path: string): never {
    const last = /\/([a-z]+\d*(\/\d+(\/[a-z]+)?)?)$/.exec(path)?.[1];
    const hint = last === undefined || path.startsWith('/net/') ? '' : `; try /net/${last}`;
    throw refuse(`'${path}' is not in the name space${hint}`);
  }

  function openNode(node: Node, mode: number, who: Who): Wait<Chan> {
    return isChannel(node) ? node.channel(req(who)) : node.open(mode, req(who));
  }

  function put(target: string, s: Source): { remove(): void } {
    const list = binds.get(target) ?? [];
    if (binds.size >= binds_max || list.length >= depth_max)
      throw refuse(`too many binds at ${target}: limit ${depth_max}`);
    if (s.how === 'replace') list.splice(0, list.length, s);
    else if (s.how === 'before') list.unshift(s);
    else list.push(s);
    binds.set(target, list);
    return { remove: () => take(target, (x) => x === s) };
  }

  function take(target: string, which: (s: Source) => boolean): boolean {
    const list = binds.get(target) ?? [];
    const left = list.filter((s) => !which(s));
    if (left.length === 0) binds.delete(target);
    else binds.set(target, left);
    return left.length < list.length;
  }

  return {
    root,
    walk: find,
    open(path, mode, who) {
      const node = find(path, who);
      if (node instanceof Promise) return node.then((n) => openNode(n, mode, who));
      return openNode(node, mode, who);
    },
    async bind(source, target, how, who) {
      const node = await find(source, who);
      const at = fold(target, who);
      const onto = await find(target, who);
      if ((node.qid.type & qt.dir) !== (onto.qid.type & qt.dir))
        throw refuse(`${source} and ${target} are not both directories or both files`);
      if (fold(source, who) === '/' && at !== '/')
        throw refuse('the root bound below itself would never end: use alias');
      const flag = how === 'before' ? '-b ' : how === 'after' ? '-a ' : '';
      const from = fold(source, who);
      put(at, {
        node: node instanceof Place ? node.bare : node,
        how,
        from,
        described: `bind ${flag}${quote(from)} ${quote(at)}`,
      });
    },
    unbind(source, target, who) {
      const at = fold(target, who);
      const from = source === undefined ? undefined : fold(source, who);
      if (!take(at, (s) => from === undefined || s.from === from))
        throw refuse(`${source ?? 'nothing'} is not bound to ${target}`);
    },
    graft: (node, target, described) =>
      put(clean(target), { node, how: 'replace', described, from: undefined }),
    alias(prefix) {
      const p = clean(prefix);
      if (p === '/') throw refuse("'/' needs no alias");
      if (aliases.length >= binds_max) throw refuse(`too many aliases: limit ${binds_max}`);
      aliases.push(p);
      return {
        remove() {
          const i = aliases.indexOf(p);
          if (i >= 0) aliases.splice(i, 1);
        },
      };
    },
    toString() {
      const lines = aliases.map((a) => `alias ${quote(a)}`);
      for (const list of binds.values()) for (const s of list) lines.push(s.described);
      return lines.map((l) => `${l}\n`).join('');
    },
  };
}

/** A directory at a path: its own node and what is bound there. */
class Place implements Node {
  readonly #path: string;
  readonly #own: readonly Node[];
  readonly #binds: ReadonlyMap<string, readonly Source[]>;

  constructor(path: string, own: readonly Node[], binds: ReadonlyMap<string, readonly Source[]>) {
    this.#path = path;
    this.#own = own;
    this.#binds = binds;
  }

  get bare(): Node {
    return this.#own[0] as Node;
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

  async #walkSlowly(name: string, r: Req, i: number, first: Promise<Node | undefined>) {
    let found = await first.catch(() => undefined);
    for (const n of this.#nodes().slice(i + 1)) found ??= await n.walk(name, r);
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
    const lists = this.#nodes().map((n) => n.list(r));
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
