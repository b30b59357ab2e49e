/** Frames of PPPoE as bytes, with their source in RFC 2516. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromHex, hex, utf8 } from '@9p/packet';
import { fmt, fmtDiscovery, fmtMac, printable } from '../../plugins/pppoe/fmt.js';
import {
  broadcast,
  code,
  type Discovery,
  echoed_bytes,
  emit,
  frameLength,
  isGroup,
  type Mac,
  type Malformed,
  macOf,
  parse,
  type Tag,
  tag,
  tags_max,
} from '../../plugins/pppoe/wire.js';

const iterations = Number(process.env.FUZZ_ITERATIONS ?? 2000);
const host = 0x020000000001;
const ac = 0x020000000002;
const none = new Uint8Array(0);

/** The frames of appendix B, with addresses filled in. */
const padi = 'ffffffffffff 020000000001 8863 1109 0000 0004 0101 0000';
const pado =
  '020000000001 020000000002 8863 1107 0000 0020 0101 0000 0102 0018' +
  '476f 2052 6564 4261 636b 202d 2065 7368 7368 6573 686f 6f74';

const good: readonly [why: string, bytes: string, want: Discovery][] = [
  [
    'RFC 2516 appendix B, PADI',
    padi,
    {
      dst: broadcast,
      src: host,
      code: code.padi,
      session: 0,
      tags: [{ type: tag.serviceName, value: none }],
    },
  ],
  [
    'RFC 2516 appendix B, PADO',
    pado,
    {
      dst: host,
      src: ac,
      code: code.pado,
      session: 0,
      tags: [
        { type: tag.serviceName, value: none },
        { type: tag.acName, value: utf8('Go RedBack - eshsheshoot') },
      ],
    },
  ],
  [
    'section 5.5, PADT without tags',
    '020000000002 020000000001 8863 11a7 1234 0000',
    { dst: ac, src: host, code: code.padt, session: 0x1234, tags: [] },
  ],
];

const plain = (d: Discovery | Malformed) =>
  typeof d === 'string'
    ? d
    : { ...d, tags: d.tags.map((t) => ({ type: t.type, value: hex(t.value) })) };

const parsed = (bytes: Uint8Array) => plain(parse(bytes, 0, bytes.length));

test('frames of the RFC are read', () => {
  for (const [why, bytes, want] of good) assert.deepEqual(parsed(fromHex(bytes)), plain(want), why);
});

const bad: readonly [why: string, bytes: string, want: Malformed][] = [
  ['header cut', '020000000002 020000000001 8863 11a7 1234 00', 'short'],
  ['session stage', '020000000002 020000000001 8864 1100 1234 0000', 'badtype'],
  ['a VLAN tag', 'ffffffffffff 020000000001 8100 0005 8863 1109 0000 0000', 'badtype'],
  ['version 2', 'ffffffffffff 020000000001 8863 2109 0000 0000', 'badversion'],
  ['type 2', 'ffffffffffff 020000000001 8863 1209 0000 0000', 'badversion'],
  ['length beyond the frame', 'ffffffffffff 020000000001 8863 1109 0000 0004', 'badlength'],
  ['tag header cut', 'ffffffffffff 020000000001 8863 1109 0000 0003 0101 00', 'badtag'],
  ['tag beyond the length', 'ffffffffffff 020000000001 8863 1109 0000 0004 0101 0001 00', 'badtag'],
  [
    'two Host-Uniq',
    'ffffffffffff 020000000001 8863 1109 0000 000a 0103 0001 aa 0103 0001 bb',
    'duptag',
  ],
];

test('malformed frames name their counter', () => {
  for (const [why, bytes, want] of bad) assert.equal(parsed(fromHex(bytes)), want, why);
});

test('what follows End-Of-List and the PPPoE length is not read', () => {
  const d = parsed(
    fromHex('ffffffffffff 020000000001 8863 1109 0000 000a 0101 0000 0000 0000 ffff'),
  );
  assert.deepEqual(d, plain({ ...good[0]![2] }));
  const padded = new Uint8Array(60).fill(0xee);
  padded.set(fromHex(padi));
  assert.deepEqual(parsed(padded), plain(good[0]![2]));
});

test('limits: number of tags, and size of those that are sent back', () => {
  const tags = Array.from({ length: tags_max }, () => ({ type: tag.serviceName, value: none }));
  const d: Discovery = { dst: host, src: ac, code: code.pado, session: 0, tags };
  const more = { ...d, tags: [...tags, ...tags.slice(0, 1)] };
  assert.deepEqual(parsed(bytesOf(d)), plain(d));
  assert.equal(parsed(bytesOf(more)), 'toomanytags');
  for (const [type, limit] of Object.entries(echoed_bytes)) {
    const t = (n: number) => ({ ...d, tags: [{ type: Number(type), value: new Uint8Array(n) }] });
    assert.deepEqual(parsed(bytesOf(t(limit))), plain(t(limit)));
    assert.equal(parsed(bytesOf(t(limit + 1))), 'longtag');
  }
});

test('a PADR with every echoed tag at its limit fits an Ethernet frame', () => {
  const tags = Object.entries(echoed_bytes).map(([type, n]) => ({
    type: Number(type),
    value: new Uint8Array(n),
  }));
  tags.push({ type: tag.serviceName, value: new Uint8Array(255) });
  const d = { dst: ac, src: host, code: code.padr, session: 0, tags };
  assert.ok(frameLength(d) <= 1514, `${frameLength(d)}`);
});

function bytesOf(d: Discovery): Uint8Array {
  const b = new Uint8Array(frameLength(d) + 2).fill(0xa5);
  emit(b, 1, d);
  assert.equal(b[0], 0xa5);
  assert.equal(b[b.length - 1], 0xa5);
  return b.subarray(1, b.length - 1);
}

test('emit writes the bytes of the RFC', () => {
  for (const [why, bytes, want] of good)
    assert.equal(hex(bytesOf(want)), bytes.replaceAll(' ', ''), why);
});

test('input cut at every byte is short or badlength', () => {
  const b = fromHex(pado);
  for (let n = 0; n < b.length; n++)
    assert.equal(parse(b, 0, n), n < 20 ? 'short' : 'badlength', `${n}`);
});

/** xorshift32: the same seed, the same frames. */
function rng(seed: number) {
  let x = seed;
  return (n: number) => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return (x >>> 0) % n;
  };
}

function randomFrame(r: (n: number) => number): Discovery {
  const types = Object.values(tag).filter((t) => t !== tag.endOfList);
  const tags: Tag[] = [];
  for (let n = r(6); n > 0; n--) {
    const type = types[r(types.length)]!;
    if (type in echoed_bytes && tags.some((t) => t.type === type)) continue;
    tags.push({ type, value: Uint8Array.from({ length: r(40) }, () => r(256)) });
  }
  const codes = Object.values(code);
  return {
    dst: r(2) ? broadcast : r(0x10000) * 0x100000000 + r(0x10000),
    src: r(0x10000) * 0x100000000 + r(0x10000),
    code: codes[r(codes.length)]!,
    session: r(0x10000),
    tags,
  };
}

test('parse(emit(x)) is x', () => {
  const r = rng(1);
  for (let i = 0; i < iterations; i++) {
    const d = randomFrame(r);
    assert.deepEqual(parsed(bytesOf(d)), plain(d), fmtDiscovery(d));
  }
});

test('one-line form', () => {
  const line = fmt(fromHex(pado), 0, fromHex(pado).length);
  assert.match(line, /^PADO 02:00:00:00:00:02 > 02:00:00:00:00:01 sid 0 Service-Name ''/);
  assert.match(line, /AC-Name 'Go RedBack - /);
  const frame = fromHex('020000000001 020000000002 8864 1100 1234 0004 c021 0102');
  const want = 'session 02:00:00:00:00:02 > 02:00:00:00:00:01 sid 4660 len 4 ppp c021';
  assert.equal(fmt(frame, 0, frame.length), want);
});

test('text of a peer is one line without control or direction characters', () => {
  assert.equal(printable(utf8('no\r\nsuch\x1b[31m\u202eservice\u2028')), 'no??such?[31m?service?');
  assert.equal(printable(utf8('ends\0here')), 'ends');
  assert.equal(printable(new Uint8Array(300).fill(0x41)).length, 64);
});

test('addresses', () => {
  const table: readonly [string, Mac | undefined][] = [
    ['02:00:5e:10:00:01', 0x02005e100001],
    ['02005E100001', 0x02005e100001],
    ['02:00:5e:10:00', undefined],
    ['0200:5e:10:00:01', undefined],
    ['02:00:5e:10:00:0g', undefined],
    ['', undefined],
  ];
  for (const [s, want] of table) assert.equal(macOf(s), want, s);
  assert.equal(fmtMac(0x02005e100001), '02:00:5e:10:00:01');
  assert.equal(fmtMac(broadcast), 'ff:ff:ff:ff:ff:ff');
  assert.equal(isGroup(0x01005e000001), true);
  assert.equal(isGroup(broadcast), true);
  assert.equal(isGroup(0x02005e000001), false);
});
