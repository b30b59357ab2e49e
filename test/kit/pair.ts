/** Two machines and the wire between them, on virtual time: it loses, doubles, delays, swaps and
 *  corrupts packets as a seed has it. */
import { hex, Packet } from '@9p/packet';
import type { Machine, Ms } from 'slashnet/core';
import { SeededRandom } from './random.js';

export interface Faults {
  loss_pct?: number;
  dup_pct?: number;
  /** These are held back by up to four times the delay, so that later ones overtake them. */
  reorder_pct?: number;
  corrupt_pct?: number;
  delay_ms?: Ms;
  jitter_ms?: Ms;
}

export interface PairOptions extends Faults {
  seed?: number;
  /** A packet on one line, for the trace. */
  fmt?: (p: Packet) => string;
}

export type Side = 'a' | 'b';
const other = { a: 'b', b: 'a' } as const;

/** One of the two: what it told, and how many packets it sent. */
export interface End<Cmd, Ev> {
  readonly machine: Machine<Cmd, Ev>;
  readonly events: Ev[];
  sent: number;
  /** Neither receives, sends nor hears of time. */
  dead: boolean;
}

interface Flight {
  at: Ms;
  order: number;
  to: Side;
  bytes: Uint8Array;
}

const steps_max = 1_000_000;
const trace_lines = 400;

export class Pair<CmdA, EvA, CmdB = CmdA, EvB = EvA> {
  readonly a: End<CmdA, EvA>;
  readonly b: End<CmdB, EvB>;
  readonly faults: Faults;
  /** Decides a packet's fate before chance does: side that sent it,
   *  its number (from 0), its bytes. */
  drop: ((from: Side, n: number, bytes: Uint8Array) => boolean) | undefined;
  readonly #seed: number;
  readonly #random: SeededRandom;
  readonly #fmt: (p: Packet) => string;
  readonly #trace: string[] = [];
  #air: Flight[] = [];
  #order = 0;
  #now: Ms = 0;

  constructor(a: Machine<CmdA, EvA>, b: Machine<CmdB, EvB>, o: PairOptions = {}) {
    this.a = { machine: a, events: [], sent: 0, dead: false };
    this.b = { machine: b, events: [], sent: 0, dead: false };
    this.faults = { ...o };
    this.#seed = o.seed ?? 1;
    this.#random = new SeededRandom(this.#seed);
    this.#fmt = o.fmt ?? ((p) => hex(p.bytes().subarray(0, 48), ' '));
  }

  get now(): Ms {
    return this.#now;
  }
  /** A wire without faults from now on; its delay stays. */
  heal(): void {
    for (const k of ['loss_pct', 'dup_pct', 'reorder_pct', 'corrupt_pct'] as const)
      this.faults[k] = 0;
  }

  /** A command to one side, and all that it sends and tells at once. */
  command(side: 'a', c: CmdA): void;
  command(side: 'b', c: CmdB): void;
  command(side: Side, c: CmdA | CmdB): void {
    this.#note(side, `command ${typeof c === 'string' ? c : JSON.stringify(c)}`);
    (this[side].machine as Machine<CmdA | CmdB, EvA | EvB>).command(c, this.#now);
    this.#drain(side);
  }

  /** `ms` of virtual time, or until `done`; says whether `done` came about. */
  run(ms: Ms, done: () => boolean = () => false): boolean {
    const end = this.#now + ms;
    for (let step = 0; !done(); step++) {
      const next = this.#nextTime();
      if (next > end) {
        this.#now = end;
        return done();
      }
      if (step >= steps_max) throw new Error(`${steps_max} steps and no end:\n${this.trace()}`);
      this.#now = Math.max(this.#now, next);
      this.#step();
    }
    return true;
  }

  /** What happened, a line each, the last of it; begins with the
   *  seed. For the text of a failure. */
  trace(): string {
    return `seed ${this.#seed}\n${this.#trace.slice(-trace_lines).join('\n')}`;
  }

  #nextTime(): Ms {
    let next = Number.POSITIVE_INFINITY;
    for (const f of this.#air) next = Math.min(next, f.at);
    for (const side of ['a', 'b'] as const)
      if (!this[side].dead) next = Math.min(next, this[side].machine.deadline());
    return next;
  }

  #step(): void {
    const due = this.#air.filter((f) => f.at <= this.#now);
    due.sort((x, y) => x.at - y.at || x.order - y.order);
    const first = due[0];
    if (first !== undefined) {
      this.#air = this.#air.filter((f) => f !== first);
      this.#arrive(first);
      return;
    }
    for (const side of ['a', 'b'] as const) {
      if (this[side].dead || this[side].machine.deadline() > this.#now) continue;
      this[side].machine.timeout(this.#now);
      this.#drain(side);
    }
  }

  #drain(side: Side): void {
    const end = this[side];
    for (let o = end.machine.poll(); o !== undefined; o = end.machine.poll()) {
      if (o.do === 'send') this.#depart(side, o.packet);
      else {
        (end.events as (EvA | EvB)[]).push(o.event);
        this.#note(
          side,
          `tells ${typeof o.event === 'string' ? o.event : JSON.stringify(o.event)}`,
        );
      }
    }
  }

  #depart(from: Side, p: Packet): void {
    const n = this[from].sent++;
    const bytes = p.bytes().slice();
    const line = this.#fmt(p);
    const fate = this.#fate(from, n, bytes);
    this.#note(from, `-> ${line}${fate.copies === 0 ? '  LOST' : ''}`);
    for (let i = 0; i < fate.copies; i++) {
      const at = this.#now + this.#delay(fate.late);
      this.#air.push({ at, order: this.#order++, to: other[from], bytes: fate.bytes });
    }
  }

  /** Chance is asked the same questions for each packet, so that one
   *  fault does not shift all others. */
  #fate(from: Side, n: number, bytes: Uint8Array) {
    const r = this.#random;
    const lost = r.chance(this.faults.loss_pct ?? 0);
    const copies = r.chance(this.faults.dup_pct ?? 0) ? 2 : 1;
    const late = r.chance(this.faults.reorder_pct ?? 0);
    const corrupt = r.chance(this.faults.corrupt_pct ?? 0);
    const i = r.below(Math.max(1, bytes.length));
    if (corrupt && bytes.length > 0) bytes[i]! ^= 1 << (i % 8);
    return { copies: this.drop?.(from, n, bytes) || lost ? 0 : copies, late, bytes };
  }

  #delay(late: boolean): Ms {
    const { delay_ms = 0, jitter_ms = 0 } = this.faults;
    const d = delay_ms + this.#random.below(jitter_ms + 1);
    return late ? d + 1 + this.#random.below(4 * d + 4) : d;
  }

  /** The packet lies in an arena that is somebody else's a moment later:
   *  what was not kept is poisoned. */
  #arrive(f: Flight): void {
    const end = this[f.to];
    if (end.dead) return;
    const arena = f.bytes.slice();
    const p = new Packet(arena, 0, 0, arena.length, arena.length, false);
    end.machine.receive(p, this.#now);
    this.#drain(f.to);
    arena.fill(0xa5);
    p.start = -1;
    p.end = -1;
  }

  #note(side: Side, what: string): void {
    this.#trace.push(`${(this.#now / 1000).toFixed(3).padStart(9)} ${side} ${what}`);
    if (this.#trace.length > 2 * trace_lines) this.#trace.splice(0, trace_lines);
  }
}
