/** Two conversations of ppp over a wire in memory, on virtual time, with auth's files: the lab of
 *  the tests of ppp as files. */
import { text, utf8 } from '@9p/packet';
import {
  type Chan,
  type Context,
  type Conversation,
  counters,
  makeSystem,
  omode,
  type Port,
  type Req,
  type System,
  type Who,
} from 'slashnet/core';
import auth from '../../plugins/auth/plugin.js';
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
  constructor(ctx: Context, framing: 'packet' | 'bytes') {
    const end = (name: string, other: () => Port): Port =>
      ctx.port({
        name: `${ctx.name}/${name}`,
        framing,
        mtu: () => 1494,
        take: (p) => {
          const kept = p.keep();
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
  readonly clock = new VirtualClock();
  readonly system: System;
  readonly wires: Wire[] = [];
  readonly logged: string[] = [];

  constructor(framing: 'packet' | 'bytes' = 'packet') {
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

/** A client 0 and a server 1 over wire 0; the server announced. */
export async function two(
  o: { framing?: 'packet' | 'bytes'; client?: string[]; server?: string[] } = {},
) {
  const lab = new Lab(o.framing);
  await auth.start(lab.system.env, []);
  await ppp.start(lab.system.env, []);
  for (const layer of ['wire', 'ppp', 'ppp']) await lab.cat(`/${layer}/clone`);
  await lab.echo(key, '/auth/ctl');
  const server = ['role server', 'local 10.0.0.1', 'remote 10.0.0.2', 'dns 8.8.8.8'];
  const lines = (more: string[] = [], end: string) =>
    ['net none', ...more, `bind /wire/0/${end}`].join('\n');
  await lab.echo(lines(o.client, 'data'), '/ppp/0/ctl');
  await lab.echo(lines([...server, ...(o.server ?? [])], 'far'), '/ppp/1/ctl');
  await lab.echo('announce', '/ppp/1/ctl');
  return lab;
}

/** As a front end opens it: to be read, not joined. */
export async function file(lab: Lab, path: string) {
  const node = await lab.system.ns.walk(path, me);
  return node.open(omode.rdwr, request());
}
