/** The demo, which is `npm start`: as nobody over 9P, as root over FUSE, as the README has it. */
import assert from 'node:assert/strict';
import { chownSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { needs } from '../kit/needs.js';
import { bin, clean, type Place, within, withPlace } from './place.js';

const nobody = 65534;
const readme = fileURLToPath(new URL('../../../README.md', import.meta.url));

/** The indented lines after the mark. */
function excerpt(): readonly string[] {
  const after = readFileSync(readme, 'utf8').split('<!-- demo -->\n')[1] ?? '';
  const lines = after.replace(/^\n+/, '').split('\n');
  const end = lines.findIndex((l) => l !== '' && !l.startsWith('    '));
  return lines
    .slice(0, end)
    .map((l) => l.slice(4))
    .join('\n')
    .trimEnd()
    .split('\n');
}

/** What differs from run to run. */
const masked = (line: string): string =>
  line
    .replace(/fe80::\S+/g, 'fe80::x')
    .replace(/\d+(\.\d+)?/g, 'n')
    .trimEnd();

async function demo(p: Place, argv: readonly string[], home: string): Promise<readonly string[]> {
  const env = { HOME: home, TMPDIR: home, XDG_RUNTIME_DIR: home };
  const r = await within(
    'the demo',
    p.start([...argv, process.execPath, bin, 'demo'], env, home).ended,
  );
  clean(r);
  assert.equal(r.err, '');
  assert.match(r.out, /3 packets transmitted, 3 received, 0% packet loss/);
  return r.out.split('\n').map(masked);
}

/** All in this order, one after the other. */
function assertHolds(whole: readonly string[], part: readonly string[]): void {
  const at = whole.indexOf(part[0] as string);
  assert.deepEqual(whole.slice(at, at + part.length), part);
}

const unprivileged = needs('root') === false ? needs('setpriv') : false;

test(
  'the demo of an unprivileged user begins as the README shows',
  {
    skip: unprivileged,
    timeout: 500_000,
  },
  () =>
    withPlace({}, async (p) => {
      const home = join(p.dir, 'home');
      mkdirSync(home);
      const drop = [`--reuid=${nobody}`, `--regid=${nobody}`, '--clear-groups'];
      const root = process.getuid?.() === 0;
      if (root) chownSync(home, nobody, nobody);
      const out = await demo(p, root ? ['setpriv', ...drop] : [], home);
      const shown = excerpt();
      assert.ok(shown.length >= 10 && shown.length <= 16, `${shown.length} lines`);
      assertHolds(out, shown.map(masked));
    }),
);

test(
  'the demo of root does the same on a mount, and takes it away',
  {
    skip: needs('root', '/dev/fuse', 'unshare', 'nsenter', 'ip'),
    timeout: 500_000,
  },
  () =>
    withPlace({ spaces: true }, async (p) => {
      const home = join(p.dir, 'home');
      mkdirSync(home);
      const out = await demo(p, [], home);
      assert.ok(out.includes('$ echo connect > ppp/n/ctl'));
      assert.equal(await p.mounts(), 0);
      const left = await p.ok(`find ${home} -mindepth 1`);
      assert.match(left, /^(\S*\/home\/slashnet\n)?$/, 'nothing but the runtime directory, empty');
    }),
);
