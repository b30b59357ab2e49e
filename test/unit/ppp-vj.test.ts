/** VJ: bytes by hand after RFC 1144 section 3.2, streams by seed, and whatever may come in. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  equal,
  hex,
  inetChecksum,
  inetSum,
  Packet,
  packetOf,
  put8,
  put16,
  put32,
  u8,
  u16,
} from '@9p/packet';
import { codes, ipcpOptions, protocols } from '../../plugins/ppp/codes.js';
import { type IpcpResult, initialIpcp, ipcpOptionSet } from '../../plugins/ppp/ipcp.js';
import { answer } from '../../plugins/ppp/options.js';
import { PppPath } from '../../plugins/ppp/path.js';
import { Vj, type VjLimits } from '../../plugins/ppp/vj.js';
import { bytes, SeededRandom } from '../kit/index.js';
import { begin, config, isUp, last, pair, server } from './ppp-peer.js';

interface Tcp {
  port: number;
  tos: number;
  id: number;
  df: boolean;
  seq: number;
  ack: number;
  flags: number;
  window: number;
  pointer: number;
  ipOptions: number;
  options: Uint8Array;
  data: Uint8Array;
}
const [fin, syn, push, ack, urg, ece] = [1, 2, 8, 16, 32, 64] as const;
const first: Tcp = {
  port: 1000,
  tos: 0,
  id: 100,
  df: true,
  seq: 1000,
  ack: 5000,
  flags: ack,
  window: 8192,
  pointer: 0,
  ipOptions: 0,
  options: new Uint8Array(0),
  data: new Uint8Array(10).fill(0x61),
};

/** A whole packet with right checksums. */
function packet(t: Tcp): Uint8Array {
  const ip = 20 + t.ipOptions;
  const head = ip + 20 + t.options.length;
  const b = new Uint8Array(head + t.data.length);
  put8(b, 0, 0x40 | (ip / 4));
  put8(b, 1, t.tos);
  put16(b, 2, b.length);
  put16(b, 4, t.id);
  put16(b, 6, t.df ? 0x4000 : 0);
  put8(b, 8, 64);
  put8(b, 9, 6);
  put32(b, 12, 0x0a000001);
  put32(b, 16, 0x0a000002);
  b.fill(1, 20, ip);
  put16(b, 10, inetChecksum(b, 0, ip));
  put16(b, ip, t.port);
  put16(b, ip + 2, 80);
  put32(b, ip + 4, t.seq);
  put32(b, ip + 8, t.ack);
  put8(b, ip + 12, ((20 + t.options.length) / 4) << 4);
  put8(b, ip + 13, t.flags);
  put16(b, ip + 14, t.window);
  put16(b, ip + 18, t.pointer);
  b.set(t.options, ip + 20);
  b.set(t.data, head);
  put16(b, ip + 16, tcpSum(b));
  return b;
}
const tcpSum = (b: Uint8Array): number => {
  const ip = (u8(b, 0) & 15) * 4;
  return inetChecksum(b, ip, b.length, inetSum(b, 12, 20, 6 + b.length - ip));
};
const isGood = (b: Uint8Array): boolean =>
  tcpSum(b) === 0 && inetChecksum(b, 0, (u8(b, 0) & 15) * 4) === 0;

/** TCP's part: what its checksum is about. */
const segment = (b: Uint8Array): string => hex(b.subarray((u8(b, 0) & 15) * 4));

const sixteen: VjLimits = { slots: 16, compSlot: true };
const newVj = (l: VjLimits = sixteen): Vj => new Vj(l, l, () => {});

function send(vj: Vj, b: Uint8Array): { protocol: number; wire: Uint8Array } {
  const p = packetOf(b);
  const protocol = vj.down(p);
  return { protocol, wire: p.bytes().slice() };
}
function take(vj: Vj, protocol: number, wire: Uint8Array): Uint8Array | string {
  const p = packetOf(wire);
  if (protocol === protocols.ip) return p.bytes();
  return vj.up(protocol, p) ?? p.bytes();
}

/** What changes from one packet to the next, and the header in the
 *  place of the 40 bytes: `SS` is the TCP checksum. */
const next: readonly [what: string, change: Partial<Tcp>, want: string][] = [
  ['data one way', { seq: 1010, id: 101 }, '0f SS'],
  ['with push', { seq: 1010, id: 101, flags: ack | push }, '1f SS'],
  ['echoed text', { seq: 1010, ack: 5010, id: 101 }, '0b SS'],
  ['an acknowledgement', { ack: 5001, id: 101 }, '04 SS 01'],
  ['two bytes', { ack: 5256, id: 101 }, '04 SS 000100'],
  ['a window', { window: 8191, id: 101 }, '02 SS 00ffff'],
  ['all of them', { window: 8193, ack: 5002, seq: 1003, id: 104 }, '2e SS 01 02 03 04'],
  ['the same id', { seq: 1010, id: 100 }, '2f SS 000000'],
  ['urgent', { flags: ack | urg, pointer: 7, seq: 1001, id: 101 }, '09 SS 07 01'],
  ['urgent at 0', { flags: ack | urg, seq: 1001, id: 101 }, '09 SS 000000 01'],
  ['a pointer that nobody asked for', { pointer: 7, id: 101 }, 'whole'],
  ['nothing new', { id: 101 }, 'whole'],
  ['back', { seq: 999, id: 101 }, 'whole'],
  ['too far', { seq: 1000 + 65536, id: 101 }, 'whole'],
  ['as if special', { seq: 1001, window: 8193, flags: ack | urg, pointer: 1, id: 101 }, 'whole'],
  ['another tos', { seq: 1010, id: 101, tos: 8 }, 'whole'],
  ['another df', { seq: 1010, id: 101, df: false }, 'whole'],
  ['another flag', { seq: 1010, id: 101, flags: ack | ece }, 'whole'],
  ['options', { seq: 1010, id: 101, options: bytes('01010101') }, 'whole'],
  ['fin', { seq: 1010, id: 101, flags: ack | fin }, 'ip'],
  ['syn', { seq: 1010, id: 101, flags: ack | syn }, 'ip'],
  ['no ack', { seq: 1010, id: 101, flags: push }, 'ip'],
];
for (const [what, change, want] of next) {
  test(`vj: ${what}`, () => {
    const [from, to] = [newVj(), newVj()];
    const before = send(from, packet(first));
    assert.equal(before.protocol, protocols.vju);
    assert.equal(u8(before.wire, 9), 0, 'slot 0 in the place of the protocol');
    assert.deepEqual(take(to, protocols.vju, before.wire), packet(first));
    const b = packet({ ...first, ...change });
    const { protocol, wire } = send(from, b);
    if (want === 'ip' || want === 'whole') {
      assert.equal(protocol, want === 'ip' ? protocols.ip : protocols.vju);
      assert.equal(wire.length, b.length);
    } else {
      assert.equal(protocol, protocols.vjc);
      const head = want.replace('SS', u16(b, 36).toString(16).padStart(4, '0')).replaceAll(' ', '');
      assert.equal(hex(wire), head + hex(first.data));
    }
    assert.deepEqual(take(to, protocol, wire), b);
  });
}

test('vj: data after an acknowledgement alone is compressed, the same again is not', () => {
  const [from, to] = [newVj(), newVj()];
  const say = (t: Partial<Tcp>) => {
    const b = packet({ ...first, ...t });
    const { protocol, wire } = send(from, b);
    assert.deepEqual(take(to, protocol, wire), b);
    return protocol === protocols.vjc ? hex(wire.subarray(0, 1)) : 'whole';
  };
  assert.equal(say({ data: new Uint8Array(0) }), 'whole');
  assert.equal(say({ id: 101 }), '00', 'nothing but the length changes');
  assert.equal(say({ id: 102 }), 'whole');
});

test('vj: the slot is named when it is another than the last, or always where it must be', () => {
  for (const compSlot of [true, false]) {
    const two = [{ ...first }, { ...first, port: 1001 }];
    const from = newVj({ slots: 16, compSlot });
    for (const t of two) send(from, packet(t));
    const masks = [0, 0, 1, 1].map((i, n) => {
      const t = two[i] as Tcp;
      Object.assign(t, { seq: t.seq + 10, id: t.id + 1 });
      const { wire } = send(from, packet(t));
      return [u8(wire, 0) & 0x40, u8(wire, 0) & 0x40 ? u8(wire, 1) : -1, n];
    });
    const named = (slot: number, n: number) => [0x40, slot, n];
    const left = (n: number) => [0, -1, n];
    const want = compSlot ? [named(0, 0), left(1), named(1, 2), left(3)] : [0, 0, 1, 1].map(named);
    assert.deepEqual(masks, want);
  }
});

// Streams ----------------------------------------------------------------------------------------

/** The next packet of a connection. */
function step(r: SeededRandom, t: Tcp): void {
  const any = (n: number) => r.below(n) === 0;
  const { data } = t;
  t.data = r.bytes(r.below(4) === 0 ? 0 : r.below(1400));
  t.id = (t.id + (any(4) ? r.below(65536) : 1)) & 0xffff;
  if (any(2)) t.seq = (t.seq + data.length) >>> 0;
  else if (any(3)) t.seq = (t.seq + r.below(100_000)) >>> 0;
  if (any(2)) t.ack = (t.ack + (any(2) ? data.length : r.below(70_000))) >>> 0;
  if (any(3)) t.window = r.below(65536);
  t.flags = ack | (any(3) ? push : 0) | (any(6) ? urg : 0) | (any(20) ? ece : 0);
  if (any(20)) t.flags |= [fin, syn, 4][r.below(3)] as number;
  if (any(8)) t.pointer = r.below(65536);
  if (any(10)) t.options = r.bytes(4 * r.below(11));
  if (any(30)) t.ipOptions = 4 * r.below(11);
  if (any(30)) t.tos = r.below(256);
}

/** Connections that take turns. */
function* stream(r: SeededRandom, packets: number): Generator<Uint8Array> {
  const all = Array.from({ length: 1 + r.below(40) }, (_, i) => ({ ...first, port: 1000 + i }));
  for (let i = 0; i < packets; i++) {
    const t = all[r.below(r.below(all.length) + 1)] as Tcp;
    step(r, t);
    yield packet(t);
  }
}

test('vj: what goes in comes out, of any number of connections and slots', () => {
  const seen = new Map<number, number>();
  for (let seed = 1; seed <= 40; seed++) {
    const r = new SeededRandom(seed);
    const slots = seed === 1 ? 1 : seed === 2 ? 256 : 1 + r.below(40);
    const limits = { slots, compSlot: seed % 2 === 0 };
    const [from, to] = [newVj(limits), newVj(limits)];
    for (const b of stream(r, 300)) {
      const { protocol, wire } = send(from, b);
      seen.set(protocol, (seen.get(protocol) ?? 0) + 1);
      assert.ok(protocol === protocols.vjc ? wire.length < b.length : wire.length === b.length);
      const got = take(to, protocol, wire);
      assert.ok(typeof got !== 'string' && equal(got, b), `seed ${seed}`);
    }
  }
  for (const p of [protocols.ip, protocols.vju, protocols.vjc])
    assert.ok((seen.get(p) ?? 0) > 500, `${p} ${seen.get(p)}`);
});

test('vj: of what comes after a loss no wrong segment has a right checksum', () => {
  let wrong = 0;
  let tossed = 0;
  for (let seed = 1; seed <= 40; seed++) {
    const r = new SeededRandom(1000 + seed);
    const [from, to] = [newVj(), newVj()];
    for (const b of stream(r, 300)) {
      const { protocol, wire } = send(from, b);
      if (r.below(10) === 0) {
        to.lost();
        continue;
      }
      const got = take(to, protocol, wire);
      if (typeof got === 'string') tossed++;
      else if (!equal(got, b)) {
        wrong++;
        assert.ok(!isGood(got) || segment(got) === segment(b), `seed ${seed}`);
      }
    }
  }
  assert.ok(wrong > 100 && tossed > 100, `${wrong} wrong, ${tossed} tossed`);
});

test('vj: after a loss, packets that name no slot are dropped up to one that does', () => {
  const [from, to] = [newVj(), newVj()];
  const t = { ...first };
  const say = (): string => {
    Object.assign(t, { seq: t.seq + 10, id: t.id + 1 });
    const { protocol, wire } = send(from, packet(t));
    const got = take(to, protocol, wire);
    return typeof got === 'string' ? got : 'taken';
  };
  assert.equal(say(), 'taken');
  assert.equal(say(), 'taken');
  to.lost();
  assert.equal(say(), 'vjfail');
  t.seq -= 100; // retransmitted: whole
  assert.equal(say(), 'taken');
  assert.equal(say(), 'taken');
  assert.match(JSON.stringify(to.pairs()), /\["vjin",2\],\["vjfail",1\]/);
});

// Whatever may come ------------------------------------------------------------------------------

const whole = send(newVj(), packet(first)).wire;
/** Changed at an offset, or cut to a length. */
const bad: readonly [what: string, protocol: number, wire: Uint8Array][] = [
  ['nothing', protocols.vju, bytes('')],
  ['39 bytes', protocols.vju, whole.subarray(0, 39)],
  ['slot 16 of 16', protocols.vju, changed(9, 16)],
  ['version 6', protocols.vju, changed(0, 0x65)],
  ['an IP header of 16', protocols.vju, changed(0, 0x44)],
  ['an IP header of 60 in 50', protocols.vju, changed(0, 0x4f)],
  ['a TCP header of 16', protocols.vju, changed(32, 0x40)],
  ['a TCP header of 60 in 50', protocols.vju, changed(32, 0xf0)],
  ['longer than it is', protocols.vju, changed(3, 51)],
  ['shorter than its headers', protocols.vju, changed(3, 30)],
  ['a fragment', protocols.vju, changed(7, 1)],
  ['a wrong checksum', protocols.vju, changed(8, 63)],
  ['compressed, nothing', protocols.vjc, bytes('')],
  ['compressed, no slot yet', protocols.vjc, bytes('00 1234')],
  ['compressed, slot 5 of nothing', protocols.vjc, bytes('40 05 1234 61')],
  ['compressed, slot 200', protocols.vjc, bytes('40 c8 1234 61')],
];
function changed(o: number, v: number): Uint8Array {
  const b = whole.slice();
  put8(b, o, v);
  return b;
}
for (const [what, protocol, wire] of bad) {
  test(`vj: ${what} is dropped`, () => {
    assert.equal(take(newVj(), protocol, wire), 'vjfail');
  });
}

test('vj: cut anywhere, a compressed header changes nothing', () => {
  const cases = [
    '40 00 1234',
    '7f 00 1234 00 0000',
    '6f 00 1234 000001',
    '47 00 1234 07 01 00 0002',
  ];
  for (const c of cases) {
    const all = bytes(c);
    for (let n = 0; n < all.length; n++) {
      const to = newVj();
      take(to, protocols.vju, whole);
      assert.equal(take(to, protocols.vjc, all.subarray(0, n)), 'vjfail', `${c} cut to ${n}`);
      const { wire } = send2(packet({ ...first, seq: 1010, id: 101 }));
      assert.deepEqual(take(to, protocols.vjc, wire), packet({ ...first, seq: 1010, id: 101 }));
    }
  }
});
/** After `first`, with its slot named. */
function send2(b: Uint8Array) {
  const from = newVj({ slots: 16, compSlot: false });
  send(from, packet(first));
  return send(from, b);
}

test('vj: any bytes are dropped or make a packet, never one that is too long', () => {
  const r = new SeededRandom(5);
  const to = newVj();
  const from = newVj();
  for (let i = 0; i < 20_000; i++) {
    if (i % 50 === 0) take(to, protocols.vju, send(newVj(), packet({ ...first, id: i })).wire);
    const b = r.bytes(r.below(60));
    if (i % 3 === 0 && b.length > 0) put8(b, 0, 0x45);
    const got = take(to, i % 2 === 0 ? protocols.vjc : protocols.vju, b);
    if (typeof got !== 'string') assert.ok(u8(got, 0) >> 4 === 4 && got.length >= 40);
    if (b.length > 0) send(from, b);
  }
  take(to, protocols.vju, whole);
  const long = new Uint8Array(65_535);
  long.set(bytes('40 00 1234'));
  assert.equal(take(to, protocols.vjc, long), 'vjfail', 'more than an IP packet can be');
});

test('vj: a packet without room in front is given some', () => {
  const to = newVj();
  take(to, protocols.vju, whole);
  const { wire } = send2(packet({ ...first, seq: 1010, id: 101 }));
  const p = new Packet(wire.slice(), 0, 0, wire.length, wire.length, true);
  assert.equal(to.up(protocols.vjc, p), undefined);
  assert.deepEqual(p.bytes(), packet({ ...first, seq: 1010, id: 101 }));
});

// IPCP and the path ------------------------------------------------------------------------------

test('vj: both ends agree on what each can take', () => {
  const mine = { slots: 4, compSlot: true };
  const theirs = { slots: 256, compSlot: false };
  for (const [a, b] of [
    [mine, theirs],
    [mine, undefined],
    [undefined, theirs],
    [undefined, undefined],
  ]) {
    const p = pair(config({ ip: a ? { vj: a } : {} }), server({ ip: b ? { vj: b } : {} }));
    begin(p);
    assert.ok(
      p.run(5000, () => isUp(p)),
      p.trace(),
    );
    const [x, y] = [last(p.a.events, 'ip')?.up, last(p.b.events, 'ip')?.up];
    const both = a !== undefined && b !== undefined;
    assert.deepEqual([x?.vjReceive, x?.vjSend], both ? [a, b] : [undefined, undefined]);
    assert.deepEqual([y?.vjReceive, y?.vjSend], both ? [b, a] : [undefined, undefined]);
  }
});

test('vj: what a peer may say to it', () => {
  const r: IpcpResult = initialIpcp({ ...none, vj: sixteen });
  const options = ipcpOptionSet({ ...none, vj: sixteen }, r).filter(
    (o) => o.type === ipcpOptions.comp,
  );
  const comp = (value: string) => [{ type: ipcpOptions.comp, value: bytes(value) }];
  const said = (value: string) => {
    const { code, body } = answer(options, comp(value), true);
    return [code, hex(body)];
  };
  const nak = [codes.confNak, '0206002d0f01'];
  assert.deepEqual(said('0061 0f01'), nak, 'another protocol: ours');
  assert.deepEqual(said('0061 00ff 00ff 00ff 0000 0000'), nak, 'RFC 2507');
  assert.deepEqual(said('002d'), nak, 'too short');
  assert.deepEqual(said('002d ff00')[0], codes.confAck);
  assert.deepEqual(answer(ipcpOptionSet(none, r), comp('002d 0f01'), true).code, codes.confRej);
  const [option] = options;
  option?.naked(bytes('002d 0300'));
  assert.deepEqual(option?.wanted(), bytes('002d 0300'), 'fewer slots, each named');
  option?.naked(bytes('002d ff01'));
  assert.deepEqual(option?.wanted(), bytes('002d 0300'), 'not more than we have');
  option?.rejected();
  assert.equal(option?.wanted(), undefined);
});
const none = {
  local: undefined,
  remote: undefined,
  server: false,
  askDns: false,
  askWins: false,
  dns: [],
  wins: [],
};

test('vj: through the path, with and without address and a long protocol field', () => {
  for (const pfc of [true, false]) {
    const o = { ip: true, pfc, mtu: 1500 };
    const from = Object.assign(new PppPath({ address: true }), o, { headers: newVj() });
    const to = Object.assign(new PppPath({ address: true }), { ip: true, headers: newVj() });
    const got: string[] = [];
    const lost = { send: () => assert.fail('not for the machine') };
    const above = { send: (p: Packet) => got.push(hex(p.bytes())) > 0 };
    const sent = [
      first,
      { ...first, seq: 1010, id: 101 },
      { ...first, seq: 1020, id: 102, flags: ack | fin },
    ];
    for (const t of sent)
      from.down(packetOf(packet(t)), {
        send: (p) => to.up(packetOf(p.bytes()), above, lost) === undefined,
      });
    assert.deepEqual(
      got,
      sent.map((t) => hex(packet(t))),
    );
  }
});

test('vj: before IPCP it is dropped and counted, without VJ it is rejected', () => {
  const control: string[] = [];
  const path = new PppPath({ address: false });
  const up = (p: string) =>
    path.up(
      packetOf(bytes(p)),
      { send: () => assert.fail() },
      { send: (x) => control.push(hex(x.bytes())) > 0 },
    );
  assert.equal(up('002d 00123461'), 'ipcpdown');
  assert.equal(up('2f 45'), 'ipcpdown');
  path.ip = true;
  assert.equal(up('002d 00123461'), undefined);
  assert.deepEqual(control, ['002d00123461']);
});
