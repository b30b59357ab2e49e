/** What a subcommand is: `main.ts` makes commander's out of the table. */
import { type DialOptions, dial, type Mount } from '@9p/lib9p';
import { addressOf } from '../core/runtime.js';
import { diallingOf } from './dialling.js';

export interface Command {
  readonly name: string;
  /** One line for the list of commands. */
  readonly about: string;
  /** As commander writes them: '<path>', '[line...]'. */
  readonly args?: string;
  readonly options?: readonly (readonly [flags: string, about: string])[];
  /** Lines a user can type. */
  readonly examples: readonly string[];
  /** Its exit status; a throw is 1 with the text on stderr. */
  run(args: readonly string[], options: Options): Promise<number | undefined>;
}

export interface Options {
  readonly address?: string;
  readonly [name: string]: unknown;
}

/** What a user did wrong with the command itself: exit status 2. */
export class Usage extends Error {}

/** A daemon that is just starting gets this long, where a command waits for it. */
const start_ms = 5000;

async function dialWithin(address: string, ms: number, how: DialOptions): Promise<Mount> {
  const until = performance.now() + ms;
  for (;;) {
    try {
      return await dial(address, how);
    } catch (e) {
      const text = (e as Error).message;
      if (!/ENOENT|ECONNREFUSED/.test(text)) throw e;
      if (performance.now() >= until)
        throw new Error(`no daemon at ${address}: start one with 'slashnet serve'`);
      await new Promise((r) => setTimeout(r, 50));
    }
  }
}

/** Dial the daemon, do something, hang up. Ctrl-C gives up what waits, by Tflush. */
export async function withDaemon<T>(
  o: Options,
  f: (m: Mount, cancel: AbortSignal) => Promise<T>,
): Promise<T> {
  const address = addressOf(o.address);
  const m = await dialWithin(address, o.wait === true ? start_ms : 0, await diallingOf(o));
  const given = new AbortController();
  const interrupt = (): void => given.abort();
  process.once('SIGINT', interrupt);
  process.once('SIGTERM', interrupt);
  try {
    return await f(m, given.signal);
  } finally {
    process.off('SIGINT', interrupt);
    process.off('SIGTERM', interrupt);
    m.close();
  }
}

/** All of standard input, bounded. */
export async function stdin(limit_bytes: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  let n = 0;
  for await (const b of process.stdin) {
    parts.push(b as Buffer);
    n += (b as Buffer).length;
    if (n > limit_bytes) throw new Error(`standard input is over ${limit_bytes} bytes`);
  }
  return Buffer.concat(parts);
}

/** Resolves when the bytes have gone: a slow pipe stops us, not memory. */
export function out(b: Uint8Array | string): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(b, (e) => (e ? reject(e) : resolve()));
  });
}
