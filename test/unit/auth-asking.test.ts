/** needkey and confirm, and what a failed login costs: persons and time, after factotum(4). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { text, utf8 } from '@9p/packet';
import type { Context, OpenFile, Wait } from 'slashnet/core';
import type { KeyAgent } from '../../plugins/auth/agent.js';
import { parseAttrs } from '../../plugins/auth/attr.js';
import { AuthConversation } from '../../plugins/auth/files.js';
import { forgotten_ms, Penalty, remembered_max } from '../../plugins/auth/penalty.js';
import type { Rpc } from '../../plugins/auth/rpc.js';
import { VirtualClock } from '../kit/index.js';
import { type Bench, bench, glenda, owner, request, say } from './auth-bench.js';

const nobody = { uname: 'bob', groups: [], owner: false };
const put = (f: OpenFile, s: string): Wait<number> => f.write(utf8(s), 0, request(owner));
const line = async (f: OpenFile, n = 4096): Promise<string> =>
  text(await f.read(n, 0, request(owner)));

/** A request whose reply must wait. */
function waits(rpc: Rpc, what: string, req = request(owner)): Promise<string> {
  rpc.write(utf8(what));
  const reply = rpc.read(4096, req);
  assert.ok(reply instanceof Promise, 'waits');
  return reply.then(text);
}
const start = 'start proto=pap role=client service=ppp';
const add = (b: Bench, key: string): void => b.ring.add(parseAttrs(utf8(key)), owner);

test('needkey: a step waits for the key, and is done again', async () => {
  const b = bench();
  const f = b.agent.needkey.openFile(owner);
  const rpc = b.open();
  const reply = waits(rpc, start);
  assert.equal(
    await line(f),
    'needkey tag=1 proto=pass role=client service=ppp user? !password?\n',
  );
  add(b, glenda);
  put(f, 'tag=1');
  assert.equal(await reply, 'ok');
  assert.equal(say(rpc, 'read'), 'ok glenda secret');
  // The key goes while the peer thinks: the next step asks anew.
  say(rpc, start);
  b.ring.remove(parseAttrs(utf8('user=glenda')));
  const next = line(f);
  const read = waits(rpc, 'read');
  assert.match(await next, /^needkey tag=2 /);
  put(f, "tag=2 error='no such person'");
  assert.equal(await read, 'error no such person');
});

test('needkey: an answer without the key asks again; a fitting key is an answer', async () => {
  const b = bench();
  const f = b.agent.needkey.openFile(owner);
  const reply = waits(b.open(), start);
  await line(f);
  put(f, 'tag=1');
  assert.match(await line(f), /^needkey tag=2 /);
  add(b, glenda);
  b.agent.needkey.settle((t) => b.ring.find(t, owner) !== undefined);
  assert.equal(await reply, 'ok');
  put(f, 'tag=2');
  assert.throws(() => put(f, 'tag=2'), { message: 'tag not found' }, 'once');
});

test('needkey: time, the end of the reader, of the rpc, and a flush', async () => {
  const b = bench();
  const f = b.agent.needkey.openFile(owner);
  const needkey = 'needkey proto=pass role=client service=ppp user? !password?';
  assert.equal(await b.clock.until(waits(b.open(), start)), needkey);
  assert.equal(b.clock.now(), 60_000);
  const second = waits(b.open(), start);
  f.close();
  assert.equal(await second, needkey);
  assert.equal(say(b.open(), start), needkey, 'nobody there: at once');
  b.agent.needkey.openFile(owner);
  const closed = b.open();
  const third = waits(closed, start);
  closed.close();
  await assert.rejects(third, { message: 'no rpc pending' });
  const flushed = b.open();
  const req = request(owner);
  const fourth = waits(flushed, start, req);
  req.flushed = true;
  req.onflush?.();
  await assert.rejects(fourth, { message: 'interrupted' });
  add(b, glenda);
  b.agent.needkey.settle(() => true);
  assert.equal(text(await flushed.read(4096)), 'ok', 'the next read takes it up');
});

test('needkey: who opens it, what is written wrong, long and short reads', async () => {
  const b = bench();
  assert.throws(() => b.agent.needkey.openFile(nobody), { message: 'permission denied' });
  const f = b.agent.needkey.openFile(owner);
  assert.throws(() => b.agent.needkey.openFile(owner), { message: 'file in use' });
  waits(b.open(), start);
  assert.throws(() => put(f, 'tag=1'), { message: 'tag not found' }, 'it was not read yet');
  assert.equal(await line(f, 14), 'needkey tag=1 ');
  assert.match(await line(f), /^proto=pass/);
  const bad: readonly [string, string][] = [
    ['', 'empty write'],
    ['answer=yes', 'no tag'],
    ['tag=7', 'tag not found'],
    ["tag='", 'unmatched quote'],
  ];
  for (const [what, message] of bad) assert.throws(() => put(f, what), { message });
  const req = request(owner);
  const read = f.read(10, 0, req) as Promise<Uint8Array>;
  req.onflush?.();
  await assert.rejects(read, { message: 'interrupted' });
});

test('needkey: a flush that comes with the question leaves who reads next waiting', async () => {
  const b = bench();
  const f = b.agent.needkey.openFile(owner);
  const req = request(owner);
  const first = f.read(4096, 0, req) as Promise<Uint8Array>;
  void waits(b.open(), start);
  const second = line(f);
  req.onflush?.();
  assert.match(text(await first), /^needkey tag=1 /, 'it had been read');
  void waits(b.open(), start);
  assert.match(await second, /^needkey tag=2 /);
});

const guarded = 'proto=pass service=ppp user=glenda confirm !password=secret';

test('confirm: a key is used after a yes, once for an authentication', async () => {
  const b = bench([guarded]);
  const f = b.agent.confirm.openFile(owner);
  const rpc = b.open();
  const reply = waits(rpc, start);
  assert.equal(await line(f), 'confirm tag=1 proto=pass service=ppp user=glenda confirm\n');
  for (const [what, message] of [
    ['tag=1', 'no answer'],
    ['tag=1 answer=maybe', 'bad answer'],
    ['tag=2 answer=yes', 'tag not found'],
  ] as const)
    assert.throws(() => put(f, what), { message });
  put(f, 'tag=1 answer=yes');
  assert.equal(await reply, 'ok');
  assert.equal(say(rpc, 'read'), 'ok glenda secret');
  const again = waits(rpc, start);
  await line(f);
  put(f, 'tag=2 answer=no');
  assert.equal(await again, 'error not confirmed');
  const gone = waits(rpc, start);
  f.close();
  assert.equal(await gone, 'error confirm is closed');
  assert.match(say(rpc, start), /^needkey /, 'nobody there: the key does not count');
});

test('needkey: a server role asks nobody, whoever has begun it', () => {
  const b = bench();
  b.agent.needkey.openFile(owner);
  for (const proto of ['p9sk1', 'p9any'])
    assert.match(say(b.open(), `start proto=${proto} role=server service=9p`), /^needkey /);
});

test('confirm: no server role lets anybody in by such a key', () => {
  const b = bench([guarded]);
  b.agent.confirm.openFile(owner);
  const rpc = b.open();
  say(rpc, 'start proto=pap role=server service=ppp');
  say(rpc, 'write glenda');
  assert.equal(say(rpc, 'write secret'), 'error authentication failed');
});

test('a failed login costs time, more each time, by name and by address; then it is forgotten', async () => {
  const clock = new VirtualClock();
  const p = new Penalty(clock);
  const cost = async (user: string, address?: string): Promise<number> => {
    const before = clock.now();
    await clock.until(p.failed(user, address)!);
    return clock.now() - before;
  };
  assert.deepEqual(
    [await cost('a'), await cost('a'), await cost('a'), await cost('a'), await cost('a')],
    [1000, 2000, 4000, 8000, 8000],
  );
  assert.deepEqual([await cost('b', 'x'), await cost('c', 'x')], [1000, 2000]);
  clock.advance(forgotten_ms);
  assert.equal(await cost('a'), 1000);
  for (let i = 0; i < remembered_max; i++) p.failed(`n${i}`, undefined);
  assert.equal(await cost('a'), 1000, 'the oldest were dropped');
  p.first_ms = 0;
  assert.equal(p.failed('a', 'x'), undefined);
});

test('the verdict waits, and is no, whatever is written meanwhile; the log has the address', async () => {
  const b = bench([glenda]);
  const p = new Penalty(b.clock);
  b.agent.penalty = (u, a) => p.failed(u, a);
  const rpc = b.open();
  assert.equal(say(rpc, 'start proto=pap role=server service=ppp address=192.0.2.7'), 'ok');
  say(rpc, 'write glenda');
  assert.equal(await b.clock.until(waits(rpc, 'write guess')), 'error authentication failed');
  assert.equal(b.clock.now(), 1000);
  say(rpc, 'write glenda');
  assert.equal(say(rpc, 'write secret'), 'ok', 'who is right does not wait');
  assert.ok(b.lines.includes('1: auth failed: user=glenda address=192.0.2.7 proto=pap'));
  assert.equal(b.counted.get('failed'), 1);
});

function conversation(b: Bench): AuthConversation {
  const agent = Object.assign(b.agent, { enter: () => ({ name: '1', leave: () => undefined }) });
  const ctx = { owner, event: () => undefined, fail: () => undefined };
  return new AuthConversation(agent as unknown as KeyAgent, ctx as unknown as Context);
}

test('a conversation: what was written is wiped, whatever came of it', () => {
  let held: Uint8Array | undefined;
  const c = conversation(
    bench([glenda], (claim) => {
      held = claim.response;
      return undefined;
    }),
  );
  c.start(['proto=pap', 'role=server', 'service=ppp'], request(owner));
  c.write(utf8('glenda'), request(owner));
  assert.throws(() => c.write(utf8('guess'), request(owner)), { message: 'authentication failed' });
  assert.equal(
    held?.every((x) => x === 0),
    true,
  );
});

test('a conversation: two steps at once ask a person once', async () => {
  const b = bench([glenda]);
  const c = conversation(b);
  c.start(['proto=pap', 'role=client', 'service=ppp'], request(owner));
  b.ring.remove(parseAttrs(utf8('user=glenda')));
  const f = b.agent.needkey.openFile(owner);
  const first = Promise.resolve(c.read(4096, request(owner)));
  const interrupted = assert.rejects(first, { message: 'interrupted' });
  const second = c.read(4096, request(owner));
  await interrupted;
  assert.match(await line(f), /^needkey tag=2 /, 'the first is asked no more');
  add(b, glenda);
  put(f, 'tag=2');
  assert.equal(text(await second), 'glenda secret');
});

test('a conversation: a read that was flushed while a person was asked has given nothing away', async () => {
  const b = bench([glenda]);
  const c = conversation(b);
  c.start(['proto=pap', 'role=client', 'service=ppp'], request(owner));
  b.ring.remove(parseAttrs(utf8('user=glenda')));
  const f = b.agent.needkey.openFile(owner);
  const req = request(owner);
  const flushed = assert.rejects(Promise.resolve(c.read(4096, req)), { message: 'interrupted' });
  await line(f);
  req.onflush?.();
  await flushed;
  assert.throws(() => put(f, 'tag=1'), { message: 'tag not found' });
  add(b, glenda);
  assert.equal(text(await c.read(4096, request(owner))), 'glenda secret');
});
