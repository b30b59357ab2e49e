/** Two stacks over a wire of loop, composed by ctl writes, on virtual time;
 *  all that passes is written down. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { omode } from '@9p/lib9p';
import { text } from '@9p/packet';
import { makeSystem, type System } from 'slashnet/core';
import { request, SeededRandom, Shell, VirtualClock } from '../kit/index.js';
import type { Outcome } from './oracle.js';
import type { Plan } from './plan.js';

const plugins = [new URL('../../plugins', import.meta.url).pathname];
const layers = ['auth', 'loop', 'ppp', 'ipifc'] as const;
/** What mallory says is not what the server knows. */
const keys = [
  'key proto=pass service=ppp user=glenda !password=rabbit',
  'key proto=pass service=ppp user=mallory role=client !password=guess',
  'key proto=pass service=ppp user=mallory role=server !password=other',
];
const trace_lines = 60;

export type Name = 'client' | 'server';
export const names = ['client', 'server'] as const;
const other = { client: 'server', server: 'client' } as const;

/** A line of `lcp` at one end, and the one at the other that says the same. */
const mirrors = [
  ['mru', 'peermru'],
  ['sendaccm', 'receiveaccm'],
  ['magic', 'peermagic'],
  ['demand', 'comply'],
] as const;

export class Link {
  readonly clock = new VirtualClock();
  readonly plan: Plan;
  readonly #system: System;
  readonly #sh: Shell;
  readonly #hash = createHash('sha256');
  readonly #trace: string[] = [];
  readonly #bugs: string[] = [];
  /** Why either end was down, and why a connect failed: all of it. */
  readonly whys: string[] = [];
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
    await l.#sh.echo(keys.join('\n'), '/auth/ctl');
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
    await this.#sh.echo([...this.plan.ctl[name], bind].join('\n'), `${ppp}/ctl`);
    await this.#sh.echo(`device memory\nbind ${ppp}/data`, `${ifc}/ctl`);
    await this.#follow(`${ppp}/log`, (b) => this.#note(name, text(b)));
    await this.#follow(`${ppp}/event`, (b) => {
      for (const [, why = ''] of text(b).matchAll(/^down (.*)$/gm)) this.whys.push(why);
      this.#note(name, text(b).replace(/^/gm, 'event '));
    });
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

  /** Those who do not call, first of all, so that somebody is there. */
  async announce(): Promise<void> {
    for (const name of names)
      if (!this.plan.callers.includes(name))
        await this.#sh.echo('announce', `${this.#at[name]}/ctl`);
  }
  /** All callers at once; each one's error, if it has one. */
  async call(limit_ms: number): Promise<string[]> {
    const errors: string[] = [];
    const connect = (name: Name) =>
      this.#sh.echo('connect', `${this.#at[name]}/ctl`).catch((e) => {
        errors.push((e as Error).message);
      });
    await this.clock.until(Promise.all(this.plan.callers.map(connect)), limit_ms);
    this.whys.push(...errors);
    return errors;
  }

  read(name: Name, file: string): Promise<string> {
    return this.#sh.cat(`${this.#at[name]}/${file}`);
  }
  async isUp(name: Name): Promise<boolean> {
    return (await this.read(name, 'status')).startsWith('Opened ');
  }
  /** Both ends are up with what they must be up with, and each one's addresses are those which the
   *  other takes it to have. */
  async agree(o: Outcome): Promise<boolean> {
    for (const name of names) {
      if (!(await this.isUp(name))) return false;
      const addresses = await this.read(name, 'local');
      if (addresses !== (await this.read(other[name], 'remote'))) return false;
      if (/^fe80/m.test(addresses) !== o.ipv6) return false;
      if ((addresses.match(/^\d.*$/m)?.[0] ?? undefined) !== o.ip?.[name]) return false;
    }
    return true;
  }
  /** And CCP has come to its end: with `prefer` IP may pass before, where packets are lost. */
  async settled(o: Outcome): Promise<boolean> {
    for (const name of names) {
      const sends = (await this.pairs(name, 'ccp')).get('send') ?? 'none';
      const hears = (await this.pairs(other[name], 'ccp')).get('receive') ?? 'none';
      if (sends !== hears || /mppe \d/.test(sends) !== o.sealed) return false;
      if (/mppc/.test(sends) !== o.compressed) return false;
    }
    return this.agree(o);
  }
  /** What LCP and the others agreed on: one end's word is the other's. */
  async mirrored(o: Outcome): Promise<void> {
    for (const name of names) {
      const [mine, theirs] = [await this.pairs(name, 'lcp'), await this.pairs(other[name], 'lcp')];
      for (const [a, b] of mirrors) assert.equal(mine.get(a), theirs.get(b), `${name} ${a}`);
      assert.equal(mine.get('state'), 'Opened');
    }
    for (const name of names) {
      const slots = o.vj && o.ip !== undefined ? `${this.plan[name].vj} slots` : undefined;
      assert.equal((await this.pairs(name, 'ipcp')).get('vjreceive'), slots);
      assert.equal((await this.pairs(other[name], 'ipcp')).get('vjsend'), slots);
    }
    assert.equal((await this.pairs('server', 'lcp')).get('demand'), o.method);
    assert.equal((await this.pairs('client', 'lcp')).get('demand'), o.mutual);
    const dns = o.ip === undefined ? [] : (this.plan.server.dns ?? []);
    assert.equal(await this.read('client', 'dns'), dns.map((a) => `${a}\n`).join(''));
  }
  /** The `name value` lines of a file. */
  async pairs(name: Name, file: string): Promise<Map<string, string>> {
    const text = await this.read(name, file);
    return new Map([...text.matchAll(/^(\S+) (.*)$/gm)].map(([, k = '', v = '']) => [k, v]));
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
    // on bytes, what was cut off while the wire was bad spoils the next frame
    const spoilt = this.plan.bytes ? this.#sh.echo(`ping ${theirs} 1`, ctl) : Promise.resolve();
    await this.clock.until(
      spoilt.catch(() => undefined),
      10_000,
    );
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
