/** Any bytes: a session of ppp takes them in every phase. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fuzzIterations, samples } from '../kit/index.js';
import {
  begin,
  both,
  chap,
  config,
  eapMethod,
  isUp,
  mschapv2,
  pair,
  pap,
  server,
} from '../unit/ppp-peer.js';
import { pppFrames } from './frames.js';
import { packetIn } from './fuzz.js';

for (const method of [pap, chap, mschapv2, eapMethod]) {
  test(`a session that gets any bytes at any time comes up again (${method.name})`, () => {
    const lcp = { demand: [method], accept: [method], quality: 500 };
    const p = pair(config({ lcp }), server({ lcp }), { seed: 5 });
    begin(p);
    let n = 0;
    for (const b of samples(14, fuzzIterations(), pppFrames)) {
      const side = n++ % 2 === 0 ? 'client' : 'server';
      const arrived = packetIn(b);
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
