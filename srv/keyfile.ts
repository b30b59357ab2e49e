/** Keys for /auth/ctl from files that only their owner can read, and from systemd. */
import { join } from 'node:path';
import { newReq, omode } from '@9p/lib9p';
import { errorText, readRegular, refuse, type System } from 'slashnet/core';

export const key_bytes_max = 1024 * 1024;
/** What a unit's LoadCredential= calls it. */
export const credential = 'slashnet.keys';
const lf = 0x0a;

/** Lines as ctl takes them: `key …`, `#` comments. The first that is refused ends it, told with
 *  its number and without its contents, which never become a string here. */
export async function loadKeys(system: System, path: string, ours = true): Promise<void> {
  const bytes = await readPrivate(path, ours);
  try {
    const f = await system.ns.open('/auth/ctl', omode.write, system.me);
    try {
      for (const [n, line] of lines(bytes)) {
        const refused = (e: unknown): never => {
          throw refuse(`${path}:${n}: ${errorText(e)}`);
        };
        try {
          await f.write(line, 0, newReq(system.me));
        } catch (e) {
          refused(e);
        }
      }
    } finally {
      f.close();
    }
  } finally {
    bytes.fill(0);
  }
}

/** The keys that systemd has for us, if there are. It guards them itself. */
export async function loadCredential(system: System, directory: string): Promise<void> {
  const path = join(directory, credential);
  await loadKeys(system, path, false).catch((e) => {
    if (!/ENOENT/.test(errorText(e))) throw e;
  });
}

/** A file of ours or root's; `ours`: that nobody else can read. */
const readPrivate = (path: string, ours: boolean): Promise<Uint8Array> =>
  readRegular(path, key_bytes_max, (is) => {
    if (!ours) return;
    if (is.uid !== process.getuid?.() && is.uid !== 0)
      throw refuse(`${path}: it belongs to user ${is.uid}, who could have written anything there`);
    if ((is.mode & 0o077) !== 0) {
      const mode = (is.mode & 0o777).toString(8);
      throw refuse(`${path}: its mode is ${mode}, others can read the keys: chmod 600 ${path}`);
    }
  }).catch((e: Error) => {
    throw refuse(`keys: ${e.message}`);
  });

/** With their numbers; blank ones are left out. */
function* lines(b: Uint8Array): Generator<[number, Uint8Array]> {
  for (let from = 0, n = 1; from < b.length; n++) {
    const end = b.indexOf(lf, from);
    const to = end < 0 ? b.length : end;
    if (to > from) yield [n, b.subarray(from, to)];
    from = to + 1;
  }
}
