/** Any bytes, from either side: nothing throws, everything prints, and nothing is left behind. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Client, encodeFcall, file, memTree, nofid, Server, type Tmessage } from '@9p/lib9p';
import { fuzzIterations, mutate, SeededRandom } from '../kit/index.js';
import { flatTree, Raw, randomFcall, settled, Waiting } from './lib9p-kit.js';

const seed = 20;
const iterations = fuzzIterations(100_000);

/** Requests that hit: few fids, names that are there. */
function likely(r: SeededRandom): Tmessage {
  const names = ['hello', 'a', 'b', '..', 'new', 'x'];
  const fid = r.below(6);
  const tag = r.below(8);
  return r.pick<() => Tmessage>([
    () => ({ type: 'Tattach', tag, fid, afid: nofid, uname: 'u', aname: '' }),
    () => ({ type: 'Twalk', tag, fid, newfid: r.below(6), names: [r.pick(names), r.pick(names)] }),
    () => ({ type: 'Twalk', tag, fid, newfid: r.below(6), names: [r.pick(names)] }),
    () => ({ type: 'Topen', tag, fid, mode: r.pick([0, 1, 2, 0x10, 0x41]) }),
    () => ({ type: 'Tcreate', tag, fid, name: r.pick(names), perm: 0o644, mode: r.below(3) }),
    () => ({ type: 'Tread', tag, fid, offset: BigInt(r.below(3)), count: r.below(9000) }),
    () => ({ type: 'Twrite', tag, fid, offset: BigInt(r.below(9)), data: r.bytes(r.below(9)) }),
    () => ({ type: 'Tclunk', tag, fid }),
    () => ({ type: 'Tremove', tag, fid }),
    () => ({ type: 'Tflush', tag, oldtag: r.below(8) }),
    () => randomFcall(r) as Tmessage,
  ])();
}

function fuzzed(r: SeededRandom): Uint8Array {
  const good = encodeFcall(likely(r));
  return r.chance(60) ? good : mutate(good, r);
}

const entries = {
  hello: 'hello',
  a: { b: { x: '' }, later: () => Promise.resolve('later') },
  new: file({ read: () => 'x', write: () => undefined }),
};

test('a server takes any bytes', async () => {
  const r = new SeededRandom(seed);
  let ended = 0;
  let answered = 0;
  for (let i = 0; i < iterations; ) {
    const lines: string[] = [];
    const server = new Server(memTree(entries, { writable: true }), {
      fault: (e) => faults.push(e),
    });
    if (r.chance(10)) server.trace = (line) => lines.push(line);
    const c = new Raw(server).start();
    const upto = Math.min(i + 1 + r.below(400), iterations);
    while (i < upto && c.connection.ended === undefined) {
      const message = fuzzed(r);
      i++;
      const cut = r.chance(90) ? message.length : r.below(message.length + 1);
      c.connection.receive(message.subarray(0, cut));
      c.connection.receive(message.subarray(cut));
    }
    if (c.connection.ended !== undefined) ended++;
    answered += c.replies.length;
    c.connection.hangup('end of the test');
    await settled();
    assert.equal(c.connection.fids + c.connection.outstanding, 0, `seed ${seed}, ${i}`);
  }
  assert.ok(ended > 0 && answered > iterations / 10, `${ended} ended, ${answered} answers`);
});

const faults: unknown[] = [];

test('what is thrown inside is a refusal, never a fault of ours', () => {
  assert.deepEqual(faults, []);
});

test('a client takes any bytes', async () => {
  const r = new SeededRandom(seed + 2);
  for (let i = 0; i < iterations / 10; ) {
    const client = new Client({ write: () => true, end: () => undefined });
    const asked = Array.from({ length: 20 }, () =>
      client.rpc('read', { fid: 1, offset: 0n, count: 10 }).catch(() => undefined),
    );
    for (let n = 0; n < 50 && client.ended === undefined; n++, i++) {
      const f = { ...randomFcall(r), tag: r.below(24) };
      client.receive(r.chance(30) ? mutate(encodeFcall(f), r) : encodeFcall(f));
    }
    client.hangup('end of the test');
    await Promise.all(asked);
    assert.equal(client.outstanding, 0);
  }
});

test('flushes, clunks and answers in any order leave nothing behind', async () => {
  const r = new SeededRandom(seed + 3);
  for (let round = 0; round < iterations / 500; round++) {
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
    assert.equal(c.connection.outstanding, 0, `seed ${seed + 3}, round ${round}`);
    for (const { tag } of c.replies) asked.set(tag, (asked.get(tag) ?? 0) - 1);
    assert.ok(
      [...asked.values()].every((n) => n >= 0),
      'no request has two answers',
    );
  }
});
