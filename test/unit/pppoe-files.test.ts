/** pppoe as files, on an Ethernet interface that the test plays, on virtual time. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromHex, hex, type Packet, packetOf, text, utf8 } from '@9p/packet';
import {
  type Context,
  type Conversation,
  counters,
  join,
  type Layer,
  makeSystem,
  omode,
  Port,
  type Req,
  type System,
} from 'slashnet/core';
import pppoe from '../../plugins/pppoe/plugin.js';
import {
  code,
  type Discovery,
  emit,
  find,
  frameLength,
  parse,
  type Tag,
  tag,
} from '../../plugins/pppoe/wire.js';
import { SeededRandom, VirtualClock } from '../kit/index.js';

const local = 0x020000000001;
const ac = 0x020000000002;

/** One conversation of the interface, with what was sent on it. */
class Station implements Conversation {
  readonly upper: Port;
  readonly ctx: Context;
  state = 'Idle';
  type = 0;
  constructor(ctx: Context, heard: (type: number, p: Packet) => void) {
    this.ctx = ctx;
    this.upper = ctx.port({
      name: `${ctx.name}/data`,
      framing: 'packet',
      mtu: () => 1514,
      take: (p) => void heard(this.type, p),
    });
  }
  get idle(): boolean {
    return this.state === 'Idle';
  }
  status(): string {
    return '';
  }
  connect([type = '']: readonly string[]): void {
    this.type = Number(type);
    this.state = 'Connected';
    this.upper.raise();
  }
  close(): void {}
}

/** The interface ether0, and an access concentrator that answers unless it is told not to. */
function setup() {
  const clock = new VirtualClock();
  const system = makeSystem({ clock, random: new SeededRandom(1), plugins: [], poison: true });
  const stations = new Set<Station>();
  const frames: Discovery[] = [];
  const session: string[] = [];
  const net = {
    /** What is answered to a discovery frame. */
    answer: (d: Discovery): Discovery | undefined => offer(d),
    hear(type: number, p: Packet): void {
      if (type === 0x8864) return void session.push(hex(p.bytes()));
      const d = parse(p.buf, p.start, p.end);
      assert.ok(typeof d !== 'string', `${d}`);
      frames.push({ ...d, tags: d.tags.map((t) => ({ ...t, value: t.value.slice() })) });
      const a = net.answer(d);
      if (a !== undefined) clock.after(1, () => net.deliver(0x8863, bytesOf(a)));
    },
    deliver(type: number, bytes: Uint8Array): void {
      system.turn.run(() => {
        for (const s of stations) if (s.type === type) s.upper.deliver(packetOf(bytes));
      });
    },
  };
  const layer: Layer<Station> = {
    name: 'ether0',
    limit: 8,
    about: 'played by a test',
    verbs: [],
    rootFiles: [{ name: 'addr', perm: 0o444, text: () => '020000000001' }],
    stats: counters(),
    create(ctx) {
      const s = new Station(ctx, net.hear);
      stations.add(s);
      s.close = () => void stations.delete(s);
      return s;
    },
  };
  const serveEther = () => system.env.serve(layer);
  return { clock, system, stations, frames, session, net, serveEther, ether: serveEther() };
}
type Setup = ReturnType<typeof setup>;

function bytesOf(d: Discovery): Uint8Array {
  const b = new Uint8Array(frameLength(d));
  emit(b, 0, d);
  return b;
}

/** A PADO for a PADI, a PADS with session 7 for a PADR. */
function offer(d: Discovery, more: readonly Tag[] = []): Discovery | undefined {
  const uniq = find(d, tag.hostUniq);
  if (uniq === undefined || (d.code !== code.padi && d.code !== code.padr)) return undefined;
  const tags = [
    { type: tag.hostUniq, value: uniq.slice() },
    { type: tag.acName, value: utf8('ac') },
    { type: tag.serviceName, value: utf8('') },
    ...more,
  ];
  const padr = d.code === code.padr;
  return { dst: local, src: ac, code: padr ? code.pads : code.pado, session: padr ? 7 : 0, tags };
}

const request = (s: System): Req => ({ who: s.me, iounit: 0, flushed: false, onflush: undefined });

async function read(s: System, path: string): Promise<string> {
  const f = await s.ns.open(path, omode.read, s.me);
  const b = text(await f.read(8192, 0, request(s)));
  f.close();
  return b.trimEnd();
}

/** As `echo message > path`. */
async function write(s: System, path: string, message: string, req = request(s)): Promise<void> {
  const f = await s.ns.open(path, omode.write, s.me);
  try {
    await f.write(utf8(message), 0, req);
  } finally {
    f.close();
  }
}

/** A conversation of pppoe, bound to ether0. */
async function bound(verbs = ''): Promise<Setup> {
  const t = setup();
  await pppoe.start(t.system.env, []);
  assert.equal(await read(t.system, '/pppoe/clone'), '0');
  await write(t.system, '/pppoe/0/ctl', `${verbs}\nbind /net/ether0`);
  return t;
}

const connect = (t: Setup) => t.clock.until(write(t.system, '/pppoe/0/ctl', 'connect'));

/** A layer above, joined to data. */
async function above(t: Setup) {
  const chan = await t.system.ns.open('/net/pppoe/0/data', omode.rdwr, t.system.me);
  const told: string[] = [];
  const got: string[] = [];
  const port = new Port({
    name: 'above',
    framing: 'packet',
    mtu: () => 1500,
    take: (p) => void got.push(hex(p.bytes())),
    up: (peer) => void told.push(`up ${peer.mtu}`),
    down: (why) => void told.push(`down ${why}`),
  });
  t.system.turn.run(() => join(port, chan.port as Port));
  return { port, told, got };
}

const padt = (session: number, src: number, tags: readonly Tag[] = []): Uint8Array =>
  bytesOf({ dst: local, src, code: code.padt, session, tags });

test('bind, connect, packets, hangup', async () => {
  const t = await bound('service isp');
  t.net.answer = (d) => offer(d, [{ type: tag.serviceName, value: utf8('isp') }]);
  assert.equal(
    await read(t.system, '/pppoe/0/status'),
    "Idle ether /net/ether0 service isp acname ''",
  );
  assert.equal(await read(t.system, '/pppoe/0/remote'), '');
  const a = await above(t);
  await connect(t);
  assert.match(
    await read(t.system, '/pppoe/0/status'),
    /^Session .* acname ac session 7 mtu 1494$/,
  );
  assert.equal(await read(t.system, '/pppoe/0/local'), '02:00:00:00:00:01');
  assert.equal(await read(t.system, '/pppoe/0/remote'), '02:00:00:00:00:02!7');
  assert.deepEqual(a.told, ['up 1494']);
  t.system.turn.run(() => a.port.deliver(packetOf(fromHex('c0210102'))));
  assert.deepEqual(t.session, ['020000000002020000000001886411000007' + '0004c0210102']);
  t.net.deliver(0x8864, fromHex('020000000001 020000000002 8864 1100 0007 0002 0021 0000'));
  assert.deepEqual(a.got, ['0021']);
  // The access concentrator says PADT before ours is due: ours comes all the same.
  const began = t.clock.now();
  t.clock.after(100, () => t.net.deliver(0x8863, padt(7, ac)));
  await t.clock.until(write(t.system, '/pppoe/0/ctl', 'hangup'));
  assert.equal(t.clock.now() - began, 500);
  const last = t.frames.at(-1);
  assert.deepEqual([last?.code, last?.session, last?.dst], [code.padt, 7, ac]);
  assert.deepEqual(a.told, ['up 1494', 'down hung up by ctl']);
  assert.match(await read(t.system, '/pppoe/0/status'), /^Idle /);
  await connect(t);
  assert.equal(a.told.at(-1), 'up 1494');
});

test('nobody answers: the reason, after 16 s, and in err', async () => {
  const t = await bound();
  t.net.answer = () => undefined;
  const why = 'no access concentrator answered on ether0 in 16 s';
  await assert.rejects(connect(t), (e: Error) => e.message.startsWith(why));
  assert.equal(t.clock.now(), 16_000);
  assert.ok((await read(t.system, '/pppoe/0/err')).startsWith(why));
});

test('hangup, and a client that goes away, end a connect that waits', async () => {
  const t = await bound();
  t.net.answer = (d) => (d.code === code.padi ? offer(d) : undefined);
  const waiting = write(t.system, '/pppoe/0/ctl', 'connect');
  await t.clock.run(100);
  assert.match(await read(t.system, '/pppoe/0/status'), /^PADR-sent /);
  const outcome = assert.rejects(waiting, /hung up/);
  await write(t.system, '/pppoe/0/ctl', 'hangup');
  await outcome;
  const req = request(t.system);
  const again = write(t.system, '/pppoe/0/ctl', 'connect', req);
  await t.clock.run(100);
  const given = assert.rejects(again, /interrupted/);
  req.flushed = true;
  req.onflush?.();
  await given;
  assert.match(await read(t.system, '/pppoe/0/status'), /^Idle /);
  assert.equal(t.clock.pending, 0, 'no timer is left');
});

test('PADT of the access concentrator ends the session, with its words', async () => {
  const t = await bound();
  const a = await above(t);
  await connect(t);
  t.net.deliver(0x8863, padt(7, 0x020000000009));
  assert.match(await read(t.system, '/pppoe/0/status'), /^Session /);
  t.net.deliver(0x8863, padt(7, ac, [{ type: tag.genericError, value: utf8('bye') }]));
  const why = 'access concentrator ended the session: bye';
  assert.equal(await read(t.system, '/pppoe/0/err'), why);
  assert.equal(a.told.at(-1), `down ${why}`);
  const n = t.frames.length;
  await write(t.system, '/pppoe/0/ctl', 'unbind');
  assert.equal(t.frames.length, n, 'no PADT for what is over');
  assert.match(await read(t.system, '/pppoe/stats'), /^wrongmac: 1$/m);
});

test('the interface goes: told above and in err; connect finds the next of its name', async () => {
  const t = await bound();
  const a = await above(t);
  await connect(t);
  await t.ether.remove('ether0 was removed');
  assert.match(a.told.at(-1) ?? '', /^down ether0 is gone: /);
  assert.match(await read(t.system, '/pppoe/0/err'), /^ether0 is gone: /);
  await assert.rejects(connect(t), /ether0/);
  t.serveEther();
  await connect(t);
  assert.equal(a.told.at(-1), 'up 1494');
  assert.equal(t.stations.size, 2);
});

test('the interface is taken down: the session is over, and connect says why it cannot', async () => {
  const t = await bound();
  const a = await above(t);
  await connect(t);
  t.system.turn.run(() => {
    for (const s of t.stations) s.upper.lower('eth1 was taken down');
  });
  assert.equal(a.told.at(-1), 'down ether0 is down: eth1 was taken down');
  assert.match(await read(t.system, '/pppoe/0/status'), /^Idle /);
  await assert.rejects(connect(t), /^FileError: ether0 is down: connect/);
  t.system.turn.run(() => {
    for (const s of t.stations) s.upper.raise();
  });
  await connect(t);
  assert.match(await read(t.system, '/pppoe/0/status'), /^Session /);
});

test('a session set by hand', async () => {
  const t = await bound();
  const a = await above(t);
  await write(t.system, '/pppoe/0/ctl', 'static session 9 mac 02:00:00:00:00:02');
  assert.deepEqual(a.told, ['up 1494']);
  t.net.deliver(0x8864, fromHex('020000000001 020000000002 8864 1100 0009 0002 0021'));
  assert.deepEqual(a.got, ['0021']);
  assert.equal(t.frames.length, 0);
  await connect(t);
  assert.equal(t.frames.length, 0, 'it is connected');
});

test('conversations share the interface, and leave it with the last', async () => {
  const t = await bound('hostuniq 0102');
  for (const n of [1, 2, 3]) {
    assert.equal(await read(t.system, '/pppoe/clone'), String(n));
    await write(t.system, `/pppoe/${n}/ctl`, 'bind /ether0');
  }
  assert.equal(t.stations.size, 2);
  await write(t.system, '/pppoe/1/ctl', 'hostuniq 0102');
  t.net.answer = () => undefined;
  const first = assert.rejects(connect(t), /no access concentrator/);
  await assert.rejects(write(t.system, '/pppoe/1/ctl', 'connect'), /host-uniq 0102 is in use/);
  await first;
  await write(t.system, '/pppoe/2/ctl', 'static session 5 mac 020000000002');
  await assert.rejects(
    write(t.system, '/pppoe/3/ctl', 'static session 5 mac 020000000002'),
    /session 5 with 02:00:00:00:00:02 is in use/,
  );
  for (const n of [0, 1, 2, 3]) await write(t.system, `/pppoe/${n}/ctl`, 'close');
  assert.equal(t.stations.size, 0);
  const last = t.frames.at(-1);
  assert.deepEqual([last?.code, last?.session], [code.padt, 5]);
});

const refused: readonly [string, RegExp][] = [
  ['connect', /^not bound: bind an ether first: connect$/],
  ['static session 7 mac 02:00:00:00:00:02', /^not bound/],
  ['static session 0 mac 02:00:00:00:00:02', /^'0' is not a session: 1 to 65534/],
  ['static session 65535 mac 02:00:00:00:00:02', /is not a session/],
  ['static session 7 mac ff:ff:ff:ff:ff:ff', /is no address of a station/],
  ['static number 7 mac 02:00:00:00:00:02', /^usage: static/],
  ['hostuniq 0', /hex/],
  [`hostuniq ${'00'.repeat(65)}`, /too long: over 64 bytes/],
  [`service ${'x'.repeat(256)}`, /too long: over 255 bytes/],
  ['retry 5', /'5' is not a time in ms: 100 to 60000/],
  ['timeout 0', /'0' is not a time in s: 1 to 3600/],
  ['bind /net/ether9', /is not in the name space/],
  ['bind /net/pppoe', /is not in the name space/],
  ['dance', /unknown control message/],
];

test('what is refused, and with what reason', async () => {
  const t = setup();
  await pppoe.start(t.system.env, []);
  await read(t.system, '/pppoe/clone');
  for (const [line, why] of refused)
    await assert.rejects(
      write(t.system, '/pppoe/0/ctl', line),
      (e: Error) => why.test(e.message),
      line,
    );
});

test('log and pcap show the frames of both stages', async () => {
  const t = await bound();
  const log = await t.system.ns.open('/pppoe/0/log', omode.read, t.system.me);
  await connect(t);
  const lines = text(await log.read(65536, 0, request(t.system)));
  let all = lines;
  for (let n = 0; n < 20 && log.ready; n++)
    all += text(await log.read(65536, 0, request(t.system)));
  for (const what of ['-> PADI', '<- PADO', '-> PADR', '<- PADS', 'Session'])
    assert.ok(all.includes(what), `${what} in ${all}`);
  log.close();
});
