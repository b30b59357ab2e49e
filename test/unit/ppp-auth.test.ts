/** The Authenticate phase: other tries, proving it again, both directions, and the manual page's
 *  rules about who may in. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { concat, hex, u16, utf8 } from '@9p/packet';
import { type AuthMethod, chapCodes, protocols } from '../../plugins/ppp/codes.js';
import { failureText } from '../../plugins/ppp/mschap.js';
import type { PppConfig } from '../../plugins/ppp/session.js';
import {
  begin,
  chap,
  config,
  eapMethod,
  inject,
  isUp,
  last,
  mschap,
  mschapv2,
  type PppPair,
  pair,
  pap,
  respond,
  server,
  user,
} from './ppp-peer.js';

const all = [mschapv2, eapMethod, chap, mschap, pap];

function up(a: PppConfig, b: PppConfig): PppPair {
  const p = pair(a, b);
  begin(p);
  assert.ok(
    p.run(5000, () => isUp(p)),
    p.trace(),
  );
  return p;
}
const lines = (p: PppPair, what: RegExp): string[] =>
  p
    .trace()
    .split('\n')
    .filter((l) => what.test(l));
const why = (p: PppPair, side: 'a' | 'b'): string | undefined =>
  last(p[side].events, 'finished')?.why;
const auths = (p: PppPair, side: 'a' | 'b') =>
  p[side].events.flatMap((e) => (e.is === 'auth' ? [e] : []));

// Failures and other tries --------------------------------------------------------------------

test('a wrong password of the Microsoft ones: the code on the wire, words for the person', () => {
  for (const [method, version] of [
    [mschap, 2],
    [mschapv2, 3],
  ] as const) {
    const p = pair(config(), server({ lcp: { demand: [method] } }));
    p.client.password = 'hare';
    begin(p);
    p.run(10_000);
    const words = 'wrong name or password (691): go away; no other key to try';
    assert.equal(why(p, 'a'), `authentication failed (${method.name}): ${words}`);
    assert.match(p.trace(), new RegExp(`chap Failure .*E=691 R=1 C=[0-9A-F]{32} V=${version} M=`));
    assert.match(why(p, 'b') ?? '', /^authentication of the peer 'glenda' failed .*: go away$/);
  }
});

test('failure texts of others', () => {
  const cases: readonly [said: string, read: string][] = [
    ['E=691 R=0 C=00112233 V=3 M=No', 'wrong name or password (691): No'],
    ['E=691 R=1 C=00 V=3 M=No', 'wrong name or password (691): No; no other key to try'],
    ['E=691 R=1', 'wrong name or password (691); no other key to try'],
    ['E=691 R=10 M=No', 'wrong name or password (691): No'],
    ['E=647 R=0 V=3', 'the account is disabled (647)'],
    ['E=648 R=0 V=2', 'the password has expired (648)'],
    ['E=649', 'no permission to dial in (649)'],
    ['E=646 R=0 M=come back M=later', 'not allowed at this hour (646): come back M=later'],
    ['E=709 R=0', 'the password could not be changed (709)'],
    ['E=12345678901', 'E=12345678901'],
    ['E=1 R=0', 'refused (1)'],
    ['Access denied', 'Access denied'],
    ['', ''],
  ];
  for (const [said, read] of cases) assert.equal(failureText(said), read);
});

/** The server has challenged a peer that is the test; `id` is the Identifier. */
function challenged(method: AuthMethod, auth: Partial<PppConfig['auth']> = {}) {
  const client = config({ auth: { tries: 100 } });
  const p = pair(client, server({ lcp: { demand: [method] }, auth }));
  p.drop = (_from, _n, b) => u16(b, 0) === protocols.chap;
  begin(p);
  p.run(100);
  const id = Number(/ b -> chap Challenge id (\d+)/.exec(p.trace())?.[1]);
  const reply = (
    n: number,
    secret: string,
    challenge = p.server.challenge,
    name = user,
  ): string => {
    const value = respond(method.name, n & 0xff, secret, challenge);
    const body = concat([value.length], value, utf8(name));
    inject(p, 'server', protocols.chap, { code: chapCodes.response, id: n & 0xff, body });
    return (lines(p, / b -> chap/).at(-1) ?? '').replace(/.* -> chap /, '');
  };
  return { p, id, reply };
}

for (const method of [mschap, mschapv2]) {
  test(`${method.name}: another try has the next identifier and the challenge of the Failure`, () => {
    const { p, id, reply } = challenged(method);
    const old = p.server.challenge;
    const said = reply(id, 'hare');
    assert.match(said, new RegExp(`^Failure id ${id} .*E=691 R=1 `));
    assert.notEqual(hex(p.server.challenge), hex(old));
    assert.ok(said.includes(` C=${hex(p.server.challenge).toUpperCase()} `), said);
    assert.deepEqual(auths(p, 'b').at(-1)?.ok, false);
    assert.equal(why(p, 'b'), undefined, 'the link stays');
    assert.equal(reply(id, 'hare', old), said, 'said again to the Response that came again');
    assert.match(reply(id + 1, 'rabbit', old), /R=1/, 'the old challenge is of no use any more');
    assert.match(reply(id + 2, 'rabbit'), /^Success /);
    assert.deepEqual(auths(p, 'b').at(-1)?.ok, true);
  });

  test(`${method.name}: the last try says so and ends it; as many as were set`, () => {
    for (const attempts of [1, 2, 3, 5]) {
      const { p, id, reply } = challenged(method, { attempts });
      for (let n = 1; n < attempts; n++) assert.match(reply(id + n - 1, 'hare'), /E=691 R=1 /);
      assert.match(reply(id + attempts - 1, 'hare'), /E=691 R=0 /);
      p.run(10_000);
      const failed = `authentication of the peer 'glenda' failed (${method.name}): go away`;
      assert.equal(why(p, 'b'), failed);
      assert.equal(auths(p, 'b').filter((e) => !e.ok).length, attempts);
    }
  });
}

test('chap: one try, whatever was set', () => {
  const { p, id, reply } = challenged(chap, { attempts: 3 });
  assert.match(reply(id, 'hare'), /^Failure .*go away/);
  p.run(10_000);
  assert.match(why(p, 'b') ?? '', /failed \(chap\): go away$/);
});

test('a person has a minute for another try, then it is over', () => {
  const { p, id, reply } = challenged(mschapv2);
  reply(id, 'hare');
  const began = p.now;
  p.run(59_000);
  assert.equal(p.server.ppp.phase, 'Authenticate');
  p.run(60_000, () => p.server.ppp.phase !== 'Authenticate');
  assert.equal(p.now - began, 60_000);
});

test('no challenge for another try: the failure is the last', () => {
  const { p, id, reply } = challenged(mschapv2);
  p.server.noChallenge = true;
  assert.match(reply(id, 'hare'), /E=691 R=0 /);
  p.run(10_000);
  assert.match(why(p, 'b') ?? '', /of the peer 'glenda' failed \(mschapv2\): auth has gone$/);
});

// Again at an interval ------------------------------------------------------------------------

for (const method of [chap, mschap, mschapv2, eapMethod])
  test(`${method.name}: the peer proves it again and again; once it cannot, the link ends`, () => {
    const p = up(
      config(),
      server({ lcp: { demand: [method] }, auth: { rechallenge_ms: 10_000, attempts: 3 } }),
    );
    const count = () => auths(p, 'b').length;
    p.run(65_000);
    assert.equal(count(), 7, 'at the beginning, and six times since');
    assert.ok(isUp(p) && auths(p, 'b').every((e) => e.ok), p.trace());
    assert.equal(p.b.events.filter((e) => e.is === 'ipdown').length, 0, 'IP passes meanwhile');
    if (method !== eapMethod) {
      const sent = lines(p, / b -> chap Challenge/).map((l) => l.replace(/.*-> /, ''));
      assert.equal(new Set(sent).size, 7, 'each with an identifier of its own');
    }
    p.client.password = 'hare';
    p.run(11_000);
    assert.match(why(p, 'b') ?? '', /^authentication of the peer 'glenda' failed/);
    assert.doesNotMatch(p.trace(), /R=1/, 'in one try');
  });

test('a peer that says nothing when it is to prove it again; one that has another name', () => {
  const auth = { rechallenge_ms: 10_000, tries: 3 };
  const p = up(config(), server({ lcp: { demand: [chap] }, auth }));
  p.drop = (from, _n, b) => from === 'a' && u16(b, 0) === protocols.chap;
  p.run(20_000);
  assert.match(why(p, 'b') ?? '', /failed \(chap\): no answer to 3 challenges$/);

  const { p: q, id, reply } = challenged(chap, auth);
  reply(id, 'rabbit');
  q.run(10_500);
  assert.match(reply(id + 1, 'rabbit', q.server.challenge, 'bob'), /^Failure /);
  q.run(5000);
  assert.match(
    why(q, 'b') ?? '',
    /of the peer 'glenda' failed \(chap\): it calls itself 'bob' now$/,
  );
});

// Both directions -----------------------------------------------------------------------------

test('each end by its own method; keys if one direction made some', () => {
  const isKeyed = (m: AuthMethod) => [mschap, mschapv2, eapMethod].includes(m);
  for (const first of all)
    for (const second of all) {
      const p = up(
        config({ lcp: { demand: [second], accept: [first] } }),
        server({ lcp: { demand: [first], accept: [second] } }),
      );
      for (const side of ['a', 'b'] as const) {
        const byWho = new Map(auths(p, side).map((e) => [e.who, e.method]));
        const [we, peer] = side === 'a' ? [first, second] : [second, first];
        assert.deepEqual([byWho.get('we'), byWho.get('peer')], [we.name, peer.name]);
        const keyed = isKeyed(first) !== isKeyed(second);
        assert.equal(auths(p, side).at(-1)?.keyed, keyed, `${first.name} ${second.name}`);
      }
    }
});

test('one direction alone is not enough', () => {
  const lcp = { demand: [chap], accept: [chap] };
  const p = pair(config({ lcp }), server({ lcp }));
  p.server.secret = 'hare';
  p.server.password = 'rabbit';
  begin(p);
  p.run(10_000);
  assert.match(why(p, 'a') ?? '', /^authentication/);
  for (const side of ['a', 'b'] as const) assert.equal(last(p[side].events, 'ip'), undefined);
});

/** Both demand; what the server sends is lost, and the test sends its challenge back to it. */
function reflected(demand: AuthMethod, accept: AuthMethod, frame: (c: Uint8Array) => Uint8Array) {
  const p = pair(
    config({ lcp: { demand: [accept] } }),
    server({ lcp: { demand: [demand], accept: [accept] } }),
  );
  p.drop = (_from, _n, b) => [protocols.chap, protocols.eap].some((x) => x === u16(b, 0));
  begin(p);
  p.run(100);
  if (demand.protocol === protocols.eap) {
    const id = Number(/ b -> eap Request id (\d+)/.exec(p.trace())?.[1]);
    inject(p, 'server', protocols.eap, { code: 2, id, body: concat([1], utf8(user)) });
  }
  const asked = p.server.needs.length;
  const body = frame(p.server.challenge);
  inject(p, 'server', accept.protocol, { code: 1, id: 99, body });
  assert.equal(p.server.needs.length, asked, 'auth is not asked for a response');
  p.run(10_000);
  return why(p, 'b');
}
test('our own challenge reflected is not answered, in whichever method it comes', () => {
  const inChap = (c: Uint8Array) => concat([c.length], c, utf8('x'));
  const inMd5 = (c: Uint8Array) => concat([4, c.length], c, utf8('x'));
  const inV2 = (c: Uint8Array) => concat([26, 1, 7, 0, 21, c.length], c);
  const cases = [
    [chap, chap, inChap],
    [mschapv2, chap, inChap],
    [chap, eapMethod, inMd5],
    [mschapv2, eapMethod, inV2],
    [eapMethod, eapMethod, inMd5],
    [eapMethod, eapMethod, inV2],
    [eapMethod, chap, inChap],
  ] as const;
  for (const [demand, accept, frame] of cases)
    assert.equal(
      reflected(demand, accept, frame),
      `authentication failed (${accept.name}): peer sends our own challenge back`,
    );
});

// The rules of ppp(8) -------------------------------------------------------------------------

test('a server begins the authentication, and asks until it is answered', () => {
  for (const method of [mschapv2, chap, mschap, eapMethod]) {
    const p = pair(config(), server({ lcp: { demand: [method] } }));
    p.drop = (from, _n, b) => from === 'a' && u16(b, 0) === method.protocol;
    begin(p);
    p.run(60_000);
    assert.equal(lines(p, / b -> (chap Challenge|eap Request)/).length, 10);
    assert.match(why(p, 'b') ?? '', /no answer to 10 (challenges|requests)$/);
    assert.equal(last(p.b.events, 'ip'), undefined);
  }
});

test('a server without an agreed protocol closes the link', () => {
  for (const accept of [[], [pap], [chap, pap]]) {
    const p = pair(config({ lcp: { accept } }), server({ lcp: { demand: [mschapv2, eapMethod] } }));
    begin(p);
    p.run(60_000);
    assert.match(why(p, 'b') ?? '', /^lcp: peer refuses to authenticate itself/, p.trace());
    assert.ok(!p.b.events.some((e) => e.is === 'ip' || e.is === 'auth'));
    assert.doesNotMatch(p.trace(), / a -> pap/);
  }
});

test('never less than was demanded: another method, none, and IP at once get nobody in', () => {
  const p = pair(config(), server({ lcp: { demand: [mschapv2] } }));
  p.drop = (from, _n, b) => from === 'a' && u16(b, 0) === protocols.chap;
  begin(p);
  p.run(100);
  const request = concat([user.length], utf8(user), [6], utf8('rabbit'));
  inject(p, 'server', protocols.pap, { code: 1, id: 1, body: request });
  inject(p, 'server', protocols.eap, { code: 2, id: 1, body: concat([1], utf8(user)) });
  inject(p, 'server', protocols.ipcp, { code: 1, id: 1, body: utf8('') });
  assert.equal(p.server.needs.filter((n) => n.need !== 'challenge').length, 0);
  assert.deepEqual(
    p.b.events.flatMap((e) => (e.is === 'count' ? [e.reason] : [])),
    ['unasked', 'unasked', 'beforeauth'],
  );
  assert.equal(p.server.ppp.phase, 'Authenticate');
});

test('nothing is sent in the clear that the client was told not to send', () => {
  const p = pair(config({ lcp: { accept: [mschapv2] } }), server({ lcp: { demand: [pap] } }));
  begin(p);
  p.run(60_000);
  assert.match(p.trace(), / a -> lcp ConfNak .*auth mschapv2/);
  assert.doesNotMatch(p.trace(), / a -> pap/);
  assert.ok(!p.client.needs.some((n) => n.need === 'pap'));
  // Nor does it answer a challenge of the wrong kind.
  const q = up(config({ lcp: { accept: [mschapv2] } }), server({ lcp: { demand: [mschapv2] } }));
  const asked = q.client.needs.length;
  inject(q, 'client', protocols.pap, { code: 1, id: 1, body: utf8('') });
  inject(q, 'client', protocols.eap, { code: 1, id: 1, body: Uint8Array.of(1) });
  assert.equal(q.client.needs.length, asked);
});
