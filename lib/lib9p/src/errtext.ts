/** Texts for the errno of a server that has no others: Plan 9's where there is one. `errnoOf` of
 *  each gives its number back. */
import { Efound, Eintr, Eisdir, Enotdir, Eperm } from './errors.js';

const texts: Readonly<Record<number, string>> = {
  1: 'operation not permitted', // EPERM
  2: Efound, // ENOENT
  4: Eintr, // EINTR
  5: 'i/o error', // EIO
  9: 'unknown fid', // EBADF
  11: 'would block', // EAGAIN
  13: Eperm, // EACCES
  16: 'file in use', // EBUSY
  17: 'file already exists', // EEXIST
  18: 'rename across directories', // EXDEV
  19: 'no such device', // ENODEV
  20: Enotdir, // ENOTDIR
  21: Eisdir, // EISDIR
  22: 'invalid argument', // EINVAL
  24: 'too many open files', // EMFILE
  27: 'file too large', // EFBIG
  28: 'no space left on device', // ENOSPC
  30: 'read-only file system', // EROFS
  32: 'i/o on hungup channel', // EPIPE
  36: 'file name too long', // ENAMETOOLONG
  39: 'directory not empty', // ENOTEMPTY
  40: 'too many symbolic links', // ELOOP
  90: 'message too long', // EMSGSIZE
  95: 'operation not supported', // EOPNOTSUPP
  107: 'not connected', // ENOTCONN
  110: 'timed out', // ETIMEDOUT
  111: 'connection refused', // ECONNREFUSED
  113: 'no route to host', // EHOSTUNREACH
  116: 'stale file handle', // ESTALE
  122: 'disk quota exceeded', // EDQUOT
};

export const errnoText = (errno: number): string => texts[errno] ?? `error ${errno}`;
