/** Carriers as a user has them: `serve` with its listeners, `-a` with any dial string, `connect` in
 *  the place of a socket. */
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { statSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { Duplex } from 'node:stream';
import { test } from 'node:test';
import { mount } from '@9p/lib9p';
import { Certs, needs } from '../kit/index.js';
import { clean, type Place, type Running, until, within, withPlace } from './place.js';

const skip = needs('openssl');
const bare = ['--bare', '--load', 'auth'];

/** What the daemon listens on, by net. */
function addresses(d: Running): Map<string, string> {
  const all = [...d.err.matchAll(/listening on ((\w+)!.*)/g)];
  return new Map(all.map(([, address = '', net = '']) => [net, address]));
}

async function serveAll(p: Place, certs: Certs): Promise<[Running, Map<string, string>]> {
  certs.server();
  certs.make('me', `/CN=${userInfo().username}`);
  const keys = ['--cert', certs.path('server.pem'), '--key', certs.path('server.key')];
  const listen = ['tcp', 'tls', 'ws', 'wss'].map((net) => `${net}!127.0.0.1!0`);
  const d = await p.serve([
    ...bare,
    ...keys,
    '--ca',
    certs.path('ca.pem'),
    '--listen',
    ...listen,
    '--insecure',
    '-D',
  ]);
  await until('five listeners', () => addresses(d).size === 5);
  return [d, addresses(d)];
}

test('every carrier, from the command line; no secret in the trace', { skip }, () =>
  withPlace({}, async (p) => {
    const certs = new Certs(p.dir);
    const [d, at] = await serveAll(p, certs);
    const me = `--ca ${certs.path('ca.pem')} --cert me.pem --key me.key`;
    for (const [net, address] of at) {
      const slashnet = `slashnet ${me} -a '${address}'`;
      const key = `key proto=pass service=${net} user=u !password=very-secret`;
      assert.equal(await p.ok(`echo '${key}' | ${slashnet} write /auth/ctl`), '');
    }
    const keys = await p.ok('slashnet cat /auth/ctl');
    for (const net of at.keys()) assert.match(keys, new RegExp(`service=${net}.*password`));
    const stranger = await p.run(`slashnet -a '${at.get('tls')}' cat /version`);
    assert.equal(stranger.code, 1);
    assert.match(stranger.err, /^slashnet: tls!127.0.0.1!\d+: (unable to|self.signed).*\n$/);
    const trust = `slashnet --ca ${certs.path('ca.pem')} -a '${at.get('tls')}' cat /version`;
    assert.equal((await p.run(trust)).err, 'slashnet: certificate required\n');
    clean(await d.term());
    assert.equal(d.err.split(/Twrite tag/).length - 1, at.size);
    assert.doesNotMatch(d.err, /very|secret/);
  }),
);

/** A child's standard input and output. */
function ends(child: ChildProcess): Duplex {
  const stream = new Duplex({
    read: () => undefined,
    write: (b, _encoding, done) => void child.stdin?.write(b, done),
    final: (done) => void child.stdin?.end(done),
  });
  child.stdout?.on('data', (b) => stream.push(b));
  child.stdout?.on('end', () => stream.push(null));
  return stream;
}

test('connect: another client speaks 9P on its standard input and output', { skip }, () =>
  withPlace({}, async (p) => {
    const certs = new Certs(p.dir);
    const [d, at] = await serveAll(p, certs);
    const keys = ['--ca', certs.path('ca.pem'), '--cert', 'me.pem', '--key', 'me.key'];
    for (const to of [at.get('unix'), at.get('tls'), at.get('wss')]) {
      const r = p.start(['slashnet', ...keys, 'connect', to ?? '']);
      const m = await mount(ends(r.child));
      assert.match(await m.readText('/version'), /^slashnet /, to);
      m.close();
      const { code, err } = await within(`the end of connect ${to}`, r.ended);
      assert.deepEqual([code, err], [0, ''], to);
    }
    const held = p.start(['slashnet', ...keys, 'connect', at.get('wss') ?? '']);
    const m = await mount(ends(held.child));
    const byEnv = await p.ok(`slashnet connect < /dev/null`);
    assert.equal(byEnv, '');
    const none = await p.run("slashnet connect 'tcp!127.0.0.1!1'");
    assert.equal(none.code, 1);
    assert.match(none.err, /^slashnet: tcp!127.0.0.1!1: connect ECONNREFUSED 127.0.0.1:1\n$/);
    clean(await d.term());
    clean(await within('the end of connect', held.ended));
    assert.ok(m.client.ended, 'the server’s end is passed on');
  }),
);

test('a tree is imported over tls, by a daemon that has a certificate', { skip }, () =>
  withPlace({}, async (p) => {
    const certs = new Certs(p.dir);
    const [, at] = await serveAll(p, certs);
    const near = join(p.dir, 'near');
    const keys = ['--ca', certs.path('ca.pem'), '--cert', 'me.pem', '--key', 'me.key'];
    await p.serve([...bare, '--socket', near, ...keys]);
    for (const net of ['tls', 'wss']) {
      await p.ok(`slashnet -a ${near} write /ctl 'mount ${at.get(net)} /n/${net}'`);
      assert.match(await p.ok(`slashnet -a ${near} ls /n/${net}`), /^auth$/m);
    }
  }),
);

test('localhost is known where only lo is up', { skip: needs('root', 'unshare', 'ip') }, () =>
  withPlace({}, async (p) => {
    const r = await p.run(`unshare -n sh -c "ip link set lo up; slashnet -a 'tcp!localhost!1' ls"`);
    assert.equal(r.err, 'slashnet: no server at tcp!localhost!1\n');
  }),
);

test('options that are wrong say so', () =>
  withPlace({}, async (p) => {
    const wrong: readonly [string, number, RegExp][] = [
      ['--listen il!x!y', 1, /^slashnet: bad address 'il!x!y': unix!path, /],
      ["--listen 'tcp!127.0.0.1!0'", 1, /anybody could connect: --auth demands a proof/],
      ["--listen 'tls!127.0.0.1!0' --insecure", 1, /tls: a listener needs a certificate/],
      ['--cert /nowhere', 1, /ENOENT.*\/nowhere/],
      ['--socket-mode 999', 2, /bad --socket-mode '999'/],
      ['--socket-group nosuch', 1, /no group 'nosuch' here/],
      ['--origin https://a.example/', 2, /bad --origin 'https:\/\/a.example\/': as https/],
      ['--limit fids', 2, /bad --limit 'fids': fids from 1 to 1048576/],
      ['--limit msize=1', 2, /bad --limit 'msize=1': msize from 256 to 1048576/],
      [
        '--limit x=1',
        2,
        /no limit 'x': there are msize fids tags ahead queued connections address/,
      ],
    ];
    for (const [options, code, message] of wrong) {
      const r = await p.run(`slashnet serve --bare -q --socket ${p.dir}/w ${options}`);
      assert.equal(r.code, code, `${options}: ${r.err}`);
      assert.match(r.err, message);
      assert.equal(r.err.split('\n').length, 2, r.err);
      assert.throws(() => statSync(join(p.dir, 'w')), { code: 'ENOENT' });
    }
  }));

test('limits and rights of the socket are set on the command line', { skip: needs('root') }, () =>
  withPlace({}, async (p) => {
    const shared = ['--socket-group', 'daemon', '--socket-mode', '666'];
    await p.serve([...bare, ...shared, '--limit', 'connections=1', 'fids=1']);
    const s = statSync(join(p.dir, 'sock'));
    assert.deepEqual([s.mode & 0o777, s.gid], [0o666, 1]);
    const m = await p.dial();
    await assert.rejects(m.readText('/version'), { message: 'too many fids' });
    const second = await p.run('slashnet ls /');
    assert.equal(second.err, 'slashnet: too many connections: limit 1\n');
  }),
);
