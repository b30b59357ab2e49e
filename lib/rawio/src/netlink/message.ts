/** Netlink messages: framing, attributes and errors, RFC 3549 section 2.3 and linux/netlink.h.
 *  Integers are in the byte order of the host; only little-endian hosts are known here. */
import { le16, le32, putLe16, putLe32, text } from '@9p/packet';

/** Message types that every netlink protocol has. */
export const nlmsg = { noop: 1, error: 2, done: 3, overrun: 4 } as const;
/** Flags of a message. `dump` asks for a whole table; `dumpInterrupted`
 *  says that it changed meanwhile. */
export const nlmf = {
  request: 0x01,
  multi: 0x02,
  ack: 0x04,
  dumpInterrupted: 0x10,
  replace: 0x100,
  excl: 0x200,
  create: 0x400,
  append: 0x800,
  dump: 0x300,
  /** In an error: the request was left out, attributes follow its header. */
  capped: 0x100,
  ackTlvs: 0x200,
} as const;

export const headerLen = 16;
/** Bytes of one datagram that we look at. */
export const datagram_bytes_max = 256 * 1024;
const attributes_max = 256;
const nlmsgerrAttrMsg = 1;

export interface Message {
  readonly type: number;
  readonly flags: number;
  readonly seq: number;
  readonly pid: number;
  /** What follows the header, where it lies in the buffer. */
  readonly body: Uint8Array;
}
export type Malformed = 'short' | 'badlength';

const align4 = (n: number): number => (n + 3) & ~3;

/** len[4] type[2] flags[2] seq[4] pid[4] body, at an offset that is a multiple of 4. */
export function parseMessage(b: Uint8Array, o: number): Message | Malformed {
  if (b.length - o < headerLen) return 'short';
  const length = le32(b, o);
  if (length < headerLen || length > b.length - o) return 'badlength';
  return {
    type: le16(b, o + 4),
    flags: le16(b, o + 6),
    seq: le32(b, o + 8),
    pid: le32(b, o + 12),
    body: b.subarray(o + headerLen, o + length),
  };
}

/** All messages of a datagram up to the first that is malformed. */
export function parseDatagram(b: Uint8Array): { messages: Message[]; bad: Malformed | undefined } {
  const messages: Message[] = [];
  for (let o = 0; o < Math.min(b.length, datagram_bytes_max); ) {
    const m = parseMessage(b, o);
    if (typeof m === 'string') return { messages, bad: m };
    messages.push(m);
    o += align4(headerLen + m.body.length);
  }
  return { messages, bad: undefined };
}

/** A whole message, ready to send. */
export function emitMessage(
  type: number,
  flags: number,
  seq: number,
  body: Uint8Array,
): Uint8Array {
  const out = new Uint8Array(align4(headerLen + body.length));
  putLe32(out, 0, headerLen + body.length);
  putLe16(out, 4, type);
  putLe16(out, 6, flags);
  putLe32(out, 8, seq);
  out.set(body, headerLen);
  return out;
}

export type Attributes = ReadonlyMap<number, Uint8Array>;
export type Attribute = readonly [type: number, value: Uint8Array];

/** len[2] type[2] value, padded to 4 bytes; the two highest bits of type (nested, byte order)
 *  are dropped. Of an attribute that comes twice the last one counts, as in the kernel. */
export function parseAttributes(b: Uint8Array, at: number): Attributes | Malformed {
  const out = new Map<number, Uint8Array>();
  for (let o = at; o + 4 <= b.length; ) {
    const length = le16(b, o);
    if (length < 4 || length > b.length - o) return 'badlength';
    if (out.size >= attributes_max) return 'badlength';
    out.set(le16(b, o + 2) & 0x3fff, b.subarray(o + 4, o + length));
    o += align4(length);
  }
  return out;
}

/** A fixed header followed by attributes. */
export function emitBody(fixed: Uint8Array, attributes: readonly Attribute[]): Uint8Array {
  let n = align4(fixed.length);
  for (const [, value] of attributes) n += align4(4 + value.length);
  const out = new Uint8Array(n);
  out.set(fixed);
  let o = align4(fixed.length);
  for (const [type, value] of attributes) {
    putLe16(out, o, 4 + value.length);
    putLe16(out, o + 2, type);
    out.set(value, o + 4);
    o += align4(4 + value.length);
  }
  return out;
}

/** A NUL-terminated string, with or without its NUL. */
export function cstring(b: Uint8Array): string {
  const nul = b.indexOf(0);
  return text(nul < 0 ? b : b.subarray(0, nul));
}

/** errno and, where the kernel says one, its own words. errno 0 is an acknowledgement. */
export interface Answer {
  readonly errno: number;
  readonly why: string;
}

/** error[4] request header[16] [rest of the request] [attributes], of a message of type error. */
export function parseError(m: Message): Answer | Malformed {
  if (m.body.length < 4) return 'short';
  const errno = 0 - (le32(m.body, 0) | 0);
  if ((m.flags & nlmf.ackTlvs) === 0 || m.body.length < 4 + headerLen) return { errno, why: '' };
  const request = m.flags & nlmf.capped ? headerLen : le32(m.body, 4);
  const tlvs = parseAttributes(m.body, 4 + align4(request));
  if (typeof tlvs === 'string') return { errno, why: '' };
  return { errno, why: cstring(tlvs.get(nlmsgerrAttrMsg) ?? new Uint8Array(0)) };
}

const errnos: ReadonlyMap<number, string> = new Map([
  [1, 'operation not permitted'],
  [2, 'no such file or directory'],
  [3, 'no such route'],
  [6, 'no such device or address'],
  [11, 'try again'],
  [12, 'out of memory'],
  [13, 'permission denied'],
  [16, 'device or resource busy'],
  [17, 'file exists'],
  [19, 'no such device'],
  [22, 'invalid argument'],
  [28, 'no space left'],
  [34, 'out of range'],
  [95, 'operation not supported'],
  [99, 'cannot assign requested address'],
  [100, 'network is down'],
  [101, 'network is unreachable'],
  [105, 'no buffer space'],
  [110, 'timed out'],
  [113, 'no route to host'],
]);

/** The kernel's answer in words, lower case: 'file exists'. */
export function answerText(a: Answer): string {
  const words = errnos.get(a.errno) ?? `errno ${a.errno}`;
  return a.why === '' ? words : `${words}: ${a.why.toLowerCase()}`;
}
