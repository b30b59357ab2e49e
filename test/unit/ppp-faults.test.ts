/** PPP over a wire that loses, doubles, delays and swaps packets. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { u16 } from '@9p/packet';
import {
  begin,
  chap,
  config,
  eapMethod,
  isUp,
  last,
  mschapv2,
  type PppPair,
  pair,
  pap,
  server,
} from './ppp-peer.js';

const longest_ms = 60_000;
const first = 12;

/** Mirrored addresses, and the identifiers too. */
function agree(p: PppPair): boolean {
  const [a, b] = [last(p.a.events, 'ip')?.up, last(p.b.events, 'ip')?.up];
  return isUp(p) && a?.local === b?.remote && a?.remote === b?.local;
}

for (const method of [undefined, pap, chap, mschapv2, eapMethod]) {
  const demand = method === undefined ? [] : [method];
  for (const side of ['a', 'b'] as const) {
    test(`the n-th packet of ${side} lost, for every n, ${method?.name ?? 'no'} auth`, () => {
      for (let n = 0; n < first; n++) {
        const p = pair(config(), server({ lcp: { demand } }), { seed: n + 1 });
        p.drop = (from, i) => from === side && i === n;
        begin(p);
        assert.ok(
          p.run(longest_ms, () => agree(p)),
          `packet ${n}\n${p.trace()}`,
        );
      }
    });
  }
}

test('any two packets lost', () => {
  for (let m = 0; m < first; m++) {
    for (let n = 0; n < first; n++) {
      const p = pair(config(), server({ lcp: { demand: [chap] } }), { seed: 7 });
      p.drop = (from, i) => i === (from === 'a' ? m : n);
      begin(p);
      assert.ok(
        p.run(longest_ms, () => agree(p)),
        `packets ${m} ${n}\n${p.trace()}`,
      );
    }
  }
});

for (const [method, side] of [
  [chap, 'b'],
  [pap, 'a'],
] as const)
  test(`${method.name}: a short Restart timer of ours does not hurry the peer`, () => {
    const auth = { ...config().auth, restart_timer_ms: 500 };
    const lcp = { demand: [method] };
    const [client, host] = [config(side === 'b' ? { auth } : {}), server({ lcp })];
    const p = pair(client, side === 'a' ? { ...host, auth } : host, { delay_ms: 10 });
    let lost = 0;
    p.drop = (from, _n, b) =>
      from === side && u16(b, 0) === method.protocol && b[2] === 1 && lost++ < 3;
    begin(p);
    assert.ok(
      p.run(longest_ms, () => agree(p)),
      p.trace(),
    );
    assert.equal(lost, 4);
  });

test('an answer slower than the Restart timer does not make it begin anew for ever', () => {
  const p = pair(config(), server({ lcp: { demand: [chap] } }), { delay_ms: 4000 });
  begin(p);
  assert.ok(
    p.run(longest_ms, () => agree(p)),
    p.trace(),
  );
});

test('100 seeds of loss, duplication, reordering and delay; then 30 seconds without faults', () => {
  for (let seed = 1; seed <= 100; seed++) {
    const method = [[], [pap], [chap], [mschapv2], [eapMethod]][seed % 5] ?? [];
    const p = pair(config(), server({ lcp: { demand: method } }), {
      seed,
      loss_pct: seed % 21,
      dup_pct: 10,
      reorder_pct: 10,
      delay_ms: 20,
      jitter_ms: 80,
    });
    begin(p);
    assert.ok(
      p.run(longest_ms, () => agree(p)),
      p.trace(),
    );
    p.run(20_000);
    p.heal();
    p.run(30_000);
    assert.ok(agree(p), p.trace());
  }
});
