/** Keys for /auth/ctl from files that only their owner can read, and from systemd. */
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { newReq, omode } from '@9p/lib9p';
import { errorText, refuse, type System } from 'slashnet/core';

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

/** A regular file of ours or root's; `ours`: that nobody else can read. */
async function readPrivate(path: string, ours: boolean): Promise<Uint8Array> {
  const f = await open(path).catch((e: Error) => {
    throw refuse(`keys: ${e.message}`);
  });
  try {
    const is = await f.stat(); // of what was opened, whatever has that name by now
    if (!is.isFile()) throw refuse(`${path}: not a regular file`);
    if (ours && is.uid !== process.getuid?.() && is.uid !== 0)
      throw refuse(`${path}: it belongs to user ${is.uid}, who could have written anything there`);
    if (ours && (is.mode & 0o077) !== 0) {
      const mode = (is.mode & 0o777).toString(8);
      throw refuse(`${path}: its mode is ${mode}, others can read the keys: chmod 600 ${path}`);
    }
    if (is.size > key_bytes_max) throw refuse(`${path}: over ${key_bytes_max} bytes`);
    return await readAll(f, is.size);
  } finally {
    await f.close();
  }
}

/** In a buffer of our own, which can be wiped. */
async function readAll(f: FileHandle, size: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(size);
  let at = 0;
  while (at < size) {
    const { bytesRead } = await f.read(bytes, at, size - at, at);
    if (bytesRead === 0) break;
    at += bytesRead;
  }
  return bytes.subarray(0, at);
}

/** With their numbers; blank ones are left out. */
function* lines(b: Uint8Array): Generator<[number, Uint8Array]> {
  for (let from = 0, n = 1; from < b.length; n++) {
    const end = b.indexOf(lf, from);
    const to = end < 0 ? b.length : end;
    if (to > from) yield [n, b.subarray(from, to)];
    from = to + 1;
  }
}
