/** Packets of a batch, as views of the slots that they lie in. */
import { Packet } from '@9p/packet';
import type { Arena } from './types.js';

/** Packet i of the batch that rx was called with: the arena's, so good until rx returns. */
export function received(a: Arena, i: number): Packet {
  const start = a.at[2 * i]!;
  const floor = start - (start % a.slotBytes);
  return new Packet(a.bytes, floor, start, a.at[2 * i + 1]!, floor + a.slotBytes, false);
}
