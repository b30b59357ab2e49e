/** A pppoe conversation: the discovery machine, the data path, and
 *  the shared interface below them. */
import { hex, type Packet } from '@9p/packet';
import {
  type Context,
  type Conversation,
  type Counters,
  type Driver,
  Einterrupted,
  type Link,
  type Port,
  quote,
  type Req,
  refuse,
  type Sink,
  type Wait,
  type Who,
} from 'slashnet/core';
import type { HostEnd } from './demux.js';
import { type Ether, shareEther, type User } from './ether.js';
import { fmtMac } from './fmt.js';
import { type Cmd, DiscoveryMachine, type Event } from './machine.js';
import { type SessionOwner, SessionPath } from './path.js';
import type { Mac } from './wire.js';

export interface Options {
  service: string;
  acName: string | undefined;
  /** Undefined: random, anew for each connect. */
  hostUniq: Uint8Array | undefined;
  retry_ms: number;
  limit_ms: number;
  /** From the end of PPP to the PADT. */
  linger_ms: number;
}

const hostUniq_bytes = 8;

/** The interface as it is bound. */
interface Below {
  readonly path: string;
  readonly who: Who;
  readonly ether: Ether;
  readonly machine: DiscoveryMachine;
  readonly driver: Driver<Cmd>;
  release(): void;
}

interface Waiting {
  resolve(): void;
  reject(e: Error): void;
}

export class PppoeConv implements Conversation, HostEnd, SessionOwner, User {
  readonly options: Options = {
    service: '',
    acName: undefined,
    hostUniq: undefined,
    retry_ms: 500,
    limit_ms: 16_000,
    linger_ms: 500,
  };
  readonly upper: Port;
  readonly #ctx: Context;
  readonly #stats: Counters<string>;
  readonly #path: SessionPath;
  #below: Below | undefined;
  #hostUniq: Uint8Array | undefined;
  #connecting: Waiting | undefined;
  /** What who is above is told when the session goes. */
  #why = 'hung up';
  /** Defined between `hangup` and its PADT: ends the wait. */
  #linger: (() => void) | undefined;

  constructor(ctx: Context, stats: Counters<string>) {
    this.#ctx = ctx;
    this.#stats = stats;
    const path = new SessionPath(this);
    this.#path = path;
    this.upper = ctx.port({
      name: `${ctx.name}/data`,
      framing: 'packet',
      mtu: () => this.#below?.ether.mtu ?? 0,
      full: () => this.#below?.ether.full ?? false,
      take: path,
    });
    path.above = this.upper;
    ctx.ontap = (tap) => {
      path.tap = tap;
    };
  }

  // What the engine asks ------------------------------------------------------------------------
  get state(): string {
    return this.#below?.machine.state ?? 'Idle';
  }
  get idle(): boolean {
    return this.state === 'Idle';
  }
  status(): string {
    const b = this.#below;
    const s = b?.machine.session;
    const service = quote(s?.service ?? this.options.service);
    const acName = quote(s?.acName ?? this.options.acName ?? '');
    const ether = b === undefined ? '' : `ether ${quote(b.path)} `;
    const session = s === undefined ? '' : ` session ${s.id} mtu ${this.upper.mtu}`;
    return `${ether}service ${service} acname ${acName}${session}`;
  }
  local(): string {
    return this.#below === undefined ? '' : fmtMac(this.#below.ether.local);
  }
  remote(): string {
    const s = this.#below?.machine.session;
    return s === undefined ? '' : `${fmtMac(s.peer)}!${s.id}`;
  }

  async bind(path: string, req: Req): Promise<Link> {
    const below = await this.#open(path, req.who);
    this.#below = below;
    return {
      path,
      fast: below.ether.fast,
      unbind: (why) => this.#unbind(why),
    };
  }

  connect(args: readonly string[], req: Req): Wait<void> {
    if (args.length > 0) throw refuse('usage: connect; service and acname choose');
    const b = this.#bound();
    if (b.machine.state === 'Session') return undefined;
    if (this.#connecting !== undefined) throw refuse('connection in use: discovery is under way');
    if (b.ether.gone === undefined) return this.#discover(b, req);
    return this.#openAgain(b).then((again) => this.#discover(again, req));
  }

  /** A session set by hand. */
  static(id: number, peer: Mac): void {
    const b = this.#bound();
    if (b.machine.state !== 'Idle') throw refuse(`connection in use: state ${b.machine.state}`);
    if (b.ether.demux.has(id, peer)) throw refuse(inUse(id, peer));
    b.driver.command({ do: 'static', session: id, peer });
  }

  /**
   * PADT, a moment after the last of PPP: rp-pppoe's server answers it by killing its pppd, and
   * with it the scripts that pppd runs when a link goes down. Asked again, at once.
   */
  hangup(why: string): Wait<void> {
    this.#why = why;
    const { linger_ms } = this.options;
    const wait = this.state === 'Session' && this.upper.delivered > 0 && linger_ms > 0;
    if (!wait || this.#linger !== undefined) return this.#hangupNow();
    return new Promise((resolve) => {
      const timer = this.#ctx.env.clock.after(linger_ms, () => this.#hangupNow());
      this.#linger = () => {
        timer.stop();
        resolve();
      };
    });
  }

  #hangupNow(): void {
    this.#linger?.();
    this.#linger = undefined;
    this.#below?.driver.command({ do: 'hangup' });
  }

  close(why: string): void {
    this.#unbind(why);
    this.#fail(why);
  }

  // What the interface below tells ----------------------------------------------------------------
  discovery(p: Packet): void {
    this.#ctx.tap?.(true, p);
    this.#below?.driver.send(p);
  }
  /** A PADT, already found to be for our session. */
  terminate(p: Packet): void {
    // While we linger the peer may be first: our own goes out all the same.
    if (this.#linger === undefined) this.discovery(p);
    else this.#ctx.tap?.(true, p);
  }
  count(reason: string): void {
    this.#ctx.count(reason);
  }
  crash(e: unknown): void {
    this.#ctx.crash(e);
  }
  etherChanged(): void {
    const mtu = this.#below?.ether.mtu;
    if (this.#path.id === 0 || mtu === undefined || mtu === this.#path.mtu_bytes) return;
    this.#path.mtu_bytes = mtu;
    this.upper.raise();
  }
  etherDown(why: string): void {
    if (this.idle) return;
    this.#why = why;
    this.#below?.driver.command({ do: 'drop' });
    this.#fail(why);
    this.#ctx.down(why);
  }
  room(): void {
    this.upper.roomAgain();
  }

  // The interface
  // -----------------------------------------------------------------------------------
  #bound(): Below {
    if (this.#below === undefined) throw refuse('not bound: bind an ether first');
    return this.#below;
  }

  async #open(path: string, who: Who): Promise<Below> {
    const { it: ether, release } = await shareEther(this.#ctx.env, this.#stats, path, who);
    const machine = new DiscoveryMachine(ether.local, ether.name);
    const driver = this.#ctx.driver(machine, this.#sink(ether.discovery), (e) => this.#told(e));
    ether.users.add(this);
    return { path, who, ether, machine, driver, release };
  }

  /** The interface went; perhaps there is one of its name again. */
  async #openAgain(old: Below): Promise<Below> {
    const below = await this.#open(old.path, old.who);
    this.#release(old);
    this.#below = below;
    return below;
  }

  #unbind(why: string): void {
    const b = this.#below;
    if (b === undefined) return;
    this.#why = why;
    this.#hangupNow();
    // If the driver is at work just now, its PADT is to go out first.
    this.#ctx.env.turn.defer(() => {
      this.#release(b);
      if (this.#below === b) this.#below = undefined;
    });
  }

  #release(b: Below): void {
    b.driver.stop();
    this.#leave(b);
    if (this.#hostUniq !== undefined) b.ether.demux.forget(this.#hostUniq, this);
    b.ether.users.delete(this);
    b.release();
  }

  // Discovery
  // -----------------------------------------------------------------------------------------
  #discover(b: Below, req: Req): Promise<void> {
    if (!b.ether.isUp) throw refuse(`${b.ether.name} is down`);
    const hostUniq = this.options.hostUniq ?? this.#ctx.env.random.bytes(hostUniq_bytes);
    if (this.#hostUniq !== undefined) b.ether.demux.forget(this.#hostUniq, this);
    if (!b.ether.demux.expect(hostUniq, this)) throw refuse(`host-uniq ${hex(hostUniq)} is in use`);
    this.#hostUniq = hostUniq;
    return new Promise((resolve, reject) => {
      this.#connecting = { resolve, reject };
      req.onflush = () => {
        this.#fail(Einterrupted);
        b.driver.command({ do: 'hangup' });
      };
      b.driver.command({ do: 'connect', want: { ...this.options, hostUniq } });
    });
  }

  #told(e: Event): void {
    if (e.is === 'count') this.#ctx.count(e.reason);
    else if (e.is === 'session') this.#enter();
    else if (e.is === 'failed') {
      this.#ctx.fail(e.why);
      this.#fail(e.why);
    } else if (e.is === 'ended') {
      this.#why = e.why;
      this.#ctx.down(e.why);
    } else {
      this.#ctx.event(e.state);
      if (e.state === 'Idle' && this.#below !== undefined) this.#leave(this.#below);
    }
  }

  #fail(why: string): void {
    this.#connecting?.reject(refuse(why));
    this.#connecting = undefined;
  }

  // The session
  // ---------------------------------------------------------------------------------------
  #enter(): void {
    const b = this.#below;
    const s = b?.machine.session;
    if (b === undefined || s === undefined) return;
    const { id, peer } = s;
    if (b.ether.demux.has(id, peer)) {
      b.driver.command({ do: 'drop' });
      this.#fail(inUse(id, peer));
      return;
    }
    this.#path.open({ local: b.ether.local, peer, id }, b.ether.mtu, b.ether.session);
    b.ether.demux.add(this.#path);
    this.#connecting?.resolve();
    this.#connecting = undefined;
    this.upper.raise();
  }

  #leave(b: Below): void {
    if (this.#path.id === 0) return;
    b.ether.demux.remove(this.#path);
    this.#path.close();
    this.upper.lower(this.#why);
  }

  #sink(discovery: Port): Sink {
    return {
      send: (p) => {
        this.#ctx.tap?.(false, p);
        return discovery.deliver(p);
      },
    };
  }
}

const inUse = (id: number, peer: Mac): string => `session ${id} with ${fmtMac(peer)} is in use`;
