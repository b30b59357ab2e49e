/**
 * RPCs a second, and CPU time each, of our 9P server on a unix socket, beside a floor
 * that has no fids and no files.
 *
 * Reads ../shared/yardstick: the load generator 9pload.c (built into a temporary directory) and the
 * floor echo9.cjs; $YARDSTICK says where else they are.
 *
 *    node dist/bench/lib9p.js [seconds [runs]]
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { listen, memTree, Server } from '@9p/lib9p';
import { yardstick } from './common.js';

const self = fileURLToPath(import.meta.url);
const wait_ms = 5000;

const workloads: readonly (readonly [what: string, load: string])[] = [
  ['read 4 KiB, one at a time', '-w read -s 4096 -d 1'],
  ['read 4 KiB, 32 in flight', '-w read -s 4096 -d 32'],
  ['read 64 B, 32 in flight', '-w read -s 64 -d 32'],
  ['read 64 KiB, 8 in flight', '-w read -s 65536 -d 8'],
  ['write 4 KiB, 32 in flight', '-w write -s 4096 -d 32'],
  ['write 64 KiB, 8 in flight', '-w write -s 65536 -d 8'],
  ['stat, 32 in flight', '-w stat -d 32'],
  ['walk open read clunk, 32 in flight', '-w cycle -s 64 -d 32'],
  ['flush, 32 in flight', '-w flush -d 32'],
  ['read 4 KiB, 64 connections', '-w read -s 4096 -c 64 -d 1'],
];

interface Figures {
  readonly rate: number;
  readonly p50_us: number;
  readonly p99_us: number;
  readonly cpu_us: number;
}

async function serve(path: string): Promise<void> {
  const tree = memTree({ bench: new Uint8Array(65536).fill(120) }, { writable: true });
  await listen(new Server(tree), { path });
}

async function main(seconds: string, runs: string): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'bench-'));
  const children: ChildProcess[] = [];
  try {
    const load = join(dir, '9pload');
    execFileSync('cc', ['-O2', '-o', load, join(yardstick, '9pload.c')], { stdio: 'ignore' });
    const start = async (name: string, ...args: string[]) => {
      const path = join(dir, name);
      const child = spawn(process.execPath, [...args, path], { stdio: 'inherit' });
      children.push(child);
      await appears(path);
      return (options: string) => measure(load, path, child.pid ?? 0, seconds, runs, options);
    };
    const floor = await start('floor', join(yardstick, 'echo9.cjs'));
    const ours = await start('ours', self, 'serve');
    console.log(row('', ['floor/s', 'ours/s', 'floor us', 'ours us', 'p50 us', 'p99 us']));
    for (const [what, options] of workloads) {
      const [f, o] = [floor(options), ours(options)];
      const columns = [f.rate, o.rate, f.cpu_us, o.cpu_us, o.p50_us, o.p99_us];
      console.log(row(what, columns.map(String)));
    }
    console.log('us: CPU time of the server for one RPC; p50, p99: latency of ours');
  } finally {
    for (const child of children) child.kill();
    rmSync(dir, { recursive: true });
  }
}

const row = (what: string, columns: readonly string[]): string =>
  what.padEnd(36) + columns.map((c) => c.padStart(10)).join('');

async function appears(path: string): Promise<void> {
  for (let ms = 0; !existsSync(path); ms += 10) {
    if (ms > wait_ms) throw new Error(`nothing listens at ${path}`);
    await new Promise((go) => setTimeout(go, 10));
  }
}

/** The median run of the load generator. */
function measure(
  load: string,
  path: string,
  pid: number,
  seconds: string,
  runs: string,
  options: string,
): Figures {
  const args = ['-a', path, '-P', String(pid), '-t', seconds, '-r', runs, ...options.split(' ')];
  const line = execFileSync(load, args, { encoding: 'utf8' });
  const figure = (pattern: RegExp) => Number(pattern.exec(line)?.[1] ?? Number.NaN);
  if (figure(/err=(\d+)/) !== 0) throw new Error(`errors: ${line}`);
  return {
    rate: figure(/(\d+) rpc\/s/),
    p50_us: figure(/p50 ([\d.]+)/),
    p99_us: figure(/p99 ([\d.]+)/),
    cpu_us: figure(/cpu ([\d.]+)/),
  };
}

if (process.argv[2] === 'serve') await serve(process.argv[3] ?? '');
else await main(process.argv[2] ?? '1', process.argv[3] ?? '3');
