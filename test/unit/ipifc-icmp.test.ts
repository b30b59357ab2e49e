/** Echo requests and replies: real packets, every cut, every flipped bit. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hex } from '@9p/packet';
import * as icmp from '../../plugins/ipifc/icmp.js';
import { type Ip, ipText, parseIp } from '../../plugins/ipifc/ip.js';
import { bytes, cuts, emitted } from '../kit/index.js';

const a = (s: string): Ip => parseIp(s) as Ip;
const parse = (b: Uint8Array) => icmp.parseEcho(b, 0, b.length);

// ping -c1 -s16 10.0.0.2, as it left Linux 6.18
const request4 = bytes(`4500 002c 10e2 4000 4001 15ed 0a00 0001 0a00 0002
  0800 2e0f 4626 0001 f303 036b 0000 0000 825a 0b00 0000 0000`);
const request6 = emitted(56, (b, o) =>
  icmp.emitEcho(b, o, { src: a('fe80::1'), dst: a('fe80::2'), id: 7, seq: 9, data: 8 }),
);

test('a request of Linux ping is read', () => {
  const e = parse(request4);
  if (typeof e === 'string') assert.fail(e);
  assert.deepEqual([e.request, ipText(e.src), ipText(e.dst)], [true, '10.0.0.1', '10.0.0.2']);
  assert.deepEqual([e.id, e.seq, e.ttl], [0x4626, 1, 64]);
});

test('what is emitted is read as the same, and writes nothing else', () => {
  for (const [src, dst] of [
    ['10.0.0.1', '10.0.0.2'],
    ['fd00::1', 'fd00::2'],
  ] as const) {
    for (const data of [0, 1, 56, 1400]) {
      const want = { src: a(src), dst: a(dst), id: 77, seq: 65535, data };
      const b = emitted(icmp.echoLength(want.src, data), (buf, o) => icmp.emitEcho(buf, o, want));
      const e = parse(b);
      if (typeof e === 'string') assert.fail(e);
      assert.deepEqual([e.src, e.dst, e.id, e.seq], [want.src, want.dst, 77, 65535]);
    }
  }
});

test('ICMPv6 checksum: RFC 4443 section 2.3, worked by hand', () => {
  // fe80::1 > fe80::2, length 16: 2*fe80 + 1 + 2 + 16 + 58 + 8000 + 7 + 9 + (0001+0203+0405+0607)
  let sum = 2 * 0xfe80 + 3 + 16 + 58 + 0x8000 + 7 + 9 + 0x0001 + 0x0203 + 0x0405 + 0x0607;
  while (sum > 0xffff) sum = (sum >>> 16) + (sum & 0xffff);
  assert.equal(hex(request6.subarray(42, 44)), (~sum & 0xffff).toString(16).padStart(4, '0'));
});

test('the reply is the request with its ends exchanged, and its checksums are right', () => {
  for (const request of [request4, request6]) {
    const b = request.slice();
    const e = parse(b);
    if (typeof e === 'string') assert.fail(e);
    icmp.answerEcho(b, 0, e);
    const r = parse(b);
    if (typeof r === 'string') assert.fail(r);
    assert.deepEqual([r.request, r.src, r.dst, r.id, r.seq], [false, e.dst, e.src, e.id, e.seq]);
    assert.equal(hex(b.subarray(-8)), hex(request.subarray(-8)));
  }
});

test('what is refused, and why', () => {
  const edit = (b: Uint8Array, o: number, v: number): Uint8Array => {
    const c = b.slice();
    c[o] = v;
    return c;
  };
  assert.equal(parse(new Uint8Array(0)), 'short');
  assert.equal(parse(edit(request4, 0, 0x55)), 'badversion');
  assert.equal(parse(edit(request4, 0, 0x44)), 'badlength');
  assert.equal(parse(edit(request4, 3, 0x2d)), 'badlength');
  assert.equal(parse(edit(request4, 8, 1)), 'badchecksum');
  assert.equal(parse(edit(request4, 30, 1)), 'badchecksum');
  assert.equal(parse(edit(request6, 6, 59)), 'notecho');
  assert.equal(parse(edit(request6, 50, 0)), 'badchecksum');
  for (const b of [request4, request6])
    for (const cut of cuts(b)) assert.match(String(parse(cut)), /^(short|badlength)$/);
});
