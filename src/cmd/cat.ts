/** slashnet cat: files of the tree to standard output, as they come. */
import type { Mount } from '@9p/lib9p';
import { type Command, of, out, withDaemon } from './command.js';

async function copy(m: Mount, path: string, cancel: AbortSignal): Promise<void> {
  const pieces = m.pieces(path, { cancel });
  let last: number | undefined = 0x0a;
  try {
    for (;;) {
      const piece = await of(path, pieces.next());
      if (piece.done) break;
      last = piece.value.at(-1);
      await out(piece.value);
    }
  } finally {
    await pieces.return().catch(() => undefined);
  }
  if (cancel.aborted) throw new Error(`${path}: interrupted`);
  if (last !== 0x0a && process.stdout.isTTY) await out('\n');
}

export const cat: Command = {
  name: 'cat',
  about: 'print files; one that blocks (event, log, data) is followed until Ctrl-C',
  args: '<path...>',
  examples: ['slashnet cat /ppp/clone', 'slashnet cat /ppp/0/status /ppp/0/err'],
  run: (paths, o) =>
    withDaemon(o, async (m, cancel) => {
      for (const path of paths) await copy(m, path, cancel);
      return 0;
    }),
};
