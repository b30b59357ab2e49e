/** Whose frame is it: one Ethernet interface, many sessions and many hosts in discovery. */
import { hex, type Packet, u16, u32 } from '@9p/packet';
import type { SessionPath } from './path.js';
import {
  code,
  etherType,
  find,
  header_bytes,
  type Mac,
  type Malformed,
  mac,
  parse,
  tag,
} from './wire.js';

/** One conversation in discovery, found by its Host-Uniq. */
export interface HostEnd {
  discovery(p: Packet): void;
}

/** Why a frame is nobody's: names of counters. */
export type Stray =
  | Malformed
  | 'notours'
  | 'nosession'
  | 'wrongmac'
  | 'nohostuniq'
  | 'otherhost'
  | 'badcode';

export class Demux {
  readonly #local: Mac;
  /** By session id. Two access concentrators may give the same id: a list by `next`. */
  readonly #sessions: (SessionPath | undefined)[] = new Array(0x10000).fill(undefined);
  readonly #hosts = new Map<string, HostEnd>();

  constructor(local: Mac) {
    this.#local = local;
  }

  has(id: number, peer: Mac): boolean {
    return this.#find(id, Math.floor(peer / 0x100000000), peer | 0) !== undefined;
  }

  /** A session that is open. False: there is such a one already. */
  add(s: SessionPath): boolean {
    if (this.#find(s.id, s.peerHigh, s.peerLow) !== undefined) return false;
    s.next = this.#sessions[s.id];
    this.#sessions[s.id] = s;
    return true;
  }

  /** Before it is closed. */
  remove(s: SessionPath): void {
    let last: SessionPath | undefined;
    for (let e = this.#sessions[s.id]; e !== undefined && e !== s; e = e.next) last = e;
    if (last !== undefined) last.next = s.next;
    else if (this.#sessions[s.id] === s) this.#sessions[s.id] = s.next;
    s.next = undefined;
  }

  /** False: another conversation has this Host-Uniq. */
  expect(hostUniq: Uint8Array, h: HostEnd): boolean {
    const key = hex(hostUniq);
    const had = this.#hosts.get(key);
    if (had !== undefined) return had === h;
    this.#hosts.set(key, h);
    return true;
  }

  forget(hostUniq: Uint8Array, h: HostEnd): void {
    const key = hex(hostUniq);
    if (this.#hosts.get(key) === h) this.#hosts.delete(key);
  }

  /** A frame of the session stage: given to its session, or why not. */
  session(p: Packet): Stray | undefined {
    const b = p.buf;
    const o = p.start;
    if (p.end - o < header_bytes) return 'short';
    if (u16(b, o + 12) !== etherType.session) return 'badtype';
    // In promiscuous mode come frames for other stations, which may have the same session id.
    if (mac(b, o) !== this.#local) return 'notours';
    const id = u16(b, o + 16);
    const s = this.#find(id, u16(b, o + 6), u32(b, o + 8) | 0);
    if (s === undefined) return this.#sessions[id] === undefined ? 'nosession' : 'wrongmac';
    try {
      const drop = s.up(p);
      if (drop !== undefined) s.owner.count(drop);
    } catch (e) {
      s.owner.crash(e);
    }
    return undefined;
  }

  /** A frame of the discovery stage. */
  discovery(p: Packet): Stray | undefined {
    const d = parse(p.buf, p.start, p.end);
    if (typeof d === 'string') return d;
    // Other hosts' broadcasts: for an access concentrator, which we are not yet.
    if (d.code === code.padi || d.code === code.padr) return 'otherhost';
    if (d.dst !== this.#local) return 'notours';
    if (d.code === code.padt) return this.#terminate(p, d.session, d.src);
    if (d.code !== code.pado && d.code !== code.pads) return 'badcode';
    const hostUniq = find(d, tag.hostUniq);
    const host = hostUniq && this.#hosts.get(hex(hostUniq));
    if (host === undefined) return hostUniq === undefined ? 'nohostuniq' : 'otherhost';
    host.discovery(p);
    return undefined;
  }

  /** Obeyed only where the session and its access concentrator's address are both right. */
  #terminate(p: Packet, id: number, src: Mac): Stray | undefined {
    const s = this.#find(id, Math.floor(src / 0x100000000), src | 0);
    if (s === undefined) return this.#sessions[id] === undefined ? 'nosession' : 'wrongmac';
    s.owner.terminate(p);
    return undefined;
  }

  #find(id: number, peerHigh: number, peerLow: number): SessionPath | undefined {
    for (let s = this.#sessions[id]; s !== undefined; s = s.next)
      if (s.peerLow === peerLow && s.peerHigh === peerHigh) return s;
    return undefined;
  }
}
