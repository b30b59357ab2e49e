/** Another server's tree served again: what goes over the wire for it, and what comes through. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dmdir, type Mount, memTree, type Node, newReq, omode, Server, type Tree } from '@9p/lib9p';
import { text, utf8 } from '@9p/packet';
import { type RemoteOptions, remoteTree } from '../../srv/remote.js';
import { flush, owner } from '../kit/files.js';
import { flatTree, joined, settled, Waiting } from './lib9p-kit.js';

const entries = { hello: 'hello', a: { b: { c: 'deep' } }, data: '', ctl: '' };

/** A server's tree, the mount that it comes by, and it again, as a node and served anew. */
async function far(tree: Tree = memTree(entries, { writable: true }), o: RemoteOptions = {}) {
  const lines: string[] = [];
  const server = new Server(tree);
  const m = await joined(server);
  const remote = remoteTree(m, o);
  const root = await remote.attach(owner, '');
  await settled();
  m.client.trace = (l) => void lines.push(l.replace(/ tag.*/, ''));
  return { server, m, remote, root, lines };
}

/** As everyone sees it that asks us. */
const again = (tree: Tree, isOwner = true): Promise<Mount> =>
  joined(new Server(tree, { who: (uname) => ({ uname, groups: [], owner: isOwner }) }));

async function down(root: Node, ...names: string[]): Promise<Node> {
  let node = root;
  for (const n of names) node = (await node.walk(n, newReq(owner)))!;
  return node;
}

test('an operation is one round trip, and leaves no fid', async () => {
  const { server, root, lines } = await far();
  const c = await down(root, 'a', 'b', 'c');
  lines.length = 0;
  await (await down(root, 'hello')).stat();
  assert.deepEqual(lines, [
    '-> Twalk',
    '-> Tstat',
    '<- Rwalk',
    '<- Rstat',
    '-> Tclunk',
    '<- Rclunk',
  ]);
  await settled();
  lines.length = 0;
  const f = await c.open(omode.read, newReq(owner));
  assert.deepEqual(lines, ['-> Twalk', '-> Topen', '<- Rwalk', '<- Ropen']);
  assert.equal(text(await f.read(9, 0, newReq(owner))), 'deep');
  f.close();
  await settled();
  assert.equal([...server.connections][0]?.fids, 1);
});

test('a server that takes requests out of order is asked in turn', async () => {
  const later = memTree(entries, { writable: true });
  const slow = (n: Node): Node => {
    const walk = async (name: string) => {
      await settled();
      const to = await n.walk(name, newReq(owner));
      return to && slow(to);
    };
    const { qid, name } = n;
    return {
      qid,
      name,
      stat: () => n.stat(),
      list: () => [],
      open: (m, r) => n.open(m, r),
      wstat() {},
      walk,
    };
  };
  const { root, server, m, lines } = await far({
    attach: async (who, aname) => slow(await later.attach(who, aname)),
  });
  assert.equal(m.client.ordered, true);
  const hello = await down(root, 'hello');
  assert.equal(m.client.ordered, false);
  await settled();
  lines.length = 0;
  (await hello.open(omode.read, newReq(owner))).close();
  assert.deepEqual(lines, ['-> Twalk', '<- Rwalk', '-> Topen', '<- Ropen', '-> Tclunk']);
  await assert.rejects(async () => hello.open(omode.rdwr | 4, newReq(owner)), {
    message: 'illegal mode',
  });
  await settled();
  assert.equal([...server.connections][0]?.fids, 1);
});

test('a thousand operations that fail leave no fid and no request', async () => {
  const { server, remote } = await far();
  const m = await again(remote);
  const fails = [
    () => m.open('nowhere'),
    () => m.open('hello/x'),
    () => m.open('a', omode.write),
    () => m.create('a', dmdir | 0o777, 0),
    () => m.create('hello/x', 0o666, 0),
    () => m.remove('a'),
    () => m.wstat('hello', { name: 'a' }),
    () => m.stat('a/b/x/y'),
    () => m.ls('hello/'),
    () => m.readText('a/b/c/d/e'),
  ];
  for (let i = 0; i < 100; i++) await Promise.allSettled(fails.map((f) => f()));
  await settled();
  const [c] = server.connections;
  assert.deepEqual([c?.fids, c?.outstanding, m.client.outstanding], [1, 0, 0]);
});

test('files are made, written, renamed and removed there', async () => {
  const { server, remote } = await far();
  const m = await again(remote);
  await m.mkdir('dir', 0o755);
  const f = await m.create('dir/new', 0o644, omode.rdwr);
  await f.write('some text');
  assert.equal(text(await f.read(99, 0)), 'some text');
  await f.close();
  await m.wstat('dir/new', { name: 'newer', length: 4n });
  assert.equal(await m.readText('dir/newer'), 'some');
  assert.deepEqual(
    (await m.ls('dir')).map((d) => [d.name, d.length]),
    [['newer', 4n]],
  );
  await assert.rejects(m.remove('dir'), { message: 'directory is not empty' });
  const last = await m.open('dir/newer', omode.rclose);
  await last.close();
  await m.remove('dir');
  assert.deepEqual(
    (await m.ls('/')).map((d) => d.name),
    Object.keys(entries),
  );
  await settled();
  assert.equal([...server.connections][0]?.fids, 1);
});

test('others than the owner get what anybody may', async () => {
  const modes = { owner: 'glenda' };
  const bob = await again((await far(memTree({ f: 'x', d: { g: 'y' } }, modes))).remote, false);
  assert.equal(await bob.readText('d/g'), 'y');
  await assert.rejects(bob.open('f', omode.write), { message: 'permission denied' });
  await assert.rejects(bob.remove('d/g'), { message: 'permission denied' });
  await assert.rejects(bob.create('d/h', 0o666, 1), { message: 'permission denied' });
  const w = { ...modes, writable: true };
  const hidden = await far(memTree({ f: 'x', d: { g: 'y' } }, w));
  await hidden.m.wstat('f', { mode: 0o600 });
  await hidden.m.wstat('d', { mode: dmdir | 0o700 });
  const eve = await again(hidden.remote, false);
  await assert.rejects(eve.readText('f'), { message: 'permission denied' });
  await assert.rejects(eve.ls('d'), { message: 'permission denied' });
  await assert.rejects(eve.readText('d/g'), { message: 'permission denied' });
});

test('who may write a file of the other server is not its owner', async () => {
  const w = { owner: 'glenda', writable: true };
  const { remote, m } = await far(memTree({ f: 'text', d: { g: 'y' } }, w));
  const bob = await again(remote, false);
  await assert.rejects(bob.wstat('f', { mode: 0o777 }), { message: 'not owner' });
  await assert.rejects(bob.wstat('f', { gid: 'bob' }), { message: 'not owner' });
  await bob.wstat('f', { mtime: 1, length: 2n });
  await m.wstat('d/g', { mode: 0o644 });
  const both = { name: 'h', length: 0n };
  await assert.rejects(bob.wstat('d/g', both), { message: 'permission denied' });
  await bob.wstat('d/g', { name: 'h' });
  assert.deepEqual([await m.readText('f'), await m.readText('d/h')], ['te', 'y']);
});

test('its files are told from others by a salt, everywhere', async () => {
  const salt = 1n << 50n;
  const { remote, m } = await far(undefined, { salt });
  const seen = await again(remote);
  const ours = (await m.stat('hello')).qid.path ^ salt;
  assert.equal((await seen.stat('hello')).qid.path, ours);
  assert.equal((await seen.ls()).find((d) => d.name === 'hello')?.qid.path, ours);
  const fid = await seen.walk('hello');
  assert.equal(fid.qid.path, ours);
  assert.equal((await fid.open(0)).qid.path, ours);
});

test('a stat is fresh, but where it came with the walk or the listing', async () => {
  const { root, m } = await far();
  const hello = await down(root, 'hello');
  await settled();
  await m.writeFile('hello', 'longer than before');
  assert.equal((await hello.stat()).length, 18n);
  const [listed] = await root.list(newReq(owner));
  await m.writeFile('hello', 'short');
  assert.equal((await listed?.stat())?.length, 18n);
  assert.equal((await listed?.stat())?.length, 5n);
});

test('streams and control files are known by their names; a file of data is read on', async () => {
  const { root, m } = await far();
  const data = await (await down(root, 'data')).open(omode.rdwr, newReq(owner));
  assert.equal(data.stream, true);
  for (const s of ['one', 'two']) await data.write(utf8(s), 0, newReq(owner));
  assert.equal(await m.readText('data'), 'onetwo');
  const read = async (n: number) => text(await data.read(n, 0, newReq(owner)));
  assert.deepEqual([await read(4), await read(4), await read(4)], ['onet', 'wo', '']);
  assert.equal((await down(root, 'ctl')).slow, true);
  const hello = await (await down(root, 'hello')).open(omode.read, newReq(owner));
  assert.equal(hello.stream, false);
});

test('a read that waits holds up no write, and is flushed there', async () => {
  const w = new Waiting('data', 2n);
  const { root, server } = await far(flatTree([w]));
  const f = await (await down(root, 'data')).open(omode.rdwr, newReq(owner));
  const req = newReq(owner);
  const got = assert.rejects(async () => f.read(9, 0, req), { message: 'interrupted' });
  assert.equal(await f.write(utf8('abc'), 0, newReq(owner)), 3);
  flush(req);
  await got;
  assert.deepEqual(w.log, ['flushed 0']);
  f.close();
  await settled();
  const [c] = server.connections;
  assert.deepEqual([c?.fids, c?.outstanding], [1, 0]);
});

test('a lost server is an error, not a file that is missing; a tree below is chosen by path', async () => {
  const { remote, root, server } = await far();
  const sub = await remote.attach(owner, 'a/b');
  assert.deepEqual(
    (await sub.list(newReq(owner))).map((n) => n.name),
    ['c'],
  );
  await assert.rejects(async () => remote.attach(owner, 'x'), { message: 'file not found' });
  server.hangup('gone');
  await assert.rejects(async () => root.walk('hello', newReq(owner)), { message: 'hungup: gone' });
});
