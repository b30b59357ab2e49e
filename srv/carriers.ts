/** What carries 9P to a daemon and from it: which listeners it has, and how it dials. */
import type { Duplex } from 'node:stream';
import {
  type Address,
  type ConnectOptions,
  connect,
  type Gate,
  type Listener,
  listen,
  parseAddress,
  type Server,
  type TlsKeys,
} from '@9p/lib9p';
import { refuse } from 'slashnet/core';
import type { Accounts } from './fuse/accounts.js';
import { groupNumber, systemUsers } from './who.js';

export interface CarrierOptions {
  /** A unix socket: its owner's, mode 600, unless the next two say otherwise. */
  readonly socket?: string | undefined;
  readonly socketMode?: number | undefined;
  /** A group of the system; then the mode is 660 if it is not given. */
  readonly socketGroup?: string | undefined;
  /** Dial strings to announce. What proves nobody's name needs `insecure`. */
  readonly listen?: readonly string[] | undefined;
  readonly insecure?: boolean | undefined;
  /** Clients of those listeners prove by p9any who they are, to `auth`. */
  readonly auth?: boolean | undefined;
  /** Of tls and wss listeners, and to dial those of others. */
  readonly tls?: TlsKeys | undefined;
  /** Whose pages may open a WebSocket. */
  readonly origins?: readonly string[] | undefined;
}

/** What all listeners share. */
export interface Common {
  readonly gate: Gate;
  /** Who connects to a unix socket. */
  readonly accounts: Accounts;
}

/** Each as it is there: if one fails, those before it are to be closed. */
export async function openListeners(
  server: Server,
  o: CarrierOptions,
  common: Common,
  add: (l: Listener) => void,
): Promise<void> {
  if (o.auth === true && o.insecure === true) throw refuse('--auth and --insecure: one of them');
  if (o.socket !== undefined) add(await listenUnix(server, o.socket, o, common));
  const { gate } = common;
  for (const address of o.listen ?? []) {
    const at = parseAddress(address);
    if ('path' in at) add(await listenUnix(server, at.path, o, common));
    else if (!proves(at, o) && o.insecure !== true)
      throw refuse(
        `${address}: anybody could connect: --auth demands a proof; --insecure says that it is meant`,
      );
    else if (at.net === 'ws' || at.net === 'wss') {
      const { listenWeb } = await import('./websocket.js');
      add(await listenWeb(server, at, { gate, tls: o.tls, origins: o.origins }));
    } else add(await listen(server, at, { gate, tls: o.tls }));
  }
}

/** Loopback proves nothing: any user of the machine and any page in a browser reaches it. */
const proves = (at: Exclude<Address, { path: string }>, o: CarrierOptions): boolean =>
  o.auth === true || ((at.net === 'tls' || at.net === 'wss') && o.tls?.ca !== undefined);

function listenUnix(
  server: Server,
  path: string,
  o: CarrierOptions,
  { gate, accounts }: Common,
): Promise<Listener> {
  const gid = o.socketGroup === undefined ? undefined : groupNumber(accounts, o.socketGroup);
  const mode = o.socketMode ?? (gid === undefined ? 0o600 : 0o660);
  const identify = (mode & 0o077) === 0 ? undefined : systemUsers(accounts);
  return listen(server, { path }, { gate, mode, gid, identify });
}

/** As lib9p's connect, and WebSockets besides. */
export async function dialAny(address: string, o: ConnectOptions): Promise<Duplex> {
  if (!/^wss?!/.test(address)) return connect(address, o);
  const { connectWeb } = await import('./websocket.js');
  return connectWeb(address, o);
}
