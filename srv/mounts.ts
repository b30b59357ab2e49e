/** The daemon's own FUSE mounts, and the verbs of the root's ctl for them: fuse, unfuse. */
import { ownerOnly, refuse, type System, type Verb } from 'slashnet/core';

export class Mounts {
  readonly #system: System;
  readonly #bug: (e: unknown) => void;
  readonly #mounts = new Map<string, { unmount(): Promise<void> }>();

  constructor(system: System, bug: (e: unknown) => void) {
    this.#system = system;
    this.#bug = bug;
  }

  get dirs(): readonly string[] {
    return [...this.#mounts.keys()];
  }

  /** Serve the tree there; a path below it is then one of the name space too. */
  async mount(dir: string): Promise<void> {
    if (this.#mounts.has(dir)) throw refuse(`${dir} is mounted already`);
    const { mountFuse } = await import('./fuse/mount.js');
    const { tree, turn, ns, env } = this.#system;
    const m = await mountFuse(tree, dir, { turn, bug: this.#bug });
    const alias = ns.alias(m.dir);
    this.#mounts.set(dir, m);
    void m.gone.then((why) => {
      alias.remove();
      this.#mounts.delete(dir);
      env.log(`${dir}: ${why}`);
    });
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
    args: [1, 1],
    usage: 'fuse directory',
    run(_r, [dir = ''], req) {
      ownerOnly(req);
      return mounts().mount(dir);
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
