/** Authentication of ppp as files: the verbs, and what both ends read when it fails. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asClient, type Lab, two } from './ppp-lab.js';

/** Why the last call ended, as the server's operator reads it. */
async function ended(lab: Lab): Promise<string> {
  await lab.clock.run(5000);
  const lines = lab.logged.filter((l) => l.startsWith('/ppp/1 down '));
  return lines.at(-1)?.slice('/ppp/1 down '.length) ?? lab.logged.join('\n');
}
/** The key of the client alone, with another password. */
const carrot = 'key proto=pass service=ppp role=client user=glenda !password=carrot';
const connect = (lab: Lab) => lab.done(lab.echo('connect', '/ppp/0/ctl'));
const other = (lab: Lab, key: string): Promise<void> =>
  lab.echo(
    `delkey user=glenda\n${key}\n${carrot.replace('role=client ', 'role=server ')}`,
    '/auth/ctl',
  );

const failed = "authentication of the peer 'glenda' failed";

for (const method of ['eap', 'eap-md5', 'eap-mschapv2']) {
  test(`${method}: the right password at either end's choice`, async () => {
    for (const [client, server] of [
      [method, 'eap'],
      ['eap', method],
    ]) {
      const lab = await two({ client: [`auth ${client}`], server: [`auth ${server}`] });
      await connect(lab);
      assert.equal(await lab.cat('/ppp/0/auth'), `local ${client} ok user glenda\n`);
      assert.equal(await lab.cat('/ppp/1/auth'), `peer ${server} ok user glenda\n`);
    }
  });
}

test('eap: methods that do not meet', async () => {
  const lab = await two({ client: ['auth eap-md5'], server: ['auth eap-mschapv2'] });
  await assert.rejects(connect(lab), { message: /^authentication failed \(eap-md5\): peer says/ });
  assert.equal(await ended(lab), `${failed} (eap-mschapv2): peer has none of our methods`);
});

test('eap: who we are is said of a key for whatever is allowed', async () => {
  const lab = await two({ client: ['auth eap'], server: ['auth eap-md5'] });
  await other(lab, 'key proto=eap-md5 service=ppp role=client user=glenda !password=carrot');
  await connect(lab);
  assert.equal(await lab.cat('/ppp/0/auth'), 'local eap ok user glenda\n');
});

const says = 'wrong name or password (691): Access denied';
const denied: readonly [method: string, tries: number, words: string][] = [
  ['mschap', 1, 'wrong name or password (691): authentication failed'],
  ['mschapv2', 1, 'wrong name or password (691): authentication failed'],
  ['mschapv2', 3, 'wrong name or password (691): authentication failed; no other key to try'],
  ['eap-mschapv2', 1, says],
  ['eap-mschapv2', 3, `${says}; no other key to try`],
  ['eap-md5', 3, 'peer says failure'],
];
for (const [method, tries, words] of denied)
  test(`${method}, a wrong password, ${tries} allowed: what both ends read`, async () => {
    const lab = await two({ server: [`auth ${method}`, `authtries ${tries}`] });
    await lab.echo(carrot, '/auth/ctl');
    await other(lab, carrot.replace('carrot', 'turnip'));
    const name = method.startsWith('eap') ? 'eap' : method;
    await assert.rejects(connect(lab), (e: Error) => {
      assert.ok(e.message.startsWith(`authentication failed (${name}): ${words}`.slice(0, 100)));
      return true;
    });
    assert.equal(await lab.cat('/ppp/0/auth'), `local ${name} failed user glenda ${words}\n`);
    assert.equal(await ended(lab), `${failed} (${method}): authentication failed`);
    for (const l of lab.logged) assert.doesNotMatch(l, /carrot|turnip/);
  });

test('mutual: each proves itself with a key of its own; the client names one with key', async () => {
  const lab = await two({
    client: ['auth mschapv2', 'mutual chap,pap', 'key user=glenda'],
    server: ['auth mschapv2', 'mutual chap', 'key user=bras'],
  });
  await lab.echo('key proto=pass service=ppp user=bras !password=tower', '/auth/ctl');
  await connect(lab);
  assert.equal(
    (await lab.cat('/ppp/0/auth')).split('\n').sort().join('\n').trim(),
    'local mschapv2 ok user glenda Access granted\npeer chap ok user bras',
  );
});

test('mutual: a server that cannot prove itself gets no client', async () => {
  const lab = await two({ client: ['mutual chap'], server: ['mutual chap', 'key user=bras'] });
  await assert.rejects(connect(lab), /: terminated by peer: authentication failed/);
  assert.match(await ended(lab), /^authentication failed \(chap\): no key for .*bras/);

  const none = await two({ client: ['mutual chap'] });
  const refused = { message: 'lcp: peer refuses to authenticate itself: connect' };
  await assert.rejects(connect(none), refused);
});

test('rechallenge: the key goes, and with it the link', async () => {
  const lab = await two({ server: ['auth chap', 'rechallenge 10'] });
  await connect(lab);
  await lab.clock.run(35_000);
  assert.match(await lab.cat('/ppp/1/status'), /^Opened /);
  await lab.echo('delkey user=glenda', '/auth/ctl');
  await lab.clock.run(15_000);
  assert.match(
    await lab.cat('/ppp/0/err'),
    /^(authentication failed \(chap\): no key for|lcp: term)/,
  );
});

test('refused verbs', async () => {
  const lab = await two({ client: asClient });
  const refused: readonly [string, RegExp][] = [
    [
      'auth eap-tls',
      /^unknown method 'eap-tls': mschapv2 eap chap mschap pap eap-mschapv2 eap-md5/,
    ],
    ['mutual magic', /^unknown method 'magic'/],
    ['authtries 0', /^bad count '0': 1 to 5/],
    ['authtries 6', /^bad count '6': 1 to 5/],
    ['rechallenge soon', /^bad interval in seconds 'soon'/],
  ];
  for (const [what, why] of refused)
    await assert.rejects(lab.echo(what, '/ppp/0/ctl'), (e: Error) => why.test(e.message));
});
