/** A profile: what a daemon does when it starts, one plain line each.
 *
 *      # comment
 *      load ether eth1 ether0          a verb of the root's ctl
 *      /auth/ctl key proto=pass …      a path, and what is written to it
 *      /pppoe/clone bind /net/ether0   clone makes a kept conversation first
 */
import { newReq, omode } from '@9p/lib9p';
import { text, utf8 } from '@9p/packet';
import { errorText, refuse, type System } from 'slashnet/core';

export const profile_bytes = 1024 * 1024;

/** Runs the lines in order; the first failure stops, told with its line. */
export async function runProfile(system: System, name: string, content: string): Promise<void> {
  if (content.length > profile_bytes) throw refuse(`${name}: over ${profile_bytes} bytes`);
  for (const [i, raw] of content.split('\n').entries()) {
    const line = raw.replace(/\r$/, '').trim();
    if (line === '' || line.startsWith('#')) continue;
    try {
      await runLine(system, line);
    } catch (e) {
      throw refuse(`${name}:${i + 1}: ${errorText(e)}`);
    }
  }
}

async function runLine(system: System, line: string): Promise<void> {
  if (!line.startsWith('/')) return system.control(line);
  const path = /^\S+/.exec(line)?.[0] ?? '';
  await writeLine(system, path, line.slice(path.length).trim());
}

/** Write a message to a file as the daemon's owner would. To
 *  `clone`: to a new, kept conversation. */
export async function writeLine(system: System, path: string, message: string): Promise<void> {
  const req = newReq(system.me);
  const clone = path.endsWith('/clone');
  const f = await system.ns.open(path, clone ? omode.rdwr : omode.write, system.me);
  try {
    if (clone) await f.write(utf8('keep'), 0, req);
    if (message !== '') await f.write(utf8(message), 0, req);
  } finally {
    f.close();
  }
}

/** The text of a file, as the daemon's owner reads it. */
export async function readText(system: System, path: string): Promise<string> {
  const req = newReq(system.me);
  const f = await system.ns.open(path, omode.read, system.me);
  try {
    return text(await f.read(1 << 20, 0, req));
  } finally {
    f.close();
  }
}
