/** Who may do what by a file's mode, as 2/9pfile has it. */
import { type Dir, omode, type Who, wantsRead, wantsWrite } from './tree.js';

export const may = { read: 4, write: 2, exec: 1 } as const;

/** Others' bits first, then the owner's, then the group's; every
 *  user is in the group of his name. */
export function allowed(who: Who, d: Pick<Dir, 'mode' | 'uid' | 'gid'>, want: number): boolean {
  if (who.owner || (d.mode & want) === want) return true;
  if (who.uname === d.uid && ((d.mode >>> 6) & want) === want) return true;
  const member = who.uname === d.gid || who.groups.includes(d.gid);
  return member && ((d.mode >>> 3) & want) === want;
}

/** The bits that an open with `mode` needs. */
export function needed(mode: number): number {
  const read = wantsRead(mode) && (mode & 3) !== omode.exec ? may.read : 0;
  const write = wantsWrite(mode) || (mode & omode.trunc) !== 0 ? may.write : 0;
  return read | write | ((mode & 3) === omode.exec ? may.exec : 0);
}
