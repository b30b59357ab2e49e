/** The client: against our server in memory, and against servers that misbehave. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  Client,
  type ClientFid,
  encodeFcall,
  file,
  memTree,
  type Node,
  omode,
  type Rmessage,
  refuse,
  Server,
} from '@9p/lib9p';
import { bytes } from '../kit/index.js';
import { dirOf, flatTree, joined, settled, Waiting } from './lib9p-kit.js';

const tree = memTree({ hello: 'hello', a: { b: { c: 'deep' } }, long: 'x'.repeat(100_000) });

/** A client whose server is the test. */
function lone(): { client: Client; sent: Uint8Array[]; answer(r: Rmessage): void; ends: string[] } {
  const sent: Uint8Array[] = [];
  const ends: string[] = [];
  const client = new Client({
    write: (b) => {
      sent.push(new Uint8Array(b));
      return true;
    },
    end: (why) => ends.push(why),
  });
  return { client, sent, ends, answer: (r) => client.receive(encodeFcall(r)) };
}

test('requests of one turn go out in one write, and are answered in any order', async () => {
  const { client, sent, answer } = lone();
  const both = Promise.all([
    client.rpc('clunk', { fid: 1 }),
    client.rpc('write', { fid: 2, offset: 0n, data: new Uint8Array(3) }),
  ]);
  await settled();
  assert.equal(sent.length, 1);
  answer({ type: 'Rwrite', tag: 1, count: 3 });
  answer({ type: 'Rclunk', tag: 0 });
  assert.deepEqual(
    (await both).map((r) => r.type),
    ['Rclunk', 'Rwrite'],
  );
  assert.equal(client.outstanding, 0);
});

test('a reply that is none rejects its request and no other', async () => {
  const { client, answer } = lone();
  const texts = [
    'no',
    'Rwalk is not the reply',
    'bad reply: message too short',
    'bad reply: bad count of a read',
  ];
  const asked = texts.map(() => client.rpc('read', { fid: 1, offset: 0n, count: 1 }));
  const got = Promise.allSettled(asked);
  await settled();
  answer({ type: 'Rerror', tag: 0, ename: 'no' });
  answer({ type: 'Rwalk', tag: 1, qids: [] });
  client.receive(bytes('08000000 6b 0200 00'));
  client.receive(bytes('0c000000 75 0300 02000000 00'));
  answer({ type: 'Rclunk', tag: 77 });
  const seen = (await got).map((r) => (r.status === 'rejected' ? r.reason.message : r.value));
  assert.deepEqual(seen, texts);
  assert.equal(client.ended, undefined);
});

test('a server that lies harms nobody', async () => {
  const { client, answer } = lone();
  const agreed = client.version();
  await settled();
  answer({ type: 'Rversion', tag: 0xffff, msize: 8192, version: '9P2000' });
  await agreed;
  const file = { type: 0, vers: 0, path: 1n };
  const attached = client.attach('glenda');
  await settled();
  answer({ type: 'Rattach', tag: 0, qid: { ...file, type: 0x80 } });
  const root = await attached;
  /** What comes of an operation that is answered so, on tag 0. */
  const told = async (op: () => Promise<unknown>, ...replies: Rmessage[]): Promise<unknown> => {
    const p = op().catch((e) => e.message);
    for (const r of replies) {
      await settled();
      answer(r);
    }
    return p;
  };
  const walk: Rmessage = { type: 'Rwalk', tag: 0, qids: [file, file, file] };
  assert.equal(await told(() => root.walk(['a', 'b']), walk), 'too many qids returned by walk');
  const much: Rmessage = { type: 'Rread', tag: 0, data: new Uint8Array(9) };
  assert.equal(await told(() => root.read(8, 0), much), 'server read more than was asked for');
  const count: Rmessage = { type: 'Rwrite', tag: 0, count: 4 };
  const write = () => root.write(new Uint8Array(3), 0);
  assert.equal(await told(write, count), 'server wrote more than was asked for');
  const wrong: Rmessage = { type: 'Rstat', tag: 0, stat: dirOf('x', file) };
  assert.equal(await told(() => root.read(8, 0), wrong), 'Rstat is not the reply');
  const opened: Rmessage = { type: 'Ropen', tag: 0, qid: file, iounit: 1 << 30 };
  assert.equal(await told(() => root.open(0), opened, opened), root, 'and the same again');
  assert.equal(root.iounit, 8192 - 24);
  const rude: Rmessage = { type: 'Rerror', tag: 0, ename: `\x1b[2J two\nlines ${'x'.repeat(999)}` };
  const text = (await told(() => root.stat(), rude)) as string;
  assert.match(text, /^\[2J two lines x+$/);
  assert.equal(text.length, 255);
  assert.deepEqual([client.outstanding, client.ended], [0, undefined]);
});

test('a stream that is lost, and a connection that is closed, reject all that is out', async () => {
  for (const lose of [
    (c: Client) => c.receive(bytes('ffffffff')),
    (c: Client) => c.hangup('message size over msize'),
  ]) {
    const { client } = lone();
    const why: string[] = [];
    client.onend = (w) => why.push(w);
    const got = Promise.allSettled([client.version(), client.rpc('clunk', { fid: 1 })]);
    await settled();
    lose(client);
    for (const r of await got)
      assert.equal(r.status === 'rejected' && r.reason.message, 'hungup: message size over msize');
    assert.deepEqual(why, ['message size over msize']);
    await assert.rejects(client.rpc('clunk', { fid: 1 }), { message: /^hungup: / });
  }
});

test('a server of another protocol or with a wrong msize is refused', async () => {
  for (const [versions, msize, why] of [
    [['unknown', 'unknown', 'unknown'], 8192, /^server speaks unknown, not 9P2000 or 9P2000.L or/],
    [['9P1', '9P2000', '9P2000'], 8192, /^server speaks 9P1, not 9P2000 or/],
    [['9P2000'], 100, /^bad msize 100 of server$/],
    [['unknown', '9P2000.L'], 1 << 30, /^bad msize 1073741824 of server$/],
  ] as const) {
    const { client, sent, answer } = lone();
    const got = assert.rejects(client.version(), { message: why });
    for (const version of versions) {
      await settled();
      answer({ type: 'Rversion', tag: 0xffff, msize, version });
    }
    await got;
    assert.equal(sent.length, versions.length);
  }
});

test('walks of more than sixteen names, and of some that lead nowhere', async () => {
  const m = await joined(new Server(tree));
  const up = '../'.repeat(20);
  assert.equal(await m.readText(`a/b/${up}a/b/c`), 'deep');
  await assert.rejects(m.readText(`a/b/${up}a/x/c`), { message: 'file not found' });
  await assert.rejects(m.readText('a/b/c/d'), { message: 'walk in non-directory' });
  assert.equal((await m.readFile('long')).length, 100_000);
  await assert.rejects(m.readText('a'.repeat(70_000)), {
    message: 'string too long for a message',
  });
});

test('a walk that stops on its way says why', async () => {
  const inner = flatTree([]);
  const closed: Node = {
    ...(await inner.attach({ uname: '', groups: [], owner: false }, '')),
    name: 'closed',
    qid: { type: 0x80, vers: 0, path: 9n },
    walk: (name) => refuse(name === 'x' ? 'permission denied' : 'hungup: gone'),
  };
  const server = new Server(flatTree([closed]));
  const m = await joined(server);
  await assert.rejects(m.stat('closed/x/y'), { message: 'permission denied' });
  await assert.rejects(m.root.walk(['closed', 'y']), { message: 'hungup: gone' });
  await assert.rejects(m.stat('no/x'), { message: 'file not found' });
  await settled();
  assert.equal([...server.connections][0]?.fids, 1);
});

test('messages that do not fit in msize never leave', async () => {
  const m = await joined(new Server(tree), { msize: 256 });
  const names = Array.from({ length: 16 }, () => 'x'.repeat(30));
  await assert.rejects(m.root.walk(names), { message: 'message too large for msize' });
  assert.equal((await m.readFile('long')).length, 100_000);
});

test("a handle goes on where it was; offsets are the caller's if he gives them", async () => {
  const written: string[] = [];
  const log = file({ write: (s) => void written.push(s) });
  const m = await joined(new Server(memTree({ hello: 'hello', log })), { msize: 280 });
  const h = await m.open('hello');
  const text = async (n: number, at?: number) => new TextDecoder().decode(await h.read(n, at));
  assert.deepEqual(
    [await text(2), await text(2), await text(2, 0), await text(9)],
    ['he', 'll', 'he', 'o'],
  );
  await h.close();
  const l = await m.open('log', omode.write);
  assert.equal(await l.write('x'.repeat(600)), 600);
  assert.deepEqual(
    written.map((s) => s.length),
    [256, 256, 88],
  );
  assert.equal(await l.write(''), 0);
  assert.equal(written.length, 4, 'an empty write is a message too');
});

async function waitingFid(
  undoes: boolean,
): Promise<{ w: Waiting; fid: ClientFid; server: Server }> {
  const w = new Waiting('w', 2n, undoes);
  const server = new Server(flatTree([w]));
  const m = await joined(server);
  return { w, fid: (await m.open('w')).fid, server };
}

test('an operation is given up by a signal, or by the Req of who it is for', async () => {
  for (const undoes of [true, false]) {
    const { w, fid, server } = await waitingFid(undoes);
    const abort = new AbortController();
    const req = { flushed: false, onflush: undefined as (() => void) | undefined };
    const got = Promise.allSettled([fid.read(10, 0, abort.signal), fid.read(10, 1, req)]);
    await settled();
    abort.abort();
    req.flushed = true;
    req.onflush?.();
    for (const r of await got)
      assert.equal(r.status === 'rejected' && r.reason.message, 'interrupted');
    assert.equal(req.onflush, undefined);
    assert.equal(w.reads.length, 2);
    assert.equal(fid.client.outstanding, 0);
    assert.equal([...server.connections][0]?.outstanding, 0);
    await assert.rejects(fid.read(10, 0, abort.signal), { message: 'interrupted' });
    assert.equal(w.reads.length, 2, 'it is not even sent');
  }
});

test('an answer that overtakes the flush counts', async () => {
  const { w, fid } = await waitingFid(true);
  const abort = new AbortController();
  const got = fid.read(10, 0, abort.signal);
  await settled();
  w.reads[0]?.give(Uint8Array.of(1, 2));
  abort.abort();
  assert.deepEqual(await got, Uint8Array.of(1, 2));
  await settled();
  assert.equal(fid.client.outstanding, 0);
});

test('a flush that is refused gives the operation up all the same', async () => {
  const { client, answer } = lone();
  const abort = new AbortController();
  const got = Promise.allSettled([
    client.rpc('clunk', { fid: 1 }, abort.signal),
    client.rpc('clunk', { fid: 2 }, abort.signal),
  ]);
  await settled();
  abort.abort();
  answer({ type: 'Rclunk', tag: 1 });
  for (const tag of [2, 3]) answer({ type: 'Rerror', tag, ename: 'no flush here' });
  assert.deepEqual(
    (await got).map((r) => (r.status === 'rejected' ? r.reason.message : r.value.type)),
    ['interrupted', 'Rclunk'],
  );
  assert.equal(client.outstanding, 1, 'its tag is taken until it is answered');
  answer({ type: 'Rclunk', tag: 0 });
  assert.equal(client.outstanding, 0);
});

test('after the end nothing that comes is kept', () => {
  const { client } = lone();
  client.end('closed');
  const chunk = new Uint8Array(1 << 20);
  const before = process.memoryUsage().arrayBuffers;
  for (let i = 0; i < 32; i++) client.receive(chunk);
  assert.ok(process.memoryUsage().arrayBuffers - before < 8 << 20);
});

test('a remove is never refused for too many requests: its fid would be used again', async () => {
  const w = new Waiting('w', 2n, true);
  const server = new Server(flatTree([w]), { limits: { tags: 2 } });
  const m = await joined(server, { tags: 2 });
  const [a, b] = [(await m.open('w')).fid, (await m.open('w')).fid];
  const reads = Promise.allSettled([a.read(1, 0), a.read(1, 0)]);
  await settled();
  await assert.rejects(b.remove(), { message: 'remove prohibited' });
  assert.equal([...server.connections][0]?.fids, 2, 'the root and what is read');
  m.close();
  await reads;
});

test("the data of a read are the reader's own", async () => {
  const m = await joined(new Server(tree));
  const h = await m.open('hello');
  const data = await h.read(5);
  await m.readText('long');
  assert.equal(new TextDecoder().decode(data), 'hello');
});
