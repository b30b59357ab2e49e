/** The wire of loop: its faults on virtual time, one seed one run. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hex, moved, type Packet, packetOf, utf8 } from '@9p/packet';
import { fmtFaults, isClear, none, set } from '../../plugins/loop/faults.js';
import { type Framing, hold_ms } from '../../plugins/loop/line.js';
import { WirePath } from '../../plugins/loop/path.js';

/** A wire of which only one direction is used; what comes out, and when. */
function wire(faults = '', seed = 1, framing: Framing = 'packet') {
  const counted: string[] = [];
  const out: string[] = [];
  const at: number[] = [];
  const path = new WirePath(seed, (what) => void counted.push(what));
  path.framing = framing;
  path.setFaults('down', faultsOf(faults));
  let now = 0;
  const below = {
    send(p: Packet): boolean {
      out.push(hex(p.bytes()));
      at.push(now);
      return true;
    },
  };
  const above = { send: () => assert.fail('wrong direction') };
  return {
    path,
    out,
    at,
    counted,
    send(bytes: Uint8Array): void {
      const p = packetOf(bytes);
      const drop = path.down(p, below, now);
      if (drop !== undefined) counted.push(drop);
      if (!p.kept && !path.line('down').clear) p.buf.fill(0xa5, p.start, p.end); // the turn is over
    },
    run(ms: number): void {
      const end = now + ms;
      while (path.deadline() <= end) {
        now = Math.max(now, path.deadline());
        path.timeout(now, above, below);
      }
      now = end;
    },
  };
}

/** "loss 10%, delay 20ms" */
function faultsOf(text: string) {
  let f = none;
  for (const line of text.split(',').filter((l) => l !== '')) {
    const [name = '', ...words] = line.trim().split(' ');
    f = set(f, name, words);
  }
  return f;
}

const byte = (n: number) => Uint8Array.of(n >>> 8, n);
const numbers = (out: readonly string[]) => out.map((h) => Number.parseInt(h, 16));
const upto = (n: number) => Array.from({ length: n }, (_, i) => i);

function sendAll(w: ReturnType<typeof wire>, n: number, every_ms = 0): void {
  for (let i = 0; i < n; i++) {
    w.send(byte(i));
    w.run(every_ms);
  }
}

test('without faults the same packet comes out at once, and nothing is made or moved', () => {
  const path = new WirePath(1, () => assert.fail('nothing happens'));
  const p = packetOf(utf8('x'));
  const before = moved.count;
  let got: Packet | undefined;
  const below = { send: (q: Packet) => (got = q) !== undefined };
  assert.equal(path.down(p, below, Number.NaN), undefined);
  assert.equal(got, p);
  assert.equal(moved.count, before);
  assert.equal(path.deadline(), Number.POSITIVE_INFINITY);
});

test('each direction has its own faults', () => {
  const path = new WirePath(1, () => undefined);
  path.setFaults('up', faultsOf('loss 100%'));
  const got: string[] = [];
  const sink = (name: string) => ({ send: () => got.push(name) > 0 });
  assert.equal(path.down(packetOf(byte(1)), sink('below'), 0), undefined);
  assert.equal(path.up(packetOf(byte(1)), sink('above'), sink('control'), 0), 'lost');
  path.setFaults('up', none);
  path.up(packetOf(byte(1)), sink('above'), sink('control'), 0);
  assert.deepEqual(got, ['below', 'above']);
});

test('loss is as often as asked, and the same with the same seed', () => {
  const runs = [1, 1, 2].map((seed) => {
    const w = wire('loss 10%', seed);
    sendAll(w, 10_000);
    assert.equal(w.out.length + w.counted.length, 10_000);
    assert.ok(w.counted.every((c) => c === 'lost'));
    assert.ok(Math.abs(w.counted.length - 1000) < 150, `${w.counted.length} lost`);
    return w.out.join();
  });
  assert.equal(runs[0], runs[1]);
  assert.notEqual(runs[0], runs[2]);
});

test('a fault set differently leaves the others as they fell', () => {
  const a = wire('loss 20%');
  const b = wire('loss 20%, reorder 0%, dup 50%, jitter 1ms, delay 1ms');
  for (const w of [a, b]) sendAll(w, 200);
  b.run(10);
  assert.deepEqual([...new Set(b.out)], a.out);
});

test('delay: out after it, in order, and the bytes are kept beyond their turn', () => {
  const w = wire('delay 20ms');
  sendAll(w, 3, 5);
  assert.equal(w.out.length, 0);
  w.run(100);
  assert.deepEqual(numbers(w.out), upto(3));
  assert.deepEqual(w.at, [20, 25, 30]);
});

test('jitter keeps the order and stays within its bound', () => {
  const w = wire('delay 20ms, jitter 10ms');
  sendAll(w, 100, 1);
  w.run(100);
  assert.deepEqual(numbers(w.out), upto(100));
  const late = w.at.map((t, i) => t - i);
  assert.ok(Math.min(...late) >= 20 && Math.max(...late) <= 30);
  assert.ok(new Set(late.map(Math.round)).size > 3);
});

test('a shorter delay does not let later packets overtake', () => {
  const w = wire('delay 50ms');
  w.send(byte(0));
  w.path.setFaults('down', none);
  w.send(byte(1));
  w.run(100);
  assert.deepEqual(numbers(w.out), [0, 1]);
  w.send(byte(2));
  assert.equal(w.out.length, 3, 'and the wire is clear again');
  assert.ok(w.path.line('down').clear);
});

test('rate: each packet takes its time on the wire', () => {
  const w = wire('rate 8k');
  for (let i = 0; i < 3; i++) w.send(new Uint8Array(100));
  w.run(1000);
  assert.deepEqual(w.at, [100, 200, 300]);
});

test('the queue has a limit, and is full there', () => {
  const w = wire('rate 8k, queue 3');
  for (let i = 0; i < 5; i++) w.send(new Uint8Array(100));
  assert.deepEqual(w.counted, ['qfull', 'qfull']);
  assert.ok(w.path.line('down').full);
  w.run(100);
  assert.ok(!w.path.line('down').full);
});

test('dup: twice, one after the other, and each its own bytes', () => {
  const w = wire('dup 100%, delay 1ms');
  sendAll(w, 3);
  w.run(10);
  assert.deepEqual(numbers(w.out), [0, 0, 1, 1, 2, 2]);
  assert.equal(w.counted.filter((c) => c === 'duplicated').length, 3);
});

test('corrupt: one bit of each', () => {
  const w = wire('corrupt 100%');
  for (let i = 0; i < 50; i++) w.send(new Uint8Array(40));
  for (const h of w.out) {
    const ones = [...h].reduce(
      (n, d) => n + Number.parseInt(d, 16).toString(2).split('1').length - 1,
      0,
    );
    assert.equal(ones, 1, h);
  }
  assert.ok(new Set(w.out).size > 30);
  w.send(new Uint8Array(0));
});

test('reorder: as many as asked overtake', () => {
  for (const gap of [1, 3]) {
    const w = wire(`reorder 20% ${gap}`);
    sendAll(w, 1000);
    w.run(hold_ms);
    const got = numbers(w.out);
    assert.deepEqual(
      [...got].sort((a, b) => a - b),
      upto(1000),
      'none is lost or doubled',
    );
    const late = w.counted.filter((c) => c === 'reordered').length;
    assert.ok(Math.abs(late - 200) < 50, `${late}`);
    const overtaken = got.filter((n, i) => got.slice(0, i).some((m) => m > n)).length;
    assert.ok(overtaken > 150 && overtaken <= late, `${overtaken} of ${late}`);
  }
});

test('reorder: with nobody to overtake it, a packet goes on after a while', () => {
  const w = wire('reorder 100%');
  w.send(byte(7));
  assert.equal(w.out.length, 0);
  w.run(hold_ms - 1);
  assert.equal(w.out.length, 0);
  w.run(1);
  assert.deepEqual(numbers(w.out), [7]);
});

test('all faults at once: what comes out went in, at most twice, and nothing waits for ever', () => {
  for (let seed = 1; seed <= 50; seed++) {
    const w = wire('loss 20%, dup 20%, reorder 20% 2, delay 5ms, jitter 5ms, rate 1M', seed);
    sendAll(w, 200, 1);
    w.run(1000);
    const got = numbers(w.out);
    const lost = w.counted.filter((c) => c === 'lost').length;
    assert.equal(new Set(got).size, 200 - lost, `seed ${seed}`);
    const twice = w.counted.filter((c) => c === 'duplicated').length;
    assert.equal(got.length, 200 - lost + twice, `seed ${seed}`);
    assert.equal(w.path.deadline(), Number.POSITIVE_INFINITY);
  }
});

test('a sink that sends again from within keeps the order', () => {
  const path = new WirePath(1, () => undefined);
  path.setFaults('down', faultsOf('delay 10ms'));
  const got: number[] = [];
  const below = {
    send(p: Packet): boolean {
      const n = p.bytes()[0] ?? 0;
      got.push(n);
      if (n < 3) path.down(packetOf(Uint8Array.of(n + 10)), below, 10);
      return true;
    },
  };
  for (const n of [1, 2, 3]) path.down(packetOf(Uint8Array.of(n)), below, 0);
  path.timeout(10, below, below);
  assert.deepEqual(got, [1, 2, 3]);
  path.timeout(20, below, below);
  assert.deepEqual(got, [1, 2, 3, 11, 12]);
});

const stream = utf8('the quick brown fox jumps over the lazy dog '.repeat(20));

test('bytes: as they are written, without chunk', () => {
  const w = wire('delay 1ms', 1, 'bytes');
  w.send(stream.subarray(0, 100));
  w.send(stream.subarray(100));
  w.run(10);
  assert.deepEqual(
    w.out.map((h) => h.length / 2),
    [100, stream.length - 100],
  );
});

test('bytes: chunk joins what was written at one time, and cuts it anywhere', () => {
  const w = wire('chunk 16', 1, 'bytes');
  for (let o = 0; o < stream.length; o += 7) w.send(stream.subarray(o, o + 7));
  assert.equal(w.out.length, 0);
  w.run(0);
  assert.equal(w.out.join(''), hex(stream));
  const sizes = w.out.map((h) => h.length / 2);
  assert.ok(Math.max(...sizes) <= 16 && Math.max(...sizes) > 7, 'some were joined');
  assert.ok(new Set(sizes).size > 8);
});

test('bytes: loss and corruption fall on chunks', () => {
  const w = wire('chunk 8, loss 20%, corrupt 20%', 1, 'bytes');
  w.send(stream);
  w.run(0);
  const n = w.out.join('').length / 2;
  assert.ok(n < stream.length && n > stream.length / 2);
  assert.ok(w.counted.includes('lost') && w.counted.includes('corrupted'));
});

test('a cut wire loses what was on it', () => {
  const w = wire('delay 10ms, reorder 50%');
  sendAll(w, 10);
  w.path.empty();
  assert.equal(w.path.deadline(), Number.POSITIVE_INFINITY);
  w.run(1000);
  assert.equal(w.out.length, 0);
});

test('settings: what is set is shown, and read again', () => {
  const all =
    'loss 10%,corrupt 0.5%,dup 2%,reorder 5% 3,delay 1.5s,jitter 20,rate 64k,queue 7,chunk 16';
  const f = faultsOf(all);
  const shown = fmtFaults(f);
  assert.equal(
    shown,
    'loss 10% corrupt 0.5% dup 2% reorder 5% 3 delay 1500ms jitter 20ms rate 64000 queue 7 chunk 16',
  );
  assert.ok(!isClear(f));
  assert.equal(fmtFaults(none), 'none');
  assert.ok(isClear(none));
  assert.ok(isClear(set(f, 'loss', ['0'])) === false);
});

const refused: readonly [string, RegExp][] = [
  ['loss 101', /^'101' is not a percentage/],
  ['loss -1', /percentage/],
  ['loss 1e1', /percentage/],
  ['loss', /^usage: loss percent$/],
  ['loss 1 2', /^usage: loss percent$/],
  ['delay 61s', /^'61s' is not a time from 0 to 60s$/],
  ['delay x', /time/],
  ['rate fast', /rate/],
  ['rate 999999999999G', /rate/],
  ['queue 0', /^'0' is not a number of packets: 1 to 100000$/],
  ['reorder 5 0', /packets/],
  ['chunk 65537', /bytes/],
  ['smoke 5', /^no such fault 'smoke'$/],
];

test('settings: what is no setting is refused with a reason', () => {
  for (const [line, why] of refused)
    assert.throws(
      () => faultsOf(line),
      (e: Error) => why.test(e.message),
      line,
    );
});
