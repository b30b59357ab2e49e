/**
 * What a packet costs in JavaScript through pppoe with 1 and with 1,000 conversations on one ether: the plugin
 * itself, bound as a user binds it, over an ether in memory that adds nothing. Down and up in turn, batches of
 * 64 packets spread over all conversations. The gate: at most 1.2 times the CPU of one.
 *
 *     node dist/bench/sessions.js [runs]
 */
import { loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';
import { put16, take } from '@9p/packet';
import {
  type Context,
  type Conversation,
  counters,
  join,
  makeSystem,
  Port,
  type System,
} from 'slashnet/core';
import { readText, writeLine } from '../srv/profile.js';

const runs = Number(process.argv[2] ?? 7);
const packets = 400_000;
const batch = 64;
const payload_bytes = 1400;
const ratio_max = 1.2;

/** An ether whose frames go nowhere and come from the bench. */
class Wire implements Conversation {
  readonly state = 'Connected';
  readonly idle = false;
  readonly upper: Port;
  type = '';
  constructor(ctx: Context) {
    this.upper = ctx.port({
      name: `${ctx.name}/data`,
      framing: 'packet',
      mtu: () => 1514,
      take: () => undefined,
    });
  }
  status(): string {
    return '';
  }
  connect(args: readonly string[]): void {
    this.type = args[0] ?? '';
    this.upper.raise();
  }
  close(): void {}
}

function etherOf(system: System): Wire[] {
  const wires: Wire[] = [];
  system.env.serve({
    name: 'ether9',
    limit: 8,
    about: 'frames of the bench',
    verbs: [],
    rootFiles: [{ name: 'addr', perm: 0o444, text: () => '020000000001' }],
    stats: counters(),
    create(ctx) {
      const w = new Wire(ctx);
      wires.push(w);
      return w;
    },
  });
  return wires;
}

interface Stack {
  readonly above: readonly Port[];
  readonly wire: Wire;
  readonly system: System;
  got: number;
}

async function stack(conversations: number): Promise<Stack> {
  const system = makeSystem({ plugins: [fileURLToPath(new URL('../plugins', import.meta.url))] });
  const wires = etherOf(system);
  await system.control('load pppoe');
  const above: Port[] = [];
  const s: Stack = { above, system, got: 0, wire: undefined as unknown as Wire };
  for (let i = 0; i < conversations; i++) {
    const n = await readText(system, '/pppoe/clone');
    await writeLine(system, `/pppoe/${n}/ctl`, `bind /net/ether9`);
    await writeLine(system, `/pppoe/${n}/ctl`, `static session ${i + 1} mac 02:00:00:00:00:02`);
    above.push(await top(s, n));
  }
  const wire = wires.find((w) => Number(w.type) === 0x8864);
  if (wire === undefined) throw new Error('pppoe opened no session conversation');
  return Object.assign(s, { wire });
}

/** What stands above a conversation: it counts. */
async function top(s: Stack, n: string): Promise<Port> {
  const chan = await s.system.ns.open(`/pppoe/${n}/data`, 2, s.system.me);
  if (chan.port === undefined) throw new Error('no port');
  const port = new Port({
    name: 'bench',
    framing: 'packet',
    mtu: () => 1500,
    take: () => {
      s.got++;
      return undefined;
    },
  });
  join(port, chan.port);
  return port;
}

function frame(session: number) {
  const p = take(20 + payload_bytes);
  const b = p.buf;
  b.set([2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x88, 0x64, 0x11, 0], p.start);
  put16(b, p.start + 16, session);
  put16(b, p.start + 18, payload_bytes);
  return p;
}

/** Nanoseconds of CPU a packet. */
function measure(s: Stack): number {
  const n = s.above.length;
  const before = process.cpuUsage();
  for (let i = 0; i < packets; i += 2 * batch) {
    s.system.turn.run(() => {
      for (let k = 0; k < batch; k++) s.above[(i + k) % n]?.deliver(take(payload_bytes));
    });
    s.system.turn.run(() => {
      for (let k = 0; k < batch; k++) s.wire.upper.deliver(frame(((i + k) % n) + 1));
    });
  }
  const used = process.cpuUsage(before);
  return ((used.user + used.system) * 1000) / packets;
}

const median = (xs: readonly number[]): number =>
  [...xs].sort((a, b) => a - b)[xs.length >> 1] as number;

const one = await stack(1);
const many = await stack(1000);
const ones: number[] = [];
const manys: number[] = [];
measure(one);
measure(many);
for (let i = 0; i < runs; i++) {
  ones.push(measure(one));
  manys.push(measure(many));
  console.log(`1: ${ones.at(-1)?.toFixed(0)} ns   1000: ${manys.at(-1)?.toFixed(0)} ns a packet`);
}
if (one.got === 0 || many.got === 0) throw new Error('nothing came up');
const ratio = median(ones.map((x, i) => (manys[i] as number) / x));
console.log(
  `median ${median(ones).toFixed(0)} and ${median(manys).toFixed(0)} ns; ratio ${ratio.toFixed(2)} ` +
    `(at most ${ratio_max}); load ${loadavg()[0]?.toFixed(1)}`,
);
process.exit(ratio <= ratio_max ? 0 : 1);
