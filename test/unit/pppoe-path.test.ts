/** The data path of pppoe and the demultiplexer above one Ethernet interface. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromHex, hex, moved, type Packet, packetOf, take } from '@9p/packet';
import { Demux } from '../../plugins/pppoe/demux.js';
import { SessionPath } from '../../plugins/pppoe/path.js';
import type { Mac } from '../../plugins/pppoe/wire.js';

const local = 0x020000000001;
const peer = 0x020000000002;
const iterations = Number(process.env.FUZZ_ITERATIONS ?? 2000);

function sink() {
  const got: string[] = [];
  return { got, deliver: (p: Packet) => got.push(hex(p.bytes())) > 0 };
}

/** A session whose frames end in `above` and `below`, and drops in `drops`. */
function session(id: number, from: Mac = peer) {
  const drops: string[] = [];
  const ended: string[] = [];
  const path = new SessionPath({
    count: (reason) => void drops.push(reason),
    crash: (e) => void drops.push(String(e)),
    terminate: (p) => void ended.push(hex(p.bytes())),
  });
  const above = sink();
  const below = sink();
  path.above = above;
  path.open({ local, peer: from, id }, 1494, below);
  return { path, above, below, drops, ended };
}

type Session = ReturnType<typeof session>;

const frame = (s: string) => packetOf(fromHex(s));
const lcp = '020000000001 020000000002 8864 1100 0007 0004 c021 0102';

test('down: RFC 2516 appendix B, a PPP LCP packet from the host', () => {
  const { path, below } = session(0x1234);
  const before = moved.count;
  assert.equal(path.down(packetOf(fromHex('c0210102'))), undefined);
  assert.deepEqual(below.got, ['020000000002020000000001886411001234' + '0004c0210102']);
  assert.equal(moved.count, before);
});

test('down: addresses with their high bits set', () => {
  const { path, below } = session(0xfffe, 0xfefdfcfbfaf9);
  path.down(packetOf(fromHex('c021')));
  assert.deepEqual(below.got, ['fefdfcfbfaf90200000000018864' + '1100fffe0002c021']);
});

test('down: the longest frame goes, one byte more is counted', () => {
  const { path, below } = session(7);
  assert.equal(path.down(take(1494)), undefined);
  assert.equal(path.down(take(1495)), 'toobig');
  assert.equal(below.got[0]?.length, 2 * 1514);
  assert.equal(below.got.length, 1);
});

test('down: nothing before a session, and nothing after it', () => {
  const { path, below } = session(7);
  path.close();
  assert.equal(path.down(take(10)), 'notup');
  assert.equal(below.got.length, 0);
});

test('up undoes down', () => {
  const a = session(7);
  const b = session(7);
  b.path.open({ local: peer, peer: local, id: 7 }, 1494, sink());
  a.path.down(packetOf(fromHex('0021 45')));
  assert.equal(b.path.up(packetOf(fromHex(a.below.got[0] ?? ''))), undefined);
  assert.deepEqual(b.above.got, ['002145']);
});

test('the tap sees whole frames, both ways', () => {
  const { path } = session(7);
  const seen: string[] = [];
  path.tap = (inbound, p) => void seen.push(`${inbound ? '<-' : '->'} ${hex(p.bytes())}`);
  path.down(packetOf(fromHex('0021')));
  path.up(frame(lcp));
  assert.deepEqual(seen, [
    '-> 0200000000020200000000018864110000070002' + '0021',
    `<- ${lcp.replaceAll(' ', '')}`,
  ]);
});

const ups: readonly [
  why: string,
  bytes: string,
  drop: string | undefined,
  up: string | undefined,
][] = [
  ['a frame', lcp, undefined, 'c0210102'],
  ['padding goes', `${lcp} 0000 0000 0000`, undefined, 'c0210102'],
  ['header cut', '020000000001 020000000002 8864 1100 0007 00', 'short', undefined],
  ['discovery', lcp.replace('8864', '8863'), 'badtype', undefined],
  ['for another station', lcp.replace('020000000001', '020000000003'), 'notours', undefined],
  ['broadcast', lcp.replace('020000000001', 'ffffffffffff'), 'notours', undefined],
  ['of another station', lcp.replace('020000000002', '020000000009'), 'wrongmac', undefined],
  ['of an unknown session', lcp.replace('0007', '0008'), 'nosession', undefined],
  ['version 2', lcp.replace('1100', '2100'), 'badversion', undefined],
  ['a discovery code', lcp.replace('1100', '1109'), 'badcode', undefined],
  ['length beyond the frame', lcp.replace('0004', '0005'), 'badlength', undefined],
  ['nothing in it', lcp.replace('0004', '0000'), 'empty', undefined],
];

test('up: what is ours goes up, the rest is counted by its reason', () => {
  for (const [why, bytes, drop, up] of ups) {
    const s = session(7);
    const demux = new Demux(local);
    demux.add(s.path);
    const stray = demux.session(frame(bytes));
    assert.equal(stray ?? s.drops[0], drop, why);
    assert.deepEqual(s.above.got, up === undefined ? [] : [up], why);
  }
});

test('two access concentrators may give the same session id', () => {
  const demux = new Demux(local);
  const a = session(7);
  const b = session(7, 0x020000000003);
  assert.equal(demux.add(a.path), true);
  assert.equal(demux.add(b.path), true);
  assert.equal(demux.add(session(7).path), false);
  demux.session(frame(lcp));
  demux.session(frame(lcp.replace('020000000002', '020000000003')));
  demux.session(frame(lcp));
  assert.equal(a.above.got.length, 2);
  assert.equal(b.above.got.length, 1);
  demux.remove(a.path);
  assert.equal(demux.session(frame(lcp)), 'wrongmac');
  demux.remove(b.path);
  assert.equal(demux.session(frame(lcp)), 'nosession');
});

test('a session is taken out of the middle of those of one id', () => {
  const demux = new Demux(local);
  const all = [2, 3, 4].map((n) => session(7, 0x020000000000 + n));
  const [a, b, c] = all as [Session, Session, Session];
  for (const s of all) assert.ok(demux.add(s.path));
  demux.remove(b.path);
  demux.remove(b.path);
  for (const n of [2, 3, 4]) demux.session(frame(lcp.replace('020000000002', `02000000000${n}`)));
  assert.deepEqual(
    [a, b, c].map((s) => s.above.got.length),
    [1, 0, 1],
  );
  assert.ok(demux.has(7, 0x020000000004) && !demux.has(7, 0x020000000003));
});

test("what is thrown in a session is that session's crash", () => {
  const demux = new Demux(local);
  const s = session(7);
  s.path.above = { deliver: () => assert.fail('bug') };
  demux.add(s.path);
  assert.equal(demux.session(frame(lcp)), undefined);
  assert.match(s.drops[0] ?? '', /bug/);
});

test('PADT reaches its session only with the right address', () => {
  const demux = new Demux(local);
  const a = session(7);
  demux.add(a.path);
  const padt = '020000000001 020000000002 8863 11a7 0007 0000';
  assert.equal(demux.discovery(frame(padt)), undefined);
  assert.equal(demux.discovery(frame(padt.replace('020000000002', '02000000000a'))), 'wrongmac');
  assert.equal(demux.discovery(frame(padt.replace('0007', '0008'))), 'nosession');
  assert.equal(demux.discovery(frame(padt.replace('020000000001', '02000000000b'))), 'notours');
  assert.equal(a.ended.length, 1);
});

test('offers are found by Host-Uniq', () => {
  const demux = new Demux(local);
  const got: string[] = [];
  const one = { discovery: () => void got.push('one') };
  const two = { discovery: () => void got.push('two') };
  assert.equal(demux.expect(fromHex('aa01'), one), true);
  assert.equal(demux.expect(fromHex('aa02'), two), true);
  assert.equal(demux.expect(fromHex('aa02'), one), false);
  const pado = '020000000001 020000000002 8863 1107 0000 0006 0103 0002 aa02';
  assert.equal(demux.discovery(frame(pado)), undefined);
  assert.equal(demux.discovery(frame(pado.replace('aa02', 'aa03'))), 'otherhost');
  assert.equal(demux.discovery(frame(pado.replace('0103', '0105'))), 'nohostuniq');
  assert.equal(demux.discovery(frame(pado.replace('1107', '1109'))), 'otherhost');
  assert.equal(demux.discovery(frame(pado.replace('1107', '11d3'))), 'badcode');
  demux.forget(fromHex('aa02'), one);
  assert.equal(demux.discovery(frame(pado)), undefined);
  demux.forget(fromHex('aa02'), two);
  assert.equal(demux.discovery(frame(pado)), 'otherhost');
  assert.deepEqual(got, ['two', 'two']);
});

test('fuzz: no mutated frame is thrown, and none that is not ours goes up', () => {
  let x = 3;
  const r = (n: number) => {
    x = (Math.imul(x, 1103515245) + 12345) >>> 0;
    return (x >>> 8) % n;
  };
  const demux = new Demux(local);
  const s = session(7);
  demux.add(s.path);
  for (let i = 0; i < iterations; i++) {
    const p = frame(lcp);
    for (let n = 1 + r(3); n > 0; n--) p.buf[p.start + r(p.length)] = r(256);
    p.trim(r(p.length + 1));
    const header = hex(p.bytes().subarray(0, 18));
    s.above.got.length = 0;
    const kind = r(2) === 0 ? demux.session(p) : demux.discovery(p);
    if (s.above.got.length > 0)
      assert.equal(header, '020000000001020000000002886411000007', `${kind}`);
  }
});
