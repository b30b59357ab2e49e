/** ppp's client of auth: with the vectors of RFC 2759 and 3079, what MPPE gets of each method. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { concat, fromHex, hex, put16, text, utf8 } from '@9p/packet';
import { makeSystem, omode, type Req, type Who } from 'slashnet/core';
import auth from '../../plugins/auth/plugin.js';
import type { Answer, Need, Unnumbered } from '../../plugins/ppp/authentication.js';
import { AuthClient } from '../../plugins/ppp/rpc.js';
import { VirtualClock } from '../kit/index.js';

// RFC 2759 section 9.2, RFC 3079 section 3.5.3
const v2 = {
  authenticatorChallenge: '5b5d7c7d7b3f2f3e3c2c602132262628',
  peerChallenge: '21402324255e262a28295f2b3a337c7e',
  ntResponse: '82309ecd8d708b5ea08faa3981cd83544233114a3d85d6df',
  masterKey: 'fdece3717a8c838cb388e527ae3cdd31',
  authenticatorResponse: '407a5589115fd0d6209f510fe9c04566932cda56',
};
// RFC 2433 appendix B.2 for the challenge, RFC 3079 section 2.5.3 for the key
const v1 = { challenge: '102db5df085d3041', startKey: 'a8947850cfc0acc1d1789fb62ddcddb0' };
const reserved = '0000000000000000';

const me: Who = { uname: 'glenda', groups: [], owner: true };
const request = (): Req => ({ who: me, iounit: 0, flushed: false, onflush: undefined });
const key = 'key proto=pass service=ppp user=User !password=clientPass';

/** A client of an auth whose random bytes are these, and what it is asked. */
async function client(random: string, ctl = key) {
  const clock = new VirtualClock();
  const system = makeSystem({
    plugins: [],
    clock,
    random: { u32: () => 7, bytes: (n) => fromHex(random.repeat(n).slice(0, 2 * n)) },
    owner: 'glenda',
    log: () => {},
  });
  await auth.start(system.env, []);
  const f = await system.ns.open('/auth/ctl', omode.write, me);
  await f.write(utf8(ctl), 0, request());
  f.close();
  const o = { key: [], agent: '/net/auth', below: '/x/0/data', mutual: false };
  const c = new AuthClient(system.ns, me, o);
  const ask = (need: Unnumbered<Need>): Promise<Answer> =>
    clock.until(c.answer({ ...need, n: 5 } as Need));
  return { c, ask };
}
const shown = (c: AuthClient) =>
  c.keys && { ...c.keys, key: hex(c.keys.key), bytes: c.keys.key.length };
const want = (method: 'mschap' | 'mschapv2', server: boolean) => {
  const value = method === 'mschap' ? v1.startKey : v2.masterKey;
  return { method, key: value, server, bytes: 16 };
};

const asked = (method: string, challenge: string) =>
  ({ need: 'chap', method, id: 1, challenge: fromHex(challenge), name: '' }) as const;
const packet = (code: number, id: number, ...parts: (Uint8Array | number[])[]): Uint8Array => {
  const b = concat([code, id, 0, 0], ...parts);
  put16(b, 2, b.length);
  return b;
};
/** Of EAP-MSCHAPv2. */
const message = (op: number, id: number, ...parts: (Uint8Array | number[])[]): Uint8Array =>
  concat([26], packet(op, id, ...parts));

test('mschapv2, we answer: the master key of RFC 3079, gone when the session is', async () => {
  const { c, ask } = await client(v2.peerChallenge);
  assert.equal(shown(c), undefined);
  const a = await ask(asked('mschapv2', v2.authenticatorChallenge));
  assert.ok(a.is === 'chap' && a.keyed === true);
  assert.equal(hex(a.response), `${v2.peerChallenge}${reserved}${v2.ntResponse}00`);
  assert.equal(hex(a.proof ?? utf8('')), v2.authenticatorResponse);
  assert.deepEqual(shown(c), want('mschapv2', false));
  const kept = c.keys?.key ?? assert.fail();
  assert.ok(kept.buffer.byteLength > 64, 'it lies outside the heap of V8');
  c.close();
  assert.equal(hex(kept), '00'.repeat(16));
  assert.equal(c.keys, undefined);
});

test('mschapv2, we ask: the same key, only once the response was right', async () => {
  const { c, ask } = await client(v2.authenticatorChallenge);
  const check = async (ntResponse: string) => {
    const a = await ask({ need: 'challenge', method: 'mschapv2' });
    assert.equal(a.is === 'challenge' && hex(a.challenge), v2.authenticatorChallenge);
    const response = fromHex(`${v2.peerChallenge}${reserved}${ntResponse}00`);
    return ask({ need: 'chapcheck', method: 'mschapv2', user: 'User', id: 1, response });
  };
  const right = await check(v2.ntResponse);
  assert.ok(right.is === 'verdict' && right.ok && right.keyed === true);
  assert.equal(hex(right.proof ?? utf8('')), v2.authenticatorResponse);
  assert.deepEqual(shown(c), want('mschapv2', true));
  c.forget();
  const wrong = await check('00'.repeat(24));
  assert.ok(wrong.is === 'verdict' && !wrong.ok && wrong.keyed === undefined);
  assert.equal(c.keys, undefined);
});

test('mschap: the start key of RFC 3079, both roles', async () => {
  const { c, ask } = await client('00');
  const a = await ask(asked('mschap', v1.challenge));
  assert.ok(a.is === 'chap' && a.keyed === true && a.proof === undefined);
  assert.deepEqual(shown(c), want('mschap', false));
  const { c: server, ask: serve } = await client(v1.challenge);
  await serve({ need: 'challenge', method: 'mschap' });
  const { response } = a;
  await serve({ need: 'chapcheck', method: 'mschap', user: 'User', id: 1, response });
  assert.deepEqual(shown(server), want('mschap', true));
});

test('eap-mschapv2: the master key, both roles, once Success is said', async () => {
  const { c, ask } = await client(v2.peerChallenge);
  const challenge = message(1, 9, [16], fromHex(v2.authenticatorChallenge), utf8('server'));
  const proto = 'eap-mschapv2';
  const a = await ask({ need: 'eappeer', proto, packet: packet(1, 3, challenge) });
  assert.ok(a.is === 'eap' && a.packet !== undefined && a.keyed === undefined);
  assert.equal(c.keys, undefined);
  const proof = utf8(`S=${v2.authenticatorResponse.toUpperCase()} M=in`);
  await ask({ need: 'eappeer', proto, packet: packet(1, 4, message(3, 9, proof)) });
  const end = await ask({ need: 'eappeer', packet: packet(3, 4) });
  assert.ok(end.is === 'eap' && end.ended === true && end.keyed === true);
  assert.deepEqual(shown(c), want('mschapv2', false));
  const again = await ask({ need: 'eappeer', proto, packet: packet(1, 5, challenge) });
  assert.ok(again.is === 'eap' && again.packet !== undefined, 'asked anew later on');

  const { c: server, ask: serve } = await client(v2.authenticatorChallenge);
  const first = await serve({ need: 'eapserver', proto, user: 'User', attempts: 1 });
  const id = first.is === 'eap' ? (first.packet?.[1] ?? -1) : -1;
  const response = fromHex(`${v2.peerChallenge}${reserved}${v2.ntResponse}00`);
  const said = message(2, id, [49], response, utf8('User'));
  const told = await serve({ need: 'eapserver', packet: packet(2, id, said) });
  assert.ok(told.is === 'eap' && text(told.packet ?? utf8('')).includes(text(proof.slice(0, 42))));
  assert.equal(server.keys, undefined);
  const last = packet(2, (id + 1) & 0xff, [26, 3]);
  const over = await serve({ need: 'eapserver', packet: last });
  assert.ok(over.is === 'eap' && over.packet?.[0] === 3 && over.keyed === true);
  assert.deepEqual(shown(server), want('mschapv2', true));
});

test('other methods make none, and take away what was there; both directions: none', async () => {
  const { c, ask } = await client(v2.peerChallenge);
  await ask(asked('mschapv2', v2.authenticatorChallenge));
  const a = await ask(asked('chap', v2.authenticatorChallenge));
  assert.ok(a.is === 'chap' && a.keyed === undefined);
  assert.equal(c.keys, undefined);
  await ask(asked('mschapv2', v2.authenticatorChallenge));
  assert.deepEqual(shown(c), want('mschapv2', false));
  await ask({ need: 'challenge', method: 'mschapv2' });
  const response = fromHex(`${v2.peerChallenge}${reserved}${'00'.repeat(24)}00`);
  await ask({ need: 'chapcheck', method: 'mschapv2', user: 'User', id: 1, response });
  assert.deepEqual(shown(c), want('mschapv2', false), 'the peer has proven nothing');
  const { c: both, ask: askBoth } = await client(v2.authenticatorChallenge);
  const { response: right } = (await askBoth(
    asked('mschapv2', v2.authenticatorChallenge),
  )) as Extract<Answer, { is: 'chap' }>;
  await askBoth({ need: 'challenge', method: 'mschapv2' });
  await askBoth({ need: 'chapcheck', method: 'mschapv2', user: 'User', id: 1, response: right });
  assert.equal(both.keys, undefined);
});
