/** A directory with daemons of its own, used as a user would: sh, with `slashnet` on the path.
 *  As root in a mount and a network name space of its own. It ends only what it started. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { dial, type Mount } from '@9p/lib9p';

export const bin = fileURLToPath(new URL('../../../tools/slashnet.mjs', import.meta.url));
const look_ms = 10;
/** Generous: on a machine with much else to do, a process takes seconds to start. */
const limit_ms = 60_000;
/** A daemon has two seconds to end where nobody else wants the machine; the peers' own time-outs,
 *  which it must not wait for, are six and more. */
export const end_ms = 5000;

/** For what another process does when it likes: look until it is so. */
export async function until(
  what: string,
  f: () => Promise<boolean> | boolean,
  ms = limit_ms,
): Promise<void> {
  const end = performance.now() + ms;
  while (!(await f())) {
    if (performance.now() > end) assert.fail(`not within ${ms} ms: ${what}`);
    await new Promise((r) => setTimeout(r, look_ms));
  }
}

/** The promise, or a failure that says what did not come. */
export async function within<T>(what: string, p: Promise<T>, ms = limit_ms): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`not within ${ms} ms: ${what}`)), ms);
  });
  return Promise.race([p, late]).finally(() => clearTimeout(timer));
}

export interface Ran {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly out: string;
  readonly err: string;
}

/** A child process and what it has printed so far. */
export class Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Ran>;
  out = '';
  err = '';

  constructor(child: ChildProcess) {
    this.child = child;
    child.stdout?.on('data', (b: Buffer) => (this.out += b));
    child.stderr?.on('data', (b: Buffer) => (this.err += b));
    this.ended = once(child, 'close').then(([code, signal]) => {
      return { code, signal, out: this.out, err: this.err };
    });
  }
  get over(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }
  kill(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }
  /** SIGTERM; how long it took to end, and how it did. */
  async term(): Promise<Ran & { ms: number }> {
    const t = performance.now();
    this.kill('SIGTERM');
    const r = await within('the end after SIGTERM', this.ended);
    return { ...r, ms: performance.now() - t };
  }
}

export interface PlaceOptions {
  /** Name spaces of mounts and of the network: needs root. */
  readonly spaces?: boolean;
}

export class Place {
  readonly dir = mkdtempSync(join(tmpdir(), 'slashnet-e2e.'));
  readonly mnt = join(this.dir, 'mnt');
  readonly address = `unix!${join(this.dir, 'sock')}`;
  readonly env: NodeJS.ProcessEnv;
  #holder: Running | undefined;
  readonly #started: Running[] = [];
  readonly #dialled: Mount[] = [];

  private constructor() {
    chmodSync(this.dir, 0o755);
    for (const d of ['mnt', 'bin', 'run']) mkdirSync(join(this.dir, d));
    symlinkSync(bin, join(this.dir, 'bin', 'slashnet'));
    const { NODE_TEST_CONTEXT: _, SLASHNET_PLUGINS: _p, ...env } = process.env;
    this.env = {
      ...env,
      PATH: `${join(this.dir, 'bin')}:${env.PATH}:/usr/sbin:/sbin`,
      SLASHNET: this.address,
      XDG_RUNTIME_DIR: join(this.dir, 'run'),
      MNT: this.mnt,
      LC_ALL: 'C',
    };
  }

  static async make(o: PlaceOptions = {}): Promise<Place> {
    const p = new Place();
    if (o.spaces !== true) return p;
    const script = 'ip link set lo up; echo ready; exec sleep 600';
    const args = ['-m', '-n', '--propagation', 'private', 'sh', '-c', script];
    p.#holder = new Running(spawn('unshare', args, { env: p.env }));
    const holder = p.#holder;
    await until('name spaces', () => holder.out !== '');
    return p;
  }

  /** Start a command with its arguments; `env` beside ours. */
  start(argv: readonly string[], env: NodeJS.ProcessEnv = {}, cwd = this.dir): Running {
    const pid = this.#holder?.child.pid;
    const enter = pid === undefined ? [] : ['nsenter', '-t', `${pid}`, '-m', '-n', '--'];
    const [command = '', ...args] = [...enter, ...argv];
    const child = spawn(command, args, { env: { ...this.env, ...env }, cwd });
    const r = new Running(child);
    this.#started.push(r);
    return r;
  }
  /** A script of sh, its input closed. */
  sh(script: string): Running {
    const r = this.start(['sh', '-c', script]);
    r.child.stdin?.end();
    return r;
  }
  run(script: string): Promise<Ran> {
    return within(script, this.sh(script).ended);
  }
  /** What it prints; throws unless it succeeds without a complaint. */
  async ok(script: string): Promise<string> {
    const r = await this.run(script);
    if (r.code !== 0 || r.err !== '') throw new Error(`${script}: ${r.code} ${r.signal} ${r.err}`);
    return r.out;
  }
  /** `slashnet` with these arguments. */
  slashnet(...args: readonly string[]): Running {
    const r = this.start([process.execPath, bin, ...args]);
    r.child.stdin?.end();
    return r;
  }

  /** Start a daemon and wait until it listens. */
  async serve(args: readonly string[] = [], env: NodeJS.ProcessEnv = {}): Promise<Running> {
    const all = args.includes('--socket') ? args : ['--socket', join(this.dir, 'sock'), ...args];
    const d = this.start([process.execPath, bin, 'serve', ...all], env);
    await until('a daemon', () => d.over || d.err.includes('listening on'));
    if (d.over) throw new Error(`the daemon ended: ${d.err}`);
    return d;
  }
  async dial(address = this.address): Promise<Mount> {
    const m = await dial(address);
    this.#dialled.push(m);
    return m;
  }
  /** Over FUSE at `mnt`. */
  async mount(m: Mount): Promise<void> {
    await m.writeFile('/ctl', `fuse ${this.mnt}`);
  }
  /** Lines of mountinfo that are ours, as seen from inside. */
  async mounts(): Promise<number> {
    return Number(await this.ok(`grep -c ${this.dir}/ /proc/self/mountinfo || true`));
  }

  /** What serves a mount by itself ends with it, and would keep the name spaces else. */
  async #unmountAll(): Promise<void> {
    const ours = `grep ' ${this.dir}/.* fuse' /proc/self/mountinfo | cut -d' ' -f5`;
    await this.run(`for d in $(${ours}); do umount -i -c -f -l "$d"; done`);
  }

  async end(): Promise<void> {
    for (const m of this.#dialled) m.close();
    if (this.#holder !== undefined) await this.#unmountAll();
    for (const r of this.#started.reverse()) {
      if (!r.over) r.kill('SIGKILL');
      await r.ended;
    }
    if (this.#holder !== undefined) {
      this.#holder.kill('SIGKILL'); // its mounts go with it
      await this.#holder.ended;
    }
    rmSync(this.dir, { recursive: true, force: true });
  }
}

/** A test's place, which is gone when the test is over. */
export async function withPlace(o: PlaceOptions, f: (p: Place) => Promise<void>): Promise<void> {
  const p = await Place.make(o);
  try {
    await f(p);
  } finally {
    await p.end();
  }
}

/** ppp/0 over a wire whose far end somebody holds who says nothing: `connect` waits. */
export async function silentPeer(m: Mount): Promise<void> {
  for (const layer of ['loop', 'ppp']) assert.equal(await m.readText(`/${layer}/clone`), '0');
  await m.open('/loop/0/data1', 2);
  await m.writeFile('/ppp/0/ctl', 'net none\nbind /net/loop/0/data');
}

/** Until `connect` has sent its Configure-Request. */
export const connecting = (m: Mount): Promise<void> =>
  until('connect under way', async () =>
    (await m.readText('/ppp/0/status')).startsWith('Establish'),
  );

/** Until somebody sleeps in a FUSE request: a child's place in the kernel says so. */
export const asleep = (p: Place, r: Running): Promise<void> =>
  until('a read that waits', async () => {
    const where = await p.run(`cat /proc/${r.child.pid}/wchan /proc/${r.child.pid}/syscall`);
    return /request_wait_answer|fuse|^0 /m.test(where.out);
  });

/** Where a daemon listens, of this kind. */
export async function listening(d: Running, net: string): Promise<string> {
  const said = () => new RegExp(`listening on (${net}!.*)\n`).exec(d.err)?.[1];
  await until(`a listener of ${net}`, () => said() !== undefined || d.over);
  return said() ?? assert.fail(`no ${net}: ${d.err}`);
}

export const median = (all: readonly number[]): number =>
  [...all].sort((a, b) => a - b)[all.length >> 1] ?? Number.NaN;

/** 0 without a complaint. */
export function clean(r: Ran): void {
  assert.equal(r.code, 0, `${r.signal} ${r.err}`);
}
