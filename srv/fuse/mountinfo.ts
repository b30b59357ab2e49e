/** The mounts of this process by /proc/self/mountinfo, proc(5), which
 *  never touches what is mounted. */
import { readFile } from 'node:fs/promises';

export interface MountInfo {
  readonly id: number;
  /** major:minor of what st_dev is there. */
  readonly dev: string;
  readonly dir: string;
  readonly type: string;
  readonly source: string;
}

/** Blank, tab, newline and backslash are written as \ooo. */
const unquote = (s: string): string =>
  s.replace(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );

/** `36 35 98:0 /root /mnt rw,noatime master:1 - ext3 /dev/root rw`; other lines are left out. */
export function parseMountInfo(text: string): MountInfo[] {
  const all: MountInfo[] = [];
  for (const line of text.split('\n')) {
    const fields = line.split(' ');
    const [id = '', , dev = '', , dir] = fields;
    const dash = fields.indexOf('-', 6);
    if (dir === undefined || dash < 0) continue;
    const type = fields[dash + 1] ?? '';
    const source = unquote(fields[dash + 2] ?? '');
    all.push({ id: Number(id), dev, dir: unquote(dir), type, source });
  }
  return all;
}

/** The uppermost mount at exactly `dir`. */
export async function mountAt(dir: string): Promise<MountInfo | undefined> {
  const all = parseMountInfo(await readFile('/proc/self/mountinfo', 'utf8'));
  return all.findLast((m) => m.dir === dir);
}
