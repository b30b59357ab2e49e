/** The kit itself: what other tests lean on. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hex, type Packet, packetOf, u8 } from '@9p/packet';
import type { Machine, Ms, Output } from 'slashnet/core';
import * as kit from '../kit/index.js';

test('timers ring in order of time, then of setting, and time stands there', () => {
  const clock = new kit.VirtualClock();
  const rung: string[] = [];
  const note = (s: string) => () => rung.push(`${s}@${clock.now()}`);
  clock.after(20, note('late'));
  clock.after(10, note('first'));
  clock.after(10, note('second'));
  clock.after(5, note('stopped')).stop();
  clock.after(10, () => clock.after(0, note('nested')));
  clock.advance(15);
  assert.deepEqual(rung, ['first@10', 'second@10', 'nested@10']);
  assert.equal(clock.now(), 15);
  assert.equal(clock.deadline(), 20);
});

test('a timer that is set again and again without time passing is found out', () => {
  const clock = new kit.VirtualClock();
  const again = () => void clock.after(0, again);
  again();
  assert.throws(() => clock.advance(1), /time does not pass/);
});

test('run lets promises run between two timers', async () => {
  const clock = new kit.VirtualClock();
  const seen: string[] = [];
  clock.after(1, () => void Promise.resolve().then(() => seen.push('hop')));
  clock.after(2, () => seen.push('second timer'));
  await clock.run(10);
  assert.deepEqual(seen, ['hop', 'second timer']);
});

test('until moves time to where the promise is settled and no further', async () => {
  const clock = new kit.VirtualClock();
  const p = new Promise<string>((done) => clock.after(30_000, () => done('up')));
  clock.after(90_000, () => {});
  assert.equal(await clock.until(p), 'up');
  assert.equal(clock.now(), 30_000);
  await assert.rejects(clock.until(Promise.reject(new Error('refused'))), /refused/);
});

test('what hangs on real I/O fails instead of waiting for it', async () => {
  const clock = new kit.VirtualClock();
  const real = new Promise((done) => setTimeout(done, 50));
  await assert.rejects(clock.until(real), /no timer set: real I\/O/);
  const endless = () => void clock.after(1000, endless);
  endless();
  await assert.rejects(clock.until(new Promise(() => {}), 5000), /still pending at 5000 ms/);
  await real;
});

test('the same seed gives the same numbers, another one others', () => {
  const first = (seed: number) => hex(new kit.SeededRandom(seed).bytes(16));
  assert.equal(first(7), first(7));
  const beginnings = new Set(Array.from({ length: 1000 }, (_, seed) => first(seed)));
  assert.equal(beginnings.size, 1000);
});

test('random numbers are spread evenly enough', () => {
  const r = new kit.SeededRandom(1);
  const counts = new Array<number>(10).fill(0);
  for (let i = 0; i < 10_000; i++) counts[r.below(10)]!++;
  for (const n of counts) assert.ok(n > 850 && n < 1150, `counts ${counts}`);
  let hits = 0;
  for (let i = 0; i < 10_000; i++) if (r.chance(20)) hits++;
  assert.ok(hits > 1850 && hits < 2150, `chance(20) came ${hits} times in 10000`);
  assert.equal(r.chance(0), false);
  assert.equal(r.chance(100), true);
});

test('samples repeat with their seed, begin with the corpus and mutate it', () => {
  const corpus = [kit.bytes('01 02 03 04 05 06 07 08'), kit.bytes('ff')];
  const all = (seed: number) => [...kit.samples(seed, 500, corpus)].map((b) => hex(b));
  assert.deepEqual(all(3), all(3));
  assert.notDeepEqual(all(3), all(4));
  assert.deepEqual(all(3).slice(0, 2), ['0102030405060708', 'ff']);
  assert.ok(new Set(all(3)).size > 300, 'mostly unlike one another');
  assert.equal(hex(corpus[0]!), '0102030405060708', 'the corpus itself is untouched');
  assert.equal([...kit.samples(1, 100)].length, 100);
});

test('bytes reads hex with comments', () => {
  assert.equal(hex(kit.bytes('c0 21 # LCP\n01\t02 # id')), 'c0210102');
  assert.throws(() => kit.bytes('c02'), /bad hex/);
});

test('emitted sees what is written outside, and what is left unset', () => {
  const one = (b: Uint8Array, o: number) => {
    b[o] = 1;
  };
  assert.equal(hex(kit.emitted(2, one)), '01a5');
  assert.throws(() => kit.emitted(1, (b, o) => void (b[o + 1] = 1)), /wrote outside, at 1/);
  assert.throws(() => kit.emitted(1, (b, o) => void (b[o - 1] = 1)), /wrote outside, at -1/);
  assert.throws(() => kit.emitted(1, () => 2), /emit says 2 bytes/);
});

test('cuts are all the beginnings', () => {
  assert.deepEqual(
    [...kit.cuts(kit.bytes('010203'))].map((b) => hex(b)),
    ['', '01', '0102'],
  );
});

test('embedded puts bytes amid noise', () => {
  const { buf, start, end } = kit.embedded(kit.bytes('0102'));
  assert.equal(hex(buf.subarray(start - 1, end + 1)), 'a50102a5');
});

/** Sends its number once a second until the other has answered with the same one. */
class Asker implements Machine<'go', 'answered'> {
  readonly seen: number[] = [];
  held: Packet | undefined;
  readonly #out: Output<'answered'>[] = [];
  #at: Ms = Number.POSITIVE_INFINITY;
  #n = 0;

  command(_c: 'go', now: Ms): void {
    this.timeout(now, true);
  }
  receive(p: Packet, _now: Ms): void {
    this.seen.push(u8(p.buf, p.start));
    this.held = p;
    if (this.#at === Number.POSITIVE_INFINITY) {
      this.#out.push({ do: 'send', packet: packetOf(p.bytes().slice()) });
      return;
    }
    this.#at = Number.POSITIVE_INFINITY;
    this.#out.push({ do: 'tell', event: 'answered' });
  }
  timeout(now: Ms, first = false): void {
    if (!first && now < this.#at) return;
    this.#at = now + 1000;
    this.#out.push({ do: 'send', packet: packetOf(Uint8Array.of(++this.#n)) });
  }
  poll(): Output<'answered'> | undefined {
    return this.#out.shift();
  }
  deadline(): Ms {
    return this.#at;
  }
}

const askers = (o: kit.PairOptions = {}) => new kit.Pair(new Asker(), new Asker(), o);
const seenBy = (p: ReturnType<typeof askers>) => (p.b.machine as Asker).seen;

test('a pair carries packets both ways, delayed, and moves time itself', () => {
  const pair = askers({ delay_ms: 100 });
  pair.command('a', 'go');
  assert.ok(
    pair.run(5000, () => pair.a.events.length > 0),
    pair.trace(),
  );
  assert.equal(pair.now, 200);
  assert.deepEqual(seenBy(pair), [1]);
  assert.equal(pair.run(1000), false);
  assert.equal(pair.now, 1200);
});

test('a lost packet is the timer of its sender to mend', () => {
  const pair = askers();
  pair.drop = (from, n) => from === 'a' && n < 3;
  pair.command('a', 'go');
  assert.ok(
    pair.run(10_000, () => pair.a.events.length > 0),
    pair.trace(),
  );
  assert.equal(pair.now, 3000);
  assert.match(pair.trace(), /^seed 1\n[\s\S]*0\.000 a -> 01 {2}LOST\n/);
});

test('a dead side neither receives nor sends', () => {
  const pair = askers();
  pair.b.dead = true;
  pair.command('a', 'go');
  assert.equal(
    pair.run(10_000, () => pair.a.events.length > 0),
    false,
  );
  assert.deepEqual(seenBy(pair), []);
});

test('loss, doubles and disorder come as often as asked, and stop with heal', () => {
  const pair = askers({ seed: 5, loss_pct: 50, dup_pct: 50, reorder_pct: 50, delay_ms: 2000 });
  pair.drop = (from) => from === 'b'; // no answer: a asks for ever
  pair.command('a', 'go');
  pair.run(249_000);
  const seen = seenBy(pair);
  const distinct = new Set(seen).size;
  assert.ok(distinct > 100 && distinct < 150, `${distinct} of 250 came through`);
  assert.ok(seen.length > 1.3 * distinct, 'some came twice');
  assert.ok(
    seen.some((n, i) => n < (seen[i - 1] ?? 0)),
    'some were overtaken',
  );
  pair.heal();
  pair.run(20_000);
  const sent = pair.a.sent;
  const before = seen.length;
  pair.run(10_000);
  assert.equal(seen.length - before, pair.a.sent - sent);
});

test('the same seed gives the same conversation', () => {
  const run = (seed: number) => {
    const pair = askers({ seed, loss_pct: 30, dup_pct: 10, corrupt_pct: 10, jitter_ms: 50 });
    pair.drop = (from) => from === 'b';
    pair.command('a', 'go');
    pair.run(100_000);
    return `${pair.trace()} ${seenBy(pair)}`;
  };
  assert.equal(run(9), run(9));
  assert.notEqual(run(9).slice(7), run(10).slice(8));
});

test('a packet that was held without keep() is poisoned when its turn is over', () => {
  const pair = askers();
  pair.command('a', 'go');
  pair.run(1);
  const held = (pair.b.machine as Asker).held as Packet;
  assert.equal(held.start, -1);
  assert.equal(u8(held.buf, 0), 0xa5);
});

test('needs says what is lacking', () => {
  assert.equal(kit.needs('/dev/null', 'sh'), false);
  assert.equal(
    kit.needs('/dev/null', '/dev/nosuch', 'sh'),
    'no /dev/nosuch here, or not ours to open',
  );
  assert.equal(kit.needs('nosuchcommand'), 'no command nosuchcommand');
});
