/** The data plane: protocol field, address and control, and HDLC framing. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hex, Packet, packetOf } from '@9p/packet';
import type { Sink } from 'slashnet/core';
import { type HdlcDrop, HdlcPath } from '../../plugins/ppp/hdlc.js';
import { PppPath } from '../../plugins/ppp/path.js';
import { bytes, cuts, embedded, SeededRandom } from '../kit/index.js';

class Box implements Sink {
  readonly got: string[] = [];
  send(p: Packet): boolean {
    this.got.push(hex(p.bytes()));
    return true;
  }
}

/** As it lies in a receive arena. */
function arena(b: Uint8Array): Packet {
  const { buf, start, end } = embedded(b);
  return new Packet(buf, 0, start, end, buf.length, false);
}

const ip = '45000014';
const ip6 = '60000000';

const downs: readonly [why: string, Partial<PppPath>, boolean, string, string][] = [
  ['IPv4', { ip: true }, false, ip, `0021${ip}`],
  ['IPv6', { ipv6: true }, false, ip6, `0057${ip6}`],
  ['PFC', { ip: true, pfc: true }, false, ip, `21${ip}`],
  ['address and control', { ip: true }, true, ip, `ff030021${ip}`],
  ['ACFC', { ip: true, acfc: true }, true, ip, `0021${ip}`],
  ['ACFC and PFC', { ipv6: true, acfc: true, pfc: true }, true, ip6, `57${ip6}`],
  ['before IPCP', { ipv6: true }, false, ip, 'ipcpdown'],
  ['before IPV6CP', { ip: true }, false, ip6, 'ipv6cpdown'],
  ['an empty packet', { ip: true }, false, '', 'badip'],
  ['not IP', { ip: true, ipv6: true }, false, '00000000', 'badip'],
  ['mtu', { ip: true, mtu: 3 }, false, ip, 'toobig'],
];
for (const [why, set, address, packet, want] of downs) {
  test(`down: ${why}`, () => {
    const path = Object.assign(new PppPath({ address }), set);
    const below = new Box();
    const drop = path.down(packetOf(bytes(packet)), below);
    assert.deepEqual(drop === undefined ? below.got : [drop], [want]);
  });
}

const ups: readonly [
  why: string,
  Partial<PppPath>,
  string,
  'above' | 'control' | 'drop',
  string,
][] = [
  ['IPv4', { ip: true }, `0021${ip}`, 'above', ip],
  ['IPv4, FF 03', { ip: true }, `ff030021${ip}`, 'above', ip],
  ['IPv4, one byte', { ip: true }, `21${ip}`, 'above', ip],
  ['IPv4, FF 03, one byte', { ip: true }, `ff0321${ip}`, 'above', ip],
  ['IPv6', { ipv6: true }, `0057${ip6}`, 'above', ip6],
  ['IPv6, one byte', { ipv6: true }, `57${ip6}`, 'above', ip6],
  ['IPv4 before IPCP', {}, `0021${ip}`, 'drop', 'ipcpdown'],
  ['IPv6 before IPV6CP', {}, `0057${ip6}`, 'drop', 'ipv6cpdown'],
  ['IPv6 in an IPv4 frame', { ip: true, ipv6: true }, `0021${ip6}`, 'drop', 'badip'],
  ['IPv4 in an IPv6 frame', { ip: true, ipv6: true }, `0057${ip}`, 'drop', 'badip'],
  ['LCP', {}, 'c02109010008aabbccdd', 'control', 'c02109010008aabbccdd'],
  ['LCP, FF 03', {}, 'ff03c02109010004', 'control', 'c02109010004'],
  ['unknown, one byte', {}, 'fd0102', 'control', '00fd0102'],
  ['unknown, FF 03, one byte', {}, 'ff03fd0102', 'control', '00fd0102'],
  ['even protocol', {}, '8020aabb', 'drop', 'badprotocol'],
  ['nothing', {}, '', 'drop', 'runt'],
  ['one byte', {}, 'c0', 'drop', 'runt'],
  ['FF 03 alone', {}, 'ff03', 'drop', 'runt'],
  ['IPv4 without a packet', { ip: true }, 'ff030021', 'drop', 'runt'],
];
for (const [why, set, packet, where, want] of ups) {
  test(`up: ${why}`, () => {
    const path = Object.assign(new PppPath({ address: false }), set);
    const above = new Box();
    const control = new Box();
    const drop = path.up(arena(bytes(packet)), above, control);
    const got = { above: above.got, control: control.got, drop: drop === undefined ? [] : [drop] };
    assert.deepEqual(got, { above: [], control: [], drop: [], [where]: [want] });
    assert.equal(path.heard, 1);
  });
}

test('LCP keeps address and control when all else is compressed', () => {
  const path = Object.assign(new PppPath({ address: true }), { acfc: true, pfc: true });
  const below = new Box();
  path.control(packetOf(bytes('c02101010004')), below);
  path.control(packetOf(bytes('802101010004')), below);
  assert.deepEqual(below.got, ['ff03c02101010004', '802101010004']);
});

test('static: IPv4 passes both ways without negotiation', () => {
  const path = new PppPath({ address: false, static: true });
  const box = new Box();
  assert.equal(path.down(packetOf(bytes(ip)), box), undefined);
  assert.equal(path.up(packetOf(bytes(`0021${ip}`)), box, box), undefined);
  assert.deepEqual(box.got, [`0021${ip}`, ip]);
});

// HDLC ----------------------------------------------------------------------------------------

/** RFC 1662 has no example of a whole frame; this one is as pppd
 *  sends it (LCP Configure-Request 1). */
const confReq = 'ff03c0210101000e 02060000 0000 0504 1234'.replaceAll(' ', '');

function line(o: { accm?: number; frame_bytes?: number } = {}) {
  const drops: HdlcDrop[] = [];
  const path = new HdlcPath(o.frame_bytes ?? 1504, (r) => void drops.push(r));
  path.sendAccm = o.accm ?? 0xffffffff;
  path.receiveAccm = o.accm ?? 0xffffffff;
  return { path, drops };
}

function framed(frame: string, accm = 0xffffffff): Uint8Array {
  const box = new Box();
  line({ accm }).path.down(packetOf(bytes(frame)), box, 0);
  return bytes(box.got.join(''));
}

test('hdlc: escapes, FCS low byte first, flags', () => {
  // FCS-16 (CRC-16/X.25) of ff 03 c0 21 is computed by the check value 0x906e of "123456789"
  assert.equal(
    hex(framed(hex(new TextEncoder().encode('123456789')), 0)),
    '7e3132333435363738396e907e',
  );
  assert.match(hex(framed('ff03002111137d7e20', 0x000a0000)), /^7eff0300217d317d337d5d7d5e20/);
  assert.match(hex(framed('ff0300211113', 0)), /^7eff0300211113/);
});

test('hdlc: LCP is escaped in full whatever was agreed', () => {
  assert.match(hex(framed(confReq, 0)), /^7eff7d23c0217d217d217d207d2e/);
  assert.match(hex(framed(confReq.slice(4), 0)), /^7ec0217d217d217d207d2e/);
});

test('hdlc: frames that follow one another share their flag', () => {
  const { path } = line({ accm: 0 });
  const box = new Box();
  path.down(packetOf(bytes('002145')), box, 0);
  path.down(packetOf(bytes('002146')), box, 999);
  assert.equal(box.got[0]?.slice(0, 2), '7e');
  assert.equal(box.got[1]?.slice(0, 4), '0021');
  path.reset();
  path.down(packetOf(bytes('002147')), box, 999);
  assert.equal(box.got[2]?.slice(0, 2), '7e');
  path.down(packetOf(bytes('002148')), box, 1999);
  assert.equal(box.got[3]?.slice(0, 2), '7e', 'not after an idle second');
});

test('hdlc: bytes in chunks of any size give the same frames', () => {
  const random = new SeededRandom(3);
  const frames = Array.from({ length: 40 }, () => hex(random.bytes(1 + random.below(90))));
  const out = new Box();
  const sender = line({ accm: 0x000a0001 }).path;
  for (const f of frames) sender.down(packetOf(bytes(f)), out, 0);
  const stream = bytes(out.got.join(''));
  for (const chunk of [1, 2, 3, 7, 64, 1000, stream.length]) {
    const { path, drops } = line({ accm: 0x000a0001 });
    const above = new Box();
    for (let i = 0; i < stream.length; i += chunk)
      path.up(arena(stream.subarray(i, i + chunk)), above);
    assert.deepEqual(above.got, frames);
    assert.deepEqual(drops, []);
  }
});

const faults: readonly [why: string, hex: string, drops: HdlcDrop[]][] = [
  ['shared and idle flags', '7e7e7e7e', []],
  ['noise before the first flag', '010203', []],
  ['abort', '7eff7d7e', ['abort']],
  ['escape alone', '7e7d7e', ['abort']],
  ['too short', '7eff7e', ['shortframe']],
  ['bad FCS', '7eff0300210000007e', ['badfcs']],
];
for (const [why, wire, want] of faults) {
  test(`hdlc: ${why}, and the next frame is taken`, () => {
    const { path, drops } = line({ accm: 0 });
    const above = new Box();
    path.up(arena(bytes(wire)), above);
    path.up(arena(framed('ff03002145', 0)), above);
    assert.deepEqual(drops, want);
    assert.deepEqual(above.got, ['ff03002145']);
  });
}

test('hdlc: a frame longer than the limit is dropped once, up to its flag', () => {
  const { path, drops } = line({ accm: 0, frame_bytes: 20 });
  const above = new Box();
  path.up(arena(framed('00'.repeat(100), 0)), above);
  path.up(arena(framed('ff03002145', 0)), above);
  path.up(arena(framed('01'.repeat(18), 0)), above);
  assert.deepEqual(drops, ['longframe']);
  assert.deepEqual(above.got, ['ff03002145', '01'.repeat(18)]);
});

test('hdlc: control characters of the receive map are noise', () => {
  const wire = framed('ff0300214511', 0x00020000);
  const noisy = Uint8Array.from([...wire].flatMap((c) => [0x11, c]));
  const { path, drops } = line({ accm: 0x00020000 });
  const above = new Box();
  path.up(arena(noisy), above);
  assert.deepEqual(above.got, ['ff0300214511']);
  assert.deepEqual(drops, []);
});

test('hdlc: a frame cut anywhere is not taken, and the next one is', () => {
  const whole = framed(confReq, 0);
  for (const part of cuts(whole)) {
    if (part.length === whole.length - 1) continue; // the next frame's flag ends it
    const { path } = line({ accm: 0 });
    const above = new Box();
    path.up(arena(part), above);
    path.up(arena(framed('ff03002145', 0)), above);
    assert.deepEqual(above.got, ['ff03002145'], hex(part));
  }
});
