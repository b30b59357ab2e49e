/**
 * MPPE-128 of 1400-byte packets, stateless and stateful, beside the same in C and, stateless,
 * beside the naive form: a hash of OpenSSL's and two key set-ups a packet.
 *
 *     node dist/bench/mppe.js [runs]
 *
 * Compiles bench/mppe-floor.c with gcc -O2. The runs alternate; CPU time. The gates: at least 0.8
 * of C, and at least twice the naive form.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { concat, Packet, put8, put16, u8 } from '@9p/packet';
import { Sender } from '../plugins/ppp/mppe.js';
import { SessionKey } from '../plugins/ppp/mppekey.js';
import { load, median, root } from './common.js';

const packets = 8000;
const bytes = 1400;
const floor_ratio_min = 0.8;
const naive_ratio_min = 2;
const runs = Number(process.argv[2] ?? 51);

const start = Uint8Array.from({ length: 16 }, (_, i) => i);
const room = 128;
const buf = new Uint8Array(room + bytes + 32);
const packet = new Packet(buf, 0, room, room + bytes, buf.length, true);

/** Nanoseconds of CPU time a packet. */
function timed(f: (i: number) => void): number {
  const began = process.cpuUsage();
  for (let i = 0; i < packets; i++) f(i);
  const t = process.cpuUsage(began);
  return (1e3 * (t.user + t.system)) / packets;
}

function ours(stateless: boolean): number {
  const sender = new Sender({ bits: 128, stateless, compress: false }, new SessionKey(start, 128));
  return timed(() => {
    packet.start = room;
    buf.fill(0x5a, room, room + 4);
    sender.down(packet);
  });
}

/** RC4 as one writes it first. */
class Rc4 {
  readonly s = new Int32Array(256);
  i = 0;
  j = 0;
  constructor(key: Uint8Array) {
    const { s } = this;
    for (let i = 0; i < 256; i++) s[i] = i;
    for (let i = 0, j = 0; i < 256; i++) {
      const x = s[i]!;
      j = (j + x + u8(key, i % key.length)) & 0xff;
      s[i] = s[j]!;
      s[j] = x;
    }
  }
  crypt(b: Uint8Array): Uint8Array {
    const { s } = this;
    let { i, j } = this;
    for (let at = 0; at < b.length; at++) {
      i = (i + 1) & 0xff;
      const x = s[i]!;
      j = (j + x) & 0xff;
      const y = s[j]!;
      s[i] = y;
      s[j] = x;
      put8(b, at, u8(b, at) ^ s[(x + y) & 0xff]!);
    }
    this.i = i;
    this.j = j;
    return b;
  }
}

function naive(): number {
  const pad1 = new Uint8Array(40);
  const pad2 = new Uint8Array(40).fill(0xf2);
  let session: Uint8Array = start;
  return timed((i) => {
    const text = concat(start, pad1, session, pad2);
    const interim = createHash('sha1').update(text).digest().subarray(0, 16);
    session = new Rc4(interim).crypt(Uint8Array.from(interim));
    new Rc4(session).crypt(buf.subarray(room, room + bytes));
    put16(buf, room - 2, 0x9000 | (i & 0xfff));
  });
}

const dir = mkdtempSync(join(tmpdir(), 'mppe-'));
const floor = join(dir, 'floor');
execFileSync('gcc', ['-O2', '-o', floor, join(root, 'bench/mppe-floor.c')]);
const inC = (state: string): number =>
  Number.parseFloat(execFileSync(floor, [state, `${packets}`, `${bytes}`], { encoding: 'utf8' }));

const figures = Array.from({ length: runs + 1 }, () => ({
  c: inC('stateless'),
  ours: ours(true),
  naive: naive(),
  cStateful: inC('stateful'),
  oursStateful: ours(false),
})).slice(1); // the first compiles
rmSync(dir, { recursive: true });

const of = (f: (x: (typeof figures)[number]) => number): number => median(figures.map(f));
const ratios = [
  ['stateless, of C', of((x) => x.c / x.ours), floor_ratio_min],
  ['stateful, of C', of((x) => x.cStateful / x.oursStateful), floor_ratio_min],
  ['stateless, of the naive form', of((x) => x.naive / x.ours), naive_ratio_min],
] as const;
console.log(`load ${load()}; ${runs} runs of ${packets} packets of ${bytes} bytes, ns of CPU each`);
console.log(
  `stateless ${of((x) => x.ours).toFixed(0)}, C ${of((x) => x.c).toFixed(0)}, naive ${of((x) => x.naive).toFixed(0)}`,
);
console.log(
  `stateful ${of((x) => x.oursStateful).toFixed(0)}, C ${of((x) => x.cStateful).toFixed(0)}`,
);
for (const [name, ratio, min] of ratios) console.log(`${name}: ${ratio.toFixed(2)} (gate ${min})`);
process.exitCode = ratios.every(([, ratio, min]) => ratio >= min) ? 0 : 1;
