/** How frames lie on what is bound below: as packets, or HDLC-like on a line of bytes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Server } from '@9p/lib9p';
import { remoteTree } from '../../srv/remote.js';
import { owner } from '../kit/files.js';
import { joined } from './lib9p-kit.js';
import { asClient, asServer, file, Lab, request, two, type Wire } from './ppp-lab.js';

const packet = (n: number): Uint8Array => Uint8Array.of(0x45, 0, 0, 20, ...new Uint8Array(n - 4));

/** A packet of the client's arrives at the server as it was, and one of the server's back. */
async function passes(lab: Lab, other = lab, to = '/ppp/1', n = 200): Promise<void> {
  const [a, b] = [await file(lab, '/ppp/0/data'), await file(other, `${to}/data`)];
  for (const [from, end] of [
    [a, b],
    [b, a],
  ] as const) {
    const read = Promise.resolve(end.read(2000, 0, request()));
    await from.write(packet(n), 0, request());
    assert.deepEqual(Uint8Array.from(await lab.done(read)), packet(n));
  }
  a.close();
  b.close();
}
const connect = (lab: Lab): Promise<void> => lab.done(lab.echo('connect', '/ppp/0/ctl'));

test('a file of bytes gets HDLC by itself, with its character map; one of packets does not', async () => {
  const line = await two({ framing: 'bytes' });
  await connect(line);
  assert.match(await line.cat('/ppp/0/lcp'), /^asked accm 00000000 /m);
  assert.match((line.wires[0] as Wire).seen[0] ?? '', /^7eff7d23c021/);
  await passes(line);
  const wire = await two();
  await connect(wire);
  assert.doesNotMatch(await wire.cat('/ppp/0/lcp'), /accm 00000000/);
  assert.match((wire.wires[0] as Wire).seen[0] ?? '', /^c021/);
});

test('unbound, it is chosen anew by what is bound next', async () => {
  const lab = await two();
  await connect(lab);
  await lab.done(lab.echo('hangup', '/ppp/0/ctl'));
  await lab.done(lab.echo('hangup\nunbind', '/ppp/1/ctl'));
  await lab.echo('unbind', '/ppp/0/ctl');
  const [near, far] = await lab.loop(['framing bytes']);
  await lab.echo(`bind ${far}\nannounce`, '/ppp/1/ctl');
  await lab.echo(`bind ${near}`, '/ppp/0/ctl');
  await connect(lab);
  await passes(lab);
});

test('what was told is kept to: a file that does not fit is refused', async () => {
  const bytes = /carries bytes, .* packet/;
  for (const [told, framing, why] of [
    ['packet', 'bytes', bytes],
    ['none', 'bytes', bytes],
    ['noacfield', 'bytes', bytes],
    ['hdlc', 'packet', /carries packet, .* bytes/],
  ] as const) {
    const lab = new Lab(framing);
    await lab.load();
    const [near] = await lab.wire();
    await lab.cat('/ppp/clone');
    await assert.rejects(lab.echo(`framing ${told}\nbind ${near}`, '/ppp/0/ctl'), why);
  }
});

test('address and control in front: as address says, never with noacfield, always in hdlc', async () => {
  for (const [verbs, framing, first] of [
    [['framing packet'], 'packet', /^c021/],
    [['framing none', 'address on'], 'packet', /^ff03c021/],
    [['address on'], 'packet', /^ff03c021/],
    [['address on', 'framing noacfield'], 'packet', /^c021/],
    [['address off'], 'bytes', /^7ec021/],
    [['framing hdlc'], 'bytes', /^7eff7d23c021/],
  ] as const) {
    const lab = await two({ framing, client: verbs, server: verbs });
    await connect(lab);
    assert.match((lab.wires[0] as Wire).seen[0] ?? '', first, verbs.join());
    await passes(lab);
  }
});

test('each end escapes what the other asked for, and no more', async () => {
  const client = ['accm 000a0000', 'mppe deny'];
  const lab = await two({ framing: 'bytes', client, server: ['accm 00000000'] });
  await connect(lab);
  assert.match(await lab.cat('/ppp/0/lcp'), /^sendaccm 00000000\nreceiveaccm 000a0000$/m);
  assert.match(await lab.cat('/ppp/1/lcp'), /^sendaccm 000a0000\nreceiveaccm 00000000$/m);
  await lab.clock.run(1000);
  const ip = Uint8Array.of(0x45, 0, 0, 7, 0x11, 0x13, 0x12);
  const { seen } = lab.wires[0] as Wire;
  for (const [from, to, wire] of [
    ['/ppp/0', '/ppp/1', '0021 45000007 11 13 12'],
    ['/ppp/1', '/ppp/0', '0021 45000007 7d31 7d33 12'],
  ] as const) {
    const [a, b] = [await file(lab, `${from}/data`), await file(lab, `${to}/data`)];
    const read = Promise.resolve(b.read(2000, 0, request()));
    await a.write(ip, 0, request());
    assert.deepEqual(Uint8Array.from(await lab.done(read)), ip);
    assert.ok(seen.at(-1)?.includes(wire.replaceAll(' ', '')), `${seen.at(-1)}`);
    a.close();
    b.close();
  }
});

test('a line of 9600 baud, in small chunks: up, and a packet takes the time that it takes', async () => {
  const loop = ['framing bytes', 'rate 9600', 'chunk 16', 'delay 20ms', 'seed 3'];
  const lab = await two({ loop, client: ['pfc on', 'acfc on'], server: ['pfc on', 'acfc on'] });
  await connect(lab);
  assert.ok(lab.clock.now() < 3000, `${lab.clock.now()} ms`);
  assert.match(await lab.cat('/ppp/0/lcp'), /^timeouts 0$/m);
  await lab.clock.run(1000);
  const began = lab.clock.now();
  await passes(lab, lab, '/ppp/1', 1000);
  const ms = lab.clock.now() - began;
  assert.ok(ms > 1700 && ms < 4000, `${ms} ms for two packets of 1000 bytes`);
});

test('a line that loses and spoils bytes: up within a minute, and what arrives is whole', async () => {
  for (let seed = 1; seed <= 20; seed++) {
    const loop = [
      'framing bytes',
      `seed ${seed}`,
      'chunk 32',
      'loss 2%',
      'corrupt 1%',
      'delay 5ms',
    ];
    const lab = await two({ loop, client: ['restart 1000 3000'], server: ['auth chap'] });
    await connect(lab);
    assert.ok(lab.clock.now() < 60_000, `seed ${seed}: ${lab.clock.now()} ms`);
  }
});

test('one byte in a thousand spoilt for a minute, under traffic: the link stays up', async () => {
  const lab = await two({ loop: ['framing bytes', 'seed 9', 'chunk 64', 'delay 5ms'] });
  await connect(lab);
  await lab.clock.run(1000);
  await lab.echo('corrupt 3.2%', '/loop/0/ctl'); // of chunks of 32 bytes in the mean
  const [a, b] = [await file(lab, '/ppp/0/data'), await file(lab, '/ppp/1/data')];
  for (let i = 0; i < 600; i++) {
    for (const end of [a, b]) await end.write(packet(100), 0, request());
    await lab.clock.run(100);
  }
  assert.match(await lab.cat('/ppp/0/status'), /^Opened /);
  assert.match(await lab.cat('/ppp/0/stats'), /^badfcs: [1-9]\d/m);
  await lab.echo('clear', '/loop/0/ctl');
  a.close();
  b.close();
  await passes(lab);
});

test('a line of another machine’s tree, told that it carries bytes', async () => {
  const far = new Lab();
  await far.load();
  const near = new Lab('packet', far.clock);
  await near.load();
  const [line, other] = await far.loop(['framing bytes', 'chunk 40', 'delay 3ms', 'rate 100k']);
  for (const lab of [near, far]) await lab.cat('/ppp/clone');
  const mount = await joined(
    new Server(far.system.tree, { who: (uname) => ({ uname, groups: [], owner: true }) }),
  );
  near.system.ns.graft(await remoteTree(mount).attach(owner, ''), '/n/far', 'mount far /n/far');
  await far.echo([...asServer, `bind ${other}`, 'announce'].join('\n'), '/ppp/0/ctl');
  const client = [...asClient, 'framing hdlc', `bind /n/far${line}`];
  await near.done(near.echo(client.join('\n'), '/ppp/0/ctl'));
  await connect(near);
  assert.match(await near.cat('/ppp/0/local'), /^10\.0\.0\.2\n/);
  await passes(near, far, '/ppp/0');
  await near.done(near.echo('hangup', '/ppp/0/ctl'));
  assert.match(await near.cat('/ppp/0/status'), /^Dead /);
  assert.deepEqual(
    [...near.logged, ...far.logged].filter((l) => /bug|crash/.test(l)),
    [],
  );
});
