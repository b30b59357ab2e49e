/** MPPC: tokens by hand, what comes back of what went in, and bytes that no compressor made; both
 *  with the second implementation at the other end. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { concat, hex, Packet, packetOf, utf8 } from '@9p/packet';
import type { MppeKeys } from '../../plugins/ppp/authentication.js';
import { Compressor, Decompressor, history_bytes } from '../../plugins/ppp/mppc.js';
import { type Mode, Mppe } from '../../plugins/ppp/mppe.js';
import { bytes, embedded, fuzzIterations, SeededRandom, samples } from '../kit/index.js';
import { CcpReceiver, CcpSender } from '../second/ccp.js';

/** The bits of tokens as one writes them, zeros to the end of the byte. */
function bits(text: string): Uint8Array {
  const all = text.replace(/[^01]/g, '');
  const padded = all.padEnd(Math.ceil(all.length / 8) * 8, '0');
  return Uint8Array.from({ length: padded.length / 8 }, (_, i) =>
    Number.parseInt(padded.slice(8 * i, 8 * i + 8), 2),
  );
}
const of = (n: number, count: number): string => n.toString(2).padStart(count, '0');
const literals = (s: string): string => [...utf8(s)].map((c) => of(c, 8)).join(' ');

/** RFC 2118 section 4.2: the first and the last of each kind. */
const tokens: readonly [why: string, bits: string, want: string][] = [
  ['literals below 80', literals('abc'), 'abc'],
  ['a literal above 7f', '10 1000011 10 0101001', 'é'],
  ['offset 1, length 3', `${literals('x')} 1111 000001 0`, 'xxxx'],
  ['offset 3, length 3', `${literals('abc')} 1111 000011 0`, 'abcabc'],
  ['length 4', `${literals('abcd')} 1111 000100 10 00`, 'abcdabcd'],
  ['length 7', `${literals('ab')} 1111 000010 10 11`, 'ababababa'],
  ['length 8', `${literals('ab')} 1111 000010 110 000`, 'ab'.repeat(5)],
  ['length 15', `${literals('a')} 1111 000001 110 111`, 'a'.repeat(16)],
  ['length 16', `${literals('a')} 1111 000001 1110 0000`, 'a'.repeat(17)],
  [
    'length 4095',
    `${literals('a')} 1111 000001 1${'1'.repeat(9)}0 ${'1'.repeat(11)}`,
    'a'.repeat(4096),
  ],
  [
    'length 4096',
    `${literals('a')} 1111 000001 1${'1'.repeat(10)}0 ${'0'.repeat(12)}`,
    'a'.repeat(4097),
  ],
  [
    'length 8191',
    `${literals('a')} 1111 000001 1${'1'.repeat(10)}0 ${'1'.repeat(12)}`,
    'a'.repeat(8192),
  ],
  ['offset 63', `${literals('abc')} 1111 000001 1110 1111 ${literals('abc')} 1111 111111 0`, ''],
];
for (const [why, text, want] of tokens)
  test(`token: ${why}`, () => {
    const out = new Decompressor().decompress(bits(text), 0, bits(text).length);
    if (want === '') assert.equal(out, undefined, 'before the history');
    else assert.equal(new TextDecoder().decode(out), want);
  });

test('offsets at the borders of their encodings come back, each in its length', () => {
  for (const [offset, token_bits] of [
    [63, 10],
    [64, 12],
    [319, 12],
    [320, 16],
    [8000, 16],
  ] as const) {
    const random = new SeededRandom(offset);
    const filling = Uint8Array.from(random.bytes(offset), (b) => b & 0x7f);
    const c = new Compressor();
    const first = c.compress(concat(filling, new Uint8Array(100)), 0, offset + 100);
    const d = new Decompressor();
    assert.ok(first !== undefined);
    d.decompress(first.slice(), 0, first.length);
    const match = concat(filling.subarray(100, 103), new Uint8Array(40));
    const short = c.compress(match, 0, match.length);
    assert.ok(short !== undefined && short.length <= 4 + token_bits);
    assert.equal(hex(d.decompress(short.slice(), 0, short.length) ?? bytes('')), hex(match));
  }
});

test('no bytes make it read or write outside, or go on for ever', () => {
  const good = [utf8('hello hello hello hello'), new Uint8Array(300)].map((b) => {
    const out = new Compressor().compress(b, 0, b.length);
    return out === undefined ? b : out.slice();
  });
  let bad = 0;
  const d = new Decompressor();
  for (const b of samples(3, fuzzIterations(), good)) {
    const { buf, start, end } = embedded(b);
    const before = hex(buf);
    const out = d.decompress(buf, start, end);
    assert.equal(hex(buf), before);
    assert.ok(out === undefined || out.length <= history_bytes);
    if (out === undefined) {
      bad++;
      d.reset();
    } else if (b.length % 7 === 0) d.front();
  }
  assert.ok(bad > 0);
});

test('what is longer than the history, or does not shrink, is left as it is', () => {
  const c = new Compressor();
  assert.equal(c.compress(new Uint8Array(history_bytes + 1), 0, history_bytes + 1), undefined);
  assert.equal(c.compress(new SeededRandom(1).bytes(500), 0, 500), undefined);
  assert.equal(c.compress(utf8('aaa'), 0, 3), undefined);
  assert.ok(c.compress(new Uint8Array(history_bytes), 0, history_bytes) !== undefined);
});

const keys = (server: boolean): MppeKeys => ({
  method: 'mschapv2',
  key: bytes('fdece3717a8c838cb388e527ae3cdd31'),
  server,
});
const nobody = { reset: () => undefined, restart: () => undefined };
const modes: readonly Mode[] = [
  { bits: 0, stateless: false, compress: true },
  ...([128, 56, 40] as const).flatMap((b) =>
    [true, false].flatMap((stateless) => [
      { bits: b, stateless, compress: true },
      { bits: b, stateless, compress: false },
    ]),
  ),
];
/** Texts, zeros and noise, each a packet of IP. */
function traffic(n: number): Uint8Array[] {
  const random = new SeededRandom(4);
  return Array.from({ length: n }, (_, i) => {
    const noise = random.bytes(random.below(300));
    const text = utf8(`GET /${i} HTTP/1.1 Host: example.com `.repeat(1 + random.below(20)));
    return concat([0x00, 0x21, 0x45], i % 3 === 0 ? noise : text);
  });
}

for (const mode of modes) {
  const o = {
    mppc: mode.compress,
    ...(mode.bits === 0
      ? {}
      : { mppe: { secret: keys(false), bits: mode.bits, stateless: mode.stateless } }),
  };
  test(`to the second implementation: ${JSON.stringify(mode)}`, () => {
    const ours = new Mppe(mode, undefined, keys(true), nobody);
    const theirs = new CcpReceiver(o);
    for (const data of traffic(700)) {
      const p = packetOf(data);
      if (!ours.down(p)) continue;
      const got = theirs.receive(p.bytes().slice());
      assert.equal(typeof got === 'string' ? got : hex(got), hex(data));
    }
  });
  test(`from the second implementation, with resets: ${JSON.stringify(mode)}`, () => {
    const ours = new Mppe(undefined, mode, keys(true), nobody);
    const theirs = new CcpSender(o);
    for (const [i, data] of traffic(700).entries()) {
      if (i % 50 === 49) theirs.reset();
      const sent = theirs.send(data);
      if (!sent.compressed) continue;
      const { buf, start, end } = embedded(Uint8Array.from(sent.data));
      const p = new Packet(buf, 0, start, end, buf.length, false);
      assert.equal(ours.up(p) ?? hex(p.bytes()), hex(data), `packet ${i}`);
    }
  });
}
