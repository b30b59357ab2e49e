/** Van Jacobson's compression of TCP/IP headers written a second time, from RFC 1144 alone. Packets
 *  are whole IPv4 packets; frames are the PPP protocol and what follows it. */
import type { Bytes } from './keys.js';

export const protocol = { ip: 0x21, compressed: 0x2d, uncompressed: 0x2f };
const [C, I, P, S, A, W, U] = [0x40, 0x20, 0x10, 0x08, 0x04, 0x02, 0x01];
/** What S, A, W and U together are taken for: they mean the two special cases. */
const mask = S | A | W | U;
const echoed = S | W | U;
const unidirectional = S | A | W | U;
const tcp = { fin: 0x01, syn: 0x02, rst: 0x04, psh: 0x08, ack: 0x10, urg: 0x20 };

export interface Frame {
  readonly protocol: number;
  readonly data: Bytes;
}

/** The headers of one connection's last packet. */
interface Headers {
  readonly ip: Buffer;
  readonly tcp: Buffer;
}

function split(packet: Bytes): { headers: Headers; data: Buffer } | undefined {
  const b = Buffer.from(packet);
  const ipLength = (b[0]! & 15) * 4;
  if (b.length < 40 || b[0]! >> 4 !== 4 || ipLength < 20 || b[9] !== 6) return undefined;
  if ((b.readUInt16BE(6) & 0x3fff) !== 0 || b.readUInt16BE(2) !== b.length) return undefined;
  if (b.length < ipLength + 20) return undefined;
  const tcpLength = (b[ipLength + 12]! >> 4) * 4;
  if (tcpLength < 20 || b.length < ipLength + tcpLength) return undefined;
  const end = ipLength + tcpLength;
  return {
    headers: { ip: b.subarray(0, ipLength), tcp: b.subarray(ipLength, end) },
    data: b.subarray(end),
  };
}

const ends = (h: Headers): string =>
  Buffer.concat([h.ip.subarray(12, 20), h.tcp.subarray(0, 4)]).toString('hex');

/** One byte, or zero and two: never for more than 16 bits. */
const delta = (v: number): number[] => (v >= 1 && v <= 255 ? [v] : [0, v >> 8, v & 255]);

const dataLength = (h: Headers): number => h.ip.readUInt16BE(2) - h.ip.length - h.tcp.length;

/** What may not change in a packet that is sent compressed: section 3.2.2, figure 3. */
const constant = (h: Headers): string => {
  const ip = Buffer.from(h.ip);
  ip.fill(0, 2, 6);
  ip.fill(0, 10, 12);
  const flags = h.tcp[13]! & ~(tcp.psh | tcp.urg);
  return [ip, h.tcp.subarray(0, 4), h.tcp.subarray(12, 13), Buffer.of(flags), h.tcp.subarray(20)]
    .map((x) => x.toString('hex'))
    .join();
};

/** The changes and their mask; undefined where the packet cannot be told by them. */
function changes(was: Headers, is: Headers): { mask: number; deltas: number[] } | undefined {
  const out: number[] = [];
  let bits = 0;
  const tell = (bit: number, v: number) => {
    bits |= bit;
    out.push(...delta(v));
  };
  const urgent = is.tcp.readUInt16BE(18);
  if ((is.tcp[13]! & tcp.urg) !== 0) tell(U, urgent);
  else if (urgent !== was.tcp.readUInt16BE(18)) return undefined;
  const window = (is.tcp.readUInt16BE(14) - was.tcp.readUInt16BE(14)) & 0xffff;
  if (window !== 0) tell(W, window);
  const ack = (is.tcp.readUInt32BE(8) - was.tcp.readUInt32BE(8)) >>> 0;
  const seq = (is.tcp.readUInt32BE(4) - was.tcp.readUInt32BE(4)) >>> 0;
  if (ack > 0xffff || seq > 0xffff) return undefined;
  if (ack !== 0) tell(A, ack);
  if (seq !== 0) tell(S, seq);
  // Bits that would be mistaken for the special cases.
  if ((bits & mask) === echoed || (bits & mask) === unidirectional) return undefined;
  const sent = dataLength(was);
  // A special case says nothing of U: who receives it leaves the flag as it was.
  const special = sent > 0 && seq === sent && (was.tcp[13]! & tcp.urg) === 0;
  if (bits === 0) {
    // Nothing moved: a packet with data again is a retransmission, one with none a probe.
    if (dataLength(is) === 0 || sent !== 0) return undefined;
  } else if (special && bits === (S | A) && ack === sent) {
    bits = echoed;
    out.length = 0;
  } else if (special && bits === S) {
    bits = unidirectional;
    out.length = 0;
  }
  const id = (is.ip.readUInt16BE(4) - was.ip.readUInt16BE(4)) & 0xffff;
  if (id !== 1) tell(I, id);
  if ((is.tcp[13]! & tcp.psh) !== 0) bits |= P;
  return { mask: bits, deltas: out };
}

export class VjSender {
  readonly #slots: (Headers | undefined)[];
  /** Least recently used first. */
  #order: number[];
  readonly #compSlot: boolean;
  #last: number | undefined;

  constructor(slots: number, compSlot: boolean) {
    this.#slots = Array(slots).fill(undefined);
    this.#order = [...Array(slots).keys()];
    this.#compSlot = compSlot;
  }

  send(packet: Bytes): Frame {
    const asItWas = { protocol: protocol.ip, data: packet };
    const parts = split(packet);
    if (parts === undefined) return asItWas;
    const { headers, data } = parts;
    if ((headers.tcp[13]! & (tcp.syn | tcp.fin | tcp.rst | tcp.ack)) !== tcp.ack) return asItWas;
    const found = this.#slots.findIndex((s) => s !== undefined && ends(s) === ends(headers));
    const slot = found >= 0 ? found : this.#order[0]!;
    this.#order = [...this.#order.filter((s) => s !== slot), slot];
    const was = this.#slots[slot];
    this.#slots[slot] = { ip: Buffer.from(headers.ip), tcp: Buffer.from(headers.tcp) };
    const told =
      found < 0 || was === undefined || constant(was) !== constant(headers)
        ? undefined
        : changes(was, headers);
    if (told === undefined) {
      this.#last = slot;
      const whole = Buffer.from(packet);
      whole[9] = slot;
      return { protocol: protocol.uncompressed, data: whole };
    }
    const names = !this.#compSlot || slot !== this.#last;
    this.#last = slot;
    const sum = headers.tcp.subarray(16, 18);
    const head = [told.mask | (names ? C : 0), ...(names ? [slot] : []), ...sum, ...told.deltas];
    return { protocol: protocol.compressed, data: Buffer.concat([Buffer.from(head), data]) };
  }
}

class Reader {
  readonly #b: Bytes;
  at = 0;
  constructor(b: Bytes) {
    this.#b = b;
  }
  byte(): number {
    const v = this.#b[this.at++];
    if (v === undefined) throw new Error('short');
    return v;
  }
  word(): number {
    return this.byte() * 256 + this.byte();
  }
  delta(): number {
    return this.byte() || this.word();
  }
  rest(): Bytes {
    return this.#b.subarray(this.at);
  }
}

function ipChecksum(header: Buffer): number {
  let sum = 0;
  for (let i = 0; i < header.length; i += 2) sum += i === 10 ? 0 : header.readUInt16BE(i);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return ~sum & 0xffff;
}

export class VjReceiver {
  readonly #slots: (Headers | undefined)[];
  #last: number | undefined;

  constructor(slots: number) {
    this.#slots = Array(slots).fill(undefined);
  }
  /** A frame was lost or bad: what names no slot is not believed. */
  error(): void {
    this.#last = undefined;
  }
  /** The packet, or undefined: dropped. */
  receive(f: Frame): Bytes | undefined {
    if (f.protocol === protocol.ip) return f.data;
    try {
      return f.protocol === protocol.uncompressed ? this.#whole(f.data) : this.#compressed(f.data);
    } catch {
      this.#last = undefined;
      return undefined;
    }
  }
  #whole(data: Bytes): Bytes {
    const packet = Buffer.from(data);
    const slot = packet[9];
    if (slot === undefined || slot >= this.#slots.length) throw new Error('slot');
    packet[9] = 6;
    const parts = split(packet);
    if (parts === undefined) throw new Error('not tcp');
    this.#slots[slot] = {
      ip: Buffer.from(parts.headers.ip),
      tcp: Buffer.from(parts.headers.tcp),
    };
    this.#last = slot;
    return packet;
  }
  #compressed(data: Bytes): Bytes {
    const r = new Reader(data);
    const bits = r.byte();
    if ((bits & C) !== 0) {
      const slot = r.byte();
      this.#last = slot < this.#slots.length ? slot : undefined;
    }
    const h = this.#last === undefined ? undefined : this.#slots[this.#last];
    if (h === undefined) throw new Error('no such connection');
    const sum = r.word();
    const sent = dataLength(h);
    const flags = h.tcp[13]! & ~tcp.psh;
    h.tcp[13] = flags | ((bits & P) !== 0 ? tcp.psh : 0);
    const add32 = (o: number, v: number) =>
      h.tcp.writeUInt32BE((h.tcp.readUInt32BE(o) + v) >>> 0, o);
    if ((bits & mask) === echoed) {
      add32(8, sent);
      add32(4, sent);
    } else if ((bits & mask) === unidirectional) add32(4, sent);
    else {
      h.tcp[13] &= ~tcp.urg;
      if ((bits & U) !== 0) {
        h.tcp[13] |= tcp.urg;
        h.tcp.writeUInt16BE(r.delta(), 18);
      }
      if ((bits & W) !== 0) h.tcp.writeUInt16BE((h.tcp.readUInt16BE(14) + r.delta()) & 0xffff, 14);
      if ((bits & A) !== 0) add32(8, r.delta());
      if ((bits & S) !== 0) add32(4, r.delta());
    }
    const id = (bits & I) !== 0 ? r.delta() : 1;
    h.ip.writeUInt16BE((h.ip.readUInt16BE(4) + id) & 0xffff, 4);
    h.tcp.writeUInt16BE(sum, 16);
    const rest = Buffer.from(r.rest());
    h.ip.writeUInt16BE(h.ip.length + h.tcp.length + rest.length, 2);
    h.ip.writeUInt16BE(ipChecksum(h.ip), 10);
    return Buffer.concat([h.ip, h.tcp, rest]);
  }
}
