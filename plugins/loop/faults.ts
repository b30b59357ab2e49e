/** What a wire does to what it carries, one direction: the settings, as
 *  verbs set and status shows them. */
import { refuse } from 'slashnet/core';

export interface Faults {
  /** In percent of the packets; of the chunks in bytes mode. */
  readonly loss_pct: number;
  readonly corrupt_pct: number;
  readonly dup_pct: number;
  readonly reorder_pct: number;
  /** How many later packets overtake one that is held back. */
  readonly gap_packets: number;
  readonly delay_ms: number;
  /** At most this much more; order is kept. */
  readonly jitter_ms: number;
  /** Bits a second; 0: no limit. */
  readonly rate_bps: number;
  /** Packets that wait for their time at once. */
  readonly queue_packets: number;
  /** Bytes mode: what goes over the wire is joined, and cut anew to chunks
   *  of 1 to so many bytes. 0: as is. */
  readonly chunk_bytes: number;
}

export const none: Faults = {
  loss_pct: 0,
  corrupt_pct: 0,
  dup_pct: 0,
  reorder_pct: 0,
  gap_packets: 1,
  delay_ms: 0,
  jitter_ms: 0,
  rate_bps: 0,
  queue_packets: 1000,
  chunk_bytes: 0,
};

const delay_ms_max = 60_000;
const rate_bps_max = 1e12;
const queue_packets_max = 100_000;
const gap_packets_max = 100;
const chunk_bytes_max = 65_536;

interface Setting {
  readonly usage: string;
  readonly args: readonly [min: number, max: number];
  read(words: readonly string[]): Partial<Faults>;
  /** As `read` understands it; undefined where there is no fault. */
  show(f: Faults): string | undefined;
}

/** A percentage, once for each fault that is drawn for each packet. */
const pct = (k: 'loss_pct' | 'corrupt_pct' | 'dup_pct', usage: string): Setting => ({
  usage,
  args: [1, 1],
  read: ([w = '']) => ({ [k]: percent(w) }),
  show: (f) => (f[k] > 0 ? `${f[k]}%` : undefined),
});

const time = (k: 'delay_ms' | 'jitter_ms', usage: string): Setting => ({
  usage,
  args: [1, 1],
  read: ([w = '']) => ({ [k]: milliseconds(w) }),
  show: (f) => (f[k] > 0 ? `${f[k]}ms` : undefined),
});

/** By the name of the verb. */
export const settings: Readonly<Record<string, Setting>> = {
  loss: pct('loss_pct', 'percent'),
  corrupt: pct('corrupt_pct', 'percent'),
  dup: pct('dup_pct', 'percent'),
  reorder: {
    usage: 'percent [packets]',
    args: [1, 2],
    read: ([w = '', gap = '1']) => ({
      reorder_pct: percent(w),
      gap_packets: whole(gap, 1, gap_packets_max, 'packets'),
    }),
    show: (f) => (f.reorder_pct > 0 ? `${f.reorder_pct}% ${f.gap_packets}` : undefined),
  },
  delay: time('delay_ms', 'time'),
  jitter: time('jitter_ms', 'time'),
  rate: {
    usage: 'bits/s',
    args: [1, 1],
    read: ([w = '']) => ({ rate_bps: bits(w) }),
    show: (f) => (f.rate_bps > 0 ? String(f.rate_bps) : undefined),
  },
  queue: {
    usage: 'packets',
    args: [1, 1],
    read: ([w = '']) => ({ queue_packets: whole(w, 1, queue_packets_max, 'packets') }),
    show: (f) => (f.queue_packets !== none.queue_packets ? String(f.queue_packets) : undefined),
  },
  chunk: {
    usage: 'bytes',
    args: [1, 1],
    read: ([w = '']) => ({ chunk_bytes: whole(w, 0, chunk_bytes_max, 'bytes') }),
    show: (f) => (f.chunk_bytes > 0 ? String(f.chunk_bytes) : undefined),
  },
};

/** `f` with one setting more: `set(f, 'loss', ['10%'])`. Throws a refusal. */
export function set(f: Faults, name: string, words: readonly string[]): Faults {
  const s = settings[name];
  if (s === undefined) throw refuse(`no such fault '${name}'`);
  const [min, max] = s.args;
  if (words.length < min || words.length > max) throw refuse(`usage: ${name} ${s.usage}`);
  return { ...f, ...s.read(words) };
}

/** "loss 10% delay 20ms", or "none". */
export function fmtFaults(f: Faults): string {
  const shown: string[] = [];
  for (const [name, s] of Object.entries(settings)) {
    const value = s.show(f);
    if (value !== undefined) shown.push(`${name} ${value}`);
  }
  return shown.join(' ') || 'none';
}

/** Nothing to draw, to delay or to cut. */
export const isClear = (f: Faults): boolean =>
  f.loss_pct + f.corrupt_pct + f.dup_pct + f.reorder_pct === 0 &&
  f.delay_ms + f.jitter_ms + f.rate_bps + f.chunk_bytes === 0;

function percent(w: string): number {
  const n = /^\d{1,3}(\.\d{1,6})?%?$/.test(w) ? Number(w.replace('%', '')) : Number.NaN;
  if (!(n <= 100)) throw refuse(`'${w}' is not a percentage from 0 to 100`);
  return n;
}

function milliseconds(w: string): number {
  const m = /^(\d{1,9}(?:\.\d{1,6})?)(ms|s)?$/.exec(w);
  const n = m === null ? Number.NaN : Number(m[1]) * (m[2] === 's' ? 1000 : 1);
  if (!(n <= delay_ms_max)) throw refuse(`'${w}' is not a time from 0 to ${delay_ms_max / 1000}s`);
  return n;
}

const scale: Readonly<Record<string, number>> = { '': 1, k: 1e3, M: 1e6, G: 1e9 };
function bits(w: string): number {
  const m = /^(\d{1,12})([kMG]?)$/.exec(w);
  const n = m === null ? Number.NaN : Number(m[1]) * (scale[m[2] ?? ''] ?? 1);
  if (!(n <= rate_bps_max)) throw refuse(`'${w}' is not a rate: bits a second, or with k, M or G`);
  return n;
}

function whole(w: string, min: number, max: number, unit: string): number {
  const n = /^\d{1,9}$/.test(w) ? Number(w) : Number.NaN;
  if (!(n >= min && n <= max)) throw refuse(`'${w}' is not a number of ${unit}: ${min} to ${max}`);
  return n;
}
