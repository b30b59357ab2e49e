/** PPP over Ethernet: the frames of both stages from the Ethernet header
 *  on, RFC 2516 sections 4 and 5.
 *
 *     dst[6] src[6] ethertype[2]  ver/type[1] code[1] session-id[2] length[2]  payload
 *     0      6      12            14          15      16            18         20 */
import { put8, put16, put32, u8, u16, u32 } from '@9p/packet';

/** Ethernet header and PPPoE header: what a session frame has before the PPP protocol field. */
export const header_bytes = 20;
const etherHeader_bytes = 14;

export const etherType = { discovery: 0x8863, session: 0x8864 } as const;
/** VER 1, TYPE 1, RFC 2516 section 4. */
export const verType = 0x11;
/** Section 4: "reserved for future use". */
export const reservedSession = 0xffff;

export const code = {
  session: 0x00,
  pado: 0x07,
  padi: 0x09,
  padr: 0x19,
  pads: 0x65,
  padt: 0xa7,
} as const;

/** TAG_TYPEs, RFC 2516 appendix A and RFC 4638. */
export const tag = {
  endOfList: 0x0000,
  serviceName: 0x0101,
  acName: 0x0102,
  hostUniq: 0x0103,
  acCookie: 0x0104,
  vendorSpecific: 0x0105,
  relaySessionId: 0x0110,
  pppMaxPayload: 0x0120,
  serviceNameError: 0x0201,
  acSystemError: 0x0202,
  genericError: 0x0203,
} as const;

/** An Ethernet address as a number below 2^48: compares with ===, and is a key of a Map. */
export type Mac = number;
export const broadcast: Mac = 0xffffffffffff;

export const mac = (b: Uint8Array, o: number): Mac => u16(b, o) * 0x100000000 + u32(b, o + 2);
export function putMac(b: Uint8Array, o: number, m: Mac): void {
  put16(b, o, Math.floor(m / 0x100000000));
  put32(b, o + 2, m >>> 0);
}
/** Multicast or broadcast: no address of a single station. */
export const isGroup = (m: Mac): boolean => (Math.floor(m / 0x10000000000) & 1) === 1;

/** "02:00:5e:10:00:01", or the twelve digits alone as ether(3) has
 *  them; undefined for anything else. */
export function macOf(s: string): Mac | undefined {
  const plain = /^[0-9a-f]{12}$/i.test(s) || /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/i.test(s);
  return plain ? Number.parseInt(s.replaceAll(':', ''), 16) : undefined;
}

export interface Tag {
  readonly type: number;
  /** Lies in the frame's own buffer after `parse`: copy what is kept. */
  readonly value: Uint8Array;
}

/** A frame of the discovery stage. */
export interface Discovery {
  readonly dst: Mac;
  readonly src: Mac;
  readonly code: number;
  readonly session: number;
  /** Without End-Of-List and what came after it. */
  readonly tags: readonly Tag[];
}

export type Malformed =
  | 'short'
  | 'badtype'
  | 'badversion'
  | 'badlength'
  | 'badtag'
  | 'toomanytags'
  | 'longtag'
  | 'duptag';

export const tags_max = 64;

/** Tags that are sent back as they came. RFC 2516 sets no limit; these
 *  leave a PADR that fits 1500 bytes. */
export const echoed_bytes: Readonly<Record<number, number>> = {
  [tag.hostUniq]: 64,
  [tag.acCookie]: 1024,
  [tag.relaySessionId]: 128,
};

/** A discovery frame from b[o] to b[end]. What follows the PPPoE length is padding. */
export function parse(b: Uint8Array, o: number, end: number): Discovery | Malformed {
  if (end - o < header_bytes) return 'short';
  if (u16(b, o + 12) !== etherType.discovery) return 'badtype';
  if (u8(b, o + 14) !== verType) return 'badversion';
  const length = u16(b, o + 18);
  if (length > end - o - header_bytes) return 'badlength';
  const tags = parseTags(b, o + header_bytes, o + header_bytes + length);
  if (typeof tags === 'string') return tags;
  return {
    dst: mac(b, o),
    src: mac(b, o + 6),
    code: u8(b, o + 15),
    session: u16(b, o + 16),
    tags,
  };
}

/** TLVs up to `end` or an End-Of-List, RFC 2516 section 5. */
function parseTags(b: Uint8Array, o: number, end: number): Tag[] | Malformed {
  const tags: Tag[] = [];
  for (let at = o; at < end; ) {
    if (end - at < 4) return 'badtag';
    const type = u16(b, at);
    const length = u16(b, at + 2);
    if (type === tag.endOfList) break;
    if (length > end - at - 4) return 'badtag';
    if (tags.length === tags_max) return 'toomanytags';
    const limit = echoed_bytes[type];
    if (limit !== undefined) {
      if (length > limit) return 'longtag';
      if (tags.some((t) => t.type === type)) return 'duptag';
    }
    tags.push({ type, value: b.subarray(at + 4, at + 4 + length) });
    at += 4 + length;
  }
  return tags;
}

/** The value of the first tag of this type. */
export function find(d: Discovery, type: number): Uint8Array | undefined {
  for (const t of d.tags) if (t.type === type) return t.value;
  return undefined;
}

/** Bytes that `emit` writes. */
export function frameLength(d: Discovery): number {
  let n = header_bytes;
  for (const t of d.tags) n += 4 + t.value.length;
  return n;
}

/** Writes the frame at b[o], where frameLength(d) bytes are free. */
export function emit(b: Uint8Array, o: number, d: Discovery): void {
  let at = emitHeader(b, o, d, etherType.discovery, frameLength(d) - header_bytes);
  for (const t of d.tags) {
    put16(b, at, t.type);
    put16(b, at + 2, t.value.length);
    b.set(t.value, at + 4);
    at += 4 + t.value.length;
  }
}

/** Both headers of a frame with `length` bytes after them; returns the offset there. */
export function emitHeader(
  b: Uint8Array,
  o: number,
  h: { dst: Mac; src: Mac; code: number; session: number },
  type: number,
  length: number,
): number {
  putMac(b, o, h.dst);
  putMac(b, o + 6, h.src);
  put16(b, o + 12, type);
  put8(b, o + etherHeader_bytes, verType);
  put8(b, o + 15, h.code);
  put16(b, o + 16, h.session);
  put16(b, o + 18, length);
  return o + header_bytes;
}
