/** What a plugin throws takes its conversation, and nothing else. */
import assert from 'node:assert/strict';
import type { Context, Conversation, Env, Layer, PortOptions } from 'slashnet/core';
import { benchOf, type Check, exists, settle } from './bench.js';

const bug = (): never => {
  throw new TypeError('a bug, made by the test');
};

/** `it`, but for one property. */
const but = <T extends object>(it: T, property: keyof T, instead: unknown): T =>
  new Proxy(it, {
    get(target, name) {
      if (name === property) return instead;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });

/** A context whose ports throw when a packet comes. */
const brittle = (ctx: Context): Context =>
  but(ctx, 'port', (o: PortOptions) => ctx.port(but(o, 'take', bug)));

/** An environment in which the first conversation of a layer is full of bugs. */
function withBugs(env: Env): Env {
  const serve = <C extends Conversation>(layer: Layer<C>) =>
    env.serve<C>({
      ...layer,
      create(ctx) {
        if (ctx.id !== 0) return layer.create(ctx);
        return Object.assign(layer.create(brittle(ctx)), { status: bug, connect: bug, close: bug });
      },
    });
  return { ...env, serve };
}

export const bugsContained: Check = async (b) => {
  const tampered = await benchOf(b.l, withBugs);
  const { sh } = tampered;
  const [bad, good] = [await tampered.clone(), await tampered.clone()];
  await assert.rejects(sh.cat(`${bad}/status`), /a bug, made by the test/);
  assert.match(await sh.refusal('connect', `${bad}/ctl`), /a bug, made by the test: connect$/);
  if (b.l.bindable === true) {
    const [mine, far] = [await sh.clone('wire'), await sh.clone('wire')];
    await sh.echo(`bind ${mine}/data`, `${bad}/ctl`);
    await sh.write(await sh.open(`${far}/data`), 'a packet');
    assert.match(await sh.cat(`${tampered.root}/stats`), /^crashed: 1$/m);
  } else await sh.echo('close', `${bad}/ctl`);
  await settle();
  assert.ok(!(await exists(tampered, `${bad}/err`)), 'its conversation goes');
  await sh.cat(`${good}/status`); // the others stay
  await tampered.stop();
};
