/** Error texts are all that 9P says of a failure: lower case, no full stop, at most 127 bytes. */
import { max_ename_bytes } from './fcall.js';

/** An error whose text is for the client: what a node throws to refuse an operation. It is no
 *  bug, so it carries no stack: that would cost more than the operation. */
export class FileError extends Error {
  override readonly name = 'FileError';

  constructor(text: string) {
    const limit = Error.stackTraceLimit;
    Error.stackTraceLimit = 0;
    super(text);
    Error.stackTraceLimit = limit;
  }
}

export function refuse(text: string): never {
  throw new FileError(text);
}

export const Ebadfid = 'unknown fid';
export const Edupfid = 'duplicate fid';
export const Eduptag = 'duplicate tag';
export const Efids = 'too many fids';
export const Etags = 'too many requests outstanding';
export const Enoauth = 'authentication not required';
export const Enotauth = 'not an auth fid';
export const Eunproven = 'not authenticated';
export const Enostat = 'stat prohibited';
export const mismatch = (what: string, was: string, is: string): string =>
  `auth ${what} mismatch: ${was} vs ${is}`;
export const Enoversion = 'no version negotiated';
export const Emsize = 'version: message size too small';
export const Eopen = 'file already open for I/O';
export const Enotread = 'file not open for reading';
export const Enotwrite = 'file not open for writing';
export const Eisdir = 'is a directory';
export const Enotdir = 'not a directory';
export const Emode = 'illegal mode';
export const Ename = 'illegal name';
export const Eclone = 'cannot clone open fid';
export const Ewalk = 'walk in non-directory';
export const Ecreate = 'create in non-directory';
export const Enocreate = 'create prohibited';
export const Enoremove = 'remove prohibited';
export const Eoffset = 'bad offset';
export const Ecount = 'count too small for a directory entry';
export const Ebig = 'message too large for msize';
export const Estat = 'stat too large for msize';
export const Efound = 'file not found';
export const Eperm = 'permission denied';
export const Eowner = 'wstat cannot change owner';
export const Especial = 'special files are not permitted';
export const Exdev = 'rename across directories';
export const Eagain = 'would block';
export const Eintr = 'interrupted';
export const Eslow = 'client does not read its replies';

/** What a client sees of anything thrown. */
export function errorText(e: unknown): string {
  const s = e instanceof Error ? e.message : String(e);
  return cutText(s.replaceAll('\0', ''), max_ename_bytes) || 'i/o error';
}

/** At most n bytes of UTF-8, no character cut in two. */
export function cutText(s: string, n: number): string {
  if (s.length * 3 <= n || Buffer.byteLength(s) <= n) return s;
  let bytes = 0;
  let out = '';
  for (const c of s) {
    bytes += Buffer.byteLength(c);
    if (bytes > n) break;
    out += c;
  }
  return out;
}
