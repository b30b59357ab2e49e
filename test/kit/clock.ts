/** Virtual time: a clock that stands still until the test moves it,
 *  from one deadline to the next. */
import type { Clock, Ms } from 'slashnet/core';

/** Where virtual wall time begins; any date will do, as long as it is always the same. */
const epoch_ms = Date.UTC(2000, 0, 1);
/** Turns of one run before it is taken for a loop that never ends. */
const turns_max = 1_000_000;

interface Timer {
  readonly at: Ms;
  /** Timers of one instant ring in the order in which they were set. */
  readonly order: number;
  readonly ring: () => void;
}

const oneImmediate = (): Promise<void> => new Promise((done) => setImmediate(done));

export class VirtualClock implements Clock {
  #now: Ms = 0;
  #order = 0;
  #turns = 0;
  readonly #timers = new Set<Timer>();

  now(): Ms {
    return this.#now;
  }
  date(): number {
    return epoch_ms + this.#now;
  }
  after(ms: Ms, ring: () => void): { stop(): void } {
    const timer = { at: this.#now + Math.max(0, ms), order: this.#order++, ring };
    this.#timers.add(timer);
    return { stop: () => void this.#timers.delete(timer) };
  }

  /** Timers not yet rung. */
  get pending(): number {
    return this.#timers.size;
  }
  /** When the next timer rings; Infinity if there is none. */
  deadline(): Ms {
    return this.#next()?.at ?? Number.POSITIVE_INFINITY;
  }

  /** Ring what is due within `ms`, in order, and stand `ms` later.
   *  For what has no promises in it. */
  advance(ms: Ms): void {
    const end = this.#now + ms;
    while (this.#ringNext(end)) {}
    this.#now = end;
  }

  /** As `advance`, and after each timer let the promises that it woke run until none is left. */
  async run(ms: Ms): Promise<void> {
    const end = this.#now + ms;
    await oneImmediate();
    while (this.#ringNext(end)) await oneImmediate();
    this.#now = end;
  }

  /**
   * Move time until `p` is settled, and return what it gives. It fails if nothing is left to wait
   * for: then `p` hangs on real I/O, or on nothing.
   */
  async until<T>(p: Promise<T>, limit_ms: Ms = 600_000): Promise<T> {
    const end = this.#now + limit_ms;
    let settled = false;
    const note = () => {
      settled = true;
    };
    p.then(note, note);
    await oneImmediate();
    while (!settled) {
      if (!this.#ringNext(end)) throw new Error(this.#stuck(end));
      await oneImmediate();
    }
    return p;
  }

  #stuck(end: Ms): string {
    return this.#timers.size === 0
      ? `still pending at ${this.#now} ms with no timer set: real I/O, or a promise that nobody settles`
      : `still pending at ${end} ms of virtual time`;
  }

  #next(): Timer | undefined {
    let next: Timer | undefined;
    for (const t of this.#timers) {
      if (next === undefined || t.at < next.at || (t.at === next.at && t.order < next.order))
        next = t;
    }
    return next;
  }

  #ringNext(end: Ms): boolean {
    const timer = this.#next();
    if (timer === undefined || timer.at > end) return false;
    if (++this.#turns > turns_max) throw new Error(`${turns_max} timers rung: time does not pass`);
    this.#timers.delete(timer);
    this.#now = Math.max(this.#now, timer.at);
    timer.ring();
    return true;
  }
}
