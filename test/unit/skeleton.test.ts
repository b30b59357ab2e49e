/** The plugin to copy, and with it the way a plugin is tested: bytes, machine, path, files. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Packet, packetOf, text, utf8 } from '@9p/packet';
import { makeSystem } from 'slashnet/core';
import {
  type Cmd,
  type Event,
  Greeting,
  hello_ms,
  hellos_max,
} from '../../plugins/skeleton/machine.js';
import { Shout } from '../../plugins/skeleton/path.js';
import skeleton from '../../plugins/skeleton/plugin.js';
import { emit, header_bytes, type Malformed, parse } from '../../plugins/skeleton/wire.js';
import {
  bytes,
  emitted,
  flush,
  fuzzIterations,
  Pair,
  request,
  Shell,
  samples,
  serveWire,
  VirtualClock,
} from '../kit/index.js';

const parsed: readonly [why: string, hex: string, want: { type: string } | Malformed][] = [
  ['data', '00 41', { type: 'data' }],
  ['data without any', '00', { type: 'data' }],
  ['Hello', '01', { type: 'hello' }],
  ['Welcome', '02', { type: 'welcome' }],
  ['Bye', '03', { type: 'bye' }],
  ['no such type', '04', 'badtype'],
  ['nothing at all', '', 'short'],
];

test('packets parse', () => {
  for (const [why, hex, want] of parsed) {
    const b = bytes(hex);
    assert.deepEqual(parse(b, 0, b.length), want, why);
  }
});

test('parse(emit(x)) = x', () => {
  for (const type of ['data', 'hello', 'welcome', 'bye'] as const) {
    const b = emitted(header_bytes, (buf, o) => emit(buf, o, type));
    assert.deepEqual(parse(b, 0, b.length), { type });
  }
});

const pairOf = (seed: number, loss_pct = 0) =>
  new Pair<Cmd, Event>(new Greeting(), new Greeting(), { seed, loss_pct, delay_ms: 10 });
const states = (p: ReturnType<typeof pairOf>) =>
  [p.a, p.b].map((e) => (e.machine as Greeting).state).join(' ');

test('a call opens both ends, hangup closes them', () => {
  const p = pairOf(1);
  p.command('a', 'call');
  assert.ok(
    p.run(100, () => states(p) === 'Open Open'),
    p.trace(),
  );
  p.command('b', 'hangup');
  assert.ok(
    p.run(100, () => states(p) === 'Idle Idle'),
    p.trace(),
  );
  assert.deepEqual(p.a.events.at(-1), { is: 'closed', why: 'the other end hung up' });
});

test('both call at once', () => {
  const p = pairOf(2);
  p.command('a', 'call');
  p.command('b', 'call');
  assert.ok(
    p.run(100, () => states(p) === 'Open Open'),
    p.trace(),
  );
});

test('a silent peer: so many Hellos, then the reason', () => {
  const p = pairOf(3, 100);
  p.command('a', 'call');
  p.run(60_000);
  assert.equal(p.a.sent, hellos_max);
  assert.deepEqual(p.a.events.at(-1), { is: 'closed', why: 'no answer from the other end' });
  assert.equal(p.a.machine.deadline(), Number.POSITIVE_INFINITY);
});

test('packet n is lost, for every n: it opens all the same', () => {
  for (let n = 0; n < 6; n++) {
    const p = pairOf(4);
    p.drop = (from, i) => (from === 'a' ? i : i + 3) === n;
    p.command('a', 'call');
    assert.ok(
      p.run(hello_ms * 3, () => states(p) === 'Open Open'),
      p.trace(),
    );
  }
});

test('any packet to the machine in any state: no exception, and it still hangs up', () => {
  const corpus = ['00', '01', '02', '03'].map((h) => bytes(h));
  let m = new Greeting();
  let n = 0;
  for (const b of samples(5, fuzzIterations(), corpus)) {
    if (++n % 20 === 0) m = new Greeting();
    if (n % 7 === 0) m.command('call', n);
    m.receive(packetOf(b), n);
    m.timeout(n);
    while (m.poll() !== undefined) {}
  }
  m.command('hangup', n);
  assert.equal(m.state, 'Idle');
});

test('the path: header pushed and pulled, letters upper case, control packets apart', () => {
  const path = new Shout();
  const got: string[] = [];
  const to = (name: string) => ({
    send: (p: Packet) => got.push(`${name} ${p.start >= 0 ? text(p.bytes()) : ''}`) > 0,
  });
  assert.equal(path.down(packetOf(utf8('x')), to('below')), 'notopen');
  path.open = true;
  path.shouting = true;
  assert.equal(path.down(packetOf(utf8('Say it. 1é')), to('below')), undefined);
  for (const b of ['\0data', '\u0001', '\u0003', '\u0009', ''])
    path.up(packetOf(utf8(b)), to('above'), to('control'));
  assert.deepEqual(got, ['below \0SAY IT. 1é', 'above data', 'control \u0001', 'control \u0003']);
  assert.equal(path.letters, 4);
});

function make() {
  const clock = new VirtualClock();
  const s = makeSystem({ plugins: [], clock, poison: true, owner: 'glenda' });
  serveWire(s.env);
  void skeleton.start(s.env, []);
  return { clock, s, sh: new Shell(s) };
}

/** Two conversations with a wire between them. */
async function makePair() {
  const m = make();
  for (const _ of [0, 1]) {
    const wire = await m.sh.clone('wire');
    await m.sh.echo(`bind ${wire}/data`, `${await m.sh.clone('skeleton')}/ctl`);
  }
  return m;
}

test('two of them through files: connect, a packet, hangup', async () => {
  const { sh, clock } = await makePair();
  await sh.echo('shout on', '/skeleton/0/ctl');
  await clock.until(sh.echo('connect', '/skeleton/0/ctl'));
  assert.equal(await sh.cat('/skeleton/1/status'), 'Open shout off letters 0\n');
  const [a, b] = [await sh.open('/skeleton/0/data'), await sh.open('/skeleton/1/data')];
  await sh.write(a, 'hello');
  assert.equal(await sh.read(b), 'HELLO');
  assert.equal(await sh.cat('/skeleton/0/letters'), '5\n');
  await sh.echo('hangup', '/skeleton/1/ctl');
  assert.equal(await sh.cat('/skeleton/0/err'), 'the other end hung up\n');
  assert.equal(await sh.read(a), '', 'the end of the file once');
  await assert.rejects(sh.read(a), /hung ?up/);
});

test('connect: nothing bound, no answer, the client went away', async () => {
  const { sh, clock, s } = make();
  await sh.clone('skeleton');
  assert.equal(
    await sh.refusal('connect', '/skeleton/0/ctl'),
    'nothing is bound below: bind path first: connect',
  );
  await sh.echo(`bind ${await sh.clone('wire')}/data`, '/skeleton/0/ctl');
  assert.equal(
    await clock.until(sh.refusal('connect', '/skeleton/0/ctl')),
    'no answer from the other end: connect',
  );
  assert.equal(clock.now(), hello_ms * hellos_max);

  const ctl = await sh.open('/skeleton/0/ctl');
  const req = request();
  const connecting = assert.rejects(sh.write(ctl, 'connect', req), /^FileError: interrupted/);
  await new Promise(setImmediate);
  assert.match(await sh.cat('/skeleton/0/status'), /^Calling /);
  flush(req);
  await connecting;
  assert.match(await sh.cat('/skeleton/0/status'), /^Idle /);
  await s.stop('test');
  assert.equal(clock.deadline() > clock.now() + hello_ms, true, 'no timer of the machine is left');
});
