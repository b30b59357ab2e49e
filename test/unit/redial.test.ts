/** redial: again after a loss, with back-off, and never after the end. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Context, type Conversation, counters, refuse } from 'slashnet/core';
import { Files, VirtualClock } from '../kit/index.js';

/** Its first connect succeeds; the others wait until the end, or fail. */
class Dialer implements Conversation {
  readonly state = 'Idle';
  readonly idle = true;
  readonly ctx: Context;
  readonly times: number[] = [];
  fails = false;
  #giveUp: ((e: Error) => void) | undefined;

  constructor(ctx: Context) {
    this.ctx = ctx;
  }
  connect(): Promise<void> | undefined {
    this.times.push(this.ctx.env.clock.now());
    if (this.times.length === 1) return undefined;
    if (this.fails) throw refuse('no answer');
    return new Promise((_done, giveUp) => {
      this.#giveUp = giveUp;
    });
  }
  status(): string {
    return '';
  }
  close(why: string): void {
    this.#giveUp?.(refuse(why));
  }
}

async function connected() {
  const clock = new VirtualClock();
  const f = new Files({ clock });
  let c: Dialer | undefined;
  f.system.env.serve<Dialer>({
    name: 'dial',
    limit: 1,
    about: 'dials',
    verbs: [],
    stats: counters(),
    create: (ctx) => {
      c = new Dialer(ctx);
      return c;
    },
  });
  const dir = await f.clone('/dial');
  await f.write(`${dir}/ctl`, 'redial 4\nconnect');
  assert.ok(c !== undefined);
  return { clock, f, dir, c };
}

test('each attempt waits twice as long, and there are so many', async () => {
  const { clock, c } = await connected();
  c.fails = true;
  c.ctx.down('lost');
  await clock.run(1_000_000);
  assert.deepEqual(c.times, [0, 1000, 3000, 7000, 15_000]);
});

test('closed while an attempt waits: none follows', async () => {
  const { clock, f, dir, c } = await connected();
  c.ctx.down('lost');
  await clock.run(1000);
  assert.equal(c.times.length, 2);
  await f.write(`${dir}/ctl`, 'close');
  await clock.run(0);
  assert.equal(clock.pending, 0);
});
