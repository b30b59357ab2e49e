/** slashnet ppp over a connection: what comes before PPP, tries that are made again, and what is
 *  changed on the host and back. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { missing } from '@9p/rawio';
import { needs } from '../kit/needs.js';
import { type Place, type Running, until, withPlace } from './place.js';
import {
  client,
  ended,
  interrupt,
  isUp,
  joinSocket,
  limit,
  listening,
  pair,
  ppp,
  server,
  wire,
} from './ppp-kit.js';

/** A modem that answers what it knows, and joins the call to `called` when it has heard `go`. */
function modem(
  s: Socket,
  answers: Readonly<Record<string, string>>,
  go: string,
  called?: Running,
): { readonly heard: string } {
  const modem = { heard: '' };
  let asked = 0;
  const talk = (b: Buffer): void => {
    modem.heard += b.toString('latin1');
    const lines = modem.heard.split('\r');
    for (; asked < lines.length - 1; asked++) {
      const answer = answers[lines[asked] ?? ''];
      if (answer !== undefined) s.write(answer);
    }
    if (called === undefined || !modem.heard.endsWith(go)) return;
    s.off('data', talk);
    joinSocket(s, called);
  };
  s.on('data', talk);
  return modem;
}

describe('before PPP', limit, () => {
  test('chat, the modem command, PPP', () =>
    withPlace({}, async (p) => {
      const s = ppp(p, server);
      let heard = (): string => '';
      const line = await listening((socket) => {
        const dial = { 'ATD 5551234': '\r\nRINGING\r\nCONNECT 9600\r\n' };
        const m = modem(socket, { ATZ: 'ATZ\r\r\nOK\r\n', ...dial }, 'GO\r', s);
        heard = () => m.heard;
      });
      writeFileSync(join(p.dir, 'chat'), "ATZ OK\n'ATD 5551234' CONNECT 30\n");
      const c = ppp(p, [...client, '-d', '-p', line.address, '-M', 'chat', '-t', 'GO']);
      await Promise.all([isUp(s), isUp(c)]);
      assert.equal(heard(), 'ATZ\rATD 5551234\rGO\r');
      assert.match(c.err, /^chat:2: waiting for 'CONNECT'$/m);
      assert.doesNotMatch(c.err, /5551234/);
      assert.equal((await interrupt(c)).code, 0);
      assert.equal((await ended(s)).code, 8);
      line.close();
    }));

  test('3: a modem that refuses, says nothing in time, or hangs up', () =>
    withPlace({}, async (p) => {
      const line = await listening((s, n) => {
        if (n === 1) modem(s, { ATD1: '\r\nBUSY\r\n' }, '');
        else if (n === 2) modem(s, {}, '');
        else s.end();
      });
      writeFileSync(join(p.dir, 'chat'), 'ATD1 CONNECT 1\n');
      const why = [
        'the modem says BUSY',
        "'CONNECT' did not come within 1 s",
        'the line has ended',
      ];
      for (const [i, reason] of why.entries()) {
        const r = await ended(ppp(p, [...client, '-p', line.address, '-M', 'chat']));
        assert.deepEqual([r.code, r.err], [3, `slashnet: chat:1: ${reason}\n`], `${i}`);
      }
      line.close();
    }));

  /** What the person sees, types and gets: `type` ends the shuttle. */
  async function shuttled(p: Place, type: (r: Running) => void): Promise<void> {
    const s = ppp(p, server);
    let heard = (): string => '';
    const line = await listening((socket) => {
      const m = modem(socket, { hello: 'login: \r\n' }, 'ppp\r', s);
      heard = () => m.heard;
    });
    const c = ppp(p, [...client, '-u', '-p', line.address]);
    await until('the shuttle', () => c.over || c.err.includes('connected: '));
    c.child.stdin?.write('hello\r');
    await until('an answer', () => c.out.includes('login: '));
    type(c);
    await Promise.all([isUp(s), isUp(c)]);
    assert.equal(heard(), 'hello\rppp\r');
    assert.equal((await interrupt(c)).code, 0);
    await ended(s);
    line.close();
  }

  test('shuttle, up to Ctrl-D: what is typed after it goes nowhere', () =>
    withPlace({}, (p) => shuttled(p, (r) => r.child.stdin?.write('ppp\r\x04more'))));

  test('shuttle, up to the end of standard input', () =>
    withPlace({}, (p) => shuttled(p, (r) => r.child.stdin?.end('ppp\r'))));

  test('the line ends in shuttle mode: 3; Ctrl-C there: 9', () =>
    withPlace({}, async (p) => {
      const line = await listening((s, n) => n === 1 && s.end());
      const one = await ended(ppp(p, [...client, '-u', '-p', line.address]));
      assert.equal(one.code, 3);
      assert.match(one.err, /^slashnet: the line has ended$/m);
      const two = ppp(p, [...client, '-u', '-p', line.address]);
      await until('the shuttle', () => two.err.includes('connected: '));
      assert.equal((await interrupt(two)).code, 9);
      line.close();
    }));
});

describe('a person at the terminal', { skip: needs('script'), ...limit }, () => {
  test('is asked for the key that is wanted', () =>
    withPlace({}, async (p) => {
      const key = 'proto=pass service=ppp user=glenda !password=rabbit';
      const s = ppp(p, ['-Sf', '-x', 'none', '10.9.0.1', '10.9.0.2'], { SLASHNET_KEY: key });
      const line = await listening((socket) => joinSocket(socket, s));
      const command = `exec slashnet ppp -f -x none -p '${line.address}'`;
      const c = p.start(['script', '-qec', command, '/dev/null'], { SLASHNET: '' });
      for (const [question, answer] of [
        ['user: ', 'glenda'],
        ['password: ', 'rabbit'],
      ] as const) {
        await until(question, () => c.over || c.out.includes(question));
        c.child.stdin?.write(`${answer}\r`);
      }
      await isUp(s);
      await until('the link up', () => c.over || c.out.includes('up: local 10.9.0.2 '));
      assert.doesNotMatch(c.out, /rabbit/);
      c.child.stdin?.write('\x03');
      assert.equal((await ended(c)).code, 0);
      assert.equal((await ended(s)).code, 8);
      line.close();
    }));
});

describe('again', limit, () => {
  test('--redial: dials, chats and connects anew; what has come up counts anew', () =>
    withPlace({}, async (p) => {
      const calls: Running[] = [];
      const line = await listening((s, n) => {
        if (n === 2) {
          s.end();
          return;
        }
        const called = ppp(p, server);
        calls.push(called);
        modem(s, { ATD1: 'CONNECT\r\n' }, 'ATD1\r', called);
      });
      writeFileSync(join(p.dir, 'chat'), 'ATD1 CONNECT\n');
      const c = ppp(p, [...client, '--redial', '1', '-p', line.address, '-M', 'chat']);
      await isUp(c);
      line.sockets[0]?.destroy();
      await until('a second try', () => line.sockets.length >= 2);
      const r = await ended(c);
      assert.match(r.err, /^slashnet: link lost: .*; again in 1 s$/m);
      assert.equal(r.code, 3, 'one try, which failed');
      assert.match(r.err, /^slashnet: chat:1: the line has ended$/m);
      const next = ppp(p, [...client, '--redial', '5', '-p', line.address, '-M', 'chat']);
      await isUp(next);
      line.sockets.at(-1)?.destroy();
      await isUp(next, 2);
      assert.equal((await interrupt(next)).code, 0);
      await Promise.all(calls.map(ended));
      line.close();
    }));
});

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
