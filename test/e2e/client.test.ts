/** The client commands on servers that are not ours to know: a writable tree, one that takes
 *  little at once, and files that wait. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { file, type Listener, listen, memTree, Server, type Tree } from '@9p/lib9p';
import { needs } from '../kit/needs.js';
import { flatTree, Waiting } from '../unit/lib9p-kit.js';
import { Place, type Ran, until } from './place.js';

/** Names in what they show are those of who asks. */
const uname = 'glenda';

interface Served {
  readonly p: Place;
  readonly server: Server;
  end(): Promise<void>;
}

/** A server of this process, which commands use without being told. */
async function serveTree(tree: Tree, msize?: number): Promise<Served> {
  const p = await Place.make();
  const server = new Server(tree, msize === undefined ? {} : { limits: { msize } });
  const listener: Listener = await listen(server, { path: join(p.dir, 'sock') });
  return {
    p,
    server,
    async end() {
      await listener.close();
      server.hangup('the test is over');
      await p.end();
    },
  };
}

describe('files of a writable tree', { timeout: 500_000 }, () => {
  /** Each message that /ctl was written, and what it refuses. */
  let messages: string[];
  const ctl = file({
    read: () => '42\n',
    write(text) {
      if (text.startsWith('bad')) throw new Error(`unknown control message: ${text.trim()}`);
      messages.push(text);
    },
  });
  let s: Served;
  let p: Place;
  beforeEach(async () => {
    messages = [];
    const tree = { ctl, notes: 'some notes\n', 'two words': '2', dir: { 9: '', 10: '', a: 'x' } };
    // 488 bytes of data in a message.
    s = await serveTree(memTree(tree, { owner: uname, writable: true }), 512);
    p = s.p;
  });
  afterEach(() => s.end());
  const fails = async (code: number, text: RegExp, script: string): Promise<void> => {
    const r = await p.run(script);
    assert.deepEqual([r.code, r.out], [code, ''], `${script}: ${r.err}`);
    assert.match(r.err, text, script);
    assert.equal(r.err.indexOf('\n'), r.err.length - 1, `one line: ${r.err}`);
  };

  test('Ctrl-C while standard input is read: nothing is written', async () => {
    const waits = p.start(['slashnet', 'write', '/ctl']);
    await until('an open file', () => [...s.server.connections].some((c) => c.fids === 2));
    waits.kill('SIGINT');
    const r = await waits.ended;
    assert.deepEqual([r.code, r.err], [1, 'slashnet: /ctl: interrupted\n']);
    assert.deepEqual(messages, []);
  });

  test('write: one message a line, whatever the iounit; standard input in whole lines', async () => {
    await p.ok("slashnet write /ctl one 'two words' ''");
    await p.ok('slashnet write -n /ctl three');
    assert.deepEqual(messages.splice(0), ['one\n', 'two words\n', '\n', 'three']);
    await p.ok("printf 'a\\nb\\nc' | slashnet write -l /ctl");
    assert.deepEqual(messages.splice(0), ['a\n', 'b\n', 'c']);
    await p.ok("(printf a; printf 'a\\nb\\nc') | slashnet write /ctl");
    assert.deepEqual(messages.splice(0), ['aa\nb\nc'], 'what fits goes as one');
    await p.ok('slashnet write /ctl < /dev/null');
    assert.deepEqual(messages.splice(0), ['']);
    await p.ok('seq 200 | slashnet write /ctl');
    assert.ok(
      messages.length > 1 && messages.every((m) => /^\d+\n(\d+\n)*$/.test(m)),
      'whole lines',
    );
    assert.equal(messages.splice(0).join(''), await p.ok('seq 200'));
    const long = 'a line of 501 bytes: one message has at most 488\\n$';
    await fails(
      1,
      new RegExp(`/ctl: ${long.slice(0, -3)}`),
      'slashnet write /ctl $(printf %0500d 1)',
    );
    assert.deepEqual(messages, [], 'and is not cut');
    await fails(
      1,
      /^slashnet: \/ctl: unknown control message: bad\n$/,
      'slashnet write /ctl a bad b',
    );
    assert.deepEqual(messages, ['a\n'], 'the first that is refused stops');
  });

  test('write replaces what is in a file, -a goes on behind it; cat is what was written', async () => {
    await p.ok('slashnet write /notes short');
    assert.equal(await p.ok('slashnet cat /notes'), 'short\n');
    await p.ok('slashnet write -a /notes more lines; echo end | slashnet write --append /notes');
    assert.equal(await p.ok('slashnet cat /notes /ctl'), 'short\nmore\nlines\nend\n42\n');
    await p.ok('head -c 100000 /dev/urandom > big; slashnet write /notes < big');
    assert.equal(await p.ok('slashnet cat /notes | cmp - big && echo same'), 'same\n');
    await p.ok("slashnet write '/two words' < /dev/null");
    assert.equal(await p.ok("slashnet cat '/two words'"), '');
  });

  test('create, mkdir, chmod, rm, and ls of it', async () => {
    const glenda = 'slashnet --uname glenda';
    await p.ok(`${glenda} create /new /dir/b && ${glenda} create -m 600 /mine`);
    await p.ok(`${glenda} mkdir /d /d/e && ${glenda} mkdir --mode go-w /d/f`);
    const list = await p.ok('slashnet ls -ld /new /mine /d /d/e /d/f /dir');
    const modes = list
      .split('\n')
      .map((l) => l.split(/ +/))
      .map((w) => [w[0], w[1], w.at(-1)]);
    assert.deepEqual(modes.slice(0, -1), [
      ['--rw-rw-rw-', 'glenda', '/new'],
      ['--rw-------', 'glenda', '/mine'],
      ['d-rwxrwxrwx', 'glenda', '/d'],
      ['d-rwxrwxrwx', 'glenda', '/d/e'],
      ['d-rwxr-xr-x', 'glenda', '/d/f'],
      ['d-rwxrwxrwx', 'glenda', '/dir'],
    ]);
    assert.equal(await p.ok('slashnet ls /dir'), '9\n10\na\nb\n');
    assert.equal(await p.ok('slashnet ls /d/ dir'), '/d/e\n/d/f\ndir/9\ndir/10\ndir/a\ndir/b\n');
    await p.ok(`${glenda} chmod u=r,go-rwx /new /mine`);
    assert.match(
      await p.ok('slashnet stat /new /mine'),
      /^name: new\nmode: --r-------- 400\n.*^name: mine\nmode: --r-------- 400\n/ms,
    );
    await fails(1, /^slashnet: \/new: permission denied\n$/, 'slashnet cat /new');
    await fails(1, /^slashnet: \/mine: not owner\n$/, 'slashnet --uname ken chmod 666 /mine');
    await fails(2, /^slashnet: bad mode 'rwx': octal, or/, 'slashnet chmod rwx /mine');
    await fails(2, /^slashnet: bad mode '999'/, 'slashnet create -m 999 /x');
    await fails(1, /^slashnet: \/new: file already exists\n$/, 'slashnet create /new');
    await fails(1, /^slashnet: \/d: directory is not empty\n$/, 'slashnet rm /d');
    await p.ok('slashnet rm -r /d /dir && slashnet rm /new /mine');
    assert.equal(await p.ok('slashnet ls'), 'ctl\nnotes\ntwo words\n');
    await fails(1, /^slashnet: \/d: file not found\n$/, 'slashnet rm -r /d');
    await fails(1, /^slashnet: \/ctl\/x: .*\n$/, 'slashnet rm /ctl/x');
  });

  test('another tree of the server, another address, every message on standard error', async () => {
    assert.equal(await p.ok('slashnet --aname dir ls'), '9\n10\na\n');
    assert.equal(await p.ok('slashnet -a unix!$PWD/sock --aname dir cat a'), 'x');
    await fails(1, /^slashnet: no tree 'none'\n$/, 'slashnet --aname none ls');
    const r = await p.run('slashnet -D --uname ken cat /ctl');
    assert.equal(r.out, '42\n');
    assert.match(r.err, /^-> Tversion .*\n<- Rversion .*\n-> Tattach .* uname ken /);
  });

  test('who reads no more is no failure, and a full disk is one', async () => {
    await p.ok('head -c 20000 /dev/zero | slashnet write /notes');
    const most = '/notes '.repeat(10); // more than a pipe holds
    const r = await p.run(`slashnet cat ${most} | head -c1 | wc -c; slashnet ls | true`);
    assert.deepEqual([r.out, r.err], ['1\n', '']);
    await fails(1, /^slashnet: \/dir: is a directory\n$/, 'slashnet cat /dir');
    await fails(1, /^slashnet: .*ENOSPC.*\n$/, 'slashnet cat /notes > /dev/full');
  });

  test('rdwr: answers and questions in turn; a refusal is told and not the end', async () => {
    const r = await p.run("printf 'one\\nbad\\ntwo' | slashnet rdwr /ctl");
    assert.equal(r.out, '42\n42\n42\n', 'before the first, and behind each that was taken');
    assert.equal(r.err, 'slashnet: /ctl: unknown control message: bad\n');
    assert.equal(r.code, 1);
    assert.deepEqual(messages.splice(0), ['one', 'two']);
    assert.equal(await p.ok('echo q | slashnet rdwr -w /ctl'), '42\n');
  });
});

/** A file that waits; what it is written, at most `takes` bytes at once. */
class Recorded extends Waiting {
  readonly written: string[] = [];
  takes = Number.POSITIVE_INFINITY;

  override write(data: Uint8Array): number {
    const taken = data.subarray(0, this.takes);
    this.written.push(Buffer.from(taken).toString());
    return taken.length;
  }

  /** The answer to the read that waits, once there is one. */
  async give(text: string): Promise<void> {
    await until('a read', () => this.reads.length > 0);
    this.reads.shift()?.give(Buffer.from(text));
  }
}

describe('files that wait', { timeout: 500_000 }, () => {
  let s: Served;
  let p: Place;
  let a: Recorded;
  let b: Recorded;
  beforeEach(async () => {
    a = new Recorded('a', 2n);
    b = new Recorded('b', 3n);
    s = await serveTree(flatTree([a, b]));
    p = s.p;
  });
  afterEach(() => s.end());
  const flushed = (f: Recorded): boolean => f.log.some((l) => l.startsWith('flushed'));

  test('a write that is taken in part: the rest again, but never of a line', async () => {
    a.takes = 3;
    await p.ok('printf 12345678 | slashnet write /a');
    assert.deepEqual(a.written.splice(0), ['123', '456', '78']);
    const r = await p.run('slashnet write /a 12345678 more');
    assert.deepEqual([r.code, r.err], [1, 'slashnet: /a: only 3 of 9 bytes were taken\n']);
    assert.deepEqual(a.written.splice(0), ['123']);
    a.takes = 0;
    const none = await p.run('echo x | slashnet write /a');
    assert.deepEqual([none.code, none.err], [1, 'slashnet: /a: 2 bytes were not taken\n']);
  });

  test('Ctrl-C gives up what waits by Tflush: status 1', async () => {
    for (const command of ['cat', 'watch', 'con', 'rdwr']) {
      const waits = p.start(['slashnet', command, '/a']);
      await until('a read', () => a.reads.length > 0);
      waits.kill('SIGINT');
      const r = await waits.ended;
      assert.deepEqual([r.code, r.out], [1, ''], command);
      assert.match(r.err, /^slashnet: (\/a: )?interrupted\n$/, command);
      assert.ok(flushed(a), command);
      a.reads.length = a.log.length = 0;
    }
  });

  test('cat follows', async () => {
    const cat = p.slashnet('cat', '/a');
    await a.give('one\n');
    await a.give('two\n');
    await a.give('');
    assert.deepEqual(await cat.ended.then((r) => [r.code, r.out, r.err]), [0, 'one\ntwo\n', '']);
  });

  test('watch: several files, each line with its path; the end of all of them', async () => {
    const w = p.slashnet('watch', '/a', '/b');
    await a.give('up\nphase ');
    await b.give('down\n');
    await a.give('Network\nrest');
    await until('three lines', () => w.out.split('\n').length === 4);
    assert.deepEqual(w.out.split('\n').sort(), ['', '/a: phase Network', '/a: up', '/b: down']);
    await a.give('');
    await b.give('');
    const r = await w.ended;
    assert.deepEqual([r.code, r.err], [0, '']);
    assert.match(r.out, /^\/a: rest$/m);
  });

  test('watch for a line: status 0 with it, 1 without, 3 when the time is over, 2 if misused', async () => {
    const line = p.slashnet('watch', '-u', '^ip up', '/a', '/b');
    await b.give('ip upset\nnot this\n');
    const found = await line.ended;
    assert.deepEqual([found.code, found.out, found.err], [0, '/b: ip upset\n', '']);
    await until('the other read is given up', () => flushed(a));

    const once = p.slashnet('watch', '-1', '/b');
    await b.give('anything\nmore\n');
    assert.deepEqual(await once.ended.then((r) => [r.code, r.out]), [0, 'anything\n']);

    const never = p.slashnet('watch', '--until', 'x', '/b');
    await b.give('y\n');
    await b.give('');
    const ended = await never.ended;
    assert.deepEqual([ended.code, ended.out], [1, 'y\n']);
    assert.equal(ended.err, 'slashnet: watch: ended before the line came\n');

    const late = await p.run('slashnet watch -t 0.01 -u x /b');
    assert.deepEqual([late.code, late.err], [3, 'slashnet: watch: not within 0.01 s\n']);

    assert.equal(
      (await p.run('slashnet watch -t 0.01 /b')).code,
      3,
      'with nothing to wait for, too',
    );

    const bad = async (args: string): Promise<Ran> => p.run(`slashnet watch ${args} /b`);
    for (const args of ["-u '('", '-t 0', '-t x', '-t 1e9'])
      assert.equal((await bad(args)).code, 2);
    assert.match(
      (await p.run('slashnet watch /a /none')).err,
      /^slashnet: \/none: file not found\n$/,
    );
  });

  test('watch -e: the command runs when the files are open, and its failure counts', async () => {
    const w = p.slashnet('watch', '-u', 'up', '-e', 'slashnet write /b connect', '/a');
    await until('the command', () => b.written.length > 0);
    assert.equal(a.reads.length, 1, 'a is read by now');
    await a.give('up\n');
    assert.deepEqual(await w.ended.then((r) => [r.code, r.out, r.err]), [0, 'up\n', '']);
    const r = await p.run("slashnet watch -e 'exit 7' /a");
    assert.deepEqual([r.code, r.out, r.err], [1, '', 'slashnet: exit 7: exit status 7\n']);
    const late = await p.run("slashnet watch -t 0.1 -e 'sleep 60; :' /a");
    assert.deepEqual([late.code, late.err], [3, 'slashnet: watch: not within 0.1 s\n']);
  });

  test('con, from a pipe: both ways at once, until one end is over', async () => {
    const con = p.start(['slashnet', 'con', '/a']);
    con.child.stdin?.write('hello\nth');
    await until('a line', () => a.written.length > 0);
    await a.give('hi\n');
    con.child.stdin?.write('ere\n');
    await until('the other line', () => a.written.length > 1 && con.out === 'hi\n');
    assert.deepEqual(a.written, ['hello\n', 'there\n']);
    con.child.stdin?.end();
    assert.deepEqual(await con.ended.then((r) => [r.code, r.err]), [0, '']);
    assert.ok(flushed(a));
    const hungup = p.start(['slashnet', 'con', '/b']);
    await b.give('bye\n');
    await b.give('');
    assert.deepEqual(await hungup.ended.then((r) => [r.code, r.out, r.err]), [0, 'bye\n', '']);
  });

  const script = needs('script');

  test('con on a terminal: Ctrl-D and Ctrl-\\ end it, raw keys go as they are', {
    skip: script,
  }, async () => {
    for (const key of ['\x04', '\x1c']) {
      // exec: Ctrl-\ goes to the shell too, and dash would die of it (bash does the exec itself).
      const con = p.start(['script', '-qec', 'exec slashnet con /a', '/dev/null']);
      await until('a read', () => a.reads.length > 0);
      con.child.stdin?.write('hello\n');
      await until('the line', () => a.written.length > 0);
      con.child.stdin?.write(key);
      const r = await con.ended;
      assert.equal(r.code, 0, r.out);
      assert.doesNotMatch(r.out, /slashnet:/);
      a.reads.length = a.written.length = 0;
    }
    const raw = p.start(['script', '-qec', 'slashnet con -r /b; stty -a', '/dev/null']);
    await until('a read', () => b.reads.length > 0);
    raw.child.stdin?.write('x\x03\x04');
    await until('the keys', () => b.written.join('') === 'x\x03\x04');
    raw.child.stdin?.write('y\x1cz');
    const r = await raw.ended;
    assert.equal(b.written.join(''), 'x\x03\x04y');
    assert.match(r.out, /[ ;]icanon/, 'the terminal is as it was');
    assert.equal(r.code, 0);
  });
});

test('a server that goes away is told in one line', { timeout: 500_000 }, async () => {
  const a = new Recorded('a', 2n);
  const s = await serveTree(flatTree([a]));
  const running = ['cat', 'watch', 'con'].map((c) => s.p.start(['slashnet', c, '/a']));
  await until('three reads', () => a.reads.length === 3);
  s.server.hangup('gone');
  for (const r of running) {
    const end = await r.ended;
    assert.equal(end.code, 1);
    assert.match(end.err, /^slashnet: \/a: hungup: .*\n$/);
  }
  await s.end();
});
