/** A packet whose bytes are replaced: what was compressed is longer than the place where it lay. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { headroom_bytes, hex, Packet } from '@9p/packet';
import { embedded } from '../kit/index.js';

test('replace: other bytes in a place of their own, with room in front; the arena stays', () => {
  const { buf, start, end } = embedded(Uint8Array.of(1, 2, 3));
  const was = hex(buf);
  const p = new Packet(buf, 0, start, end, buf.length, false);
  const bytes = Uint8Array.from({ length: 3000 }, (_, i) => i);
  p.replace(bytes);
  assert.equal(hex(p.bytes()), hex(bytes));
  assert.equal(hex(buf), was);
  assert.equal(p.keep(), p, 'its own');
  assert.ok(p.start - p.floor >= headroom_bytes && p.ceil > p.end);
  p.push(4);
  assert.equal(p.length, 3004);
});
