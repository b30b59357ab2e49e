/** Bounded records with one reader: what data, event, log, pcap and listen are made of. */
import type { OpenFile, Qid, Req, Wait } from '@9p/lib9p';
import { utf8 } from '@9p/packet';
import { Einterrupted, oneLine, refuse } from './errors.js';

export interface Queue<T> {
  /** False: full, and the record is lost (and counted in `lost`). */
  put(x: T): boolean;
  take(): T | undefined;
  readonly length: number;
  /** Records lost since whoever feeds the queue last set it to 0. */
  lost: number;
  /** No more will come: readers get the end of file once, then `why`. */
  end(why: string): void;
}

const empty = new Uint8Array(0);

interface Waiting {
  n: number;
  resolve(b: Uint8Array): void;
  reject(e: Error): void;
}

/**
 * A queue as an open file. A record longer than the read loses its rest (`cut` is told) unless
 * `bytes` is set: then records are one stream of bytes and a read takes what there is.
 */
export class QueueFile implements Queue<Uint8Array>, OpenFile {
  readonly qid: Qid;
  readonly stream = true;
  onready: (() => void) | undefined;
  /** Called when the queue was full and no longer is. */
  onroom: (() => void) | undefined;
  onclose: (() => void) | undefined;
  oncut: (() => void) | undefined;
  onwrite: ((data: Uint8Array, req: Req) => Wait<number>) | undefined;
  readonly #records: Uint8Array[] = [];
  #head = 0;
  #bytes = 0;
  lost = 0;
  #full = false;
  readonly #readers: Waiting[] = [];
  #why: string | undefined;
  #told = false;
  readonly #limit: number;
  readonly #stream: boolean;
  static readonly readers_max = 1024;

  constructor(qid: Qid, limit_bytes: number, stream: boolean) {
    this.qid = qid;
    this.#limit = limit_bytes;
    this.#stream = stream;
  }

  get length(): number {
    return this.#records.length - this.#head;
  }
  get full(): boolean {
    return this.#bytes >= this.#limit;
  }
  get ready(): boolean {
    return this.length > 0 || this.ended;
  }
  /** Nothing more is put into it. */
  get ended(): boolean {
    return this.#why !== undefined;
  }

  put(x: Uint8Array): boolean {
    if (this.#why !== undefined) return false;
    if (this.#bytes + x.length > this.#limit && this.length > 0) {
      this.lost++;
      this.#full = true;
      return false;
    }
    this.#records.push(x);
    this.#bytes += x.length;
    if (this.#readers.length > 0) this.#serve();
    else this.onready?.();
    return true;
  }

  /** Of one long record in a stream several readers may each get a part, in order. */
  #serve(): void {
    while (this.length > 0) {
      const reader = this.#readers.shift();
      if (reader === undefined) return;
      reader.resolve(this.#fit(this.take() as Uint8Array, reader.n));
    }
  }

  take(): Uint8Array | undefined {
    if (this.#head === this.#records.length) return undefined;
    const x = this.#records[this.#head] as Uint8Array;
    this.#records[this.#head++] = empty;
    if (this.#head === this.#records.length) {
      this.#records.length = 0;
      this.#head = 0;
    }
    this.#bytes -= x.length;
    if (this.#full && this.#bytes <= this.#limit / 2) {
      this.#full = false;
      this.onroom?.();
    }
    return x;
  }

  #unread(x: Uint8Array): void {
    if (this.#head > 0) this.#records[--this.#head] = x;
    else this.#records.unshift(x);
    this.#bytes += x.length;
  }

  #fit(x: Uint8Array, n: number): Uint8Array {
    if (x.length <= n) return x;
    if (this.#stream) this.#unread(x.subarray(n));
    else this.oncut?.();
    return x.subarray(0, n);
  }

  end(why: string): void {
    if (this.#why !== undefined) return;
    this.#why = why;
    const first = this.#readers.shift();
    if (first !== undefined) {
      this.#told = true;
      first.resolve(empty);
    }
    for (const r of this.#readers.splice(0)) r.reject(refuse(why));
    this.onready?.();
  }

  read(n: number, _offset: number, req: Req): Wait<Uint8Array> {
    const x = this.take();
    if (x !== undefined) return this.#fit(x, n);
    if (this.#why !== undefined) {
      if (this.#told) throw refuse(this.#why);
      this.#told = true;
      return empty;
    }
    if (this.#readers.length >= QueueFile.readers_max) throw refuse('too many readers');
    return new Promise((resolve, reject) => {
      const w: Waiting = { n, resolve, reject };
      this.#readers.push(w);
      req.onflush = () => {
        const i = this.#readers.indexOf(w);
        if (i < 0) return;
        this.#readers.splice(i, 1);
        reject(refuse(Einterrupted));
      };
    });
  }

  write(data: Uint8Array, _offset: number, req: Req): Wait<number> {
    if (this.onwrite === undefined) throw refuse('permission denied');
    return this.onwrite(data, req);
  }

  close(): void {
    this.onclose?.();
    this.end('closed');
  }
}

/** A line as a record. What a peer said may be in it, and must not make two of it. */
export const line = (s: string): Uint8Array => utf8(`${oneLine(s)}\n`);

/** A record to each reader; one that was too slow is told how many it lost. */
export function tell(readers: Iterable<QueueFile>, record: Uint8Array): void {
  for (const q of readers) {
    const { lost } = q;
    if (lost > 0) q.lost = q.put(line(`lost ${lost} lines`)) ? 0 : lost;
    q.put(record);
  }
}
