/** /iproute against the kernel's own table, in a network namespace of the test's own. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { utf8 } from '@9p/packet';
import { runtimeDirectory } from 'slashnet/core';
import { lineOf, parseLine } from '../../plugins/ipifc/journal.js';
import ipifc from '../../plugins/ipifc/plugin.js';
import { Files, inNetns, reqOf, sh } from '../kit/index.js';

const f = new Files();

if (inNetns(import.meta.url, 'iproute on Linux')) {
  process.env.XDG_RUNTIME_DIR = mkdtempSync(join(tmpdir(), 'iproute-'));
  const runtime = runtimeDirectory();
  const running = ipifc.start(f.system.env, []);
  sh('ip link add eth1 type veth peer name eth2; ip link set eth1 up; ip link set eth2 up');
  sh('ip addr add 192.168.1.2/24 dev eth1');
  sh('ip route add 172.16.0.0/12 via 192.168.1.1 proto static metric 7');
  after(async () => {
    await (await running).stop('the test is over');
    assert.doesNotMatch(sh('ip route; ip -6 route'), /proto 157/, 'what we made is undone');
    assert.match(sh('ip route'), /172\.16\.0\.0/, 'what others made stays');
    await f.system.stop('the test is over');
    rmSync(process.env.XDG_RUNTIME_DIR ?? '', { recursive: true });
    assert.deepEqual(f.bugs, []);
  });

  test('the columns of 9front', async () => {
    const c = await f.clone('/ipifc');
    await f.write(`${c}/ctl`, 'bind pkt\nadd 10.0.0.2 255.255.255.255 10.0.0.1\nadd fe80::a/64');
    const lines = (await f.read('/iproute')).split('\n');
    const has = (line: string): void =>
      assert.ok(lines.includes(line), `${line}\nin\n${lines.join('\n')}`);
    has('172.16.0.0      /108 192.168.1.1     4u   stat eth1 0.0.0.0         /96 ');
    has('192.168.1.0     /120 0.0.0.0         4iu  kern eth1 0.0.0.0         /96 ');
    has('10.0.0.1        /128 0.0.0.0         4iup kern   0 0.0.0.0         /96 ');
    has('fe80::          /64  ::              6iu  kern   0 ::              /0  ');
  });

  test('a default route as ppp makes it, and back', async () => {
    await f.write('/iproute', 'add 0 0 10.0.0.1\n');
    assert.match(sh('ip route'), /^default via 10\.0\.0\.1 dev ppp0 proto 157/m);
    assert.match(await f.read('/iproute'), /^0\.0\.0\.0 +\/96 +10\.0\.0\.1 +4u +none +0 /m);
    await assert.rejects(f.write('/iproute', 'add 0 0 10.0.0.1'), /add 0\.0\.0\.0\/0: file exists/);
    await f.write('/iproute', 'remove 0 0 10.0.0.1');
    assert.doesNotMatch(sh('ip route'), /default/);
    await assert.rejects(f.write('/iproute', 'remove 0 0 10.0.0.1'), /no such route/);
  });

  test('tags: what was added through this open, and no more, is flushed', async () => {
    const file = await f.open('/iproute');
    await file.write(
      utf8('tag vpn\nadd 10.1.0.0 /16 10.0.0.1\nadd 10.2.0.0 255.255.0.0 0 eth1'),
      0,
      reqOf(),
    );
    await f.write('/iproute', 'add 10.3.0.0 /16 192.168.1.1\nadd fd00:: /8 fe80::1 0');
    assert.match(sh('ip route'), /10\.2\.0\.0\/16 dev eth1 proto 157 scope link/);
    assert.match(sh('ip -6 route'), /fd00::\/8 via fe80::1 dev ppp0/);
    const table = await f.read('/iproute');
    assert.match(table, /^10\.1\.0\.0 +\/112 10\.0\.0\.1 +4u +vpn +0 /m);
    assert.match(table, /^10\.3\.0\.0 +\/112 192\.168\.1\.1 +4u +none +eth1 /m);
    await file.write(utf8('flush vpn'), 0, reqOf());
    file.close();
    const left = sh('ip route');
    assert.doesNotMatch(left, /10\.[12]\.0\.0/);
    assert.match(left, /10\.3\.0\.0/);
  });

  test('a line that was read can be written again', async () => {
    const line = (await f.read('/iproute')).split('\n').find((l) => l.startsWith('10.3.0.0')) ?? '';
    await f.write('/iproute', `remove ${line}`);
    assert.doesNotMatch(sh('ip route'), /10\.3\.0\.0/);
    await f.write('/iproute', `add ${line}`);
    assert.match(sh('ip route'), /10\.3\.0\.0\/16 via 192\.168\.1\.1 dev eth1 proto 157/);
  });

  test('straight to one of our interfaces: the next hop is its own address', async () => {
    await f.write('/iproute', 'add 10.4.0.0 /16 10.0.0.2');
    assert.match(sh('ip route'), /10\.4\.0\.0\/16 dev ppp0 proto 157 scope link/);
  });

  test('what is refused', async () => {
    const cases: readonly [message: string, why: RegExp][] = [
      ['add 10.9.0.0 /16 99.0.0.1', /add 10\.9\.0\.0\/16: network is unreachable/],
      ['add 10.9.0.0 /16 10.0.0.1 eth9', /interface not found: eth9/],
      ['add 10.9.0.0 /16 0', /no next hop/],
      ['add 10.9.0.0 /160 10.0.0.1', /bad mask/],
      ['add 10.9.0 /16 10.0.0.1', /bad ip address/],
      ['add 10.9.0.0 /16 10.0.0.1 0 10.0.0.0 /8', /source routes are for IPv6/],
      ['tag toolong', /bad tag/],
      ['route 10.0.0.1', /unknown control message/],
    ];
    for (const [message, why] of cases)
      await assert.rejects(f.write('/iproute', message), why, message);
  });

  test('routes of a daemon that was killed are taken back by the next', async () => {
    const dead = spawnSync('true').pid;
    const route = parseLine('0a070000/16 c0a80101 0');
    assert.ok(route !== undefined);
    sh('ip route add 10.7.0.0/16 via 192.168.1.1 proto 157');
    sh('ip route add 10.8.0.0/16 via 192.168.1.1 proto static');
    const ns = readlinkSync('/proc/self/ns/net');
    writeFileSync(
      join(runtime, `routes.${dead}`),
      `${ns}\n${lineOf(route)}\n0a080000/16 c0a80101 0\nx\n`,
    );
    writeFileSync(join(runtime, `routes.1`), `${ns}\n${lineOf(route)}\n`);
    const next = new Files();
    await (await ipifc.start(next.system.env, [])).stop('enough');
    assert.doesNotMatch(sh('ip route'), /10\.7\.0\.0/);
    assert.match(sh('ip route'), /10\.8\.0\.0/, 'one that is not ours by its protocol stays');
    assert.deepEqual(
      readdirSync(runtime).filter((n) => n.endsWith(String(dead))),
      [],
    );
    rmSync(join(runtime, 'routes.1'));
  });

  test('what outlives us is noted, and only that', async () => {
    const mine = join(runtime, `routes.${process.pid}`);
    await f.write('/iproute', 'flush');
    assert.ok(!existsSync(mine));
    await f.write('/iproute', 'add 10.7.0.0 /16 10.0.0.1');
    assert.ok(!existsSync(mine), 'it goes with our interface');
    await f.write('/iproute', 'add 10.6.0.0 /16 192.168.1.1');
    assert.match(readFileSync(mine, 'utf8'), /\n0a060000\/16 c0a80101 0\n$/);
    await f.write('/iproute', 'remove 10.6.0.0 /16 192.168.1.1');
    assert.ok(!existsSync(mine));
  });
}
