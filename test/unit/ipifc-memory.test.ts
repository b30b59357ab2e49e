/** Interfaces in memory: verbs, states, pings over a wire, without
 *  privilege and on virtual time. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { text, utf8 } from '@9p/packet';
import { omode } from 'slashnet/core';
import ipifc from '../../plugins/ipifc/plugin.js';
import { Files, reqOf, SeededRandom, VirtualClock } from '../kit/index.js';
import { wireLayer } from './ipifc-wire.js';

async function pair() {
  const clock = new VirtualClock();
  const f = new Files({ clock, random: new SeededRandom(1) });
  const { layer, ends } = wireLayer();
  f.system.env.serve(layer);
  await ipifc.start(f.system.env, []);
  const [a, b] = [await f.clone('/ipifc'), await f.clone('/ipifc')];
  for (const [i, c] of [a, b].entries()) {
    await f.clone('/wire');
    await f.write(`${c}/ctl`, `device memory\nbind /net/wire/${i}/data`);
  }
  await f.write(`${a}/ctl`, 'add 10.0.0.1 255.255.255.255 10.0.0.2\nadd fe80::1 /64');
  await f.write(`${b}/ctl`, 'add 10.0.0.2 255.255.255.255 10.0.0.1\nadd fe80::2/64');
  return { clock, f, a, b, ends };
}

test('status is that of ip(3)', async () => {
  const { f, a } = await pair();
  assert.equal(
    await f.read(`${a}/status`),
    'device memory maxtu 1500 sendra 0 recvra 0 mflag 0 oflag 0 maxraint 600000 minraint 200000 ' +
      'linkmtu 0 reachtime 0 rxmitra 0 ttl 0 routerlt 0 pktin 0 pktout 0 errin 0 errout 0 speed 0 ' +
      'delay 0\n' +
      `\t${'10.0.0.1'.padEnd(40)} /128       ${'10.0.0.2'.padEnd(40)} 4294967295   4294967295  \n` +
      `\t${'fe80::1'.padEnd(40)} /64        ${'fe80::'.padEnd(40)} 4294967295   4294967295  \n`,
  );
  assert.equal(await f.read(`${a}/remote`), '10.0.0.2\n');
  assert.match(
    await f.read(`${a}/local`),
    /^10\.0\.0\.1 +-> 10\.0\.0\.1 +\nfe80::1 +-> fe80::1 +\n$/,
  );
});

test('ping over the wire, and what the file says of it', async () => {
  const { clock, f, a } = await pair();
  await clock.until(f.write(`${a}/ctl`, 'ping 10.0.0.2 3'));
  const text = await f.read(`${a}/ping`);
  assert.match(text, /^64 bytes from 10\.0\.0\.2: icmp_seq=1 ttl=64 time=0\.000 ms\n/);
  assert.match(
    text,
    /\n3 packets transmitted, 3 received, 0% packet loss\nrtt min\/avg\/max 0\.000/,
  );
  assert.equal(clock.now(), 400);
  await clock.until(f.write(`${a}/ctl`, 'ping fe80::2 1 200 1000'));
  assert.match(await f.read(`${a}/ping`), /^1008 bytes from fe80::2: icmp_seq=1/);
  assert.deepEqual(f.bugs, []);
});

test('loss is told, and no answer at all is an error', async () => {
  const { clock, f, a, ends } = await pair();
  const end = ends.get(0);
  assert.ok(end !== undefined);
  let n = 0;
  end.catch = (p) => {
    if (++n % 2 === 0) ends.get(1)?.upper.deliver(p);
  };
  await clock.until(f.write(`${a}/ctl`, 'ping 10.0.0.2 4 100'));
  assert.match(await f.read(`${a}/ping`), /4 packets transmitted, 2 received, 50% packet loss/);
  end.catch = () => {};
  const lost = clock.until(f.write(`${a}/ctl`, 'ping 10.0.0.2 2'));
  await assert.rejects(lost, /no answer from 10\.0\.0\.2 to 2 pings/);
  await assert.rejects(f.write(`${a}/ctl`, 'ping 10.0.0.2 0'), /bad count: 0: 1 to 1000/);
});

test('a ping that is given up leaves nothing behind', async () => {
  const { clock, f, a, ends } = await pair();
  const end = ends.get(0);
  assert.ok(end !== undefined);
  end.catch = () => {};
  const p = f.write(`${a}/ctl`, 'ping 10.0.0.2 1000');
  p.catch(() => undefined);
  await clock.run(500);
  await f.write(`${a}/ctl`, 'hangup');
  await assert.rejects(p, /hung up/);
  assert.match(await f.read(`${a}/status`), /^device {2}maxtu/);
});

test('verbs that are refused', async () => {
  const { f, a } = await pair();
  const cases: readonly [message: string, why: RegExp][] = [
    ['add 10.0.0', /bad ip address: 10\.0\.0/],
    ['add 10.0.0.1 255.0.255.0', /bad mask: 255\.0\.255\.0/],
    ['add 10.0.0.1 /32 fe80::1', /bad ip address: fe80::1/],
    ['add 10.0.0.5 /24 10.0.0.0 67', /bad mtu: 67: 68 to 65535/],
    ['add 10.0.0.5 /24 10.0.0.0 1500 trans', /trans not supported/],
    ['remove 10.0.0.9 /32', /address not on this interface/],
    ['bind /net/wire/1/data', /\/net\/wire\/0\/data is bound: unbind it first/],
    ['device tun', /interface already bound: memory/],
    ['device null', /bad device: null/],
    ['ifname 0x', /bad interface name: 0x/],
    ['mtu x', /bad mtu: x/],
    ['pool', /interface already bound/],
    ['peer /wire/0/data 10.0.0.1', /not in pool mode/],
    ['ra6 sendra 1', /only recvra/],
    ['ping 10.0.0', /bad ip address/],
    ['iprouting 1', /unknown control message/],
  ];
  for (const [message, why] of cases)
    await assert.rejects(f.write(`${a}/ctl`, message), why, message);
});

test('add and remove, connect with an address, mtu of what is below', async () => {
  const { f, a, ends } = await pair();
  await f.write(`${a}/ctl`, 'add 10.0.0.1 255.255.255.255 10.0.0.2');
  await f.write(`${a}/ctl`, 'remove fe80::1 /64\nremove 10.0.0.1 /128');
  assert.match(await f.read(`${a}/status`), /delay 0\n\n$/);
  await f.write(`${a}/ctl`, 'connect 10.1.0.1 255.255.0.0');
  assert.match(await f.read(`${a}/status`), /\t10\.1\.0\.1 +\/112 +10\.1\.0\.0 /);
  await f.write(`${a}/ctl`, 'mtu 1400\nspeed 9600');
  assert.match(await f.read(`${a}/status`), /maxtu 1400 .* speed 9600 /);
  const end = ends.get(0);
  assert.ok(end !== undefined);
  end.mtu = 1300;
  end.upper.raise();
  await Promise.resolve();
  assert.match(await f.read(`${a}/status`), /maxtu 1300 /);
  await f.write(`${a}/ctl`, 'mtu 1450');
  assert.match(await f.read(`${a}/status`), /maxtu 1300 /);
});

test('the layer below goes: the interface is unbound and says why', async () => {
  const { f, a } = await pair();
  await f.write('/wire/0/ctl', 'close');
  assert.match(await f.read(`${a}/status`), /^device {2}maxtu 1500 /);
  assert.match(await f.read(`${a}/err`), /closed by ctl|\/wire\/0 was closed/);
  await f.write(`${a}/ctl`, 'unbind');
});

test('a hangup or close in the midst of add: no interface is left that nobody takes away', async () => {
  const address = 'add 10.0.0.1 /32 10.0.0.2';
  for (const [add, end] of [address, `${address} 1400`].flatMap((a) => [
    [a, 'hangup'],
    [a, 'close'],
  ])) {
    const f = new Files();
    await ipifc.start(f.system.env, []);
    const c = await f.clone('/ipifc');
    await f.write(`${c}/ctl`, 'device memory\nbind pkt');
    const [adds, ends] = [await f.open(`${c}/ctl`), await f.open(`${c}/ctl`)];
    const status = await f.open(`${c}/status`, omode.read);
    const adding = adds.write(utf8(add as string), 0, reqOf());
    await ends.write(utf8(end as string), 0, reqOf());
    await assert.rejects(async () => adding, /hung up|close came in between/);
    assert.match(text(await status.read(4096, 0, reqOf())), /^device {2}maxtu .*\n\n$/, end);
    assert.deepEqual(f.bugs, []);
  }
});

test('unbind and bind again', async () => {
  const { clock, f, a } = await pair();
  await f.write(`${a}/ctl`, 'unbind');
  await f.write(`${a}/ctl`, 'bind /wire/0/data\nadd 10.0.0.1 255.255.255.255 10.0.0.2');
  await clock.until(f.write(`${a}/ctl`, 'ping 10.0.0.2'));
});

test('a TUN device is for the owner of the daemon', async () => {
  const { f } = await pair();
  const c = await f.clone('/ipifc');
  const bob = { uname: 'bob', groups: [], owner: false };
  await assert.rejects(f.write(`${c}/ctl`, 'bind pkt', omode.write, bob), /permission denied/);
});

test('pool: packets go by their destination, and come from their own source only', async () => {
  const { clock, f, a, b } = await pair();
  await f.write(`${a}/ctl`, 'unbind');
  const server = await f.clone('/ipifc');
  await f.clone('/wire');
  await f.clone('/wire');
  await f.write(`${server}/ctl`, 'device memory\npool\nadd 10.0.0.1 255.255.255.0');
  await f.write(`${server}/ctl`, 'bind /wire/0/data\nbind /wire/2/data');
  const third = await f.clone('/ipifc');
  await f.write(`${third}/ctl`, 'device memory\nbind /wire/3/data\nadd 10.0.0.3 /32 10.0.0.1');
  await f.write(`${server}/ctl`, 'peer /wire/0/data 10.0.0.2\npeer /wire/2/data 10.0.0.3');
  assert.equal(
    await f.read(`${server}/peers`),
    '10.0.0.2/32 /wire/0/data\n10.0.0.3/32 /wire/2/data\n',
  );
  await clock.until(f.write(`${server}/ctl`, 'ping 10.0.0.2'));
  await clock.until(f.write(`${server}/ctl`, 'ping 10.0.0.3'));
  await clock.until(f.write(`${b}/ctl`, 'ping 10.0.0.1'));
  const no = assert.rejects(clock.until(f.write(`${server}/ctl`, 'ping 10.0.0.4')), /no answer/);
  await no;
  assert.match(await f.read(`${server}/stats`), /nopeer: 1\n/);
  await f.write(`${b}/ctl`, 'add 10.0.0.9 /32 10.0.0.1\nremove 10.0.0.2 /32');
  await assert.rejects(clock.until(f.write(`${b}/ctl`, 'ping 10.0.0.1')), /no answer/);
  assert.match(await f.read(`${server}/stats`), /badsource: 1\n/);
  const taken = f.write(`${server}/ctl`, 'peer /wire/0/data 10.0.0.3');
  await assert.rejects(taken, /10\.0\.0\.3\/32 is another's already/);
  await f.write(`${server}/ctl`, 'unbind /wire/0/data');
  assert.equal(await f.read(`${server}/peers`), '10.0.0.3/32 /wire/2/data\n');
  assert.deepEqual(f.bugs, []);
});
