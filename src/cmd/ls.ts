/** slashnet ls and stat: names and what stat(5) knows of them. */
import { type Dir, dmdir, type Mount } from '@9p/lib9p';
import { type Command, of, out, printable, withDaemon } from './command.js';
import { modeText } from './mode.js';

const two = (n: number): string => String(n).padStart(2, '0');

/** Local time, to the minute. */
function dateText(time_s: number): string {
  const d = new Date(time_s * 1000);
  const day = [d.getFullYear(), two(d.getMonth() + 1), two(d.getDate())].join('-');
  return `${day} ${two(d.getHours())}:${two(d.getMinutes())}`;
}

/** Mode, owner, group, length, date and name, in columns. */
export function table(dirs: readonly Dir[]): string {
  const rows = dirs.map((d) => [
    modeText(d.mode),
    printable(d.uid),
    printable(d.gid),
    String(d.length),
    dateText(d.mtime),
    printable(d.name),
  ]);
  const width = (i: number): number => Math.max(...rows.map((r) => r[i]?.length ?? 0));
  const widths = [0, 1, 2, 3].map(width);
  const pad = (cell: string, i: number): string =>
    i === 3 ? cell.padStart(widths[3] ?? 0) : cell.padEnd(widths[i] ?? 0);
  return rows.map((r) => `${r.map(pad).join(' ')}\n`).join('');
}

const isNumber = (name: string): boolean => /^\d+$/.test(name);

/** Conversations by their numbers, then names. */
export function byName(a: Dir, b: Dir): number {
  const [x, y] = [isNumber(a.name), isNumber(b.name)];
  if (x !== y) return x ? -1 : 1;
  const n = x ? Number(a.name) - Number(b.name) : 0;
  return n || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);
}

/** What ls shows of a path, named as it is to be shown. */
async function entries(
  m: Mount,
  path: string,
  show: { readonly self: boolean; readonly whole: boolean },
  cancel: AbortSignal,
): Promise<Dir[]> {
  const d = await m.stat(path, cancel);
  if (show.self || (d.mode & dmdir) === 0) return [{ ...d, name: path }];
  const all = (await m.ls(path, cancel)).sort(byName);
  return show.whole
    ? all.map((e) => ({ ...e, name: `${path.replace(/\/*$/, '/')}${e.name}` }))
    : all;
}

export const ls: Command = {
  name: 'ls',
  about: 'list directories; names begin with their paths where several are listed',
  args: '[path...]',
  options: [
    ['-l, --long', 'mode, owner, group, length and date too'],
    ['-d, --directory', 'a directory itself, not what is in it'],
  ],
  examples: ['slashnet ls', 'slashnet ls -l /ppp/0', 'slashnet ls -ld /ppp /auth'],
  run: (args, o) =>
    withDaemon(o, async (m, cancel) => {
      const paths = args.length > 0 ? args : ['/'];
      const show = { self: o.directory === true, whole: paths.length > 1 };
      const dirs: Dir[] = [];
      for (const p of paths) dirs.push(...(await of(p, entries(m, p, show, cancel))));
      const names = dirs.map((d) => `${printable(d.name)}\n`).join('');
      await out(o.long === true ? table(dirs) : names);
      return 0;
    }),
};

const hex = (n: number | bigint, digits: number): string => n.toString(16).padStart(digits, '0');
const time = (time_s: number): string => new Date(time_s * 1000).toISOString().slice(0, -5);

/** All that stat(5) tells, a line each. */
export function describe(d: Dir): string {
  const { qid } = d;
  const lines = {
    name: d.name,
    mode: `${modeText(d.mode)} ${d.mode.toString(8)}`,
    uid: d.uid,
    gid: d.gid,
    muid: d.muid,
    length: d.length,
    mtime: `${time(d.mtime)}Z`,
    atime: `${time(d.atime)}Z`,
    qid: `path ${hex(qid.path, 16)} vers ${qid.vers} type ${hex(qid.type, 2)}`,
  };
  return Object.entries(lines)
    .map(([name, value]) => `${name}: ${printable(String(value))}\n`)
    .join('');
}

export const stat: Command = {
  name: 'stat',
  about: 'print all that stat(5) tells of files, a line each',
  args: '<path...>',
  examples: ['slashnet stat /ppp/0/ctl'],
  run: (args, o) =>
    withDaemon(o, async (m, cancel) => {
      for (const path of args) await out(describe(await of(path, m.stat(path, cancel))));
      return 0;
    }),
};
