/** A Plan 9 host's /net imported at /n/host: dialled through, ppp over its ether0, and its IP stack
 *  instead of ours. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { dial, listen, type Mount, Server } from '@9p/lib9p';
import { type Daemon, startDaemon } from '../../srv/daemon.js';
import { eventually, soon } from '../kit/index.js';
import { plan9Net } from './plan9.js';
import { play } from './transcript.js';

interface Hosts {
  readonly d: Daemon;
  readonly m: Mount;
  /** Of the Plan 9 host: what is there of our daemon. */
  fids(): number;
}

async function withHosts(f: (h: Hosts) => Promise<void>): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'slashnet-golden-'));
  const server = new Server(plan9Net());
  const listener = await listen(server, { path: join(dir, 'plan9') });
  const load = ['auth', 'ppp', 'pppoe', 'ipifc', 'loop'];
  const bugs: string[] = [];
  const log = (l: string): void => void (/\bbug\b|plugin error/.test(l) && bugs.push(l));
  const d = await startDaemon({ socket: join(dir, 'ours'), load, log });
  const m = await dial(d.addresses[0] as string);
  try {
    await d.system.control(`mount ${listener.address} /n/host`);
    await f({ d, m, fids: () => [...server.connections].reduce((n, c) => n + c.fids, 0) });
    assert.deepEqual(bugs, []);
  } finally {
    m.close();
    await d.stop('the test is over');
    await listener.close();
    await rm(dir, { recursive: true });
  }
}

for (const name of ['dial-tcp', 'dial-gre', 'dial-ether', 'ipifc'])
  test(`${name} through our name space`, { timeout: 300_000 }, () =>
    withHosts(async ({ d, fids }) => {
      await play(name, d.server, { aname: '/n/host', wait: () => soon(1) });
      await eventually('all is clunked there, but the root', () => fids() === 1);
    }),
  );

/** Sessions set by hand on the two ends of the Plan 9 host's wire, and ppp on each. */
async function sessions(m: Mount): Promise<void> {
  for (const i of [0, 1]) {
    assert.equal(await m.readText('/pppoe/clone'), String(i));
    assert.equal(await m.readText('/ppp/clone'), String(i));
    await m.writeFile(`/pppoe/${i}/ctl`, `bind /n/host/ether${i}`);
    await m.writeFile(`/pppoe/${i}/ctl`, `linger 0\nstatic session 7 mac 02000000090${2 - i}`);
    await m.writeFile(`/ppp/${i}/ctl`, 'restart 100');
  }
  await m.writeFile('/ppp/0/ctl', 'bind /net/pppoe/0/data');
  await m.writeFile('/ppp/1/ctl', 'role server\nnoauth\nlocal 10.0.0.1\nremote 10.0.0.2\nnet none');
  await m.writeFile('/ppp/1/ctl', 'bind /net/pppoe/1/data\nannounce');
}

test('ppp over the ether0 of a Plan 9 host', { timeout: 300_000 }, () =>
  withHosts(async ({ m, fids }) => {
    await sessions(m);
    await m.writeFile('/ppp/0/ctl', 'net none\nconnect');
    assert.match(await m.readText('/ppp/0/status'), /^Opened /);
    await m.writeFile('/ppp/0/ctl', 'hangup');
    for (const l of ['ppp', 'pppoe'])
      for (const i of [0, 1]) await m.writeFile(`/${l}/${i}/ctl`, 'close');
    await eventually('the host is left alone', () => fids() === 1);
  }),
);

test('the IP stack of a Plan 9 host: net /n/host', { timeout: 300_000 }, () =>
  withHosts(async ({ m, fids }) => {
    await sessions(m);
    await m.writeFile('/ppp/0/ctl', 'net /n/host\nconnect');
    const status = await m.readText('/n/host/ipifc/0/status');
    assert.match(status, /^device pkt0 maxtu 1492 .*\n\t10\.0\.0\.2 +\/128 +10\.0\.0\.1 /);
    // A host in memory at the other end pings it: the packets go through the imported data file.
    assert.equal(await m.readText('/ipifc/clone'), '0');
    await m.writeFile('/ipifc/0/ctl', 'device memory\nbind /net/ppp/1/data');
    await m.writeFile('/ipifc/0/ctl', 'add 10.0.0.1 255.255.255.255 10.0.0.2');
    await m.writeFile('/ipifc/0/ctl', 'ping 10.0.0.2 3 10');
    assert.match(await m.readText('/ipifc/0/ping'), /^3 packets transmitted, 3 received/m);
    await m.writeFile('/ppp/0/ctl', 'hangup');
    await eventually('unbound', async () =>
      /^device {2}maxtu/.test(await m.readText('/n/host/ipifc/0/status')),
    );
    for (const l of ['ipifc', 'ppp', 'pppoe'])
      for (const i of l === 'ipifc' ? [0] : [0, 1]) await m.writeFile(`/${l}/${i}/ctl`, 'close');
    await eventually('the host is left alone', () => fids() === 1);
  }),
);
