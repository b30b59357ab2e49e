/** What a plugin is and what it is given. `plugins/skeleton` is the one to copy. */
import type { FileError, OpenFile, Qid, Req, Wait, Who } from '@9p/lib9p';
import type { Packet } from '@9p/packet';
import type { Counters } from './counters.js';
import type { Clock, Machine, Ms, Path, Random, Sink } from './machine.js';
import type { Namespace } from './namespace.js';
import type { Port, PortOptions } from './port.js';
import type { Queue } from './queue.js';
import type { Turn } from './turn.js';

export type { FileError };

/** The default export of `plugins/NAME/plugin.ts`. */
export interface Plugin {
  readonly name: string;
  /** Files that must exist first: '/auth/rpc'. */
  readonly needs?: readonly string[];
  /** `args` are the words after the name in `load NAME …`. */
  start(env: Env, args: readonly string[]): Wait<Running>;
}
export interface Running {
  /** Hang up everything politely, undo what was changed on the host. */
  stop(why: string): Wait<void>;
}

/** A directory of numbered conversations: /ppp, /ether0. Made by `env.serve`. */
export interface Layer<C extends Conversation = Conversation> {
  readonly name: string;
  /** Most conversations at once. */
  readonly limit: number;
  /** What the layer is, one line; the head of `help`. */
  readonly about: string;
  /** Beyond the standard ones. A verb of the same name as a standard one replaces it. */
  readonly verbs: readonly Verb<C>[];
  /** Of each conversation, beyond the standard ones; `data` here replaces the packet file. */
  readonly files?: readonly FileDef<C>[];
  /** Of the layer's own directory, beside clone, stats and help. */
  readonly rootFiles?: readonly FileDef<void>[];
  readonly stats: Counters<string>;
  /** LINKTYPE_ of the pcap files. */
  readonly linkType?: number;
  /** One packet of this layer's wire, for `log`; must print any bytes. */
  readonly format?: (b: Uint8Array, start: number, end: number) => string;
  /** Calls arrive here: the verb `announce` and the file `listen` exist. */
  readonly calls?: boolean;
  create(ctx: Context): C;
}

/** A numbered directory. */
export interface Conversation {
  /** First word of `status`, in the RFC's spelling. */
  readonly state: string;
  /** Nothing is under way: may be reclaimed when nobody uses it. */
  readonly idle: boolean;
  /** The port behind `data`: what the layer above is joined to. */
  readonly upper?: Port;
  /** The rest of the status line: `name value` pairs. */
  status(): string;
  local?(): string;
  remote?(): string;
  /** For `stats`, where it is not what passes `upper`. */
  traffic?(): Traffic;
  /** The end that `bind path` joins to the data file at `path`. Throws a refusal. */
  lower?(path: string): Port;
  /** Instead of opening and joining: for layers that share what is below (pppoe, pptp). The path
   *  may be a directory with a clone file. Opened with the rights of `req.who`. */
  bind?(path: string, req: Req): Promise<Link>;
  /** Bring this layer up; what is below is up already. Done when it is up. On `req.onflush`:
   *  stop at once and leave the conversation as it was; the wait is then rejected by the engine. */
  connect?(args: readonly string[], req: Req): Wait<void>;
  announce?(args: readonly string[], req: Req): Wait<void>;
  /** End this layer politely (Terminate-Request, PADT) in bounded time. Called in any state. */
  hangup?(why: string): Wait<void>;
  /** The directory goes: stop timers, release what is shared. Never throws. */
  close(why: string): void;
}

export interface Traffic {
  readonly txpackets: number;
  readonly txbytes: number;
  readonly rxpackets: number;
  readonly rxbytes: number;
}

/** What is joined below a conversation. */
export interface Link {
  /** The data file or directory as it was bound. */
  readonly path: string;
  /** Joined by function call, not pumped through files. */
  readonly fast: boolean;
  /** Of a pump whose file has ended: open it anew. */
  again?(): Promise<void>;
  unbind(why: string): Wait<void>;
}

/** The engine's side of one conversation. */
export interface Context {
  readonly id: number;
  /** "/ppp/0" */
  readonly name: string;
  readonly owner: Who;
  readonly env: Env;
  /** Counted here and in the layer's stats. */
  count(reason: string, n?: number): void;
  port(o: PortOptions): Port;
  driver<Cmd, Ev>(m: Machine<Cmd, Ev>, out: Sink, tell: (e: Ev) => void): Driver<Cmd>;
  /** As `driver`, for the timers of a path; both may be used side by side. */
  pathTimer(p: Path<string>, above: Sink, below: Sink): PathTimer;
  /** A call has arrived at this conversation, which announced: `begin` makes a new one of this
   *  layer the call's. False: nobody could take it, and that is counted. */
  call(begin: (c: Conversation) => void): boolean;
  /** A line for the readers of `event`. */
  event(line: string): void;
  /** What `err` reads from now on. */
  fail(why: string): void;
  /** The layer went down by itself (peer hung up, carrier lost): err, event, redial. */
  down(why: string): void;
  /** A line for the readers of `log`, and for the daemon's. */
  log(line: string): void;
  /** Show a packet to the readers of log and pcap; undefined while there are none. For layers
   *  whose packets pass by no port of their own; others say `tap` in PortOptions. */
  readonly tap: ((inbound: boolean, p: Packet) => void) | undefined;
  /** Called when `tap` changes, for those who keep it where their packets pass. */
  ontap: ((tap: Context['tap']) => void) | undefined;
  /** An exception in what core does not call itself: the conversation goes, the daemon stays. */
  crash(e: unknown): void;
}

/** The only caller of a Machine. Input that comes while it is busy
 *  waits in a bounded inbox, in order. */
export interface Driver<Cmd> extends Sink {
  command(c: Cmd): void;
  stop(): void;
}
export interface PathTimer {
  /** The path's deadline may have changed. */
  check(): void;
  stop(): void;
}

/** What a plugin may use of the world. */
export interface Env {
  readonly clock: Clock;
  readonly random: Random;
  readonly ns: Namespace;
  readonly log: Log;
  readonly turn: Turn;
  serve<C extends Conversation>(layer: Layer<C>): { remove(why: string): Promise<void> };
  /** A file in the root: iproute, ndb, eia0ctl. */
  file(def: FileDef<void>): { remove(): void };
  /** One thing that many conversations stand on (one ether port for 1,000 sessions): made by
   *  the first, closed after the last. */
  share<T extends { close(): void }>(
    key: string,
    make: () => Promise<T>,
  ): Promise<{ it: T; release(): void }>;
}

export interface Verb<C> {
  /** Matched as the first word. */
  readonly name: string;
  readonly args: readonly [min: number, max: number];
  /** "connect addr [callid]" */
  readonly usage: string;
  /** Its arguments are never repeated in an error or a log. */
  readonly secret?: boolean;
  /** Runs at once even while another verb waits, and makes that one fail: hangup, close, unbind. */
  readonly aborts?: boolean;
  /** Done when the effect is. If `req.flushed`: undone, the state as before. */
  run(c: C, args: readonly string[], req: Req): Wait<void>;
}

export type FileDef<C> = {
  readonly name: string;
  readonly perm: number;
  /** Keys and proofs pass here: shown in no trace. */
  readonly secret?: boolean;
} & (
  | {
      /** Made anew by a read at offset 0, then sliced. */
      text(c: C, who: Who): string;
      write?(c: C, data: Uint8Array, req: Req): Wait<void>;
    }
  | {
      /** Called at open; feed q; returns what the close undoes. */
      stream(c: C, q: Queue<Uint8Array>, req: Req): () => void;
    }
  | {
      open(c: C, mode: number, req: Req, qid: Qid): Wait<OpenFile>;
      /** Bytes that a read would give now, if that is cheap to say. */
      length?(c: C): number;
    }
  /** A further data file: the far end of a wire; in the root, a line: eia0. There `ready` is
   *  awaited before it is opened or joined; whether somebody uses it, its port is told. */
  | { port(c: C): Port; ready?(c: C): Wait<void> }
);

export interface Log {
  readonly on: boolean;
  (line: string): void;
}

export type { Ms, Packet };
