/** A wire in memory as a conversation: `data` at its near end; `data1`, or
 *  what is bound, at its far end. */
import type { Packet } from '@9p/packet';
import {
  type Context,
  type Conversation,
  Einuse,
  type PathTimer,
  type Port,
  type PortOptions,
  quote,
  refuse,
  type Sink,
} from 'slashnet/core';
import { fmtFaults, none, set } from './faults.js';
import type { Framing, Line } from './line.js';
import { type Direction, WirePath } from './path.js';

/** Carries any layer of ours, on whatever it stands. */
const mtu_bytes = 2048;
const bytes_mtu_bytes = 65535;
export const directions: readonly Direction[] = ['down', 'up'];

export class LoopConv implements Conversation {
  /** The near end. */
  readonly upper: Port;
  /** The far end as a file. */
  readonly far: Port;
  readonly #ctx: Context;
  readonly #path: WirePath;
  readonly #timer: PathTimer;
  readonly #above: Sink = { send: (p) => this.upper.deliver(p) };
  readonly #below: Sink = { send: (p) => this.#end.deliver(p) };
  /** The far end where something is bound there. */
  readonly #bound: Port;
  /** Which of the two it is: `far` or `#bound`. */
  #end: Port;
  #cut = false;
  #closed = false;
  #mtu: number | undefined;
  /** Longest packet that we ourselves refuse; what is bound below refuses its own. */
  #longest = mtu_bytes;
  /** The mtu that who is attached to a port was told. */
  readonly #told = new Map<Port, number>();
  /** Sources that were told to stop. */
  readonly #stopped = new Set<Port>();

  constructor(ctx: Context) {
    this.#ctx = ctx;
    this.#path = new WirePath(ctx.env.random.u32(), (what) => ctx.count(what));
    this.upper = this.#port('data', 'down');
    this.far = this.#port('data1', 'up');
    this.#bound = this.#port('far end', 'up');
    this.#end = this.far;
    this.#timer = this.#startTimer();
  }

  #port(name: string, d: Direction): Port {
    const end = new End(this, `${this.#ctx.name}/${name}`, this.#path.line(d), d);
    const port = this.#ctx.port(end);
    end.port = port;
    return port;
  }

  // For its ends
  // -------------------------------------------------------------------------------
  other(port: Port): Port {
    return port === this.upper ? this.#end : this.upper;
  }

  takeAt(p: Packet, d: Direction, from: Port): string | undefined {
    if (!from.isUp) return 'nocarrier';
    if (p.end - p.start > this.#longest) return 'toobig';
    const line = this.#path.line(d);
    const out = d === 'down' ? this.#below : this.#above;
    if (line.clear) return line.send(p, out, 0);
    const drop = line.send(p, out, this.#ctx.env.clock.now());
    if (line.full) this.#stopped.add(from);
    this.#timer.check();
    return drop;
  }

  #startTimer(): PathTimer {
    const path = this.#path;
    const timed = {
      down: path.down.bind(path),
      up: path.up.bind(path),
      deadline: () => path.deadline(),
      timeout: (now: number, above: Sink, below: Sink) => {
        path.timeout(now, above, below);
        for (const port of [...this.#stopped]) if (!port.full) this.#go(port);
      },
    };
    return this.#ctx.pathTimer(timed, this.#above, this.#below);
  }
  #go(port: Port): void {
    this.#stopped.delete(port);
    port.roomAgain();
  }

  // What is attached
  // -------------------------------------------------------------------------------
  lower(): Port {
    return this.#bound;
  }

  attachedAt(port: Port): void {
    const twin = port === this.far ? this.#bound : port === this.#bound ? this.far : undefined;
    if (twin?.peer !== undefined) throw refuse(`${Einuse}: ${twin.peer.name} is at the far end`);
    if (twin !== undefined) this.#end = port;
    this.later();
  }

  /** When both sides of a join are done: what one end sends at once, the other is there to take. */
  later(): void {
    if (!this.#closed) this.#ctx.env.turn.defer(() => this.#settle());
  }

  /** Raise the ends that carry, and lower those that do not. */
  #settle(): void {
    if (this.#closed) return;
    const was = this.state;
    const inline = this.#bound.peer;
    this.#longest = this.#mtu ?? (inline === undefined ? this.mtu : bytes_mtu_bytes);
    const farPlugged = inline === undefined ? this.far.peer !== undefined : inline.isUp;
    this.#carry(this.upper, !this.#cut && farPlugged);
    this.#carry(this.#end, !this.#cut && this.upper.peer !== undefined);
    if (this.state !== was) this.#ctx.event(this.state);
  }
  /** Told again only of a new mtu, or two wires in a row would tell one another for ever. */
  #carry(port: Port, carries: boolean): void {
    if (!carries)
      port.lower(this.#cut ? 'the wire was cut' : 'nothing at the other end of the wire');
    else if (!port.isUp || this.#told.get(port) !== this.mtu) {
      this.#told.set(port, this.mtu);
      port.raise();
    }
  }

  // What the engine asks
  // -----------------------------------------------------------------------------
  get state(): string {
    return this.upper.isUp && this.#end.isUp ? 'Connected' : 'Idle';
  }
  get idle(): boolean {
    return this.state === 'Idle';
  }
  get mtu(): number {
    if (this.#path.framing === 'bytes') return bytes_mtu_bytes;
    const below = this.#bound.peer?.mtu;
    return Math.min(this.#mtu ?? below ?? mtu_bytes, below ?? bytes_mtu_bytes);
  }
  status(): string {
    const faults = directions.map((d) => `${d} ${quote(fmtFaults(this.#path.faults(d)))}`);
    const waiting = this.#path.line('down').length + this.#path.line('up').length;
    const wire = `framing ${this.#path.framing} mtu ${this.mtu} seed ${this.#path.seed}`;
    return `${wire} ${faults.join(' ')} waiting ${waiting}`;
  }
  local(): string {
    return this.upper.peer?.name ?? '';
  }
  remote(): string {
    return this.#end.peer?.name ?? '';
  }

  connect(): void {
    this.#cut = false;
    this.#settle();
    if (this.upper.isUp || this.upper.peer === undefined) return;
    const { name } = this.#ctx;
    throw refuse(`nothing carries at the far end of ${name}: not connected`);
  }
  hangup(): void {
    this.#cut = true;
    this.#path.empty();
    this.#settle();
  }
  close(): void {
    this.#cut = true;
    this.#path.empty();
    this.#settle();
    this.#closed = true;
    this.#timer.stop();
  }

  // Verbs
  // ----------------------------------------------------------------------------------------------
  setFault(to: readonly Direction[], name: string, words: readonly string[]): void {
    for (const d of to) this.#path.setFaults(d, set(this.#path.faults(d), name, words));
  }
  clear(): void {
    for (const d of directions) this.#path.setFaults(d, none);
  }
  setSeed(n: number): void {
    this.#path.seed = n;
  }
  setMtu(n: number): void {
    this.#mtu = n;
    this.#settle();
  }
  setFraming(f: Framing): void {
    const ends = [this.upper, this.far, this.#bound];
    if (ends.some((p) => p.peer !== undefined))
      throw refuse('still in use: framing is set before anything is attached');
    this.#path.framing = f;
    this.#settle();
  }
}

/** One end of a wire, as its port has it. A class: a wire has three. */
class End implements PortOptions {
  readonly name: string;
  readonly tap?: 'outbound';
  port: Port | undefined;
  readonly #wire: LoopConv;
  readonly #line: Line;
  readonly #d: Direction;
  readonly take = (p: Packet): string | undefined => this.#wire.takeAt(p, this.#d, this.#self);

  constructor(wire: LoopConv, name: string, line: Line, d: Direction) {
    this.#wire = wire;
    this.name = name;
    this.#line = line;
    this.#d = d;
    if (d === 'down') this.tap = 'outbound';
  }
  get #self(): Port {
    return this.port as Port;
  }
  get framing(): Framing {
    return this.#line.framing;
  }
  mtu(): number {
    return this.#wire.mtu;
  }
  full(): boolean {
    return this.#line.full || (this.#wire.other(this.#self).peer?.full ?? false);
  }
  attached(): void {
    this.#wire.attachedAt(this.#self);
  }
  detached(): void {
    this.#wire.later();
  }
  up(): void {
    this.#wire.later();
  }
  down(): void {
    this.#wire.later();
  }
  room(): void {
    this.#wire.other(this.#self).roomAgain();
  }
}
