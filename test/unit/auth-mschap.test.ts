/** MS-CHAP and MS-CHAPv2: the vectors of RFC 2433, 2759 and 3079, and through rpc, both roles. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { md4 } from '@9p/crypto';
import { fromHex, hex, text, utf8 } from '@9p/packet';
import { parseAttrs } from '../../plugins/auth/attr.js';
import * as ms from '../../plugins/auth/mschap.js';
import type { Rpc } from '../../plugins/auth/rpc.js';
import { Session } from '../../plugins/auth/session.js';
import { SeededRandom } from '../kit/index.js';
import { ask, type Bench, bench, glenda, owner, say, sync, writing } from './auth-bench.js';

// RFC 2759 section 9.2, RFC 3079 section 3.5.3
const v2 = {
  user: 'User',
  password: 'clientPass',
  authenticatorChallenge: '5b5d7c7d7b3f2f3e3c2c602132262628',
  peerChallenge: '21402324255e262a28295f2b3a337c7e',
  challenge: 'd02e4386bce91226',
  passwordHash: '44ebba8d5312b8d611474411f56989ae',
  passwordHashHash: '41c00c584bd2d91c4017a2a12fa59f3f',
  ntResponse: '82309ecd8d708b5ea08faa3981cd83544233114a3d85d6df',
  masterKey: 'fdece3717a8c838cb388e527ae3cdd31',
  authenticatorResponse: '407a5589115fd0d6209f510fe9c04566932cda56',
};
// RFC 2433 appendix B.2; the start key is that of RFC 3079 section 2.5.3, for another password.
const v1 = {
  password: 'MyPw',
  challenge: '102db5df085d3041',
  passwordHash: 'fc156af7edcd6c0edde3337d427f4eac',
  ntResponse: '4e9d3c8f9cfd385d5bf4d3246791956ca4c351ab409a3d61',
};
// Its step 3 has `ac ca d1`, step 4 `ac c1 d1`; the key of step 5 comes of the latter.
const startKey = 'a8947850cfc0acc1d1789fb62ddcddb0';
const reserved = '0000000000000000';
const noLm = '00'.repeat(24);
const v2Reply = v2.peerChallenge + reserved + v2.ntResponse;
const v2Secret = v2.masterKey + v2.authenticatorResponse;

test('RFC 2759 section 9.2 and RFC 3079 section 3.5.3, step by step', () => {
  const hash = ms.ntPasswordHash(utf8(v2.password));
  assert.equal(hex(hash), v2.passwordHash);
  const hashHash = ms.withHashes(utf8(v2.password), (_, h) => h.slice());
  assert.equal(hex(hashHash), v2.passwordHashHash);
  const [peer, authenticator] = [fromHex(v2.peerChallenge), fromHex(v2.authenticatorChallenge)];
  const challenge = ms.challengeHash(peer, authenticator, v2.user);
  assert.equal(hex(challenge), v2.challenge);
  assert.deepEqual(ms.challengeHash(peer, authenticator, `BIGCO\\${v2.user}`), challenge);
  const ntResponse = ms.challengeResponse(challenge, hash);
  assert.equal(hex(ntResponse), v2.ntResponse);
  assert.equal(
    hex(ms.authenticatorResponse(hashHash, ntResponse, challenge)),
    v2.authenticatorResponse,
  );
  assert.equal(hex(ms.getMasterKey(hashHash, ntResponse)), v2.masterKey);
});

test('RFC 2433 appendix B.2, and the start key of RFC 3079 section 2.5.3', () => {
  const hash = ms.ntPasswordHash(utf8(v1.password));
  assert.equal(hex(hash), v1.passwordHash);
  assert.equal(hex(ms.challengeResponse(fromHex(v1.challenge), hash)), v1.ntResponse);
  assert.equal(hex(ms.getStartKey(fromHex(v1.challenge), fromHex(v2.passwordHashHash))), startKey);
});

test('the hashes are wiped when they were used', () => {
  const kept: Uint8Array[] = [];
  ms.withHashes(utf8('secret'), (...hashes) => kept.push(...hashes));
  assert.deepEqual(kept, [new Uint8Array(16), new Uint8Array(16)]);
});

test('a password is hashed in UTF-16', () => {
  for (const s of ['', 'password', 'é', '\u07ff\u0800\ud7ff\ue000\uffff', '😀x\u{10ffff}'])
    assert.equal(hex(ms.utf16(utf8(s))), Buffer.from(s, 'utf16le').toString('hex'), s);
  assert.equal(hex(ms.ntPasswordHash(utf8('password'))), '8846f7eaee8fb117ad06bdd830b7586c');
  assert.equal(hex(ms.ntPasswordHash(utf8(''))), hex(md4(new Uint8Array(0))));
  // Bytes that are no UTF-8: over-long, a surrogate, beyond U+10FFFF, cut short.
  for (const bad of ['c080', 'e09fbf', 'eda080', 'f08fbfbf', 'f4908080', 'ff', '80', 'e282'])
    assert.equal(hex(ms.utf16(fromHex(bad))), 'fdff'.repeat(bad.length / 2), bad);
});

/** A bench whose random bytes are these. */
function fixed(key: string, bytes: string): Bench {
  const b = bench([key]);
  const random = {
    u32: () => 0,
    bytes: (n: number) => {
      assert.equal(2 * n, bytes.length);
      return fromHex(bytes);
    },
  };
  Object.assign(b.agent, { random });
  return b;
}

const authinfo = (cuid: string, suid: string, secret: string): string => {
  const le16 = (n: number) => hex(Uint8Array.of(n, 0));
  const name = (s: string) => le16(s.length) + hex(utf8(s));
  return `${name(cuid)}${name(suid)}0000${le16(secret.length / 2)}${secret}`;
};

test('mschapv2, client: the transcript with the values of the RFC', () => {
  const rpc = fixed(
    `proto=pass service=ppp user=${v2.user} !password=${v2.password}`,
    v2.peerChallenge,
  ).open();
  assert.equal(say(rpc, 'start proto=mschapv2 role=client service=ppp'), 'ok');
  assert.equal(say(rpc, 'attr'), 'ok proto=mschapv2 role=client service=ppp user=User');
  assert.equal(say(rpc, 'read'), 'phase protocol phase error: read in state CNeedChal');
  assert.equal(say(rpc, 'authinfo'), 'error authentication unfinished');
  assert.equal(say(rpc, writing(fromHex(v2.authenticatorChallenge))), 'ok');
  assert.equal(say(rpc, 'write x'), 'phase protocol phase error: write in state CHaveResp');
  assert.equal(say(rpc, 'authinfo'), 'error authentication unfinished');
  assert.equal(hex(ask(rpc, 'read').subarray(3)), v2Reply);
  assert.equal(say(rpc, 'read'), 'done haveai');
  assert.equal(hex(ask(rpc, 'authinfo').subarray(3)), authinfo('User', 'none', v2Secret));
});

test('mschapv2, server: the transcript with the values of the RFC', () => {
  const b = fixed(
    `proto=pass service=ppp user=${v2.user} !password=${v2.password}`,
    v2.authenticatorChallenge,
  );
  const rpc = b.open();
  assert.equal(say(rpc, 'start proto=mschapv2 role=server service=ppp'), 'ok');
  assert.equal(hex(ask(rpc, 'read').subarray(3)), v2.authenticatorChallenge);
  assert.equal(say(rpc, 'read'), 'phase protocol phase error: read in state SNeedUser');
  assert.equal(say(rpc, 'write User'), 'ok');
  assert.equal(say(rpc, writing(fromHex(v2Reply))), 'ok');
  assert.equal(say(rpc, 'read'), 'done haveai');
  assert.equal(hex(ask(rpc, 'authinfo').subarray(3)), authinfo('User', 'User', v2Secret));
  assert.deepEqual([b.counted.get('done'), b.counted.get('failed')], [1, undefined]);
});

test('mschap: both transcripts with the values of the RFCs', () => {
  const client = bench([`proto=mschap !password=${v1.password}`]).open();
  assert.equal(say(client, 'start proto=mschap role=client'), 'ok');
  assert.equal(say(client, writing(fromHex(v1.challenge))), 'ok');
  assert.equal(hex(ask(client, 'read').subarray(3)), noLm + v1.ntResponse);
  assert.equal(say(client, 'read'), 'done haveai');
  // Known by the password and the challenge alone: who uses the key is not in it.
  const secret = hex(ask(client, 'authinfo').subarray(3)).slice(-32);

  const key = `proto=mschap user=glenda !password=${v1.password}`;
  const server = fixed(key, v1.challenge).open();
  assert.equal(say(server, 'start proto=mschap role=server'), 'ok');
  assert.equal(hex(ask(server, 'read').subarray(3)), v1.challenge);
  say(server, 'write glenda');
  assert.equal(say(server, writing(fromHex(noLm + v1.ntResponse))), 'ok');
  const info = hex(ask(server, 'authinfo').subarray(3));
  assert.equal(info, authinfo('glenda', 'glenda', secret));
});

test('mschap, client: the start key of RFC 3079 section 2.5.3', () => {
  const rpc = bench([`proto=mschap user=u !password=${v2.password}`]).open();
  say(rpc, 'start proto=mschap role=client');
  say(rpc, writing(fromHex(v1.challenge)));
  say(rpc, 'read');
  assert.equal(hex(ask(rpc, 'authinfo').subarray(3)), authinfo('u', 'none', startKey));
});

const challenge_bytes = { mschap: 8, mschapv2: 16 } as const;
type Proto = keyof typeof challenge_bytes;
const protos: readonly Proto[] = ['mschap', 'mschapv2'];

/** A server that has told its challenge. */
function serverOf(b: Bench, proto: Proto): { rpc: Rpc; challenge: Uint8Array } {
  const rpc = b.open();
  assert.equal(say(rpc, `start proto=${proto} role=server service=ppp`), 'ok');
  const challenge = ask(rpc, 'read').subarray(3);
  assert.equal(challenge.length, challenge_bytes[proto]);
  return { rpc, challenge };
}

/** What a client with `key` answers. */
function answer(key: string, proto: Proto, challenge: Uint8Array): { rpc: Rpc; reply: Uint8Array } {
  const b = bench([key]);
  Object.assign(b.agent, { random: new SeededRandom(11) });
  const rpc = b.open();
  assert.equal(say(rpc, `start proto=${proto} role=client service=ppp`), 'ok');
  assert.equal(say(rpc, writing(challenge)), 'ok');
  return { rpc, reply: ask(rpc, 'read').subarray(3) };
}

for (const proto of protos) {
  test(`${proto}: client against server, each with its own key`, () => {
    for (const [password, outcome] of [
      ['secret', 'ok'],
      ['Secret', 'error authentication failed'],
      ["''", 'error authentication failed'],
    ] as const) {
      const { rpc: server, challenge } = serverOf(bench([glenda]), proto);
      const key = `proto=${proto} service=ppp user=glenda !password=${password}`;
      const { rpc: client, reply } = answer(key, proto, challenge);
      say(server, 'write glenda');
      assert.equal(say(server, writing(reply)), outcome);
      if (outcome !== 'ok') continue;
      const secretOf = (rpc: Rpc) =>
        hex(ask(rpc, 'authinfo')).slice(proto === 'mschap' ? -32 : -72);
      assert.equal(secretOf(client), secretOf(server));
    }
  });

  test(`${proto}, server: every bit of the response counts, but for what is reserved`, () => {
    const b = bench([glenda]);
    const idle = proto === 'mschap' ? [0, 24] : [16, 24];
    for (let bit = 0; bit < 8 * 48; bit++) {
      const { rpc, challenge } = serverOf(b, proto);
      const { reply } = answer(glenda, proto, challenge);
      reply[bit >> 3]! ^= 1 << (bit & 7);
      say(rpc, 'write glenda');
      const counts = bit >> 3 < idle[0]! || bit >> 3 >= idle[1]!;
      const outcome = counts ? 'error authentication failed' : 'ok';
      assert.equal(say(rpc, writing(reply)), outcome, `bit ${bit}`);
    }
  });

  test(`${proto}, server: no user, another's name, lengths, five tries`, () => {
    const { rpc, challenge } = serverOf(bench([glenda]), proto);
    const { reply } = answer(glenda, proto, challenge);
    for (const name of ['nobody', '', 'Glenda', 'BIGCO\\glenda']) {
      say(rpc, `write ${name}`);
      for (let n = 0; n <= 50; n++) {
        if (n === 48) continue;
        const cut = new Uint8Array(n);
        cut.set(reply.subarray(0, n));
        assert.equal(say(rpc, writing(cut)), 'error did not get MSchapreply', `${n} bytes`);
      }
      assert.equal(say(rpc, writing(reply)), 'error authentication failed', name);
    }
    say(rpc, 'write nobody');
    assert.equal(say(rpc, writing(reply)), 'error too many tries');
    assert.equal(say(rpc, 'write glenda'), 'error too many tries');
  });

  test(`${proto}, client: what is no challenge`, () => {
    const rpc = bench([glenda]).open();
    say(rpc, `start proto=${proto} role=client service=ppp`);
    const n = challenge_bytes[proto];
    for (let short = 0; short < n; short++)
      assert.equal(say(rpc, writing(new Uint8Array(short))), `toosmall ${n}`);
    assert.equal(say(rpc, writing(new Uint8Array(n + 1))), 'error chap botch');
    assert.equal(say(rpc, writing(new Uint8Array(n))), 'ok');
  });

  test(`${proto}: a key that is wanted, and one that went`, () => {
    const b = bench();
    const rpc = b.open();
    const wanted = `needkey proto=pass role=client service=ppp user? !password?`;
    assert.equal(say(rpc, `start proto=${proto} role=client service=ppp`), wanted);
    b.ring.add(parseAttrs(utf8(glenda)), owner);
    assert.equal(say(rpc, `start proto=${proto} role=client service=ppp`), 'ok');
    b.ring.remove(parseAttrs(utf8('user=glenda')));
    assert.equal(say(rpc, writing(new Uint8Array(challenge_bytes[proto]))), wanted);
  });

  test(`${proto}: the shared secret is wiped with the authentication, in both roles`, () => {
    const b = bench([glenda]);
    const session = (role: string) => {
      const s = new Session(b.agent, owner, '1');
      s.start(parseAttrs(utf8(`proto=${proto} role=${role} service=ppp`)));
      return s;
    };
    const [client, server] = [session('client'), session('server')];
    const data = (s: Session) => {
      const r = sync(s.read(100));
      assert.ok(r.is === 'ok' && r.data !== undefined);
      return r.data;
    };
    sync(client.write(data(server)));
    sync(server.write(utf8('glenda')));
    assert.deepEqual(sync(server.write(data(client))), { is: 'ok' });
    for (const s of [client, server]) {
      const secret = s.info?.secret ?? new Uint8Array(0);
      assert.ok(secret.some((byte) => byte !== 0));
      assert.ok(!b.lines.some((l) => l.includes(hex(secret)) || l.includes(text(secret))));
      s.close();
      assert.deepEqual(secret, new Uint8Array(secret.length));
    }
  });
}
