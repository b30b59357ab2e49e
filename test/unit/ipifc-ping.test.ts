/** The machine that pings: at an interval, each answer once, and none of another's. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Packet, packetOf } from '@9p/packet';
import { answerEcho, parseEcho } from '../../plugins/ipifc/icmp.js';
import { type Ip, parseIp } from '../../plugins/ipifc/ip.js';
import { answer_timeout_ms, type PingEvent, PingMachine } from '../../plugins/ipifc/machine.js';
import { fuzzIterations, SeededRandom, samples } from '../kit/index.js';

const ip = (s: string): Ip => parseIp(s) as Ip;

function pinging(count: number, interval_ms = 100, random = new SeededRandom(1)) {
  const m = new PingMachine(random);
  const sent: { at: number; packet: Packet }[] = [];
  const events: PingEvent[] = [];
  const drain = (at: number): void => {
    for (let o = m.poll(); o !== undefined; o = m.poll())
      if (o.do === 'send') sent.push({ at, packet: o.packet });
      else events.push(o.event);
  };
  const ping = { src: ip('10.0.0.1'), dst: ip('10.0.0.2'), count, interval_ms, size: 56 };
  m.command({ do: 'start', ping }, 0);
  drain(0);
  const run = (until: number): void => {
    while (m.deadline() <= until) {
      const at = m.deadline();
      m.timeout(at);
      drain(at);
    }
  };
  const answer = (i: number, at: number): void => {
    m.receive(replyTo(sent[i]!.packet), at);
    drain(at);
  };
  return { m, sent, events, run, answer, drain };
}
function replyTo(p: Packet): Packet {
  const r = packetOf(p.bytes());
  const e = parseEcho(r.buf, r.start, r.end);
  assert.ok(typeof e !== 'string');
  answerEcho(r.buf, r.start, e);
  return r;
}
const texts = (events: readonly PingEvent[]): string[] => events.map((e) => e.text);

test('requests at their interval; the last answer ends it', () => {
  const p = pinging(3);
  p.answer(0, 1.25);
  p.run(200);
  assert.deepEqual(
    p.sent.map((s) => s.at),
    [0, 100, 200],
  );
  p.answer(2, 203);
  p.answer(1, 204);
  assert.deepEqual(texts(p.events), [
    '64 bytes from 10.0.0.2: icmp_seq=1 ttl=64 time=1.250 ms',
    '64 bytes from 10.0.0.2: icmp_seq=3 ttl=64 time=3.000 ms',
    '64 bytes from 10.0.0.2: icmp_seq=2 ttl=64 time=104.000 ms',
    '3 packets transmitted, 3 received, 0% packet loss\nrtt min/avg/max 1.250/36.083/104.000 ms',
  ]);
  assert.equal(p.m.deadline(), Number.POSITIVE_INFINITY);
});

test('who does not answer is waited for once, after the last request', () => {
  const p = pinging(2);
  p.run(10_000);
  assert.deepEqual(texts(p.events), ['2 packets transmitted, 0 received, 100% packet loss']);
  assert.equal(p.sent.length, 2);
  assert.equal(p.m.deadline(), Number.POSITIVE_INFINITY);
  const early = pinging(1);
  early.m.timeout(answer_timeout_ms - 1);
  early.drain(0);
  assert.deepEqual(early.events, []);
});

test('an answer that comes twice, late, or is to another counts for nothing', () => {
  const p = pinging(2);
  p.answer(0, 5);
  p.answer(0, 6);
  const others = pinging(2, 100, new SeededRandom(9));
  p.m.receive(replyTo(others.sent[0]!.packet), 7);
  p.m.receive(p.sent[0]!.packet, 8); // our own request, looped
  p.drain(8);
  assert.equal(p.events.length, 1);
  p.m.command({ do: 'stop' }, 9);
  p.answer(1 - 1, 10);
  assert.equal(p.events.length, 1);
  assert.equal(p.m.deadline(), Number.POSITIVE_INFINITY);
});

test('any packet is taken', () => {
  const p = pinging(1000, 10);
  const good = replyTo(p.sent[0]!.packet).bytes().slice();
  for (const b of samples(3, fuzzIterations(), [good])) p.m.receive(packetOf(b), 1);
  p.drain(1);
  assert.ok(p.events.length <= 1);
});
