/** What the clients that people have do to a daemon's files, each a test: 9pfuse, v9fs, plan9port's
 *  9p, Plan 9, 9front, Inferno. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import {
  Client,
  decodeDirs,
  encodeFcall,
  nofid,
  notag,
  omode,
  type Qid,
  type Rmessage,
  type Tmessage,
  type WireDir,
} from '@9p/lib9p';
import { text } from '@9p/packet';
import { Raw, settled } from './lib9p-kit.js';
import { whole } from './whole.js';

const w = await whole(true);
const { f, server } = w;
after(async () => {
  await f.system.stop('the test is over');
  assert.deepEqual([w.faults, f.bugs], [[], []]);
});

const untouched: WireDir = {
  ...{ type: 0xffff, dev: 0xffffffff, mode: 0xffffffff, atime: 0xffffffff, mtime: 0xffffffff },
  qid: { type: 0xff, vers: 0xffffffff, path: 0xffffffffffffffffn },
  ...{ length: 0xffffffffffffffffn, name: '', uid: '', gid: '', muid: '' },
};

/** Steps that must succeed, each the answer of its type. */
class Steps {
  readonly raw: Raw;
  #fids = 1;
  constructor(uname = 'glenda', msize = 8216, aname = '') {
    this.raw = new Raw(server);
    this.raw.send({ type: 'Tversion', tag: notag, msize, version: '9P2000' });
    this.ok({ type: 'Tattach', tag: 1, fid: 0, afid: nofid, uname, aname }, 'Rattach');
  }
  async later(m: Tmessage): Promise<Rmessage> {
    const { replies } = this.raw;
    const before = replies.length;
    this.raw.send(m);
    for (let n = 0; n < 100 && replies.length === before; n++) await settled();
    return replies[before] ?? assert.fail(`no answer to ${m.type}`);
  }
  ok<N extends Rmessage['type']>(m: Tmessage, type: N): Extract<Rmessage, { type: N }> {
    const [r] = this.raw.send(m);
    assert.ok(r?.type === type, `${m.type}: ${JSON.stringify(r, (_, v) => String(v))}`);
    return r as Extract<Rmessage, { type: N }>;
  }
  /** A new fid, and the qid of where it is. */
  walk(names: readonly string[]): { fid: number; qid: Qid | undefined } {
    const newfid = this.#fids++;
    const r = this.ok({ type: 'Twalk', tag: 1, fid: 0, newfid, names }, 'Rwalk');
    assert.equal(r.qids.length, names.length, names.join('/'));
    return { fid: newfid, qid: r.qids.at(-1) };
  }
  open(fid: number, mode: number) {
    return this.ok({ type: 'Topen', tag: 1, fid, mode }, 'Ropen');
  }
  stat(fid: number): WireDir {
    return this.ok({ type: 'Tstat', tag: 1, fid }, 'Rstat').stat;
  }
  clunk(fid: number): void {
    this.ok({ type: 'Tclunk', tag: 1, fid }, 'Rclunk');
  }
  /** The entries of a directory, read `count` bytes at a time. */
  list(names: readonly string[], count = 8192): readonly WireDir[] {
    const { fid } = this.walk(names);
    this.open(fid, omode.read);
    const all: WireDir[] = [];
    for (let offset = 0n; ; ) {
      const { data } = this.ok({ type: 'Tread', tag: 1, fid, offset, count }, 'Rread');
      if (data.length === 0) break;
      offset += BigInt(data.length);
      const dirs = decodeDirs(data);
      assert.ok(typeof dirs !== 'string', 'whole entries');
      all.push(...dirs);
    }
    this.clunk(fid);
    return all;
  }
}

interface Found {
  readonly names: readonly string[];
  readonly dir: WireDir;
}

/** Every file and directory below, by what directories say. */
function tree(s: Steps, names: readonly string[] = []): Found[] {
  return s.list(names).flatMap((dir) => {
    const at = { names: [...names, dir.name], dir };
    return (dir.qid.type & 0x80) === 0 ? [at] : [at, ...tree(s, at.names)];
  });
}
const pathOf = (x: Found): string => `/${x.names.join('/')}`;

test('a qid.path is never 0 and never two files; types are those of the mode', () => {
  const s = new Steps();
  const root = s.stat(0);
  const seen = new Map<bigint, string>([[root.qid.path, '/']]);
  assert.notEqual(root.qid.path, 0n);
  const all = tree(s);
  assert.ok(all.length > 120, `${all.length} files`);
  for (const x of all) {
    const { qid, mode } = x.dir;
    assert.notEqual(qid.path, 0n, pathOf(x));
    assert.equal(seen.get(qid.path), undefined, pathOf(x));
    seen.set(qid.path, pathOf(x));
    assert.equal(mode >>> 24, qid.type, pathOf(x));
    const at = s.walk(x.names);
    assert.deepEqual([at.qid, s.stat(at.fid)], [qid, x.dir], pathOf(x));
    s.clunk(at.fid);
  }
  assert.equal(s.raw.connection.fids, 1);
});

test('what an open gives has a qid.path, too: clone, and each rpc of auth', () => {
  const s = new Steps();
  const seen = new Set<bigint>();
  for (const names of [
    ['auth', 'rpc'],
    ['auth', 'rpc'],
    ['auth', '0', 'data'],
    ['loop', 'clone'],
  ]) {
    const { fid } = s.walk(names);
    seen.add(s.open(fid, omode.rdwr).qid.path);
    s.clunk(fid);
  }
  assert.ok(seen.size === 4 && !seen.has(0n), [...seen].join(' '));
});

test('9pfuse and v9fs after echo x > ctl: wstat of length 0 and of mtime on what can be written', () => {
  const s = new Steps();
  const written = tree(s).filter((x) => (x.dir.mode & 0o222) !== 0 && x.dir.qid.type === 0);
  assert.ok(written.length >= 25, written.map(pathOf).join(' '));
  for (const x of written) {
    const { fid } = s.walk(x.names);
    for (const change of [{ length: 0n }, { mtime: 1_700_000_000 }, {}])
      s.ok({ type: 'Twstat', tag: 1, fid, stat: { ...untouched, ...change } }, 'Rwstat');
    // A data file that is bound is in use; clone and listen make something.
    if (!/^(data\d?|listen|clone)$/.test(x.dir.name)) {
      s.open(fid, omode.write | omode.trunc);
      s.ok({ type: 'Twstat', tag: 1, fid, stat: { ...untouched, mtime: 5 } }, 'Rwstat');
    }
    s.clunk(fid);
  }
});

/** Read until they end, or block, or say nothing before something is asked. */
const noText = /\/(data\d?|event|log|pcap|listen|rpc|needkey|confirm|iproute)$/;

test('a text tells its length, other files 0; v9fs reads no more than it is told', async () => {
  const s = new Steps();
  let told = 0;
  for (const x of tree(s)) {
    if (x.dir.qid.type !== 0) continue;
    const { fid } = s.walk(x.names);
    if (noText.test(pathOf(x))) assert.equal(x.dir.length, 0n, pathOf(x));
    else {
      const length = Number(s.stat(fid).length);
      s.open(fid, omode.read);
      const r = await s.later({ type: 'Tread', tag: 1, fid, offset: 0n, count: 8192 });
      assert.ok(r.type === 'Rread', pathOf(x));
      assert.equal(r.data.length, length, pathOf(x));
      if (length > 0) told++;
    }
    s.clunk(fid);
  }
  assert.ok(told > 50, `${told} texts`);
});

test('a length tells no secret: it is that of what anybody reads', () => {
  const s = new Steps('nobody');
  const [ctl] = s.list(['auth']).filter((d) => d.name === 'ctl');
  const { fid } = s.walk(['auth', 'ctl']);
  s.open(fid, omode.read);
  const r = s.ok({ type: 'Tread', tag: 1, fid, offset: 0n, count: 8192 }, 'Rread');
  assert.match(text(r.data), /!password\?/);
  assert.equal(ctl?.length, BigInt(r.data.length));
});

test('the sizes that clients offer', () => {
  const most = 1024 * 1024;
  for (const [who, msize, agreed] of [
    ['plan9port', 8192, 8192],
    ['Inferno, old Plan 9', 8216, 8216],
    ['9front', 32792, 32792],
    ['v9fs', 65560, 65560],
    ['v9fs of today', 131096, 131096],
    ['the most', most, most],
    ['beyond', most + 24, most],
    ['the least', 256, 256],
  ] as const) {
    const raw = new Raw(server);
    const [r] = raw.send({ type: 'Tversion', tag: notag, msize, version: '9P2000' });
    assert.deepEqual(r, { type: 'Rversion', tag: notag, msize: agreed, version: '9P2000' }, who);
    const s = new Steps('glenda', msize);
    const { fid } = s.walk(['version']);
    assert.equal(s.open(fid, omode.read).iounit, agreed - 24, who);
  }
});

test('attach with a name: one layer, one conversation, a name that is none', () => {
  const s = new Steps('glenda', 8192, 'loop');
  const names = s.list([]).map((d) => d.name);
  assert.deepEqual(names.slice(0, 4), ['clone', 'stats', 'help', '0']);
  const above = s.walk(['..', '..', '0']);
  assert.equal(above.qid?.type, 0x80, '.. of the root is the root');
  assert.equal(new Steps('glenda', 8192, '/loop/0').list([])[0]?.name, 'ctl');
  assert.match(
    new Raw(server)
      .start()
      .error({ type: 'Tattach', fid: 5, afid: nofid, uname: 'glenda', aname: 'nothing' }),
    /'\/nothing' is not in the name space/,
  );
});

test('a walk of sixteen names; of seventeen it is no message', () => {
  const s = new Steps();
  const names = Array.from({ length: 16 }, (_, i) => (i % 2 === 0 ? 'loop' : '..'));
  const { fid, qid } = s.walk(names);
  assert.equal(qid?.path, s.stat(0).qid.path);
  s.clunk(fid);
  const twalk = encodeFcall({ type: 'Twalk', tag: 9, fid: 0, newfid: 99, names });
  const more = Buffer.concat([twalk, Buffer.from([1, 0, 0x78])]);
  more.writeUInt32LE(more.length, 0);
  more.writeUInt16LE(17, 15);
  s.raw.connection.receive(more);
  const r = s.raw.replies.at(-1);
  assert.ok(r?.type === 'Rerror' && r.tag === 9, r?.type);
  s.walk(['loop']);
});

test('a directory in small counts is the same: 9pfuse asks for pages, v9fs for what is left', () => {
  const s = new Steps();
  const all = s.list(['ppp', '0']);
  for (const count of [100, 117, 256, 4096]) assert.deepEqual(s.list(['ppp', '0'], count), all);
  const { fid } = s.walk(['ppp', '0']);
  s.open(fid, omode.read);
  const read = (offset: bigint, count: number): number =>
    s.ok({ type: 'Tread', tag: 1, fid, offset, count }, 'Rread').data.length;
  assert.equal(read(0n, 30), 0, 'no entry fits');
  const n = read(0n, 100);
  assert.ok(n > 0);
  assert.equal(read(BigInt(n), 30), 0);
  assert.ok(read(BigInt(n), 8192) > 0, 'the entry that did not fit comes then');
  const wrong = s.raw.error({ type: 'Tread', fid, offset: 7n, count: 100 });
  assert.equal(wrong, 'bad offset');
  assert.equal(read(0n, 100), n, 'from the start again');
});

test('a shell opens ctl with O_TRUNC, for writing alone and for both', () => {
  const s = new Steps();
  for (const mode of [omode.write, omode.rdwr]) {
    const { fid } = s.walk(['loop', '0', 'ctl']);
    s.open(fid, mode | omode.trunc);
    const data = Buffer.from('loss 0\n');
    s.ok({ type: 'Twrite', tag: 1, fid, offset: 0n, data }, 'Rwrite');
    s.clunk(fid);
  }
});

test('Tcreate, of a name that is there and of a new one: refused, and the fid stays where it was', () => {
  const s = new Steps();
  for (const dir of [[], ['loop'], ['loop', '0'], ['n']])
    for (const name of ['ctl', 'new', '..', 'a/b']) {
      const { fid } = s.walk(dir);
      const perm = 0o644;
      const why = s.raw.error({ type: 'Tcreate', fid, name, perm, mode: omode.write });
      assert.match(why, /^(create prohibited|illegal name)$/, `${dir.join('/')} ${name}`);
      assert.equal(s.stat(fid).mode >>> 24, 0x80);
      s.clunk(fid);
    }
  const { fid } = s.walk(['loop', '0', 'ctl']);
  const in_file = s.raw.error({ type: 'Tcreate', fid, name: 'x', perm: 0o644, mode: 1 });
  assert.equal(in_file, 'create in non-directory');
});

test('a thousand messages in one segment are answered in order', () => {
  const s = new Steps('glenda', 65560);
  const files = tree(s).filter((x) => x.dir.qid.type === 0 && /status|stats|help/.test(x.dir.name));
  const batch: Tmessage[] = [];
  for (let i = 0; i < 250; i++) {
    const newfid = 1000 + i;
    const { names } = files[i % files.length] as Found;
    batch.push({ type: 'Twalk', tag: 4 * i, fid: 0, newfid, names });
    batch.push({ type: 'Topen', tag: 4 * i + 1, fid: newfid, mode: 0 });
    batch.push({ type: 'Tread', tag: 4 * i + 2, fid: newfid, offset: 0n, count: 8192 });
    batch.push({ type: 'Tclunk', tag: 4 * i + 3, fid: newfid });
  }
  const replies = s.raw.send(...batch);
  assert.deepEqual(
    replies.map((r) => r.tag),
    batch.map((m) => m.tag),
  );
  assert.deepEqual(
    replies.slice(0, 4).map((r) => r.type),
    ['Rwalk', 'Ropen', 'Rread', 'Rclunk'],
  );
});

test('clunk of a fid whose read waits: the read fails first, and data may be opened again', async () => {
  const s = new Steps();
  for (const names of [['loop', '0', 'event'], ['skeleton', '0', 'data'], ['log']]) {
    const { fid } = s.walk(names);
    s.open(fid, omode.read);
    s.raw.replies.length = 0;
    s.raw.send({ type: 'Tread', tag: 7, fid, offset: 0n, count: 100 });
    assert.equal(s.raw.connection.outstanding, 1, names.join('/'));
    s.raw.send({ type: 'Tclunk', tag: 8, fid });
    await settled();
    assert.deepEqual(s.raw.replies, [
      { type: 'Rerror', tag: 7, ename: 'interrupted' },
      { type: 'Rclunk', tag: 8 },
    ]);
    assert.equal(s.raw.connection.outstanding, 0);
  }
  assert.equal(s.raw.connection.fids, 1);
});

test('our client takes Rerror interrupted before Rflush, and an answer that crossed it', async () => {
  const sent: number[] = [];
  const wire = {
    write: (b: Uint8Array) => {
      for (let o = 0; o < b.length; o += b[o]! | (b[o + 1]! << 8)) sent.push(b[o + 4]!);
      return true;
    },
    end: () => undefined,
  };
  for (const answer of ['Rerror', 'Rread', undefined] as const) {
    const client = new Client(wire);
    const abort = new AbortController();
    const body = { fid: 1, offset: 0n, count: 9 };
    const read = client.rpc('read', body, abort.signal);
    const failed = read.then(
      () => 'answered',
      (e: Error) => e.message,
    );
    await settled();
    abort.abort();
    await settled();
    assert.deepEqual(sent.splice(0), [116, 108]);
    if (answer === 'Rerror')
      client.receive(encodeFcall({ type: 'Rerror', tag: 0, ename: 'interrupted' }));
    if (answer === 'Rread')
      client.receive(encodeFcall({ type: 'Rread', tag: 0, data: Uint8Array.of(1) }));
    client.receive(encodeFcall({ type: 'Rflush', tag: 1 }));
    assert.equal(await failed, answer === 'Rread' ? 'answered' : 'interrupted');
    assert.deepEqual([client.outstanding, client.ended], [0, undefined]);
  }
});
