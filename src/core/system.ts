/** A slashnet: the tree, its layers and what plugins are given. The
 *  daemon, the demo and tests make one. */
import { randomUUID } from 'node:crypto';
import { type Node, newReq, type Tree, type Who } from '@9p/lib9p';
import { realClock, realRandom } from './clock.js';
import { Control, verbMap } from './control.js';
import type { Slot } from './conv.js';
import { refuse } from './errors.js';
import { defNode, Folder, folderOf } from './files.js';
import { LayerServer } from './layer.js';
import { type Loader, makeLoader } from './loader.js';
import type { Clock, Ms, Random } from './machine.js';
import { makeNamespace, type Namespace } from './namespace.js';
import type { Env, FileDef, Layer, Log, Verb } from './plugin.js';
import { line, type QueueFile, tell } from './queue.js';
import { type Root, rootVerbs } from './root.js';
import { RootData } from './rootdata.js';
import { makeShares } from './share.js';
import { makeTurn, type Turn } from './turn.js';

export interface SystemOptions {
  readonly clock?: Clock;
  readonly random?: Random;
  readonly poison?: boolean;
  /** Directories that hold plugins, NAME/plugin.js. */
  readonly plugins: readonly string[];
  /** Each line of the daemon's log, for its standard error. */
  readonly log?: ((line: string) => void) | undefined;
  /** Owner of the daemon and of the files that are nobody's conversation. */
  readonly owner?: string;
  readonly version?: string;
  /** Verbs of the root's ctl that the daemon adds: mounts are its business. */
  readonly verbs?: readonly Verb<Root>[];
}

export interface System {
  readonly ns: Namespace;
  readonly env: Env;
  readonly turn: Turn;
  readonly tree: Tree;
  readonly loader: Loader;
  /** The daemon's owner. */
  readonly me: Who;
  /** Random, so that a mount of one's own tree is noticed. */
  readonly instance: string;
  /** Control messages to the root, as written by the daemon's owner. */
  control(message: string): Promise<void>;
  /** Hang up everything, unload all. Peers that do not answer a goodbye within
   *  `polite_ms` are left. */
  stop(why: string, polite_ms?: Ms): Promise<void>;
}

export function makeSystem(o: SystemOptions): System {
  const me: Who = { uname: o.owner ?? 'none', groups: [], owner: true };
  const instance = randomUUID();
  const given = o.clock ?? realClock;
  const logs = new Set<QueueFile>();
  const log = makeLog(given, logs, o.log);
  const bug = (e: unknown): void =>
    log(`bug: ${e instanceof Error ? (e.stack ?? e.message) : String(e)}`);
  const turn = makeTurn({ bug, poison: o.poison === true });
  const clock = turning(given, turn, bug);
  const rootFiles = new RootFiles(() => me.uname);
  const ns = makeNamespace(rootFiles.folder);
  ns.alias('/net');

  const env: Env = {
    clock,
    random: o.random ?? realRandom,
    ns,
    log,
    turn,
    serve: (layer) => rootFiles.serve(layer as unknown as Layer, env),
    file: (def) => rootFiles.add(def, env),
    share: makeShares(),
  };
  const loader = makeLoader(o.plugins, env, me);
  const control = new Control(verbMap([...rootVerbs, ...(o.verbs ?? [])]), { ns, loader });
  const version = `slashnet ${o.version ?? 'unknown'}\ninstance ${instance}\n`;
  const standard: readonly FileDef<void>[] = [
    ctlFile(control, instance),
    { name: 'ns', perm: 0o444, text: () => ns.toString() },
    logFile(logs),
    { name: 'version', perm: 0o444, text: () => version },
  ];
  for (const def of standard) rootFiles.add(def, env);

  return {
    ns,
    env,
    turn,
    loader,
    me,
    instance,
    tree: { attach: (who, aname) => attach(ns, who, aname) },
    async control(message) {
      await control.write(new TextEncoder().encode(message), newReq(me));
    },
    async stop(why, polite_ms) {
      const late = polite_ms === undefined ? undefined : alarm(given, polite_ms);
      await rootFiles.removeLayers(why, late);
      late?.stop();
      await loader.stop(why);
    },
  };
}

/** What lies in the root: the layers' directories, and files. */
class RootFiles {
  readonly folder: Folder;
  readonly #layers = new Map<string, LayerServer>();
  readonly #files = new Map<string, Node>();
  readonly #owner: () => string;

  constructor(owner: () => string) {
    this.#owner = owner;
    // Where imported trees are: grafts appear in it.
    this.#files.set('n', new Folder({ name: 'n', perm: 0o555, owner }, folderOf([])));
    this.folder = new Folder(
      { name: '/', perm: 0o555, owner },
      {
        find: (name) => this.#layers.get(name)?.folder ?? this.#files.get(name),
        all: () => [...[...this.#layers.values()].map((l) => l.folder), ...this.#files.values()],
      },
    );
  }

  #refuseTaken(name: string): void {
    if (this.#layers.has(name) || this.#files.has(name)) throw refuse(`/${name} already exists`);
  }

  serve(layer: Layer, env: Env): { remove(why: string): Promise<void> } {
    this.#refuseTaken(layer.name);
    const server = new LayerServer(layer, env, this.#owner);
    this.#layers.set(layer.name, server);
    return {
      remove: async (why) => {
        if (this.#layers.get(layer.name) === server) this.#layers.delete(layer.name);
        await server.remove(why);
      },
    };
  }

  add(def: FileDef<void>, env: Env): { remove(): void } {
    this.#refuseTaken(def.name);
    const node =
      'port' in def ? new RootData(def, this.#owner, env) : defNode(def, undefined, this.#owner);
    this.#files.set(def.name, node);
    return {
      remove: () => {
        if (this.#files.get(def.name) === node) this.#files.delete(def.name);
      },
    };
  }

  #tops(): readonly Slot[] {
    const slots = [...this.#layers.values()].flatMap((l) => l.slots);
    const tops = slots.filter((s) => !s.carries);
    return tops.length > 0 ? tops : slots;
  }

  /** From the top down: whoever has a layer above waits for it, so that each can
   *  say goodbye over what is below. When it is `late`, without waiting for an answer. */
  async removeLayers(why: string, late: Alarm | undefined): Promise<void> {
    for (let tops = this.#tops(); tops.length > 0; tops = this.#tops()) {
      if (late?.rung) for (const s of tops) s.close(why);
      else {
        const gone = Promise.all(tops.map((s) => s.hangupAndClose(why)));
        await (late === undefined ? gone : Promise.race([gone, late.ring]));
      }
    }
    await Promise.all([...this.#layers.values()].map((l) => l.remove(why)));
  }
}

const ctlFile = (control: Control<Root>, instance: string): FileDef<void> => ({
  name: 'ctl',
  perm: 0o666,
  text: () => `${instance}\n`,
  write: async (_c, data, req) => void (await control.write(data, req)),
});

const logFile = (readers: Set<QueueFile>): FileDef<void> => ({
  name: 'log',
  perm: 0o440,
  stream(_c, q) {
    readers.add(q as QueueFile);
    return () => readers.delete(q as QueueFile);
  },
});

/** The attach name selects a subtree: `ppp` gives the ppp layer alone. */
function attach(ns: Namespace, who: Who, aname: string) {
  if (aname === '' || aname === '/') return ns.root;
  return ns.walk(aname.startsWith('/') ? aname : `/${aname}`, who);
}

interface Alarm {
  readonly rung: boolean;
  readonly ring: Promise<void>;
  stop(): void;
}

function alarm(clock: Clock, ms: Ms): Alarm {
  let rung = false;
  let timer = { stop(): void {} };
  const ring = new Promise<void>((done) => {
    timer = clock.after(ms, () => {
      rung = true;
      done();
    });
  });
  return {
    get rung() {
      return rung;
    },
    ring,
    stop: () => timer.stop(),
  };
}

/** Whatever rings is a turn, and what it throws is nobody else's affair. */
function turning(clock: Clock, turn: Turn, bug: (e: unknown) => void): Clock {
  const guarded = (f: () => void) => (): void => {
    try {
      turn.run(f);
    } catch (e) {
      bug(e);
    }
  };
  return {
    now: () => clock.now(),
    date: () => clock.date(),
    after: (ms, f) => clock.after(ms, guarded(f)),
  };
}

/** Lines in one second on standard error: a peer that flaps fills no disk. */
const lines_max = 200;

/** `out`, with no more than so many lines a second; the next second says how many were left out. */
function bounded(clock: Clock, out: (line: string) => void): (line: string) => void {
  let second = 0;
  let lines = 0;
  return (text) => {
    const now = Math.floor(clock.now() / 1000);
    if (now !== second) {
      if (lines > lines_max) out(`${lines - lines_max} lines left out: over ${lines_max} a second`);
      second = now;
      lines = 0;
    }
    if (++lines <= lines_max) out(text);
  };
}

function makeLog(clock: Clock, readers: ReadonlySet<QueueFile>, out: SystemOptions['log']): Log {
  const said = out === undefined ? undefined : bounded(clock, out);
  const log = (text: string): void => {
    said?.(text);
    if (readers.size === 0) return;
    tell(readers, line(`${(clock.now() / 1000).toFixed(3)} ${text}`));
  };
  return Object.defineProperty(log, 'on', {
    get: () => out !== undefined || readers.size > 0,
  }) as Log;
}
