/** The serial ports that the system has, by sysfs: udevadm, which
 *  the package asks, may be lacking. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const read = (path: string): string => {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return '';
  }
};

/** A driver of its own stands behind a port; the 8250's type is 0 where it has found none. What the
 *  system has its console on is not offered. */
export function systemPorts(sysfs = '/sys/class/tty', dev = '/dev'): readonly string[] {
  const consoles = read(join(sysfs, 'console/active')).split(/\s+/);
  const names = existsSync(sysfs) ? readdirSync(sysfs) : [];
  return names
    .filter((n) => existsSync(join(sysfs, n, 'device')) && read(join(sysfs, n, 'type')) !== '0')
    .filter((n) => !consoles.includes(n))
    .map((n) => join(dev, n))
    .filter((path) => existsSync(path))
    .sort(new Intl.Collator('en', { numeric: true }).compare);
}
