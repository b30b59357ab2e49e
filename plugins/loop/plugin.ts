/** loop: wires in memory, with faults; docs/loop.md is its page. */
import { counters, type Layer, type Plugin, refuse, type Verb } from 'slashnet/core';
import { directions, LoopConv } from './conv.js';
import { settings } from './faults.js';
import type { Direction } from './path.js';

const wires_max = 4096;
const mtu_bytes_min = 64;
const mtu_bytes_max = 65535;
const seed_max = 0xffffffff;

function whole(s: string, what: string, min: number, max: number): number {
  const n = /^\d{1,10}$/.test(s) ? Number(s) : Number.NaN;
  if (!(n >= min && n <= max)) throw refuse(`'${s}' is not a ${what}: ${min} to ${max}`);
  return n;
}

/** `loss 10` for both directions. */
const faults: readonly Verb<LoopConv>[] = Object.entries(settings).map(([name, s]) => ({
  name,
  args: s.args,
  usage: `${name} ${s.usage}`,
  run: (c, words) => c.setFault(directions, name, words),
}));

/** `up loss 10` for one. */
const oneWay = (d: Direction): Verb<LoopConv> => ({
  name: d,
  args: [2, 3],
  usage: `${d} ${Object.keys(settings).join('|')} value`,
  run: (c, [name = '', ...words]) => c.setFault([d], name, words),
});

function framing(c: LoopConv, [f = '']: readonly string[]): void {
  if (f !== 'packet' && f !== 'bytes') throw refuse(`'${f}' is neither packet nor bytes`);
  c.setFraming(f);
}

export const verbs: readonly Verb<LoopConv>[] = [
  ...faults,
  ...directions.map(oneWay),
  { name: 'clear', args: [0, 0], usage: 'clear', run: (c) => c.clear() },
  {
    name: 'seed',
    args: [1, 1],
    usage: 'seed n',
    run: (c, [s = '']) => c.setSeed(whole(s, 'seed', 0, seed_max)),
  },
  {
    name: 'mtu',
    args: [1, 1],
    usage: 'mtu bytes',
    run: (c, [s = '']) => c.setMtu(whole(s, 'mtu', mtu_bytes_min, mtu_bytes_max)),
  },
  { name: 'framing', args: [1, 1], usage: 'framing packet|bytes', run: framing },
];

const plugin: Plugin = {
  name: 'loop',
  start(env) {
    const layer: Layer<LoopConv> = {
      name: 'loop',
      limit: wires_max,
      about: 'wires in memory: data is the near end, data1 or what is bound the far one',
      verbs,
      files: [{ name: 'data1', perm: 0o660, port: (c) => c.far }],
      stats: counters(),
      create: (ctx) => new LoopConv(ctx),
    };
    const served = env.serve(layer);
    return { stop: (why) => served.remove(why) };
  },
};
export default plugin;
