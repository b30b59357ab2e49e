/** A line over a device of the test's, on virtual time: what flows
 *  when, and what modem lines do. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { packetOf, text, utf8 } from '@9p/packet';
import { join, makeSystem, Port } from 'slashnet/core';
import type { ModemLines, Settings } from '../../plugins/eia/fmt.js';
import { Line, type Opener } from '../../plugins/eia/line.js';
import type { TtyEvents } from '../../plugins/eia/tty.js';
import { VirtualClock } from '../kit/index.js';

/** A UART: bytes leave when the test says so. */
class Uart {
  wired = true;
  opens = 0;
  open = false;
  fails: string | undefined;
  /** Bytes that it still takes, and that `drain` waits to be gone. */
  room = 4096;
  kernel = '';
  line = '';
  modemLines: ModemLines = { cts: true, dsr: true, dcd: true };
  readonly done: string[] = [];
  on: TtyEvents | undefined;
  readonly #drains: (() => void)[] = [];

  readonly opener: Opener = async (_path, _s, on) => {
    if (this.fails !== undefined) throw new Error(this.fails);
    this.on = on;
    this.opens++;
    this.open = true;
    return this;
  };
  write(b: Uint8Array): number {
    const n = Math.min(b.length, this.room - this.kernel.length);
    this.kernel += text(b.subarray(0, n));
    return n;
  }
  /** So many bytes leave. */
  leave(n: number): void {
    const full = this.kernel.length === this.room;
    this.line += this.kernel.slice(0, n);
    this.kernel = this.kernel.slice(n);
    if (this.kernel === '') for (const f of this.#drains.splice(0)) f();
    if (full) this.on?.writable();
  }
  drain(): Promise<void> {
    return this.kernel === '' ? Promise.resolve() : new Promise((d) => this.#drains.push(d));
  }
  async flush(): Promise<void> {
    this.done.push('flush');
    this.kernel = '';
    for (const f of this.#drains.splice(0)) f();
  }
  async apply(s: Settings): Promise<void> {
    if (this.fails !== undefined) throw new Error(this.fails);
    this.done.push(`b${s.baud} l${s.bits} after '${this.line}'`);
  }
  async lines(dtr: boolean, rts: boolean, brk = false): Promise<void> {
    this.done.push(`dtr ${dtr ? 1 : 0} rts ${rts ? 1 : 0}${brk ? ' break' : ''}`);
  }
  async modem(): Promise<ModemLines | undefined> {
    return this.wired ? this.modemLines : undefined;
  }
  async close(): Promise<void> {
    this.open = false;
    this.done.push('close');
  }
}

function bench(held = true) {
  const clock = new VirtualClock();
  const { env } = makeSystem({ clock, plugins: [], poison: true });
  const uart = new Uart();
  const line = new Line(env, '/dev/ttyS9', 9, held, uart.opener);
  const got: string[] = [];
  const told: string[] = [];
  const above = new Port({
    name: 'above',
    framing: 'bytes',
    mtu: () => 65535,
    take: (p) => void got.push(text(p.bytes())),
    up: () => told.push('up'),
    down: (why) => told.push(why),
    room: () => told.push('room'),
  });
  above.through = above; // a layer, not a file
  const send = (s: string): boolean => env.turn.run(() => above.deliver(packetOf(utf8(s))));
  const attach = (): void => env.turn.run(() => join(above, line.port));
  const ctl = (s: string): Promise<void> => line.ctl(utf8(s));
  const settle = (): Promise<void> => clock.run(0);
  return { clock, env, uart, line, got, told, above, send, attach, ctl, settle };
}

test('no more lies in the kernel than leaves in a quarter of a second', async () => {
  const b = bench();
  await b.line.open();
  b.attach();
  const all = 'x'.repeat(1000);
  assert.equal(b.line.port.full, false);
  assert.ok(b.send(all));
  assert.equal(b.uart.kernel.length, 240); // of 9600 baud
  assert.equal(b.line.port.full, true);
  for (let rounds = 0; b.uart.line.length < 1000; rounds++) {
    assert.ok(rounds < 20, 'it stopped');
    b.uart.leave(240);
    await b.settle();
    assert.ok(b.uart.kernel.length <= 240);
  }
  assert.equal(b.uart.line, all);
  assert.deepEqual(b.told, ['up', 'room']);
  assert.equal(b.line.port.full, false);
});

test('a pty is written as much as it takes, and the rest when it takes more', async () => {
  const b = bench();
  b.uart.wired = false;
  b.uart.room = 100;
  await b.line.open();
  b.attach();
  b.send('a'.repeat(60));
  b.send('b'.repeat(60));
  assert.equal(b.uart.kernel.length, 100);
  b.uart.leave(100);
  assert.equal(b.uart.kernel, 'b'.repeat(20));
});

test('over the limit output is dropped, and counted', async () => {
  const b = bench();
  b.uart.room = 10;
  await b.ctl('q100 n1');
  b.attach();
  assert.ok(b.send('x'.repeat(50)));
  assert.equal(b.line.port.full, false);
  assert.ok(b.send('y'.repeat(20)));
  assert.equal(b.line.port.full, true); // a layer above is held up in spite of n1
  assert.ok(b.send('z'.repeat(50))); // an answer of LCP has room
  assert.equal(b.send('z'), false);
  assert.match(await b.line.status(), / queued 110 n1 q100 x0\nqfull: 1\n$/);
  b.above.through = undefined; // a file
  assert.equal(b.line.port.full, false);
  await b.ctl('f');
  assert.match(await b.line.status(), / queued 0 /);
});

test('settings wait until all is out; those that stand together are one change', async () => {
  const b = bench();
  await b.line.open();
  b.attach();
  b.send('ATZ');
  const done = b.ctl('b19200 l7');
  await b.settle();
  assert.deepEqual(b.uart.done, []);
  b.uart.leave(3);
  await done;
  await b.ctl('b19200');
  assert.deepEqual(b.uart.done, ["b19200 l7 after 'ATZ'"]);
});

test('output that flow control holds up does not hold up a change for ever', async () => {
  const b = bench();
  await b.line.open();
  b.attach();
  b.send('stuck');
  const done = b.ctl('m0 x0 b300');
  await b.clock.run(1999);
  assert.deepEqual(b.uart.done, []);
  await b.clock.run(1);
  await done;
  assert.deepEqual(b.uart.done, ['flush', "b300 l8 after ''"]);
  assert.match(await b.line.status(), /undrained: 1/);
});

test('a break lasts as long as was said', async () => {
  const b = bench();
  const done = b.ctl('r0 k300 d0');
  await b.clock.run(299);
  assert.deepEqual(b.uart.done, ['dtr 1 rts 0', 'dtr 1 rts 0 break']);
  await b.clock.run(1);
  await done;
  assert.deepEqual(b.uart.done.slice(2), ['dtr 1 rts 0', 'dtr 0 rts 0']);
});

test('a change that fails leaves the settings as they were', async () => {
  const b = bench();
  await b.line.open();
  b.uart.fails = 'not this speed';
  await assert.rejects(b.ctl('b12345'), /not this speed/);
  assert.match(await b.line.status(), /^b9600 /);
});

test('the carrier that falls hangs up, where that was asked for, and connect begins anew', async () => {
  const b = bench();
  await b.ctl('c1');
  b.attach();
  await b.clock.run(1000);
  assert.deepEqual(b.told, ['up']);
  b.uart.modemLines = { cts: true, dsr: true, dcd: false };
  await b.clock.run(250);
  assert.deepEqual(b.told, ['up', 'eia9: carrier lost']);
  assert.deepEqual(b.uart.done, ['dtr 0 rts 0']);
  assert.equal(b.send('lost'), false);
  assert.ok(b.uart.open);
  await b.clock.run(10_000);
  await b.ctl('connect');
  assert.deepEqual(b.uart.done.slice(1), ['dtr 1 rts 1']);
  assert.deepEqual(b.told.slice(2), ['up']);
  await b.ctl('c0 e1');
  await b.clock.run(1000);
  b.uart.modemLines = { cts: true, dsr: false, dcd: false };
  await b.clock.run(250);
  assert.deepEqual(b.told.slice(3), ['eia9: DSR lost']);
});

test('a line that nobody asked to watch is not watched, nor a pty', async () => {
  const b = bench();
  await b.line.open();
  assert.equal(b.clock.pending, 0);
  await b.ctl('c1');
  assert.equal(b.clock.pending, 1);
  await b.ctl('c0');
  await b.clock.run(1000);
  assert.equal(b.clock.pending, 0);
  const pty = bench();
  pty.uart.wired = false;
  await pty.ctl('c1 e1');
  assert.equal(pty.clock.pending, 0);
});

test('unplugged: what is above hears why, and it opens anew', async () => {
  const b = bench();
  let lost = 0;
  b.line.onlost = () => lost++;
  await b.line.open();
  b.attach();
  b.uart.on?.gone();
  assert.deepEqual(b.told, ['up', 'eia9: unplugged']);
  assert.equal(lost, 1);
  b.uart.fails = 'no such device';
  await assert.rejects(async () => b.line.ready(), /no such device/);
  b.uart.fails = undefined;
  await b.ctl('connect');
  assert.deepEqual(b.told.slice(2), ['up']);
  assert.equal(b.uart.opens, 2);
});

test('what comes in is kept for who comes, up to the limit', async () => {
  const b = bench();
  await b.ctl('q10');
  b.uart.on?.data(utf8('RING\r\n'));
  b.uart.on?.data(utf8('RING\r\n'));
  b.uart.on?.data(utf8('abcd'));
  assert.match(await b.line.status(), / berr\(6\) .* in 16 /s);
  b.attach();
  assert.deepEqual(b.got, ['RING\r\n', 'abcd']);
  b.uart.on?.data(utf8('e'));
  assert.deepEqual(b.got.slice(2), ['e']);
});

test('opened by who uses it, closed when nobody has for 5 seconds', async () => {
  const b = bench(false);
  assert.equal(b.uart.open, false);
  await b.ctl('b300');
  assert.ok(b.uart.open);
  await b.clock.run(4000);
  await b.ctl('b600');
  await b.clock.run(4000);
  assert.ok(b.uart.open);
  b.attach();
  await b.clock.run(60_000);
  assert.ok(b.uart.open);
  b.env.turn.run(() => {
    b.above.detach('unbound');
    b.line.port.detach('unbound');
  });
  await b.clock.run(4999);
  assert.ok(b.uart.open);
  await b.clock.run(1);
  assert.equal(b.uart.open, false);
  assert.match(await b.line.status(), /^b600 .* closed /s);
  await b.line.ready();
  assert.equal(b.uart.opens, 2);
  await b.line.stop('unloaded');
  assert.equal(b.uart.open, false);
  assert.equal(b.clock.pending, 0);
  await assert.rejects(async () => b.line.ready(), /eia9 was unloaded/);
});
