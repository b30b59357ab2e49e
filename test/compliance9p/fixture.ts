/** The files that the checks are about: in directory c9p of the tree that a server gives. What a
 *  server lacks is made there over 9P, and stays; what cannot be made is told. */
import {
  attrs,
  dmappend,
  dmexcl,
  type Entries,
  FileError,
  file,
  memTree,
  Server,
  type Tree,
} from '@9p/lib9p';
import { dialects, parseExchange } from './check.js';
import { type RunOptions, run } from './runner.js';

interface Fixture {
  readonly name: string;
  /** The exchange that makes it in c9p; without one it is a server's own. */
  readonly make?: readonly string[];
}

const many = Array.from({ length: 200 }, (_, i) => `f${String(i).padStart(3, '0')}`);

/** An empty file, not open. */
const within = (dir: string, name: string): readonly string[] => [
  `file 1 0o644 ${name} ${dir}`,
  'clunk 1',
];
/** What 9P2000 alone can ask for. */
const special = (name: string, perm: string): readonly string[] => [
  'walk 1',
  `> Tcreate 0 1 ${name} ${perm} 1`,
  '< Rcreate 0 * *',
];

const fixtures: readonly Fixture[] = [
  { name: 'text', make: ['file 1 0o644 text', "write 1 0 13 'hello, world\\n'"] },
  {
    name: 'dir',
    make: [
      'mkdir 1 dir',
      ...within('dir', 'a'),
      ...within('dir', 'b'),
      'mkdir 1 c dir',
      ...within('dir c', 'leaf'),
    ],
  },
  { name: 'empty', make: ['mkdir 1 empty'] },
  { name: 'many', make: ['mkdir 1 many', ...many.flatMap((name) => within('many', name))] },
  { name: 'append', make: special('append', 'dmappend+0o666') },
  { name: 'excl', make: special('excl', 'dmexcl+0o666') },
  {
    name: 'big',
    make: ['file 1 0o644 big', 'write 1 0 5000 x*5000', 'write 1 5000 5000 x*5000'],
  },
  { name: 'tmp', make: ['mkdir 1 tmp'] },
  // A read of `block` waits until it is flushed; `ctl` takes what is written and keeps nothing.
  { name: 'block' },
  { name: 'ctl' },
  // Files of user ken, who is in group club with user rob: see `theirs` below.
  { name: 'theirs' },
];

const speaks = (version: string): readonly string[] => [
  `> Tversion notag 8216 ${version}`,
  `< Rversion notag * ${version}`,
];
/** What is not a file. */
const abilities: readonly (readonly [name: string, test: readonly string[]])[] = [
  ...dialects.map((version) => [version, speaks(version)] as const),
  ['noauth', [...speaks('9P2000'), '> Tauth 0 9 $user $aname', '< Rerror 0 *']],
  ['root', [...speaks('9P2000'), "> Tattach 0 0 nofid $user ''", '< Rattach 0 *']],
  ['unlinkat', ['root 8216 9P2000.L', '> Tunlinkat 1 0 nowhere 0', '< Rlerror 1 2']],
  ['renameat', ['root 8216 9P2000.L', '> Trenameat 1 0 nowhere 0 x', '< Rlerror 1 2']],
];

export const fixtureNames = fixtures.map((f) => f.name);

/** What the server has not, and why; what can be made is made. */
export async function prepare(options: RunOptions): Promise<Map<string, string>> {
  const lacks = new Map<string, string>();
  const tried = (lines: readonly string[]) => run(parseExchange(lines), options);
  const note = (name: string, why: string | undefined) => {
    if (why !== undefined) lacks.set(name, why);
  };
  for (const [name, test] of abilities) note(name, await tried(test));
  const version = dialects.find((v) => !lacks.has(v)) ?? '9P2000';
  const session = `session 8216 ${version}`;
  if ((await tried([session])) !== undefined)
    note('c9p', await tried([`root 8216 ${version}`, 'mkdir 1 c9p']));
  for (const { name, make } of fixtures) {
    const why = await tried([session, `walk 1 ${name}`]);
    if (why !== undefined) note(name, make === undefined ? why : await tried([session, ...make]));
  }
  return lacks;
}

// Our own -----------------------------------------------------------------------------------------

const text = (perm: number): Entries[string] => attrs({ perm }, 'text\n');

/** For glenda, a stranger to ken: modes of files, and of directories with a file each. */
const theirs: Entries = {
  owned: text(0o600),
  club: attrs({ perm: 0o640, gid: 'club' }, 'text\n'),
  anyones: text(0o666),
  locked: attrs({ perm: 0o700 }, { inner: 'text\n' }),
  listable: attrs({ perm: 0o744 }, { inner: 'text\n' }),
  searchable: attrs({ perm: 0o711 }, { inner: 'text\n' }),
};

const kens = Object.fromEntries(
  Object.entries(theirs).map(([name, entry]) => [name, attrs({ uid: 'ken' }, entry)]),
);

const block = file({
  read: (req) =>
    new Promise((_, reject) => {
      req.onflush = () => reject(new FileError('interrupted'));
    }),
});

/** Numbers of users and groups; a group of each user's own. */
const users: Readonly<Record<string, number>> = { glenda: 1000, ken: 1001, rob: 1002 };
const groups: Readonly<Record<string, number>> = { ...users, club: 2000 };
const numberIn = (table: typeof users) => (name: string) => table[name] ?? 65534;
const nameIn = (table: typeof users) => (n: number) =>
  Object.keys(table).find((name) => table[name] === n) ?? String(n);

/** A server that has all of it. */
export function ownServer(change = (tree: Tree): Tree => tree): Server {
  let seconds = 1_700_000_000;
  const c9p: Entries = {
    text: 'hello, world\n',
    dir: { a: '', b: '', c: { leaf: '' } },
    empty: {},
    many: Object.fromEntries(many.map((name) => [name, ''])),
    append: attrs({ perm: dmappend | 0o666 }, ''),
    excl: attrs({ perm: dmexcl | 0o666 }, ''),
    big: new Uint8Array(10_000).fill('x'.charCodeAt(0)),
    tmp: {},
    block,
    ctl: file({ read: () => '0\n', write: () => undefined }),
    theirs: attrs({ uid: 'ken', perm: 0o755 }, kens),
  };
  const tree = memTree({ c9p }, { owner: 'glenda', writable: true, now: () => seconds++ });
  const club = ['ken', 'rob'];
  return new Server(change(tree), {
    accounts: {
      uid: numberIn(users),
      gid: numberIn(groups),
      user: nameIn(users),
      group: nameIn(groups),
    },
    who(name, _peer, _aname, uid = 65534) {
      const uname = name === '' ? nameIn(users)(uid) : name;
      return { uname, groups: club.includes(uname) ? ['club'] : [], owner: false };
    },
  });
}
