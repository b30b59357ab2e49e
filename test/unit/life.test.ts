/** What goes wrong between the lives of conversations: late binds, double closes, redials that
 *  meet other verbs, plugins that throw in callbacks. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { omode } from '@9p/lib9p';
import { packetOf, utf8 } from '@9p/packet';
import {
  type Context,
  type Conversation,
  counters,
  type Layer,
  type Link,
  makeSystem,
  type Port,
  QueueFile,
  refuse,
} from 'slashnet/core';
import { flush, owner, request, Shell, VirtualClock } from '../kit/index.js';

const turns = () => new Promise(setImmediate);

/** Does what the test has put into its hooks. */
class Puppet implements Conversation {
  readonly state = 'Idle';
  readonly ctx: Context;
  readonly upper: Port;
  idle = true;
  hangups = 0;
  isClosed = false;
  mtu = 1500;
  onconnect: Conversation['connect'];
  onhangup: () => void | Promise<void> = () => undefined;
  /** Settles the binds under way, in their order. */
  readonly binds: ((unbind?: () => void) => void)[] = [];

  constructor(ctx: Context) {
    this.ctx = ctx;
    this.upper = ctx.port({
      name: `${ctx.name}/data`,
      framing: 'packet',
      mtu: () => this.mtu,
      take: () => undefined,
      tap: 'outbound',
    });
  }
  status(): string {
    return '';
  }
  bind(path: string): Promise<Link> {
    return new Promise((done) => {
      this.binds.push((unbind = () => undefined) => done({ path, fast: true, unbind }));
    });
  }
  connect(args: readonly string[], req: ReturnType<typeof request>): void | Promise<void> {
    return this.onconnect?.(args, req);
  }
  hangup(): void | Promise<void> {
    this.hangups++;
    return this.onhangup();
  }
  close(): void {
    this.isClosed = true;
  }
}

function make(more: Partial<Layer<Puppet>> = {}) {
  const clock = new VirtualClock();
  const lines: string[] = [];
  const s = makeSystem({ plugins: [], clock, owner: 'glenda', log: (l) => lines.push(l) });
  const made: Puppet[] = [];
  s.env.serve<Puppet>({
    name: 'p',
    limit: 3,
    about: 'puppets',
    verbs: [],
    stats: counters(),
    create(ctx) {
      const c = new Puppet(ctx);
      made.push(c);
      return c;
    },
    ...more,
  });
  return { clock, s, sh: new Shell(s), made, lines };
}

test('a bind that answers after it was given up does not take the place of a later one', async () => {
  const { sh, made } = make();
  await sh.clone('p');
  const undone: string[] = [];
  const first = sh.refusal('bind /first', '/p/0/ctl');
  await turns();
  await sh.echo('unbind', '/p/0/ctl');
  assert.match(await first, /unbind came in between: bind/);
  const second = sh.echo('bind /second', '/p/0/ctl');
  await turns();
  made[0]?.binds[1]?.(() => undone.push('second'));
  await second;
  made[0]?.binds[0]?.(() => undone.push('first'));
  await turns();
  assert.deepEqual(undone, ['first']);
  assert.match(await sh.refusal('bind /third', '/p/0/ctl'), /^\/second is bound/);
});

test('a link that throws when it is let go takes nothing else with it', async () => {
  const { s, sh, made, lines } = make();
  await sh.clone('p');
  const bound = sh.echo('bind /x', '/p/0/ctl');
  await turns();
  made[0]?.binds[0]?.(() => {
    throw new Error('stuck');
  });
  await bound;
  await s.stop('over');
  assert.equal(made[0]?.isClosed, true);
  assert.ok(lines.includes('/p/0 unbind: stuck'));
});

test('the last closes of ctl and data hang up once; keep during the hangup keeps', async () => {
  const { sh, made } = make();
  const ctl = await sh.open('/p/clone');
  const data = await sh.open('/p/0/data');
  const c = made[0] as Puppet;
  c.idle = false;
  let hungup = (): void => undefined;
  c.onhangup = () => new Promise((done) => (hungup = done));
  data.close();
  ctl.close();
  await turns();
  const again = await sh.open('/p/0/ctl', omode.write);
  await sh.write(again, 'keep');
  again.close();
  hungup();
  await turns();
  assert.equal(c.hangups, 1);
  assert.equal(c.isClosed, false);
});

test('a redial that waits is ended by hangup, and none follows', async () => {
  const { clock, sh, made } = make();
  await sh.clone('p');
  await sh.echo('connect a b', '/p/0/ctl');
  await sh.echo('redial 5', '/p/0/ctl'); // counts from now on, connected or not
  const c = made[0] as Puppet;
  let flushed = 0;
  const seen: string[] = [];
  c.onconnect = (args, req) =>
    new Promise(() => {
      seen.push(args.join(' '));
      req.onflush = () => void flushed++;
    });
  c.ctx.down('lost');
  await clock.run(1000);
  assert.deepEqual(seen, ['a b']);
  await sh.echo('hangup', '/p/0/ctl');
  assert.equal(flushed, 1);
  await clock.run(1_000_000);
  assert.equal(seen.length, 1);
  assert.equal(clock.pending, 0);
});

test('redial 0 stops what is under way', async () => {
  const { clock, sh, made } = make();
  await sh.clone('p');
  await sh.echo('redial 5\nconnect', '/p/0/ctl');
  (made[0] as Puppet).ctx.down('lost');
  assert.equal(clock.pending, 1);
  await sh.echo('redial 0', '/p/0/ctl');
  assert.equal(clock.pending, 0);
});

test('a verb whose flush throws is given up all the same; those behind it run', async () => {
  const { sh, made } = make();
  await sh.clone('p');
  (made[0] as Puppet).onconnect = (_args, req) =>
    new Promise(() => {
      req.onflush = () => {
        throw new Error('no undoing');
      };
    });
  const waiting = sh.refusal('connect', '/p/0/ctl');
  await turns();
  const behind = sh.echo('keep', '/p/0/ctl');
  await sh.echo('hangup', '/p/0/ctl');
  assert.equal(await waiting, 'no undoing: connect');
  await behind;
});

test('at the limit the one that is Idle the longest goes, not the oldest', async () => {
  const { clock, sh } = make();
  for (const _ of '012') await sh.clone('p');
  await clock.run(1000);
  await sh.echo('hangup', '/p/0/ctl');
  assert.equal(await sh.clone('p'), '/p/1');
});

test('one that was made by merely reading clone goes before any that was used', async () => {
  const { clock, sh } = make();
  for (const _ of '01') await sh.clone('p');
  for (const used of '01') await sh.echo('hangup', `/p/${used}/ctl`);
  await clock.run(1000);
  await sh.clone('p');
  await clock.run(1000);
  assert.equal(await sh.clone('p'), '/p/2');
  await sh.echo('hangup', '/p/2/ctl');
  assert.equal(await sh.clone('p'), '/p/0', 'then the one that is Idle the longest');
});

test('a conversation that cannot tell whether it is idle is no hindrance to others', async () => {
  const { sh, made } = make();
  for (const _ of '012') await sh.clone('p');
  Object.defineProperty(made[0], 'idle', {
    get() {
      throw new Error('who knows');
    },
  });
  await sh.clone('p');
  assert.match(await sh.cat('/p/stats'), /crashed: 1/);
});

test('a timer that throws is a bug in the log, not the end of the daemon', async () => {
  const { clock, s, lines } = make();
  s.env.clock.after(1, () => {
    throw new Error('tick');
  });
  await clock.run(1);
  assert.match(lines.join('\n'), /^bug: Error: tick/);
});

test('the log says no more than so much a second, and how much it left out', async () => {
  const { clock, s, lines } = make();
  for (let i = 0; i < 1000; i++) s.env.log('flap');
  assert.equal(lines.length, 200);
  await clock.run(1000);
  s.env.log('calm');
  assert.deepEqual(lines.slice(200), ['800 lines left out: over 200 a second', 'calm']);
});

test('an open that is refused leaves data free', async () => {
  const { sh } = make();
  await sh.clone('p');
  await assert.rejects(sh.open('/p/0/data', omode.rdwr, 1000), /^FileError: msize too small/);
  await sh.clone('p');
  await sh.echo('close', '/p/0/ctl');
  const data = await sh.open('/p/1/data');
  assert.equal(data.stream, true);
  data.close();
});

test('data that is open when the link goes does not spoil it for who opens it next', async () => {
  const { s, sh, made } = make();
  await sh.clone('p');
  const { upper } = made[0] as Puppet;
  const before = await sh.open('/p/0/data');
  upper.raise();
  upper.lower('carrier lost');
  assert.equal(await sh.read(before), '');
  upper.raise();
  const after = await sh.open('/p/0/data');
  s.turn.run(() => upper.deliver(packetOf(utf8('hello'))));
  assert.equal(await sh.read(after), 'hello');
  await assert.rejects(sh.read(before), /hungup channel: carrier lost/);
});

test('a printer that throws loses no packet; a peer’s line ends make no lines', async () => {
  const { s, sh, made } = make({
    format() {
      throw new Error('odd');
    },
  });
  await sh.clone('p');
  const c = made[0] as Puppet;
  const log = await sh.open('/p/0/log', omode.read);
  const event = await sh.open('/p/0/event', omode.read);
  s.turn.run(() => c.upper.send(packetOf(utf8('x'))));
  assert.equal(await sh.read(log), '0.000 /p/0 -> 1 bytes that cannot be printed: odd\n');
  c.ctx.down('bye\nup 10.0.0.1\x1b[2J');
  assert.equal(await sh.read(event), 'down bye up 10.0.0.1 [2J\n');
  assert.equal(await sh.cat('/p/0/err'), 'bye up 10.0.0.1 [2J\n');
});

test('readers of one stream get its parts in order; losses are counted once', async () => {
  const q = new QueueFile({ type: 0, vers: 0, path: 1n }, 100, true);
  const reads = [q.read(2, 0, request()), q.read(2, 0, request()), q.read(2, 0, request())];
  q.put(utf8('abcde'));
  const got = await Promise.all(reads);
  assert.deepEqual(
    got.map((b) => new TextDecoder().decode(b)),
    ['ab', 'cd', 'e'],
  );
  const { s, sh } = make();
  const slow = await sh.open('/log', omode.read);
  const long = 'x'.repeat(1000);
  for (let i = 0; i < 400; i++) s.env.log(long);
  let kept = 0;
  for (; slow.ready; kept++) await sh.read(slow);
  s.env.log('after');
  assert.ok(kept > 100 && kept < 400);
  assert.equal(await sh.read(slow), `lost ${400 - kept} lines\n`);
});

test('a clone that is given up after the layer was unloaded makes nothing', async () => {
  const { s, sh } = make();
  const clone = await s.ns.walk('/p/clone', owner);
  const r = request();
  flush(r);
  const served = s.env.serve<Puppet>({
    name: 'q',
    limit: 1,
    about: 'another',
    verbs: [],
    stats: counters(),
    create: () => {
      throw refuse('made after its end');
    },
  });
  const gone = await s.ns.walk('/q/clone', owner);
  await served.remove('unloaded');
  await assert.rejects(async () => gone.open(omode.read, r), /no such device: q was unloaded/);
  (await clone.open(omode.read, request())).close();
  assert.equal(await sh.cat('/p/0/ctl'), '0');
});
