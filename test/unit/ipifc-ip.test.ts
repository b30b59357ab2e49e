/** Addresses and masks as Plan 9 writes them, and the table of peers against a plain search. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hex } from '@9p/packet';
import * as ip from '../../plugins/ipifc/ip.js';
import { Peers } from '../../plugins/ipifc/peers.js';
import { fuzzIterations, SeededRandom } from '../kit/index.js';

const v6 = (s: string): string => s.replaceAll(' ', '');

test('addresses: text to bytes and back (RFC 4291 section 2.2, eipfmt)', () => {
  const cases: readonly [text: string, hexes: string, again?: string][] = [
    ['10.0.0.1', '0a000001'],
    ['255.255.255.255', 'ffffffff'],
    ['0', '00000000', '0.0.0.0'],
    ['::', v6('0000 0000 0000 0000 0000 0000 0000 0000')],
    ['::1', v6('0000 0000 0000 0000 0000 0000 0000 0001')],
    ['fe80::1:2', v6('fe80 0000 0000 0000 0000 0000 0001 0002')],
    [
      '2001:DB8:0:0:8:800:200C:417A',
      v6('2001 0db8 0000 0000 0008 0800 200c 417a'),
      '2001:db8::8:800:200c:417a',
    ],
    ['1:0:0:2:0:0:0:3', v6('0001 0000 0000 0002 0000 0000 0000 0003'), '1:0:0:2::3'],
    ['1:2:3:4:5:6:7:0', v6('0001 0002 0003 0004 0005 0006 0007 0000')],
    ['1:2:3:4:5:6:7::', v6('0001 0002 0003 0004 0005 0006 0007 0000'), '1:2:3:4:5:6:7:0'],
    ['::ffff:10.0.0.1', '0a000001', '10.0.0.1'],
    ['64:ff9b::192.0.2.33', v6('0064 ff9b 0000 0000 0000 0000 c000 0221'), '64:ff9b::c000:221'],
  ];
  for (const [text, want, again] of cases) {
    const a = ip.parseIp(text);
    assert.ok(a !== undefined, text);
    assert.equal(hex(a), want, text);
    assert.equal(ip.ipText(a), again ?? text);
  }
});

test('what is no address', () => {
  const bad = [
    '',
    '10.0.0',
    '10.0.0.256',
    '10.0.0.0x1',
    '1.2.3.4.5',
    ':',
    ':::',
    '1::2::3',
    '12345::',
  ];
  bad.push(
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7:8::',
    '::1.2.3',
    '1.2.3.4::',
    'host',
  );
  for (const s of bad) assert.equal(ip.parseIp(s), undefined, s);
});

test('masks', () => {
  const cases: readonly [text: string, family: number, bits: number | undefined][] = [
    ['/24', 4, 24],
    ['/120', 4, 24],
    ['/96', 4, 0],
    ['/128', 4, 32],
    ['/64', 16, 64],
    ['255.255.255.0', 4, 24],
    ['255.255.255.255', 4, 32],
    ['0', 4, 0],
    ['0', 16, 0],
    ['ffff:ffff:ffff:ffff::', 16, 64],
    ['255.0.255.0', 4, undefined],
    ['/33', 4, undefined],
    ['/129', 16, undefined],
    ['255.255.255.0', 16, undefined],
    ['x', 4, undefined],
  ];
  for (const [text, family, bits] of cases) assert.equal(ip.parseMask(text, family), bits, text);
  const a = ip.parseIp('10.1.2.3') as ip.Ip;
  assert.equal(ip.maskText(24, a), '/120');
  assert.equal(ip.ipText(ip.masked(a, 12)), '10.0.0.0');
  assert.equal(ip.classMask(a), 8);
  assert.ok(ip.within(a, ip.parseIp('10.1.0.0') as ip.Ip, 16));
  assert.ok(!ip.within(a, ip.parseIp('10.2.0.0') as ip.Ip, 16));
  assert.deepEqual(ip.parsePrefix('10.0.0.0/8')?.bits, 8);
  assert.deepEqual(ip.parsePrefix('fe80::1')?.bits, 128);
});

test('any address prints to text that is read as the same', () => {
  const r = new SeededRandom(1);
  for (let i = 0; i < fuzzIterations(); i++) {
    const a = r.bytes(r.chance(50) ? 4 : 16);
    if (a.length === 16) for (let k = 0; k < 16; k += 2) if (r.chance(60)) a.fill(0, k, k + 2);
    const b = ip.parseIp(ip.ipText(a));
    if (a.length === 16 && hex(a).startsWith('00000000000000000000ffff')) continue;
    assert.equal(hex(b ?? new Uint8Array(0)), hex(a));
  }
});

/** A packet that is nothing but its addresses. */
function packet(src: ip.Ip, dst: ip.Ip): Uint8Array {
  const b = new Uint8Array(src.length === 4 ? 20 : 40);
  b[0] = src.length === 4 ? 0x45 : 0x60;
  b.set(src, src.length === 4 ? 12 : 8);
  b.set(dst, src.length === 4 ? 16 : 24);
  return b;
}

test('the longest prefix wins, added and removed in any order', () => {
  const r = new SeededRandom(3);
  const table = new Peers<number>();
  const plain: { net: ip.Ip; bits: number; to: number }[] = [];
  const random = (): ip.Ip => {
    const a = new Uint8Array(r.chance(50) ? 4 : 16);
    for (let i = 0; i < a.length; i++) a[i] = r.below(2); // few, so that prefixes meet
    return a;
  };
  for (let i = 0; i < fuzzIterations(3000); i++) {
    const a = random();
    const bits = r.below(8 * a.length + 1);
    const had = plain.findIndex((p) => p.bits === bits && ip.within(a, p.net, bits));
    const same = had >= 0 && plain[had]?.net.length === a.length;
    if (r.chance(40)) {
      assert.equal(table.remove(a, bits), same ? plain[had]?.to : undefined);
      if (same) plain.splice(had, 1);
    } else if (plain.length < 60) {
      assert.equal(table.add(a, bits, i), !same);
      if (!same) plain.push({ net: a, bits, to: i });
    }
    const dst = random();
    const src = random();
    if (src.length !== dst.length) continue;
    const b = packet(src, dst);
    const best = (x: ip.Ip): number | undefined =>
      plain.filter((p) => ip.within(x, p.net, p.bits)).sort((p, q) => q.bits - p.bits)[0]?.to;
    assert.equal(table.to(b, 0, b.length), best(dst));
    assert.equal(table.from(b, 0, b.length), best(src));
    assert.equal(table.to(b, 0, b.length - 1), undefined, 'cut short');
  }
  assert.equal(table.size, plain.length);
  assert.deepEqual([...table.all()].map((p) => p.to).sort(), plain.map((p) => p.to).sort());
});
