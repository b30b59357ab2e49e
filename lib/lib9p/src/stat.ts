/** Directory entries on the wire, stat(5):
 *
 *  size[2] type[2] dev[4] qid[13] mode[4] atime[4] mtime[4] length[8] name[s] uid[s] gid[s] muid[s]
 *
 *  and in 9P2000.u after them: extension[s] uid[4] gid[4] muid[4]
 */
import { type Dialect, nouid, type WireDir } from './fcall.js';
import { Reader } from './reader.js';
import { type Dir, type DirChange, dmdir } from './tree.js';
import { Writer } from './writer.js';

/** An entry with four empty strings, its own size field included. */
export const stat_bytes = 49;
/** "Don't touch": every bit of a number set, or an empty string. */
const keep8 = 0xff;
const keep16 = 0xffff;
const keep32 = 0xffffffff;
const keep64 = 0xffffffffffffffffn;

export function putDir(w: Writer, d: WireDir, dialect: Dialect): void {
  w.need(stat_bytes);
  const start = w.at;
  w.at += 2;
  w.u16(d.type ?? 0);
  w.u32(d.dev ?? 0);
  w.qid(d.qid);
  w.u32(d.mode);
  w.u32(d.atime);
  w.u32(d.mtime);
  w.u64(d.length);
  w.str(d.name);
  w.str(d.uid);
  w.str(d.gid);
  w.str(d.muid);
  if (dialect === '9P2000.u') {
    w.str(d.extension ?? '').need(12);
    for (const n of [d.nuid, d.ngid, d.nmuid]) w.u32(n ?? nouid);
  }
  const n = w.at - start - 2;
  if (n > 0xffff) throw new Error('directory entry too long');
  w.buf[start] = n;
  w.buf[start + 1] = n >>> 8;
}

export function getDir(r: Reader, dialect: Dialect): WireDir {
  const size = r.u16();
  const from = r.at;
  const type = r.u16();
  const dev = r.u32();
  const qid = r.qid();
  const mode = r.u32();
  const atime = r.u32();
  const mtime = r.u32();
  const length = r.u64();
  const name = r.str();
  const uid = r.str();
  const gid = r.str();
  const muid = r.str();
  const more = dialect === '9P2000.u' ? getMore(r) : {};
  if (r.at - from !== size) r.fail('bad size of a directory entry');
  return { type, dev, qid, mode, atime, mtime, length, name, uid, gid, muid, ...more };
}

const getMore = (r: Reader): Partial<WireDir> => ({
  extension: r.str(),
  nuid: r.u32(),
  ngid: r.u32(),
  nmuid: r.u32(),
});

export function encodeDir(d: WireDir, dialect: Dialect = '9P2000'): Uint8Array {
  const w = new Writer();
  putDir(w, d, dialect);
  return w.buf.subarray(0, w.at);
}

/** What a read of a directory returned: whole entries, or why they are not. */
export function decodeDirs(b: Uint8Array, dialect: Dialect = '9P2000'): WireDir[] | string {
  const r = new Reader(b, 0, b.length);
  const dirs: WireDir[] = [];
  while (r.at < r.end) dirs.push(getDir(r, dialect));
  return r.verdict() ?? dirs;
}

/** Of a file that is made, looked for or renamed. */
export const goodName = (name: string): boolean =>
  name !== '' && name !== '.' && name !== '..' && !name.includes('/');

/** An entry that changes nothing but what `change` names. */
export function changeDir(change: DirChange): WireDir {
  const qid = { type: keep8, vers: keep32, path: keep64 };
  const rest = { type: keep16, dev: keep32, qid, atime: keep32, uid: '', muid: '' };
  return {
    ...rest,
    mode: change.mode ?? keep32,
    mtime: change.mtime ?? keep32,
    length: change.length ?? keep64,
    name: change.name ?? '',
    gid: change.gid ?? '',
  };
}

/** The fields of a Twstat that ask for something. The access time is not
 *  a client's to change: ignored. */
export function dirChange(d: WireDir): DirChange {
  return {
    ...(d.name !== '' && { name: d.name }),
    ...(d.mode !== keep32 && { mode: d.mode }),
    ...(d.mtime !== keep32 && { mtime: d.mtime }),
    ...(d.length !== keep64 && { length: d.length }),
    ...(d.gid !== '' && { gid: d.gid }),
  };
}

/** Why a Twstat asks for what stat(5) forbids of any file; `is` tells what the file is now. */
export function forbidden(d: WireDir, is: Dir): string | undefined {
  const directory = (is.mode & dmdir) !== 0;
  if ((d.type ?? 0) !== 0 && d.type !== keep16) return 'wstat cannot change type';
  if ((d.dev ?? 0) !== 0 && d.dev !== keep32) return 'wstat cannot change dev';
  if (d.qid.type !== keep8 && d.qid.type !== is.qid.type) return 'wstat cannot change qid.type';
  if (d.qid.vers !== keep32 && d.qid.vers !== is.qid.vers) return 'wstat cannot change qid.vers';
  if (d.qid.path !== keep64 && d.qid.path !== is.qid.path) return 'wstat cannot change qid.path';
  if (d.uid !== '' && d.uid !== is.uid) return 'wstat cannot change owner';
  if (d.muid !== '' && d.muid !== is.muid) return 'wstat cannot change muid';
  if (d.mode !== keep32 && directory !== ((d.mode & dmdir) !== 0))
    return "wstat can't convert between files and directories";
  if (directory && d.length !== keep64 && d.length !== 0n) return 'wstat of length of a directory';
  return undefined;
}
