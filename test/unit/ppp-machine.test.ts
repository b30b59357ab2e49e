/** Conversations of two PPP sessions on virtual time. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hex, packetOf, utf8 } from '@9p/packet';
import { codes, protocols } from '../../plugins/ppp/codes.js';
import type { LcpConfig } from '../../plugins/ppp/lcp.js';
import type { PppConfig } from '../../plugins/ppp/session.js';
import type { Control } from '../../plugins/ppp/wire.js';
import { bytes } from '../kit/index.js';
import {
  begin,
  both,
  chap,
  config,
  dns,
  inject,
  isUp,
  last,
  local,
  mschap,
  mschapv2,
  Peer,
  type PppPair,
  pair,
  pap,
  remote,
  server,
} from './ppp-peer.js';

function up(a: PppConfig, b: PppConfig): PppPair {
  const p = pair(a, b);
  begin(p);
  assert.ok(
    p.run(1000, () => isUp(p)),
    p.trace(),
  );
  return p;
}

test('both come up without authentication; the client gets its address and name servers', () => {
  const p = up(config(), server());
  const a = last(p.a.events, 'ip')?.up;
  const b = last(p.b.events, 'ip')?.up;
  assert.deepEqual(
    [a?.local, a?.remote, a?.dns, b?.local, b?.remote],
    [remote, local, [...dns], local, remote],
  );
  const a6 = last(p.a.events, 'ipv6')?.up;
  const b6 = last(p.b.events, 'ipv6')?.up;
  assert.equal(hex(a6?.local ?? bytes('')), hex(b6?.remote ?? bytes('')));
  assert.equal(hex(b6?.local ?? bytes('')), hex(a6?.remote ?? bytes('')));
  assert.notEqual(hex(a6?.local ?? bytes('')), hex(a6?.remote ?? bytes('')));
});

test('phases come in the order of RFC 1661', () => {
  const p = up(config(), server({ lcp: { demand: [chap] } }));
  p.command('a', { do: 'close', why: 'bye' });
  p.run(20_000);
  const phases = (['a', 'b'] as const).map((s) =>
    p[s].events.flatMap((e) => (e.is === 'phase' ? [e.phase] : [])),
  );
  const all = ['Establish', 'Authenticate', 'Network', 'Terminate', 'Dead'];
  assert.deepEqual(phases, [all, all]);
  assert.equal(last(p.a.events, 'finished')?.why, 'bye');
  assert.equal(last(p.b.events, 'finished')?.why, 'lcp: terminated by peer: hangup');
});

for (const method of [pap, chap, mschap, mschapv2]) {
  test(`${method.name}: the right password`, () => {
    const p = up(config(), server({ lcp: { demand: [method] } }));
    const { name } = method;
    const keyed = name.startsWith('mschap');
    const want = { is: 'auth', ok: true, method: name, user: 'glenda', message: 'welcome', keyed };
    assert.deepEqual(last(p.a.events, 'auth'), { ...want, who: 'we' });
    assert.deepEqual(last(p.b.events, 'auth'), { ...want, who: 'peer' });
  });

  test(`${method.name}: a wrong password ends both, and says why`, () => {
    const p = pair(config(), server({ lcp: { demand: [method] } }));
    p.client.password = 'carrot';
    begin(p);
    p.run(20_000);
    const words = [mschap, mschapv2].includes(method)
      ? 'wrong name or password (691): go away; no other key to try'
      : 'go away';
    const why = `authentication failed (${method.name}): ${words}`;
    assert.equal(last(p.a.events, 'finished')?.why, why, p.trace());
    assert.match(
      last(p.b.events, 'finished')?.why ?? '',
      /^authentication of the peer 'glenda' failed .*: go away$/,
    );
    for (const side of [p.a, p.b]) assert.equal(last(side.events, 'ip'), undefined);
    assert.equal(JSON.stringify(p.a.events).includes('carrot'), false);
  });

  test(`${method.name} in both directions at once`, () => {
    const both = { demand: [method], accept: [method] };
    const p = up(config({ lcp: both }), server({ lcp: both }));
    for (const side of [p.a, p.b]) {
      const who = side.events.flatMap((e) => (e.is === 'auth' && e.ok ? [e.who] : []));
      assert.deepEqual(who.sort(), ['peer', 'we']);
    }
  });

  test(`${method.name}: no answer from auth, then one that comes too late`, () => {
    const p = pair(config(), server({ lcp: { demand: [method] } }));
    p.client.mute = true;
    begin(p);
    p.run(60_000);
    assert.match(last(p.b.events, 'finished')?.why ?? '', /^authentication of the peer failed/);
    const n = p.client.needs[0]?.n ?? 0;
    p.command('a', { do: 'answer', answer: { n, is: 'error', why: 'late' } });
    assert.match(last(p.a.events, 'finished')?.why ?? '', /^lcp: terminated by peer/);
  });
}

test('mschapv2: a peer that cannot prove itself is not believed', () => {
  const p = pair(config(), server({ lcp: { demand: [mschapv2] } }));
  p.server.lies = true;
  begin(p);
  p.run(10_000);
  assert.equal(
    last(p.a.events, 'finished')?.why,
    'authentication failed (mschapv2): bad authenticator',
  );
  assert.equal(
    p.a.events.some((e) => e.is === 'ip'),
    false,
  );
});

test('what was asked and what is allowed meet in one or two steps, whatever the order', () => {
  const all = [mschapv2, chap, mschap, pap];
  for (const only of all)
    for (const asked of [all, [...all].reverse()]) {
      const p = up(config({ lcp: { accept: [only] } }), server({ lcp: { demand: asked } }));
      assert.equal(last(p.b.events, 'auth')?.method, only.name);
      assert.equal(last(p.a.events, 'auth')?.method, only.name);
    }
});

test('the peer asks for pap when chap was asked, and gets it; what we do not allow ends it', () => {
  const p = up(config({ lcp: { accept: [pap] } }), server({ lcp: { demand: [chap, pap] } }));
  assert.equal(last(p.b.events, 'auth')?.method, 'pap');
  const q = pair(config({ lcp: { accept: [pap] } }), server({ lcp: { demand: [chap] } }));
  begin(q);
  q.run(60_000);
  assert.match(last(q.b.events, 'finished')?.why ?? '', /peer refuses to authenticate itself/);
  const r = pair(config({ lcp: { accept: [] } }), server({ lcp: { demand: [chap, pap] } }));
  begin(r);
  r.run(60_000);
  assert.match(last(r.b.events, 'finished')?.why ?? '', /peer refuses to authenticate itself/);
  assert.equal(
    r.b.events.some((e) => e.is === 'ip'),
    false,
  );
});

test('a new challenge in the Network phase is answered, and a failure then ends the link', () => {
  const p = up(config(), server({ lcp: { demand: [chap] } }));
  const challenge = { code: 1, id: 77, body: bytes('04 01020304 70656572') };
  inject(p, 'client', protocols.chap, challenge);
  const asked = p.client.needs.at(-1);
  assert.equal(asked?.need === 'chap' && hex(asked.challenge), '01020304');
  inject(p, 'client', protocols.chap, { code: 4, id: 77, body: utf8('no more\x1b[31m') });
  p.run(20_000);
  assert.match(last(p.a.events, 'finished')?.why ?? '', /failed \(chap\): no more \[31m$/);
});

test('a challenge in place of one that auth has not answered: only the answer to the last counts', () => {
  const p = up(config(), server({ lcp: { demand: [chap] } }));
  p.client.mute = true;
  for (const [id, value] of [
    [77, '04 01020304'],
    [78, '04 05060708'],
  ] as const)
    inject(p, 'client', protocols.chap, { code: 1, id, body: bytes(value) });
  const sent = (): number => p.trace().match(/chap Response/g)?.length ?? 0;
  const before = sent();
  const [first, second] = p.client.needs.slice(-2);
  const answer = (n = 0) => ({ n, is: 'chap', user: utf8('x'), response: bytes('00') }) as const;
  p.command('a', { do: 'answer', answer: answer(first?.n) });
  assert.equal(sent(), before, 'an answer to what is asked no more');
  p.command('a', { do: 'answer', answer: answer(second?.n) });
  assert.equal(sent(), before + 1);
});

test('auth does not answer a challenge: that is said, not that there was none', () => {
  const p = pair(config(), server({ lcp: { demand: [chap] }, auth: { tries: 30 } }));
  p.client.mute = true;
  begin(p);
  p.run(60_000);
  const why = last(p.a.events, 'finished')?.why;
  assert.equal(why, 'authentication failed (chap): no answer from auth in 30 s');
});

const flags = ['magic', 'pfc', 'acfc'] as const;
for (const flag of flags) {
  for (const [a, b] of [
    [true, true],
    [true, false],
    [false, true],
    [false, false],
  ]) {
    test(`${flag} ${a} and ${b}: both come up and agree`, () => {
      const p = up(config({ lcp: { [flag]: a } }), server({ lcp: { [flag]: b } }));
      const [x, y] = [p.client.ppp.agreed, p.server.ppp.agreed];
      if (flag === 'pfc') assert.deepEqual([x.sendPfc, y.sendPfc], [a && b, a && b]);
      if (flag === 'acfc') assert.deepEqual([x.sendAcfc, y.sendAcfc], [a && b, a && b]);
      assert.deepEqual([x.peerMagic, y.peerMagic], [y.magic, x.magic]);
      if (flag === 'magic') assert.deepEqual([x.magic !== 0, y.magic !== 0], [a, b]);
    });
  }
}

const values: readonly [string, Partial<LcpConfig>, Partial<LcpConfig>, object][] = [
  ['mru', { mru: 1492 }, { mru: 1400 }, { peerMru: 1400, mru: 1492 }],
  ['mru below the least', { mru: 1492 }, { mru: 100 }, { peerMru: 1500, mru: 1492 }],
  ['accm', { accm: 0 }, { accm: 0xa0000 }, { sendAccm: 0xa0000, receiveAccm: 0 }],
  ['no accm', {}, { accm: 0 }, { sendAccm: 0, receiveAccm: 0xffffffff }],
];
for (const [what, a, b, want] of values) {
  test(`${what}: ${JSON.stringify(want)}`, () => {
    const p = up(config({ lcp: a }), server({ lcp: b }));
    const agreed: Record<string, unknown> = { ...p.client.ppp.agreed };
    for (const [k, v] of Object.entries(want)) assert.equal(agreed[k], v, k);
  });
}

test('without IPV6CP at the peer the link stays, and says so once', () => {
  const p = pair(config(), server({ ipv6: undefined }));
  begin(p);
  p.run(5000);
  assert.equal(last(p.a.events, 'ipv6down')?.why, 'peer rejects ipv6cp');
  assert.equal(p.client.ppp.phase, 'Network');
  assert.ok(last(p.a.events, 'ip'));
});

test('when no network protocol is left the link ends', () => {
  const p = pair(config({ ipv6: undefined }), server({ ip: undefined, passive: true }));
  begin(p);
  p.run(20_000);
  const why = 'no network protocol: peer rejects ipcp';
  assert.equal(last(p.a.events, 'finished')?.why, why, p.trace());
});

test('the line looped back is found out', () => {
  const p = pair(config(), config());
  p.command('a', { do: 'up' });
  p.command('a', { do: 'open' });
  const { ppp } = p.client;
  let why: string | undefined;
  ppp.command({ do: 'down', why: 'again' }, 0);
  ppp.command({ do: 'up' }, 0);
  ppp.command({ do: 'open' }, 0);
  for (let i = 0; i < 100 && why === undefined; i++) {
    const o = ppp.poll();
    if (o === undefined) ppp.timeout(ppp.deadline());
    else if (o.do === 'send') ppp.receive(packetOf(o.packet.bytes()), 0);
    else if (o.event.is === 'finished' && !o.event.why.includes('again')) why = o.event.why;
  }
  assert.equal(why, 'the line is looped back');
});

test('no peer: the reason after Max-Configure requests', () => {
  const p = pair(config(), server());
  p.command('a', { do: 'up' });
  p.command('a', { do: 'open' });
  p.run(60_000);
  assert.equal(last(p.a.events, 'finished')?.why, 'lcp: no answer to 10 requests');
  assert.equal(p.a.sent, 10);
});

test('a passive one waits for a peer that comes late', () => {
  const p = pair(config(), server({ passive: true }));
  p.a.dead = true;
  begin(p);
  p.run(300_000);
  assert.equal(last(p.b.events, 'finished'), undefined);
  p.a.dead = false;
  p.run(60_000, () => p.client.ppp.phase === 'Dead');
  p.command('a', { do: 'open' });
  assert.ok(
    p.run(5000, () => isUp(p)),
    p.trace(),
  );
});

test('a peer that dies is found out by the keepalive', () => {
  const echo = { echo_interval_ms: 1000, echo_failures: 3 };
  const p = up(config({ echo }), server({ echo: { echo_interval_ms: 0 } }));
  p.run(10_000);
  assert.equal(p.client.ppp.keepalive.rtt.last, 20);
  assert.ok(p.client.ppp.keepalive.rtt.count >= 9);
  p.b.dead = true;
  const died = p.now;
  assert.ok(p.run(20_000, () => p.client.ppp.phase !== 'Network'));
  assert.ok(p.now - died <= 5000, `${p.now - died} ms`);
  p.run(20_000);
  assert.match(last(p.a.events, 'finished')?.why ?? '', /peer is gone: no answer to 3 echo/);
});

test('traffic is life: echoes unanswered do not end a link that carries packets', () => {
  let heard = 0;
  const p = pair(config({ echo: { echo_interval_ms: 1000, echo_failures: 2 } }), server());
  const client = new Peer(
    config({ echo: { echo_interval_ms: 1000, echo_failures: 2 } }),
    4,
    () => heard++,
  );
  Object.assign(p.a, { machine: client });
  begin(p);
  p.run(1000);
  p.drop = (from, _, b) => from === 'b' && b[2] === codes.echoReply;
  p.run(30_000);
  assert.equal(client.ppp.phase, 'Network');
});

test('Terminate-Request, link lost, and open again', () => {
  const p = up(config(), server());
  p.command('a', { do: 'close', why: 'hangup' });
  p.run(10_000);
  assert.equal(p.client.ppp.phase, 'Dead');
  both(p, { do: 'open' });
  assert.ok(
    p.run(5000, () => isUp(p)),
    p.trace(),
  );
  p.command('a', { do: 'down', why: 'carrier' });
  assert.equal(last(p.a.events, 'finished')?.why, 'link lost: carrier');
  assert.equal(last(p.a.events, 'ipdown')?.why, 'ipcp went down');
});

test('close ends it from any state, also while it waits passively or has no link', () => {
  for (const steps of [0, 1, 2, 3, 5, 8, 13, 21]) {
    const p = pair(config({ passive: true }), server());
    begin(p);
    let n = 0;
    p.run(60_000, () => ++n > steps);
    p.command('a', { do: 'close', why: 'enough' });
    p.run(20_000);
    assert.equal(p.client.ppp.phase, 'Dead', `${steps}`);
    assert.ok(last(p.a.events, 'finished'), p.trace());
  }
  const q = pair(config({ passive: true }), server());
  q.b.dead = true;
  begin(q);
  q.run(60_000);
  q.command('a', { do: 'close', why: 'enough' });
  assert.ok(last(q.a.events, 'finished'));
  const r = pair(config(), server());
  r.command('a', { do: 'open' });
  r.command('a', { do: 'close', why: 'enough' });
  assert.equal(last(r.a.events, 'finished')?.why, 'enough');
});

test('what the peer may send at any time does no harm', () => {
  const p = up(config(), server());
  const cases: readonly [number, Control][] = [
    [protocols.lcp, { code: codes.discardReq, id: 1, body: bytes('00000000 aabb') }],
    [protocols.lcp, { code: codes.identification, id: 1, body: bytes('00000000 6f73') }],
    [protocols.lcp, { code: codes.timeRemaining, id: 1, body: bytes('00000000 0000000a') }],
    [protocols.lcp, { code: codes.echoReq, id: 1, body: bytes('0000') }],
    [protocols.lcp, { code: codes.protRej, id: 1, body: bytes('80') }],
    [protocols.lcp, { code: codes.protRej, id: 1, body: bytes('80fd 0101') }],
    [protocols.lcp, { code: codes.codeRej, id: 1, body: bytes('0e 01 0004') }],
    [protocols.lcp, { code: 99, id: 1, body: bytes('') }],
    [protocols.lcp, { code: codes.confAck, id: 1, body: bytes('') }],
    [protocols.pap, { code: 1, id: 1, body: bytes('01 41 01 42') }],
    [protocols.chap, { code: 3, id: 1, body: bytes('') }],
    [0x80fd, { code: 1, id: 1, body: bytes('') }],
  ];
  for (const [protocol, c] of cases) inject(p, 'client', protocol, c);
  p.run(1000);
  assert.ok(isUp(p), p.trace());
  assert.match(p.trace(), /lcp CodeRej id \d+ len 8 \(code 99 id 1\)/);
  assert.match(p.trace(), /lcp ProtRej id \d+ len 10 ccp/);
});

test('a Code-Reject of what nobody can do without ends the link', () => {
  const p = up(config(), server());
  inject(p, 'client', protocols.lcp, { code: codes.codeRej, id: 1, body: bytes('01 01 0004') });
  p.run(20_000);
  assert.equal(last(p.a.events, 'finished')?.why, 'lcp: peer rejects ConfReq');
});

test('a peer that Naks for ever: options go, then the negotiation does', () => {
  const p = pair(config({ lcp: { mru: 1492 } }), server());
  p.b.dead = true;
  begin(p);
  let naks = 0;
  for (let i = 0; i < 40 && !last(p.a.events, 'finished'); i++) {
    const id = /ConfReq id (\d+)/.exec(
      p
        .trace()
        .split('\n')
        .filter((l) => /a -> lcp ConfReq/.test(l))
        .at(-1) ?? '',
    );
    const c = { code: codes.confNak, id: Number(id?.[1]), body: bytes('0506 12345678 0104 0500') };
    inject(p, 'client', protocols.lcp, c);
    naks++;
    if (/does not converge/.test(p.trace())) break;
  }
  p.run(20_000);
  assert.equal(last(p.a.events, 'finished')?.why, 'lcp: does not converge');
  assert.ok(naks <= 12, `${naks}`);
});

test('what auth cannot do is told as it said', () => {
  const p = pair(config(), server({ lcp: { demand: [chap] } }));
  p.client.mute = true;
  begin(p);
  p.run(1000);
  const n = p.client.needs[0]?.n ?? 0;
  p.command('a', { do: 'answer', answer: { n, is: 'error', why: 'no key matches service=ppp' } });
  p.run(20_000);
  const why = 'authentication failed (chap): no key matches service=ppp';
  assert.equal(last(p.a.events, 'finished')?.why, why);
});
