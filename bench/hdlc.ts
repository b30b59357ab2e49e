/**
 * HDLC-like framing of 1400-byte packets, encode and decode with FCS-16, beside the same written
 * plainly in C (hdlc-floor.c, gcc -O2).
 *
 *     node dist/bench/hdlc.js [runs]
 *
 * Ours is what a session has: HdlcPath, packets taken and handed on. With no character escaped but
 * the framing's own, and with all control characters. The runs alternate; CPU time. The gate: at
 * least 0.8 of C's rate, each way.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Packet, packetOf, put8 } from '@9p/packet';
import type { Sink } from 'slashnet/core';
import { HdlcPath } from '../plugins/ppp/hdlc.js';
import { load, median, root } from './common.js';

const packets = 40_000;
const payload_bytes = 1400;
const ratio_min = 0.8;

function payload(): Uint8Array {
  const b = new Uint8Array(payload_bytes + 4);
  b.set([0xff, 0x03, 0x00, 0x21]);
  for (let i = 4, x = 1; i < b.length; i++) {
    x = (Math.imul(x, 1103515245) + 12345) >>> 0;
    b[i] = x >>> 16;
  }
  return b;
}

/** Nanoseconds of CPU a call. */
function ns(f: (i: number) => void): number {
  const before = process.cpuUsage();
  for (let i = 0; i < packets; i++) f(i);
  const used = process.cpuUsage(before);
  return ((used.user + used.system) * 1000) / packets;
}

function pathOf(accm: number): HdlcPath {
  const path = new HdlcPath(payload_bytes + 64, (reason) => {
    throw new Error(reason);
  });
  path.sendAccm = accm;
  path.receiveAccm = accm;
  return path;
}

const what = payload();

function encode(accm: number): { ns: number; line: Uint8Array } {
  let last: Packet | undefined;
  const below: Sink = {
    send(p) {
      last = p;
      return true;
    },
  };
  const path = pathOf(accm);
  const p = packetOf(what);
  const each = ns((i) => {
    put8(p.buf, p.start + 8, i & 0xff);
    path.down(p, below, 0);
  });
  if (last === undefined) throw new Error('nothing was sent');
  return { ns: each, line: last.bytes().slice() };
}

function decode(accm: number, line: Uint8Array): number {
  let got = 0;
  const above: Sink = { send: (p) => (p.length === what.length ? ++got > 0 : false) };
  const path = pathOf(accm);
  const chunk = packetOf(line);
  const { start, end } = chunk;
  path.up(packetOf(Uint8Array.of(0x7e)), above);
  const each = ns(() => {
    chunk.start = start;
    chunk.end = end;
    path.up(chunk, above);
  });
  if (got !== packets) throw new Error(`${got} of ${packets} frames`);
  return each;
}

const dir = mkdtempSync(join(tmpdir(), 'hdlc-'));
const floor = join(dir, 'floor');
execFileSync('gcc', ['-O2', '-o', floor, join(root, 'bench/hdlc-floor.c')]);
const inC = (accm: number): readonly number[] =>
  String(execFileSync(floor, [String(packets), accm.toString(16)]))
    .split(' ')
    .map(Number);

const runs = Number(process.argv[2] ?? 7);
let good = true;
for (const accm of [0, 0xffffffff]) {
  const ratios: [number[], number[]] = [[], []];
  const mine: [number[], number[]] = [[], []];
  for (let i = 0; i <= runs; i++) {
    const c = inC(accm);
    const e = encode(accm);
    const ours = [e.ns, decode(accm, e.line)];
    if (i === 0) continue; // warm
    for (const k of [0, 1] as const) {
      ratios[k].push((c[k] as number) / (ours[k] as number));
      mine[k].push(ours[k] as number);
    }
  }
  const [en, de] = ratios.map(median) as [number, number];
  const us = mine.map((x) => (median(x) / 1000).toFixed(2));
  console.log(
    `accm ${accm.toString(16).padStart(8, '0')}: encode ${en.toFixed(2)} of C (${us[0]} us), ` +
      `decode ${de.toFixed(2)} (${us[1]} us); load ${load()}`,
  );
  good &&= en >= ratio_min && de >= ratio_min;
}
rmSync(dir, { recursive: true });
console.log(good ? 'ok' : 'NOT REACHED');
process.exit(good ? 0 : 1);
