/** /etherN on veth interfaces, in a network namespace of the test's own. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { hex, packetOf, text, utf8 } from '@9p/packet';
import { missing } from '@9p/rawio';
import { join, makeSystem, type OpenFile, omode, Port, type Req, type System } from 'slashnet/core';
import ether from '../../plugins/ether/plugin.js';
import { bytes, inNetns, sh } from '../kit/index.js';

const me = { uname: 'glenda', groups: [], owner: true };
const req = (): Req => ({ who: me, iounit: 0, flushed: false, onflush: undefined });
const logged: string[] = [];

const soon = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));
/** The system tells of links and frames when it likes: look until it is so. */
async function eventually(what: string, f: () => Promise<boolean> | boolean): Promise<void> {
  for (let i = 0; i < 200; i++) {
    if (await f()) return;
    await soon(10);
  }
  assert.fail(`not within 2 s: ${what}`);
}

function tools(s: System) {
  const read = async (path: string): Promise<string> => {
    const f = await s.ns.open(path, omode.read, me);
    const b = await f.read(65536, 0, req());
    f.close();
    return text(b);
  };
  const write = async (path: string, what: string): Promise<void> => {
    const f = await s.ns.open(path, omode.write, me);
    await f.write(utf8(what), 0, req());
    f.close();
  };
  const names = async (): Promise<string[]> =>
    (await s.ns.root.list(req())).map((n) => n.name).filter((n) => n.startsWith('ether'));
  const clone = async (layer: string): Promise<string> =>
    `${layer}/${await read(`${layer}/clone`)}`;
  return { read, write, names, clone };
}
const note = (l: string): void => void (/bug|error|bind/.test(l) && logged.push(l));
const system = (): System => makeSystem({ plugins: [], poison: true, log: note });

inNetns(import.meta.url, 'ether on Linux', () => {
  if (missing !== undefined) {
    test('rawio', { skip: `rawio is not built: ${missing}` }, () => {});
    return;
  }
  sh(
    'ip link add eth1 address 02:00:00:00:00:01 type veth peer name eth2 address 02:00:00:00:00:02',
  );
  sh('ip link set eth1 up; ip link set eth2 up');
  const s = system();
  const { read, write, names, clone } = tools(s);
  const running = ether.start(s.env, []);
  after(async () => {
    await (await running).stop('the test is over');
    await s.stop('the test is over');
    assert.deepEqual(logged, []);
  });

  test('interfaces are there in the order of their index', async () => {
    await running;
    assert.deepEqual(await names(), ['ether0', 'ether1']);
    const line = await read('/ether0/ifstats');
    const eth1 = line.includes('interface eth1') ? 'ether0' : 'ether1';
    assert.match(
      await read(`/${eth1}/ifstats`),
      /^interface eth1 index \d+ kind veth mtu 1500 up 1/,
    );
    assert.equal(await read(`/${eth1}/addr`), '020000000001');
    assert.match(await read(`/${eth1}/stats`), /^conversations: 0\nin: 0\nlink: 1\nout: 0\n/);
  });

  async function of(ifname: string): Promise<string> {
    for (const n of await names())
      if ((await read(`/${n}/ifstats`)).includes(`interface ${ifname} `)) return `/${n}`;
    return assert.fail(`no ${ifname}`);
  }

  test('a frame goes from one to the other, with the source address of its interface', async () => {
    const a = await clone(await of('eth1'));
    const b = await clone(await of('eth2'));
    await write(`${a}/ctl`, 'connect 0x8863');
    await write(`${b}/ctl`, 'connect 34915\n');
    assert.equal(await read(`${b}/type`), '34915\n');
    assert.match(await read(`${b}/status`), /^Connected type 0x8863 interface eth2 mtu 1514 prom/);
    const at = await open(s, `${b}/data`);
    const reading = at.read(2000, 0, req());
    const out = await open(s, `${a}/data`);
    const frame = bytes('ffffffffffff 000000000000 8863 1109 0000 0004 0101 0000');
    await out.write(frame, 0, req());
    const want = bytes('ffffffffffff 020000000001 8863 1109 0000 0004 0101 0000');
    assert.equal(hex(await reading), hex(want));
    assert.throws(() => out.write(new Uint8Array(1515), 0, req()), /too large/);
    at.close();
    out.close();
    await write(`${a}/ctl`, 'close');
    await write(`${b}/ctl`, 'close');
  });

  test('two conversations of one type get a copy each; -1 gets all', async () => {
    const from = await clone(await of('eth1'));
    await write(`${from}/ctl`, 'connect 0x88b5\nbridge');
    const to = await of('eth2');
    const readers = [await clone(to), await clone(to), await clone(to)];
    for (const [i, r] of readers.entries())
      await write(`${r}/ctl`, `connect ${i < 2 ? '0x88b5' : -1}`);
    const files = await Promise.all(readers.map((r) => open(s, `${r}/data`)));
    const reads = files.map((f) => f.read(2000, 0, req()));
    const out = await open(s, `${from}/data`);
    const frame = bytes('020000000002 0200000000aa 88b5 01 02 03');
    await out.write(frame, 0, req());
    for (const r of reads) assert.equal(hex(await r), hex(frame));
    for (const f of [...files, out]) f.close();
    for (const c of [from, ...readers]) await write(`${c}/ctl`, 'close');
  });

  test('what is refused', async () => {
    const c = await clone(await of('eth1'));
    await assert.rejects(write(`${c}/ctl`, 'connect pppoe'), /bad ether type: pppoe/);
    await assert.rejects(write(`${c}/ctl`, 'connect'), /connect needs an ether type/);
    await assert.rejects(write(`${c}/ctl`, 'addmulti 02:00:00:00:00:01'), /bad address/);
    await write(`${c}/ctl`, 'addmulti 01:00:5e:00:00:fb\npromiscuous');
    await write(`${c}/ctl`, 'connect 0x88b5');
    await assert.rejects(write(`${c}/ctl`, 'connect 0x88b6'), /connected to 0x88b5: hang up first/);
    await write(`${c}/ctl`, 'remmulti 01:00:5e:00:00:fb');
    assert.match(sh('ip -d link show eth1'), /promiscuity 1/);
    await write(`${c}/ctl`, 'close');
    assert.match(sh('ip -d link show eth1'), /promiscuity 0/);
    sh('ip link set eth1 down');
    await eventually('down', async () => /up 0/.test(await read(`${await of('eth1')}/ifstats`)));
    const d = await clone(await of('eth1'));
    await assert.rejects(write(`${d}/ctl`, 'connect 0x88b5'), /eth1 is down/);
    await write(`${d}/ctl`, 'close');
    sh('ip link set eth1 up');
    await eventually('up', async () => /up 1/.test(await read(`${await of('eth1')}/ifstats`)));
  });

  test('frames sent and received in one turn pass without a copy, thousands of them', async () => {
    const a = await clone(await of('eth1'));
    const b = await clone(await of('eth2'));
    await write(`${a}/ctl`, 'connect 0x88b5');
    await write(`${b}/ctl`, 'connect 0x88b5');
    let n = 0;
    const mine = (name: string): Port =>
      new Port({
        name,
        framing: 'packet',
        mtu: () => 1514,
        take(p) {
          if (p.length === 100) n++;
          return undefined;
        },
      });
    const near = mine('near');
    const far = mine('far');
    join(near, await portOf(s, `${a}/data`));
    join(far, await portOf(s, `${b}/data`));
    const frame = new Uint8Array(100);
    frame.set(bytes('020000000002 000000000000 88b5'));
    for (let k = 0; k < 20; k++) {
      s.turn.run(() => {
        for (let i = 0; i < 100; i++) near.deliver(packetOf(frame));
      });
      await soon(1);
    }
    await eventually('2000 frames', () => n === 2000);
    assert.match(await read(`${await of('eth1')}/stats`), /\nout: 20\d\d\n/);
    await write(`${a}/ctl`, 'close');
    await write(`${b}/ctl`, 'close');
  });

  test('an interface that goes is told to what stands on it; one that comes is served', async () => {
    const path = await of('eth2');
    const c = await clone(path);
    await write(`${c}/ctl`, 'connect 0x88b5');
    let why = '';
    const above = new Port({
      name: 'above',
      framing: 'packet',
      mtu: () => 1500,
      take: () => undefined,
      down: (w) => {
        why ||= w;
      },
    });
    join(above, await portOf(s, `${c}/data`));
    sh('ip link del eth1');
    await eventually('gone', async () => (await names()).length === 0);
    assert.equal(why, `${path.slice(1)}: eth2 is gone`);
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
    assert.match(await read('/wan/ifstats'), /^interface eth9 /);
    await r.stop('enough');
    await assert.rejects(read('/wan/ifstats'), /not in the name space/);
    sh('ip link del eth9');
    await eventually('gone', async () => (await names()).length === 0);
  });
});

async function open(s: System, path: string): Promise<OpenFile> {
  return (await s.ns.walk(path, me)).open(omode.rdwr, req());
}
async function portOf(s: System, path: string): Promise<Port> {
  return (await s.ns.open(path, omode.rdwr, me)).port as Port;
}
