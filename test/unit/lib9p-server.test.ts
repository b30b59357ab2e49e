/** What the server answers, message by message: section 5 of the manual. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  changeDir,
  decodeDirs,
  file,
  memTree,
  type Node,
  nofid,
  notag,
  type Rmessage,
  Server,
  type ServerOptions,
  type Tmessage,
} from '@9p/lib9p';
import { bytes } from '../kit/index.js';
import { dirOf, flatTree, Raw, settled, type Untagged, Waiting } from './lib9p-kit.js';

const entries = {
  hello: 'hello, world\n',
  secret: file({ read: () => 'x', write: () => undefined }),
  a: { b: { c: { leaf: 'leaf' } } },
  empty: {},
};
const tree = memTree(entries);
const raw = (options?: ServerOptions) => new Raw(new Server(tree, options)).start();
const text = (r: Rmessage | undefined): string =>
  r?.type === 'Rread' ? new TextDecoder().decode(r.data) : `no data: ${r?.type}`;
const walk = (fid: number, newfid: number, ...names: string[]): Untagged => ({
  type: 'Twalk',
  fid,
  newfid,
  names,
});
const read = (fid: number, offset: number | bigint, count: number): Untagged => ({
  type: 'Tread',
  fid,
  offset: BigInt(offset),
  count,
});
const write = (fid: number, s: string): Untagged => ({
  type: 'Twrite',
  fid,
  offset: 0n,
  data: new TextEncoder().encode(s),
});
const version = (msize: number, v = '9P2000'): Tmessage => ({
  type: 'Tversion',
  tag: notag,
  msize,
  version: v,
});

test('version: size and dialect are agreed on, or refused', () => {
  const cases: readonly [msize: number, version: string, answer: string][] = [
    [8216, '9P2000', '8216 9P2000'],
    [256, '9P2000', '256 9P2000'],
    [0xffffffff, '9P2000', '1048576 9P2000'],
    [8216, '9P2000.L', '8216 9P2000.L'],
    [8216, '9P2000.u', '8216 9P2000.u'],
    [8216, '9P2000.e', '8216 9P2000'],
    [8216, '9P2010', '8216 9P2000'],
    [8216, '9P1999', '8216 unknown'],
    [8216, '', '8216 unknown'],
    [255, '9P2000', 'version: message size too small'],
  ];
  for (const [msize, v, answer] of cases) {
    const [r] = new Raw(new Server(tree)).send(version(msize, v));
    const got = r?.type === 'Rversion' ? `${r.msize} ${r.version}` : (r as { ename: string }).ename;
    assert.equal(got, answer, `${msize} ${v}`);
  }
  const small = new Raw(new Server(tree, { limits: { msize: 4096 } }));
  assert.deepEqual(small.send(version(8216)), [
    { type: 'Rversion', tag: notag, msize: 4096, version: '9P2000' },
  ]);
});

test('nothing goes before a version, nor after an unknown one', () => {
  const c = new Raw(new Server(tree));
  const attach: Untagged = { type: 'Tattach', fid: 0, afid: nofid, uname: 'u', aname: '' };
  assert.equal(c.error(attach), 'no version negotiated');
  c.send(version(8216, 'x'));
  assert.equal(c.error(attach), 'no version negotiated');
});

test('a second Tversion clunks and aborts all', async () => {
  const w = new Waiting('w', 2n);
  const c = new Raw(new Server(flatTree([w]))).start().open('w', 1);
  c.ask(read(1, 0, 10));
  assert.equal(c.connection.outstanding, 1);
  assert.deepEqual(c.send(version(8216)).length, 1);
  await settled();
  assert.deepEqual(w.log, ['flushed 0', 'close']);
  assert.equal(c.connection.fids, 0);
  assert.equal(c.replies.length, 3, 'the read that was aborted is not answered');
});

test('attach: who it is, what tree, and no authentication', async () => {
  const who = (uname: string) => {
    if (uname === 'mallory') throw new Error('go away');
    return Promise.resolve({ uname, groups: ['g'], owner: true });
  };
  const c = new Raw(new Server(tree, { who, fault: () => undefined }));
  c.send(version(8216));
  const attach = (fid: number, uname: string, aname = '', afid = nofid): Untagged => ({
    ...{ type: 'Tattach', fid, afid, uname, aname },
  });
  assert.equal(c.error(attach(0, 'mallory')), 'go away');
  assert.equal(c.error(attach(0, 'u', '', 7)), 'unknown fid');
  assert.equal(c.error(attach(nofid, 'u')), 'unknown fid');
  c.ask(attach(0, 'u'));
  c.ask(attach(1, 'u', 'a/b'));
  c.ask(attach(2, 'u', 'nowhere'));
  await settled();
  const got = c.replies.slice(-3).map((r) => (r.type === 'Rerror' ? r.ename : r.type));
  assert.deepEqual(got, ['Rattach', 'Rattach', "no tree 'nowhere'"]);
  assert.equal(c.error(attach(0, 'u')), 'duplicate fid');
  assert.equal(
    c.error({ type: 'Tauth', afid: 9, uname: 'u', aname: '' }),
    'authentication not required',
  );
});

test('walk: whole, partial, not at all', () => {
  const c = raw();
  const steps = (f: Untagged): number | string => {
    const r = c.ask(f);
    return r?.type === 'Rwalk' ? r.qids.length : ((r as { ename?: string }).ename ?? 'no reply');
  };
  assert.equal(steps(walk(0, 1, 'a', 'b', 'c', 'leaf')), 4);
  assert.equal(steps(walk(0, 1)), 'duplicate fid');
  assert.equal(steps(walk(0, 2)), 0);
  assert.equal(steps(walk(0, 3, 'a', 'x', 'c')), 1);
  assert.equal(steps(walk(3, 4)), 'unknown fid', 'a partial walk makes no fid');
  assert.equal(steps(walk(0, 3, 'x')), 'file not found');
  assert.equal(steps(walk(0, 3, 'hello', 'x')), 1);
  assert.equal(steps(walk(1, 3, 'x')), 'walk in non-directory');
  assert.equal(steps(walk(0, 4, 'a', '..', '..', '..', 'a', 'b')), 6, 'the root is its own parent');
  assert.equal(steps(walk(4, 4, '..', 'b', 'c')), 3, 'in place');
  assert.equal(steps(walk(4, 4, 'leaf', 'x')), 1);
  assert.equal(steps(walk(4, 5, 'leaf')), 1, 'a partial walk in place goes nowhere');
  assert.equal(steps(walk(0, nofid)), 'unknown fid');
  c.ask({ type: 'Topen', fid: 5, mode: 0 });
  assert.equal(steps(walk(5, 6)), 'cannot clone open fid');
  assert.equal(c.connection.fids, 5);
});

test('walk: an answer that comes later is as good', async () => {
  const c = new Raw(new Server(flatTree([new Waiting('w', 2n)], true))).start();
  c.ask(walk(0, 1, 'w'));
  c.ask(walk(0, 1));
  c.ask(walk(0, 2, '..', 'x'));
  await settled();
  const got = c.replies.map((r) => (r.type === 'Rerror' ? r.ename : r.type));
  // The second took the number while the first was under way.
  assert.deepEqual(got, ['Rwalk', 'duplicate fid', 'Rwalk']);
});

test('open, read, write: modes, offsets and counts', () => {
  const c = raw();
  for (let i = 1; i <= 4; i++) c.ask(walk(0, i, 'hello'));
  assert.equal(c.error({ type: 'Topen', fid: 1, mode: 1 }), 'permission denied');
  assert.equal(c.error({ type: 'Topen', fid: 1, mode: 4 }), 'illegal mode');
  assert.equal(c.error({ type: 'Topen', fid: 9, mode: 0 }), 'unknown fid');
  assert.equal(c.error(read(1, 0, 10)), 'file not open for reading');
  const r = c.ask({ type: 'Topen', fid: 1, mode: 0 });
  assert.equal(r?.type === 'Ropen' && r.iounit, 8192);
  assert.equal(c.error({ type: 'Topen', fid: 1, mode: 0 }), 'file already open for I/O');
  assert.equal(text(c.ask(read(1, 0, 5))), 'hello');
  assert.equal(text(c.ask(read(1, 7, 100_000))), 'world\n');
  assert.equal(text(c.ask(read(1, 13, 5))), '');
  assert.equal(text(c.ask(read(1, 2n ** 40n, 5))), '');
  assert.equal(c.error(read(1, 2n ** 63n, 5)), 'bad offset');
  assert.equal(c.error(write(1, 'x')), 'file not open for writing');
  c.open('secret', 5, 1);
  assert.equal(c.error(read(5, 0, 1)), 'file not open for reading');
  assert.deepEqual(c.ask(write(5, 'abc')), { type: 'Rwrite', tag: 21, count: 3 });
});

test('a read is cut to what a message holds, whatever was asked for', () => {
  const s = new Server(memTree({ big: new Uint8Array(5000).fill(7) }, { writable: true }));
  const c = new Raw(s).start(1024).open('big', 1, 2);
  const r = c.ask(read(1, 0, 0xffffffff));
  assert.equal(r?.type === 'Rread' && r.data.length, 1000);
  const w = c.ask(write(1, 'x'.repeat(1001)));
  assert.equal(w?.type === 'Rwrite' && w.count, 1000);
});

test('directories: whole entries, from the start or where the last read ended', () => {
  const files = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`file${i}`, '']));
  const c = new Raw(new Server(memTree(files))).start().open('', 1);
  const names: string[] = [];
  let offset = 0;
  for (;;) {
    const r = c.ask(read(1, offset, 300));
    if (r?.type !== 'Rread' || r.data.length === 0) break;
    assert.ok(r.data.length <= 300);
    const dirs = decodeDirs(r.data);
    assert.ok(typeof dirs !== 'string', String(dirs));
    names.push(...dirs.map((d) => d.name));
    offset += r.data.length;
  }
  assert.deepEqual(names, Object.keys(files));
  assert.equal(c.error(read(1, 1, 300)), 'bad offset');
  const none = c.ask(read(1, 0, 10));
  assert.equal(none?.type === 'Rread' && none.data.length, 0);
  assert.equal(c.ask(read(1, 0, 300))?.type, 'Rread');
  assert.equal(c.error(write(1, 'x')), 'file not open for writing');
  c.ask(walk(0, 2));
  assert.equal(c.error({ type: 'Topen', fid: 2, mode: 1 }), 'is a directory');
});

test('directories: an entry that fits in no message is an error', () => {
  const c = new Raw(new Server(memTree({ ['x'.repeat(300)]: '' }))).start(256).open('', 1);
  assert.equal(c.error(read(1, 0, 8192)), 'count too small for a directory entry');
});

test('directories: a file that goes away while it is read is left out', async () => {
  const gone = new Waiting('gone', 2n);
  gone.stat = () => {
    throw new Error('file not found');
  };
  const later: Node = Object.assign(new Waiting('later', 3n), {
    stat: () => Promise.resolve(dirOf('later', { type: 0, vers: 0, path: 3n })),
  });
  const lost: Node = Object.assign(new Waiting('lost', 4n), {
    stat: () => Promise.reject(new Error('file not found')),
  });
  const files = [gone, later, lost, new Waiting('w', 5n)];
  const c = new Raw(new Server(flatTree(files))).start().open('', 1);
  c.ask(read(1, 0, 8192));
  await settled();
  const r = c.replies.at(-1);
  const dirs = decodeDirs(r?.type === 'Rread' ? r.data : new Uint8Array(1));
  assert.deepEqual(typeof dirs === 'string' ? dirs : dirs.map((d) => d.name), ['later', 'w']);
});

test('create, remove, wstat', () => {
  const w = memTree(entries, { writable: true, owner: 'glenda' });
  const c = new Raw(new Server(w)).start();
  const create = (fid: number, name: string, perm = 0o644, mode = 1): Untagged => ({
    ...{ type: 'Tcreate', fid, name, perm, mode },
  });
  c.ask(walk(0, 1));
  for (const name of ['', '.', '..', 'a/b']) assert.equal(c.error(create(1, name)), 'illegal name');
  assert.equal(c.error(create(1, 'hello')), 'file already exists');
  assert.equal(c.error(create(1, 'd', 0x800001ff, 1)), 'is a directory');
  assert.equal(c.ask(create(1, 'new'))?.type, 'Rcreate');
  assert.equal(c.ask(write(1, 'abc'))?.type, 'Rwrite');
  const s = c.ask({ type: 'Tstat', fid: 1 });
  assert.equal(
    s?.type === 'Rstat' && `${s.stat.name} ${s.stat.length}`,
    'new 3',
    'the fid is the new file',
  );
  c.ask(walk(0, 2, 'hello'));
  assert.equal(c.error(create(2, 'x')), 'create in non-directory');
  const wstat = (stat: ReturnType<typeof changeDir>): Untagged => ({
    type: 'Twstat',
    fid: 2,
    stat,
  });
  assert.equal(c.ask(wstat(changeDir({})))?.type, 'Rwstat', 'nothing to change');
  assert.equal(c.error(wstat(changeDir({ name: 'a/b' }))), 'illegal name');
  assert.equal(c.error(wstat(changeDir({ name: 'new' }))), 'file already exists');
  assert.equal(c.error(wstat({ ...changeDir({}), uid: 'x' })), 'wstat cannot change owner');
  assert.equal(
    c.error(wstat(changeDir({ mode: 0x800001ff }))),
    "wstat can't convert between files and directories",
  );
  assert.equal(
    c.ask(wstat({ ...changeDir({ length: 5n }), atime: 5, uid: 'glenda' }))?.type,
    'Rwstat',
  );
  assert.equal(c.ask({ type: 'Tremove', fid: 2 })?.type, 'Rremove');
  assert.equal(c.error({ type: 'Tclunk', fid: 2 }), 'unknown fid');
  assert.equal(c.error({ type: 'Tremove', fid: 0 }), 'cannot remove root');
  assert.equal(c.error(walk(0, 3)), 'unknown fid', 'remove clunks even if it fails');
});

test('each operation is done as who attached', () => {
  const owned = memTree({ a: '', dir: {} }, { writable: true, owner: 'glenda' });
  const c = new Raw(new Server(owned)).start();
  const mallory: Untagged = { type: 'Tattach', fid: 10, afid: nofid, uname: 'mallory', aname: '' };
  c.ask(mallory);
  const wstat = (fid: number): Untagged => ({
    ...{ type: 'Twstat', fid, stat: changeDir({ mode: 0x800001ed }) },
  });
  c.ask(walk(10, 11));
  assert.equal(c.error(wstat(11)), 'not owner');
  c.ask(walk(0, 1));
  assert.equal(c.ask(wstat(1))?.type, 'Rwstat');
  for (const [root, fid, answer] of [
    [10, 20, 'permission denied'],
    [0, 21, 'Rremove'],
  ] as const) {
    c.ask(walk(root, fid, 'a'));
    const r = c.ask({ type: 'Tremove', fid });
    assert.equal(r?.type === 'Rerror' ? r.ename : r?.type, answer);
  }
});

test('ORCLOSE removes the file at the clunk', () => {
  const c = new Raw(new Server(memTree(entries, { writable: true }))).start();
  c.open('hello', 1, 0x40);
  assert.equal(text(c.ask(read(1, 0, 5))), 'hello');
  assert.equal(c.ask({ type: 'Tclunk', fid: 1 })?.type, 'Rclunk');
  assert.equal(c.error(walk(0, 1, 'hello')), 'file not found');
  const f = new Raw(new Server(flatTree([new Waiting('w', 2n)]))).start();
  f.ask(walk(0, 1, 'w'));
  assert.equal(f.error({ type: 'Topen', fid: 1, mode: 0x40 }), 'permission denied');
});

test('what a node throws is the text that the client sees', async () => {
  const faults: unknown[] = [];
  const w = new Waiting('w', 2n);
  const server = new Server(flatTree([w]), { fault: (e) => faults.push(e) });
  const c = new Raw(server).start().open('w', 1, 2);
  const texts: readonly [unknown, string][] = [
    [new Error('plain'), 'plain'],
    ['a string', 'a string'],
    [new Error(''), 'i/o error'],
    [new Error(`${'x'.repeat(126)}é`), 'x'.repeat(126)],
    [new Error('é'.repeat(100)), 'é'.repeat(63)],
    [undefined, 'undefined'],
  ];
  for (const [thrown, seen] of texts) {
    w.write = () => {
      throw thrown;
    };
    assert.equal(c.error(write(1, 'x')), seen);
  }
  w.read = () => Promise.reject(new Error('later'));
  c.ask(read(1, 0, 1));
  await settled();
  assert.deepEqual(c.replies.at(-1), { type: 'Rerror', tag: 10, ename: 'later' });
  assert.equal(faults.length, 7, 'each is told to who looks after the server');
});

test('a node that answers what has no encoding is told of, and no half a message goes out', async () => {
  for (const later of [false, true]) {
    const faults: unknown[] = [];
    const w = new Waiting('w', 2n);
    const answer = (x: unknown) => (later ? Promise.resolve(x) : x) as never;
    w.stat = () => answer({ ...dirOf('x'.repeat(70_000), w.qid) });
    w.read = () => answer(undefined);
    const c = new Raw(new Server(flatTree([w]), { fault: (e) => faults.push(e) }))
      .start()
      .open('w', 1);
    c.ask({ type: 'Tstat', fid: 1 });
    await settled();
    c.ask(read(1, 0, 5));
    await settled();
    w.read = () => answer(new Uint8Array(100));
    c.ask(read(1, 0, 5));
    await settled();
    const got = c.replies.slice(-3).map((r) => (r.type === 'Rread' ? r.data.length : r.type));
    assert.deepEqual(got, ['Rerror', 'Rerror', 5], 'nor more than was asked for');
    assert.equal(faults.length, 2);
  }
});

test('bad bytes: an error where there is a tag, else the end', () => {
  const c = raw();
  const frame = (hex: string): string => {
    const n = c.replies.length;
    c.connection.receive(bytes(hex));
    const r = c.replies[n];
    return r?.type === 'Rerror' ? `${r.tag} ${r.ename}` : (c.connection.ended ?? 'nothing');
  };
  assert.equal(frame('07000000 80 0500'), '5 unknown message type 128');
  assert.equal(frame('07000000 6d 0500'), '5 not a request');
  assert.equal(frame('08000000 78 0500 00'), '5 message too short');
  assert.equal(frame('0c000000 78 0500 00000000 00'), '5 message too long');
  assert.equal(
    frame('18000000 76 0500 00000000 0000000000000000 02000000 00'),
    '5 bad count of a write',
  );
  assert.equal(frame('06000000'), 'message size too small');
  assert.deepEqual(c.events, ['end message size too small']);
  assert.equal(frame('07000000 80 0500'), 'message size too small', 'nothing more is heard');
});

test('limits: fids, requests', async () => {
  const w = new Waiting('w', 2n);
  const server = new Server(flatTree([w]), { limits: { fids: 3, tags: 2 } });
  const c = new Raw(server).start().open('w', 1).open('w', 2);
  assert.equal(c.error(walk(0, 3)), 'too many fids');
  c.ask(read(1, 0, 1));
  c.ask(read(1, 1, 1));
  assert.equal(c.error(read(1, 2, 1)), 'too many requests outstanding');
  assert.deepEqual(c.send({ type: 'Tflush', tag: 99, oldtag: 77 }), [{ type: 'Rflush', tag: 99 }]);
  assert.equal(c.ask({ type: 'Tclunk', fid: 2 })?.type, 'Rclunk');
  w.reads[0]?.give(new Uint8Array(1));
  await settled();
  assert.equal(c.replies.at(-1)?.type, 'Rread');
  assert.equal(c.ask(read(1, 2, 1)), undefined, 'there is room again');
});

test('a batch of requests has one write of replies', async () => {
  const w = new Waiting('w', 2n);
  const c = new Raw(new Server(flatTree([w]))).start().open('w', 1);
  c.writes.length = 0;
  const stat = (tag: number): Tmessage => ({ type: 'Tstat', tag, fid: 0 });
  assert.equal(c.send(stat(1), stat(2), stat(3)).length, 3);
  assert.equal(c.writes.length, 1);
  for (let i = 0; i < 5; i++) c.ask(read(1, i, 1));
  for (const r of w.reads) r.give(new Uint8Array(1));
  await settled();
  assert.equal(c.replies.length, 10);
  assert.equal(c.writes.length, 2, 'and so have the reads that one event ends');
});

test('each batch is one turn, and the end of a connection is one', () => {
  let turns = 0;
  const turn = (work: () => void): void => {
    turns++;
    work();
  };
  const c = new Raw(new Server(tree, { turn })).start().open('hello', 1);
  turns = 0;
  c.send({ type: 'Tstat', tag: 1, fid: 0 }, { type: 'Tstat', tag: 2, fid: 0 });
  assert.equal(turns, 1);
  c.connection.hangup('gone');
  assert.equal(turns, 2);
});

test('a stat that does not fit in a message is an error', () => {
  const w = new Waiting('w'.repeat(300), 2n);
  const c = new Raw(new Server(flatTree([w], false))).start(256);
  c.send(version(8216));
  c.start(8216);
  c.ask(walk(0, 1, w.name));
  assert.equal(c.ask({ type: 'Tstat', fid: 1 })?.type, 'Rstat');
  const d = new Raw(new Server({ attach: () => w })).start(256);
  assert.equal(d.error({ type: 'Tstat', fid: 0 }), 'stat too large for msize');
});

test('a trace has each message, and no secret', () => {
  const lines: string[] = [];
  const key = Object.assign(new Waiting('key', 2n), { secret: true });
  const server = new Server(flatTree([key]));
  const c = new Raw(server).start().open('key', 1, 1);
  server.trace = (line) => lines.push(line);
  c.ask(write(1, 'password'));
  c.ask({ type: 'Tclunk', fid: 1 });
  c.ask(write(1, 'password'));
  server.trace = undefined;
  c.ask({ type: 'Tstat', fid: 0 });
  assert.deepEqual(lines, [
    '<-1- Twrite tag 4 fid 1 offset 0 count 8 (not shown)',
    '-1-> Rwrite tag 4 count 8',
    '<-1- Tclunk tag 5 fid 1',
    '-1-> Rclunk tag 5',
    '<-1- Twrite tag 6 fid 1 offset 0 count 8 (not shown)',
    '-1-> Rerror tag 6 ename unknown fid',
  ]);
});
