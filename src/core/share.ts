/** Things that many conversations stand on: made by the first, closed after the last. */
import type { Env } from './plugin.js';

interface Shared {
  readonly it: Promise<{ close(): void }>;
  users: number;
}

export function makeShares(): Env['share'] {
  const all = new Map<string, Shared>();

  return async function share<T extends { close(): void }>(key: string, make: () => Promise<T>) {
    let s = all.get(key);
    if (s === undefined) {
      s = { it: make(), users: 0 };
      all.set(key, s);
    }
    const mine = s;
    mine.users++;
    const leave = (): boolean => {
      if (--mine.users > 0) return false;
      if (all.get(key) === mine) all.delete(key);
      return true;
    };
    try {
      const it = (await mine.it) as T;
      let held = true;
      return {
        it,
        release() {
          if (!held) return;
          held = false;
          if (leave()) it.close();
        },
      };
    } catch (e) {
      leave();
      throw e;
    }
  };
}
