/** The data path of one PPPoE session, RFC 2516 section 6: a PPP frame down gets 20 bytes, up
 *  loses them. All that a packet needs of its session lies in this one object: with a thousand
 *  sessions it is memory that costs, not instructions. */
import { type Packet, put16, put32, u16, u32 } from '@9p/packet';
import { code, emitHeader, etherType, header_bytes, type Mac, verType } from './wire.js';

export type Drop = 'notup' | 'toobig' | 'badversion' | 'badcode' | 'badlength' | 'empty';

/** What defines a session, RFC 2516 section 4. */
export interface SessionKey {
  readonly local: Mac;
  readonly peer: Mac;
  readonly id: number;
}

/** Where packets go on: a Port. Who drops one counts it. */
export interface Onward {
  deliver(p: Packet): boolean;
}

/** Whose session it is. */
export interface SessionOwner {
  count(reason: string): void;
  crash(e: unknown): void;
  /** A PADT for this session. */
  terminate(p: Packet): void;
}

const nowhere: Onward = { deliver: () => false };

export class SessionPath {
  /** 0 while there is no session. */
  id = 0;
  /** The peer's address, compared with that of each frame. */
  peerHigh = 0;
  peerLow = 0;
  /** Longest PPP frame, protocol field included: 1494 on an Ethernet of
   *  1500. RFC 4638 would raise it. */
  mtu_bytes = 0;
  /** The header as words, so that a frame costs five stores and no copy; signed, as V8 keeps those
   *  without a box. */
  #w0 = 0;
  #w1 = 0;
  #w2 = 0;
  #w3 = 0;
  above: Onward = nowhere;
  #below: Onward = nowhere;
  /** Shown the whole frames while somebody looks. */
  tap: ((inbound: boolean, p: Packet) => void) | undefined = undefined;
  /** The next session of the same id, with another peer: the demultiplexer's. */
  next: SessionPath | undefined = undefined;
  readonly owner: SessionOwner;

  constructor(owner: SessionOwner) {
    this.owner = owner;
  }

  open(key: SessionKey, mtu_bytes: number, below: Onward): void {
    const head = new Uint8Array(header_bytes);
    const h = { dst: key.peer, src: key.local, code: code.session, session: key.id };
    emitHeader(head, 0, h, etherType.session, 0);
    this.#w0 = u32(head, 0) | 0;
    this.#w1 = u32(head, 4) | 0;
    this.#w2 = u32(head, 8) | 0;
    this.#w3 = u32(head, 12) | 0;
    this.peerHigh = u16(head, 0);
    this.peerLow = u32(head, 2) | 0;
    this.mtu_bytes = mtu_bytes;
    this.#below = below;
    this.id = key.id;
  }

  close(): void {
    this.id = 0;
    this.#below = nowhere;
  }

  /** What the port behind `data` does with a packet. */
  take(p: Packet): Drop | undefined {
    return this.down(p);
  }

  down(p: Packet): Drop | undefined {
    const length = p.end - p.start;
    if (this.id === 0) return 'notup';
    if (length > this.mtu_bytes) return 'toobig';
    const o = p.push(header_bytes);
    const b = p.buf;
    put32(b, o, this.#w0);
    put32(b, o + 4, this.#w1);
    put32(b, o + 8, this.#w2);
    put32(b, o + 12, this.#w3);
    put16(b, o + 16, this.id);
    put16(b, o + 18, length);
    if (this.tap !== undefined) this.tap(false, p);
    this.#below.deliver(p);
    return undefined;
  }

  /** A frame that the demultiplexer found to be this session's, by ethertype, session id and both
   *  addresses. */
  up(p: Packet): Drop | undefined {
    if (this.tap !== undefined) this.tap(true, p);
    const b = p.buf;
    const o = p.start;
    const head = u16(b, o + 14);
    if (head !== verType << 8) return head >>> 8 === verType ? 'badcode' : 'badversion';
    const length = u16(b, o + 18);
    if (length > p.end - o - header_bytes) return 'badlength';
    if (length === 0) return 'empty';
    p.pull(header_bytes);
    p.trim(length); // a short Ethernet frame is padded to 60 bytes
    this.above.deliver(p);
    return undefined;
  }
}
