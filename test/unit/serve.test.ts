/** The daemon's and the commands' lives as processes: signals, closed pipes, plugins that throw
 *  where nobody catches, imports of servers that say nothing. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { dial } from '@9p/lib9p';
import { errorText, makeSystem } from 'slashnet/core';
import { Imports } from '../../srv/import.js';
import { Mounts } from '../../srv/mounts.js';
import { eventually, request, Shell } from '../kit/index.js';

/** It has two seconds; the machine may have others to serve. */
const end_ms = 5000;
const main = fileURLToPath(new URL('../../src/cmd/main.js', import.meta.url));

/** Throws and rejects where nobody looks; its stop and the hangup of its conversations
 *  never end. */
const plugin = `
export default {
  name: 'bad',
  start(env) {
    Promise.reject(new Error('nobody awaits this'));
    setTimeout(() => { throw new Error('nobody catches this'); }, 1);
    const never = () => new Promise(() => undefined);
    const ever = () => new Promise(() => setInterval(() => {}, 1000));
    const stats = { add() {}, get: () => 0, toString: () => '' };
    const create = () => ({
      state: 'Up', idle: false, status: () => '', connect: ever, hangup: never, close() {},
    });
    env.serve({ name: 'bad', limit: 9, about: 'bad', verbs: [], stats, create });
    return { stop: () => void process.stderr.write('undone\\n') };
  },
};
`;

interface Ran {
  readonly p: ChildProcess;
  readonly said: () => string;
  readonly over: Promise<{ code: number | null; signal: string | null; ms: number }>;
}

function run(args: readonly string[], env: Record<string, string> = {}): Ran {
  const p = spawn(process.execPath, [main, ...args], { env: { ...process.env, ...env } });
  let said = '';
  p.stderr.on('data', (b) => (said += b));
  const began = performance.now();
  const over = new Promise<Awaited<Ran['over']>>((done) =>
    p.once('close', (code, signal) => done({ code, signal, ms: performance.now() - began })),
  );
  return { p, said: () => said, over };
}

async function inDirectory(f: (dir: string, env: Record<string, string>) => Promise<void>) {
  const dir = await mkdtemp(join(tmpdir(), 'slashnet-'));
  try {
    await mkdir(join(dir, 'bad'));
    await writeFile(join(dir, 'bad', 'plugin.js'), plugin);
    await writeFile(join(dir, 'package.json'), '{"type":"module"}');
    await f(dir, { SLASHNET_PLUGINS: dir });
  } finally {
    await rm(dir, { recursive: true });
  }
}

/** How long the process takes to end. */
async function ended(r: Ran, signal: NodeJS.Signals) {
  const at = performance.now();
  r.p.kill(signal);
  const { code } = await r.over;
  return { code, ms: performance.now() - at };
}

test('a daemon outlives what nobody catches, and ends in time with a peer that says nothing', () =>
  inDirectory(async (dir, env) => {
    const path = join(dir, 's');
    const r = run(['serve', '--bare', '--load', 'bad', '--socket', path], env);
    await eventually('listening', () => r.said().includes('listening'));
    await eventually('both errors', () => /nobody awaits.*nobody catches/s.test(r.said()));
    const m = await dial(`unix!${path}`);
    assert.equal(await m.readText('/bad/clone'), '0');
    m.writeFile('/bad/0/ctl', 'connect').catch(() => undefined);
    await m.readText('/version');
    const { code, ms } = await ended(r, 'SIGTERM');
    assert.equal(code, 0);
    assert.ok(ms < end_ms, `${ms} ms`);
    assert.match(r.said(), /undone/);
  }));

test('a signal during the start undoes it; a profile with load lines is the whole list', () =>
  inDirectory(async (dir, env) => {
    const profile = join(dir, 'profile');
    await writeFile(profile, 'load auth\nload bad\n/bad/clone connect\n');
    const r = run(['serve', '--profile', profile, '--socket', join(dir, 's')], env);
    await eventually('the error', () => r.said().includes('nobody catches'));
    await new Promise((done) => setTimeout(done, 100));
    const { code, ms } = await ended(r, 'SIGTERM');
    assert.equal(code, 0);
    assert.ok(ms < end_ms, `${ms} ms`);
    assert.match(r.said(), /undone/);
    assert.ok(!r.said().includes('loaded already'));
  }));

test('a daemon on stdio whose reader is gone hangs up before it ends', () =>
  inDirectory(async (_dir, env) => {
    const r = run(['serve', '--bare', '--load', 'bad', '--stdio'], env);
    await eventually('the error', () => r.said().includes('nobody catches'));
    r.p.stdout?.destroy();
    // Tversion: the answer meets a closed pipe.
    r.p.stdin?.write(Buffer.from('1300000064ffff002000000600395032303030', 'hex'));
    r.p.stdin?.on('error', () => undefined);
    await r.over;
    assert.match(r.said(), /undone/);
  }));

test('an import of a server that says nothing ends with the writer’s patience', async () => {
  const mute = createServer(() => undefined);
  await new Promise<void>((done) => mute.listen(0, '127.0.0.1', done));
  const { port } = mute.address() as { port: number };
  const s = makeSystem({ plugins: [] });
  const fine = async () => undefined;
  const none = async () => assert.fail('no proof was asked for');
  const imports = new Imports(s.ns, s.instance, 'glenda', fine, s.env.clock, none);
  const req = request();
  const waiting = imports
    .mount(`tcp!127.0.0.1!${port}`, '/n/mute', '', undefined, req)
    .catch(errorText);
  await eventually('a wait', () => req.onflush !== undefined);
  req.onflush?.();
  assert.equal(await waiting, `tcp!127.0.0.1!${port}: interrupted`);
  mute.close();
});

test('of an imported tree others get what anybody may there; its files are not ours', () =>
  inDirectory(async (dir) => {
    const { startDaemon } = await import('../../srv/daemon.js');
    const far = await startDaemon({ socket: join(dir, 'far'), load: ['loop'] });
    const near = await startDaemon({ socket: join(dir, 'near') });
    try {
      await near.system.control(`mount ${far.addresses[0]} /n/far`);
      const own = new Shell(near.system);
      const bob = own.as({ uname: 'bob', groups: [], owner: false });
      assert.equal(await own.cat('/n/far/loop/clone'), '0');
      assert.match(await bob.cat('/n/far/loop/0/status'), /^\w/);
      await assert.rejects(bob.cat('/n/far/loop/0/event'), /permission denied/);
      assert.equal(await bob.refusal('close', '/n/far/loop/0/ctl'), 'permission denied');
      const seen = await near.system.ns.walk('/n/far/version', own.who);
      const ours = await far.system.ns.walk('/version', own.who);
      assert.notEqual(seen.qid.path, ours.qid.path);
      assert.equal((await seen.stat()).qid.path, seen.qid.path);
      await assert.rejects(
        near.system.control(`mount ${near.addresses[0]} /n/self n`),
        /is this daemon itself/,
      );
    } finally {
      await near.stop('over');
      await far.stop('over');
    }
  }));

test('mounts of subtrees: a path below one is the subtree’s; one directory, one mount', () =>
  inDirectory(async (dir) => {
    const system = makeSystem({ plugins: [] });
    const ends: (() => void)[] = [];
    const asked: (string | undefined)[] = [];
    const mounts = new Mounts(
      system,
      () => undefined,
      async (_t, d, o) => {
        asked.push(`${o?.aname} ${o?.backend}`);
        let end: (why: string) => void = () => undefined;
        const gone = new Promise<string>((resolve) => (end = resolve));
        ends.push(() => end('over'));
        return { dir: d, gone, unmount: async () => end('unmounted') };
      },
    );
    const [a, b] = [join(dir, 'a'), join(dir, 'b')];
    const twice = await Promise.allSettled([mounts.mount(a, 'n'), mounts.mount(a)]);
    assert.deepEqual(
      twice.map((r) => (r.status === 'rejected' ? r.reason.message : 'mounted')),
      ['mounted', `${a} is mounted already`],
    );
    await mounts.mount(b, '', 'fuse-native');
    assert.deepEqual(asked, ['n undefined', ' fuse-native']);
    assert.equal(system.ns.toString(), `alias /net\nalias ${a} /n\nalias ${b}\n`);
    const node = await system.ns.walk(a, system.me);
    assert.equal(node.qid.path, (await system.ns.walk('/n', system.me)).qid.path);
    assert.ok(await system.ns.walk(`${b}/version`, system.me));
    await assert.rejects(mounts.mount(dir, '', 'other'), /no FUSE backend 'other': direct or/);
    await mounts.unmount(b);
    ends[0]?.();
    await new Promise((done) => setImmediate(done));
    assert.equal(system.ns.toString(), 'alias /net\n');
    assert.deepEqual(mounts.dirs, []);
  }));

test('the end of a mount takes away no other that has its place since', () =>
  inDirectory(async (dir) => {
    const ends: ((why: string) => void)[] = [];
    const fuse = async (_t: unknown, d: string) => {
      const gone = new Promise<string>((resolve) => ends.push(resolve));
      return { dir: d, gone, unmount: async () => undefined };
    };
    const mounts = new Mounts(makeSystem({ plugins: [] }), () => undefined, fuse);
    await mounts.mount(dir);
    await mounts.unmount(dir);
    await mounts.mount(dir);
    ends[0]?.('over');
    await new Promise(setImmediate);
    assert.deepEqual(mounts.dirs, [dir]);
  }));

test('no path below a mount of our own is used, by whatever name', () =>
  inDirectory(async (dir) => {
    const mounts = new Mounts(
      makeSystem({ plugins: [] }),
      () => undefined,
      async (_t, d) => ({
        dir: d,
        gone: new Promise(() => undefined),
        unmount: async () => undefined,
      }),
    );
    await mkdir(join(dir, 'mnt'));
    await symlink(join(dir, 'mnt'), join(dir, 'link'));
    await mounts.mount(join(dir, 'mnt'));
    for (const p of ['mnt/x', 'link/x', 'mnt/a/b'])
      await assert.rejects(mounts.refuseInside(join(dir, p)), /in a mount of this daemon/);
    await assert.rejects(mounts.mount(join(dir, 'link', 'x')), /in a mount of this daemon/);
    await mounts.refuseInside(join(dir, 'x'));
  }));
