/** Any bytes to what of ppp unpacks: MPPE and MPPC in each mode, quality reports; and any text to
 *  the chat with a modem. Nothing is thrown or read beyond its end, and each drop has a reason. */
import assert from 'node:assert/strict';
import { packetOf, text, utf8 } from '@9p/packet';
import { noCounts, Quality, report_bytes } from '../../plugins/ppp/lqr.js';
import { Decompressor, history_bytes } from '../../plugins/ppp/mppc.js';
import { type Mode, Mppe } from '../../plugins/ppp/mppe.js';
import { Usage } from '../../src/cmd/command.js';
import { Hearing, parseChat } from '../../src/cmd/pppchat.js';
import { goldenLines } from '../golden/packets.js';
import { counter, fuzz, oneLine, packetIn, type Row } from './fuzz.js';

const key = new Uint8Array(16).fill(7);
const keys = (server: boolean) => ({ method: 'mschapv2', key, server }) as const;

/** What a sender made of packets, from behind 00fd on. */
function sent(mode: Mode): Uint8Array[] {
  const from = new Mppe(mode, mode, keys(true), { reset() {}, restart() {} });
  return Array.from({ length: 24 }, (_, i) => {
    const p = packetOf(Uint8Array.of(0, 0x21, 0x45, ...new Uint8Array(40).fill(i >> 1)));
    return from.down(p) ? p.bytes().slice() : new Uint8Array(0);
  }).filter((b) => b.length > 0);
}

function mppe(mode: Mode): Row {
  let asked = 0;
  const host = { reset: () => void asked++, restart: () => void (receiver = fresh()) };
  const fresh = () => new Mppe(mode, mode, keys(false), host);
  let receiver = fresh();
  const corpus = sent(mode);
  let [taken, dropped] = [0, 0];
  return {
    name: `mppe, any packet: ${JSON.stringify(mode)}`,
    corpus,
    check(b) {
      const p = packetIn(b);
      const drop = receiver.up(p);
      if (drop === undefined) {
        taken++;
        assert.ok(p.length >= 1 && p.length <= history_bytes);
      } else {
        dropped++;
        assert.ok(counter(drop));
      }
      if ((taken + dropped) % 50 > 0) return;
      receiver = fresh();
      taken += corpus.filter((good) => receiver.up(packetIn(good)) === undefined).length;
    },
    done: () => assert.ok(taken > 24 && dropped > 0, `${taken} ${dropped} ${asked}`),
  };
}

const mppc: Row = {
  name: 'mppc, any bits',
  corpus: goldenLines('mppc.txt').map(({ b }) => b),
  check(b) {
    const d = new Decompressor();
    for (let i = 0; i < 3; i++) {
      const out = d.decompress(b, 0, b.length);
      if (out === undefined) d.reset();
      else assert.ok(out.length <= history_bytes);
    }
  },
};

function lqr(): Row {
  const q = new Quality(() => noCounts);
  q.start(1000, 1, 0);
  return {
    name: 'quality reports',
    corpus: goldenLines('lqr.txt')
      .filter(({ word }) => word === 'lqr')
      .map(({ b }) => b),
    check(b) {
      const drop = q.receive(b);
      assert.ok(drop === undefined || counter(drop));
      const r = q.take();
      assert.ok(r === undefined || r.length === report_bytes);
      for (const m of [q.in, q.out]) assert.ok(m === undefined || m.lost >= 0);
    },
  };
}

const chat: Row = {
  name: 'chat file, and what a modem says',
  corpus: [
    "# modem\nATZ OK\nATD5551234 CONNECT 90\n'' ogin:\n",
    "'it''s' x 3600\r\nBUSY 'NO CARRIER'\n",
  ].map((s) => utf8(s)),
  check(b) {
    try {
      for (const s of parseChat('chat', text(b))) assert.ok(s.limit_s >= 1 && s.limit_s <= 3600);
    } catch (e) {
      assert.ok(e instanceof Usage);
      oneLine(e.message, 100);
    }
    const heard = new Hearing();
    heard.hear(b);
    try {
      heard.found('CONNECT');
    } catch (e) {
      oneLine((e as Error).message, 100);
    }
  },
};

const modes: readonly Mode[] = ([0, 40, 56, 128] as const).flatMap((bits) =>
  [true, false].flatMap((stateless) =>
    [true, false].map((compress) => ({ bits, stateless, compress })),
  ),
);
fuzz([...modes.filter((m) => m.bits > 0 || m.compress).map(mppe), mppc, lqr(), chat]);
