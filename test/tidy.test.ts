/** The rules of the house, held by a test; test/tidy/rules.ts has them
 *  and docs/development.md says why. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { needs } from './kit/index.js';
import * as rules from './tidy/rules.js';
import {
  projectSources,
  readTracked,
  root,
  type Source,
  sourcesOf,
  trackedFiles,
} from './tidy/source.js';

const exceptions: rules.Exceptions = {
  clock: {
    'src/core/clock.ts': 'the clock itself',
    'src/core/files.ts': 'mtime of files that never change: when the daemon started',
    'src/cmd/command.ts': 'waits for a daemon that is just starting',
    'src/cmd/demo.ts': 'a demonstration ends, whatever happens',
    'srv/daemon.ts': 'what does not end in time is left behind',
    'srv/fuse/direct.ts': 'waits for a kernel that does not answer',
    'srv/fuse/native.ts': 'fuse-native has neither INTERRUPT nor word of an unmount: we look',
    'srv/fuse/mount.ts': 'users and groups of the system, read again now and then',
  },
  crypto: {
    'plugins/ppp/mppekey.ts': 'MPPE encrypts packets, with keys that auth has made',
    'lib/crypto/src/des.ts': 'triple DES of Node, to make single DES of it',
    'src/core/clock.ts': 'the random source of a running daemon',
    'src/core/system.ts': 'the instance id, never asked for by a protocol',
  },
  long: {},
  compose: {
    'src/core/loader.ts': 'load: a plugin by its name',
    'src/cmd/serve.ts': 'the daemon, put together',
    'src/cmd/dialling.ts': 'WebSockets are carried by srv',
    'src/cmd/demo.ts': 'a daemon in its own process',
    'src/cmd/mount.ts': 'a mount of any server, in a process of its own',
    'src/cmd/owndaemon.ts': 'a private daemon, in the process of the command that needs one',
  },
};
/** Native or heavy: imported when used. */
const heavy = ['fuse-native', 'serialport', 'ws'];
const function_median_max = 10;
const function_p90_max = 40;
const file_median_max = 150;

const isMarkdown = (path: string) => path.endsWith('.md');
const sources = projectSources();
const tracked = trackedFiles();
const noGit = tracked === undefined ? 'no git here' : false;
const texts = (tracked ?? [])
  .filter((f) => /\.(ts|mjs|sh|c|h)$/.test(f) || /^(\.ci|test\/interop)\//.test(f))
  .filter((f) => !isMarkdown(f))
  .map((path) => ({ path, lines: readTracked(path).toString('utf8').split('\n') }));

function none(complaints: readonly rules.Complaint[]): void {
  assert.ok(complaints.length === 0, `\n${complaints.join('\n')}`);
}
const each = (rule: (s: Source) => rules.Complaint[]) => none(sources.flatMap(rule));

test('the sources are found', () => {
  const found = new Set(sources.map((s) => s.path));
  for (const path of ['src/core/turn.ts', 'lib/packet/src/packet.ts', 'test/tidy.test.ts'])
    assert.ok(found.has(path), `${path} is not among ${found.size} sources`);
});

test('lib <- core <- plugins, srv, cmd; plugins know core, lib and themselves', () =>
  each((s) => rules.importDirection(s, exceptions)));

test('each npm package is imported by one file, none by lib or core', () =>
  none(rules.npmImports(sources)));

test('heavy packages are imported when they are used', () =>
  each((s) => rules.lazyImports(s, heavy)));

test('wire, fmt, machine, path and fsm files do no I/O', () => each(rules.sansIoFiles));

test('time and chance come from the clock and the random source', () =>
  each((s) => rules.clockUse(s, exceptions)));

test('only auth answers challenges', () => each((s) => rules.cryptoUse(s, exceptions)));

test('no any, enum, namespace; default exports in plugin.ts only', () => each(rules.language));

test('functions are short', () => {
  each(rules.functionLengths);
  const lengths = sources.filter((s) => rules.ships(s.path)).flatMap((s) => s.functions);
  const lines = lengths.map((f) => f.lines);
  const median = rules.quantile(lines, 0.5);
  const p90 = rules.quantile(lines, 0.9);
  assert.ok(median <= function_median_max, `median function has ${median} lines`);
  assert.ok(p90 <= function_p90_max, `one function in ten is over ${p90} lines`);
});

test('files are short', () => {
  each((s) => rules.fileLength(s, exceptions));
  const lines = sources.filter((s) => rules.ships(s.path)).map((s) => s.lines.length - 1);
  const median = rules.quantile(lines, 0.5);
  assert.ok(median <= file_median_max, `median file has ${median} lines`);
});

test('lines fit', () => none(texts.flatMap((t) => rules.columns(t.path, t.lines))));

test('each file says first what it is', () => each(rules.fileHeader));

test('nothing is left unfinished, skipped in silence or running alone', { skip: noGit }, () => {
  // These name what they look for.
  const lists = /^test\/(tidy\/rules|tidy\.test|unit\/tools\.test)\.ts$/;
  none(texts.filter((t) => !lists.test(t.path)).flatMap((t) => rules.leftoversIn(t.path, t.lines)));
});

test('git has text of a reasonable size and no secrets', { skip: noGit }, () =>
  none((tracked ?? []).flatMap((f) => rules.trackedFile(f, readTracked(f)))),
);

test('nothing reads the material that the project was made from', { skip: noGit }, () =>
  none(texts.flatMap((t) => rules.readsShared(t.path, t.lines.join('\n')))),
);

const firstLine = (path: string) =>
  readTracked(path).subarray(0, 80).toString().split('\n')[0] ?? '';
const json = (path: string) => JSON.parse(readTracked(path).toString('utf8'));

test('each dependency has its reason in docs/dependencies.md', () => {
  const page = readTracked('docs/dependencies.md').toString('utf8');
  const manifests = ['.', ...readdirSync(join(root, 'lib')).map((l) => `lib/${l}`)];
  const missing = manifests
    .map((m) => json(join(m, 'package.json')))
    .flatMap((p) => [p.dependencies, p.optionalDependencies, p.devDependencies])
    .flatMap((d: Record<string, string> | undefined) => Object.keys(d ?? {}))
    .filter((name) => !name.startsWith('@9p/') && !page.includes(`\`${name}\``));
  assert.deepEqual(missing, []);
});

test('what is imported from npm is a dependency', () => {
  const p = json('package.json');
  const runtime = { ...p.dependencies, ...p.optionalDependencies };
  const any = { ...runtime, ...p.devDependencies };
  const wrong = sources.flatMap((s) =>
    s.imports
      .map((i) => rules.npmPackage(i.spec))
      .filter((n): n is string => n !== undefined)
      .filter((n) => !(n in (rules.ships(s.path) ? runtime : any)))
      .map((n) => `${s.path}: ${n}`),
  );
  assert.deepEqual(wrong, []);
});

test('each layer has its page in docs', () => {
  const dir = join(root, 'plugins');
  const layers = existsSync(dir) ? readdirSync(dir) : [];
  const pages = layers.map((l) => `docs/${l}.md`);
  const missing = pages.filter((p) => !existsSync(join(root, p)));
  assert.deepEqual(missing, []);
});

test('links in the pages lead somewhere', { skip: noGit }, () => {
  const dead = (tracked ?? []).filter(isMarkdown).flatMap((path) => {
    const links = readTracked(path)
      .toString('utf8')
      .matchAll(/\]\((?!https?:|#)([^)#\s]+)/g);
    const dir = join(root, path, '..');
    return [...links]
      .filter(([, to]) => !existsSync(join(dir, to ?? '')))
      .map((l) => `${path}: ${l[1]}`);
  });
  assert.deepEqual(dead, []);
});

function quiet(command: string, args: readonly string[]): void {
  const r = spawnSync(command, args, { cwd: root, encoding: 'utf8' });
  assert.equal(r.status, 0, `${r.stdout}${r.stderr}`);
}

test('biome has nothing to say', () =>
  quiet(process.execPath, ['node_modules/@biomejs/biome/bin/biome', 'check', '.']));

test('shellcheck has nothing to say', { skip: noGit || needs('shellcheck') }, () => {
  const isShell = (path: string) => /^#!\S*(bash|sh|busybox sh)\b/.test(firstLine(path));
  const scripts = (tracked ?? []).filter((f) => f.endsWith('.sh') || isShell(f));
  quiet('shellcheck', ['-x', '--source-path=SCRIPTDIR', ...scripts]);
});

/** Each rule, on a small tree that breaks it: a rule that cannot fail is no rule. */
const bad = sourcesOf({
  'lib/packet/src/x.ts': "/** x */\nimport '@9p/lib9p';\nimport 'left-pad';\n",
  'lib/lib9p/src/x.ts': "/** x */\nimport '@9p/rawio';\nimport '@9p/packet';\n",
  'src/core/x.ts': "/** x */\nimport '../../plugins/ppp/plugin.js';\nimport 'node:fs';\n",
  'plugins/ppp/machine.ts':
    "/** x */\nimport 'node:net';\nimport '../gre/wire.js';\nimport '../../src/core/turn.js';\n" +
    'const o = { Date: 1 };\no.Date;\nsetTimeout(() => {}, 1);\nexport default o;\n',
  'plugins/ppp/plugin.ts':
    "/** x */\nimport './machine.js';\nexport default { a: Date.now(), b: new Date(5) };\n",
  'srv/x.ts':
    "import 'fuse-native';\nimport '../src/core/turn.js';\nimport '../src/cmd/main.js';\n" +
    "import 'node:crypto';\nexport const f = (n: string) => import(n);\nimport '@9p/crypto';\n",
  'srv/y.ts': "/** x */\nimport 'fuse-native';\nlet a: any;\nenum E { a }\nnamespace N { a; }\n",
  'srv/z.ts': `/** x */\nfunction long() {\n${'  a;\n'.repeat(70)}}\n${'b;\n'.repeat(450)}`,
  'test/unit/x.test.ts': "import '../../plugins/ppp/machine.js';\n",
});
const badSource = (path: string) => bad.find((s) => s.path === path) as Source;
const cases: readonly [string, () => rules.Complaint[], readonly string[]][] = [
  [
    'imports',
    () => bad.flatMap((s) => rules.importDirection(s, exceptions)),
    [
      "lib/lib9p/src/x.ts:2: may not import '@9p/rawio'",
      "lib/packet/src/x.ts:2: may not import '@9p/lib9p'",
      "plugins/ppp/machine.ts:3: may not import '../gre/wire.js'",
      "plugins/ppp/machine.ts:4: may not import '../../src/core/turn.js'",
      "src/core/x.ts:2: may not import '../../plugins/ppp/plugin.js'",
      "srv/x.ts:3: may not import '../src/cmd/main.js'",
      "srv/x.ts:5: may not import 'a computed name'",
    ],
  ],
  [
    'npm packages',
    () => rules.npmImports(bad),
    [
      'lib/packet/src/x.ts:3: imports left-pad',
      'fuse-native is imported by more than one file: srv/x.ts,srv/y.ts',
    ],
  ],
  [
    'lazy',
    () => rules.lazyImports(badSource('srv/x.ts'), heavy),
    ["srv/x.ts:1: 'fuse-native' needs await import()"],
  ],
  [
    'no I/O',
    () => bad.flatMap(rules.sansIoFiles),
    [
      'plugins/ppp/machine.ts:2: imports node:net in a file without I/O',
      'plugins/ppp/machine.ts:7: uses setTimeout in a file without I/O',
    ],
  ],
  [
    'clock',
    () => bad.flatMap((s) => rules.clockUse(s, exceptions)),
    [
      'plugins/ppp/machine.ts:7: uses setTimeout: ask the clock that you are given',
      'plugins/ppp/plugin.ts:3: uses Date.now: ask the clock that you are given',
    ],
  ],
  [
    'crypto',
    () => bad.flatMap((s) => rules.cryptoUse(s, exceptions)),
    [
      'srv/x.ts:4: imports node:crypto outside plugins/auth',
      'srv/x.ts:6: imports @9p/crypto outside plugins/auth',
    ],
  ],
  [
    'language',
    () => bad.flatMap(rules.language),
    [
      'plugins/ppp/machine.ts:8: has a default export, which only plugin.ts has',
      'srv/y.ts:3: uses any',
      'srv/y.ts:4: uses enum',
      'srv/y.ts:5: uses namespace',
    ],
  ],
  [
    'functions',
    () => bad.flatMap(rules.functionLengths),
    ['srv/z.ts:2: long has 72 lines, over 70'],
  ],
  [
    'files',
    () => bad.flatMap((s) => rules.fileLength(s, exceptions)),
    ['srv/z.ts:523: has 523 lines, over 500'],
  ],
  [
    'header',
    () => bad.flatMap(rules.fileHeader),
    ['srv/x.ts:1: has no header: /** one sentence, and the RFC */'],
  ],
  [
    'columns',
    () => rules.columns('f', ['x'.repeat(115), 'y z'.repeat(39), '"'.repeat(121)]),
    ['f:1: 115 columns, over 100', 'f:2: 117 columns, over 100', 'f:3: 121 columns, over 120'],
  ],
  [
    'leftovers',
    () =>
      rules.leftoversIn('f', [
        '// TODO',
        'test.only(1)',
        "test('a', { skip: true }",
        'biome-ignore lint/x',
        'biome-ignore lint/x: why',
      ]),
    [
      'f:1: TODO: unfinished',
      'f:2: test.only: runs alone',
      'f:3: skip: true: skips without a reason',
      'f:4: biome-ignore: says not why',
    ],
  ],
  [
    'tracked',
    () => [
      ...rules.trackedFile('a', Uint8Array.of(1, 0)),
      ...rules.trackedFile('b', Buffer.from(`AK${'IA'}0123456789ABCDEF`)),
      ...rules.trackedFile('c', new Uint8Array(300_000).fill(32)),
    ],
    ['a: is binary', 'b: holds what looks like a secret', 'c: has 300000 bytes'],
  ],
  [
    'shared',
    () => [
      ...rules.readsShared('bench/a.sh', `# reads ../${'shared'}/yardstick\n`),
      ...rules.readsShared('src/b.ts', `/** ../${'shared'}/plan9.md */\n`),
      ...rules.readsShared('src/a.ts', `x('../${'shared'}/rfc')`),
    ],
    [`src/a.ts: reads outside the project: ../${'shared'}`],
  ],
];
for (const [name, complain, want] of cases)
  test(`a rule that is broken is seen: ${name}`, () => assert.deepEqual(complain(), want));
