/** The rpc of auth: requests and replies of factotum(4), ../shared/reference/plan9.md G.4 and
 *  G.5, as tables of what is written (>) and what is read (<). */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { fromHex, hex, text, utf8 } from '@9p/packet';
import type { Req, Wait, Who } from 'slashnet/core';
import { parseAttrs } from '../../plugins/auth/attr.js';
import { type Judge, keyJudge } from '../../plugins/auth/judge.js';
import { KeyRing } from '../../plugins/auth/keys.js';
import { promptOf, protocols } from '../../plugins/auth/proto/table.js';
import type { AuthInfo } from '../../plugins/auth/protocol.js';
import { Rpc } from '../../plugins/auth/rpc.js';
import { type Agent, Session } from '../../plugins/auth/session.js';
import { fuzzIterations, SeededRandom, samples } from '../kit/index.js';

const owner: Who = { uname: 'root', groups: [], owner: true };
const request = (who: Who): Req => ({ who, iounit: 0, flushed: false, onflush: undefined });

interface Bench {
  agent: Agent & { debug: boolean };
  ring: KeyRing;
  counted: Map<string, number>;
  lines: string[];
  open(who?: Who): Rpc;
}

function bench(keys: readonly string[] = [], judge?: Judge): Bench {
  const ring = new KeyRing({ promptOf });
  for (const k of keys) ring.add(parseAttrs(utf8(k)), owner);
  const counted = new Map<string, number>();
  const lines: string[] = [];
  const agent = {
    ring,
    random: new SeededRandom(7),
    judge: judge ?? keyJudge(ring),
    count: (k: string) => void counted.set(k, (counted.get(k) ?? 0) + 1),
    log: (l: string) => void lines.push(l),
    debug: false,
  };
  const open = (who = owner) => new Rpc(new Session(agent, who, '1'), agent, '1');
  return { agent, ring, counted, lines, open };
}

function sync<T>(x: Wait<T>): T {
  assert.ok(!(x instanceof Promise), 'answers at once');
  return x;
}
function ask(rpc: Rpc, what: string | Uint8Array, n = 8192): Uint8Array {
  rpc.write(typeof what === 'string' ? utf8(what) : what);
  return sync(rpc.read(n)).slice(); // the reply is ours only for now
}
const say = (rpc: Rpc, what: string | Uint8Array, n?: number): string => text(ask(rpc, what, n));

/** `write ` and then bytes. */
const writing = (...parts: readonly Uint8Array[]): Uint8Array =>
  Uint8Array.from(Buffer.concat([utf8('write '), ...parts]));

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

const glenda = 'proto=pass service=ppp user=glenda !password=secret';

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

// CHAP. The vectors: MD5 of identifier | secret | challenge (RFC 1994 section
// 4.1), computed with md5sum(1).
const vectors: readonly [id: number, secret: string, challenge: string, response: string][] = [
  [0x01, 'secret', '00112233445566778899aabbccddeeff', '204bb003332f6932b63b47c2c4e1a547'],
  [0xff, 'p', '80', '60da01b1a49e155886d4f6a96b20f8b1'],
];

const chapAnswer = (id: number, secret: string | Uint8Array, challenge: Uint8Array): Uint8Array =>
  createHash('md5').update(Uint8Array.of(id)).update(secret).update(challenge).digest();

test('chap, client: any identifier, any challenge of 1 to 255 bytes', () => {
  const r = new SeededRandom(3);
  for (const n of [1, 7, 8, 16, 17, 63, 64, 255]) {
    const [id, challenge] = [r.below(256), r.bytes(n)];
    const rpc = bench([glenda]).open();
    assert.equal(say(rpc, 'start proto=chap role=client service=ppp'), 'ok');
    assert.equal(say(rpc, 'attr'), 'ok proto=chap role=client service=ppp user=glenda');
    assert.equal(say(rpc, 'read'), 'phase protocol phase error: read in state CNeedChal');
    assert.equal(say(rpc, writing(Uint8Array.of(id), challenge)), 'ok');
    assert.equal(say(rpc, 'write x'), 'phase protocol phase error: write in state CHaveResp');
    const reply = ask(rpc, 'read');
    assert.equal(hex(reply.subarray(3)), hex(chapAnswer(id, 'secret', challenge)), `${n} bytes`);
    assert.equal(reply.length, 19);
    assert.equal(say(rpc, 'read'), 'done');
  }
});

test('chap, client: literal vectors', () => {
  for (const [id, secret, challenge, response] of vectors) {
    const rpc = bench([`proto=chap !password=${secret}`]).open();
    say(rpc, 'start proto=chap role=client');
    say(rpc, writing(Uint8Array.of(id), fromHex(challenge)));
    assert.equal(hex(ask(rpc, 'read').subarray(3)), response);
  }
});

test('chap, client: what is no challenge', () => {
  const rpc = bench([glenda]).open();
  say(rpc, 'start proto=chap role=client service=ppp');
  assert.equal(say(rpc, 'write '), 'toosmall 2');
  assert.equal(say(rpc, writing(new Uint8Array(1))), 'toosmall 2');
  assert.equal(say(rpc, writing(new Uint8Array(257))), 'error chap botch');
  assert.equal(say(rpc, writing(new Uint8Array(256))), 'ok');
});

test('chap, client: the key went, and another came', () => {
  const b = bench([glenda]);
  const rpc = b.open();
  say(rpc, 'start proto=chap role=client service=ppp');
  b.ring.remove(parseAttrs(utf8('user=glenda')));
  assert.match(say(rpc, writing(new Uint8Array(9))), /^needkey proto=pass role=client/);
  b.ring.add(parseAttrs(utf8('proto=pass service=ppp user=bob !password=new')), owner);
  assert.equal(say(rpc, writing(new Uint8Array(9))), 'ok');
  assert.equal(hex(ask(rpc, 'read').subarray(3)), hex(chapAnswer(0, 'new', new Uint8Array(8))));
  assert.match(say(rpc, 'attr'), / user=bob$/);
});

/** A chap server that has told its challenge. */
function chapServer(b: Bench): { rpc: Rpc; challenge: Uint8Array } {
  const rpc = b.open();
  assert.equal(say(rpc, 'start proto=chap role=server service=ppp'), 'ok');
  const reply = ask(rpc, 'read');
  assert.equal(reply.length, 3 + 16);
  return { rpc, challenge: reply.subarray(3) };
}

test('chap, server: the right response, then who it is', () => {
  const { rpc, challenge } = chapServer(bench([glenda]));
  assert.equal(say(rpc, 'read'), 'phase protocol phase error: read in state SNeedUser');
  assert.equal(say(rpc, 'write glenda'), 'ok');
  const reply = writing(Uint8Array.of(9), chapAnswer(9, 'secret', challenge));
  assert.equal(say(rpc, reply), 'ok');
  assert.equal(say(rpc, 'read'), 'done haveai');
  // cuid, suid, cap and secret, each after its length, 2 bytes, little endian: auth(2)
  assert.equal(hex(ask(rpc, 'authinfo').subarray(3)), '0600676c656e64610600676c656e646100000000');
});

test('chap, server: every bit of the response counts, and the identifier', () => {
  const b = bench([glenda]);
  for (let bit = 0; bit < 8 * 17; bit++) {
    const { rpc, challenge } = chapServer(b);
    say(rpc, 'write glenda');
    const reply = Uint8Array.from([9, ...chapAnswer(9, 'secret', challenge)]);
    reply[bit >> 3]! ^= 1 << (bit & 7);
    assert.equal(say(rpc, writing(reply)), 'error authentication failed', `bit ${bit}`);
    assert.equal(say(rpc, 'read'), 'phase protocol phase error: read in state SNeedUser');
  }
  assert.equal(b.counted.get('failed'), 8 * 17);
  assert.equal(b.counted.get('done'), undefined);
});

test('chap, server: another name for the same challenge, five in all; lengths', () => {
  const { rpc, challenge } = chapServer(bench([glenda]));
  assert.equal(say(rpc, writing(new Uint8Array(256))), 'error user name too long');
  for (const n of [0, 1, 16, 18, 49]) {
    say(rpc, 'write nobody');
    assert.equal(say(rpc, writing(new Uint8Array(n))), 'error did not get Chapreply');
    assert.equal(say(rpc, writing(new Uint8Array(17))), 'error authentication failed');
    if (n === 18) break;
  }
  say(rpc, 'write glenda');
  assert.equal(say(rpc, writing(Uint8Array.of(1), chapAnswer(1, 'secret', challenge))), 'ok');
});

test('challenges differ', () => {
  const b = bench([glenda]);
  const seen = new Set(Array.from({ length: 100 }, () => hex(chapServer(b).challenge)));
  assert.equal(seen.size, 100);
});

test('client against server, each with its own key', () => {
  for (const [secret, outcome] of [
    ['secret', 'ok'],
    ['other', 'error authentication failed'],
  ] as const) {
    const client = bench([`proto=pass service=ppp user=glenda !password=${secret}`]).open();
    const { rpc: server, challenge } = chapServer(bench([glenda]));
    say(client, 'start proto=chap role=client service=ppp');
    say(client, writing(Uint8Array.of(5), challenge));
    const response = ask(client, 'read').slice(3);
    say(server, 'write glenda');
    assert.equal(say(server, writing(Uint8Array.of(5), response)), outcome);
  }
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
  assert.match(log, /^1: auth failed: user='glen\?da\?1: auth ok: user=root'$/m);
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
  }
  assert.ok(!b.lines.join('\n').includes(secret));
  assert.ok(!b.ring.toString().includes(secret));
});

test('proto lists them in order', () => {
  assert.deepEqual(
    protocols.map((p) => p.name),
    ['chap', 'pap', 'pass'],
  );
});
