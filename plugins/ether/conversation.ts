/** A conversation of an Ethernet interface: the frames of one type, through one packet socket. */
import { type Packet, put16, put32, u16, u32 } from '@9p/packet';
import type { EtherDevice } from '@9p/rawio';
import {
  type Context,
  type Conversation,
  openDevice,
  type PacketDevice,
  type Port,
  refuse,
  type Verb,
} from 'slashnet/core';
import { allTypes, frameMax, headerLen, parseMac, parseType, typeText } from './fmt.js';
import type { Interface } from './interface.js';

/** ETH_P_ALL of linux/if_ether.h */
const ethPAll = 3;
const multicasts_max = 64;
/** An interface that is removed goes down first: so long we wait to see which of the two it is. */
const down_settle_ms = 200;

export class EtherConversation implements Conversation {
  readonly upper: Port;
  promiscuous = false;
  /** Leave the source address of frames as their writer set it. */
  bridge = false;
  readonly #ctx: Context;
  readonly #on: Interface;
  readonly #multicasts = new Map<string, Uint8Array>();
  #type: number | undefined;
  #settling: { stop(): void } | undefined;
  #device: PacketDevice<EtherDevice> | undefined;

  constructor(ctx: Context, on: Interface) {
    this.#ctx = ctx;
    this.#on = on;
    on.conversations.add(this);
    this.upper = ctx.port({
      name: `${ctx.name}/data`,
      framing: 'packet',
      mtu: () => on.link.mtu + headerLen,
      tap: 'outbound',
      least_bytes: headerLen,
      full: () => this.#device?.full ?? false,
      take: (p) => this.#send(p),
    });
  }

  get state(): string {
    return this.#device === undefined ? 'Idle' : 'Connected';
  }
  get idle(): boolean {
    return this.#device === undefined;
  }
  status(): string {
    const type = this.#type === undefined ? '' : `type ${typeText(this.#type)} `;
    const { name, mtu } = this.#on.link;
    const p = this.promiscuous ? 1 : 0;
    return `${type}interface ${name} mtu ${mtu + headerLen} promiscuous ${p}`;
  }
  local(): string {
    return this.#on.link.name;
  }
  typeText(): string {
    return this.#type === undefined ? '' : `${this.#type}\n`;
  }

  // Frames -------------------------------------------------------------------------------------
  #send(p: Packet): string | undefined {
    const device = this.#device;
    if (device === undefined) return 'notconnected';
    const { buf, start } = p;
    const n = p.end - start;
    const { mac, mtu } = this.#on.link;
    if (n < headerLen) return 'toosmall';
    if (n > mtu + headerLen && n > frameMax(buf, start, mtu)) return 'toolarge';
    if (!this.bridge) {
      put16(buf, start + 6, u16(mac, 0));
      put32(buf, start + 8, u32(mac, 2));
    }
    this.#on.out++;
    return device.send(p);
  }

  #receive(p: Packet): void {
    this.#on.in++;
    this.upper.deliver(p);
  }

  // Verbs --------------------------------------------------------------------------------------
  /** Without a type: as it was before the hangup. */
  connect([text]: readonly string[]): void {
    const type = text === undefined ? this.#type : parseType(text);
    if (type === undefined && text === undefined) throw refuse('connect needs an ether type');
    if (type === undefined) throw refuse(`bad ether type: ${text}`);
    if (this.#device !== undefined) {
      if (type === this.#type) return;
      throw refuse(`connected to ${typeText(this.#type as number)}: hang up first`);
    }
    if (!this.#on.up) throw refuse(`${this.#on.name}: ${this.#on.link.name} is down`);
    this.#device = this.#open(type);
    this.#type = type;
    this.#ctx.event(`connect ${typeText(type)}`);
    this.#ctx.env.turn.run(() => this.upper.raise());
  }

  #open(type: number): PacketDevice<EtherDevice> {
    const on = this.#on;
    const device = openDevice(
      this.#ctx.env.turn,
      { kind: 'ether', ifname: on.link.name, type: type === allTypes ? ethPAll : type },
      {
        receive: (p) => this.#receive(p),
        room: () => this.upper.roomAgain(),
        gone: () => void on.gone(),
        bug: (e) => this.#ctx.env.log(`${this.#ctx.name}: ${String(e)}`),
      },
    );
    if (this.promiscuous) device.raw.promiscuous(true);
    for (const mac of this.#multicasts.values()) device.raw.multicast(mac, true);
    return device;
  }

  setPromiscuous(): void {
    this.#device?.raw.promiscuous(true);
    this.promiscuous = true;
  }

  multicast(text: string, on: boolean): void {
    const mac = parseMac(text);
    if (mac === undefined || ((mac[0] as number) & 1) === 0) throw refuse(`bad address: ${text}`);
    const key = mac.join('.');
    if (this.#multicasts.has(key) === on) return;
    if (on && this.#multicasts.size >= multicasts_max)
      throw refuse(`too many multicast addresses: limit ${multicasts_max}`);
    this.#device?.raw.multicast(mac, on);
    if (on) this.#multicasts.set(key, mac);
    else this.#multicasts.delete(key);
  }

  /** The interface went up or down, or has another mtu. */
  changed(): void {
    if (this.#device === undefined) return;
    this.#settling?.stop();
    this.#settling = undefined;
    const { clock, turn } = this.#ctx.env;
    if (this.#on.up) this.upper.raise();
    else if (this.upper.isUp)
      this.#settling = clock.after(down_settle_ms, () => turn.run(() => this.#down()));
  }

  #down(): void {
    this.#settling = undefined;
    if (this.#device === undefined) return;
    const why = `${this.#on.name}: ${this.#on.link.name} is down`;
    this.upper.lower(why);
    this.#ctx.down(why);
  }

  lost(): { rxlost: number; txdropped: number } {
    return this.#device?.raw.counters() ?? { rxlost: 0, txdropped: 0 };
  }

  hangup(why: string): Promise<void> | void {
    const device = this.#device;
    if (device === undefined) return;
    const { rxlost, txdropped } = device.raw.counters();
    this.#on.overflows += rxlost;
    this.#on.outputErrors += txdropped;
    this.#settling?.stop();
    this.upper.lower(why);
    this.#device = undefined;
    this.#ctx.event(`hangup ${why}`);
    return new Promise((done) => device.close(done));
  }

  close(why: string): void {
    void this.hangup(why);
    this.#on.conversations.delete(this);
  }
}

export const verbs: readonly Verb<EtherConversation>[] = [
  {
    name: 'connect',
    args: [0, 1],
    usage: 'connect type',
    run: (c, args) => c.connect(args),
  },
  { name: 'promiscuous', args: [0, 0], usage: 'promiscuous', run: (c) => c.setPromiscuous() },
  {
    name: 'addmulti',
    args: [1, 1],
    usage: 'addmulti mac',
    run: (c, [mac = '']) => c.multicast(mac, true),
  },
  ...(['delmulti', 'remmulti'] as const).map((name) => ({
    name,
    args: [1, 1] as const,
    usage: `${name} mac`,
    run: (c: EtherConversation, [mac = '']: readonly string[]) => c.multicast(mac, false),
  })),
  {
    name: 'bridge',
    args: [0, 0],
    usage: 'bridge',
    run: (c) => {
      c.bridge = true;
    },
  },
];
