/** Keys of the shuttle, ppp(8) -u: bytes for the device, control messages for it, and the end. */

/** Ctrl-D, Ctrl-E, Ctrl-O, and what begins the code of Plan 9's View key. */
const [end, even, odd, view] = [0x04, 0x05, 0x0f, 0x80];
const controls = new Map([
  [even, 'pe'],
  [odd, 'po'],
  [view, 'k500'],
]);

export type Key =
  | { readonly is: 'bytes'; readonly bytes: Uint8Array }
  /** uart(3): parity, or a break of so many ms. */
  | { readonly is: 'control'; readonly message: string }
  | { readonly is: 'end' };

export class Keys {
  /** The last byte was part of a character of UTF-8, of which an 80 may be, too. */
  #within = false;

  /** What was typed. What comes after the end is nobody's. */
  *typed(b: Uint8Array): Generator<Key> {
    let from = 0;
    for (const [i, c] of b.entries()) {
      const message = c === view && this.#within ? undefined : controls.get(c);
      this.#within = c >= 0x80 && message === undefined;
      if (message === undefined && c !== end) continue;
      if (i > from) yield { is: 'bytes', bytes: b.subarray(from, i) };
      if (message === undefined) return yield { is: 'end' };
      yield { is: 'control', message };
      from = i + 1;
    }
    if (from < b.length) yield { is: 'bytes', bytes: b.subarray(from) };
  }
}
