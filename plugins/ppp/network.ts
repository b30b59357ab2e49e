/** The Network phase, RFC 1661 section 3.6: its control protocols side by side. One that fails, or
 *  that the peer rejects, leaves the others up. */
import type { Ms } from 'slashnet/core';
import { ControlProtocol, type CpHost, type CpSpec, type Timers } from './cp.js';

/** One of them, as the session knows it. */
export interface NcpSpec extends Pick<CpSpec, 'name' | 'protocol' | 'options' | 'extra'> {
  /** It carries packets: the link stays up for it. */
  readonly carries: boolean;
  up(now: Ms, ncp: ControlProtocol): void;
  /** It went down or never came up. */
  lost(why: string, now: Ms): void;
}

export class Network {
  readonly ncps: readonly ControlProtocol[];
  readonly #carriers: readonly ControlProtocol[];
  /** Those that have finished, and why the last one did. */
  #ended: readonly ControlProtocol[] = [];
  #why = '';

  constructor(specs: readonly NcpSpec[], timers: Timers, host: CpHost) {
    this.ncps = specs.map((spec) => this.#make(spec, timers, host));
    this.#carriers = this.ncps.filter((_, i) => specs[i]?.carries);
  }

  #make(o: NcpSpec, timers: Timers, host: CpHost): ControlProtocol {
    const { carries: _, lost, up, ...rest } = o;
    const ncp: ControlProtocol = new ControlProtocol(
      {
        ...rest,
        timers,
        up: (now) => {
          this.#ended = this.#ended.filter((x) => x !== ncp);
          up(now, ncp);
        },
        down: (now) => lost(`${o.name} went down`, now),
        finished: (why, now) => {
          this.#ended = [...this.#ended, ncp];
          this.#why = o.carries ? why : this.#why;
          lost(why, now);
        },
      },
      host,
    );
    return ncp;
  }

  start(now: Ms): void {
    for (const ncp of this.ncps) {
      ncp.open(now);
      ncp.up(now);
    }
  }
  down(now: Ms): void {
    for (const ncp of this.ncps) ncp.down(now);
  }

  of(protocol: number): ControlProtocol | undefined {
    return this.ncps.find((x) => x.spec.protocol === protocol);
  }
  /** Why nothing can be carried any more; undefined while something may. */
  get failed(): string | undefined {
    return this.#carriers.every((ncp) => this.#ended.includes(ncp)) ? this.#why : undefined;
  }

  timeout(now: Ms): void {
    for (const ncp of this.ncps) if (now >= ncp.deadline()) ncp.timeout(now);
  }
  deadline(): Ms {
    return this.ncps.reduce((t, ncp) => Math.min(t, ncp.deadline()), Number.POSITIVE_INFINITY);
  }
}
