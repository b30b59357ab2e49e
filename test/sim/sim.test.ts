/** Two stacks over a lossy wire on virtual time, by seed:
 *  $SIM_SEEDS of them, or $SIM_SEED alone. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seeds } from '../kit/index.js';
import { Link, names } from './link.js';
import { type Outcome, outcome } from './oracle.js';
import { type Plan, planOf } from './plan.js';

const up_ms = 60_000;
const healed_ms = 30_000;
/** Beyond the keepalive: the wire was looked at ten times a second. */
const slack_ms = 200;
/** Two Terminate-Requests that nobody answers. */
const terminate_ms = 1500;
const echoes = 'lcp: peer is gone: no answer to \\d echo requests';
/** A re-challenge may find it out first. */
const challenges = "authentication of the peer '\\w+' failed .*: no answer to \\d+ \\w+";
/** Or an attempt of redial's has failed since. */
const redialled = 'lcp: no answer to \\d+ requests: connect';
const gone = new RegExp(`^(${echoes}|${challenges}|${redialled})\n$`);
/** What an end may say instead of the reason when it lost the packets that brought it. */
const lost =
  /no answer to|timed out|terminated by peer|peer is gone|does not converge|no network protocol/;

/** Nothing comes up, and somebody says why: callers call again as long as the wire hid it. */
async function refusal(l: Link, why: RegExp): Promise<void> {
  const said = () => l.whys.some((w) => why.test(w));
  while (!said() && l.clock.now() < up_ms) {
    const errors = await l.call(2 * up_ms);
    assert.equal(errors.length, l.plan.callers.length, 'connected');
    for (const e of errors) assert.match(e, new RegExp(`${why.source}|${lost.source}`));
    await l.clock.run(100);
  }
  assert.ok(said(), `not told: ${why.source}, but: ${l.whys.join('; ')}`);
  for (const name of names) assert.ok(!(await l.isUp(name)), `${name} is up`);
}

/** Up, bad for a while, healed, and each end dead to the other. */
async function life(l: Link, o: Outcome): Promise<void> {
  assert.deepEqual(await l.call(up_ms), []);
  const left_ms = up_ms - l.clock.now();
  assert.ok((await l.within(left_ms, () => l.agree(o))) !== undefined, 'not up within 60 s');
  await l.clock.run(l.plan.bad_ms);
  if (l.plan.dead_ms > 0) await l.silence();
  await l.clock.run(l.plan.dead_ms);
  await l.heal();
  const again = await l.within(healed_ms, () => l.settled(o));
  assert.ok(again !== undefined, 'not up 30 s after the faults stopped');
  await l.mirrored(o);
  if (o.ip !== undefined) for (const name of names) await l.ping(name);
  await l.silence();
  const began = l.clock.now();
  for (const name of names) {
    const left = began + l.plan.keepalive_ms + slack_ms - l.clock.now();
    const down = await l.within(left, async () => !(await l.isUp(name)));
    assert.ok(down !== undefined, `${name} not down within the keepalive`);
    // err may still have an earlier end, of while the wire was bad
    const told = await l.within(terminate_ms, async () => gone.test(await l.read(name, 'err')));
    assert.ok(told !== undefined, `err of ${name}: ${await l.read(name, 'err')}`);
  }
}

/** A life that says how to see it again if it fails. Its digest. */
async function lived(plan: Plan): Promise<string> {
  const l = await Link.make(plan);
  const o = outcome(plan.client, plan.server);
  try {
    await l.announce();
    await (o.refused === undefined ? life(l, o) : refusal(l, o.refused));
    await l.stop();
    return l.digest();
  } catch (e) {
    const again = `SIM_SEED=${plan.seed} node --test dist/test/sim/sim.test.js`;
    const text = `${(e as Error).message}\n${again}\n${JSON.stringify(plan)}\n${l.trace()}`;
    throw new Error(text, { cause: e });
  }
}

for (const seed of seeds(30))
  test(`seed ${seed}`, async () => {
    const digest = await lived(planOf(seed));
    // Every tenth twice: the same seed is the same to the byte.
    if (seed % 10 === 1) assert.equal(await lived(planOf(seed)), digest);
  });
