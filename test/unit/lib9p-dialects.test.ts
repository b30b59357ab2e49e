/** 9P2000.u and 9P2000.L: their bytes, and what they do to a tree. The layouts are those of Linux's
 *  net/9p and of diod's description of the protocol. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  type Accounts,
  code,
  type Dialect,
  decode,
  encodeFcall,
  type Fcall,
  formatBytes,
  memTree,
  nofid,
  nouid,
  type Rmessage,
  Server,
} from '@9p/lib9p';
import { bytes } from '../kit/index.js';
import { Raw, typesOf, type Untagged } from './lib9p-kit.js';

const qid = { type: 0x80, vers: 3, path: 0x0102030405060708n };
const q = '80 03000000 0807060504030201';
const L: Dialect = '9P2000.L';
const u: Dialect = '9P2000.u';
const statU = {
  type: 0,
  dev: 0,
  qid,
  mode: 0o660,
  atime: 1,
  mtime: 2,
  length: 9n,
  name: 'ctl',
  uid: 'a',
  gid: 'b',
  muid: '',
  extension: '',
  nuid: 1000,
  ngid: 0xffffffff,
  nmuid: 0,
};
const statHex = `
  4200 0000 00000000 ${q} b0010000 01000000 02000000 0900000000000000
  0300 63746c 0100 61 0100 62 0000
  0000 e8030000 ffffffff 00000000`;
const attributes = {
  valid: 0x7ffn,
  qid,
  mode: 0o100644,
  uid: 1,
  gid: 2,
  nlink: 1n,
  rdev: 0n,
  length: 9n,
  blksize: 4096n,
  blocks: 1n,
  atime: 1n,
  atimens: 2n,
  mtime: 3n,
  mtimens: 4n,
  ctime: 5n,
  ctimens: 6n,
  btime: 7n,
  btimens: 8n,
  gen: 9n,
  version: 10n,
};
const n64 = (n: number): string => `${n.toString(16).padStart(2, '0')}00000000000000`;

const golden: readonly (readonly [Dialect, Fcall, hex: string, line: string])[] = [
  [
    u,
    { type: 'Rerror', tag: 1, ename: 'no', errno: 2 },
    '6b 0100 0200 6e6f 02000000',
    'no errno 2',
  ],
  [
    u,
    { type: 'Tauth', tag: 1, afid: 2, uname: 'u', aname: '', uid: 1000 },
    '66 0100 02000000 0100 75 0000 e8030000',
    'uid 1000',
  ],
  [
    L,
    { type: 'Tattach', tag: 1, fid: 0, afid: nofid, uname: '', aname: '', uid: nouid },
    '68 0100 00000000 ffffffff 0000 0000 ffffffff',
    'uid -1',
  ],
  [
    u,
    { type: 'Tcreate', tag: 1, fid: 2, name: 'n', perm: 0o644, mode: 1, extension: 'x' },
    '72 0100 02000000 0100 6e a4010000 01 0100 78',
    'mode 1 extension x',
  ],
  [u, { type: 'Rstat', tag: 1, stat: statU }, `7d 0100 4400 ${statHex}`, 't 0 d 0'],
  [
    u,
    { type: 'Twstat', tag: 1, fid: 2, stat: statU },
    `7e 0100 02000000 4400 ${statHex}`,
    't 0 d 0',
  ],
  [L, { type: 'Rlerror', tag: 1, ecode: 95 }, '07 0100 5f000000', 'ecode 95'],
  [L, { type: 'Tstatfs', tag: 1, fid: 2 }, '08 0100 02000000', 'fid 2'],
  [
    L,
    {
      type: 'Rstatfs',
      tag: 1,
      fstype: 0x01021997,
      bsize: 1,
      blocks: 2n,
      bfree: 3n,
      bavail: 4n,
      files: 5n,
      ffree: 6n,
      fsid: 7n,
      namelen: 255,
    },
    `09 0100 97190201 01000000 ${[2, 3, 4, 5, 6, 7].map(n64).join('')} ff000000`,
    'namelen 255',
  ],
  [
    L,
    { type: 'Tlopen', tag: 1, fid: 2, flags: 0x8002 },
    '0c 0100 02000000 02800000',
    'flags 32770',
  ],
  [L, { type: 'Rlopen', tag: 1, qid, iounit: 4096 }, `0d 0100 ${q} 00100000`, 'iounit 4096'],
  [
    L,
    { type: 'Tlcreate', tag: 1, fid: 2, name: 'n', flags: 1, mode: 0o100644, gid: 5 },
    '0e 0100 02000000 0100 6e 01000000 a4810000 05000000',
    'mode 0100644 gid 5',
  ],
  [L, { type: 'Rlcreate', tag: 1, qid, iounit: 0 }, `0f 0100 ${q} 00000000`, 'iounit 0'],
  [
    L,
    { type: 'Tsymlink', tag: 1, fid: 2, name: 'n', target: 't', gid: 5 },
    '10 0100 02000000 0100 6e 0100 74 05000000',
    'target t gid 5',
  ],
  [L, { type: 'Rsymlink', tag: 1, qid }, `11 0100 ${q}`, 'qid (0102030405060708 3 d)'],
  [
    L,
    { type: 'Tmknod', tag: 1, fid: 2, name: 'n', mode: 0o20600, major: 3, minor: 4, gid: 5 },
    '12 0100 02000000 0100 6e 80210000 03000000 04000000 05000000',
    'mode 020600 major 3 minor 4 gid 5',
  ],
  [L, { type: 'Rmknod', tag: 1, qid }, `13 0100 ${q}`, 'qid (0102030405060708 3 d)'],
  [
    L,
    { type: 'Trename', tag: 1, fid: 2, dirfid: 3, name: 'n' },
    '14 0100 02000000 03000000 0100 6e',
    'dirfid 3 name n',
  ],
  [L, { type: 'Rrename', tag: 1 }, '15 0100', 'Rrename tag 1'],
  [L, { type: 'Treadlink', tag: 1, fid: 2 }, '16 0100 02000000', 'fid 2'],
  [L, { type: 'Rreadlink', tag: 1, target: 't' }, '17 0100 0100 74', 'target t'],
  [
    L,
    { type: 'Tgetattr', tag: 1, fid: 2, mask: 0x7ffn },
    '18 0100 02000000 ff07000000000000',
    'mask 2047',
  ],
  [
    L,
    { type: 'Rgetattr', tag: 1, ...attributes },
    `19 0100 ff07000000000000 ${q} a4810000 01000000 02000000 ${n64(1)} ${n64(0)} ${n64(9)}
     0010000000000000 ${[1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10].map(n64).join('')}`,
    'gen 9 version 10',
  ],
  [
    L,
    {
      type: 'Tsetattr',
      tag: 1,
      fid: 2,
      valid: 9,
      mode: 0o600,
      uid: 1,
      gid: 2,
      length: 3n,
      atime: 4n,
      atimens: 5n,
      mtime: 6n,
      mtimens: 7n,
    },
    `1a 0100 02000000 09000000 80010000 01000000 02000000 ${[3, 4, 5, 6, 7].map(n64).join('')}`,
    'mtime 6 mtimens 7',
  ],
  [L, { type: 'Rsetattr', tag: 1 }, '1b 0100', 'Rsetattr tag 1'],
  [
    L,
    { type: 'Txattrwalk', tag: 1, fid: 2, newfid: 3, name: 'n' },
    '1e 0100 02000000 03000000 0100 6e',
    'newfid 3 name n',
  ],
  [L, { type: 'Rxattrwalk', tag: 1, length: 9n }, `1f 0100 ${n64(9)}`, 'length 9'],
  [
    L,
    { type: 'Txattrcreate', tag: 1, fid: 2, name: 'n', length: 9n, flags: 1 },
    `20 0100 02000000 0100 6e ${n64(9)} 01000000`,
    'length 9 flags 1',
  ],
  [L, { type: 'Rxattrcreate', tag: 1 }, '21 0100', 'Rxattrcreate tag 1'],
  [
    L,
    { type: 'Treaddir', tag: 1, fid: 2, offset: 3n, count: 64 },
    `28 0100 02000000 ${n64(3)} 40000000`,
    'offset 3 count 64',
  ],
  [L, { type: 'Rreaddir', tag: 1, data: bytes('00ff') }, '29 0100 02000000 00ff', 'count 2 00 ff'],
  [
    L,
    { type: 'Tfsync', tag: 1, fid: 2, datasync: 1 },
    '32 0100 02000000 01000000',
    'fid 2 datasync 1',
  ],
  [L, { type: 'Rfsync', tag: 1 }, '33 0100', 'Rfsync tag 1'],
  [
    L,
    {
      type: 'Tlock',
      tag: 1,
      fid: 2,
      kind: 1,
      flags: 2,
      start: 3n,
      length: 4n,
      pid: 5,
      client: 'c',
    },
    `34 0100 02000000 01 02000000 ${n64(3)} ${n64(4)} 05000000 0100 63`,
    'pid 5 client c',
  ],
  [L, { type: 'Rlock', tag: 1, status: 2 }, '35 0100 02', 'status 2'],
  [
    L,
    { type: 'Tgetlock', tag: 1, fid: 2, kind: 1, start: 3n, length: 4n, pid: 5, client: 'c' },
    `36 0100 02000000 01 ${n64(3)} ${n64(4)} 05000000 0100 63`,
    'pid 5 client c',
  ],
  [
    L,
    { type: 'Rgetlock', tag: 1, kind: 1, start: 3n, length: 4n, pid: 5, client: 'c' },
    `37 0100 01 ${n64(3)} ${n64(4)} 05000000 0100 63`,
    'pid 5 client c',
  ],
  [
    L,
    { type: 'Tlink', tag: 1, dirfid: 2, fid: 3, name: 'n' },
    '46 0100 02000000 03000000 0100 6e',
    'dirfid 2 fid 3 name n',
  ],
  [L, { type: 'Rlink', tag: 1 }, '47 0100', 'Rlink tag 1'],
  [
    L,
    { type: 'Tmkdir', tag: 1, fid: 2, name: 'n', mode: 0o755, gid: 5 },
    '48 0100 02000000 0100 6e ed010000 05000000',
    'mode 0755 gid 5',
  ],
  [L, { type: 'Rmkdir', tag: 1, qid }, `49 0100 ${q}`, 'qid (0102030405060708 3 d)'],
  [
    L,
    { type: 'Trenameat', tag: 1, fid: 2, name: 'n', dirfid: 3, newname: 'm' },
    '4a 0100 02000000 0100 6e 03000000 0100 6d',
    'dirfid 3 newname m',
  ],
  [L, { type: 'Rrenameat', tag: 1 }, '4b 0100', 'Rrenameat tag 1'],
  [
    L,
    { type: 'Tunlinkat', tag: 1, fid: 2, name: 'n', flags: 0x200 },
    '4c 0100 02000000 0100 6e 00020000',
    'name n flags 512',
  ],
  [L, { type: 'Runlinkat', tag: 1 }, '4d 0100', 'Runlinkat tag 1'],
];

test('every message that only a dialect has has its bytes and its line', () => {
  const linux = typesOf(L).filter((t) => code[t] < 100);
  const tried = new Set(golden.map(([, f]) => f.type));
  assert.deepEqual(
    linux.filter((t) => !tried.has(t)),
    [],
  );
  for (const [dialect, f, hex, line] of golden) {
    const rest = bytes(hex);
    const size = new Uint8Array(4);
    new DataView(size.buffer).setUint32(0, rest.length + 4, true);
    const b = Uint8Array.from([...size, ...rest]);
    assert.deepEqual(Uint8Array.from(encodeFcall(f, dialect)), b, f.type);
    assert.deepEqual(decode(b, 0, b.length, dialect), f, f.type);
    assert.ok(formatBytes(b, 0, b.length, false, dialect).endsWith(line), f.type);
    assert.equal(typeof decode(b, 0, b.length, '9P2000'), 'string', `${f.type} in 9P2000`);
  }
});

test('9P2000.L has no Topen, Tcreate, Tstat, Twstat', () => {
  for (const t of ['Topen', 'Tcreate', 'Tstat', 'Twstat'] as const)
    assert.ok(!typesOf(L).includes(t), t);
  const b = encodeFcall({ type: 'Tstat', tag: 1, fid: 0 });
  assert.equal(decode(b, 0, b.length, L), 'unknown message type 124');
});

// What they do to a tree ------------------------------------------------------------------------

const accounts: Accounts = {
  uid: (name) => (name === 'glenda' ? 1000 : 65534),
  gid: (name) => (name === 'glenda' ? 100 : 65534),
  user: (uid) => (uid === 1000 ? 'glenda' : String(uid)),
  group: (gid) => (gid === 100 ? 'glenda' : String(gid)),
};

function raw(dialect: Dialect): Raw {
  const entries = { hello: 'hello\n', dir: { inner: 'x', other: 'y' }, made: () => 'now\n' };
  const tree = memTree(entries, { owner: 'glenda', writable: true });
  return new Raw(new Server(tree, { accounts })).start(8216, dialect);
}

const walkTo = (r: Raw, newfid: number, ...names: string[]): Rmessage | undefined =>
  r.ask({ type: 'Twalk', fid: 0, newfid, names });

/** The answer's field; the test fails if it is another message. */
function reply<N extends Rmessage['type']>(r: Raw, type: N, f: Untagged) {
  const got = r.ask(f);
  assert.equal(
    got?.type,
    type,
    JSON.stringify(got, (_, v) => (typeof v === 'bigint' ? `${v}` : v)),
  );
  return got as Extract<Rmessage, { type: N }>;
}

function entriesOf(data: Uint8Array): [name: string, next: number, type: number][] {
  const all: [string, number, number][] = [];
  const v = new DataView(data.buffer, data.byteOffset, data.length);
  for (let o = 0; o < data.length; ) {
    const n = v.getUint16(o + 22, true);
    const name = Buffer.from(data.subarray(o + 24, o + 24 + n)).toString();
    all.push([name, Number(v.getBigUint64(o + 13, true)), data[o + 21]!]);
    o += 24 + n;
  }
  return all;
}

const none = {
  mode: 0,
  uid: nouid,
  gid: nouid,
  length: 0n,
  atime: 0n,
  atimens: 0n,
  mtime: 0n,
  mtimens: 0n,
};

describe('9P2000.L on a tree', () => {
  test('open, read, write, truncate', () => {
    const r = raw(L);
    walkTo(r, 1, 'hello');
    reply(r, 'Rlopen', { type: 'Tlopen', fid: 1, flags: 2 | 0x200 | 0x8000 });
    const data = bytes('6869');
    reply(r, 'Rwrite', { type: 'Twrite', fid: 1, offset: 0n, data });
    const read = reply(r, 'Rread', { type: 'Tread', fid: 1, offset: 0n, count: 100 });
    assert.deepEqual(Uint8Array.from(read.data), data);
    assert.equal(r.error({ type: 'Tlopen', fid: 1, flags: 0 }), '22', 'open already');
    walkTo(r, 2, 'hello');
    assert.equal(r.error({ type: 'Tlopen', fid: 2, flags: 3 }), '22');
    assert.equal(r.error({ type: 'Tlopen', fid: 2, flags: 0x10000 }), '20', 'O_DIRECTORY');
    assert.equal(r.error({ type: 'Tread', fid: 2, offset: 0n, count: 1 }), '9');
    assert.equal(r.error({ type: 'Tclunk', fid: 77 }), '9');
    assert.equal(r.error({ type: 'Twalk', fid: 0, newfid: 3, names: ['none'] }), '2');
  });

  test('attributes are those of stat(2)', () => {
    const r = raw(L);
    walkTo(r, 1, 'hello');
    const a = reply(r, 'Rgetattr', { type: 'Tgetattr', fid: 1, mask: 0x3fffn });
    const { valid, mode, uid, gid, nlink, length, blocks } = a;
    assert.deepEqual(
      { valid, mode, uid, gid, nlink, length, blocks },
      { valid: 0x7ffn, mode: 0o100666, uid: 1000, gid: 100, nlink: 1n, length: 6n, blocks: 1n },
    );
    assert.equal(reply(r, 'Rgetattr', { type: 'Tgetattr', fid: 0, mask: 1n }).mode, 0o040777);
  });

  test('setattr changes mode, size and time; never the owner', () => {
    const r = raw(L);
    walkTo(r, 1, 'hello');
    // glenda's file, and she is who attached
    const wanted = { ...none, mode: 0o600, length: 2n, mtime: 99n };
    reply(r, 'Rsetattr', { type: 'Tsetattr', fid: 1, ...wanted, valid: 1 | 8 | 0x120 });
    const a = reply(r, 'Rgetattr', { type: 'Tgetattr', fid: 1, mask: 1n });
    assert.deepEqual([a.mode, a.length, a.mtime], [0o100600, 2n, 99n]);
    const chown = (uid: number) => ({ type: 'Tsetattr' as const, fid: 1, ...none, valid: 2, uid });
    reply(r, 'Rsetattr', chown(1000));
    assert.equal(r.error(chown(0)), '1');
    assert.equal(r.error({ type: 'Tsetattr', fid: 0, ...none, valid: 8 }), '21');
    reply(r, 'Rsetattr', { type: 'Tsetattr', fid: 1, ...none, valid: 0 });
  });

  test('readdir: dots first, goes on at any entry, whole entries only', () => {
    const r = raw(L);
    walkTo(r, 1, 'dir');
    assert.equal(r.error({ type: 'Treaddir', fid: 1, offset: 0n, count: 100 }), '9');
    reply(r, 'Rlopen', { type: 'Tlopen', fid: 1, flags: 0x10000 });
    const read = (offset: bigint, count = 8000) =>
      entriesOf(reply(r, 'Rreaddir', { type: 'Treaddir', fid: 1, offset, count }).data);
    const all: ReturnType<typeof entriesOf> = [
      ['.', 1, 4],
      ['..', 2, 4],
      ['inner', 3, 8],
      ['other', 4, 8],
    ];
    assert.deepEqual(read(0n), all);
    assert.deepEqual(read(2n), all.slice(2));
    assert.deepEqual(read(4n), []);
    assert.deepEqual(read(0n, 25 + 26), all.slice(0, 2));
    assert.deepEqual(read(0n, 10), []);
    assert.equal(r.error({ type: 'Treaddir', fid: 1, offset: 5n, count: 100 }), '22');
    assert.equal(r.error({ type: 'Tread', fid: 1, offset: 0n, count: 100 }), '21');
    walkTo(r, 2, 'hello');
    reply(r, 'Rlopen', { type: 'Tlopen', fid: 2, flags: 0 });
    assert.equal(r.error({ type: 'Treaddir', fid: 2, offset: 0n, count: 100 }), '20');
  });

  test('create, mkdir, rename, unlink', () => {
    const r = raw(L);
    walkTo(r, 1, 'dir');
    reply(r, 'Rlcreate', { type: 'Tlcreate', fid: 1, name: 'n', flags: 1, mode: 0o600, gid: 0 });
    reply(r, 'Rwrite', { type: 'Twrite', fid: 1, offset: 0n, data: bytes('61') });
    walkTo(r, 2, 'dir');
    const create = { type: 'Tlcreate', fid: 2, name: 'n', flags: 1, mode: 0o600, gid: 0 } as const;
    assert.equal(r.error(create), '17');
    assert.equal(r.error({ ...create, name: 'a/b' }), '22');
    assert.equal(reply(r, 'Rmkdir', { ...mkdir, fid: 2 }).qid.type, 0x80);
    assert.equal(r.error({ ...mkdir, fid: 2 }), '17');
    const renameat = { type: 'Trenameat', fid: 2, name: 'n', dirfid: 2, newname: 'm' } as const;
    reply(r, 'Rrenameat', renameat);
    assert.equal(r.error(renameat), '2');
    assert.equal(r.error({ ...renameat, name: 'm', dirfid: 0 }), '18');
    walkTo(r, 3, 'dir', 'm');
    reply(r, 'Rrename', { type: 'Trename', fid: 3, dirfid: 2, name: 'n' });
    assert.equal(r.error({ type: 'Trename', fid: 3, dirfid: 0, name: 'n' }), '18');
    const unlink = { type: 'Tunlinkat', fid: 2, name: 'n', flags: 0 } as const;
    assert.equal(r.error({ ...unlink, flags: 0x200 }), '20');
    assert.equal(r.error({ ...unlink, name: 'd' }), '21');
    assert.equal(r.error({ ...unlink, name: '..' }), '22');
    reply(r, 'Runlinkat', unlink);
    assert.equal(r.error(unlink), '2');
    reply(r, 'Runlinkat', { ...unlink, name: 'd', flags: 0x200 });
    walkTo(r, 4, 'hello');
    assert.equal(r.error({ ...mkdir, fid: 4 }), '20');
  });

  test('what a synthetic tree has not is refused; statfs and fsync are answered', () => {
    const r = raw(L);
    walkTo(r, 1, 'hello');
    const fid = 1;
    const refused: readonly [errno: string, f: Untagged][] = [
      ['22', { type: 'Treadlink', fid }],
      ['1', { type: 'Tsymlink', fid: 0, name: 'n', target: 't', gid: 0 }],
      ['1', { type: 'Tlink', dirfid: 0, fid, name: 'n' }],
      ['1', { type: 'Tmknod', fid: 0, name: 'n', mode: 0o20600, major: 1, minor: 3, gid: 0 }],
      ['95', { type: 'Txattrwalk', fid, newfid: 9, name: 'user.x' }],
      ['95', { type: 'Txattrcreate', fid, name: 'user.x', length: 1n, flags: 0 }],
      ['95', { type: 'Tlock', fid, kind: 0, flags: 0, start: 0n, length: 0n, pid: 1, client: '' }],
      ['95', { type: 'Tgetlock', fid, kind: 0, start: 0n, length: 0n, pid: 1, client: '' }],
    ];
    for (const [errno, f] of refused) assert.equal(r.error(f), errno, f.type);
    assert.equal(reply(r, 'Rstatfs', { type: 'Tstatfs', fid }).fstype, 0x01021997);
    reply(r, 'Rfsync', { type: 'Tfsync', fid, datasync: 0 });
    assert.equal(r.error({ type: 'Tfsync', fid: 9, datasync: 0 }), '9');
  });

  const mkdir = { type: 'Tmkdir', name: 'd', mode: 0o755, gid: 0 } as const;
});

describe('9P2000.u on a tree', () => {
  test('errors and entries have numbers', () => {
    const r = raw(u);
    const e = walkTo(r, 1, 'none');
    assert.deepEqual([e?.type, e?.type === 'Rerror' && e.errno], ['Rerror', 2]);
    walkTo(r, 1, 'hello');
    const { stat } = reply(r, 'Rstat', { type: 'Tstat', fid: 1 });
    assert.deepEqual([stat.nuid, stat.ngid, stat.extension], [1000, 100, '']);
  });

  test('what is no file or directory is not made', () => {
    const r = raw(u);
    const create = { type: 'Tcreate', fid: 0, name: 'n', perm: 0o644, mode: 0 } as const;
    for (const bit of [0x02000000, 0x01000000, 0x00800000, 0x00200000, 0x00100000])
      assert.match(r.error({ ...create, perm: bit | 0o644 }), /special files are not permitted/);
    assert.match(r.error({ ...create, extension: 'target' }), /special files/);
    reply(r, 'Rcreate', create);
  });

  test('append is taken for an open, and a group given by number', () => {
    const r = raw(u);
    walkTo(r, 1, 'hello');
    reply(r, 'Ropen', { type: 'Topen', fid: 1, mode: 1 | 0x80 });
    assert.match(
      raw('9P2000').open('hello', 1).error({ type: 'Topen', fid: 0, mode: 0x80 }),
      /illegal mode/,
    );
  });
});

test('a user may have a number for a name', () => {
  const asked: unknown[] = [];
  const who = (uname: string, _peer: object, _aname: string, uid?: number) => {
    asked.push([uname, uid]);
    return { uname, groups: [], owner: false };
  };
  for (const d of ['9P2000', u, L] as const) {
    const r = new Raw(new Server(memTree({}), { who })).start(8216, d);
    r.ask({ type: 'Tattach', fid: 5, afid: nofid, uname: '', aname: '', uid: 1000 });
  }
  assert.deepEqual(asked, [
    ['glenda', undefined],
    ['', undefined],
    ['glenda', undefined],
    ['', 1000],
    ['glenda', undefined],
    ['', 1000],
  ]);
});
