/** Reads that block: five hundred of them, an unmount beneath them, a daemon killed under them. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { describe, test } from 'node:test';
import type { Handle, Mount } from '@9p/lib9p';
import { needs } from '../kit/needs.js';
import {
  asleep,
  clean,
  median,
  type Place,
  type Running,
  until,
  within,
  withPlace,
} from './place.js';

const fuse = needs('root', '/dev/fuse', 'unshare', 'nsenter', 'ip', 'perl');
const readers = 500;
const reads = 200;

/** Milliseconds that a read of a file by 9P takes. */
async function latency(m: Mount): Promise<number> {
  const all: number[] = [];
  for (let i = 0; i < reads; i++) {
    const t = performance.now();
    await m.readText('/version');
    all.push(performance.now() - t);
  }
  return median(all);
}

test('500 reads of event over 9P: files answer, and all end with the conversation', (t) =>
  withPlace({}, async (p) => {
    const d = await p.serve();
    const m = await p.dial();
    await m.readText('/loop/clone');
    await latency(m);
    const alone = await latency(m);
    const files: Handle[] = [];
    for (let i = 0; i < readers; i++) files.push(await m.open('/loop/0/event', 0));
    let ended = 0;
    const over = files.map((f) =>
      f.read().then(
        (b) => assert.equal(b.length, 0),
        (e: Error) => assert.match(e.message, /closed|hung up|no longer/),
      ),
    );
    for (const o of over) void o.then(() => ended++);
    const beside = await latency(m);
    assert.equal(ended, 0, 'they wait');
    t.diagnostic(`a file in ${alone.toFixed(2)} ms, beside ${readers} in ${beside.toFixed(2)} ms`);
    const t0 = performance.now();
    await m.writeFile('/loop/0/ctl', 'close');
    await within('the end of all reads', Promise.all(over));
    t.diagnostic(`all ended ${(performance.now() - t0).toFixed(1)} ms after close`);
    for (const f of files) await f.close();
    assert.equal(await m.readText('/loop/clone'), '0', 'the number is free again');
    clean(await d.term());
  }));

/** How many files a process holds open. */
const descriptors = (pid: number): number => readdirSync(`/proc/${pid}/fd`).length;

describe('blocked reads over FUSE', { skip: fuse, timeout: 500_000 }, () => {
  const mounted = (f: (p: Place, m: Mount, d: Running) => Promise<void>): Promise<void> =>
    withPlace({ spaces: true }, async (p) => {
      const d = await p.serve(['--mount', p.mnt]);
      const m = await p.dial();
      await m.readText('/loop/clone');
      await f(p, m, d);
    });
  const blocked = async (p: Place): Promise<Running> => {
    const cat = p.sh('exec cat $MNT/loop/0/event');
    await asleep(p, cat);
    return cat;
  };

  test('500 of them: files answer, and all end with the conversation', (t) =>
    mounted(async (p, m, d) => {
      const before = descriptors(d.child.pid as number);
      const script = `$| = 1;
        my @all = map { open(my $f, "<", "$ENV{MNT}/loop/0/event") or die; $f } 1 .. ${readers};
        my @pids = map { my $f = $_; my $pid = fork; if (!$pid) {
          my $n = sysread($f, my $b, 99); exit(defined $n && $n > 0 ? 3 : 0) } $pid } @all;
        print "all\\n"; close $_ for @all;
        my %n; for (@pids) { waitpid($_, 0); $n{$? >> 8}++ } print "$_ $n{$_}\\n" for sort keys %n;`;
      const perl = p.start(['perl', '-e', script]);
      await until('all started', () => perl.out.includes('all') || perl.over);
      const alone = await latency(m);
      const cat = await p.ok('cat $MNT/version $MNT/loop/0/status');
      assert.match(cat, /^slashnet .*\ninstance .*\nIdle /);
      assert.equal(perl.out, 'all\n', `they wait ${perl.err}`);
      await m.writeFile('/loop/0/ctl', 'close');
      const r = await within('the end of all readers', perl.ended);
      assert.equal(r.out, `all\n0 ${readers}\n`, r.err);
      t.diagnostic(`a file in ${alone.toFixed(2)} ms beside ${readers} blocked reads`);
      await until('nothing held', () => descriptors(d.child.pid as number) <= before);
      assert.equal(await p.ok('cat $MNT/loop/clone'), '0');
      clean(await d.term());
    }));

  test('umount is refused, umount -l lets go when the reader does', () =>
    mounted(async (p, m, d) => {
      const cat = await blocked(p);
      assert.match((await p.run('umount $MNT')).err, /busy/);
      await p.ok('umount -l $MNT');
      assert.equal(await p.mounts(), 0);
      assert.equal(cat.over, false);
      cat.kill('SIGINT');
      assert.equal((await cat.ended).signal, 'SIGINT');
      await until('the daemon hears of it', () => /mnt: /.test(d.err));
      await p.mount(m); // and again
      assert.match(await p.ok('cat $MNT/version'), /^slashnet /);
      clean(await d.term());
      assert.equal(await p.mounts(), 0);
    }));

  test('slashnet unmount ends them', () =>
    mounted(async (p, _m, d) => {
      const cat = await blocked(p);
      await p.ok('slashnet unmount $MNT');
      assert.match((await within('cat', cat.ended)).err, /abort|not connected/i);
      assert.equal(await p.mounts(), 0);
      const again = await p.run('slashnet unmount $MNT');
      assert.equal(again.code, 1);
      assert.match(again.err, /is not mounted by this daemon/);
      clean(await d.term());
    }));

  test('kill -9, and start again over the stale mount and socket', () =>
    mounted(async (p, _m, d) => {
      const cat = await blocked(p);
      d.kill('SIGKILL');
      assert.match((await within('cat', cat.ended)).err, /abort|not connected/i);
      await d.ended;
      assert.match((await p.run('ls $MNT')).err, /not connected/);
      const late = await p.run('slashnet ls');
      assert.equal(late.code, 1);
      assert.match(late.err, /^slashnet: no daemon at unix!.*: start one with 'slashnet serve'\n$/);
      const next = await p.serve(['--mount', p.mnt]);
      assert.match(
        await p.ok('cat $MNT/version; slashnet cat /version'),
        /^(slashnet .*\n.*\n){2}$/,
      );
      assert.equal(await p.mounts(), 1);
      clean(await next.term());
      assert.equal(await p.mounts(), 0);
    }));

  test('a second daemon on the same socket or directory is refused, the first goes on', () =>
    mounted(async (p, _m, d) => {
      await assert.rejects(p.serve(), /in use/);
      await assert.rejects(p.serve(['--socket', `${p.dir}/other`, '--mount', p.mnt]), /in use/);
      assert.match(
        await p.ok('cat $MNT/version; slashnet cat /version'),
        /^(slashnet .*\n.*\n){2}$/,
      );
      clean(await d.term());
    }));
});
