/** A PPP session: the phases of RFC 1661 section 3, composed of LCP,
 *  authentication, IPCP and IPV6CP. */
import { type Packet, put16, put32, take, u16, u32, utf8 } from '@9p/packet';
import type { Machine, Ms, Output, Random } from 'slashnet/core';
import { never } from './authentication.js';
import { AuthPhase } from './authphase.js';
import { Ccp, type CcpConfig, possible, wanted } from './ccp.js';
import { codes, protocols } from './codes.js';
import { ControlProtocol, type CpHost, protocolReject, rejectedProtocol } from './cp.js';
import { fmtControl } from './fmt.js';
import { type IpcpConfig, initialIpcp, ipcpFault, ipcpOptionSet } from './ipcp.js';
import { type Ipv6cpConfig, initialIpv6cp, ipv6cpOptionSet } from './ipv6cp.js';
import { Keepalive } from './keepalive.js';
import { initialResult, type LcpResult, lcpOptionSet } from './lcp.js';
import { type LineCounts, noCounts, Quality } from './lqr.js';
import { type NcpSpec, Network } from './network.js';
import type { AuthResult, Command, Phase, PppConfig, PppEvent } from './session.js';
import { type Control, controlPacket, header_bytes, parseControl } from './wire.js';

/** Outputs that wait for poll(); more is a bug, since the driver drains after each input. */
const outputs_max = 4096;

const authProtocols: readonly number[] = [protocols.pap, protocols.chap, protocols.eap];

export class PppMachine implements Machine<Command, PppEvent> {
  readonly keepalive: Keepalive;
  /** Undefined: LQR is not spoken. */
  readonly quality: Quality | undefined;
  readonly #config: PppConfig;
  readonly #random: Random;
  readonly #out: Output<PppEvent>[] = [];
  readonly #auth: AuthPhase;
  readonly #host: CpHost;
  #result: LcpResult = initialResult();
  #lcp: ControlProtocol;
  #network: Network | undefined;
  #ccp: Ccp | undefined;
  /** What authentication has left for encryption. */
  #keys: 'none' | 'mschap' | 'mschapv2' = 'none';
  #phase: Phase = 'Dead';
  #linked = false;
  #active = false;
  /** Our interface identifier: a renegotiation begins with the one that was agreed. */
  #ifid: Uint8Array | undefined;
  /** Control packets. */
  #received = 0;
  /** Why the link must go, found out in the midst of an input. */
  #failed: string | undefined;
  /** An attempt of the peer's to prove who it is has failed: if it leaves now, that is why. */
  #tried: string | undefined;

  /** `heard` counts all packets that came from the peer, where a Path does; else those are
   *  counted that come here. */
  constructor(
    config: PppConfig,
    random: Random,
    heard = () => this.#received,
    line: () => LineCounts = () => noCounts,
  ) {
    this.#config = config;
    this.#random = random;
    this.#host = {
      send: (protocol, c) => this.#send(protocol, c),
      room: () => this.#result.peerMru,
      log: (line) => this.#tell({ is: 'log', line }),
      count: (reason) => this.#tell({ is: 'count', reason }),
    };
    this.#auth = new AuthPhase(
      config,
      {
        send: this.#host.send,
        count: this.#host.count,
        need: (need) => this.#tell({ is: 'need', need }),
        result: (r) => this.#authResult(r),
        tried: (r) => this.#authTried(r),
      },
      random,
    );
    this.quality = config.lcp.quality === undefined ? undefined : new Quality(line);
    this.keepalive = new Keepalive(config.echo, (id) => this.#sendEcho(id), heard);
    this.#lcp = this.#newLcp();
  }

  get phase(): Phase {
    return this.#phase;
  }
  get lcp(): ControlProtocol {
    return this.#lcp;
  }
  /** IPCP and the others while the link is in the Network phase. */
  get ncps(): readonly ControlProtocol[] {
    return this.#network?.ncps ?? [];
  }
  /** What LCP has agreed on; its defaults before. */
  get agreed(): Readonly<LcpResult> {
    return this.#result;
  }

  // Machine -------------------------------------------------------------------------------------

  command(c: Command, now: Ms): void {
    if (c.do === 'up') this.#linkUp(now);
    else if (c.do === 'down') this.#linkDown(c.why, now);
    else if (c.do === 'open') this.#open(now);
    else if (c.do === 'close') this.#lcp.close(c.why, now, 'hangup');
    else if (c.do === 'reset') this.#ccp?.reset(now);
    else if (c.do === 'restart') this.#ccp?.restart(now);
    else if (c.do === 'identify') this.#identify(c.text);
    else this.#auth.answer(c.answer, now);
    this.#follow(now);
  }

  receive(p: Packet, now: Ms): void {
    const n = p.end - p.start;
    if (!this.#active || n < 2) {
      this.#host.count(n < 2 ? 'runt' : 'notopen');
      return;
    }
    this.#received++;
    const protocol = u16(p.buf, p.start);
    if (protocol === protocols.lcp) this.#control(p, (c) => this.#lcp.receive(c, now));
    else if (!this.#lcp.opened) this.#host.count('beforelcp');
    else if (protocol === protocols.lqr && this.quality?.state === 'on') this.#reported(p);
    else if (authProtocols.includes(protocol))
      this.#control(p, (c) => this.#auth.receive(protocol, c, now));
    else this.#other(protocol, p, now);
    this.#follow(now);
  }

  timeout(now: Ms): void {
    if (now >= this.#lcp.deadline()) this.#lcp.timeout(now);
    this.#network?.timeout(now);
    this.#auth.timeout(now);
    this.quality?.timeout(now);
    if (this.keepalive.timeout(now)) {
      const n = this.#config.echo.echo_failures;
      this.#lcp.close(`lcp: peer is gone: no answer to ${n} echo requests`, now);
    }
    this.#follow(now);
  }

  poll(): Output<PppEvent> | undefined {
    const o = this.#out.shift();
    if (o === undefined) this.#out.length = 0; // gives back the room that a queue keeps, too
    return o ?? this.#report();
  }

  /** After all else, so that it tells of all else. */
  #report(): Output<PppEvent> | undefined {
    const report = this.quality?.take();
    if (report === undefined) return undefined;
    const packet = take(2 + report.length);
    put16(packet.buf, packet.start, protocols.lqr);
    packet.buf.set(report, packet.start + 2);
    return { do: 'send', packet };
  }
  #reported(p: Packet): void {
    const drop = this.quality?.receive(p.buf.subarray(p.start + 2, p.end));
    if (drop !== undefined) this.#host.count(drop);
  }

  deadline(): Ms {
    return Math.min(
      this.#lcp.deadline(),
      this.#auth.deadline(),
      this.keepalive.deadline(),
      this.quality?.deadline() ?? never,
      this.#network?.deadline() ?? never,
    );
  }

  #tell(event: PppEvent): void {
    if (this.#out.length >= outputs_max) throw new Error('nobody polls');
    this.#out.push({ do: 'tell', event });
  }

  #send(protocol: number, c: Control): void {
    this.#out.push({ do: 'send', packet: controlPacket(protocol, c) });
  }

  // The link ------------------------------------------------------------------------------------

  #open(now: Ms): void {
    if (this.#active) return;
    this.#active = true;
    this.#ifid = undefined;
    this.#result = initialResult();
    this.#lcp = this.#newLcp();
    this.#lcp.open(now);
    if (this.#linked) this.#lcp.up(now);
  }

  #linkUp(now: Ms): void {
    if (this.#linked) return;
    this.#linked = true;
    if (this.#active) this.#lcp.up(now);
  }

  #linkDown(why: string, now: Ms): void {
    this.#linked = false;
    const ending = this.#phase === 'Terminate';
    this.#lcp.down(now);
    if (this.#active) this.#finish(ending ? this.#lcp.why : `link lost: ${why}`);
  }

  #finish(why: string): void {
    this.#active = false;
    this.#failed = undefined;
    this.#tell({ is: 'finished', why: this.#tried ?? why });
    this.#tried = undefined;
  }

  /** What follows from an input once the automata have settled. */
  #follow(now: Ms): void {
    if (this.#failed !== undefined && this.#lcp.opened)
      this.#lcp.close(this.#failed, now, 'authentication failed');
    this.#failed = undefined;
    if (this.#lcp.opened && this.#network === undefined && this.#auth.done) this.#startNetwork(now);
    const failed = this.#network?.failed;
    if (failed !== undefined) this.#lcp.close(failed, now);
    const { state } = this.#lcp;
    if (this.#active && (state === 'Closed' || state === 'Initial')) this.#finish('closed');
    this.#enter(this.#phaseNow());
  }

  #phaseNow(): Phase {
    const { state } = this.#lcp;
    if (!this.#active || !this.#linked) return 'Dead';
    if (state === 'Closing' || state === 'Stopping') return 'Terminate';
    if (state !== 'Opened') return 'Establish';
    return this.#network !== undefined ? 'Network' : 'Authenticate';
  }

  #enter(phase: Phase): void {
    if (phase === this.#phase) return;
    this.#phase = phase;
    this.#tell({ is: 'phase', phase });
  }

  // LCP -----------------------------------------------------------------------------------------

  #newLcp(): ControlProtocol {
    const { lcp, timers, passive, silent } = this.#config;
    const spec = {
      name: 'lcp',
      protocol: protocols.lcp,
      options: lcpOptionSet(lcp, this.#result, this.#random),
      timers,
      passive,
      silent,
      up: (now: Ms) => this.#lcpUp(now),
      down: (now: Ms) => this.#lcpDown(now),
      finished: (why: string) => this.#finish(why),
      extra: (c: Control, now: Ms) => this.#lcpExtra(c, now),
    };
    return new ControlProtocol(spec, this.#host);
  }

  #lcpUp(now: Ms): void {
    const { demand, comply, magic, quality, peerQuality } = this.#result;
    if (this.#config.lcp.demand.length > 0 && demand === undefined)
      throw new Error('LCP opened without the authentication that was demanded');
    this.#tell({ is: 'link', up: { ...this.#result } });
    this.keepalive.start(now);
    if (quality !== undefined || peerQuality !== undefined)
      this.quality?.start(10 * (quality ?? 0), magic, now);
    this.#auth.start(demand, comply, now);
  }

  #lcpDown(now: Ms): void {
    this.keepalive.stop();
    this.quality?.stop();
    this.#auth.stop();
    this.#network?.down(now);
    this.#network = undefined;
    this.#ccp = undefined;
    this.#keys = 'none';
    this.#tell({ is: 'link', up: undefined });
  }

  /** LCP's codes beyond Code-Reject; most mean something only while it
   *  is Opened (RFC 1661 5.7 to 5.9). */
  #lcpExtra(c: Control, now: Ms): boolean {
    if (c.code < codes.protRej || c.code > codes.timeRemaining) return false;
    if (c.code >= codes.identification) this.#host.log(`lcp peer: ${fmtControl(protocols.lcp, c)}`);
    else if (!this.#lcp.opened) this.#host.count('beforelcp');
    else if (c.code === codes.protRej) this.#protocolRejected(c.body, now);
    else if (c.code === codes.echoReq) this.#echoed(c, now);
    else if (c.code === codes.echoReply) this.#echoReply(c, now);
    return true;
  }

  #echoed(c: Control, now: Ms): void {
    const { magic } = this.#result;
    if (c.body.length < 4) this.#host.count('badlength');
    else if (magic !== 0 && u32(c.body, 0) === magic)
      this.#lcp.close('the line is looped back', now);
    else {
      const body = c.body.slice();
      put32(body, 0, magic);
      this.#lcp.send(codes.echoReply, c.id, body);
    }
  }

  #echoReply(c: Control, now: Ms): void {
    const { magic } = this.#result;
    if (c.body.length < 4) this.#host.count('badlength');
    else if (magic !== 0 && u32(c.body, 0) === magic) this.#host.count('looped');
    else this.keepalive.reply(c.id, now);
  }

  #sendEcho(id: number): void {
    const body = new Uint8Array(4);
    put32(body, 0, this.#result.magic);
    this.#lcp.send(codes.echoReq, id, body);
  }

  #identify(what: string): void {
    if (!this.#lcp.opened) return;
    const text = utf8(what).subarray(0, this.#result.peerMru - header_bytes - 4);
    const body = new Uint8Array(4 + text.length);
    put32(body, 0, this.#result.magic);
    body.set(text, 4);
    this.#lcp.send(codes.identification, this.#lcp.nextId(), body);
  }

  /** It ends that protocol, never the link, unless the protocol is LCP or the authentication
   *  agreed on. To go on sending packets that are rejected is forbidden (RFC 1661 5.7): those
   *  of ip, 0021, end with ipcp, 8021. */
  #protocolRejected(body: Uint8Array, now: Ms): void {
    const protocol = rejectedProtocol(body);
    const ncp = protocol === undefined ? undefined : this.#network?.of(protocol | 0x8000);
    if (protocol === undefined) this.#host.count('badlength');
    else if (protocol === protocols.lcp) this.#lcp.refused(now);
    else if (ncp !== undefined) ncp.refused(now);
    else if (protocol === protocols.lqr) this.quality?.refused();
    else if (this.#auth.uses(protocol)) this.#failed = 'authentication: peer rejects its protocol';
    else this.#host.log(`lcp peer rejects protocol ${protocol.toString(16)}`);
  }

  // Authentication ------------------------------------------------------------------------------

  #authResult(r: AuthResult): void {
    this.#tell(r);
    const v1 = this.#keys === 'mschap' || r.method === 'mschap';
    this.#keys = r.keyed ? (v1 ? 'mschap' : 'mschapv2') : 'none';
    if (r.ok) this.#tried = undefined;
    else this.#failed = failureOf(r);
  }
  #authTried(r: AuthResult): void {
    this.#tell(r);
    this.#tried = failureOf(r);
  }

  // Network -------------------------------------------------------------------------------------

  #startNetwork(now: Ms): void {
    const { ip, ipv6, timers } = this.#config;
    const ccp = possible(this.#config.ccp, this.#keys);
    if (ccp.mppe === 'require' && ccp.bits.length === 0) {
      this.#lcp.close('encryption is required, but the authentication gave no keys for it', now);
      return;
    }
    const specs: NcpSpec[] = wanted(ccp) ? [this.#newCcp(ccp)] : [];
    if (ip !== undefined) specs.push(this.#ipcp(ip));
    if (ipv6 !== undefined) specs.push(this.#ipv6cp(ipv6));
    this.#network = new Network(specs, timers, this.#host);
    this.#network.start(now);
  }

  #newCcp(config: CcpConfig): NcpSpec {
    this.#ccp = new Ccp(config, {
      ...this.#host,
      agreed: (up, why) => this.#tell({ is: 'ccp', up, why }),
      flush: () => this.#tell({ is: 'flush' }),
    });
    return this.#ccp.spec;
  }

  #ipcp(config: IpcpConfig): NcpSpec {
    const r = initialIpcp(config);
    return {
      name: 'ipcp',
      protocol: protocols.ipcp,
      carries: true,
      options: ipcpOptionSet(config, r),
      up: (now, ncp) => {
        const fault = ipcpFault(config, r);
        if (fault !== undefined) ncp.close(`ipcp: ${fault}`, now);
        else this.#tell({ is: 'ip', up: { ...r, remote: r.remote === 0 ? r.local : r.remote } });
      },
      lost: (why) => this.#tell({ is: 'ipdown', why }),
    };
  }

  #ipv6cp(config: Ipv6cpConfig): NcpSpec {
    const id = this.#ifid ?? config.id;
    const r = initialIpv6cp(this.#random, id === undefined ? config : { ...config, id });
    return {
      name: 'ipv6cp',
      protocol: protocols.ipv6cp,
      carries: true,
      options: ipv6cpOptionSet(r, this.#random, config.peerId),
      up: () => {
        this.#ifid = r.local;
        this.#tell({ is: 'ipv6', up: { ...r } });
      },
      lost: (why) => this.#tell({ is: 'ipv6down', why }),
    };
  }

  /** A packet of no protocol that LCP and authentication know. */
  #other(protocol: number, p: Packet, now: Ms): void {
    const ncp = this.#network?.of(protocol);
    if (ncp !== undefined) this.#control(p, (c) => this.#network?.receive(ncp, c, now));
    else if (this.#network === undefined) {
      this.#host.count('beforeauth');
      if (protocol === protocols.ipcp || protocol === protocols.ipv6cp) this.#auth.indicated();
    } else {
      this.#host.count('unknownprotocol');
      const info = p.buf.subarray(p.start + 2, p.end);
      const body = protocolReject(protocol, info, this.#result.peerMru - header_bytes);
      this.#lcp.send(codes.protRej, this.#lcp.nextId(), body);
    }
  }

  #control(p: Packet, f: (c: Control) => void): void {
    const c = parseControl(p.buf, p.start + 2, p.end);
    if (typeof c === 'string') this.#host.count(c);
    else f(c);
  }
}

function failureOf(r: AuthResult): string {
  const whose = r.who === 'we' ? '' : ` of the peer${r.user === '' ? '' : ` '${r.user}'`}`;
  const said = r.message === '' ? '' : `: ${r.message}`;
  return `authentication${whose} failed (${r.method})${said}`;
}
