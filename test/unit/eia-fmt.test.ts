/** The letters of uart(3) and the lines of its status. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { defaults, parseCtl, statusText } from '../../plugins/eia/fmt.js';
import { systemPorts } from '../../plugins/eia/system.js';

const set = (s: object) => ({ do: 'set', set: s });
const letters: readonly (readonly [string, object])[] = [
  ['b115200', set({ baud: 115200 })],
  ['B50', set({ baud: 50 })],
  ['c1', set({ onDcd: true })],
  ['d0', set({ dtr: false })],
  ['e7', set({ onDsr: true })],
  ['f', { do: 'flush' }],
  ['f0', { do: 'flush' }],
  ['H', { do: 'hangup' }],
  ['i4', set({ fifo: 4 })],
  ['k500', { do: 'break', ms: 500 }],
  ['k', { do: 'break', ms: 200 }],
  ['l7', set({ bits: 7 })],
  ['m1', set({ rtscts: true })],
  ['n', set({ nonblocking: true })],
  ['n0', set({ nonblocking: false })],
  ['pe', set({ parity: 'even' })],
  ['PO', set({ parity: 'odd' })],
  ['pn', set({ parity: 'none' })],
  ['p', set({ parity: 'none' })],
  ['q64000', set({ queue: 64000 })],
  ['r0', set({ rts: false })],
  ['s2', set({ stop: 2 })],
  ['w10', set({})],
  ['x1', set({ xonxoff: true })],
  ['break', { do: 'break', ms: 200 }],
  ['hangup', { do: 'hangup' }],
  ['connect', { do: 'connect' }],
];

test('each letter, alone and in one message', () => {
  for (const [word, action] of letters) assert.deepEqual(parseCtl(word), [action], word);
  const all = letters.map(([w]) => w).join(' ');
  assert.deepEqual(
    parseCtl(`\t${all}\r\n`),
    letters.map(([, a]) => a),
  );
  assert.deepEqual(parseCtl(' \n'), []);
});

test('what is wrong is said with what would be right', () => {
  const bad = (s: string) => {
    try {
      parseCtl(s);
    } catch (e) {
      return (e as Error).message.replace('bad arg in system call: ', '');
    }
    return 'taken';
  };
  assert.equal(bad('b9600 l9'), "'l9': bits: l5 to l8");
  assert.equal(bad('b0'), "'b0': baud rate: b50 to b4000000");
  assert.equal(bad('bfast'), "'bfast': baud rate: b50 to b4000000");
  assert.equal(bad('q1048577'), "'q1048577': queue, in bytes: q0 to q1048576");
  assert.equal(bad('w0'), "'w0': clock, in 100 us: w1 to w1000000");
  assert.match(bad('y1'), /^'y1': it takes b c d /);
  assert.match(bad('constructor'), /^'constructor': hang up on DCD: c0 to c1000000$/);
  assert.match(bad('__proto__'), /it takes b c d/);
  assert.match(bad('b1 '.repeat(65)), /more than 64 words/);
  for (const w of ['s3', 's0', 'k99999', 'd-1', 'm1.5', 'fx', 'c'])
    assert.notEqual(bad(w), 'taken', w);
});

test('status: the two lines of 9front, then ours', () => {
  const figures = { dev: 3, path: '/dev/ttyS3', open: true, up: true, in: 5, out: 7, queued: 0 };
  const s = { ...defaults(), baud: 115200, rtscts: true };
  const lines = { cts: true, dsr: false, dcd: true };
  assert.equal(
    statusText(s, { ...figures, lost: 2, counters: 'qfull: 1\n' }, lines),
    'b115200 c0 d1 e0 l8 m1 pn r1 s1 i1\n' +
      'dev(3) type(0) framing(0) overruns(0) berr(2) serr(0) cts dcd\n' +
      '/dev/ttyS3 up in 5 out 7 queued 0 n0 q65536 x0\nqfull: 1\n',
  );
});

test('the ports of the system are those with a device', () => {
  const root = mkdtempSync(join(tmpdir(), 'eia-'));
  try {
    const port = (name: string, type?: string, device = true): void => {
      mkdirSync(join(root, 'sys', name), { recursive: true });
      mkdirSync(join(root, 'dev'), { recursive: true });
      writeFileSync(join(root, 'dev', name), '');
      if (device) symlinkSync('..', join(root, 'sys', name, 'device'));
      if (type !== undefined) writeFileSync(join(root, 'sys', name, 'type'), `${type}\n`);
    };
    port('ttyS0', '4'); // the console
    port('ttyS1', '4');
    port('ttyS2', '0'); // where an 8250 might be
    port('ttyUSB10');
    port('ttyUSB2');
    port('tty1', undefined, false);
    port('console', undefined, false);
    writeFileSync(join(root, 'sys/console/active'), 'tty0 ttyS0\n');
    const found = systemPorts(join(root, 'sys'), join(root, 'dev'));
    assert.deepEqual(
      found,
      ['ttyS1', 'ttyUSB2', 'ttyUSB10'].map((n) => join(root, 'dev', n)),
    );
    assert.deepEqual(systemPorts(join(root, 'none')), []);
  } finally {
    rmSync(root, { recursive: true });
  }
});
