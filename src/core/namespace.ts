/** The name space: one map from cleaned path to an ordered list of
 *  walked nodes, as bind(1) makes it. */
import { type Node, newReq, type OpenFile, qt, type Req, type Wait, type Who } from '@9p/lib9p';
import { refuse } from './errors.js';
import { type How, Place, type Source } from './place.js';
import type { Port } from './port.js';
import { quote } from './words.js';

export interface Chan extends OpenFile {
  /** Only where served in this process: to be joined, not read. */
  readonly port?: Port;
}

/** A node that would rather be joined than opened: `data`. */
export interface ChannelNode extends Node {
  channel(req: Req): Wait<Chan>;
}
/** Served in this process: a bind joins it by function call. */
export const isChannel = (n: Node): n is ChannelNode => 'channel' in n;

export type { How };

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
  /** Nodes that are gone: what is bound to or from them goes too, and a
   *  number used again starts bare. */
  forget(gone: (n: Node) => boolean): void;
  /** A prefix that means the root, or the directory `target`: folded away
   *  when a path is cleaned, never listed, never walked. */
  alias(prefix: string, target?: string): { remove(): void };
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

interface Alias {
  readonly prefix: string;
  readonly target: string;
}

export const makeNamespace = (base: Node): Namespace => new Names(base);

class Names implements Namespace {
  readonly root: Node;
  readonly #binds = new Map<string, Source[]>();
  readonly #given = new Set<Source>();
  readonly #aliases: Alias[] = [];

  constructor(base: Node) {
    this.root = new Place('/', [base], this.#binds);
  }

  /** The clean path, without what means the root. */
  #fold(path: string, who: Who): string {
    const own = who.prefix === undefined ? [] : [{ prefix: who.prefix, target: '/' }];
    const all: readonly Alias[] = [...own, ...this.#aliases];
    let p = clean(path);
    for (let n = 0; n < depth_max; n++) {
      const a = all.find(({ prefix }) => p === prefix || p.startsWith(`${prefix}/`));
      if (a === undefined) return p;
      p = clean(a.target + p.slice(a.prefix.length));
    }
    throw refuse(`too many aliases in ${path}`);
  }

  walk(path: string, who: Who): Wait<Node> {
    const p = this.#fold(path, who);
    const names = p === '/' ? [] : p.slice(1).split('/');
    const r = newReq(who);
    let node: Node = this.root;
    for (const [i, name] of names.entries()) {
      const next = node.walk(name, r);
      if (next instanceof Promise)
        return walkOn(names.slice(i + 1), next, r).then((n) => n ?? missing(path));
      if (next === undefined) return missing(path);
      node = next;
    }
    return node;
  }

  open(path: string, mode: number, who: Who): Wait<Chan> {
    const node = this.walk(path, who);
    if (node instanceof Promise) return node.then((n) => openNode(n, mode, who));
    return openNode(node, mode, who);
  }

  async bind(source: string, target: string, how: How, who: Who): Promise<void> {
    const node = await this.walk(source, who);
    const onto = await this.walk(target, who);
    if ((node.qid.type & qt.dir) !== (onto.qid.type & qt.dir))
      throw refuse(`${source} and ${target} are not both directories or both files`);
    const from = this.#fold(source, who);
    const at = this.#fold(target, who);
    if (from === '/' && at !== '/')
      throw refuse('the root bound below itself would never end: use alias');
    const flag = how === 'before' ? '-b ' : how === 'after' ? '-a ' : '';
    const described = `bind ${flag}${quote(from)} ${quote(at)}`;
    const seen = node instanceof Place ? node.seen() : node;
    const there = onto instanceof Place ? onto.bare : onto;
    this.#put(at, { node: seen, how, from, described, onto: there });
  }

  forget(gone: (n: Node) => boolean): void {
    for (const target of [...this.#binds.keys()])
      this.#take(target, (s) => gone(s.node) || (s.onto !== undefined && gone(s.onto)));
  }

  unbind(source: string | undefined, target: string, who: Who): void {
    const from = source === undefined ? undefined : this.#fold(source, who);
    const at = this.#fold(target, who);
    if (!this.#take(at, (s) => from === undefined || s.from === from))
      throw refuse(`${source ?? 'nothing'} is not bound to ${target}`);
  }

  graft(node: Node, target: string, described: string): { remove(): void } {
    return this.#put(clean(target), { node, how: 'replace', described, from: undefined });
  }

  alias(prefix: string, target = '/'): { remove(): void } {
    const a = { prefix: clean(prefix), target: clean(target) };
    if (a.prefix === '/') throw refuse("'/' needs no alias");
    if (this.#aliases.length >= binds_max) throw refuse(`too many aliases: limit ${binds_max}`);
    this.#aliases.push(a);
    return {
      remove: () => {
        const i = this.#aliases.indexOf(a);
        if (i >= 0) this.#aliases.splice(i, 1);
      },
    };
  }

  /** In the order in which they were given: a union comes out the same only so. */
  toString(): string {
    const lines = this.#aliases.map(({ prefix, target }) =>
      ['alias', prefix, ...(target === '/' ? [] : [target])].map(quote).join(' '),
    );
    for (const s of this.#given) lines.push(s.described);
    return lines.map((l) => `${l}\n`).join('');
  }

  #put(target: string, s: Source): { remove(): void } {
    if (s.how === 'replace') this.#take(target, () => true);
    const list = this.#binds.get(target) ?? [];
    if (this.#given.size >= binds_max) throw refuse(`too many binds: limit ${binds_max}`);
    if (list.length >= depth_max) throw refuse(`too many binds at ${target}: limit ${depth_max}`);
    this.#binds.set(target, s.how === 'before' ? [s, ...list] : [...list, s]);
    this.#given.add(s);
    return { remove: () => this.#take(target, (x) => x === s) };
  }

  #take(target: string, which: (s: Source) => boolean): boolean {
    const list = this.#binds.get(target) ?? [];
    const left = list.filter((s) => !(which(s) && this.#given.delete(s)));
    if (left.length === 0) this.#binds.delete(target);
    else this.#binds.set(target, left);
    return left.length < list.length;
  }
}

/** The rest of a walk that met a promise. */
async function walkOn(names: readonly string[], at: Promise<Node | undefined>, r: Req) {
  let node = await at;
  for (const name of names) node = await node?.walk(name, r);
  return node;
}

/** A path as other machines have it may be ours under /net; one at the root is the same. */
function missing(path: string): never {
  const last = /.\/([a-z]+\d*(\/\d+(\/[a-z]+)?)?)$/.exec(path)?.[1];
  const hint = last === undefined || path.startsWith('/net/') ? '' : `; try /net/${last}`;
  throw refuse(`'${path}' is not in the name space${hint}`);
}

function openNode(node: Node, mode: number, who: Who): Wait<Chan> {
  return isChannel(node) ? node.channel(newReq(who)) : node.open(mode, newReq(who));
}
