/** Two stacks over a wire of loop, composed by ctl writes, on virtual time;
 *  all that passes is written down. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { omode } from '@9p/lib9p';
import { text } from '@9p/packet';
import { makeSystem, type System } from 'slashnet/core';
import { request, SeededRandom, Shell, VirtualClock } from '../kit/index.js';
import type { Plan } from './plan.js';

const plugins = [new URL('../../plugins', import.meta.url).pathname];
const layers = ['auth', 'loop', 'ppp', 'ipifc'] as const;
const key = 'key proto=pass service=ppp user=glenda !password=rabbit';
const trace_lines = 60;

export type Name = 'client' | 'server';
export const names = ['client', 'server'] as const;
const other = { client: 'server', server: 'client' } as const;

export class Link {
  readonly clock = new VirtualClock();
  readonly plan: Plan;
  readonly #system: System;
  readonly #sh: Shell;
  readonly #hash = createHash('sha256');
  readonly #trace: string[] = [];
  readonly #bugs: string[] = [];
  readonly #at = { client: '', server: '' };
  readonly #ifc = { client: '', server: '' };
  #wire = '';

  private constructor(plan: Plan) {
    this.plan = plan;
    this.#system = makeSystem({
      plugins,
      clock: this.clock,
      random: new SeededRandom(plan.seed),
      poison: true,
      owner: 'glenda',
      log: (l) => void (/\bbug\b|plugin error|crash/.test(l) && this.#bugs.push(l)),
    });
    this.#sh = new Shell(this.#system);
  }

  static async make(plan: Plan): Promise<Link> {
    const l = new Link(plan);
    for (const name of layers) await l.#system.control(`load ${name}`);
    await l.#sh.echo(key, '/auth/ctl');
    await l.#makeWire();
    for (const name of names) await l.#stack(name);
    return l;
  }

  async #makeWire(): Promise<void> {
    this.#wire = await this.#sh.clone('loop');
    const framing = this.plan.bytes ? ['framing bytes'] : [];
    const lines = [...framing, `seed ${this.plan.seed}`, ...this.plan.faults];
    await this.#sh.echo(lines.join('\n'), `${this.#wire}/ctl`);
  }

  async #stack(name: Name): Promise<void> {
    const near = this.plan.serverNear === (name === 'server');
    const ppp = await this.#sh.clone('ppp');
    const ifc = await this.#sh.clone('ipifc');
    this.#at[name] = ppp;
    this.#ifc[name] = ifc;
    const bind = `bind ${this.#wire}/${near ? 'data' : 'data1'}`;
    await this.#sh.echo([...this.plan[name], bind].join('\n'), `${ppp}/ctl`);
    await this.#sh.echo(`device memory\nbind ${ppp}/data`, `${ifc}/ctl`);
    await this.#follow(`${ppp}/log`, (b) => this.#note(name, text(b)));
    await this.#follow(`${ppp}/event`, (b) => this.#note(name, `event ${text(b)}`));
    await this.#follow(`${ppp}/pcap`, (b) => void this.#hash.update(b));
  }

  async #follow(path: string, take: (b: Uint8Array) => void): Promise<void> {
    const f = await this.#sh.open(path, omode.read);
    const all = async (): Promise<void> => {
      for (;;) {
        const b = await f.read(65536, 0, request());
        if (b.length === 0) return;
        take(b);
      }
    };
    void all().catch(() => undefined); // the conversation is gone
  }

  #note(name: Name, lines: string): void {
    this.#hash.update(`${this.clock.now()} ${lines}`);
    for (const l of lines.trimEnd().split('\n'))
      this.#trace.push(`${(this.clock.now() / 1000).toFixed(3).padStart(8)} ${name} ${l}`);
    if (this.#trace.length > 2 * trace_lines) this.#trace.splice(0, trace_lines);
  }

  /** Announced first, so that somebody is there. */
  async call(limit_ms: number): Promise<void> {
    const { callers } = this.plan;
    for (const name of names)
      if (!callers.includes(name)) await this.#sh.echo('announce', `${this.#at[name]}/ctl`);
    const calls = callers.map((name) => this.#sh.echo('connect', `${this.#at[name]}/ctl`));
    await this.clock.until(Promise.all(calls), limit_ms);
  }

  read(name: Name, file: string): Promise<string> {
    return this.#sh.cat(`${this.#at[name]}/${file}`);
  }
  async isUp(name: Name): Promise<boolean> {
    return (await this.read(name, 'status')).startsWith('Opened ');
  }
  /** Both ends Opened, and each one's addresses are those which the other takes it to have. */
  async agree(): Promise<boolean> {
    for (const name of names) {
      if (!(await this.isUp(name))) return false;
      if ((await this.read(name, 'local')) !== (await this.read(other[name], 'remote')))
        return false;
    }
    return true;
  }
  /** Time passes until `f`, looked at ten times a second; how long it took, or undefined. */
  async within(limit_ms: number, f: () => Promise<boolean>): Promise<number | undefined> {
    const began = this.clock.now();
    while (!(await f())) {
      if (this.clock.now() - began >= limit_ms) return undefined;
      await this.clock.run(100);
    }
    return this.clock.now() - began;
  }

  heal(): Promise<void> {
    return this.#sh.echo('clear', `${this.#wire}/ctl`);
  }
  /** Pings from one end to the other; all of them are answered. */
  async ping(name: Name): Promise<void> {
    const [mine = '', theirs = ''] = [
      await this.read(name, 'local'),
      await this.read(name, 'remote'),
    ].map((s) => s.split('\n')[0]);
    const ctl = `${this.#ifc[name]}/ctl`;
    for (const [end, a, b] of [
      [name, mine, theirs],
      [other[name], theirs, mine],
    ] as const)
      await this.#sh.echo(`add ${a} 255.255.255.255 ${b}`, `${this.#ifc[end]}/ctl`);
    await this.clock.until(this.#sh.echo(`ping ${theirs} 3`, ctl), 10_000);
    assert.match(
      await this.#sh.cat(`${this.#ifc[name]}/ping`),
      /\n3 packets transmitted, 3 received/,
    );
  }

  /** From now on each end is dead to the other: nothing comes any more, and the carrier stays. */
  silence(): Promise<void> {
    return this.#sh.echo('loss 100%', `${this.#wire}/ctl`);
  }

  async stop(): Promise<void> {
    await this.clock.until(this.#system.stop('the test is over'));
    assert.deepEqual(this.#bugs, []);
    assert.equal(this.clock.pending, 0, 'timers are left');
  }

  /** Of all frames, log lines and events with their times. */
  digest(): string {
    return this.#hash.copy().digest('hex');
  }
  trace(): string {
    return this.#trace.slice(-trace_lines).join('\n');
  }
}
