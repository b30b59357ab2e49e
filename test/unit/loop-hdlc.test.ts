/** A path of n to m over a wire of bytes, on virtual time: HDLC frames
 *  over loop with `framing bytes`. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hex, type Packet, packetOf } from '@9p/packet';
import { join, Port } from 'slashnet/core';
import loop from '../../plugins/loop/plugin.js';
import { HdlcPath } from '../../plugins/ppp/hdlc.js';
import { Files, SeededRandom, VirtualClock } from '../kit/index.js';

/** A wire of bytes, and a station that frames at each end. */
async function stations(...verbs: string[]) {
  const clock = new VirtualClock();
  const f = new Files({ clock, random: new SeededRandom(1) });
  await loop.start(f.system.env, []);
  const wire = await f.clone('/loop');
  await f.write(`${wire}/ctl`, ['framing bytes', 'seed 1', ...verbs].join('\n'));
  const station = async (end: string) => {
    const drops: string[] = [];
    const got: string[] = [];
    const path = new HdlcPath(1504, (why) => void drops.push(why));
    const above = { send: (p: Packet) => got.push(hex(p.bytes())) > 0 };
    const port = new Port({
      name: end,
      framing: 'bytes',
      mtu: () => 65535,
      take: (p) => path.up(p, above),
    });
    const below = await f.port(`${wire}/${end}`);
    f.system.turn.run(() => join(port, below));
    const sink = { send: (p: Packet) => port.deliver(p) };
    const send = (b: Uint8Array) =>
      f.system.turn.run(() => path.down(packetOf(b), sink, clock.now()));
    return { drops, got, send };
  };
  return { clock, f, wire, a: await station('data'), b: await station('data1') };
}

const frames = (n: number): Uint8Array[] => {
  const r = new SeededRandom(2);
  return Array.from({ length: n }, () => r.bytes(4 + r.below(200)));
};

test('frames that are cut and joined anywhere come out whole and in order', async () => {
  for (const chunk of [1, 7, 64, 4096]) {
    const t = await stations(`chunk ${chunk}`, 'delay 3ms', 'rate 10M');
    const all = frames(100);
    for (const b of all) {
      t.a.send(b);
      t.b.send(b);
    }
    t.clock.advance(1000);
    assert.deepEqual(
      t.b.got,
      all.map((b) => hex(b)),
      `chunk ${chunk}`,
    );
    assert.deepEqual(t.a.got, t.b.got);
    assert.deepEqual([t.a.drops, t.b.drops, t.clock.pending], [[], [], 0]);
  }
});

test('what the line spoils is dropped, and no frame comes out other than it went in', async () => {
  const t = await stations('chunk 64', 'down loss 2%', 'down corrupt 2%');
  const all = frames(500);
  for (const b of all) {
    t.a.send(b);
    t.clock.advance(1);
  }
  const sent = new Set(all.map((b) => hex(b)));
  assert.ok(t.b.got.every((h) => sent.has(h)));
  assert.ok(t.b.got.length > 350 && t.b.got.length < 490, `${t.b.got.length} of 500`);
  assert.ok(t.b.drops.includes('badfcs'));
  assert.deepEqual(t.f.bugs, []);
});
