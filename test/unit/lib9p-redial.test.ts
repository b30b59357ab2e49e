/** A mount that comes back after its connection is lost, over real sockets, on virtual time. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server as Sockets } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { dial, listen, type Mount, memTree, reconnecting, Server } from '@9p/lib9p';
import { VirtualClock } from '../kit/index.js';
import { flatTree, joined, settled, Waiting } from './lib9p-kit.js';

async function inDirectory(f: (path: string) => Promise<void>): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'redial-'));
  try {
    await f(join(dir, 's'));
  } finally {
    await rm(dir, { recursive: true });
  }
}

test('a server that went and came back: what was open is hung up, new walks work', () =>
  inDirectory(async (path) => {
    const clock = new VirtualClock();
    const w = new Waiting('w', 2n);
    const first = new Server(flatTree([w]));
    let l = await listen(first, { path });
    let dials = 0;
    const m = await reconnecting((signal) => {
      dials++;
      return dial(path, { signal });
    }, clock);
    const open = await m.open('w');
    const underWay = open.read(9).catch((e) => e.message);
    await m.root.stat();
    await l.close();
    first.hangup('gone');
    assert.equal(await underWay, 'hungup: connection closed');
    assert.equal(dials, 1, 'nobody asked for it');

    await assert.rejects(m.stat('w'), { message: /^hungup: .*: connect ENOENT/ });
    await assert.rejects(m.stat('w'), { message: /^hungup: .*: connect ENOENT/ });
    assert.equal(dials, 2, 'told at once, from the last attempt');
    clock.advance(249);
    await assert.rejects(m.stat('w'), { message: /^hungup: / });
    clock.advance(1);
    await assert.rejects(m.stat('w'), { message: /^hungup: / });
    assert.equal(dials, 3);
    clock.advance(499);
    await assert.rejects(m.stat('w'), { message: /^hungup: / });
    assert.equal(dials, 3, 'twice as long');

    const second = new Server(memTree({ w: 'back again' }));
    l = await listen(second, { path });
    clock.advance(1);
    const three = [m.readText('w'), m.stat('w'), m.open('w')];
    assert.equal(await three[0], 'back again');
    await Promise.all(three);
    assert.equal(dials, 4, 'one attempt for all who wait');
    await assert.rejects(open.read(9), { message: 'hungup: connection closed' });
    await open.close().catch(() => undefined);
    assert.equal(clock.pending, 0);

    m.close();
    await assert.rejects(m.stat('w'), { message: 'hungup: closed' });
    assert.equal(dials, 4);
    await l.close();
    second.hangup('over');
  }));

/** Takes connections and says nothing. */
async function mute(path: string): Promise<Sockets> {
  const sockets = createServer(() => undefined);
  await new Promise<void>((done) => sockets.listen(path, done));
  return sockets;
}

test('a server that says nothing gets its time; who gives up leaves the others waiting', () =>
  inDirectory(async (path) => {
    const clock = new VirtualClock();
    const sockets = await mute(path);
    const accepted = new Promise((done) => sockets.once('connection', done));
    const ask = new AbortController();
    const server = new Server(memTree({ a: 'x' }));
    const mounts: (() => Promise<Mount>)[] = [() => joined(server)];
    const m = await reconnecting((signal) => mounts.shift()?.() ?? dial(path, { signal }), clock);
    server.hangup('gone');
    await settled();
    const impatient = assert.rejects(m.stat('a', ask.signal), { message: 'interrupted' });
    const patient = assert.rejects(m.stat('a'), { message: 'hungup: no answer in 10 s' });
    await accepted;
    ask.abort();
    await impatient;
    clock.advance(10_000);
    await patient;
    sockets.close();
  }));

test('a mount that is closed while it is made again stays closed', async () => {
  const clock = new VirtualClock();
  const server = new Server(memTree({ a: 'x' }));
  const late: (() => void)[] = [];
  let n = 0;
  const m = await reconnecting(async () => {
    if (n++ > 0) await new Promise<void>((go) => late.push(go));
    return joined(server);
  }, clock);
  server.hangup('gone');
  await settled();
  const got = assert.rejects(m.stat('a'), { message: 'hungup: closed' });
  await settled();
  m.close();
  late[0]?.();
  await got;
  await settled();
  assert.equal(server.connections.size, 0);
});
