/** Many reads or writes of one file in flight, in order. */
import { type Cancel, isCancelled, onCancel } from './cancel.js';
import { Eintr, refuse } from './errors.js';
import { newReq, type Req, type Wait, type Who } from './tree.js';

/** A ClientFid, or an OpenFile of any tree. */
export interface Readable {
  read(n: number, offset: number, req: Req): Wait<Uint8Array>;
}
export interface Writable {
  write(data: Uint8Array, offset: number, req: Req): Wait<number>;
}

export interface BulkOptions {
  /** Most bytes of one message. */
  readonly count: number;
  /** How many are in flight. */
  readonly depth?: number;
  /** Where to begin. */
  readonly offset?: number;
  readonly who?: Who;
  readonly cancel?: Cancel | undefined;
}

export interface ReadsOptions extends BulkOptions {
  /** How long the file is, as its stat says. Beyond that each read waits for the one before: what
   *  that gives says where the next begins. */
  readonly length?: number;
  /** Records in order, of which each read takes one: offsets mean nothing. */
  readonly stream?: boolean;
  /** Of a stream whose records come so slowly that each read waits, no more than this are in
   *  flight: a server has room for so many that wait. */
  readonly idle?: number;
}

const default_depth = 8;
const anybody: Who = { uname: 'none', groups: [], owner: false };
const nothing = new Uint8Array(0);

interface Flying<T> {
  readonly req: Req;
  readonly size: number;
  readonly done: Promise<T>;
  settled: boolean;
}

/** Operations in flight, the oldest first. */
class Flight<T> {
  readonly #who: Who;
  readonly #all: Flying<T>[] = [];

  constructor(who: Who = anybody) {
    this.#who = who;
  }

  get length(): number {
    return this.#all.length;
  }

  start(size: number, op: (req: Req) => Wait<T>): void {
    const req = newReq(this.#who);
    const done = (async () => op(req))();
    const flying = { req, size, done, settled: false };
    const settled = (): void => void (flying.settled = true);
    done.then(settled, settled); // a failure is told when its turn comes, if it does
    this.#all.push(flying);
  }

  /** The oldest has its result already. */
  get landed(): boolean {
    return this.#all[0]?.settled === true;
  }

  /** The result of the oldest; undefined if there is none. One that fails takes the rest along. */
  async land(): Promise<{ size: number; result: T } | undefined> {
    const first = this.#all[0];
    if (first === undefined) return undefined;
    try {
      const result = await first.done;
      if (this.#all[0] === first) this.#all.shift();
      return { size: first.size, result };
    } catch (e) {
      this.giveUp();
      throw e;
    }
  }

  giveUp(): void {
    for (const { req } of this.#all.splice(0)) {
      req.flushed = true;
      req.onflush?.();
    }
  }
}

/** A file's pieces from `offset` to its end, several reads ahead: `for await`, or `next`. */
export class Reads implements AsyncIterable<Uint8Array> {
  readonly #file: Readable;
  readonly #o: ReadsOptions;
  readonly #flight: Flight<Uint8Array>;
  readonly #length: number;
  /** Where the next read begins, and the next piece. */
  #at: number;
  #got: number;
  #depth: number;
  #over = false;
  readonly #unhook: () => void;

  constructor(file: Readable, o: ReadsOptions) {
    this.#file = file;
    this.#o = o;
    this.#flight = new Flight(o.who);
    this.#length = o.length ?? 0;
    this.#depth = this.#least();
    this.#at = this.#got = o.offset ?? 0;
    if (o.cancel !== undefined && isCancelled(o.cancel)) refuse(Eintr);
    this.#unhook = onCancel(o.cancel, () => this.stop());
  }

  /** The next piece, once the one before is there; empty at the end and from then on. */
  async next(): Promise<Uint8Array> {
    this.#adapt();
    this.#fill();
    const piece = await this.#flight.land().catch((e) => {
      this.stop();
      throw e;
    });
    if (piece === undefined) return nothing;
    const { size, result } = piece;
    this.#got += result.length;
    if (result.length === 0) this.stop();
    else if (result.length < size && this.#o.stream !== true) this.#again();
    return result;
  }

  /** What is in flight is given up. */
  stop(): void {
    this.#over = true;
    this.#flight.giveUp();
    this.#unhook();
  }

  async *[Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    try {
      for (let b = await this.next(); b.length > 0; b = await this.next()) yield b;
    } finally {
      this.stop();
    }
  }

  #least(): number {
    const { depth = default_depth, stream, idle = depth } = this.#o;
    return stream === true ? Math.min(idle, depth) : depth;
  }

  /** Records that are there before they are asked for want more reads, and fewer else. */
  #adapt(): void {
    const { depth = default_depth } = this.#o;
    if (this.#flight.landed) this.#depth = Math.min(this.#depth * 2, depth);
    else this.#depth = Math.max(this.#depth - 1, this.#least());
  }

  #fill(): void {
    const { count, stream } = this.#o;
    while (!this.#over && this.#flight.length < this.#depth) {
      if (stream === true) {
        this.#send(count, this.#got);
        continue;
      }
      // As far as the file is known to go, and one to see if it ends there.
      if (this.#at > this.#length && this.#flight.length > 0) return;
      const left = this.#length - this.#at;
      const size = left > 0 ? Math.min(left, count) : count;
      this.#send(size, this.#at);
      this.#at += size;
    }
  }

  #send(size: number, at: number): void {
    this.#flight.start(size, (req) => this.#file.read(size, at, req));
  }

  /** A piece was short: the reads after it are of the wrong place. */
  #again(): void {
    this.#flight.giveUp();
    this.#at = this.#got;
  }
}

/** All of `data`, at consecutive offsets; how much of it was taken. */
export async function writeAll(file: Writable, data: Uint8Array, o: BulkOptions): Promise<number> {
  const { count, depth = default_depth, offset = 0, cancel } = o;
  if (cancel !== undefined && isCancelled(cancel)) refuse(Eintr);
  const flight = new Flight<number>(o.who);
  const unhook = onCancel(cancel, () => flight.giveUp());
  const more = (): boolean => cancel === undefined || !isCancelled(cancel);
  let sent = 0;
  const send = (): void => {
    const at = sent;
    const piece = data.subarray(at, at + count);
    flight.start(piece.length, (req) => file.write(piece, offset + at, req));
    sent += piece.length;
  };
  try {
    send(); // an empty write is a message too
    for (let taken = 0; ; ) {
      while (sent < data.length && flight.length < depth && more()) send();
      const piece = await flight.land();
      if (piece === undefined) return taken;
      taken += piece.result;
      if (piece.result < piece.size) return taken;
    }
  } finally {
    flight.giveUp();
    unhook();
  }
}
