/** A file server over a Tree, in 9P2000 and the two dialects of Linux. It owns no socket: whoever
 *  does, makes a connection of each. */
import { type Accounts, noAccounts } from './accounts.js';
import type { AuthFile } from './authfid.js';
import { Connection } from './connection.js';
import { max_msize_bytes } from './fcall.js';
import type { Tree, Wait, Who } from './tree.js';

/** Who is at the other end, as far as the carrier knows. */
export interface Peer {
  /** unix, tcp, stdio, ... */
  readonly net: string;
  readonly address: string;
  /** Who it is, where the carrier has proof: a certificate, the system's word. */
  readonly who?: Who;
}

/** What a connection asks of the carrier of its bytes. */
export interface Wire {
  /** True: the bytes are gone and their buffer may be used again. False: they are kept, and
   *  `drained` is called when all have gone. */
  write(bytes: Uint8Array): boolean;
  /** Stop and start calling `receive`. */
  pause(): void;
  resume(): void;
  /** The connection is over: close when what was written has gone. */
  end(why: string): void;
}

/** Of each connection. */
export interface Limits {
  /** Largest message. */
  readonly msize: number;
  readonly fids: number;
  /** Requests outstanding. */
  readonly tags: number;
  /** Replies kept for a client that does not read: beyond the first no requests are taken,
   *  beyond the second (operations under way end all the same) it is hung up. */
  readonly ahead_bytes: number;
  readonly queued_bytes: number;
}

export const defaultLimits: Limits = {
  msize: max_msize_bytes,
  fids: 16384,
  tags: 1024,
  ahead_bytes: 256 * 1024,
  queued_bytes: 32 * 1024 * 1024,
};

export interface ServerOptions {
  /** Who an attach is: refused by a throw. Without it: who the carrier proves, else who it says,
   *  and then nobody's owner. `uid` is what 9P2000.u and 9P2000.L say beside the name, which may
   *  then be empty. */
  readonly who?: (uname: string, peer: Peer, aname: string, uid?: number) => Wait<Who>;
  /** For a Tauth: the file through which the client proves who he is, whom `who` is not asked
   *  for then. Undefined: none is needed. */
  readonly auth?: (
    uname: string,
    peer: Peer,
    aname: string,
    uid?: number,
  ) => Wait<AuthFile | undefined>;
  /** Throws where `who` may not attach to that tree; asked of everybody. */
  readonly admit?: (who: Who, aname: string) => Wait<void>;
  /** Numbers of users and groups, for 9P2000.u and 9P2000.L. */
  readonly accounts?: Accounts;
  readonly limits?: Partial<Limits>;
  /** Every message, one line each; made only while this is set. */
  readonly trace?: (line: string) => void;
  /** Runs all that comes of one event outside (a batch of requests, the loss of a connection):
   *  who gathers work to do at the end of it wraps it here. */
  readonly turn?: (work: () => void) => void;
  /** What a node threw that is no FileError: a bug. The client gets its text. */
  readonly fault?: (e: unknown) => void;
}

export class Server {
  readonly tree: Tree;
  readonly limits: Limits;
  readonly who: NonNullable<ServerOptions['who']>;
  readonly auth: NonNullable<ServerOptions['auth']>;
  readonly admit: NonNullable<ServerOptions['admit']>;
  readonly accounts: Accounts;
  readonly turn: (work: () => void) => void;
  readonly connections = new Set<Connection>();
  trace: ((line: string) => void) | undefined;
  fault: ((e: unknown) => void) | undefined;
  #count = 0;

  constructor(tree: Tree, options: ServerOptions = {}) {
    this.tree = tree;
    this.limits = { ...defaultLimits, ...options.limits };
    this.accounts = options.accounts ?? noAccounts;
    this.who = options.who ?? ((uname, peer, _aname, uid) => peer.who ?? this.#named(uname, uid));
    this.auth = options.auth ?? (() => undefined);
    this.admit = options.admit ?? (() => undefined);
    this.turn = options.turn ?? ((work) => work());
    this.trace = options.trace;
    this.fault = options.fault;
  }

  #named(uname: string, uid: number | undefined): Who {
    const name = uname === '' && uid !== undefined ? this.accounts.user(uid) : uname;
    return { uname: name, groups: [], owner: false };
  }

  connect(wire: Wire, peer: Peer): Connection {
    const c = new Connection(this, ++this.#count, wire, peer);
    this.connections.add(c);
    return c;
  }

  /** Every connection is hung up. */
  hangup(why: string): void {
    for (const c of [...this.connections]) c.end(why);
  }
}
