/**
 * TCP through TUN, ppp, pppoe, Ethernet and back through a second daemon, in turn with the same
 * job in C (packets joined in the kernel's way, `gso`). Reads ../shared/yardstick (or
 * $YARDSTICK): tunnel.sh, tunnel.c.
 *
 *     node dist/bench/tunnel.js [runs] [seconds]      as root; needs iperf3 and a C compiler
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { load, median, root, yardstick } from './common.js';

const runs = Number(process.argv[2] ?? 5);
const seconds = Number(process.argv[3] ?? 5);
/** The gate: at least this part of its throughput, at most this many times its CPU. */
const mbits_min = 0.7;
const cpu_max = 1.5;

interface Figure {
  readonly forward: number;
  readonly back: number;
  readonly cpu: number;
}

function one(label: string, command: readonly string[], env: NodeJS.ProcessEnv): Figure {
  const script = join(yardstick, 'tunnel.sh');
  const r = spawnSync(script, ['-s', String(seconds), label, ...command], {
    env: { ...process.env, ...env },
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const m = r.stdout.match(/(\d+) Mbit\/s {2}back +(\d+) Mbit\/s {2}([\d.]+) CPU/);
  if (m === null) throw new Error(`${label}: no figure: ${r.stdout}`);
  console.log(`${r.stdout.trimEnd()}   load ${load()}`);
  return { forward: Number(m[1]), back: Number(m[2]), cpu: Number(m[3]) };
}

function ratios(ours: readonly Figure[], theirs: readonly Figure[], of: (f: Figure) => number) {
  return median(ours.map((f, i) => of(f) / of(theirs[i] as Figure)));
}

function main(): number {
  const dir = mkdtempSync(join(tmpdir(), 'tunnel.'));
  try {
    const c = join(dir, 'tunnel');
    execFileSync('cc', ['-O2', '-pthread', '-w', '-o', c, join(yardstick, 'tunnel.c')]);
    const ours: Figure[] = [];
    const theirs: Figure[] = [];
    const looped: Figure[] = [];
    const side = join(root, 'bench/tunnel.sh');
    for (let i = 0; i < runs; i++) {
      theirs.push(one('C gso', [c, 'tun', 'gso'], {}));
      ours.push(one('slashnet', [side], { ADDR: 'no', BENCH_DIR: dir }));
      if (process.env.LOOP_TOO)
        looped.push(one('with loop', [side], { ADDR: 'no', BENCH_DIR: dir, LOOP: '1' }));
    }
    return report(ours, theirs, looped);
  } finally {
    rmSync(dir, { recursive: true });
  }
}

function report(ours: readonly Figure[], theirs: readonly Figure[], looped: readonly Figure[]) {
  const both = (f: Figure) => f.forward + f.back;
  const mbits = ratios(ours, theirs, both);
  const cpu = ratios(ours, theirs, (f) => f.cpu);
  console.log(
    `medians of ${runs} pairs, ${cpus().length} CPUs: Mbit/s ${mbits.toFixed(2)} of C ` +
      `(forward ${ratios(ours, theirs, (f) => f.forward).toFixed(2)}, ` +
      `back ${ratios(ours, theirs, (f) => f.back).toFixed(2)}; at least ${mbits_min}), ` +
      `CPU a gigabit ${cpu.toFixed(2)} of C (at most ${cpu_max})`,
  );
  if (looped.length > 0)
    console.log(
      `with a wire of loop between: CPU ${ratios(looped, ours, (f) => f.cpu).toFixed(2)}`,
    );
  return mbits >= mbits_min && cpu <= cpu_max ? 0 : 1;
}

process.exitCode = main();
