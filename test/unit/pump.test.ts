/** A bind through files of another server: reads in flight, order, its end, and coming back. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Node, OpenFile, Req } from '@9p/lib9p';
import { packetOf, text, utf8 } from '@9p/packet';
import {
  type Context,
  type Conversation,
  counters,
  makeSystem,
  type Port,
  QueueFile,
} from 'slashnet/core';
import { Shell } from '../kit/index.js';

const turns = () => new Promise(setImmediate);

/** What comes from below is told to the test. */
class Above implements Conversation {
  readonly state = 'Idle';
  readonly idle = true;
  readonly got: string[] = [];
  readonly port: Port;
  ups = 0;
  constructor(ctx: Context) {
    this.port = ctx.port({
      name: `${ctx.name}/lower`,
      framing: 'packet',
      mtu: () => 1500,
      take: (p) => void this.got.push(text(p.bytes())),
      up: () => void this.ups++,
    });
  }
  status(): string {
    return '';
  }
  lower(): Port {
    return this.port;
  }
  connect(): void {}
  close(): void {}
}

/** A data file that knows how many reads wait, and whether it was closed under one. */
class Far {
  waiting = 0;
  most = 0;
  opens = 0;
  readonly closedUnder: number[] = [];
  readonly written: string[] = [];
  /** What a write takes; as it says, and less. */
  iounit = 8192;
  takes = 8192;
  q = new QueueFile({ type: 0, vers: 0, path: 9n }, 65536, false);

  open(): OpenFile {
    this.opens++;
    const q = new QueueFile({ type: 0, vers: 0, path: 9n }, 65536, false);
    this.q = q;

    const read = async (n: number, offset: number, req: Req) => {
      this.most = Math.max(this.most, ++this.waiting);
      try {
        return await q.read(n, offset, req);
      } finally {
        this.waiting--;
      }
    };
    const write = (b: Uint8Array) => {
      this.written.push(text(b));
      return Math.min(b.length, this.takes);
    };
    const close = () => void this.closedUnder.push(this.waiting);
    const { qid, stream } = q;
    const { iounit } = this;
    return { qid, stream, iounit, ready: true, onready: undefined, read, write, close };
  }
}

function make() {
  const s = makeSystem({ plugins: [], poison: true, owner: 'glenda' });
  const made: Above[] = [];
  s.env.serve({
    name: 'up',
    limit: 2,
    about: 'stands above',
    verbs: [],
    stats: counters(),
    create(ctx) {
      const c = new Above(ctx);
      made.push(c);
      return c;
    },
  });
  const far = new Far();
  const ctls: string[] = [];
  s.env.file({ name: 'data', perm: 0o666, open: () => far.open() });
  const node = (name: string, open: () => OpenFile): Node => ({
    qid: { type: 0, vers: 0, path: 1n << 50n },
    name,
    stat: () => Promise.reject(new Error('no')),
    walk: () => undefined,
    list: () => [],
    open,
    wstat: () => undefined,
  });
  s.ns.graft(
    node('data', () => far.open()),
    '/n/data',
    'mount',
  );
  const ctl: OpenFile = {
    qid: { type: 0, vers: 0, path: 1n << 51n },
    ready: true,
    onready: undefined,
    read: () => utf8('0'),
    write: (b) => ctls.push(text(b)) && b.length,
    close() {},
  };
  s.ns.graft(
    node('ctl', () => ctl),
    '/n/ctl',
    'mount',
  );
  return { s, sh: new Shell(s), made, far, ctls };
}

test('a bind that is refused leaves the file closed', async () => {
  const { s, sh, far, made } = make();
  await sh.clone('up');
  await sh.echo('bind /n/data', '/up/0/ctl');
  (await sh.clone('up')) as string;
  const c = made[1] as Above;
  Object.defineProperty(c, 'lower', { value: () => made[0]?.port });
  await sh.refusal('bind /n/data', '/up/1/ctl');
  assert.equal(far.closedUnder.length, 1);
  void s;
});

test('a packet that the other server would cut is dropped; what it does cut is counted', async () => {
  const { sh, made, far } = make();
  far.iounit = 10;
  await sh.clone('up');
  await sh.echo('bind /n/data', '/up/0/ctl');
  const port = made[0]?.port;
  assert.equal(port?.peer?.mtu, 10);
  assert.equal(port?.deliver(packetOf(utf8('ten bytes.'))), true);
  assert.equal(port?.deliver(packetOf(utf8('ten and one'))), false);
  far.takes = 4;
  assert.equal(port?.deliver(packetOf(utf8('cut'))), true);
  assert.equal(port?.deliver(packetOf(utf8('cut here'))), true);
  await turns();
  assert.deepEqual(far.written, ['ten bytes.', 'cut', 'cut here']);
  const stats = await sh.cat('/up/0/stats');
  assert.match(stats, /^toobig: 1$/m);
  assert.match(stats, /^truncated: 1$/m);
});

test('what was hung up at the other end is opened again by connect', async () => {
  const { sh, made, far, ctls } = make();
  await sh.clone('up');
  await sh.echo('bind /n/data', '/up/0/ctl');
  far.q.end('hung up there');
  await turns();
  await sh.echo('connect', '/up/0/ctl');
  assert.deepEqual(ctls, ['connect']);
  assert.equal(far.opens, 2);
  far.q.put(utf8('again'));
  await turns();
  assert.deepEqual(made[0]?.got, ['again']);
});

test('of records many reads are in flight, in order; none is left when the link goes', async () => {
  const { sh, made, far } = make();
  await sh.clone('up');
  await sh.echo('bind /n/data', '/up/0/ctl');
  assert.equal(far.waiting, 2);
  const sent = Array.from({ length: 100 }, (_, i) => `packet ${i}`);
  for (const p of sent) far.q.put(utf8(p));
  await turns();
  assert.deepEqual(made[0]?.got, sent);
  assert.ok(far.waiting >= 30, `${far.waiting}`);
  assert.ok(far.most <= 32, `${far.most}`);
  for (let i = 0; i < 40; i++) {
    far.q.put(utf8('now and then'));
    await turns();
  }
  assert.equal(far.waiting, 2);
  assert.equal(made[0]?.got.length, 140);
  await sh.echo('unbind', '/up/0/ctl');
  await turns();
  assert.equal(far.waiting, 0);
  far.q.put(utf8('too late'));
  await turns();
  assert.equal(made[0]?.got.length, 140);
});
