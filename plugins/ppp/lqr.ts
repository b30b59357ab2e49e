/** Link Quality Monitoring, RFC 1989: each end reports what it has sent and what has arrived. */
import { put32, u32 } from '@9p/packet';
import type { Ms } from 'slashnet/core';

/** In the order of the packet, 4 bytes each: what the receiver of this sent, as its sender last
 *  heard; what of that had arrived; what its sender has sent, this report included. */
export const reportFields = [
  'magic',
  'lastOutLqrs',
  'lastOutPackets',
  'lastOutOctets',
  'peerInLqrs',
  'peerInPackets',
  'peerInDiscards',
  'peerInErrors',
  'peerInOctets',
  'peerOutLqrs',
  'peerOutPackets',
  'peerOutOctets',
] as const;
export type Report = Readonly<Record<(typeof reportFields)[number], number>>;
export const report_bytes = 4 * reportFields.length;

/** The caller has looked that it is long enough. */
export const parseReport = (b: Uint8Array): Report =>
  Object.fromEntries(reportFields.map((f, i) => [f, u32(b, 4 * i)])) as Report;

export function emitReport(r: Report): Uint8Array {
  const b = new Uint8Array(report_bytes);
  for (const [i, f] of reportFields.entries()) put32(b, 4 * i, r[f]);
  return b;
}

/** What has passed, modulo 2^32. Octets are those under the FCS, the FCS and one flag. */
export interface LineCounts {
  readonly outPackets: number;
  readonly outOctets: number;
  readonly inPackets: number;
  readonly inDiscards: number;
  readonly inErrors: number;
  readonly inOctets: number;
  /** What a report of ours will add to outOctets. */
  readonly reportOctets: number;
}
export const noCounts: LineCounts = {
  outPackets: 0,
  outOctets: 0,
  inPackets: 0,
  inDiscards: 0,
  inErrors: 0,
  inOctets: 0,
  reportOctets: report_bytes,
};

/** What became, between two reports of the peer, of what one end sent. */
export interface Measure {
  readonly packets: number;
  readonly lost: number;
  readonly errors: number;
  readonly discards: number;
}

/** A report of the peer, and what our line had counted when it came. */
interface Heard {
  readonly report: Report;
  readonly line: LineCounts;
}

const never = Number.POSITIVE_INFINITY;
const since = (now: number, then: number): number => (now - then) >>> 0;
/** Packets that were counted on one end's way out and not yet on the other's make it negative. */
const missing = (sent: number, arrived: number): number => Math.max(0, (sent - arrived) | 0);

export class Quality {
  state: 'off' | 'on' | 'rejected' = 'off';
  sent = 0;
  received = 0;
  /** Of what we sent, and of what the peer sent; undefined before two reports. */
  out: Measure | undefined;
  in: Measure | undefined;
  readonly #line: () => LineCounts;
  #magic = 0;
  #period_ms: Ms = 0;
  #at: Ms = never;
  #due = false;
  #heard: Heard | undefined;

  constructor(line: () => LineCounts) {
    this.#line = line;
  }

  /** `period_ms`: how often the peer wants to be told; 0, only in answer to its reports. */
  start(period_ms: Ms, magic: number, now: Ms): void {
    this.state = 'on';
    this.sent = 0;
    this.received = 0;
    this.#magic = magic;
    this.#period_ms = period_ms;
    this.#at = period_ms > 0 ? now + period_ms : never;
    this.#heard = undefined;
    this.out = undefined;
    this.in = undefined;
  }
  stop(): void {
    if (this.state === 'on') this.state = 'off';
    this.#at = never;
    this.#due = false;
  }
  /** The peer does not know the protocol. */
  refused(): void {
    this.stop();
    this.state = 'rejected';
  }

  /** A string is the counter of a report that is dropped. One is due at once where no timer of
   *  ours brings the next, and where none of ours has arrived since the peer's last. */
  receive(body: Uint8Array): 'badlength' | 'looped' | undefined {
    if (body.length < report_bytes) return 'badlength';
    const report = parseReport(body);
    if (this.#magic !== 0 && report.magic === this.#magic) return 'looped';
    const before = this.#heard;
    const heard = { report, line: this.#line() };
    this.#heard = heard;
    this.received++;
    if (before !== undefined) this.#measure(before, heard);
    this.#due = this.#at === never || before?.report.peerInLqrs === report.peerInLqrs;
    return undefined;
  }

  #measure(a: Heard, b: Heard): void {
    const arrived = since(b.line.inPackets, a.line.inPackets);
    const packets = since(b.report.peerOutPackets, a.report.peerOutPackets);
    this.in = {
      packets,
      lost: missing(packets, arrived),
      errors: since(b.line.inErrors, a.line.inErrors),
      discards: since(b.line.inDiscards, a.line.inDiscards),
    };
    if (a.report.peerInLqrs === 0) return; // the peer had heard nothing yet
    const sent = since(b.report.lastOutPackets, a.report.lastOutPackets);
    this.out = {
      packets: sent,
      lost: missing(sent, since(b.report.peerInPackets, a.report.peerInPackets)),
      errors: since(b.report.peerInErrors, a.report.peerInErrors),
      discards: since(b.report.peerInDiscards, a.report.peerInDiscards),
    };
  }

  /** The report that is due, counted at this very moment: it must be the next that is sent. */
  take(): Uint8Array | undefined {
    if (!this.#due) return undefined;
    this.#due = false;
    const now = this.#line();
    const { report, line } = this.#heard ?? {};
    return emitReport({
      magic: this.#magic,
      lastOutLqrs: report?.peerOutLqrs ?? 0,
      lastOutPackets: report?.peerOutPackets ?? 0,
      lastOutOctets: report?.peerOutOctets ?? 0,
      peerInLqrs: this.received,
      peerInPackets: line?.inPackets ?? 0,
      peerInDiscards: line?.inDiscards ?? 0,
      peerInErrors: line?.inErrors ?? 0,
      peerInOctets: line?.inOctets ?? 0,
      peerOutLqrs: ++this.sent,
      peerOutPackets: now.outPackets + 1,
      peerOutOctets: now.outOctets + now.reportOctets,
    });
  }

  timeout(now: Ms): void {
    if (now < this.#at) return;
    this.#at = now + this.#period_ms;
    this.#due = true;
  }
  deadline(): Ms {
    return this.#at;
  }
}
