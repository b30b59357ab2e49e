/** The Maximum Segment Size of TCP's SYNs made to fit the link: for hosts behind it that never hear
 *  that their packets are too long. Looked at for each packet, so the rest is told at a glance. */
import { type Packet, put16, u8, u16 } from '@9p/packet';

const tcp = 6;
const syn = 2;
const tcp_bytes = 20;
const ip6_bytes = 40;
/** RFC 9293 section 3.1: end of options, nothing, MSS. */
const kinds = { end: 0, nop: 1, mss: 2 } as const;
const mss_bytes = 4;
/** Of the TCP header. */
const at = { flags: 13, sum: 16 } as const;

/** A TCP header begins here, and whole; 0: none does. IPv6 with extension headers is let be. */
function tcpAt(p: Packet): number {
  const { buf: b, start: o } = p;
  const version = u8(b, o) >> 4;
  let t = o + ip6_bytes;
  if (version === 4) {
    if (u8(b, o + 9) !== tcp || (u16(b, o + 6) & 0x1fff) !== 0) return 0;
    t = o + (u8(b, o) & 15) * 4;
  } else if (version !== 6 || u8(b, o + 6) !== tcp) return 0;
  return t >= o + 20 && t + tcp_bytes <= p.end ? t : 0;
}

/** True: a SYN, IPv4 or IPv6, that announced more than fits `mtu`; it is mended. */
export function clampMss(p: Packet, mtu: number): boolean {
  const t = tcpAt(p);
  if (t === 0 || (u8(p.buf, t + at.flags) & syn) === 0) return false;
  const { buf: b } = p;
  const most = mtu - tcp_bytes - (u8(b, p.start) >> 4 === 4 ? 20 : ip6_bytes);
  const end = Math.min(t + (u8(b, t + 12) >> 4) * 4, p.end);
  let clamped = false;
  for (let i = t + tcp_bytes; i < end && u8(b, i) !== kinds.end; ) {
    const length = u8(b, i) === kinds.nop ? 1 : i + 1 < end ? u8(b, i + 1) : 0;
    if (length === 0 || (length === 1 && u8(b, i) !== kinds.nop) || i + length > end) break;
    if (u8(b, i) === kinds.mss && length === mss_bytes && u16(b, i + 2) > most) {
      replace(b, t, i + 2, most);
      clamped = true;
    }
    i += length;
  }
  return clamped;
}

/** A word, and the checksum mended by what it changes (RFC 1624); at an
 *  odd offset its bytes count the other way round. */
function replace(b: Uint8Array, t: number, o: number, v: number): void {
  const swapped = (o - t) % 2 === 1;
  const word = (x: number) => (swapped ? ((x & 0xff) << 8) | (x >>> 8) : x);
  let sum = (~u16(b, t + at.sum) & 0xffff) + (~word(u16(b, o)) & 0xffff) + word(v);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  put16(b, t + at.sum, ~sum);
  put16(b, o, v);
}
