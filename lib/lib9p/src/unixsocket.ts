/** A unix socket that nobody else can reach, not even for the moment between bind and chmod.
 *
 *  It is bound in a directory of mode 700, gets its rights there, and is linked to its name: no
 *  umask of the process is changed, and the name is taken or not in one step. */
import { chmod, chown, link, lstat, mkdtemp, rm, unlink } from 'node:fs/promises';
import { connect, type Server } from 'node:net';
import { dirname, join } from 'node:path';
import { refuse } from './errors.js';

/** sun_path less its NUL. */
const longest_bytes = 107;

export interface SocketRights {
  /** Its owner's alone, 600, if nothing else is said. To connect is to write. */
  readonly mode?: number | undefined;
  readonly uid?: number | undefined;
  readonly gid?: number | undefined;
}

/** Listen at `path`; a socket that nobody answers any more is replaced.
 *  Returns what removes the name. */
export async function bindSocket(
  sockets: Server,
  path: string,
  rights: SocketRights = {},
): Promise<() => Promise<void>> {
  await clearStale(path);
  const dir = await mkdtemp(join(dirname(path), '.9p'));
  const temp = join(dir, 's');
  try {
    if (Buffer.byteLength(temp) > longest_bytes) refuse(`socket path too long: ${path}`);
    await listening(sockets, temp);
    if (rights.uid !== undefined || rights.gid !== undefined)
      await chown(temp, rights.uid ?? -1, rights.gid ?? -1);
    await chmod(temp, rights.mode ?? 0o600);
    await link(temp, path).catch((e) => refuse(inUse(e, path)));
    const { ino } = await lstat(path);
    return () => removeOurs(path, ino);
  } catch (e) {
    sockets.close();
    throw e;
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

function listening(sockets: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    sockets.once('error', reject);
    sockets.listen(path, () => {
      sockets.off('error', reject);
      resolve();
    });
  });
}

const inUse = (e: NodeJS.ErrnoException, path: string): string =>
  e.code === 'EEXIST' ? `address in use: ${path}` : e.message;

async function clearStale(path: string): Promise<void> {
  const there = await lstat(path).catch(() => undefined);
  if (there === undefined) return;
  if (!there.isSocket()) refuse(`not a socket: ${path}`);
  if (await answers(path)) refuse(`address in use: ${path}`);
  await unlink(path);
}

/** Only a refused connection says that nobody is there. */
function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path });
    socket.on('connect', () => resolve(true));
    socket.on('connect', () => socket.destroy());
    socket.on('error', (e: NodeJS.ErrnoException) => resolve(e.code !== 'ECONNREFUSED'));
  });
}

async function removeOurs(path: string, ino: number): Promise<void> {
  const there = await lstat(path).catch(() => undefined);
  if (there?.ino === ino) await unlink(path).catch(() => undefined);
}
