/** SIGTERM in every state: status 0 within two seconds, nothing left on the host, peers told. */
import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { connect as dialSocket } from 'node:net';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { Mount } from '@9p/lib9p';
import { missing } from '@9p/rawio';
import { needs } from '../kit/needs.js';
import {
  asleep,
  clean,
  connecting,
  end_ms,
  type Place,
  type Running,
  silentPeer,
  until,
  withPlace,
} from './place.js';

const root = needs('root', '/dev/net/tun', '/dev/fuse', 'unshare', 'nsenter', 'ip');
const skip = root || (missing === undefined ? false : `rawio is not built: ${missing}`);

/** SIGTERM, and no socket afterwards. */
async function ends(p: Place, d: Running): Promise<void> {
  const r = await d.term();
  clean(r);
  assert.ok(r.ms < end_ms, `${r.ms} ms`);
  assert.ok(!existsSync(join(p.dir, 'sock')), 'the socket is still there');
  assert.doesNotMatch(r.err, /bug|Error/);
}

/** Two ppp over one wire: `client` and `server` are more options of each. */
async function composed(m: Mount, client: string, server: string): Promise<void> {
  assert.equal(await m.readText('/loop/clone'), '0');
  for (const n of ['0', '1']) assert.equal(await m.readText('/ppp/clone'), n);
  const roles = 'role server\nnoauth\nlocal 10.9.0.1\nremote 10.9.0.2\nnet none';
  await m.writeFile('/ppp/0/ctl', `${client}\nbind /net/loop/0/data`);
  await m.writeFile('/ppp/1/ctl', `${roles}\n${server}\nbind /net/loop/0/data1\nannounce`);
  await m.writeFile('/ppp/0/ctl', 'connect');
}

describe('SIGTERM, without privilege', { timeout: 500_000 }, () => {
  test('idle', () => withPlace({}, async (p) => ends(p, await p.serve())));

  test('connect waits for a silent peer: its client is told', () =>
    withPlace({}, async (p) => {
      const d = await p.serve();
      const m = await p.dial();
      await silentPeer(m);
      const connect = p.slashnet('write', '/ppp/0/ctl', 'connect');
      await connecting(m);
      await ends(p, d);
      const r = await connect.ended;
      assert.equal(r.code, 1);
      assert.match(r.err, /^slashnet: .+\n$/);
    }));

  // That a peer in another process gets the Terminate-Request: far.test.ts.
  test('up over a wire, both ends ours; a reader of event is told', () =>
    withPlace({}, async (p) => {
      const d = await p.serve();
      const m = await p.dial();
      await composed(m, 'net none', 'restart 300');
      const event = await m.open('/ppp/0/event', 0);
      const read = event.read().then(
        (b) => Buffer.from(b).toString(),
        (e: Error) => e.message,
      );
      await m.readText('/version'); // the daemon has the read by now
      await ends(p, d);
      assert.match(await read, /^ip down |^phase Terminate/);
    }));

  test('while the profile’s connect waits for a silent peer', () =>
    withPlace({}, async (p) => {
      const lines = ['/loop/clone', '/skeleton/clone bind /net/loop/0/data', '/ppp/clone net none'];
      lines.push('/ppp/0/ctl bind /net/loop/0/data1', '/ppp/0/ctl connect');
      const profile = join(p.dir, 'profile');
      writeFileSync(profile, lines.join('\n'));
      const d = p.slashnet('serve', '--load', 'skeleton', '--profile', profile);
      await until('connect under way', () => /phase Establish/.test(d.err) || d.over);
      await ends(p, d);
    }));

  test('a 9P client that does not read', () =>
    withPlace({}, async (p) => {
      const d = await p.serve();
      const m = await p.dial();
      const s = dialSocket(join(p.dir, 'sock'));
      s.pause();
      s.on('error', () => undefined); // the daemon goes before it has taken all
      const version = Buffer.from('1300000064ffff00200000060039503230303000', 'hex').subarray(
        0,
        19,
      );
      for (let i = 0; i < 20_000; i++) s.write(version);
      assert.match(await m.readText('/version'), /^slashnet /);
      await ends(p, d);
      s.destroy();
    }));
});

describe('SIGTERM, as root', { skip, timeout: 500_000 }, () => {
  const routes = 'ip route; ip -6 route; ip -o addr | sed s/.tentative//; ip -o link | cut -d: -f2';

  async function overTun(p: Place): Promise<{ d: Running; m: Mount; before: string }> {
    await p.ok('ip link add eth9 type veth peer name eth10 && ip addr add 192.168.9.2/24 dev eth9');
    await p.ok(
      'ip link set eth10 up && ip link set eth9 up && ip route add default via 192.168.9.1 metric 100',
    );
    const settled = async (): Promise<boolean> => /fe80.*fe80/s.test(await p.ok('ip -6 route'));
    await until('the link-local address', settled);
    const before = await p.ok(routes);
    const d = await p.serve(['--mount', p.mnt]);
    const m = await p.dial();
    await composed(m, 'primary', 'restart 300\ndns 10.9.0.53');
    assert.match(await p.ok('ip route'), /^default via 10\.9\.0\.1 dev ppp0/m);
    assert.match(await p.ok('ip route'), /^default via 192\.168\.9\.1/m, 'the other one stays');
    assert.match(await m.readText('/ndb'), /dns=10\.9\.0\.53/);
    return { d, m, before };
  }

  test('up over a TUN with a default route: interface, routes, mount, socket gone', () =>
    withPlace({ spaces: true }, async (p) => {
      const { d, before } = await overTun(p);
      const cats = ['event', 'log'].map((f) => p.sh(`exec cat $MNT/ppp/0/${f}`));
      for (const c of cats) await asleep(p, c);
      await ends(p, d);
      assert.equal(await p.ok(routes), before);
      assert.equal(await p.mounts(), 0);
      for (const c of cats) await c.ended;
    }));

  test('hangup takes the same away, connect brings it back', () =>
    withPlace({ spaces: true }, async (p) => {
      const { d, m, before } = await overTun(p);
      await p.ok('echo hangup > $MNT/ppp/0/ctl');
      assert.equal(await p.ok(routes), before);
      assert.doesNotMatch(await m.readText('/ndb'), /10\.9\.0\.53/);
      await p.ok('echo connect > $MNT/ppp/0/ctl');
      assert.match(await p.ok('ip route'), /^default via 10\.9\.0\.1 dev ppp0/m);
      await ends(p, d);
      assert.equal(await p.ok(routes), before);
    }));

  test('kill -9: the TUN goes with the process, and the next start is clean', () =>
    withPlace({ spaces: true }, async (p) => {
      const { d, before } = await overTun(p);
      d.kill('SIGKILL');
      await d.ended;
      await until('as before', async () => (await p.ok(routes)) === before);
      const next = await p.serve(['--mount', p.mnt]);
      assert.equal(await p.mounts(), 1);
      const m = await p.dial();
      await composed(m, 'primary', 'restart 300');
      await ends(p, next);
      assert.equal(await p.ok(routes), before);
      assert.equal(await p.mounts(), 0);
    }));

  const lab = needs('pppoe-server', 'pppoe', 'tcpdump');

  /** An access concentrator behind eth7, whose PPP says nothing; what goes by; a daemon. */
  async function concentrator(p: Place) {
    await p.ok('ip link add eth7 type veth peer name eth8; ip link set eth7 up');
    await p.ok('ip link set eth8 up');
    const watch = 'tcpdump -i eth8 -l -n -e --immediate-mode ether proto 0x8863';
    const dump = p.start(watch.split(' '));
    await until('tcpdump', () => dump.err.includes('listening'));
    const pppd = join(p.dir, 'pppd');
    writeFileSync(
      pppd,
      `#!/bin/sh\nmkfifo $0.$$; exec 3<>$0.$$; eval "exec $2" <&3 > /dev/null\n`,
      { mode: 0o755 },
    );
    p.start(`pppoe-server -F -I eth8 -C lab -S isp -q ${pppd}`.split(' '));
    const d = await p.serve(['--ether', 'ether0=eth7']);
    const m = await p.dial();
    for (const layer of ['pppoe', 'ppp']) assert.equal(await m.readText(`/${layer}/clone`), '0');
    await m.writeFile('/pppoe/0/ctl', 'service isp\nretry 100\nbind /net/ether0');
    const mac = /ether (\S+)/.exec(await p.ok('ip link show eth7'))?.[1];
    const padt = new RegExp(`${mac} > .* PPPoE PADT`);
    return { d, m, told: () => until('PADT', () => padt.test(dump.out)) };
  }

  test('a PPPoE session: the access concentrator gets our PADT', { skip: lab }, () =>
    withPlace({ spaces: true }, async (p) => {
      const { d, m, told } = await concentrator(p);
      await m.writeFile('/pppoe/0/ctl', 'connect');
      await ends(p, d);
      await told();
    }),
  );

  test('Ctrl-C on ppp’s connect ends the PPPoE session that it made', { skip: lab }, () =>
    withPlace({ spaces: true }, async (p) => {
      const { d, m, told } = await concentrator(p);
      await m.writeFile('/ppp/0/ctl', 'net none\nbind /net/pppoe/0/data');
      const connect = p.slashnet('write', '/ppp/0/ctl', 'connect');
      await connecting(m);
      assert.match(await m.readText('/pppoe/0/status'), /^Session /);
      connect.kill('SIGINT');
      await told();
      await until('both idle', async () => /^Idle /.test(await m.readText('/pppoe/0/status')));
      await ends(p, d);
    }),
  );
});
