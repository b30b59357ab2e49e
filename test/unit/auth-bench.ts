/** An agent without a daemon, and short ways to speak rpc with it; what the tests of auth share. */
import assert from 'node:assert/strict';
import { text, utf8 } from '@9p/packet';
import type { Req, Wait, Who } from 'slashnet/core';
import { Asking } from '../../plugins/auth/asking.js';
import { parseAttrs } from '../../plugins/auth/attr.js';
import { type Judge, keyJudge } from '../../plugins/auth/judge.js';
import { KeyRing } from '../../plugins/auth/keys.js';
import { checkOf, promptOf } from '../../plugins/auth/proto/table.js';
import { Rpc } from '../../plugins/auth/rpc.js';
import { type Agent, Session } from '../../plugins/auth/session.js';
import { SeededRandom, VirtualClock } from '../kit/index.js';

export const owner: Who = { uname: 'root', groups: [], owner: true };
export const request = (who: Who): Req => ({ who, iounit: 0, flushed: false, onflush: undefined });

export interface Bench {
  agent: Agent & { debug: boolean };
  ring: KeyRing;
  counted: Map<string, number>;
  lines: string[];
  clock: VirtualClock;
  open(who?: Who): Rpc;
}

export function bench(keys: readonly string[] = [], judge?: Judge): Bench {
  const ring = new KeyRing({ promptOf, checkOf });
  for (const k of keys) ring.add(parseAttrs(utf8(k)), owner);
  const counted = new Map<string, number>();
  const lines: string[] = [];
  const clock = new VirtualClock();
  const agent = {
    ring,
    random: new SeededRandom(7),
    judge: judge ?? keyJudge(ring),
    penalty: () => undefined,
    now: () => clock.now(),
    tickets: () => Promise.reject(new Error('no network')),
    needkey: new Asking('needkey', clock, () => 60_000),
    confirm: new Asking('confirm', clock, () => 60_000),
    count: (k: string) => void counted.set(k, (counted.get(k) ?? 0) + 1),
    log: (l: string) => void lines.push(l),
    debug: false,
  };
  const open = (who = owner) => new Rpc(new Session(agent, who, '1'), agent, '1');
  return { agent, ring, counted, lines, clock, open };
}

export function sync<T>(x: Wait<T>): T {
  assert.ok(!(x instanceof Promise), 'answers at once');
  return x;
}
export function ask(rpc: Rpc, what: string | Uint8Array, n = 8192): Uint8Array {
  rpc.write(typeof what === 'string' ? utf8(what) : what);
  return sync(rpc.read(n)).slice(); // the reply is ours only for now
}
export const say = (rpc: Rpc, what: string | Uint8Array, n?: number): string =>
  text(ask(rpc, what, n));

/** `write ` and then bytes. */
export const writing = (...parts: readonly Uint8Array[]): Uint8Array =>
  Uint8Array.from(Buffer.concat([utf8('write '), ...parts]));

export const glenda = 'proto=pass service=ppp user=glenda !password=secret';
