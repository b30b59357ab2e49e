/** Tauth: afids, what an attach may do with one, and the client. Texts are those of lib9p. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type AuthFile,
  type Dialect,
  FileError,
  memTree,
  nofid,
  type Peer,
  type Prove,
  qt,
  Server,
  type Who,
} from '@9p/lib9p';
import { text, utf8 } from '@9p/packet';
import { joined, Raw } from './lib9p-kit.js';

/** Whoever writes his own name backwards is himself. */
class Backwards implements AuthFile {
  static closed = 0;
  readonly qid = { type: 0, vers: 0, path: 77n };
  readonly ready = true;
  onready: (() => void) | undefined;
  #who: Who | undefined;
  read(n: number): Uint8Array {
    return utf8(this.#who === undefined ? 'backwards?' : 'welcome').subarray(0, n);
  }
  write(data: Uint8Array): number {
    this.#who = { uname: [...text(data)].reverse().join(''), groups: [], owner: false };
    return data.length;
  }
  proven(): Who | undefined {
    return this.#who;
  }
  close(): void {
    Backwards.closed++;
  }
}

const unproven = (): never => {
  throw new FileError('authentication required');
};

/** Peers of `net: sure` need no proof; nobody who is not proven gets in. */
const server = (limits = {}): Server =>
  new Server(memTree({ hello: 'hello\n' }), {
    limits,
    auth: (_uname: string, peer: Peer) => (peer.net === 'sure' ? undefined : new Backwards()),
    who: (uname, peer) => (peer.net === 'sure' ? { uname, groups: [], owner: false } : unproven()),
    admit: (who, aname) => {
      if (who.uname === 'eve')
        throw new FileError(`permission denied: eve may not attach to '${aname}'`);
    },
  });

const start = (s: Server, dialect: Dialect = '9P2000'): Raw => new Raw(s).start(8216, dialect);
const auth = (c: Raw, afid: number, uname = 'glenda', aname = '') =>
  c.ask({ type: 'Tauth', afid, uname, aname });
const attach = (afid: number, uname = 'glenda', aname = '', fid = 0) =>
  ({ type: 'Tattach', fid, afid, uname, aname }) as const;
const write = (c: Raw, fid: number, what: string) =>
  c.ask({ type: 'Twrite', fid, offset: 0n, data: utf8(what) });

for (const dialect of ['9P2000', '9P2000.u', '9P2000.L'] as const)
  test(`${dialect}: afid, proof, attach; one afid for several attaches`, () => {
    const c = start(server(), dialect);
    const r = auth(c, 5);
    assert.deepEqual(r, {
      type: 'Rauth',
      tag: r?.tag,
      aqid: { type: qt.auth, vers: 0, path: 77n },
    });
    const said = c.ask({ type: 'Tread', fid: 5, offset: 0n, count: 100 });
    assert.ok(said?.type === 'Rread' && text(said.data) === 'backwards?');
    assert.equal(write(c, 5, 'adnelg')?.type, 'Rwrite');
    assert.equal(c.ask(attach(5))?.type, 'Rattach');
    assert.equal(c.ask(attach(5, 'glenda', '', 1))?.type, 'Rattach');
    const closed = Backwards.closed;
    assert.equal(c.ask({ type: 'Tclunk', fid: 5 })?.type, 'Rclunk');
    assert.equal(Backwards.closed, closed + 1);
    assert.equal(c.ask({ type: 'Twalk', fid: 1, newfid: 2, names: ['hello'] })?.type, 'Rwalk');
  });

test('what an attach is refused for', () => {
  const c = start(server());
  auth(c, 5);
  assert.equal(c.error(attach(nofid)), 'authentication required');
  assert.equal(c.error(attach(5)), 'not authenticated');
  assert.equal(c.error(attach(6)), 'unknown fid');
  assert.equal(c.error(attach(5, 'bob')), 'auth uname mismatch: glenda vs bob');
  assert.equal(c.error(attach(5, 'glenda', 'x')), 'auth aname mismatch:  vs x');
  write(c, 5, 'bob');
  assert.equal(c.error(attach(5)), 'auth uname mismatch: glenda vs bob', 'proven is bob');
  auth(c, 7, 'eve', 'there');
  write(c, 7, 'eve');
  assert.equal(
    c.error(attach(7, 'eve', 'there')),
    "permission denied: eve may not attach to 'there'",
  );
  auth(c, 8);
  write(c, 8, 'adnelg');
  assert.equal(c.ask(attach(8))?.type, 'Rattach');
  assert.equal(c.error(attach(0, 'glenda', '', 9)), 'not an auth fid');
  auth(c, 10, '');
  write(c, 10, 'adnelg');
  assert.equal(c.ask(attach(10, '', '', 11))?.type, 'Rattach', 'no name is the proven one');
});

test('what an afid is not: it has no stat, no children, no other name; it counts as a fid', () => {
  const c = start(server({ fids: 2 }));
  auth(c, 5);
  assert.equal(c.error({ type: 'Tauth', afid: 5, uname: 'x', aname: '' }), 'duplicate fid');
  assert.equal(c.error({ type: 'Tauth', afid: nofid, uname: 'x', aname: '' }), 'unknown fid');
  assert.equal(c.error({ type: 'Twalk', fid: 5, newfid: 6, names: [] }), 'cannot clone open fid');
  assert.equal(c.error({ type: 'Topen', fid: 5, mode: 0 }), 'file already open for I/O');
  assert.equal(c.error({ type: 'Tstat', fid: 5 }), 'stat prohibited');
  auth(c, 6);
  assert.equal(c.error({ type: 'Tauth', afid: 7, uname: 'x', aname: '' }), 'too many fids');
  const closed = Backwards.closed;
  assert.equal(c.error({ type: 'Tremove', fid: 5 }), 'remove prohibited');
  assert.equal(Backwards.closed, closed + 1, 'and the afid is gone all the same');
  c.connection.end('over');
  assert.equal(Backwards.closed, closed + 2, 'with the connection goes the rest');
});

test('where the carrier is proof none is asked for', () => {
  const c = new Raw(server(), { net: 'sure', address: '' }).start();
  assert.equal(
    c.error({ type: 'Tauth', afid: 5, uname: 'glenda', aname: '' }),
    'authentication not required',
  );
});

test('the client: proves, attaches, and lets the afid go; it goes nowhere without', async () => {
  const s = server();
  const prove: Prove = async (afid, uname) => {
    assert.equal(text(await afid.read(100, 0)), 'backwards?');
    await afid.write(utf8([...uname].reverse().join('')), 0);
  };
  const m = await joined(s, {}, prove);
  assert.equal(await m.readText('/hello'), 'hello\n');
  const closed = Backwards.closed;
  await m.client.attach('glenda', '', undefined, prove);
  assert.ok(Backwards.closed > closed - 1);
  await assert.rejects(joined(s), { message: 'authentication required' });
  const fails: Prove = async () => {
    throw new Error('no key');
  };
  await assert.rejects(joined(s, {}, fails), { message: 'no key' });
  for (let i = 0; i < 20; i++)
    await assert.rejects(m.client.attach('glenda', '', undefined, fails), { message: 'no key' });
  assert.equal(await m.readText('/hello'), 'hello\n'); // after the clunks
  assert.ok(m.client.newFid() < 10, 'a proof that failed keeps no fid');
  const open = new Server(memTree({ hello: 'hello\n' }));
  await assert.rejects(joined(open, {}, prove), {
    message: 'authentication not required',
  });
});
