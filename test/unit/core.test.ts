/** The engine: conversations, verbs, life, ports, on a layer that
 *  does nothing but hand packets on. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Node, type OpenFile, omode, type Req } from '@9p/lib9p';
import { packetOf, text, utf8 } from '@9p/packet';
import {
  type Context,
  type Conversation,
  counters,
  makeSystem,
  type Port,
  refuse,
  type System,
} from 'slashnet/core';

const me = { uname: 'glenda', groups: [], owner: true };
const other = { uname: 'bob', groups: [], owner: false };
const req = (who = me): Req => ({ who, iounit: 0, flushed: false, onflush: undefined });

/** Packets from above go below and the other way; `connect` waits for a peer that never answers. */
class Through implements Conversation {
  state = 'Idle';
  readonly upper: Port;
  readonly below: Port;
  aborted = 0;
  /** connect without arguments is for a peer that never answers. */
  waits = true;
  constructor(ctx: Context) {
    this.upper = ctx.port({
      name: `${ctx.name}/data`,
      framing: 'packet',
      mtu: () => 1500,
      tap: 'outbound',
      take: (p) => {
        if (p.length === 13) throw new Error('thirteen');
        return this.below.deliver(p) ? undefined : 'nobelow';
      },
    });
    this.below = ctx.port({
      name: `${ctx.name}/lower`,
      framing: 'packet',
      mtu: () => 1500,
      take: (p) => (this.upper.deliver(p) ? undefined : 'noabove'),
      up: () => this.upper.raise(),
      down: (why) => this.upper.lower(why),
    });
  }
  get idle(): boolean {
    return this.state === 'Idle';
  }
  status(): string {
    return `mtu ${this.upper.mtu}`;
  }
  lower(): Port {
    return this.below;
  }
  connect(args: readonly string[], r: Req): Promise<void> | undefined {
    if (args[0] === 'badly') throw refuse('no luck');
    if (args[0] === 'now' || !this.waits) {
      this.state = 'Open';
      this.upper.raise();
      return undefined;
    }
    this.state = 'Connecting';
    return new Promise((_resolve, reject) => {
      r.onflush = () => {
        this.aborted++;
        this.state = 'Idle';
        reject(refuse('given up'));
      };
    });
  }
  hangup(): void {
    this.state = 'Idle';
    this.upper.lower('hung up');
  }
  close(): void {}
}

function make(limit = 10): { s: System; made: Through[] } {
  const s = makeSystem({ plugins: [], poison: true, owner: 'glenda' });
  const made: Through[] = [];
  for (const name of ['a', 'b'])
    s.env.serve({
      name,
      limit,
      about: 'hands packets on',
      verbs: [],
      stats: counters(),
      calls: false,
      create(ctx) {
        const c = new Through(ctx);
        made.push(c);
        return c;
      },
    });
  return { s, made };
}

async function walk(s: System, path: string): Promise<Node | undefined> {
  let n: Node | undefined = s.ns.root;
  for (const name of path.split('/').filter((x) => x !== '')) n = await n?.walk(name, req());
  return n;
}
async function open(s: System, path: string, mode: number, r = req()): Promise<OpenFile> {
  const n = await walk(s, path);
  if (n === undefined) throw refuse('file not found');
  return n.open(mode, r);
}
async function cat(s: System, path: string): Promise<string> {
  const f = await open(s, path, omode.read);
  const b = text(await f.read(8192, 0, req()));
  f.close();
  return b;
}
async function echo(s: System, what: string, path: string, r = req()): Promise<void> {
  const f = await open(s, path, omode.write, r);
  try {
    await f.write(utf8(what), 0, r);
  } finally {
    f.close();
  }
}
const fails = (p: Promise<unknown>, re: RegExp): Promise<void> => assert.rejects(p, re);

test('cat clone makes a kept conversation', async () => {
  const { s } = make();
  assert.equal(await cat(s, '/a/clone'), '0');
  assert.equal(await cat(s, '/a/clone'), '1');
  assert.equal(await cat(s, '/a/0/ctl'), '0');
  assert.equal(await cat(s, '/a/0/status'), 'Idle mtu 1500\n');
  assert.match(await cat(s, '/a/stats'), /^conversations: 2\n/);
  await echo(s, 'close\n', '/a/0/ctl');
  assert.equal(await walk(s, '/a/0'), undefined);
});

test('clone opened for writing lives as in Plan 9', async () => {
  const { s } = make();
  const f = await open(s, '/a/clone', omode.rdwr);
  assert.equal(text(await f.read(10, 0, req())), '0');
  assert.ok(await walk(s, '/a/0'));
  f.close();
  await new Promise(setImmediate);
  assert.equal(await walk(s, '/a/0'), undefined);
});

test('at the limit the oldest idle one goes; if none is idle, a refusal', async () => {
  const { s } = make(2);
  await cat(s, '/a/clone');
  await cat(s, '/a/clone');
  assert.equal(await cat(s, '/a/clone'), '0');
  await echo(s, 'connect now', '/a/0/ctl');
  await echo(s, 'connect now', '/a/1/ctl');
  await fails(cat(s, '/a/clone'), /no free conversations: a has 2/);
});

test('control messages: lines, blanks, CR, errors with their line, secrets apart', async () => {
  const { s } = make();
  await cat(s, '/a/clone');
  await echo(s, '\r\n  keep\r\n\nnokeep\nkeep', '/a/0/ctl');
  await fails(echo(s, 'frob it', '/a/0/ctl'), /^FileError: unknown control message: frob$/);
  await fails(
    echo(s, 'keep\nredial\nkeep', '/a/0/ctl'),
    /line 2: bad # args .*redial tries: redial/,
  );
  await fails(echo(s, 'redial many', '/a/0/ctl'), /bad number of tries 'many': redial many/);
  assert.match(await cat(s, '/a/0/err'), /bad number of tries/);
  await fails(echo(s, 'x'.repeat(8193), '/a/0/ctl'), /too long/);
  const long = `redial '${'é'.repeat(100)}'`;
  await assert.rejects(
    echo(s, long, '/a/0/ctl'),
    (e: Error) => Buffer.byteLength(e.message) <= 127,
  );
});

test('hangup ends a connect that waits; so does a flush', async () => {
  const { s, made } = make();
  await cat(s, '/a/clone');
  const c = made[0] as Through;
  const waiting = echo(s, 'connect', '/a/0/ctl');
  await new Promise(setImmediate);
  assert.equal(c.state, 'Connecting');
  await echo(s, 'hangup', '/a/0/ctl');
  await fails(waiting, /^FileError: hung up: connect$/);
  assert.equal(c.aborted, 1);
  const r = req();
  const second = echo(s, 'connect', '/a/0/ctl', r);
  await new Promise(setImmediate);
  r.flushed = true;
  r.onflush?.();
  await fails(second, /interrupted/);
  assert.equal(c.state, 'Idle');
});

test('one verb at a time: the second waits for the first', async () => {
  const { s } = make();
  await cat(s, '/a/clone');
  const first = echo(s, 'connect', '/a/0/ctl');
  await new Promise(setImmediate);
  let done = false;
  const second = echo(s, 'keep', '/a/0/ctl').then(() => {
    done = true;
  });
  await new Promise(setImmediate);
  assert.equal(done, false);
  await echo(s, 'hangup', '/a/0/ctl');
  await fails(first, /hung up/);
  await second;
});

test('bind joins ports; a packet moves by function call; data is refused meanwhile', async () => {
  const { s, made } = make();
  await cat(s, '/a/clone');
  await cat(s, '/b/clone');
  await echo(s, 'bind /net/a/0/data', '/b/0/ctl');
  await fails(open(s, '/a/0/data', omode.rdwr), /connection in use/);
  await fails(echo(s, 'bind /net/b/0/data', '/a/0/ctl'), /a cycle/);
  await fails(echo(s, 'bind /net/a/0/data', '/b/0/ctl'), /unbind it first/);
  await fails(
    echo(s, 'bind /n/x/a/0/data', '/a/0/ctl'),
    /not in the name space; try \/net\/a\/0\/data/,
  );
  await echo(s, 'connect now', '/a/0/ctl');
  const data = await open(s, '/b/0/data', omode.rdwr);
  const [a] = made as [Through];
  s.turn.run(() => a.upper.deliver(packetOf(utf8('hello'))));
  assert.equal(text(await data.read(100, 0, req())), 'hello');
  assert.match(await cat(s, '/a/0/stats'), /rxpackets: 1\nrxbytes: 5/);
  await echo(s, 'unbind', '/b/0/ctl');
  assert.equal(text(await data.read(100, 0, req())), '');
  await assert.rejects(async () => data.read(100, 0, req()), /hungup/);
  await echo(s, 'bind /net/a/0/data', '/b/0/ctl');
});

test('connect brings up what is below; hangup ends it; the bind stays', async () => {
  const { s, made } = make();
  await cat(s, '/a/clone');
  await cat(s, '/b/clone');
  await echo(s, 'bind /net/a/0/data', '/b/0/ctl');
  const waiting = echo(s, 'connect', '/b/0/ctl');
  await new Promise(setImmediate);
  assert.equal(made[0]?.state, 'Connecting');
  await echo(s, 'hangup', '/b/0/ctl');
  await fails(waiting, /hung up/);
  assert.equal(made[0]?.state, 'Idle');
  await echo(s, 'connect now', '/a/0/ctl');
  await echo(s, 'connect now', '/b/0/ctl');
  await echo(s, 'hangup', '/b/0/ctl');
  assert.equal(made[0]?.state, 'Idle');
});

test('a connect that fails takes down what it brought up, and nothing else', async () => {
  const { s, made } = make();
  await cat(s, '/a/clone');
  await cat(s, '/b/clone');
  const a = made[0] as Through;
  a.waits = false;
  await echo(s, 'bind /net/a/0/data', '/b/0/ctl');
  await fails(echo(s, 'connect badly', '/b/0/ctl'), /^FileError: no luck: connect badly$/);
  assert.equal(a.state, 'Idle');
  await echo(s, 'connect', '/a/0/ctl');
  await fails(echo(s, 'connect badly', '/b/0/ctl'), /no luck/);
  assert.equal(a.state, 'Open');
});

test('a plugin that throws loses its conversation only', async () => {
  const { s } = make();
  await cat(s, '/a/clone');
  await cat(s, '/a/clone');
  await echo(s, 'connect now', '/a/0/ctl');
  const data = await open(s, '/a/0/data', omode.rdwr);
  await data.write(new Uint8Array(13), 0, req());
  assert.equal(await walk(s, '/a/0'), undefined);
  assert.ok(await walk(s, '/a/1'));
  assert.match(await cat(s, '/a/stats'), /crashed: 1/);
});

test('a packet that was not kept is poisoned when its turn ends', () => {
  const { s } = make();
  const p = s.turn.run(() => packetOf(utf8('gone')));
  assert.equal(p.start, -1);
  const kept = s.turn.run(() => packetOf(utf8('here')).keep());
  assert.equal(text(kept.bytes()), 'here');
});

test('permission: ctl is its owner’s, status is anybody’s', async () => {
  const { s } = make();
  await cat(s, '/a/clone');
  const ctl = await walk(s, '/a/0/ctl');
  assert.throws(() => ctl?.open(omode.write, req(other)), /permission denied/);
  const status = await walk(s, '/a/0/status');
  (await status?.open(omode.read, req(other)))?.close();
  await fails(
    (async () => (await walk(s, '/ctl'))?.open(omode.write, req(other)))().then((f) =>
      f?.write(utf8('load ppp'), 0, req(other)),
    ),
    /permission denied/,
  );
});

test('event tells each change from the open on; log and pcap cost nothing unread', async () => {
  const { s, made } = make();
  await cat(s, '/a/clone');
  const event = await open(s, '/a/0/event', omode.read);
  const pending = event.read(100, 0, req());
  await echo(s, 'connect now', '/a/0/ctl');
  await cat(s, '/b/clone');
  await echo(s, 'bind /net/b/0/data', '/a/0/ctl');
  assert.equal(text(await pending), 'bind /net/b/0/data\n');
  event.close();
  const a = made[0] as Through;
  const pcap = await open(s, '/a/0/pcap', omode.read);
  const log = await open(s, '/a/0/log', omode.read);
  s.turn.run(() => a.upper.send(packetOf(utf8('x'))));
  assert.match(text(await log.read(100, 0, req())), /\/a\/0 -> 1 bytes\n$/);
  const b = await pcap.read(1000, 0, req());
  assert.equal(b[0], 0x0a);
});

test('ns: binds, unions, aliases', async () => {
  const { s } = make();
  await cat(s, '/a/clone');
  await s.control('alias /mnt');
  await s.control('bind /a /b');
  assert.equal(await cat(s, '/b/0/ctl'), '0');
  await s.control('unbind /b');
  await s.control('bind -a /a /b');
  await cat(s, '/b/clone');
  assert.ok((await (await walk(s, '/b'))?.list(req()))?.some((n) => n.name === 'clone'));
  assert.equal(await cat(s, '/ns'), 'alias /net\nalias /mnt\nbind -a /a /b\n');
  await fails(s.control('bind / /a'), /never end/);
  await fails(s.control('load nosuch'), /plugin 'nosuch' not found/);
});
