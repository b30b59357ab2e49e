/** loop as files: two ends of a wire, a wire inline, and what cuts it, on virtual time. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hex, type Packet, packetOf, text, utf8 } from '@9p/packet';
import {
  join,
  makeSystem,
  type OpenFile,
  omode,
  Port,
  part,
  type Req,
  type System,
} from 'slashnet/core';
import loop from '../../plugins/loop/plugin.js';
import { SeededRandom, VirtualClock } from '../kit/index.js';

const request = (s: System): Req => ({ who: s.me, iounit: 0, flushed: false, onflush: undefined });

/** A system with loop in it, and as many wires. */
async function wires(n: number) {
  const clock = new VirtualClock();
  const s = makeSystem({ clock, random: new SeededRandom(1), plugins: [], poison: true });
  await loop.start(s.env, []);
  for (let i = 0; i < n; i++) assert.equal(await read(s, '/loop/clone'), String(i));
  return { clock, s, ctl: (message: string, i = 0) => write(s, `/loop/${i}/ctl`, message) };
}

async function read(s: System, path: string): Promise<string> {
  const f = await s.ns.open(path, omode.read, s.me);
  const b = text(await f.read(8192, 0, request(s)));
  f.close();
  return b.trimEnd();
}

async function write(s: System, path: string, message: string): Promise<void> {
  const f = await s.ns.open(path, omode.write, s.me);
  try {
    await f.write(utf8(message), 0, request(s));
  } finally {
    f.close();
  }
}

/** A layer that is bound to `path`. */
async function layer(s: System, path: string, framing: 'packet' | 'bytes' = 'packet') {
  const told: string[] = [];
  const got: string[] = [];
  const port = new Port({
    name: `above ${path}`,
    framing,
    mtu: () => 1500,
    take: (p: Packet) => void got.push(hex(p.bytes())),
    up: (peer) => {
      told.push(`up ${peer.mtu}`);
      // As a server does that begins to negotiate at once.
      port.deliver(packetOf(utf8('hi')));
    },
    down: (why) => void told.push(`down ${why}`),
    room: () => void told.push('room'),
  });
  const chan = await s.ns.open(path, omode.rdwr, s.me);
  const below = chan.port as Port;
  s.turn.run(() => join(port, below));
  return {
    told,
    got,
    port,
    send: (words: string) => s.turn.run(() => port.deliver(packetOf(utf8(words)))),
    leave: (why: string) => s.turn.run(() => part(port, below, why)),
  };
}

const hi = hex(utf8('hi'));

test('two ends: carrier when both are there, and what is sent then arrives', async () => {
  const { s } = await wires(1);
  const a = await layer(s, '/net/loop/0/data');
  assert.deepEqual(a.told, []);
  assert.match(await read(s, '/loop/0/status'), /^Idle framing packet mtu 2048 seed \d+ down none/);
  const b = await layer(s, '/net/loop/0/data1');
  assert.deepEqual(a.told, ['up 2048']);
  assert.deepEqual(b.told, ['up 2048']);
  assert.deepEqual(
    [a.got, b.got],
    [[hi], [hi]],
    'neither end missed the first packet of the other',
  );
  assert.match(await read(s, '/loop/0/status'), /^Connected /);
  assert.equal(await read(s, '/loop/0/local'), 'above /net/loop/0/data');
  assert.equal(await read(s, '/loop/0/remote'), 'above /net/loop/0/data1');
  b.leave('gone');
  assert.equal(a.told.at(-1), 'down nothing at the other end of the wire');
  a.send('x');
  assert.match(await read(s, '/loop/0/stats'), /^nocarrier: 1$/m);
});

test('the ends as files', async () => {
  const { s } = await wires(1);
  const open = async (path: string) =>
    (await s.ns.walk(path, s.me)).open(omode.rdwr, request(s)) as OpenFile;
  const near = await open('/loop/0/data');
  assert.throws(() => near.write(utf8('x'), 0, request(s)), /not connected/);
  const far = await open('/loop/0/data1');
  assert.equal(near.write(utf8('hello'), 0, request(s)), 5);
  assert.equal(text(await far.read(100, 0, request(s))), 'hello');
  await assert.rejects(layer(s, '/loop/0/data1'), /connection in use/);
  far.close();
  assert.throws(() => near.write(utf8('x'), 0, request(s)), /not connected/);
  near.close();
});

test('hangup cuts the wire and connect mends it', async () => {
  const { s, ctl, clock } = await wires(1);
  const a = await layer(s, '/loop/0/data');
  const b = await layer(s, '/loop/0/data1');
  await ctl('delay 10ms');
  a.send('on its way');
  await ctl('hangup');
  clock.advance(100);
  assert.deepEqual(b.got, [hi], 'what was on the wire is gone');
  assert.equal(a.told.at(-1), 'down the wire was cut');
  assert.equal(b.told.at(-1), 'down the wire was cut');
  await ctl('connect');
  clock.advance(100);
  assert.deepEqual([a.told.at(-1), b.told.at(-1)], ['up 2048', 'up 2048']);
  assert.deepEqual(b.got, [hi, hi]);
  b.leave('gone');
  await assert.rejects(ctl('connect'), /nothing carries at the far end of \/loop\/0/);
});

test('faults in one direction or both, by ctl, and shown in status', async () => {
  const { s, ctl, clock } = await wires(1);
  await ctl('seed 7\nloss 0.5%\nup delay 20ms\ndown rate 64k\n');
  assert.match(
    await read(s, '/loop/0/status'),
    /seed 7 down 'loss 0.5% rate 64000' up 'loss 0.5% delay 20ms' waiting 0$/,
  );
  await ctl('clear\nup loss 100%');
  const a = await layer(s, '/loop/0/data');
  const b = await layer(s, '/loop/0/data1');
  a.send('x');
  b.send('y');
  assert.deepEqual([a.got, b.got], [[], [hi, hex(utf8('x'))]]);
  await ctl('clear\ndelay 20ms');
  b.send('z');
  assert.match(await read(s, '/loop/0/status'), /waiting 1$/);
  clock.advance(20);
  assert.deepEqual(a.got, [hex(utf8('z'))]);
  assert.match(await read(s, '/loop/0/stats'), /^lost: 2$/m);
  assert.equal(clock.pending, 0);
});

test('inline: what is below shows through, and its carrier and mtu', async () => {
  const { s, ctl } = await wires(2);
  await ctl('bind /net/loop/1/data');
  const a = await layer(s, '/loop/0/data');
  assert.deepEqual(a.told, []);
  await ctl('mtu 1000', 1);
  const b = await layer(s, '/loop/1/data1');
  assert.deepEqual([a.told.at(-1), b.told.at(-1)], ['up 1000', 'up 1000']);
  assert.deepEqual([a.got, b.got], [[hi], [hi]]);
  await assert.rejects(layer(s, '/loop/0/data1'), /connection in use: .* is at the far end/);
  b.leave('gone');
  assert.match(a.told.at(-1) ?? '', /^down /);
  await ctl('unbind');
  const c = await layer(s, '/loop/0/data1');
  assert.equal(c.told.at(-1), 'up 2048');
  await assert.rejects(ctl('bind /net/loop/1/data'), /connection in use/);
});

test('a packet over the mtu is counted', async () => {
  const { s, ctl } = await wires(1);
  await ctl('mtu 64');
  const a = await layer(s, '/loop/0/data');
  const b = await layer(s, '/loop/0/data1');
  a.send('x'.repeat(64));
  a.send('x'.repeat(65));
  assert.equal(b.got.length, 2);
  assert.match(await read(s, '/loop/0/stats'), /^toobig: 1$/m);
});

test('a full wire stops its source, and says when there is room', async () => {
  const { s, ctl, clock } = await wires(1);
  await ctl('down rate 8k\ndown queue 3');
  const a = await layer(s, '/loop/0/data');
  await layer(s, '/loop/0/data1');
  clock.advance(1000);
  for (let i = 0; i < 3; i++) a.send('x'.repeat(100));
  assert.equal(a.port.peer?.full, true);
  clock.advance(150);
  assert.equal(a.told.at(-1), 'room');
  assert.equal(a.port.peer?.full, false);
});

test('bytes: joined and cut anew, on the clock', async () => {
  const { s, ctl, clock } = await wires(1);
  await ctl('framing bytes\nchunk 5');
  await assert.rejects(
    layer(s, '/loop/0/data'),
    /carries packet, .* bytes|carries bytes, .* packet/,
  );
  const a = await layer(s, '/loop/0/data', 'bytes');
  const b = await layer(s, '/loop/0/data1', 'bytes');
  await assert.rejects(ctl('framing packet'), /still in use/);
  for (const w of ['abc', 'defghijklm', 'n']) a.send(w);
  clock.advance(0);
  assert.equal(b.got.join(''), hex(utf8('hiabcdefghijklmn')));
  assert.ok(b.got.every((h) => h.length <= 10));
});

test('the same seed, the same run', async () => {
  const runs: string[] = [];
  for (const seed of [5, 5, 6]) {
    const { s, ctl, clock } = await wires(1);
    await ctl(`seed ${seed}\nloss 20\ndup 20\nreorder 20\ndelay 5\njitter 5`);
    const a = await layer(s, '/loop/0/data');
    const b = await layer(s, '/loop/0/data1');
    for (let i = 0; i < 100; i++) {
      a.send(String(i));
      clock.advance(1);
    }
    clock.advance(1000);
    runs.push(b.got.join());
  }
  assert.equal(runs[0], runs[1]);
  assert.notEqual(runs[0], runs[2]);
});

test('closing a wire leaves no timer, and tells both ends', async () => {
  const { s, ctl, clock } = await wires(1);
  const a = await layer(s, '/loop/0/data');
  const b = await layer(s, '/loop/0/data1');
  await ctl('delay 1s');
  a.send('x');
  await ctl('close');
  assert.equal(clock.pending, 0);
  for (const end of [a, b]) assert.equal(end.port.peer, undefined);
});

const refused: readonly [string, RegExp][] = [
  ['loss 200', /^'200' is not a percentage from 0 to 100: loss 200$/],
  ['up loss', /^bad # args/],
  ['up smoke 5', /^no such fault 'smoke'/],
  ['up delay 1 2', /^usage: delay time/],
  ['seed x', /^'x' is not a seed/],
  ['mtu 63', /^'63' is not a mtu: 64 to 65535/],
  ['framing fax', /^'fax' is neither packet nor bytes/],
  ['bind /net/loop/0/data', /cycle/],
];

test('what is refused, and with what reason', async () => {
  const { ctl } = await wires(1);
  for (const [line, why] of refused)
    await assert.rejects(ctl(line), (e: Error) => why.test(e.message), line);
});
