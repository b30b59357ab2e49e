/** What ends before its time: Tflush, clunks of what waits, clients that do not read or go away. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { memTree, type Node, type OpenFile, type Rmessage, Server, type Tmessage } from '@9p/lib9p';
import { flatTree, Raw, settled, Waiting } from './lib9p-kit.js';

const read = (tag: number, fid: number, offset = tag, count = 10): Tmessage => ({
  type: 'Tread',
  tag,
  fid,
  offset: BigInt(offset),
  count,
});
const flush = (tag: number, oldtag: number): Tmessage => ({ type: 'Tflush', tag, oldtag });
const clunk = (tag: number, fid: number): Tmessage => ({ type: 'Tclunk', tag, fid });
const brief = (r: Rmessage): string =>
  `${r.type} ${r.tag}${r.type === 'Rerror' ? ` ${r.ename}` : ''}`;

function waiting(undoes = true): { c: Raw; w: Waiting } {
  const w = new Waiting('w', 2n, undoes);
  return { c: new Raw(new Server(flatTree([w]))).start().open('w', 1), w };
}

function told(c: Raw): string[] {
  return c.replies.splice(0).map(brief);
}

test('a flushed read is undone, and only the flush is answered', async () => {
  const { c, w } = waiting();
  told(c);
  c.send(read(50, 1), flush(51, 50));
  assert.deepEqual(told(c), [], 'not before the holder has let go');
  await settled();
  assert.deepEqual(told(c), ['Rflush 51']);
  assert.deepEqual(w.log, ['flushed 50']);
  assert.equal(w.reads[0]?.req.flushed, true);
  c.send(read(50, 1));
  w.reads[1]?.give(new Uint8Array(1));
  await settled();
  assert.deepEqual(told(c), ['Rread 50'], 'the tag is free again');
});

test('data that came before the flush are given first', async () => {
  const { c, w } = waiting();
  told(c);
  c.send(read(50, 1));
  w.reads[0]?.give(new Uint8Array(3));
  c.send(flush(51, 50));
  await settled();
  assert.deepEqual(told(c), ['Rread 50', 'Rflush 51']);
});

test('several flushes are answered in order, flushes of flushes too', async () => {
  const { c } = waiting();
  told(c);
  c.send(read(50, 1), flush(51, 50), flush(52, 50), flush(53, 51), flush(54, 99), flush(55, 55));
  assert.deepEqual(told(c), ['Rflush 54', 'Rflush 55'], 'there is nothing to wait for');
  await settled();
  assert.deepEqual(told(c), ['Rflush 51', 'Rflush 52', 'Rflush 53']);
  assert.equal(c.connection.outstanding, 0);
});

test('a chain of flushes as long as there are tags is nothing special', async () => {
  const { c } = waiting();
  told(c);
  c.send(read(0, 1));
  for (let tag = 1; tag < 65_000; tag++) c.send(flush(tag, tag % 2 === 0 ? tag - 1 : 0));
  await settled();
  assert.equal(told(c).length, 64_999);
  c.send(read(0, 1));
  for (let tag = 1; tag < 65_000; tag++) c.send(flush(tag, tag - 1));
  await settled();
  assert.equal(told(c).length, 64_999);
  assert.equal(c.connection.outstanding, 0);
});

test('what nobody undoes is abandoned: its late answer goes nowhere', async () => {
  const { c, w } = waiting(false);
  told(c);
  c.send(read(50, 1), flush(51, 50), read(50, 1, 1));
  assert.deepEqual(told(c), ['Rflush 51']);
  w.reads[0]?.give(new Uint8Array(1));
  await settled();
  assert.deepEqual(told(c), []);
  w.reads[1]?.give(new Uint8Array(1));
  await settled();
  assert.deepEqual(told(c), ['Rread 50']);
});

test('a flush of what was answered is answered', () => {
  const { c } = waiting();
  told(c);
  c.send({ type: 'Tstat', tag: 50, fid: 1 }, flush(51, 50));
  assert.deepEqual(told(c), ['Rstat 50', 'Rflush 51']);
});

test('a tag that is in use is refused, and the first request goes on', async () => {
  const { c, w } = waiting();
  told(c);
  c.send(read(50, 1), { type: 'Tstat', tag: 50, fid: 0 }, flush(50, 1));
  assert.deepEqual(told(c), ['Rerror 50 duplicate tag', 'Rerror 50 duplicate tag']);
  w.reads[0]?.give(new Uint8Array(1));
  await settled();
  assert.deepEqual(told(c), ['Rread 50']);
});

test('a clunk ends what waits on the fid, then the file closes, then it is answered', async () => {
  const { c, w } = waiting();
  told(c);
  c.send(read(50, 1), read(51, 1), clunk(52, 1), read(53, 1));
  assert.deepEqual(told(c), ['Rerror 53 unknown fid']);
  assert.deepEqual(w.log, ['flushed 50', 'flushed 51']);
  await settled();
  assert.deepEqual(told(c), ['Rerror 50 interrupted', 'Rerror 51 interrupted', 'Rclunk 52']);
  assert.deepEqual(w.log.slice(2), ['close']);
  const abandoned = waiting(false);
  told(abandoned.c);
  abandoned.c.send(read(50, 1), clunk(52, 1));
  assert.deepEqual(told(abandoned.c), ['Rerror 50 interrupted', 'Rclunk 52']);
});

/** A file whose opens wait. */
function slowOpen(): { node: Node; files: string[]; give: () => void } {
  const w = new Waiting('w', 2n);
  const files: string[] = [];
  const pending: (() => void)[] = [];
  const open = (): Promise<OpenFile> =>
    new Promise((opened) => {
      const file = Object.assign(new Waiting('w', 2n), { close: () => files.push('close') });
      pending.push(() => opened(file));
    });
  return { node: Object.assign(w, { open }), files, give: () => pending.shift()?.() };
}

test('an open that comes too late is closed again', async () => {
  for (const end of ['flush', 'clunk', 'hangup', 'version'] as const) {
    const { node, files, give } = slowOpen();
    const c = new Raw(new Server(flatTree([node]))).start();
    c.send({ type: 'Twalk', tag: 1, fid: 0, newfid: 1, names: ['w'] });
    c.send({ type: 'Topen', tag: 2, fid: 1, mode: 0 });
    c.send({ type: 'Topen', tag: 3, fid: 1, mode: 0 });
    told(c);
    if (end === 'flush') c.send(flush(4, 2));
    else if (end === 'clunk') c.send(clunk(4, 1));
    else if (end === 'hangup') c.connection.hangup('gone');
    else c.send({ type: 'Tversion', tag: 4, msize: 8216, version: '9P2000' });
    if (end === 'flush') c.send({ type: 'Topen', tag: 5, fid: 1, mode: 0 });
    give();
    await settled();
    assert.deepEqual(files, ['close'], end);
    const want = {
      flush: ['Rflush 4'],
      clunk: ['Rerror 2 interrupted', 'Rclunk 4'],
      hangup: [],
      version: ['Rversion 4'],
    };
    assert.deepEqual(told(c), want[end]);
    if (end !== 'flush') continue;
    give();
    await settled();
    assert.deepEqual(told(c), ['Ropen 5'], 'the fid is as it was before');
    assert.deepEqual(files, ['close']);
  }
});

test('a connection that is lost ends what waits and closes what is open', async () => {
  const { c, w } = waiting();
  c.send(read(50, 1));
  const writes = c.writes.length;
  c.connection.hangup('connection closed');
  await settled();
  assert.deepEqual(w.log, ['flushed 50', 'close']);
  assert.equal(c.connection.fids + c.connection.outstanding, 0);
  c.send(read(51, 1));
  assert.equal(c.writes.length, writes, 'nothing is written any more');
});

test('a node that throws where it must not is told of, and harms nobody', async () => {
  const faults: string[] = [];
  const w = new Waiting('w', 2n, false);
  w.close = () => {
    throw new Error('close');
  };
  const server = new Server(flatTree([w]), { fault: (e) => faults.push(String(e)) });
  const c = new Raw(server).start().open('w', 1);
  told(c);
  c.send(read(50, 1));
  const req = w.reads[0]?.req;
  assert.ok(req);
  req.onflush = () => {
    throw new Error('flush');
  };
  c.send(flush(51, 50), clunk(52, 1));
  await settled();
  assert.deepEqual(told(c), ['Rflush 51', 'Rclunk 52']);
  assert.deepEqual(faults, ['Error: flush', 'Error: close']);
});

test('a client that does not read is stopped, and served again when it does', async () => {
  const server = new Server(memTree({ big: new Uint8Array(8192) }), {
    limits: { ahead_bytes: 100_000 },
  });
  const c = new Raw(server).start().open('big', 1);
  c.keeps = true;
  const before = c.replies.length;
  c.send(...Array.from({ length: 1000 }, (_, i) => read(i, 1, 0, 8192)));
  const first = c.replies.length - before;
  assert.ok(first > 10 && first < 40, `${first} of 1000`);
  assert.deepEqual(c.events, ['pause']);
  c.keeps = false;
  c.connection.drained();
  assert.equal(c.replies.length - before, 1000);
  assert.deepEqual(c.events, ['pause', 'resume']);
  const tags = c.replies.slice(before).map((r) => r.tag);
  assert.deepEqual(
    tags,
    tags.map((_, i) => i),
  );
});

test('a client that does not read what it waited for is hung up at the limit', async () => {
  const w = new Waiting('w', 2n);
  const limits = { ahead_bytes: 10_000, queued_bytes: 50_000 };
  const c = new Raw(new Server(flatTree([w]), { limits })).start().open('w', 1);
  c.send(...Array.from({ length: 20 }, (_, i) => read(i, 1, i, 8192)));
  c.keeps = true;
  for (const r of w.reads) {
    r.give(new Uint8Array(8000));
    await settled();
  }
  assert.deepEqual(c.events, ['pause', 'end client does not read its replies']);
  assert.ok(c.connection.unsent <= 60_000);
});

test('five hundred reads that wait delay nobody', async () => {
  const w = new Waiting('w', 2n);
  const server = new Server(flatTree([w, new Waiting('other', 3n)]));
  const c = new Raw(server).start(65536).open('w', 1);
  const thousandStats = (): number => {
    const started = performance.now();
    for (let i = 0; i < 1000; i++) c.send({ type: 'Tstat', tag: 600, fid: 0 });
    return performance.now() - started;
  };
  thousandStats();
  const alone_ms = thousandStats();
  c.send(...Array.from({ length: 500 }, (_, i) => read(i, 1)));
  assert.equal(c.connection.outstanding, 500);
  const beside_ms = thousandStats();
  assert.ok(beside_ms < 10 * alone_ms + 500, `${beside_ms} ms, alone ${alone_ms}`);
  told(c);
  for (const r of w.reads) r.give(new Uint8Array(10));
  await settled();
  assert.equal(told(c).length, 500);
  assert.equal(c.connection.outstanding, 0);
});

test('a node that is used while it answers does not disturb the order', () => {
  let again: (() => void) | undefined;
  const w = new Waiting('w', 2n);
  w.write = (data) => {
    again?.();
    return data.length;
  };
  const c = new Raw(new Server(flatTree([w]))).start().open('w', 1, 1);
  told(c);
  const write = (tag: number): Tmessage => ({
    ...{ type: 'Twrite', tag, fid: 1, offset: 0n, data: new Uint8Array(5) },
  });
  again = () => {
    again = undefined;
    c.send(write(52));
  };
  c.send(write(50), write(51));
  assert.deepEqual(told(c), ['Rwrite 50', 'Rwrite 51', 'Rwrite 52']);
});
