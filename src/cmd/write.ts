/** slashnet write: to a file of the tree, with a care for what one message is. */
import { type Handle, omode } from '@9p/lib9p';
import { type Command, chomp, linesOf, type Options, of, stdin, withDaemon } from './command.js';

/** As few messages as the server takes at n bytes each. What is over n is cut behind a newline
 *  where there is one, so that no control message is cut in two; where, does not depend on how
 *  the bytes came. Of nothing, one empty message. */
export async function* pieces(
  source: AsyncIterable<Uint8Array>,
  n: number,
): AsyncGenerator<Uint8Array> {
  let held = Buffer.alloc(0);
  let sent = false;
  for await (const b of source) {
    held = Buffer.concat([held, b]);
    while (held.length > n) {
      const cut = held.lastIndexOf('\n', n - 1) + 1 || n;
      yield held.subarray(0, cut);
      held = held.subarray(cut);
      sent = true;
    }
  }
  if (held.length > 0 || !sent) yield held;
}

/** One message; never in two. */
export async function writeLine(
  f: Handle,
  line: Uint8Array,
  offset: number | undefined,
  cancel: AbortSignal,
): Promise<number> {
  if (line.length > f.iounit)
    throw new Error(`a line of ${line.length} bytes: one message has at most ${f.iounit}`);
  const n = await f.write(line, offset, cancel);
  if (n < line.length) throw new Error(`only ${n} of ${line.length} bytes were taken`);
  return n;
}

/** All of it; a server that takes a part is given the rest. */
async function writeBytes(f: Handle, bytes: Uint8Array, cancel: AbortSignal): Promise<void> {
  let rest = bytes;
  do {
    const n = await f.write(rest, undefined, cancel);
    if (n === 0 && rest.length > 0) throw new Error(`${rest.length} bytes were not taken`);
    rest = rest.subarray(n);
  } while (rest.length > 0);
}

async function* given(lines: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const l of lines) yield Buffer.from(`${l}\n`);
}

async function writeAll(
  f: Handle,
  lines: readonly string[],
  o: Options,
  cancel: AbortSignal,
): Promise<void> {
  if (lines.length === 0 && o.lines !== true) {
    for await (const b of pieces(stdin(cancel), f.iounit)) await writeBytes(f, b, cancel);
    return;
  }
  const all = lines.length > 0 ? given(lines) : linesOf(stdin(cancel));
  for await (const l of all)
    await writeLine(f, o.newline === false ? chomp(l) : l, undefined, cancel);
}

export const write: Command = {
  name: 'write',
  about: 'write lines to a file, each as one message; without lines: standard input',
  args: '<path> [line...]',
  options: [
    ['-l, --lines', 'standard input line by line, each as one message'],
    ['-n, --no-newline', 'lines without their newlines'],
    ['-a, --append', 'behind what is in the file, which is truncated otherwise'],
  ],
  examples: [
    "slashnet write /ppp/0/ctl 'bind /net/pppoe/0/data' connect",
    'slashnet write /auth/ctl < keys        # secrets are not for argv',
    "slashnet -a 'tcp!host!564' write /tmp/notes < notes",
  ],
  run: ([path = '', ...lines], o) =>
    withDaemon(o, async (m, cancel) => {
      const append = o.append === true;
      const mode = append ? omode.write : omode.write | omode.trunc;
      const f = await of(path, m.open(path, mode, cancel));
      try {
        if (append) f.offset = Number((await of(path, f.fid.stat(cancel))).length);
        await of(path, writeAll(f, lines, o, cancel));
      } finally {
        await f.close().catch(() => undefined);
      }
      return 0;
    }),
};
