/** The client commands' pure parts: modes, tables, messages cut from a stream, completion. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import type { Dir } from '@9p/lib9p';
import { common, type Flag, linesOf } from '../../src/cmd/command.js';
import { commands } from '../../src/cmd/commands.js';
import { bashWords, type Offer, offerFor } from '../../src/cmd/complete.js';
import { byName, describe as describeDir, table } from '../../src/cmd/ls.js';
import { modeText, parseMode } from '../../src/cmd/mode.js';
import { pieces } from '../../src/cmd/write.js';

process.env.TZ = 'UTC';
const dmdir = 0x80000000;
const dmappend = 0x40000000;
const dmexcl = 0x20000000;
const dmtmp = 0x04000000;

test('modes as chmod(1) has them', () => {
  const cases: readonly [text: string, from: number, to: number][] = [
    ['640', 0o777, 0o640],
    ['0', 0o777, 0],
    ['7', 0o640, 0o007],
    ['640', dmdir + 0o777, dmdir + 0o640],
    ['640', dmappend + 0o777, dmappend + 0o640],
    ['+x', 0o644, 0o755],
    ['a+x', 0o644, 0o755],
    ['-w', 0o666, 0o444],
    ['u=rw', 0o177, 0o677],
    ['=r', 0o777, 0o444],
    ['o=', 0o666, 0o660],
    ['go-rwx', 0o777, 0o700],
    ['ug+rx,o-r', 0o204, 0o750],
    ['+a', 0o600, dmappend + 0o600],
    ['u+lt', 0o600, dmexcl + dmtmp + 0o600],
    ['-a', dmappend + 0o600, 0o600],
    ['u=rw,+a', dmdir + 0o755, dmdir + dmappend + 0o655],
  ];
  for (const [text, from, to] of cases)
    assert.equal(parseMode(text)?.(from)?.toString(8), to.toString(8), text);
  for (const bad of ['', '8', '1777', '0x1', 'rw', 'u', '+', '+z', 'u+r,', 'u=r g=r', '-1'])
    if (bad !== '+') assert.equal(parseMode(bad), undefined, bad);
  assert.equal(parseMode('+')?.(0o644), 0o644, 'nothing added');
});

test('modes as ls(1) shows them', () => {
  const cases: readonly [mode: number, text: string][] = [
    [0o644, '--rw-r--r--'],
    [0, '-----------'],
    [dmdir + 0o751, 'd-rwxr-x--x'],
    [dmappend + dmexcl + 0o600, 'alrw-------'],
    [dmtmp + 0o222, '-t-w--w--w-'],
    [0x08000000 + 0o400, 'A-r--------'],
  ];
  for (const [mode, text] of cases) assert.equal(modeText(mode), text);
});

function dir(name: string, more: Partial<Dir> = {}): Dir {
  const qid = { type: 0, vers: 7, path: 0xa02n };
  const who = { uid: 'glenda', gid: 'sys', muid: 'ken' };
  return { qid, mode: 0o644, atime: 1, mtime: 951782400, length: 0n, name, ...who, ...more };
}

test('ls -l: columns that align, and nothing that a terminal would obey', () => {
  const dirs = [
    dir('ctl'),
    dir('log', { uid: 'bootes', gid: 'x', length: 123456n, mode: (dmdir + 0o500) >>> 0 }),
    dir('a\n\x1b[31mb', { uid: '', mtime: 0 }),
  ];
  assert.equal(
    table(dirs),
    `--rw-r--r-- glenda sys      0 2000-02-29 00:00 ctl
d-r-x------ bootes x   123456 2000-02-29 00:00 log
--rw-r--r--        sys      0 1970-01-01 00:00 a??[31mb
`,
  );
  assert.equal(table([]), '');
});

test('ls sorts conversations by number, then names', () => {
  const names = ['clone', '10', 'Z', '9', '1x', 'a', '0'];
  const sorted = names.map((n) => dir(n)).sort(byName);
  assert.deepEqual(
    sorted.map((d) => d.name),
    ['0', '9', '10', '1x', 'Z', 'a', 'clone'],
  );
});

test('stat: all of it', () => {
  assert.equal(
    describeDir(dir('a\nb', { length: 1n << 40n })),
    `name: a?b
mode: --rw-r--r-- 644
uid: glenda
gid: sys
muid: ken
length: 1099511627776
mtime: 2000-02-29T00:00:00Z
atime: 1970-01-01T00:00:01Z
qid: path 0000000000000a02 vers 7 type 00
`,
  );
});

/** The text in pieces of n bytes. */
async function* cut(text: string, n: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < text.length; at += n) yield Buffer.from(text.slice(at, at + n));
}

async function all(source: AsyncIterable<Uint8Array>): Promise<string[]> {
  const out: string[] = [];
  for await (const b of source) out.push(Buffer.from(b).toString());
  return out;
}

describe('messages cut from standard input', () => {
  test('lines, however the bytes come', async () => {
    const cases: readonly [text: string, want: string[]][] = [
      ['', []],
      ['a', ['a']],
      ['a\n', ['a\n']],
      ['a\n\nbc\nd', ['a\n', '\n', 'bc\n', 'd']],
    ];
    for (const [text, want] of cases)
      for (const n of [1, 2, 3, 100]) assert.deepEqual(await all(linesOf(cut(text, n))), want);
    const long = cut('x'.repeat(1024 * 1024 + 1), 65536);
    await assert.rejects(all(linesOf(long)), /a line is over 1048576 bytes/);
  });

  test('as few messages as can be, no line in two, however the bytes come', async () => {
    const cases: readonly [text: string, want: string[]][] = [
      ['', ['']],
      ['12345678', ['12345678']],
      ['a\nb\nc\n', ['a\nb\nc\n']],
      ['ab\ncd\nefg\n', ['ab\ncd\n', 'efg\n']],
      ['1234567\n9', ['1234567\n', '9']],
      ['123456789abcdefgh', ['12345678', '9abcdefg', 'h']],
      ['\n23456789abc', ['\n', '23456789', 'abc']],
    ];
    for (const [text, want] of cases)
      for (const n of [1, 3, 8, 100])
        assert.deepEqual(await all(pieces(cut(text, n), 8)), want, `${text} by ${n}`);
  });
});

test('words of a line of bash', () => {
  const cases: readonly [line: string, want: string[]][] = [
    ['', ['']],
    ['slashnet', ['slashnet']],
    ['slashnet  ls ', ['slashnet', 'ls', '']],
    ['slashnet cat /a\\ b', ['slashnet', 'cat', '/a b']],
    ['slashnet cat \'/a "b', ['slashnet', 'cat', '/a "b']],
    ['slashnet cat "/a \\"b" /x', ['slashnet', 'cat', '/a "b', '/x']],
    ["slashnet -a tcp!h!9fs '' ", ['slashnet', '-a', 'tcp!h!9fs', '', '']],
    ['slashnet cat /a\\', ['slashnet', 'cat', '/a']],
  ];
  for (const [line, want] of cases) assert.deepEqual(bashWords(line), want, line);
});

describe('what is offered', () => {
  const offer = (line: string): Offer => offerFor(line.split(' '), commands);
  const words = (line: string): readonly string[] => {
    const o = offer(line);
    assert.equal(o.kind, 'words', line);
    return o.kind === 'words' ? o.words.map(([w]) => w) : [];
  };

  test('commands and options', () => {
    for (const c of commands) assert.ok(words('').includes(c.name), c.name);
    assert.ok(words('-a addr c').includes('cat'));
    assert.ok(!words('').includes('__complete'));
    assert.deepEqual(words('-').slice(0, 3), ['-a', '--address', '--aname']);
    assert.deepEqual(words('ls -'), ['-l', '--long', '-d', '--directory', '-h', '--help']);
    assert.deepEqual(words('completion '), ['bash', 'zsh', 'fish']);
  });

  test('paths of the server that the line names', () => {
    const cases: readonly [line: string, options: object][] = [
      ['ls ', {}],
      ['ls /lo', {}],
      ['cat /a /b /c', {}],
      ['ls -l /', {}],
      ['ls -- -', {}],
      ['chmod a+x /', {}],
      ['bind /a ', {}],
      ['watch -t 3 -u pattern /', {}],
      ['watch --until=pattern /', {}],
      ['write -n /', {}],
      ['-a tcp!h!9fs ls /', { address: 'tcp!h!9fs' }],
      ['-aunix!/s ls /', { address: 'unix!/s' }],
      [
        '--address unix!/s --aname t --uname=glenda ls /',
        { address: 'unix!/s', aname: 't', uname: 'glenda' },
      ],
      ['bind -a /x /', {}],
    ];
    for (const [line, options] of cases)
      assert.deepEqual(offer(line), { kind: 'paths', options }, line);
  });

  test('files and directories of the system', () => {
    for (const line of ['serve --profile ', 'serve --socket /'])
      assert.equal(offer(line).kind, 'file');
    for (const line of ['serve --mount ', 'unmount /']) assert.equal(offer(line).kind, 'directory');
  });

  test('nothing, where nothing is known', () => {
    const cases = [
      'frob ',
      '-a ',
      '--aname t',
      'ns ',
      'write /ctl ',
      'chmod ',
      'watch -t ',
      'bind /a /b ',
    ];
    for (const line of cases) assert.deepEqual(words(line), [], line);
  });
});

test('docs/slashnet.md has each command, and the options of those for files', () => {
  const page = readFileSync(new URL('../../../docs/slashnet.md', import.meta.url), 'utf8');
  const lines = page.split('\n');
  const lacking = (c: { name: string; options?: readonly Flag[] }, text: string): string[] =>
    (c.options ?? [])
      .flatMap(([flags]) => flags.match(/--?[\w-]+/g) ?? [])
      .filter((f) => !text.includes(`\`${f}`) && !text.includes(` ${f}`))
      .map((f) => `${c.name} ${f}`);
  const of = (c: { name: string }): string =>
    lines.filter((l) => new RegExp(`^\\|.*\`(${c.name}\\b|${c.name}\`)`).test(l)).join('\n');
  assert.deepEqual(lacking({ name: 'slashnet', options: common }, page), []);
  for (const c of commands) assert.notEqual(of(c), '', c.name);
  const files = 'ls cat write rdwr con watch stat create mkdir rm chmod'.split(' ');
  const ours = commands.filter((c) => files.includes(c.name));
  assert.equal(ours.length, files.length);
  assert.deepEqual(
    ours.flatMap((c) => lacking(c, of(c))),
    [],
  );
});
