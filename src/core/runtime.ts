/** Where a daemon's socket lies, and whose it is. */
import { lstatSync, mkdirSync, readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { refuse } from './errors.js';

/** $XDG_RUNTIME_DIR, /run for root, else a directory of one's own in /tmp. Made with mode 700. */
export function runtimeDirectory(): string {
  const uid = process.getuid?.() ?? 0;
  const base = process.env.XDG_RUNTIME_DIR || (uid === 0 ? '/run' : `/tmp/slashnet-${uid}`);
  const dir = !process.env.XDG_RUNTIME_DIR && uid !== 0 ? base : join(base, 'slashnet');
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  refuseStranger(dir, uid);
  return dir;
}

/** In /tmp anybody may have made it first, to catch what is written there. */
function refuseStranger(dir: string, uid: number): void {
  const s = lstatSync(dir);
  if (!s.isDirectory() || s.uid !== uid || (s.mode & 0o022) !== 0)
    throw refuse(`${dir} is not a directory of user ${uid} alone: set XDG_RUNTIME_DIR`);
}

export const defaultSocket = (): string => join(runtimeDirectory(), 'ns.sock');

/** The address that commands use: -a, $SLASHNET, the default socket. A name alone is that of a
 *  socket in the runtime directory: ppp.1234 */
export function addressOf(option: string | undefined): string {
  const at = option ?? process.env.SLASHNET;
  if (at === undefined) return `unix!${defaultSocket()}`;
  return /^\w[\w.-]*$/.test(at) ? `unix!${join(runtimeDirectory(), at)}` : at;
}

/** Whether there is such a process, whoever's. */
export function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (e) {
    return (e as NodeJS.ErrnoException).code === 'EPERM';
  }
}

export function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return String(process.getuid?.() ?? 'none');
  }
}

export function version(): string {
  const file = new URL('../../../package.json', import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}
