/** Error texts, lower case as Plan 9 has them, and the one table of errno for FUSE and 9P2000.L. */
import { FileError } from '@9p/lib9p';

/** The text that `e` shows to a client, one line. */
export const errorText = (e: unknown): string =>
  oneLine(e instanceof Error ? e.message : String(e));

/** Without line ends and other control characters: a terminal may show it. */
export const oneLine = (s: string): string => s.replace(controls, ' ');
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it is about
const controls = /[\x00-\x08\x0a-\x1f\x7f][\x00-\x20\x7f]*/g;

export const refuse = (text: string): FileError => new FileError(text);

export const Eperm = 'permission denied';
export const Einuse = 'connection in use';
export const Ehungup = 'i/o on hungup channel';
export const Einterrupted = 'interrupted';
export const Enodev = 'no free conversations';
export const Etoolong = 'control message too long';
export const Eunknown = 'unknown control message';
export const Ebadargs = 'bad # args to control message';
export const Enotconn = 'not connected';

/** Longest error text in bytes: Plan 9's ERRMAX less its NUL. */
export const error_bytes = 127;

/** Linux errno by what the text says; the first pattern that occurs decides. */
const errnos: readonly (readonly [RegExp, number])[] = [
  [/interrupted/, 4], // EINTR
  [/timed out|time-out|timeout|no answer/, 110], // ETIMEDOUT
  [/would block/, 11], // EAGAIN
  [/not permitted/, 1], // EPERM
  [/permission denied|authentication|password|not the owner|refused to give/, 13], // EACCES
  [/refused/, 111], // ECONNREFUSED
  [/in use|busy|still open/, 16], // EBUSY
  [/not found|does not exist|is not in the name space|unknown fid/, 2], // ENOENT
  [/no route|unreachable|no access concentrator/, 113], // EHOSTUNREACH
  [/no such device|no free conv|is gone|vanished/, 19], // ENODEV
  [/not connected|not bound|is down|not up/, 107], // ENOTCONN
  [/hungup|hung up|terminated/, 32], // EPIPE
  [/already exists/, 17], // EEXIST
  [/not a directory|in non-directory/, 20], // ENOTDIR
  [/is a directory/, 21], // EISDIR
  [/too long|too large|too small/, 90], // EMSGSIZE
  [/not supported|prohibited|not implemented/, 95], // EOPNOTSUPP
  [/too many|limit/, 24], // EMFILE
  [/plugin error/, 5], // EIO
];

/** The errno that goes beside an error text; EINVAL where the table has none. */
export function errnoOf(text: string): number {
  for (const [pattern, n] of errnos) if (pattern.test(text)) return n;
  return 22;
}

/** A text cut to at most n bytes of UTF-8, at a character. */
export { cutText as cut } from '@9p/lib9p';
