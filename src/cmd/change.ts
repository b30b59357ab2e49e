/** slashnet create, mkdir, rm and chmod: files made, removed, and their modes. */
import { dmdir, type Mount, omode } from '@9p/lib9p';
import { type Command, type Flag, type Options, of, Usage, withDaemon } from './command.js';
import { parseMode } from './mode.js';

/** Deeper than any tree but one without end. */
const levels_max = 100;

function modeOf(text: string): (mode: number) => number {
  const change = parseMode(text);
  if (change !== undefined) return change;
  throw new Usage(`bad mode '${text}': octal, or [ugoa][+-=][rwxalt], with commas between`);
}

/** For each path, one after the other. */
const each = (
  paths: readonly string[],
  o: Options,
  f: (m: Mount, path: string, cancel: AbortSignal) => Promise<void>,
): Promise<number> =>
  withDaemon(o, async (m, cancel) => {
    for (const path of paths) await of(path, f(m, path, cancel));
    return 0;
  });

function make(paths: readonly string[], o: Options, usual: number, kind: number): Promise<number> {
  const mode = typeof o.mode === 'string' ? modeOf(o.mode)(usual) : usual;
  const perm = (mode | kind) >>> 0;
  return each(paths, o, async (m, path, cancel) => {
    const f = await m.create(path, perm, omode.read, cancel);
    await f.close();
  });
}

const modeFlag = (from: string): Flag => [
  '-m, --mode <mode>',
  `its mode, as chmod takes it, from ${from} (the directory's mode limits it)`,
];

export const create: Command = {
  name: 'create',
  about: 'make empty files that are not there yet',
  args: '<path...>',
  options: [modeFlag('666')],
  examples: [
    "slashnet -a 'tcp!host!564' create /tmp/notes",
    "slashnet -a 'tcp!host!564' create -m g-w,o=,+a /tmp/log     # append only",
  ],
  run: (paths, o) => make(paths, o, 0o666, 0),
};

export const mkdir: Command = {
  name: 'mkdir',
  about: 'make directories',
  args: '<path...>',
  options: [modeFlag('777')],
  examples: ["slashnet -a 'tcp!host!564' mkdir -m go-w /tmp/mine"],
  run: (paths, o) => make(paths, o, 0o777, dmdir),
};

async function removeAll(
  m: Mount,
  path: string,
  level: number,
  cancel: AbortSignal,
): Promise<void> {
  if (level > levels_max) throw new Error(`${path}: over ${levels_max} directories deep`);
  const { mode } = await of(path, m.stat(path, cancel));
  const inside = mode & dmdir ? await of(path, m.ls(path, cancel)) : [];
  for (const d of inside) await removeAll(m, `${path}/${d.name}`, level + 1, cancel);
  await of(path, m.remove(path, cancel));
}

export const rm: Command = {
  name: 'rm',
  about: 'remove files, and directories that are empty',
  args: '<path...>',
  options: [['-r, --recursive', 'directories with all that is in them']],
  examples: [
    "slashnet -a 'tcp!host!564' rm /tmp/notes",
    "slashnet -a 'tcp!host!564' rm -r /tmp/mine",
  ],
  run: (paths, o) =>
    withDaemon(o, async (m, cancel) => {
      for (const path of paths)
        if (o.recursive === true) await removeAll(m, path, 1, cancel);
        else await of(path, m.remove(path, cancel));
      return 0;
    }),
};

export const chmod: Command = {
  name: 'chmod',
  about: 'change the modes of files: octal, or [ugoa][+-=][rwxalt] with commas between',
  args: '<mode> <path...>',
  examples: [
    "slashnet -a 'tcp!host!564' chmod 640 /tmp/notes",
    "slashnet -a 'tcp!host!564' chmod u=rw,go-w,+l /tmp/notes     # l: one open at a time",
  ],
  run([text = '', ...paths], o) {
    const change = modeOf(text);
    return each(paths, o, async (m, path, cancel) => {
      const { mode } = await m.stat(path, cancel);
      await m.wstat(path, { mode: change(mode) }, cancel);
    });
  },
};
