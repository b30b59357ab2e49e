/** A connection's requests under way, by tag. A request that is
 *  answered at once never enters here. */
import type { Fid } from './fids.js';
import type { Req, Who } from './tree.js';

/** The Req that a node gets, and what the connection knows of it. */
export interface Call extends Req {
  readonly tag: number;
  fid: Fid | undefined;
  /** No reply goes out any more, and the operation must take no effect on the connection. */
  over: boolean;
  /** No longer counted in its fid's `busy`. */
  idle: boolean;
  /** How much a read asked for. */
  count: number;
  /** Tflushes to answer after it. */
  flushers: Call[] | undefined;
}

const nobody: Who = { uname: 'none', groups: [], owner: false };

export function makeCall(tag: number, fid: Fid | undefined, iounit: number): Call {
  const who = fid === undefined ? nobody : fid.who;
  return {
    who,
    iounit,
    flushed: false,
    onflush: undefined,
    tag,
    fid,
    over: false,
    idle: false,
    count: 0,
    flushers: undefined,
  };
}

/** What the connection does when a request that was put off ends. */
export interface CallEvents {
  failed(call: Call, e: unknown): void;
  /** The Tflush `call` is due its Rflush. */
  flushed(call: Call): void;
  /** After one or more of the others. */
  settled(): void;
  /** A node threw where it must not. */
  fault(e: unknown): void;
}

export class Calls {
  readonly #table = new Map<number, Call>();
  readonly #on: CallEvents;

  constructor(on: CallEvents) {
    this.#on = on;
  }

  get size(): number {
    return this.#table.size;
  }

  has(tag: number): boolean {
    return this.#table.has(tag);
  }

  /** An operation whose answer is to come. */
  wait<T>(call: Call, answer: Promise<T>, reply: (call: Call, value: T) => void): void {
    this.#table.set(call.tag, call);
    if (call.fid !== undefined) call.fid.busy++;
    answer.then(
      (value) => this.#settle(call, () => reply(call, value)),
      (e) => this.#settle(call, () => this.#failed(call, e)),
    );
  }

  /** A Tflush. The requests that it waits for answer first; true if there is none. */
  flush(flusher: Call, oldtag: number): boolean {
    const call = this.#table.get(oldtag);
    if (call === undefined || call === flusher) return true;
    if (!call.flushed && this.#interrupt(call)) return true;
    call.flushers ??= [];
    call.flushers.push(flusher);
    this.#table.set(flusher.tag, flusher);
    flusher.flushed = true;
    return false;
  }

  /** A fid is clunked: its operations are told, and those that nobody undoes fail at once. */
  interrupt(fid: Fid, why: unknown): void {
    for (const call of [...this.#table.values()]) {
      if (call.fid !== fid || call.flushed) continue;
      if (this.#interrupt(call)) this.#on.failed(call, why);
    }
  }

  /** Tversion, or the end of the connection: all are told, none is answered. */
  abort(): void {
    const calls = [...this.#table.values()];
    this.#table.clear();
    for (const call of calls) {
      call.over = true;
      if (!call.flushed && !this.#tell(call)) this.#idle(call);
    }
  }

  /** True if nobody undoes the operation: it is abandoned. */
  #interrupt(call: Call): boolean {
    if (this.#tell(call)) return false;
    this.#drop(call);
    return true;
  }

  #tell(call: Call): boolean {
    call.flushed = true;
    if (call.onflush === undefined) return false;
    try {
      call.onflush();
      return true;
    } catch (e) {
      this.#on.fault(e);
      return false;
    }
  }

  #drop(call: Call): void {
    call.over = true;
    this.#table.delete(call.tag);
    this.#idle(call);
  }

  #settle(call: Call, reply: () => void): void {
    if (!call.over) {
      this.#table.delete(call.tag);
      this.#reply(call, reply);
      this.#flushers(call);
      this.#on.settled();
    }
    this.#idle(call);
  }

  /** A value of a node that cannot be put into a message is the node's failure. */
  #reply(call: Call, reply: () => void): void {
    try {
      reply();
    } catch (e) {
      this.#on.failed(call, e);
    }
  }

  /** The client waits for the Rflush, not for the error that the flush caused. */
  #failed(call: Call, e: unknown): void {
    if (call.flushers === undefined) this.#on.failed(call, e);
  }

  /** Those that waited for it in their order, then those that waited for them: no recursion, for
   *  a client may have made a chain of as many as there are tags. */
  #flushers(call: Call): void {
    const due = call.flushers ?? [];
    for (const flusher of due) {
      this.#table.delete(flusher.tag);
      this.#on.flushed(flusher);
      for (const next of flusher.flushers ?? []) due.push(next);
    }
  }

  #idle(call: Call): void {
    const fid = call.fid;
    if (fid === undefined || call.idle) return;
    call.idle = true;
    if (--fid.busy === 0) fid.onidle?.();
  }
}
