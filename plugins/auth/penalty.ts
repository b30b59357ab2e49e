/** How long the verdict on a failed login is held back: longer for each that failed before from
 *  the same address or for the same name, up to a bound. One that succeeds is not. */
import type { Clock, Ms } from 'slashnet/core';

/** After so long without a failure all is forgotten. */
export const forgotten_ms = 10 * 60_000;
const doublings_max = 3;
/** Names and addresses that are remembered; the oldest go first. */
export const remembered_max = 4096;

export class Penalty {
  /** What the first failure costs. 0: nothing ever does. */
  first_ms = 1000;
  readonly #clock: Clock;
  readonly #failures = new Map<string, { n: number; at: Ms }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A login failed: undefined, or what to wait for before that is told. */
  failed(user: string, address: string | undefined): Promise<void> | undefined {
    if (this.first_ms === 0) return undefined;
    const keys = [`user ${user}`, ...(address === undefined ? [] : [`address ${address}`])];
    const before = Math.max(...keys.map((k) => this.#count(k)));
    const ms = this.first_ms * 2 ** Math.min(before, doublings_max);
    return new Promise((resolve) => this.#clock.after(ms, resolve));
  }

  /** One more failure of `key`; how many there were before. */
  #count(key: string): number {
    const now = this.#clock.now();
    const known = this.#failures.get(key);
    const n = known !== undefined && now - known.at < forgotten_ms ? known.n : 0;
    this.#failures.delete(key); // and to the end: a Map keeps the order of insertion
    this.#failures.set(key, { n: n + 1, at: now });
    if (this.#failures.size > remembered_max)
      for (const oldest of this.#failures.keys()) {
        this.#failures.delete(oldest);
        break;
      }
    return n;
  }
}
