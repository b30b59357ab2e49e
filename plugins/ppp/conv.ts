/** One conversation of ppp: the glue between ctl, the machine, the data
 *  plane, auth and the interface. */
import {
  type Context,
  type Conversation,
  type Driver,
  Einterrupted,
  errorText,
  type Ms,
  type Port,
  quote,
  type Req,
  refuse,
  type Who,
} from 'slashnet/core';
import { ipText, linkLocal } from './address.js';
import { type CcpResult, ccpLine } from './ccp.js';
import type { IpcpResult } from './ipcp.js';
import type { Ipv6cpResult } from './ipv6cp.js';
import type { LcpResult } from './lcp.js';
import { PppMachine } from './machine.js';
import type { Mppe } from './mppe.js';
import { Interface } from './net.js';
import type { HeaderCompression } from './path.js';
import { Plane } from './plane.js';
import type { Addresses, SessionLease } from './pool.js';
import { AuthClient } from './rpc.js';
import type { AuthResult, Command, Phase, PppEvent } from './session.js';
import { configOf, defaultSettings, type Settings } from './settings.js';
import { addressText, statusText, type View } from './texts.js';

/** Longest that `hangup` waits for the peer's Terminate-Ack. */
const hangup_ms = 1500;

type NetworkEvent = Extract<PppEvent, { is: 'ip' | 'ipdown' | 'ipv6' | 'ipv6down' }>;

/** "ip 10.0.0.2 10.0.0.1" */
function networkLine(e: NetworkEvent): string {
  if (e.is === 'ip') return `ip ${ipText(e.up.local)} ${ipText(e.up.remote)}`;
  if (e.is === 'ipv6') return `ipv6 ${linkLocal(e.up.local)} ${linkLocal(e.up.remote)}`;
  return `${e.is === 'ipdown' ? 'ip' : 'ipv6'} down ${e.why}`;
}

/** A connect under way. */
interface Attempt {
  readonly who: Who;
  resolve(): void;
  reject(e: Error): void;
}

export class PppConversation implements Conversation, View {
  readonly settings: Settings = defaultSettings();
  machine: PppMachine | undefined;
  link: Readonly<LcpResult> | undefined;
  ip: Readonly<IpcpResult> | undefined;
  ipv6: Readonly<Ipv6cpResult> | undefined;
  ccp: CcpResult | undefined;
  auths: readonly AuthResult[] = [];
  readonly #ctx: Context;
  readonly #plane: Plane;
  readonly #addresses: Addresses;
  /** The peer's address, while it is one of a pool. */
  #lease: SessionLease | undefined;
  #driver: Driver<Command> | undefined;
  #auth: AuthClient | undefined;
  /** The data file that is bound. */
  #below = '';
  #attempt: Attempt | undefined;
  #limit: { stop(): void } | undefined;
  #interface: Interface | undefined;
  /** The last interface is gone, with its routes. */
  #undone: Promise<void> = Promise.resolve();
  /** Announced: begin again whenever the link carries frames; with whose rights. */
  #announced: Who | undefined;
  /** IPv4 does not come: IPv6 is enough. */
  #ipOver = false;
  /** connect has succeeded, or a call was taken. */
  #up = false;
  #since: Ms = 0;
  /** Times that IP came up: tells a late answer of the stack from one of now. */
  #sessions = 0;
  /** LCP was Opened: there is a peer. */
  #met = false;
  /** Those who wait for the end of a hangup. */
  readonly #leaving: (() => void)[] = [];

  constructor(ctx: Context, addresses: Addresses) {
    this.#ctx = ctx;
    this.#addresses = addresses;
    this.#plane = new Plane(ctx, this.settings, {
      linkUp: () => this.#linkUp(),
      linkDown: (why) => this.#linkDown(why),
      control: (p) => this.#driver?.send(p) ?? this.#unheard(),
      reset: () => this.#driver?.command({ do: 'reset' }),
      restart: () => this.#driver?.command({ do: 'restart' }),
    });
  }

  // What core asks --------------------------------------------------------------------------------

  get upper(): Port {
    return this.#plane.upper;
  }
  get state(): string {
    if (this.ip !== undefined || this.ipv6 !== undefined || this.#isFixed) return 'Opened';
    const phase = this.machine?.phase ?? 'Dead';
    return phase === 'Dead' && this.#announced !== undefined ? 'Announced' : phase;
  }
  get idle(): boolean {
    return this.state === 'Dead';
  }
  get bound(): boolean {
    return this.#plane.lower !== undefined;
  }
  get mtu(): number {
    return this.#plane.mtu;
  }
  get headers(): HeaderCompression | undefined {
    return this.#plane.path.headers;
  }
  get mppe(): Mppe | undefined {
    return this.#plane.mppe;
  }
  get ifpath(): string | undefined {
    return this.#interface?.path;
  }
  get uptime_s(): number {
    return this.#up ? (this.#ctx.env.clock.now() - this.#since) / 1000 : 0;
  }
  get #isFixed(): boolean {
    return this.settings.fixed && this.#up;
  }
  status(): string {
    return statusText(this);
  }
  local(): string {
    return addressText(this, 'local');
  }
  remote(): string {
    return addressText(this, 'remote');
  }
  lower(path: string): Port {
    this.#below = path;
    return this.#plane.newLower();
  }

  /** Up to where IP passes and the interface, if one is wanted, has its address. */
  connect(args: readonly string[], req: Req): Promise<void> | undefined {
    if (args.length > 0) throw refuse('connect takes no address: bind says to what');
    this.#mayBegin();
    if (this.#up) return undefined;
    if (!this.#plane.linked) throw refuse('the link below is not up');
    return new Promise((resolve, reject) => {
      this.#attempt = { who: req.who, resolve, reject };
      req.onflush = () => this.#giveUp(Einterrupted);
      if (this.settings.fixed) this.#openFixed(req.who);
      else this.#begin(req.who, false);
    });
  }

  /** Wait for the peer to begin; returns at once. */
  announce(_args: readonly string[], req: Req): void {
    this.#mayBegin();
    if (this.#up || this.#attempt !== undefined) throw refuse('connected already: hangup first');
    this.#announced = req.who;
    if (!this.#plane.linked) return;
    if (this.settings.fixed) this.#openFixed(req.who);
    else this.#begin(req.who, true);
  }

  /** Identification, RFC 1570 2.1: for the peer's log. */
  identify(text: string): void {
    if (this.machine?.lcp.opened !== true) throw refuse('lcp is not Opened: there is no peer');
    this.#driver?.command({ do: 'identify', text });
  }

  #mayBegin(): void {
    const s = this.settings;
    if (!this.bound) throw refuse('nothing is bound below: bind path first');
    if (s.role === 'server' && s.ip && s.local === undefined)
      throw refuse('a server needs an address of its own: local addr');
    if (!s.ip && !s.ipv6) throw refuse('neither ip nor ipv6 is on');
  }

  /** Terminate-Request, and the answer of a peer that has ever answered, for a bounded time. */
  hangup(why: string): Promise<void> | undefined {
    this.#announced = undefined;
    if (this.#isFixed) this.#finished(why);
    if (!this.#isActive) return this.#undone;
    if (!this.#met) {
      this.#driver?.command({ do: 'close', why });
      this.#driver?.command({ do: 'down', why });
      return undefined;
    }
    return new Promise((resolve) => {
      const timer = this.#ctx.env.clock.after(hangup_ms, () =>
        this.#driver?.command({ do: 'down', why }),
      );
      this.#leaving.push(() => {
        timer.stop();
        this.#undone.then(resolve);
      });
      this.#driver?.command({ do: 'close', why });
    });
  }

  close(why: string): void {
    this.#announced = undefined;
    this.#fail(why);
    this.#clear(why);
    this.#driver?.stop();
    this.#driver = undefined;
    for (const f of this.#leaving.splice(0)) f();
  }

  // The link below --------------------------------------------------------------------------------

  #linkUp(): void {
    const who = this.#announced;
    if (who === undefined || this.#isActive || this.#up) this.#driver?.command({ do: 'up' });
    else if (this.settings.fixed) this.#openFixed(who);
    else this.#begin(who, true);
  }
  get #isActive(): boolean {
    return this.machine !== undefined && this.machine.phase !== 'Dead';
  }
  #linkDown(why: string): void {
    if (this.#isFixed) this.#finished(`link lost: ${why}`);
    else this.#driver?.command({ do: 'down', why });
  }
  #unheard(): boolean {
    this.#ctx.count('notopen');
    return false;
  }

  // A session -------------------------------------------------------------------------------------

  #begin(who: Who, silent: boolean): void {
    const { env } = this.#ctx;
    this.#driver?.stop();
    this.#auth?.close();
    this.#plane.reset();
    this.auths = [];
    this.#met = false;
    this.#ipOver = false;
    const { key, agent, mutual, pool, local } = this.settings;
    const o = { key, agent, below: this.#below, mutual: mutual.length > 0 };
    this.#auth = new AuthClient(env.ns, who, o);
    this.#lease = pool && this.#addresses.lease(pool, local);
    const config = configOf(this.settings, this.#plane, silent, this.#lease);
    const plane = this.#plane;
    const heard = () => plane.path.heard;
    this.machine = new PppMachine(config, env.random, heard, () => plane.lineCounts());
    const out = { send: (p: Parameters<Port['send']>[0]) => this.#plane.send(p) };
    this.#driver = this.#ctx.driver(this.machine, out, (e) => this.#told(e));
    this.#driver.command({ do: 'up' });
    this.#driver.command({ do: 'open' });
  }

  #openFixed(who: Who): void {
    this.#plane.reset();
    const { local, remote, ip, ipv6 } = this.settings;
    if (local !== undefined)
      this.ip = { local, remote: remote ?? local, dns: [0, 0], wins: [0, 0] };
    this.#plane.open(ip, ipv6);
    if (this.ip !== undefined) this.#ctx.event(networkLine({ is: 'ip', up: this.ip }));
    this.#raised(who);
  }

  #told(e: PppEvent): void {
    if (e.is === 'log') this.#ctx.log(e.line);
    else if (e.is === 'count') this.#ctx.count(e.reason);
    else if (e.is === 'phase') this.#phase(e.phase);
    else if (e.is === 'need') this.#need(e);
    else if (e.is === 'auth') this.#authenticated(e);
    else if (e.is === 'finished') this.#finished(e.why);
    else if (e.is === 'link') {
      this.link = e.up;
      this.#met = true;
      this.#plane.agree(e.up);
      if (e.up === undefined) this.#auth?.forget();
    } else if (e.is === 'flush') this.#plane.mppe?.sender?.flush();
    else if (e.is === 'ccp') this.#compress(e.up, e.why);
    else this.#network(e);
  }

  #compress(up: CcpResult | undefined, why: string): void {
    this.ccp = up;
    this.#plane.compress(up, this.#auth?.keys);
    this.#ctx.event(up === undefined ? `ccp down ${why}` : `ccp up ${ccpLine(up)}`);
    if (this.ip !== undefined) this.#address(this.ip);
  }

  #phase(phase: Phase): void {
    this.#ctx.event(`phase ${phase}`);
    const s = this.settings;
    if (phase === 'Establish') this.#wait('lcp', s.lcp_timeout_ms);
    else if (phase === 'Authenticate') this.#wait('authentication', s.auth_timeout_ms);
    else if (phase === 'Network') this.#wait('ipcp', s.net_timeout_ms);
  }

  /** Of a connect, each phase has its limit; where IPv6 passes it is no failure. */
  #wait(what: string, limit_ms: Ms): void {
    this.#limit?.stop();
    this.#limit = undefined;
    if (this.#attempt === undefined) return;
    // a moment later: what the machine finds out at the same instant says more
    this.#limit = this.#ctx.env.clock.after(limit_ms + 1, () => {
      if (this.#attempt !== undefined && this.ipv6 !== undefined) this.#raised(this.#attempt.who);
      else this.#giveUp(`${what}: timed out after ${limit_ms / 1000} s`);
    });
  }

  #need(e: Extract<PppEvent, { is: 'need' }>): void {
    const driver = this.#driver;
    const { turn } = this.#ctx.env;
    void this.#auth?.answer(e.need).then((answer) => {
      turn.run(() => driver?.command({ do: 'answer', answer }));
    });
  }

  #authenticated(r: AuthResult): void {
    this.auths = [...this.auths.filter((a) => a.who !== r.who), r];
    const who = r.who === 'we' ? 'local' : 'peer';
    const user = r.user === '' ? '-' : quote(r.user);
    this.#ctx.event(`auth ${r.ok ? 'ok' : 'failed'} ${user} ${who} ${r.method}`);
  }

  // IP --------------------------------------------------------------------------------------------

  #network(e: NetworkEvent): void {
    const { settings: s } = this;
    if (e.is === 'ip') this.#address(e.up);
    else if (e.is === 'ipdown') this.ip = undefined;
    else if (e.is === 'ipv6') this.ipv6 = e.up;
    else this.ipv6 = undefined;
    if (e.is === 'ip' || e.is === 'ipdown') this.#plane.compressHeaders(this.ip);
    this.#plane.open(this.ip !== undefined, this.ipv6 !== undefined);
    this.#ctx.event(networkLine(e));
    const who = this.#attempt?.who ?? this.#announced;
    if (e.is === 'ip' || e.is === 'ipdown') this.#ipOver = e.is === 'ipdown';
    const enough = this.ip ?? (this.#ipOver || !s.ip ? this.ipv6 : undefined);
    if (!this.#up && who !== undefined && enough !== undefined) this.#raised(who);
    else if (e.is === 'ipv6') this.#addIpv6();
  }

  /** After a renegotiation the interface may need another address. */
  #address(ip: Readonly<IpcpResult>): void {
    this.ip = ip;
    this.#interface
      ?.changeIp(ip, this.mtu)
      .catch((e) => this.#ctx.log(`changing addresses: ${errorText(e)}`));
  }

  /** IP passes: the interface, then connect is done. */
  #raised(who: Who): void {
    const session = ++this.#sessions;
    this.#up = true;
    this.#since = this.#ctx.env.clock.now();
    this.#limit?.stop();
    const current = () => this.#up && session === this.#sessions;
    this.#makeInterface(who, current).then(
      () => {
        if (!current()) return;
        this.#ctx.event('up');
        this.#attempt?.resolve();
        this.#attempt = undefined;
      },
      (e) => current() && this.#giveUp(errorText(e)),
    );
  }

  /** The link may go while the interface comes: then the interface goes too. */
  async #makeInterface(who: Who, current: () => boolean): Promise<void> {
    const { net, ifname, primary, proxy, speed } = this.settings;
    if (net === undefined || this.upper.peer !== undefined) return;
    const { env, name } = this.#ctx;
    await this.#undone;
    const { upper } = this;
    const o = { net, data: `/net${name}/data`, upper, ifname, primary, proxy, speed };
    const made = await Interface.make(env, who, o);
    if (!current()) return made.close((line) => this.#ctx.log(line));
    this.#interface = made;
    if (this.ip !== undefined) await made.addIp(this.ip, this.mtu);
    if (this.ipv6 !== undefined) await made.addLinkLocal(linkLocal(this.ipv6.local));
  }

  #addIpv6(): void {
    if (this.#interface === undefined || this.ipv6 === undefined) return;
    this.#interface
      .addLinkLocal(linkLocal(this.ipv6.local))
      .catch((e) => this.#ctx.log(`ipv6: ${errorText(e)}`));
  }

  // The end ---------------------------------------------------------------------------------------

  /** A connect ends without a link: at once, where the peer has never said a word. */
  #giveUp(why: string): void {
    this.#fail(why);
    if (this.#isFixed) return this.#finished(why);
    this.#driver?.command({ do: 'close', why });
    if (!this.#met) this.#driver?.command({ do: 'down', why });
  }

  #fail(why: string): void {
    const attempt = this.#attempt;
    this.#attempt = undefined;
    this.#limit?.stop();
    attempt?.reject(refuse(why));
  }

  #clear(why: string): void {
    this.ip = undefined;
    this.ipv6 = undefined;
    this.link = undefined;
    this.ccp = undefined;
    this.#plane.compress(undefined, undefined);
    this.#up = false;
    this.#plane.compressHeaders(undefined);
    this.#plane.shut(why);
    this.#auth?.close();
    const made = this.#interface;
    this.#interface = undefined;
    const lease = this.#lease;
    this.#lease = undefined;
    if (made === undefined) lease?.free();
    else this.#undone = made.close((line) => this.#ctx.log(line)).then(() => lease?.free());
  }

  #finished(why: string): void {
    // IPv6 may have passed while IPv4 was still waited for
    const wasUp = this.#up || this.state === 'Opened';
    const asked = this.#leaving.length > 0 || this.#attempt !== undefined;
    this.#clear(why);
    if (wasUp && !asked) this.#ctx.down(why);
    else {
      if (!asked) this.#ctx.fail(why); // a call that did not come up
      this.#ctx.event(`down ${why}`);
    }
    this.#fail(why);
    for (const f of this.#leaving.splice(0)) f();
    const who = this.#announced;
    if (who !== undefined && this.#plane.linked && !this.settings.fixed)
      this.#ctx.env.turn.defer(() => {
        if (this.#announced === who && !this.#isActive) this.#begin(who, true);
      });
  }
}
