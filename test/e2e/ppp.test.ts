/** slashnet ppp: two of them, up and down, what others see of them, and how they end. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { missing } from '@9p/rawio';
import { needs } from '../kit/needs.js';
import { bin, type Place, until, withPlace } from './place.js';
import {
  client,
  ended,
  interrupt,
  isUp,
  limit,
  pair,
  ping,
  posted,
  ppp,
  server,
  wire,
} from './ppp-kit.js';

const left = (p: Place): string[] => readdirSync(join(p.dir, 'run/slashnet'));

describe('two over pipes', limit, () => {
  test('up, pings, a look inside, Ctrl-C; nothing is left', () =>
    withPlace({}, async (p) => {
      const [s, c] = pair(p);
      await Promise.all([isUp(s), isUp(c)]);
      assert.match(
        c.err,
        /^slashnet: up: local 10\.9\.0\.2 fe80::\S+ remote 10\.9\.0\.1 fe80::\S+$/m,
      );
      const look = `slashnet -a ppp.${c.child.pid} cat /ppp/0/status`;
      assert.match(await p.ok(look), /^Opened phase Network role client .* mtu 1450 /);
      await ping(await p.dial(posted(p, c)), await p.dial(posted(p, s)));
      const mine = await interrupt(c);
      assert.equal(mine.code, 0);
      assert.match(mine.err, /^slashnet: down: hung up/m);
      const its = await ended(s);
      assert.equal(its.code, 8);
      assert.match(its.err, /^slashnet: down: lcp: terminated by peer/m);
      assert.deepEqual(left(p), []);
    }));

  test('the other end is killed: lost; its socket goes at the next start', () =>
    withPlace({}, async (p) => {
      const [s, c] = pair(p);
      await Promise.all([isUp(s), isUp(c)]);
      s.kill('SIGKILL');
      const r = await ended(c);
      assert.equal(r.code, 7);
      assert.match(r.err, /^slashnet: down: link lost: /m);
      assert.deepEqual(left(p), [`ppp.${s.child.pid}`]);
      await Promise.all(pair(p).map((next) => isUp(next)));
      assert.ok(!left(p).includes(`ppp.${s.child.pid}`));
    }));

  test('authentication: keys from a file, the environment; wrong ones', () =>
    withPlace({}, async (p) => {
      const keys = join(p.dir, 'keys');
      const key = 'key proto=pass service=ppp user=glenda !password=rabbit\n';
      writeFileSync(keys, key, { mode: 0o600 });
      const demands = ['-Sf', '-x', 'none', '--keys', keys, '10.9.0.1', '10.9.0.2'];
      const known = { SLASHNET_KEY: 'proto=pass service=ppp user=glenda !password=rabbit' };
      const tells = ['--up', 'echo "key: $SLASHNET_KEY"'];
      const [s, c] = [ppp(p, demands), ppp(p, [...client, ...tells], known)];
      wire(s, c);
      await Promise.all([isUp(s), isUp(c)]);
      await until('--up', () => c.err.includes('key: '));
      assert.doesNotMatch(c.err + s.err, /rabbit/);
      assert.equal((await interrupt(c)).code, 0);
      await ended(s);
      const wrong = { SLASHNET_KEY: 'proto=pass service=ppp user=glenda !password=hare' };
      const both = [ppp(p, demands), ppp(p, client, wrong)] as const;
      wire(...both);
      const [its, mine] = await Promise.all(both.map(ended));
      assert.deepEqual([its?.code, mine?.code], [5, 5]);
      assert.match(mine?.err ?? '', /^slashnet: authentication failed /m);
      assert.doesNotMatch((mine?.err ?? '') + (its?.err ?? ''), /up: |rabbit|hare/);
    }));

  test('--announce takes one call after the other; --up and --down are told', () =>
    withPlace({}, async (p) => {
      const up = 'echo "<$IPLOCAL $IPREMOTE $MTU $PPP $WHY>"; slashnet cat $PPP/local | head -1';
      const s = ppp(p, [...server, '--announce', '--up', up, '--down', 'echo "[$IPREMOTE $WHY]"']);
      for (const n of [1, 2]) {
        const c = ppp(p, client);
        c.child.stdout?.pipe(s.child.stdin as NodeJS.WritableStream, { end: false });
        s.child.stdout?.pipe(c.child.stdin as NodeJS.WritableStream);
        await Promise.all([isUp(c), isUp(s, n)]);
        await until('--up', () => s.err.split('\n10.9.0.1\n').length > n);
        assert.equal((await interrupt(c)).code, 0);
        await until('--down', () => s.err.split('[10.9.0.2 ').length > n);
        s.child.stdout?.unpipe();
      }
      assert.match(s.err, /^<10\.9\.0\.1 10\.9\.0\.2 1450 \/ppp\/0 up>$/m);
      assert.match(s.err, /^\[10\.9\.0\.2 lcp: terminated by peer/m);
      assert.equal((await interrupt(s)).code, 0);
    }));

  test('a foreground --up ends with the link', () =>
    withPlace({}, async (p) => {
      const pid = join(p.dir, 'pid');
      const [s, c] = pair(p, [...server, '--up', `echo $$ > ${pid}; sleep 600`]);
      await Promise.all([isUp(s), isUp(c)]);
      await until('--up', () => existsSync(pid) && readFileSync(pid, 'utf8') !== '');
      assert.equal((await interrupt(c)).code, 0);
      assert.equal((await ended(s)).code, 8);
      const child = Number(readFileSync(pid, 'utf8'));
      await until('its end', () => !existsSync(`/proc/${child}/exe`));
    }));

  test('-d states and negotiation, -dd packets, -ddd bytes', () =>
    withPlace({}, async (p) => {
      const [s, c] = pair(p, [...server, '-dd'], [...client, '-ddd']);
      const [quiet, listener] = pair(p, server, [...client, '-d']);
      await Promise.all([s, c, quiet, listener].map((r) => isUp(r)));
      for (const ends of [[c, s] as const, [listener, quiet] as const]) {
        const [one, other] = ends.map((r) => p.dial(posted(p, r)));
        await ping(await one!, await other!);
      }
      const data = /^\S+ \/ppp\/0 (->|<-) ip \d+ bytes$/m;
      const negotiation = /^\S+ \/ppp\/0 -> lcp ConfReq id 1 /m;
      for (const r of [s, c]) await until('packets', () => data.test(r.err));
      await until('bytes', () => /^<- (ff03)?0021450000/m.test(c.err));
      assert.match(c.err, /^-> (ff03)?c02101/m);
      for (const r of [s, c, listener]) assert.match(r.err, negotiation);
      assert.doesNotMatch(listener.err, data);
      assert.doesNotMatch(s.err, /^(->|<-) /m);
      assert.doesNotMatch(quiet.err, /lcp/);
    }));
});

describe('the command only writes verbs', limit, () => {
  test('what it tells a daemon that runs is all that happens there', () =>
    withPlace({}, async (p) => {
      await p.serve(['--bare', '--load', 'loop', '--load', 'auth', '--load', 'ppp']);
      const s = ppp(p, server);
      const args = ['-k', 'user=glenda', '--verb', 'echo 7'];
      const c = p.start([process.execPath, bin, '-D', 'ppp', ...client, ...args]);
      wire(s, c);
      await Promise.all([isUp(s), isUp(c)]);
      assert.match(await p.ok('slashnet cat /ppp/0/status'), /^Opened /);
      assert.equal((await interrupt(c)).code, 0);
      assert.equal((await ended(s)).code, 8);
      const frame = /^[0-9a-f]{2}( |$)|^\(not shown\)$/;
      const lines = [...c.err.matchAll(/^-> Twrite .*? count \d+ '?(.*?)'?$/gm)].map((m) => m[1]!);
      assert.deepEqual(
        lines.filter((l) => !frame.test(l)),
        [
          ...['framing hdlc', 'key user=glenda', 'mtu 1450', 'net none', 'echo 7'],
          ...['framing bytes', 'bind /net/loop/0/data', 'connect', 'hangup', 'unbind'],
        ],
      );
      const asked = new Set([...c.err.matchAll(/^-> (T\w+)/gm)].map((m) => m[1]));
      const plain = [
        'Tversion',
        'Tattach',
        'Twalk',
        'Topen',
        'Tread',
        'Tstat',
        'Twrite',
        'Tclunk',
        'Tflush',
      ];
      assert.deepEqual(
        [...asked].filter((t) => !plain.includes(t!)),
        [],
      );
    }));
});

describe('usage: one line that says what, status 2, nothing done', limit, () => {
  const cases: readonly [args: string, why: RegExp][] = [
    ['-q', /unknown option '-q'/],
    ['-m', /argument missing/],
    ['-f 10.0.0.300', /bad ip address '10\.0\.0\.300'/],
    ['-f 10.0.0.1 10.0.0.2 10.0.0.3', /too many addresses/],
    ["-f -k 'user=x !password=hare'", /others can read arguments/],
    ['', /standard input and output: it keeps no packets apart: give -f/],
    ["-p 'tcp!host!1'", /tcp!host!1: it keeps no packets apart: give -f/],
    ['-fF', /-f and -F: one of them/],
    ['-fM chat', /-M needs -p/],
    ['-fu', /-u needs -p/],
    ['-f --redial 3', /--redial needs -p/],
    ['-fp /dev/null -M /none', /-M: .*no such file/],
    ['-fp /dev/null -M bad', /bad:1: a line is 'send' 'expect'/],
    ['-f --dns nothing', /bad --dns 'nothing'/],
    ['-f --dns resolvectl', /--dns resolvectl: there is no such command here/],
    ['-f --dns /etc/mtab', /is a link: who keeps it/],
    ["-f --verb 'frob 1'", /unknown control message: frob/],
    ['-f -x relative', /'relative' is not an absolute path/],
    ['-Sf', /a server needs an address of its own/],
  ];
  test('each', () =>
    withPlace({}, async (p) => {
      writeFileSync(join(p.dir, 'bad'), 'hare\n');
      mkdirSync(join(p.dir, 'empty'));
      for (const [args, why] of cases) {
        const path = `${join(p.dir, 'bin')}:${join(process.execPath, '..')}:/bin`;
        const command = `SLASHNET= PATH=${path} slashnet ppp ${args}`;
        const r = await p.run(command);
        assert.equal(r.code, 2, `${args}: ${r.err}`);
        assert.match(r.err, why);
        assert.equal(r.err.trim().split('\n').length, 1, r.err);
        assert.doesNotMatch(r.err, /hare/);
        assert.equal(r.out, '');
      }
    }));
});

describe('statuses before it is up', limit, () => {
  test('4: nobody answers; 9: a signal; 3: nobody to dial', () =>
    withPlace({}, async (p) => {
      const mute = ppp(p, [...client, '--verb', 'timeout lcp 1']);
      const waits = ppp(p, [...client, '-d']);
      await until('connect', () => waits.err.includes('phase Establish'));
      assert.equal((await interrupt(waits)).code, 9);
      const r = await ended(mute);
      assert.deepEqual([r.code, r.err], [4, 'slashnet: lcp: timed out after 1 s\n']);
      const nobody = await ended(ppp(p, [...client, '-p', 'tcp!127.0.0.1!1']));
      assert.equal(nobody.code, 3);
      assert.match(nobody.err, /^slashnet: tcp!127\.0\.0\.1!1: connect ECONNREFUSED.*\n$/);
      assert.deepEqual(left(p), []);
    }));
});

const built = missing === undefined ? false : `rawio is not built: ${missing}`;

describe('packets on standard input and output', { skip: built, ...limit }, () => {
  const script = (args: readonly string[]): string => `exec slashnet ppp ${args.join(' ')}`;
  const packets = (all: readonly string[]): string =>
    script(all).replace('-Saf', '-Sa').replace('-f', '');

  test('SEQPACKET sockets', { skip: needs('socat') }, () =>
    withPlace({}, async (p) => {
      writeFileSync(join(p.dir, 's'), packets(server));
      writeFileSync(join(p.dir, 'c'), packets([...client, '--up', "'echo up $IPLOCAL'"]));
      const ends = ['s', 'c'].map((f) => `exec:sh ${join(p.dir, f)},socktype=5`);
      const r = p.start(['socat', ...ends], { SLASHNET: '' });
      await until('the link up', () => r.over || /^up 10\.9\.0\.2$/m.test(r.err));
      assert.ok(!r.over, r.err);
    }),
  );

  test('pipes with O_DIRECT', { skip: needs('python3') }, () =>
    withPlace({}, async (p) => {
      const python = `
import os, subprocess
(r1, w1), (r2, w2) = os.pipe2(os.O_DIRECT), os.pipe2(os.O_DIRECT)
ends = ((${JSON.stringify(packets(server))}, r1, w2), (${JSON.stringify(packets(client))}, r2, w1))
both = [subprocess.Popen(['sh', '-c', c], stdin=i, stdout=o) for c, i, o in ends]
for fd in (r1, w1, r2, w2): os.close(fd)
print('pids', *(b.pid for b in both), flush=True)
print('statuses', *(b.wait() for b in both), flush=True)`;
      const r = p.start(['python3', '-c', python], { SLASHNET: '' });
      await until('both up', () => r.over || r.err.split('up: local').length > 2);
      assert.ok(!r.over, r.err);
      const [, first] = /^pids (\d+) (\d+)$/m.exec(r.out) ?? [];
      process.kill(Number(first), 'SIGTERM');
      assert.match((await ended(r)).out, /^statuses 0 8$/m);
    }),
  );
});
