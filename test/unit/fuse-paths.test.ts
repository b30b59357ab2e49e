/** The tree by paths, as fuse-native has it, with a clock of the test's: waits end, verbs go on. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { text } from '@9p/packet';
import { Accounts } from '../../srv/fuse/accounts.js';
import { Paths, wait_ms } from '../../srv/fuse/paths.js';
import { oneRound } from '../fuse/kernel.js';
import { memTree, req, type TextNode } from '../fuse/tree.js';
import { VirtualClock } from '../kit/index.js';

const wronly = 1;
const EINTR = -4;
const EBADF = -9;
const EIO = -5;
const EINPROGRESS = -115;

function setup() {
  const mem = memTree();
  const clock = new VirtualClock();
  const bugs: unknown[] = [];
  const paths = new Paths({
    root: mem.root,
    accounts: new Accounts(0, { passwd: () => 'root:x:0:0::', group: () => 'root:x:0:' }),
    who: req().who,
    clock,
    bug: (e) => bugs.push(e),
  });
  /** What comes of it, as fuse-native is told; undefined while it waits. */
  const call = (work: () => ReturnType<Paths['open']> | void) => {
    const told: number[] = [];
    paths.answer(
      work,
      (n) => told.push(n ?? 0),
      (n) => told.push(n),
    );
    return told;
  };
  const open = (path: string, flags = 0) => call(() => paths.open(path, flags))[0] as number;
  return { mem, clock, paths, call, open, bugs };
}

test('attributes, names, and text at once', async () => {
  const { paths, call, open } = setup();
  const attr = await paths.attr('/ppp/0/status');
  assert.deepEqual([attr.mode, attr.size, attr.uid], [0o100444, 0n, 0]);
  assert.deepEqual(await paths.names('/'), ['.', '..', 'ppp', 'tick']);
  assert.equal(open('/nothing'), -2);
  assert.equal(open('/ppp'), -21);
  const fd = open('/ppp/0/status');
  const b = Buffer.alloc(64, 0xa5);
  assert.deepEqual(
    call(() => paths.read(fd, b, 9, 0)),
    [9],
  );
  assert.equal(text(b.subarray(0, 10)), 'Connected\ufffd', 'and no byte more');
  paths.release(fd);
  assert.deepEqual(
    call(() => paths.read(fd, b, 9, 0)),
    [EBADF],
  );
});

test('a read that waits ends after two seconds with EINTR, and takes no record', async () => {
  const { mem, clock, paths, call, open } = setup();
  const fd = open('/ppp/0/event');
  const b = Buffer.alloc(64);
  const first = call(() => paths.read(fd, b, 64, 0));
  await clock.run(wait_ms - 1);
  assert.deepEqual(first, []);
  await clock.run(1);
  assert.deepEqual(first, [EINTR]);
  mem.event.put('Opened\n');
  assert.deepEqual(
    call(() => paths.read(fd, b, 64, 0)),
    [7],
  );
  assert.equal(paths.waiting, 0);
  assert.equal(clock.pending, 0);
});

test('a verb that waits is EINPROGRESS after two seconds, and goes on', async () => {
  const { mem, clock, paths, call, open } = setup();
  const [a, b] = [open('/ppp/0/ctl', wronly), open('/ppp/0/ctl', wronly)];
  const connect = call(() => paths.write(a, Buffer.from('connect'), 7, 0));
  await clock.run(wait_ms);
  assert.deepEqual(connect, [EINPROGRESS]);
  assert.equal(mem.ctl.connecting, true);
  assert.equal(paths.waiting, 1);
  assert.deepEqual(
    call(() => paths.write(b, Buffer.from('hangup'), 6, 0)),
    [6],
  );
  await oneRound();
  assert.equal(paths.waiting, 0);
  assert.deepEqual(connect, [EINPROGRESS], 'told once');
});

test('errors: the errno of the text; of a bug EIO', async () => {
  const { paths, call, open, bugs } = setup();
  const fd = open('/ppp/0/ctl', wronly);
  const write = (s: string) => call(() => paths.write(fd, Buffer.from(s), s.length, 0))[0];
  assert.equal(write('fail connection in use'), -16);
  assert.equal(bugs.length, 0);
  assert.equal(write('bug'), EIO);
  assert.equal(bugs.length, 1);
});

test('the end: what waits is undone, what is open is closed', async () => {
  const { mem, paths, call, open } = setup();
  const read = call(() => paths.read(open('/ppp/0/event'), Buffer.alloc(9), 9, 0));
  open('/ppp/0/status');
  paths.close();
  await oneRound();
  assert.deepEqual(read, [EINTR]);
  assert.equal(mem.event.readers.size, 0);
  assert.equal((mem.conversation.files.get('status') as TextNode).opens, 0);
});
