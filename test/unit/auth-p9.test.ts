/** p9sk1 and p9any, both roles, against messages made here from the layouts of authsrv(6) by an
 *  encoder of the test's own; and the authentication server. */
import assert from 'node:assert/strict';
import { createCipheriv } from 'node:crypto';
import { test } from 'node:test';
import { desDecrypt, desEncrypt } from '@9p/crypto';
import { fromHex, hex, text, utf8 } from '@9p/packet';
import { parseAttrs } from '../../plugins/auth/attr.js';
import { AuthServer } from '../../plugins/auth/p9/authsrv.js';
import { decrypt, encrypt, passwordKey } from '../../plugins/auth/p9/des.js';
import type { Rpc } from '../../plugins/auth/rpc.js';
import { SeededRandom } from '../kit/index.js';
import { ask, type Bench, bench, owner, say, writing } from './auth-bench.js';

// The test's own tickets

/** A DES block by way of OpenSSL's two-key name, with the key spread bit by bit. */
function block(b: Buffer, key7: Uint8Array): Buffer {
  const bits = [...key7].map((x) => x.toString(2).padStart(8, '0')).join('');
  const key8 = Buffer.from(
    (bits.match(/.{7}/g) ?? []).map((seven) => Number.parseInt(`${seven}0`, 2)),
  );
  return createCipheriv('des-ede3-ecb', Buffer.concat([key8, key8, key8]), null)
    .setAutoPadding(false)
    .update(b);
}
function seal(b: Buffer, key: Uint8Array): Buffer {
  const n = Math.floor((b.length - 1) / 7);
  const r = (b.length - 1) % 7;
  for (let i = 0; i < n; i++) block(b.subarray(7 * i, 7 * i + 8), key).copy(b, 7 * i);
  if (r > 0) block(b.subarray(7 * (n - 1) + r, 7 * (n - 1) + r + 8), key).copy(b, 7 * (n - 1) + r);
  return b;
}
const str = (s: string, n: number): Buffer => Buffer.concat([Buffer.from(s), Buffer.alloc(n)], n);
const byte = (n: number): Buffer => Buffer.from([n]);
const treq = (
  authid: string,
  dom: string,
  chal: Uint8Array,
  host = '',
  uid = '',
  type = 1,
): Buffer =>
  Buffer.concat([byte(type), str(authid, 28), str(dom, 48), chal, str(host, 28), str(uid, 28)]);
const ticket = (
  num: number,
  chal: Uint8Array,
  uid: string,
  kn: Uint8Array,
  key: Uint8Array,
): Buffer => seal(Buffer.concat([byte(num), chal, str(uid, 28), str(uid, 28), kn]), key);
const proof = (num: number, chal: Uint8Array, kn: Uint8Array, id = 0): Buffer =>
  seal(Buffer.concat([byte(num), chal, Buffer.from([id, 0, 0, 0])]), kn);

const nobody = fromHex('00112233445566');
const kn = fromHex('0123456789abcd');
const clientKey = 'proto=p9sk1 dom=lone user=glenda !password=secret';
const serverKey = 'proto=p9sk1 dom=lone user=bootes !password=hostpass1234';
const [kc, ks] = [passwordKey(utf8('secret')), passwordKey(utf8('hostpass1234'))];
const start = (proto: string, role: string): string => `start proto=${proto} role=${role}`;

/** The bytes after `ok `. */
function data(rpc: Rpc, what = 'read'): Buffer {
  const b = Buffer.from(ask(rpc, what));
  assert.equal(b.subarray(0, 3).toString(), 'ok ', b.toString());
  return b.subarray(3);
}
const write = (rpc: Rpc, ...parts: Uint8Array[]): string => say(rpc, writing(...parts));
async function later(rpc: Rpc, ...parts: Uint8Array[]): Promise<string> {
  rpc.write(writing(...parts));
  return text(await rpc.read(8192));
}

// DES

test('DES back again, and the vectors of passwords of every length', () => {
  const r = new SeededRandom(3);
  for (let i = 0; i < 50; i++) {
    const [b, k] = [r.bytes(8), r.bytes(7)];
    assert.deepEqual(desDecrypt(desEncrypt(b, k), k), b);
  }
  // FIPS 81's example key and text, here with the parity bits.
  assert.equal(hex(desEncrypt(utf8('Now is t'), fromHex('0123456789abcdef'))), '3fa40e8a984d4815');
  for (const n of [8, 9, 13, 14, 15, 16, 72, 100]) {
    const [plain, key] = [r.bytes(n), r.bytes(7)];
    const sealed = plain.slice();
    encrypt(sealed, key);
    assert.equal(hex(sealed), seal(Buffer.from(plain), key).toString('hex'), `${n} bytes`);
    decrypt(sealed, key);
    assert.deepEqual(sealed, plain);
  }
});

test('the key of a password: the bits of 8 bytes, the next 8 sealed under it, the last overlap', () => {
  const squeeze = (w: Uint8Array): Uint8Array =>
    Uint8Array.from({ length: 7 }, (_, i) => ((w[i]! >> i) + (w[i + 1]! << (7 - i))) & 0xff);
  const pad = (s: string): Uint8Array => utf8(`${s}\0`.padEnd(8, ' '));
  assert.deepEqual(passwordKey(utf8('abc')), squeeze(pad('abc')));
  assert.deepEqual(passwordKey(utf8('')), squeeze(pad('')));
  assert.deepEqual(passwordKey(utf8('12345678')), squeeze(utf8('12345678')));
  const first = squeeze(utf8('abcdefgh'));
  const nine = seal(Buffer.from('bcdefghi'), first);
  assert.deepEqual(passwordKey(utf8('abcdefghi')), squeeze(nine));
  const long = 'abcdefghijklmnopqrstuvwxyz0';
  let key = first;
  for (const at of [8, 16]) key = squeeze(seal(Buffer.from(long.slice(at, at + 8)), key));
  // 3 bytes are left: the last 8, of which 5 are sealed already.
  const tail = Buffer.concat([
    seal(
      Buffer.from(long.slice(16, 24)),
      squeeze(seal(Buffer.from(long.slice(8, 16)), first)),
    ).subarray(3),
    Buffer.from(long.slice(24)),
  ]);
  key = squeeze(seal(tail, key));
  assert.deepEqual(passwordKey(utf8(long)), key);
  assert.deepEqual(passwordKey(utf8(`${long}xyz`)), key, '27 bytes count');
});

// The server role

function served(b = bench([serverKey])): { b: Bench; rpc: Rpc; chal: Buffer; mine: Uint8Array } {
  const rpc = b.open();
  assert.equal(say(rpc, start('p9sk1', 'server')), 'ok');
  const mine = utf8('client!!');
  assert.equal(write(rpc, mine.subarray(0, 5)), 'toosmall 8');
  assert.equal(write(rpc, mine), 'ok');
  const asked = data(rpc);
  const chal = asked.subarray(77, 85);
  assert.deepEqual(asked, treq('bootes', 'lone', chal));
  return { b, rpc, chal, mine };
}

test('server: ticket and authenticator as the layouts have them; authinfo', () => {
  const { rpc, chal, mine } = served();
  assert.equal(write(rpc, ticket(64, chal, 'glenda', kn, ks)), 'toosmall 85');
  assert.equal(write(rpc, ticket(64, chal, 'glenda', kn, ks), proof(67, chal, kn)), 'ok');
  assert.deepEqual(data(rpc), proof(66, mine, kn));
  assert.equal(say(rpc, 'read'), 'done haveai');
  const ai = data(rpc, 'authinfo');
  const name = Buffer.concat([Buffer.from([6, 0]), Buffer.from('glenda')]);
  assert.deepEqual(ai.subarray(0, 20), Buffer.concat([name, name, Buffer.from([0, 0, 8, 0])]));
  const bits = [...kn].map((x) => x.toString(2).padStart(8, '0')).join('');
  for (const [i, b] of [...ai.subarray(20)].entries()) {
    assert.equal((b >> 1).toString(2).padStart(7, '0'), bits.slice(7 * i, 7 * i + 7));
    assert.equal([...b.toString(2)].filter((x) => x === '1').length % 2, 1, 'odd parity');
  }
});

const lies: readonly [why: string, make: (chal: Uint8Array) => Uint8Array[]][] = [
  ['another key', (c) => [ticket(64, c, 'glenda', kn, kc), proof(67, c, kn)]],
  ['the ticket of the client', (c) => [ticket(65, c, 'glenda', kn, ks), proof(67, c, kn)]],
  ['a replayed ticket', (c) => [ticket(64, utf8('earlier!'), 'glenda', kn, ks), proof(67, c, kn)]],
  [
    'a replayed authenticator',
    (c) => [ticket(64, c, 'glenda', kn, ks), proof(67, utf8('earlier!'), kn)],
  ],
  ['a counter', (c) => [ticket(64, c, 'glenda', kn, ks), proof(67, c, kn, 1)]],
  ["the server's own authenticator", (c) => [ticket(64, c, 'glenda', kn, ks), proof(66, c, kn)]],
  ['another nonce key', (c) => [ticket(64, c, 'glenda', kn, ks), proof(67, c, kc)]],
  ['nobody', (c) => [ticket(64, c, '', kn, ks), proof(67, c, kn)]],
];
for (const [why, make] of lies)
  test(`server: refuses ${why}`, () => {
    const { b, rpc, chal } = served();
    assert.equal(write(rpc, ...make(chal)), 'error auth server protocol botch');
    assert.equal(say(rpc, 'read'), 'error auth server protocol botch');
    assert.equal(say(rpc, 'authinfo'), 'error authentication unfinished');
    assert.equal(b.counted.get('failed'), 1);
    assert.match(b.lines.join('\n'), /auth failed: user='?\?'? proto=p9sk1/);
  });

test('server: each bit of a good answer counts', () => {
  for (let bit = 0; bit < 8 * 85; bit += 5) {
    const { rpc, chal } = served();
    const good = Buffer.concat([ticket(64, chal, 'glenda', kn, ks), proof(67, chal, kn)]);
    good[bit >> 3]! ^= 1 << (bit & 7);
    const said = write(rpc, good);
    assert.equal(said, 'error auth server protocol botch', `bit ${bit}`);
  }
});

test('server: a challenge expires; no key; keys that are none', () => {
  const { b, rpc, chal } = served();
  b.clock.advance(60_001);
  const good = [ticket(64, chal, 'glenda', kn, ks), proof(67, chal, kn)];
  assert.equal(write(rpc, ...good), 'error challenge expired');
  assert.equal(
    say(bench().open(), start('p9sk1', 'server')),
    'needkey proto=p9sk1 role=server user? dom? !password?',
  );
  const bad: readonly [string, string][] = [
    ['proto=p9sk1 user=x !password=y', 'need user and dom attributes'],
    ['proto=p9sk1 dom=d user=x', 'need !password or !hex attribute'],
    ['proto=p9sk1 dom=d user=x !hex=0123', 'malformed !hex key data'],
    ['proto=p9sk1 dom=d user=x !hex=0123456789abcx', 'malformed !hex key data'],
    [`proto=p9sk1 dom=d user=${'x'.repeat(28)} !password=y`, 'user name too long'],
    [`proto=p9sk1 dom=${'x'.repeat(48)} user=u !password=y`, 'auth dom name too long'],
    ['proto=p9any dom=d user=x !password=y', "proto p9any doesn't take keys"],
  ];
  for (const [key, message] of bad) assert.throws(() => bench([key]), { message }, key);
});

// The client role

/** An authentication server that gives the tickets that `make` makes. */
function client(make: (asked: Buffer) => Uint8Array | Error): {
  b: Bench;
  rpc: Rpc;
  seen: Buffer[];
} {
  const b = bench([`${clientKey} auth=tcp!as!567`]);
  const seen: Buffer[] = [];
  b.agent.tickets = async (address, request) => {
    assert.equal(address, 'tcp!as!567');
    seen.push(Buffer.from(request));
    const made = make(Buffer.from(request));
    if (made instanceof Error) throw made;
    return made;
  };
  return { b, rpc: b.open(), seen };
}
const chal = utf8('server!!');
const both = (c: Uint8Array): Buffer =>
  Buffer.concat([ticket(65, c, 'glenda', kn, kc), ticket(64, c, 'glenda', kn, ks)]);

test('client: the request, the tickets, the authenticators', async () => {
  const { rpc, seen } = client((q) => both(q.subarray(77, 85)));
  assert.equal(say(rpc, start('p9sk1', 'client')), 'ok');
  const mine = data(rpc);
  assert.equal(mine.length, 8);
  const asked = treq('bootes', 'lone', chal, 'eve', 'eve');
  assert.equal(write(rpc, asked.subarray(0, 140)), 'toosmall 141');
  assert.equal(await later(rpc, asked), 'ok');
  assert.deepEqual(seen, [treq('bootes', 'lone', chal, 'glenda', 'glenda')], 'as ourselves');
  assert.deepEqual(
    data(rpc),
    Buffer.concat([ticket(64, chal, 'glenda', kn, ks), proof(67, chal, kn)]),
  );
  assert.equal(write(rpc, proof(66, mine, kn).subarray(1)), 'toosmall 13');
  assert.equal(write(rpc, proof(66, mine, kn)), 'ok');
  assert.equal(say(rpc, 'read'), 'done haveai');
});

test('client: a key that goes while the tickets are fetched opens none of them', async () => {
  const wiped = passwordKey(new Uint8Array('secret'.length));
  const { b, rpc } = client(() => {
    b.ring.remove(parseAttrs(utf8('user=glenda')));
    return Buffer.concat([ticket(65, chal, 'glenda', kn, wiped), ticket(64, chal, 'g', kn, ks)]);
  });
  say(rpc, start('p9sk1', 'client'));
  data(rpc);
  assert.match(await later(rpc, treq('bootes', 'lone', chal)), /^needkey proto=p9sk1 /);
  b.ring.add(parseAttrs(utf8(clientKey.replace('glenda', 'bootes'))), owner);
  assert.equal(write(rpc, treq('bootes', 'lone', chal)), 'ok', 'the step can be done again');
});

test('client: a server that does not know the key, tickets that are none, no server', async () => {
  const cases: readonly [make: (q: Buffer) => Uint8Array | Error, said: string][] = [
    [() => both(utf8('earlier!')), 'error bad key'],
    [
      () => Buffer.concat([ticket(65, chal, 'glenda', kn, nobody), ticket(64, chal, 'g', kn, ks)]),
      'error bad key',
    ],
    [() => Buffer.alloc(144), 'error bad key'],
    [() => new Error('remote: go away'), 'error gettickets: remote: go away'],
  ];
  for (const [make, said] of cases) {
    const { rpc } = client(make);
    say(rpc, start('p9sk1', 'client'));
    data(rpc);
    assert.equal(await later(rpc, treq('bootes', 'lone', chal)), said);
  }
  for (const answer of [
    proof(66, utf8('earlier!'), kn),
    proof(66, chal, nobody),
    proof(67, chal, kn),
  ]) {
    const { rpc } = client(() => both(chal));
    say(rpc, start('p9sk1', 'client'));
    data(rpc);
    await later(rpc, treq('bootes', 'lone', chal));
    data(rpc);
    assert.equal(write(rpc, answer), 'error auth server protocol botch');
  }
  const rpc = bench([clientKey]).open();
  say(rpc, start('p9sk1', 'client'));
  data(rpc);
  assert.equal(
    write(rpc, treq('bootes', 'lone', chal)),
    'error no authentication server known: a key for lone needs auth=',
  );
});

test('client: another domain needs another key; who has the key of the server asks nobody', () => {
  const rpc = bench([clientKey]).open();
  say(rpc, start('p9sk1', 'client'));
  data(rpc);
  assert.equal(
    write(rpc, treq('bootes', 'other', chal)),
    'needkey proto=p9sk1 role=client dom=other user? !password?',
  );
  assert.equal(
    write(rpc, treq('glenda', 'lone', chal, '', '', 3)),
    'error auth server protocol botch',
  );
  const own = bench([serverKey]);
  relay(own, own, 'p9sk1');
});

test('client: a server of another domain than was chosen gets nothing of its key', () => {
  const none = 'error no key matches proto=p9sk1 dom=lone dom=other';
  const keys = [clientKey, 'proto=p9sk1 dom=other user=glenda !password=secret'];
  const direct = bench(keys).open();
  say(direct, `${start('p9sk1', 'client')} dom=lone`);
  data(direct);
  assert.equal(write(direct, treq('glenda', 'other', chal)), none);
  const chosen = bench(keys).open();
  say(chosen, start('p9any', 'client'));
  say(chosen, 'write p9sk1@lone\0');
  assert.equal(data(chosen).toString(), 'p9sk1 lone\0');
  data(chosen);
  assert.equal(write(chosen, treq('glenda', 'other', chal)), none);
});

// Both, and p9any

/** Relays between a client and a server until both are done; what each calls the other. */
function relay(c: Bench, s: Bench, proto: string): string[] {
  const [client, server] = [c.open(), s.open()];
  assert.equal(say(client, start(proto, 'client')), 'ok');
  assert.equal(say(server, start(proto, 'server')), 'ok');
  const done = new Set<Rpc>();
  for (let i = 0; i < 20 && done.size < 2; i++)
    for (const [a, b] of [
      [client, server],
      [server, client],
    ] as const) {
      const said = Buffer.from(ask(a, 'read'));
      if (said.toString().startsWith('done')) done.add(a);
      else if (said.subarray(0, 3).toString() === 'ok ')
        assert.equal(write(b, said.subarray(3)), 'ok');
      else assert.match(said.toString(), /^phase /);
    }
  assert.equal(done.size, 2);
  const secrets = [client, server].map((r) => data(r, 'authinfo').subarray(-8).toString('hex'));
  assert.equal(secrets[0], secrets[1]);
  return [client, server].map((r) => say(r, 'attr'));
}

test('p9any: offers, choice, and p9sk1 within', () => {
  const own = bench([serverKey]);
  relay(own, own, 'p9any');
  const rpc = bench([serverKey, 'proto=p9sk1 dom=two user=b !password=x']).open();
  say(rpc, start('p9any', 'server'));
  assert.equal(data(rpc).toString(), 'p9sk1@lone p9sk1@two\0');
  assert.equal(say(rpc, 'write p9sk1 tw'), 'toosmall 4090');
  assert.equal(say(rpc, 'write p9sk1 two\0'), 'ok');
  assert.equal(write(rpc, utf8('8 bytes!')), 'ok');
  assert.equal(data(rpc).subarray(29, 33).toString(), 'two\0');
});

test('p9any: what is refused', () => {
  const none = 'error negotiation failed, no common protocols or keys';
  for (const choice of ['p9sk1 other\0', 'dp9ik lone\0', 'p9sk1\0', 'p9sk1 lone more\0', '\0']) {
    const rpc = bench([serverKey]).open();
    say(rpc, start('p9any', 'server'));
    data(rpc);
    assert.equal(say(rpc, `write ${choice}`), none, choice);
  }
  for (const [offer, said] of [
    ['dp9ik@lone\0', none],
    ['\0', none],
    ['v.3 p9sk1@lone\0', 'error unknown p9any version: v.3'],
    ['p9sk1@other\0', 'needkey proto=p9sk1 role=client dom=other user? !password?'],
    ['p9sk1@lone', 'toosmall 4090'],
  ] as const) {
    const rpc = bench([clientKey]).open();
    say(rpc, start('p9any', 'client'));
    assert.equal(say(rpc, `write ${offer}`), said, offer);
  }
  const picky = bench([clientKey]).open();
  say(picky, `${start('p9any', 'client')} dom=other`);
  assert.equal(say(picky, 'write p9sk1@lone\0'), none);
  assert.equal(
    say(bench().open(), start('p9any', 'server')),
    'needkey proto=p9sk1 role=server user? dom? !password?',
  );
});

test('p9any: version 2 waits for the OK', () => {
  const rpc = bench([clientKey]).open();
  say(rpc, start('p9any', 'client'));
  assert.equal(say(rpc, 'write v.2 dp9ik@lone p9sk1@lone\0'), 'ok');
  assert.equal(data(rpc).toString(), 'p9sk1 lone\0');
  assert.equal(say(rpc, 'read'), 'phase protocol phase error: read in state CNeedOK');
  assert.equal(say(rpc, 'write O'), 'toosmall 3');
  assert.equal(say(rpc, 'write OK\0'), 'ok');
  assert.equal(data(rpc).length, 8);
});

// The authentication server

const users: Record<string, Uint8Array> = { 'glenda lone': kc, 'bootes lone': ks };
const authServer = (): AuthServer =>
  new AuthServer({
    random: new SeededRandom(9),
    withKey: (user, dom, f) => {
      const key = users[`${user} ${dom}`];
      return key === undefined ? undefined : f(key);
    },
  });
const open = (b: Uint8Array, key: Uint8Array): Buffer => {
  const c = Uint8Array.from(b);
  decrypt(c, key);
  return Buffer.from(c);
};

test('authentication server: two tickets, whole or in pieces; the same for unknown names', () => {
  const request = treq('bootes', 'lone', chal, 'glenda', 'glenda');
  const s = authServer();
  assert.deepEqual(s.receive(request.subarray(0, 50)), []);
  const [a, ...more] = s.receive(request.subarray(50));
  assert.deepEqual(more, []);
  const reply = Buffer.from(a!.reply);
  assert.equal(reply.length, 145);
  assert.equal(reply[0], 4);
  const [mine, theirs] = [open(reply.subarray(1, 73), kc), open(reply.subarray(73), ks)];
  assert.deepEqual([mine[0], theirs[0]], [65, 64]);
  assert.deepEqual(mine.subarray(1), theirs.subarray(1), 'the same but for the number');
  assert.deepEqual(
    mine.subarray(1, 65),
    Buffer.concat([chal, str('glenda', 28), str('glenda', 28)]),
  );
  for (const bad of [
    treq('bootes', 'lone', chal, 'eve', 'eve'),
    treq('bootes', 'lone', chal, 'glenda', 'bootes'),
    treq('bootes', 'other', chal, 'glenda', 'glenda'),
  ]) {
    const b = Buffer.from(authServer().receive(bad)[0]!.reply);
    assert.equal(b.length, 145);
    // What eve could open: nothing; what glenda could of what is not hers: nothing.
    const mine = open(b.subarray(1, 73), kc);
    assert.ok(!mine.subarray(1, 9).equals(Buffer.from(chal)));
  }
});

test('authentication server: asked twice, tickets begin alike whether the name is known', () => {
  for (const [server, user] of [
    ['bootes', 'glenda'],
    ['bootes', 'eve'],
    ['nohost', 'glenda'],
  ] as const) {
    const s = authServer();
    const request = treq(server, 'lone', chal, user, user);
    const [a, b] = [request, request].map((r) => Buffer.from(s.receive(r)[0]!.reply));
    for (const at of [1, 73])
      assert.deepEqual(a!.subarray(at, at + 56), b!.subarray(at, at + 56), `${server} ${user}`);
    assert.notDeepEqual(a, b, 'the nonce differs');
  }
});

test('authentication server: a challenge box; what it does not know ends the connection', () => {
  const request = treq('', 'lone', chal, 'bootes', 'glenda', 2);
  const box = (s: AuthServer): string =>
    text(s.receive(request)[0]!.reply.subarray(1)).split('\0')[0]!;
  const shown = (c: string): string => block(str(c, 8), kc).subarray(0, 4).toString('hex');
  const digits = (h: string): string =>
    h.replace(/./g, (x) => (/\d/.test(x) ? x : 'abc'.includes(x) ? '2' : '3'));
  for (const as of [(h: string) => h, digits]) {
    const s = authServer();
    const [a] = s.receive(str(as(shown(box(s))), 16));
    assert.deepEqual(a!.login, { user: 'glenda', ok: true });
    const reply = Buffer.from(a!.reply);
    assert.equal(reply.length, 1 + 72 + 13);
    const opened = open(reply.subarray(1, 73), ks);
    assert.deepEqual(opened.subarray(0, 37), Buffer.concat([byte(64), chal, str('glenda', 28)]));
    assert.deepEqual(reply.subarray(73), proof(67, chal, opened.subarray(65)));
  }
  const s = authServer();
  box(s);
  const [no] = s.receive(str('00000000', 16));
  assert.deepEqual([no!.login?.ok, no!.last], [false, true]);
  assert.equal(Buffer.from(no!.reply).toString().replace(/\0+$/, ''), '\x05cr-fail');
  const [unknown] = authServer().receive(treq('a', 'b', chal, 'c', 'd', 3));
  assert.equal(unknown!.last, true);
  assert.equal(unknown!.reply.length, 65);
  assert.equal(authServer().receive(new Uint8Array(1200))[0]!.last, true, 'bounded');
});
