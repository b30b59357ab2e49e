/** Ending a mount that another process serves. */
import { realClock } from 'slashnet/core';
import { mountAt } from './mountinfo.js';
import { canonical, isDead, isOurs } from './place.js';
import { run } from './system.js';

/** Detach the mount at `dir`, and abort what waits there where we may: its server then hears of it
 *  at once, else when the last file is closed. False: there is none of ours, or it is a live one of
 *  the source `spared`. */
export async function unmountOurs(dir: string, spared: string): Promise<boolean> {
  const path = await canonical(dir);
  const there = await mountAt(path);
  if (there === undefined || !isOurs(there)) return false;
  if (there.source === spared && !(await isDead(path, realClock))) return false;
  if (process.getuid?.() === 0) await run('umount', ['-i', '-c', '-f', '-l', '--', path]);
  else await run('fusermount3', ['-u', '-z', '--', path]);
  return true;
}
