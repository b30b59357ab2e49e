/** slashnet ppp and the host: its name servers, an interface with the default route, and all of it
 *  taken back. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { missing } from '@9p/rawio';
import { needs } from '../kit/needs.js';
import { type Place, type Running, until, withPlace } from './place.js';
import { client, ended, interrupt, isUp, limit, pair, ppp, server, wire } from './ppp-kit.js';

describe('name servers', limit, () => {
  const gives = [...server, '--verb', 'dns 10.9.0.53 10.9.0.54'];
  const old = 'nameserver 192.168.0.1\n';

  test('a file: in front, and as it was; also when it was not there', () =>
    withPlace({}, async (p) => {
      const file = join(p.dir, 'resolv.conf');
      writeFileSync(file, old, { mode: 0o640 });
      for (const was of [old, undefined]) {
        const path = was === undefined ? join(p.dir, 'new') : file;
        const [s, c] = pair(p, gives, [...client, '--dns', path, '--up', 'echo dns $DNS1 $DNS2']);
        await Promise.all([isUp(s), isUp(c)]);
        await until('--up', () => /^dns 10\.9\.0\.53 10\.9\.0\.54$/m.test(c.err));
        const now = readFileSync(path, 'utf8')
          .replace(/ppp\.\d+\.\d+/g, 'P')
          .split('\n');
        assert.deepEqual(now.slice(1, 4), [
          'nameserver 10.9.0.53',
          'nameserver 10.9.0.54',
          '# slashnet P end',
        ]);
        assert.equal((await interrupt(c)).code, 0);
        assert.equal(existsSync(path) ? readFileSync(path, 'utf8') : undefined, was);
        await ended(s);
      }
    }));

  test('kill -9: the next start takes them back, and no other’s', () =>
    withPlace({}, async (p) => {
      const file = join(p.dir, 'resolv.conf');
      writeFileSync(file, old);
      const [s, c] = pair(p, gives, [...client, '--dns', file, '--up', 'echo has $DNS1']);
      await until('--up', () => c.over || /^has 10/m.test(c.err));
      c.kill('SIGKILL');
      await Promise.all([ended(c), ended(s)]);
      assert.match(readFileSync(file, 'utf8'), /10\.9\.0\.53/);
      const [s2, c2] = pair(p, gives, [...client, '--dns', file]);
      await Promise.all([isUp(s2), isUp(c2)]);
      assert.match(c2.err + s2.err, /name servers of a command that was killed taken back: file /);
      await until('its own', () => readFileSync(file, 'utf8').split('10.9.0.53').length === 2);
      await interrupt(c2);
      await ended(s2);
      assert.equal(readFileSync(file, 'utf8'), old);
      assert.deepEqual(readdirSync(join(p.dir, 'run/slashnet')), []);
    }));

  test('resolvconf is told, and told back', () =>
    withPlace({}, async (p) => {
      const told = join(p.dir, 'told');
      const script = `#!/bin/sh\n{ echo "$@"; cat; } >> ${told}\n`;
      writeFileSync(join(p.dir, 'bin/resolvconf'), script, { mode: 0o755 });
      const [s, c] = pair(p, gives, [...client, '--dns', 'resolvconf', '--up', 'echo told']);
      await until('--up', () => c.over || /^told/m.test(c.err));
      assert.equal((await interrupt(c)).code, 0);
      await ended(s);
      const name = `ppp.${c.child.pid}.slashnet`;
      const servers = 'nameserver 10.9.0.53\nnameserver 10.9.0.54\n';
      assert.equal(readFileSync(told, 'utf8'), `-a ${name}\n${servers}-d ${name}\n`);
    }));
});

const root =
  needs('root', '/dev/net/tun', 'unshare', 'nsenter', 'ip', 'ping') ||
  (missing === undefined ? false : `rawio is not built: ${missing}`);

describe('an interface', { skip: root, ...limit }, () => {
  const host = 'ip route; ip -6 route; ip -o link | cut -d: -f2';

  /** The client has a TUN and the default route; the server answers from a stack in memory. */
  async function up(p: Place, more: readonly string[] = []): Promise<[Running, Running]> {
    const script = join(p.dir, 'answer');
    const stack = ['load ipifc', 'device memory\nbind /net/ppp/0/data'];
    const add = 'add 10.9.0.1 255.255.255.255 10.9.0.2';
    writeFileSync(
      script,
      `set -e\nslashnet write /ctl '${stack[0]}'\nn=$(slashnet cat /ipifc/clone)
slashnet write /ipifc/$n/ctl '${stack[1]}' '${add}'\necho answers\n`,
    );
    const s = ppp(p, [...server, '--up', `sh ${script}`]);
    const c = ppp(p, ['-f', '-P', ...more]);
    wire(s, c);
    await Promise.all([isUp(s), isUp(c)]);
    await until('the stack in memory', () => s.over || /^answers$/m.test(s.err));
    return [s, c];
  }

  test('packets of the kernel, the default route, and back', () =>
    withPlace({ spaces: true }, async (p) => {
      const before = await p.ok(host);
      const [s, c] = await up(p, ['--up', 'echo "on $IFNAME"']);
      assert.match(c.err, / interface ppp0$/m);
      await until('--up', () => /^on ppp0$/m.test(c.err));
      assert.match(await p.ok('ip route'), /^default via 10\.9\.0\.1 dev ppp0/m);
      assert.match(await p.ok('ping -c 3 -i 0.2 -w 60 10.9.0.1'), / 3 received/);
      assert.equal((await interrupt(c)).code, 0);
      assert.equal(await p.ok(host), before);
      assert.equal((await ended(s)).code, 8);
    }));

  test('-x: the stack of a server that is named, mounted for it', () =>
    withPlace({ spaces: true }, async (p) => {
      await p.serve(['--bare', '--load', 'ipifc']);
      const s = ppp(p, server);
      const c = ppp(p, ['-f', '-x', p.address]);
      wire(s, c);
      await Promise.all([isUp(s), isUp(c)]);
      const status = await p.ok('slashnet cat /ipifc/0/status');
      assert.match(status, /^device ppp0 .*\n\t10\.9\.0\.2 /);
      assert.match(c.err, / interface ppp0$/m);
      assert.equal((await interrupt(c)).code, 0);
      assert.doesNotMatch(await p.ok('ip -o link'), /ppp0/);
      await ended(s);
      const none = await ended(ppp(p, ['-f', '-x', 'unix!/none']));
      assert.equal(none.code, 1);
    }));

  test('kill -9: nothing is left but what the next start takes away', () =>
    withPlace({ spaces: true }, async (p) => {
      const before = await p.ok(host);
      const [s, c] = await up(p);
      c.kill('SIGKILL');
      await ended(s);
      await until('as before', async () => (await p.ok(host)) === before);
      const [s2, c2] = await up(p);
      assert.equal((await interrupt(c2)).code, 0);
      await ended(s2);
      assert.equal(await p.ok(host), before);
      assert.deepEqual(readdirSync(join(p.dir, 'run/slashnet')), []);
    }));
});
