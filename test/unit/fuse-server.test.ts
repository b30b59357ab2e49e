/** The FUSE server without a kernel: requests in, replies compared. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type DirChange, FileError, type Node } from '@9p/lib9p';
import { text } from '@9p/packet';
import { Accounts } from '../../srv/fuse/accounts.js';
import { allows } from '../../srv/fuse/attrs.js';
import { parseMountInfo } from '../../srv/fuse/mountinfo.js';
import { errno } from '../../srv/fuse/session.js';
import { opcode } from '../../srv/fuse/wire.js';
import { at32, at64, bodies, Kernel, oneRound, request } from '../fuse/kernel.js';
import { MemDir, memTree, req, TextNode } from '../fuse/tree.js';
import { fuzzIterations, SeededRandom, samples } from '../kit/index.js';

const rdwr = 2;
const nonblock = 0o4000;

test('INIT: versions', () => {
  const cases: readonly [
    why: string,
    major: number,
    minor: number,
    errno: number,
    minor: number,
  ][] = [
    ['newer minor', 7, 45, 0, 38],
    ['older minor', 7, 31, 0, 31],
    ['too old', 7, 22, errno.EPROTO, 0],
    ['older major', 6, 99, errno.EPROTO, 0],
    ['newer major: told ours', 8, 0, 0, 0],
  ];
  for (const [why, major, minor, error, told] of cases) {
    let greeted: string | undefined | null = null;
    const k = new Kernel(memTree(), { oninit: (refused) => void (greeted = refused) });
    const r = k.call(opcode.init, bodies.init(minor, major));
    assert.equal(r.errno, error, why);
    if (error !== 0) {
      assert.match(String(greeted), /too old/);
      continue;
    }
    assert.deepEqual([at32(r.body, 0), at32(r.body, 4)], [7, told], why);
    assert.equal(greeted, major > 7 ? null : undefined, why);
  }
});

test('INIT asks for no flag that the kernel has not', () => {
  const k = new Kernel();
  const b = bodies.init();
  b.fill(0, 12, 16);
  assert.equal(at32(k.call(opcode.init, b).body, 12), 0);
});

test('a look-up finds the same inode until it is forgotten', () => {
  const k = new Kernel();
  const first = k.walk('ppp');
  assert.equal(k.walk('ppp'), first);
  k.send(opcode.forget, bodies.forget(1), { node: first });
  assert.equal(k.walk('ppp'), first, 'held once still, and now twice');
  k.send(opcode.forget, bodies.forget(2), { node: first });
  assert.notEqual(k.walk('ppp'), first);
  assert.equal(k.call(opcode.getattr, bodies.getattr(), { node: first }).errno, errno.ESTALE);
  assert.equal(k.replies.length, 0, 'FORGET has no reply');
});

test('a batch of forgets, and more than there were', () => {
  const k = new Kernel();
  const nodes = [k.walk('ppp'), k.walk('tick')];
  const before = k.server.session.inodes.size;
  k.send(opcode.batchForget, bodies.batchForget(...nodes, 99999, 1), { node: 0 });
  assert.equal(k.server.session.inodes.size, before - 2);
  assert.equal(k.call(opcode.getattr, bodies.getattr()).errno, 0, 'the root cannot be forgotten');
});

test('a slow node: a nodeid each time, the same ino, and its name is not remembered', () => {
  const k = new Kernel();
  const node = k.walk('ppp/0');
  const look = (name: string) => k.call(opcode.lookup, bodies.name(name), { node }).body;
  const [a, b, status] = [look('ctl'), look('ctl'), look('status')];
  assert.notEqual(at64(a, 0), at64(b, 0));
  assert.equal(at64(a, 40), at64(b, 40), 'ino');
  assert.equal(at64(a, 16), 0, 'entry_valid');
  assert.equal(at64(status, 16), 1);
  const before = k.server.session.inodes.size;
  k.send(opcode.forget, bodies.forget(1), { node: at64(a, 0) });
  assert.equal(k.server.session.inodes.size, before - 1);
});

test('look-ups that fail', () => {
  const k = new Kernel();
  const look = (node: number, name: string) =>
    k.call(opcode.lookup, bodies.name(name), { node }).errno;
  assert.equal(look(1, 'nothing'), errno.ENOENT);
  assert.equal(look(k.walk('tick'), 'x'), errno.ENOTDIR);
  assert.equal(look(4711, 'ppp'), errno.ESTALE);
});

test('attributes: type, mode, owner, times', () => {
  const k = new Kernel();
  const status = k.mem.conversation.files.get('status') as TextNode;
  status.uid = 'glenda';
  status.gid = 'slashnet';
  const attr = (path: string) => {
    const r = k.call(opcode.getattr, bodies.getattr(), { node: k.walk(path) });
    const b = r.body.subarray(16);
    return { mode: at32(b, 60), uid: at32(b, 68), gid: at32(b, 72), mtime: at64(b, 32) };
  };
  const mtime = 1_000_000_000;
  assert.deepEqual(attr('ppp/0/status'), { mode: 0o100444, uid: 1000, gid: 990, mtime });
  status.uid = 'stranger';
  status.gid = '4711';
  assert.deepEqual(attr('ppp/0/status'), { mode: 0o100444, uid: 65534, gid: 4711, mtime });
  assert.equal(attr('').mode, 0o040755);
});

test('a qid.path of 0 is a number all the same, or readdir(3) would skip the file', () => {
  const k = new Kernel();
  const zero = Object.assign(new TextNode('zero', () => ''), {
    qid: { type: 0, vers: 0, path: 0n },
  });
  k.mem.root.add(zero);
  const fh = at64(k.call(opcode.opendir, bodies.open(0)).body, 0);
  const listed = k.call(opcode.readdir, bodies.read(fh, 8192)).body;
  const attr = k.call(opcode.getattr, bodies.getattr(), { node: k.walk('zero') }).body;
  const last = listed.subarray(listed.length - 32);
  assert.equal(text(last.subarray(24, 28)), 'zero');
  assert.deepEqual([at64(last, 0), at64(attr, 16)], [2 ** 63, 2 ** 63]);
});

test('SETATTR: what is changed, and what cannot be', () => {
  const k = new Kernel();
  const ctl = k.mem.ctl;
  const node = k.walk('ppp/0/ctl');
  const set = (valid: number, v: Parameters<typeof bodies.setattr>[1]) =>
    k.call(opcode.setattr, bodies.setattr(valid, v), { node }).errno;
  assert.equal(set(8, { size: 0 }), 0);
  assert.equal(set(1 | 4 | 32, { mode: 0o100620, gid: 990, mtime: 5 }), 0);
  assert.equal(set(16 | 128, {}), 0, 'a time of access alone: nothing to do');
  assert.equal(set(2, { uid: 0 }), 0, 'the owner that it has');
  assert.equal(set(2, { uid: 1000 }), errno.EPERM);
  ctl.mode = 0x60000000 + 0o620;
  assert.equal(set(1, { mode: 0o100600 }), 0, 'append-only and exclusive it stays');
  assert.deepEqual(ctl.changes, [
    { length: 0n },
    { mode: 0o620, gid: 'slashnet', mtime: 5 },
    { mode: 0x60000000 + 0o600 },
  ]);
});

test('text is read in pieces; O_NONBLOCK changes nothing there', () => {
  const k = new Kernel();
  const fh = k.open('ppp/0/status');
  const read = (n: number, o: number) =>
    text(k.call(opcode.read, bodies.read(fh, n, o, nonblock)).body);
  assert.equal(read(4096, 0), 'Connected mtu 1492\n');
  assert.equal(read(9, 0), 'Connected');
  assert.equal(read(4096, 9), ' mtu 1492\n');
  assert.equal(read(4096, 4096), '');
  const status = k.mem.conversation.files.get('status') as TextNode;
  assert.equal(status.opens, 1);
  assert.equal(k.call(opcode.release, bodies.release(fh)).errno, 0);
  assert.equal(status.opens, 0);
  assert.equal(k.call(opcode.read, bodies.read(fh, 1)).errno, errno.EBADF);
});

test('how files are opened', () => {
  const k = new Kernel();
  const flags = (path: string, mode: number) =>
    at32(k.call(opcode.open, bodies.open(mode), { node: k.walk(path) }).body, 8);
  assert.equal(flags('ppp/0/status', 0), 0x41, 'direct, parallel writes');
  assert.equal(flags('ppp/0/data', rdwr), 0x55, 'and a stream, without seeks');
  const open = (path: string, mode: number, uid = 0) =>
    k.call(opcode.open, bodies.open(mode), { node: k.walk(path), uid }).errno;
  assert.equal(open('ppp', 0), errno.EISDIR);
  assert.equal(open('ppp/0/status', 3), errno.EINVAL);
  assert.equal(open('ppp/0/status', 1), errno.EACCES);
  assert.equal(open('ppp/0/secret', 0), 0);
  assert.equal(open('ppp/0/secret', 0, 1000), errno.EACCES, 'glenda');
});

test('a blocked read ends with data, and is answered once', async () => {
  const k = new Kernel();
  const fh = k.open('ppp/0/event');
  const unique = k.send(opcode.read, bodies.read(fh, 4096));
  await oneRound();
  assert.equal(k.reply(unique), undefined);
  assert.equal(k.server.session.waiting, 1);
  k.mem.event.put('Opened\n');
  await oneRound();
  assert.equal(text(k.reply(unique)?.body ?? new Uint8Array()), 'Opened\n');
  k.send(opcode.interrupt, bodies.interrupt(unique));
  await oneRound();
  assert.equal(k.replies.length, 0, 'an interrupt that came too late');
  assert.equal(k.server.session.waiting, 0);
});

test('O_NONBLOCK: EAGAIN while there is nothing', () => {
  const k = new Kernel();
  const fh = k.open('ppp/0/event');
  const read = () => k.call(opcode.read, bodies.read(fh, 4096, 0, nonblock));
  assert.equal(read().errno, errno.EAGAIN);
  k.mem.event.put('Opened\n');
  assert.equal(text(read().body), 'Opened\n');
  assert.equal(read().errno, errno.EAGAIN);
});

test('an interrupted read: EINTR once, and the next record goes to another', async () => {
  const k = new Kernel();
  const fh = k.open('ppp/0/event');
  const first = k.send(opcode.read, bodies.read(fh, 4096));
  const second = k.send(opcode.read, bodies.read(fh, 4096));
  k.send(opcode.interrupt, bodies.interrupt(first));
  k.send(opcode.interrupt, bodies.interrupt(first));
  await oneRound();
  assert.equal(k.reply(first)?.errno, errno.EINTR);
  k.mem.event.put('x\n');
  await oneRound();
  assert.equal(text(k.reply(second)?.body ?? new Uint8Array()), 'x\n');
  await oneRound();
  assert.equal(k.replies.length, 0);
});

test('an interrupt of an operation that does not listen is answered all the same', async () => {
  let finish: (n: number) => void = () => {};
  const mem = memTree();
  const stuck = new TextNode('stuck', () => '', 0o666);
  const { open } = stuck;
  stuck.open = (mode, r) =>
    Object.assign(open.call(stuck, mode, r), {
      write: () => new Promise<number>((resolve) => void (finish = resolve)),
    });
  mem.root.add(stuck);
  const k = new Kernel(mem);
  const fh = k.open('stuck', 1);
  const unique = k.send(opcode.write, bodies.write(fh, 'x'));
  k.send(opcode.interrupt, bodies.interrupt(unique));
  await oneRound();
  assert.equal(k.reply(unique)?.errno, errno.EINTR);
  finish(1);
  await oneRound();
  assert.equal(k.replies.length, 0, 'the late result is nobody’s');
});

test('an open that comes after its caller has gone is closed', async () => {
  let finish: () => void = () => {};
  const mem = memTree();
  const late = new TextNode('late', () => '');
  const { open } = late;
  late.open = ((mode: number, r: ReturnType<typeof req>) =>
    new Promise((resolve) => {
      finish = () => resolve(open.call(late, mode, r));
    })) as unknown as typeof open;
  mem.root.add(late);
  const k = new Kernel(mem);
  const unique = k.send(opcode.open, bodies.open(0), { node: k.walk('late') });
  k.send(opcode.interrupt, bodies.interrupt(unique));
  await oneRound();
  assert.equal(k.reply(unique)?.errno, errno.EINTR);
  finish();
  await oneRound();
  assert.equal(late.opens, 0);
  assert.equal(k.server.session.handles.size, 0);
});

test('hangup is served while connect waits on another open of ctl', async () => {
  const k = new Kernel();
  const [a, b] = [k.open('ppp/0/ctl', 1), k.open('ppp/0/ctl', 1)];
  const connect = k.send(opcode.write, bodies.write(a, 'connect\n'));
  await oneRound();
  assert.equal(k.reply(connect), undefined);
  assert.equal(k.call(opcode.write, bodies.write(b, 'hangup\n')).errno, 0);
  await oneRound();
  assert.equal(k.reply(connect)?.errno, 32, 'hung up is EPIPE');
});

test('errors: the errno of the text, EIO for a bug of ours', () => {
  const bugs: unknown[] = [];
  const k = new Kernel(memTree(), { bug: (e) => bugs.push(e) });
  const fh = k.open('ppp/0/ctl', 1);
  const write = (s: string) => k.call(opcode.write, bodies.write(fh, s)).errno;
  assert.equal(write('fail connection in use'), 16);
  assert.equal(write('fail no answer from the peer'), 110);
  assert.equal(write('fail whatever'), errno.EINVAL);
  assert.equal(bugs.length, 0);
  assert.equal(write('bug'), errno.EIO);
  assert.equal(bugs.length, 1);
  assert.equal(k.call(opcode.write, bodies.write(k.open('ppp/0/ctl'), 'x')).errno, errno.EBADF);
});

test('poll: what is ready, and a notification once for each asking', () => {
  const k = new Kernel();
  const fh = k.open('ppp/0/data', rdwr);
  const poll = (notify: boolean) => at32(k.call(opcode.poll, bodies.poll(fh, 12, notify)).body, 0);
  assert.equal(poll(true), 0x104, 'writable');
  assert.equal(k.replies.length, 0);
  k.call(opcode.write, bodies.write(fh, 'packet'));
  const [note, ...more] = k.replies.splice(0);
  assert.deepEqual(more, []);
  assert.deepEqual([note?.unique, note?.errno], [0, -1], 'FUSE_NOTIFY_POLL');
  assert.equal(at64(note?.body ?? new Uint8Array(8), 0), 12, 'kh');
  k.call(opcode.write, bodies.write(fh, 'packet'));
  assert.equal(k.replies.length, 0, 'not asked again');
  assert.equal(poll(false), 0x145, 'readable too');
});

const names = (b: Uint8Array): string[] => {
  const all: string[] = [];
  for (let o = 0; o < b.length; ) {
    const n = at32(b, o + 16);
    all.push(text(b.subarray(o + 24, o + 24 + n)));
    o += (24 + n + 7) & ~7;
  }
  return all;
};

test('a listing, whole and in pieces of any size, and again from the start', () => {
  const k = new Kernel();
  const node = k.walk('ppp/0');
  const opened = k.call(opcode.opendir, bodies.open(0), { node });
  const fh = at64(opened.body, 0);
  const want = ['.', '..', ...k.mem.conversation.files.keys()];
  const read = (size: number, o: number) =>
    k.call(opcode.readdir, bodies.read(fh, size, o), { node }).body;
  assert.deepEqual(names(read(8192, 0)), want);
  for (const size of [32, 40, 100, 333]) {
    const got: string[] = [];
    for (let part = names(read(size, 0)); part.length > 0; part = names(read(size, got.length)))
      got.push(...part);
    assert.deepEqual(got, want, `pieces of ${size}`);
  }
  k.mem.conversation.add(new TextNode('later', () => ''));
  assert.equal(names(read(8192, 2)).includes('later'), false, 'as of its opening');
  assert.equal(names(read(8192, 0)).includes('later'), true, 'after rewinddir');
  assert.equal(k.call(opcode.opendir, bodies.open(0), { node: k.walk('tick') }).errno, 20);
  assert.equal(k.call(opcode.readdir, bodies.read(99, 1)).errno, errno.EBADF);
});

/** Entries of READDIRPLUS: a name, and its nodeid, ino and mode. */
function plus(b: Uint8Array): [name: string, nodeid: number, ino: number, mode: number][] {
  const all: [string, number, number, number][] = [];
  for (let o = 0; o < b.length; ) {
    const n = at32(b, o + 128 + 16);
    const name = text(b.subarray(o + 128 + 24, o + 128 + 24 + n));
    all.push([name, at64(b, o), at64(b, o + 40), at32(b, o + 40 + 60)]);
    o += (128 + 24 + n + 7) & ~7;
  }
  return all;
}

test('readdirplus: attributes and inodes of what is listed, each counted as a look-up', async () => {
  for (const slowly of [false, true]) {
    const k = new Kernel();
    const gone = new TextNode('gone', () => '');
    gone.stat = () => {
      throw new FileError('file not found');
    };
    k.mem.conversation.add(gone);
    const status = k.mem.conversation.files.get('status') as TextNode;
    const dir = await status.stat();
    if (slowly) status.stat = () => Promise.resolve(dir);
    const node = k.walk('ppp/0');
    const fh = at64(k.call(opcode.opendir, bodies.open(0), { node }).body, 0);
    const unique = k.send(opcode.readdirplus, bodies.read(fh, 8192), { node });
    await oneRound();
    const all = plus(k.reply(unique)?.body ?? new Uint8Array());
    assert.deepEqual(
      all.map(([name]) => name),
      ['.', '..', ...k.mem.conversation.files.keys()],
    );
    status.stat = () => dir;
    const of = (name: string) => all.find((e) => e[0] === name)?.slice(1);
    for (const name of ['.', '..', 'ctl', 'gone'])
      assert.deepEqual(of(name), [0, 0, 0], `${name}: the kernel looks it up itself`);
    const inode = k.walk('ppp/0/status');
    assert.deepEqual(of('status'), [inode, Number(dir.qid.path), 0o100444]);
    k.send(opcode.forget, bodies.forget(1), { node: inode });
    assert.equal(k.walk('ppp/0/status'), inode, 'looked up twice, forgotten once');
  }
});

test('readdirplus goes on where it stopped, and rewinds', () => {
  const k = new Kernel();
  const node = k.walk('ppp/0');
  const fh = at64(k.call(opcode.opendir, bodies.open(0), { node }).body, 0);
  const read = (offset: number) =>
    plus(k.call(opcode.readdirplus, bodies.read(fh, 500, offset), { node }).body).map((e) => e[0]);
  const got: string[] = [];
  for (let part = read(0); part.length > 0; part = read(got.length)) got.push(...part);
  assert.deepEqual(got, ['.', '..', ...k.mem.conversation.files.keys()]);
  k.mem.conversation.add(new TextNode('later', () => ''));
  read(0);
  assert.deepEqual(read(got.length), ['later']);
});

test('a name that means another file by now: ESTALE, upon which the kernel looks again', () => {
  const k = new Kernel();
  const node = k.walk('ppp/0/status');
  const old = k.mem.conversation.files.get('status') as TextNode;
  old.open = () => {
    throw new FileError('file not found');
  };
  const open = () => k.call(opcode.open, bodies.open(0), { node }).errno;
  assert.equal(open(), errno.ENOENT, 'the name is this file still');
  k.mem.conversation.add(new TextNode('status', () => 'new\n'));
  assert.equal(open(), errno.ESTALE);
  k.mem.conversation.files.delete('status');
  assert.equal(open(), errno.ESTALE);
});

test('what a synthetic tree has not is not permitted; what nobody has is not implemented', () => {
  const k = new Kernel();
  const call = (op: number, body: Uint8Array) => k.call(op, body).errno;
  assert.equal(call(opcode.create, bodies.create('new')), errno.EPERM);
  assert.equal(call(opcode.mkdir, bodies.mkdir('new')), errno.EPERM);
  assert.equal(call(opcode.unlink, bodies.name('tick')), errno.EPERM);
  assert.equal(call(opcode.rename, bodies.rename(1, 'tick', 'tock')), errno.EPERM);
  assert.equal(call(opcode.rename2, bodies.rename2(99, 'tick', 'tock')), errno.EPERM);
  assert.equal(call(opcode.ioctl, new Uint8Array(32)), errno.ENOTTY);
  assert.equal(call(opcode.getxattr, new Uint8Array(8)), errno.ENOSYS);
  assert.equal(call(9999, new Uint8Array(0)), errno.ENOSYS);
  assert.equal(call(opcode.statfs, new Uint8Array(0)), 0);
});

/** A directory where files are made, renamed and removed. */
class WorkDir extends MemDir {
  create(name: string) {
    const file = new TextNode(name, () => 'made\n', 0o666);
    const remove = () => void this.files.delete(file.name);
    const wstat = (change: DirChange): void => {
      remove();
      Object.assign(file, { name: change.name });
      this.add(file);
    };
    this.add(Object.assign(file, { remove, wstat }) as Node);
    return file.open(1, req());
  }
}
function withWorkDir(): [Kernel, node: number] {
  const mem = memTree();
  mem.root.add(new WorkDir('d'));
  const k = new Kernel(mem);
  return [k, k.walk('d')];
}

test('a tree that can create and remove', () => {
  const [k, node] = withWorkDir();
  const made = k.call(opcode.create, bodies.create('x'), { node });
  assert.equal(made.errno, 0);
  assert.equal(made.body.length, 128 + 16);
  assert.equal(at64(made.body, 0), k.walk('d/x'));
  assert.equal(k.call(opcode.unlink, bodies.name('x'), { node }).errno, 0);
  assert.equal(k.call(opcode.lookup, bodies.name('x'), { node }).errno, errno.ENOENT);
});

test('rename: within a directory, as 9P has it, and the inode goes along', () => {
  const [k, node] = withWorkDir();
  k.call(opcode.create, bodies.create('x'), { node });
  const inode = k.walk('d/x');
  const rename = (to: number, flags = 0) =>
    k.call(opcode.rename2, bodies.rename2(to, 'x', 'y', flags), { node }).errno;
  assert.equal(rename(1), errno.EXDEV, 'mv then copies');
  const exchange = 2;
  assert.equal(rename(node, exchange), errno.EINVAL);
  const noreplace = 1;
  assert.equal(rename(node, noreplace), 0);
  assert.equal(k.walk('d/y'), inode);
  assert.equal(k.call(opcode.lookup, bodies.name('x'), { node }).errno, errno.ENOENT);
  assert.equal(rename(node), errno.ENOENT, 'there is no x any more');
});

test('access by the three sets of bits', async () => {
  const dir = await new TextNode('x', () => '', 0o640).stat();
  const d = { ...dir, uid: 'glenda', gid: 'slashnet' };
  const who = (uname: string, ...groups: string[]) => ({ uname, groups, owner: false });
  assert.equal(allows(d, who('glenda'), 6), true);
  assert.equal(allows(d, who('rob', 'slashnet'), 4), true);
  assert.equal(allows(d, who('rob', 'slashnet'), 2), false);
  assert.equal(allows(d, who('rob'), 4), false);
  assert.equal(allows(d, { ...who('rob'), owner: true }, 7), true);
});

test('accounts: names, numbers, groups, and a system without files', () => {
  const files = {
    passwd: () => 'root:x:0:0:::\nglenda:x:1000:1000:::\nbad line\n::\n',
    group: () => 'users:x:1000:\nslashnet:x:990:rob,glenda\n',
  };
  const a = new Accounts(1000, files);
  assert.deepEqual(a.who(1000, 1000), {
    uname: 'glenda',
    groups: ['users', 'slashnet'],
    owner: true,
  });
  assert.deepEqual(a.who(7, 8), { uname: '7', groups: ['8'], owner: false });
  assert.deepEqual(
    [a.uid('glenda'), a.uid('nobody here'), a.uid('12'), a.gid('slashnet')],
    [1000, 65534, 12, 990],
  );
  const none = new Accounts(5, { passwd: () => '', group: () => '' });
  assert.deepEqual(none.who(0, 0), { uname: '0', groups: ['0'], owner: true });
});

test('the session ends: what waits is undone, what is open is closed, nothing more is sent', async () => {
  const k = new Kernel();
  k.send(opcode.read, bodies.read(k.open('ppp/0/event'), 10));
  k.send(opcode.write, bodies.write(k.open('ppp/0/ctl', 1), 'connect'));
  k.open('ppp/0/status');
  await oneRound();
  k.server.session.close();
  await oneRound();
  assert.equal(k.replies.length, 0);
  assert.equal(k.mem.ctl.connecting, false);
  assert.equal(k.mem.event.readers.size, 0);
  assert.equal(k.server.session.handles.size, 0);
});

test('mountinfo', () => {
  const text = `22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
36 22 0:41 / /mnt/a\\040b rw,nosuid,nodev - fuse.slashnet slashnet rw,user_id=0
nonsense`;
  assert.deepEqual(parseMountInfo(text), [
    { id: 22, dev: '254:0', dir: '/', type: 'ext4', source: '/dev/vda' },
    { id: 36, dev: '0:41', dir: '/mnt/a b', type: 'fuse.slashnet', source: 'slashnet' },
  ]);
});

/** Every request that wants one has one reply, whatever it says; nothing
 *  is thrown, and all ends closed. */
test('any requests', async () => {
  const noReply = new Set<number>([opcode.forget, opcode.batchForget, opcode.interrupt]);
  const corpus = [
    ...['ppp', 'tick', '0'].map((n) => request(opcode.lookup, bodies.name(n))),
    ...[1, 2, 3, 4].map((node) => request(opcode.open, bodies.open(2), { node })),
    ...[1, 2, 3].map((fh) => request(opcode.read, bodies.read(fh, 64))),
    ...['connect', 'hangup', 'fail x'].map((s) => request(opcode.write, bodies.write(1, s))),
    ...[1, 2].map((node) => request(opcode.opendir, bodies.open(0), { node })),
    request(opcode.readdir, bodies.read(1, 512)),
    request(opcode.poll, bodies.poll(1, 1, true)),
    request(opcode.release, bodies.release(1)),
    request(opcode.setattr, bodies.setattr(63, {}), { node: 2 }),
    request(opcode.create, bodies.create('x')),
    request(opcode.rename, bodies.rename(1, 'a', 'b')),
  ];
  const k = new Kernel(memTree(), { bug: () => {} });
  const r = new SeededRandom(5);
  let unique = 2;
  for (const b of samples(7, fuzzIterations(), corpus)) {
    if (b.length >= 40 && r.chance(95)) {
      const d = new DataView(b.buffer, b.byteOffset, b.length);
      d.setUint32(0, b.length, true);
      d.setBigUint64(8, BigInt((unique += 2)), true);
      d.setBigUint64(16, BigInt(r.below(12)), true);
      b.fill(0, 36, 38);
    }
    const whole = b.length >= 40 && at32(b, 0) === b.length && at64(b, 8) === unique;
    k.server.request(b, 0, b.length);
    if (!whole || noReply.has(at32(b, 4))) continue;
    if (k.server.session.waiting > 0) {
      const i = request(opcode.interrupt, bodies.interrupt(unique), { unique: unique + 1 });
      k.server.request(i, 0, i.length);
    }
    if (k.reply(unique) === undefined) {
      await oneRound();
      assert.ok(k.reply(unique), `no reply to ${unique}: opcode ${at32(b, 4)}`);
    }
    k.replies.length = 0;
  }
  k.server.session.close();
  assert.equal(k.server.session.handles.size, 0);
});
