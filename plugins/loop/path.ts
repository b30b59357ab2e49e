/** A wire in memory, both directions: `down` from data to the far end, `up` the other way. */
import type { Packet } from '@9p/packet';
import type { Ms, Path, Sink } from 'slashnet/core';
import type { Faults } from './faults.js';
import { type Drop, type Framing, type Happened, Line } from './line.js';

export type { Drop } from './line.js';
export type Direction = 'up' | 'down';

export class WirePath implements Path<Drop> {
  readonly #up: Line;
  readonly #down: Line;
  #seed = 0;

  constructor(seed: number, count: (what: Happened) => void) {
    this.#up = new Line(count);
    this.#down = new Line(count);
    this.seed = seed;
  }

  get seed(): number {
    return this.#seed;
  }
  /** The directions draw apart from one another, from here on anew. */
  set seed(n: number) {
    this.#seed = n;
    this.#down.seed(n);
    this.#up.seed(n ^ 0x5bd1e995);
  }
  get framing(): Framing {
    return this.#up.framing;
  }
  set framing(f: Framing) {
    this.#up.framing = f;
    this.#down.framing = f;
  }

  line(d: Direction): Line {
    return d === 'up' ? this.#up : this.#down;
  }
  faults(d: Direction): Faults {
    return this.line(d).faults;
  }
  setFaults(d: Direction, f: Faults): void {
    this.line(d).set(f);
  }

  /** `now` is looked at only where `clear` is false. */
  down(p: Packet, below: Sink, now: Ms): Drop | undefined {
    return this.#down.send(p, below, now);
  }
  up(p: Packet, above: Sink, _control: Sink, now: Ms): Drop | undefined {
    return this.#up.send(p, above, now);
  }
  timeout(now: Ms, above: Sink, below: Sink): void {
    this.#up.timeout(now, above);
    this.#down.timeout(now, below);
  }
  deadline(): Ms {
    return Math.min(this.#up.deadline(), this.#down.deadline());
  }

  /** The wire is cut: what was on it is gone. */
  empty(): void {
    this.#up.empty();
    this.#down.empty();
  }
}
