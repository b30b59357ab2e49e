/** CHAP with MD5 through rpc, both roles: RFC 1994 section 4.1. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { fromHex, hex, utf8 } from '@9p/packet';
import { parseAttrs } from '../../plugins/auth/attr.js';
import type { Rpc } from '../../plugins/auth/rpc.js';
import { SeededRandom } from '../kit/index.js';
import { ask, type Bench, bench, glenda, owner, say, writing } from './auth-bench.js';

// CHAP. The vectors: MD5 of identifier | secret | challenge (RFC 1994 section
// 4.1), computed with md5sum(1).
const vectors: readonly [id: number, secret: string, challenge: string, response: string][] = [
  [0x01, 'secret', '00112233445566778899aabbccddeeff', '204bb003332f6932b63b47c2c4e1a547'],
  [0xff, 'p', '80', '60da01b1a49e155886d4f6a96b20f8b1'],
];

const chapAnswer = (id: number, secret: string | Uint8Array, challenge: Uint8Array): Uint8Array =>
  createHash('md5').update(Uint8Array.of(id)).update(secret).update(challenge).digest();

test('chap, client: any identifier, any challenge of 1 to 255 bytes', () => {
  const r = new SeededRandom(3);
  for (const n of [1, 7, 8, 16, 17, 63, 64, 255]) {
    const [id, challenge] = [r.below(256), r.bytes(n)];
    const rpc = bench([glenda]).open();
    assert.equal(say(rpc, 'start proto=chap role=client service=ppp'), 'ok');
    assert.equal(say(rpc, 'attr'), 'ok proto=chap role=client service=ppp user=glenda');
    assert.equal(say(rpc, 'read'), 'phase protocol phase error: read in state CNeedChal');
    assert.equal(say(rpc, writing(Uint8Array.of(id), challenge)), 'ok');
    assert.equal(say(rpc, 'write x'), 'phase protocol phase error: write in state CHaveResp');
    const reply = ask(rpc, 'read');
    assert.equal(hex(reply.subarray(3)), hex(chapAnswer(id, 'secret', challenge)), `${n} bytes`);
    assert.equal(reply.length, 19);
    assert.equal(say(rpc, 'read'), 'done');
  }
});

test('chap, client: literal vectors', () => {
  for (const [id, secret, challenge, response] of vectors) {
    const rpc = bench([`proto=chap !password=${secret}`]).open();
    say(rpc, 'start proto=chap role=client');
    say(rpc, writing(Uint8Array.of(id), fromHex(challenge)));
    assert.equal(hex(ask(rpc, 'read').subarray(3)), response);
  }
});

test('chap, client: what is no challenge', () => {
  const rpc = bench([glenda]).open();
  say(rpc, 'start proto=chap role=client service=ppp');
  assert.equal(say(rpc, 'write '), 'toosmall 2');
  assert.equal(say(rpc, writing(new Uint8Array(1))), 'toosmall 2');
  assert.equal(say(rpc, writing(new Uint8Array(257))), 'error chap botch');
  assert.equal(say(rpc, writing(new Uint8Array(256))), 'ok');
});

test('chap, client: the key went, and another came', () => {
  const b = bench([glenda]);
  const rpc = b.open();
  say(rpc, 'start proto=chap role=client service=ppp');
  b.ring.remove(parseAttrs(utf8('user=glenda')));
  assert.match(say(rpc, writing(new Uint8Array(9))), /^needkey proto=pass role=client/);
  b.ring.add(parseAttrs(utf8('proto=pass service=ppp user=bob !password=new')), owner);
  assert.equal(say(rpc, writing(new Uint8Array(9))), 'ok');
  assert.equal(hex(ask(rpc, 'read').subarray(3)), hex(chapAnswer(0, 'new', new Uint8Array(8))));
  assert.match(say(rpc, 'attr'), / user=bob$/);
});

/** A chap server that has told its challenge. */
function chapServer(b: Bench): { rpc: Rpc; challenge: Uint8Array } {
  const rpc = b.open();
  assert.equal(say(rpc, 'start proto=chap role=server service=ppp'), 'ok');
  const reply = ask(rpc, 'read');
  assert.equal(reply.length, 3 + 16);
  return { rpc, challenge: reply.subarray(3) };
}

test('chap, server: the right response, then who it is', () => {
  const { rpc, challenge } = chapServer(bench([glenda]));
  assert.equal(say(rpc, 'read'), 'phase protocol phase error: read in state SNeedUser');
  assert.equal(say(rpc, 'write glenda'), 'ok');
  const reply = writing(Uint8Array.of(9), chapAnswer(9, 'secret', challenge));
  assert.equal(say(rpc, reply), 'ok');
  assert.equal(say(rpc, 'read'), 'done haveai');
  // cuid, suid, cap and secret, each after its length, 2 bytes, little endian: auth(2)
  assert.equal(hex(ask(rpc, 'authinfo').subarray(3)), '0600676c656e64610600676c656e646100000000');
});

test('chap, server: every bit of the response counts, and the identifier', () => {
  const b = bench([glenda]);
  for (let bit = 0; bit < 8 * 17; bit++) {
    const { rpc, challenge } = chapServer(b);
    say(rpc, 'write glenda');
    const reply = Uint8Array.from([9, ...chapAnswer(9, 'secret', challenge)]);
    reply[bit >> 3]! ^= 1 << (bit & 7);
    assert.equal(say(rpc, writing(reply)), 'error authentication failed', `bit ${bit}`);
    assert.equal(say(rpc, 'read'), 'phase protocol phase error: read in state SNeedUser');
  }
  assert.equal(b.counted.get('failed'), 8 * 17);
  assert.equal(b.counted.get('done'), undefined);
});

test('chap, server: another name for the same challenge, five in all; lengths', () => {
  const { rpc, challenge } = chapServer(bench([glenda]));
  assert.equal(say(rpc, writing(new Uint8Array(256))), 'error user name too long');
  for (const n of [0, 1, 16, 18, 49]) {
    say(rpc, 'write nobody');
    assert.equal(say(rpc, writing(new Uint8Array(n))), 'error did not get Chapreply');
    assert.equal(say(rpc, writing(new Uint8Array(17))), 'error authentication failed');
    if (n === 18) break;
  }
  say(rpc, 'write glenda');
  assert.equal(say(rpc, writing(Uint8Array.of(1), chapAnswer(1, 'secret', challenge))), 'ok');
});

test('challenges differ', () => {
  const b = bench([glenda]);
  const seen = new Set(Array.from({ length: 100 }, () => hex(chapServer(b).challenge)));
  assert.equal(seen.size, 100);
});

test('client against server, each with its own key', () => {
  for (const [secret, outcome] of [
    ['secret', 'ok'],
    ['other', 'error authentication failed'],
  ] as const) {
    const client = bench([`proto=pass service=ppp user=glenda !password=${secret}`]).open();
    const { rpc: server, challenge } = chapServer(bench([glenda]));
    say(client, 'start proto=chap role=client service=ppp');
    say(client, writing(Uint8Array.of(5), challenge));
    const response = ask(client, 'read').slice(3);
    say(server, 'write glenda');
    assert.equal(say(server, writing(Uint8Array.of(5), response)), outcome);
  }
});
