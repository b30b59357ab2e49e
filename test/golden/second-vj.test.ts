/** Ours and the second implementation of VJ: the golden file both ways, and long conversations. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hex } from '@9p/packet';
import { Vj } from '../../plugins/ppp/vj.js';
import { SeededRandom } from '../kit/index.js';
import { conversation } from '../second/traffic.js';
import { protocol, VjReceiver, VjSender } from '../second/vj.js';
import { goldenCases, packetOf } from './packets.js';

const protocols: Readonly<Record<string, number>> = { ip: 0x21, vjc: 0x2d, vju: 0x2f };

const ours = (slots: number, compSlot: boolean): Vj => {
  const limits = { slots, compSlot };
  return new Vj(limits, limits, () => undefined);
};
function sent(vj: Vj, packet: Uint8Array): { protocol: number; data: Uint8Array } {
  const p = packetOf(packet);
  return { protocol: vj.down(p), data: p.bytes().slice() };
}
function received(vj: Vj, f: { protocol: number; data: Uint8Array }): Uint8Array | string {
  if (f.protocol === protocol.ip) return f.data;
  const p = packetOf(f.data);
  return vj.up(f.protocol, p) ?? p.bytes().slice();
}
const same = (got: Uint8Array | string | undefined, want: Uint8Array, what?: string) => {
  assert.ok(got !== undefined && typeof got !== 'string', `${got} ${what}`);
  assert.equal(hex(got), hex(want), what);
};

for (const { name, lines } of goldenCases('vj.txt'))
  test(`vj.txt ${name}: ours writes it, and reads it`, () => {
    const vj = ours(1, name === 'compslot');
    let plain = new Uint8Array();
    for (const { word, b } of lines) {
      if (word === 'in') plain = b.slice();
      else {
        const f = sent(vj, plain);
        assert.equal(f.protocol, protocols[word], hex(plain));
        same(f.data, b);
        same(received(vj, { protocol: f.protocol, data: b }), plain);
      }
    }
  });

for (const slots of [1, 2, 3, 16, 255])
  for (const compSlot of [true, false])
    test(`${slots} slots${compSlot ? ', left out where it may be' : ''}: each reads what the other writes`, () => {
      for (let seed = 1; seed <= 20; seed++) {
        const us = ours(slots, compSlot);
        const [sender, receiver] = [new VjSender(slots, compSlot), new VjReceiver(slots)];
        let n = 0;
        for (const packet of conversation(seed, 6, 200)) {
          const what = `seed ${seed}, packet ${n++}`;
          same(received(us, sender.send(packet)), packet, what);
          same(receiver.receive(sent(us, packet)), packet, what);
        }
      }
    });

test('frames that are lost: both drop or make the same of the rest', () => {
  for (let seed = 1; seed <= 20; seed++) {
    const r = new SeededRandom(seed);
    const us = ours(3, true);
    const [sender, receiver] = [new VjSender(3, true), new VjReceiver(3)];
    let dropped = 0;
    for (const packet of conversation(seed, 5, 300)) {
      const f = sender.send(packet);
      if (r.chance(5)) {
        us.lost();
        receiver.error();
        continue;
      }
      const [mine, second] = [received(us, f), receiver.receive(f)];
      if (second === undefined) {
        assert.equal(typeof mine, 'string');
        dropped++;
      } else same(mine, second);
    }
    assert.ok(dropped > 0);
  }
});
