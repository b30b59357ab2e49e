/** Who may attach to what, by rules of `allow`, however the tree's name is spelled. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Admission, rules_max } from '../../srv/admit.js';

const who = (uname: string, owner = false) => ({ uname, groups: [], owner });
const may = (a: Admission, uname: string, aname: string): boolean => {
  try {
    a.check(who(uname), aname);
    return true;
  } catch {
    return false;
  }
};

test('no rule: everybody; else who has one for it, and the owner', () => {
  const a = new Admission();
  assert.ok(may(a, 'bob', ''));
  a.allow('glenda', ['/ppp/', '//auth/./rpc']);
  a.allow('bob', []);
  a.allow('*', ['/version']);
  assert.equal(a.toString(), 'allow glenda /ppp /auth/rpc\nallow bob /\nallow * /version\n');
  a.check(who('root', true), '');
  const glenda: readonly [aname: string, may: boolean][] = [
    ['ppp', true],
    ['/ppp', true],
    ['//ppp//', true],
    ['./ppp/.', true],
    ['ppp/0/../1', true],
    ['auth/../ppp', true],
    ['auth/rpc', true],
    ['version', true],
    ['', false],
    ['/', false],
    ['.', false],
    ['..', false],
    ['ppp/..', false],
    ['ppp/../auth', false],
    ['/ppp/../../auth/ctl', false],
    ['pppoe', false],
    ['ppp ', false],
    ['PPP', false],
    ['auth', false],
    ['auth/rpc/../ctl', false],
    ['net/auth', false],
    ['/net', false],
    [`/ppp/${'x/'.repeat(10_000)}`, false],
  ];
  for (const [aname, yes] of glenda) assert.equal(may(a, 'glenda', aname), yes, aname.slice(0, 40));
  for (const name of ['eve', 'none', '', '*', 'GLENDA', '__proto__']) {
    assert.ok(may(a, name, '/version'), name);
    assert.equal(may(a, name, '/ppp'), false, name);
  }
  assert.throws(() => a.check(who('eve'), 'ppp'), {
    message: 'permission denied: eve may not attach to /ppp',
  });
});

test('rules are bounded; a path is absolute; deny takes all of a name', () => {
  const a = new Admission();
  assert.throws(() => a.allow('x', ['ppp']), /not an absolute path/);
  assert.throws(() => a.deny('x'), { message: 'no rule for x' });
  for (let i = 0; i < rules_max; i++) a.allow(`u${i}`, ['/ppp']);
  assert.throws(() => a.allow('one more', []), { message: `too many rules: limit ${rules_max}` });
  a.allow('u0', ['/auth']);
  a.deny('u0');
  assert.equal(may(a, 'u0', '/auth'), false);
});

test('the last rule taken away opens nothing', () => {
  const a = new Admission();
  a.check({ uname: 'eve', groups: [], owner: false }, '');
  a.allow('bob', ['/ppp']);
  a.deny('bob');
  for (const uname of ['bob', 'eve'])
    assert.throws(() => a.check({ uname, groups: [], owner: false }, ''), /may not attach/);
});
