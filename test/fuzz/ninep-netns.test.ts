/** 9P from a client that errs and is the daemon's owner, so that there are TUN devices and
 *  routes; in the end there is none. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fuzzIterations, inNetns, SeededRandom, sh } from '../kit/index.js';
import { dialects } from '../unit/lib9p-kit.js';
import { campaign, daemon, seed } from './campaign.js';

/** The name space lasts two minutes. */
const iterations = Math.min(fuzzIterations(3_000), 30_000);

if (inNetns(import.meta.url, '9P of an owner that errs')) {
  // Where the routes that he makes are noted.
  const runtime = mkdtempSync(join(tmpdir(), 'fuzz-'));
  process.env.XDG_RUNTIME_DIR = runtime;
  after(() => rmSync(runtime, { recursive: true }));

  for (const [i, dialect] of dialects.entries())
    test(dialect, async (t) => {
      const r = new SeededRandom(seed + 20 + i);
      await campaign(t, () => daemon(r, true), i, iterations);
      assert.match(sh('ip -o link'), /^1: lo: [^\n]*\n$/);
    });
}
