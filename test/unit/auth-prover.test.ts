/** The files of Tauths: how many at once, from one address, and until when a failed one counts. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newReq, omode } from '@9p/lib9p';
import { utf8 } from '@9p/packet';
import { makeSystem } from 'slashnet/core';
import auth from '../../plugins/auth/plugin.js';
import { Prover, proofs_address_max, proofs_max } from '../../srv/factotum.js';
import { SeededRandom, VirtualClock } from '../kit/index.js';

const who = { uname: 'none', groups: [], owner: false };
const key = 'key service=9p proto=p9sk1 dom=lone user=bootes !password=secret';

async function make(): Promise<{ p: Prover; clock: VirtualClock }> {
  const clock = new VirtualClock();
  const s = makeSystem({ plugins: [], clock, random: new SeededRandom(1), owner: 'bootes' });
  await auth.start(s.env, []);
  const ctl = await s.ns.open('/auth/ctl', omode.write, s.me);
  await ctl.write(utf8(key), 0, newReq(s.me));
  return {
    p: new Prover(async () => s.ns.open('/auth/rpc', omode.rdwr, s.me), s.me, clock),
    clock,
  };
}
const settled = (): Promise<void> => new Promise((done) => setImmediate(done));

test('who proves nothing leaves room for others', async () => {
  const { p, clock } = await make();
  for (let i = 0; i < proofs_address_max; i++) await p.file('', 'bad');
  await assert.rejects(p.file('', 'bad'), {
    message: 'too many authentications under way from bad: try again',
  });
  const other = await p.file('', 'good');
  other.close();
  await settled();
  for (let i = proofs_address_max; i < proofs_max; i++) await p.file('', `n${i}`);
  await assert.rejects(p.file('', 'good'), {
    message: 'too many authentications under way: try again',
  });
  clock.advance(60_000);
  await settled();
  for (let i = 0; i < proofs_address_max; i++) await p.file('', 'bad');
});

test('who hangs up on a failure has the place of one until the verdict is due', async () => {
  const { p, clock } = await make();
  const write = (f: { write: (typeof file)['write'] }, b: Uint8Array) => f.write(b, 0, newReq(who));
  const file = await p.file('', 'bad');
  for (let i = 1; i < proofs_address_max; i++) await p.file('', 'bad');
  await file.read(4096, 0, newReq(who));
  await write(file, utf8('p9sk1 lone\0'));
  await write(file, new Uint8Array(8));
  await file.read(4096, 0, newReq(who));
  const verdict = write(file, new Uint8Array(85));
  await settled();
  file.close();
  await assert.rejects(p.file('', 'bad'), /from bad/, 'the guess still costs its second');
  clock.advance(1000);
  await assert.rejects(Promise.resolve(verdict));
  await settled();
  await p.file('', 'bad');
});
