/**
 * What a packet costs through pppoe with 1 and with 1,000 conversations on one ether.
 *
 *     node dist/bench/sessions.js [runs]
 *
 * On an Ethernet interface (as root, in a network namespace of its own): frames come in at a
 * fixed rate, spread over all sessions, and go out again; the CPU time of the process that serves
 * them is counted. The gate: at most 1.2 times that of one. And in memory: the JavaScript alone,
 * over an ether that costs nothing.
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { hex, type Packet, put16, take } from '@9p/packet';
import { arena, ifinfo, Outbox, open } from '@9p/rawio';
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
import { load, median } from './common.js';

const packets = 400_000;
const batch = 64;
const payload_bytes = 1400;
const ratio_max = 1.2;
const rate_pps = 40_000;
const warm_ms = 1500;
const measure_ms = 2000;

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
  readonly system: System;
  got: number;
}

const plugins = fileURLToPath(new URL('../plugins', import.meta.url));
const newSystem = (): System => makeSystem({ plugins: [plugins] });

/** Conversations with sessions 1 to n, set by hand; `back` sends what comes up down again. */
async function stack(system: System, ether: string, n: number, back: boolean): Promise<Stack> {
  await system.control('load pppoe');
  const above: Port[] = [];
  const s: Stack = { above, system, got: 0 };
  for (let i = 0; i < n; i++) {
    const id = await readText(system, '/pppoe/clone');
    await writeLine(system, `/pppoe/${id}/ctl`, `bind ${ether}`);
    await writeLine(system, `/pppoe/${id}/ctl`, `static session ${i + 1} mac ${peerMac}`);
    above.push(await top(s, id, back));
  }
  return s;
}
const peerMac = '02:00:00:00:00:02';

/** What stands above a conversation counts, and is no more memory than it must be: that is not
 *  what is measured. */
class Top {
  readonly port: Port;
  readonly #s: Stack;
  readonly #back: boolean;
  constructor(s: Stack, back: boolean) {
    this.#s = s;
    this.#back = back;
    this.port = new Port({ name: 'bench', framing: 'packet', mtu: () => 1500, take: this });
  }
  take(p: Packet): undefined {
    this.#s.got++;
    if (this.#back) this.port.deliver(p);
  }
}

async function top(s: Stack, n: string, back: boolean): Promise<Port> {
  const chan = await s.system.ns.open(`/pppoe/${n}/data`, 2, s.system.me);
  if (chan.port === undefined) throw new Error('no port');
  const { port } = new Top(s, back);
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

/** Nanoseconds of CPU a packet, down and up in turn. */
function inMemory(s: Stack, wire: Wire): number {
  const n = s.above.length;
  const before = process.cpuUsage();
  for (let i = 0; i < packets; i += 2 * batch) {
    s.system.turn.run(() => {
      for (let k = 0; k < batch; k++) s.above[(i + k) % n]?.deliver(take(payload_bytes));
    });
    s.system.turn.run(() => {
      for (let k = 0; k < batch; k++) wire.upper.deliver(frame(((i + k) % n) + 1));
    });
  }
  return nsEach(before, packets);
}

function nsEach(before: NodeJS.CpuUsage, n: number): number {
  const used = process.cpuUsage(before);
  return ((used.user + used.system) * 1000) / n;
}

async function memoryStack(n: number): Promise<() => number> {
  const system = newSystem();
  const wires = etherOf(system);
  const s = await stack(system, '/net/ether9', n, false);
  const wire = wires.find((w) => Number(w.type) === 0x8864);
  if (wire === undefined) throw new Error('pppoe opened no conversation for sessions');
  return () => {
    const ns = inMemory(s, wire);
    if (s.got === 0) throw new Error('nothing came up');
    return ns;
  };
}

/** In a network namespace of its own: prints nanoseconds a packet. */
async function onEther(n: number): Promise<void> {
  const ip = (args: string): Buffer => execFileSync('ip', args.split(' '));
  ip(`link add va address 02:00:00:00:00:01 type veth peer name vb address ${peerMac}`);
  for (const dev of ['va', 'vb']) {
    writeFileSync(`/proc/sys/net/ipv6/conf/${dev}/disable_ipv6`, '1');
    ip(`link set ${dev} up`);
  }
  const system = newSystem();
  await system.control('load ether va ether0');
  const s = await stack(system, '/net/ether0', n, true);
  const self = fileURLToPath(import.meta.url);
  const peer = spawn(process.execPath, [self, 'send', String(n)], { stdio: 'inherit' });
  const after = (ms: number): Promise<void> => new Promise((r) => setTimeout(r, ms));
  await after(warm_ms);
  const before = process.cpuUsage();
  s.got = 0;
  await after(measure_ms);
  console.log(`${nsEach(before, s.got)} ${s.got}`);
  peer.kill();
  process.exit(0);
}

/** The other end of the wire: a steady rate of frames, spread over n sessions. */
function send(n: number): void {
  const a = arena({ slots: 64, slotBytes: 2048, headroom: 128, copyBytes: 1 << 20 });
  const box = new Outbox(a);
  const spec = { kind: 'ether', ifname: 'vb', type: 0x8864 } as const;
  const device = open(spec, a, 64, {
    rx: () => undefined,
    room: () => undefined,
    gone: () => process.exit(0),
  });
  const out = box.sender(device);
  const to = hex(ifinfo('vb').mac, ':');
  if (to !== peerMac) throw new Error(`vb has ${to}`);
  let next = 0;
  const began = performance.now();
  let sent = 0;
  setInterval(() => {
    const due = ((performance.now() - began) / 1000) * rate_pps;
    for (; sent < due; sent++) {
      out.send(frame((next++ % n) + 1));
      if (sent % batch === 0) out.flush();
    }
    out.flush();
  }, 1);
}

/** Runs in turn; true if 1,000 cost at most `most` times one. */
function compare(what: string, runs: number, one: () => number, many: () => number): number {
  const ones: number[] = [];
  const manys: number[] = [];
  for (let i = 0; i < runs; i++) {
    ones.push(one());
    manys.push(many());
  }
  const ratio = median(ones.map((x, i) => (manys[i] as number) / x));
  console.log(
    `${what}: ${median(ones).toFixed(0)} ns a packet with 1, ${median(manys).toFixed(0)} with 1000; ` +
      `ratio ${ratio.toFixed(2)}; load ${load()}`,
  );
  return ratio;
}

function etherRun(n: number): number {
  const self = fileURLToPath(import.meta.url);
  const r = spawnSync('unshare', ['-n', process.execPath, self, 'ether', String(n)], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ns = Number(r.stdout.split(' ')[0]);
  if (!(ns > 0)) throw new Error(`no figure: ${r.stdout}`);
  return ns;
}

async function main(runs: number): Promise<number> {
  const one = await memoryStack(1);
  const many = await memoryStack(1000);
  one();
  many();
  compare('in memory', runs, one, many);
  if (process.getuid?.() !== 0) {
    console.log('on ether: not root, left out');
    return 1;
  }
  const ratio = compare(
    'on ether',
    runs,
    () => etherRun(1),
    () => etherRun(1000),
  );
  console.log(`the gate: ${ratio.toFixed(2)}, at most ${ratio_max}`);
  return ratio <= ratio_max ? 0 : 1;
}

const [what = '5', n = '1'] = process.argv.slice(2);
if (what === 'ether') await onEther(Number(n));
else if (what === 'send') send(Number(n));
else process.exit(await main(Number(what)));
