/** pppd's secrets files as keys: the quoting of pppd(8), and what cannot be carried over. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAttrs, printAttrs } from '../../plugins/auth/attr.js';
import { importSecrets, type Kind } from '../../src/cmd/secrets.js';

const read = (file: string, kind: Kind = 'pap') => [...importSecrets(Buffer.from(file), kind)];

/** The secrets, read as auth will read them. */
function secretOf(line: string): string {
  const [i] = read(`u * ${line}\n`);
  assert.ok(i !== undefined && 'key' in i, line);
  const attrs = parseAttrs(i.key.subarray('key '.length));
  const secret = attrs.find((a) => a.is === 'secret');
  return secret?.is === 'secret' ? Buffer.from(secret.bytes).toString('latin1') : '';
}

test('words, quotes and escapes', () => {
  const cases: readonly [written: string, secret: string][] = [
    ['plain', 'plain'],
    ['"two words"', 'two words'],
    ["'single # quoted'", 'single # quoted'],
    [`it"'"s`, "it's"],
    ['a\\ b', 'a b'],
    ['"tab\\there"', 'tab\there'],
    ['\\101\\x42\\103', 'ABC'],
    ['"a\\"b"', 'a"b'],
    ['back\\\\slash', 'back\\slash'],
    ["o''clock", 'oclock'],
    ['"new\nline"', 'new\nline'],
    ['joined\\\nline', 'joinedline'],
    ['!password=x', '!password=x'],
    ['\\377', '\xff'],
    ['end # a comment', 'end'],
    ['end#comment', 'end'],
  ];
  for (const [written, secret] of cases) assert.equal(secretOf(written), secret, written);
});

test('what a key is made of, by file', () => {
  const chap = read('glenda isp "a b" *\n', 'chap')[0];
  assert.ok(chap !== undefined && 'key' in chap);
  assert.equal(
    chap.key.toString(),
    "key proto=chap proto=mschap proto=mschapv2 service=ppp user=glenda server=isp !password='a b'",
  );
  assert.equal(chap.note, undefined);
  assert.match(chap.shown, /!password\?$/);
  const quoted = read('"o\'hara" * x', 'pap')[0];
  assert.ok(quoted !== undefined && 'key' in quoted);
  const attrs = parseAttrs(quoted.key.subarray(4));
  assert.equal(printAttrs(attrs), "proto=pap service=ppp user='o''hara' !password?");
});

test('what cannot be a key is told with its line, comments and blank lines are nothing', () => {
  const file = [
    '# comment',
    '',
    '* isp any',
    'u isp',
    'u isp ""',
    'u isp @/etc/secret',
    'u isp x 10.0.0.1',
    'u isp \\',
    '  y',
    'u isp "open',
  ].join('\n');
  assert.deepEqual(
    read(file).map((i) => [i.line, 'why' in i ? i.why : (i.note ?? 'ok')]),
    [
      [3, 'a secret of any client (*) has no user'],
      [4, 'client, server and secret are wanted'],
      [5, 'no secret: the password of the system, or none'],
      [6, "the secret's file (@) is not followed"],
      [7, 'its addresses are not kept'],
      [8, 'ok'],
      [10, 'a quote is not closed'],
    ],
  );
});
