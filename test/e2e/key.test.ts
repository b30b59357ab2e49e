/** slashnet key and the files of keys: what is asked, what is refused, and that no secret shows. */
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { omode } from '@9p/lib9p';
import { needs } from '../kit/index.js';
import { type Place, type Running, until, withPlace } from './place.js';

const page = readFileSync(new URL('../../../docs/auth.md', import.meta.url), 'utf8');
const limit = { timeout: 500_000 };
const auth = ['--bare', '--load', 'auth'];
const listed = (p: Place) => p.ok('slashnet key list');

/** On a terminal, as itself: what a shell would do with signals is not the question. */
const onTerminal = (p: Place, command: string): Running =>
  p.start(['script', '-qec', `exec ${command}`, '/dev/null']);
const type = (r: Running, s: string): void => void r.child.stdin?.write(s);

test('what is wrong with the command itself needs no server', limit, () =>
  withPlace({}, async (p) => {
    for (const what of ['frob', "add '!password=x'", "del '!password=x'", 'del', 'import'])
      assert.equal((await p.run(`slashnet -a unix!none key ${what}`)).code, 2, what);
  }),
);

test('add, list, del; secrets from standard input, never from arguments', limit, () =>
  withPlace({}, async (p) => {
    await p.serve(auth);
    await p.ok("echo 'open sesame' | slashnet key add proto=pass service=ppp user=glenda");
    await p.ok(
      "printf \"o'hara\\nit's\\n\" | slashnet key add proto=chap 'user?' '!password?' 2>/dev/null",
    );
    assert.equal(
      await listed(p),
      "key proto=pass service=ppp user=glenda !password?\nkey proto=chap user='o''hara' !password?\n",
    );
    const rpc = await (await p.dial()).open('/auth/rpc', omode.rdwr);
    for (const [say, reply] of [
      ['start proto=pap role=client service=ppp', 'ok'],
      ['read', "ok glenda 'open sesame'"],
    ] as const) {
      await rpc.write(Buffer.from(say), 0);
      assert.equal(Buffer.from(await rpc.read(4096, 0)).toString(), reply);
    }
    const public_ = await p.run("slashnet key add proto=pass user=x '!password=hunter2'");
    assert.deepEqual([public_.code, public_.out], [2, '']);
    assert.match(public_.err, /others can read arguments: '!password\?' asks for the value/);
    assert.doesNotMatch(public_.err, /hunter2/);
    assert.equal((await p.run('slashnet key add proto=pass user=x </dev/null')).code, 2);
    assert.match((await p.run('slashnet key frob')).err, /list, add, del, import or prompt/);
    await p.ok('slashnet key del user=glenda');
    assert.match((await p.run('slashnet key del user=glenda')).err, /found no keys to delete/);
    assert.doesNotMatch(await listed(p), /glenda/);
  }),
);

test('import: the keys, what is not one, a dry run', limit, () =>
  withPlace({}, async (p) => {
    await p.serve(auth);
    const file = join(p.dir, 'chap-secrets');
    writeFileSync(file, '# c\nglenda isp "a b"\n* isp x\nbob * "c" 10.0.0.1\n', { mode: 0o600 });
    const dry = await p.run(`slashnet key import --dry-run ${file}`);
    assert.match(dry.out, /^key proto=chap .*user=glenda server=isp !password\?$/m);
    assert.doesNotMatch(dry.out + dry.err, /a b/);
    assert.equal(await listed(p), '');
    const r = await p.run(`slashnet key import ${file}`);
    assert.equal(r.code, 1, 'not all of it');
    assert.match(r.err, /:3: a secret of any client/);
    assert.match(r.err, /:4: its addresses are not kept/);
    assert.match(r.err, /^2 imported, 1 not$/m);
    assert.equal((await listed(p)).trim().split('\n').length, 6, 'three protocols each');
    chmodSync(file, 0o644);
    assert.match((await p.run(`slashnet key import ${file}`)).err, /others can read it: chmod 600/);
    assert.equal((await p.run('slashnet key import /etc/hostname')).code, 2, 'chap or pap?');
    const fifo = await p.run(`mkfifo ${p.dir}/pap && slashnet key import ${p.dir}/pap`);
    assert.match(fifo.err, /pap: not a regular file/);
    assert.match((await p.run('slashnet key import --chap /dev/zero')).err, /not a regular file/);
  }),
);

test('serve --keys and systemd: read once, refused with what to do', limit, () =>
  withPlace({}, async (p) => {
    const keys = join(p.dir, 'keys');
    const write = (text: string, mode = 0o600) => {
      writeFileSync(keys, text);
      chmodSync(keys, mode);
    };
    const serve = (more = '') => p.run(`slashnet serve --bare --load auth --keys ${keys} ${more}`);
    write('key proto=pass user=glenda !password=secret\n', 0o640);
    assert.match(
      (await serve()).err,
      /its mode is 640, others can read the keys: chmod 600 \S+keys/,
    );
    write(
      '# mine\n\nkey proto=pass user=glenda !password=secret\nkey proto=pass !password=hunter2\n',
    );
    const bad = await serve();
    assert.equal(bad.code, 1);
    assert.match(bad.err, /keys:4: missing attributes: user\?/);
    assert.doesNotMatch(bad.err, /hunter2/);
    assert.match(
      (await p.run(`slashnet serve --bare --load auth --keys ${p.dir}`)).err,
      /not a regular file/,
    );
    const fifo = await p.run(`mkfifo -m 600 ${keys}.fifo && slashnet serve --keys ${keys}.fifo`);
    assert.match(fifo.err, /not a regular file/, 'refused at once, nobody writes to it');
    assert.match(
      (await p.run(`slashnet serve --bare --load auth --keys ${p.dir}/none`)).err,
      /no such file/,
    );
    write('key proto=pass user=glenda !password=secret\n');
    const credentials = join(p.dir, 'credentials');
    mkdirSync(credentials);
    writeFileSync(join(credentials, 'slashnet.keys'), 'key proto=chap user=bob !password=x\n', {
      mode: 0o440,
    });
    const d = await p.serve([...auth, '--keys', keys], { CREDENTIALS_DIRECTORY: credentials });
    assert.equal(
      await listed(p),
      'key proto=chap user=bob !password?\nkey proto=pass user=glenda !password?\n',
    );
    await d.term();
    const none = await p.serve(auth, { CREDENTIALS_DIRECTORY: join(p.dir, 'mnt') });
    assert.equal(await listed(p), '', 'no such credential: no matter');
    await none.term();
  }),
);

test(
  'on a terminal: prompt gives the key that is wanted; nothing typed is shown',
  {
    ...limit,
    skip: needs('script'),
  },
  () =>
    withPlace({}, async (p) => {
      await p.serve(auth);
      const prompt = onTerminal(p, 'slashnet key prompt');
      await until('it waits', () => prompt.out.includes('waiting for questions'));
      const m = await p.dial();
      const ask = async (say: string) => {
        const rpc = await m.open('/auth/rpc', omode.rdwr);
        await rpc.write(Buffer.from(say), 0);
        return { rpc, reply: rpc.read(4096, 0).then((b) => Buffer.from(b).toString()) };
      };
      const pap = await ask('start proto=pap role=client service=ppp');
      await until('user?', () => prompt.out.includes('user: '));
      type(prompt, 'glenda\n');
      await until('password?', () => prompt.out.includes('password: '));
      type(prompt, 'wrong\x15opem\x7fn sésamé\x7fe\r');
      assert.equal(await pap.reply, 'ok');
      await pap.rpc.write(Buffer.from('read'), 0);
      assert.equal(Buffer.from(await pap.rpc.read(4096, 0)).toString(), "ok glenda 'open sésame'");

      await p.ok('echo y | slashnet key add proto=chap user=bob confirm');
      type(prompt, 'yes\n');
      await until('an answer before its question', () => prompt.out.includes('yes'));
      const chap = await ask('start proto=chap role=client user=bob');
      await until('confirm?', () => prompt.out.includes('[y/N]'));
      type(prompt, 'no\n');
      assert.equal(await chap.reply, 'error not confirmed');
      const agreed = await ask('start proto=chap role=client user=bob');
      await until('once more', () => prompt.out.split('[y/N]').length === 3);
      type(prompt, 'yes\n');
      assert.equal(await agreed.reply, 'ok');

      const declined = await ask('start proto=pap role=client service=imap user=eve');
      await until('again', () => prompt.out.split('password: ').length === 3);
      type(prompt, 'typed\x03');
      assert.equal(await declined.reply, 'error interrupted');
      type(prompt, '\x03');
      const r = await prompt.ended;
      assert.doesNotMatch(r.out, /sesam|sésam|opem|typed|wrong/);
      const gone = await ask('start proto=pap role=client service=imap user=eve');
      assert.match(await gone.reply, /^needkey /, 'nobody is there any more');
    }),
);

test(
  'any program can answer needkey: the example of docs/auth.md, over FUSE',
  {
    ...limit,
    skip: needs('root', '/dev/fuse'),
  },
  () =>
    withPlace({ spaces: true }, async (p) => {
      await p.serve(auth);
      const m = await p.dial();
      await p.mount(m);
      const example = /^ {4}\$ (exec 3<>\S+needkey\n(?: {4}\$ .*\n)+)/m.exec(page)?.[1] ?? '';
      assert.match(example, /exec 3/);
      const lines = example.replaceAll(/^ *\$ /gm, '').replaceAll('/mnt/', `${p.mnt}/`);
      const script = p.sh(`set -e\n${lines}`);
      const rpc = await m.open('/auth/rpc', omode.rdwr);
      await until('somebody is asked', async () => {
        await rpc.write(Buffer.from('start proto=pap role=client service=ppp'), 0);
        return Buffer.from(await rpc.read(4096, 0)).toString() === 'ok'; // at once a needkey before
      });
      assert.deepEqual(await script.ended.then((r) => [r.code, r.err]), [0, '']);
    }),
);
