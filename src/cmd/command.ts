/** What a subcommand is: `main.ts` makes commander's out of the table. */
import { addAbortSignal } from 'node:stream';
import { dial, type Handle, type Mount } from '@9p/lib9p';
import { addressOf, userName } from '../core/runtime.js';
import { diallingOf, proverAt } from './dialling.js';

/** As commander writes it: '-l, --long', '-t, --timeout <seconds>'. What the value is called
 *  tells completion what to offer: a file or path, a directory. */
export type Flag = readonly [flags: string, about: string, repeats?: Repeats];
/** Given several times: how often, or each of its values. */
export type Repeats = 'count' | 'each';

export interface Command {
  readonly name: string;
  /** One line for the list of commands. */
  readonly about: string;
  /** As commander writes them: '<path>', '[line...]'. A path, source or target is the server's. */
  readonly args?: string;
  readonly options?: readonly Flag[];
  /** Lines a user can type. */
  readonly examples: readonly string[];
  /** It has more to do when who reads its output has gone. */
  readonly stays?: true;
  /** Its exit status; a throw is 1 with the text on stderr. */
  run(args: readonly string[], options: Options): Promise<number | undefined>;
}

/** Options of every command, given before it. */
export const common: readonly Flag[] = [
  ['-a, --address <address>', 'server to use: unix!/path, tcp!host!port, tls!, ws! ($SLASHNET)'],
  ['--aname <tree>', 'tree to attach to, where the server has several'],
  ['--uname <name>', 'user to attach as (default: yourself)'],
  ['--agent <address>', 'server whose /auth/rpc proves that you are --uname'],
  ['--ca <file>', 'who signs the certificates of tls! and wss! servers'],
  ['--cert <file>', 'certificate to show them'],
  ['--key <file>', 'its key'],
  ['-D, --chatty', 'print each 9P message on standard error'],
];

export interface Options {
  readonly address?: string;
  readonly aname?: string;
  readonly uname?: string;
  readonly chatty?: boolean;
  readonly [name: string]: unknown;
}

/** What a user did wrong with the command itself: exit status 2. */
export class Usage extends Error {}

/** A daemon that is just starting gets this long, where a command waits for it. */
const start_ms = 5000;
/** Longest line of standard input, or of a file that is followed. */
const line_bytes = 1024 * 1024;

/** The server that the options name, any 9P server. */
export async function attach(o: Options, signal?: AbortSignal): Promise<Mount> {
  return dial(addressOf(o.address), {
    ...(await diallingOf(o)),
    uname: o.uname ?? userName(),
    prove: typeof o.agent === 'string' ? await proverAt(o.agent) : undefined,
    ...(o.aname === undefined ? {} : { aname: o.aname }),
    ...(o.chatty === true ? { trace: (s) => void process.stderr.write(`${s}\n`) } : {}),
    ...(signal === undefined ? {} : { signal }),
  });
}

async function connectWithin(o: Options, ms: number): Promise<Mount> {
  const until = performance.now() + ms;
  for (;;) {
    try {
      return await attach(o);
    } catch (e) {
      if (!/connect (ENOENT|ECONNREFUSED)/.test((e as Error).message)) throw e;
      if (performance.now() >= until) {
        if (o.address !== undefined) throw new Error(`no server at ${o.address}`);
        const at = addressOf(undefined);
        throw new Error(`no daemon at ${at}: start one with 'slashnet serve'`);
      }
      await new Promise((r) => setTimeout(r, 50));
    }
  }
}

/** Dial the server, do something, hang up. Ctrl-C gives up what waits, by Tflush; a second one
 *  ends us, whatever the server does. */
export async function withDaemon<T>(
  o: Options,
  f: (m: Mount, cancel: AbortSignal) => Promise<T>,
): Promise<T> {
  const m = await connectWithin(o, o.wait === true ? start_ms : 0);
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

/** Its failure says of which file. */
export async function of<T>(path: string, done: Promise<T>): Promise<T> {
  try {
    return await done;
  } catch (e) {
    throw new Error(`${path}: ${(e as Error).message}`);
  }
}

/** What a server says goes to a terminal as one line, and without escapes. */
export const printable = (s: string): string => s.replace(/\p{Cc}/gu, '?');

/** One line on standard error. */
export function complain(e: unknown): void {
  const text = e instanceof Error ? e.message : String(e);
  process.stderr.write(`slashnet: ${printable(text.trimEnd())}\n`);
}

/** A controller whose signal also follows `cancel`. */
export function linked(cancel: AbortSignal): AbortController {
  const c = new AbortController();
  if (cancel.aborted) c.abort();
  cancel.addEventListener('abort', () => c.abort(), { once: true });
  return c;
}

/** Standard input as it comes; whoever stops reading closes it. */
export async function* stdin(cancel: AbortSignal): AsyncGenerator<Uint8Array> {
  addAbortSignal(cancel, process.stdin);
  try {
    for await (const b of process.stdin) yield b as Buffer;
  } catch (e) {
    throw cancel.aborted ? new Error('interrupted') : e;
  }
}

/** A file from where it is to its end, read by read. */
export async function* reads(
  path: string,
  f: Handle,
  cancel: AbortSignal,
): AsyncGenerator<Uint8Array> {
  if (f.fid.isDir) throw new Error(`${path}: is a directory`);
  for (;;) {
    const b = await of(path, f.read(f.iounit, undefined, cancel));
    if (b.length === 0) return;
    yield b;
  }
}

/** Lines with their newlines; the last may have none. */
export async function* linesOf(source: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  let held = Buffer.alloc(0);
  for await (const b of source) {
    held = Buffer.concat([held, b]);
    for (let n = held.indexOf('\n') + 1; n > 0; n = held.indexOf('\n') + 1) {
      yield held.subarray(0, n);
      held = held.subarray(n);
    }
    if (held.length > line_bytes) throw new Error(`a line is over ${line_bytes} bytes`);
  }
  if (held.length > 0) yield held;
}

/** Without its newline. */
export const chomp = (line: Uint8Array): Uint8Array =>
  line.at(-1) === 0x0a ? line.subarray(0, -1) : line;

/** Resolves when the bytes have gone: a slow pipe stops us, not memory. */
export function out(b: Uint8Array | string): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(b, (e) => (e ? reject(e) : resolve()));
  });
}
