/** Who a client is: the one place that says so. */
import type { Socket } from 'node:net';
import type { Peer, Who } from '@9p/lib9p';
import { missing, peercred } from '@9p/rawio';
import { refuse } from 'slashnet/core';
import { Accounts } from './fuse/accounts.js';

/** What the carrier proves counts; a unix socket of mode 600 and stdio are the daemon's owner's.
 *  Elsewhere names are believed, if at all. */
export function whoIs(me: Who, uname: string, peer: Peer, insecure: boolean): Who {
  if (peer.who !== undefined)
    return { ...peer.who, owner: peer.who.owner || peer.who.uname === me.uname };
  if (peer.net === 'unix' || peer.net === 'stdio') return { ...me };
  if (!insecure) throw refuse('authentication required');
  return { uname: uname || 'none', groups: [], owner: uname === me.uname };
}

/** For a unix socket that others than its owner can reach: the system says who has connected. */
export function systemUsers(): (socket: Socket) => Who {
  if (missing !== undefined)
    throw refuse(`a socket for others needs rawio to tell them apart: ${missing}`);
  const accounts = new Accounts(process.getuid?.() ?? 0);
  return (socket) => {
    const { uid, gid } = peercred(descriptor(socket));
    accounts.forget(); // somebody may have become a member since
    return accounts.who(uid, gid);
  };
}

/** Node keeps it to itself. */
function descriptor(socket: Socket): number {
  return (socket as unknown as { _handle?: { fd?: number } })._handle?.fd ?? -1;
}

/** The number of a group of the system. */
export function groupNumber(name: string): number {
  const accounts = new Accounts(0);
  const gid = accounts.gid(name);
  if (accounts.groupName(gid) === name || String(gid) === name) return gid;
  throw refuse(`no group '${name}' here`);
}
