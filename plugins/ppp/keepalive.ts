/** Echo keepalive, RFC 1661 5.8: a peer that is silent for so many Echo-Requests is gone. */
import type { Ms } from 'slashnet/core';

export interface EchoConfig {
  /** 0: none are sent. */
  readonly echo_interval_ms: number;
  /** Unanswered in a row until the peer is gone. */
  readonly echo_failures: number;
  /** None is sent while other packets come, but for every `measured` interval's. */
  readonly echo_adaptive: boolean;
}

export const defaultEcho: EchoConfig = {
  echo_interval_ms: 5000,
  echo_failures: 5,
  echo_adaptive: true,
};

/** Under traffic the round trip is still measured once in so many intervals. */
export const measured = 12;

/** Round trip times in milliseconds. */
export interface RoundTrips {
  last: number;
  min: number;
  max: number;
  sum: number;
  count: number;
}

export class Keepalive {
  readonly rtt: RoundTrips = { last: 0, min: 0, max: 0, sum: 0, count: 0 };
  readonly #o: EchoConfig;
  readonly #send: (id: number) => void;
  /** A count that grows with each packet from the peer: traffic is life. */
  readonly #heard: () => number;
  #heardThen = 0;
  /** Of what was heard since then, answers to us: they must not take the place of the next. */
  #answers = 0;
  #spared = 0;
  #at: Ms = Number.POSITIVE_INFINITY;
  #id = 0;
  #sentAt: Ms = -1;
  unanswered = 0;

  constructor(o: EchoConfig, send: (id: number) => void, heard: () => number) {
    this.#o = o;
    this.#send = send;
    this.#heard = heard;
  }

  start(now: Ms): void {
    this.unanswered = 0;
    this.#spared = 0;
    this.#listen();
    if (this.#o.echo_interval_ms > 0) this.#at = now + this.#o.echo_interval_ms;
  }
  stop(): void {
    this.#at = Number.POSITIVE_INFINITY;
    this.#sentAt = -1;
  }
  #listen(): void {
    this.#heardThen = this.#heard();
    this.#answers = 0;
  }

  reply(id: number, now: Ms): void {
    this.unanswered = 0;
    this.#answers++;
    if (id !== this.#id || this.#sentAt < 0) return;
    const ms = now - this.#sentAt;
    this.#sentAt = -1;
    const r = this.rtt;
    r.last = ms;
    r.min = r.count === 0 ? ms : Math.min(r.min, ms);
    r.max = Math.max(r.max, ms);
    r.sum += ms;
    r.count++;
  }

  /** True: the peer is gone. */
  timeout(now: Ms): boolean {
    if (now < this.#at) return false;
    const traffic = this.#heard() - this.#heardThen - this.#answers > 0;
    this.#listen();
    if (traffic) this.unanswered = 0;
    if (this.unanswered >= this.#o.echo_failures) {
      this.stop();
      return true;
    }
    this.#at = now + this.#o.echo_interval_ms;
    if (traffic && this.#o.echo_adaptive && ++this.#spared < measured) return false;
    this.#spared = 0;
    this.unanswered++;
    this.#id = (this.#id + 1) & 0xff;
    this.#sentAt = now;
    this.#send(this.#id);
    return false;
  }
  deadline(): Ms {
    return this.#at;
  }
}
