/** One packet of at most the mtu, with room in front for the headers of every layer below it.
 *
 *     floor     start            end      ceil
 *     |<--room-->|<--- packet --->|<-room->|        offsets in buf, which many packets share
 */

/** Room in front of a new packet, whatever is bound to what. */
export const headroom_bytes = 128;
const tailroom_bytes = 32;

/** Times a header found no room and the packet moved to a roomier
 *  place; stays 0 in a sound stack. */
export const moved = { count: 0 };

let born: ((p: Packet) => void) | undefined;
/** Tests see every packet as it is made, to poison at the end of the turn what nobody kept. */
export function onPacket(f: ((p: Packet) => void) | undefined): void {
  born = f;
}

/**
 * `send` gives a packet away; it lives until the end of its turn, and who holds it longer holds
 * `keep()`. `own` says that its bytes are nobody else's, as opposed to those of a receive arena.
 */
export class Packet {
  buf: Uint8Array;
  floor: number;
  start: number;
  end: number;
  ceil: number;
  own: boolean;
  kept = false;

  constructor(
    buf: Uint8Array,
    floor: number,
    start: number,
    end: number,
    ceil: number,
    own: boolean,
  ) {
    this.buf = buf;
    this.floor = floor;
    this.start = start;
    this.end = end;
    this.ceil = ceil;
    this.own = own;
    if (born !== undefined) born(this);
  }

  get length(): number {
    return this.end - this.start;
  }

  /** Make room for a header of n bytes and return its offset in `buf` (which this may replace). */
  push(n: number): number {
    if (this.start - n < this.floor) this.#move(n, 0);
    this.start -= n;
    return this.start;
  }

  /** Drop a parsed header of n bytes; false, and nothing dropped, if the packet is too short. */
  pull(n: number): boolean {
    if (this.end - this.start < n) return false;
    this.start += n;
    return true;
  }

  /** Make room for n bytes at the end and return their offset in `buf` (which this may replace). */
  append(n: number): number {
    if (this.end + n > this.ceil) this.#move(0, n);
    this.end += n;
    return this.end - n;
  }

  /** Shorten to n bytes: padding goes. */
  trim(n: number): void {
    if (n < this.end - this.start) this.end = this.start + n;
  }

  /** Other bytes, copied, where they have room: what was compressed. */
  replace(bytes: Uint8Array): void {
    const n = bytes.length;
    this.floor = carve(headroom_bytes + n + tailroom_bytes);
    this.buf = slab;
    this.start = this.floor + headroom_bytes;
    this.end = this.start + n;
    this.ceil = this.end + tailroom_bytes;
    this.own = true;
    this.buf.set(bytes, this.start);
  }

  /** This packet if its bytes are its own, else a copy of it out of
   *  the receive arena: good for ever. */
  keep(): Packet {
    const p = this.own ? this : this.copy();
    p.kept = true;
    return p;
  }

  /** For a second receiver: loop's duplicates, taps. */
  copy(): Packet {
    const p = take(this.end - this.start);
    p.buf.set(this.buf.subarray(this.start, this.end), p.start);
    return p;
  }

  /** The packet's bytes where they lie: good until the end of the turn. */
  bytes(): Uint8Array {
    return this.buf.subarray(this.start, this.end);
  }

  #move(front: number, back: number): void {
    moved.count++;
    const n = this.end - this.start;
    const at = carve(headroom_bytes + front + n + back + tailroom_bytes);
    const start = at + headroom_bytes + front;
    slab.set(this.buf.subarray(this.start, this.end), start);
    this.buf = slab;
    this.floor = at;
    this.start = start;
    this.end = start + n;
    this.ceil = start + n + back + tailroom_bytes;
    this.own = true;
  }
}

const slab_bytes = 64 * 1024;
let slab = new Uint8Array(0);
let slabAt = 0;

/** n bytes of the current slab; returns their offset. The garbage collector owns slabs. */
function carve(n: number): number {
  if (slabAt + n > slab.length) {
    slab = new Uint8Array(Math.max(slab_bytes, n));
    slabAt = 0;
  }
  slabAt += n;
  return slabAt - n;
}

/** A packet of `length` bytes (zero, or left from before: fill them), with room in front. */
export function take(length: number, room = headroom_bytes): Packet {
  const at = carve(room + length + tailroom_bytes);
  const start = at + room;
  return new Packet(slab, at, start, start + length, start + length + tailroom_bytes, true);
}

/** A packet with these bytes in it, copied. */
export function packetOf(bytes: Uint8Array): Packet {
  const p = take(bytes.length);
  p.buf.set(bytes, p.start);
  return p;
}
