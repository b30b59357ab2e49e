/** Messages to bytes and back, by the table of fcall.ts: size[4] type[1] tag[2] and the fields,
 *  little-endian, strings and data counted. */
import { le16, le32 } from './bytes.js';
import {
  code,
  type Dialect,
  type Fcall,
  header_bytes,
  type Kind,
  type Kinds,
  layoutOf,
  type MoreKinds,
  maxwelem,
  nouid,
  speaks,
} from './fcall.js';
import { type Malformed, Reader } from './reader.js';
import { getDir, putDir, stat_bytes } from './stat.js';
import type { Qid } from './tree.js';
import { Writer } from './writer.js';

/** How a field gets on the wire and off it. */
interface Field<T> {
  put(w: Writer, v: T, d: Dialect): void;
  get(r: Reader, d: Dialect): T;
}
type Codec = { readonly [K in keyof Kinds]: Field<Kinds[K]> } & {
  readonly [K in keyof MoreKinds]: Field<MoreKinds[K] | undefined>;
};

const u8: Field<number> = { put: (w, v) => w.need(1).u8(v), get: (r) => r.u8() };
const u16: Field<number> = { put: (w, v) => w.need(2).u16(v), get: (r) => r.u16() };
const u32: Field<number> = { put: (w, v) => w.need(4).u32(v), get: (r) => r.u32() };
const u64: Field<bigint> = { put: (w, v) => w.need(8).u64(v), get: (r) => r.u64() };
const str: Field<string> = { put: (w, v) => w.str(v), get: (r) => r.str() };
const qid: Field<Qid> = { put: (w, v) => w.need(13).qid(v), get: (r) => r.qid() };
const numbered: Field<number | undefined> = {
  put: (w, v = nouid, d) => d !== '9P2000' && w.need(4).u32(v),
  get: (r, d) => (d === '9P2000' ? undefined : r.u32()),
};

const codec: Codec = {
  u8,
  u16,
  u32,
  u64,
  fid: u32,
  perm: u32,
  mode: u32,
  str,
  quoted: str,
  ename: str,
  qid,
  names: { put: (w, v) => putList(w, v, str), get: (r) => getList(r, str, 'names') },
  qids: { put: (w, v) => putList(w, v, qid), get: (r) => getList(r, qid, 'qids') },
  data: {
    put: (w, v) =>
      w
        .need(4 + v.length)
        .u32(v.length)
        .bytes(v),
    get: (r) => r.bytes(r.u32()),
  },
  stat: { put: putStat, get: getStat },
  uid: numbered,
  errno: {
    put: (w, v = 0, d) => d === '9P2000.u' && w.need(4).u32(v),
    get: (r, d) => (d === '9P2000.u' ? r.u32() : undefined),
  },
  extension: {
    put: (w, v = '', d) => d === '9P2000.u' && w.str(v),
    get: (r, d) => (d === '9P2000.u' ? r.str() : undefined),
  },
};

type Any = Field<unknown>;
const fieldsOf: readonly (readonly (readonly [name: string, f: Any])[])[] = layoutOf.map(
  (l) => l?.fields.map(([name, kind]) => [name, codec[kind satisfies Kind] as Any] as const) ?? [],
);

/** Append a message. Throws only if our own side asks for what has no encoding. */
export function encode(w: Writer, f: Fcall, dialect: Dialect = '9P2000'): void {
  const type = code[f.type];
  const start = w.begin(type, f.tag, header_bytes);
  const values = f as unknown as Readonly<Record<string, unknown>>;
  for (const [name, field] of fieldsOf[type]!) field.put(w, values[name], dialect);
  w.end(start);
}

/** One message alone. */
export function encodeFcall(f: Fcall, dialect?: Dialect): Uint8Array {
  const w = new Writer();
  encode(w, f, dialect);
  return w.buf.subarray(0, w.at);
}

/** The message in b[o..end), which is what its size field says; or why it is
 *  none. Data stay where they lie. */
export function decode(
  b: Uint8Array,
  o: number,
  end: number,
  dialect: Dialect = '9P2000',
): Fcall | Malformed {
  if (end - o < header_bytes || le32(b, o) !== end - o) return 'bad message size';
  const type = b[o + 4]!;
  const layout = layoutOf[type];
  if (layout === undefined || !speaks(dialect, type)) return `unknown message type ${type}`;
  const r = new Reader(b, o + header_bytes, end, (type & 1) === 0);
  const f: Record<string, unknown> = { type: layout.type, tag: le16(b, o + 5) };
  for (const [name, field] of fieldsOf[type]!) {
    const v = field.get(r, dialect);
    if (v !== undefined) f[name] = v;
  }
  return r.verdict() ?? (f as unknown as Fcall);
}

function putList<T>(w: Writer, items: readonly T[], field: Field<T>): void {
  if (items.length > maxwelem) throw new Error('too many elements in a walk');
  w.need(2).u16(items.length);
  for (const item of items) field.put(w, item, '9P2000');
}

function getList<T>(r: Reader, field: Field<T>, what: string): readonly T[] {
  const n = r.u16();
  if (n > maxwelem) r.fail(`too many ${what} in a walk`);
  const items: T[] = [];
  for (let i = 0; i < n && i < maxwelem; i++) items.push(field.get(r, '9P2000'));
  return items;
}

/** A stat in a message is counted twice, stat(5) BUGS. */
function putStat(w: Writer, v: Kinds['stat'], dialect: Dialect): void {
  w.need(2 + stat_bytes);
  const start = w.at;
  w.at += 2;
  putDir(w, v, dialect);
  const n = w.at - start - 2;
  w.buf[start] = n;
  w.buf[start + 1] = n >>> 8;
}

function getStat(r: Reader, dialect: Dialect): Kinds['stat'] {
  const size = r.u16();
  const from = r.at;
  const d = getDir(r, dialect);
  if (r.at - from !== size) r.fail('bad size of a directory entry');
  return d;
}
