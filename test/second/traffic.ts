/** IPv4 packets of TCP connections that talk, by seed: each kind of change that a header has. */
import { inetChecksum, inetFold, inetSum } from '@9p/packet';
import { SeededRandom } from '../kit/index.js';
import type { Bytes } from './keys.js';

/** What a header has that changes, and its port. */
export interface Segment {
  id: number;
  seq: number;
  ack: number;
  window: number;
  port: number;
  urgent: number;
}

/** Timestamps, which change and so are not compressed, or nothing. */
const timestamps = Buffer.from('0101080a0000000100000002', 'hex');

/** A packet of `c` with `flags`, both checksums right. */
export function tcpPacket(
  c: Segment,
  flags: number,
  data: Bytes,
  options: Bytes = Buffer.alloc(0),
): Bytes {
  const tcpLength = 20 + options.length;
  const b = Buffer.alloc(20 + tcpLength + data.length);
  b.set([0x45, 0, b.length >> 8, b.length & 255, c.id >> 8, c.id & 255, 0x40, 0, 64, 6]);
  b.set([10, 0, 0, 1, 10, 0, 0, 2], 12);
  b.writeUInt16BE(inetChecksum(b, 0, 20), 10);
  b.writeUInt16BE(c.port, 20);
  b.writeUInt16BE(80, 22);
  b.writeUInt32BE(c.seq, 24);
  b.writeUInt32BE(c.ack, 28);
  b.set([(tcpLength / 4) << 4, flags], 32);
  b.writeUInt16BE(c.window, 34);
  b.writeUInt16BE(c.urgent, 38);
  b.set(options, 40);
  b.set(data, 20 + tcpLength);
  const pseudo = inetSum(b, 12, 20) + 6 + (b.length - 20);
  b.writeUInt16BE(~inetFold(inetSum(b, 20, b.length, pseudo)) & 0xffff, 36);
  return b;
}

const add = (a: number, b: number, bits: 16 | 32): number => (a + b) % 2 ** bits;

/** `n` packets of `connections` in turn. */
export function* conversation(seed: number, connections: number, n: number): Generator<Bytes> {
  const r = new SeededRandom(seed);
  const all = Array.from({ length: connections }, (_, i) => ({
    id: r.below(65536),
    seq: r.u32(),
    ack: r.u32(),
    window: 8192,
    port: 1024 + i,
    urgent: 0,
  }));
  let c = all[0]!;
  for (let i = 0; i < n; i++) {
    if (r.chance(20)) c = r.pick(all);
    const data = r.chance(70) ? r.bytes(1 + r.below(40)) : Buffer.alloc(0);
    const flags = 0x10 | (r.chance(30) ? 0x08 : 0) | (r.chance(3) ? r.pick([1, 2, 4, 0x20]) : 0);
    c.urgent = (flags & 0x20) !== 0 ? r.below(300) : 0;
    yield tcpPacket(c, flags, data, c === all[4] ? timestamps : undefined);
    if (r.chance(5)) continue; // sent again as it was, but for the id
    if (r.chance(80)) c.seq = add(c.seq, data.length, 32);
    if (r.chance(40)) c.ack = add(c.ack, r.pick([1, data.length, 255, 256, 65535, 65536]), 32);
    if (r.chance(10)) c.window = r.below(65536);
    c.id = add(c.id, r.chance(90) ? 1 : r.below(600), 16);
  }
}
