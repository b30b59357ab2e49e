/** The key ring of auth: key and delkey of factotum(4). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { text, utf8 } from '@9p/packet';
import type { Who } from 'slashnet/core';
import { parseAttrs } from '../../plugins/auth/attr.js';
import { KeyRing, keys_max } from '../../plugins/auth/keys.js';
import { promptOf } from '../../plugins/auth/proto/table.js';

const owner: Who = { uname: 'root', groups: [], owner: true };
const user = (uname: string): Who => ({ uname, groups: [], owner: false });

function ringOf(...keys: readonly string[]): KeyRing {
  const ring = new KeyRing({ promptOf });
  for (const k of keys) ring.add(parseAttrs(utf8(k)), owner);
  return ring;
}
const listed = (...keys: readonly string[]): string => ringOf(...keys).toString();
const find = (ring: KeyRing, pattern: string, who: Who = owner) =>
  ring.find(parseAttrs(utf8(pattern)), who);

test('ctl lists keys with their private values as queries', () => {
  assert.equal(
    listed("proto=pass !password='a b' service=ppp user='bob b'"),
    "key proto=pass service=ppp user='bob b' !password?\n",
  );
});

test('one key for each proto', () => {
  assert.equal(
    listed('proto=pap proto=chap user=x !password=y'),
    'key proto=pap user=x !password?\nkey proto=chap user=x !password?\n',
  );
});

test('a key whose public attributes match mutually is replaced in its place', () => {
  const ring = ringOf(
    'proto=pass service=ppp user=x !password=one',
    'proto=pass service=ppp user=y !password=two',
  );
  const before = find(ring, 'user=x')?.secret('!password');
  ring.add(parseAttrs(utf8('service=ppp user=x proto=pass !password=three')), owner);
  assert.equal(
    ring.toString(),
    'key proto=pass service=ppp user=x !password?\nkey proto=pass service=ppp user=y !password?\n',
  );
  assert.equal(text(find(ring, 'user=x')!.secret('!password')!), 'three');
  assert.deepEqual([...before!], [0, 0, 0], 'the old one was wiped');
});

test('one that says more is another key', () => {
  const more = 'proto=pass service=ppp user=x server=s !password=one';
  assert.equal(ringOf('proto=pass service=ppp user=x !password=one', more).size, 2);
});

const refusedKeys: readonly [given: string, why: string][] = [
  ['user=x !password=y', 'key without protos'],
  ['proto? user=x !password=y', 'key without protos'],
  ['proto=nosuch !password=y', 'unknown proto nosuch'],
  ["proto='!password=y z' user=x", 'unknown proto'], // a slip in quoting
  ['proto=pass user=x', 'missing attributes: !password?'],
  ['proto=pass', 'missing attributes: user? !password?'],
  ['proto=pass user=x password=y', 'missing attributes: !password?'],
  ['proto=chap', 'missing attributes: !password?'],
  ['proto=pass user=x !password?', 'a key has values, not queries'],
  ['proto=pap proto=nosuch user=x !password=y', 'unknown proto nosuch'],
];

test('keys that are refused add nothing, and are wiped', () => {
  for (const [given, message] of refusedKeys) {
    const ring = new KeyRing({ promptOf });
    const list = parseAttrs(utf8(given));
    assert.throws(() => ring.add(list, owner), { message }, given);
    assert.equal(ring.size, 0, given);
    for (const a of list) if (a.is === 'secret') assert.ok(a.bytes.every((b) => b === 0));
  }
});

test('a proto that takes no keys says so', () => {
  const ring = new KeyRing({ promptOf: () => null });
  assert.throws(() => ring.add(parseAttrs(utf8('proto=any !p=x')), owner), {
    message: "proto any doesn't take keys",
  });
});

test('the ring has a limit', () => {
  const ring = new KeyRing({ promptOf });
  for (let i = 0; i < keys_max; i++)
    ring.add(parseAttrs(utf8(`proto=chap n=${i} !password=x`)), owner);
  assert.throws(() => ring.add(parseAttrs(utf8('proto=chap n=more !password=x')), owner), {
    message: 'too many keys: the limit is 4096',
  });
  assert.equal(ring.size, keys_max);
});

test('delkey deletes all that match and wipes them', () => {
  const ring = ringOf('proto=chap user=x !password=one', 'proto=chap user=y !password=two');
  const secrets = ['user=x', 'user=y'].map((p) => find(ring, p)!.secret('!password')!);
  ring.remove(parseAttrs(utf8('proto=chap !password?')));
  assert.equal(ring.size, 0);
  for (const s of secrets) assert.deepEqual([...s], [0, 0, 0]);
});

test('delkey: its errors', () => {
  const ring = ringOf('proto=chap user=x !password=one');
  const remove = (s: string) => () => ring.remove(parseAttrs(utf8(s)));
  assert.throws(remove('user=z'), { message: 'found no keys to delete' });
  assert.throws(remove('!password=one'), {
    message: 'only !private? patterns are allowed for private fields',
  });
  assert.equal(ring.size, 1);
});

test('who may use a key: its owner attribute, the daemon owner all', () => {
  const cases: readonly [key: string, who: Who, may: boolean][] = [
    ['', owner, true],
    ['', user('root'), true], // who added it
    ['', user('bob'), false],
    ['owner=bob', user('bob'), true],
    ['owner=bob', user('eve'), false],
    ['owner=*', user('eve'), true],
    ['owner=*', user('none'), true],
    ['owner=none', user('none'), false], // nobody has authenticated as none
    ['owner=bob owner=eve', user('eve'), true],
    ['owner', user(''), true],
    ['disabled', owner, false],
    ['disabled=by.factotum', owner, false],
    ['confirm', owner, false],
    ['confirm=yes owner=*', owner, false],
  ];
  for (const [attrs, who, may] of cases) {
    const ring = ringOf(`proto=chap ${attrs} !password=x`);
    assert.equal(find(ring, 'proto=chap', who) !== undefined, may, `${attrs} for ${who.uname}`);
  }
});
