/** A daemon on a unix socket: profiles, imports of another daemon's
 *  tree, limits of who may do what. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { dial, nofid, nouid } from '@9p/lib9p';
import { type Daemon, type DaemonOptions, startDaemon } from '../../srv/daemon.js';
import { bytes } from '../kit/index.js';
import { Raw, settled } from './lib9p-kit.js';

async function withDaemons(
  f: (dir: string, start: (name: string, o?: DaemonOptions) => Promise<Daemon>) => Promise<void>,
): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'slashnet-'));
  const all: Daemon[] = [];
  try {
    await f(dir, async (name, o = {}) => {
      const d = await startDaemon({ socket: join(dir, name), load: ['auth'], ...o });
      all.push(d);
      return d;
    });
  } finally {
    for (const d of all) await d.stop('the test is over');
    await rm(dir, { recursive: true });
  }
}

test('the socket is its owner’s alone, and goes with the daemon', () =>
  withDaemons(async (dir, start) => {
    const d = await start('a');
    const path = join(dir, 'a');
    assert.equal((await stat(path)).mode & 0o777, 0o600);
    const m = await dial(`unix!${path}`);
    assert.match(await m.readText('/version'), /^slashnet \d.*\ninstance [0-9a-f-]{36}\n$/);
    m.close();
    await d.stop('over');
    await assert.rejects(stat(path), /ENOENT/);
  }));

test('a profile runs before the socket opens; its failure names its line', () =>
  withDaemons(async (dir, start) => {
    const text = '# keys\nalias /mnt\n/auth/ctl key proto=pass user=u !password=very-secret\n';
    const d = await start('a', { load: ['auth'], profile: { name: 'p', text } });
    const m = await dial(d.addresses[0] as string);
    assert.match(await m.readText('/auth/ctl'), /user=u !password\?/);
    assert.equal(await m.readText('/ns'), 'alias /net\nalias /mnt\n');
    m.close();
    const bad = { name: 'p', text: 'load auth\n\nfrob\n' };
    await assert.rejects(
      startDaemon({ socket: join(dir, 'b'), profile: bad }),
      /^FileError: p:3: unknown control message: frob$/,
    );
  }));

test('on the socket, a user who is given by his number is himself, and no more', () =>
  withDaemons(async (_dir, start) => {
    const d = await start('a');
    const raw = new Raw(d.server, { net: 'unix', address: '' }).start(8216, '9P2000.L');
    const control = (uid: number, fid: number) => {
      raw.ask({ type: 'Tattach', fid, afid: nofid, uname: '', aname: '', uid });
      raw.ask({ type: 'Twalk', fid, newfid: fid, names: ['ctl'] });
      raw.ask({ type: 'Tlopen', fid, flags: 1 });
      return { type: 'Twrite', fid, offset: 0n, data: bytes('616c696173202f78') } as const;
    };
    const me = process.getuid?.() ?? 0;
    for (const uid of [nouid, me, 0]) {
      raw.ask(control(uid, 10 + (uid % 7)));
      await settled();
      assert.equal(raw.replies.at(-1)?.type, 'Rwrite', `uid ${uid}`);
    }
    raw.ask(control(54321, 20));
    await settled();
    assert.deepEqual(raw.replies.at(-1)?.type, 'Rlerror');
    const attr = raw.ask({ type: 'Tgetattr', fid: 20, mask: 0x7ffn });
    assert.equal(attr?.type === 'Rgetattr' && attr.uid, me);
  }));

test('a tree of another daemon is imported; its own is refused; a lost one says so', () =>
  withDaemons(async (_dir, start) => {
    const a = await start('a');
    const b = await start('b');
    const addressOf = (d: Daemon): string => d.addresses[0] as string;
    await a.system.control(`mount ${addressOf(b)} /n/b`);
    const m = await dial(addressOf(a));
    assert.equal(
      await m.readText('/n/b/version'),
      await (await dial(addressOf(b))).readText('/version'),
    );
    assert.ok((await m.ls('/n/b')).some((d) => d.name === 'auth'));
    assert.ok((await m.ls('/')).some((d) => d.name === 'n'));
    assert.equal(await m.readText('/n/b/auth/clone'), '0');
    await assert.rejects(a.system.control(`mount ${addressOf(a)} /n/a`), /is this daemon itself/);
    await assert.rejects(a.system.control('mount unix!/nowhere /x'), /mounted at \/n\/NAME/);
    await b.stop('gone');
    await assert.rejects(m.ls('/n/b'), /hungup/); // a walk of several names loses its error, walk(5)
    await a.system.control('unmount /n/b');
    await assert.rejects(m.readText('/n/b/version'), /not found/);
    m.close();
  }));

test('TCP is nobody’s without --insecure', () =>
  withDaemons(async (dir, start) => {
    await assert.rejects(
      startDaemon({ socket: join(dir, 'x'), listen: ['tcp!127.0.0.1!5640'] }),
      /anybody could connect: --auth demands a proof/,
    );
    void start;
  }));
