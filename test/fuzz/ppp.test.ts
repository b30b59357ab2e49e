/** Any bytes: parsers and printers do not throw, and a session takes them in every phase. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Packet } from '@9p/packet';
import type { Sink } from 'slashnet/core';
import { fmtPpp } from '../../plugins/ppp/fmt.js';
import { HdlcPath } from '../../plugins/ppp/hdlc.js';
import { PppPath } from '../../plugins/ppp/path.js';
import { emitControl, emitOptions, parseControl, parseOptions } from '../../plugins/ppp/wire.js';
import { bytes, fuzzIterations, samples } from '../kit/index.js';
import { begin, both, chap, config, isUp, pair, pap, server } from '../unit/ppp-peer.js';

const corpus = [
  'c021 01 03 0018 0104 05d4 0206 00000000 0305 c223 05 0506 5e6f7a81',
  'c021 02 01 000a 0506 5e6f7a81',
  'c021 03 01 000e 0104 05d4 0506 12345678',
  'c021 04 01 0008 0702 0802',
  'c021 05 01 0007 627965',
  'c021 06 01 0004',
  'c021 07 02 0008 0e010004',
  'c021 08 02 000a 80fd 01010004',
  'c021 09 02 0008 5e6f7a81',
  'c021 0a 02 0008 5e6f7a81',
  'c021 0c 02 000a 00000000 6f73',
  'c021 0d 02 000c 00000000 0000003c',
  '8021 01 01 001c 0306 00000000 8106 00000000 8206 00000000 8306 00000000',
  '8021 03 01 000a 0306 0a000002',
  '8057 01 01 000e 010a 0123456789abcdef',
  'c023 01 01 000f 04 66726564 05 6369636164',
  'c023 02 01 0005 00',
  'c023 03 01 0008 03 6e6f21',
  'c223 01 05 0018 10 000102030405060708090a0b0c0d0e0f 706565',
  'c223 02 05 0018 10 000102030405060708090a0b0c0d0e0f 706565',
  'c223 03 05 0006 6f6b',
  'c223 04 05 0006 6e6f',
  'ff03 0021 45000014 00000000',
  '57 60000000',
  '80fd 01 01 000a 1206 01000040',
].map(bytes);

const nowhere: Sink = { send: () => true };

/** In the midst of noise, as a receive arena has it, and gone after use. */
function packet(b: Uint8Array): Packet {
  const buf = new Uint8Array(b.length + 160).fill(0xa5);
  buf.set(b, 140);
  return new Packet(buf, 0, 140, 140 + b.length, buf.length, false);
}

test('any bytes print on one line, and parse or do not', () => {
  for (const b of samples(11, fuzzIterations(), corpus)) {
    const line = fmtPpp(b, 0, b.length);
    assert.ok(line.length <= 240 && !/\p{Cc}/u.test(line), line);
    const c = parseControl(b, 0, b.length);
    if (typeof c === 'string') continue;
    const out = new Uint8Array(4 + c.body.length);
    emitControl(out, 0, c);
    assert.deepEqual(parseControl(out, 0, out.length), c);
    const options = parseOptions(c.body);
    if (typeof options !== 'string') assert.deepEqual(emitOptions(options), c.body.slice());
  }
});

test('any bytes pass the data path or are counted', () => {
  const path = Object.assign(new PppPath({ address: false }), { ip: true, ipv6: true });
  const lines: string[] = [];
  const control: Sink = {
    send: (p) => lines.push(fmtPpp(p.buf, p.start, p.end)) > 0,
  };
  for (const b of samples(12, fuzzIterations(), corpus)) {
    path.up(packet(b), nowhere, control);
    path.down(packet(b), nowhere);
  }
  assert.ok(lines.length > 0);
});

test('any bytes on a line give only frames whose FCS is good', () => {
  let bad = 0;
  const line = new HdlcPath(1504, () => void bad++);
  const frames: Uint8Array[] = [];
  const wire: Uint8Array[] = [];
  const out: Sink = { send: (p) => wire.push(p.bytes().slice()) > 0 };
  for (const b of corpus) line.down(packet(b), out, 0);
  for (const b of samples(13, fuzzIterations(), wire))
    line.up(packet(b), { send: (p) => frames.push(p.bytes().slice()) > 0 });
  assert.ok(frames.length > 0 && bad > 0);
});

for (const method of [pap, chap]) {
  test(`a session that gets any bytes at any time comes up again (${method.name})`, () => {
    const lcp = { demand: [method], accept: [method] };
    const p = pair(config({ lcp }), server({ lcp }), { seed: 5 });
    begin(p);
    let n = 0;
    for (const b of samples(14, fuzzIterations(), corpus)) {
      const side = n++ % 2 === 0 ? 'client' : 'server';
      const arrived = packet(b);
      if (b.length >= 2) p[side].receive(arrived, p.now);
      arrived.buf.fill(0xa5);
      if (n % 4 === 0) p.run(5 + (n % 50) * 40);
      if (n % 16 === 0) both(p, { do: 'open' });
    }
    both(p, { do: 'down', why: 'over' });
    both(p, { do: 'up' });
    both(p, { do: 'open' });
    assert.ok(
      p.run(60_000, () => isUp(p)),
      p.trace(),
    );
  });
}
