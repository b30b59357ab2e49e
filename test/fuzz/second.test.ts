/** Any bytes to what compresses and encrypts: beside the second implementation, which is plain
 *  enough to be right. What both take they take for the same. */
import assert from 'node:assert/strict';
import { hex } from '@9p/packet';
import { Vj } from '../../plugins/ppp/vj.js';
import { goldenLines } from '../golden/packets.js';
import { VjReceiver } from '../second/vj.js';
import { fuzz, packetIn, type Row } from './fuzz.js';

const protocols: Readonly<Record<string, number>> = { vjc: 0x2d, vju: 0x2f };

/** Each sample begins with a byte that says what it is: an odd one compressed. */
function vj(): Row {
  const lines = goldenLines('vj.txt').filter(({ word }) => word in protocols);
  const corpus = lines.map(({ word, b }) => Uint8Array.of(protocols[word]!, ...b));
  const limits = { slots: 3, compSlot: true };
  let [ours, second] = [new Vj(limits, limits, () => undefined), new VjReceiver(3)];
  /** What one of them did not take may be half in its slot. */
  const fresh = () => {
    [ours, second] = [new Vj(limits, limits, () => undefined), new VjReceiver(3)];
    both(corpus.find(([protocol]) => protocol === protocols.vju)!);
  };
  const both = (b: Uint8Array) => {
    const protocol = b[0] === protocols.vju ? 0x2f : 0x2d;
    const p = packetIn(b.subarray(1));
    const drop = ours.up(protocol, p);
    const theirs = second.receive({ protocol, data: b.slice(1) });
    return { ours: drop === undefined ? p.bytes() : undefined, theirs };
  };
  let [same, dropped] = [0, 0];
  return {
    name: 'vj, any frame',
    corpus,
    check(b) {
      const got = both(b);
      if (got.ours !== undefined && got.theirs !== undefined) {
        assert.equal(hex(got.ours), hex(got.theirs));
        same++;
      } else {
        dropped++;
        fresh();
      }
    },
    done: () => assert.ok(same > 100 && dropped > 100, `${same} ${dropped}`),
  };
}

fuzz([vj()]);
