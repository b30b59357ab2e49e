/**
 * RPCs a second, and CPU time each, of our 9P server, beside a floor that has no fids and no
 * files, and beside diod, a server in C; interleaved, medians. Unix sockets; diod and ours once
 * more on TCP, since diod has no other.
 *
 * Reads ../shared/yardstick: the load generator 9pload.c (built into a temporary directory) and the
 * floor echo9.cjs; $YARDSTICK says where else they are.
 *
 *    node dist/bench/9p.js [seconds [runs]]
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createConnection, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { listen, memTree, Server } from '@9p/lib9p';
import { load, median, yardstick } from './common.js';

const self = fileURLToPath(import.meta.url);
const wait_ms = 5000;
const file_bytes = 65536;

/** A ratio of ours to the floor, and its bound. */
type Gate = readonly [of: 'rate' | 'cpu', bound: number];

const workloads: readonly (readonly [what: string, load: string, gates?: readonly Gate[]])[] = [
  ['read 4 KiB, depth 1', '-w read -s 4096 -d 1', [['rate', 0.8]]],
  [
    'read 4 KiB, depth 16',
    '-w read -s 4096 -d 16',
    [
      ['cpu', 1.3],
      ['rate', 0.8],
    ],
  ],
  ['walk open read clunk, depth 16', '-w cycle -s 64 -d 16', [['rate', 0.6]]],
  ['read 64 B, depth 16', '-w read -s 64 -d 16'],
  ['read 64 KiB, depth 8', '-w read -s 65536 -d 8'],
  ['write 4 KiB, depth 16', '-w write -s 4096 -d 16'],
  ['stat, depth 16', '-w stat -d 16'],
  ['flush, depth 16', '-w flush -d 16'],
  ['read 4 KiB, 64 connections', '-w read -s 4096 -c 64 -d 1'],
];
/** With diod, which speaks only 9P2000.L: all but flush; ours is to be faster. */
const withDiod: typeof workloads = workloads
  .filter(([what]) => !what.startsWith('flush'))
  .map(([what, options]) => [what, options, [['rate', 1]]]);

interface Figures {
  readonly rate: number;
  readonly p50_us: number;
  readonly p99_us: number;
  readonly cpu_us: number;
}
type Measure = (options: string) => Figures;

async function serve(address: string): Promise<void> {
  const tree = memTree({ bench: new Uint8Array(file_bytes).fill(120) }, { writable: true });
  const port = Number(address);
  await listen(new Server(tree), port > 0 ? { host: '127.0.0.1', port } : { path: address });
}

const row = (what: string, columns: readonly string[]): string =>
  what.padEnd(32) + columns.map((c) => c.padStart(10)).join('');
const us = (n: number): string => n.toFixed(2);

async function appears(there: () => boolean | Promise<boolean>): Promise<void> {
  for (let ms = 0; !(await there()); ms += 10) {
    if (ms > wait_ms) throw new Error('a server did not start');
    await new Promise((go) => setTimeout(go, 10));
  }
}

/** One run of the load generator. */
function measure(command: string, address: string, pid: number, seconds: string): Measure {
  return (options) => {
    const args = [
      '-a',
      address,
      '-P',
      String(pid),
      '-t',
      seconds,
      '-r',
      '1',
      ...options.split(' '),
    ];
    const line = execFileSync(command, args, { encoding: 'utf8' });
    const figure = (pattern: RegExp) => Number(pattern.exec(line)?.[1] ?? Number.NaN);
    if (figure(/err=(\d+)/) !== 0) throw new Error(`errors: ${line}`);
    return {
      rate: figure(/(\d+) rpc\/s/),
      p50_us: figure(/p50 ([\d.]+)/),
      p99_us: figure(/p99 ([\d.]+)/),
      cpu_us: figure(/cpu ([\d.]+)/),
    };
  };
}

/** The two in turn; the medians of each figure, and of the ratios pair by pair. */
function compare(other: Measure, ours: Measure, runs: number, options: string) {
  const pairs = Array.from({ length: runs }, () => [other(options), ours(options)] as const);
  const of = (i: 0 | 1, key: keyof Figures) => median(pairs.map((p) => p[i][key]));
  const ratio = (key: keyof Figures) => median(pairs.map(([o, u]) => u[key] / o[key]));
  return { of, rate: ratio('rate'), cpu: ratio('cpu_us') };
}

const heads = ['other/s', 'ours/s', 'rate', 'other us', 'ours us', 'CPU', 'p50 us', 'p99 us'];

function table(
  title: string,
  loads: typeof workloads,
  other: Measure,
  ours: Measure,
  runs: number,
): void {
  console.log(`\n${title}; medians of ${runs} pairs; load ${load()}`);
  console.log(row('', heads));
  for (const [what, options, gates = []] of loads) {
    const c = compare(other, ours, runs, options);
    const [rate, cpu] = [c.rate.toFixed(2), c.cpu.toFixed(2)];
    const verdict = gates.map(([of, bound]) => {
      const kept = of === 'rate' ? c.rate >= bound : c.cpu <= bound;
      if (!kept) process.exitCode = 1;
      return ` ${of} ${kept ? 'within' : 'MISSES'} ${bound}`;
    });
    const columns = [
      ...[String(c.of(0, 'rate')), String(c.of(1, 'rate')), rate],
      ...[us(c.of(0, 'cpu_us')), us(c.of(1, 'cpu_us')), cpu],
      ...[us(c.of(1, 'p50_us')), us(c.of(1, 'p99_us'))],
    ];
    console.log(row(what, columns) + verdict.join(','));
  }
}

async function freePort(): Promise<number> {
  const s = createServer();
  await new Promise<void>((done) => s.listen(0, '127.0.0.1', done));
  const at = s.address();
  await new Promise((done) => s.close(done));
  return typeof at === 'object' && at !== null ? at.port : 0;
}

const listens = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = createConnection({ host: '127.0.0.1', port });
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });

async function main(seconds: string, runs: number): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'bench-'));
  const children: ChildProcess[] = [];
  const started = (command: string, args: readonly string[]): ChildProcess => {
    const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'inherit'] });
    children.push(child);
    return child;
  };
  try {
    const generator = join(dir, '9pload');
    execFileSync('cc', ['-O2', '-o', generator, join(yardstick, '9pload.c')], { stdio: 'ignore' });
    const start = async (name: string, ...args: string[]): Promise<Measure> => {
      const path = join(dir, name);
      const child = started(process.execPath, [...args, path]);
      await appears(() => existsSync(path));
      return measure(generator, path, child.pid ?? 0, seconds);
    };
    const floor = await start('floor', join(yardstick, 'echo9.cjs'));
    const ours = await start('ours', self, 'serve');
    table('the floor, a bare echo on node:net', workloads, floor, ours, runs);
    await beside(dir, generator, started, seconds, runs);
    console.log('\nus: CPU time of the server for one RPC; p50, p99: latency of ours');
  } finally {
    for (const child of children) child.kill();
    rmSync(dir, { recursive: true });
  }
}

/** diod, on loopback, in its dialect; ours beside it in the same. */
async function beside(
  dir: string,
  generator: string,
  started: (command: string, args: readonly string[]) => ChildProcess,
  seconds: string,
  runs: number,
): Promise<void> {
  if (process.getuid?.() !== 0) return console.log('\ndiod: not root, left out');
  writeFileSync(join(dir, 'bench'), new Uint8Array(file_bytes).fill(120), { mode: 0o666 });
  const [theirs, port] = [await freePort(), await freePort()];
  const l = `127.0.0.1:${theirs}`;
  const args = ['-f', '-n', '-N', '-S', '-U', 'root', '-c', '/dev/null', '-L', join(dir, 'log')];
  const diod = started('diod', [...args, '-e', dir, '-l', l]);
  const child = started(process.execPath, [self, 'serve', String(port)]);
  const failed = new Promise<boolean>((resolve) => diod.once('error', () => resolve(true)));
  const up = appears(async () => (await listens(theirs)) && (await listens(port))).then(
    () => false,
  );
  if (await Promise.race([failed, up])) return console.log('\ndiod: not installed, left out');
  const other = measure(generator, l, diod.pid ?? 0, seconds);
  const ours = measure(generator, `127.0.0.1:${port}`, child.pid ?? 0, seconds);
  const linux =
    (m: Measure, more: string): Measure =>
    (o) =>
      m(`-L ${more}${o}`);
  const tree = `-n ${dir} `;
  table('diod, on TCP in 9P2000.L', withDiod, linux(other, tree), linux(ours, ''), runs);
}

if (process.argv[2] === 'serve') await serve(process.argv[3] ?? '');
else await main(process.argv[2] ?? '1', Number(process.argv[3] ?? 5));
