/** FUSE operations a second: the direct backend, fuse-native and a
 *  floor in C, in turn on one CPU.
 *
 *  It reads ../shared/yardstick/filebench.c, which is no part of the project. Needs root, gcc,
 *  taskset, and libfuse 2 for fuse-native. node dist/bench/fuse.js [RUNS] [SECONDS] */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { load, median, root, yardstick } from './common.js';

const filebench = join(yardstick, 'filebench.c');
const host = join(root, 'dist/test/fuse/host.js');
const [runs = 5, seconds = 1] = process.argv.slice(2).map(Number);

interface Case {
  readonly name: string;
  /** As filebench has it. */
  readonly mode: string;
  readonly bytes: number;
  readonly threads: number;
  /** The ratio to fuse-native that is wanted, on one CPU. */
  readonly gate?: number;
}
const cases: readonly Case[] = [
  { name: 'open+read+close', mode: 'orc', bytes: 1400, threads: 1, gate: 2.5 },
  { name: 'read 1400', mode: 'sread', bytes: 1400, threads: 1, gate: 3.5 },
  { name: 'open+read+close, 8', mode: 'orc', bytes: 1400, threads: 8, gate: 2.5 },
  { name: 'read 1400, 8', mode: 'sread', bytes: 1400, threads: 8, gate: 3.5 },
  { name: 'write 1400', mode: 'swrite', bytes: 1400, threads: 1 },
  { name: 'read 65536', mode: 'sread', bytes: 65536, threads: 1 },
];

const work = mkdtempSync(join(tmpdir(), 'slashnet-bench-'));
const compile = (name: string, source: string): string => {
  const out = join(work, name);
  execFileSync('gcc', ['-O2', '-pthread', '-o', out, source]);
  return out;
};

interface Server {
  readonly name: string;
  readonly file: string;
  readonly child: ChildProcess;
}

async function serve(name: string, command: readonly string[], path: string): Promise<Server> {
  const dir = join(work, `mnt-${name}`);
  mkdirSync(dir);
  const args = ['-c', '0', ...command.map((a) => (a === 'DIR' ? dir : a))];
  const child = spawn('taskset', args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const [said] = await once(child.stdout as NodeJS.ReadableStream, 'data');
  if (!String(said).startsWith('mounted')) throw new Error(`${name}: ${said}`);
  return { name, file: join(dir, path), child };
}

async function rate(bench: string, s: Server, c: Case, cpu: string) {
  const numbers = [seconds, c.bytes, c.threads].map(String);
  const args = ['-c', cpu, bench, c.mode, s.file, ...numbers];
  const child = spawn('taskset', args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const [said] = await once(child.stdout, 'data');
  return Number(/(\d+) ops/.exec(String(said))?.[1]);
}

const cell = (n: number, digits = 0): string => n.toFixed(digits).padStart(9);

/** One line: medians of the rates, and of the ratios run by run. */
async function compare(
  bench: string,
  servers: readonly Server[],
  c: Case,
  cpu: string,
): Promise<void> {
  const rates = servers.map((): number[] => []);
  for (let run = 0; run < runs; run++) {
    for (const [i, s] of servers.entries()) rates[i]?.push(await rate(bench, s, c, cpu));
  }
  const [direct = [], native = [], floor = []] = rates;
  const ratios = (to: readonly number[]) => median(direct.map((r, i) => r / (to[i] ?? Number.NaN)));
  const limit = median(floor.map((r, i) => r / (native[i] ?? Number.NaN)));
  const gate = cpu === '0' ? c.gate : undefined;
  const verdict = gate === undefined ? '' : ratios(native) >= gate ? `>= ${gate}` : `BELOW ${gate}`;
  console.log(
    c.name.padEnd(20),
    ...rates.map((r) => cell(median(r))),
    cell(ratios(native), 2),
    cell(limit, 2),
    cell(ratios(floor), 2),
    ` ${verdict}`,
  );
}

async function main(): Promise<void> {
  const bench = compile('filebench', filebench);
  const floor = compile('fuse-floor', join(root, 'bench/fuse-floor.c'));
  const node = (backend: string) => [process.execPath, host, 'DIR', JSON.stringify({ backend })];
  const servers = [
    await serve('direct', node('direct'), 'ppp/0/endless'),
    await serve('fuse-native', node('fuse-native'), 'ppp/0/endless'),
    await serve('floor', [floor, 'DIR'], 'endless'),
  ];
  const end = () => {
    for (const s of servers) {
      spawnSync('umount', ['-l', s.file.replace(/(\/ppp\/0)?\/endless$/, '')]);
      s.child.kill();
    }
    rmSync(work, { recursive: true });
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => {
      end();
      process.exit(1);
    });
  try {
    for (const cpu of ['0', '1']) {
      console.log(
        `\nserver on CPU 0, client on CPU ${cpu}; medians of ${runs} interleaved runs of ${seconds} s;`,
        `load ${load()}`,
      );
      console.log(' '.repeat(24), 'direct    native   C floor  d/native  floor/nat.  d/floor');
      for (const c of cases) await compare(bench, servers, c, cpu);
    }
  } finally {
    end();
  }
}

await main();
