/** Counters of a layer or a conversation, printed as `name: value` lines. */
export interface Counters<K extends string> {
  add(k: K, n?: number): void;
  get(k: K): number;
  toString(): string;
}

const reasons_max = 256;
const nothing: ReadonlyMap<string, number> = new Map();

/** Those of `names` are shown from the start; others join when they first count, up to a limit. */
export const counters = <K extends string>(names: readonly K[] = []): Counters<K | string> =>
  new Counted(names);

class Counted implements Counters<string> {
  /** A map of one's own only where something has counted: most conversations have none. */
  #n: Map<string, number> | undefined;

  constructor(names: readonly string[]) {
    if (names.length > 0) this.#n = new Map(names.map((k) => [k, 0]));
  }
  add(k: string, by = 1): void {
    this.#n ??= new Map();
    const was = this.#n.get(k);
    if (was !== undefined) this.#n.set(k, was + by);
    else if (this.#n.size < reasons_max) this.#n.set(k, by);
    else this.#n.set('otherreasons', (this.#n.get('otherreasons') ?? 0) + by);
  }
  get(k: string): number {
    return this.#n?.get(k) ?? 0;
  }
  toString(): string {
    let s = '';
    for (const [k, v] of this.#n ?? nothing) s += `${k}: ${v}\n`;
    return s;
  }
}
