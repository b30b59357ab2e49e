/** Our EAP-MSCHAPv2 and the second implementation's: the golden exchange, each end played by ours
 *  in turn, and exchanges of any chance and name. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hex, utf8 } from '@9p/packet';
import type { Rpc } from '../../plugins/auth/rpc.js';
import { SeededRandom } from '../kit/index.js';
import * as eap from '../second/eap.js';
import { authenticator, eapExchange, password, peer, user } from '../second/golden.js';
import { authenticatorResponse, masterKey, ntResponse } from '../second/keys.js';
import { ask, bench, say, writing } from '../unit/auth-bench.js';

/** One end of ours whose chances are these. */
function ours(role: 'client' | 'server', key: string, chance: Uint8Array, id = 8): Rpc {
  const b = bench([key]);
  const bytes = (n: number) => (n === 1 ? Uint8Array.of(id) : chance.slice(0, n));
  Object.assign(b.agent, { random: { u32: () => 0, bytes } });
  const rpc = b.open();
  assert.equal(say(rpc, `start proto=eap-mschapv2 role=${role} service=ppp`), 'ok');
  return rpc;
}
const keyOf = (name: string, secret: string) =>
  `proto=pass service=ppp user=${name} !password=${secret}`;
const gives = (rpc: Rpc, packet: Uint8Array) => assert.equal(say(rpc, writing(packet)), 'ok');
function packetOf(rpc: Rpc): Uint8Array {
  const b = ask(rpc, 'read');
  assert.equal(hex(b.subarray(0, 3)), hex(utf8('ok ')), Buffer.from(b).toString());
  return b.slice(3);
}
/** AuthInfo ends in the key and the authenticator response. */
function keyMade(rpc: Rpc): string {
  return hex(ask(rpc, 'authinfo')).slice(-72, -40);
}

test('the golden exchange: our client answers to the byte, and has the key', () => {
  const { packets, master } = eapExchange();
  const rpc = ours('client', keyOf(user, password), peer);
  for (const [i, packet] of packets.entries()) {
    if (i < 2) continue; // identities are the session's
    if (i % 2 === 0) gives(rpc, packet);
    else assert.equal(hex(packetOf(rpc)), hex(packet));
  }
  assert.equal(keyMade(rpc), hex(master));
});

test('the golden exchange: our server asks to the byte, and has the key', () => {
  const { packets, master } = eapExchange();
  const rpc = ours('server', keyOf(user, password), authenticator);
  assert.equal(say(rpc, `write ${user}`), 'ok');
  for (const [i, packet] of packets.entries()) {
    if (i < 2) continue;
    if (i % 2 === 1) gives(rpc, packet);
    else if (i !== 4) assert.equal(hex(packetOf(rpc)), hex(packet));
    else {
      // what is behind S=… is words, and each one's own
      const [mine, theirs] = [Buffer.from(packetOf(rpc)), Buffer.from(packet)];
      assert.equal(hex(mine.subarray(4, 7)), hex(theirs.subarray(4, 7)));
      assert.equal(mine.toString('latin1', 9, 51), theirs.toString('latin1', 9, 51));
    }
  }
  assert.equal(keyMade(rpc), hex(master));
});

test('any names, passwords and challenges: each end of ours with the second as the other', () => {
  for (let seed = 1; seed <= 50; seed++) {
    const r = new SeededRandom(seed);
    const word = () => Buffer.from(r.bytes(1 + r.below(20))).toString('hex');
    const [name, secret] = [word(), `${word()}é`];
    const [theirs, mine] = [r.bytes(16), r.bytes(16)];
    const nt = ntResponse(theirs, mine, name, secret);
    const proof = authenticatorResponse(theirs, mine, name, secret);
    const key = hex(masterKey(secret, nt));

    const client = ours('client', keyOf(name, secret), mine);
    gives(client, eap.challenge(3, 9, theirs, 'any'));
    const said = eap.parseResponse(packetOf(client));
    assert.deepEqual(said && [said.msId, hex(said.peer), hex(said.nt), said.user], [
      9,
      hex(mine),
      hex(nt),
      name,
    ]);
    gives(client, eap.success(4, 9, proof, ''));
    assert.equal(hex(packetOf(client)), hex(eap.acknowledge(4, eap.op.success)));
    gives(client, eap.end(4, true));
    assert.equal(keyMade(client), key);

    const server = ours('server', keyOf(name, secret), theirs, r.below(256));
    assert.equal(say(server, `write ${name}`), 'ok');
    const [, id = 0, , , , , msId = 0] = packetOf(server);
    gives(server, eap.response(id, msId, mine, nt, name));
    const success = Buffer.from(packetOf(server));
    assert.equal(success.toString('latin1', 9, 51), `S=${proof}`);
    gives(server, eap.acknowledge(success[1]!, eap.op.success));
    assert.equal(hex(packetOf(server)), hex(eap.end(success[1]!, true)));
    assert.equal(keyMade(server), key);
  }
});
