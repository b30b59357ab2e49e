/** The data plane of skeleton: a header of one byte, and letters
 *  made upper case on the way down.
 *
 *  A path runs for each packet: it edits the packet where it lies and hands it
 *  on, and allocates nothing. It returns the name of a counter if it drops the
 *  packet, and undefined if it does not. */
import { type Packet, put8, u8 } from '@9p/packet';
import type { Path, Sink } from 'slashnet/core';
import { emit, header_bytes, type Malformed, parse } from './wire.js';

export type Drop = Malformed | 'notopen' | 'nobelow' | 'noabove';

const [a, z, toUpper] = [0x61, 0x7a, 0x20];

export class Shout implements Path<Drop> {
  /** Set by the glue when the machine says so. */
  open = false;
  shouting = false;
  /** How many were changed. */
  letters = 0;

  down(p: Packet, below: Sink): Drop | undefined {
    if (!this.open) return 'notopen';
    if (this.shouting) this.#shout(p);
    const at = p.push(header_bytes); // may move the packet: use its buf after, not before
    emit(p.buf, at, 'data');
    return below.send(p) ? undefined : 'nobelow';
  }

  /** Packets for the machine go to `control`, in order with the others. */
  up(p: Packet, above: Sink, control: Sink): Drop | undefined {
    const h = parse(p.buf, p.start, p.end);
    if (typeof h === 'string') return h;
    if (h.type !== 'data') {
      control.send(p);
      return undefined;
    }
    if (!this.open) return 'notopen';
    p.pull(header_bytes);
    return above.send(p) ? undefined : 'noabove';
  }

  #shout(p: Packet): void {
    for (let i = p.start; i < p.end; i++) {
      const c = u8(p.buf, i);
      if (c < a || c > z) continue;
      put8(p.buf, i, c - toUpper);
      this.letters++;
    }
  }
}
