/** Addresses from a pool: one a session, never twice, given back at its end. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import auth from '../../plugins/auth/plugin.js';
import ppp from '../../plugins/ppp/plugin.js';
import { Addresses, type SessionLease } from '../../plugins/ppp/pool.js';
import { SeededRandom } from '../kit/index.js';
import { Lab } from './ppp-lab.js';

test('pool: in turn, what is asked for if it is free, and no address twice', () => {
  const all = new Addresses();
  const range = { first: 10, last: 14 };
  const lease = (asked = 0, not?: number) => {
    const l = all.lease(range, not);
    return { l, v: l.take(asked) };
  };
  assert.deepEqual([lease().v, lease(13).v, lease(13).v], [10, 13, 14]);
  const { l, v } = lease(0, 11);
  assert.equal(v, 12, 'not our own');
  assert.equal(l.take(11), 12, 'the same each time');
  assert.deepEqual([lease(99).v, lease().v], [11, undefined]);
  assert.equal(l.name, 'pool 0.0.0.10-0.0.0.14');
  l.free();
  l.free();
  assert.deepEqual([all.used, lease(12).v, lease(12).v], [4, 12, undefined]);
  assert.equal(all.lease({ first: 14, last: 16 }, undefined).take(14), 15, 'of another pool');
});

test('pool: sessions that come and go by seed, in pools that overlap', () => {
  const r = new SeededRandom(1);
  const all = new Addresses();
  const now = new Map<SessionLease, number>();
  for (let i = 0; i < 20_000; i++) {
    const first = 100 + r.below(50);
    const range = { first, last: first + r.below(60) };
    const [old] = now.keys();
    if (r.chance(45) && old !== undefined) {
      old.free();
      now.delete(old);
      continue;
    }
    const l = all.lease(range, first);
    const v = l.take(100 + r.below(120));
    const held = [...now.values()];
    if (v === undefined) {
      const free = Array.from({ length: range.last - first }, (_, k) => first + 1 + k);
      assert.ok(
        free.every((x) => held.includes(x)),
        'used up, though one is free',
      );
    } else {
      assert.ok(!held.includes(v) && v > first && v <= range.last);
      now.set(l, v);
    }
    assert.equal(all.used, now.size);
  }
});

/** Wire n with client ppp 2n and server ppp 2n + 1 of that pool. */
async function calls(n: number, pool: string, client: readonly string[] = []) {
  const lab = new Lab();
  await auth.start(lab.system.env, []);
  await ppp.start(lab.system.env, []);
  for (let i = 0; i < n; i++) {
    for (const layer of ['wire', 'ppp', 'ppp']) await lab.cat(`/${layer}/clone`);
    const lines = (...more: string[]) => ['net none', 'ipv6 off', ...more].join('\n');
    await lab.echo(lines(...client, `bind /wire/${i}/data`), `/ppp/${2 * i}/ctl`);
    const srv = ['role server', 'noauth', 'local 10.0.0.1', `pool ${pool}`, `bind /wire/${i}/far`];
    await lab.echo(`${lines(...srv)}\nannounce`, `/ppp/${2 * i + 1}/ctl`);
  }
  return lab;
}

test('pool: a call each, the one too many is told, and gets what another gives back', async () => {
  const lab = await calls(3, '10.0.0.1-10.0.0.3');
  const connect = (i: number) => lab.done(lab.echo('connect', `/ppp/${2 * i}/ctl`));
  await connect(0);
  await connect(1);
  const local = async (i: number) => (await lab.cat(`/ppp/${2 * i}/local`)).trim();
  assert.deepEqual([await local(0), await local(1)], ['10.0.0.2', '10.0.0.3']);
  await assert.rejects(connect(2), /ipcp: peer gives us no address/);
  assert.ok(lab.logged.some((l) => /ppp\/5 .*ipcp: pool 10.0.0.1-10.0.0.3 is used up/.test(l)));
  await lab.done(lab.echo('hangup', '/ppp/0/ctl'));
  await lab.clock.run(5000);
  await connect(2);
  assert.equal(await local(2), '10.0.0.2');
  assert.equal(lab.logged.filter((l) => /bug/.test(l)).length, 0, lab.logged.join('\n'));
});

test('pool: a client that has an address keeps it if it is free, and if not is told', async () => {
  const lab = await calls(2, '10.0.0.10-10.0.3.250', ['local 10.0.2.7']);
  await lab.done(lab.echo('connect', '/ppp/0/ctl'));
  assert.equal(await lab.cat('/ppp/1/remote'), '10.0.2.7\n');
  const why = /ipcp: peer wants us to be 10\.0\.2\.8/;
  await assert.rejects(lab.done(lab.echo('connect', '/ppp/2/ctl')), why);
});

test('pool: what is none', async () => {
  const lab = await calls(1, '10.0.0.10-10.0.0.20');
  for (const bad of ['10.0.0.1', '10.0.0.2-10.0.0.1', 'x-y', '10.0.0.1-10.0.0.2-10.0.0.3'])
    await assert.rejects(lab.echo(`pool ${bad}`, '/ppp/0/ctl'), /Error: bad /);
  await assert.rejects(lab.echo('pool 10.0.0.1-10.1.0.1', '/ppp/0/ctl'), /over 65536 addresses/);
  await lab.echo('pool none', '/ppp/0/ctl');
});
