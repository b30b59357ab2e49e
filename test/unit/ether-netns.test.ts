/** /etherN on veth interfaces, in a network namespace of the test's own. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { hex, packetOf, put32, take, u32 } from '@9p/packet';
import { join, Port } from 'slashnet/core';
import ether from '../../plugins/ether/plugin.js';
import { bytes, eventually, Files, inNetns, reqOf, sh } from '../kit/index.js';

const f = new Files();
const { system: s } = f;
const names = async (): Promise<string[]> =>
  (await f.list('/')).filter((n) => n.startsWith('ether'));

/** The directory of a Linux interface. */
async function of(ifname: string): Promise<string> {
  for (const n of await names())
    if ((await f.read(`/${n}/ifstats`)).includes(`interface ${ifname} `)) return `/${n}`;
  return assert.fail(`no ${ifname}`);
}
async function connected(ifname: string, ...messages: string[]): Promise<string> {
  const c = await f.clone(await of(ifname));
  for (const m of messages) await f.write(`${c}/ctl`, m);
  return c;
}
const close = async (...all: string[]): Promise<void> => {
  for (const c of all) await f.write(`${c}/ctl`, 'close');
};
const sink = (name: string, take: (length: number) => void, down?: (why: string) => void): Port =>
  new Port({
    name,
    framing: 'packet',
    mtu: () => 1514,
    take(p) {
      take(p.length);
      return undefined;
    },
    ...(down === undefined ? {} : { down }),
  });

if (inNetns(import.meta.url, 'ether on Linux')) {
  sh(
    'ip link add eth1 address 02:00:00:00:00:01 type veth peer name eth2 address 02:00:00:00:00:02',
  );
  sh('ip link set eth1 up; ip link set eth2 up');
  const running = ether.start(s.env, []);
  after(async () => {
    await (await running).stop('the test is over');
    await s.stop('the test is over');
    assert.deepEqual(f.bugs, []);
  });

  test('interfaces are there in the order of their index', async () => {
    await running;
    assert.deepEqual(await names(), ['ether0', 'ether1']);
    const eth1 = await of('eth1');
    assert.match(
      await f.read(`${eth1}/ifstats`),
      /^interface eth1 index \d+ kind veth mtu 1500 up 1/,
    );
    assert.equal(await f.read(`${eth1}/addr`), '020000000001');
    assert.match(await f.read(`${eth1}/stats`), /^conversations: 0\nin: 0\nlink: 1\nout: 0\n/);
  });

  test('a frame goes from one to the other, with the source address of its interface', async () => {
    const a = await connected('eth1', 'connect 0x8863');
    const b = await connected('eth2', 'connect 34915\n');
    assert.equal(await f.read(`${b}/type`), '34915\n');
    assert.match(
      await f.read(`${b}/status`),
      /^Connected type 0x8863 interface eth2 mtu 1514 prom/,
    );
    const to = await f.open(`${b}/data`);
    const reading = to.read(2000, 0, reqOf());
    const from = await f.open(`${a}/data`);
    await from.write(bytes('ffffffffffff 000000000000 8863 1109 0000 0004 0101 0000'), 0, reqOf());
    const want = bytes('ffffffffffff 020000000001 8863 1109 0000 0004 0101 0000');
    assert.equal(hex(await reading), hex(want));
    assert.throws(() => from.write(new Uint8Array(1515), 0, reqOf()), /too large/);
    assert.throws(() => from.write(new Uint8Array(13), 0, reqOf()), /packet too small: 13 bytes/);
    to.close();
    from.close();
    await close(a, b);
  });

  test('two conversations of one type get a copy each; -1 gets all', async () => {
    const from = await connected('eth1', 'connect 0x88b5\nbridge');
    const readers = [
      await connected('eth2', 'connect 0x88b5'),
      await connected('eth2', 'connect 0x88b5'),
      await connected('eth2', 'connect -1'),
    ];
    const files = await Promise.all(readers.map((r) => f.open(`${r}/data`)));
    const reads = files.map((x) => x.read(2000, 0, reqOf()));
    const out = await f.open(`${from}/data`);
    const frame = bytes('020000000002 0200000000aa 88b5 01 02 03');
    await out.write(frame, 0, reqOf());
    for (const r of reads) assert.equal(hex(await r), hex(frame));
    for (const x of [...files, out]) x.close();
    await close(from, ...readers);
  });

  test('what is refused', async () => {
    const c = await f.clone(await of('eth1'));
    const no = (message: string, why: RegExp) => assert.rejects(f.write(`${c}/ctl`, message), why);
    await no('connect pppoe', /bad ether type: pppoe/);
    await no('connect', /connect needs an ether type/);
    await no('addmulti 02:00:00:00:00:01', /bad address/);
    await f.write(`${c}/ctl`, 'connect 0x88b5');
    await no('connect 0x88b6', /connected to 0x88b5: hang up first/);
    await close(c);
    sh('ip link set eth1 down');
    await eventually('down', async () => /up 0/.test(await f.read(`${await of('eth1')}/ifstats`)));
    await assert.rejects(connected('eth1', 'connect 0x88b5'), /eth1 is down/);
    sh('ip link set eth1 up');
    await eventually('up', async () => /up 1/.test(await f.read(`${await of('eth1')}/ifstats`)));
  });

  test('promiscuous and multicast last as long as the conversation', async () => {
    const c = await connected('eth1', 'addmulti 01:00:5e:00:00:fb\npromiscuous', 'connect 0x88b5');
    assert.match(sh('ip -d link show eth1'), /promiscuity 1/);
    assert.match(sh('ip maddr show eth1'), /01:00:5e:00:00:fb/);
    await f.write(`${c}/ctl`, 'remmulti 01:00:5e:00:00:fb');
    assert.doesNotMatch(sh('ip maddr show eth1'), /01:00:5e:00:00:fb/);
    await close(c);
    assert.match(sh('ip -d link show eth1'), /promiscuity 0/);
  });

  test('thousands of frames, a hundred a turn', async () => {
    const a = await connected('eth1', 'connect 0x88b5');
    const b = await connected('eth2', 'connect 0x88b5');
    let n = 0;
    const near = sink('near', () => {});
    join(near, await f.port(`${a}/data`));
    join(
      sink('far', (length) => void (length === 100 && n++)),
      await f.port(`${b}/data`),
    );
    const frame = new Uint8Array(100);
    frame.set(bytes('020000000002 000000000000 88b5'));
    for (let k = 0; k < 20; k++) {
      s.turn.run(() => {
        for (let i = 0; i < 100; i++) near.deliver(packetOf(frame));
      });
      await eventually('a hundred frames', () => n === (k + 1) * 100);
    }
    assert.match(await f.read(`${await of('eth1')}/stats`), /\nout: 20\d\d\n/);
    await close(a, b);
  });

  test('a slow interface: it says that it is full, drops little and keeps the order', async (t) => {
    try {
      sh('tc qdisc add dev eth1 root tbf rate 20mbit burst 20k limit 20mb');
    } catch (e) {
      t.skip(`no tbf: ${e}`);
      return;
    }
    const a = await connected('eth1', 'connect 0x88b5');
    const b = await connected('eth2', 'connect 0x88b5');
    const got: number[] = [];
    let room = 0;
    const port = await f.port(`${a}/data`);
    const near = new Port({
      name: 'near',
      framing: 'packet',
      mtu: () => 1514,
      take: () => undefined,
      room: () => void room++,
    });
    join(near, port);
    const far = new Port({
      name: 'far',
      framing: 'packet',
      mtu: () => 1514,
      take(p) {
        if (p.length === 1400) got.push(u32(p.buf, p.start + 14));
        return undefined;
      },
    });
    join(far, await f.port(`${b}/data`));
    let sent = 0;
    // However slow we are ourselves: until it was full.
    for (let k = 0; k < 150 || (room === 0 && k < 4000); k++) {
      if (port.full) await eventually('room', () => !port.full);
      s.turn.run(() => {
        for (let i = 0; i < 10; i++) {
          const p = take(1400);
          p.bytes().set(bytes('020000000002 000000000000 88b5'));
          put32(p.buf, p.start + 14, sent++);
          near.deliver(p);
        }
      });
    }
    await eventually('all of them', () => got.length === sent);
    assert.ok(room > 0, 'it was full, and then had room');
    assert.deepEqual(got, [...got.keys()], 'in order');
    await close(a, b);
    sh('tc qdisc del dev eth1 root');
  });

  test('an interface that is down tells what stands on it, and that it is up again', async () => {
    const c = await connected('eth1', 'connect 0x88b5');
    const port = await f.port(`${c}/data`);
    sh('ip link set eth1 down');
    await eventually('down', () => !port.isUp);
    assert.match(await f.read(`${c}/err`), /: eth1 is down/);
    sh('ip link set eth1 up');
    await eventually('up', () => port.isUp);
    await close(c);
  });

  test('an interface that goes is told to what stands on it; one that comes is served', async () => {
    const path = await of('eth2');
    const c = await connected('eth2', 'connect 0x88b5');
    const why: string[] = [];
    const above = sink(
      'above',
      () => {},
      (w) => why.push(w),
    );
    join(above, await f.port(`${c}/data`));
    sh('ip link del eth1');
    await eventually('gone', async () => (await names()).length === 0);
    assert.equal(why[0], `${path.slice(1)}: eth2 is gone`);
    sh('ip link add eth7 type veth peer name eth8');
    await eventually('there', async () => (await names()).length === 2);
    sh('ip link del eth7');
    await eventually('gone again', async () => (await names()).length === 0);
  });

  test('names that are chosen', async () => {
    await assert.rejects(
      async () => ether.start(s.env, ['eth9', 'wan']),
      /no such interface: eth9/,
    );
    sh('ip link add eth9 type veth peer name eth10');
    await eventually('there', async () => (await names()).length === 2);
    const r = await ether.start(s.env, ['eth9', 'wan']);
    assert.match(await f.read('/wan/ifstats'), /^interface eth9 /);
    await r.stop('enough');
    await assert.rejects(f.read('/wan/ifstats'), /not in the name space/);
    sh('ip link del eth9');
    await eventually('gone', async () => (await names()).length === 0);
  });
}
