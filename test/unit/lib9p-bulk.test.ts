/** Many reads and writes of one file in flight: their order, short ones, ends, and giving up. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { file, memTree, omode, Reads, type Req, refuse, Server, writeAll } from '@9p/lib9p';
import { text, utf8 } from '@9p/packet';
import { SeededRandom } from '../kit/index.js';
import { joined, settled } from './lib9p-kit.js';

interface Asked {
  readonly n: number;
  readonly offset: number;
  readonly req: Req;
  give(data: Uint8Array): void;
  fail(why: string): void;
}

/** A file whose reads wait for the test. */
function slowFile() {
  const asked: Asked[] = [];
  const flushed: number[] = [];
  const read = (n: number, offset: number, req: Req): Promise<Uint8Array> =>
    new Promise((give, reject) => {
      const fail = (why: string) => {
        req.onflush = undefined;
        reject(new Error(why));
      };
      const answer = (data: Uint8Array) => {
        req.onflush = undefined;
        give(data);
      };
      asked.push({ n, offset, req, give: answer, fail });
      req.onflush = () => {
        flushed.push(offset);
        fail('interrupted');
      };
    });
  const places = () => asked.map((a) => [a.offset, a.n]);
  return { asked, flushed, read, places };
}

test('a file of known length: as many reads as may be, to its end and one to see it', async () => {
  const f = slowFile();
  const reads = new Reads(f, { count: 10, depth: 3, length: 25 });
  const first = reads.next();
  assert.deepEqual(f.places(), [
    [0, 10],
    [10, 10],
    [20, 5],
  ]);
  f.asked[2]?.give(utf8('ccccc'));
  f.asked[1]?.give(utf8('bbbbbbbbbb'));
  f.asked[0]?.give(utf8('aaaaaaaaaa'));
  assert.equal(text(await first), 'aaaaaaaaaa');
  assert.equal(text(await reads.next()), 'bbbbbbbbbb');
  assert.deepEqual(f.places().slice(3), [[25, 10]], 'nothing beyond, but to see the end');
  assert.equal(text(await reads.next()), 'ccccc');
  f.asked[3]?.give(utf8(''));
  assert.equal((await reads.next()).length, 0);
  assert.equal((await reads.next()).length, 0);
  assert.equal(f.asked.length, 4);
  assert.deepEqual(f.flushed, []);
});

test('a file of unknown length, or longer than it was, is read on one by one', async () => {
  const f = slowFile();
  const reads = new Reads(f, { count: 10 });
  for (const [offset, size] of [
    [0, 10],
    [10, 3],
    [13, 10],
    [23, 1],
  ] as const) {
    const next = reads.next();
    assert.deepEqual(f.places().at(-1), [offset, 10]);
    f.asked.at(-1)?.give(new Uint8Array(size));
    assert.equal((await next).length, size);
  }
  const last = reads.next();
  f.asked.at(-1)?.give(new Uint8Array(0));
  assert.equal((await last).length, 0);
  assert.equal(f.asked.length, 5);
});

test('a short read gives up those after it, and they are asked anew where it ended', async () => {
  const f = slowFile();
  const reads = new Reads(f, { count: 10, depth: 4, length: 100 });
  const first = reads.next();
  f.asked[1]?.give(new Uint8Array(10).fill(1));
  f.asked[0]?.give(new Uint8Array(4));
  assert.equal((await first).length, 4);
  assert.deepEqual(f.flushed, [20, 30]);
  const second = reads.next();
  assert.deepEqual(f.places().slice(4), [
    [4, 10],
    [14, 10],
    [24, 10],
    [34, 10],
  ]);
  f.asked[4]?.give(new Uint8Array(10).fill(2));
  assert.deepEqual(await second, new Uint8Array(10).fill(2));
  reads.stop();
});

test('records are handed out in order, whichever read is answered first', async () => {
  const f = slowFile();
  const got: string[] = [];
  const all = (async () => {
    for await (const b of new Reads(f, { count: 99, depth: 5, stream: true })) got.push(text(b));
  })();
  const r = new SeededRandom(1);
  for (let i = 0; i < 100; i += 5) {
    assert.equal(f.asked.length, i + 5, 'five in flight, not more');
    const order = [0, 1, 2, 3, 4].sort(() => r.u32() - 0x80000000);
    for (const k of order) f.asked[i + k]?.give(utf8(`record ${i + k}`));
    await settled();
  }
  assert.deepEqual(
    got,
    Array.from({ length: 100 }, (_, i) => `record ${i}`),
  );
  f.asked[101]?.fail('hung up');
  f.asked[100]?.give(new Uint8Array(0));
  await all;
  assert.equal(f.flushed.length, 3, 'after the end nobody waits for the rest');
});

test('an error comes after what was read before it, and a reader who leaves gives up all', async () => {
  const f = slowFile();
  const reads = new Reads(f, { count: 1, depth: 4, length: 100 });
  f.asked.length = 0;
  const first = reads.next();
  f.asked[1]?.fail('bad disk');
  f.asked[0]?.give(utf8('x'));
  assert.equal(text(await first), 'x');
  await assert.rejects(reads.next(), { message: 'bad disk' });
  assert.equal((await reads.next()).length, 0);

  for (const leave of ['break', 'signal', 'req'] as const) {
    const g = slowFile();
    const signal = new AbortController();
    const req = { flushed: false, onflush: undefined as (() => void) | undefined };
    const cancel = leave === 'signal' ? signal.signal : req;
    const it = new Reads(g, { count: 1, depth: 6, stream: true, cancel })[Symbol.asyncIterator]();
    const one = it.next();
    g.asked[0]?.give(utf8('x'));
    await one;
    if (leave === 'break') await it.return?.();
    else {
      const next = assert.rejects(async () => it.next(), { message: 'interrupted' });
      await settled();
      if (leave === 'signal') signal.abort();
      req.flushed = true;
      req.onflush?.();
      await next;
    }
    assert.ok(g.flushed.length >= 5, `${leave}: ${g.flushed.length}`);
    assert.ok(g.asked.slice(1).every((a) => a.req.flushed));
    assert.equal(req.onflush, undefined);
  }
});

test('writes: consecutive, several in flight, stopped by a short one or an error', async () => {
  const asked: { n: number; offset: number; give(n: number): void; fail(why: string): void }[] = [];
  const flushed: number[] = [];
  const write = (data: Uint8Array, offset: number, req: Req) =>
    new Promise<number>((give, reject) => {
      const fail = (why: string) => reject(new Error(why));
      asked.push({ n: data.length, offset, give, fail });
      req.onflush = () => {
        flushed.push(offset);
        fail('interrupted');
      };
    });
  const o = { count: 10, depth: 3, offset: 100 };
  const all = writeAll({ write }, new Uint8Array(35), o);
  assert.deepEqual(
    asked.map((a) => [a.offset, a.n]),
    [
      [100, 10],
      [110, 10],
      [120, 10],
    ],
  );
  for (const a of asked) a.give(10);
  await settled();
  assert.deepEqual([asked[3]?.offset, asked[3]?.n], [130, 5]);
  asked[3]?.give(5);
  assert.equal(await all, 35);

  asked.length = 0;
  const short = writeAll({ write }, new Uint8Array(50), o);
  asked[0]?.give(10);
  asked[1]?.give(3);
  assert.equal(await short, 13);
  assert.deepEqual(flushed, [120, 130]);

  asked.length = 0;
  const bad = assert.rejects(writeAll({ write }, new Uint8Array(50), o), { message: 'disk full' });
  asked[0]?.fail('disk full');
  await bad;
  assert.equal(asked.length, 3, 'no more was sent');
  const empty = writeAll({ write }, new Uint8Array(0), o);
  asked.at(-1)?.give(0);
  assert.equal(await empty, 0);
});

test('a small file is one round trip; its end is looked for where its length is not known', async () => {
  const tree = memTree({ a: 'text', dir: { empty: '' }, made: file({ read: () => 'made' }) });
  const server = new Server(tree);
  const m = await joined(server);
  const lines: string[] = [];
  m.client.trace = (l) => void lines.push(l.replace(/ tag.*/, ''));
  const trips = async (path: string) => {
    lines.length = 0;
    const content = await m.readText(path);
    const turns = lines.filter((l, i) => l.startsWith('->') && !lines[i - 1]?.startsWith('->'));
    return [content, turns.length - 1]; // the last is the clunk
  };
  assert.deepEqual(await trips('a'), ['text', 1]);
  assert.deepEqual(await trips('dir/empty'), ['', 1]);
  assert.deepEqual(await trips('made'), ['made', 2]);
  for (const bad of ['b', 'a/b', 'dir/b/c', `${'dir/../'.repeat(20)}b`])
    await assert.rejects(m.readText(bad), /not found|non-directory/);
  await settled();
  const [c] = server.connections;
  assert.deepEqual([c?.fids, c?.outstanding], [1, 0]);
});

test('a large file comes whole by several reads, however short they are', async () => {
  const content = new SeededRandom(3).bytes(1_000_003);
  const m = await joined(new Server(memTree({ big: content, new: '' }, { writable: true })), {
    msize: 8192,
  });
  let reads = 0;
  let most = 0;
  m.client.trace = (l) => {
    if (l.startsWith('-> Tread')) most = Math.max(most, ++reads);
    else if (l.startsWith('<- Rread')) reads--;
  };
  const pieces: Uint8Array[] = [];
  for await (const p of m.pieces('big', { depth: 6 })) pieces.push(p);
  assert.deepEqual(Buffer.concat(pieces), Buffer.from(content));
  assert.equal(most, 6);
  await m.writeFile('new', content);
  assert.deepEqual(Buffer.from(await m.readFile('new')), Buffer.from(content));
  const refusing = memTree({ log: file({ write: (s) => (s === '' ? undefined : refuse('no')) }) });
  const r = await joined(new Server(refusing), { msize: 512 });
  const f = await r.open('log', omode.write);
  await assert.rejects(f.write('x'.repeat(5000)), { message: 'no' });
  await f.close();
});
