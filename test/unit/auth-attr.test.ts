/** Attribute lists of auth, as factotum(4) has them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { text, utf8 } from '@9p/packet';
import {
  type Attrs,
  attrs_max,
  matches,
  parseAttrs,
  parseWords,
  printAttrs,
  quotedBytes,
  wipe,
} from '../../plugins/auth/attr.js';
import { fuzzIterations, SeededRandom } from '../kit/index.js';

const parse = (s: string): Attrs => parseAttrs(utf8(s));
const print = (s: string): string => printAttrs(parse(s));

const printed: readonly [why: string, given: string, shown: string][] = [
  ['values', 'proto=pass service=ppp', 'proto=pass service=ppp'],
  ['white space of all kinds', '\tproto=pass\r\n  user=x \n', 'proto=pass user=x'],
  ['none', '  \n', ''],
  ['query', 'user? !password?', 'user? !password?'],
  ['a name alone has no value', 'disabled', 'disabled'],
  ['the same, said with =', 'disabled=', 'disabled'],
  ['private values are not shown', '!password=hunter2', '!password?'],
  ['nor empty ones', '!password=', '!password?'],
  ['nor a private name alone', '!password', '!password?'],
  ['quoting', "user='glenda b'", "user='glenda b'"],
  ['a quote in quotes', "user='it''s'", "user='it''s'"],
  ['quotes round the whole', "'user=a b'", "user='a b'"],
  ['quotes where none are needed', "us'er'=x'y'z", 'user=xyz'],
  ['an = in the value', 'a=b=c', 'a=b=c'],
  ['a ? before the =', 'a?=b', 'a?=b'],
  ['a ? at the end of a name without a value', 'a?=', "a?=''"],
  ['a query beside a value goes', 'user? user=x', 'user=x'],
  ['whatever the order', 'user=x user?', 'user=x'],
  ['a private one too', '!p? !p=x', '!p?'],
  ['one query of two stays', 'user? a user?', 'user? a'],
  ['values of one name stay', 'proto=pap proto=chap', 'proto=pap proto=chap'],
  ['beyond ASCII', 'user=Größe', 'user=Größe'],
  ["spaces of Unicode are quoted, for readers' sake", "user='a\u00a0b'", "user='a\u00a0b'"],
];

test('lists print as they were given, private values as queries', () => {
  for (const [why, given, shown] of printed) assert.equal(print(given), shown, why);
});

const refused: readonly [given: string | Uint8Array, why: string][] = [
  ["user='x", 'unmatched quote'],
  ['=x', 'attribute without a name'],
  ['?', 'attribute without a name'],
  ['!=x', 'attribute without a name'],
  ["''", 'attribute without a name'],
  ['a=\u0001', 'control character in an attribute'],
  ["a='\n'", 'control character in an attribute'],
  ['a\u007f=1', 'control character in an attribute'],
  ['a=\u009b1m', 'control character in an attribute'], // C1: CSI to a terminal
  ['a=\u0000', 'NUL in an attribute'],
  ['!p=\u0000', 'NUL in an attribute'],
  [Uint8Array.of(0x61, 0x3d, 0xff), 'attribute is not UTF-8'],
  [`${'n'.repeat(65)}=1`, 'attribute name too long: the limit is 64 bytes'],
  [`n=${'v'.repeat(1025)}`, 'attribute too long: the limit is 1024 bytes'],
  [`!n=${'v'.repeat(1025)}`, 'attribute too long: the limit is 1024 bytes'],
  ['a=1 '.repeat(attrs_max + 1), 'too many attributes: the limit is 64'],
];

test('what is no list is refused, and not repeated', () => {
  for (const [given, why] of refused) {
    const bytes = typeof given === 'string' ? utf8(given) : given;
    assert.throws(() => parseAttrs(bytes), { message: why });
  }
  assert.throws(() => parseWords(new Array(65).fill('a=1')), /^FileError: too many attributes/);
});

test('private values are bytes, any but NUL, and can be wiped', () => {
  const given = Uint8Array.of(0x21, 0x70, 0x3d, 0xff, 0x01, 0xfe);
  const list = parseAttrs(given);
  const secret = list[0];
  assert.ok(secret?.is === 'secret');
  assert.deepEqual([...secret.bytes], [0xff, 0x01, 0xfe]);
  given.fill(0);
  assert.deepEqual([...secret.bytes], [0xff, 0x01, 0xfe], 'a copy of its own');
  wipe(list);
  assert.deepEqual([...secret.bytes], [0, 0, 0]);
});

const matching: readonly [pattern: string, key: string, fits: boolean][] = [
  ['', 'a=1', true],
  ['a?', 'a=1', true],
  ['a?', 'a', true],
  ['b?', 'a=1', false],
  ['!p?', 'a=1 !p=x', true],
  ['!p?', 'a=1', false],
  ['a=1', 'a=1', true],
  ['a=1', 'a=2', false],
  ['a=1', '', false],
  ['a', 'a=1', false],
  ['a', 'a', true],
  ['a=2', 'a=1 a=2', true],
  ['a=1 a=2', 'a=2', false],
  ['role=client', '', true],
  ['role=client', 'role=client', true],
  ['role=client', 'role=server', false],
  ['role?', '', true],
  ['disabled', '', true],
  ['disabled', 'disabled=yes', false],
  ['!p=x', '!p=x', false], // nobody finds out a secret by asking for it
];

test('patterns match as factotum has it', () => {
  for (const [pattern, key, fits] of matching)
    assert.equal(matches(parse(pattern), parse(key)), fits, `${pattern} on ${key}`);
});

test('bytes are quoted as %q does', () => {
  const cases = [
    ['secret', 'secret'],
    ['', "''"],
    ['open sesame', "'open sesame'"],
    ["it's", "'it''s'"],
    ['tab\there', "'tab\there'"],
    ['ü', "'ü'"],
  ] as const;
  for (const [given, want] of cases) assert.equal(text(quotedBytes(utf8(given))), want);
});

/** Random lists: names and values of characters that are hard to quote. */
function randomList(r: SeededRandom): Attrs {
  const chars = ['a', 'b', ' ', "'", '=', '?', '!', '\t', 'ü', '\u00a0', '😀'];
  const word = (least: number) => {
    let s = '';
    for (let n = least + r.below(6); n > 0; n--) s += r.pick(chars);
    return s;
  };
  const out: Attrs[number][] = [];
  for (let n = r.below(6); n > 0; n--) {
    const name = `n${word(0).replaceAll('=', '')}`;
    out.push(r.chance(30) ? { is: 'query', name } : { is: 'value', name, value: word(0) });
  }
  return out;
}

test('parse(print(x)) = x, but for queries that a value makes idle', () => {
  const r = new SeededRandom(11);
  for (let i = 0; i < fuzzIterations(); i++) {
    const list = randomList(r);
    const once = parse(printAttrs(list));
    assert.equal(printAttrs(parse(printAttrs(once))), printAttrs(once));
    const values = (l: Attrs) => l.filter((a) => a.is === 'value');
    assert.deepEqual(values(once), values(list), printAttrs(list));
  }
});
