/** A link through files: reads in flight, in order, and one write a packet. For data
 *  files that are served elsewhere, in another process or on another machine. */
import { newReq, Reads, type Wait, type Who } from '@9p/lib9p';
import { type Packet, packetOf } from '@9p/packet';
import { errorText } from './errors.js';
import type { Chan } from './namespace.js';
import type { Link } from './plugin.js';
import { join, Port, part, throws } from './port.js';
import type { Turn } from './turn.js';

const read_bytes = 65536;
const most_bytes = 65535;
/** Of a stream of records, while they come and while they do not. Of another file the next place is
 *  known only when a read is back. */
const reads_max = 32;
const reads_idle = 2;
const writes_max = 64;

export interface PumpOptions {
  readonly turn: Turn;
  readonly path: string;
  /** What the file is joined to. */
  readonly lower: Port;
  readonly who: Who;
  /** Opens the file anew, once it has ended. */
  open(): Wait<Chan>;
}

class Pump implements Link {
  readonly fast = false;
  readonly #o: PumpOptions;
  readonly #port: Port;
  #chan: Chan;
  #writing = 0;
  #stopped = false;
  #reads: Reads | undefined;

  constructor(o: PumpOptions, chan: Chan) {
    this.#o = o;
    this.#chan = chan;
    this.#port = new Port(
      {
        name: o.path,
        framing: o.lower.framing,
        mtu: () => this.#mtu,
        full: () => this.#writing >= writes_max,
        take: (p) => this.#take(p),
        detached: () => this.#stop(),
      },
      { count: (reason) => o.lower.count(reason), crash: throws },
    );
    o.turn.run(() => join(o.lower, this.#port));
    this.#start();
  }

  get path(): string {
    return this.#o.path;
  }

  /** What one write takes. */
  get #mtu(): number {
    return Math.min(most_bytes, this.#chan.iounit ?? most_bytes);
  }

  #take(p: Packet): string | undefined {
    if (this.#writing >= writes_max) return 'qfull';
    if (p.length > this.#mtu) return 'toobig';
    void this.#write(p.keep());
    return undefined;
  }

  async #write(p: Packet): Promise<void> {
    const { turn } = this.#o;
    this.#writing++;
    try {
      const n = await this.#chan.write(p.bytes(), 0, newReq(this.#o.who));
      if (n < p.length) this.#o.lower.count('truncated');
    } catch (e) {
      turn.run(() => this.#port.lower(errorText(e)));
    } finally {
      if (this.#writing-- === writes_max) turn.run(() => this.#port.roomAgain());
    }
  }

  #start(): void {
    const from = this.#chan;
    this.#o.turn.run(() => this.#port.raise());
    this.#read(from).then(
      () => this.#ended(from, 'hung up'),
      (e) => this.#ended(from, errorText(e)),
    );
  }

  async #read(from: Chan): Promise<void> {
    const { who, turn } = this.#o;
    const stream = from.stream === true;
    const depths = { depth: reads_max, idle: reads_idle };
    const reads = new Reads(from, { count: read_bytes, ...depths, stream, who });
    this.#reads = reads;
    for await (const b of reads) {
      if (this.#stopped || from !== this.#chan) return;
      turn.run(() => this.#port.deliver(packetOf(b)));
    }
  }

  #ended(from: Chan, why: string): void {
    if (!this.#stopped && from === this.#chan) this.#o.turn.run(() => this.#port.lower(why));
  }

  /** The new one is open before the old one goes: whoever serves it sees no gap. */
  async again(): Promise<void> {
    const next = await this.#o.open();
    if (this.#stopped) return next.close();
    const old = this.#chan;
    this.#reads?.stop();
    this.#chan = next;
    old.close();
    this.#start();
  }

  unbind(why: string): void {
    const { turn, lower } = this.#o;
    if (lower.peer === this.#port) turn.run(() => part(lower, this.#port, why));
    this.#stop();
  }

  #stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#reads?.stop();
    this.#chan.close();
  }
}

export const pump = (o: PumpOptions, chan: Chan): Link => new Pump(o, chan);
