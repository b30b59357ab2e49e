/** Answers at hand, or to come. */
import type { Wait } from '@9p/lib9p';
import type { Clock } from 'slashnet/core';

/** `f` of a value at hand or to come. */
export function then<T, U>(v: Wait<T>, f: (v: T) => Wait<U>): Wait<U> {
  return v instanceof Promise ? v.then(f) : f(v);
}

/** A promise of `value` after a while. */
export function sleep<T>(clock: Clock, ms: number, value: T): { over: Promise<T>; stop(): void } {
  let timer: { stop(): void } | undefined;
  const over = new Promise<T>((resolve) => {
    timer = clock.after(ms, () => resolve(value));
  });
  return { over, stop: () => timer?.stop() };
}

/** Call `f` every `ms`, until stopped. */
export function every(clock: Clock, ms: number, f: () => void): { stop(): void } {
  let timer = clock.after(ms, ring);
  function ring(): void {
    timer = clock.after(ms, ring);
    f();
  }
  return { stop: () => timer.stop() };
}
