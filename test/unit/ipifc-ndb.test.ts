/** /ndb: replaced by `>`, merged by `>>`. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { omode } from 'slashnet/core';
import { entriesOf, merge, ndb_bytes } from '../../plugins/ipifc/ndb.js';
import ipifc from '../../plugins/ipifc/plugin.js';
import { Files, fuzzIterations, SeededRandom } from '../kit/index.js';

const a = 'ip=10.0.0.2 ipmask=255.255.255.255 ipgw=10.0.0.1\n\tdns=10.0.0.53\n';
const b = 'ip=192.168.1.5 ipmask=255.255.255.0\n';

test('entries are merged by their first attribute', () => {
  const cases: readonly [why: string, old: string, added: string, want: string][] = [
    ['into nothing', '', a, a],
    ['beside another', a, b, a + b],
    ['in place of its own', a + b, 'ip=10.0.0.2 sys=x\n', `ip=10.0.0.2 sys=x\n${b}`],
    ['removed', a + b, 'ip=10.0.0.2\n', b],
    ['removed, and one more', a, `ip=10.0.0.2\n${b}`, b],
    ['none such to remove', a, 'ip=1.1.1.1\n', a],
    ['no newline at the end', '', 'sys=x ip=1.1.1.1', 'sys=x ip=1.1.1.1\n'],
    ['a comment', '', '# made by hand\n', '# made by hand\n'],
    ['blank lines', a, '\n\n', a],
  ];
  for (const [why, old, added, want] of cases) assert.equal(merge(old, added), want, why);
});

test('entries of any text are all of its lines that are not blank', () => {
  const r = new SeededRandom(8);
  for (let i = 0; i < fuzzIterations(500); i++) {
    let s = '';
    for (let k = r.below(20); k > 0; k--) s += r.pick(['ip=1', '\t', '\n', ' ', '#', 'a=b', '\n']);
    const lines = s.split('\n').filter((l) => l.trim() !== '');
    assert.equal(entriesOf(s).join(''), lines.map((l) => `${l}\n`).join(''));
    assert.equal(merge('', merge('', s)), merge('', s));
  }
});

test('the file', async () => {
  const f = new Files();
  await ipifc.start(f.system.env, []);
  await f.write('/ndb', a);
  await f.write('/ndb', b);
  assert.equal(await f.read('/ndb'), a + b);
  await f.write('/ndb', b, omode.write | omode.trunc);
  assert.equal(await f.read('/ndb'), b);
  const big = `ip=1 x=${'y'.repeat(ndb_bytes)}\n`;
  await assert.rejects(f.write('/ndb', big), /ndb too long: over 32768 bytes/);
  const bob = { uname: 'bob', groups: [], owner: false };
  await assert.rejects(f.write('/ndb', a, omode.write, bob), /permission denied/);
  assert.equal(await f.read('/ndb'), b);
});
