/** A 9pfuse: the tree of any 9P server at a directory, served by this process until it is
 *  unmounted. */
import { realpath } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { dial, parseAddress, reconnecting, type TlsKeys } from '@9p/lib9p';
import { errorText, realClock, refuse } from 'slashnet/core';
import { userName } from '../src/core/runtime.js';
import { dialAny } from './carriers.js';
import { backendNamed, type FuseMount, subtype } from './fuse/backend.js';
import { mountFuse } from './fuse/mount.js';
import { unmountOurs } from './fuse/unmount.js';
import { remoteTree } from './remote.js';

export interface MountServerOptions {
  /** The server's name for the tree; default all. */
  readonly aname: string;
  /** Who to be there; default the user that we are. */
  readonly uname: string;
  /** To dial a server of tls or wss. */
  readonly tls: TlsKeys | undefined;
  /** Default: the first that works here. */
  readonly backend: string;
  /** Let other users in. The server sees us, whoever asks: they may what it lets anybody do. */
  readonly allowOther: boolean;
  /** Each 9P message and each FUSE request, a line each. */
  readonly trace: ((line: string) => void) | undefined;
  /** Ends the attempt. */
  readonly signal: AbortSignal;
}

/** Mounted when it returns. While the server is away operations fail; when it is back, what is
 *  opened then works again. */
export async function mountServer(
  address: string,
  dir: string,
  o: MountServerOptions,
): Promise<FuseMount> {
  const at = await dialable(address, dir);
  const { aname, tls } = o;
  const trace = o.trace === undefined ? {} : { trace: o.trace };
  const how = { uname: o.uname || userName(), aname, tls, connect: dialAny, ...trace };
  const dialled = (signal: AbortSignal) => dial(at, { ...how, signal });
  const server = await reconnecting(dialled, realClock, o.signal).catch((e) => {
    throw refuse(errorText(e).replace(/^hungup: /, ''));
  });
  try {
    const mount = await mountFuse(remoteTree(server), dir, {
      source: at,
      allowOther: o.allowOther,
      ...(o.backend === '' ? {} : { backend: backendNamed(o.backend) }),
      ...trace,
    });
    void mount.gone.then(() => server.close());
    return mount;
  } catch (e) {
    server.close();
    throw e;
  }
}

/** The address as it is good for later, too: to dial a socket below our own mount would be to wait
 *  for ourselves. */
async function dialable(address: string, dir: string): Promise<string> {
  const at = parseAddress(address);
  if (!('path' in at)) return address;
  const path = resolve(at.path);
  const real = async (p: string): Promise<string> => realpath(p).catch(() => p);
  const socket = join(await real(dirname(path)), basename(path));
  if (socket.startsWith(`${await real(dir)}/`)) throw refuse(`${path} is below ${dir} itself`);
  return `unix!${path}`;
}

/** Takes a server's mount away, and says whether there was one; a daemon's is the daemon's. */
export const unmountServer = (dir: string): Promise<boolean> => unmountOurs(dir, subtype);
