/** The daemon's own FUSE mounts, and the verbs of the root's ctl for them: fuse, unfuse. */
import { realpath } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { ownerOnly, refuse, type System, type Verb } from 'slashnet/core';
import { backendNamed } from './fuse/backend.js';

interface Mounted {
  readonly dir: string;
  readonly gone: Promise<string>;
  unmount(): Promise<void>;
}
type MountFuse = (
  ...args: Parameters<typeof import('./fuse/mount.js').mountFuse>
) => Promise<Mounted>;
const overFuse: MountFuse = async (...args) => (await import('./fuse/mount.js')).mountFuse(...args);

export class Mounts {
  readonly #system: System;
  readonly #bug: (e: unknown) => void;
  readonly #mounts = new Map<string, { readonly dir: string; unmount(): Promise<void> }>();
  readonly #starting = new Set<string>();
  readonly #mountFuse: MountFuse;

  /** `mountFuse`: another than ./fuse, for tests. */
  constructor(system: System, bug: (e: unknown) => void, mountFuse: MountFuse = overFuse) {
    this.#mountFuse = mountFuse;
    this.#system = system;
    this.#bug = bug;
  }

  get dirs(): readonly string[] {
    return [...this.#mounts.keys()];
  }

  /** Serve the tree there, or the subtree `aname`; a path below it is then one of the name
   *  space too. */
  async mount(dir: string, aname = '', backend = ''): Promise<void> {
    if (this.#mounts.has(dir) || this.#starting.has(dir)) throw refuse(`${dir} is mounted already`);
    this.#starting.add(dir);
    try {
      await this.#mount(dir, aname, backend);
    } finally {
      this.#starting.delete(dir);
    }
  }

  async #mount(dir: string, aname: string, backend: string): Promise<void> {
    await this.refuseInside(dir);
    const { tree, turn, ns, env } = this.#system;
    const how = backend === '' ? {} : { backend: backendNamed(backend) };
    const m = await this.#mountFuse(tree, dir, { turn, bug: this.#bug, aname, ...how });
    this.#mounts.set(dir, m);
    let alias: { remove(): void } | undefined;
    void m.gone.then((why) => {
      alias?.remove();
      if (this.#mounts.get(dir) === m) this.#mounts.delete(dir);
      env.log(`${dir}: ${why}`);
    });
    try {
      alias = ns.alias(m.dir, `/${aname}`);
    } catch (e) {
      await m.unmount();
      throw e;
    }
  }

  /** A path below a mount of ours would have us wait for ourselves. */
  async refuseInside(path: string): Promise<void> {
    const inside = (p: string): boolean => this.#own.some((d) => p === d || p.startsWith(`${d}/`));
    if (this.#own.length === 0) return;
    const parent = dirname(resolve(path));
    if (inside(parent) || inside(await realpath(parent).catch(() => '')))
      throw refuse(`${path} is in a mount of this daemon`);
  }
  get #own(): readonly string[] {
    return [...this.#mounts].flatMap(([dir, m]) => [resolve(dir), m.dir]);
  }

  async unmount(dir: string): Promise<void> {
    const m = this.#mounts.get(dir);
    if (m === undefined) throw refuse(`${dir} is not mounted by this daemon`);
    this.#mounts.delete(dir);
    await m.unmount();
  }
}

export const mountVerbs = (mounts: () => Mounts): readonly Verb<unknown>[] => [
  {
    name: 'fuse',
    args: [1, 3],
    usage: 'fuse directory [aname [backend]]',
    run(_r, [dir = '', aname, backend], req) {
      ownerOnly(req);
      return mounts().mount(dir, aname, backend);
    },
  },
  {
    name: 'unfuse',
    args: [1, 1],
    usage: 'unfuse directory',
    run(_r, [dir = ''], req) {
      ownerOnly(req);
      return mounts().unmount(dir);
    },
  },
];
