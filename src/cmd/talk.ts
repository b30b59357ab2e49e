/** slashnet rdwr and con: a file that is read and written in turn, or both ways at once. */
import { type Handle, type Mount, omode } from '@9p/lib9p';
import {
  type Command,
  chomp,
  complain,
  linesOf,
  linked,
  of,
  out,
  reads,
  stdin,
  withDaemon,
} from './command.js';
import { writeLine } from './write.js';

/** Refusals are told and do not end the talk; the end of the connection or Ctrl-C does. */
class Talk {
  readonly f: Handle;
  readonly #m: Mount;
  readonly #path: string;
  readonly #cancel: AbortSignal;
  status = 0;

  private constructor(m: Mount, path: string, f: Handle, cancel: AbortSignal) {
    this.#m = m;
    this.#path = path;
    this.f = f;
    this.#cancel = cancel;
  }

  static async open(m: Mount, path: string, cancel: AbortSignal): Promise<Talk> {
    return new Talk(m, path, await of(path, m.open(path, omode.rdwr, cancel)), cancel);
  }

  /** Undefined if it was refused. */
  async attempt<T>(done: Promise<T>): Promise<T | undefined> {
    try {
      return await of(this.#path, done);
    } catch (e) {
      if (this.#cancel.aborted || this.#m.client.ended !== undefined) throw e;
      complain(e);
      this.status = 1;
      return undefined;
    }
  }
}

export const rdwr: Command = {
  name: 'rdwr',
  about: 'read a file, write a line of standard input to it, and so on: questions and answers',
  args: '<path>',
  options: [['-w, --write-first', 'begin with a line of standard input, as rpc files want it']],
  examples: [
    'slashnet -a /tmp/ns.glenda/factotum rdwr /needkey',
    "echo 'start proto=pass role=client service=ppp' | slashnet rdwr -w /auth/rpc",
  ],
  run: ([path = ''], o) =>
    withDaemon(o, async (m, cancel) => {
      const talk = await Talk.open(m, path, cancel);
      const { f } = talk;
      // At offset 0, both: there a file of this kind begins its answer.
      const hear = async (): Promise<void> => {
        const b = await talk.attempt(f.read(f.iounit, 0, cancel));
        if (b !== undefined && b.length > 0) await out(b);
        if (b !== undefined && b.at(-1) !== 0x0a) await out('\n');
      };
      if (o.writeFirst !== true) await hear();
      for await (const l of linesOf(stdin(cancel)))
        if ((await talk.attempt(writeLine(f, chomp(l), 0, cancel))) !== undefined) await hear();
      return talk.status;
    }),
};

/** Ctrl-\ as a terminal in raw mode sends it. */
const leave = 0x1c;

/** Keys as they come, up to the escape if they come from a terminal. */
async function* keys(cancel: AbortSignal): AsyncGenerator<Uint8Array> {
  for await (const b of stdin(cancel)) {
    const end = process.stdin.isTTY ? b.indexOf(leave) : -1;
    if (end !== 0) yield end < 0 ? b : b.subarray(0, end);
    if (end >= 0) return;
  }
}

async function converse(
  m: Mount,
  path: string,
  raw: boolean,
  cancel: AbortSignal,
): Promise<number> {
  const over = linked(cancel);
  const { signal } = over;
  process.once('SIGQUIT', () => over.abort()); // Ctrl-\, where the terminal is not raw
  const talk = await Talk.open(m, path, signal);
  const { f } = talk;
  /** Each way ends the other; what that makes fail is no failure. */
  const way = async (work: () => Promise<void>): Promise<void> => {
    try {
      await work();
    } catch (e) {
      if (!signal.aborted || cancel.aborted) throw e;
    } finally {
      over.abort();
    }
  };
  const show = async (): Promise<void> => {
    for await (const b of reads(path, f, signal)) await out(b);
  };
  const type = async (): Promise<void> => {
    let at = 0;
    for await (const b of raw ? keys(signal) : linesOf(stdin(signal)))
      at += (await talk.attempt(raw ? f.write(b, at, signal) : writeLine(f, b, at, signal))) ?? 0;
  };
  await Promise.all([way(show), way(type)]);
  return talk.status;
}

export const con: Command = {
  name: 'con',
  about: 'connect the terminal to a file, line by line both ways; Ctrl-D or Ctrl-\\ ends',
  args: '<path>',
  options: [['-r, --raw', 'each key as it is typed, Ctrl-C and Ctrl-D too; Ctrl-\\ ends']],
  examples: ['slashnet con /loop/0/data', 'slashnet con -r /loop/0/data1'],
  async run([path = ''], o) {
    const raw = o.raw === true;
    const terminal = raw && process.stdin.isTTY;
    return withDaemon(o, async (m, cancel) => {
      if (terminal) process.stdin.setRawMode(true);
      try {
        return await converse(m, path, raw, cancel);
      } finally {
        if (terminal) process.stdin.setRawMode(false);
      }
    });
  },
};
