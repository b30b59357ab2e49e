/** Echo of ICMP (RFC 792) and ICMPv6 (RFC 4443 section 4): enough of a
 *  host to ping, and to be pinged. */
import { inetChecksum, inetSum, put8, put16, put32, u8, u16 } from '@9p/packet';
import { type Ip, isV4 } from './ip.js';

const proto = { icmp: 1, icmp6: 58 } as const;
const echo = { v4: { request: 8, reply: 0 }, v6: { request: 128, reply: 129 } } as const;
const v4Len = 20;
const v6Len = 40;
const echoLen = 8;
const ttl = 64;

/** What an echo says. `at` is the offset of its ICMP header. */
export interface Echo {
  readonly request: boolean;
  readonly src: Ip;
  readonly dst: Ip;
  readonly id: number;
  readonly seq: number;
  readonly ttl: number;
  readonly at: number;
  /** End of the ICMP message: what follows is padding. */
  readonly end: number;
}
/** Names of counters. `notecho` is sound, but of another kind. */
export type NotEcho = 'short' | 'badversion' | 'badlength' | 'badchecksum' | 'fragment' | 'notecho';

/** ver/ihl[1] tos[1] length[2] id[2] fragment[2] ttl[1] proto[1] checksum[2] src[4] dst[4] */
function parseV4(b: Uint8Array, o: number, end: number): Echo | NotEcho {
  if (end - o < v4Len) return 'short';
  const header = 4 * (u8(b, o) & 15);
  const length = u16(b, o + 2);
  if (header < v4Len || length < header || length > end - o) return 'badlength';
  if (inetChecksum(b, o, o + header) !== 0) return 'badchecksum';
  if ((u16(b, o + 6) & 0x3fff) !== 0) return 'fragment';
  if (u8(b, o + 9) !== proto.icmp) return 'notecho';
  const src = b.slice(o + 12, o + 16);
  return parseIcmp(b, o + header, o + length, 0, src, b.slice(o + 16, o + 20), u8(b, o + 8));
}

/** ver/class/flow[4] length[2] next[1] hop limit[1] src[16] dst[16] */
function parseV6(b: Uint8Array, o: number, end: number): Echo | NotEcho {
  if (end - o < v6Len) return 'short';
  const length = u16(b, o + 4);
  if (length > end - o - v6Len) return 'badlength';
  if (u8(b, o + 6) !== proto.icmp6) return 'notecho';
  const sum = pseudoV6(b, o, length);
  const src = b.slice(o + 8, o + 24);
  return parseIcmp(
    b,
    o + v6Len,
    o + v6Len + length,
    sum,
    src,
    b.slice(o + 24, o + 40),
    u8(b, o + 7),
  );
}

/** Pseudo header, RFC 8200 section 8.1: both addresses, length, next header. */
const pseudoV6 = (b: Uint8Array, o: number, length: number): number =>
  inetSum(b, o + 8, o + 40) + length + proto.icmp6;

/** type[1] code[1] checksum[2] id[2] seq[2] data */
function parseIcmp(
  b: Uint8Array,
  at: number,
  end: number,
  sum: number,
  src: Ip,
  dst: Ip,
  hops: number,
): Echo | NotEcho {
  if (end - at < echoLen) return 'short';
  if (inetChecksum(b, at, end, sum) !== 0) return 'badchecksum';
  const types = isV4(src) ? echo.v4 : echo.v6;
  const type = u8(b, at);
  if (u8(b, at + 1) !== 0 || (type !== types.request && type !== types.reply)) return 'notecho';
  const request = type === types.request;
  return { request, src, dst, id: u16(b, at + 4), seq: u16(b, at + 6), ttl: hops, at, end };
}

export function parseEcho(b: Uint8Array, o: number, end: number): Echo | NotEcho {
  if (end - o < 1) return 'short';
  const version = u8(b, o) >>> 4;
  if (version === 4) return parseV4(b, o, end);
  return version === 6 ? parseV6(b, o, end) : 'badversion';
}

export const echoLength = (src: Ip, data: number): number =>
  (isV4(src) ? v4Len : v6Len) + echoLen + data;

/** What `emitEcho` writes, and the id and number by which its reply is known. */
export interface EchoRequest {
  readonly src: Ip;
  readonly dst: Ip;
  readonly id: number;
  readonly seq: number;
  /** Bytes of data, which count up. */
  readonly data: number;
}

/** An echo request at b[o..]; its length in bytes. */
export function emitEcho(b: Uint8Array, o: number, e: EchoRequest): number {
  const n = echoLength(e.src, e.data);
  const at = o + n - echoLen - e.data;
  put8(b, at, isV4(e.src) ? echo.v4.request : echo.v6.request);
  put8(b, at + 1, 0);
  put16(b, at + 4, e.id);
  put16(b, at + 6, e.seq);
  for (let i = 0; i < e.data; i++) put8(b, at + echoLen + i, i);
  if (isV4(e.src)) emitV4(b, o, e.src, e.dst, n);
  else emitV6(b, o, e.src, e.dst, n);
  checksum(b, o, at, o + n);
  return n;
}

function emitV4(b: Uint8Array, o: number, src: Ip, dst: Ip, n: number): void {
  put16(b, o, 0x4500);
  put16(b, o + 2, n);
  put16(b, o + 4, 0);
  put16(b, o + 6, 0x4000); // don't fragment, so that an id of 0 means nothing (RFC 6864)
  put8(b, o + 8, ttl);
  put8(b, o + 9, proto.icmp);
  b.set(src, o + 12);
  b.set(dst, o + 16);
  put16(b, o + 10, 0);
  put16(b, o + 10, inetChecksum(b, o, o + v4Len));
}

function emitV6(b: Uint8Array, o: number, src: Ip, dst: Ip, n: number): void {
  put32(b, o, 0x60000000);
  put16(b, o + 4, n - v6Len);
  put8(b, o + 6, proto.icmp6);
  put8(b, o + 7, ttl);
  b.set(src, o + 8);
  b.set(dst, o + 24);
}

function checksum(b: Uint8Array, ip: number, at: number, end: number): void {
  const sum = u8(b, ip) >>> 4 === 6 ? pseudoV6(b, ip, end - at) : 0;
  put16(b, at + 2, 0);
  put16(b, at + 2, inetChecksum(b, at, end, sum));
}

/** Make of the request at b[o..] its reply, where it lies. */
export function answerEcho(b: Uint8Array, o: number, e: Echo): void {
  if (isV4(e.src)) {
    b.set(e.dst, o + 12);
    b.set(e.src, o + 16);
    put8(b, o + 8, ttl);
    put16(b, o + 10, 0);
    put16(b, o + 10, inetChecksum(b, o, o + 4 * (u8(b, o) & 15)));
    put8(b, e.at, echo.v4.reply);
  } else {
    b.set(e.dst, o + 8);
    b.set(e.src, o + 24);
    put8(b, o + 7, ttl);
    put8(b, e.at, echo.v6.reply);
  }
  checksum(b, o, e.at, e.end);
}
