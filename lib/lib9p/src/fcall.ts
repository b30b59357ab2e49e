/** The messages of 9P2000, section 5 of the manual, and those of the two dialects that Linux has of
 *  it. One table says what each message holds: types, codec and traces come from it. */
import type { Dir, Qid } from './tree.js';

/** What Tversion chooses. In 9P2000.u errors have a number, stat entries and users too; 9P2000.L
 *  has messages of its own, with Linux's structures and flags, and no texts of errors. */
export type Dialect = '9P2000' | '9P2000.u' | '9P2000.L';

/** Fields, by how they lie on the wire. */
export interface Kinds {
  u8: number;
  u16: number;
  u32: number;
  u64: bigint;
  fid: number;
  /** Mode bits as Plan 9 has them, and as Linux. */
  perm: number;
  mode: number;
  str: string;
  /** A string that a trace has in quotes. */
  quoted: string;
  /** The text of an error. */
  ename: string;
  qid: Qid;
  names: readonly string[];
  qids: readonly Qid[];
  data: Uint8Array;
  stat: WireDir;
}
/** Fields that only a dialect has; `nouid` or nothing where they are not given. */
export interface MoreKinds {
  /** 9P2000.u and 9P2000.L: a user's number. */
  uid: number;
  /** 9P2000.u. */
  errno: number;
  extension: string;
}
export type Kind = keyof Kinds | keyof MoreKinds;

/** The type byte of each message, and what follows size[4] type[1] tag[2] in it. */
const layouts = {
  Tversion: [100, { msize: 'u32', version: 'quoted' }],
  Rversion: [101, { msize: 'u32', version: 'quoted' }],
  Tauth: [102, { afid: 'fid', uname: 'str', aname: 'str', uid: 'uid' }],
  Rauth: [103, { aqid: 'qid' }],
  Tattach: [104, { fid: 'fid', afid: 'fid', uname: 'str', aname: 'str', uid: 'uid' }],
  Rattach: [105, { qid: 'qid' }],
  Rerror: [107, { ename: 'ename', errno: 'errno' }],
  Tflush: [108, { oldtag: 'u16' }],
  Rflush: [109, {}],
  Twalk: [110, { fid: 'fid', newfid: 'fid', names: 'names' }],
  Rwalk: [111, { qids: 'qids' }],
  Topen: [112, { fid: 'fid', mode: 'u8' }],
  Ropen: [113, { qid: 'qid', iounit: 'u32' }],
  Tcreate: [114, { fid: 'fid', name: 'str', perm: 'perm', mode: 'u8', extension: 'extension' }],
  Rcreate: [115, { qid: 'qid', iounit: 'u32' }],
  Tread: [116, { fid: 'fid', offset: 'u64', count: 'u32' }],
  Rread: [117, { data: 'data' }],
  Twrite: [118, { fid: 'fid', offset: 'u64', data: 'data' }],
  Rwrite: [119, { count: 'u32' }],
  Tclunk: [120, { fid: 'fid' }],
  Rclunk: [121, {}],
  Tremove: [122, { fid: 'fid' }],
  Rremove: [123, {}],
  Tstat: [124, { fid: 'fid' }],
  Rstat: [125, { stat: 'stat' }],
  Twstat: [126, { fid: 'fid', stat: 'stat' }],
  Rwstat: [127, {}],

  // 9P2000.L
  Rlerror: [7, { ecode: 'u32' }],
  Tstatfs: [8, { fid: 'fid' }],
  Rstatfs: [
    9,
    {
      fstype: 'u32',
      bsize: 'u32',
      blocks: 'u64',
      bfree: 'u64',
      bavail: 'u64',
      files: 'u64',
      ffree: 'u64',
      fsid: 'u64',
      namelen: 'u32',
    },
  ],
  Tlopen: [12, { fid: 'fid', flags: 'u32' }],
  Rlopen: [13, { qid: 'qid', iounit: 'u32' }],
  Tlcreate: [14, { fid: 'fid', name: 'str', flags: 'u32', mode: 'mode', gid: 'u32' }],
  Rlcreate: [15, { qid: 'qid', iounit: 'u32' }],
  Tsymlink: [16, { fid: 'fid', name: 'str', target: 'str', gid: 'u32' }],
  Rsymlink: [17, { qid: 'qid' }],
  Tmknod: [18, { fid: 'fid', name: 'str', mode: 'mode', major: 'u32', minor: 'u32', gid: 'u32' }],
  Rmknod: [19, { qid: 'qid' }],
  Trename: [20, { fid: 'fid', dirfid: 'fid', name: 'str' }],
  Rrename: [21, {}],
  Treadlink: [22, { fid: 'fid' }],
  Rreadlink: [23, { target: 'str' }],
  Tgetattr: [24, { fid: 'fid', mask: 'u64' }],
  Rgetattr: [
    25,
    {
      valid: 'u64',
      qid: 'qid',
      mode: 'mode',
      uid: 'u32',
      gid: 'u32',
      nlink: 'u64',
      rdev: 'u64',
      length: 'u64',
      blksize: 'u64',
      blocks: 'u64',
      atime: 'u64',
      atimens: 'u64',
      mtime: 'u64',
      mtimens: 'u64',
      ctime: 'u64',
      ctimens: 'u64',
      btime: 'u64',
      btimens: 'u64',
      gen: 'u64',
      version: 'u64',
    },
  ],
  Tsetattr: [
    26,
    {
      fid: 'fid',
      valid: 'u32',
      mode: 'mode',
      uid: 'u32',
      gid: 'u32',
      length: 'u64',
      atime: 'u64',
      atimens: 'u64',
      mtime: 'u64',
      mtimens: 'u64',
    },
  ],
  Rsetattr: [27, {}],
  Txattrwalk: [30, { fid: 'fid', newfid: 'fid', name: 'str' }],
  Rxattrwalk: [31, { length: 'u64' }],
  Txattrcreate: [32, { fid: 'fid', name: 'str', length: 'u64', flags: 'u32' }],
  Rxattrcreate: [33, {}],
  Treaddir: [40, { fid: 'fid', offset: 'u64', count: 'u32' }],
  Rreaddir: [41, { data: 'data' }],
  Tfsync: [50, { fid: 'fid', datasync: 'u32' }],
  Rfsync: [51, {}],
  Tlock: [
    52,
    {
      fid: 'fid',
      kind: 'u8',
      flags: 'u32',
      start: 'u64',
      length: 'u64',
      pid: 'u32',
      client: 'str',
    },
  ],
  Rlock: [53, { status: 'u8' }],
  Tgetlock: [
    54,
    { fid: 'fid', kind: 'u8', start: 'u64', length: 'u64', pid: 'u32', client: 'str' },
  ],
  Rgetlock: [55, { kind: 'u8', start: 'u64', length: 'u64', pid: 'u32', client: 'str' }],
  Tlink: [70, { dirfid: 'fid', fid: 'fid', name: 'str' }],
  Rlink: [71, {}],
  Tmkdir: [72, { fid: 'fid', name: 'str', mode: 'mode', gid: 'u32' }],
  Rmkdir: [73, { qid: 'qid' }],
  Trenameat: [74, { fid: 'fid', name: 'str', dirfid: 'fid', newname: 'str' }],
  Rrenameat: [75, {}],
  Tunlinkat: [76, { fid: 'fid', name: 'str', flags: 'u32' }],
  Runlinkat: [77, {}],
} as const satisfies Record<`${'T' | 'R'}${string}`, readonly [number, Record<string, Kind>]>;

type Layouts = typeof layouts;
export type Name = keyof Layouts;
type Fields<N extends Name> = Layouts[N][1];
type Value<K> = K extends keyof Kinds ? Kinds[K] : K extends keyof MoreKinds ? MoreKinds[K] : never;

/** A message is a value: its name, its tag, and its fields. */
type Message<N extends Name> = { readonly type: N; readonly tag: number } & {
  readonly [F in keyof Fields<N> as Fields<N>[F] extends keyof MoreKinds ? never : F]: Value<
    Fields<N>[F]
  >;
} & {
  readonly [F in keyof Fields<N> as Fields<N>[F] extends keyof MoreKinds ? F : never]?: Value<
    Fields<N>[F]
  >;
};
export type Fcall = { [N in Name]: Message<N> }[Name];
/** From a client. */
export type Tmessage = Extract<Fcall, { type: `T${string}` }>;
/** From a server. */
export type Rmessage = Extract<Fcall, { type: `R${string}` }>;

/** A Dir with the fields that only the wire has; those of 9P2000.u are left out elsewhere. */
export interface WireDir extends Dir {
  readonly type?: number;
  readonly dev?: number;
  readonly extension?: string;
  readonly nuid?: number;
  readonly ngid?: number;
  readonly nmuid?: number;
}

export interface Layout {
  readonly type: Name;
  readonly fields: readonly (readonly [name: string, kind: Kind])[];
}

/** By type byte. */
export const layoutOf: readonly (Layout | undefined)[] = (() => {
  const all: Layout[] = [];
  for (const [type, [n, fields]] of Object.entries(layouts))
    all[n] = { type: type as Name, fields: Object.entries(fields) };
  return all;
})();

/** The type byte of each message; that of R is that of T plus one. */
export const code = Object.fromEntries(Object.entries(layouts).map(([type, [n]]) => [type, n])) as {
  readonly [N in Name]: Layouts[N][0];
};

/** Messages below this are 9P2000.L's alone. */
const first_common = 100;
/** What 9P2000.L has messages of its own for. */
const notLinux: readonly number[] = [code.Topen, code.Tcreate, code.Tstat, code.Twstat];

export const speaks = (dialect: Dialect, type: number): boolean =>
  dialect === '9P2000.L' ? !notLinux.includes(type & ~1) : type >= first_common;

export const notag = 0xffff;
export const nofid = 0xffffffff;
/** No number of a user; also of a group. */
export const nouid = 0xffffffff;
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
