/** Segmentation as TypeScript has it, to compare native/cut.c with; and packets to be cut. */
import { inetFold, inetSum, put8, put16, put32 } from '@9p/packet';

export interface Flow {
  readonly v6: boolean;
  readonly udp: boolean;
  /** TCP options, in bytes; a multiple of 4. */
  readonly options: number;
  readonly size: number;
  readonly payload: Uint8Array;
  readonly flags: number;
  readonly seq: number;
  readonly port: number;
}

const vnet_bytes = 10;
const protoOf = (f: Flow): number => (f.udp ? 17 : 6);
const l4At = (f: Flow): number => (f.v6 ? 40 : 20);
export const headerBytes = (f: Flow): number => l4At(f) + (f.udp ? 8 : 20 + f.options);

/** The sum of the pseudo header, RFC 9293 section 3.1 and RFC 8200 section 8.1. */
function pseudo(p: Uint8Array, length: number): number {
  const v6 = p[0]! >> 4 === 6;
  const sum = v6 ? inetSum(p, 8, 40) : inetSum(p, 12, 20);
  return sum + (v6 ? p[6]! : p[9]!) + length;
}

/** Makes both checksums of an IPv4 TCP packet right again. */
export function putChecksums(p: Uint8Array): void {
  put16(p, 10, 0);
  put16(p, 10, inetFold(inetSum(p, 0, 20)));
  put16(p, 36, 0);
  put16(p, 36, inetFold(inetSum(p, 20, p.length, pseudo(p, p.length - 20))));
}

/** True if the IPv4 header's and the TCP or UDP checksum are right. */
export function sound(p: Uint8Array): boolean {
  const v6 = p[0]! >> 4 === 6;
  const l4 = v6 ? 40 : (p[0]! & 15) * 4;
  if (!v6 && inetFold(inetSum(p, 0, l4)) !== 0) return false;
  return inetFold(inetSum(p, l4, p.length, pseudo(p, p.length - l4))) === 0;
}

function writeIp(p: Uint8Array, f: Flow, id: number): void {
  if (f.v6) {
    put32(p, 0, 0x60212345);
    put16(p, 4, p.length - 40);
    put8(p, 6, protoOf(f));
    put8(p, 7, 61);
    for (let i = 8; i < 40; i++) p[i] = i;
    return;
  }
  put32(p, 0, 0x45020000 | p.length);
  put32(p, 4, (id << 16) | 0x4000);
  put16(p, 8, 0x3d00 | protoOf(f));
  put32(p, 12, 0x0a000001);
  put32(p, 16, 0x0a000002);
  put16(p, 10, inetFold(inetSum(p, 0, 20)));
}

function writeL4(p: Uint8Array, f: Flow, seq: number, flags: number): void {
  const o = l4At(f);
  put16(p, o, f.port);
  put16(p, o + 2, 80);
  if (f.udp) {
    put16(p, o + 4, p.length - o);
    return;
  }
  put32(p, o + 4, seq);
  put32(p, o + 8, 0x12345678);
  put16(p, o + 12, (((20 + f.options) / 4) << 12) | flags);
  put16(p, o + 14, 500);
  for (let i = 0; i < f.options; i++) p[o + 20 + i] = 1;
}

const checksumAt = (f: Flow): number => l4At(f) + (f.udp ? 6 : 16);

function packet(f: Flow, id: number, seq: number, flags: number, payload: Uint8Array): Uint8Array {
  const p = new Uint8Array(headerBytes(f) + payload.length);
  writeIp(p, f, id);
  writeL4(p, f, seq, flags);
  p.set(payload, headerBytes(f));
  return p;
}

const first_id = 0xfffe; // so that it wraps

/** The packets that a flow's payload is sent in. */
export function segments(f: Flow): Uint8Array[] {
  const out: Uint8Array[] = [];
  for (let at = 0; at < f.payload.length; at += f.size) {
    const last = at + f.size >= f.payload.length;
    const flags = (last ? f.flags : f.flags & ~0x09) & (at > 0 ? ~0x80 : 0xff);
    const part = f.payload.subarray(at, at + f.size);
    const p = packet(f, (first_id + out.length) & 0xffff, (f.seq + at) >>> 0, flags, part);
    const sum = inetFold(inetSum(p, l4At(f), p.length, pseudo(p, p.length - l4At(f))));
    put16(p, checksumAt(f), f.udp && sum === 0 ? 0xffff : sum);
    out.push(p);
  }
  return out;
}

/** The same as one super-packet, its virtio_net_hdr in front and its checksum half done. */
export function superPacket(f: Flow): Uint8Array {
  const p = packet(f, first_id, f.seq, f.flags, f.payload);
  put16(p, checksumAt(f), ~inetFold(pseudo(p, p.length - l4At(f))) & 0xffff);
  const out = new Uint8Array(vnet_bytes + p.length);
  const h = new DataView(out.buffer);
  h.setUint8(0, 1);
  h.setUint8(1, f.udp ? 5 : f.v6 ? 4 : 1);
  h.setUint16(2, headerBytes(f), true);
  h.setUint16(4, f.size, true);
  h.setUint16(6, l4At(f), true);
  h.setUint16(8, checksumAt(f) - l4At(f), true);
  out.set(p, vnet_bytes);
  return out;
}

/** What join() gave back: without its virtio_net_hdr. */
export const bare = (joined: Uint8Array): Uint8Array => joined.subarray(vnet_bytes);
