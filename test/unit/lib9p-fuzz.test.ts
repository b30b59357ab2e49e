/** Requests that wait: flushed, clunked and answered in any order they leave nothing behind. Any
 *  bytes from either side: test/fuzz/ninep.test.ts, liar.test.ts. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Server, type Tmessage } from '@9p/lib9p';
import { fuzzIterations, SeededRandom } from '../kit/index.js';
import { flatTree, Raw, settled, Waiting } from './lib9p-kit.js';

const seed = 23;
const rounds = Math.ceil(fuzzIterations(100_000) / 500);

test('flushes, clunks and answers in any order leave nothing behind', async () => {
  const r = new SeededRandom(seed);
  for (let round = 0; round < rounds; round++) {
    const files = [new Waiting('w', 2n), new Waiting('v', 3n, false)];
    const c = new Raw(new Server(flatTree(files, r.chance(50)))).start();
    const asked = new Map<number, number>();
    for (let i = 0; i < 60; i++) {
      const tag = r.below(12);
      const fid = 1 + r.below(3);
      const f = r.pick<() => Tmessage>([
        () => ({ type: 'Twalk', tag, fid: 0, newfid: fid, names: [r.pick(['w', 'v'])] }),
        () => ({ type: 'Topen', tag, fid, mode: 0 }),
        () => ({ type: 'Tread', tag, fid, offset: 0n, count: 9 }),
        () => ({ type: 'Tflush', tag, oldtag: r.below(12) }),
        () => ({ type: 'Tclunk', tag, fid }),
      ])();
      asked.set(tag, (asked.get(tag) ?? 0) + 1);
      c.send(f);
      if (r.chance(30)) await settled();
      if (r.chance(20)) r.pick(files).reads.shift()?.give(new Uint8Array(1));
    }
    for (const w of files) for (const read of w.reads) read.give(new Uint8Array(1));
    await settled();
    assert.equal(c.connection.outstanding, 0, `seed ${seed}, round ${round}`);
    for (const { tag } of c.replies) asked.set(tag, (asked.get(tag) ?? 0) - 1);
    assert.ok(
      [...asked.values()].every((n) => n >= 0),
      'no request has two answers',
    );
  }
});
