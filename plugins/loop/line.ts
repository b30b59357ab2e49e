/** One direction of a wire in memory: packets in, and what its faults
 *  leave of them out, on virtual time. */
import { type Packet, put8, take, u8 } from '@9p/packet';
import type { Ms, Sink } from 'slashnet/core';
import { type Faults, isClear, none } from './faults.js';
import { Seeded } from './random.js';

export type Drop = 'lost' | 'qfull';
/** What happens to packets that go on, and to chunks that are lost when their time has come. */
export type Happened = 'corrupted' | 'duplicated' | 'reordered' | 'lost';
export type Framing = 'packet' | 'bytes';

/** Waits for its time. */
interface Waiting {
  readonly p: Packet;
  readonly at: Ms;
}

/** Waits for others to overtake it, or for `limit` if none come. */
interface Overtaken {
  readonly p: Packet;
  left: number;
  readonly limit: Ms;
}

/** A packet that is held back goes on after this, overtaken or not. */
export const hold_ms = 50;
const compact_packets = 1024;
const never = Number.POSITIVE_INFINITY;

export class Line {
  framing: Framing = 'packet';
  readonly #count: (what: Happened) => void;
  #faults: Faults = none;
  /** Decides whether; the other how much, so that one fault set differently
   *  leaves the others as they fell. */
  #whether = new Seeded(0);
  #amount = new Seeded(0);
  #queue: Waiting[] = [];
  #head = 0;
  #held: Overtaken[] = [];
  /** When the last packet that waits is due: order is kept when the delay gets shorter. */
  #last: Ms = 0;
  /** When the wire has sent what was given to it, at its rate. */
  #free: Ms = 0;
  #clear = true;

  constructor(count: (what: Happened) => void) {
    this.#count = count;
  }

  /** Nothing to do and nothing waiting: `send` hands on at once and reads no clock. */
  get clear(): boolean {
    return this.#clear && this.#head === this.#queue.length && this.#held.length === 0;
  }
  get faults(): Faults {
    return this.#faults;
  }
  /** Packets that wait. */
  get length(): number {
    return this.#queue.length - this.#head + this.#held.length;
  }
  get full(): boolean {
    return this.length >= this.#faults.queue_packets;
  }

  set(f: Faults): void {
    this.#faults = f;
    this.#clear = isClear(f);
  }
  seed(n: number): void {
    this.#whether = new Seeded(n);
    this.#amount = new Seeded(n ^ 0x2545f491);
  }
  /** What waits is gone: the wire was cut. */
  empty(): void {
    this.#queue = [];
    this.#head = 0;
    this.#held = [];
    this.#last = 0;
    this.#free = 0;
  }

  send(p: Packet, out: Sink, now: Ms): Drop | undefined {
    if (this.clear) {
      out.send(p);
      return undefined;
    }
    if (this.full) return 'qfull';
    if (this.framing === 'packet') return this.#datagram(p, out, now);
    this.#stream(p, out, now);
    return undefined;
  }

  timeout(now: Ms, out: Sink): void {
    const late = this.#held.filter((h) => h.limit <= now);
    if (late.length > 0) {
      this.#held = this.#held.filter((h) => h.limit > now);
      for (const h of late) this.#wait(h.p, now, now);
    }
    if (this.framing === 'bytes') this.#releaseBytes(now, out);
    else this.#release(now, out);
  }

  deadline(): Ms {
    let at = this.#queue[this.#head]?.at ?? never;
    for (const h of this.#held) at = Math.min(at, h.limit);
    return at;
  }

  /** Each fault is drawn for each packet, whether it is set or not. */
  #datagram(p: Packet, out: Sink, now: Ms): Drop | undefined {
    const f = this.#faults;
    const r = this.#whether;
    const lost = r.chance(f.loss_pct);
    const corrupt = r.chance(f.corrupt_pct);
    const twice = r.chance(f.dup_pct);
    const late = r.chance(f.reorder_pct);
    const at = this.#due(p, now);
    if (lost) return 'lost';
    if (corrupt) this.#flip(p);
    if (late) {
      this.#count('reordered');
      this.#held.push({ p: p.keep(), left: f.gap_packets, limit: at + hold_ms });
      return undefined;
    }
    if (twice) {
      this.#count('duplicated');
      this.#wait(p.copy(), at, now);
    }
    this.#wait(p, at, now);
    this.#overtake(at, now);
    this.#release(now, out);
    return undefined;
  }

  /** When it comes out at the other end: rate first, then the length of the wire. */
  #due(p: Packet, now: Ms): Ms {
    const f = this.#faults;
    const jitter = f.jitter_ms > 0 ? (this.#amount.u32() / 0x100000000) * f.jitter_ms : 0;
    const sent = f.rate_bps > 0 ? (p.length * 8000) / f.rate_bps : 0;
    this.#free = Math.max(this.#free, now) + sent;
    return this.#free + f.delay_ms + jitter;
  }

  #wait(p: Packet, at: Ms, now: Ms): void {
    this.#last = Math.max(this.#last, at);
    this.#queue.push({ p: this.#last > now ? p.keep() : p, at: this.#last });
  }

  /** A packet has gone past those that are held back. */
  #overtake(at: Ms, now: Ms): void {
    if (this.#held.length === 0) return;
    for (const h of this.#held) if (--h.left <= 0) this.#wait(h.p, at, now);
    this.#held = this.#held.filter((h) => h.left > 0);
  }

  /** `out` may send here again before it returns: what is left in the
   *  queue is in order all the while. */
  #release(now: Ms, out: Sink): void {
    for (let p = this.#shift(now); p !== undefined; p = this.#shift(now)) out.send(p);
  }

  /** The next packet whose time has come. */
  #shift(now: Ms): Packet | undefined {
    const w = this.#queue[this.#head];
    if (w === undefined || w.at > now) return undefined;
    if (++this.#head === this.#queue.length || this.#head >= compact_packets) {
      this.#queue = this.#queue.slice(this.#head);
      this.#head = 0;
    }
    return w.p;
  }

  /** Bytes know no packets: without `chunk` each write is a chunk,
   *  with it the cuts fall anywhere. */
  #stream(p: Packet, out: Sink, now: Ms): void {
    const at = this.#due(p, now);
    const cut = this.#faults.chunk_bytes > 0;
    this.#wait(cut ? p.keep() : p, at, now);
    // What is cut anew waits for the timer, so that writes of one moment are joined.
    if (!cut) this.#releaseBytes(now, out);
  }

  #releaseBytes(now: Ms, out: Sink): void {
    const max = this.#faults.chunk_bytes;
    if (max > 0) this.#cut(this.#joined(now), max, out);
    else for (let p = this.#shift(now); p !== undefined; p = this.#shift(now)) this.#chunk(p, out);
  }

  /** All bytes that are due, as one. */
  #joined(now: Ms): Uint8Array {
    const due: Packet[] = [];
    let n = 0;
    for (let p = this.#shift(now); p !== undefined; p = this.#shift(now)) {
      due.push(p);
      n += p.length;
    }
    const all = new Uint8Array(n);
    n = 0;
    for (const p of due) {
      all.set(p.bytes(), n);
      n += p.length;
    }
    return all;
  }

  #cut(all: Uint8Array, max: number, out: Sink): void {
    for (let o = 0; o < all.length; ) {
      const n = Math.min(all.length - o, 1 + this.#amount.below(max));
      const p = take(n);
      p.buf.set(all.subarray(o, o + n), p.start);
      o += n;
      this.#chunk(p, out);
    }
  }

  #chunk(p: Packet, out: Sink): void {
    const lost = this.#whether.chance(this.#faults.loss_pct);
    const corrupt = this.#whether.chance(this.#faults.corrupt_pct);
    if (lost) this.#count('lost');
    else {
      if (corrupt) this.#flip(p);
      out.send(p);
    }
  }

  /** One bit of it is another. */
  #flip(p: Packet): void {
    if (p.length === 0) return;
    const bit = this.#amount.below(p.length * 8);
    const o = p.start + (bit >>> 3);
    put8(p.buf, o, u8(p.buf, o) ^ (1 << (bit & 7)));
    this.#count('corrupted');
  }
}
