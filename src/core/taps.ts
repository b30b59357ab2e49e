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

type Format = (b: Uint8Array, start: number, end: number) => string;

export class Taps {
  readonly #events = new Set<QueueFile>();
  readonly #logs = new Set<QueueFile>();
  readonly #pcaps = new Set<QueueFile>();
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
    return this.#reader(this.#events, qid, lines_bytes);
  }
  openLog(qid: Qid): QueueFile {
    return this.#reader(this.#logs, qid, lines_bytes);
  }
  openPcap(qid: Qid): QueueFile {
    const q = this.#reader(this.#pcaps, qid, pcap_bytes);
    q.put(pcapngHeader(this.#link, this.#name));
    return q;
  }

  #reader(set: Set<QueueFile>, qid: Qid, limit: number): QueueFile {
    const q = new QueueFile(qid, limit, true);
    set.add(q);
    q.onclose = () => {
      set.delete(q);
      this.#retap();
    };
    this.#retap();
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
