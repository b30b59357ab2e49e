/** Answers at hand, or to come. */
import type { Wait } from '@9p/lib9p';

/** `f` of a value at hand or to come. */
export function then<T, U>(v: Wait<T>, f: (v: T) => Wait<U>): Wait<U> {
  return v instanceof Promise ? v.then(f) : f(v);
}
