/** ether(3) on the Ethernet interfaces of Linux: docs/ether.md. */
import { missing } from '@9p/rawio';
import { arphrdEther, iff, type Link } from '@9p/rawio/netlink';
import { type Env, errorText, type Plugin, type Running, refuse } from 'slashnet/core';
import { Interface } from './interface.js';
import { Links } from './links.js';

const etherLike = (l: Link): boolean => l.arphrd === arphrdEther && (l.flags & iff.loopback) === 0;

/** The interfaces that one `load` serves, while there are such. */
class Served {
  readonly #env: Env;
  readonly #byIndex = new Map<number, Interface>();

  constructor(env: Env) {
    this.#env = env;
  }

  has(index: number): boolean {
    return this.#byIndex.has(index);
  }
  get(index: number): Interface | undefined {
    return this.#byIndex.get(index);
  }

  /** False if the name is taken. */
  add(name: string, link: Link): boolean {
    const i = new Interface(this.#env, name, link);
    try {
      i.serve();
    } catch (e) {
      if (/already exists/.test(errorText(e))) return false;
      throw e;
    }
    this.#byIndex.set(link.index, i);
    return true;
  }

  gone(index: number): void {
    const i = this.#byIndex.get(index);
    this.#byIndex.delete(index);
    if (i !== undefined) void i.gone();
  }

  async stop(why: string): Promise<void> {
    await Promise.all([...this.#byIndex.values()].map((i) => i.remove(why)));
  }
}

/** The smallest free number, as the system's own interfaces get theirs. */
function addNext(served: Served, link: Link): void {
  for (let n = 0; n < 10_000; n++) if (served.add(`ether${n}`, link)) return;
}

/** `wanted` is the Linux name; without it every interface is served. */
function watch(links: Links, served: Served, wanted?: string, name?: string): { stop(): void } {
  return links.watch({
    link(l) {
      const had = served.get(l.index);
      if (had !== undefined) had.changed(l);
      else if (!etherLike(l) || (wanted !== undefined && l.name !== wanted)) return;
      else if (name === undefined) addNext(served, l);
      else served.add(name, l);
    },
    gone: (index) => served.gone(index),
  });
}

async function start(env: Env, [ifname, name]: readonly string[]): Promise<Running> {
  if (name !== undefined && !/^[a-z][a-z0-9]{0,15}$/.test(name)) throw refuse(`bad name: ${name}`);
  if (missing !== undefined && ifname === undefined) {
    env.log(`ether: no such device: rawio is not built: ${missing}`);
    return { stop() {} };
  }
  const links = await env.share('ether/links', () => Links.open(env));
  const there = [...links.it.all.values()].some((l) => l.name === ifname && etherLike(l));
  if (ifname !== undefined && !there) {
    links.release();
    throw refuse(`no such interface: ${ifname}`);
  }
  const served = new Served(env);
  const watching = watch(links.it, served, ifname, name);
  return {
    async stop(why) {
      watching.stop();
      await served.stop(why);
      links.release();
    },
  };
}

const plugin: Plugin = { name: 'ether', start };
export default plugin;
