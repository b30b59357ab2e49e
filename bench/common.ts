/** What benches share. The yardsticks are no part of the project: ../shared/yardstick, or
 *  the folder that $YARDSTICK names. */
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The checkout: this file runs as dist/bench/common.js. */
export const root = fileURLToPath(new URL('../..', import.meta.url));

export const yardstick = process.env.YARDSTICK ?? join(root, '../shared/yardstick');

/** The one in the middle of an odd number, the lower one of the two else. */
export const median = (xs: readonly number[]): number =>
  [...xs].sort((a, b) => a - b)[(xs.length - 1) >> 1] ?? Number.NaN;

/** How busy the machine was within the last minute. */
export const load = (): string => (loadavg()[0] ?? 0).toFixed(1);
