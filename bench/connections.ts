/**
 * 1,000 connections to our 9P server, one blocked read each: what they take of its memory, and
 * what they cost another client's latency. Two servers take turns, one of them without.
 *
 * Reads ../shared/yardstick/9pload.c; $YARDSTICK says where else it is.
 *
 *    node dist/bench/connections.js [seconds [runs]]
 *
 * The gates: under 30 KB a connection (heapUsed and external, after gc); latency within 10 % at
 * the median and 2 times at the 99th hundredth.
 */
import { type ChildProcess, execFileSync, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { dial, file, listen, type Mount, memTree, Server } from '@9p/lib9p';
import { load, median, yardstick } from './common.js';

const self = fileURLToPath(import.meta.url);
const connections = 1000;
const most_bytes = 30_000;
const p50_ratio = 1.1;
const p99_ratio = 2;

/** In a process of its own: says how much memory it has whenever it is asked. */
async function serve(path: string): Promise<void> {
  const event = file({ read: (req) => new Promise((_, no) => (req.onflush = () => no(req))) });
  const server = new Server(memTree({ bench: new Uint8Array(4096), event }));
  await listen(server, { path }, { connections: 2 * connections });
  process.on('message', () => {
    globalThis.gc?.();
    const { heapUsed, external } = process.memoryUsage();
    process.send?.({ bytes: heapUsed + external, connections: server.connections.size });
  });
  process.send?.('listening');
}

interface Told {
  readonly bytes: number;
  readonly connections: number;
}

async function ask(server: ChildProcess): Promise<Told> {
  server.send('memory');
  const [told] = await once(server, 'message');
  return told as Told;
}

async function blocked(path: string): Promise<Mount> {
  const m = await dial(path);
  const event = await m.open('/event');
  event.read(100).catch(() => undefined);
  return m;
}

const heads = ['alone', `with ${connections}`, 'ratio', 'gate'];
const row = (what: string, columns: readonly string[]): string =>
  what.padEnd(16) + columns.map((c) => c.padStart(12)).join('');

function verdict(what: string, value: number, gate: number, columns: readonly string[]): void {
  if (value > gate) process.exitCode = 1;
  console.log(row(what, [...columns, value <= gate ? `within ${gate}` : `ABOVE ${gate}`]));
}

async function main(seconds: string, runs: number): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'bench-'));
  const generator = join(dir, '9pload');
  execFileSync('cc', ['-O2', '-o', generator, join(yardstick, '9pload.c')], { stdio: 'ignore' });
  const children: ChildProcess[] = [];
  const start = async (name: string): Promise<ChildProcess> => {
    const child = fork(self, ['serve', join(dir, name)], { execArgv: ['--expose-gc'] });
    children.push(child);
    await once(child, 'message');
    return child;
  };
  /** p50 and p99 in us of a client that reads one after the other. */
  const latency = (name: string): readonly [number, number] => {
    const options = ['-w', 'read', '-s', '1024', '-d', '1', '-t', seconds, '-r', '1'];
    const line = execFileSync(generator, ['-a', join(dir, name), ...options], { encoding: 'utf8' });
    const of = (p: string): number => Number(new RegExp(`${p} ([\\d.]+)`).exec(line)?.[1]);
    return [of('p50'), of('p99')];
  };
  try {
    await start('alone');
    const busy = await start('busy');
    (await dial(join(dir, 'busy'))).close();
    const before = await ask(busy);
    const mounts: Mount[] = [];
    for (let i = 0; i < connections; i++) mounts.push(await blocked(join(dir, 'busy')));
    const after = await ask(busy);
    if (after.connections !== connections) throw new Error(`${after.connections} connections`);
    const pairs = Array.from({ length: runs }, () => [latency('alone'), latency('busy')] as const);
    console.log(`medians of ${runs} pairs of ${seconds} s; load ${load()}`);
    console.log(row('', heads));
    const each = Math.round((after.bytes - before.bytes) / connections);
    verdict('bytes each', each, most_bytes, ['', String(each), '']);
    for (const [i, what, gate] of [
      [0, 'p50 us', p50_ratio],
      [1, 'p99 us', p99_ratio],
    ] as const) {
      const of = (which: 0 | 1): string => median(pairs.map((p) => p[which][i])).toFixed(1);
      const ratio = Number(median(pairs.map(([a, b]) => b[i] / a[i])).toFixed(2));
      verdict(what, ratio, gate, [of(0), of(1), String(ratio)]);
    }
    for (const m of mounts) m.close();
  } finally {
    for (const child of children) child.kill();
    rmSync(dir, { recursive: true });
  }
}

if (process.argv[2] === 'serve') await serve(process.argv[3] ?? '');
else await main(process.argv[2] ?? '1', Number(process.argv[3] ?? 7));
