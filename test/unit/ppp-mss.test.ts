/** MSS of SYNs: bytes by hand, options of any kind, both families, both ways. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { concat, hex, inetChecksum, inetSum, Packet, packetOf, put8, put16, u8 } from '@9p/packet';
import { counters } from 'slashnet/core';
import { clampMss } from '../../plugins/ppp/mss.js';
import { PppPath } from '../../plugins/ppp/path.js';
import ppp from '../../plugins/ppp/plugin.js';
import { bytes, embedded, SeededRandom } from '../kit/index.js';
import { file, Lab, request, Wire } from './ppp-lab.js';

const [syn, ack] = [2, 16];

interface Given {
  six?: boolean;
  flags?: number;
  ipOptions?: number;
  fragment?: number;
}
/** A segment with these options (padded with zeros) and a right checksum. */
function segment(options: string, o: Given = {}): Uint8Array {
  const given = bytes(options);
  const opts = concat(given, new Uint8Array((4 - (given.length % 4)) % 4));
  const ip = new Uint8Array(o.six === true ? 40 : 20 + (o.ipOptions ?? 0));
  const tcp = concat(new Uint8Array(20), opts, bytes('616263'));
  const at = ip.length;
  if (o.six === true) {
    ip.set([0x60, 0, 0, 0, 0, tcp.length, 6, 64, 0xfe, 0x80]);
    put8(ip, 39, 1);
  } else {
    ip.set([
      0x40 | (ip.length / 4),
      0,
      0,
      at + tcp.length,
      0,
      1,
      0,
      0,
      64,
      6,
      0,
      0,
      10,
      0,
      0,
      1,
      10,
      0,
      0,
      2,
    ]);
    put16(ip, 6, o.fragment ?? 0);
    put16(ip, 10, inetChecksum(ip, 0, at));
  }
  put16(tcp, 0, 1234);
  put8(tcp, 12, ((20 + opts.length) / 4) << 4);
  put8(tcp, 13, o.flags ?? syn);
  const b = concat(ip, tcp);
  put16(b, at + 16, sum(b));
  return b;
}
/** 0 where the checksum is right. */
function sum(b: Uint8Array): number {
  const six = u8(b, 0) >> 4 === 6;
  const at = six ? 40 : (u8(b, 0) & 15) * 4;
  const pseudo = inetSum(b, six ? 8 : 12, six ? 40 : 20, 6 + b.length - at);
  return inetChecksum(b, at, b.length, pseudo);
}
function clamp(b: Uint8Array, mtu = 1492): Uint8Array | undefined {
  const p = packetOf(b);
  return clampMss(p, mtu) ? p.bytes() : undefined;
}

/** Options of a SYN and what becomes of them at an mtu of 1492; the same where nothing is said. */
const cases: readonly [what: string, options: string, Given, want?: string][] = [
  ['1460', '020405b4', {}, '020405ac'],
  ['a SYN and ACK', '020405b4', { flags: syn | ack }, '020405ac'],
  ['IPv6, 1440', '020405a0', { six: true }, '02040598'],
  ['with IP options', '020405b4', { ipOptions: 8 }, '020405ac'],
  ['behind others', '0402080a0000000000000000 020405b4', {}, '0402080a0000000000000000 020405ac'],
  ['at an odd offset', '01 020405b4 0303', {}, '01 020405ac 0303'],
  ['twice', '020405b4 0204ffff', {}, '020405ac 020405ac'],
  ['what fits', '020405ac', {}],
  ['less', '02040218', {}],
  ['none', '', {}],
  ['an ACK', '020405b4', { flags: ack }],
  ['a fragment', '020405b4', { fragment: 1 }],
  ['behind the end', '00 020405b4', {}],
  ['of a wrong length', '02 06 05b4 0000', {}],
  ['after one of length 0', '0800 020405b4', {}],
  ['after one of length 1', '0801 020405b4', {}],
  ['after one that is too long', '08ff 020405b4', {}],
  ['cut by its length', '01010102 04', {}],
];
for (const [what, options, given, want] of cases) {
  test(`mss: ${what}`, () => {
    const got = clamp(segment(options, given));
    assert.equal(got && hex(got), want && hex(segment(want, given)));
    if (got !== undefined) assert.equal(sum(got), 0);
  });
}

test('mss: cut anywhere, and read no further than its end', () => {
  for (const six of [false, true]) {
    const whole = segment('0101 020405b4', { six });
    for (let n = 0; n < whole.length; n++) {
      const { buf, start, end } = embedded(whole.subarray(0, n));
      const before = buf.slice();
      const p = new Packet(buf, 0, start, end, buf.length, false);
      const clamped = clampMss(p, 1492);
      assert.equal(clamped, n >= (six ? 60 : 40) + 6, `${n} bytes`);
      if (!clamped) assert.deepEqual(buf, before);
    }
  }
});

test('mss: any bytes, any mtu: checksums stay right, and nothing above the limit stays', () => {
  const r = new SeededRandom(3);
  let clamped = 0;
  for (let i = 0; i < 20_000; i++) {
    const options = hex(r.bytes(r.below(40))).replace(/^(..)/, r.chance(50) ? '0204' : '$1');
    const b = segment(options.slice(0, 80), { six: r.chance(50), flags: r.chance(90) ? syn : ack });
    const mtu = 128 + r.below(1400);
    const got = clamp(b, mtu);
    if (got === undefined) continue;
    clamped++;
    assert.equal(got.length, b.length);
    assert.ok([0, 0xffff].includes(sum(got)), options);
    assert.equal(clamp(got, mtu), undefined);
  }
  assert.ok(clamped > 1000, `${clamped}`);
});

test('mss: through the path, both ways, counted', () => {
  let count = 0;
  const o = { ip: true, ipv6: true, mtu: 1492, clamped: () => void count++ };
  const path = Object.assign(new PppPath({ address: false }), o);
  const got: string[] = [];
  const box = { send: (p: Packet) => got.push(hex(p.bytes())) > 0 };
  for (const six of [false, true]) {
    const [b, want] = [
      segment('020405b4', { six }),
      segment(six ? '02040598' : '020405ac', { six }),
    ];
    const protocol = bytes(six ? '0057' : '0021');
    path.down(packetOf(b), box);
    path.up(packetOf(concat(protocol, b)), box, box);
    assert.deepEqual(got.splice(0), [hex(concat(protocol, want)), hex(want)]);
  }
  assert.equal(count, 4);
});

test('mss: on over pppoe, off elsewhere, unless the verb says', async () => {
  const lab = new Lab();
  await ppp.start(lab.system.env, []);
  lab.system.env.serve<Wire>({
    name: 'pppoe',
    limit: 8,
    about: 'a wire',
    verbs: [],
    files: [{ name: 'far', perm: 0o660, port: (c) => c.far }],
    stats: counters(),
    create: (ctx) => new Wire(ctx, 'packet'),
  });
  const cases = [
    ['pppoe', '', true],
    ['pppoe', 'mss off', false],
    ['wire', '', false],
    ['wire', 'mss on', true],
  ] as const;
  for (const [i, [layer, verb, want]] of cases.entries()) {
    for (const l of [layer, 'ppp']) await lab.cat(`/${l}/clone`);
    const wire = `/${layer}/${layer === 'wire' ? i - 2 : i}`;
    const ctl = ['net none', 'static', verb, `bind ${wire}/data`, 'connect'];
    await lab.done(lab.echo(ctl.filter((l) => l !== '').join('\n'), `/ppp/${i}/ctl`));
    const data = await file(lab, `/ppp/${i}/data`);
    await data.write(segment('020405b4'), 0, request());
    assert.match(await lab.cat(`/ppp/${i}/stats`), want ? /mssclamped: 1\n/ : /^(?!.*mssclamped)/s);
  }
});
