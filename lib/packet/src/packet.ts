/** One packet of at most the mtu, with room in front for the headers of every layer below it.
 *
 *     0      start            end    buf.length
 *     |<room>|<--- packet --->|<room>|
 */

/** Room in front of a new packet, whatever is bound to what. */
export const headroom_bytes = 128;

/** Times a header found no room and the packet moved to a roomier buffer; stays 0 in a sound stack. */
export const moved = { count: 0 };

/**
 * `send` gives a packet away; it lives until the end of its turn, and who holds it longer holds `keep()`.
 * `own` says that the bytes belong to this packet alone and not to a receive arena.
 */
export class Packet {
  buf: Uint8Array;
  start: number;
  end: number;
  own: boolean;

  constructor(buf: Uint8Array, start: number, end: number, own: boolean) {
    this.buf = buf;
    this.start = start;
    this.end = end;
    this.own = own;
  }

  get length(): number {
    return this.end - this.start;
  }

  /** Make room for a header of n bytes and return its offset in `buf`. */
  push(n: number): number {
    if (this.start < n) this.#move(n);
    this.start -= n;
    return this.start;
  }

  /** Drop a parsed header of n bytes; false, and nothing dropped, if the packet is too short. */
  pull(n: number): boolean {
    if (this.end - this.start < n) return false;
    this.start += n;
    return true;
  }

  /** Shorten to n bytes: padding goes. */
  trim(n: number): void {
    if (n < this.end - this.start) this.end = this.start + n;
  }

  /** This packet if its bytes are its own, else a copy of it out of the receive arena. */
  keep(): Packet {
    return this.own ? this : this.copy();
  }

  /** For a second receiver: loop's duplicates, taps, bytes that outlive the turn. */
  copy(): Packet {
    const p = take(this.length);
    p.buf.set(this.buf.subarray(this.start, this.end), p.start);
    return p;
  }

  /** The packet's bytes where they lie: good until the end of the turn. */
  bytes(): Uint8Array {
    return this.buf.subarray(this.start, this.end);
  }

  #move(n: number): void {
    moved.count++;
    const p = take(this.length, headroom_bytes + n);
    p.buf.set(this.buf.subarray(this.start, this.end), p.start);
    this.buf = p.buf;
    this.start = p.start;
    this.end = p.end;
    this.own = true;
  }
}

const slab_bytes = 64 * 1024;
const tailroom_bytes = 32;
let slab = new Uint8Array(0);
let slabAt = 0;

/**
 * A packet of `length` bytes (what they are is left from before: fill them) with room in front. Its bytes
 * are carved from a slab that the garbage collector owns: nothing to free, nothing to leak.
 */
export function take(length: number, room = headroom_bytes): Packet {
  const n = room + length + tailroom_bytes;
  if (n > slab_bytes / 4) return new Packet(new Uint8Array(n), room, room + length, true);
  if (slabAt + n > slab.length) {
    slab = new Uint8Array(slab_bytes);
    slabAt = 0;
  }
  const buf = slab.subarray(slabAt, slabAt + n);
  slabAt += n;
  return new Packet(buf, room, room + length, true);
}

/** A packet with these bytes in it, copied. */
export function packetOf(bytes: Uint8Array): Packet {
  const p = take(bytes.length);
  p.buf.set(bytes, p.start);
  return p;
}
