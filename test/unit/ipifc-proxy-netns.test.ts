/** Proxy ARP: who answers for the other end of a link, in a network namespace of the test's own. */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Journal, lineOf } from '../../plugins/ipifc/journal.js';
import ipifc from '../../plugins/ipifc/plugin.js';
import { Files, inNetns, sh } from '../kit/index.js';
import { wireLayer } from './ipifc-wire.js';

const dead = 4_194_999; // above any pid

if (inNetns(import.meta.url, 'proxy ARP on Linux')) {
  const runtime = mkdtempSync(join(tmpdir(), 'slashnet-proxy-'));
  process.env.XDG_RUNTIME_DIR = runtime;
  const f = new Files();
  f.system.env.serve(wireLayer().layer);
  const running = ipifc.start(f.system.env, []);
  after(async () => {
    await (await running).stop('the test is over');
    await f.system.stop('the test is over');
    assert.deepEqual(f.bugs, []);
    rmSync(runtime, { recursive: true });
  });
  const proxies = (): string[] =>
    sh('ip neigh show proxy')
      .trim()
      .split('\n')
      .map((l) => l.trim());
  async function link(): Promise<string> {
    const wire = await f.clone('/wire');
    const ifc = await f.clone('/ipifc');
    await f.write(`${ifc}/ctl`, `bind ${wire}/data`);
    return ifc;
  }

  test('the Ethernet of the narrowest network answers, until address or link goes', async () => {
    sh('ip link add wide type veth peer name other0');
    sh('ip link add narrow type veth peer name other1');
    sh('ip addr add 10.5.0.1/16 dev wide; ip addr add 10.5.1.1/24 dev narrow');
    sh('ip link set wide up; ip link set narrow up');
    const ifc = await link();
    await f.write(`${ifc}/ctl`, 'add 10.9.0.1 255.255.255.255 10.5.1.77 1500 proxy');
    assert.deepEqual(proxies(), ['10.5.1.77 dev narrow proxy']);
    await f.write(`${ifc}/ctl`, 'add 10.9.0.2 255.255.255.255 10.5.2.78 1500 proxy');
    await f.write(`${ifc}/ctl`, 'add 10.9.0.3 255.255.255.255 10.6.0.1 1500 proxy');
    await f.write(`${ifc}/ctl`, 'add 10.9.0.4 255.255.255.255 10.5.1.79 1500');
    assert.deepEqual(proxies().sort(), ['10.5.1.77 dev narrow proxy', '10.5.2.78 dev wide proxy']);
    await f.write(`${ifc}/ctl`, 'remove 10.9.0.1 255.255.255.255');
    assert.deepEqual(proxies(), ['10.5.2.78 dev wide proxy']);
    await f.write(`${ifc}/ctl`, 'unbind');
    assert.deepEqual(proxies(), ['']);
  });

  test('what a daemon that was killed left behind is taken back', async () => {
    const ifc = await link();
    await f.write(`${ifc}/ctl`, 'add 10.9.0.1 255.255.255.255 10.5.1.77 1500 proxy');
    const dir = (name: string) =>
      readdirSync(runtime, { recursive: true }).filter((n) => `${n}`.includes(name));
    const [mine = ''] = dir(`proxies.${process.pid}`) as string[];
    const noted = readFileSync(join(runtime, mine), 'utf8');
    assert.match(noted, /\n0a05014d\/32 - \d+\n$/);
    const [ns = ''] = noted.split('\n');
    const oif = Number(/^\d+/.exec(sh('ip -o link show narrow'))?.[0]);
    sh('ip neigh add proxy 10.5.1.80 dev narrow');
    const line = lineOf({
      dst: Uint8Array.of(10, 5, 1, 80),
      dstLen: 32,
      oif,
      table: 0,
      protocol: 0,
      type: 0,
      metric: 0,
    });
    writeFileSync(join(runtime, mine.replace(/\d+$/, `${dead}`)), `${ns}\n${line}\n`);
    const next = new Files();
    await (await ipifc.start(next.system.env, [])).stop('enough');
    assert.deepEqual(proxies(), ['10.5.1.77 dev narrow proxy'], 'not that of one that lives');
    assert.deepEqual(dir(`${dead}`), []);
    assert.equal(new Journal(() => join(runtime, mine, '..')).left().length, 0, 'no route');
    await f.write(`${ifc}/ctl`, 'close');
    assert.deepEqual(proxies(), ['']);
    assert.deepEqual(dir('proxies'), []);
  });
}
