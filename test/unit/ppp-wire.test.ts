/** Control packets, options and their one-line form. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hex } from '@9p/packet';
import { ipText, linkLocal, parseIp } from '../../plugins/ppp/address.js';
import { fmtPpp } from '../../plugins/ppp/fmt.js';
import {
  clean,
  emitControl,
  emitOptions,
  header_bytes,
  options_max,
  parseControl,
  parseOptions,
} from '../../plugins/ppp/wire.js';
import { bytes, cuts, embedded, emitted } from '../kit/index.js';

const controls: readonly [why: string, hex: string, want: object | string][] = [
  ['RFC 1661 5.1, Configure-Request', '01 03 0004', { code: 1, id: 3, body: '' }],
  ['with a body', '05 07 0006 6279', { code: 5, id: 7, body: '6279' }],
  ['padding beyond Length is ignored', '05 07 0006 6279 0000', { code: 5, id: 7, body: '6279' }],
  ['nothing', '', 'shortcontrol'],
  ['three bytes', '010300', 'shortcontrol'],
  ['Length below the header', '01 03 0003', 'badlength'],
  ['Length 0', '01 03 0000', 'badlength'],
  ['Length beyond the packet', '01 03 0005', 'badlength'],
];
for (const [why, text, want] of controls) {
  test(`control packet: ${why}`, () => {
    const { buf, start, end } = embedded(bytes(text));
    const got = parseControl(buf, start, end);
    assert.deepEqual(typeof got === 'string' ? got : { ...got, body: hex(got.body) }, want);
  });
}

test('control packet: emit is the inverse of parse and writes nothing else', () => {
  const c = { code: 9, id: 255, body: bytes('5e6f7a81') };
  const out = emitted(header_bytes + 4, (b, o) => emitControl(b, o, c));
  assert.equal(hex(out), '09ff00085e6f7a81');
  assert.deepEqual(parseControl(out, 0, out.length), c);
  for (const cut of cuts(out)) assert.equal(typeof parseControl(cut, 0, cut.length), 'string');
});

test('options: both ways, cut anywhere, and what is malformed', () => {
  const whole = bytes('01 04 05d4  05 06 5e6f7a81  07 02');
  const options = parseOptions(whole);
  assert.ok(typeof options !== 'string');
  assert.deepEqual(
    options.map((o) => `${o.type} ${hex(o.value)}`),
    ['1 05d4', '5 5e6f7a81', '7 '],
  );
  assert.equal(hex(emitOptions(options)), hex(whole));
  for (const cut of cuts(whole)) {
    const good = [0, 4, 10].includes(cut.length);
    assert.equal(parseOptions(cut) === 'badoption', !good, `${cut.length}`);
  }
  for (const bad of ['01', '0100', '0101', '0105 0000', '0702 08'])
    assert.equal(parseOptions(bytes(bad)), 'badoption', bad);
  assert.equal(parseOptions(bytes('0702'.repeat(options_max + 1))), 'manyoptions');
});

const lines: readonly [hex: string, line: string][] = [
  ['c021 01 03 000e 0104 05d4 0506 5e6f7a81', 'lcp ConfReq id 3 len 14 mru 1492 magic 5e6f7a81'],
  [
    'ff03c021 01 01 0017 0206 000a0000 0305 c223 05 0702 0802 0304 c023',
    'lcp ConfReq id 1 len 23 accm 000a0000 auth chap pfc acfc auth pap',
  ],
  ['c021 01 01 0009 0305 c223 81', 'lcp ConfReq id 1 len 9 auth mschapv2'],
  ['c021 01 01 0008 0304 c227', 'lcp ConfReq id 1 len 8 auth eap'],
  ['c021 01 01 0007 63 03 ff', 'lcp ConfReq id 1 len 7 option99 ff'],
  ['c021 01 01 0006 0105', 'lcp ConfReq id 1 len 6 badoption 0105'],
  ['c021 05 07 0007 627965', "lcp TermReq id 7 len 7 'bye'"],
  ['c021 07 02 0008 0e010004', 'lcp CodeRej id 2 len 8 (ResetReq id 1)'],
  ['c021 08 02 000a 80fd 01010004', 'lcp ProtRej id 2 len 10 ccp'],
  ['c021 09 02 0008 5e6f7a81', 'lcp EchoReq id 2 len 8 magic 5e6f7a81'],
  ['c021 0a 02 000a 5e6f7a81 0000', 'lcp EchoReply id 2 len 10 magic 5e6f7a81 data 2'],
  ['c021 0c 02 000a 00000000 6f73', "lcp Identification id 2 len 10 magic 00000000 'os'"],
  ['c021 0d 02 000c 00000000 0000003c', 'lcp TimeRemaining id 2 len 12 magic 00000000 seconds 60'],
  ['c021 01 01 000c 0408 c025 000003e8', 'lcp ConfReq id 1 len 12 quality lqr 1000'],
  ['c025 0102', 'lqr short 0102'],
  [
    `c025 ${Array.from({ length: 12 }, (_, n) => `000000${hex(Uint8Array.of(n))}`).join('')}`,
    'lqr magic 00000000 last 1 2 3 in 4 5 8 discards 6 errors 7 out 9 10 11',
  ],
  ['c021 01 03', 'lcp shortcontrol 0103'],
  [
    '8021 03 01 0010 0306 0a000002 8106 08080808',
    'ipcp ConfNak id 1 len 16 addr 10.0.0.2 dns1 8.8.8.8',
  ],
  ['8057 01 01 000e 010a 0123456789abcdef', 'ipv6cp ConfReq id 1 len 14 ifid 0123456789abcdef'],
  [
    'c023 01 01 000f 04 66726564 05 6369636164 21',
    "pap AuthReq id 1 len 15 user 'fred' password *",
  ],
  ['c023 03 01 0008 03 6e6f21', "pap AuthNak id 1 len 8 message 'no!'"],
  ['c223 01 05 000c 04 01020304 706565', "chap Challenge id 5 len 12 value 4 bytes name 'pee'"],
  ['c223 03 05 0006 6f6b', "chap Success id 5 len 6 'ok'"],
  ['0021 45000014', 'ip 4 bytes'],
  ['21 45000014', 'ip 4 bytes'],
  ['80fd 01 01 0004', 'ccp ConfReq id 1 len 4'],
  ['1235 00', '1235 1 bytes'],
  ['', 'empty'],
  ['c0', 'short c0'],
];
test('one line a packet', () => {
  for (const [text, line] of lines) {
    const { buf, start, end } = embedded(bytes(text));
    assert.equal(fmtPpp(buf, start, end), line);
  }
});

test('a password is never printed', () => {
  const b = bytes('c023 01 01 000f 04 66726564 05 6369636164');
  for (const cut of [...cuts(b), b]) {
    const line = fmtPpp(cut, 0, cut.length);
    assert.ok(!/cicad|63696361/.test(line), line);
  }
});

test('what a peer wrote is one clean line', () => {
  assert.equal(
    clean(new TextEncoder().encode('a\r\nb\x1b[31m\u202ec\u{1f430} ')),
    'a b [31m c\u{1f430}',
  );
  assert.equal(clean(Uint8Array.of(0xff, 0x41, 0)), 'A');
  assert.equal([...clean(new TextEncoder().encode('\u{1f430}'.repeat(500)))].length, 80);
});

test('addresses', () => {
  assert.equal(parseIp('10.0.0.1'), 0x0a000001);
  assert.equal(ipText(0xffffffff), '255.255.255.255');
  for (const bad of ['', '1.2.3', '1.2.3.4.5', '256.0.0.1', '1.2.3.x', ' 1.2.3.4'])
    assert.equal(parseIp(bad), undefined, bad);
  assert.equal(linkLocal(bytes('0000000000000001')), 'fe80::1');
  assert.equal(linkLocal(bytes('0123456789abcdef')), 'fe80::123:4567:89ab:cdef');
  assert.equal(linkLocal(bytes('0123000000000001')), 'fe80::123:0:0:1');
});
