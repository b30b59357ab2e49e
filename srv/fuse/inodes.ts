/** The kernel's nodeids: which node each one is, and how often the kernel holds it. */
import { type Node, qt } from '@9p/lib9p';
import { rootId } from './wire.js';

export interface Inode {
  readonly id: number;
  /** Undefined at the root. */
  readonly parent: Inode | undefined;
  name: string;
  node: Node;
  /** Lookups that the kernel has not yet forgotten. */
  lookups: number;
  /** Those of a directory that a later look-up finds again. */
  readonly children: Map<string, Inode>;
}

export const isDir = (node: Node): boolean => (node.qid.type & qt.dir) !== 0;

export class Inodes {
  readonly root: Inode;
  readonly #byId = new Map<number, Inode>();
  #next = rootId;

  constructor(root: Node) {
    this.root = this.#make(undefined, '/', root);
  }

  get size(): number {
    return this.#byId.size;
  }
  get(id: number): Inode | undefined {
    return this.#byId.get(id);
  }

  /**
   * The inode of `node`, found under `name` in `parent`; the kernel holds it once more.
   * Ids are never used again. A slow node has a new one each time: the kernel locks an
   * inode for the whole of a write, and `echo hangup > ctl` would stand behind the `echo
   * connect > ctl` that it is to end.
   */
  look(parent: Inode, name: string, node: Node): Inode {
    const known = parent.children.get(name);
    if (known !== undefined && known.node.qid.path === node.qid.path) {
      known.node = node;
      known.lookups++;
      return known;
    }
    const inode = this.#make(parent, name, node);
    if (!node.slow) parent.children.set(name, inode);
    return inode;
  }

  #make(parent: Inode | undefined, name: string, node: Node): Inode {
    const id = this.#next++;
    const inode: Inode = { id, parent, name, node, lookups: 1, children: new Map() };
    this.#byId.set(id, inode);
    return inode;
  }

  /** A name has changed; `node` is what is found under the new one. */
  rename(parent: Inode, from: string, to: string, node: Node | undefined): void {
    const inode = parent.children.get(from);
    if (inode === undefined) return;
    parent.children.delete(from);
    parent.children.set(to, inode);
    inode.name = to;
    if (node !== undefined) inode.node = node;
  }

  /** The root stays: the kernel never looks it up. */
  forget(id: number, lookups: number): void {
    const inode = this.#byId.get(id);
    if (inode === undefined || inode.parent === undefined) return;
    inode.lookups -= lookups;
    if (inode.lookups > 0) return;
    this.#byId.delete(id);
    const { children } = inode.parent;
    if (children.get(inode.name) === inode) children.delete(inode.name);
  }
}
