/** A port: one end of a link, what a data file is inside the process that serves it. Made
 *  by core out of a plugin's few functions; core's part is attach, refusals, exclusive use,
 *  counters, taps and the catch that makes an exception of a plugin hang up its
 *  conversation and not the daemon. */
import type { Packet } from '@9p/packet';
import { Einuse, refuse } from './errors.js';
import type { Sink } from './machine.js';

export interface Taker {
  take(p: Packet): string | undefined;
}

/** bytes (a tty, tcp): any chunk; a Path that frames stands between. any: what the peer carries. */
export type Framing = 'packet' | 'bytes' | 'any';

export interface PortOptions {
  /** "/gre/0/data" */
  readonly name: string;
  readonly framing: Framing;
  /** Largest packet that send() takes now. */
  mtu(): number;
  /** Shortest packet that a write may bring. */
  readonly least_bytes?: number;
  /** What log and pcap show passes here; says which way a send() to this port goes. */
  readonly tap?: 'inbound' | 'outbound';
  /** send() would drop. */
  full?(): boolean;
  /** What send() does: the packet is the owner's now. A string is the counter of a dropped packet.
   *  A function is called without a `this`; an object spares each packet the function's own memory
   *  and its closure's, where there are thousands of conversations. */
  readonly take: ((p: Packet) => string | undefined) | Taker;
  /** The peer carries packets now; called again when its mtu has changed. */
  up?(peer: Port): void;
  /** The peer carries none, or is gone. */
  down?(why: string): void;
  /** The peer was full and is no longer. */
  room?(): void;
  /** Refuse a peer by throwing. */
  attached?(peer: Port): void;
  detached?(why: string): void;
}

/** What core does round a port: its conversation's taps, counters and crash. */
export interface PortHost {
  count(reason: string): void;
  crash(e: unknown): void;
  /** A port of it has lost its peer. */
  detached?(port: Port, why: string): void;
}
export type Tap = (inbound: boolean, p: Packet) => void;

/** Of a port that no conversation owns: it crashes nobody. */
export const throws = (e: unknown): never => {
  throw e;
};
const loose: PortHost = { count() {}, crash: throws };

export const hops_max = 16;

export class Port implements Sink {
  // What each packet needs comes first and together: with a thousand conversations every line of
  // memory that a packet touches is one that has to be fetched.
  readonly #take: ((p: Packet) => string | undefined) | undefined;
  readonly #taker: Taker | undefined;
  #peer: Port | undefined;
  #tap: Tap | undefined;
  /** Packets and bytes taken by send() and handed over by deliver(). */
  sent = 0;
  sentBytes = 0;
  delivered = 0;
  deliveredBytes = 0;
  #up = false;
  readonly #o: PortOptions;
  readonly #host: PortHost;
  /** The port at the other side of the same conversation, for the search of cycles. */
  through: Port | undefined;

  constructor(o: PortOptions, host: PortHost = loose) {
    this.#take = typeof o.take === 'function' ? o.take : undefined;
    this.#taker = typeof o.take === 'function' ? undefined : o.take;
    this.#peer = undefined;
    this.#tap = undefined;
    this.#o = o;
    this.#host = host;
  }

  /** Who sees what passes, while somebody reads log or pcap. */
  set tap(tap: Tap | undefined) {
    this.#tap = this.#o.tap === undefined ? undefined : tap;
  }

  get name(): string {
    return this.#o.name;
  }
  get framing(): Framing {
    return this.#o.framing;
  }
  get mtu(): number {
    return this.#o.mtu();
  }
  get least_bytes(): number {
    return this.#o.least_bytes ?? 0;
  }
  get full(): boolean {
    return this.#o.full?.() ?? false;
  }
  /** What is attached here. */
  get peer(): Port | undefined {
    return this.#peer;
  }
  /** The owner of this port carries packets. */
  get isUp(): boolean {
    return this.#up;
  }

  /** From the peer: the packet is given away. */
  send(p: Packet): boolean {
    this.sent++;
    this.sentBytes += p.end - p.start;
    if (this.#tap !== undefined) this.#tap(this.#o.tap === 'inbound', p);
    try {
      const drop = this.#take === undefined ? this.#taker?.take(p) : this.#take(p);
      if (drop === undefined) return true;
      this.#host.count(drop);
    } catch (e) {
      this.#host.crash(e);
    }
    return false;
  }

  /** From the owner: to what is attached. */
  deliver(p: Packet): boolean {
    const peer = this.#peer;
    if (peer === undefined) {
      this.#host.count('noreader');
      return false;
    }
    this.delivered++;
    this.deliveredBytes += p.end - p.start;
    if (this.#tap !== undefined) this.#tap(this.#o.tap === 'outbound', p);
    return peer.send(p);
  }

  /** Sends nothing yet. Throws a refusal: in use, framing, mtu, cycle. */
  attach(peer: Port): void {
    if (this.#peer !== undefined) throw refuse(`${Einuse}: ${this.name}`);
    const kinds = new Set([peer.framing, this.framing]);
    if (kinds.has('packet') && kinds.has('bytes'))
      throw refuse(`${peer.name} carries ${peer.framing}, ${this.name} ${this.framing}`);
    this.#o.attached?.(peer);
    this.#peer = peer;
  }

  detach(why: string): void {
    if (this.#peer === undefined) return;
    this.#peer = undefined;
    this.#guard(() => {
      this.#o.down?.(why);
      this.#o.detached?.(why);
      this.#host.detached?.(this, why);
    });
  }

  /** The owner, or whoever is attached and has no counters of its own. */
  count(reason: string): void {
    this.#host.count(reason);
  }

  /** The owner: packets flow from now on, or the mtu has changed. */
  raise(): void {
    this.#up = true;
    this.#peer?.linkUp();
  }
  /** The owner: packets flow no longer. */
  lower(why: string): void {
    if (!this.#up) return;
    this.#up = false;
    this.#peer?.linkDown(why);
  }
  /** The owner was full and is no longer. */
  roomAgain(): void {
    const peer = this.#peer;
    if (peer !== undefined) peer.#guard(() => peer.#o.room?.());
  }

  linkUp(): void {
    const peer = this.#peer;
    if (peer !== undefined) this.#guard(() => this.#o.up?.(peer));
  }
  linkDown(why: string): void {
    this.#guard(() => this.#o.down?.(why));
  }

  #guard(f: () => void): void {
    try {
      f();
    } catch (e) {
      this.#host.crash(e);
    }
  }
}

/** Attach both, undo the first if the second refuses, then tell both of a link that is up. */
export function join(a: Port, b: Port): void {
  refuseCycle(a, b);
  a.attach(b);
  try {
    b.attach(a);
  } catch (e) {
    a.detach('refused');
    throw e;
  }
  if (a.isUp) b.linkUp();
  if (b.isUp) a.linkUp();
}

export function part(a: Port, b: Port, why: string): void {
  a.detach(why);
  b.detach(why);
}

/** Follow what lies below `lower`'s new peer; meeting `upper`'s own
 *  conversation again is a cycle. */
function refuseCycle(a: Port, b: Port): void {
  let above = 0;
  for (let up = a.through?.peer; up !== undefined && above <= hops_max; above++)
    up = up.through?.peer;
  let at: Port | undefined = b;
  for (let hops = above; at !== undefined; hops++) {
    if (at.through === a || at === a) throw refuse(`${b.name} is bound above ${a.name}: a cycle`);
    if (hops >= hops_max) throw refuse(`bound too deep: ${hops_max} layers`);
    at = at.through?.peer;
  }
}
