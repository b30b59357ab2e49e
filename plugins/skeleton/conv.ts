/** One conversation of skeleton: the glue between its machine, its path and what core gives.
 *
 *  Nothing here parses bytes or keeps time, and nothing in
 *  machine.ts and path.ts knows of files. */
import {
  type Context,
  type Conversation,
  type Driver,
  Einterrupted,
  type Port,
  type Req,
  refuse,
} from 'slashnet/core';
import { type Cmd, type Event, Greeting } from './machine.js';
import { Shout } from './path.js';
import { header_bytes } from './wire.js';

/** The mtu while nothing is bound below. */
const mtu_bytes = 1500;

interface Waiting {
  resolve(): void;
  reject(e: Error): void;
}

export class SkeletonConversation implements Conversation {
  /** What the layer above is joined to; it is behind `data`. */
  readonly upper: Port;
  readonly path = new Shout();
  readonly #ctx: Context;
  readonly #below: Port;
  readonly #machine = new Greeting();
  readonly #driver: Driver<Cmd>;
  readonly #waiting: Waiting[] = [];

  constructor(ctx: Context) {
    this.#ctx = ctx;
    this.upper = ctx.port({
      name: `${ctx.name}/data`,
      framing: 'packet',
      mtu: () => (this.#below.peer?.mtu ?? mtu_bytes) - header_bytes,
      full: () => this.#below.peer?.full ?? false,
      take: (p) => this.path.down(p, below),
    });
    this.#below = ctx.port({
      name: `${ctx.name}/lower`,
      framing: 'packet',
      mtu: () => mtu_bytes,
      // This layer's own packets pass here: what `log` and `pcap` show.
      tap: 'inbound',
      take: (p) => this.path.up(p, above, this.#driver),
      // The mtu below may have changed: whoever is above hears of it by another linkUp.
      up: () => this.path.open && this.upper.raise(),
      down: () => this.#driver.command('lost'),
      room: () => this.upper.roomAgain(),
    });
    // deliver() hands a packet to whatever is attached to the port.
    const below = { send: (p: Parameters<Port['deliver']>[0]) => this.#below.deliver(p) };
    const above = { send: (p: Parameters<Port['deliver']>[0]) => this.upper.deliver(p) };
    this.#driver = ctx.driver(this.#machine, below, (e) => this.#told(e));
  }

  // What core asks -----------------------------------------------------------------------------

  get state(): string {
    return this.#machine.state;
  }
  get idle(): boolean {
    return this.#machine.state === 'Idle';
  }
  /** `name value` pairs after the state. */
  status(): string {
    return `shout ${this.path.shouting ? 'on' : 'off'} letters ${this.path.letters}`;
  }
  local(): string {
    return this.#ctx.name;
  }
  remote(): string {
    return this.#below.peer?.name ?? '';
  }
  lower(): Port {
    return this.#below;
  }

  /** Done when it is up, or has failed, or the client went away. */
  connect(_args: readonly string[], req: Req): Promise<void> | undefined {
    if (this.#below.peer === undefined) throw refuse('nothing is bound below: bind path first');
    if (this.#machine.state === 'Open') return undefined;
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      req.onflush = () => {
        this.#settle((w) => w.reject(refuse(Einterrupted)));
        this.#driver.command('hangup');
      };
      this.#driver.command('call');
    });
  }
  /** In any state. */
  hangup(): void {
    this.#driver.command('hangup');
  }
  /** The directory goes. Never throws. */
  close(why: string): void {
    this.#settle((w) => w.reject(refuse(why)));
    this.#driver.stop();
  }

  // What the machine tells ---------------------------------------------------------------------

  #told(e: Event): void {
    if (e.is === 'state') this.#ctx.event(e.state);
    else if (e.is === 'count') this.#ctx.count(e.reason);
    else if (e.is === 'open') this.#opened();
    else this.#closed(e.why);
  }

  #opened(): void {
    this.path.open = true;
    this.upper.raise();
    this.#settle((w) => w.resolve());
  }

  #closed(why: string): void {
    const wasOpen = this.path.open;
    this.path.open = false;
    this.upper.lower(why);
    this.#settle((w) => w.reject(refuse(why)));
    // `down` is for what went by itself: it sets err, tells the readers of event, and may redial.
    if (why === 'hung up' || !wasOpen) this.#ctx.fail(why);
    else this.#ctx.down(why);
  }

  #settle(f: (w: Waiting) => void): void {
    for (const w of this.#waiting.splice(0)) f(w);
  }
}
