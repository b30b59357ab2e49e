/**
 * Cutting and joining super-packets, as pure functions against a reference, and by a fuzzer in C.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { equal } from '@9p/packet';
import { missing, pure, socktype } from '@9p/rawio';
import { fuzzIterations, mutate, needs, SeededRandom } from '../kit/index.js';
import {
  bare,
  type Flow,
  headerBytes,
  putChecksums,
  segments,
  sound,
  superPacket,
} from '../rawio/reference.js';

const skip = missing ?? false;
/** Rounds of megabytes: a million of them would take hours. */
const rounds = (few: number): number => Math.min(fuzzIterations(few), 20 * few);
const ack = 0x10;
const psh = 0x08;

const flow = (more: Partial<Flow>): Flow => ({
  v6: false,
  udp: false,
  options: 12,
  size: 1440,
  payload: new SeededRandom(1).bytes(10_000),
  flags: ack,
  seq: 0xfffff000,
  port: 1024,
  ...more,
});

const flows: readonly [string, Flow][] = [
  ['TCP over IPv4', flow({})],
  ['TCP over IPv6', flow({ v6: true, size: 1428 })],
  ['UDP over IPv4', flow({ udp: true, size: 1200 })],
  ['UDP over IPv6', flow({ udp: true, v6: true, size: 1232 })],
  ['no options, PSH at the end', flow({ options: 0, flags: ack | psh })],
  ['the last part full', flow({ size: 1000 })],
  ['parts of odd length', flow({ size: 333 })],
  ['as long as it gets', flow({ payload: new SeededRandom(2).bytes(65535 - 52) })],
];

for (const [name, f] of flows) {
  test(`cut: ${name}`, { skip }, () => {
    const parts = pure.cut(superPacket(f));
    assert.deepEqual(parts, segments(f));
    assert.ok(parts.every(sound));
  });

  test(`join what was cut: ${name}`, { skip }, () => {
    const joined = pure.join(segments(f), true);
    assert.deepEqual(joined, [superPacket(f)]);
  });
}

test('what is no socket, and no descriptor', { skip }, () => {
  const fd = openSync('/dev/null', 'r');
  assert.equal(socktype(fd), 0);
  closeSync(fd);
  assert.throws(() => socktype(-1), { code: 'EBADF' });
});

test('FIN and PSH are the last part, CWR the first', { skip }, () => {
  const parts = pure.cut(superPacket(flow({ flags: ack | psh | 0x01 | 0x80 })));
  const flags = parts.map((p) => p[33]!);
  assert.deepEqual(flags, [0x90, 0x10, 0x10, 0x10, 0x10, 0x10, 0x19]);
});

test('a part that has no room is left out, and all that follow', { skip }, () => {
  assert.deepEqual(pure.cut(superPacket(flow({})), 1000), []);
});

test('two flows in turn become two super-packets', { skip }, () => {
  const [a, b] = [flow({ port: 1 }), flow({ port: 2, v6: true })];
  const [as, bs] = [segments(a), segments(b)];
  const mixed = as.flatMap((p, i) => [p, bs[i]!]);
  assert.deepEqual(pure.join(mixed, false), [superPacket(a), superPacket(b)]);
});

test('twenty flows in turn arrive whole and in order', { skip }, () => {
  const all = Array.from({ length: 20 }, (_, port) => segments(flow({ port })));
  const mixed = all[0]!.flatMap((_, i) => all.map((s) => s[i]!));
  const parts = pure.join(mixed, false).flatMap((j) => pure.cut(j));
  for (const [port, want] of all.entries())
    assert.deepEqual(
      parts.filter((p) => p[21] === port),
      want,
    );
});

/** What is changed in the second of three packets, so that they may not become one. */
const oddities: readonly [string, (p: Uint8Array) => void, repair: boolean][] = [
  ['a bad TCP checksum', (p) => void (p[60]! ^= 1), false],
  ['a bad IPv4 checksum', (p) => void (p[10]! ^= 1), false],
  ['another TTL', (p) => void p[8]!--, true],
  ['another ECN', (p) => void (p[1] = 3), true],
  ['no DF', (p) => void (p[6] = 0), true],
  ['a fragment', (p) => void (p[7] = 8), true],
  ['an urgent pointer', (p) => void (p[39] = 1), true],
  ['another window', (p) => void p[35]!++, true],
  ['another option', (p) => void (p[45] = 0), true],
  ['another acknowledgement', (p) => void p[31]!++, true],
  ['another sequence number', (p) => void p[27]!++, true],
  ['FIN', (p) => void (p[33]! |= 1), true],
  ['SYN', (p) => void (p[33]! |= 2), true],
  ['URG', (p) => void (p[33]! |= 0x20), true],
  ['ECE', (p) => void (p[33]! |= 0x40), true],
  ['CWR', (p) => void (p[33]! |= 0x80), true],
  ['a reserved bit', (p) => void (p[32]! |= 1), true],
];

for (const [what, change, repair] of oddities) {
  test(`joined with nothing: ${what}`, { skip }, () => {
    const three = segments(flow({ payload: new Uint8Array(3 * 1440).fill(7) }));
    change(three[1]!);
    if (repair) putChecksums(three[1]!);
    const want = three.map((p) => p.slice());
    assert.deepEqual(pure.join(three, true).map(bare), want);
  });
}

test('PSH ends a super-packet and is kept', { skip }, () => {
  const two = flow({ payload: new Uint8Array(2880).fill(1), flags: ack | psh });
  const next = flow({ payload: new Uint8Array(2880).fill(2), seq: two.seq + 2880 });
  const joined = pure.join([...segments(two), ...segments(next)], false);
  assert.deepEqual(joined, [superPacket(two), superPacket(next)]);
});

test('UDP is not joined for a kernel that cannot take it', { skip }, () => {
  const parts = segments(flow({ udp: true }));
  assert.deepEqual(pure.join(parts, false).map(bare), parts);
});

test('a flow keeps its order round a packet that goes alone', { skip }, () => {
  const parts = segments(flow({}));
  parts[3]![60]! ^= 0xff;
  const out = pure.join(parts, false).flatMap((j) => (j[0] === 1 ? pure.cut(j) : [bare(j)]));
  assert.deepEqual(out, parts);
});

test('a plain packet gets its checksum', { skip }, () => {
  const f = flow({ payload: new Uint8Array(100).fill(3), size: 1440 });
  const one = superPacket(f);
  one[1] = 0; // no segmentation
  assert.deepEqual(pure.cut(one), segments(f));
});

test('random flows: cut as the reference does, and joined again', { skip }, () => {
  const r = new SeededRandom(3);
  for (let i = 0; i < rounds(300); i++) {
    const f = flow({
      v6: r.chance(50),
      udp: r.chance(30),
      options: 4 * r.below(11),
      size: 120 + r.below(1300),
      payload: r.bytes(1 + r.below(60_000)),
      seq: r.u32(),
    });
    const parts = pure.cut(superPacket(f));
    assert.deepEqual(parts, segments(f), `round ${i}`);
    const again = pure.join(parts, true).flatMap((j) => (j[0] === 1 ? pure.cut(j) : [bare(j)]));
    assert.deepEqual(again, parts, `round ${i}`);
  }
});

/** Without the identification, and the checksum over it, of an IPv4 packet that may not be cut:
 *  there it means nothing (RFC 6864 section 4.1), and joining numbers the parts anew. */
function unnumbered(p: Uint8Array): Uint8Array {
  if (p[0]! >> 4 !== 4 || (p[6]! & 0x40) === 0) return p;
  const copy = p.slice();
  for (const o of [4, 5, 10, 11]) copy[o] = 0;
  return copy;
}

test('spoiled packets: nothing unsound is ever joined', { skip }, () => {
  const r = new SeededRandom(4);
  for (let i = 0; i < rounds(300); i++) {
    const f = flow({ v6: r.chance(50), udp: r.chance(30), size: 50, payload: r.bytes(500) });
    const parts = segments(f).map((p) => (r.chance(30) ? mutate(p, r) : p));
    const joined = pure.join(parts, true);
    const bytes = (list: readonly Uint8Array[]) => list.reduce((n, p) => n + p.length, 0);
    for (const j of joined.filter((p) => p[0] === 1)) {
      const cut = pure.cut(j);
      assert.ok(cut.length > 1, `round ${i}`);
      for (const p of cut)
        assert.ok(
          parts.some((q) => equal(unnumbered(p), unnumbered(q))),
          `round ${i}: a packet that was not put in`,
        );
    }
    const out = joined.flatMap((j) => (j[0] === 1 ? pure.cut(j) : [bare(j)]));
    assert.equal(bytes(out), bytes(parts), `round ${i}`);
  }
});

test('spoiled super-packets are refused or cut, never worse', { skip }, () => {
  const r = new SeededRandom(5);
  for (let i = 0; i < rounds(1000); i++) {
    const f = flow({ v6: r.chance(50), udp: r.chance(30), payload: r.bytes(3000) });
    const spoiled = r.chance(50)
      ? mutate(superPacket(f).subarray(0, 10 + headerBytes(f) + 100), r)
      : r.bytes(r.below(200));
    for (const p of pure.cut(spoiled)) assert.ok(p.length <= 2048);
  }
});

const native = fileURLToPath(new URL('../../../lib/rawio/native', import.meta.url));
const sanitize = ['-fsanitize=address,undefined', '-fno-sanitize-recover=all'];

test('the C that reads packets stays within them', { skip: needs('cc') }, (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'rawio-'));
  t.after(() => rmSync(dir, { recursive: true }));
  const program = join(dir, 'fuzz');
  const files = ['test/fuzz.c', 'cut.c', 'join.c', 'checksum.c', 'frame.c'];
  const flags = ['-std=gnu11', '-D_GNU_SOURCE', '-g', '-O1', '-Wall', '-Wextra', '-Werror'];
  const cc = spawnSync('cc', [...flags, ...sanitize, '-o', program, ...files], {
    cwd: native,
    encoding: 'utf8',
  });
  if (/unrecognized|cannot find/.test(cc.stderr)) return t.skip('no sanitizers here');
  assert.equal(cc.stderr, '');
  const seed = String(process.env.FUZZ_SEED ?? 1);
  const run = spawnSync(program, [String(rounds(3000)), seed], { encoding: 'utf8' });
  assert.equal(run.status, 0, `seed ${seed}: ${run.stderr.slice(0, 2000)}`);
});
