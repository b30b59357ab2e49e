/** A conversation of ipifc: one IP interface, the links that it stands on and its addresses. */
import type { Packet } from '@9p/packet';
import {
  type Context,
  type Conversation,
  controlBelow,
  Einterrupted,
  errorText,
  type Link,
  linkTo,
  type Port,
  type Req,
  refuse,
  type Traffic,
} from 'slashnet/core';
import { type Address, addressLine, addressText, parseAddress, sameIp } from './address.js';
import { statusText } from './fmt.js';
import type { Host } from './host.js';
import { type Ip, ipText, isLinkLocal } from './ip.js';
import type { Medium, MediumEvents } from './medium.js';
import { Memory } from './memory.js';
import type { Pool } from './pool.js';
import { Tun } from './tun.js';

export const mtu_default = 1500;
const mtu_max = 65535;
const addresses_max = 64;

/** What is bound below: one, or in pool mode many. */
export interface Below {
  readonly path: string;
  readonly port: Port;
  link: Link | undefined;
  up: boolean;
}

function count(t: Writable, port: Port): void {
  t.txpackets += port.delivered;
  t.txbytes += port.deliveredBytes;
  t.rxpackets += port.sent;
  t.rxbytes += port.sentBytes;
}
type Writable = { -readonly [K in keyof Traffic]: Traffic[K] };

export class Ipifc implements Conversation {
  readonly ctx: Context;
  readonly host: Host;
  /** Packets as a file: medium `pkt`. */
  readonly upper: Port;
  readonly addresses: Address[] = [];
  readonly below = new Map<string, Below>();
  kind: 'tun' | 'memory' = 'tun';
  /** Of the Linux interface; %d is the smallest number that is free. */
  ifname = 'ppp%d';
  speed = 0;
  delay = 0;
  recvra = false;
  medium: Medium | undefined;
  pool: Pool | undefined;
  #asked = 0;
  #mtu = mtu_default;
  /** Where packets of the host go, but for pool mode: what is bound
   *  below, else our own data file. */
  #out: Port;
  #paused = false;
  /** Of links that are gone. */
  readonly #past = { txpackets: 0, txbytes: 0, rxpackets: 0, rxbytes: 0 };

  readonly #closed: () => void;

  constructor(ctx: Context, host: Host, closed: () => void) {
    this.#closed = closed;
    this.ctx = ctx;
    this.host = host;
    this.upper = ctx.port({
      name: `${ctx.name}/data`,
      framing: 'packet',
      mtu: () => this.#mtu,
      full: () => this.medium?.full ?? false,
      take: (p) => this.#toHost(p),
      room: () => this.#resume(),
      attached: () => this.#attached(),
      detached: () => this.#resume(),
    });
    this.#out = this.upper;
  }

  get state(): string {
    if (this.medium === undefined) return 'Idle';
    return this.addresses.length > 0 ? 'Up' : 'Bound';
  }
  get idle(): boolean {
    return this.medium === undefined;
  }
  get mtu(): number {
    return this.#mtu;
  }
  /** tx is from the host, rx to it. */
  traffic(): Traffic {
    const t = { ...this.#past };
    for (const port of [this.upper, ...[...this.below.values()].map((b) => b.port)]) count(t, port);
    return t;
  }
  /** The whole text, ip(3)'s. */
  status(): string {
    const { medium, mtu, recvra, speed, delay, addresses } = this;
    const { rxpackets: pktin, txpackets: pktout } = this.traffic();
    const device = medium?.name ?? '';
    const errors = { errin: 0, errout: 0 };
    return statusText({ device, mtu, recvra, pktin, pktout, speed, delay, addresses, ...errors });
  }

  // Packets --------------------------------------------------------------------------------------
  /** From the host. */
  readonly #receive = (p: Packet): void => {
    this.#tap(false, p);
    if (this.pool !== undefined) this.pool.down(p);
    else this.#out.deliver(p);
  };

  /** To the host. */
  #toHost(p: Packet): string | undefined {
    if (this.medium === undefined) return 'notbound';
    this.#tap(true, p);
    return this.medium.send(p);
  }

  #tap(inbound: boolean, p: Packet): void {
    const { tap } = this.ctx;
    if (tap !== undefined) tap(inbound, p);
  }

  /** A layer below that is full stops the host: packets wait in its queue, where it decides. */
  readonly #batch = (): void => {
    if (this.pool !== undefined || this.#out.peer?.full !== true) return;
    this.#paused = true;
    this.medium?.pause();
  };
  #resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.medium?.resume();
  }
  #choose(): void {
    this.#out = this.upper;
    for (const b of this.below.values()) if (b.link !== undefined) this.#out = b.port;
    this.#resume();
  }
  #attached(): void {
    if (this.below.size > 0) throw refuse('interface already bound');
  }

  // The interface --------------------------------------------------------------------------------
  /** Made when it is first needed. Throws where there is no privilege. */
  make(req: Req): Medium {
    if (this.medium !== undefined) return this.medium;
    // A hangup or close came in between: nobody would take away what is made now.
    if (req.flushed) throw refuse(Einterrupted);
    if (this.kind === 'tun' && !req.who.owner)
      throw refuse("permission denied: only the daemon's owner makes interfaces");
    const events: MediumEvents = {
      receive: this.#receive,
      batch: this.#batch,
      room: () => this.#roomBelow(),
      gone: (why) => this.#gone(why),
      bug: (e) => this.ctx.env.log(`${this.ctx.name}: bug: ${errorText(e)}`),
    };
    this.medium =
      this.kind === 'tun'
        ? new Tun(this.ctx.env, this.host, this.ifname, events)
        : new Memory(this.ctx, events);
    this.upper.raise();
    return this.medium;
  }

  #roomBelow(): void {
    for (const b of this.below.values()) b.port.roomAgain();
    this.upper.roomAgain();
  }
  #gone(why: string): void {
    this.ctx.down(why);
    void this.#drop(why);
  }

  /** The interface goes, and with it its addresses and routes. */
  async #drop(why: string): Promise<void> {
    const { medium } = this;
    if (medium === undefined) return;
    this.medium = undefined;
    const addresses = this.addresses.splice(0);
    this.#mtu = mtu_default;
    this.#paused = false;
    this.ctx.event(`unbind ${why}`);
    this.ctx.env.turn.run(() => this.upper.lower(why));
    this.host.ongone?.(medium.ifindex);
    await medium.close();
    for (const a of addresses) await this.#unproxy(a);
  }

  // What is bound below --------------------------------------------------------------------------
  /** Packets pass through our own data file. */
  async bindPkt(req: Req): Promise<void> {
    if (this.medium !== undefined) throw refuse('interface already bound');
    await this.make(req).up();
    this.ctx.event('bind pkt');
  }

  async bindTo(path: string, req: Req): Promise<void> {
    const bound = this.pool === undefined ? [...this.below.keys()][0] : undefined;
    if (bound !== undefined || this.below.has(path))
      throw refuse(`${bound ?? path} is bound: unbind it first`);
    if (this.upper.peer !== undefined) throw refuse(`${this.upper.name} is open: interface bound`);
    const below = this.#newBelow(path);
    this.below.set(path, below);
    try {
      below.link = await linkTo(this.ctx.env.ns, this.ctx.env.turn, path, below.port, req.who);
      this.make(req);
    } catch (e) {
      await this.#leave(below, 'refused');
      throw e;
    }
    this.#choose();
    below.port.raise();
    this.#follow(below.port.peer?.mtu ?? mtu_max);
    if (req.flushed) await this.unbind(path);
    else this.ctx.event(`bind ${path}`);
  }

  #newBelow(path: string): Below {
    const below: Below = {
      path,
      link: undefined,
      up: false,
      port: this.ctx.port({
        name: `${this.ctx.name}/below`,
        framing: 'packet',
        mtu: () => mtu_max,
        full: () => this.medium?.full ?? false,
        take: (p) => this.pool?.refuse(p, below) ?? this.#toHost(p),
        up: (peer) => {
          below.up = true;
          this.#follow(peer.mtu);
        },
        down: () => {
          below.up = false;
        },
        room: () => this.#resume(),
        detached: (why) => this.#detached(below, why),
      }),
    };
    return below;
  }

  #detached(below: Below, why: string): void {
    if (this.below.get(below.path) !== below || below.link === undefined) return;
    this.below.delete(below.path);
    count(this.#past, below.port);
    void this.pool?.forget(below);
    this.#choose();
    if (this.pool !== undefined) return;
    this.ctx.fail(why);
    void this.#drop(why);
  }

  async unbind(path?: string): Promise<void> {
    if (path !== undefined && !this.below.has(path)) throw refuse(`${path} is not bound here`);
    for (const b of [...this.below.values()])
      if (path === undefined || b.path === path) await this.#leave(b, 'unbound by ctl');
    if (path === undefined || this.pool === undefined) await this.#drop('unbound by ctl');
  }
  async #leave(b: Below, why: string): Promise<void> {
    this.below.delete(b.path);
    count(this.#past, b.port);
    await this.pool?.forget(b);
    await b.link?.unbind(why);
    this.#choose();
  }

  /** The smaller of what was asked for and what is below, if that is known;
   *  in pool mode what was asked for. */
  #follow(below: number): void {
    const known = this.pool === undefined && below < mtu_max;
    const n = known ? Math.min(this.#asked || mtu_max, below) : this.#asked;
    if (n === 0 || n === this.#mtu || this.medium === undefined) return;
    void this.#setMtu(n).catch((e) => this.ctx.fail(errorText(e)));
  }
  async #setMtu(n: number): Promise<void> {
    await this.medium?.setMtu(n);
    this.#mtu = n;
    if (this.upper.isUp) this.upper.raise();
  }

  // What the verbs do ----------------------------------------------------------------------------
  async setMtu(n: number): Promise<void> {
    let least = n;
    if (this.pool === undefined)
      for (const b of this.below.values()) least = Math.min(least, b.port.peer?.mtu ?? n);
    await this.#setMtu(least);
    this.#asked = n;
  }

  /** The same again is no error, as in Plan 9. */
  async add(a: Address, req: Req): Promise<void> {
    const medium = this.make(req);
    const had = this.addresses.find((b) => sameIp(a.local, b.local));
    if (had !== undefined && addressLine(had) === addressLine(a)) return;
    if (this.addresses.length >= addresses_max)
      throw refuse(`too many addresses: limit ${addresses_max}`);
    await medium.add(a);
    if (this.medium !== medium) throw refuse(Einterrupted);
    this.addresses.push(a);
    if (a.proxy === true) await this.#proxy(a);
    if (this.medium !== medium) await this.#unproxy(a);
    await medium.up();
    this.ctx.event(`add ${addressText(a)}`);
  }

  async remove(local: Ip, bits: number): Promise<void> {
    const i = this.addresses.findIndex((a) => sameIp(a.local, local) && a.bits === bits);
    const a = this.addresses[i];
    if (a === undefined || this.medium === undefined) throw refuse('address not on this interface');
    await this.medium.remove(a);
    await this.#unproxy(a);
    this.addresses.splice(i, 1);
    this.ctx.event(`remove ${addressText(a)}`);
  }

  /** Plan 9's ppp asks for it always, also where there is no Ethernet. */
  async #proxy(a: Address): Promise<void> {
    if (a.remote === undefined || this.kind !== 'tun') return;
    const where = await this.host.proxies.add(a.remote);
    this.ctx.log(
      where === undefined
        ? `proxy: no Ethernet has the network of ${ipText(a.remote)}`
        : `proxy: ${where} answers for ${ipText(a.remote)}`,
    );
  }
  async #unproxy(a: Address): Promise<void> {
    if (a.remote !== undefined && a.proxy === true) await this.host.proxies.remove(a.remote);
  }

  /** Bring up first what is below and not up, then the interface; with
   *  an address it is the only one. */
  async connect(args: readonly string[], req: Req): Promise<void> {
    const address = args.length > 0 ? parseAddress(args) : undefined;
    const medium = this.make(req);
    for (const b of this.below.values()) if (!b.up) await this.#connectBelow(b, req);
    if (address !== undefined) {
      for (const a of [...this.addresses]) await this.remove(a.local, a.bits);
      await this.add(address, req);
    }
    await medium.up();
  }
  async #connectBelow(b: Below, req: Req): Promise<void> {
    try {
      await controlBelow(this.ctx.env.ns, b.path, 'connect', req);
    } catch (e) {
      if (!/^connect not supported/.test(errorText(e))) throw e;
    }
  }

  async hangup(why: string): Promise<void> {
    for (const b of [...this.below.values()]) await this.#leave(b, why);
    await this.#drop(why);
  }
  close(why: string): void {
    void this.hangup(why);
    this.#closed();
  }

  local(): string {
    const selves = this.addresses.map((a) => `${ipText(a.local).padEnd(40)} ->`);
    return selves.map((s, i) => `${s} ${ipText(this.addresses[i]!.local).padEnd(40)}\n`).join('');
  }
  remote(): string {
    const ends = this.addresses.filter((a) => a.remote !== undefined && !isLinkLocal(a.local));
    return ends.map((a) => `${ipText(a.remote as Ip)}\n`).join('');
  }
}
