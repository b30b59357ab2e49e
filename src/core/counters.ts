/** Counters of a layer or a conversation, printed as `name: value` lines. */
export interface Counters<K extends string> {
  add(k: K, n?: number): void;
  get(k: K): number;
  toString(): string;
}

const reasons_max = 256;

/** Those of `names` are shown from the start; others join when they first count, up to a limit. */
export function counters<K extends string>(names: readonly K[] = []): Counters<K | string> {
  const n = new Map<string, number>(names.map((k) => [k, 0]));
  return {
    add(k, by = 1) {
      const was = n.get(k);
      if (was !== undefined) n.set(k, was + by);
      else if (n.size < reasons_max) n.set(k, by);
      else n.set('otherreasons', (n.get('otherreasons') ?? 0) + by);
    },
    get: (k) => n.get(k) ?? 0,
    toString() {
      let s = '';
      for (const [k, v] of n) s += `${k}: ${v}\n`;
      return s;
    },
  };
}
