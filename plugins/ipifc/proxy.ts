/** Proxy ARP: this host answers for the other end of a link on the Ethernet whose network has its
 *  address. It does so where it forwards packets (net.ipv4.ip_forward). */
import {
  arphrdEther,
  delProxy,
  getAddresses,
  getLinks,
  newProxy,
  parseAddress,
  parseLink,
  type Route,
  routeProtocol,
  routeTable,
  routeType,
} from '@9p/rawio/netlink';
import type { Host } from './host.js';
import { type Ip, ipText, within } from './ip.js';
import type { Journal } from './journal.js';
import { unlessGone } from './routes.js';

/** As a line of the journal: a host route to the interface that answers. */
const entry = (ip: Ip, oif: number): Route => ({
  dst: ip,
  dstLen: 32,
  oif,
  table: routeTable.main,
  protocol: routeProtocol,
  type: routeType.unicast,
  metric: 0,
});

export class Proxies {
  readonly #host: Host;
  readonly #journal: Journal;
  readonly #made = new Map<string, Route>();

  constructor(host: Host, journal: Journal) {
    this.#host = host;
    this.#journal = journal;
  }

  /** What a daemon that was killed left behind. How many there were. */
  async recover(): Promise<number> {
    const left = this.#journal.left();
    for (const r of left) await this.#host.request(delProxy(r.oif, r.dst)).catch(unlessGone);
    return left.length;
  }

  /** The name of the interface that answers for this address from now on; undefined: none has its
   *  network. */
  async add(ip: Ip): Promise<string | undefined> {
    const ethernet = await this.#ethernet(ip);
    if (ethernet === undefined) return undefined;
    await this.#host.request(newProxy(ethernet.index, ip));
    this.#made.set(ipText(ip), entry(ip, ethernet.index));
    this.#note();
    return ethernet.name;
  }

  async remove(ip: Ip): Promise<void> {
    const made = this.#made.get(ipText(ip));
    if (made === undefined) return;
    this.#made.delete(ipText(ip));
    this.#note();
    await this.#host.request(delProxy(made.oif, ip)).catch(unlessGone);
  }
  async flush(): Promise<void> {
    for (const { dst } of [...this.#made.values()]) await this.remove(dst);
  }

  #note(): void {
    this.#journal.write([...this.#made.values()]);
  }

  /** That whose network is the narrowest. */
  async #ethernet(ip: Ip): Promise<{ index: number; name: string } | undefined> {
    const names = new Map<number, string>();
    for (const m of await this.#host.request(getLinks())) {
      const l = parseLink(m.body);
      if (typeof l !== 'string' && l.arphrd === arphrdEther) names.set(l.index, l.name);
    }
    let best: { index: number; prefix: number } | undefined;
    for (const m of await this.#host.request(getAddresses())) {
      const a = parseAddress(m.body);
      if (typeof a === 'string' || !names.has(a.index) || a.local.length !== ip.length) continue;
      const here = a.prefix < 32 && within(ip, a.local, a.prefix);
      if (here && (best === undefined || a.prefix > best.prefix)) best = a;
    }
    return best && { index: best.index, name: names.get(best.index) ?? '' };
  }
}
