/** The data path of one PPPoE session, RFC 2516 section 6: a PPP frame
 *  down gets 20 bytes, up loses them. */
import { type Packet, put16, put32, u16, u32 } from '@9p/packet';
import type { Path, Sink } from 'slashnet/core';
import { code, emitHeader, etherType, header_bytes, type Mac, verType } from './wire.js';

export type Drop = 'toobig' | 'badversion' | 'badcode' | 'badlength' | 'empty';

/** What defines a session, RFC 2516 section 4. */
export interface SessionKey {
  readonly local: Mac;
  readonly peer: Mac;
  readonly id: number;
}

export class SessionPath implements Path<Drop> {
  /** Longest PPP frame, protocol field included: 1494 on an Ethernet of
   *  1500. RFC 4638 would raise it. */
  mtu_bytes: number;
  /** The header as words, so that a frame costs five stores and no copy. */
  readonly #w0: number;
  readonly #w1: number;
  readonly #w2: number;
  readonly #w3: number;
  readonly #session: number;

  constructor(key: SessionKey, mtu_bytes: number) {
    this.mtu_bytes = mtu_bytes;
    const head = new Uint8Array(header_bytes);
    const h = { dst: key.peer, src: key.local, code: code.session, session: key.id };
    emitHeader(head, 0, h, etherType.session, 0);
    this.#w0 = u32(head, 0);
    this.#w1 = u32(head, 4);
    this.#w2 = u32(head, 8);
    this.#w3 = u32(head, 12);
    this.#session = key.id;
  }

  down(p: Packet, below: Sink): Drop | undefined {
    const length = p.end - p.start;
    if (length > this.mtu_bytes) return 'toobig';
    const o = p.push(header_bytes);
    const b = p.buf;
    put32(b, o, this.#w0);
    put32(b, o + 4, this.#w1);
    put32(b, o + 8, this.#w2);
    put32(b, o + 12, this.#w3);
    put16(b, o + 16, this.#session);
    put16(b, o + 18, length);
    below.send(p); // who drops it counts it
    return undefined;
  }

  /** A frame that the demultiplexer found to be this session's, by ethertype,
   *  session id and both addresses. */
  up(p: Packet, above: Sink): Drop | undefined {
    const b = p.buf;
    const o = p.start;
    const head = u16(b, o + 14);
    if (head !== verType << 8) return head >>> 8 === verType ? 'badcode' : 'badversion';
    const length = u16(b, o + 18);
    if (length > p.end - o - header_bytes) return 'badlength';
    if (length === 0) return 'empty';
    p.pull(header_bytes);
    p.trim(length); // a short Ethernet frame is padded to 60 bytes
    above.send(p);
    return undefined;
  }
}
