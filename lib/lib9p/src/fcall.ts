/** The messages of 9P2000, section 5 of the manual. A message is a
 *  value; the codec gives it bytes. */
import type { Dir, Qid } from './tree.js';

/** From a client. */
export type Tmessage =
  | { type: 'Tversion'; tag: number; msize: number; version: string }
  | { type: 'Tauth'; tag: number; afid: number; uname: string; aname: string }
  | { type: 'Tattach'; tag: number; fid: number; afid: number; uname: string; aname: string }
  | { type: 'Tflush'; tag: number; oldtag: number }
  | { type: 'Twalk'; tag: number; fid: number; newfid: number; names: readonly string[] }
  | { type: 'Topen'; tag: number; fid: number; mode: number }
  | { type: 'Tcreate'; tag: number; fid: number; name: string; perm: number; mode: number }
  | { type: 'Tread'; tag: number; fid: number; offset: bigint; count: number }
  | { type: 'Twrite'; tag: number; fid: number; offset: bigint; data: Uint8Array }
  | { type: 'Tclunk'; tag: number; fid: number }
  | { type: 'Tremove'; tag: number; fid: number }
  | { type: 'Tstat'; tag: number; fid: number }
  | { type: 'Twstat'; tag: number; fid: number; stat: WireDir };

/** From a server. */
export type Rmessage =
  | { type: 'Rversion'; tag: number; msize: number; version: string }
  | { type: 'Rauth'; tag: number; aqid: Qid }
  | { type: 'Rattach'; tag: number; qid: Qid }
  | { type: 'Rerror'; tag: number; ename: string }
  | { type: 'Rflush'; tag: number }
  | { type: 'Rwalk'; tag: number; qids: readonly Qid[] }
  | { type: 'Ropen'; tag: number; qid: Qid; iounit: number }
  | { type: 'Rcreate'; tag: number; qid: Qid; iounit: number }
  | { type: 'Rread'; tag: number; data: Uint8Array }
  | { type: 'Rwrite'; tag: number; count: number }
  | { type: 'Rclunk'; tag: number }
  | { type: 'Rremove'; tag: number }
  | { type: 'Rstat'; tag: number; stat: WireDir }
  | { type: 'Rwstat'; tag: number };

export type Fcall = Tmessage | Rmessage;

/** A Dir with the two fields that only the wire has, 0 where they are not given. */
export interface WireDir extends Dir {
  readonly type?: number;
  readonly dev?: number;
}

/** The type byte of each message; that of R is that of T plus one. */
export const code = {
  Tversion: 100,
  Rversion: 101,
  Tauth: 102,
  Rauth: 103,
  Tattach: 104,
  Rattach: 105,
  Rerror: 107,
  Tflush: 108,
  Rflush: 109,
  Twalk: 110,
  Rwalk: 111,
  Topen: 112,
  Ropen: 113,
  Tcreate: 114,
  Rcreate: 115,
  Tread: 116,
  Rread: 117,
  Twrite: 118,
  Rwrite: 119,
  Tclunk: 120,
  Rclunk: 121,
  Tremove: 122,
  Rremove: 123,
  Tstat: 124,
  Rstat: 125,
  Twstat: 126,
  Rwstat: 127,
} as const satisfies Record<Fcall['type'], number>;

export const notag = 0xffff;
export const nofid = 0xffffffff;
/** Names in one Twalk. */
export const maxwelem = 16;
/** size[4] type[1] tag[2] */
export const header_bytes = 7;
/** What a Twrite needs round its data, and a little: iounit is msize less this. */
export const iohdrsz = 24;
export const min_msize_bytes = 256;
export const max_msize_bytes = 1024 * 1024;
/** Longest text of an error, ERRMAX less its NUL. */
export const max_ename_bytes = 127;
