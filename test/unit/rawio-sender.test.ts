/** Gathering packets to send, with a device that takes as many as it is told to. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Packet, packetOf, take } from '@9p/packet';
import { type Arena, type Device, Outbox, received } from '@9p/rawio';

const slot_bytes = 256;
const copy_bytes = 1000;

function makeArena(): Arena {
  const copyAt = 4 * slot_bytes;
  const bytes = new Uint8Array(copyAt + copy_bytes);
  return { bytes, at: new Int32Array(8), slotBytes: slot_bytes, copyAt };
}

/** Takes packets while it has room; what it took, as text. */
class FakeDevice implements Device {
  readonly name = 'fake';
  readonly ifindex = 0;
  readonly tx = new Int32Array(2 * 8);
  readonly went: string[] = [];
  flushes = 0;
  room = Infinity;
  readonly #a: Arena;
  constructor(a: Arena) {
    this.#a = a;
  }
  flush(n: number): number {
    this.flushes++;
    for (let i = 0; i < n; i++) {
      if (this.room-- <= 0) return i;
      const p = this.#a.bytes.subarray(this.tx[2 * i]!, this.tx[2 * i + 1]!);
      this.went.push(new TextDecoder().decode(p));
    }
    return n;
  }
  pause(): void {}
  resume(): void {}
  close(): void {}
  counters(): never {
    throw new Error('not asked for here');
  }
}

const packet = (text: string): Packet => packetOf(new TextEncoder().encode(text));
const names = (from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, i) => `packet ${from + i}`);

function make() {
  const a = makeArena();
  const outbox = new Outbox(a);
  const d = new FakeDevice(a);
  return { a, outbox, d, s: outbox.sender(d) };
}

test('packets of the arena go from where they lie, others are copied', () => {
  const { a, d, s } = make();
  a.bytes.set([97, 98, 99], slot_bytes + 16);
  a.at.set([slot_bytes + 16, slot_bytes + 19]);
  const p = received(a, 0);
  assert.deepEqual([p.floor, p.ceil], [slot_bytes, 2 * slot_bytes]);
  s.send(p);
  s.send(packet('other'));
  assert.deepEqual([...d.tx.subarray(0, 3)], [slot_bytes + 16, slot_bytes + 19, a.copyAt]);
  s.flush();
  assert.deepEqual(d.went, ['abc', 'other']);
  s.flush();
  assert.equal(d.flushes, 1, 'nothing to flush');
});

test('a full list is flushed on the way', () => {
  const { d, s } = make();
  for (const name of names(0, 20)) assert.ok(s.send(packet(name)));
  assert.equal(d.flushes, 2);
  s.flush();
  assert.deepEqual(d.went, names(0, 20));
});

test('senders share the room for copies: when it is used up all are flushed', () => {
  const { a, outbox, d, s } = make();
  const other = new FakeDevice(a);
  const t = outbox.sender(other);
  t.send(packet('first'));
  for (let i = 0; i < 3; i++) s.send(packetOf(new Uint8Array(400).fill(120)));
  assert.deepEqual([other.went, d.went.length], [['first'], 2]);
  s.flush();
  assert.deepEqual([d.went.length, d.went.at(-1)], [3, 'x'.repeat(400)]);
});

test('what can never have room is dropped and counted', () => {
  const { d, s } = make();
  assert.equal(s.send(take(copy_bytes + 1)), false);
  s.flush();
  assert.deepEqual([s.dropped, d.went], [1, []]);
});

test('full: what is left is held, in order, though the slots are used again', () => {
  const { a, d, s } = make();
  d.room = 3;
  for (const name of names(0, 6)) s.send(packet(name));
  s.flush();
  assert.ok(s.full);
  assert.ok(s.send(packet('packet 6')));
  a.bytes.fill(0xa5);
  d.room = 2;
  s.room();
  assert.ok(s.full, 'not enough room yet');
  d.room = Infinity;
  s.room();
  assert.ok(!s.full);
  s.send(packet('packet 7'));
  s.flush();
  assert.deepEqual(d.went, names(0, 8));
});

test('full: a bound on what is held', () => {
  const { d, s } = make();
  d.room = 0;
  let held = 0;
  while (s.send(packet(`packet ${held}`))) held++;
  assert.ok(held >= 1024 && held < 1100, String(held));
  assert.equal(s.dropped, 1);
  d.room = Infinity;
  s.room();
  assert.deepEqual(d.went, names(0, held));
});
