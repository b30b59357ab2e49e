/** The client in all three dialects: the same operations on the same tree. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  Client,
  type ClientOptions,
  type Dialect,
  dmdir,
  encode,
  encodeDir,
  errnoOf,
  errnoText,
  memTree,
  omode,
  type Rmessage,
  Server,
  Writer,
} from '@9p/lib9p';
import { dirOf, flatTree, joined, settled, Waiting } from './lib9p-kit.js';

const dialects: readonly Dialect[] = ['9P2000', '9P2000.u', '9P2000.L'];
const names = (dirs: readonly { name: string }[]): string[] => dirs.map((d) => d.name);

/** The same test in each dialect. */
function each(what: string, f: (options: ClientOptions, dialect: Dialect) => Promise<void>): void {
  for (const dialect of dialects)
    test(`${dialect}: ${what}`, () => f({ dialects: [dialect], msize: 4096 }, dialect));
}

const make = async (options: ClientOptions) => {
  const many = Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`file${i}`, 'x']));
  const tree = { hello: 'hello', a: { b: { c: 'deep' } }, many };
  const server = new Server(memTree(tree, { writable: true, now: () => 1000 }));
  const m = await joined(server, options);
  const [c] = server.connections;
  const fids = async () => {
    await m.root.stat();
    return [c?.fids, c?.outstanding];
  };
  return { m, fids };
};

each('walk, open, read, stat, list', async (options, dialect) => {
  const { m, fids } = await make(options);
  assert.equal(m.client.dialect, dialect);
  assert.equal(await m.readText('a/b/c'), 'deep');
  const up = '../'.repeat(20);
  const c = await m.stat(`a/b/${up}a/b/c`);
  assert.deepEqual([c.name, c.length, c.mode, c.mtime], ['c', 4n, 0o666, 1000]);
  const b = await m.stat('a/b');
  assert.deepEqual([b.name, b.length, b.mode], ['b', 0n, (dmdir | 0o777) >>> 0]);
  assert.equal((await m.stat('/')).name, '/');
  assert.deepEqual(names(await m.ls()), ['hello', 'a', 'many']);
  const all = await m.ls('many');
  assert.equal(all.length, 200);
  assert.deepEqual([all[77]?.name, all[77]?.length], ['file77', 1n]);
  assert.deepEqual(await fids(), [1, 0]);
});

each('create, write, truncate, rename, make and remove', async (options) => {
  const { m, fids } = await make(options);
  await m.mkdir('dir', 0o750);
  assert.equal((await m.stat('dir')).mode, (dmdir | 0o750) >>> 0);
  const f = await m.create('dir/new', 0o640, omode.rdwr);
  assert.equal((await f.fid.stat()).name, 'new');
  assert.equal(await f.write('x'.repeat(20_000)), 20_000);
  assert.equal((await f.read(9, 19_995)).length, 5);
  await f.close();
  await m.wstat('dir/new', { name: 'newer', length: 3n, mode: 0o600, mtime: 77 });
  const d = await m.stat('dir/newer');
  assert.deepEqual([d.mode, d.length, d.mtime], [0o600, 3n, 77]);
  const fid = await m.walk('dir/newer');
  await fid.wstat({ name: 'again' });
  assert.equal((await fid.stat()).name, 'again');
  await fid.clunk();
  await m.writeFile('dir/again', 'short');
  assert.equal(await m.readText('dir/again'), 'short');
  const list = await (await m.root.walk(['dir'])).open(omode.read);
  assert.deepEqual(names(await list.list()), ['again']);
  await list.clunk();
  await (await m.open('dir/again', omode.rclose)).close();
  assert.deepEqual(names(await m.ls('dir')), []);
  await m.remove('dir');
  assert.deepEqual(names(await m.ls()), ['hello', 'a', 'many']);
  assert.deepEqual(await fids(), [1, 0]);
});

each('errors in words, and no fid left by a thousand of them', async (options) => {
  const { m, fids } = await make(options);
  const refused: [() => Promise<unknown>, RegExp][] = [
    [() => m.stat('no'), /^file not found$/],
    [() => m.readText('a/x/y'), /^file not found$/],
    [() => m.open('hello/x'), /^(walk in non-directory|not a directory)$/],
    [() => m.open('a', omode.write), /^is a directory$/],
    [() => m.create('hello', 0o666, 1), /already exists$/],
    [() => m.mkdir('a'), /already exists$/],
    [() => m.remove('a'), /not empty$/],
    [() => m.wstat('hello', { name: 'a' }), /already exists$/],
    [() => m.wstat('/', { name: 'x' }), /cannot rename root|not permitted/],
    [() => m.root.walk(['a', '..', 'zz']), /^file not found$/],
  ];
  for (let i = 0; i < 100; i++)
    await Promise.all(refused.map(([f, message]) => assert.rejects(f, { message })));
  assert.deepEqual(await fids(), [1, 0]);
});

each('a read that waits is flushed', async (options) => {
  const w = new Waiting('w', 2n);
  const m = await joined(new Server(flatTree([w])), options);
  const f = await m.open('w');
  const abort = new AbortController();
  const got = assert.rejects(f.read(9, 0, abort.signal), { message: 'interrupted' });
  await settled();
  abort.abort();
  await got;
  assert.deepEqual(w.log, ['flushed 0']);
});

test('an errno that has a text comes back from it', () => {
  let known = 0;
  for (let n = 1; n <= 133; n++) {
    if (errnoText(n) === `error ${n}`) continue;
    known++;
    assert.equal(errnoOf(errnoText(n)), n, errnoText(n));
  }
  assert.ok(known >= 30);
});

/** A client whose server the test plays, in 9P2000.L: `answer` gives the reply of each request. */
function played(
  answer: (type: number, tag: number) => Rmessage | undefined,
  options: ClientOptions = {},
) {
  let dialect: Dialect = '9P2000';
  const client: Client = new Client(
    {
      write: (b) => {
        const sent = new Uint8Array(b);
        queueMicrotask(() => {
          for (let o = 0; o < sent.length; o += (sent[o] ?? 0) | ((sent[o + 1] ?? 0) << 8)) {
            const tag = (sent[o + 5] ?? 0) | ((sent[o + 6] ?? 0) << 8);
            const type = sent[o + 4] ?? 0;
            const r = answer(type, tag);
            if (r === undefined) continue;
            const w = new Writer();
            encode(w, r, dialect);
            client.receive(w.buf.subarray(0, w.at));
          }
        });
        return true;
      },
      end: () => undefined,
    },
    options,
  );
  return { client, speak: (d: Dialect) => (dialect = d) };
}

const notag = 0xffff;

test('diod, which answers another version with its own error, is offered 9P2000.L', async () => {
  const offers: string[] = [];
  const { client, speak } = played((type, tag) => {
    if (type !== 100) return undefined;
    offers.push(client.dialect);
    speak('9P2000.L');
    if (client.dialect !== '9P2000.L') return { type: 'Rlerror', tag, ecode: 5 };
    return { type: 'Rversion', tag: notag, msize: 8192, version: '9P2000.L' };
  });
  await client.version();
  assert.deepEqual(offers, ['9P2000', '9P2000.L']);
  assert.equal(client.ordered, false);
});

/** A root whose directory reads are answered so, with the most that a message holds. */
async function endless(dialect: Dialect, reply: (tag: number) => Rmessage) {
  const qid = { type: 0x80, vers: 0, path: 1n };
  const { client, speak } = played(
    (type, tag) => {
      if (type === 100) return { type: 'Rversion', tag, msize: 1 << 20, version: dialect };
      return type === 104 ? { type: 'Rattach', tag, qid } : reply(tag);
    },
    { msize: 1 << 20, dialects: [dialect] },
  );
  speak(dialect);
  await client.version();
  return client.attach('glenda');
}

test('a directory that has no end, or is none, is an error', async () => {
  const one = encodeDir(dirOf('x'.repeat(60_000), { type: 0, vers: 0, path: 9n }));
  const sixteen = Buffer.concat(Array.from({ length: 16 }, () => one));
  const entry = (next: number) =>
    Uint8Array.of(0, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, next, 0, 0, 0, 0, 0, 0, 0, 8, 1, 0, 0x2e);
  for (const [dialect, type, data, message] of [
    ['9P2000', 'Rread', sixteen, 'directory too large'],
    ['9P2000', 'Rread', one.subarray(0, 99), 'bad directory: message too short'],
    ['9P2000.L', 'Rreaddir', entry(0), 'directory too large'],
    ['9P2000.L', 'Rreaddir', entry(1).subarray(0, 20), 'bad directory: message too short'],
  ] as const) {
    const root = await endless(dialect, (tag) => ({ type, tag, data }));
    await assert.rejects(root.list(), { message });
  }
});
