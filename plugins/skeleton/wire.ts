/** The bytes of skeleton's protocol, which it shares with no RFC: type[1] payload[]
 *
 *  A wire file is offsets, parse and emit. It checks lengths once, returns plain
 *  values, and leaves the payload where it lies. What is wrong with a packet is a
 *  string: the name of the counter. */
import { type Packet, put8, take, u8 } from '@9p/packet';

export const types = { data: 0, hello: 1, welcome: 2, bye: 3 } as const;
export type Type = keyof typeof types;
export type Malformed = 'short' | 'badtype';

export const header_bytes = 1;

const names = Object.keys(types) as Type[];

/** The type of the packet in `b` from `o` to `end`. */
export function parse(b: Uint8Array, o: number, end: number): { type: Type } | Malformed {
  if (end - o < header_bytes) return 'short';
  const type = names[u8(b, o)];
  return type === undefined ? 'badtype' : { type };
}

/** Writes the header at `o`. */
export function emit(b: Uint8Array, o: number, type: Type): void {
  put8(b, o, types[type]);
}

/** A packet without payload. */
export function message(type: Type): Packet {
  const p = take(header_bytes);
  emit(p.buf, p.start, type);
  return p;
}
