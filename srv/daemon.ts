/** The daemon: a system, its listeners and mounts, and an end that undoes everything. */

import { fileURLToPath } from 'node:url';
import { type Listener, listen, type Peer, parseAddress, Server, type Who } from '@9p/lib9p';
import { errorText, makeSystem, ownerOnly, refuse, type System, type Verb } from 'slashnet/core';
import { userName, version } from '../src/core/runtime.js';
import { Imports, importVerbs } from './import.js';
import { runProfile } from './profile.js';

export interface DaemonOptions {
  /** Unix socket of mode 600, the only listener that is trusted without authentication. */
  readonly socket?: string | undefined;
  /** tcp!host!port. Needs `insecure` as long as there is no authentication. */
  readonly listen?: readonly string[];
  readonly insecure?: boolean;
  /** Plugins and their arguments: "ether eth1 ether0". One that fails ends the start. */
  readonly load?: readonly string[];
  /** As load, but one that fails is only logged. */
  readonly tryLoad?: readonly string[];
  readonly profile?: { readonly name: string; readonly text: string } | undefined;
  readonly log?: ((line: string) => void) | undefined;
  /** Every 9P message, one line each. */
  readonly trace?: ((line: string) => void) | undefined;
}

export interface Daemon {
  readonly system: System;
  readonly server: Server;
  /** As one dials them. */
  readonly addresses: readonly string[];
  /** Serve the tree over FUSE at a directory. */
  mount(dir: string): Promise<void>;
  unmount(dir: string): Promise<void>;
  /** Hang up, unmount, remove sockets; done within `stop_ms` whatever a peer does. */
  stop(why: string): Promise<void>;
}

export const stop_ms = 1800;
const ourPlugins = fileURLToPath(new URL('../plugins', import.meta.url));

export async function startDaemon(o: DaemonOptions): Promise<Daemon> {
  const mounts = new Map<string, { unmount(): Promise<void> }>();
  const system = makeSystem({
    plugins: [ourPlugins, ...(process.env.SLASHNET_PLUGINS?.split(':') ?? [])],
    owner: userName(),
    version: version(),
    log: o.log,
    verbs: [
      ...mountVerbs(
        (dir) => mount(dir),
        (dir) => unmount(dir),
      ),
      ...importVerbs(() => imports),
    ],
  });
  const imports = new Imports(system.ns, system.instance, system.me.uname);
  const bug = (e: unknown): void =>
    system.env.log(`bug: ${e instanceof Error ? e.stack : String(e)}`);
  const server = new Server(system.tree, {
    who: (uname, peer) => whoIs(system, uname, peer, o.insecure === true),
    fault: bug,
    ...(o.trace === undefined ? {} : { trace: o.trace }),
  });
  const listeners: Listener[] = [];

  async function mount(dir: string): Promise<void> {
    if (mounts.has(dir)) throw refuse(`${dir} is mounted already`);
    const { mountFuse } = await import('./fuse/mount.js');
    const m = await mountFuse(system.tree, dir, { turn: system.turn, bug });
    const alias = system.ns.alias(m.dir);
    mounts.set(dir, m);
    void m.gone.then((why) => {
      alias.remove();
      mounts.delete(dir);
      system.env.log(`${dir}: ${why}`);
    });
  }

  async function unmount(dir: string): Promise<void> {
    const m = mounts.get(dir);
    if (m === undefined) throw refuse(`${dir} is not mounted by this daemon`);
    mounts.delete(dir);
    await m.unmount();
  }

  async function stop(why: string): Promise<void> {
    const log = (what: string) => (e: unknown) => system.env.log(`${what}: ${errorText(e)}`);
    await within(stop_ms, system.stop(why)).catch(log('stop'));
    imports.stop();
    for (const dir of [...mounts.keys()]) await within(stop_ms, unmount(dir)).catch(log(dir));
    server.hangup(why);
    for (const l of listeners) await l.close().catch(log(l.address));
  }

  const daemon: Daemon = {
    system,
    server,
    get addresses() {
      return listeners.map((l) => l.address);
    },
    mount,
    unmount,
    stop,
  };
  try {
    await begin(daemon, o, listeners);
  } catch (e) {
    await stop('it could not start');
    throw e;
  }
  return daemon;
}

/** The profile before the listeners: who can connect finds everything there. */
async function begin(d: Daemon, o: DaemonOptions, listeners: Listener[]): Promise<void> {
  for (const l of o.tryLoad ?? [])
    await d.system.control(`load ${l}`).catch((e) => d.system.env.log(errorText(e)));
  for (const l of o.load ?? []) await d.system.control(`load ${l}`);
  if (o.profile !== undefined) await runProfile(d.system, o.profile.name, o.profile.text);
  if (o.socket !== undefined) listeners.push(await listen(d.server, { path: o.socket }));
  for (const address of o.listen ?? []) {
    if (o.insecure !== true)
      throw refuse(`${address}: anybody could connect: --insecure says that this is meant`);
    listeners.push(await listen(d.server, parseAddress(address)));
  }
}

/** A unix socket of mode 600 and stdio are their owner's. Elsewhere names are believed, if at all. */
function whoIs(system: System, uname: string, peer: Peer, insecure: boolean): Who {
  if (peer.net === 'unix' || peer.net === 'stdio') return { ...system.me };
  if (!insecure) throw refuse('authentication required');
  return { uname: uname || 'none', groups: [], owner: uname === system.me.uname };
}

const mountVerbs = (
  mount: (dir: string) => Promise<void>,
  unmount: (dir: string) => Promise<void>,
): readonly Verb<unknown>[] => [
  {
    name: 'fuse',
    args: [1, 1],
    usage: 'fuse directory',
    run(_r, [dir = ''], req) {
      ownerOnly(req);
      return mount(dir);
    },
  },
  {
    name: 'unfuse',
    args: [1, 1],
    usage: 'unfuse directory',
    run(_r, [dir = ''], req) {
      ownerOnly(req);
      return unmount(dir);
    },
  },
];

async function within<T>(ms: number, p: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(refuse(`not done in ${ms} ms`)), ms);
  });
  return Promise.race([p, late]).finally(() => clearTimeout(timer));
}
