/** The tools that build and test the checkout, on small checkouts of their own. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const tools = join(dirname(fileURLToPath(import.meta.url)), '../../../tools');

/** A directory with our tools and these files, gone after the test. */
function checkout(t: TestContext, files: Record<string, string>): string {
  const dir = mkdtempSync(join(tmpdir(), 'slashnet-tools.'));
  t.after(() => rmSync(dir, { recursive: true }));
  cpSync(tools, join(dir, 'tools'), { recursive: true });
  for (const [path, text] of Object.entries({ 'lib/x/src/x.ts': '', ...files })) {
    mkdirSync(dirname(join(dir, path)), { recursive: true });
    writeFileSync(join(dir, path), text);
  }
  return dir;
}

function run(dir: string, tool: string, args: readonly string[] = [], env: NodeJS.ProcessEnv = {}) {
  const r = spawnSync(process.execPath, [join(dir, 'tools', tool), ...args], {
    // Without this a test run inside a test run keeps its results to itself.
    env: { ...process.env, NODE_TEST_CONTEXT: undefined, npm_execpath: undefined, ...env },
    encoding: 'utf8',
  });
  return { status: r.status, out: r.stdout, err: r.stderr };
}
const lastLine = (s: string) => s.trimEnd().split('\n').at(-1);

const lock = (version: string) =>
  JSON.stringify({ packages: { '': {}, 'node_modules/a': { version }, 'lib/x': {} } });
/** A compiler that says when it ran. */
const tsc = "require('fs').appendFileSync('ran', 'tsc\\n')";
const ready = {
  'package-lock.json': lock('1'),
  'node_modules/.package-lock.json': lock('1'),
  'node_modules/typescript/bin/tsc': tsc,
};

test('setup compiles, and says nothing, where all is installed', (t) => {
  const dir = checkout(t, ready);
  const r = run(dir, 'setup.mjs');
  assert.equal(r.status, 0);
  assert.equal(r.out, '');
  // On a slow machine a step says what takes long, and nothing else.
  assert.match(r.err, /^(setup: compiling TypeScript.*\n)*$/);
  assert.equal(readFileSync(join(dir, 'ran'), 'utf8'), 'tsc\n');
});

test('setup installs what is not as in the lock file, and says why', (t) => {
  const npm = `#!/bin/sh\necho "$@" >>npm-ran\ncp package-lock.json node_modules/.package-lock.json\n`;
  const dir = checkout(t, { ...ready, 'package-lock.json': lock('2'), 'bin/npm': npm });
  chmodSync(join(dir, 'bin/npm'), 0o755);
  const env = { PATH: `${join(dir, 'bin')}:${process.env.PATH}` };
  const first = run(dir, 'setup.mjs', [], env);
  assert.match(first.err, /npm ci \(a is not as in package-lock\.json\)/);
  assert.equal(first.status, 0);
  assert.match(readFileSync(join(dir, 'npm-ran'), 'utf8'), /^ci /);
  assert.doesNotMatch(run(dir, 'setup.mjs', [], env).err, /npm/, 'not a second time');
});

test('setup fails, with what was said, where npm or the compiler fails', (t) => {
  const npm = '#!/bin/sh\necho no network >&2\nexit 1\n';
  const dir = checkout(t, { ...ready, 'package-lock.json': lock('2'), 'bin/npm': npm });
  chmodSync(join(dir, 'bin/npm'), 0o755);
  const r = run(dir, 'setup.mjs', [], { PATH: `${join(dir, 'bin')}:${process.env.PATH}` });
  assert.equal(r.status, 1);
  assert.match(r.err, /npm ci failed:\nno network/);
  const broken = "console.log('error TS1: bad'); process.exit(2)";
  const bad = checkout(t, { ...ready, 'node_modules/typescript/bin/tsc': broken });
  const c = run(bad, 'setup.mjs');
  assert.equal(c.status, 1);
  assert.match(c.err, /does not compile:\nerror TS1: bad/);
});

test('setup goes on without the native part', (t) => {
  const script = "console.error('no compiler'); process.exit(1)";
  const r = run(checkout(t, { ...ready, 'lib/rawio/install.mjs': script }), 'setup.mjs');
  assert.equal(r.status, 0);
  assert.match(r.err, /lib\/rawio is not built.*\nno compiler/);
});

test('setup removes what was compiled from sources that are gone', (t) => {
  const dir = checkout(t, {
    ...ready,
    'test/kept.test.ts': '',
    'dist/test/kept.test.js': '',
    'dist/test/gone.test.js': '',
    'dist/test/gone.test.js.map': '',
    'dist/test/gone.test.d.ts': '',
    'lib/x/dist/x.js': '',
    'lib/x/dist/gone.js': '',
  });
  assert.equal(run(dir, 'setup.mjs').status, 0);
  const there = (path: string) => existsSync(join(dir, path));
  assert.ok(there('dist/test/kept.test.js') && there('lib/x/dist/x.js'));
  for (const path of ['dist/test/gone.test.js', 'dist/test/gone.test.d.ts', 'lib/x/dist/gone.js'])
    assert.ok(!there(path), path);
});

test('setup has all compiled again where a compiled file was deleted', (t) => {
  const files = { ...ready, 'src/a.ts': '', 'dist/.tsbuildinfo': '{}' };
  const dir = checkout(t, files);
  run(dir, 'setup.mjs');
  assert.ok(!existsSync(join(dir, 'dist/.tsbuildinfo')));
});

const suite = (body: string) => `import { test } from 'node:test';\n${body}\n`;

test('the runner counts, lists what skips, and its last line is the sum', (t) => {
  const dir = checkout(t, {
    'dist/test/a.test.js': suite(
      "test('one', () => {}); test('two', { skip: 'no moon' }, () => {});",
    ),
    'lib/x/dist/b.test.js': suite("test('three', async (t) => { await t.test('in', () => {}); });"),
    'dist/test/c.long.test.js': suite("test('only in all', () => {});"),
    'dist/test/a.test.js.map': '',
  });
  const r = run(dir, 'test.mjs', ['fast']);
  assert.equal(lastLine(r.out), '3 passed, 0 failed, 1 skipped');
  assert.match(r.out, /^skipped a: two: no moon$/m);
  assert.equal(r.status, 0);
  assert.equal(lastLine(run(dir, 'test.mjs', ['all']).out), '4 passed, 0 failed, 1 skipped');
  assert.equal(
    lastLine(run(dir, 'test.mjs', ['fast', 'b.test']).out),
    '2 passed, 0 failed, 0 skipped',
  );
});

const failing: readonly [why: string, body: string, shown: RegExp][] = [
  ['an assertion', "test('x', () => { throw new Error('boom'); });", /✖ x\n +Error: boom/],
  ['at load', "throw new Error('early');", /early/],
  [
    'after its tests',
    "test('x', () => {}); setTimeout(() => { throw new Error('late'); });",
    /late/,
  ],
  ['skipped without a reason', "test('x', { skip: true }, () => {});", /without a reason/],
  [
    'a suite',
    "import { describe } from 'node:test'; describe('s', () => { throw new Error('in'); });",
    /in/,
  ],
  ['exit', "test('x', () => { process.exit(3); });", /FAILED/],
];
for (const [why, body, shown] of failing)
  test(`the runner sees a file that fails: ${why}`, (t) => {
    const r = run(checkout(t, { 'dist/test/a.test.js': suite(body) }), 'test.mjs', ['fast']);
    assert.match(r.out, shown);
    assert.match(lastLine(r.out) ?? '', /^\d+ passed, [1-9]\d* failed, 0 skipped$/);
    assert.equal(r.status, 1);
  });

test('a run of no test has failed', (t) => {
  const r = run(checkout(t, {}), 'test.mjs', ['fast']);
  assert.equal(lastLine(r.out), '0 passed, 0 failed, 0 skipped');
  assert.equal(r.status, 1);
});

const sut = (cases: string) => `#!/bin/sh\n# scenario: s.sh\n# cases: ${cases}\n`;

test('interop runs what a sut names, and a case that does not report has failed', (t) => {
  const dir = checkout(t, {
    'test/interop/sut/a': sut('good silent'),
    'test/interop/sut/lib.sh': '',
    'test/interop/lab/s.sh': '#!/bin/sh\necho "$SUT_CMD: $*"\necho "ok good (1 ms)"\n',
    ...Object.fromEntries(
      ['linux.uml', 'pppd', 'ethtool', 'unshare', 'socat', 'python3', 'id'].map((c) => [
        `bin/${c}`,
        '#!/bin/sh\n',
      ]),
    ),
  });
  spawnSync('chmod', ['-R', '755', join(dir, 'bin'), join(dir, 'test/interop')]);
  chmodSync(join(dir, 'test/interop/sut/lib.sh'), 0o644);
  const env = { PATH: `${join(dir, 'bin')}:${process.env.PATH}` };
  const one = run(dir, 'interop.mjs', [], env);
  const root = process.getuid?.() === 0;
  assert.equal(
    lastLine(one.out),
    root ? '1 passed, 0 failed, 0 skipped' : '0 passed, 0 failed, 1 skipped',
  );
  if (!root) return;
  assert.match(one.out, /sut\/a: good$/m);
  const all = run(dir, 'interop.mjs', ['--all'], env);
  assert.equal(lastLine(all.out), '1 passed, 1 failed, 0 skipped');
  assert.equal(all.status, 1);
});

test('reflow wraps comments that are too long, and leaves the rest', (t) => {
  const long = 'word '.repeat(30).trim();
  const before = `/** ${long} */\nx();\n/**\n *   a drawing   ${'-'.repeat(90)}\n */\n// ${long}\n// short\n`;
  const dir = checkout(t, { 'a.ts': before });
  run(dir, 'reflow.mjs', [join(dir, 'a.ts')]);
  const after = readFileSync(join(dir, 'a.ts'), 'utf8').split('\n');
  assert.ok(after.filter((l) => l.includes('word')).every((l) => l.length <= 100));
  assert.ok(after.some((l) => l.startsWith(' *   a drawing   ---')));
  assert.equal(after.join(' ').match(/word/g)?.length, 60);
  assert.equal(after.filter((l) => l === 'x();').length, 1);
});
