/** EAP's two machines alone: what they do with requests and replies out of their place, and how
 *  long they wait. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { concat, hex, utf8 } from '@9p/packet';
import type {
  Answer,
  AuthHost,
  AuthTimers,
  Need,
  Unnumbered,
} from '../../plugins/ppp/authentication.js';
import { protocols } from '../../plugins/ppp/codes.js';
import { EapAuthenticator, EapPeer } from '../../plugins/ppp/eap.js';
import { eapMethodsOf, namedMethods, withOneEap } from '../../plugins/ppp/eapmethods.js';
import type { Control } from '../../plugins/ppp/wire.js';

const timers: AuthTimers = { restart_timer_ms: 3000, tries: 10, attempts: 3, rechallenge_ms: 0 };
const [md5, mschapv2] = [4, 26];

/** Notes what a machine does. */
class Host implements AuthHost {
  readonly sent: string[] = [];
  readonly needs: Unnumbered<Need>[] = [];
  readonly counted: string[] = [];
  readonly said: string[] = [];
  send(c: Control): void {
    this.sent.push(`${c.code} ${c.id} ${hex(c.body)}`.trimEnd());
  }
  need(n: Unnumbered<Need>): void {
    this.needs.push(n);
  }
  count(reason: string): void {
    this.counted.push(reason);
  }
  done(ok: boolean, message: string, user: string): void {
    this.said.push(`${ok ? 'ok' : 'no'} ${user} ${message}`.trimEnd());
  }
  failed(message: string, user: string): void {
    this.said.push(`again ${user} ${message}`);
  }
}
type EapAnswer = Omit<Extract<Answer, { is: 'eap' }>, 'n' | 'is'>;
const answered = (a: EapAnswer): Answer => ({ n: 0, is: 'eap', ...a });
const bytesOf = (body: readonly (number | Uint8Array)[]): Uint8Array =>
  concat(...body.map((b) => (typeof b === 'number' ? [b] : b)));
const packet = (
  code: number,
  id: number,
  ...body: readonly (number | Uint8Array)[]
): Uint8Array => {
  const b = bytesOf(body);
  return concat([code, id, 0, 4 + b.length], b);
};

// We are asked --------------------------------------------------------------------------------

function peer(types?: readonly number[], ours?: Uint8Array) {
  const host = new Host();
  const machine = new EapPeer(host, timers, eapMethodsOf(types), () => ours);
  machine.start(0);
  const say = (code: number, id: number, ...body: (number | Uint8Array)[]): void =>
    machine.receive({ code, id, body: bytesOf(body) }, 1000);
  const answer = (a: EapAnswer): void => machine.answer(answered(a));
  return { host, machine, say, answer };
}
/** A peer that has answered a first request of the method. */
function answering(type = mschapv2) {
  const p = peer();
  p.say(1, 1, type, 1, 1, 0, 4);
  p.answer({ packet: packet(2, 1, type, 9), user: utf8('glenda') });
  return p;
}

test('peer: once done nothing has a timer, and the link stays whatever is asked', () => {
  const { host, machine, say, answer } = answering();
  assert.equal(machine.deadline(), 1000 + 30_000);
  say(3, 2);
  answer({ ended: true });
  assert.deepEqual(host.said, ['ok glenda']);
  say(1, 3, 2, utf8('a notification'));
  say(1, 4, 1);
  answer({ identity: true, user: utf8('glenda') });
  say(1, 5, mschapv2, 1, 1, 0, 4);
  answer({ packet: packet(2, 5, mschapv2, 9) });
  assert.deepEqual(host.sent.slice(1), ['2 3 02', `2 4 01${hex(utf8('glenda'))}`, '2 5 1a09']);
  assert.equal(machine.deadline(), Number.POSITIVE_INFINITY);
  say(3, 6);
  answer({ ended: true });
  assert.deepEqual(host.said, ['ok glenda'], 'told once');
  say(4, 7);
  assert.deepEqual(host.said.slice(1), ['no glenda peer says failure']);
});

test('peer: a method once answered is kept to until the end', () => {
  const { host, say, answer } = answering();
  const needs = host.needs.length;
  say(1, 2, md5, 16, new Uint8Array(16));
  say(1, 3, 13, 0x20);
  assert.deepEqual(host.counted, ['eapmethod', 'eapmethod']);
  assert.deepEqual([host.needs.length, host.sent.length], [needs, 1]);
  say(1, 4, mschapv2, 3, 1, 0, 4);
  answer({ packet: packet(2, 4, mschapv2, 3) });
  say(3, 200); // another identifier: pppd's
  answer({ ended: true });
  say(1, 5, md5, 16, new Uint8Array(16));
  assert.deepEqual(host.needs.at(-1), {
    need: 'eappeer',
    proto: 'eap-md5',
    packet: packet(1, 5, md5, 16, new Uint8Array(16)),
  });
});

test('peer: a method of which auth made nothing binds nobody', () => {
  const { host, say, answer } = peer();
  say(1, 1, mschapv2, 9, 9);
  answer({});
  assert.deepEqual(host.counted, ['eapbotch']);
  say(1, 2, md5, 16, new Uint8Array(16));
  assert.equal(host.needs.length, 2);
});

test('peer: Success before any method, and a Nak as a request, are nothing', () => {
  const { host, machine, say, answer } = peer();
  say(1, 1, 1);
  assert.deepEqual(host.needs, [{ need: 'eapidentity', protos: ['eap-mschapv2', 'eap-md5'] }]);
  answer({ identity: true, user: utf8('glenda') });
  say(3, 1);
  say(1, 2, 3, md5);
  machine.indicated();
  assert.deepEqual(host.counted, ['eapbotch', 'eapbotch']);
  assert.deepEqual([host.needs.length, host.said.length], [1, 0]);
});

test('peer: methods that are not allowed are refused with those that are', () => {
  const { host, say } = peer([md5]);
  say(1, 1, mschapv2, 1, 1, 0, 4);
  assert.deepEqual(host.sent, ['2 1 0304']);
  say(1, 2, 1);
  assert.deepEqual(host.needs, [{ need: 'eapidentity', protos: ['eap-md5'] }]);
});

test('peer: what the method says of the failure is the reason; R=1 needs another key', () => {
  const texts: readonly [said: string, why: string][] = [
    ['E=691 R=0 C=00 V=3 M=No', 'wrong name or password (691): No'],
    ['E=691 R=1 C=00 V=3 M=No', 'wrong name or password (691): No; no other key to try'],
    ['E=648 R=0 V=3', 'the password has expired (648)'],
  ];
  for (const [said, why] of texts) {
    const { host, say, answer } = answering();
    say(1, 2, mschapv2, 4, 1, 0, 4 + said.length, utf8(said));
    answer({ packet: packet(2, 2, mschapv2, 4) });
    say(4, 2);
    assert.deepEqual(host.said, [`no glenda ${why}`]);
  }
});

test('peer: our own challenge is not answered', () => {
  const ours = Uint8Array.from({ length: 16 }, (_, i) => i);
  for (const body of [
    [md5, 16, ours, 1],
    [mschapv2, 1, 5, 0, 21, 16, ours],
  ]) {
    const { host, say } = peer(undefined, ours);
    say(1, 1, ...body);
    assert.deepEqual(host.said, ['no  peer sends our own challenge back']);
    assert.equal(host.needs.length, 0);
  }
});

test('peer: it is not asked without an end', () => {
  const { host, say, answer } = peer();
  for (let i = 0; i < 100; i++) say(1, i, 2, i);
  assert.deepEqual([host.sent.length, host.said.length], [100, 0]);
  say(1, 100, 2, 100);
  assert.deepEqual(host.said, ['no  the peer asks without an end']);
  answer({});
});

// We ask --------------------------------------------------------------------------------------

/** One that has asked by its first method, with identifier 7, at 1000. */
function asking(types?: readonly number[], t: Partial<AuthTimers> = {}) {
  const host = new Host();
  const machine = new EapAuthenticator(host, { ...timers, ...t }, eapMethodsOf(types), 1);
  machine.start(0);
  const say = (id: number, now: number, ...body: (number | Uint8Array)[]): void =>
    machine.receive({ code: 2, id, body: bytesOf(body) }, now);
  const answer = (a: EapAnswer, now: number): void => machine.answer(answered(a), now);
  say(1, 1000, 1, utf8('glenda'));
  const type = types?.[0] ?? mschapv2;
  answer({ packet: packet(1, 7, type, 1) }, 1000);
  return { host, machine, say, answer };
}

test('server: replies that make no sense win no time', () => {
  const { host, machine, say, answer } = asking();
  let now = 1000;
  for (; host.said.length === 0; now += 1000) {
    assert.ok(now < 40_000, 'Authenticate is held open');
    say(7, now, mschapv2, 99);
    answer({}, now);
    if (now >= machine.deadline()) machine.timeout(now);
  }
  assert.deepEqual(host.said, ['no glenda no answer to 10 requests']);
  assert.ok(host.counted.every((c) => c === 'eapbotch') && host.counted.length > 25);
});

test('server: a Nak is an answer to the first request alone', () => {
  const { host, machine, say, answer } = asking();
  say(7, 1500, mschapv2, 2);
  answer({ packet: packet(1, 8, mschapv2, 3) }, 1500);
  const due = machine.deadline();
  say(8, 2000, 3, md5);
  assert.deepEqual([host.counted, machine.deadline()], [['eapbotch'], due]);
  assert.equal(host.needs.length, 2);
  const first = asking();
  first.say(7, 1500, 3, 13, md5);
  const want = { need: 'eapserver', proto: 'eap-md5', user: 'glenda', attempts: 3 };
  assert.deepEqual(first.host.needs.at(-1), want);
  first.answer({ packet: packet(1, 9, md5, 16, new Uint8Array(16)) }, 1500);
  first.say(9, 1600, 3, mschapv2);
  assert.deepEqual(first.host.said, ['no glenda peer has none of our methods'], 'not again');
});

test('server: only what is allowed is asked, and none in its place', () => {
  const { host, say } = asking([md5]);
  assert.deepEqual(
    host.needs.map((n) => n.need === 'eapserver' && 'proto' in n && n.proto),
    ['eap-md5'],
  );
  say(7, 1500, 3, mschapv2);
  assert.deepEqual(host.sent.slice(2), ['4 7']);
});

test('server: a failed attempt is told at once, the verdict at the end', () => {
  const { host, say, answer } = asking();
  const refusal = utf8('E=691 R=1 C=00 V=3 M=x');
  say(7, 1500, mschapv2, 2);
  answer({ packet: packet(1, 8, mschapv2, 4, 7, 0, 4 + refusal.length, refusal) }, 1500);
  assert.deepEqual(host.said, ['again glenda authentication failed']);
  say(8, 2000, mschapv2, 4);
  answer({ packet: packet(4, 8) }, 2000);
  assert.deepEqual(host.said.slice(1), ['no glenda authentication failed']);
});

test('server: proof again after the interval, by the same method, in one attempt', () => {
  const { host, machine, say, answer } = asking([md5, mschapv2], { rechallenge_ms: 60_000 });
  say(7, 1500, md5, 16, new Uint8Array(16));
  answer({ packet: packet(3, 7) }, 1500);
  assert.equal(machine.deadline(), 61_500);
  say(7, 2000, md5, 16, new Uint8Array(16));
  assert.equal(host.sent.at(-1), '3 7', 'Success again, as it may have been lost');
  machine.timeout(61_500);
  const want = { need: 'eapserver', proto: 'eap-md5', user: 'glenda', attempts: 1 };
  assert.deepEqual(host.needs.at(-1), want);
  answer({ packet: packet(1, 50, md5, 16, new Uint8Array(16)) }, 61_500);
  assert.equal(machine.deadline(), 64_500);
  say(50, 62_000, md5, 16, new Uint8Array(16));
  answer({ packet: packet(4, 50) }, 62_000);
  assert.deepEqual(host.said, ['ok glenda', 'no glenda authentication failed']);
});

test('several names of EAP are one option of LCP, in the order that was given', () => {
  const named = (...names: string[]) =>
    withOneEap(names.map((n) => namedMethods.find((m) => m.name === n) ?? assert.fail(n))).map(
      (m) => `${m.name}${m.protocol === protocols.eap ? ` ${m.types ?? 'all'}` : ''}`,
    );
  assert.deepEqual(named('chap', 'eap-md5', 'pap'), ['chap', 'eap-md5 4', 'pap']);
  assert.deepEqual(named('eap-md5', 'chap', 'eap-mschapv2'), ['eap 4,26', 'chap']);
  assert.deepEqual(named('pap', 'eap-md5', 'eap'), ['pap', 'eap all']);
  assert.deepEqual(
    eapMethodsOf([md5, mschapv2]).map((m) => m.name),
    ['eap-md5', 'eap-mschapv2'],
  );
});
