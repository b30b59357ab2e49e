/** The daemon: a system, its listeners and mounts, and an end that undoes everything. */

import { fileURLToPath } from 'node:url';
import {
  Gate,
  type GateLimits,
  type Limits,
  type Listener,
  type OpenFile,
  omode,
  Server,
} from '@9p/lib9p';
import { errorText, makeSystem, refuse, type System } from 'slashnet/core';
import { userName, version } from '../src/core/runtime.js';
import { Admission, admissionVerbs } from './admit.js';
import { type CarrierOptions, type Common, dialAny, openListeners } from './carriers.js';
import { askFile, Prover } from './factotum.js';
import { Accounts } from './fuse/accounts.js';
import { Imports, importVerbs } from './import.js';
import { loadCredential, loadKeys } from './keyfile.js';
import { Mounts, mountVerbs } from './mounts.js';
import { runProfile } from './profile.js';
import { isProven, whoIs } from './who.js';

export interface DaemonOptions extends CarrierOptions {
  /** Of each connection, and of how many there are on all listeners. */
  readonly limits?: Partial<Limits & GateLimits> | undefined;
  /** Plugins and their arguments: "ether eth1 ether0". One that fails ends the start. */
  readonly load?: readonly string[];
  /** As load, but one that fails is only logged. */
  readonly tryLoad?: readonly string[];
  /** Files of keys, before the profile; and where systemd has ours. */
  readonly keys?: readonly string[];
  readonly credentials?: string | undefined;
  readonly profile?: { readonly name: string; readonly text: string } | undefined;
  readonly log?: ((line: string) => void) | undefined;
  /** When it settles, what a start still waits for (a profile's connect) is given up. */
  readonly told?: Promise<unknown>;
  /** Every 9P message, one line each. */
  readonly trace?: ((line: string) => void) | undefined;
}

export interface Daemon {
  readonly system: System;
  readonly server: Server;
  /** As one dials them. */
  readonly addresses: readonly string[];
  /** Serve the tree over FUSE at a directory. */
  mount(dir: string, aname?: string, backend?: string): Promise<void>;
  unmount(dir: string): Promise<void>;
  /** Hang up, unmount, remove sockets; done within 2 s whatever a peer does. */
  stop(why: string): Promise<void>;
}

/** Two seconds in all, whatever a peer does: what the host had from us is undone
 *  in the second part. */
const polite_ms = 800;
const hangup_ms = 1200;
const unmount_ms = 500;
const ourPlugins = fileURLToPath(new URL('../plugins', import.meta.url));

export async function startDaemon(o: DaemonOptions): Promise<Daemon> {
  const admission = new Admission();
  const system = makeSystem({
    plugins: [
      ourPlugins,
      ...(process.env.SLASHNET_PLUGINS?.split(':').filter((d) => d !== '') ?? []),
    ],
    owner: userName(),
    version: version(),
    log: o.log,
    verbs: [
      ...mountVerbs(() => mounts),
      ...importVerbs(() => imports),
      ...admissionVerbs(admission),
    ],
  });
  const rpc = async () => system.ns.open('/auth/rpc', omode.rdwr, system.me);
  const imports = new Imports(
    system.ns,
    system.instance,
    system.me.uname,
    (path) => mounts.refuseInside(path),
    system.env.clock,
    async () => {
      const f = await rpc();
      return { ask: askFile(f, system.me), close: () => f.close() };
    },
    { connect: dialAny, tls: o.tls },
  );
  const bug = (e: unknown): void =>
    system.env.log(`bug: ${e instanceof Error ? e.stack : String(e)}`);
  const mounts = new Mounts(system, bug);
  const accounts = new Accounts(process.getuid?.() ?? 0);
  const server = serverOf(system, o, { accounts, admission, rpc, bug });
  const listeners: Listener[] = [];

  async function stop(why: string): Promise<void> {
    const log = (what: string) => (e: unknown) => system.env.log(`${what}: ${errorText(e)}`);
    await within(hangup_ms, system.stop(why, polite_ms)).catch(log('stop'));
    imports.stop();
    const unmounted = mounts.dirs.map((dir) => mounts.unmount(dir).catch(log(dir)));
    await within(unmount_ms, Promise.all(unmounted)).catch(log('unmount'));
    server.hangup(why);
    for (const l of listeners) await l.close().catch(log(l.address));
  }

  const daemon: Daemon = {
    system,
    server,
    get addresses() {
      return listeners.map((l) => l.address);
    },
    mount: (dir, aname, backend) => mounts.mount(dir, aname, backend),
    unmount: (dir) => mounts.unmount(dir),
    stop,
  };
  try {
    const common = { gate: new Gate(o.limits), accounts };
    const begun = begin(daemon, o, common, listeners);
    await (o.told === undefined ? begun : Promise.race([begun, o.told]));
  } catch (e) {
    await stop('it could not start');
    throw e;
  }
  return daemon;
}

interface Doors {
  readonly accounts: Accounts;
  readonly admission: Admission;
  /** The agent's, for the owner. */
  rpc(): Promise<OpenFile>;
  bug(e: unknown): void;
}

/** Who a client is, how he proves it, and what he may attach to. */
function serverOf(system: System, o: DaemonOptions, d: Doors): Server {
  const { accounts } = d;
  const trust = { me: system.me, accounts, insecure: o.insecure === true };
  const prover = new Prover(() => d.rpc(), system.me, system.env.clock);
  return new Server(system.tree, {
    who: (uname, peer, _aname, uid) => whoIs(trust, uname, peer, uid),
    auth: (uname, peer) =>
      o.auth !== true || isProven(trust, peer) ? undefined : prover.file(uname, peer.address),
    admit: (who, aname) => d.admission.check(who, aname),
    accounts,
    ...(o.limits === undefined ? {} : { limits: o.limits }),
    fault: (e) => d.bug(e),
    turn: (work) => system.turn.run(work),
    ...(o.trace === undefined ? {} : { trace: o.trace }),
  });
}

/** The profile before the listeners: who can connect finds everything there. */
async function begin(
  d: Daemon,
  o: DaemonOptions,
  common: Common,
  listeners: Listener[],
): Promise<void> {
  for (const l of o.tryLoad ?? [])
    await d.system.control(`load ${l}`).catch((e) => d.system.env.log(errorText(e)));
  for (const l of o.load ?? []) await d.system.control(`load ${l}`);
  if (o.credentials !== undefined) await loadCredential(d.system, o.credentials);
  for (const path of o.keys ?? []) await loadKeys(d.system, path);
  if (o.profile !== undefined) await runProfile(d.system, o.profile.name, o.profile.text);
  await openListeners(d.server, o, common, (l) => void listeners.push(l));
}

async function within<T>(ms: number, p: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(refuse(`not done in ${ms} ms`)), ms);
  });
  return Promise.race([p, late]).finally(() => clearTimeout(timer));
}
