/** Section 5 of the manual, check by check, against our server: over each carrier, and with the
 *  messages in segments of every kind. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { test } from 'node:test';
import { Gate, type Listener, type Server, type TlsKeys } from '@9p/lib9p';
import { openListeners } from '../../srv/carriers.js';
import { Accounts } from '../../srv/fuse/accounts.js';
import { Certs, needs } from '../kit/index.js';
import type { Check } from './check.js';
import { connector, inMemory } from './dial.js';
import { ownServer } from './fixture.js';
import { answersLater } from './later.js';
import type { Peer } from './peer.js';
import type { Segments } from './runner.js';
import { checks, inUnix, line, runSuite } from './suite.js';

/** No server of ours takes this long, on no machine however busy. */
const limit_ms = 20_000;

interface Pass {
  readonly segments?: Segments;
  readonly wanted?: readonly Check[];
  /** null: each check has a connection of its own. */
  readonly spare?: Peer[] | null;
}

async function pass(
  server: Server,
  connect: () => Promise<Duplex>,
  { segments = 'whole', wanted = checks, spare = [] }: Pass = {},
): Promise<void> {
  const faults: unknown[] = [];
  server.fault = (e) => faults.push(e);
  const who = { user: 'glenda', aname: '' };
  const options = { connect, ...who, limit_ms, segments, ...(spare && { spare }) };
  const bad: string[] = [];
  for await (const result of runSuite(options, wanted))
    if (result.verdict !== 'ok') bad.push(line(result));
  for (const peer of spare ?? []) peer.close();
  assert.equal(bad.join('\n'), '');
  assert.deepEqual(faults, []);
}

const pages =
  'intro version auth attach walk open create read write clunk remove stat wstat flush error u L';

test('there are checks of every page and dialect, each with a number of its own', () => {
  const sections = new Set(checks.map((c) => c.section.replace(/\..*/, '')));
  assert.deepEqual([...sections].sort(), pages.split(' ').sort());
  assert.equal(new Set(checks.map((c) => c.number)).size, checks.length);
  assert.ok(checks.length >= 150, `${checks.length} checks`);
});

for (const segments of ['whole', 'bytes', 'cut', 'ahead'] as const)
  test(`in memory, messages in segments: ${segments}`, () => {
    const server = ownServer();
    return pass(server, inMemory(server), { segments });
  });

test('in memory, each check on a connection of its own', () => {
  const server = ownServer();
  return pass(server, inMemory(server), { spare: null });
});

test('in memory, a tree whose every answer comes later', () => {
  const server = ownServer(answersLater);
  return pass(server, inMemory(server));
});

test('in memory, what is said of 9P2000 in 9P2000.u', () => {
  assert.ok(inUnix.length > 300);
  const server = ownServer();
  return pass(server, inMemory(server), { wanted: inUnix });
});

/** On a socket of its own. */
async function passOn(address: string, keys: { ours?: TlsKeys; theirs?: TlsKeys } = {}) {
  const server = ownServer();
  let listener: Listener | undefined;
  const options = { listen: [address], tls: keys.theirs, insecure: true };
  const common = { gate: new Gate(), accounts: new Accounts(0) };
  await openListeners(server, options, common, (l) => {
    listener = l;
  });
  assert.ok(listener);
  try {
    await pass(server, connector(listener.address, keys.ours));
  } finally {
    await listener.close();
    server.hangup('the test is over');
  }
}

async function inDir(f: (dir: string) => Promise<void>): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'c9p-'));
  try {
    await f(dir);
  } finally {
    await rm(dir, { recursive: true });
  }
}

test('over a unix socket', () => inDir((dir) => passOn(`unix!${dir}/socket`)));

test('over tcp', () => passOn('tcp!127.0.0.1!0'));

test('over TLS', { skip: needs('openssl') }, () =>
  inDir((dir) => {
    const certs = new Certs(dir);
    const keys = { ours: { ca: certs.text('ca.pem') }, theirs: certs.server() };
    return passOn('tls!127.0.0.1!0', keys);
  }),
);

test('over WebSockets', () => passOn('ws!127.0.0.1!0'));
