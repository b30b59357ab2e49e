/** Tests of the real system, in a network namespace of their own that is gone when they end. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { missing } from '@9p/rawio';
import { needs } from './needs.js';

const limit_ms = 500_000;

/**
 * Runs this file once more, under `unshare -n`, where this gives true and the tests are to
 * be defined; here it gives false and is itself one test, which passes if they do. `url`
 * is the file's import.meta.url.
 */
export function inNetns(url: string, what: string, ...programs: readonly string[]): boolean {
  if (process.env.SLASHNET_NETNS === what) {
    sh('ip link set lo up');
    return true;
  }
  test(what, { skip: needs('root', 'unshare', 'ip', ...programs) || rawioMissing() }, () => {
    const { NODE_TEST_CONTEXT: _, ...env } = process.env;
    const child = spawnSync(
      'unshare',
      ['-n', process.execPath, '--test', '--test-reporter=spec', fileURLToPath(url)],
      { env: { ...env, SLASHNET_NETNS: what }, encoding: 'utf8', timeout: limit_ms },
    );
    assert.equal(child.status, 0, `${child.stdout}${child.stderr}`);
  });
  return false;
}

const rawioMissing = (): string | false =>
  missing === undefined ? false : `rawio is not built: ${missing}`;

/** What a shell command prints; it throws with what it complained of. */
export const sh = (command: string): string =>
  execFileSync('sh', ['-ec', command], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
