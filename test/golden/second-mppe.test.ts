/** Ours and the second implementations of MPPE and MPPC: what is in the golden files is read, and
 *  what ours writes is the same, or is read by the second. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hex } from '@9p/packet';
import { type Mode, Mppe } from '../../plugins/ppp/mppe.js';
import { CcpReceiver } from '../second/ccp.js';
import { filler, type Case as Golden, keyOf, optionsOf, senderOf } from '../second/golden.js';
import type { Bits } from '../second/keys.js';
import type { Secret } from '../second/mppe.js';
import { type GoldenLine, goldenCases, packetOf } from './packets.js';

interface Case {
  readonly name: string;
  readonly golden: Golden;
  readonly mode: Mode;
  readonly secret: Secret | undefined;
  readonly lines: readonly GoldenLine[];
}

function caseOf({ name, lines }: { name: string; lines: GoldenLine[] }): Case {
  const [method, bits, mode, end, mppc] = name.split(' ');
  const golden = {
    method: method as Golden['method'],
    bits: Number(bits) as Bits,
    stateless: mode === 'stateless',
    server: end === 'server',
    mppc: mppc === 'mppc',
  };
  return {
    name,
    golden,
    mode: {
      bits: golden.method === 'none' ? 0 : golden.bits,
      stateless: golden.stateless,
      compress: golden.mppc,
    },
    secret:
      golden.method === 'none'
        ? undefined
        : { method: golden.method, key: keyOf(golden.method), server: golden.server },
    lines,
  };
}

/** One end of ours; the other one of a case. */
function ours(c: Case, sends: boolean) {
  const mode = (on: boolean) => (on ? c.mode : undefined);
  const keys = c.secret && { ...c.secret, server: c.secret.server === sends };
  const resets = { n: 0 };
  const fail = () => assert.fail('it would begin anew');
  const host = { reset: () => void resets.n++, restart: fail };
  const mppe = new Mppe(mode(sends), mode(!sends), keys, host);
  return { mppe, resets };
}
function sent(mppe: Mppe, b: Uint8Array): { word: 'comp' | 'as'; b: Uint8Array } {
  const p = packetOf(b);
  return { word: mppe.down(p) ? 'comp' : 'as', b: p.bytes().slice() };
}

const skipped = (word: string, rest: string): number => (word === 'skip' ? Number(rest) : 0);
const flushed = 0x80;
const first = ([b = 0]: Uint8Array): number => b & ~flushed;

for (const file of ['mppe.txt', 'mppc.txt'])
  for (const c of goldenCases(file).map(caseOf)) {
    const lossy = c.mode.stateless; // what is not shown may as well be lost
    test(`${file} ${c.name}: ours reads what the second wrote`, () => {
      const { mppe, resets } = ours(c, false);
      const second = senderOf(c.golden);
      const reads = (b: Uint8Array, plain: Uint8Array) => {
        const p = packetOf(b);
        assert.equal(mppe.up(p), undefined, hex(b));
        assert.equal(hex(p.bytes()), hex(plain));
      };
      for (const { word, b, rest } of c.lines) {
        if (word === 'reset') second.reset();
        for (let i = 0; i < skipped(word, rest); i++) {
          const { data } = second.send(filler);
          if (!lossy) reads(data, filler);
        }
        if (word !== 'in') continue;
        const { compressed, data } = second.send(b);
        if (compressed) reads(data, b);
      }
      assert.equal(resets.n, 0);
    });

    test(`${file} ${c.name}: the second reads what ours writes`, () => {
      const { mppe } = ours(c, true);
      const second = new CcpReceiver(optionsOf({ ...c.golden, server: !c.golden.server }));
      /** As long as nothing was reset ours must be what is written there. */
      let same = !c.mode.compress;
      let wrote = new Uint8Array();
      const writes = (plain: Uint8Array, arrives = true) => {
        const { word, b } = sent(mppe, plain);
        wrote = b.slice();
        const got = word === 'as' || !arrives ? plain : second.receive(b);
        assert.ok(typeof got !== 'string', `${got}: ${hex(b)}`);
        assert.equal(hex(got), hex(plain));
      };
      for (const { word, b, rest } of c.lines) {
        for (let i = 0; i < skipped(word, rest); i++) writes(filler, !lossy);
        if (word === 'in') writes(b);
        if (word === 'reset') {
          mppe.sender?.flush();
          // a stateful one then goes on at another count, so that Linux understands it too
          same &&= lossy;
        }
        if (word !== 'comp' || !same) continue;
        assert.equal(first(wrote), first(b)); // which may be flushed where it need not be
        assert.equal(hex(wrote.subarray(1)), hex(b.subarray(1)));
      }
    });
  }
