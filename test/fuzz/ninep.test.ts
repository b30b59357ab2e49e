/** 9P from a client that errs, to a small tree and to a whole daemon, in all three dialects: no
 *  crash; each request is answered once or flushed, nothing else; nothing is left behind. */
import { test } from 'node:test';
import { fuzzIterations, SeededRandom } from '../kit/index.js';
import { dialects } from '../unit/lib9p-kit.js';
import { campaign, daemon, seed, small } from './campaign.js';

/** Of each dialect, to each of the two. */
const iterations = fuzzIterations(6_000);

for (const [i, dialect] of dialects.entries()) {
  test(`a small tree, ${dialect}`, (t) => campaign(t, async () => small(), i, iterations));
  test(`a daemon, ${dialect}`, (t) => {
    const r = new SeededRandom(seed + 10 + i);
    return campaign(t, () => daemon(r), i, iterations);
  });
}
