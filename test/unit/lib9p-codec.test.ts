/** Messages and their bytes: golden, by chance, cut anywhere, and as lines of text. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  changeDir,
  decode,
  decodeDirs,
  dirChange,
  encode,
  encodeDir,
  encodeFcall,
  type Fcall,
  Framer,
  format,
  formatBytes,
  Writer,
} from '@9p/lib9p';
import { bytes, cuts, SeededRandom } from '../kit/index.js';
import { dialects, dirOf, randomDir, randomFcall, types, typesOf } from './lib9p-kit.js';

const qid = { type: 0x80, vers: 3, path: 0x0102030405060708n };
const qidHex = '80 03000000 0807060504030201';
const stat = { ...dirOf('ctl', qid), mode: 0o660, atime: 1, mtime: 2, length: 9n };
const statHex = `
  3e00                # size of the rest
  0000 00000000       # type, dev
  ${qidHex}
  b0010000 01000000 02000000 0900000000000000
  0300 63746c         # ctl
  0600 676c656e6461 0600 676c656e6461 0000`;

const statLine =
  "'ctl' 'glenda' 'glenda' '' q (0102030405060708 3 d) m -rw-rw---- at 1 mt 2 l 9 t 0 d 0";

/** Layouts of section 5 of the manual. */
const golden: readonly [Fcall, hex: string, line: string][] = [
  [
    { type: 'Tversion', tag: 0xffff, msize: 8216, version: '9P2000' },
    '13000000 64 ffff 18200000 0600 395032303030',
    "Tversion tag -1 msize 8216 version '9P2000'",
  ],
  [
    { type: 'Rversion', tag: 0xffff, msize: 8216, version: 'unknown' },
    '14000000 65 ffff 18200000 0700 756e6b6e6f776e',
    "Rversion tag -1 msize 8216 version 'unknown'",
  ],
  [
    { type: 'Tauth', tag: 1, afid: 2, uname: 'u', aname: '' },
    '10000000 66 0100 02000000 0100 75 0000',
    'Tauth tag 1 afid 2 uname u aname ',
  ],
  [
    { type: 'Rauth', tag: 1, aqid: qid },
    `14000000 67 0100 ${qidHex}`,
    'Rauth tag 1 qid (0102030405060708 3 d)',
  ],
  [
    { type: 'Tattach', tag: 1, fid: 0, afid: 0xffffffff, uname: 'u', aname: 'ppp' },
    '17000000 68 0100 00000000 ffffffff 0100 75 0300 707070',
    'Tattach tag 1 fid 0 afid -1 uname u aname ppp',
  ],
  [
    { type: 'Rattach', tag: 1, qid },
    `14000000 69 0100 ${qidHex}`,
    'Rattach tag 1 qid (0102030405060708 3 d)',
  ],
  [
    { type: 'Rerror', tag: 2, ename: 'file not found' },
    '17000000 6b 0200 0e00 66696c65206e6f7420666f756e64',
    'Rerror tag 2 ename file not found',
  ],
  [{ type: 'Tflush', tag: 2, oldtag: 0x0102 }, '09000000 6c 0200 0201', 'Tflush tag 2 oldtag 258'],
  [{ type: 'Rflush', tag: 2 }, '07000000 6d 0200', 'Rflush tag 2'],
  [
    { type: 'Twalk', tag: 3, fid: 1, newfid: 2, names: ['0', 'ctl'] },
    '19000000 6e 0300 01000000 02000000 0200 0100 30 0300 63746c',
    'Twalk tag 3 fid 1 newfid 2 nwname 2 0:0 1:ctl',
  ],
  [
    { type: 'Rwalk', tag: 3, qids: [qid] },
    `16000000 6f 0300 0100 ${qidHex}`,
    'Rwalk tag 3 nwqid 1 0:(0102030405060708 3 d)',
  ],
  [
    { type: 'Topen', tag: 3, fid: 2, mode: 0x11 },
    '0c000000 70 0300 02000000 11',
    'Topen tag 3 fid 2 mode 17',
  ],
  [
    { type: 'Ropen', tag: 3, qid, iounit: 8192 },
    `18000000 71 0300 ${qidHex} 00200000`,
    'Ropen tag 3 qid (0102030405060708 3 d) iounit 8192',
  ],
  [
    { type: 'Tcreate', tag: 3, fid: 2, name: 'new', perm: 0x800001ed, mode: 0 },
    '15000000 72 0300 02000000 0300 6e6577 ed010080 00',
    'Tcreate tag 3 fid 2 name new perm drwxr-xr-x mode 0',
  ],
  [
    { type: 'Rcreate', tag: 3, qid, iounit: 0 },
    `18000000 73 0300 ${qidHex} 00000000`,
    'Rcreate tag 3 qid (0102030405060708 3 d) iounit 0',
  ],
  [
    { type: 'Tread', tag: 4, fid: 2, offset: 0x100000002n, count: 64 },
    '17000000 74 0400 02000000 0200000001000000 40000000',
    'Tread tag 4 fid 2 offset 4294967298 count 64',
  ],
  [
    { type: 'Rread', tag: 4, data: bytes('68690a') },
    '0e000000 75 0400 03000000 68690a',
    "Rread tag 4 count 3 'hi\\n'",
  ],
  [
    { type: 'Twrite', tag: 4, fid: 2, offset: 1n, data: bytes('00ff') },
    '19000000 76 0400 02000000 0100000000000000 02000000 00ff',
    'Twrite tag 4 fid 2 offset 1 count 2 00 ff',
  ],
  [{ type: 'Rwrite', tag: 4, count: 2 }, '0b000000 77 0400 02000000', 'Rwrite tag 4 count 2'],
  [{ type: 'Tclunk', tag: 5, fid: 2 }, '0b000000 78 0500 02000000', 'Tclunk tag 5 fid 2'],
  [{ type: 'Rclunk', tag: 5 }, '07000000 79 0500', 'Rclunk tag 5'],
  [{ type: 'Tremove', tag: 5, fid: 2 }, '0b000000 7a 0500 02000000', 'Tremove tag 5 fid 2'],
  [{ type: 'Rremove', tag: 5 }, '07000000 7b 0500', 'Rremove tag 5'],
  [{ type: 'Tstat', tag: 5, fid: 2 }, '0b000000 7c 0500 02000000', 'Tstat tag 5 fid 2'],
  [
    { type: 'Rstat', tag: 5, stat },
    `49000000 7d 0500 4000 ${statHex}`,
    `Rstat tag 5 stat ${statLine}`,
  ],
  [
    { type: 'Twstat', tag: 5, fid: 2, stat },
    `4d000000 7e 0500 02000000 4000 ${statHex}`,
    `Twstat tag 5 fid 2 stat ${statLine}`,
  ],
  [{ type: 'Rwstat', tag: 5 }, '07000000 7f 0500', 'Rwstat tag 5'],
];

test('every message has its bytes and its line', () => {
  assert.deepEqual(golden.map(([f]) => f.type).sort(), [...types].sort());
  for (const [f, hex, line] of golden) {
    const b = bytes(hex);
    assert.deepEqual(Uint8Array.from(encodeFcall(f)), b, f.type);
    assert.deepEqual(decode(b, 0, b.length), f, f.type);
    assert.equal(format(f), line);
    assert.equal(formatBytes(b, 0, b.length), line);
  }
});

test('messages by chance come back as they were, wherever they lie', () => {
  const r = new SeededRandom(1);
  for (let i = 0; i < 6000; i++) {
    const dialect = r.pick(dialects);
    const f = randomFcall(r, undefined, dialect);
    const w = new Writer(new Uint8Array(512).fill(0xa5));
    w.at = r.below(300);
    const start = w.at;
    encode(w, f, dialect);
    assert.deepEqual(decode(w.buf, start, w.at, dialect), f, `message ${i} of ${dialect}`);
    assert.doesNotMatch(formatBytes(w.buf, start, w.at, false, dialect), /undefined|\n/);
  }
});

test('a message cut short, too long, or of a wrong count is refused with the reason', () => {
  const r = new SeededRandom(2);
  for (const d of dialects)
    for (const type of typesOf(d)) {
      const b = encodeFcall(randomFcall(r, type, d), d);
      for (const cut of cuts(b)) {
        if (cut.length >= 4) new DataView(cut.buffer).setUint32(0, cut.length, true);
        assert.equal(typeof decode(cut, 0, cut.length, d), 'string', `${type} of ${cut.length}`);
      }
      const long = Uint8Array.from([...b, 0]);
      new DataView(long.buffer).setUint32(0, long.length, true);
      assert.equal(decode(long, 0, long.length, d), 'message too long', type);
    }
  const refused: readonly [hex: string, why: string][] = [
    ['07000000 6a 0100', 'unknown message type 106'],
    ['07000000 80 0100', 'unknown message type 128'],
    ['08000000 6d 0100', 'bad message size'],
    [`33000000 6e 0100 00000000 00000000 1100 ${'0000'.repeat(17)}`, 'too many names in a walk'],
    ['10000000 66 0100 00000000 0100 00 0000', 'NUL in a string'],
  ];
  for (const [hex, why] of refused) {
    const b = bytes(hex);
    assert.equal(decode(b, 0, b.length), why);
  }
});

test('directory entries: many in a read, "do not touch" in a wstat', () => {
  const r = new SeededRandom(3);
  const dirs = Array.from({ length: 50 }, () => ({ ...randomDir(r), type: 0, dev: 0 }));
  const b = Buffer.concat(dirs.map((d) => encodeDir(d)));
  assert.deepEqual(decodeDirs(b), dirs);
  assert.equal(typeof decodeDirs(b.subarray(0, -1)), 'string');
  assert.deepEqual(dirChange(changeDir({})), {});
  const all = { name: 'n', mode: 0o644, mtime: 5, length: 0n, gid: 'g' };
  assert.deepEqual(dirChange(changeDir(all)), all);
  assert.deepEqual(dirChange(changeDir({ length: 7n })), { length: 7n });
});

function framed(chunks: readonly Uint8Array[], msize = 8216): { got: string[]; bad?: string } {
  const f = new Framer(msize);
  const got: string[] = [];
  for (const chunk of chunks) {
    const lent = new Uint8Array(chunk);
    f.feed(lent);
    while (f.next()) got.push(formatBytes(f.buf, f.start, f.end));
    f.keep();
    lent.fill(0xa5); // its owner has it again
  }
  return { got, ...(f.bad !== undefined && { bad: f.bad }) };
}

test('the framer finds the same messages however the bytes come', () => {
  const r = new SeededRandom(4);
  const stream = Buffer.concat(golden.map(([f]) => encodeFcall(f)));
  const want = golden.map(([, , line]) => line);
  for (let cut = 0; cut <= stream.length; cut++)
    assert.deepEqual(framed([stream.subarray(0, cut), stream.subarray(cut)]).got, want);
  assert.deepEqual(framed([...stream].map((x) => Uint8Array.of(x))).got, want);
  for (let i = 0; i < 200; i++) {
    const chunks: Uint8Array[] = [];
    for (let o = 0; o < stream.length; ) chunks.push(stream.subarray(o, (o += 1 + r.below(90))));
    assert.deepEqual(framed(chunks).got, want);
  }
});

test('one may stop the framer between messages and go on later', () => {
  const stream = Buffer.concat(golden.map(([f]) => encodeFcall(f)));
  const f = new Framer(8216);
  const got: string[] = [];
  for (let o = 0; o < stream.length; o += 40) {
    f.feed(stream.subarray(o, o + 40));
    if (f.next()) got.push(formatBytes(f.buf, f.start, f.end));
    f.keep();
  }
  while (f.next()) got.push(formatBytes(f.buf, f.start, f.end));
  assert.deepEqual(
    got,
    golden.map(([, , line]) => line),
  );
});

test('a size that cannot be ends the stream', () => {
  assert.deepEqual(framed([bytes('06000000 6d 0100')]).bad, 'message size too small');
  assert.deepEqual(framed([bytes('19200000')]).bad, 'message size over msize');
  const good = encodeFcall({ type: 'Rflush', tag: 1 });
  assert.deepEqual(framed([Buffer.concat([good, bytes('ffffffff'), good])]), {
    got: ['Rflush tag 1'],
    bad: 'message size over msize',
  });
});

/** What is written to a ctl, and what a trace shows of it. */
const shown: readonly [data: string, line: string][] = [
  ['connect', "'connect'"],
  ['key user=glenda !password=secret', "'key user=glenda !password=...'"],
  ['key !password=secret user=glenda\n', "'key !password=... user=glenda\\n'"],
  ["key !password='se cret' x=1", "'key !password=... x=1'"],
  ["key !password='it''s se cret' x=1", "'key !password=... x=1'"],
  ["key !password=ab'c d'e x=1", "'key !password=... x=1'"],
  ["key !password='never closed", "'key !password=...'"],
  ['key !hex=00 !password=', "'key !hex=... !password=...'"],
  ['!p=\u0001secret', '(not shown)'],
  ['a\u0000b', '61 00 62'],
  ['x'.repeat(100), `'${'x'.repeat(64)}...'`],
  [`${'x'.repeat(58)} !p=${'s'.repeat(10)}`, `'${'x'.repeat(58)} !p=.....'`],
];

test('secrets are masked, whatever they look like', () => {
  for (const [data, line] of shown) {
    const b = new TextEncoder().encode(data);
    const want = `Rread tag 1 count ${b.length} ${line}`;
    assert.equal(format({ type: 'Rread', tag: 1, data: b }).slice(0, want.length), want);
  }
  const f: Fcall = { type: 'Rerror', tag: 1, ename: 'bad key: "key !password=x1y2"' };
  assert.equal(format(f), 'Rerror tag 1 ename bad key: "key !password=...');
  const data = bytes('736563726574');
  assert.equal(format({ type: 'Rread', tag: 1, data }, true), 'Rread tag 1 count 6 (not shown)');
});

test('the line of a long error is made in no time', () => {
  const before = process.cpuUsage();
  format({ type: 'Rerror', tag: 1, ename: '!'.repeat(65_000) });
  assert.ok(process.cpuUsage(before).user < 200_000);
});

test('what has no encoding is our own mistake and thrown', () => {
  const names = Array.from({ length: 17 }, () => 'x');
  assert.throws(() => encodeFcall({ type: 'Twalk', tag: 1, fid: 0, newfid: 1, names }));
  assert.throws(() => encodeFcall({ type: 'Rerror', tag: 1, ename: 'x'.repeat(70_000) }));
});
