/** Where a mount goes: the directory itself, without links, and rid of what a dead daemon left. */
import { realpath, statfs } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { type Clock, errorText, refuse } from 'slashnet/core';
import { inText, subtype } from './backend.js';
import { type MountInfo, mountAt } from './mountinfo.js';
import { detach } from './system.js';
import { sleep } from './wait.js';

/** `dir` made absolute without links, and nothing of ours mounted there. */
export async function freeDirectory(dir: string, clock: Clock): Promise<string> {
  for (let layer = 0; layer < stale_max; layer++) {
    const path = await canonical(dir);
    const there = await mountAt(path);
    if (there === undefined || !isOurs(there)) return path;
    if (!(await isDead(path, clock))) throw refuse(`${path} is in use: slashnet is mounted there`);
    await detach(path);
  }
  throw refuse(`${dir} is in use: too many dead mounts there`);
}
const stale_max = 16;

export const isOurs = (m: MountInfo): boolean => m.type === `fuse.${subtype}`;

/** By the parent's, since a dead mount answers nothing, not even what it is. */
export async function canonical(dir: string): Promise<string> {
  const path = resolve(dir);
  try {
    const parent = join(await realpath(dirname(path)), basename(path));
    if ((await mountAt(parent)) !== undefined) return parent;
    return await realpath(path);
  } catch (e) {
    throw refuse(`mount ${inText(dir)}: ${errorText(e)}`);
  }
}

/** How long a live daemon may take to answer for its mount; longer is busy, not dead. */
const alive_ms = 2000;

/** A mount whose daemon is gone refuses at once. In the thread
 *  pool, since a live one may be slow. */
export async function isDead(path: string, clock: Clock): Promise<boolean> {
  const late = sleep(clock, alive_ms, false);
  const dead = statfs(path).then(
    () => false,
    (e: NodeJS.ErrnoException) => e.code === 'ENOTCONN' || e.code === 'ECONNABORTED',
  );
  const verdict = await Promise.race([dead, late.over]);
  late.stop();
  return verdict;
}
