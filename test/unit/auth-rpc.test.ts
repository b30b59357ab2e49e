/** The rpc of auth: requests and replies of factotum(4), as
 *  tables of what is written (>) and what is read (<). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { text, utf8 } from '@9p/packet';
import type { Who } from 'slashnet/core';
import type { Judge } from '../../plugins/auth/judge.js';
import { protocols } from '../../plugins/auth/proto/table.js';
import type { AuthInfo } from '../../plugins/auth/protocol.js';
import type { Rpc } from '../../plugins/auth/rpc.js';
import { fuzzIterations, samples } from '../kit/index.js';
import { ask, bench, glenda, owner, request, say, sync } from './auth-bench.js';

/** The lines of a conversation: `> request`, then `< reply`. */
function converse(rpc: Rpc, script: string): void {
  let reply = '';
  for (const l of script.trim().split('\n')) {
    const line = l.trim();
    if (line === '') continue;
    if (line.startsWith('> ')) reply = say(rpc, line.slice(2));
    else assert.equal(reply.trimEnd(), line.slice(2), line);
  }
}

const conversations: readonly [why: string, keys: readonly string[], script: string][] = [
  [
    'before start',
    [],
    `> read
     < error no current protocol
     > write x
     < error no current protocol
     > attr
     < ok
     > authinfo
     < error authentication unfinished
     > frobnicate
     < error unknown verb
     > read x
     < error read needs no parameters`,
  ],
  [
    'start: what it refuses',
    [],
    `> start
     < error proto not specified
     > start role=client
     < error proto not specified
     > start proto=nosuch role=client
     < error unknown proto nosuch
     > start proto=chap
     < error role not specified
     > start proto=chap role=speakfor
     < error unknown role speakfor
     > start proto=pass role=server
     < error unknown role server
     > start proto=chap role=client user='
     < error unmatched quote
     > start proto=chap role=client !password=secret
     < error only !private? patterns are allowed for private fields
     > read
     < error no current protocol`,
  ],
  [
    'pass',
    ["proto=pass service=imap server=x user='glenda b' !password='open ''sesame'''"],
    `> start proto=pass service=imap server=x
     < ok
     > attr
     < ok proto=pass service=imap server=x user='glenda b'
     > write x
     < phase protocol phase error: write in state HavePass
     > read
     < ok 'glenda b' 'open ''sesame'''
     > read
     < done
     > write x
     < done
     > authinfo
     < error no authinfo available
     > start proto=pass service=imap
     < ok`,
  ],
  [
    'a key is wanted, then there',
    [],
    `> start proto=pass service=imap user?
     < needkey proto=pass service=imap user? !password?
     > read
     < protocol not started
     > start proto=chap role=client server=s
     < needkey proto=chap role=client server=s !password?
     > start proto=chap role=client service=ppp
     < needkey proto=pass role=client service=ppp user? !password?
     > start proto=pap role=client service=ppp user=x
     < needkey proto=pass role=client service=ppp user=x !password?`,
  ],
  [
    "pap, client: the manual page's key answers",
    [glenda],
    `> start proto=pap role=client service=ppp
     < ok
     > attr
     < ok proto=pap role=client service=ppp user=glenda
     > read
     < ok glenda secret
     > read
     < done`,
  ],
  [
    "a protocol's own key comes before the pass key",
    [glenda, 'proto=pap service=ppp user=own !password=other'],
    `> start proto=pap role=client service=ppp
     < ok
     > read
     < ok own other`,
  ],
  [
    'the keyspec chooses',
    [glenda, 'proto=pass service=ppp user=bob !password=b server=isp'],
    `> start proto=pap role=client service=ppp server=isp
     < ok
     > read
     < ok bob b`,
  ],
  [
    'another service is not asked',
    ['proto=pass service=imap user=glenda !password=secret'],
    `> start proto=pap role=client service=imap
     < needkey proto=pap role=client service=imap user? !password?`,
  ],
  [
    'pap, server',
    [glenda],
    `> start proto=pap role=server service=ppp
     < ok
     > read
     < phase protocol phase error: read in state SNeedUser
     > write glenda
     < ok
     > read
     < phase protocol phase error: read in state SNeedPass
     > write secret
     < ok
     > read
     < done haveai
     > attr
     < ok proto=pap role=server service=ppp user=glenda`,
  ],
  [
    'pap, server: five tries',
    [glenda],
    `> start proto=pap role=server service=ppp
     < ok
     ${'> write glenda\n < ok\n > write secreT\n < error authentication failed\n'.repeat(4)}
     > authinfo
     < error authentication unfinished
     > write nobody
     < ok
     > write secret
     < error too many tries
     > write glenda
     < error too many tries
     > read
     < error too many tries`,
  ],
  [
    'a second start closes the first',
    [glenda],
    `> start proto=pap role=server service=ppp
     < ok
     > write glenda
     < ok
     > start proto=pap role=server service=ppp
     < ok
     > write secret
     < ok
     > write glenda
     < error authentication failed`,
  ],
  [
    'a key of the other role does not serve',
    ['proto=pass service=ppp role=client user=glenda !password=secret'],
    `> start proto=pap role=server service=ppp
     < ok
     > write glenda
     < ok
     > write secret
     < error authentication failed`,
  ],
];

for (const [why, keys, script] of conversations)
  test(`rpc: ${why}`, () => converse(bench(keys).open(), script));

test('requests and replies alternate, and have their sizes', () => {
  const rpc = bench().open();
  assert.throws(() => rpc.read(64), { message: 'no rpc pending' });
  assert.throws(() => rpc.write(new Uint8Array(4096)), { message: 'rpc too large' });
  rpc.write(new Uint8Array(4095));
  assert.throws(() => rpc.write(utf8('attr')), { message: 'rpc already pending; read to clear' });
  assert.throws(() => rpc.read(63), { message: 'rpc read too small' });
  assert.equal(text(sync(rpc.read(64))), 'error unknown verb');
  assert.throws(() => rpc.read(64), { message: 'no rpc pending' });
});

test('a read that takes too little loses nothing', () => {
  const password = 'p'.repeat(100);
  const rpc = bench([`proto=pass service=ppp user=x !password=${password}`]).open();
  assert.equal(say(rpc, 'start proto=pass service=ppp'), 'ok');
  assert.equal(say(rpc, 'read', 64), 'toosmall 102');
  assert.equal(say(rpc, 'read', 104), 'toosmall 102');
  assert.equal(say(rpc, 'read', 105), `ok x ${password}`);
  assert.equal(say(rpc, 'read', 64), 'done');
  assert.equal(say(rpc, 'start proto=pass service=ppp user=x'.padEnd(80, ' '), 64), 'ok');
  const many = Array.from({ length: 9 }, (_, i) => `attribute${i}=1`).join(' ');
  assert.match(say(rpc, `start proto=pap role=server ${many}`), /^ok/);
  assert.equal(say(rpc, 'attr', 64), `toosmall ${`proto=pap role=server ${many}`.length}`);
});

test('only keys that the opener may use', () => {
  const bob: Who = { uname: 'bob', groups: [], owner: false };
  const start = 'start proto=pap role=client service=ppp';
  assert.match(say(bench([glenda]).open(bob), start), /^needkey /);
  assert.equal(say(bench([`${glenda} owner=bob`]).open(bob), start), 'ok');
});

// A judge elsewhere, as RADIUS will be.
const info: AuthInfo = { cuid: 'x', suid: 'x', secret: new Uint8Array(0) };

function slow(): { judge: Judge; answer: (i: AuthInfo | undefined) => void } {
  let answer: (i: AuthInfo | undefined) => void = () => assert.fail('nobody asked');
  const judge: Judge = () =>
    new Promise((resolve) => {
      answer = resolve;
    });
  return { judge, answer: (i) => answer(i) };
}

test('a verdict that takes time: the read waits, and one interrupted is taken up by the next', async () => {
  const remote = slow();
  const rpc = bench([], remote.judge).open();
  say(rpc, 'start proto=pap role=server service=ppp');
  say(rpc, 'write x');
  rpc.write(utf8('write password'));
  const req = request(owner);
  const first = rpc.read(64, req) as Promise<Uint8Array>;
  req.flushed = true;
  req.onflush?.();
  await assert.rejects(first, { message: 'interrupted' });
  assert.throws(() => rpc.write(utf8('attr')), /already pending/);
  const second = rpc.read(64, request(owner)) as Promise<Uint8Array>;
  remote.answer(info);
  assert.equal(text(await second), 'ok');
  assert.equal(say(rpc, 'read'), 'done haveai');
});

test('a judge that fails refuses, and a closed rpc forgets its verdict', async () => {
  const broken = bench([], () => Promise.reject(new Error('no answer from 10.0.0.1'))).open();
  say(broken, 'start proto=pap role=server');
  say(broken, 'write x');
  broken.write(utf8('write password'));
  assert.equal(text(await broken.read(64)), 'error authentication failed');

  const remote = slow();
  const b = bench([], remote.judge);
  const rpc = b.open();
  say(rpc, 'start proto=pap role=server');
  say(rpc, 'write x');
  rpc.write(utf8('write password'));
  const waiting = rpc.read(64) as Promise<Uint8Array>;
  rpc.close();
  remote.answer(info);
  await assert.rejects(waiting, { message: 'no rpc pending' });
  assert.throws(() => rpc.read(64), { message: 'no rpc pending' });
});

test('the reply is wiped at the next operation', () => {
  const rpc = bench([glenda]).open();
  say(rpc, 'start proto=pap role=client service=ppp');
  rpc.write(utf8('read'));
  const reply = sync(rpc.read(64));
  assert.equal(text(reply), 'ok glenda secret');
  rpc.close();
  assert.ok(reply.every((b) => b === 0));
});

test('the log has names, never secrets', () => {
  const b = bench([glenda]);
  b.agent.debug = true;
  const rpc = b.open();
  say(rpc, 'start proto=pap role=server service=ppp');
  say(rpc, 'write glen\u0007da\n1: auth ok: user=root');
  say(rpc, 'write hunter2');
  const log = b.lines.join('\n');
  assert.match(log, /^1: start proto=pap role=server service=ppp$/m);
  assert.match(log, /^1: auth failed: user='glen\?da\?1: auth ok: user=root' proto=pap$/m);
  assert.match(log, /^1: write 7 -> error 27$/m);
  assert.doesNotMatch(log, /hunter2/);
});

/** Requests that go wrong, most of them sensible ones with faults put in. */
test('any requests: an answer of the table, no secret but where it is the message, no false success', () => {
  const secret = 'Zq7xSECRETx7qZ';
  const corpus = [
    'start proto=chap role=server service=ppp',
    'start proto=pap role=server service=ppp',
    'start proto=chap role=client service=ppp',
    'start proto=chap role=client service=ppp user? !password?',
    'read',
    'write glenda',
    'write glenda secret 17 ',
    'attr',
    'authinfo',
  ].map(utf8);
  const key = `proto=chap service=ppp user=glenda !password=${secret}`;
  const b = bench([key]);
  b.agent.debug = true;
  const known = /^(ok|done|done haveai|error |needkey |phase |toosmall \d+$|protocol not started$)/;
  let rpc = b.open();
  let n = 0;
  for (const bytes of samples(21, fuzzIterations(5000), corpus)) {
    if (++n % 50 === 0) rpc = b.open();
    if (bytes.length > 4095) continue;
    const reply = Buffer.from(ask(rpc, bytes, 64 + (n % 200))).toString('latin1');
    assert.match(reply, known);
    assert.ok(!reply.includes(secret), reply);
    assert.ok(!reply.startsWith('done haveai'), 'nobody knew the secret');
    for (const l of b.lines.splice(0)) assert.ok(!l.includes(secret), l);
  }
  assert.ok(!b.ring.toString().includes(secret));
});

test('proto lists them in order', () => {
  assert.deepEqual(
    protocols.map((p) => p.name),
    ['chap', 'eap-md5', 'eap-mschapv2', 'mschap', 'mschapv2', 'p9any', 'p9sk1', 'pap', 'pass'],
  );
});
