/** A system with one layer in it, and what the checks of all layers share. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { omode } from '@9p/lib9p';
import { type Env, makeSystem, type Plugin, type Running, type System } from 'slashnet/core';
import { Shell, serveWire, VirtualClock } from '../kit/index.js';
import type { LayerUnderTest } from './layers.js';

/** A system with the layer in it. */
export interface Bench {
  readonly l: LayerUnderTest;
  readonly s: System;
  readonly sh: Shell;
  readonly clock: VirtualClock;
  /** "/skeleton" */
  readonly root: string;
  /** A kept conversation's directory. */
  clone(): Promise<string>;
  stop(): Promise<void>;
}
export type Check = (b: Bench) => Promise<void>;

export const pluginDir = new URL('../../plugins', import.meta.url).pathname;

async function pluginOf(l: LayerUnderTest): Promise<Plugin> {
  const m = await import(join(pluginDir, l.plugin, 'plugin.js'));
  return (m as { default: Plugin }).default;
}

/** With `change` the plugin is started in an environment that was tampered with. */
export async function benchOf(l: LayerUnderTest, change?: (e: Env) => Env): Promise<Bench> {
  const clock = new VirtualClock();
  const s = makeSystem({ plugins: [pluginDir], clock, poison: true, owner: 'glenda' });
  serveWire(s.env);
  for (const p of l.after ?? []) await s.control(`load ${p}`);
  let running: Running | undefined;
  if (change === undefined) await s.control(`load ${l.plugin} ${l.load ?? ''}`.trim());
  else running = await (await pluginOf(l)).start(change(s.env), (l.load ?? '').split(' '));
  const sh = new Shell(s);
  const layer = l.layer ?? l.plugin;
  async function stop(): Promise<void> {
    await running?.stop('the test is over');
    await s.stop('the test is over');
  }
  return { l, s, sh, clock, root: `/${layer}`, clone: () => sh.clone(layer), stop };
}

/** Printed by whoever wrote a program, not for its user. */
const bugs = /undefined|NaN|\[object|is not a function|is not iterable|cannot read|plugin error/i;
const error_bytes = 127;

export const stat = async (b: Bench, path: string) => (await b.s.ns.walk(path, b.sh.who)).stat();
export const exists = async (b: Bench, path: string) =>
  b.sh.open(path, omode.read).then(
    (f) => {
      f.close();
      return true;
    },
    () => false,
  );
export const settle = () => new Promise((done) => setImmediate(done));

export async function isPending(p: Promise<unknown>): Promise<boolean> {
  let pending = true;
  const done = () => {
    pending = false;
  };
  p.then(done, done);
  for (let i = 0; i < 3; i++) await settle();
  return pending;
}

export const thrown = (p: Promise<unknown>): Promise<unknown> =>
  p.then(
    () => undefined,
    (e) => e,
  );

export function checkError(e: unknown, what: string): void {
  assert.equal((e as Error).name, 'FileError', `${what}: ${e}`);
  checkText((e as Error).message, what);
}
export function checkText(t: string, what: string): void {
  assert.ok(Buffer.byteLength(t) <= error_bytes, `${what}: '${t}' is over 127 bytes`);
  assert.doesNotMatch(t, /\n/, what);
  assert.doesNotMatch(t, bugs, what);
  assert.match(t, /^[\p{Ll}\d'"/#]/u, `${what}: '${t}' begins in lower case`);
}
