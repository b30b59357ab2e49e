/** The files that the checks are about: in directory c9p of the tree that a server gives. What a
 *  server lacks is made there over 9P, and stays; what cannot be made is told. */
import { attrs, dmappend, dmexcl, type Entries, FileError, file, memTree, Server } from '@9p/lib9p';
import { parseExchange } from './check.js';
import { type RunOptions, run } from './runner.js';

interface Fixture {
  readonly name: string;
  /** The exchange that makes it in c9p; without one it is a server's own. */
  readonly make?: readonly string[];
}

const many = Array.from({ length: 200 }, (_, i) => `f${String(i).padStart(3, '0')}`);

/** Fid 1 is c9p. */
const made = (name: string, perm: string, ...more: readonly string[]): readonly string[] => [
  `> Tcreate 0 1 ${name} ${perm} ${perm.startsWith('dmdir') ? 0 : 1}`,
  '< Rcreate 0 * *',
  ...more,
];
/** Another file, below the directory that fid 1 has become. */
const within = (dir: string, name: string, perm = '0o644'): readonly string[] => [
  `walk 2 ${dir}`,
  `> Tcreate 0 2 ${name} ${perm} 0`,
  '< Rcreate 0 * *',
  'clunk 2',
];

const fixtures: readonly Fixture[] = [
  { name: 'text', make: made('text', '0o644', "write 1 0 13 'hello, world\\n'") },
  {
    name: 'dir',
    make: [
      ...made('dir', 'dmdir+0o777'),
      ...within('dir', 'a'),
      ...within('dir', 'b'),
      ...within('dir', 'c', 'dmdir+0o777'),
      ...within('dir c', 'leaf'),
    ],
  },
  { name: 'empty', make: made('empty', 'dmdir+0o777') },
  {
    name: 'many',
    make: [...made('many', 'dmdir+0o777'), ...many.flatMap((name) => within('many', name))],
  },
  { name: 'append', make: made('append', 'dmappend+0o666') },
  { name: 'excl', make: made('excl', 'dmexcl+0o666') },
  {
    name: 'big',
    make: made('big', '0o644', 'write 1 0 5000 x*5000', 'write 1 5000 5000 x*5000'),
  },
  { name: 'tmp', make: made('tmp', 'dmdir+0o777') },
  // A read of `block` waits until it is flushed; `ctl` takes what is written and keeps nothing.
  { name: 'block' },
  { name: 'ctl' },
  // Files of user ken, who is in group club with user rob: see `theirs` below.
  { name: 'theirs' },
];

/** What is not a file. */
const abilities: readonly Fixture[] = [
  { name: '9P2000.u', make: ['> Tversion notag 8216 9P2000.u', '< Rversion notag * 9P2000.u'] },
  { name: '9P2000.L', make: ['> Tversion notag 8216 9P2000.L', '< Rversion notag * 9P2000.L'] },
  {
    name: 'noauth',
    make: [
      '> Tversion notag 8216 9P2000',
      '< Rversion notag * 9P2000',
      '> Tauth 0 9 $user $aname',
      '< Rerror 0 *',
    ],
  },
];

export const fixtureNames = fixtures.map((f) => f.name);

const session = ['> Tversion notag 8216 9P2000', '< Rversion notag * 9P2000'];
const makeC9p = [
  ...session,
  '> Tattach 0 0 nofid $user $aname',
  '< Rattach 0 *',
  '> Tcreate 0 0 c9p dmdir+0o777 0',
  '< Rcreate 0 * *',
];

/** What the server has not, and why; what can be made is made. */
export async function prepare(options: RunOptions): Promise<Map<string, string>> {
  const lacks = new Map<string, string>();
  const tried = (lines: readonly string[]) => run(parseExchange(lines), options);
  const note = (name: string, why: string | undefined) => {
    if (why !== undefined) lacks.set(name, why);
  };
  for (const { name, make = [] } of abilities) note(name, await tried(make));
  if ((await tried(['session'])) !== undefined) note('c9p', await tried(makeC9p));
  for (const { name, make } of fixtures) {
    const there = await tried(['session', `walk 1 ${name}`]);
    if (there === undefined) continue;
    note(
      name,
      make === undefined
        ? there
        : await tried(['session', '> Twalk 0 0 1 []', '< Rwalk 0 []', ...make]),
    );
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
export function ownServer(): Server {
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
  return new Server(tree, {
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
