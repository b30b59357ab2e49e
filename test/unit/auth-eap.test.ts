/** eap-md5 and eap-mschapv2: packets by an encoder of the test's own, both roles, what is wrong. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { fromHex, hex, text } from '@9p/packet';
import type { Judge } from '../../plugins/auth/judge.js';
import { eapMschapv2 } from '../../plugins/auth/proto/eapmschapv2.js';
import type { Exchange, Party } from '../../plugins/auth/protocol.js';
import type { Rpc } from '../../plugins/auth/rpc.js';
import { ask, type Bench, bench, glenda, owner, say, writing } from './auth-bench.js';

const eap = (code: number, id: number, ...data: (Buffer | number[])[]): Buffer => {
  const body = Buffer.concat(data.map((d) => Buffer.from(d)));
  return Buffer.concat([Buffer.from([code, id, 0, 4 + body.length]), body]);
};
const ms = (op: number, id: number, ...data: (Buffer | number[])[]): Buffer => {
  const body = Buffer.concat(data.map((d) => Buffer.from(d)));
  return Buffer.concat([Buffer.from([op, id, 0, 4 + body.length]), body]);
};
const write = (rpc: Rpc, b: Uint8Array): string => say(rpc, writing(b));
function packet(rpc: Rpc): Buffer {
  const b = Buffer.from(ask(rpc, 'read'));
  assert.equal(b.toString('latin1', 0, 3), 'ok ', b.toString());
  return b.subarray(3);
}
const md5 = (id: number, secret: string, challenge: Uint8Array): Buffer =>
  createHash('md5')
    .update(Buffer.from([id]))
    .update(secret)
    .update(challenge)
    .digest();

function started(proto: string, role: string, b: Bench = bench([glenda])): Rpc {
  const rpc = b.open();
  assert.equal(say(rpc, `start proto=${proto} role=${role} service=ppp`), 'ok');
  return rpc;
}

/** A server that was told the name, and its first request. */
function asking(proto: string, b = bench([glenda])): { rpc: Rpc; request: Buffer; id: number } {
  const rpc = started(proto, 'server', b);
  assert.equal(say(rpc, 'write glenda'), 'ok');
  const request = packet(rpc);
  return { rpc, request, id: request[1]! };
}

test('eap-md5, server: request, response, Success', () => {
  const { rpc, request, id } = asking('eap-md5');
  const challenge = request.subarray(6);
  assert.deepEqual(request, eap(1, id, [4, 16], challenge));
  assert.equal(
    write(rpc, eap(2, id, [4, 16], md5(id, 'secret', challenge), Buffer.from('me'))),
    'ok',
  );
  assert.deepEqual(packet(rpc), eap(3, id));
  assert.equal(say(rpc, 'read'), 'done haveai');
});

test('eap-md5, server: a wrong response gets Failure; what is none changes nothing', () => {
  const b = bench([glenda]);
  const { rpc, request, id } = asking('eap-md5', b);
  const right = md5(id, 'secret', request.subarray(6));
  for (const bad of [
    eap(2, id ^ 1, [4, 16], right),
    eap(1, id, [4, 16], right),
    eap(2, id, [5, 16], right),
    eap(2, id, [4, 15], right.subarray(1)),
    eap(2, id, [4]),
    Buffer.from([2, id, 0, 200, 4]),
    Buffer.from([2, id]),
    Buffer.alloc(0),
  ])
    assert.equal(write(rpc, bad), 'error eap botch', hex(bad));
  assert.equal(write(rpc, eap(2, id, [3, 26])), 'error the peer refuses this method');
  assert.equal(write(rpc, eap(2, id, [4, 16], md5(id, 'guess', request.subarray(6)))), 'ok');
  assert.deepEqual(packet(rpc), eap(4, id));
  assert.match(say(rpc, 'read'), /^error /);
  assert.match(write(rpc, eap(2, id, [4, 16], right)), /^error /);
  assert.equal(b.counted.get('failed'), 1);
});

test('eap-md5, client', () => {
  const rpc = started('eap-md5', 'client');
  assert.equal(write(rpc, eap(3, 9)), 'error eap botch', 'Success before anything was said');
  assert.equal(write(rpc, eap(1, 9, [4, 3, 1, 2, 3], Buffer.from('isp'))), 'ok');
  assert.deepEqual(
    packet(rpc),
    eap(2, 9, [4, 16], md5(9, 'secret', Buffer.from([1, 2, 3])), Buffer.from('glenda')),
  );
  assert.equal(write(rpc, eap(3, 9)), 'ok');
  assert.equal(say(rpc, 'read'), 'done');
  const other = started('eap-md5', 'client');
  for (const bad of [
    eap(1, 9, [4, 0]),
    eap(1, 9, [4, 5, 1]),
    eap(1, 9, [26, 1]),
    eap(2, 9, [4, 1, 1]),
  ])
    assert.equal(write(other, bad), 'error eap botch');
  assert.equal(write(other, eap(4, 9)), 'error authentication failed');
});

// RFC 2759 section 9.2
const v2 = {
  key: 'proto=pass service=ppp user=User !password=clientPass',
  challenge: fromHex('5b5d7c7d7b3f2f3e3c2c602132262628'),
  peer: fromHex('21402324255e262a28295f2b3a337c7e'),
  nt: fromHex('82309ecd8d708b5ea08faa3981cd83544233114a3d85d6df'),
  proof: '407A5589115FD0D6209F510FE9C04566932CDA56',
  masterKey: 'fdece3717a8c838cb388e527ae3cdd31',
};
const response = (msId: number, name: string, nt: Uint8Array = v2.nt, id = msId): Buffer =>
  eap(
    2,
    id,
    [26],
    ms(
      2,
      msId,
      [49],
      Buffer.from(v2.peer),
      Buffer.alloc(8),
      Buffer.from(nt),
      [0],
      Buffer.from(name),
    ),
  );

/** A bench whose next random bytes are these, after one for the identifier. */
function rigged(key: string, bytes: Uint8Array, judge?: Judge): Bench {
  const b = bench([key], judge);
  Object.assign(b.agent, {
    random: {
      u32: () => 0,
      bytes: (n: number) => (n === 1 ? Uint8Array.of(7) : bytes.slice(0, n)),
    },
  });
  return b;
}
function v2Asking(judge?: Judge): Rpc {
  const rpc = started('eap-mschapv2', 'server', rigged(v2.key, v2.challenge, judge));
  assert.equal(say(rpc, 'write User'), 'ok');
  assert.deepEqual(
    packet(rpc),
    eap(1, 7, [26], ms(1, 7, [16], Buffer.from(v2.challenge), Buffer.from('slashnet'))),
  );
  return rpc;
}

test('eap-mschapv2, server: the vectors of RFC 2759, Success heard, the keys', () => {
  const rpc = v2Asking();
  assert.equal(write(rpc, response(7, 'DOM\\User')), 'ok', 'the domain does not count');
  const text_ = Buffer.from(`S=${v2.proof} M=Access granted`);
  assert.deepEqual(packet(rpc), eap(1, 8, [26], ms(3, 7, text_)));
  assert.equal(write(rpc, eap(2, 8, [26, 4])), 'error eap botch', 'a failure that was none');
  assert.equal(write(rpc, eap(2, 8, [26, 3])), 'ok');
  assert.deepEqual(packet(rpc), eap(3, 8));
  assert.equal(say(rpc, 'read'), 'done haveai');
  const ai = Buffer.from(ask(rpc, 'authinfo')).toString('hex');
  assert.ok(ai.endsWith(v2.masterKey + v2.proof.toLowerCase()));
});

test('eap-mschapv2, server: a wrong response, another name', () => {
  for (const [name, nt] of [
    ['User', fromHex('00'.repeat(24))],
    ['Other', v2.nt],
  ] as const) {
    const rpc = v2Asking();
    assert.equal(write(rpc, response(7, name, nt)), 'ok');
    const failure = packet(rpc);
    assert.match(
      text(failure.subarray(9)),
      /^E=691 R=0 C=5B5D7C7D7B3F2F3E3C2C602132262628 V=3 M=Access denied$/,
    );
    assert.deepEqual([...failure.subarray(0, 6)], [1, 8, 0, failure.length, 26, 4]);
    assert.equal(write(rpc, eap(2, 8, [26, 3])), 'error eap botch', 'a success that was none');
    assert.equal(write(rpc, eap(2, 8, [26, 4])), 'ok');
    assert.deepEqual(packet(rpc), eap(4, 8));
    assert.match(say(rpc, 'read'), /^error /);
    assert.equal(say(rpc, 'authinfo'), 'error authentication unfinished');
  }
});

test('eap-mschapv2, server: other tries, each with the challenge of the failure before', () => {
  const b = rigged(v2.key, v2.challenge);
  const start = (tries: string): Rpc => {
    const rpc = b.open();
    const what = `start proto=eap-mschapv2 role=server service=ppp tries=${tries}`;
    assert.equal(say(rpc, what), 'ok');
    say(rpc, 'write User');
    packet(rpc);
    return rpc;
  };
  const wrong = fromHex('00'.repeat(24));
  const fails = (rpc: Rpc, msId: number, id: number, more: boolean): void => {
    assert.equal(write(rpc, response(msId, 'User', wrong, id)), 'ok');
    assert.match(
      text(packet(rpc).subarray(9)),
      new RegExp(`^E=691 R=${more ? 1 : 0} C=[0-9A-F]{32} `),
    );
  };
  const rpc = start('3');
  fails(rpc, 7, 7, true);
  fails(rpc, 8, 8, true);
  assert.equal(write(rpc, response(10, 'User', v2.nt, 9)), 'error eap botch', 'not the next');
  assert.equal(write(rpc, response(8, 'User', v2.nt, 9)), 'ok', 'the same will do');
  assert.match(text(packet(rpc).subarray(9)), /^S=/);
  assert.equal(write(rpc, response(8, 'User', v2.nt, 10)), 'error eap botch', 'it is over');
  assert.equal(write(rpc, eap(2, 10, [26, 3])), 'ok');
  assert.deepEqual(packet(rpc), eap(3, 10));

  const last = start('2');
  fails(last, 7, 7, true);
  fails(last, 8, 8, false);
  assert.equal(write(last, response(9, 'User', v2.nt, 9)), 'error eap botch', 'no third');
  assert.equal(write(last, eap(2, 9, [26, 4])), 'ok');
  assert.deepEqual(packet(last), eap(4, 9));

  const declined = start('5');
  fails(declined, 7, 7, true);
  assert.equal(write(declined, eap(2, 8, [26, 4])), 'ok');
  assert.deepEqual(packet(declined), eap(4, 8));
  for (const tries of ['0', 'many', '-3']) fails(start(tries), 7, 7, false);
  const bounded = start('1000');
  for (let n = 0; n < 5; n++) fails(bounded, 7 + n, 7 + n, n < 4);
});

test('eap-mschapv2, server: a RADIUS server judges by challenge and response, and has the keys', async () => {
  const secret = Buffer.concat([Buffer.alloc(16, 1), Buffer.alloc(20, 2)]);
  const rpc = v2Asking(async (claim) => {
    assert.deepEqual([claim.user, hex(claim.challenge!)], ['User', hex(v2.challenge)]);
    assert.equal(hex(claim.response.subarray(24)), hex(v2.nt));
    return { cuid: 'User', suid: 'User', secret: Uint8Array.from(secret) };
  });
  rpc.write(writing(response(7, 'User')));
  assert.equal(text(await rpc.read(4096)), 'ok');
  assert.ok(packet(rpc).includes(`S=${'02'.repeat(20)}`));
});

test('a key that was agreed on is wiped when it ends before its Success, in both roles', () => {
  const secret = new Uint8Array(36).fill(1);
  const rpc = v2Asking(() => ({ cuid: 'User', suid: 'User', secret }));
  assert.equal(write(rpc, response(7, 'User')), 'ok');
  assert.equal(say(rpc, 'authinfo'), 'error authentication unfinished');
  rpc.close();
  assert.ok(secret.every((x) => x === 0));

  const b = rigged(v2.key, v2.peer);
  const party = { random: b.agent.random, key: () => b.ring.find([], owner) } as unknown as Party;
  const client = eapMschapv2.client!(party) as Exchange;
  client.write(eap(1, 5, [26], ms(1, 5, [16], Buffer.from(v2.challenge), Buffer.from('isp'))));
  assert.equal(hex(client.info!.secret.subarray(0, 16)), v2.masterKey, 'known to who closes it');
});

test('eap-md5, server: a Nak to another request refuses nothing', () => {
  const { rpc, id } = asking('eap-md5');
  assert.equal(write(rpc, eap(2, id ^ 1, [3, 26])), 'error eap botch');
});

test('a judge that fails says no, and holds up nothing', async () => {
  const { rpc, request, id } = asking(
    'eap-md5',
    bench([glenda], () => Promise.reject(new Error('no answer from radius'))),
  );
  rpc.write(writing(eap(2, id, [4, 16], md5(id, 'secret', request.subarray(6)))));
  assert.equal(text(await rpc.read(4096)), 'ok');
  assert.deepEqual(packet(rpc), eap(4, id));
});

test('eap-mschapv2, client: proves, believes only a server that does', () => {
  const make = () => started('eap-mschapv2', 'client', rigged(v2.key, v2.peer));
  const challenge = eap(1, 5, [26], ms(1, 5, [16], Buffer.from(v2.challenge), Buffer.from('isp')));
  const rpc = make();
  assert.equal(write(rpc, challenge), 'ok');
  assert.deepEqual(packet(rpc), response(5, 'User'));
  assert.equal(write(rpc, eap(3, 5)), 'error eap botch', 'Success without its proof');
  assert.equal(write(rpc, eap(1, 6, [26], ms(3, 5, Buffer.from(`S=${v2.proof} M=hi`)))), 'ok');
  assert.deepEqual(packet(rpc), eap(2, 6, [26, 3]));
  assert.equal(write(rpc, eap(3, 6)), 'ok');
  assert.equal(say(rpc, 'read'), 'done haveai');

  const liar = make();
  write(liar, challenge);
  packet(liar);
  for (const lie of [`S=${'0'.repeat(40)}`, `S=${v2.proof.slice(1)}`, ''])
    assert.equal(
      write(liar, eap(1, 6, [26], ms(3, 5, Buffer.from(lie)))),
      'error bad authenticator',
    );
  assert.equal(write(liar, eap(3, 6)), 'error eap botch');

  const failed = make();
  write(failed, challenge);
  packet(failed);
  assert.equal(write(failed, eap(1, 6, [26], ms(4, 5, Buffer.from('E=691 R=0')))), 'ok');
  assert.deepEqual(packet(failed), eap(2, 6, [26, 4]));
  assert.equal(write(failed, eap(4, 6)), 'error authentication failed');

  const bad = make();
  for (const b of [
    eap(1, 5, [26], ms(3, 5)),
    eap(1, 5, [26], ms(7, 5)),
    eap(1, 5, [26], ms(1, 5, [15], Buffer.alloc(15))),
    eap(1, 5, [26], Buffer.from([1, 5, 0, 99])),
    eap(1, 5, [26]),
  ])
    assert.equal(write(bad, b), 'error eap botch', hex(b));
});
