/** Addresses that a server gives to those who call: what the sessions of a layer have of them. No
 *  address is with two sessions, also where pools overlap. */
import { ipText } from './address.js';
import type { Lease } from './ipcp.js';

/** Both ends of a pool, which belong to it. */
export interface Range {
  readonly first: number;
  readonly last: number;
}

/** Addresses of one pool. */
export const range_max = 65_536;

export class Addresses {
  readonly #used = new Set<number>();
  /** Given last: who comes next gets the one after it, so that one that
   *  is given back waits for whom it was with. */
  #last = 0;

  get used(): number {
    return this.#used.size;
  }

  /** For one session, which never gets `not`, its own end. */
  lease(range: Range, not: number | undefined): SessionLease {
    return new SessionLease(this, range, not);
  }

  take(r: Range, asked: number, not: number | undefined): number | undefined {
    const good = (v: number) => v !== not && !this.#used.has(v);
    let v = asked >= r.first && asked <= r.last && good(asked) ? asked : undefined;
    const size = r.last - r.first + 1;
    const begin = this.#last >= r.first && this.#last < r.last ? this.#last + 1 : r.first;
    for (let i = 0; v === undefined && i < size; i++) {
      const next = r.first + ((begin - r.first + i) % size);
      if (good(next)) v = next;
    }
    if (v === undefined) return undefined;
    this.#used.add(v);
    this.#last = v;
    return v;
  }
  giveBack(v: number): void {
    this.#used.delete(v);
  }
}

export class SessionLease implements Lease {
  readonly name: string;
  readonly #of: Addresses;
  readonly #range: Range;
  readonly #not: number | undefined;
  #mine: number | undefined;

  constructor(of: Addresses, range: Range, not: number | undefined) {
    this.#of = of;
    this.#range = range;
    this.#not = not;
    this.name = `pool ${ipText(range.first)}-${ipText(range.last)}`;
  }
  take(asked: number): number | undefined {
    this.#mine ??= this.#of.take(this.#range, asked, this.#not);
    return this.#mine;
  }
  free(): void {
    if (this.#mine !== undefined) this.#of.giveBack(this.#mine);
    this.#mine = undefined;
  }
}
