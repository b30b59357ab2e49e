/** Echo keepalive: what counts as life, and what is still asked. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type EchoConfig, Keepalive, measured } from '../../plugins/ppp/keepalive.js';

const echo: EchoConfig = { echo_interval_ms: 1000, echo_failures: 3, echo_adaptive: true };

class Bench {
  heard = 0;
  readonly ids: number[] = [];
  readonly keepalive: Keepalive;
  now = 0;
  constructor(o: Partial<EchoConfig> = {}) {
    const send = (id: number) => void this.ids.push(id);
    this.keepalive = new Keepalive({ ...echo, ...o }, send, () => this.heard);
    this.keepalive.start(0);
  }
  /** The next tick; true: gone. */
  tick(): boolean {
    this.now = this.keepalive.deadline();
    return this.keepalive.timeout(this.now);
  }
  answer(after_ms: number, id = this.ids.at(-1) ?? -1): void {
    this.heard++;
    this.keepalive.reply(id, this.now + after_ms);
  }
}

test('a silent peer is gone one interval after the last request that it may leave unanswered', () => {
  const b = new Bench();
  assert.deepEqual([b.tick(), b.tick(), b.tick(), b.tick()], [false, false, false, true]);
  assert.deepEqual([b.now, b.ids.length, b.keepalive.deadline()], [4000, 3, Infinity]);
});

test('adaptive: nothing is asked while packets come, but one in so many; silence is asked at once', () => {
  const b = new Bench();
  for (let i = 1; i <= 3 * measured; i++) {
    b.heard += 5;
    assert.equal(b.tick(), false);
    assert.equal(b.ids.length, Math.floor(i / measured));
  }
  b.tick();
  assert.equal(b.ids.length, 4);
});

test('always: it is asked under traffic too, and traffic is life all the same', () => {
  const b = new Bench({ echo_adaptive: false });
  for (let i = 1; i <= 20; i++) {
    b.heard++;
    assert.equal(b.tick(), false);
    assert.equal(b.ids.length, i);
  }
});

test('the answers alone are no traffic: an idle link is asked each time', () => {
  const b = new Bench();
  for (let i = 1; i <= 20; i++) {
    b.tick();
    b.answer(10);
    assert.equal(b.ids.length, i);
  }
});

test('round trips: last, least, most and their sum; answers to older requests measure nothing', () => {
  const b = new Bench();
  for (const ms of [20, 5, 35]) {
    b.tick();
    b.answer(ms);
  }
  b.tick();
  b.answer(1, b.ids[0]);
  b.answer(8);
  b.answer(9);
  assert.deepEqual(b.keepalive.rtt, { last: 8, min: 5, max: 35, sum: 68, count: 4 });
});
