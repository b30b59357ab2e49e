/** ppp in one daemon over a wire in another, imported by `mount`: the link through files. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Mount } from '@9p/lib9p';
import { needs } from '../kit/index.js';
import { clean, end_ms, type Place, until, withPlace } from './place.js';

const up = /^Opened /;

/** A server on the far wire's other end, in the daemon that has the wire. */
async function server(m: Mount): Promise<void> {
  const options = 'restart 300\nrole server\nnoauth\nlocal 10.0.0.1\nremote 10.0.0.2\nnet none';
  for (const layer of ['loop', 'ppp', 'ipifc'])
    assert.equal(await m.readText(`/${layer}/clone`), '0');
  await m.writeFile('/ppp/0/ctl', `${options}\nbind /net/loop/0/data1`);
  await m.writeFile('/ipifc/0/ctl', 'device memory\nbind /net/ppp/0/data');
  await m.writeFile('/ipifc/0/ctl', 'add 10.0.0.1 255.255.255.255 10.0.0.2');
  await m.writeFile('/ppp/0/ctl', 'announce');
}

/** The client, whose wire is at /n/b. */
async function client(m: Mount, address: string): Promise<void> {
  await m.writeFile('/ctl', `mount ${address} /n/b`);
  for (const layer of ['ppp', 'ipifc']) assert.equal(await m.readText(`/${layer}/clone`), '0');
  await m.writeFile('/ppp/0/ctl', 'net none\nbind /n/b/loop/0/data');
  await m.writeFile('/ipifc/0/ctl', 'device memory\nbind /net/ppp/0/data');
  await m.writeFile('/ipifc/0/ctl', 'add 10.0.0.2 255.255.255.255 10.0.0.1');
}

const bare = ['--bare', '--load', 'auth', 'loop', 'ipifc', 'ppp'];

async function pair(p: Place) {
  const far = join(p.dir, 'far');
  const [a, b] = await Promise.all([p.serve(bare), p.serve([...bare, '--socket', far])]);
  const [ma, mb] = await Promise.all([p.dial(), p.dial(`unix!${far}`)]);
  await server(mb);
  await client(ma, `unix!${far}`);
  return { a, b, ma, mb, far };
}

test(
  'ppp over another daemon’s wire: up, pings, and down with the reason when it is killed',
  {
    timeout: 500_000,
  },
  (t) =>
    withPlace({}, async (p) => {
      const { a, b, ma, mb } = await pair(p);
      await ma.writeFile('/ppp/0/ctl', 'connect');
      assert.match(await ma.readText('/ppp/0/status'), up);
      assert.match(await mb.readText('/ppp/0/status'), up);
      await ma.writeFile('/ipifc/0/ctl', 'ping 10.0.0.1 50 10');
      const ping = await ma.readText('/ipifc/0/ping');
      assert.match(ping, /^50 packets transmitted, 50 received, 0% packet loss$/m);
      t.diagnostic(/rtt .*/.exec(ping)?.[0] ?? '');

      await ma.writeFile('/ppp/0/ctl', 'hangup');
      assert.match(await ma.readText('/ppp/0/status'), /^Dead /);
      await until('the other end is told', async () =>
        /terminated by peer/.test(await mb.readText('/ppp/0/err')),
      );
      // hangup cut the wire below, which is used by this bind alone; connect mends it
      await until('it waits again', async () =>
        /^(Announced|Establish|Dead)/.test(await mb.readText('/ppp/0/status')),
      );
      await ma.writeFile('/ppp/0/ctl', 'connect');
      assert.match(await ma.readText('/ppp/0/status'), up);

      const t0 = performance.now();
      b.kill('SIGKILL');
      await until('the client is down', async () =>
        /^Dead /.test(await ma.readText('/ppp/0/status')),
      );
      t.diagnostic(`down ${(performance.now() - t0).toFixed(1)} ms after kill -9`);
      assert.match(await ma.readText('/ppp/0/err'), /^link lost: /);
      await assert.rejects(ma.writeFile('/ppp/0/ctl', 'connect'), /connect$/);
      await ma.writeFile('/ctl', 'unmount /n/b');
      assert.doesNotMatch(await ma.readText('/ns'), /\/n\/b/);
      clean(await a.term());
    }),
);

test('the other daemon ends in order: the link is told', { timeout: 500_000 }, () =>
  withPlace({}, async (p) => {
    const { a, b, ma } = await pair(p);
    await ma.writeFile('/ppp/0/ctl', 'connect');
    const r = await b.term();
    clean(r);
    assert.ok(r.ms < end_ms, `${r.ms} ms`);
    await until('the client is down', async () =>
      /^Dead /.test(await ma.readText('/ppp/0/status')),
    );
    assert.match(await ma.readText('/ppp/0/err'), /terminated by peer/);
    clean(await a.term());
  }),
);

test('our daemon ends first: the far one’s wire is free again', { timeout: 500_000 }, () =>
  withPlace({}, async (p) => {
    const { a, b, ma, mb } = await pair(p);
    await ma.writeFile('/ppp/0/ctl', 'connect');
    const r = await a.term();
    clean(r);
    assert.ok(r.ms < end_ms, `${r.ms} ms`);
    await until('told', async () => /terminated by peer/.test(await mb.readText('/ppp/0/err')));
    const f = await mb.open('/loop/0/data', 2); // not in use any more
    await f.close();
    clean(await b.term());
  }),
);

test('the other daemon is killed and comes back: so does the link', { timeout: 500_000 }, () =>
  withPlace({}, async (p) => {
    const { a, b, ma, far } = await pair(p);
    const open = await ma.open('/n/b/version');
    await ma.writeFile('/ppp/0/ctl', 'connect');
    b.kill('SIGKILL');
    await until('the client is down', async () =>
      /^Dead /.test(await ma.readText('/ppp/0/status')),
    );
    await assert.rejects(ma.readText('/n/b/version'), { message: /^hungup: / });
    const again = await p.serve([...bare, '--socket', far]);
    await server(await p.dial(`unix!${far}`));
    await until('it is there again', async () =>
      ma.readText('/n/b/version').then(
        () => true,
        () => false,
      ),
    );
    await assert.rejects(open.read(9, 0), { message: /^hungup: / });
    await ma.writeFile('/ppp/0/ctl', 'connect');
    assert.match(await ma.readText('/ppp/0/status'), up);
    clean(await a.term());
    clean(await again.term());
  }),
);

test(
  'the IP stack of another daemon: net /n/b',
  { timeout: 500_000, skip: needs('root', 'unshare', 'nsenter', 'ip', 'ping', '/dev/net/tun') },
  () =>
    withPlace({ spaces: true }, async (p) => {
      const { a, b, ma, mb } = await pair(p);
      await ma.writeFile('/ipifc/0/ctl', 'unbind');
      await ma.writeFile('/ppp/0/ctl', 'net /n/b\nconnect');
      assert.match(await mb.readText('/ipifc/1/status'), /10\.0\.0\.2/);
      assert.match(await p.ok('ip -o addr'), /inet 10\.0\.0\.2 peer 10\.0\.0\.1/);
      assert.match(await p.ok('ping -q -c 20 -l 20 -i 60 -W 60 10.0.0.1'), /20 received/);
      await ma.writeFile('/ppp/0/ctl', 'hangup');
      await until('it is gone', async () => !/10\.0\.0\.2/.test(await p.ok('ip -o addr')));
      clean(await a.term());
      clean(await b.term());
    }),
);

/** One end of a session set by hand, over an Ethernet. */
async function session(m: Mount, ether: string, mac: string, ppp: string): Promise<void> {
  for (const layer of ['pppoe', 'ppp']) assert.equal(await m.readText(`/${layer}/clone`), '0');
  await m.writeFile('/pppoe/0/ctl', `bind ${ether}\nlinger 0\nstatic session 7 mac ${mac}`);
  await m.writeFile('/ppp/0/ctl', `restart 300\nnet none\n${ppp}\nbind /net/pppoe/0/data`);
}

test(
  'ppp over the Ethernet of another daemon: bind /n/b/ether0',
  { timeout: 500_000, skip: needs('root', 'unshare', 'nsenter', 'ip') },
  () =>
    withPlace({ spaces: true }, async (p) => {
      const far = join(p.dir, 'far');
      await p.ok(`ip link add eth1 address 02:00:00:00:00:01 type veth \\
        peer name eth2 address 02:00:00:00:00:02; ip link set eth1 up; ip link set eth2 up`);
      const layers = ['--bare', '--load', 'auth', 'ppp', 'pppoe'];
      const ethers = ['--ether', 'ether0=eth1', '--ether', 'ether1=eth2'];
      const a = await p.serve(layers);
      const b = await p.serve([...layers, ...ethers, '--socket', far]);
      const [ma, mb] = [await p.dial(), await p.dial(`unix!${far}`)];
      await ma.writeFile('/ctl', `mount unix!${far} /n/b`);
      const server = 'role server\nnoauth\nlocal 10.0.0.1\nremote 10.0.0.2';
      await session(mb, '/net/ether1', '020000000001', server);
      await session(ma, '/n/b/ether0', '020000000002', '');
      await mb.writeFile('/ppp/0/ctl', 'announce');
      await ma.writeFile('/ppp/0/ctl', 'connect');
      assert.match(await ma.readText('/ppp/0/status'), up);
      assert.match(await mb.readText('/ppp/0/status'), up);
      clean(await a.term());
      clean(await b.term());
    }),
);

test(
  'a factotum elsewhere answers: the client has no key, and asks the one at /n/b',
  {
    timeout: 500_000,
  },
  () =>
    withPlace({}, async (p) => {
      const far = join(p.dir, 'far');
      await Promise.all([p.serve(bare), p.serve([...bare, '--socket', far])]);
      const [ma, mb] = await Promise.all([p.dial(), p.dial(`unix!${far}`)]);
      await mb.writeFile('/auth/ctl', 'key proto=pass service=ppp user=glenda !password=secret');
      await server(mb);
      await client(ma, `unix!${far}`);
      await mb.writeFile('/ppp/0/ctl', 'hangup');
      for (const [methods, with_] of [
        ['mschapv2', 'mschapv2'],
        ['chap,pap', 'chap'],
        ['mschap', 'mschap'],
        ['pap', 'pap'],
      ] as const) {
        await mb.writeFile('/ppp/0/ctl', `auth ${methods}\nannounce`);
        const missing = ma.writeFile('/ppp/0/ctl', 'auth /net/auth\nconnect');
        await assert.rejects(missing, /no key for proto=pass .*service=ppp/, 'its own has none');
        await until('the server waits again', async () =>
          /^Dead |Announced|Establish/.test(await mb.readText('/ppp/0/status')),
        );
        await ma.writeFile('/ppp/0/ctl', 'auth /n/b/auth/\nconnect');
        assert.match(
          await ma.readText('/ppp/0/auth'),
          new RegExp(`^local ${with_} ok user glenda`),
        );
        assert.match(await mb.readText('/ppp/0/auth'), new RegExp(`^peer ${with_} ok user glenda`));
        await ma.writeFile('/ppp/0/ctl', 'hangup');
        await mb.writeFile('/ppp/0/ctl', 'hangup');
      }
      await ma.writeFile('/ppp/0/ctl', 'auth /n/b/nowhere');
      await mb.writeFile('/ppp/0/ctl', 'announce');
      await assert.rejects(
        ma.writeFile('/ppp/0/ctl', 'connect'),
        /'\/n\/b\/nowhere\/rpc' is not in the name space/,
      );
    }),
);
