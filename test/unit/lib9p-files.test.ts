/** lib9p as its users see it: a tree served on a unix socket, and files by path. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Duplex, PassThrough } from 'node:stream';
import { after, before, test } from 'node:test';
import {
  dial,
  file,
  type Listener,
  listen,
  type Mount,
  memTree,
  mount,
  omode,
  Server,
  serveStdio,
} from '@9p/lib9p';

let level = '0';
const tree = memTree(
  {
    hello: 'hello, world\n',
    level: file({
      read: () => `${level}\n`,
      write: (s) => {
        level = s.trim();
      },
    }),
    dir: { a: 'x', later: () => Promise.resolve('later\n') },
    big: new Uint8Array(300_000).fill(65),
  },
  { writable: true },
);
const server = new Server(tree);
let dir: string;
let path: string;
let listener: Listener;
let m: Mount;

before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'lib9p-'));
  path = join(dir, 'socket');
  listener = await listen(server, { path });
  m = await dial(`unix!${path}`, { uname: 'glenda', msize: 8192 });
});

after(async () => {
  m.close();
  await listener.close();
  await rm(dir, { recursive: true });
});

test('files are read, written, listed, made and removed by path', async () => {
  assert.equal(await m.readText('/hello'), 'hello, world\n');
  await m.writeFile('/level', '7\n');
  assert.equal(await m.readText('level'), '7\n');
  assert.equal((await m.readFile('big')).length, 300_000);
  assert.equal(await m.readText('dir/../dir/later'), 'later\n');
  assert.deepEqual(
    (await m.ls('/')).map((d) => d.name),
    ['hello', 'level', 'dir', 'big'],
  );
  const h = await m.create('dir/new', 0o644, omode.write);
  assert.equal(await h.write('abc'.repeat(10_000)), 30_000);
  await h.close();
  assert.equal((await m.stat('dir/new')).length, 30_000n);
  await m.wstat('dir/new', { name: 'newer', length: 3n });
  assert.equal(await m.readText('dir/newer'), 'abc');
  await m.remove('dir/newer');
  await assert.rejects(m.readText('dir/newer'), { message: 'file not found' });
});

test('no fid or tag is left behind', async () => {
  await assert.rejects(m.open('/hello/x'), { message: 'walk in non-directory' });
  await assert.rejects(m.open('/dir', omode.write), { message: 'is a directory' });
  await m.root.stat(); // after the clunks
  const [c] = server.connections;
  assert.equal(c?.fids, 1);
  assert.equal(c?.outstanding, 0);
});

test('the socket is its owner alone, taken once, and replaced when it is stale', async () => {
  assert.equal((await stat(path)).mode & 0o777, 0o600);
  await assert.rejects(listen(server, { path }), { message: `address in use: ${path}` });
  const other = join(dir, 'file');
  await writeFile(other, '');
  await assert.rejects(listen(server, { path: other }), { message: `not a socket: ${other}` });
  const stale = join(dir, 'stale');
  await leaveStale(stale);
  const l = await listen(server, { path: stale });
  const second = await dial(stale);
  assert.equal(await second.readText('hello'), 'hello, world\n');
  second.close();
  await l.close();
  await assert.rejects(stat(stale), { code: 'ENOENT' });
});

test('dialling is given up by a signal, before and after the connection is there', async () => {
  const stop = new AbortController();
  const mute = createServer((s) => s.once('data', () => stop.abort()));
  const at = `${path}.mute`;
  await new Promise<void>((ready) => mute.listen(at, ready));
  const got = dial(at, { signal: stop.signal });
  await assert.rejects(got, { message: 'hungup: interrupted' });
  await assert.rejects(dial(at, { signal: stop.signal }), { message: `${at}: interrupted` });
  mute.close();
  const used = new AbortController();
  const one = await dial(path, { signal: used.signal });
  used.abort();
  assert.equal(await one.readText('hello'), 'hello, world\n');
  one.close();
});

test('9P on stdin and stdout', async () => {
  const [near, far] = [new PassThrough(), new PassThrough()];
  const over = serveStdio(server, near, far);
  const stdio = await mount(Duplex.from({ readable: far, writable: near }));
  assert.equal(await stdio.readText('hello'), 'hello, world\n');
  stdio.close();
  assert.equal(await over, 'connection closed');
});

/** What a server that was killed leaves: a name that nobody answers. */
async function leaveStale(at: string): Promise<void> {
  const { link, unlink } = await import('node:fs/promises');
  const s = createServer();
  await new Promise<void>((ready) => s.listen(`${at}.0`, ready));
  await link(`${at}.0`, at);
  await new Promise((done) => s.close(done));
  await unlink(`${at}.0`).catch(() => undefined);
}
