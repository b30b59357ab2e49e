/** A campaign of Talks with one server after the other: a small tree, or a whole daemon. */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { FileError, file, memTree, type Req, refuse, Server } from '@9p/lib9p';
import { SeededRandom, VirtualClock } from '../kit/index.js';
import { dialects, settled } from '../unit/lib9p-kit.js';
import { whole } from '../unit/whole.js';
import { type Ground, Talk } from './talk.js';

export const seed = Number(process.env.FUZZ_SEED ?? 20);

export interface Target {
  readonly server: Server;
  readonly ground: Ground;
  /** Between conversations. */
  rest(r: SeededRandom): Promise<void>;
  /** What went wrong inside; it is gone then. */
  end(): Promise<readonly string[]>;
}

// A small tree ----------------------------------------------------------------------------------

const waits = (req: Req): Promise<string> =>
  new Promise((_resolve, reject) => {
    req.onflush = () => reject(new FileError('interrupted'));
  });

const wait = file({ read: waits, write: async (_text, req) => void (await waits(req)) });
const quick = file({ read: () => 'x', write: (t) => (t === 'no' ? refuse('no') : undefined) });
/** Some of it of the same names as in the transcripts. */
const entries = {
  hello: 'hello',
  version: () => 'x\n',
  a: {
    b: { x: '' },
    later: () => Promise.resolve('later'),
    never: () => new Promise<string>(() => {}),
  },
  waits: wait,
  new: quick,
  loop: {
    clone: quick,
    0: { ctl: quick, status: () => Promise.resolve('x\n'), data: wait, event: wait },
  },
};

export function small(): Target {
  const faults: string[] = [];
  const server = new Server(memTree(entries, { writable: true }), {
    fault: (e) => faults.push(String(e)),
  });
  const ground = {
    names: ['hello', 'a', 'b', 'x', 'waits', 'later', 'never', 'new', '..', '', '.', 'a/b'],
    texts: ['', 'no', 'yes', 'x'.repeat(200)],
    paths: [
      ...['hello', 'a', 'a/b', 'a/b/x', 'a/later', 'a/never', 'a/never', 'waits', 'waits', 'waits'],
      ...['new', 'a/b/../b/x', 'loop/0/data', 'loop/0/ctl'],
    ],
  };
  return { server, ground, rest: async () => undefined, end: async () => faults };
}

// A daemon --------------------------------------------------------------------------------------

const verbs = [
  ...['connect', 'hangup', 'close', 'unbind', 'keep', 'nokeep', 'announce', 'redial 2', 'frob'],
  ...['bind /net/loop/0/data', 'bind /net/loop/1/data1', 'bind /net/ppp/2/data', 'bind pkt'],
  ...['device memory', 'add 10.0.0.1', 'add 10.0.0.5 /32 10.0.0.6 1400', 'remove 10.0.0.1 /8'],
  ...['ping 10.0.0.6', 'mtu 1400', 'pool', 'peer /net/ppp/0/data 10.0.0.9', 'loss 10%', 'delay 5'],
  ...['role server\nnoauth\nnet none', 'net none\nconnect', 'framing hdlc', 'prefix /n/x', 'bind'],
  ...['key proto=pass user=u !password=p', 'delkey user=u', 'start proto=pass role=client user=u'],
  ...[
    'start proto=chap role=server',
    'ip=10.0.0.1 dns=10.0.0.2\n',
    'service x',
    'connect 10.0.0.1',
  ],
];
const layers = ['auth', 'loop', 'ppp', 'pppoe', 'ipifc', 'skeleton'];
const files = [
  'ctl',
  'data',
  'data1',
  'status',
  'err',
  'event',
  'log',
  'pcap',
  'stats',
  'local',
  'help',
];
const ground: Ground = {
  names: [
    ...layers,
    ...files,
    '0',
    '1',
    '2',
    'clone',
    'rpc',
    'n',
    'ns',
    'version',
    'ndb',
    '..',
    '',
  ],
  texts: verbs,
  paths: [
    ...layers.flatMap((l) => [l, `${l}/clone`, `${l}/2`]),
    ...layers.flatMap((l) => files.flatMap((f) => [`${l}/0/${f}`, `${l}/2/${f}`])),
    ...['auth/ctl', 'auth/rpc', 'auth/log', 'ctl', 'log', 'ndb', 'iproute', 'loop/0/../1/ctl'],
  ],
};

/** `owner`: everybody is the daemon's; as root he makes TUN devices. */
export async function daemon(r: SeededRandom, owner = false): Promise<Target> {
  const clock = new VirtualClock();
  const { f, server, faults } = await whole(owner, { clock, random: new SeededRandom(r.u32()) });
  const u = { uname: 'u', groups: [], owner: false };
  for (const layer of layers)
    for (let n = 0; n < 2; n++) {
      const what = layer === 'ipifc' ? 'keep\ndevice memory' : 'keep';
      await f.write(`/${layer}/clone`, what, undefined, u);
    }
  return {
    server,
    ground,
    rest: (r) => (r.chance(50) ? clock.run(r.below(3000)) : Promise.resolve()),
    async end() {
      await clock.until(f.system.stop('the test is over'));
      return [...faults, ...f.bugs];
    },
  };
}

// Both ------------------------------------------------------------------------------------------

setFlagsFromString('--expose-gc');
const gc = runInNewContext('gc') as () => void;

async function heap(): Promise<number> {
  await settled();
  gc();
  return process.memoryUsage().heapUsed;
}

/** Conversations until one target is old: what it keeps for its owner (conversations, keys) is no
 *  leak, what it keeps beyond its end is. */
const messages_of_target = 20_000;
const heap_bytes_max = 16 * 1024 * 1024;

export async function campaign(
  t: TestContext,
  make: () => Promise<Target>,
  dialect: number,
  iterations: number,
): Promise<void> {
  const r = new SeededRandom(seed + dialect);
  const sum = { messages: 0, answered: 0, refused: 0, flushed: 0, ended: 0, conversations: 0 };
  const started = process.cpuUsage();
  let before = 0;
  while (sum.messages < iterations) {
    const target = await make();
    const upto = Math.min(sum.messages + messages_of_target, iterations);
    while (sum.messages < upto) {
      const talk = new Talk(target.server, r, dialects[dialect]!);
      if (r.chance(50)) await talk.requests(1 + r.below(400), target.ground);
      else await talk.conversation();
      await talk.end();
      await target.rest(r);
      const { requests, answered, refused, flushed } = talk.books;
      sum.messages += requests;
      sum.answered += answered;
      sum.refused += refused;
      sum.flushed += flushed;
      sum.conversations++;
      if (talk.ended !== undefined) sum.ended++;
    }
    assert.equal(target.server.connections.size, 0);
    assert.deepEqual(await target.end(), []);
    if (before === 0) before = await heap();
  }
  const grown = (await heap()) - before;
  const cpu = process.cpuUsage(started);
  const seconds = ((cpu.user + cpu.system) / 1e6).toFixed(1);
  const figures = Object.entries(sum).map(([name, n]) => `${name} ${n}`);
  const heaps = `heap ${(before / 1e6).toFixed(1)} MB and ${(grown / 1e6).toFixed(1)} MB more`;
  t.diagnostic(`${figures.join(', ')}, cpu ${seconds} s, ${heaps}`);
  assert.ok(grown < heap_bytes_max, `the heap has grown by ${grown} bytes`);
  assert.ok(sum.answered > sum.messages / 4, 'most are answered');
  assert.ok(sum.answered - sum.refused > sum.messages / 20, 'some succeed');
}
