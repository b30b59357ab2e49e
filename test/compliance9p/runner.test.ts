/** The suite's own instruments: its bytes are the manual's; what a server does wrong is told. */
import assert from 'node:assert/strict';
import { Duplex } from 'node:stream';
import { test } from 'node:test';
import { bytes } from '../kit/index.js';
import { parseExchange } from './check.js';
import type { Dialect } from './layouts.js';
import { parseMessage, type Vars } from './notation.js';
import { run } from './runner.js';
import { decode, encode, misfit } from './wire.js';

const encodings: readonly (readonly [Dialect, text: string, hex: string])[] = [
  ['', 'Tversion notag 8216 9P2000', '13000000 64 ffff 18200000 0600 395032303030'],
  ['', "Tattach 1 0 nofid glenda ''", '19000000 68 0100 00000000 ffffffff 0600 676c656e6461 0000'],
  ['u', 'Tattach 1 0 nofid u a 7', '19000000 68 0100 00000000 ffffffff 0100 75 0100 61 07000000'],
  ['', 'Tflush 2 1', '09000000 6c 0200 0100'],
  ['', 'Twalk 1 0 2 []', '11000000 6e 0100 00000000 02000000 0000'],
  ['', 'Twalk 1 0 2 [a ..]', '18000000 6e 0100 00000000 02000000 0200 0100 61 0200 2e2e'],
  ['', 'Tcreate 1 2 n dmdir+0o755 0', '13000000 72 0100 02000000 0100 6e ed010080 00'],
  ['', 'Tread 1 2 0x100000001 256', '17000000 74 0100 02000000 0100000001000000 00010000'],
  ['', "Twrite 1 2 $n 'a\\n\\0'", '1a000000 76 0100 02000000 0700000000000000 03000000 610a00'],
  ['', 'Twrite 1 2 0 #c3*2', '19000000 76 0100 02000000 0000000000000000 02000000 c3c3'],
  [
    '',
    'Twstat 1 2 {name=x mode=0o644}',
    `3f000000 7e 0100 02000000 3200 3000 ffff ffffffff ff ffffffff ${'ff'.repeat(8)}
     a4010000 ffffffff ffffffff ${'ff'.repeat(8)} 0100 78 0000 0000 0000`,
  ],
  ['L', 'Tunlinkat 1 2 x 0x200', '12000000 4c 0100 02000000 0100 78 00020000'],
];
for (const [dialect, text, hex] of encodings)
  test(`${dialect} ${text}`, () => {
    const vars: Vars = new Map([['n', 7n]]);
    assert.equal(
      encode(parseMessage(text), dialect, vars).toString('hex'),
      Buffer.from(bytes(hex)).toString('hex'),
    );
  });

const stat = `2f00 0000 00000000 00 07000000 0900000000000000
  a4010000 00000000 00000000 0d00000000000000 0000 0000 0000 0000`;
const replies: readonly (readonly [hex: string, pattern: string, why: RegExp | undefined])[] = [
  ['0b000000 75 0100 00000000', "Rread 1 ''", undefined],
  ['0e000000 75 0100 03000000 616263', 'Rread 1 abc', undefined],
  ['0e000000 75 0100 03000000 616263', 'Rread 1 *3', undefined],
  ['0e000000 75 0100 03000000 616263', 'Rread 1 <=2', /data does not fit/],
  ['0e000000 75 0100 03000000 616263', 'Rread 1 abd', /data does not fit/],
  ['0e000000 75 0100 03000000 616263', 'Rread 2 abc', /another tag/],
  ['0e000000 75 0100 03000000 616263', 'Rread 1 {abc}', /data does not fit/],
  ['0e000000 75 0100 02000000 616263', 'Rread 1 ab', /1 bytes too long/],
  ['0e000000 75 0100 04000000 616263', 'Rread 1 *', /too short/],
  ['0a000000 6b 0100 0100 00', 'Rerror 1 *', /NUL/],
  ['0b000000 6b 0100 0200 c328', 'Rerror 1 *', /not UTF-8/],
  ['16000000 6f 0100 0100 80 01000000 0200000000000000', 'Rwalk 1 [dir.1.2]', undefined],
  ['16000000 6f 0100 0100 80 01000000 0200000000000000', 'Rwalk 1 [dir.1.!2]', /does not fit/],
  ['16000000 6f 0100 0100 80 01000000 0200000000000000', 'Rwalk 1 []', /does not fit/],
  [`3a000000 7d 0100 3100 ${stat}`, 'Rstat 1 {length=13 qid=file.$v.9}', undefined],
  [`3a000000 7d 0100 3100 ${stat}`, 'Rstat 1 {length=14}', /does not fit/],
  [`3a000000 7d 0100 3000 ${stat}`, 'Rstat 1 *', /too (short|long)/],
];
for (const [hex, pattern, why] of replies)
  test(`${hex.slice(0, 60)} as ${pattern}: ${why ?? 'fits'}`, () => {
    const m = decode(Buffer.from(bytes(hex)), '');
    const got = typeof m === 'string' ? m : misfit(parseMessage(pattern), m, '', new Map());
    if (why === undefined) assert.equal(got, undefined);
    else assert.match(got ?? 'it fits', why);
  });

/** Answers its n-th segment with the n-th of these bytes, and after the last not at all. */
function scripted(answers: readonly string[]): Duplex {
  const left = [...answers];
  return new Duplex({
    read() {},
    write(_, __, done) {
      const next = left.shift();
      if (next === 'hangup') this.push(null);
      else if (next !== undefined) this.push(Buffer.from(bytes(next)));
      done();
    },
  });
}

const rversion = (msize = '18200000') => `13000000 65 ffff ${msize} 0600 395032303030`;
const tversion = '> Tversion notag 8216 9P2000';
const agreed = [tversion, '< Rversion notag * 9P2000'];
const wrong: readonly (readonly [what: string, lines: string[], answers: string[], why: RegExp])[] =
  [
    ['none answers', agreed, [], /no reply in 20 ms, at: < Rversion/],
    ['it hangs up', agreed, ['hangup'], /hung up, at: < Rversion/],
    ['a size below 7', agreed, ['03000000 65ffff'], /unknown type|too short/],
    [
      'msize over what was asked for',
      [tversion, '< Rversion notag <=8216 9P2000'],
      [rversion('19200000')],
      /msize does not fit/,
    ],
    ['one too many', agreed, [`${rversion()} 07000000 6d 0000`, rversion()], /reply to nothing/],
    ['none at the end', agreed, [rversion()], /no reply in 20 ms/],
    [
      'a reply over msize',
      [...agreed, '> Tread 1 1 0 9', '< Rread 1 *'],
      [rversion('0e000000'), '0f000000 75 0100 04000000 61626364'],
      /Rread of 15 bytes is over msize/,
    ],
    [
      'it goes on where it must hang up',
      [...agreed, 'raw> #00000000', 'closed'],
      [rversion(), '07000000 6d 0000'],
      /has not hung up: Rflush/,
    ],
    [
      'it does what it must refuse',
      [...agreed, '> Tclunk 1 7', 'refused 1'],
      [rversion(), '07000000 79 0100'],
      /is not refused: Rclunk/,
    ],
    [
      'the flush before what it flushed',
      [...agreed, '> Tflush 2 1', '<? Rerror 1 *', '< Rflush 2'],
      [rversion(), '07000000 6d 0200  0a000000 6b 0100 0100 78', rversion()],
      /reply to nothing: Rerror/,
    ],
    [
      'a directory without end',
      [...agreed, 'ls 1 99 []'],
      [rversion(), ...Array<string>(1100).fill(`3c000000 75 0100 31000000 ${stat}`)],
      /a directory without end/,
    ],
  ];
const told = (lines: readonly string[], answers: readonly string[], limit_ms: number) => {
  const connect = async () => scripted(answers);
  return run(parseExchange(lines), { connect, user: 'u', aname: '', limit_ms });
};

test('a server that does right', async () => {
  assert.equal(await told(agreed, [rversion(), rversion()], 5000), undefined);
});

for (const [what, lines, answers, why] of wrong)
  test(`a server that does wrong: ${what}`, async () => {
    const limit_ms = why.source.includes('20 ms') ? 20 : 5000;
    assert.match((await told(lines, answers, limit_ms)) ?? 'nothing wrong', why);
  });
