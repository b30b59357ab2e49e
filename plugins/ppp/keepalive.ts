/** Echo keepalive, RFC 1661 5.8: a peer that is silent for so many Echo-Requests is gone. */
import type { Ms } from 'slashnet/core';

export interface EchoConfig {
  /** 0: none are sent. */
  readonly echo_interval_ms: number;
  /** Unanswered in a row until the peer is gone. */
  readonly echo_failures: number;
}

export const defaultEcho: EchoConfig = { echo_interval_ms: 5000, echo_failures: 5 };

/** Round trip times in milliseconds. */
export interface RoundTrips {
  last: number;
  min: number;
  max: number;
  count: number;
}

export class Keepalive {
  readonly rtt: RoundTrips = { last: 0, min: 0, max: 0, count: 0 };
  readonly #o: EchoConfig;
  readonly #send: (id: number) => void;
  /** A count that grows with each packet from the peer: traffic is life. */
  readonly #heard: () => number;
  #heardThen = 0;
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
    this.#heardThen = this.#heard();
    if (this.#o.echo_interval_ms > 0) this.#at = now + this.#o.echo_interval_ms;
  }
  stop(): void {
    this.#at = Number.POSITIVE_INFINITY;
    this.#sentAt = -1;
  }

  reply(id: number, now: Ms): void {
    this.unanswered = 0;
    if (id !== this.#id || this.#sentAt < 0) return;
    const ms = now - this.#sentAt;
    this.#sentAt = -1;
    const r = this.rtt;
    r.last = ms;
    r.min = r.count === 0 ? ms : Math.min(r.min, ms);
    r.max = Math.max(r.max, ms);
    r.count++;
  }

  /** True: the peer is gone. */
  timeout(now: Ms): boolean {
    if (now < this.#at) return false;
    const heard = this.#heard();
    if (heard !== this.#heardThen) this.unanswered = 0;
    this.#heardThen = heard;
    if (this.unanswered >= this.#o.echo_failures) {
      this.stop();
      return true;
    }
    this.unanswered++;
    this.#id = (this.#id + 1) & 0xff;
    this.#sentAt = now;
    this.#at = now + this.#o.echo_interval_ms;
    this.#send(this.#id);
    return false;
  }
  deadline(): Ms {
    return this.#at;
  }
}
