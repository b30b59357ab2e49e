/** Calls that arrive: announce, listen, and the conversations that calls get. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Context, type Conversation, counters, makeSystem, type Req } from 'slashnet/core';
import { backlog_max } from '../../src/core/calls.js';
import { flush, owner, request, Shell } from '../kit/files.js';

class Answering implements Conversation {
  state = 'Idle';
  from = '';
  readonly ctx: Context;
  constructor(ctx: Context) {
    this.ctx = ctx;
  }
  get idle(): boolean {
    return this.state === 'Idle';
  }
  status(): string {
    return '';
  }
  remote(): string {
    return this.from;
  }
  announce(): void {
    this.state = 'Announced';
  }
  hangup(): void {
    this.state = 'Idle';
  }
  close(): void {
    this.state = 'Closed';
  }
  /** As if a packet had brought it. */
  ring(from: string): boolean {
    return this.ctx.call((c) => {
      (c as Answering).from = from;
      (c as Answering).state = 'Connected';
    });
  }
}

function make(limit = 100) {
  const system = makeSystem({ plugins: [], owner: 'glenda' });
  const made: Answering[] = [];
  system.env.serve({
    name: 'line',
    limit,
    about: 'a telephone',
    verbs: [],
    calls: true,
    stats: counters(),
    create(ctx) {
      const c = new Answering(ctx);
      made.push(c);
      return c;
    },
  });
  return { system, made, sh: new Shell(system) };
}

async function announced(limit?: number) {
  const t = make(limit);
  await t.sh.cat('/line/clone');
  await t.sh.echo('announce', '/line/0/ctl');
  return { ...t, first: t.made[0] as Answering };
}

test('listen waits for a call, and is then the ctl of its conversation', async () => {
  const { system, sh, first } = await announced();
  const waiting = sh.open('/line/0/listen');
  await new Promise(setImmediate);
  assert.equal(first.ring('alice'), true);
  const ctl = await waiting;
  assert.equal(await sh.read(ctl), '1');
  assert.equal(ctl.qid, (await system.ns.walk('/line/1/ctl', owner)).qid);
  assert.equal(await sh.cat('/line/1/remote'), 'alice\n');
  assert.match(await sh.cat('/line/1/status'), /^Connected/);
  ctl.close(); // the last close hangs up and frees, as in Plan 9
  await new Promise(setImmediate);
  await assert.rejects(async () => system.ns.walk('/line/1', owner), /not in the name space/);
});

test('who is not announced hears so; a call that nobody waits for is kept, up to a limit', async () => {
  const { sh, made } = make();
  await sh.cat('/line/clone');
  await assert.rejects(sh.open('/line/0/listen'), /^FileError: not announced$/);
  assert.equal(made[0]?.ring('early'), false);
  await sh.echo('announce', '/line/0/ctl');
  for (let i = 0; i < backlog_max; i++) assert.equal(made[0]?.ring(`${i}`), true);
  assert.equal(made[0]?.ring('one too many'), false);
  assert.match(await sh.cat('/line/0/stats'), /notannounced: 1\nbacklogfull: 1/);
  await sh.open('/line/0/listen');
  assert.equal(await sh.cat('/line/1/remote'), '0\n');
  assert.equal(made[0]?.ring('again'), true);
});

test('hangup ends those who listen, and the calls that nobody took', async () => {
  const { system, sh, first } = await announced();
  const waiting = sh.open('/line/0/listen');
  await new Promise(setImmediate);
  await sh.echo('hangup', '/line/0/ctl');
  await assert.rejects(waiting, /^FileError: listen hungup$/);
  await sh.echo('announce', '/line/0/ctl');
  first.ring('nobody');
  assert.ok(await system.ns.walk('/line/1', owner));
  await sh.echo('hangup', '/line/0/ctl');
  await new Promise(setImmediate);
  await assert.rejects(async () => system.ns.walk('/line/1', owner), /not in the name space/);
});

test('a listener that goes away takes no call; at the limit of conversations one is refused', async () => {
  const { system, sh, first } = await announced(2);
  const listenAs = async (req: Req) => (await system.ns.walk('/line/0/listen', owner)).open(2, req);
  const gone = request();
  const waiting = listenAs(gone);
  await new Promise(setImmediate);
  flush(gone);
  await assert.rejects(waiting, /interrupted/);
  first.ring('kept');
  assert.equal(first.ring('over the limit'), false);
  assert.match(await sh.cat('/line/0/stats'), /callrefused: 1/);
  const ctl = await sh.open('/line/0/listen');
  assert.equal(await sh.read(ctl), '1');
  assert.match(await sh.cat('/line/help'), /listen[\s\S]*announce \[addr\]/);
});
