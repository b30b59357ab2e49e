/** Mounting's own commands, and the addon's system calls where it is there. */
import { spawn } from 'node:child_process';
import { missing, unmount } from '@9p/rawio';
import { refuse } from 'slashnet/core';

/** Run a system's own command; its first line of complaint is the error. */
export function run(command: string, args: readonly string[], fd?: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      stdio: ['ignore', 'ignore', 'pipe', ...(fd === undefined ? [] : [fd])],
    });
    let complaint = '';
    child.stderr?.on('data', (d: Buffer) => {
      complaint += d.toString();
    });
    child.on('error', (e) => reject(refuse(`${command}: ${e.message}`)));
    child.on('close', (code) => {
      if (code === 0) resolve();
      else reject(refuse(complaint.trim().split('\n')[0] || `${command}: exit status ${code}`));
    });
  });
}

/** Lazily, so that what is open below does not keep it; -c and -i:
 *  nothing asks what is mounted there. */
export async function detach(dir: string): Promise<void> {
  if (missing === undefined) unmount(dir, true);
  else if (process.getuid?.() === 0) await run('umount', ['-i', '-c', '-l', '--', dir]);
  else await run('fusermount3', ['-u', '-z', '--', dir]);
}
