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

interface Ipifc {
  readonly fields: ReadonlyMap<string, string>;
  readonly lifcs: readonly (readonly string[])[];
}

const status_bytes = 4 * 1024 - 1;
const lines_max = 32;

/** As readipifc(2) goes through a status: pairs in the first line, a line of five words for each
 *  address. Undefined for an interface without a device. */
function readIpifc(status: string): Ipifc | undefined {
  assert.ok(status.length <= status_bytes && status.startsWith('device'), status);
  if (status.startsWith('device  ')) return undefined;
  const [first = '', ...rest] = status.split('\n').slice(0, lines_max);
  const words = first.split(/[ \t]+/).filter((w) => w !== '');
  assert.equal(words.length % 2, 0, first);
  const fields = new Map(words.flatMap((w, i) => (i % 2 === 0 ? [[w, words[i + 1] ?? '']] : [])));
  const lifcs = rest.map((l) => l.split(/[ \t]+/).filter((w) => w !== ''));
  const end = lifcs.findIndex((l) => l.length < 5);
  return { fields, lifcs: end < 0 ? lifcs : lifcs.slice(0, end) };
}

test('readipifc(2) understands the status of an interface, bound or not', async () => {
  const f = new Files({ plugins: [plugins], owner: 'glenda' });
  await f.system.control('load ipifc');
  const c = await f.clone('/ipifc');
  assert.equal(readIpifc(await f.read(`${c}/status`)), undefined);
  await f.write(`${c}/ctl`, 'device memory\nbind pkt');
  assert.deepEqual(readIpifc(await f.read(`${c}/status`))?.lifcs, []);
  await f.write(
    `${c}/ctl`,
    'add 10.0.0.2 255.255.255.255 10.0.0.1 1400\nadd fe80::2 /64\nadd 10.1.2.3',
  );
  const ifc = readIpifc(await f.read(`${c}/status`));
  const named = ['device', 'maxtu', 'sendra', 'recvra', 'mflag', 'oflag', 'maxraint', 'minraint'];
  named.push(
    'linkmtu',
    'reachtime',
    'rxmitra',
    'ttl',
    'routerlt',
    'pktin',
    'pktout',
    'errin',
    'errout',
  );
  for (const name of named) assert.match(ifc?.fields.get(name) ?? '', /^(memory|\d+)$/, name);
  assert.equal(ifc?.fields.get('maxtu'), '1400');
  const forever = ['4294967295', '4294967295'];
  assert.deepEqual(ifc?.lifcs, [
    ['10.0.0.2', '/128', '10.0.0.1', ...forever],
    ['fe80::2', '/64', 'fe80::', ...forever],
    ['10.1.2.3', '/104', '10.0.0.0', ...forever],
  ]);
  await f.system.stop('the test is over');
});
