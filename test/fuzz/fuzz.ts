/** The tables of parsers and printers: each takes any bytes,
 *  $FUZZ_ITERATIONS of them from $FUZZ_SEED. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hex, Packet } from '@9p/packet';
import { fuzzIterations, samples } from '../kit/index.js';

export interface Row {
  readonly name: string;
  /** Good ones; what is tried is these with faults put in, and some noise. */
  readonly corpus: readonly Uint8Array[];
  /** Fails if the bytes do harm. */
  check(b: Uint8Array): void | Promise<void>;
  /** After the last: what must have come about, so that the row is known to test something. */
  done?(): void;
}

export const error_bytes_max = 127;

async function run(row: Row, seed: number): Promise<void> {
  let n = 0;
  for (const b of samples(seed, fuzzIterations(), row.corpus)) {
    const sample = b.slice();
    try {
      const waits = row.check(b);
      if (waits instanceof Promise) await waits;
    } catch (e) {
      const why = `${(e as Error).message}\nFUZZ_SEED=${seed}, sample ${n}: ${hex(sample)}`;
      throw new Error(why, { cause: e });
    }
    n++;
  }
  row.done?.();
}

export function fuzz(rows: readonly Row[]): void {
  const seed = Number(process.env.FUZZ_SEED ?? 1);
  for (const row of rows) test(`any bytes: ${row.name}`, () => run(row, seed));
}

/** Printed for a user: no control characters, and not without end. */
export function oneLine(s: string, length_max = 4000): void {
  assert.ok(s.length <= length_max && !/\p{Cc}/u.test(s), JSON.stringify(s));
}

/** As a user is told of it. Where there is no ctl to cut it, the text may be longer. */
export function isRefusal(e: unknown, bytes_max = error_bytes_max): void {
  const { name, message, stack } = e as Error;
  assert.equal(name, 'FileError', stack);
  assert.ok(message !== '' && Buffer.byteLength(message) <= bytes_max, message);
}
/** What `f` gives; undefined if it refuses. */
export function orRefused<T>(f: () => T, bytes_max = Number.POSITIVE_INFINITY): T | undefined {
  try {
    return f();
  } catch (e) {
    isRefusal(e, bytes_max);
    return undefined;
  }
}

/** In the midst of noise, as a receive arena has it. */
export function packetIn(b: Uint8Array): Packet {
  const buf = new Uint8Array(b.length + 160).fill(0xa5);
  buf.set(b, 140);
  return new Packet(buf, 0, 140, 140 + b.length, buf.length, false);
}

/** Names of counters are one word. */
export const counter = (x: unknown): boolean => {
  if (typeof x !== 'string') return false;
  assert.match(x, /^[a-z]+$/);
  return true;
};
