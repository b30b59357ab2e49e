/** Answers at hand and answers to come, by one way: without a promise where none is needed. */
import type { Wait } from './tree.js';

export function then<T, U>(w: Wait<T>, f: (value: T) => Wait<U>): Wait<U> {
  return w instanceof Promise ? w.then(f) : f(w);
}

/** As `then`, but for failures too. */
export function attempt<T, U>(
  start: () => Wait<T>,
  done: (value: T) => Wait<U>,
  failed: (e: unknown) => Wait<U>,
): Wait<U> {
  let w: Wait<T>;
  try {
    w = start();
  } catch (e) {
    return failed(e);
  }
  return w instanceof Promise ? w.then(done, failed) : done(w);
}
