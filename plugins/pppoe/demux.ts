/** Whose frame is it: one Ethernet interface, many sessions and many hosts in discovery. */
import { hex, type Packet, u16 } from '@9p/packet';
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

/** One session: frames of either stage that are its own. */
export interface SessionEnd {
  readonly id: number;
  readonly peer: Mac;
  session(p: Packet): void;
  terminate(p: Packet): void;
}

/** One conversation in discovery, found by its Host-Uniq. */
export interface HostEnd {
  discovery(p: Packet): void;
}

interface Entry {
  readonly end: SessionEnd;
  readonly peer: Mac;
  readonly next: Entry | undefined;
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
  /** By session id. Two access concentrators may give the same id:
   *  then the entries differ by `peer`. */
  readonly #sessions: (Entry | undefined)[] = new Array(0x10000).fill(undefined);
  readonly #hosts = new Map<string, HostEnd>();

  constructor(local: Mac) {
    this.#local = local;
  }

  /** False: this session is there already. */
  add(s: SessionEnd): boolean {
    if (this.has(s.id, s.peer)) return false;
    this.#sessions[s.id] = { end: s, peer: s.peer, next: this.#sessions[s.id] };
    return true;
  }

  has(id: number, peer: Mac): boolean {
    return this.#find(id, peer) !== undefined;
  }

  remove(s: SessionEnd): void {
    let kept: Entry | undefined;
    for (let e = this.#sessions[s.id]; e !== undefined; e = e.next)
      if (e.end !== s) kept = { end: e.end, peer: e.peer, next: kept };
    this.#sessions[s.id] = kept;
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
    const end = this.#find(id, mac(b, o + 6));
    if (end === undefined) return this.#sessions[id] === undefined ? 'nosession' : 'wrongmac';
    end.session(p);
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
    const end = this.#find(id, src);
    if (end === undefined) return this.#sessions[id] === undefined ? 'nosession' : 'wrongmac';
    end.terminate(p);
    return undefined;
  }

  #find(id: number, peer: Mac): SessionEnd | undefined {
    for (let e = this.#sessions[id]; e !== undefined; e = e.next) if (e.peer === peer) return e.end;
    return undefined;
  }
}
