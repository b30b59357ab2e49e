/** The event, log and pcap files of a conversation: nothing is
 *  formatted or copied while nobody reads. */
import type { Qid } from '@9p/lib9p';
import { linkType, type Packet, pcapngHeader, pcapngPacket } from '@9p/packet';
import { errorText } from './errors.js';
import type { Clock } from './machine.js';
import type { Tap } from './port.js';
import { line, QueueFile, tell } from './queue.js';

const lines_bytes = 64 * 1024;
const pcap_bytes = 4 * 1024 * 1024;

type Readers = ReadonlySet<QueueFile>;
const nobody: Readers = new Set();
const and = (readers: Readers, q: QueueFile): Readers => new Set([...readers, q]);
const without = (readers: Readers, q: QueueFile): Readers =>
  readers.size === 1 && readers.has(q) ? nobody : new Set([...readers].filter((r) => r !== q));

type Format = (b: Uint8Array, start: number, end: number) => string;

export class Taps {
  /** Who reads; mostly nobody, and then all conversations share one empty set. */
  #events = nobody;
  #logs = nobody;
  #pcaps = nobody;
  readonly #clock: Clock;
  readonly #name: string;
  readonly #link: number;
  readonly #format: Format | undefined;
  /** Told when log or pcap begins to be read, and when neither is any longer. */
  readonly #ontap: (tap: Tap | undefined) => void;

  constructor(
    clock: Clock,
    name: string,
    layer: { readonly linkType?: number; readonly format?: Format },
    ontap: (tap: Tap | undefined) => void,
  ) {
    this.#ontap = ontap;
    this.#clock = clock;
    this.#name = name;
    this.#link = layer.linkType ?? linkType.raw;
    this.#format = layer.format;
  }

  get logging(): boolean {
    return this.#logs.size > 0;
  }

  openEvent(qid: Qid): QueueFile {
    const q = this.#reader(qid, lines_bytes, () => (this.#events = without(this.#events, q)));
    this.#events = and(this.#events, q);
    return q;
  }
  openLog(qid: Qid): QueueFile {
    const q = this.#reader(qid, lines_bytes, () => (this.#logs = without(this.#logs, q)));
    this.#logs = and(this.#logs, q);
    this.#retap();
    return q;
  }
  openPcap(qid: Qid): QueueFile {
    const q = this.#reader(qid, pcap_bytes, () => (this.#pcaps = without(this.#pcaps, q)));
    this.#pcaps = and(this.#pcaps, q);
    this.#retap();
    q.put(pcapngHeader(this.#link, this.#name));
    return q;
  }

  #reader(qid: Qid, limit: number, gone: () => void): QueueFile {
    const q = new QueueFile(qid, limit, true);
    q.onclose = () => {
      gone();
      this.#retap();
    };
    return q;
  }

  #retap(): void {
    const wanted = this.#logs.size > 0 || this.#pcaps.size > 0;
    this.#ontap(wanted ? (inbound, p) => this.#see(inbound, p) : undefined);
  }

  #see(inbound: boolean, p: Packet): void {
    if (this.#pcaps.size > 0) this.#capture(inbound, p);
    if (this.#logs.size === 0) return;
    this.log(`${inbound ? '<-' : '->'} ${this.#formatted(p)}`);
  }

  /** A printer that fails is no reason to lose the packet. */
  #formatted(p: Packet): string {
    try {
      return this.#format?.(p.buf, p.start, p.end) ?? `${p.length} bytes`;
    } catch (e) {
      return `${p.length} bytes that cannot be printed: ${errorText(e)}`;
    }
  }

  #capture(inbound: boolean, p: Packet): void {
    const us = Math.floor(this.#clock.date() * 1000);
    for (const q of this.#pcaps) {
      const note = q.lost > 0 ? `${q.lost} packets before this one were lost: slow reader` : '';
      if (q.put(pcapngPacket(us, inbound, p.buf, p.start, p.end, note))) q.lost = 0;
    }
  }

  event(text: string): void {
    if (this.#events.size > 0) tell(this.#events, line(text));
    if (this.#logs.size > 0) this.log(text);
  }
  log(text: string): void {
    if (this.#logs.size === 0) return;
    const s = (this.#clock.now() / 1000).toFixed(3);
    tell(this.#logs, line(`${s} ${this.#name} ${text}`));
  }

  end(why: string): void {
    for (const set of [this.#events, this.#logs, this.#pcaps]) for (const q of set) q.end(why);
  }
}
