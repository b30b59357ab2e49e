/** pcapng (draft-ietf-opsawg-pcapng): the blocks that a live capture of one interface needs. */
import { putLe16, putLe32, utf8 } from './bytes.js';

/** LINKTYPE_ numbers that the layers here use. */
export const linkType = { ether: 1, ppp: 9, raw: 101, hdlc: 50, pppWithDir: 204 } as const;

const pad4 = (n: number): number => (n + 3) & ~3;

function block(type: number, bodyLength: number): { b: Uint8Array; at: number } {
  const total = 12 + pad4(bodyLength);
  const b = new Uint8Array(total);
  putLe32(b, 0, type);
  putLe32(b, 4, total);
  putLe32(b, total - 4, total);
  return { b, at: 8 };
}

/** Section header and one interface description; what a capture begins with. */
export function pcapngHeader(link: number, name: string): Uint8Array {
  const shb = block(0x0a0d0d0a, 16);
  putLe32(shb.b, shb.at, 0x1a2b3c4d);
  putLe16(shb.b, shb.at + 4, 1);
  shb.b.fill(0xff, shb.at + 8, shb.at + 16); // section length: not given
  const label = utf8(name);
  const idb = block(1, 8 + 4 + pad4(label.length) + 4);
  putLe16(idb.b, idb.at, link);
  putLe16(idb.b, idb.at + 8, 2); // if_name
  putLe16(idb.b, idb.at + 10, label.length);
  idb.b.set(label, idb.at + 12);
  const out = new Uint8Array(shb.b.length + idb.b.length);
  out.set(shb.b);
  out.set(idb.b, shb.b.length);
  return out;
}

/**
 * An enhanced packet block. `us` is microseconds since 1970; `inbound` sets epb_flags; `comment`
 * tells, for instance, how many packets a slow reader lost before this one.
 */
export function pcapngPacket(
  us: number,
  inbound: boolean,
  b: Uint8Array,
  start: number,
  end: number,
  comment = '',
): Uint8Array {
  const n = end - start;
  const note = utf8(comment);
  const options = 8 + (note.length > 0 ? 4 + pad4(note.length) : 0) + 4;
  const epb = block(6, 20 + pad4(n) + options);
  const { b: out, at } = epb;
  putLe32(out, at + 4, Math.floor(us / 0x100000000));
  putLe32(out, at + 8, us >>> 0);
  putLe32(out, at + 12, n);
  putLe32(out, at + 16, n);
  out.set(b.subarray(start, end), at + 20);
  let o = at + 20 + pad4(n);
  putLe16(out, o, 2); // epb_flags
  putLe16(out, o + 2, 4);
  putLe32(out, o + 4, inbound ? 1 : 2);
  o += 8;
  if (note.length > 0) {
    putLe16(out, o, 1); // opt_comment
    putLe16(out, o + 2, note.length);
    out.set(note, o + 4);
  }
  return out;
}
