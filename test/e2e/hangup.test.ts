/** A connect that waits for a silent peer: hung up by another, given up by its own user. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Mount } from '@9p/lib9p';
import { needs } from '../kit/needs.js';
import {
  connecting,
  median,
  type Place,
  type Running,
  silentPeer,
  until,
  withPlace,
} from './place.js';

const fuse = needs('root', '/dev/fuse', 'unshare', 'nsenter', 'ip');
const rounds = 5;
const back_ms = 100;

/** A way of reaching the files: its name, what it needs, and its two commands. */
interface Way {
  readonly name: string;
  readonly skip: string | false;
  readonly mounts: boolean;
  connect(p: Place): Running;
  hangup: string;
}

const ways: readonly Way[] = [
  {
    name: '9P',
    skip: false,
    mounts: false,
    connect: (p) => p.slashnet('write', '/ppp/0/ctl', 'connect'),
    hangup: 'slashnet write /ppp/0/ctl hangup',
  },
  {
    name: 'FUSE',
    skip: fuse,
    mounts: true,
    connect: (p) => p.sh('exec /bin/echo connect > $MNT/ppp/0/ctl'),
    hangup: 'echo hangup > $MNT/ppp/0/ctl',
  },
];

async function ready(w: Way, f: (p: Place, m: Mount) => Promise<void>): Promise<void> {
  await withPlace({ spaces: w.mounts }, async (p) => {
    await p.serve();
    const m = await p.dial();
    if (w.mounts) await p.mount(m);
    await silentPeer(m);
    await f(p, m);
  });
}

for (const w of ways)
  describe(`connect to a silent peer, over ${w.name}`, { skip: w.skip, timeout: 500_000 }, () => {
    test('hangup succeeds, connect fails and says why', () =>
      ready(w, async (p, m) => {
        const status = await m.readText('/ppp/0/status');
        const connect = w.connect(p);
        await connecting(m);
        await p.ok(w.hangup);
        const r = await connect.ended;
        assert.equal(r.code, 1);
        const said = w.mounts ? /write error/ : /^slashnet: \/ppp\/0\/ctl: hung up: connect\n$/;
        assert.match(r.err, said);
        assert.equal(await m.readText('/ppp/0/status'), status);
        assert.match(await m.readText('/ppp/0/err'), /hung up/);
      }));

    // The least of the rounds: a wait in the way would be in each, and what else runs here is not.
    test('hangup is back within 100 ms, and so is connect', (t) =>
      ready(w, async (p, m) => {
        const took: number[] = [];
        for (let i = 0; i < rounds; i++) {
          const connect = w.connect(p);
          await connecting(m);
          const t0 = performance.now();
          const over = w.mounts
            ? connect.ended
            : until('the process has its answer', () => connect.err !== '');
          await m.writeFile('/ppp/0/ctl', 'hangup');
          await over;
          took.push(performance.now() - t0);
          await connect.ended;
        }
        t.diagnostic(
          `both back ${median(took).toFixed(1)} ms after hangup (median of ${took.length})`,
        );
        assert.ok(Math.min(...took) < back_ms, `${took} ms`);
      }));

    for (const signal of ['SIGINT', 'SIGKILL'] as const)
      test(`${signal} to who connects: the conversation is as it was`, () =>
        ready(w, async (p, m) => {
          const status = await m.readText('/ppp/0/status');
          const connect = w.connect(p);
          await connecting(m);
          connect.kill(signal);
          const r = await connect.ended;
          if (w.mounts || signal === 'SIGKILL') assert.equal(r.signal, signal);
          else assert.equal(r.code, 1);
          await until('as before', async () => (await m.readText('/ppp/0/status')) === status);
          const again = w.connect(p);
          await connecting(m);
          again.kill('SIGKILL');
        }));
  });
