/** The data plane: the protocol field and, where the link has them, address and control (RFC
 *  1661 section 2, RFC 1662 section 3.1). Runs for each packet, so it allocates nothing. */
import { type Packet, put8, put16, u8, u16 } from '@9p/packet';
import type { Path, Sink } from 'slashnet/core';
import { protocols } from './codes.js';
import { clampMss } from './mss.js';

export const pathDrops = [
  'ipcpdown',
  'ipv6cpdown',
  'badip',
  'toobig',
  'runt',
  'badprotocol',
  'plaintext',
  'vjfail',
  'badencryption',
  'undeciphered',
  'badcounter',
  'replayed',
  'badcompression',
] as const;
export type PathDrop = (typeof pathDrops)[number];

/** Header compression that IPCP agreed on. Either end alone may have it. */
export interface HeaderCompression {
  /** What the IPv4 packet is sent as: `p` may have become shorter. Packets go in order, none is
   *  dropped after it. */
  down(p: Packet): number;
  /** Makes `p`, which came as vjc or vju, the IPv4 packet again; or why not. */
  up(protocol: number, p: Packet): PathDrop | undefined;
  /** A frame came in that nobody could read. */
  lost(): void;
  /** For the file ipcp. */
  pairs(): readonly Pair[];
}
/** A line of a file: nothing where the value is not known. */
export type Pair = readonly [name: string, value: string | number | undefined];

/** What CCP agreed on, for that which begins at a protocol field of two bytes. */
export interface DataCompression {
  /** True: `p` now is what follows protocol 00fd. False: it is sent as it was. */
  down(p: Packet): boolean;
  /** Makes `p`, from behind protocol 00fd on, begin at its protocol field again; or why not. */
  up(p: Packet): PathDrop | undefined;
}

const addressControl = 0xff03;
const isControl = (protocol: number): boolean =>
  protocol === protocols.ipcp || protocol === protocols.ipv6cp;

export class PppPath implements Path<PathDrop> {
  /** IPCP is Opened: IPv4 passes. */
  ip = false;
  /** IPV6CP is Opened. */
  ipv6 = false;
  /** Largest IP packet that goes down. */
  mtu = 1500;
  /** We may send one byte of protocol, and no address and control (agreed in LCP). */
  pfc = false;
  acfc = false;
  headers: HeaderCompression | undefined;
  data: DataCompression | undefined;
  /** SYNs are made to fit `mtu`, both ways; called for each that was. */
  clamped: (() => void) | undefined;
  /** What comes in plain text is dropped: encryption was demanded. */
  sealed = false;
  /** Packets that came up, of any protocol: life, for the keepalive. */
  heard = 0;
  /** FF 03 goes in front: serial lines, pptp. On pppoe it does not (RFC 2516 section 7). */
  readonly #address: boolean;

  constructor(o: { address: boolean; static?: boolean }) {
    this.#address = o.address;
    if (o.static === true) {
      this.ip = true;
      this.ipv6 = true;
    }
  }

  down(p: Packet, below: Sink): PathDrop | undefined {
    const n = p.end - p.start;
    if (n > this.mtu) return 'toobig';
    const version = n === 0 ? 0 : u8(p.buf, p.start) >> 4;
    if (this.clamped !== undefined && clampMss(p, this.mtu)) this.clamped();
    if (version === 4) {
      if (!this.ip) return 'ipcpdown';
      this.#send(p, this.headers?.down(p) ?? protocols.ip, below);
    } else if (version === 6) {
      if (!this.ipv6) return 'ipv6cpdown';
      this.#send(p, protocols.ipv6, below);
    } else return 'badip';
    return undefined;
  }

  #send(p: Packet, protocol: number, below: Sink): void {
    if (this.data !== undefined) {
      put16(p.buf, p.push(2), protocol);
      if (!this.data.down(p)) {
        if (this.#address && !this.acfc) this.#pushAddress(p);
        below.send(p);
        return;
      }
      protocol = protocols.comp;
    }
    if (this.pfc) {
      const o = p.push(1);
      put8(p.buf, o, protocol);
    } else {
      const o = p.push(2);
      put16(p.buf, o, protocol);
    }
    if (this.#address && !this.acfc) this.#pushAddress(p);
    below.send(p);
  }

  #pushAddress(p: Packet): void {
    const o = p.push(2);
    put16(p.buf, o, addressControl);
  }

  /** A frame of the Machine, which begins at the protocol field; LCP's is never compressed. */
  control(p: Packet, below: Sink): boolean {
    const lcp = u16(p.buf, p.start) === protocols.lcp;
    if (this.#address && (lcp || !this.acfc)) this.#pushAddress(p);
    return below.send(p);
  }

  /** What is for the Machine has a protocol field of two bytes in front. */
  up(p: Packet, above: Sink, control: Sink): PathDrop | undefined {
    this.heard++;
    const n = p.end - p.start;
    if (n > 2 && !this.sealed && u16(p.buf, p.start) === protocols.ip) {
      p.start += 2;
      return this.#ip(p, above);
    }
    return n < 2 ? 'runt' : this.#other(p, above, control);
  }

  #ip(p: Packet, above: Sink): PathDrop | undefined {
    if (!this.ip) return 'ipcpdown';
    if (u8(p.buf, p.start) >> 4 !== 4) return 'badip';
    if (this.clamped !== undefined && clampMss(p, this.mtu)) this.clamped();
    above.send(p);
    return undefined;
  }

  /** Address and control, and a protocol of one byte, are taken whether agreed or not. */
  #other(p: Packet, above: Sink, control: Sink): PathDrop | undefined {
    if (u16(p.buf, p.start) === addressControl) p.start += 2;
    if (p.end - p.start < 2) return 'runt';
    const first = u8(p.buf, p.start);
    const brief = (first & 1) === 1;
    const protocol = brief ? first : u16(p.buf, p.start);
    if ((protocol & 1) === 0) return 'badprotocol';
    p.start += brief ? 1 : 2;
    if (protocol === protocols.comp && this.data !== undefined)
      return this.#compressed(p, this.data, above, control);
    if (this.#carries(protocol))
      return this.sealed ? 'plaintext' : this.#network(protocol, p, above);
    if (brief) put16(p.buf, p.push(2), protocol);
    else p.start -= 2;
    control.send(p);
    return undefined;
  }

  /** Network protocols may be in one, RFC 3078 section 3, and with Linux their control protocols
   *  are; LCP, authentication and CCP never. */
  #compressed(p: Packet, data: DataCompression, above: Sink, control: Sink): PathDrop | undefined {
    const drop = data.up(p);
    if (drop !== undefined) return drop;
    if (p.end - p.start < 2) return 'runt';
    const first = u8(p.buf, p.start);
    const brief = (first & 1) === 1;
    const protocol = brief ? first : u16(p.buf, p.start);
    if (isControl(protocol)) {
      control.send(p);
      return undefined;
    }
    p.start += brief ? 1 : 2;
    return this.#carries(protocol) ? this.#network(protocol, p, above) : 'badprotocol';
  }

  /** What is not for the Machine, which rejects what nobody agreed on. */
  #carries(protocol: number): boolean {
    if (protocol === protocols.ip || protocol === protocols.ipv6) return true;
    // the peer may be up before us
    const known = this.headers !== undefined || !this.ip;
    return known && (protocol === protocols.vjc || protocol === protocols.vju);
  }

  #network(protocol: number, p: Packet, above: Sink): PathDrop | undefined {
    if (protocol === protocols.ipv6) return this.#ipv6(p, above);
    if (p.end <= p.start) return 'runt';
    if (protocol !== protocols.ip) {
      const drop = this.ip ? this.headers?.up(protocol, p) : 'ipcpdown';
      if (drop !== undefined) return drop;
    }
    return this.#ip(p, above);
  }

  #ipv6(p: Packet, above: Sink): PathDrop | undefined {
    if (!this.ipv6) return 'ipv6cpdown';
    if (p.end === p.start || u8(p.buf, p.start) >> 4 !== 6) return 'badip';
    if (this.clamped !== undefined && clampMss(p, this.mtu)) this.clamped();
    above.send(p);
    return undefined;
  }
}
