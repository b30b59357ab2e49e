/** Two conversations of ppp over a wire in memory, on virtual time, with auth's files: the lab of
 *  the tests of ppp as files. */
import { hex, text, utf8 } from '@9p/packet';
import {
  type Chan,
  type Context,
  type Conversation,
  counters,
  makeSystem,
  omode,
  type Port,
  type Req,
  refuse,
  type System,
  type Who,
} from 'slashnet/core';
import auth from '../../plugins/auth/plugin.js';
import loop from '../../plugins/loop/plugin.js';
import ppp from '../../plugins/ppp/plugin.js';
import { SeededRandom, VirtualClock } from '../kit/index.js';

export const me: Who = { uname: 'glenda', groups: [], owner: true };
export const request = (): Req => ({ who: me, iounit: 0, flushed: false, onflush: undefined });
const delay_ms = 5;

/** A wire: `data` is one end, `far` the other. */
export class Wire implements Conversation {
  readonly state = 'Up';
  readonly idle = true;
  readonly upper: Port;
  readonly far: Port;
  cut = false;
  /** What went over it, in hex. */
  readonly seen: string[] = [];
  constructor(ctx: Context, framing: 'packet' | 'bytes') {
    const end = (name: string, other: () => Port): Port =>
      ctx.port({
        name: `${ctx.name}/${name}`,
        framing,
        mtu: () => 1494,
        take: (p) => {
          const kept = p.keep();
          this.seen.push(hex(kept.bytes()));
          if (this.cut) return 'cut';
          ctx.env.clock.after(delay_ms, () => ctx.env.turn.run(() => other().deliver(kept)));
          return undefined;
        },
      });
    this.upper = end('data', () => this.far);
    this.far = end('far', () => this.upper);
    this.upper.raise();
    this.far.raise();
  }
  status(): string {
    return '';
  }
  lose(why: string): void {
    this.upper.lower(why);
    this.far.lower(why);
  }
  close(): void {}
}

export class Lab {
  readonly clock: VirtualClock;
  readonly system: System;
  readonly wires: Wire[] = [];
  readonly logged: string[] = [];

  constructor(framing: 'packet' | 'bytes' = 'packet', clock = new VirtualClock()) {
    this.clock = clock;
    this.system = makeSystem({
      plugins: [],
      clock: this.clock,
      random: new SeededRandom(7),
      owner: 'glenda',
      poison: true,
      log: (l) => this.logged.push(l),
    });
    this.system.env.serve<Wire>({
      name: 'wire',
      limit: 8,
      about: 'a wire',
      verbs: [],
      files: [{ name: 'far', perm: 0o660, port: (c) => c.far }],
      stats: counters(),
      create: (ctx) => {
        const w = new Wire(ctx, framing);
        this.wires.push(w);
        return w;
      },
    });
  }

  /** ppp, and auth with a key. */
  async load(): Promise<void> {
    await auth.start(this.system.env, []);
    await ppp.start(this.system.env, []);
    await this.echo(key, '/auth/ctl');
  }
  /** The data files of both ends of a new wire; of one that loop makes. */
  async wire(): Promise<readonly [string, string]> {
    await this.cat('/wire/clone');
    return ['/wire/0/data', '/wire/0/far'];
  }
  async loop(verbs: readonly string[]): Promise<readonly [string, string]> {
    await loop.start(this.system.env, []);
    await this.cat('/loop/clone');
    await this.echo(verbs.join('\n'), '/loop/0/ctl');
    return ['/loop/0/data', '/loop/0/data1'];
  }

  open(path: string, mode: number = omode.rdwr): Promise<Chan> {
    return Promise.resolve(this.system.ns.open(path, mode, me));
  }
  async cat(path: string): Promise<string> {
    const f = await this.open(path, omode.read);
    const out = text(await f.read(65536, 0, request()));
    f.close();
    return out;
  }
  /** Not awaited: the write of a verb that waits. */
  async echo(what: string, path: string, req = request()): Promise<void> {
    const f = await this.open(path, omode.write);
    try {
      await f.write(utf8(what), 0, req);
    } finally {
      f.close();
    }
  }
  done<T>(p: Promise<T>): Promise<T> {
    return this.clock.until(p);
  }
}

const key = 'key proto=pass service=ppp user=glenda !password=rabbit';

export interface TwoOptions {
  readonly framing?: 'packet' | 'bytes';
  readonly client?: readonly string[];
  readonly server?: readonly string[];
  /** A wire of loop instead, with these verbs. */
  readonly loop?: readonly string[];
}

/** What a client and a server write before they bind. */
export const asClient = ['net none'];
export const asServer = [
  ...asClient,
  ...['role server', 'local 10.0.0.1', 'remote 10.0.0.2', 'dns 8.8.8.8'],
];

/** A client 0 and a server 1 over wire 0; the server announced. */
export async function two(o: TwoOptions = {}): Promise<Lab> {
  const lab = new Lab(o.framing);
  await lab.load();
  for (const layer of ['ppp', 'ppp']) await lab.cat(`/${layer}/clone`);
  const [near, far] = o.loop === undefined ? await lab.wire() : await lab.loop(o.loop);
  const client = [...asClient, ...(o.client ?? []), `bind ${near}`];
  const server = [...asServer, ...(o.server ?? []), `bind ${far}`, 'announce'];
  await lab.echo(client.join('\n'), '/ppp/0/ctl');
  await lab.echo(server.join('\n'), '/ppp/1/ctl');
  return lab;
}

/** As a front end opens it: to be read, not joined. */
export async function file(lab: Lab, path: string) {
  const node = await lab.system.ns.walk(path, me);
  return node.open(omode.rdwr, request());
}

/** An IP stack that only notes what is written to it. */
export class Stack {
  readonly said: string[] = [];
  refuses: RegExp | undefined;
  closed = 0;
  /** `more`: messages that not every stack has. */
  constructor(lab: Lab, more: readonly string[] = []) {
    const verb = (name: string) => ({
      name,
      args: [0, 8] as const,
      usage: name,
      run: (_c: Conversation, args: readonly string[]) => this.#say(name, args),
    });
    lab.system.env.serve({
      name: 'ipifc',
      limit: 4,
      about: 'a stack that notes',
      verbs: ['ifname', 'bind', 'add', 'remove', 'unbind', ...more].map(verb),
      stats: counters(),
      create: () => ({
        state: 'Up',
        idle: true,
        status: () => '',
        close: () => {
          this.closed++;
        },
      }),
    });
    for (const name of ['iproute', 'ndb'])
      lab.system.env.file({
        name,
        perm: 0o664,
        text: () => '',
        write: (_c, data) => this.#say(name, [text(data)]),
      });
  }
  #say(name: string, args: readonly string[]): void {
    const line = [name, ...args].join(' ');
    this.said.push(line);
    if (this.refuses?.test(line)) throw refuse('device busy');
  }
}
