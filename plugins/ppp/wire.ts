/** Control packets and their options, RFC 1661 sections 5 and 6; the fields of PAP and CHAP. */
import { type Packet, put8, put16, take, text, u8, u16 } from '@9p/packet';

/** code[1] id[1] length[2] */
export const header_bytes = 4;
/** Most options that a packet may have; the longest legal request has far fewer. */
export const options_max = 32;

export interface Control {
  readonly code: number;
  readonly id: number;
  /** What follows the header, up to Length: a view, good until the
   *  turn ends. Padding is left out. */
  readonly body: Uint8Array;
}

/** The packet at b[o..end), after the protocol field. A string is
 *  the counter of a packet to drop. */
export function parseControl(
  b: Uint8Array,
  o: number,
  end: number,
): Control | 'shortcontrol' | 'badlength' {
  if (end - o < header_bytes) return 'shortcontrol';
  const length = u16(b, o + 2);
  if (length < header_bytes || length > end - o) return 'badlength';
  return { code: u8(b, o), id: u8(b, o + 1), body: b.subarray(o + header_bytes, o + length) };
}

/** Writes `c` at b[o..]; the caller has made room for its header and body. */
export function emitControl(b: Uint8Array, o: number, c: Control): void {
  put8(b, o, c.code);
  put8(b, o + 1, c.id);
  put16(b, o + 2, header_bytes + c.body.length);
  b.set(c.body, o + header_bytes);
}

/** A frame that begins at the protocol field. */
export function controlPacket(protocol: number, c: Control): Packet {
  const p = take(2 + header_bytes + c.body.length);
  put16(p.buf, p.start, protocol);
  emitControl(p.buf, p.start + 2, c);
  return p;
}

export interface Opt {
  readonly type: number;
  readonly value: Uint8Array;
}

/** type[1] length[1] value[length - 2], one after the other. */
export function parseOptions(body: Uint8Array): Opt[] | 'badoption' | 'manyoptions' {
  const out: Opt[] = [];
  for (let o = 0; o < body.length; ) {
    const length = body.length - o < 2 ? 0 : u8(body, o + 1);
    if (length < 2 || length > body.length - o) return 'badoption';
    if (out.length === options_max) return 'manyoptions';
    out.push({ type: u8(body, o), value: body.subarray(o + 2, o + length) });
    o += length;
  }
  return out;
}

export function emitOptions(options: readonly Opt[]): Uint8Array {
  const out = new Uint8Array(options.reduce((n, o) => n + 2 + o.value.length, 0));
  let at = 0;
  for (const { type, value } of options) {
    put8(out, at, type);
    put8(out, at + 1, 2 + value.length);
    out.set(value, at + 2);
    at += 2 + value.length;
  }
  return out;
}

/** length[1] bytes[length] at b[o..], as PAP and CHAP have them; undefined if it does not fit. */
export function counted(b: Uint8Array, o: number): Uint8Array | undefined {
  if (o >= b.length) return undefined;
  const n = u8(b, o);
  return n > b.length - o - 1 ? undefined : b.subarray(o + 1, o + 1 + n);
}

/** What a peer wrote, fit for one line of ours: control characters go,
 *  and it ends after `n` characters. */
export function clean(b: Uint8Array, n = 80): string {
  const line = text(b.subarray(0, 4 * n)).replace(/[\p{Cc}\p{Cf}\p{Co}\u2028\u2029\ufffd]+/gu, ' ');
  return [...line.trim()].slice(0, n).join('');
}
