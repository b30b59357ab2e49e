/** What a test needs of the machine; where it is lacking the test skips, with the reason. */
import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';

const path = `${process.env.PATH ?? ''}:/usr/sbin:/sbin`;
const known = new Map<string, string | false>();

function lacks(need: string): string | false {
  if (need === 'root') return process.getuid?.() === 0 ? false : 'needs root';
  if (need.startsWith('/')) {
    try {
      accessSync(need, constants.R_OK | constants.W_OK);
      return false;
    } catch {
      return `no ${need} here, or not ours to open`;
    }
  }
  const found = spawnSync('sh', ['-c', `command -v ${need}`], { env: { PATH: path } });
  return found.status === 0 ? false : `no command ${need}`;
}

/**
 * The `skip` option of a test: false, or what is lacking. 'root', a device that must be open for us
 * ('/dev/net/tun'), or a command ('ip', 'iperf3').
 */
export function needs(...needed: readonly string[]): string | false {
  for (const need of needed) {
    let why = known.get(need);
    if (why === undefined) {
      why = lacks(need);
      known.set(need, why);
    }
    if (why !== false) return why;
  }
  return false;
}
