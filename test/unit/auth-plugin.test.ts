/** auth as files: /auth/ctl rpc proto log and conversations, as docs/auth.md has them. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { type Node, type OpenFile, omode, qt, type Req, type Wait, type Who } from '@9p/lib9p';
import { hex, text, utf8 } from '@9p/packet';
import { makeSystem, type System } from 'slashnet/core';
import { sessions_user_max } from '../../plugins/auth/agent.js';
import auth from '../../plugins/auth/plugin.js';
import { SeededRandom, VirtualClock } from '../kit/index.js';

const me: Who = { uname: 'glenda', groups: [], owner: true };
const bob: Who = { uname: 'bob', groups: [], owner: false };
const req = (who = me): Req => ({ who, iounit: 0, flushed: false, onflush: undefined });

const logged: string[] = [];
/** Of the system made last. */
let clock = new VirtualClock();

async function make(): Promise<System> {
  clock = new VirtualClock();
  const s = makeSystem({
    plugins: [],
    clock,
    random: new SeededRandom(1),
    owner: 'glenda',
    log: (l) => logged.push(l),
  });
  await auth.start(s.env, []);
  return s;
}

async function open(s: System, path: string, mode: number = omode.rdwr, who = me) {
  return s.ns.open(path, mode, who);
}
async function cat(s: System, path: string, who = me): Promise<string> {
  const f = await open(s, path, omode.read, who);
  const b = await f.read(65536, 0, req(who));
  const out = text(b);
  f.close();
  return out;
}
async function echo(s: System, path: string, what: string | Uint8Array, who = me): Promise<void> {
  const f = await open(s, path, omode.write, who);
  try {
    await f.write(typeof what === 'string' ? utf8(what) : what, 0, req(who));
  } finally {
    f.close();
  }
}
async function ask(f: OpenFile, what: string | Uint8Array): Promise<Uint8Array> {
  await f.write(typeof what === 'string' ? utf8(what) : what, 0, req());
  return (await clock.until(Promise.resolve(f.read(4096, 0, req())))).slice();
}

const key = 'key proto=pass service=ppp user=glenda !password=secret\n';

test('ctl adds, lists and deletes keys, several a write', async () => {
  const s = await make();
  await echo(s, '/auth/ctl', `# mine\r\n\n${key}\tkey proto=chap user=x !password=y\r\n`);
  assert.equal(
    await cat(s, '/auth/ctl', bob),
    'key proto=pass service=ppp user=glenda !password?\nkey proto=chap user=x !password?\n',
  );
  await echo(s, '/auth/ctl', 'delkey user=x');
  assert.equal(await cat(s, '/auth/ctl'), 'key proto=pass service=ppp user=glenda !password?\n');
  assert.match(await cat(s, '/auth/stats'), /^keys: 1$/m);
});

test('the errors of ctl', async () => {
  const s = await make();
  const cases: readonly [what: string, why: string][] = [
    ['frobnicate !password=secret', 'unknown verb'],
    ['key !password=secret', 'key without protos'],
    ['key', 'key without protos'],
    ['key proto=nosuch !password=secret', 'unknown proto nosuch'],
    ["key proto=pass !password='secret", 'unmatched quote'],
    ['delkey !password=secret', 'only !private? patterns are allowed for private fields'],
    ['delkey user=x', 'found no keys to delete'],
    [`${key}key user=x`, 'line 2: key without protos'],
    [`key ${'x'.repeat(8200)}`, 'control message too long: over 8192 bytes'],
  ];
  for (const [what, message] of cases)
    await assert.rejects(echo(s, '/auth/ctl', what), { message }, what.slice(0, 40));
  assert.equal(await cat(s, '/auth/err'), 'line 2: key without protos\n');
  assert.equal(await cat(s, '/auth/ctl'), 'key proto=pass service=ppp user=glenda !password?\n');
});

test('modes, and what others may', async () => {
  const s = await make();
  const modes =
    'ctl 644,rpc 666,proto 444,log 400,needkey 600,confirm 600,clone 666,stats 444'.split(',');
  for (const m of modes) {
    const [name = '', mode] = m.split(' ');
    const node = await s.ns.walk(`/auth/${name}`, me);
    assert.equal((await node.stat()).mode.toString(8), mode, name);
  }
  await assert.rejects(echo(s, '/auth/ctl', key, bob), { message: 'permission denied' });
  await assert.rejects(open(s, '/auth/log', omode.read, bob), { message: 'permission denied' });
  const close = await open(s, '/auth/log', omode.read);
  await assert.rejects(open(s, '/auth/log', omode.read), { message: 'file in use' });
  close.close();
  (await open(s, '/auth/log', omode.read)).close();
  assert.equal(
    await cat(s, '/auth/proto'),
    'chap\neap-md5\neap-mschapv2\nmschap\nmschapv2\np9any\np9sk1\npap\npass\n',
  );
});

test('an unauthenticated client is not the owner, whatever the names', async () => {
  const s = makeSystem({ plugins: [] }); // owner: none
  await auth.start(s.env, []);
  const none: Who = { uname: 'none', groups: [], owner: false };
  await assert.rejects(echo(s, '/auth/ctl', key, none), { message: 'permission denied' });
  await assert.rejects(open(s, '/auth/log', omode.read, none), { message: 'permission denied' });
});

test('rpc: each open is an authentication of its own', async () => {
  const s = await make();
  await echo(s, '/auth/ctl', key);
  const a = await open(s, '/auth/rpc');
  const b = await open(s, '/auth/rpc');
  assert.equal(text(await ask(a, 'start proto=pap role=client service=ppp')), 'ok');
  assert.equal(text(await ask(b, 'read')), 'error no current protocol');
  assert.equal(text(await ask(a, 'read')), 'ok glenda secret');
  assert.match(await cat(s, '/auth/stats'), /^open: 2$/m);
  a.close();
  a.close();
  assert.match(await cat(s, '/auth/stats'), /^open: 1$/m);
  b.close();
  const c = await open(s, '/auth/rpc', omode.rdwr, bob);
  assert.match(text(await ask(c, 'start proto=pap role=client service=ppp')), /^needkey /);
});

test('the log is read by its one reader, from the open on', async () => {
  const s = await make();
  await echo(s, '/auth/ctl', key);
  const log = await open(s, '/auth/log', omode.read);
  const rpc = await open(s, '/auth/rpc');
  for (const r of ['start proto=pap role=server service=ppp', 'write eve', 'write guess'])
    await ask(rpc, r);
  assert.equal(
    text(await log.read(4096, 0, req())) + text(await log.read(4096, 0, req())),
    '1: start proto=pap role=server service=ppp\n1: auth failed: user=eve proto=pap\n',
  );
  assert.match(await cat(s, '/auth/stats'), /^failed: 1$/m);
});

test('a conversation: start to its ctl, then its data', async () => {
  const s = await make();
  await echo(s, '/auth/ctl', key);
  const n = await cat(s, '/auth/clone');
  const dir = `/auth/${n.trim()}`;
  assert.equal(await cat(s, `${dir}/status`), 'Notstarted\n');
  const event = await open(s, `${dir}/event`, omode.read);
  await echo(s, `${dir}/ctl`, 'start proto=chap role=client service=ppp');
  assert.equal(
    await cat(s, `${dir}/status`),
    'CNeedChal proto chap role client service ppp user glenda\n',
  );
  const data = await open(s, `${dir}/data`);
  await data.write(Uint8Array.of(7, 1, 2, 3), 0, req());
  const want = createHash('md5')
    .update(Uint8Array.of(7))
    .update('secret')
    .update(Uint8Array.of(1, 2, 3));
  assert.equal(hex((await data.read(100, 0, req())).slice()), want.digest('hex'));
  assert.equal((await data.read(100, 0, req())).length, 0);
  assert.match(await cat(s, `${dir}/status`), /^Established /);
  let events = '';
  for (let i = 0; i < 3; i++) events += text(await event.read(100, 0, req()));
  assert.equal(events, 'CNeedChal\nCHaveResp\nEstablished\n');
});

test('a conversation: errors, in rpc words, are also in err', async () => {
  const s = await make();
  await cat(s, '/auth/clone');
  await assert.rejects(
    echo(s, '/auth/0/ctl', 'start proto=chap role=client service=ppp'),
    /^FileError: needkey proto=pass role=client service=ppp user\? !password\?/,
  );
  const data = await open(s, '/auth/0/data');
  await assert.rejects(async () => data.read(100, 0, req()), { message: 'protocol not started' });
  assert.equal(await cat(s, '/auth/0/err'), 'protocol not started\n');
  await assert.rejects(
    echo(s, '/auth/0/ctl', 'start proto=chap !password=hunter2'),
    /^FileError: only !private\? patterns are allowed for private fields: start$/,
  );
});

test('what a conversation gives is for who started it', async () => {
  const s = await make();
  await echo(s, '/auth/ctl', key);
  const friend: Who = { uname: 'bob', groups: ['slashnet'], owner: false };
  await cat(s, '/auth/clone');
  await echo(s, '/auth/0/ctl', 'start proto=pap role=client service=ppp');
  const theirs = await open(s, '/auth/0/data', omode.rdwr, friend);
  await assert.rejects(async () => theirs.read(100, 0, req(friend)), {
    message: 'permission denied',
  });
  const mine = await open(s, '/auth/0/data');
  assert.equal(text(await mine.read(100, 0, req())), 'glenda secret');
});

const streams = ['clone', 'event', 'log', 'pcap', 'rpc', 'data', 'needkey', 'confirm'];

/** The text of every file below a node. */
async function* allTexts(node: Node, path: string): AsyncGenerator<string> {
  for (const n of await node.list(req())) {
    const at = `${path}/${n.name}`;
    if (n.qid.type & qt.dir) yield* allTexts(n, at);
    else if (!streams.includes(n.name)) yield `${at}: ${await textOf(n)}`;
  }
}

async function textOf(n: Node): Promise<string> {
  const f = await n.open(omode.read, req());
  const b = text(await f.read(1 << 20, 0, req()));
  f.close();
  return b;
}

/** What a stream has by now. */
function drained(f: OpenFile): string {
  let out = '';
  for (;;) {
    const r: Wait<Uint8Array> = f.read(1 << 16, 0, req());
    if (r instanceof Promise) return out;
    out += text(r);
  }
}

test('a planted secret shows in no file, log or error', async () => {
  const r = new SeededRandom(5);
  const secret = `S${hex(r.bytes(12))}`;
  const s = await make();
  logged.length = 0;
  const log = await open(s, '/auth/log', omode.read);
  const errors: string[] = [];
  const tell = (p: Promise<unknown>) => p.catch((e) => errors.push((e as Error).message));
  await echo(s, '/auth/ctl', 'debug');
  const attrs = `proto=pass service=ppp user=glenda !password=${secret}`;
  for (const line of [
    `key ${attrs}`,
    `key proto=chap service=ppp user=glenda !password='a ${secret}'`,
    `kez ${attrs}`,
    `key ${attrs.slice(10)}`,
    `key proto='x !password=${secret}'`,
    `key ${attrs}'`,
    `delkey ${attrs}`,
  ])
    await tell(echo(s, '/auth/ctl', line));
  await cat(s, '/auth/clone');
  for (const line of [`key ${attrs}`, `start ${attrs}`, `start '${attrs}`, `bind !x=${secret} 2`])
    await tell(echo(s, '/auth/0/ctl', line));
  const rpc = await open(s, '/auth/rpc');
  const replies: string[] = [];
  for (const what of [
    `start proto=pap role=server service=ppp !password=${secret}`,
    'start proto=pap role=server service=ppp',
    'write glenda',
    `write ${secret}`,
    'attr',
    'authinfo',
    'start proto=pap role=server service=ppp',
    'write nobody',
    `write ${secret}`,
    `${secret}`,
  ])
    replies.push(text(await ask(rpc, what)));
  assert.deepEqual(
    replies.slice(0, 4).map((x) => x.slice(0, 6)),
    ['error ', 'ok', 'ok', 'ok'],
  );

  const seen = [...errors, ...replies, ...logged];
  for await (const t of allTexts(s.ns.root, '')) seen.push(t);
  const lines = drained(log);
  assert.match(lines, /auth failed: user=nobody/);
  seen.push(lines);
  assert.ok(seen.length > 40 && errors.length >= 7);
  for (const t of seen) assert.ok(!t.includes(secret), t);
});

test('stop wipes the keys and takes the files away', async () => {
  const s = makeSystem({ plugins: [], owner: 'glenda' });
  const running = await auth.start(s.env, []);
  await echo(s, '/auth/ctl', key);
  await running.stop('test');
  await assert.rejects(open(s, '/auth/ctl'), /not in the name space/);
});

test('one user cannot have all the authentications; the owner has what is left', async () => {
  const s = await make();
  const rpc = (who: Who) => open(s, '/auth/rpc', omode.rdwr, who);
  const files = await Promise.all(Array.from({ length: sessions_user_max }, () => rpc(bob)));
  const message = `too many authentications: the limit is ${sessions_user_max}`;
  await assert.rejects(rpc(bob), { message });
  const others = await Promise.all(Array.from({ length: sessions_user_max + 1 }, () => rpc(me)));
  await rpc({ ...bob, uname: 'eve' });
  files[0]?.close();
  files[0]?.close();
  await rpc(bob);
  await assert.rejects(rpc(bob), { message }, 'closed twice, one place');
  for (const f of [...files, ...others]) f.close();
  assert.match(await cat(s, '/auth/stats'), /^open: 2$/m);
});
