/** TCP/IP header compression, RFC 1144: of a connection's packets only what changed in the 40
 *  bytes of header, against the last one in the same slot. Each way stands alone. */
import { inetChecksum, type Packet, put8, put16, put32, u8, u16, u32 } from '@9p/packet';
import { protocols } from './codes.js';
import type { HeaderCompression, Pair, PathDrop } from './path.js';

/** What one end said that it can take: RFC 1332 section 4. */
export interface VjLimits {
  /** 1 to 256 */
  readonly slots: number;
  /** A packet may leave out its slot when that is the last one's. */
  readonly compSlot: boolean;
}

export const slots_max = 256;

/** What changed; `push` is the flag itself. RFC 1144 section 3.2.2. */
const bit = { slot: 0x40, id: 0x20, push: 0x10, seq: 8, ack: 4, window: 2, urgent: 1 } as const;
const { seq, ack, window, urgent } = bit;
/** Changes that never come alone stand for frequent ones: text that is
 *  echoed (the acknowledgement grows as the sequence number does), and data one way. */
const echoed = seq | window | urgent;
const oneWay = seq | ack | window | urgent;
const specials = oneWay;

const tcp = 6;
const flag = { fin: 1, syn: 2, rst: 4, push: 8, ack: 16, urgent: 32 } as const;
const ordinary = flag.fin | flag.syn | flag.rst | flag.ack;
/** Of the word with data offset and flags: what decompression takes from the last packet. */
const kept = 0xffff & ~(flag.push | flag.urgent);
/** Offsets: RFC 791 section 3.1, RFC 793 section 3.1 (from the TCP header on). */
const at = {
  length: 2,
  id: 4,
  fragment: 6,
  ttl: 8,
  protocol: 9,
  sum: 10,
  from: 12,
  to: 16,
} as const;
const tcpAt = { ports: 0, seq: 4, ack: 8, flags: 12, window: 14, sum: 16, urgent: 18 } as const;
const ip_min_bytes = 20;
const tcp_min_bytes = 20;
const headers_max_bytes = 120;
/** More fragments, and the offset. */
const fragmented = 0x3fff;

/** The last headers of one connection. */
class Slot {
  readonly id: number;
  readonly header = new Uint8Array(headers_max_bytes);
  /** Bytes of the IP header, and of both; 0: none yet. */
  ip = 0;
  size = 0;

  constructor(id: number) {
    this.id = id;
  }
  keep(b: Uint8Array, o: number, ip: number, size: number): void {
    const { header } = this;
    for (let i = 0; i < size; i++) header[i] = b[o + i] as number;
    this.ip = ip;
    this.size = size;
  }
  isOf(b: Uint8Array, o: number, t: number): boolean {
    const { header: h, ip } = this;
    return (
      u32(b, t) === u32(h, ip) &&
      u32(b, o + at.from) === u32(h, at.from) &&
      u32(b, o + at.to) === u32(h, at.to)
    );
  }
}

/** Bytes of the IP header, where the whole of both headers is there and makes sense; else 0. */
function ipSize(b: Uint8Array, o: number, n: number): number {
  if (n < ip_min_bytes + tcp_min_bytes || u8(b, o) >> 4 !== 4) return 0;
  const ip = (u8(b, o) & 15) * 4;
  if (ip < ip_min_bytes || n < ip + tcp_min_bytes || u16(b, o + at.length) > n) return 0;
  const size = bothSizes(b, o, ip);
  const whole = size >= ip + tcp_min_bytes && size <= u16(b, o + at.length);
  return whole && (u16(b, o + at.fragment) & fragmented) === 0 ? ip : 0;
}
const bothSizes = (b: Uint8Array, o: number, ip: number): number =>
  ip + (u8(b, o + ip + tcpAt.flags) >> 4) * 4;

/** What we send. */
class Compressor {
  readonly #limits: VjLimits;
  /** The one used last first; none is made before it is needed. */
  readonly #slots: Slot[] = [];
  #last: Slot | undefined;
  /** The numbers of one packet. */
  readonly #deltas = new Uint8Array(15);
  #n = 0;

  constructor(limits: VjLimits) {
    this.#limits = limits;
  }

  down(p: Packet): number {
    const { buf: b, start: o } = p;
    const n = p.end - o;
    if (u8(b, o + at.protocol) !== tcp) return protocols.ip;
    const ip = ipSize(b, o, n);
    if (ip === 0 || u16(b, o + at.length) !== n) return protocols.ip;
    const t = o + ip;
    if ((u8(b, t + tcpAt.flags + 1) & ordinary) !== flag.ack) return protocols.ip;
    const size = bothSizes(b, o, ip);
    const slot = this.#slotOf(b, o, t);
    const changes = alike(slot, b, o, ip, size) ? this.#changes(slot, b, o, t) : undefined;
    slot.keep(b, o, ip, size);
    if (changes !== undefined) return this.#compressed(p, slot, changes, size);
    put8(b, o + at.protocol, slot.id);
    this.#last = slot;
    return protocols.vju;
  }

  /** The connection's, else a new one, else that which was not used for longest. It is then
   *  the first. */
  #slotOf(b: Uint8Array, o: number, t: number): Slot {
    const slots = this.#slots;
    let i = 0;
    while (i < slots.length && !(slots[i] as Slot).isOf(b, o, t)) i++;
    if (i === slots.length && i < this.#limits.slots) slots.push(new Slot(i));
    else if (i === slots.length) i--;
    const slot = slots[i] as Slot;
    for (; i > 0; i--) slots[i] = slots[i - 1] as Slot;
    slots[0] = slot;
    return slot;
  }

  /** What changed, the numbers in #deltas; undefined: more than can be said. */
  #changes(slot: Slot, b: Uint8Array, o: number, t: number): number | undefined {
    const { header: h, ip: u, size } = slot;
    this.#n = 0;
    let changes = 0;
    if ((u8(b, t + tcpAt.flags + 1) & flag.urgent) !== 0) {
      changes |= urgent;
      this.#put(u16(b, t + tcpAt.urgent));
    } else if (u16(b, t + tcpAt.urgent) !== u16(h, u + tcpAt.urgent)) return undefined;
    const dWindow = (u16(b, t + tcpAt.window) - u16(h, u + tcpAt.window)) & 0xffff;
    const dAck = (u32(b, t + tcpAt.ack) - u32(h, u + tcpAt.ack)) >>> 0;
    const dSeq = (u32(b, t + tcpAt.seq) - u32(h, u + tcpAt.seq)) >>> 0;
    if (dAck > 0xffff || dSeq > 0xffff) return undefined;
    if (dWindow !== 0) changes |= this.#put(dWindow) | window;
    if (dAck !== 0) changes |= this.#put(dAck) | ack;
    if (dSeq !== 0) changes |= this.#put(dSeq) | seq;
    const before = u16(h, at.length);
    // nothing new: a retransmission, or a probe; unless it is data after an acknowledgement alone
    if (changes === 0 && (before !== size || u16(b, o + at.length) === before)) return undefined;
    if (changes === echoed || changes === oneWay) return undefined;
    const special = this.#special(changes, dSeq, dAck, slot, before - size);
    const dId = (u16(b, o + at.id) - u16(h, at.id)) & 0xffff;
    const id = dId === 1 ? 0 : this.#put(dId) | bit.id;
    return special | id | ((u8(b, t + tcpAt.flags + 1) & flag.push) !== 0 ? bit.push : 0);
  }

  /** The other end takes the urgent flag of the last packet with these. */
  #special(changes: number, dSeq: number, dAck: number, slot: Slot, data: number): number {
    const wasUrgent = (u8(slot.header, slot.ip + tcpAt.flags + 1) & flag.urgent) !== 0;
    if (dSeq !== data || wasUrgent) return changes;
    const special =
      changes === seq ? oneWay : changes === (seq | ack) && dSeq === dAck ? echoed : 0;
    if (special === 0) return changes;
    this.#n = 0;
    return special;
  }

  /** A byte, or 0 and two bytes. */
  #put(v: number): 0 {
    const d = this.#deltas;
    if (v >= 256 || v === 0) {
      d[this.#n++] = 0;
      d[this.#n++] = v >>> 8;
    }
    d[this.#n++] = v;
    return 0;
  }

  #compressed(p: Packet, slot: Slot, changes: number, size: number): number {
    const { buf: b } = p;
    const named = !this.#limits.compSlot || this.#last !== slot;
    const data = p.start + size;
    let i = data - (named ? 4 : 3) - this.#n;
    p.start = i;
    put8(b, i++, changes | (named ? bit.slot : 0));
    if (named) put8(b, i++, slot.id);
    put16(b, i, u16(slot.header, slot.ip + tcpAt.sum));
    i += 2;
    for (let k = 0; k < this.#n; k++) b[i++] = this.#deltas[k] as number;
    this.#last = slot;
    return protocols.vjc;
  }
}

/** All that decompression takes from the slot is as it was. */
function alike(slot: Slot, b: Uint8Array, o: number, ip: number, size: number): boolean {
  const { header: h } = slot;
  const t = o + ip;
  if (slot.ip !== ip || slot.size !== size || !slot.isOf(b, o, t)) return false;
  return (
    u16(b, o) === u16(h, 0) &&
    u32(b, o + at.fragment) === fragmentTtl(h) &&
    ((u16(b, t + tcpAt.flags) ^ u16(h, ip + tcpAt.flags)) & kept) === 0 &&
    sameBytes(b, o, h, ip_min_bytes, ip) &&
    sameBytes(b, o, h, ip + tcp_min_bytes, size)
  );
}
/** Fragment word, ttl, protocol. */
const fragmentTtl = (h: Uint8Array): number => u32(h, at.fragment);
function sameBytes(b: Uint8Array, o: number, h: Uint8Array, from: number, to: number): boolean {
  for (let i = from; i < to; i++) if (b[o + i] !== h[i]) return false;
  return true;
}

/** What the peer sends. */
class Decompressor {
  readonly #limits: VjLimits;
  readonly #slots = new Map<number, Slot>();
  #last: Slot | undefined;
  /** Where the next number of a packet is. */
  #i = 0;

  constructor(limits: VjLimits) {
    this.#limits = limits;
  }

  /** Something was lost: a packet that does not name its slot may be another's (section 4.1). */
  toss(): void {
    this.#last = undefined;
  }

  uncompressed(p: Packet): boolean {
    const { buf: b, start: o } = p;
    const ip = ipSize(b, o, p.end - o);
    const id = u8(b, o + at.protocol);
    if (ip === 0 || id >= this.#limits.slots) return false;
    put8(b, o + at.protocol, tcp);
    if (inetChecksum(b, o, o + ip) !== 0) return false;
    let slot = this.#slots.get(id);
    if (slot === undefined) {
      slot = new Slot(id);
      this.#slots.set(id, slot);
    }
    slot.keep(b, o, ip, bothSizes(b, o, ip));
    this.#last = slot;
    return true;
  }

  compressed(p: Packet): boolean {
    this.#i = p.start;
    const changes = this.#byte(p);
    if ((changes & bit.slot) !== 0) this.#last = this.#slots.get(this.#byte(p));
    const slot = this.#last;
    if (slot === undefined || !this.#changed(p, slot, changes)) return false;
    const { header: h, size } = slot;
    p.start = this.#i;
    const o = p.push(size);
    for (let i = 0; i < size; i++) p.buf[o + i] = h[i] as number;
    return true;
  }

  /** The slot becomes what the packet says, or stays as it is where that is cut short. */
  #changed(p: Packet, slot: Slot, changes: number): boolean {
    const { header: h, ip: t, size } = slot;
    const sum = this.#word(p);
    const data = u16(h, at.length) - size;
    const special = changes & specials;
    const plain = special !== echoed && special !== oneWay;
    const isUrgent = plain && (changes & urgent) !== 0;
    const pointer = isUrgent ? this.#number(p) : 0;
    const dWindow = plain && (changes & window) !== 0 ? this.#number(p) : 0;
    const dAck = !plain ? (special === echoed ? data : 0) : changes & ack ? this.#number(p) : 0;
    const dSeq = !plain ? data : changes & seq ? this.#number(p) : 0;
    const dId = (changes & bit.id) !== 0 ? this.#number(p) : 1;
    const length = size + p.end - this.#i;
    if (this.#i > p.end || length > 0xffff) return false;
    if (isUrgent) put16(h, t + tcpAt.urgent, pointer);
    put16(h, t + tcpAt.window, u16(h, t + tcpAt.window) + dWindow);
    put32(h, t + tcpAt.ack, u32(h, t + tcpAt.ack) + dAck);
    put32(h, t + tcpAt.seq, u32(h, t + tcpAt.seq) + dSeq);
    put16(h, t + tcpAt.sum, sum);
    let flags = u8(h, t + tcpAt.flags + 1) & ~flag.push;
    if (plain) flags = isUrgent ? flags | flag.urgent : flags & ~flag.urgent;
    put8(h, t + tcpAt.flags + 1, flags | ((changes & bit.push) !== 0 ? flag.push : 0));
    put16(h, at.id, u16(h, at.id) + dId);
    put16(h, at.length, length);
    put16(h, at.sum, 0);
    put16(h, at.sum, inetChecksum(h, 0, t));
    return true;
  }

  #byte(p: Packet): number {
    const i = this.#i++;
    return i < p.end ? u8(p.buf, i) : 0;
  }
  #word(p: Packet): number {
    return (this.#byte(p) << 8) | this.#byte(p);
  }
  #number(p: Packet): number {
    return this.#byte(p) || this.#word(p);
  }
}

type Count = (what: 'vjout' | 'vjin') => void;

/** What IPCP agreed on, each way. `count` is told of each packet that was compressed. */
export class Vj implements HeaderCompression {
  readonly #limits: readonly [send: VjLimits | undefined, receive: VjLimits | undefined];
  readonly #down: Compressor | undefined;
  readonly #up: Decompressor | undefined;
  readonly #count: Count;
  #out = 0;
  #in = 0;
  #failed = 0;

  constructor(send: VjLimits | undefined, receive: VjLimits | undefined, count: Count) {
    this.#limits = [send, receive];
    this.#down = send && new Compressor(send);
    this.#up = receive && new Decompressor(receive);
    this.#count = count;
  }

  down(p: Packet): number {
    const protocol = this.#down?.down(p) ?? protocols.ip;
    if (protocol !== protocols.vjc) return protocol;
    this.#out++;
    this.#count('vjout');
    return protocol;
  }

  up(protocol: number, p: Packet): PathDrop | undefined {
    const compressed = protocol === protocols.vjc;
    if ((compressed ? this.#up?.compressed(p) : this.#up?.uncompressed(p)) !== true) {
      this.#failed++;
      this.#up?.toss();
      return 'vjfail';
    }
    if (compressed) {
      this.#in++;
      this.#count('vjin');
    }
    return undefined;
  }

  lost(): void {
    this.#up?.toss();
  }

  pairs(): readonly Pair[] {
    const [send, receive] = this.#limits.map(
      (l) => l && `${l.slots} slots${l.compSlot ? ' compslot' : ''}`,
    );
    return [
      ['vjsend', send],
      ['vjreceive', receive],
      ['vjout', this.#out],
      ['vjin', this.#in],
      ['vjfail', this.#failed],
    ];
  }
}
