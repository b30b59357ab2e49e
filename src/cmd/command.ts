/** What a subcommand is: `main.ts` makes commander's out of the table. */
import { dial, type Mount } from '@9p/lib9p';
import { addressOf } from '../core/runtime.js';

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

/** Dial the daemon, do something, hang up. Ctrl-C gives up what waits, by Tflush. */
export async function withDaemon<T>(
  o: Options,
  f: (m: Mount, cancel: AbortSignal) => Promise<T>,
): Promise<T> {
  const address = addressOf(o.address);
  const m = await dial(address).catch((e: Error) => {
    throw new Error(
      /ENOENT|ECONNREFUSED/.test(e.message)
        ? `no daemon at ${address}: start one with 'slashnet serve'`
        : e.message,
    );
  });
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
