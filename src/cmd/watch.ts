/** slashnet watch: files that block, line by line, and the wait for a line. */
import { spawn } from 'node:child_process';
import { type Handle, type Mount, omode } from '@9p/lib9p';
import {
  type Command,
  chomp,
  complain,
  linesOf,
  linked,
  type Options,
  of,
  out,
  reads,
  Usage,
  withDaemon,
} from './command.js';

/** What setTimeout can do. */
const seconds_max = 2_000_000;
/** Exit status of a watch whose time is over. */
const late = 3;

interface Wanted {
  /** The line that ends the watch; undefined: none does. */
  readonly line: RegExp | undefined;
  readonly ms: number | undefined;
  readonly exec: string | undefined;
}

function wantedOf(o: Options): Wanted {
  return {
    line: typeof o.until === 'string' ? pattern(o.until) : o.once === true ? /^/ : undefined,
    ms: typeof o.timeout === 'string' ? milliseconds(o.timeout) : undefined,
    exec: typeof o.exec === 'string' ? o.exec : undefined,
  };
}

function pattern(text: string): RegExp {
  try {
    return new RegExp(text, 'u');
  } catch {
    throw new Usage(`bad --until '${text}': not a regular expression`);
  }
}

function milliseconds(text: string): number {
  const s = /^\d+(\.\d+)?$/.test(text) ? Number(text) : 0;
  if (s > 0 && s <= seconds_max) return Math.ceil(s * 1000);
  throw new Usage(`bad --timeout '${text}': seconds`);
}

/** Settles when the command has ended well. It is ended with the watch, unless that succeeds: all
 *  that it has started, since sh forks even for a single command. */
function run(command: string, cancel: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn('sh', ['-c', command], { stdio: 'inherit', detached: true });
    const end = (): void => {
      if (child.pid !== undefined) process.kill(-child.pid);
      reject(new Error('interrupted'));
    };
    cancel.addEventListener('abort', end);
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      cancel.removeEventListener('abort', end);
      if (code === 0) resolve();
      else reject(new Error(`${command}: ${signal ?? `exit status ${code}`}`));
    });
  });
}

interface Watched {
  readonly path: string;
  readonly f: Handle;
}

function openAll(m: Mount, paths: readonly string[], cancel: AbortSignal): Promise<Watched[]> {
  const open = async (path: string): Promise<Watched> => {
    return { path, f: await of(path, m.open(path, omode.read, cancel)) };
  };
  return Promise.all(paths.map(open));
}

/** Prints what comes, until `over`. True if the line that was wanted has come; if none was, when
 *  all files have ended well. */
async function follow(
  files: readonly Watched[],
  wanted: RegExp | undefined,
  over: AbortController,
): Promise<boolean> {
  let found = false;
  let failed = false;
  const line = async (path: string, text: string): Promise<void> => {
    if (wanted?.test(text) === true) {
      found = true;
      over.abort();
    }
    await out(files.length > 1 ? `${path}: ${text}\n` : `${text}\n`);
  };
  const one = async ({ path, f }: Watched): Promise<void> => {
    try {
      for await (const l of linesOf(reads(path, f, over.signal))) {
        await line(path, Buffer.from(chomp(l)).toString());
        if (over.signal.aborted) return;
      }
    } catch (e) {
      if (over.signal.aborted) return;
      failed = true;
      complain(e);
    }
  };
  await Promise.all(files.map(one));
  return wanted === undefined ? !failed && !over.signal.aborted : found;
}

async function watchAll(
  m: Mount,
  paths: readonly string[],
  wanted: Wanted,
  cancel: AbortSignal,
): Promise<number> {
  const givenUp = linked(cancel);
  const over = linked(givenUp.signal);
  const time = wanted.ms === undefined ? undefined : AbortSignal.timeout(wanted.ms);
  time?.addEventListener('abort', () => givenUp.abort());
  try {
    const files = await openAll(m, paths, over.signal);
    const command = wanted.exec === undefined ? undefined : run(wanted.exec, givenUp.signal);
    command?.catch(() => over.abort());
    const [well] = await Promise.all([follow(files, wanted.line, over), command]);
    if (well) return 0;
  } catch (e) {
    if (!givenUp.signal.aborted) throw e;
  }
  if (cancel.aborted) throw new Error('interrupted');
  if (time?.aborted === true) {
    complain(`watch: not within ${(wanted.ms ?? 0) / 1000} s`);
    return late;
  }
  if (wanted.line !== undefined) complain('watch: ended before the line came');
  return 1;
}

export const watch: Command = {
  name: 'watch',
  about: 'follow files that block (event, log) line by line; wait for a line, in a script',
  args: '<path...>',
  options: [
    ['-1, --once', 'end after the first line'],
    ['-u, --until <pattern>', 'end after the first line that the regular expression is found in'],
    ['-t, --timeout <seconds>', 'end after so long, with exit status 3'],
    ['-e, --exec <command>', 'run it by sh when all are open, so that no line is missed'],
  ],
  examples: [
    'slashnet watch /ppp/0/event /ppp/1/event',
    "slashnet watch -t 30 -u 'phase Network' -e 'slashnet write /ppp/0/ctl connect' /ppp/0/event",
  ],
  async run(paths, o) {
    const wanted = wantedOf(o);
    return withDaemon(o, (m, cancel) => watchAll(m, paths, wanted, cancel));
  },
};
