/** A path with a timer, on virtual time: a layer that puts numbered packets back in order, as
 *  gre does, over a loop that reorders and loses them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Packet, packetOf, u8 } from '@9p/packet';
import {
  type Context,
  type Conversation,
  counters,
  type Ms,
  type Path,
  type PathTimer,
  type Port,
  type Sink,
} from 'slashnet/core';
import loop from '../../plugins/loop/plugin.js';
import { Files, SeededRandom, VirtualClock } from '../kit/index.js';

const hold_ms = 100;
const mtu_bytes = 1500;

/** The first byte is the number. One that came too soon waits for
 *  those before it, but not for ever. */
class InOrder implements Path<'late'> {
  /** A path that forgets to: what it holds is poisoned when the turn ends. */
  keeps = true;
  readonly #held = new Map<number, Packet>();
  #next = 0;
  #until: Ms = Number.POSITIVE_INFINITY;

  down(p: Packet, below: Sink): undefined {
    below.send(p);
    return undefined;
  }
  up(p: Packet, above: Sink, _control: Sink, now: Ms): 'late' | undefined {
    const n = u8(p.buf, p.start);
    if (n < this.#next) return 'late';
    this.#held.set(n, this.keeps ? p.keep() : p);
    this.#release(above, now);
    return undefined;
  }
  timeout(now: Ms, above: Sink): void {
    if (now < this.#until) return;
    this.#next = Math.min(...this.#held.keys());
    this.#release(above, now);
  }
  deadline(): Ms {
    return this.#until;
  }
  #release(above: Sink, now: Ms): void {
    for (let p = this.#held.get(this.#next); p !== undefined; p = this.#held.get(this.#next)) {
      this.#held.delete(this.#next++);
      this.#until = Number.POSITIVE_INFINITY;
      above.send(p);
    }
    if (this.#held.size > 0 && this.#until === Number.POSITIVE_INFINITY)
      this.#until = now + hold_ms;
  }
}

class Orderly implements Conversation {
  readonly state = 'Up';
  readonly idle = true;
  readonly path = new InOrder();
  /** When what came up. */
  readonly got: { n: number; at: Ms; poisoned: boolean }[] = [];
  readonly #below: Port;
  readonly #timer: PathTimer;

  constructor(ctx: Context) {
    const { clock } = ctx.env;
    const above: Sink = {
      send: (p) => {
        const poisoned = p.start < 0;
        this.got.push({ n: poisoned ? -1 : u8(p.buf, p.start), at: clock.now(), poisoned });
        return true;
      },
    };
    this.#below = ctx.port({
      name: `${ctx.name}/lower`,
      framing: 'packet',
      mtu: () => mtu_bytes,
      take: (p) => {
        const drop = this.path.up(p, above, above, clock.now());
        this.#timer.check();
        return drop;
      },
    });
    const below: Sink = { send: (p) => this.#below.deliver(p) };
    this.#timer = ctx.pathTimer(this.path, above, below);
  }
  send(n: number): void {
    this.#below.deliver(packetOf(Uint8Array.of(n, 1, 2, 3)));
  }
  status(): string {
    return '';
  }
  lower(): Port {
    return this.#below;
  }
  close(): void {
    this.#timer.stop();
  }
}

/** Two of them over a wire with these faults. */
async function two(...faults: string[]) {
  const clock = new VirtualClock();
  const f = new Files({ clock, random: new SeededRandom(1) });
  const ends: Orderly[] = [];
  await loop.start(f.system.env, []);
  f.system.env.serve<Orderly>({
    name: 'orderly',
    limit: 2,
    about: 'puts packets in order',
    verbs: [],
    stats: counters(),
    create(ctx) {
      ends.push(new Orderly(ctx));
      return ends.at(-1) as Orderly;
    },
  });
  const wire = await f.clone('/loop');
  await f.write(`${wire}/ctl`, ['seed 1', ...faults].join('\n'));
  for (const end of ['data', 'data1'])
    await f.write(`${await f.clone('/orderly')}/ctl`, `bind ${wire}/${end}`);
  const [a, b] = ends as [Orderly, Orderly];
  const send = (n: number) => f.system.turn.run(() => a.send(n));
  return { clock, f, a, b, send };
}

test('packets that overtook one another come up in order', async () => {
  const t = await two('reorder 30% 2', 'delay 5ms');
  const raw = Array.from({ length: 100 }, (_, n) => n);
  for (const n of raw) {
    t.send(n);
    t.clock.advance(3);
  }
  t.clock.advance(1000);
  assert.deepEqual(
    t.b.got.map((g) => g.n),
    raw,
  );
  assert.ok(
    t.b.got.some((g, i) => g.at === t.b.got[i + 1]?.at),
    'some waited for others',
  );
  assert.equal(t.clock.pending, 0);
});

test('a lost packet is waited for just so long, by the timer of the path', async () => {
  const t = await two('loss 100%');
  t.send(0);
  await t.f.write('/loop/0/ctl', 'loss 0%');
  t.clock.advance(10);
  t.send(1);
  t.clock.advance(20);
  t.send(2);
  t.clock.advance(1000);
  const at = 10 + hold_ms;
  assert.deepEqual(t.b.got, [
    { n: 1, at, poisoned: false },
    { n: 2, at, poisoned: false },
  ]);
  assert.deepEqual(t.f.bugs, []);
});

test('a path that holds a packet without keeping it finds it poisoned', async () => {
  const t = await two();
  t.b.path.keeps = false;
  t.send(1);
  t.clock.advance(hold_ms);
  assert.deepEqual(t.b.got, [{ n: -1, at: hold_ms, poisoned: true }]);
});

test('the timer goes with its conversation', async () => {
  const t = await two();
  t.send(1);
  assert.equal(t.clock.pending, 1);
  await t.f.write('/orderly/1/ctl', 'close');
  assert.equal(t.clock.pending, 0);
});
