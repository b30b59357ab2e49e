/** A host in memory: it answers echo requests to its addresses and sends some. Where there is no
 *  TUN device, or no privilege to make one, real IP packets still cross the link. */
import type { Packet } from '@9p/packet';
import type { Context, Driver, Sink } from 'slashnet/core';
import { type Address, sameIp } from './address.js';
import { answerEcho, parseEcho } from './icmp.js';
import { type Ip, isV4, within } from './ip.js';
import { type PingCommand, PingMachine, type PingOptions } from './machine.js';
import type { Medium, MediumEvents } from './medium.js';

/** Of the file `ping`; older lines go. */
const lines_max = 1000;

export class Memory implements Medium {
  readonly name = 'memory';
  readonly ifindex = 0;
  readonly full = false;
  readonly #ctx: Context;
  readonly #on: MediumEvents;
  readonly #addresses: Address[] = [];
  readonly #driver: Driver<PingCommand>;
  readonly #lines: string[] = [];
  #waiting: { resolve(sent: number, received: number): void } | undefined;

  constructor(ctx: Context, on: MediumEvents) {
    this.#ctx = ctx;
    this.#on = on;
    const out: Sink = {
      send: (p) => {
        on.receive(p);
        return true;
      },
    };
    this.#driver = ctx.driver(new PingMachine(ctx.env.random), out, (e) => {
      this.#lines.push(e.text);
      if (this.#lines.length > lines_max) this.#lines.shift();
      if (e.tell === 'done') this.#waiting?.resolve(e.sent, e.received);
    });
  }

  /** What the link brings. An answer leaves before the turn ends, but not
   *  from inside the link's own call. */
  send(p: Packet): string | undefined {
    const e = parseEcho(p.buf, p.start, p.end);
    if (typeof e === 'string') return e;
    if (!this.#addresses.some((a) => sameIp(a.local, e.dst))) return 'notours';
    if (!e.request) {
      this.#driver.send(p);
      return undefined;
    }
    answerEcho(p.buf, p.start, e);
    this.#ctx.env.turn.defer(() => this.#on.receive(p));
    return undefined;
  }

  /** The address that a packet to `dst` comes from. */
  source(dst: Ip): Ip | undefined {
    const of = this.#addresses.filter((a) => isV4(a.local) === isV4(dst));
    const near = of.find(
      (a) => within(dst, a.local, a.bits) || (a.remote && sameIp(a.remote, dst)),
    );
    return (near ?? of[0])?.local;
  }

  /** How many were sent, how many answered. `given` is called with what gives it up. */
  ping(o: PingOptions, given: (stop: () => void) => void): Promise<[number, number]> {
    this.#lines.length = 0;
    return new Promise((done) => {
      this.#waiting = { resolve: (sent, received) => done([sent, received]) };
      given(() => this.#driver.command({ do: 'stop' }));
      this.#driver.command({ do: 'start', ping: o });
    });
  }
  results(): string {
    return this.#lines.map((l) => `${l}\n`).join('');
  }

  up(): void {}
  setMtu(): void {}
  add(a: Address): void {
    this.#addresses.push(a);
  }
  remove(a: Address): void {
    const i = this.#addresses.findIndex((b) => sameIp(a.local, b.local) && a.bits === b.bits);
    if (i >= 0) this.#addresses.splice(i, 1);
  }
  route(): void {}
  unroute(): void {}
  acceptRa(): void {}
  pause(): void {}
  resume(): void {}
  close(): Promise<void> {
    this.#driver.stop();
    this.#waiting?.resolve(0, 0);
    return Promise.resolve();
  }
}
