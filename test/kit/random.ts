/** Seeded random numbers (sfc32, Chris Doty-Humphrey's PractRand): one seed, one run. */
import type { Random } from 'slashnet/core';

export class SeededRandom implements Random {
  #a: number;
  #b: number;
  #c = 0x9e3779b9;
  #counter = 1;

  constructor(seed: number) {
    this.#a = seed >>> 0;
    this.#b = Math.floor(seed / 0x100000000) >>> 0;
    for (let i = 0; i < 12; i++) this.u32(); // seeds that lie close give unlike beginnings
  }

  u32(): number {
    const t = (this.#a + this.#b + this.#counter++) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + t;
    return t >>> 0;
  }
  bytes(n: number): Uint8Array {
    const out = new Uint8Array(n);
    for (let i = 0; i < n; i++) out[i] = this.u32();
    return out;
  }

  /** A whole number from 0 to n - 1. */
  below(n: number): number {
    return Math.floor((this.u32() / 0x100000000) * n);
  }
  /** True in `pct` of 100 cases. */
  chance(pct: number): boolean {
    return this.u32() < (pct / 100) * 0x100000000;
  }
  pick<T>(from: readonly T[]): T {
    const x = from[this.below(from.length)];
    if (x === undefined) throw new Error('pick: nothing to choose from');
    return x;
  }
}
