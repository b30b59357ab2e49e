/** Runs test/rawio/devices.ts where it can do what it likes: in namespaces of its own. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { missing } from '@9p/rawio';
import { needs } from '../kit/index.js';

/** Namespaces of network and mounts; who is not root becomes it in one of users besides. */
const own = process.getuid?.() === 0 ? ['-n', '-m'] : ['-r', '-n', '-m'];

function why(): string | false {
  if (missing !== undefined) return missing;
  const lacking = needs('unshare', 'ip');
  if (lacking !== false) return lacking;
  const tried = spawnSync('unshare', [...own, 'true'], { encoding: 'utf8' });
  return tried.status === 0 ? false : `no namespaces: ${tried.stderr.trim()}`;
}

test('devices, in namespaces of their own', { skip: why() }, () => {
  const file = fileURLToPath(new URL('../rawio/devices.js', import.meta.url));
  const env = { ...process.env, NODE_TEST_CONTEXT: undefined };
  const r = spawnSync('unshare', [...own, process.execPath, file], {
    encoding: 'utf8',
    env,
    timeout: 300_000,
  });
  assert.equal(r.status, 0, r.stdout + r.stderr);
});
