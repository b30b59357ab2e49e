/** slashnet write: control messages to a file of the tree. */
import { omode } from '@9p/lib9p';
import { type Command, stdin, withDaemon } from './command.js';

const input_bytes = 1024 * 1024;

export const write: Command = {
  name: 'write',
  about: 'write lines to a file, each as one control message; without lines: standard input',
  args: '<path> [line...]',
  examples: [
    "slashnet write /ppp/0/ctl 'bind /net/pppoe/0/data' connect",
    'slashnet write /auth/ctl < keys        # secrets are not for argv',
  ],
  async run([path = '', ...lines], o) {
    // Before the daemon is dialled: until then Ctrl-C just ends us.
    const given = lines.length > 0 ? lines : [await stdin(input_bytes)];
    return withDaemon(o, async (m, cancel) => {
      const f = await m.open(path, omode.write, cancel);
      try {
        for (const l of given) await f.write(l, 0, cancel);
      } finally {
        await f.close().catch(() => undefined);
      }
      return 0;
    });
  },
};
