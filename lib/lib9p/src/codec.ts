/** Messages to bytes and back: size[4] type[1] tag[2] and what the type says,
 *  little-endian, strings and data counted. */
import { le16, le32 } from '@9p/packet';
import {
  code,
  type Fcall,
  header_bytes,
  maxwelem,
  type Rmessage,
  type Tmessage,
  type WireDir,
} from './fcall.js';
import { type Malformed, Reader } from './reader.js';
import { getDir, putDir, stat_bytes } from './stat.js';
import type { Qid } from './tree.js';
import { Writer } from './writer.js';

/** Room for the fixed part of any message; strings, data and entries make their own. */
const fixed_bytes = 64;

/** Append a message. Throws only if our own side asks for what has no encoding. */
export function encode(w: Writer, f: Fcall): void {
  const start = w.begin(code[f.type], f.tag, fixed_bytes);
  if ((code[f.type] & 1) === 0) putT(w, f as Tmessage);
  else putR(w, f as Rmessage);
  w.end(start);
}

/** One message alone. */
export function encodeFcall(f: Fcall): Uint8Array {
  const w = new Writer();
  encode(w, f);
  return w.buf.subarray(0, w.at);
}

function putT(w: Writer, f: Tmessage): Writer {
  switch (f.type) {
    case 'Tversion':
      return w.u32(f.msize).str(f.version);
    case 'Tauth':
      return w.u32(f.afid).str(f.uname).str(f.aname);
    case 'Tattach':
      return w.u32(f.fid).u32(f.afid).str(f.uname).str(f.aname);
    case 'Tflush':
      return w.u16(f.oldtag);
    case 'Twalk':
      return putNames(w.u32(f.fid).u32(f.newfid), f.names);
    case 'Topen':
      return w.u32(f.fid).u8(f.mode);
    case 'Tcreate':
      return w.u32(f.fid).str(f.name).need(5).u32(f.perm).u8(f.mode);
    case 'Tread':
      return w.u32(f.fid).u64(f.offset).u32(f.count);
    case 'Twrite':
      return putData(w.u32(f.fid).u64(f.offset), f.data);
    case 'Tclunk':
    case 'Tremove':
    case 'Tstat':
      return w.u32(f.fid);
    case 'Twstat':
      return putStat(w.u32(f.fid), f.stat);
    default:
      return f satisfies never;
  }
}

function putR(w: Writer, f: Rmessage): Writer {
  switch (f.type) {
    case 'Rversion':
      return w.u32(f.msize).str(f.version);
    case 'Rauth':
      return w.qid(f.aqid);
    case 'Rattach':
      return w.qid(f.qid);
    case 'Rerror':
      return w.str(f.ename);
    case 'Rwalk':
      return putQids(w, f.qids);
    case 'Ropen':
    case 'Rcreate':
      return w.qid(f.qid).u32(f.iounit);
    case 'Rread':
      return putData(w, f.data);
    case 'Rwrite':
      return w.u32(f.count);
    case 'Rstat':
      return putStat(w, f.stat);
    case 'Rflush':
    case 'Rclunk':
    case 'Rremove':
    case 'Rwstat':
      return w;
    default:
      return f satisfies never;
  }
}

function putData(w: Writer, data: Uint8Array): Writer {
  return w
    .need(4 + data.length)
    .u32(data.length)
    .bytes(data);
}

function putNames(w: Writer, names: readonly string[]): Writer {
  if (names.length > maxwelem) throw new Error('too many names in a walk');
  w.u16(names.length);
  for (const name of names) w.str(name);
  return w;
}

function putQids(w: Writer, qids: readonly Qid[]): Writer {
  if (qids.length > maxwelem) throw new Error('too many qids in a walk');
  w.need(2 + 13 * qids.length).u16(qids.length);
  for (const q of qids) w.qid(q);
  return w;
}

/** A stat in a message is counted twice, stat(5) BUGS. */
function putStat(w: Writer, d: WireDir): Writer {
  w.need(2 + stat_bytes);
  const start = w.at;
  w.at += 2;
  putDir(w, d);
  const n = w.at - start - 2;
  w.buf[start] = n;
  w.buf[start + 1] = n >>> 8;
  return w;
}

/** The message in b[o..end), which is what its size field says; or why it is
 *  none. Data stay where they lie. */
export function decode(b: Uint8Array, o: number, end: number): Fcall | Malformed {
  if (end - o < header_bytes || le32(b, o) !== end - o) return 'bad message size';
  const type = b[o + 4]!;
  const r = new Reader(b, o + header_bytes, end);
  const f = (type & 1) === 0 ? getT(r, type, le16(b, o + 5)) : getR(r, type, le16(b, o + 5));
  return f === undefined ? `unknown message type ${type}` : (r.verdict() ?? f);
}

function getT(r: Reader, type: number, tag: number): Tmessage | undefined {
  switch (type) {
    case code.Tversion:
      return { type: 'Tversion', tag, msize: r.u32(), version: r.str() };
    case code.Tauth:
      return { type: 'Tauth', tag, afid: r.u32(), uname: r.str(), aname: r.str() };
    case code.Tattach:
      return { type: 'Tattach', tag, fid: r.u32(), afid: r.u32(), uname: r.str(), aname: r.str() };
    case code.Tflush:
      return { type: 'Tflush', tag, oldtag: r.u16() };
    case code.Twalk:
      return { type: 'Twalk', tag, fid: r.u32(), newfid: r.u32(), names: getNames(r) };
    case code.Topen:
      return { type: 'Topen', tag, fid: r.u32(), mode: r.u8() };
    case code.Tcreate:
      return { type: 'Tcreate', tag, fid: r.u32(), name: r.str(), perm: r.u32(), mode: r.u8() };
    case code.Tread:
      return { type: 'Tread', tag, fid: r.u32(), offset: r.u64(), count: r.u32() };
    case code.Twrite:
      return { type: 'Twrite', tag, fid: r.u32(), offset: r.u64(), data: r.bytes(r.u32()) };
    case code.Tclunk:
      return { type: 'Tclunk', tag, fid: r.u32() };
    case code.Tremove:
      return { type: 'Tremove', tag, fid: r.u32() };
    case code.Tstat:
      return { type: 'Tstat', tag, fid: r.u32() };
    case code.Twstat:
      return { type: 'Twstat', tag, fid: r.u32(), stat: getStat(r) };
  }
  return undefined;
}

function getR(r: Reader, type: number, tag: number): Rmessage | undefined {
  switch (type) {
    case code.Rversion:
      return { type: 'Rversion', tag, msize: r.u32(), version: r.str() };
    case code.Rauth:
      return { type: 'Rauth', tag, aqid: r.qid() };
    case code.Rattach:
      return { type: 'Rattach', tag, qid: r.qid() };
    case code.Rerror:
      return { type: 'Rerror', tag, ename: r.str() };
    case code.Rflush:
      return { type: 'Rflush', tag };
    case code.Rwalk:
      return { type: 'Rwalk', tag, qids: getQids(r) };
    case code.Ropen:
      return { type: 'Ropen', tag, qid: r.qid(), iounit: r.u32() };
    case code.Rcreate:
      return { type: 'Rcreate', tag, qid: r.qid(), iounit: r.u32() };
    case code.Rread:
      return { type: 'Rread', tag, data: r.bytes(r.u32()) };
    case code.Rwrite:
      return { type: 'Rwrite', tag, count: r.u32() };
    case code.Rclunk:
      return { type: 'Rclunk', tag };
    case code.Rremove:
      return { type: 'Rremove', tag };
    case code.Rstat:
      return { type: 'Rstat', tag, stat: getStat(r) };
    case code.Rwstat:
      return { type: 'Rwstat', tag };
  }
  return undefined;
}

function getNames(r: Reader): readonly string[] {
  const n = r.u16();
  if (n > maxwelem) r.fail('too many names in a walk');
  const names: string[] = [];
  for (let i = 0; i < n && i < maxwelem; i++) names.push(r.str());
  return names;
}

function getQids(r: Reader): readonly Qid[] {
  const n = r.u16();
  if (n > maxwelem) r.fail('too many qids in a walk');
  const qids: Qid[] = [];
  for (let i = 0; i < n && i < maxwelem; i++) qids.push(r.qid());
  return qids;
}

function getStat(r: Reader): WireDir {
  const size = r.u16();
  const from = r.at;
  const d = getDir(r);
  if (r.at - from !== size) r.fail('bad size of a directory entry');
  return d;
}
