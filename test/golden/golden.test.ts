/** What Plan 9's libc and kernel, 9pfuse, v9fs and Inferno send, against our tree and against Plan
 *  9's own as plan9.ts plays it; each transcript also byte by byte. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Server } from '@9p/lib9p';
import { Files } from '../kit/index.js';
import { plan9Net } from './plan9.js';
import { play } from './transcript.js';

const plugins = new URL('../../plugins', import.meta.url).pathname;

async function ours(name: string, bytewise: boolean): Promise<void> {
  const f = new Files({ plugins: [plugins], owner: 'glenda' });
  for (const p of ['loop', 'ipifc']) await f.system.control(`load ${p}`);
  const server = new Server(f.system.tree, {
    who: () => f.who,
    turn: (work) => f.system.turn.run(work),
    fault: (e) => f.bugs.push(String(e)),
  });
  await play(name, server, { bytewise, write: (what, path) => f.write(path, what) });
  await f.system.stop('the test is over');
  assert.deepEqual(f.bugs, []);
}

async function plan9(name: string, bytewise: boolean): Promise<void> {
  const faults: unknown[] = [];
  await play(name, new Server(plan9Net(), { fault: (e) => faults.push(e) }), { bytewise });
  assert.deepEqual(faults, []);
}

for (const [who, name] of [
  [ours, 'mount'],
  [ours, '9pfuse'],
  [ours, 'v9fs'],
  [ours, 'v9fs-u'],
  [ours, 'v9fs-L'],
  [ours, 'inferno'],
  [ours, 'ipifc'],
  [ours, 'ndb'],
  [plan9, 'ipifc'],
  [plan9, 'dial-ether'],
  [plan9, 'dial-tcp'],
  [plan9, 'dial-gre'],
] as const)
  for (const bytewise of [false, true])
    test(`${name}: ${who === ours ? 'our tree' : 'Plan 9'}${bytewise ? ', byte by byte' : ''}`, () =>
      who(name, bytewise));
