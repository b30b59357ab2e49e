/** The packets of MPPE and MPPC, RFC 3078 section 3.1 and RFC 2118 section 3.1: flags and a count,
 *  then what follows the protocol field 00fd. The count tells what was lost. */
import { type Packet, put8, put16, u8, u16 } from '@9p/packet';
import type { MppeKeys } from './authentication.js';
import { Compressor, Decompressor } from './mppc.js';
import { type Bits, SessionKey, startKey } from './mppekey.js';
import type { DataCompression, PathDrop } from './path.js';

/** What CCP agreed on for one direction. */
export interface Mode {
  /** 0: not encrypted. */
  readonly bits: Bits | 0;
  readonly stateless: boolean;
  /** MPPC. */
  readonly compress: boolean;
}

export const flags = { flushed: 0x8000, front: 0x4000, compressed: 0x2000, encrypted: 0x1000 };
const header_bytes = 2;
const protocol_bytes = 2;
const counts = 0x1000;
const count_mask = counts - 1;
/** The header, and the protocol field that moved behind it. */
const overhead_bytes = header_bytes + protocol_bytes;
/** Packets so much older than the last one are late or doubled; others were lost in between. */
const late_max = 64;
/** Changes of the key that the count does not tell: 16 for a whole round of it, and one for each
 *  flushed packet that Linux sent and that was lost. */
const changes_max = 24;
/** So many packets on end of which none can be deciphered: we are out of step for good. */
const undeciphered_max = 16;

/** Does it begin like a packet of a network protocol, or of its control protocol? Linux encrypts
 *  those too. With a wrong key it does three times in a thousand. */
function plausible(b: Uint8Array, o: number): boolean {
  const first = u8(b, o);
  const second = u8(b, o + 1);
  if (first === 0x00) return isIp(second) || second === 0x2d || second === 0x2f;
  if (first === 0x80) return isIp(second);
  // Protocol-Field-Compression
  if (first === 0x21 || first === 0x2f) return second >> 4 === 4;
  return first === 0x57 ? second >> 4 === 6 : first === 0x2d && second < 0x80;
}
const isIp = (protocol: number): boolean => protocol === 0x21 || protocol === 0x57;

/** How often the key changes between two counts: on each that ends in ff, section 7.2. */
const flagsBetween = (from: number, steps: number): number =>
  ((from + steps + 1) >> 8) - ((from + 1) >> 8);

export class Sender {
  packets = 0;
  readonly #mode: Mode;
  readonly #key: SessionKey | undefined;
  readonly #mppc: Compressor | undefined;
  #count = count_mask;
  #flush: boolean;

  constructor(mode: Mode, key: SessionKey | undefined) {
    this.#mode = mode;
    this.#key = key;
    this.#mppc = mode.compress ? new Compressor() : undefined;
    // Linux neither sets the bit in the first packet nor would it understand it: see #next.
    this.#flush = mode.compress;
  }

  get encrypts(): boolean {
    return this.#key !== undefined;
  }

  /** The peer's Reset-Request. */
  flush(): void {
    this.#flush = true;
  }

  /** False: as it is, it goes without us. */
  down(p: Packet): boolean {
    if (this.#mode.stateless || this.#flush) this.#mppc?.reset();
    const short = this.#mppc?.compress(p.buf, p.start, p.end);
    if (short === undefined && this.#key === undefined) return false;
    let header = this.#next();
    if (short !== undefined && this.#mppc !== undefined) {
      p.buf.set(short, p.start);
      p.trim(short.length);
      header |= flags.compressed | (this.#mppc.atFront ? flags.front : 0);
    }
    this.#key?.rc4.crypt(p.buf, p.start, p.end);
    const o = p.push(header_bytes);
    put16(p.buf, o, header | this.#count);
    this.packets++;
    return true;
  }

  /** The count and the key of the next packet. To re-initialise the tables, as section 8.2 has
   *  it, encrypts two packets with the same bytes (section 9), and Linux changes the key whenever
   *  it sees the bit. So we go to the next count at which the key changes: there all agree. Where
   *  there is MPPC it is not Linux, and 9front would not find its key if that packet were lost. */
  #next(): number {
    const key = this.#key;
    const { compress, stateless } = this.#mode;
    this.#count = (this.#count + 1) & count_mask;
    if (this.#flush && !compress && !stateless) this.#count |= 0xff;
    const changes = stateless || (this.#count & 0xff) === 0xff;
    const flushed = this.#flush || stateless || (changes && !compress);
    if (changes) key?.change();
    if (changes || flushed) key?.begin();
    this.#flush = false;
    return (key === undefined ? 0 : flags.encrypted) | (flushed ? flags.flushed : 0);
  }

  wipe(): void {
    this.#key?.wipe();
  }
}

export interface ReceiverHost {
  /** A Reset-Request is due. */
  reset(): void;
  /** Only another beginning helps. */
  restart(): void;
}

export class Receiver {
  packets = 0;
  lost = 0;
  badcounter = 0;
  readonly #mode: Mode;
  readonly #key: SessionKey | undefined;
  readonly #mppc: Decompressor | undefined;
  readonly #host: ReceiverHost;
  /** Of the last packet that was good. */
  #count = count_mask;
  /** Something is missing: nothing makes sense before a flushed packet. */
  #discards = false;
  #undeciphered = 0;

  constructor(mode: Mode, key: SessionKey | undefined, host: ReceiverHost) {
    this.#mode = mode;
    this.#key = key;
    this.#mppc = mode.compress ? new Decompressor() : undefined;
    this.#host = host;
  }

  get decrypts(): boolean {
    return this.#key !== undefined;
  }

  up(p: Packet): PathDrop | undefined {
    if (p.end - p.start < header_bytes + protocol_bytes) return 'runt';
    const header = u16(p.buf, p.start);
    if ((header & flags.encrypted) === 0 ? this.decrypts : !this.decrypts) return 'badencryption';
    const flushed = (header & flags.flushed) !== 0;
    if (this.#mode.stateless && !flushed) return 'badencryption';
    const count = header & count_mask;
    const steps = (count - this.#count) & count_mask;
    if (steps === 0 || steps > counts - late_max) return 'replayed';
    p.start += header_bytes;
    const drop = flushed ? this.#flushed(p, steps) : this.#inStep(p, header, steps);
    if (drop !== undefined) return drop;
    this.lost += steps - 1;
    this.#count = count;
    this.#undeciphered = 0;
    return this.#decompress(p, header);
  }

  /** Nothing may be missing before it. */
  #inStep(p: Packet, header: number, steps: number): PathDrop | undefined {
    const key = this.#key;
    if (this.#discards || steps !== 1) return this.#outOfStep();
    if (key === undefined) return undefined;
    key.mark();
    if (flagsBetween(this.#count, 1) > 0) {
      key.change();
      key.begin();
    }
    if (open(p, key, (header & flags.compressed) === 0)) return undefined;
    key.back();
    return this.#outOfStep();
  }
  #outOfStep(): PathDrop {
    this.badcounter++;
    this.#discards = true;
    this.#host.reset();
    return 'badcounter';
  }

  /** Whatever was lost before it. If no key fits, nothing has changed. */
  #flushed(p: Packet, steps: number): PathDrop | undefined {
    const key = this.#key;
    key?.mark();
    if (key === undefined || this.#fits(p, key, steps)) {
      this.#discards = false;
      this.#mppc?.reset();
      return undefined;
    }
    key.back();
    if (++this.#undeciphered % undeciphered_max === 0) this.#host.restart();
    else if (!this.#mode.stateless) this.#outOfStep();
    return 'undeciphered';
  }

  /** Stateless: so many changes, or a whole round of the count more. Stateful: those of section
   *  8.2, or more. */
  #fits(p: Packet, key: SessionKey, steps: number): boolean {
    const { stateless } = this.#mode;
    key.change(stateless ? steps : flagsBetween(this.#count, steps));
    const tries = stateless ? 1 : changes_max;
    for (let n = 0; ; n++) {
      key.begin();
      if (open(p, key, true)) return true;
      if (n === tries) return false;
      key.change(stateless ? counts : 1);
    }
  }

  #decompress(p: Packet, header: number): PathDrop | undefined {
    this.packets++;
    if ((header & flags.compressed) === 0) return undefined;
    if (this.#mppc === undefined) return 'badcompression';
    if ((header & flags.front) !== 0) this.#mppc.front();
    const plain = this.#mppc.decompress(p.buf, p.start, p.end);
    if (plain === undefined) {
      this.#outOfStep();
      return 'badcompression';
    }
    p.replace(plain);
    return undefined;
  }

  wipe(): void {
    this.#key?.wipe();
  }
}

/** Decrypts. If `checked`, only what then looks like a packet; else nothing has changed in it. One
 *  that is compressed begins as it would without, where the history is empty. */
function open(p: Packet, key: SessionKey, checked: boolean): boolean {
  const { buf, start, end } = p;
  const two = start + protocol_bytes;
  const first = u8(buf, start);
  const second = u8(buf, start + 1);
  key.rc4.crypt(buf, start, two);
  if (!checked || plausible(buf, start)) {
    key.rc4.crypt(buf, two, end);
    return true;
  }
  put8(buf, start, first);
  put8(buf, start + 1, second);
  return false;
}

/** Both directions; either may be without. */
export class Mppe implements DataCompression {
  readonly sender: Sender | undefined;
  readonly receiver: Receiver | undefined;
  /** What a packet grows by. */
  readonly overhead_bytes: number;

  constructor(
    send: Mode | undefined,
    receive: Mode | undefined,
    keys: MppeKeys | undefined,
    host: ReceiverHost,
  ) {
    this.sender = send && new Sender(send, sessionKey(send, keys, true));
    this.receiver = receive && new Receiver(receive, sessionKey(receive, keys, false), host);
    this.overhead_bytes = this.sender?.encrypts === true ? overhead_bytes : 0;
  }

  down(p: Packet): boolean {
    return this.sender?.down(p) ?? false;
  }
  up(p: Packet): PathDrop | undefined {
    return this.receiver === undefined ? 'badencryption' : this.receiver.up(p);
  }
  wipe(): void {
    this.sender?.wipe();
    this.receiver?.wipe();
  }
}

function sessionKey(mode: Mode, keys: MppeKeys | undefined, send: boolean): SessionKey | undefined {
  if (mode.bits === 0) return undefined;
  if (keys === undefined) throw new Error('encryption was agreed on without keys');
  const start = startKey(keys, send);
  const key = new SessionKey(start, mode.bits);
  start.fill(0);
  return key;
}
