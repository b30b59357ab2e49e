/** RFC 1661 section by section, with a peer that says what the test makes it say; the faults of
 *  Plan 9's ppp that are about negotiation are here too. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { packetOf } from '@9p/packet';
import { codes, protocols } from '../../plugins/ppp/codes.js';
import { defaultTimers } from '../../plugins/ppp/cp.js';
import { bytes } from '../kit/index.js';
import { chap, config, last, pap, server } from './ppp-peer.js';
import { Solo } from './ppp-solo.js';

const { lcp, ipcp, ipv6cp } = protocols;
const client = () => new Solo(config());
const ours = '0506 11223344';

test('4.6 the Restart timer doubles up to its longest, and begins anew with a new request', () => {
  const timers = {
    ...defaultTimers,
    restart_timer_ms: 500,
    restart_max_ms: 2500,
    max_configure: 6,
  };
  const m = new Solo(config({ timers }));
  m.run(2000);
  m.reply(lcp, codes.confNak, '0104 0500');
  m.run(60_000);
  const at = m.news().map((s) => s.at);
  assert.deepEqual(at, [0, 500, 1500, 2000, 2500, 3500, 5500, 8000, 10_500]);
  assert.equal(m.now, 62_000);
  assert.equal(m.why, 'lcp: no answer to 6 requests');
});

test('4.6 one number is the period of all: RFC 1661 as it stands', () => {
  const timers = { ...defaultTimers, restart_timer_ms: 3000, restart_max_ms: 3000 };
  const m = new Solo(config({ timers }));
  m.run(60_000);
  assert.deepEqual(
    m.sent.map((s) => s.at),
    Array.from({ length: 10 }, (_, i) => 3000 * i),
  );
});

test('4.6 Max-Terminate: so many Terminate-Requests to a peer that is gone, then the end', () => {
  for (const max_terminate of [1, 2, 4]) {
    const m = new Solo(config({ timers: { ...defaultTimers, max_terminate } })).openLcp();
    m.news();
    m.command({ do: 'close', why: 'bye' });
    m.run(60_000);
    assert.equal(m.lines().filter((l) => l.startsWith('lcp TermReq')).length, max_terminate);
    assert.equal(m.why, 'bye');
    assert.equal(m.peer.ppp.phase, 'Dead');
  }
});

test('4.6 Max-Failure: so many Naks, then Rejects, so that it ends', () => {
  const max_failure = 3;
  const timers = { ...defaultTimers, max_failure };
  const m = new Solo(config({ lcp: { accept: [chap] }, timers }));
  m.news();
  for (let id = 1; id <= 5; id++) m.say(lcp, codes.confReq, id, '0304 c023');
  const answers = m.lines().map((l) => l.split(' ')[1]);
  assert.deepEqual(answers, ['ConfNak', 'ConfNak', 'ConfNak', 'ConfRej', 'ConfRej']);
});

test('5 an Identifier of any value, 255 too, is a request like others', () => {
  for (const id of [0, 1, 255]) {
    const m = client();
    m.reply(lcp);
    m.news();
    m.say(lcp, codes.confReq, id, ours);
    assert.equal(m.news()[0]?.id, id);
    assert.ok(m.peer.ppp.lcp.opened);
  }
});

test('5 what follows Length is padding; a Length beyond the packet drops it', () => {
  const m = client();
  m.reply(lcp);
  m.news();
  const raw = (text: string) => m.receive(packetOf(bytes(text)));
  raw('c021 01 07 000a 0506 11223344 ffff ffff');
  assert.equal(m.lines()[0], 'lcp ConfAck magic 11223344');
  raw('c021 01 08 00ff 0506 11223344');
  assert.deepEqual(m.lines(), []);
  assert.equal(m.counted('badlength'), 1);
});

test('5.1 the Identifier changes with the options and after a valid answer, else it stays', () => {
  const m = client();
  const first = m.request(lcp).id;
  m.run(1000);
  assert.equal(m.request(lcp).id, first, 'a retransmission');
  m.reply(lcp);
  assert.equal(m.peer.ppp.lcp.state, 'Ack-Rcvd');
  m.run(3000);
  assert.equal(m.peer.ppp.lcp.state, 'Req-Sent');
  assert.notEqual(m.request(lcp).id, first, 'that one has been answered');
  const second = m.request(lcp).id;
  m.reply(lcp, codes.confNak, '0506 aaaaaaaa');
  assert.notEqual(m.request(lcp).id, second, 'other options');
});

test('5.2 to 5.4 an answer to nothing, or that is not about what was asked, changes nothing', () => {
  const cases: readonly [number, number, string, string][] = [
    [codes.confAck, 1, '', 'stalereply'],
    [codes.confAck, 0, '0506 deadbeef', 'badreply'],
    [codes.confAck, 0, '', 'badreply'],
    [codes.confRej, 0, '0702', 'badreply'],
    [codes.confRej, 0, '0506 deadbeef', 'badreply'],
    [codes.confNak, 0, '', 'badreply'],
    [codes.confNak, 0, '05', 'badoption'],
  ];
  for (const [code, wrong, body, reason] of cases) {
    const m = client();
    const id = (m.request(lcp).id + wrong) & 0xff;
    m.news();
    m.say(lcp, code, id, body);
    assert.equal(m.counted(reason), 1, reason);
    assert.deepEqual([m.peer.ppp.lcp.state, m.lines()], ['Req-Sent', []]);
    m.reply(lcp);
    assert.equal(m.peer.ppp.lcp.state, 'Ack-Rcvd', 'the right one still counts');
  }
});

test('5.3 the order of a Nak is that of the request; what is missing comes last', () => {
  const m = new Solo(config({ lcp: { accept: [chap] } }));
  m.news();
  m.say(lcp, codes.confReq, 1, '0304 c023 0104 0010 0506 00000000');
  assert.match(m.lines()[0] ?? '', /^lcp ConfNak auth chap mru 128 magic [0-9a-f]{8}$/);
});

test('5.4 Rejects go alone, each option as it came: FCS-Alternatives and all that nobody knows', () => {
  const m = new Solo(config({ lcp: { accept: [chap] } }));
  m.news();
  const strange = '0903 07 0d03 06 1104 05dc 1309 01 c0a80001 0000 fe06 01020304 0702';
  m.say(lcp, codes.confReq, 1, `0304 c023 ${strange} 0506 11223344`);
  const [answer] = m.news();
  assert.equal(answer?.code, codes.confRej);
  assert.equal(answer?.body, strange.replaceAll(' ', ''));
});

test('5.4 an option that comes twice is rejected the second time; one of a wrong length Nakked', () => {
  const m = client();
  m.news();
  m.say(lcp, codes.confReq, 1, '0104 05d4 0104 05d0');
  m.say(lcp, codes.confReq, 2, '0103 05');
  m.say(lcp, codes.confReq, 3, '0203 00');
  assert.deepEqual(m.lines(), [
    'lcp ConfRej mru 1488',
    'lcp ConfNak mru 1500',
    'lcp ConfNak accm 00000000',
  ]);
});

test('5.5 a Terminate-Request is answered, and the link ends within its time', () => {
  const m = client().openLcp();
  m.news();
  m.say(lcp, codes.termReq, 42, '6e6967687421');
  assert.deepEqual([m.lines(), m.sent.at(-1)?.id], [['lcp TermAck'], 42]);
  m.run(2000);
  assert.equal(m.why, 'lcp: terminated by peer: night!');
  assert.equal(m.peer.ppp.phase, 'Dead');
});

test('5.6 an unknown code is rejected, cut to what the peer takes', () => {
  const m = client();
  m.reply(lcp);
  m.say(lcp, codes.confReq, 1, '0104 0080');
  m.news();
  m.say(lcp, 99, 5, 'ab'.repeat(300));
  const [answer] = m.news();
  assert.equal(m.counted('unknowncode'), 1);
  assert.match(answer?.line ?? '', /^lcp CodeRej 6305/);
  assert.equal((answer?.body.length ?? 0) / 2, 128 - 4);
});

test('5.6 a Code-Reject of what all need ends an NCP, and only that', () => {
  const m = client().openNetwork();
  m.say(ipv6cp, codes.codeRej, 1, '01 01 0004');
  assert.equal(m.stateOf('ipv6cp'), 'Stopping');
  assert.equal(last(m.events, 'ipv6down')?.why, 'ipv6cp went down');
  m.run(5000);
  assert.equal(last(m.events, 'ipv6down')?.why, 'ipv6cp: peer rejects ConfReq');
  assert.deepEqual([m.stateOf('ipcp'), m.peer.ppp.phase, m.why], ['Opened', 'Network', undefined]);
  m.say(ipcp, codes.codeRej, 1, '0f 01 0004');
  assert.equal(m.stateOf('ipcp'), 'Opened', 'a code that nobody needs');
});

test('5.7 a Protocol-Reject ends an NCP, also one of its packets; LCP and link stay', () => {
  for (const rejected of ['8057', '0057']) {
    const m = client().openNetwork();
    m.say(lcp, codes.protRej, 1, `${rejected} 01020304`);
    m.run(5000);
    assert.equal(last(m.events, 'ipv6down')?.why, 'peer rejects ipv6cp');
    assert.deepEqual([m.stateOf('ipcp'), m.peer.ppp.phase], ['Opened', 'Network']);
  }
});

test('5.7 of LCP itself: the end; before LCP is Opened: nothing', () => {
  const m = client();
  m.say(lcp, codes.protRej, 1, 'c021 01020304');
  assert.equal(m.peer.ppp.lcp.state, 'Req-Sent');
  m.openLcp();
  m.say(lcp, codes.protRej, 2, 'c021 01020304');
  m.run(5000);
  assert.equal(m.why, 'peer rejects lcp');
});

test('5.7 an unknown protocol is rejected once we are Opened, cut to what the peer takes', () => {
  const m = client();
  m.news();
  m.say(0x80cd, 1, 1, '0102');
  assert.deepEqual(m.lines(), []);
  m.reply(lcp);
  m.say(lcp, codes.confReq, 1, '0104 0080');
  m.news();
  m.say(0x80cd, 1, 1, '00'.repeat(500));
  const [answer] = m.news();
  assert.equal(answer?.line, 'lcp ProtRej 80cd');
  assert.equal((answer?.body.length ?? 0) / 2, 128 - 4);
});

test('5.8 an Echo-Request is answered with our magic number; a short one with nothing', () => {
  const m = client().openLcp();
  const magic = m.request(lcp).body.slice(4);
  m.news();
  m.say(lcp, codes.echoReq, 9, '11223344 616263');
  assert.equal(m.news()[0]?.body, `${magic}616263`);
  m.say(lcp, codes.echoReq, 9, '1122');
  m.say(lcp, codes.echoReq, 9);
  assert.deepEqual(m.lines(), []);
  assert.equal(m.counted('badlength'), 2);
});

test('5.8 and 5.9 Echo and Discard mean nothing before LCP is Opened, and are not rejected', () => {
  const m = client();
  m.news();
  for (const code of [codes.echoReq, codes.echoReply, codes.discardReq])
    m.say(lcp, code, 1, '11223344');
  assert.deepEqual(m.lines(), []);
});

test('6.1 an MRU that is suggested is taken if we can, else not spoken of', () => {
  for (const [hint, next] of [
    ['0578', 'lcp ConfReq mru 1400'],
    ['0040', 'lcp ConfReq'],
    ['2000', 'lcp ConfReq'],
  ] as const) {
    const m = new Solo(config({ lcp: { mru: 1492, magic: false } }));
    m.reply(lcp, codes.confNak, `0104 ${hint}`);
    assert.equal(m.lines().at(-1), next);
  }
});

test('RFC 1662 7.1 a Nak adds to the character map; one that is repeated does not go on for ever', () => {
  const m = new Solo(config({ lcp: { accm: 0x000a0000, magic: false } }));
  m.reply(lcp, codes.confNak, '0206 00000005');
  assert.equal(m.lines().at(-1), 'lcp ConfReq accm 000a0005');
  for (let i = 0; i < 5; i++) m.reply(lcp, codes.confNak, '0206 00000005');
  assert.equal(m.lines().at(-1), 'lcp ConfReq');
  m.reply(lcp);
  assert.equal(m.peer.ppp.agreed.receiveAccm, 0xffffffff, 'nothing agreed: all are escaped');
});

test('6.2 a server never opens without the authentication that it was told to demand', () => {
  const refusals: readonly [string, (m: Solo) => void][] = [
    ['rejected', (m) => m.reply(lcp, codes.confRej)],
    ['another suggested', (m) => m.reply(lcp, codes.confNak, '0304 c023')],
    ['nonsense suggested', (m) => m.reply(lcp, codes.confNak, '0303 c0')],
  ];
  for (const [what, refuse] of refusals) {
    const m = new Solo(server({ lcp: { demand: [chap], magic: false } }));
    m.say(lcp, codes.confReq, 1, ours);
    m.news();
    refuse(m);
    const sent = m.lines();
    assert.equal(sent.length, 1, what);
    assert.match(sent[0] ?? '', /^lcp TermReq 'lcp: peer refuses/, what);
    m.run(5000);
    assert.match(m.why ?? '', /^lcp: peer refuses to authenticate itself/, what);
    assert.equal(last(m.events, 'link'), undefined, what);
  }
});

test('6.2 of several, the next one is demanded; after the last the link ends', () => {
  const m = new Solo(server({ lcp: { demand: [chap, pap], magic: false } }));
  m.reply(lcp, codes.confNak, '0305 c223 80');
  assert.equal(m.lines().at(-1), 'lcp ConfReq auth pap');
  m.reply(lcp, codes.confNak, '0305 c223 81');
  assert.match(m.lines().at(-1) ?? '', /TermReq/);
});

test('6.4 a magic number of zero is Nakked, our own too; another is taken', () => {
  const m = client();
  const magic = m.request(lcp).body.slice(4);
  m.news();
  m.say(lcp, codes.confReq, 1, '0506 00000000');
  m.say(lcp, codes.confReq, 2, `0506 ${magic}`);
  m.say(lcp, codes.confReq, 3, '0506 00000001');
  const lines = m.lines();
  assert.match(lines[0] ?? '', /^lcp ConfNak magic (?!00000000)/);
  assert.match(lines[1] ?? '', new RegExp(`^lcp ConfNak magic (?!${magic})`));
  assert.equal(lines[2], 'lcp ConfAck magic 00000001');
});

test('6.5 and 6.6 a flag is agreed to or rejected, never Nakked', () => {
  for (const on of [true, false]) {
    const m = new Solo(config({ lcp: { pfc: on, acfc: on } }));
    m.news();
    m.say(lcp, codes.confReq, 1, '0702 0802');
    assert.equal(m.lines()[0], `lcp Conf${on ? 'Ack' : 'Rej'} pfc acfc`);
  }
});

test('RFC 1570: Identification and Time-Remaining are logged, neither answered nor rejected', () => {
  const m = client();
  m.news();
  m.say(lcp, codes.identification, 1, '00000000 626f78');
  m.openLcp();
  m.news();
  m.say(lcp, codes.identification, 2, '11223344 626f78');
  m.say(lcp, codes.timeRemaining, 3, '11223344 0000003c 736f6f6e');
  m.say(lcp, codes.identification, 4);
  assert.deepEqual(m.lines(), []);
  const logged = m.events.flatMap((e) =>
    e.is === 'log' && e.line.includes('peer:') ? [e.line] : [],
  );
  assert.equal(logged.length, 4);
  assert.match(logged[1] ?? '', /Identification id 2 len 11 magic 11223344 'box'/);
  assert.match(logged[2] ?? '', /TimeRemaining .* seconds 60/);
});

test('RFC 1570: an Identification of ours has our magic number and fits the peer', () => {
  const m = client();
  m.command({ do: 'identify', text: 'too early' });
  m.openLcp('0104 0080');
  const magic = m.request(lcp).body.slice(4);
  m.news();
  m.command({ do: 'identify', text: 'slashnet 1' });
  assert.deepEqual(m.lines(), [`lcp Identification magic ${magic} 'slashnet 1'`]);
  m.command({ do: 'identify', text: 'x'.repeat(500) });
  assert.equal((m.news()[0]?.body.length ?? 0) / 2, 128 - 4);
});
