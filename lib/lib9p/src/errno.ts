/** The one table of Linux's errno by what a text says: for 9P2000.u, 9P2000.L and FUSE. */

/** The first pattern that occurs decides. */
const errnos: readonly (readonly [RegExp, number])[] = [
  [/interrupted/, 4], // EINTR
  [/timed out|time-out|timeout|no answer/, 110], // ETIMEDOUT
  [/would block/, 11], // EAGAIN
  [/not permitted|not owner|cannot change|cannot (remove|rename) root/, 1], // EPERM
  [/permission denied|authentication|password|not the owner|refused to give/, 13], // EACCES
  [/refused/, 111], // ECONNREFUSED
  [/in use|busy|still open|exclusive use/, 16], // EBUSY
  [/unknown fid|file not open/, 9], // EBADF
  [/not found|does not exist|is not in the name space/, 2], // ENOENT
  [/no route|unreachable|no access concentrator/, 113], // EHOSTUNREACH
  [/no such device|no free conv|is gone|vanished/, 19], // ENODEV
  [/not connected|not bound|is down|not up/, 107], // ENOTCONN
  [/hungup|hung up|terminated/, 32], // EPIPE
  [/already exists/, 17], // EEXIST
  [/not empty/, 39], // ENOTEMPTY
  [/i\/o error/, 5], // EIO
  [/no space left/, 28], // ENOSPC
  [/read-only/, 30], // EROFS
  [/name too long/, 36], // ENAMETOOLONG
  [/symbolic links/, 40], // ELOOP
  [/stale/, 116], // ESTALE
  [/quota/, 122], // EDQUOT
  [/not a directory|in non-directory/, 20], // ENOTDIR
  [/is a directory/, 21], // EISDIR
  [/across directories/, 18], // EXDEV
  [/file too large/, 27], // EFBIG
  [/too long|too large|too small/, 90], // EMSGSIZE
  [/not supported|prohibited|not implemented|unknown message/, 95], // EOPNOTSUPP
  [/too many|limit/, 24], // EMFILE
  [/plugin error/, 5], // EIO
];

/** The errno that goes beside an error text; EINVAL where the table has none. */
export function errnoOf(text: string): number {
  for (const [pattern, n] of errnos) if (pattern.test(text)) return n;
  return 22;
}
