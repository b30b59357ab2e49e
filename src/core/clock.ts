/** The clock and the random source of a running daemon; tests bring their own. */
import { randomBytes, randomInt } from 'node:crypto';
import type { Clock, Random } from './machine.js';

export const realClock: Clock = {
  now: () => performance.now(),
  date: () => Date.now(),
  after(ms, f) {
    const t = setTimeout(f, Math.max(0, Math.ceil(ms)));
    return { stop: () => clearTimeout(t) };
  },
};

export const realRandom: Random = {
  u32: () => randomInt(0x100000000),
  bytes: (n) => new Uint8Array(randomBytes(n)),
};
