/** Error texts, lower case as Plan 9 has them. */
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

/** A text cut to at most n bytes of UTF-8, at a character. */
export { cutText as cut, errnoOf } from '@9p/lib9p';
