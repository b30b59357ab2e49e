/** TUN interfaces, addresses and routes, in a network namespace of the test's own. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { after, test } from 'node:test';
import { join, Port } from 'slashnet/core';
import ipifc from '../../plugins/ipifc/plugin.js';
import { eventually, Files, inNetns, sh } from '../kit/index.js';
import { wireLayer } from './ipifc-wire.js';

const f = new Files();
const { layer, ends } = wireLayer();

/** A command that needs this process to answer while it runs. */
function run(command: string): Promise<{ status: number | null; out: string }> {
  return new Promise((done) => {
    const child = spawn('sh', ['-c', command]);
    let out = '';
    child.stdout.on('data', (b) => {
      out += b;
    });
    child.stderr.on('data', (b) => {
      out += b;
    });
    child.on('close', (status) => done({ status, out }));
  });
}
/** How many of `n` echo requests were answered. All leave at once: behind its last one ping waits
 *  for the interval alone, where it was answered before, and -W is for where it was not. */
async function answered(n: number, ip: string, wait_s = 60): Promise<number> {
  const { out } = await run(`ping -q -c ${n} -l ${n} -i ${wait_s} -W ${wait_s} ${ip}`);
  return Number(/ (\d+) received/.exec(out)?.[1] ?? assert.fail(out));
}
/** Two interfaces at the two ends of a wire: one of Linux, one in memory. */
async function pair(first: string): Promise<[tun: string, memory: string]> {
  const wires = [await f.clone('/wire'), await f.clone('/wire')];
  const [a, b] = [await f.clone('/ipifc'), await f.clone('/ipifc')];
  await f.write(`${a}/ctl`, `${first}\nbind ${wires[0]}/data`);
  await f.write(`${b}/ctl`, `device memory\nbind ${wires[1]}/data`);
  return [a, b];
}

if (inNetns(import.meta.url, 'ipifc on Linux', 'ping')) {
  f.system.env.serve(layer);
  const running = ipifc.start(f.system.env, []);
  after(async () => {
    await (await running).stop('the test is over');
    await f.system.stop('the test is over');
    assert.deepEqual(f.bugs, []);
    assert.doesNotMatch(sh('ip link'), /ppp|srv/);
  });

  test('the system pings over a TUN device: IPv4 and IPv6', async () => {
    const [a, b] = await pair('ifname ppp7');
    await f.write(`${a}/ctl`, 'add 10.0.0.1 255.255.255.255 10.0.0.2 1400\nadd fe80::a /64');
    await f.write(`${b}/ctl`, 'add 10.0.0.2 255.255.255.255 10.0.0.1\nadd fe80::b /64');
    assert.match(await f.read(`${a}/status`), /^device ppp7 maxtu 1400 /);
    const link = sh('ip addr show ppp7');
    assert.match(link, /POINTOPOINT.*UP.* mtu 1400 /);
    assert.match(link, /inet 10\.0\.0\.1 peer 10\.0\.0\.2\/32 /);
    assert.deepEqual(link.match(/inet6 \S+/g), ['inet6 fe80::a/64'], 'and no other');
    assert.equal(await answered(5, '10.0.0.2'), 5);
    assert.equal(await answered(5, 'fe80::b%ppp7'), 5);
    await f.write(`${b}/ctl`, 'ping 10.0.0.1 3 20');
    assert.match(await f.read(`${b}/ping`), /3 received, 0% packet loss/);
    await f.write(`${a}/ctl`, 'close');
    assert.doesNotMatch(sh('ip link'), /ppp7/);
    await f.write(`${b}/ctl`, 'close');
  });

  test('without a name it is the first pppN that is free', async () => {
    sh('ip link add ppp0 type veth peer name other');
    const [a, b] = await pair('speed 0');
    await f.write(`${a}/ctl`, 'add 10.0.0.1 255.255.255.255 10.0.0.2');
    assert.match(await f.read(`${a}/status`), /^device ppp1 /);
    await f.write(`${a}/ctl`, 'unbind');
    assert.doesNotMatch(sh('ip link'), /ppp1/);
    assert.match(await f.read(`${a}/status`), /^device {2}maxtu 1500/);
    await f.write(`${a}/ctl`, 'close');
    await f.write(`${b}/ctl`, 'close');
    sh('ip link del ppp0');
  });

  test('the words of the kernel: what is there already, what may not be', async () => {
    const [a, b] = await pair('ifname ppp3');
    await f.write(`${a}/ctl`, 'add 10.0.0.1 /32 10.0.0.2');
    await f.write(`${a}/ctl`, 'add 10.0.0.1 /32 10.0.0.2');
    sh('ip addr add 10.0.0.5/32 dev ppp3');
    const exists = f.write(`${a}/ctl`, 'add 10.0.0.5 /32');
    await assert.rejects(
      exists,
      /^Error.*add 10\.0\.0\.5\/32: file exists|address already assigned/,
    );
    const twin = await f.clone('/ipifc');
    await assert.rejects(f.write(`${twin}/ctl`, 'ifname ppp3\nbind pkt'), /busy/);
    await f.write(`${twin}/ctl`, 'close');
    await f.write(`${a}/ctl`, 'close');
    await f.write(`${b}/ctl`, 'close');
  });

  test('an interface that somebody else removes is unbound', async () => {
    const [a, b] = await pair('ifname ppp4');
    sh('ip link del ppp4');
    await eventually('unbound', async () => /^device {2}/.test(await f.read(`${a}/status`)));
    assert.match(await f.read(`${a}/err`), /ppp4 is gone/);
    await f.write(`${a}/ctl`, 'close');
    await f.write(`${b}/ctl`, 'close');
  });

  test('while the layer below is full the device is not read', async () => {
    const [a, b] = await pair('ifname ppp5');
    await f.write(`${a}/ctl`, 'add 10.0.0.1 /32 10.0.0.2');
    await f.write(`${b}/ctl`, 'add 10.0.0.2 /32 10.0.0.1');
    const end = [...ends.values()].find((e) => e.upper.peer !== undefined);
    assert.ok(end !== undefined);
    end.full = true;
    const first = await answered(1, '10.0.0.2');
    assert.equal(first, 1, 'its fullness is looked at after a batch');
    const before = end.upper.sent;
    assert.equal(await answered(3, '10.0.0.2', 0.2), 0);
    assert.equal(end.upper.sent, before);
    end.full = false;
    end.upper.roomAgain();
    assert.equal(await answered(2, '10.0.0.2'), 2);
    await f.write(`${a}/ctl`, 'close');
    await f.write(`${b}/ctl`, 'close');
  });

  test('bind pkt: packets through the data file', async () => {
    const c = await f.clone('/ipifc');
    await f.write(`${c}/ctl`, 'ifname ppp6\nbind pkt /dev/eia0');
    await f.write(`${c}/ctl`, 'add 10.6.0.1 255.255.255.255 10.6.0.2');
    const got: number[] = [];
    const mine = new Port({
      name: 'mine',
      framing: 'packet',
      mtu: () => 1500,
      take(p) {
        got.push(p.length);
        return undefined;
      },
    });
    join(mine, await f.port(`${c}/data`));
    assert.equal(await answered(1, '10.6.0.2', 0.2), 0);
    await eventually('the packet', () => got.includes(84));
    await f.write(`${c}/ctl`, 'close');
  });

  test('pool: sessions share one interface', async () => {
    const server = await f.clone('/ipifc');
    await f.write(`${server}/ctl`, 'pool\nifname srv\nadd 10.9.0.1 255.255.255.0');
    const clients: string[] = [];
    for (let i = 2; i < 5; i++) {
      const wires = [await f.clone('/wire'), await f.clone('/wire')];
      const client = await f.clone('/ipifc');
      const ip = i === 4 ? '10.77.0.4' : `10.9.0.${i}`;
      await f.write(`${server}/ctl`, `bind ${wires[0]}/data\npeer ${wires[0]}/data ${ip}`);
      await f.write(
        `${client}/ctl`,
        `device memory\nbind ${wires[1]}/data\nadd ${ip} /32 10.9.0.1`,
      );
      clients.push(client);
    }
    for (const ip of ['10.9.0.2', '10.9.0.3', '10.77.0.4'])
      assert.equal(await answered(2, ip), 2, ip);
    assert.match(sh('ip route'), /10\.77\.0\.4 dev srv proto 157/);
    await f.write(`${server}/ctl`, 'unpeer 10.77.0.4');
    assert.doesNotMatch(sh('ip route'), /10\.77\.0\.4/);
    assert.equal(await answered(1, '10.9.0.9', 0.2), 0);
    await eventually('nopeer', async () => /nopeer: [1-9]/.test(await f.read(`${server}/stats`)));
    for (const c of [server, ...clients]) await f.write(`${c}/ctl`, 'close');
  });
}
