/** The direct backend with the real kernel: the system's own commands on a
 *  mount in a private name space. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { needs } from '../kit/needs.js';
import { type Host, median, Space } from './space.js';

const skip = needs('root', '/dev/fuse', 'unshare', 'nsenter', 'bash');

/** Begins a waiting connect, and returns when the daemon has it. */
const connecting = `
  echo connect > ctl & connect=$!
  until grep -q 'waiting: true' count; do :; done`;

describe('files of a mount', { skip, timeout: 500_000 }, () => {
  let space: Space;
  let host: Host;
  before(async () => {
    space = await Space.make();
    host = await space.host({ count: true });
  });
  after(() => space.end());
  const ok = (script: string) => space.ok(`cd ppp/0 && ${script}`);
  const fails = async (script: string): Promise<string> => {
    const r = await space.run(`cd ppp/0 && ${script}`);
    assert.notEqual(r.code, 0, `${script} succeeded`);
    return r.err;
  };

  /** Requests of the kernel so far, by kind. */
  const counts = async (): Promise<Record<string, number>> => {
    host.say('counts');
    return JSON.parse((await host.hear('counts')).slice('counts '.length));
  };

  test('cat, head, tail, wc, grep, cp, dd of files of size 0', async () => {
    assert.equal(await ok('cat status'), 'Connected mtu 1492\n');
    assert.equal(await ok('head -c 9 status'), 'Connected');
    assert.equal(await ok('tail -c 5 status'), '1492\n');
    assert.equal(await ok('wc -c < big'), '400000\n');
    assert.equal(await ok('grep -c mtu status'), '1\n');
    assert.equal(await ok('cp big /dev/stdout | wc -c'), '400000\n');
    const sum = await ok('cat big | md5sum');
    for (const bs of [1, 7, 4096, 65536, 131072, 200_000, 1_048_576]) {
      const count = bs === 1 ? 'count=20' : '';
      const got = await ok(
        `dd if=big bs=${bs} ${count} status=none | ${count ? 'wc -c' : 'md5sum'}`,
      );
      assert.equal(got, count ? '20\n' : sum, `dd bs=${bs}`);
    }
    assert.equal(await ok('dd if=big bs=16 skip=24999 status=none'), '0123456789abcdef');
  });

  test('ls -l, find, stat, df', async () => {
    const list = await ok('ls -l');
    assert.match(list, /^-r--r--r-- 1 root root +0 .* status$/m);
    assert.match(list, /^-rw-rw---- 1 root root +0 .* ctl$/m);
    const found = await space.ok('find . | sort | head -4');
    assert.equal(found, '.\n./ppp\n./ppp/0\n./ppp/0/big\n');
    const inode = 'stat -c %i ctl';
    assert.equal(await ok(inode), await ok(inode), 'a new nodeid, the same st_ino');
    assert.match(await space.ok('df . | tail -1'), /^slashnet /);
    assert.match(await fails('ls nothing'), /No such file or directory/);
  });

  test('ls -l of many files is one request, not one more a file', async () => {
    const before = await counts();
    assert.equal((await ok('ls -l | wc -l')).trim(), '10');
    const after = await counts();
    const asked = Object.keys(after).filter((name) => after[name] !== before[name]);
    assert.ok(asked.includes('readdirplus'), `${asked}`);
    const looked = asked.filter((name) => name.startsWith('lookup '));
    assert.deepEqual(
      looked.filter((name) => !/ (ppp|0|ctl)$/.test(name)),
      [],
      'but ctl is another each time',
    );
  });

  test('mv, chown, ln, mknod: not permitted; stat -f: the longest name', async () => {
    for (const command of [
      'mv status other',
      'mv status ..',
      'chown 1 status',
      'ln -s status other',
    ])
      assert.match(await fails(command), /Operation not permitted/, command);
    assert.match(await fails('ln status other'), /Operation not permitted/);
    assert.match(await fails('mknod pipe p'), /Operation not permitted/);
    assert.match(await ok('stat -f -c %l .'), /^255$/m);
    assert.equal(await ok('chown 0 status && stat -c %u status'), '0\n', 'the owner that it has');
  });

  test('echo >, >>, truncate, touch, chmod', async () => {
    await ok('echo hello > ctl');
    await ok('echo hello >> ctl');
    await ok('truncate -s 0 ctl && touch ctl');
    assert.equal(await ok('chmod 600 ctl && stat -c %a ctl && chmod 660 ctl'), '600\n');
    assert.equal(await ok('cat ctl'), '0');
  });

  test('the errno of an error text; a tree that nothing is made in', async () => {
    assert.match(await fails('echo fail connection in use > ctl'), /Device or resource busy/);
    assert.match(await fails('echo fail no answer > ctl'), /Connection timed out/);
    assert.match(await fails('echo x > nothing'), /Operation not permitted/);
    assert.match(await fails('rm status'), /Operation not permitted/);
    assert.match(await fails('mkdir new'), /Operation not permitted/);
    assert.match(await fails('cat ../0'), /Is a directory/);
  });

  test('records: one a read, through a descriptor that is open both ways', async () => {
    const out = await ok(`exec 3<>data
      (sleep 0.2; echo first >&3; echo second >&3) &
      dd bs=100 count=1 status=none <&3; dd bs=100 count=1 status=none <&3; wait`);
    assert.equal(out, 'first\nsecond\n', 'the waiting read did not hold up the write');
  });

  test('O_NONBLOCK: EAGAIN', async () => {
    assert.match(await fails('dd if=event iflag=nonblock'), /Resource temporarily unavailable/);
  });

  test('a file of records has no offsets', { skip: needs('perl') }, async () => {
    const seek = (file: string) =>
      ok(`perl -e 'open(F, "<", "${file}"); print sysseek(F, 1, 0) ? "yes" : $!'`);
    assert.equal(await seek('data'), 'Illegal seek');
    assert.equal(await seek('status'), 'yes');
  });

  test('poll wakes when a record comes, and not before', { skip: needs('perl') }, async () => {
    const poll = `perl -e 'open(F, "<", "event") or die; vec($r, fileno(F), 1) = 1;
      print scalar select($q = $r, undef, undef, 0), "\\n";
      print scalar select($q = $r, undef, undef, undef), "\\n"; sysread(F, $b, 99); print $b'`;
    const polls = async () => (await counts()).poll ?? 0;
    const before = await polls();
    const waiting = space.start(`cd ppp/0 && ${poll}`);
    while ((await polls()) < before + 2); // the one that waits is here
    host.say('event Opened');
    const r = await waiting.ended;
    assert.equal(r.out, '0\n1\nOpened\n', r.err);
  });

  test('a name that means another conversation by now', async () => {
    await space.ok('cat ppp/0/status');
    host.say('replace another');
    await host.hear('replaced');
    assert.equal(await space.ok('cat ppp/0/status'), 'another\n');
  });
});

describe('what waits', { skip, timeout: 500_000 }, () => {
  let space: Space;
  let host: Host;
  beforeEach(async () => {
    space = await Space.make();
    host = await space.host();
  });
  afterEach(() => space.end());

  test('echo hangup > ctl while echo connect > ctl waits: both back within 100 ms', async (t) => {
    const rounds = 15;
    const out = await space.ok(`cd ppp/0 && for i in $(seq ${rounds}); do ${connecting}
      a=$EPOCHREALTIME; echo hangup > ctl; b=$EPOCHREALTIME; wait $connect 2>&-; c=$EPOCHREALTIME
      echo $((\${b/./}-\${a/./})) $((\${c/./}-\${a/./})); done 2>/dev/null`);
    const lines = out
      .trim()
      .split('\n')
      .map((l) => l.split(' ').map((us) => Number(us) / 1000));
    assert.equal(lines.length, rounds);
    const hangup_ms = median(lines.map((l) => l[0] ?? Number.NaN));
    const both_ms = median(lines.map((l) => l[1] ?? Number.NaN));
    t.diagnostic(
      `hangup back after ${hangup_ms} ms, both after ${both_ms} ms (medians of ${rounds})`,
    );
    // A wait in the way would be in every round, and what else runs on the machine is not.
    const least = Math.min(...lines.map((l) => l[1] ?? Number.NaN));
    assert.ok(least < 100, `${least} ms`);
  });

  test('Ctrl-C on the waiting echo: it dies, and connect is undone', async (t) => {
    const took: number[] = [];
    for (let i = 0; i < 5; i++) {
      const echo = space.start('exec /bin/echo connect > ppp/0/ctl');
      await space.ok("until grep -q 'waiting: true' ppp/0/count; do :; done");
      const t0 = performance.now();
      echo.child.kill('SIGINT');
      assert.equal((await echo.ended).signal, 'SIGINT');
      took.push(performance.now() - t0);
      assert.match(await space.ok('cat ppp/0/count'), /waiting: false/);
    }
    t.diagnostic(`dead ${median(took).toFixed(1)} ms after SIGINT (median of ${took.length})`);
    assert.ok(Math.min(...took) < 100, `${took} ms`);
  });

  test('what the kernel forgets is forgotten: 500 opens of ctl leave no inodes behind', async () => {
    await space.ok('for i in $(seq 500); do echo x > ppp/0/ctl; done; ls -lR . > /dev/null');
    host.say('state');
    const inodes = Number((await host.hear('state')).split(' ')[3]);
    assert.ok(inodes < 20, `${inodes} inodes`);
  });

  test('kill -9 of a blocked reader', async () => {
    const cat = space.start('exec cat ppp/0/event');
    await space.ok("until grep -q 'opened: 1' ppp/0/count; do :; done");
    cat.child.kill('SIGKILL');
    assert.equal((await cat.ended).signal, 'SIGKILL');
    await space.ok("until grep -q 'opened: 0' ppp/0/count; do :; done");
  });

  test('500 blocked reads: another file is read as fast, and each gets the event', async (t) => {
    const readers = 500;
    // The daemon's own time for it: how long a reader waits is up to what else runs here.
    const spent_us = () =>
      Number(readFileSync(`/proc/${host.child.pid}/schedstat`, 'utf8').split(' ')[0]) / 1000;
    const time = async (): Promise<number> => {
      const from = spent_us();
      await space.ok('for i in $(seq 400); do read -r x < ppp/0/status; done');
      return Math.round((spent_us() - from) / 400);
    };
    const before = [await time(), await time(), await time()];
    const cats = space.start(`for i in $(seq ${readers}); do head -c 5 ppp/0/event & done; wait`);
    const state = async (): Promise<string> => {
      host.say('state');
      return host.hear('state');
    };
    while (!(await state()).startsWith(`state ${readers} ${readers} `));
    const during = [await time(), await time(), await time()];
    t.diagnostic(`us a read: ${before} before, ${during} with ${readers} blocked (means of 400)`);
    assert.ok(Math.min(...during) <= 4 * Math.min(...before), `${before} -> ${during} us`);
    host.say('event tick');
    const r = await cats.ended;
    assert.equal(r.out, 'tick\n'.repeat(readers));
  });

  test('umount while reads are blocked: busy; our own unmount ends them', async () => {
    const cat = space.start('exec cat ppp/0/event');
    await space.ok("until grep -q 'opened: 1' ppp/0/count; do :; done");
    const busy = await space.run(`umount '${space.dir}'`, false);
    assert.match(busy.err, /busy/);
    assert.equal(await space.ok('cat ppp/0/status'), 'Connected mtu 1492\n');
    host.say('unmount');
    await host.hear('gone');
    const ended = await cat.ended;
    assert.match(ended.err, /connection abort|not connected/i);
    await host.ended;
    assert.equal(host.child.exitCode, 0);
    assert.equal(await space.ok(`grep -c ${space.dir} /proc/self/mountinfo || true`, false), '0\n');
  });

  test('umount -f by somebody else: blocked reads end, and the daemon hears of it', async () => {
    const cat = space.start('exec cat ppp/0/event');
    await space.ok("until grep -q 'opened: 1' ppp/0/count; do :; done");
    await space.run(`umount -f -l '${space.dir}'`, false);
    assert.match((await cat.ended).err, /connection abort|not connected/i);
    assert.match(await host.hear('gone'), /ENODEV|ECONNABORTED/);
    await host.ended;
  });

  test('kill -9, and start again over the stale mount', async () => {
    const cat = space.start('exec cat ppp/0/event');
    await space.ok("until grep -q 'opened: 1' ppp/0/count; do :; done");
    host.child.kill('SIGKILL');
    await host.ended;
    assert.match((await cat.ended).err, /connection abort|not connected/i);
    const dead = await space.run(`ls '${space.dir}'`, false);
    assert.match(dead.err, /Transport endpoint is not connected/);
    await space.host();
    assert.equal(await space.ok(`cat '${space.dir}/ppp/0/status'`, false), 'Connected mtu 1492\n');
    assert.equal(await space.ok(`grep -c ${space.dir} /proc/self/mountinfo`, false), '1\n');
  });

  test('a live mount is not mounted over', async () => {
    await assert.rejects(space.host(), /is in use: slashnet is mounted there/);
    assert.equal(await space.ok('cat ppp/0/status'), 'Connected mtu 1492\n');
  });
});

describe('who asks', { skip: skip || needs('setpriv') }, () => {
  let space: Space;
  before(async () => {
    space = await Space.make();
  });
  after(() => space.end());

  test('with allowOther another user comes in, and the tree knows him', async () => {
    await space.host({ allowOther: true });
    await space.ok('chmod 755 .', false).catch(() => {});
    const nobody = 'setpriv --reuid=65534 --regid=65534 --clear-groups';
    const as = (script: string) => space.run(`${nobody} ${script}`, true);
    assert.equal((await as('cat ppp/0/status')).out, 'Connected mtu 1492\n');
    assert.match((await as('cat ppp/0/secret')).err, /Permission denied/);
    assert.equal((await as('test -r ppp/0/secret')).code, 1);
    assert.equal((await as('test -r ppp/0/status')).code, 0);
    assert.equal((await space.run('test -r ppp/0/secret')).code, 0);
  });
});

const rawio = new URL('../../../lib/rawio/build/rawio.node', import.meta.url).pathname;

describe('without the addon', { skip, timeout: 500_000 }, () => {
  let space: Space;
  before(async () => {
    space = await Space.make();
    await space.run(`mount --bind /dev/null '${rawio}'`, false);
  });
  after(() => space.end());

  test('the same through mount(8), and an end with readers blocked', async () => {
    const host = await space.host();
    assert.equal(await space.ok('cat ppp/0/status'), 'Connected mtu 1492\n');
    const r = await space.run(`cd ppp/0; ${connecting}; echo hangup > ctl; wait $connect`);
    assert.match(r.err, /Broken pipe/);
    const cat = space.start('exec cat ppp/0/event');
    await space.ok("until grep -q 'opened: 1' ppp/0/count; do :; done");
    host.say('unmount');
    await host.hear('gone');
    assert.match((await cat.ended).err, /connection abort|not connected/i);
    await host.ended;
  });
});

describe('fuse-native', { skip, timeout: 500_000 }, () => {
  let space: Space;
  let host: Host | undefined;
  let lacking = '';
  before(async () => {
    space = await Space.make();
    host = await space.host({ backend: 'fuse-native' }).catch((e: Error) => {
      // libfuse 2 is not on every machine: then the error says so, in a line
      assert.match(e.message, /no such device: fuse; fuse-native: /);
      lacking = e.message;
      return undefined;
    });
  });
  after(() => space.end());

  test('the same files; no wait is longer than two seconds', async (t) => {
    if (host === undefined) return t.skip(lacking);
    assert.equal(await space.ok('cat ppp/0/status'), 'Connected mtu 1492\n');
    assert.equal(await space.ok('wc -c < ppp/0/big'), '400000\n');
    assert.match((await space.run('echo fail in use > ppp/0/ctl')).err, /busy/);
    const connect = await space.run('echo connect > ppp/0/ctl');
    assert.match(connect.err, /Operation now in progress/);
    assert.match(await space.ok('cat ppp/0/count'), /waiting: true/);
    await space.ok('echo hangup > ppp/0/ctl');
    const cat = space.start('exec cat ppp/0/event');
    await space.ok("until grep -q 'opened: 1' ppp/0/count; do :; done");
    cat.child.kill('SIGKILL');
    const t0 = performance.now();
    assert.equal((await cat.ended).signal, 'SIGKILL');
    t.diagnostic(`a killed reader is gone after ${(performance.now() - t0).toFixed()} ms`);
  });

  test('our own unmount ends a reader that waits; that of somebody else is noticed', async (t) => {
    if (host === undefined) return t.skip(lacking);
    const cat = space.start('exec cat ppp/0/event');
    await space.ok("until grep -q 'opened: 1' ppp/0/count; do :; done");
    host.say('unmount');
    await host.hear('gone');
    assert.notEqual((await cat.ended).code, 0);
    await host.ended;
    assert.equal(host.child.exitCode, 0);
    const again = await space.host({ backend: 'fuse-native' });
    await space.ok(`umount '${space.dir}'`, false);
    assert.match(await again.hear('gone'), /ENODEV/);
    await again.ended;
    assert.equal(again.child.exitCode, 0);
  });
});
