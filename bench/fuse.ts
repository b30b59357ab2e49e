/** FUSE operations a second: the direct backend, fuse-native and a
 *  floor in C, in turn on one CPU.
 *
 *  It reads ../shared/yardstick/filebench.c, which is no part of the project. Needs root, gcc,
 *  taskset, and libfuse 2 for fuse-native. node dist/bench/fuse.js [RUNS] [SECONDS] */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
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

interface Figure {
  /** Operations a second. */
  readonly rate: number;
  /** CPU time of server and client an operation, which other work on the machine disturbs less. */
  readonly cpu_us: number;
}

/** Ticks of 10 ms that a process had of a CPU, or its children: stat of proc(5). */
const ticks = (stat: string, first: 14 | 16): number => {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return Number(fields[first - 3]) + Number(fields[first - 2]);
};

async function measure(bench: string, s: Server, c: Case, cpu: string): Promise<Figure> {
  const numbers = [seconds, c.bytes, c.threads].map(String);
  const script = '"$@" && cat /proc/$$/stat';
  const args = ['-c', cpu, 'sh', '-c', script, 'sh', bench, c.mode, s.file, ...numbers];
  const server = (): number => ticks(readFileSync(`/proc/${s.child.pid}/stat`, 'latin1'), 14);
  const before = server();
  const child = spawn('taskset', args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  child.stdout.on('data', (b: Buffer) => (said += b));
  await once(child, 'close');
  const rate = Number(/(\d+) ops/.exec(said)?.[1]);
  const used = server() - before + ticks(said, 16);
  return { rate, cpu_us: (used * 10_000) / (rate * seconds) };
}

const cell = (n: number, digits = 0): string => n.toFixed(digits).padStart(9);

/** One line: medians of the rates, and of the ratios run by run: of the rates, and of
 *  the CPU time that an operation takes. */
async function compare(
  bench: string,
  servers: readonly Server[],
  c: Case,
  cpu: string,
): Promise<void> {
  const figures = servers.map((): Figure[] => []);
  for (let run = 0; run < runs; run++) {
    for (const [i, s] of servers.entries()) figures[i]?.push(await measure(bench, s, c, cpu));
  }
  const [direct = [], native = [], floor = []] = figures;
  type Ratio = (a: Figure, b: Figure) => number;
  const ratio = (as: readonly Figure[], bs: readonly Figure[], f: Ratio): number =>
    median(as.map((a, i) => f(a, bs[i] ?? { rate: Number.NaN, cpu_us: Number.NaN })));
  const rates: Ratio = (a, b) => a.rate / b.rate;
  const cpus: Ratio = (a, b) => b.cpu_us / a.cpu_us;
  const won = ratio(direct, native, rates);
  const gate = cpu === '0' ? c.gate : undefined;
  const verdict = gate === undefined ? '' : won >= gate ? `>= ${gate}` : `BELOW ${gate}`;
  console.log(
    c.name.padEnd(20),
    ...figures.map((all) => cell(median(all.map((f) => f.rate)))),
    cell(won, 2),
    cell(ratio(floor, native, rates), 2),
    cell(ratio(direct, floor, rates), 2),
    cell(ratio(direct, native, cpus), 2),
    cell(ratio(floor, native, cpus), 2),
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
      console.log(
        ' '.repeat(24),
        'direct    native   C floor  d/native  floor/n.   d/floor  CPU: d/n   floor/n.',
      );
      for (const c of cases) await compare(bench, servers, c, cpu);
    }
  } finally {
    end();
  }
}

await main();
