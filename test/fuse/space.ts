/** A mount namespace of its own with daemons and clients in it. This
 *  process never enters the mount. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const hostPath = fileURLToPath(new URL('./host.js', import.meta.url));

export interface Ran {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly out: string;
  readonly err: string;
}

export interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Ran>;
}

/** A daemon with the little tree, in the space. */
export class Host {
  readonly child: ChildProcess;
  readonly ended: Promise<unknown>;
  readonly #lines: string[] = [];
  #wake: (() => void)[] = [];

  constructor(child: ChildProcess) {
    this.child = child;
    this.ended = once(child, 'close');
    if (child.stdout === null) throw new Error('no output');
    createInterface({ input: child.stdout }).on('line', (line) => {
      this.#lines.push(line);
      for (const f of this.#wake.splice(0)) f();
    });
    void this.ended.then(() => {
      for (const f of this.#wake.splice(0)) f();
    });
  }

  say(line: string): void {
    this.child.stdin?.write(`${line}\n`);
  }
  /** The first line that begins so, taken. */
  async hear(start: string): Promise<string> {
    for (;;) {
      const i = this.#lines.findIndex((l) => l.startsWith(start));
      if (i >= 0) return this.#lines.splice(i, 1)[0] as string;
      if (this.child.exitCode !== null || this.child.signalCode !== null)
        throw new Error(`host ended without '${start}': ${this.#lines.join(' | ')}`);
      await new Promise<void>((wake) => void this.#wake.push(wake));
    }
  }
}

export class Space {
  readonly dir = mkdtempSync(join(tmpdir(), 'slashnet-fuse-'));
  readonly #holder: ChildProcess;
  readonly #hosts: Host[] = [];

  private constructor(holder: ChildProcess) {
    this.#holder = holder;
  }

  static async make(): Promise<Space> {
    const script = 'echo ready; exec sleep 600';
    const holder = spawn('unshare', ['-m', '--propagation', 'private', 'sh', '-c', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    if (holder.stdout === null) throw new Error('no output');
    await once(holder.stdout, 'data');
    return new Space(holder);
  }

  #inside(args: readonly string[]): string[] {
    return ['-t', String(this.#holder.pid), '-m', '--', ...args];
  }

  /** Start a daemon and wait until it has mounted, or throw what it says. */
  async host(options: object = {}): Promise<Host> {
    const args = this.#inside([process.execPath, hostPath, this.dir, JSON.stringify(options)]);
    const host = new Host(spawn('nsenter', args, { stdio: ['pipe', 'pipe', 'inherit'] }));
    this.#hosts.push(host);
    await host.hear('mounted');
    return host;
  }

  /** A bash script in the mount's directory (`here`), or beside it. */
  start(script: string, here = true): Running {
    const all = here ? `cd '${this.dir}' && ${script}` : script;
    const child = spawn('nsenter', this.#inside(['bash', '-c', all]), {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let out = '';
    let err = '';
    child.stdout?.on('data', (d: Buffer) => {
      out += d;
    });
    child.stderr?.on('data', (d: Buffer) => {
      err += d;
    });
    const ended = once(child, 'close').then(([code, signal]) => ({ code, signal, out, err }));
    return { child, ended };
  }
  run(script: string, here = true): Promise<Ran> {
    return this.start(script, here).ended;
  }
  /** As `run`; throws unless it succeeds without a complaint. */
  async ok(script: string, here = true): Promise<string> {
    const r = await this.run(script, here);
    if (r.code !== 0 || r.err !== '') throw new Error(`${script}: ${r.code} ${r.signal} ${r.err}`);
    return r.out;
  }

  async end(): Promise<void> {
    for (const h of this.#hosts) {
      if (h.child.exitCode === null && h.child.signalCode === null) h.child.kill('SIGKILL');
      await h.ended;
    }
    await this.run(`while umount -l '${this.dir}' 2>&-; do :; done`, false);
    this.#holder.kill('SIGKILL');
    await once(this.#holder, 'close');
    rmSync(this.dir, { recursive: true });
  }
}

export const median = (all: readonly number[]): number =>
  [...all].sort((a, b) => a - b)[all.length >> 1] ?? Number.NaN;
