/** A seeded random source (mulberry32, Tommy Ettinger, public domain):
 *  the same seed, the same faults. */

export class Seeded {
  #a: number;

  constructor(seed: number) {
    this.#a = seed | 0;
  }

  u32(): number {
    this.#a = (this.#a + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#a ^ (this.#a >>> 15), 1 | this.#a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return (t ^ (t >>> 14)) >>> 0;
  }
  /** A whole number from 0 to n - 1. */
  below(n: number): number {
    return Math.floor((this.u32() / 0x100000000) * n);
  }
  /** True in `pct` of 100 cases. */
  chance(pct: number): boolean {
    return this.u32() < (pct / 100) * 0x100000000;
  }
}
