/** slashnet ppp over a connection or a serial line: what comes before PPP, and tries that are made
 *  again. */
import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { describe, test } from 'node:test';
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
  posted,
  ppp,
  server,
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

describe('a serial line', { skip: needs('socat'), ...limit }, () => {
  /** Two ptys, joined. */
  async function cable(p: Place): Promise<{ socat: Running; a: string; b: string }> {
    const [a, b] = [join(p.dir, 'ttyA'), join(p.dir, 'ttyB')];
    const socat = p.start(['socat', `pty,raw,echo=0,link=${a}`, `pty,raw,echo=0,link=${b}`]);
    await until('the ptys', () => socat.over || (existsSync(a) && existsSync(b)));
    return { socat, a, b };
  }

  test('a pty by its path: chat through eia, PPP, unplugged', () =>
    withPlace({}, async (p) => {
      const { socat, a, b } = await cable(p);
      writeFileSync(join(p.dir, 'answer'), "'' ATD1\nCONNECT ''\n");
      writeFileSync(join(p.dir, 'dial'), 'ATD1 CONNECT\n');
      const s = ppp(p, [...server, 'fe80::1', 'fe80::2', '-p', a, '-M', 'answer', '-d']);
      await until('the modem', () => s.over || s.err.includes("answer:1: waiting for 'ATD1'"));
      const c = ppp(p, [...client, '-cCy', '-b', '57600', '-p', b, '-M', 'dial']);
      await Promise.all([isUp(s), isUp(c)]);
      assert.match(s.err, /^slashnet: up: local 10\.9\.0\.1 fe80::1 remote 10\.9\.0\.2 /m);
      const m = await p.dial(posted(p, c));
      const line = /^b57600 .* m1 .*\n.*\n\S*ttyB up .* n1 q64000 /;
      assert.match(await m.readText('/eia0status'), line);
      socat.kill('SIGTERM');
      const [its, mine] = await Promise.all([ended(s), ended(c)]);
      assert.deepEqual([its.code, mine.code], [7, 7], its.err + mine.err);
      assert.match(mine.err, /^slashnet: link lost: .*unplugged/m);
    }));

  test('a daemon that has eia: a device it serves already, and a path of its tree', () =>
    withPlace({}, async (p) => {
      const { a, b } = await cable(p);
      const plugins = ['loop', 'auth', 'ppp', `eia ${b}`].flatMap((l) => ['--load', l]);
      await p.serve(['--bare', ...plugins]);
      for (const port of [b, '/net/eia0', '/eia0']) {
        const s = ppp(p, [...server, '-p', a]);
        const c = p.slashnet('ppp', ...client, '-p', port);
        await Promise.all([isUp(s), isUp(c)]);
        assert.match(await p.ok('slashnet cat /ns /eia0ctl /ppp/0/status'), /^0Opened/m);
        assert.equal((await interrupt(c)).code, 0);
        assert.equal((await ended(s)).code, 8);
      }
    }));

  test('3: no such device, no terminal', () =>
    withPlace({}, async (p) => {
      for (const [port, why] of [
        ['/dev/none', /no such device: \/dev\/none/],
        ['/dev/null', /\/dev\/null: not a serial port or terminal/],
      ] as const) {
        const r = await ended(ppp(p, [...client, '-p', port]));
        assert.equal(r.code, 3);
        assert.match(r.err, why);
      }
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
