/** slashnet ls and stat: names and what stat(5) knows of them. */
import { type Dir, dmdir } from '@9p/lib9p';
import { type Command, out, withDaemon } from './command.js';

/** "d-r-xr-xr-x", as Plan 9's ls has it without the dashes of exclusive use. */
function modeText(mode: number): string {
  const three = (n: number): string =>
    `${n & 4 ? 'r' : '-'}${n & 2 ? 'w' : '-'}${n & 1 ? 'x' : '-'}`;
  const perm = three(mode >> 6) + three(mode >> 3) + three(mode);
  return ((mode & dmdir) >>> 0 === dmdir ? 'd' : '-') + perm;
}

function table(dirs: readonly Dir[]): string {
  const width = Math.max(1, ...dirs.map((d) => d.uid.length));
  return dirs
    .map(
      (d) =>
        `${modeText(d.mode)} ${d.uid.padEnd(width)} ${String(d.length).padStart(6)} ${d.name}\n`,
    )
    .join('');
}

const isDir = (d: Dir): boolean => (d.mode & dmdir) !== 0;

export const ls: Command = {
  name: 'ls',
  about: 'list a directory',
  args: '[path...]',
  options: [['-l, --long', 'mode, owner and length too']],
  examples: ['slashnet ls', 'slashnet ls -l /ppp/0'],
  run: (args, o) =>
    withDaemon(o, async (m, cancel) => {
      for (const path of args.length > 0 ? args : ['/']) {
        const d = await m.stat(path, cancel);
        const all = isDir(d) ? await m.ls(path, cancel) : [d];
        await out(o.long === true ? table(all) : all.map((x) => `${x.name}\n`).join(''));
      }
      return 0;
    }),
};

function describe(d: Dir): string {
  const path = d.qid.path.toString(16).padStart(16, '0');
  const type = d.qid.type.toString(16).padStart(2, '0');
  const qid = `(${path} ${d.qid.vers} ${type})`;
  const when = new Date(d.mtime * 1000).toISOString();
  const names = [d.name, d.uid, d.gid, d.muid].map((s) => `'${s}'`).join(' ');
  return `${names} q ${qid} m ${modeText(d.mode)} t ${when} l ${d.length}\n`;
}

export const stat: Command = {
  name: 'stat',
  about: 'print what stat(5) tells of files',
  args: '<path...>',
  examples: ['slashnet stat /ppp/0/ctl'],
  run: (args, o) =>
    withDaemon(o, async (m, cancel) => {
      for (const path of args) await out(describe(await m.stat(path, cancel)));
      return 0;
    }),
};
