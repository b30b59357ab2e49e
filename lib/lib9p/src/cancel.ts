/** How a caller gives an operation up. */
import type { Req } from './tree.js';

/** An AbortSignal, or the Req of a server that the operation is for. */
export type Cancel = AbortSignal | Pick<Req, 'flushed' | 'onflush'>;

export const isCancelled = (c: Cancel): boolean =>
  c instanceof AbortSignal ? c.aborted : c.flushed;

/** Call `f` when it is given up, until the function returned is called. A Req tells one only. */
export function onCancel(c: Cancel | undefined, f: () => void): () => void {
  if (c === undefined) return () => undefined;
  if (c instanceof AbortSignal) {
    c.addEventListener('abort', f, { once: true });
    return () => c.removeEventListener('abort', f);
  }
  c.onflush = f;
  return () => {
    if (c.onflush === f) c.onflush = undefined;
  };
}
