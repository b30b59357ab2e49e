/** A TUN device of Linux: its packets by rawio, its addresses by netlink. */
import { writeFile } from 'node:fs/promises';
import type { Packet } from '@9p/packet';
import {
  delAddress,
  delRoute,
  type Address as LinuxAddress,
  newAddress,
  newRoute,
  noLinkLocal,
  type Request,
  type Route,
  routeProtocol,
  routeTable,
  routeType,
  setLink,
} from '@9p/rawio/netlink';
import { type Env, errorText, openDevice, type PacketDevice, refuse } from 'slashnet/core';
import { type Address, addressText } from './address.js';
import type { Host } from './host.js';
import { type Ip, ipText, masked } from './ip.js';
import type { Medium, MediumEvents } from './medium.js';

const close_timeout_ms = 1000;

export class Tun implements Medium {
  readonly #env: Env;
  readonly #host: Host;
  readonly #device: PacketDevice;
  /** Settled when Linux makes no link-local address of its own. */
  readonly #prepared: Promise<unknown>;
  #isUp = false;

  /** `name` may hold %d: the smallest number that is free. Throws where there is no privilege. */
  constructor(env: Env, host: Host, name: string, on: MediumEvents) {
    this.#env = env;
    this.#host = host;
    this.#device = openDevice(
      env.turn,
      { kind: 'tun', name, gso: true },
      {
        receive: on.receive,
        batch: on.batch,
        room: on.room,
        gone: () => on.gone(`${this.name} is gone`),
        bug: on.bug,
      },
    );
    this.#prepared = this.#ask(noLinkLocal(this.ifindex)).catch(() => undefined); // no IPv6 here
  }

  get name(): string {
    return this.#device.name;
  }
  get ifindex(): number {
    return this.#device.ifindex;
  }
  get full(): boolean {
    return this.#device.full;
  }
  send(p: Packet): string | undefined {
    return this.#device.send(p);
  }
  pause(): void {
    this.#device.pause();
  }
  resume(): void {
    this.#device.resume();
  }

  async #ask(r: Request): Promise<void> {
    await this.#host.request(r);
  }

  async up(): Promise<void> {
    await this.#prepared;
    if (this.#isUp) return;
    this.#isUp = true;
    await this.#ask(setLink(this.ifindex, { up: true }));
  }
  setMtu(n: number): Promise<void> {
    return this.#ask(setLink(this.ifindex, { mtu: n }));
  }

  async add(a: Address): Promise<void> {
    await this.#prepared;
    await saying(`add ${addressText(a)}`, this.#ask(newAddress(this.#linux(a))));
  }
  remove(a: Address): Promise<void> {
    return saying(`remove ${addressText(a)}`, this.#ask(delAddress(this.#linux(a))));
  }
  #linux(a: Address): LinuxAddress {
    return { index: this.ifindex, local: a.local, peer: a.remote ?? a.local, prefix: a.bits };
  }

  route(net: Ip, bits: number): Promise<void> {
    const r = this.#routeTo(net, bits);
    return saying(`route ${ipText(net)}/${bits}`, this.#ask(newRoute(r)));
  }
  unroute(net: Ip, bits: number): Promise<void> {
    const r = this.#routeTo(net, bits);
    return saying(`unroute ${ipText(net)}/${bits}`, this.#ask(delRoute(r)));
  }
  #routeTo(net: Ip, bits: number): Route {
    return {
      dst: masked(net, bits),
      dstLen: bits,
      oif: this.ifindex,
      table: routeTable.main,
      protocol: routeProtocol,
      type: routeType.unicast,
      metric: 0,
    };
  }

  /** 2: also where this host forwards packets, which a router does and still wants an address. */
  async acceptRa(on: boolean): Promise<void> {
    const file = `/proc/sys/net/ipv6/conf/${this.name}/accept_ra`;
    await saying('ra6', writeFile(file, on ? '2' : '0'));
  }

  /** The kernel takes some milliseconds; if it takes long we do not wait. */
  close(): Promise<void> {
    return new Promise((done) => {
      const timer = this.#env.clock.after(close_timeout_ms, () => done());
      this.#device.close(() => {
        timer.stop();
        done();
      });
    });
  }
}

/** The kernel's words after what was asked of it. */
export async function saying(what: string, p: Promise<void>): Promise<void> {
  try {
    await p;
  } catch (e) {
    throw refuse(`${what}: ${errorText(e)}`);
  }
}
