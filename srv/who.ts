/** Who a client is: the one place that says so. */
import type { Socket } from 'node:net';
import type { Peer, Who } from '@9p/lib9p';
import { missing, peercred } from '@9p/rawio';
import { refuse } from 'slashnet/core';
import type { Accounts } from './fuse/accounts.js';

export interface Trust {
  /** The daemon's owner. */
  readonly me: Who;
  readonly accounts: Accounts;
  readonly insecure: boolean;
}

/** Does the carrier say who it is? */
export const isProven = (t: Trust, peer: Peer): boolean => proven(t.me, peer) !== undefined;

/** What the carrier proves counts. Elsewhere names are believed, if at all. The owner may say that
 *  he asks for somebody else: v9fs attaches anew for each user. */
export function whoIs(t: Trust, uname: string, peer: Peer, uid?: number): Who {
  const who = proven(t.me, peer);
  if (who === undefined) {
    if (!t.insecure) throw refuse('authentication required');
    return { uname: uname || 'none', groups: [], owner: uname === t.me.uname };
  }
  if (!who.owner || uid === undefined || uid === 0) return who;
  t.accounts.forget(); // an attach is rare, and who joined since is known
  return { ...t.accounts.whoOf(uid) };
}

/** A unix socket of mode 600 and stdio are the daemon's owner's; so is his certificate. */
function proven(me: Who, peer: Peer): Who | undefined {
  if (peer.who !== undefined)
    return { ...peer.who, owner: peer.who.owner || peer.who.uname === me.uname };
  return peer.net === 'unix' || peer.net === 'stdio' ? { ...me } : undefined;
}

/** For a unix socket that others than its owner can reach: the system says who has connected. */
export function systemUsers(accounts: Accounts): (socket: Socket) => Who {
  if (missing !== undefined)
    throw refuse(`a socket for others needs rawio to tell them apart: ${missing}`);
  return (socket) => {
    const { uid, gid } = peercred(descriptor(socket));
    accounts.forget();
    return accounts.who(uid, gid);
  };
}

/** Node keeps it to itself. */
function descriptor(socket: Socket): number {
  return (socket as unknown as { _handle?: { fd?: number } })._handle?.fd ?? -1;
}

/** The number of a group of the system. */
export function groupNumber(accounts: Accounts, name: string): number {
  const gid = accounts.gid(name);
  if (accounts.group(gid) === name || String(gid) === name) return gid;
  throw refuse(`no group '${name}' here`);
}
