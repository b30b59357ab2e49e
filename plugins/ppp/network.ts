/** The Network phase, RFC 1661 section 3.6: its control protocols side by side. One that fails, or
 *  that the peer rejects, leaves the others up. */
import type { Ms } from 'slashnet/core';
import { ControlProtocol, type CpHost, type CpSpec, type Timers } from './cp.js';
import type { Control } from './wire.js';

/** One of them, as the session knows it. */
export interface NcpSpec extends Pick<CpSpec, 'name' | 'protocol' | 'options' | 'extra'> {
  /** It carries packets: the link stays up for it. One that does not is CCP, for which the others
   *  wait: they may have to go through it. */
  readonly carries: boolean;
  /** The others may not be without it, nor the link. */
  readonly demanded?: boolean;
  up(now: Ms, ncp: ControlProtocol): void;
  /** It went down or never came up. */
  lost(why: string, now: Ms): void;
}

export class Network {
  readonly ncps: readonly ControlProtocol[];
  readonly #carriers: readonly ControlProtocol[];
  readonly #first: ControlProtocol | undefined;
  readonly #demanded: boolean;
  /** Until when the carriers wait, if nothing is heard of the first; while they do, what came for
   *  them: the last of each. */
  #until: Ms = Number.POSITIVE_INFINITY;
  #waiting = true;
  #held: readonly (readonly [ControlProtocol, Control])[] = [];
  /** Those that have finished, and why the last one did. */
  #ended: readonly ControlProtocol[] = [];
  #why = '';
  #lost: string | undefined;

  constructor(specs: readonly NcpSpec[], timers: Timers, host: CpHost) {
    this.ncps = specs.map((spec) => this.#make(spec, timers, host));
    this.#carriers = this.ncps.filter((_, i) => specs[i]?.carries);
    this.#first = this.ncps.find((_, i) => specs[i]?.carries === false);
    this.#demanded = specs.some((spec) => spec.demanded);
  }

  #make(o: NcpSpec, timers: Timers, host: CpHost): ControlProtocol {
    const { carries, demanded, lost, up, ...rest } = o;
    const ncp: ControlProtocol = new ControlProtocol(
      {
        ...rest,
        timers,
        up: (now) => {
          this.#ended = this.#ended.filter((x) => x !== ncp);
          up(now, ncp);
          if (!carries && ncp.opened) this.#begin(now);
        },
        down: (now) => {
          if (demanded) this.#suspend(now);
          lost(`${o.name} went down`, now);
        },
        finished: (why, now) => {
          this.#ended = [...this.#ended, ncp];
          if (carries) this.#why = why;
          else if (demanded) this.#lost = why;
          else this.#begin(now);
          lost(why, now);
        },
      },
      host,
    );
    return ncp;
  }

  start(now: Ms): void {
    const first = this.#first;
    if (first === undefined) return this.#begin(now);
    if (!this.#demanded) this.#until = now + first.spec.timers.restart_timer_ms;
    first.open(now);
    first.up(now);
  }
  down(now: Ms): void {
    this.#until = Number.POSITIVE_INFINITY;
    for (const ncp of this.ncps) ncp.down(now);
  }

  #begin(now: Ms): void {
    if (!this.#waiting) return;
    this.#waiting = false;
    this.#until = Number.POSITIVE_INFINITY;
    for (const ncp of this.#carriers) {
      ncp.open(now);
      ncp.up(now);
    }
    const held = this.#held;
    this.#held = [];
    for (const [ncp, c] of held) ncp.receive(c, now);
  }
  #suspend(now: Ms): void {
    this.#waiting = true;
    for (const ncp of this.#carriers) ncp.down(now);
  }

  /** A peer that is at its carriers does not wait for the first one. */
  receive(ncp: ControlProtocol, c: Control, now: Ms): void {
    const early = this.#waiting && ncp !== this.#first;
    if (early && this.#demanded) {
      const others = this.#held.filter(([x]) => x !== ncp);
      this.#held = [...others, [ncp, { ...c, body: c.body.slice() }]];
    } else {
      if (early) this.#begin(now);
      ncp.receive(c, now);
    }
  }

  of(protocol: number): ControlProtocol | undefined {
    return this.ncps.find((x) => x.spec.protocol === protocol);
  }
  /** Why nothing can be carried any more; undefined while something may. */
  get failed(): string | undefined {
    if (this.#lost !== undefined) return this.#lost;
    const over = this.#carriers.every((ncp) => this.#ended.includes(ncp));
    return over ? `no network protocol: ${this.#why}` : undefined;
  }

  timeout(now: Ms): void {
    if (now >= this.#until) this.#begin(now);
    for (const ncp of this.ncps) if (now >= ncp.deadline()) ncp.timeout(now);
  }
  deadline(): Ms {
    return this.ncps.reduce((t, ncp) => Math.min(t, ncp.deadline()), this.#until);
  }
}
