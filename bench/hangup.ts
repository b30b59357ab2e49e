/**
 * How soon `echo hangup > ctl` ends an `echo connect > ctl` that waits for a silent peer, over
 * 9P and over FUSE, and what 500 blocked reads of `event` cost another file. A daemon of its
 * own; FUSE as root with /dev/fuse.
 *
 *     node dist/bench/hangup.js [runs]
 *
 * The gate: both back within 100 ms (median); the other file's latency within 2 times.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { dial, type Mount } from '@9p/lib9p';
import { load, median } from './common.js';

const runs = Number(process.argv[2] ?? 11);
const back_ms = 100;
const latency_ratio = 2;
const blocked = 500;
const reads = 200;

const ended = (p: ChildProcess): Promise<number> =>
  new Promise((resolve) => p.once('close', (code) => resolve(code ?? -1)));

/** The ways a user has of reaching the files: each starts an operation and says when it is over. */
interface Way {
  readonly name: string;
  /** Settles with the error's text, or ''. */
  echo(what: string, path: string): Promise<string>;
  /** Reads a file once; what it costs in ms. */
  read(path: string): Promise<number>;
  /** A read that blocks; call the result to give it up. */
  block(path: string): Promise<() => Promise<unknown>>;
}

function nine(m: Mount): Way {
  return {
    name: '9P',
    echo: (what, path) =>
      m.writeFile(path, what).then(
        () => '',
        (e: Error) => e.message,
      ),
    async read(path) {
      const t = performance.now();
      await m.readFile(path);
      return performance.now() - t;
    },
    async block(path) {
      const f = await m.open(path);
      const give = new AbortController();
      const over = f.read(100, 0, give.signal).catch(() => undefined);
      return async () => {
        give.abort();
        await over;
        await f.close();
      };
    },
  };
}

function fuse(dir: string): Way {
  const sh = (line: string): { p: ChildProcess; over: Promise<string> } => {
    const p = spawn('sh', ['-c', line], { stdio: ['ignore', 'ignore', 'pipe'] });
    let err = '';
    p.stderr?.on('data', (b) => (err += b));
    return { p, over: ended(p).then((code) => (code === 0 ? '' : err.trim() || `status ${code}`)) };
  };
  return {
    name: 'FUSE',
    echo: (what, path) => sh(`echo ${what} > ${dir}${path}`).over,
    async read(path) {
      const t = performance.now();
      await sh(`exec cat ${dir}${path}`).over;
      return performance.now() - t;
    },
    async block(path) {
      const { p, over } = sh(`exec cat ${dir}${path}`);
      return async () => {
        p.kill('SIGINT');
        await over;
      };
    },
  };
}

async function hangups(w: Way, m: Mount): Promise<number> {
  const n = await m.readText('/ppp/clone');
  const wire = await m.readText('/loop/clone');
  const silent = await m.open(`/loop/${wire}/data1`); // somebody is there, and says nothing
  await m.writeFile(`/ppp/${n}/ctl`, `bind /net/loop/${wire}/data`);
  const times: number[] = [];
  for (let i = 0; i < runs; i++) {
    const waiting = w.echo('connect', `/ppp/${n}/ctl`);
    await new Promise((r) => setTimeout(r, 100));
    const t = performance.now();
    const hung = await w.echo('hangup', `/ppp/${n}/ctl`);
    const connected = await waiting;
    times.push(performance.now() - t);
    if (hung !== '') throw new Error(`hangup: ${hung}`);
    if (connected === '') throw new Error('connect succeeded with a silent peer');
  }
  await silent.close();
  return median(times);
}

async function latency(w: Way): Promise<{ alone: number; beside: number }> {
  const one = async (): Promise<number> => {
    const xs: number[] = [];
    for (let i = 0; i < reads; i++) xs.push(await w.read('/version'));
    return median(xs);
  };
  await one();
  const alone = await one();
  const stops: (() => Promise<unknown>)[] = [];
  for (let i = 0; i < blocked; i++) stops.push(await w.block('/ppp/0/event'));
  const beside = await one();
  await Promise.all(stops.map((s) => s()));
  return { alone, beside };
}

async function daemon(dir: string): Promise<{ p: ChildProcess; m: Mount }> {
  const bin = fileURLToPath(new URL('../src/cmd/main.js', import.meta.url));
  const socket = join(dir, 'sock');
  const p = spawn(process.execPath, [bin, 'serve', '--socket', socket, '-q'], { stdio: 'inherit' });
  for (let i = 0; i < 100 && !existsSync(socket); i++) await new Promise((r) => setTimeout(r, 50));
  return { p, m: await dial(`unix!${socket}`) };
}

async function main(): Promise<number> {
  const dir = mkdtempSync(join(tmpdir(), 'hangup.'));
  const mountpoint = mkdtempSync(join(tmpdir(), 'hangup-mnt.'));
  const { p, m } = await daemon(dir);
  let bad = 0;
  try {
    const ways = [nine(m)];
    if (process.getuid?.() === 0 && existsSync('/dev/fuse')) {
      await m.writeFile('/ctl', `fuse ${mountpoint}`);
      ways.push(fuse(mountpoint));
    } else console.log('FUSE: not root, or no /dev/fuse: left out');
    await m.readText('/ppp/clone');
    for (const w of ways) {
      const ms = await hangups(w, m);
      const { alone, beside } = await latency(w);
      if (ms > back_ms || beside / alone > latency_ratio) bad++;
      console.log(
        `${w.name}: connect and hangup back after ${ms.toFixed(1)} ms (at most ${back_ms}); a file in ` +
          `${alone.toFixed(2)} ms, beside ${blocked} blocked reads in ${beside.toFixed(2)} ms: ` +
          `${(beside / alone).toFixed(2)} times (at most ${latency_ratio}); load ${load()}`,
      );
    }
  } finally {
    m.close();
    p.kill('SIGTERM');
    await ended(p);
    rmSync(dir, { recursive: true, force: true });
    rmSync(mountpoint, { recursive: true, force: true });
  }
  return bad;
}

process.exitCode = await main();
