/** MPPE: its keys by the vectors of RFC 3079, its packets through loss, and with a peer that
 *  changes the key as Linux does. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hex, Packet, packetOf, u16, utf8 } from '@9p/packet';
import type { MppeKeys } from '../../plugins/ppp/authentication.js';
import { flags, type Mode, Mppe } from '../../plugins/ppp/mppe.js';
import { type Bits, SessionKey, startKey } from '../../plugins/ppp/mppekey.js';
import { bytes, embedded, SeededRandom } from '../kit/index.js';

const v1: MppeKeys = {
  method: 'mschap',
  key: bytes('a8947850cfc0acc1d1789fb62ddcddb0'),
  server: true,
};
/** RFC 3079 section 3.5: the master key. */
const v2 = (server: boolean): MppeKeys => ({
  method: 'mschapv2',
  key: bytes('fdece3717a8c838cb388e527ae3cdd31'),
  server,
});

test('keys of MS-CHAP: RFC 3079 section 2.5', () => {
  for (const send of [true, false]) {
    const key = new SessionKey(startKey(v1, send), 128);
    assert.equal(hex(key.bytes), '59d159bc09f76f1da2a86a28ffec0b1e');
  }
  const lm = bytes('76a152936096d783');
  assert.equal(hex(new SessionKey(lm, 40).bytes), 'd1269e538cec4a08');
  assert.equal(hex(new SessionKey(lm, 56).bytes), 'd10801538cec4a08');
});

test('keys of MS-CHAPv2: RFC 3079 section 3.5, and its messages', () => {
  // That is the server's send key, and so the client's receive key.
  for (const [server, send] of [
    [true, true],
    [false, false],
  ] as const) {
    const start = startKey(v2(server), send);
    assert.equal(hex(start), '8b7cdc149b993a1ba118cb153f56dccb');
    for (const [bits, session, message] of [
      [40, 'd1269ec49fa62e3e', '929137917e5803d668d75898'],
      [56, 'd15c00c49fa62e3e', '3f106833fa448da842bc57b8'], // the RFC ends in 58; OpenSSL in b8
      [128, '405cb2247a7956e6e211007ae27b22d4', '81848317df68846272fb5abe'],
    ] as const) {
      const key = new SessionKey(start, bits);
      assert.equal(hex(key.bytes), session);
      const text = utf8('test message');
      key.rc4.crypt(text);
      assert.equal(hex(text), message);
    }
  }
  assert.notEqual(hex(startKey(v2(true), false)), hex(startKey(v2(true), true)));
});

test('a key that is wiped is gone', () => {
  const key = new SessionKey(startKey(v2(true), true), 128);
  key.wipe();
  assert.equal(hex(key.bytes), '00'.repeat(16));
});

const nobody = { reset: () => undefined, restart: () => undefined };
const ip = (n: number): string => `002145${n.toString(16).padStart(6, '0')}${'5a'.repeat(60)}`;

/** As it lies in a receive arena. */
function arena(b: Uint8Array): Packet {
  const { buf, start, end } = embedded(b);
  return new Packet(buf, 0, start, end, buf.length, false);
}

/** A sender and a receiver, and what the receiver asked for. */
function line(o: Partial<Mode> = {}) {
  const mode: Mode = { bits: 128, stateless: true, compress: false, ...o };
  const asked: string[] = [];
  const note = { reset: () => asked.push('reset'), restart: () => asked.push('restart') };
  const keys = mode.bits === 0 ? undefined : v2(true);
  const a = new Mppe(mode, undefined, keys, note);
  const b = new Mppe(undefined, mode, keys && v2(false), note);
  const send = (packet: string): Uint8Array => {
    const p = packetOf(bytes(packet));
    assert.ok(a.down(p));
    return p.bytes().slice();
  };
  const take = (frame: Uint8Array): string => {
    const p = arena(frame);
    return b.up(p) ?? hex(p.bytes());
  };
  const flush = (): void => a.sender?.flush();
  return { a, b, send, take, flush, asked };
}
const modes: readonly Partial<Mode>[] = ([128, 56, 40] as const).flatMap((bits: Bits) =>
  [true, false].flatMap((stateless) =>
    [true, false].map((compress) => ({ bits, stateless, compress })),
  ),
);

for (const mode of modes)
  test(`5000 packets in order: ${JSON.stringify(mode)}`, () => {
    const { send, take, asked, b } = line(mode);
    for (let i = 0; i < 5000; i++) {
      const frame = send(ip(i));
      assert.equal(u16(frame, 0) & 0xfff, i % 4096);
      assert.ok((u16(frame, 0) & flags.encrypted) !== 0);
      assert.ok(!mode.stateless || (u16(frame, 0) & flags.flushed) !== 0);
      assert.equal(take(frame), ip(i), `packet ${i}`);
    }
    assert.deepEqual([asked, b.receiver?.lost], [[], 0]);
  });

for (const lost of [1, 2, 255, 256, 257, 1000, 4031, 4032, 4094, 4095, 4096, 5000, 8000])
  test(`stateless: ${lost} lost packets are survived, and no more than 64 with them`, () => {
    const { send, take, b } = line();
    for (let i = 0; i < 300; i++) assert.equal(take(send(ip(i))), ip(i));
    for (let i = 0; i < lost; i++) send(ip(0));
    let more = 0;
    while (take(send(ip(7))) !== ip(7)) assert.ok(++more <= 64);
    assert.ok(lost > 4031 || more === 0);
    for (let i = 0; i < 300; i++) assert.equal(take(send(ip(i))), ip(i));
    if (lost < 4032) assert.equal(b.receiver?.lost, lost);
  });

/** Sends until the receiver is back in step, answering it as CCP does. */
function recover(l: ReturnType<typeof line>): number {
  for (let n = 1; n < 70; n++) {
    if (l.asked.splice(0).includes('reset')) l.flush();
    if (l.take(l.send(ip(9))) === ip(9)) return n;
  }
  assert.fail('never in step again');
}

for (const compress of [false, true])
  for (const lost of [1, 5, 254, 255, 256, 700, 4090, 5000])
    test(`stateful: ${lost} lost packets, compress ${compress}`, () => {
      for (const before of [10, 254, 255, 256, 300]) {
        const l = line({ stateless: false, compress });
        for (let i = 0; i < before; i++) assert.equal(l.take(l.send(ip(i))), ip(i));
        for (let i = 0; i < lost; i++) l.send(ip(1));
        const n = recover(l);
        assert.ok(n <= 2 || lost >= 4000, `${n} packets`);
        for (let i = 0; i < 600; i++) assert.equal(l.take(l.send(ip(i))), ip(i));
      }
    });

test('stateful: the packet after a Reset-Request has another key than any before it', () => {
  const { a, b, send, take, flush } = line({ stateless: false });
  const first = send(ip(1));
  flush();
  const second = send(ip(1));
  assert.equal(u16(second, 0), flags.flushed | flags.encrypted | 0x0ff);
  assert.notEqual(hex(first.subarray(2)), hex(second.subarray(2)));
  assert.equal(take(second), ip(1));
  assert.equal(take(send(ip(2))), ip(2));
  assert.deepEqual([a.sender?.packets, b.receiver?.packets], [3, 2]);
});

test('stateful: flushed packets lost as well', () => {
  const l = line({ stateless: false });
  for (let i = 0; i < 20; i++) l.take(l.send(ip(i)));
  for (let round = 0; round < 7; round++) {
    l.flush();
    l.send(ip(1));
    l.send(ip(2));
  }
  recover(l);
  for (let i = 0; i < 600; i++) assert.equal(l.take(l.send(ip(i))), ip(i));
});

/** Linux's sender: a flushed packet always has a new key, also between two flags. */
class Linux {
  readonly #key = new SessionKey(startKey(v2(true), true), 128);
  #count = 0xfff;
  flush = false;
  send(packet: string): Uint8Array {
    this.#count = (this.#count + 1) & 0xfff;
    const flushed = this.flush || (this.#count & 0xff) === 0xff;
    if (flushed) {
      this.#key.change();
      this.#key.begin();
    }
    this.flush = false;
    const data = bytes(packet);
    this.#key.rc4.crypt(data);
    const head = (flushed ? flags.flushed : 0) | flags.encrypted | this.#count;
    return Uint8Array.from([head >> 8, head & 0xff, ...data]);
  }
}

test('stateful, from Linux: loss, of flushed packets too', () => {
  const { take, asked } = line({ stateless: false });
  const linux = new Linux();
  const random = new SeededRandom(5);
  let good = 0;
  for (let i = 0; i < 20_000; i++) {
    const packet = ip(i);
    const frame = linux.send(packet);
    if (random.chance(2)) continue;
    if (take(frame) === packet) good++;
    if (asked.splice(0).includes('reset')) linux.flush = true;
  }
  assert.ok(good > 18_000, `${good} of 20000`);
  assert.ok(!asked.includes('restart'));
});

test('a packet that comes twice or late is dropped and nothing else', () => {
  for (const stateless of [true, false]) {
    const { send, take } = line({ stateless });
    const old = [1, 2, 3].map((i) => send(ip(i)));
    for (const [i, frame] of old.entries()) assert.equal(take(frame), ip(i + 1));
    for (const frame of old) assert.equal(take(frame), 'replayed');
    assert.equal(take(send(ip(4))), ip(4));
  }
});

test('what is forged moves neither key nor count; sixteen of them ask for a new beginning', () => {
  const { send, take, asked } = line();
  const random = new SeededRandom(2);
  assert.equal(take(send(ip(1))), ip(1));
  const forged = (i: number) => {
    const head = flags.flushed | flags.encrypted | (100 + 37 * i);
    return Uint8Array.from([head >> 8, head & 0xff, ...random.bytes(40)]);
  };
  for (let i = 0; i < 15; i++) assert.equal(take(forged(i)), 'undeciphered');
  assert.deepEqual(asked, []);
  assert.equal(take(send(ip(2))), ip(2));
  for (let i = 0; i < 16; i++) assert.equal(take(forged(i)), 'undeciphered');
  assert.deepEqual(asked, ['restart']);
});

test('flags that were not agreed on, and what is too short', () => {
  const { send, take } = line();
  const frame = send(ip(1));
  const changed = (mask: number) => Uint8Array.from(frame, (b, i) => (i === 0 ? b ^ mask : b));
  assert.equal(take(changed(0x80)), 'badencryption');
  assert.equal(take(changed(0x10)), 'badencryption');
  assert.equal(take(changed(0x20)), 'badcompression');
  for (let n = 0; n < 4; n++) assert.equal(take(frame.subarray(0, n)), 'runt');
  const plain = line({ bits: 0, compress: true });
  assert.equal(plain.take(frame), 'badencryption');
  assert.equal(new Mppe(undefined, undefined, undefined, nobody).up(arena(frame)), 'badencryption');
});

test('MPPC alone: what does not shrink goes without, and nothing is missed', () => {
  const { a, send, take, asked } = line({ bits: 0, stateless: false, compress: true });
  const random = new SeededRandom(9);
  for (let i = 0; i < 400; i++) {
    const p = packetOf(random.bytes(200));
    if (i % 3 === 0) assert.ok(!a.down(p));
    assert.equal(take(send(ip(i))), ip(i));
  }
  assert.equal(a.overhead_bytes, 0);
  assert.deepEqual(asked, []);
});

test('encryption without keys is a bug, not a packet', () => {
  const mode: Mode = { bits: 128, stateless: true, compress: false };
  assert.throws(() => new Mppe(mode, mode, undefined, nobody), /without keys/);
});
