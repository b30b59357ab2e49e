/** The `data` file: one packet a read, one packet a write, behind a port of its own. */
import type { OpenFile, Qid, Req, Wait } from '@9p/lib9p';
import { type Packet, take } from '@9p/packet';
import { Ehungup, Einterrupted, Enotconn, refuse } from './errors.js';
import { join, Port, type PortHost, part } from './port.js';
import { QueueFile } from './queue.js';
import type { Turn } from './turn.js';

const queue_bytes = 256 * 1024;
const writers_max = 256;

export interface DataHost extends PortHost {
  readonly turn: Turn;
  /** The last open was closed. */
  closed(): void;
}

/** What all opens of one data file share: a port joined to the
 *  layer's, and a queue of what came up. */
export class DataFile {
  readonly #port: Port;
  readonly #upper: Port;
  readonly #host: DataHost;
  readonly #writers: (() => void)[] = [];
  #queue: QueueFile;
  #opens = 0;

  constructor(upper: Port, qid: Qid, host: DataHost) {
    this.#upper = upper;
    this.#host = host;
    this.#queue = this.#fresh(qid);
    this.#port = new Port(
      {
        name: `${upper.name} as a file`,
        framing: upper.framing,
        mtu: () => 65535,
        full: () => this.#queue.full,
        take: (p) => this.#take(p),
        down: (why) => this.#down(why),
        room: () => this.#wake(),
      },
      host,
    );
    host.turn.run(() => join(this.#port, upper));
  }

  #fresh(qid: Qid): QueueFile {
    const q = new QueueFile(qid, queue_bytes, this.#upper.framing === 'bytes');
    q.oncut = () => this.#host.count('truncated');
    q.onroom = () => this.#port.roomAgain();
    return q;
  }

  #take(p: Packet): string | undefined {
    return this.#queue.put(p.keep().bytes()) ? undefined : 'qfull';
  }
  #down(why: string): void {
    this.#queue.end(`${Ehungup}: ${why}`);
    this.#wake();
  }
  #wake(): void {
    for (const w of this.#writers.splice(0)) w();
  }

  /** What was hung up stays so for those who had it open; who comes after waits for what comes. */
  open(qid: Qid): OpenFile {
    if (this.#queue.ended) this.#queue = this.#fresh(qid);
    this.#opens++;
    return new DataOpen(this, this.#queue, qid);
  }

  close(): void {
    if (--this.#opens > 0) return;
    this.#host.turn.run(() => part(this.#port, this.#upper, 'data was closed'));
    this.#host.closed();
  }

  write(data: Uint8Array, req: Req): Wait<number> {
    if (!this.#upper.isUp) throw refuse(Enotconn);
    if (data.length > this.#upper.mtu && this.#upper.framing === 'packet')
      throw refuse(`packet too large: ${data.length} bytes, mtu ${this.#upper.mtu}`);
    if (data.length < this.#upper.least_bytes)
      throw refuse(`packet too small: ${data.length} bytes, at least ${this.#upper.least_bytes}`);
    if (this.#upper.full) return this.#later(data, req);
    const p = take(data.length);
    p.buf.set(data, p.start);
    this.#host.turn.run(() => this.#upper.send(p));
    return data.length;
  }

  #later(data: Uint8Array, req: Req): Promise<number> {
    if (this.#writers.length >= writers_max) throw refuse('too many writers');
    const copy = data.slice();
    return new Promise((resolve, reject) => {
      const wake = (): void => {
        try {
          resolve(this.write(copy, req));
        } catch (e) {
          reject(e);
        }
      };
      this.#writers.push(wake);
      req.onflush = () => {
        const i = this.#writers.indexOf(wake);
        if (i >= 0) this.#writers.splice(i, 1);
        reject(refuse(Einterrupted));
      };
    });
  }
}

class DataOpen implements OpenFile {
  readonly qid: Qid;
  readonly stream = true;
  readonly #file: DataFile;
  readonly #queue: QueueFile;
  constructor(file: DataFile, queue: QueueFile, qid: Qid) {
    this.#file = file;
    this.#queue = queue;
    this.qid = qid;
  }
  get ready(): boolean {
    return this.#queue.ready;
  }
  get onready(): (() => void) | undefined {
    return this.#queue.onready;
  }
  set onready(f: (() => void) | undefined) {
    this.#queue.onready = f;
  }
  read(n: number, offset: number, req: Req): Wait<Uint8Array> {
    return this.#queue.read(n, offset, req);
  }
  write(data: Uint8Array, _offset: number, req: Req): Wait<number> {
    return this.#file.write(data, req);
  }
  close(): void {
    this.#file.close();
  }
}
