/** A client of a server that lies: replies of the wrong kind, tag, length and content, twice or
 *  never. Nothing throws, every operation ends, and nothing waits when the connection is gone. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  Client,
  code,
  type Dialect,
  decode,
  encodeDir,
  encodeFcall,
  type Fcall,
  Framer,
  layoutOf,
  Mount,
  omode,
} from '@9p/lib9p';
import { fuzzIterations, mutate, SeededRandom } from '../kit/index.js';
import { dialects, randomDir, randomFcall, settled } from '../unit/lib9p-kit.js';

const iterations = Math.ceil(fuzzIterations(50_000) / 10);
const replies_max = 120;

const errorOf = (d: Dialect): Fcall['type'] => (d === '9P2000.L' ? 'Rlerror' : 'Rerror');

class Liar {
  readonly client: Client;
  readonly #r: SeededRandom;
  readonly #dialect: Dialect;
  readonly #asked = new Framer(1 << 20);
  replies = 0;

  constructor(r: SeededRandom, dialect: Dialect) {
    this.#r = r;
    this.#dialect = dialect;
    const write = (b: Uint8Array): boolean => {
      const f = this.#asked;
      f.feed(b);
      for (; f.next(); ) {
        const asked = decode(f.buf.slice(f.start, f.end), 0, f.end - f.start, dialect);
        assert.ok(typeof asked !== 'string', `${asked}: what the client sends are messages`);
        setImmediate(() => this.#reply(asked));
      }
      f.keep();
      return true;
    };
    this.client = new Client({ write, end: () => undefined }, { msize: 8192, dialects: [dialect] });
  }

  #reply(asked: Fcall): void {
    if (this.replies++ > replies_max) this.client.hangup('enough of it');
    const r = this.#r;
    if (asked.type === 'Tversion' && r.chance(90)) {
      const { tag, version } = asked;
      this.client.receive(encodeFcall({ type: 'Rversion', tag, msize: 8192, version }));
      return;
    }
    if (r.chance(3)) return;
    for (let times = r.chance(97) ? 1 : 2; times > 0; times--) {
      const b = encodeFcall(this.#answer(asked), this.#dialect);
      this.client.receive(r.chance(92) ? b : mutate(b, r));
    }
  }

  #answer(asked: Fcall): Fcall {
    const r = this.#r;
    if (r.chance(3)) return { ...randomFcall(r, undefined, this.#dialect), tag: r.below(8) };
    const type = layoutOf[code[asked.type] + 1]?.type as Fcall['type'];
    const f = randomFcall(r, r.chance(90) ? type : errorOf(this.#dialect), this.#dialect);
    const values = f as unknown as Record<string, unknown>;
    values.tag = asked.tag;
    if (f.type === 'Rwalk' && asked.type === 'Twalk' && r.chance(90))
      values.qids = asked.names.map(() => ({ type: r.pick([0, 0x80]), vers: 0, path: 5n }));
    if (f.type === 'Rread' && r.chance(50)) values.data = encodeDir(randomDir(r));
    if (f.type === 'Rread' && r.chance(30)) values.data = new Uint8Array(0);
    if (f.type === 'Rwrite' && r.chance(80)) values.count = r.below(4);
    return f;
  }
}

const operations: readonly ((m: Mount, a: AbortSignal) => Promise<unknown>)[] = [
  (m, a) => m.readText('a/b', a),
  (m, a) => m.ls('a', a),
  (m, a) => m.stat('a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p/q/r', a),
  (m, a) => m.writeFile('x', 'y'.repeat(9000), a),
  (m, a) => m.remove('x', a),
  (m, a) => m.mkdir('x', 0o755, a),
  (m, a) => m.wstat('x', { length: 0n, mtime: 5 }, a),
  (m, a) => m.create('d/x', 0o644, omode.rdwr, a).then((h) => h.close()),
  (m, a) => m.walk('..', a).then((f) => f.clunk()),
  (m, a) => m.client.rpc('read', { fid: 1, offset: 0n, count: 100 }, a),
];

interface Sum {
  replies: number;
  mounted: number;
  done: number;
  failed: number;
}

async function session(client: Client, r: SeededRandom, sum: Sum): Promise<void> {
  await client.version();
  const m = new Mount(await client.attach('u'));
  sum.mounted++;
  const aborts = Array.from({ length: 8 }, () => new AbortController());
  const over = Promise.allSettled(aborts.map((a) => r.pick(operations)(m, a.signal)));
  for (const a of aborts) if (r.chance(20)) setImmediate(() => a.abort());
  for (const { status } of await over) sum[status === 'fulfilled' ? 'done' : 'failed']++;
}

for (const [i, dialect] of dialects.entries())
  test(`a client takes any answer, ${dialect}`, async (t) => {
    const r = new SeededRandom(40 + i);
    const sum = { replies: 0, mounted: 0, done: 0, failed: 0 };
    while (sum.replies < iterations) {
      const liar = new Liar(r, dialect);
      const { client } = liar;
      const over = session(client, r, sum).catch(() => undefined);
      for (let n = 0; n < 60; n++) await settled();
      client.hangup('the end');
      await over;
      await settled();
      assert.equal(client.outstanding, 0);
      sum.replies += liar.replies;
    }
    t.diagnostic(JSON.stringify(sum));
    assert.ok(sum.done > 0 && sum.failed > 0, 'some succeed, some fail');
  });
