/** HDLC-like framing on a line of bytes, RFC 1662 sections 3 and 4: flags, escapes, FCS-16. An
 *  n:m path: a chunk of bytes holds no frame, several, or a part of one. */
import { fcs16, fcsGood, fcsInit, type Packet, packetOf, put16, take, u8, u16 } from '@9p/packet';
import type { Ms, Path, Sink } from 'slashnet/core';
import { protocols } from './codes.js';

const flag = 0x7e;
const esc = 0x7d;
const flip = 0x20;
/** FCS, and the shortest frame: a compressed protocol with no information. */
const fcs_bytes = 2;
const frame_min_bytes = 3;
/** After a line was idle so long, a frame has a flag in front: noise since then harms no frame. */
const idle_ms = 1000;

export type HdlcDrop = 'badfcs' | 'abort' | 'shortframe' | 'longframe';

export class HdlcPath implements Path<HdlcDrop> {
  /** Control characters that we escape, and that count as noise when they arrive (RFC 1662 7.1). */
  sendAccm = 0xffffffff;
  receiveAccm = 0xffffffff;
  readonly #count: (reason: HdlcDrop) => void;
  readonly #frame: Uint8Array;
  #length = 0;
  #escaped = false;
  /** Too long: what comes up to the next flag is dropped. */
  #deaf = true;
  /** The last byte sent was a flag: the next frame needs none in front. */
  #flagSent = false;
  #sentAt: Ms = 0;

  /** `frame_bytes` is the longest frame taken, FCS included. `count` is told of each frame
   *  dropped: one chunk may hold several. */
  constructor(frame_bytes: number, count: (reason: HdlcDrop) => void) {
    this.#frame = new Uint8Array(frame_bytes);
    this.#count = count;
  }

  /** The line was cut: what was half received is gone, and the other
   *  end may not have seen our flag. */
  reset(): void {
    this.#length = 0;
    this.#escaped = false;
    this.#deaf = true;
    this.#flagSent = false;
  }

  /** A frame, from its address or protocol field on, becomes bytes. */
  down(p: Packet, below: Sink, now: Ms): undefined {
    const n = p.end - p.start;
    const accm = isLcp(p) ? 0xffffffff : this.sendAccm;
    const fcs = ~fcs16(p.buf, p.start, p.end, fcsInit) & 0xffff;
    const escapes = escapesOf(accm);
    const line = lineFor(2 * (n + fcs_bytes) + 2);
    let at = 0;
    if (!this.#flagSent || now - this.#sentAt >= idle_ms) line[at++] = flag;
    at = stuff(line, at, p.buf, p.start, p.end, escapes);
    put16(tail, 0, (fcs << 8) | (fcs >>> 8));
    at = stuff(line, at, tail, 0, fcs_bytes, escapes);
    line[at++] = flag;
    this.#flagSent = below.send(packetOf(line.subarray(0, at)));
    this.#sentAt = now;
    return undefined;
  }

  /** Bytes become frames without flags and FCS. Those that are dropped are counted one by one. */
  up(p: Packet, above: Sink): undefined {
    const { buf, start, end } = p;
    for (let i = this.#run(buf, start, end); i < end; i = this.#run(buf, i + 1, end)) {
      const c = u8(buf, i);
      if (c === flag) this.#flag(above);
      else if (c >= flip || ((this.receiveAccm >>> c) & 1) === 0) this.#byte(c);
    }
    return undefined;
  }

  /** Plain bytes, and escaped ones, go into the frame; the place of the first that is neither. */
  #run(b: Uint8Array, start: number, end: number): number {
    if (this.#deaf || this.#escaped) return start;
    const escapes = escapesOf(this.receiveAccm);
    const frame = this.#frame;
    let at = this.#length;
    const stop = Math.min(end, start + frame.length - at);
    let i = start;
    for (; i < stop; i++) {
      let c = b[i]!;
      if (escapes[c] !== 0) {
        // one that is cut off by the end of the chunk, a flag or noise is for #byte
        if (c !== esc || i + 1 >= end || escapes[b[i + 1]!] !== 0) break;
        c = b[++i]! ^ flip;
      }
      frame[at++] = c;
    }
    this.#length = at;
    return i;
  }

  #byte(c: number): void {
    if (this.#deaf) return;
    if (c === esc && !this.#escaped) {
      this.#escaped = true;
      return;
    }
    if (this.#length === this.#frame.length) {
      this.#deaf = true;
      this.#length = 0;
      this.#count('longframe');
      return;
    }
    this.#frame[this.#length++] = this.#escaped ? c ^ flip : c;
    this.#escaped = false;
  }

  /** The end of a frame and the beginning of the next. */
  #flag(above: Sink): void {
    const n = this.#length;
    const aborted = this.#escaped;
    const silent = this.#deaf || (n === 0 && !aborted);
    this.#length = 0;
    this.#escaped = false;
    this.#deaf = false;
    if (silent) return;
    if (aborted) this.#count('abort');
    else if (n < frame_min_bytes) this.#count('shortframe');
    else if (fcs16(this.#frame, 0, n) !== fcsGood) this.#count('badfcs');
    else above.send(this.#packet(n - fcs_bytes));
  }

  #packet(n: number): Packet {
    const p = take(n);
    p.buf.set(this.#frame.subarray(0, n), p.start);
    return p;
  }
}

/** Where a frame is stuffed: a packet as long as it may become would be twice as long as most are.
 *  Of all sessions, as nobody keeps it. */
let scratch = new Uint8Array(4096);
function lineFor(most_bytes: number): Uint8Array {
  if (scratch.length < most_bytes) scratch = new Uint8Array(most_bytes);
  return scratch;
}

/** The FCS on its way out. */
const tail = new Uint8Array(fcs_bytes);

/** Bytes from..end of b, escaped, at to[at..]; where they end. */
function stuff(
  to: Uint8Array,
  at: number,
  b: Uint8Array,
  from: number,
  end: number,
  escapes: Uint8Array,
): number {
  for (let i = from; i < end; i++) {
    const c = b[i]!;
    if (escapes[c] === 0) to[at++] = c;
    else {
      to[at++] = esc;
      to[at++] = c ^ flip;
    }
  }
  return at;
}

/** For each byte whether it must not go over the line as it is: a table, kept for the maps in use,
 *  which are few. */
function escapesOf(accm: number): Uint8Array {
  if (accm === lastAccm) return lastEscapes;
  let t = tables.get(accm);
  if (t === undefined) {
    t = Uint8Array.from({ length: 256 }, (_, c) =>
      c === flag || c === esc || (c < flip && ((accm >>> c) & 1) === 1) ? 1 : 0,
    );
    if (tables.size >= tables_max) tables.clear();
    tables.set(accm, t);
  }
  lastAccm = accm;
  lastEscapes = t;
  return t;
}
const tables_max = 64;
const tables = new Map<number, Uint8Array>();
let lastAccm = -1;
let lastEscapes: Uint8Array = new Uint8Array(0);

/** LCP is sent as if nothing were agreed (RFC 1662 7.1). */
function isLcp(p: Packet): boolean {
  if (p.end - p.start < 4) return p.end - p.start >= 2 && u16(p.buf, p.start) === protocols.lcp;
  const first = u16(p.buf, p.start);
  return first === protocols.lcp || (first === 0xff03 && u16(p.buf, p.start + 2) === protocols.lcp);
}
