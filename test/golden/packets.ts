/** What the tests of golden packets share. */
import { Packet } from '@9p/packet';

/** In the midst of noise, with room on both sides. */
export const packetOf = (b: Uint8Array): Packet => {
  const buf = new Uint8Array(b.length + 400).fill(0xa5);
  buf.set(b, 200);
  return new Packet(buf, 0, 200, 200 + b.length, buf.length, false);
};
