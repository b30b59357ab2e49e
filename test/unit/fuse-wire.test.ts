/** The FUSE codec against linux/fuse.h: tables of bytes, every cut, noise. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hex, text, utf8 } from '@9p/packet';
import { fmtRequest } from '../../srv/fuse/fmt.js';
import * as wire from '../../srv/fuse/wire.js';
import { bodies, request } from '../fuse/kernel.js';
import { bytes, cuts, embedded, emitted } from '../kit/index.js';

// fuse_in_header of a LOOKUP of "ppp" in the root by pid 77, as a little-endian kernel sends it
const lookupBytes = bytes(`
  2c000000 01000000       # len 44, opcode 1
  0600000000000000        # unique 6
  0100000000000000        # nodeid 1
  e8030000 e9030000       # uid 1000, gid 1001
  4d000000 0000 0000      # pid 77, no extensions
  70707000                # "ppp"`);

test('a header and a name', () => {
  const { buf, start, end } = embedded(lookupBytes);
  const h = wire.parseHeader(buf, start, end);
  const body = start + 40;
  assert.deepEqual(h, {
    opcode: 1,
    unique: 6,
    nodeid: 1,
    uid: 1000,
    gid: 1001,
    pid: 77,
    body,
    end,
  });
  assert.deepEqual(wire.parseName(buf, body, end), { name: 'ppp', next: end });
});

test('a header that does not fit its bytes', () => {
  const cases: readonly [why: string, at: number, value: string, want: wire.Malformed][] = [
    ['length beyond the end', 0, '2d000000', 'badlength'],
    ['length before the end', 0, '2b000000', 'badlength'],
    ['extensions beyond the body', 36, '0100', 'badlength'],
    ['unique of more than 53 bits', 15, 'ff', 'badid'],
    ['nodeid of more than 53 bits', 23, 'ff', 'badid'],
  ];
  for (const [why, at, value, want] of cases) {
    const b = lookupBytes.slice();
    b.set(bytes(value), at);
    assert.equal(wire.parseHeader(b, 0, b.length), want, why);
  }
  for (const b of cuts(lookupBytes))
    assert.equal(wire.parseHeader(b, 0, b.length), b.length < 40 ? 'short' : 'badlength');
});

test('extensions at the end are no part of the body', () => {
  const b = request(1, new Uint8Array([0x61, 0, ...new Array(8).fill(0xee)]));
  b[36] = 1;
  const h = wire.parseHeader(b, 0, b.length);
  assert.ok(typeof h === 'object');
  assert.equal(h.end, 42);
});

test('names', () => {
  const parse = (b: Uint8Array) => wire.parseName(b, 0, b.length);
  const cases: readonly [why: string, name: Uint8Array, want: unknown][] = [
    ['empty', bytes('00'), 'badname'],
    ['no NUL', bytes('6161'), 'short'],
    ['a slash', bytes('612f6200'), 'badname'],
    ['255 bytes', new Uint8Array([...new Array(255).fill(0x61), 0]), 'object'],
    ['256 bytes', new Uint8Array([...new Array(256).fill(0x61), 0]), 'badname'],
  ];
  for (const [why, name, want] of cases) {
    const got = parse(name);
    assert.equal(want === 'object' ? typeof got : got, want, why);
  }
});

type Parse = (b: Uint8Array, o: number, end: number) => unknown;
const structures: readonly [name: string, Parse, Uint8Array, want: unknown][] = [
  [
    'init',
    wire.parseInit,
    bodies.init(),
    { major: 7, minor: 45, readahead: 65536, flags: 0xffffffff },
  ],
  [
    'batchForget',
    wire.parseBatchForget,
    bodies.batchForget(5, 6),
    [
      { nodeid: 5, lookups: 1 },
      { nodeid: 6, lookups: 1 },
    ],
  ],
  ['open', wire.parseOpen, bodies.open(0o1001), { flags: 0o1001 }],
  [
    'read',
    wire.parseRead,
    bodies.read(3, 4096, 2 ** 40, 0o4000),
    { fh: 3, offset: 2 ** 40, size: 4096, flags: 0o4000 },
  ],
  [
    'write',
    wire.parseWrite,
    bodies.write(3, 'hangup', 7),
    { fh: 3, offset: 7, size: 6, flags: 1, data: 40 },
  ],
  ['release', wire.parseRelease, bodies.release(9), { fh: 9 }],
  ['poll', wire.parsePoll, bodies.poll(9, 12, true), { fh: 9, kh: 12, notify: true }],
  ['interrupt', wire.parseInterrupt, bodies.interrupt(40), { unique: 40 }],
  ['access', wire.parseAccess, bodies.access(4), { mask: 4 }],
  ['create', wire.parseCreate, bodies.create('x'), { flags: 1, mode: 0o100644, name: 'x' }],
  ['mkdir', wire.parseMkdir, bodies.mkdir('d'), { flags: 0, mode: 0o755, name: 'd' }],
  [
    'rename',
    (b, o, end) => wire.parseRename(b, o, end, 8),
    bodies.rename(4, 'a', 'b'),
    { newdir: 4, flags: 0, from: 'a', to: 'b' },
  ],
  [
    'rename2',
    (b, o, end) => wire.parseRename(b, o, end, 16),
    bodies.rename2(4, 'a', 'b'),
    { newdir: 4, flags: 0, from: 'a', to: 'b' },
  ],
  [
    'setattr',
    wire.parseSetattr,
    bodies.setattr(1 | 2 | 4 | 8 | 32, { mode: 0o600, uid: 5, gid: 6, size: 7, mtime: 8 }),
    { mode: 0o600, uid: 5, gid: 6, size: 7n, mtime: 8 },
  ],
  [
    'setattr of nothing',
    wire.parseSetattr,
    bodies.setattr(16, {}),
    { mode: undefined, uid: undefined, gid: undefined, size: undefined, mtime: undefined },
  ],
];

test('structures, whole, in the middle of noise, and cut at every byte', () => {
  // INIT has grown: what an older kernel sends is whole at 16 bytes, and says its version in 8
  const whole: Record<string, number> = { init: 8 };
  for (const [name, parse, good, want] of structures) {
    assert.deepEqual(parse(good, 0, good.length), want, name);
    const { buf, start, end } = embedded(good);
    const moved = parse(buf, start, end) as Record<string, unknown>;
    if ('data' in moved) moved.data = Number(moved.data) - start;
    assert.deepEqual(moved, want, `${name} at an offset`);
    for (const cut of cuts(good)) {
      if (cut.length >= (whole[name] ?? good.length)) continue;
      assert.equal(typeof parse(cut, 0, cut.length), 'string', `${name} cut at ${cut.length}`);
    }
  }
});

test('a batch that counts more nodes than it has is refused', () => {
  const b = bodies.batchForget(5);
  b[0] = 2;
  assert.equal(wire.parseBatchForget(b, 0, b.length), 'badlength');
  b.fill(0xff, 0, 4);
  assert.equal(wire.parseBatchForget(b, 0, b.length), 'badlength');
});

const attr: wire.Attr = {
  ino: 0x1122334455667788n,
  size: 513n,
  mode: 0o100440,
  uid: 3,
  gid: 4,
  atime: 5,
  mtime: 2 ** 33,
};
const attrHex = `
  8877665544332211 0102000000000000 0200000000000000  # ino, size 513, 2 blocks
  0500000000000000 0000000002000000 0000000002000000  # atime, mtime, ctime
  00000000 00000000 00000000                          # nanoseconds
  20810000 01000000 03000000 04000000                 # mode, nlink, uid, gid
  00000000 00100000 00000000                          # rdev, blksize 4096, flags`;

test('replies, byte for byte', () => {
  const cases: readonly [string, number, (b: Uint8Array, o: number) => void, string][] = [
    [
      'header',
      16,
      (b, o) => wire.emitHeader(b, o, 16, 4, 2 ** 40 + 6),
      '10000000 fcffffff 0600000000010000',
    ],
    [
      'no error',
      16,
      (b, o) => wire.emitHeader(b, o, 24, 0, 2),
      '18000000 00000000 0200000000000000',
    ],
    ['attr', wire.attr_bytes, (b, o) => wire.emitAttr(b, o, attr), attrHex],
    [
      'attr_out',
      wire.attr_out_bytes,
      (b, o) => wire.emitAttrOut(b, o, 1, attr),
      `0100000000000000 00000000 00000000 ${attrHex}`,
    ],
    [
      'entry',
      wire.entry_bytes,
      (b, o) => wire.emitEntry(b, o, 9, 0, 1, attr),
      `0900000000000000 0000000000000000 0000000000000000 0100000000000000 00000000 00000000 ${attrHex}`,
    ],
    [
      'open',
      wire.open_bytes,
      (b, o) => wire.emitOpen(b, o, 7, 0x41),
      '0700000000000000 41000000 00000000',
    ],
    ['write', wire.word_bytes, (b, o) => wire.emitWord(b, o, 1400), '78050000 00000000'],
    [
      'notify',
      wire.notify_poll_bytes,
      (b, o) => wire.emitNotifyPoll(b, o, 3),
      '18000000 01000000 0000000000000000 0300000000000000',
    ],
    [
      'dirent',
      wire.direntBytes(new Uint8Array(3)),
      (b, o) => wire.emitDirent(b, o, 1n, 2, 8, new TextEncoder().encode('ctl')),
      '0100000000000000 0200000000000000 03000000 08000000 63746c0000000000',
    ],
    [
      'statfs',
      wire.statfs_bytes,
      (b, o) => wire.emitStatfs(b, o),
      `${'00'.repeat(40)} 00100000 ff000000 00100000 ${'00'.repeat(28)}`,
    ],
    [
      'init',
      wire.init_bytes,
      (b, o) =>
        wire.emitInit(b, o, {
          minor: 38,
          readahead: 1,
          flags: 8,
          background: 9,
          congestion: 6,
          write_bytes: 131072,
          pages: 33,
        }),
      `07000000 26000000 01000000 08000000 0900 0600 00000200 00ca9a3b 2100 0000 ${'00'.repeat(32)}`,
    ],
  ];
  for (const [name, n, emit, want] of cases)
    assert.equal(hex(emitted(n, emit)), hex(bytes(want)), name);
});

test('directory entries are padded to eight', () => {
  for (let n = 1; n <= 255; n++) {
    const size = wire.direntBytes(new Uint8Array(n));
    assert.equal(size % 8, 0);
    assert.ok(size >= 24 + n && size < 32 + n);
  }
});

test('a printed request says what it asks', () => {
  assert.equal(fmtRequest(lookupBytes, 0, 44), 'lookup 6 node 1 uid 1000 pid 77 name "ppp"');
  const w = request(wire.opcode.write, bodies.write(3, 'key !password=x'), { node: 8 });
  const line = fmtRequest(w, 0, w.length);
  assert.equal(line, 'write 2 node 8 uid 0 pid 77 fh 3 offset 0 size 15 flags 1');
  assert.ok(!line.includes('password'), text(w));
  const escapes = request(wire.opcode.lookup, utf8('a\n\u007f\u009bb\0'));
  assert.match(fmtRequest(escapes, 0, escapes.length), / name "a\\n\\u007f\\u009bb"$/);
});
