/** Pool mode: one interface for the sessions of a server, packets by their destination. */
import { type Packet, u8, u16 } from '@9p/packet';
import { refuse } from 'slashnet/core';
import type { Below, Ipifc } from './conversation.js';
import { type Ip, ipText, within } from './ip.js';
import { Peers } from './peers.js';

/** Sources that are nobody's: fe80::/10 and :: of IPv6. */
function unowned(b: Uint8Array, start: number): boolean {
  if (u8(b, start) >>> 4 !== 6) return false;
  if ((u16(b, start + 8) & 0xffc0) === 0xfe80) return true;
  for (let i = start + 8; i < start + 24; i++) if (u8(b, i) !== 0) return false;
  return true;
}

export class Pool {
  readonly #ifc: Ipifc;
  readonly #peers = new Peers<Below>();

  constructor(ifc: Ipifc) {
    this.#ifc = ifc;
  }

  /** From the host to whose address it is. One that is full loses its own packets only. */
  down(p: Packet): void {
    const to = this.#peers.to(p.buf, p.start, p.end);
    if (to === undefined) this.#ifc.ctx.count('nopeer');
    else if (to.port.peer?.full === true) this.#ifc.ctx.count('peerfull');
    else to.port.deliver(p);
  }

  /** A source address that is another's: the counter's name. */
  refuse(p: Packet, from: Below): string | undefined {
    const owner = this.#peers.from(p.buf, p.start, p.end);
    if (owner === from || unowned(p.buf, p.start)) return undefined;
    return 'badsource';
  }

  /** Networks outside the interface's own get a route of this host. */
  #needsRoute(net: Ip): boolean {
    return !this.#ifc.addresses.some((a) => within(net, a.local, a.bits));
  }

  async add(path: string, net: Ip, bits: number): Promise<void> {
    const below = this.#ifc.below.get(path);
    if (below === undefined) throw refuse(`${path} is not bound here`);
    if (!this.#peers.add(net, bits, below))
      throw refuse(`${ipText(net)}/${bits} is another's already`);
    if (!this.#needsRoute(net)) return;
    try {
      await this.#ifc.medium?.up();
      await this.#ifc.medium?.route(net, bits);
    } catch (e) {
      this.#peers.remove(net, bits);
      throw e;
    }
  }

  async remove(net: Ip, bits: number): Promise<void> {
    if (this.#peers.remove(net, bits) === undefined)
      throw refuse(`${ipText(net)}/${bits} is nobody's`);
    if (this.#needsRoute(net)) await this.#ifc.medium?.unroute(net, bits);
  }

  /** Its link is gone. */
  async forget(below: Below): Promise<void> {
    const its = [...this.#peers.all()].filter((x) => x.to === below);
    for (const x of its) await this.remove(x.ip, x.bits).catch(() => undefined);
  }

  toString(): string {
    let s = '';
    for (const { ip, bits, to } of this.#peers.all()) s += `${ipText(ip)}/${bits} ${to.path}\n`;
    return s;
  }
}
