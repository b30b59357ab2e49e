/** The ports of a conversation and the paths between them: frames below, IP packets above. */
import type { Packet } from '@9p/packet';
import type { Context, Port, Sink } from 'slashnet/core';
import type { MppeKeys } from './authentication.js';
import type { CcpResult } from './ccp.js';
import { HdlcPath } from './hdlc.js';
import type { IpcpResult } from './ipcp.js';
import { defaultMru, type LcpResult } from './lcp.js';
import { type LineCounts, report_bytes } from './lqr.js';
import { Mppe } from './mppe.js';
import { PppPath } from './path.js';
import type { Settings } from './settings.js';
import { Vj } from './vj.js';

/** Protocol, address and control, FCS: what a frame has beside its packet. */
const protocol_bytes = 2;
const address_bytes = 2;
const fcs_bytes = 2;
const flag_bytes = 1;

export interface PlaneEvents {
  /** The layer below carries frames now, or its mtu has changed. */
  linkUp(): void;
  linkDown(why: string): void;
  /** A frame that is not data, its protocol field first. */
  control(p: Packet): boolean;
  /** A Reset-Request is due; or CCP must begin anew. */
  reset(): void;
  restart(): void;
}

export class Plane {
  readonly upper: Port;
  path: PppPath;
  readonly #ctx: Context;
  readonly #settings: Settings;
  readonly #on: PlaneEvents;
  #lower: Port | undefined;
  #hdlc: HdlcPath | undefined;
  #peerMru = defaultMru;
  #mppe: Mppe | undefined;
  /** Frames and their bytes, for reports on the link's quality. */
  readonly #counts = { out: 0, outBytes: 0, in: 0, inBytes: 0, errors: 0, discards: 0 };
  /** What paths below and above send to; made once, so that a packet allocates nothing. */
  readonly #above: Sink;
  readonly #control: Sink;
  #below: Sink = { send: () => false };
  readonly #frames: Sink;

  constructor(ctx: Context, settings: Settings, on: PlaneEvents) {
    this.#ctx = ctx;
    this.#settings = settings;
    this.#on = on;
    this.path = new PppPath({ address: this.address });
    this.upper = ctx.port({
      name: `${ctx.name}/data`,
      framing: 'packet',
      mtu: () => this.mtu,
      full: () => this.#lower?.peer?.full ?? false,
      take: (p) => this.path.down(p, this.#below),
    });
    const { upper } = this;
    this.#above = { send: (p) => upper.deliver(p) };
    this.#control = { send: (p) => on.control(p) };
    this.#frames = { send: (p) => this.#frame(p) };
  }

  get lower(): Port | undefined {
    return this.#lower?.peer === undefined ? undefined : this.#lower;
  }
  /** Something is bound below and carries frames. */
  get linked(): boolean {
    return this.#lower?.peer?.isUp ?? false;
  }

  /** HDLC-like framing on a file of bytes. */
  get hdlc(): boolean {
    return this.#hdlc !== undefined;
  }
  /** FF 03 goes in front, unless LCP agrees that it does not. */
  get address(): boolean {
    return this.#settings.address ?? this.hdlc;
  }

  /** Longest IP packet that fits a frame of the layer below. */
  get fits(): number {
    if (this.#hdlc !== undefined) return defaultMru;
    const head = protocol_bytes + (this.address ? address_bytes : 0);
    return (this.#lower?.peer?.mtu ?? defaultMru + head) - head;
  }
  get mtu(): number {
    const room = Math.min(this.#peerMru, this.fits) - (this.#mppe?.overhead_bytes ?? 0);
    return Math.min(this.#settings.mtu ?? Infinity, room);
  }
  /** What CCP agreed on. */
  get mppe(): Mppe | undefined {
    return this.#mppe;
  }

  /** A port of its own for each bind: its framing may be another. */
  newLower(): Port {
    const told = this.#settings.framing;
    const port = this.#ctx.port({
      name: `${this.#ctx.name}/lower`,
      framing: told === 'hdlc' ? 'bytes' : (told ?? 'any'),
      mtu: () => 65535,
      attached: (peer) => {
        const hdlc = told === 'hdlc' || peer.framing === 'bytes';
        this.#hdlc = hdlc ? this.#newHdlc() : undefined;
      },
      take: (p) => (this.#hdlc === undefined ? this.#up(p) : this.#hdlc.up(p, this.#frames)),
      up: () => this.#linkUp(),
      down: (why) => this.#on.linkDown(why),
      room: () => this.upper.roomAgain(),
    });
    const line: Sink = { send: (p) => port.deliver(p) };
    this.#below = { send: (p) => this.#down(p, line) };
    this.#lower = port;
    return port;
  }

  #newHdlc(): HdlcPath {
    const mru = Math.max(defaultMru, this.#settings.mru ?? 0);
    const bytes = mru + protocol_bytes + address_bytes + fcs_bytes;
    return new HdlcPath(bytes, (reason) => {
      this.#counts.errors++;
      this.#ctx.count(reason);
      this.path.headers?.lost();
    });
  }

  #linkUp(): void {
    this.path.mtu = this.mtu;
    if (this.upper.isUp) this.upper.raise();
    this.#on.linkUp();
  }

  /** A frame out of the line's bytes. */
  #frame(p: Packet): boolean {
    const drop = this.#up(p);
    if (drop !== undefined) this.#ctx.count(drop);
    return drop === undefined;
  }
  #up(p: Packet): string | undefined {
    const counts = this.#counts;
    counts.in++;
    counts.inBytes += p.end - p.start;
    this.#ctx.tap?.(true, p);
    const drop = this.path.up(p, this.#above, this.#control);
    if (drop !== undefined) counts.discards++;
    return drop;
  }
  #down(p: Packet, line: Sink): boolean {
    const counts = this.#counts;
    counts.out++;
    counts.outBytes += p.end - p.start;
    this.#ctx.tap?.(false, p);
    if (this.#hdlc === undefined) return line.send(p);
    this.#hdlc.down(p, line, this.#ctx.env.clock.now());
    return true;
  }

  /** A frame of the machine goes down. */
  send(p: Packet): boolean {
    return this.path.control(p, this.#below);
  }

  lineCounts(): LineCounts {
    const { out, outBytes, in: inPackets, inBytes, errors, discards } = this.#counts;
    const tail = this.hdlc ? fcs_bytes + flag_bytes : 0;
    const address = this.address && !this.path.acfc ? address_bytes : 0;
    return {
      outPackets: out,
      outOctets: outBytes + tail * out,
      inPackets,
      inDiscards: discards,
      inErrors: errors,
      inOctets: inBytes + tail * inPackets,
      reportOctets: address + protocol_bytes + report_bytes + tail,
    };
  }

  /** As before anything was agreed. */
  reset(): void {
    const heard = this.path.heard;
    this.compress(undefined, undefined);
    this.path = new PppPath({ address: this.address });
    this.path.heard = heard;
    // over Ethernet hosts behind us count on 1500 bytes, where there are eight less
    if (this.#settings.mss ?? /\/pppoe\/\d+\/data$/.test(this.#lower?.peer?.name ?? ''))
      this.path.clamped = () => this.#ctx.count('mssclamped');
    this.path.sealed = this.#settings.ccp.mppe === 'require';
    this.#hdlc?.reset();
    this.agree(undefined);
  }

  /** What LCP agreed on. */
  agree(r: Readonly<LcpResult> | undefined): void {
    this.#peerMru = r?.peerMru ?? defaultMru;
    this.path.pfc = r?.sendPfc ?? false;
    this.path.acfc = r?.sendAcfc ?? false;
    this.path.mtu = this.mtu;
    if (this.#hdlc === undefined) return;
    this.#hdlc.sendAccm = r?.sendAccm ?? 0xffffffff;
    this.#hdlc.receiveAccm = r?.receiveAccm ?? 0xffffffff;
  }

  /** What IPCP agreed on, from the beginning again. */
  compressHeaders(ip: Readonly<IpcpResult> | undefined): void {
    const { vjSend, vjReceive } = ip ?? {};
    this.path.headers =
      vjSend === undefined && vjReceive === undefined
        ? undefined
        : new Vj(vjSend, vjReceive, (what) => this.#ctx.count(what));
  }

  /** What CCP agreed on, from the first keys on; undefined: nothing any more. */
  compress(r: CcpResult | undefined, keys: MppeKeys | undefined): void {
    this.#mppe?.wipe();
    this.#mppe = undefined;
    if (r !== undefined && (r.send ?? r.receive) !== undefined)
      this.#mppe = new Mppe(r.send, r.receive, keys, this.#on);
    const { path } = this;
    path.data = this.#mppe;
    path.sealed = this.#settings.ccp.mppe === 'require' || this.#mppe?.receiver?.decrypts === true;
    path.mtu = this.mtu;
  }

  /** Which of the two protocols passes. Who has data open keeps it while neither does: a
   *  renegotiation may bring both back. */
  open(ip: boolean, ipv6: boolean): void {
    this.path.ip = ip;
    this.path.ipv6 = ipv6;
    this.path.mtu = this.mtu;
    if ((ip || ipv6) && !this.upper.isUp) this.upper.raise();
  }
  /** It is over. */
  shut(why: string): void {
    this.open(false, false);
    this.upper.lower(why);
  }
}
