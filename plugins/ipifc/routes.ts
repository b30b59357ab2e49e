/** The kernel's table of routes as /iproute: 9front's lines, and its control messages. */
import {
  af,
  delRoute,
  getLinks,
  getRoutes,
  NetlinkError,
  newRoute,
  parseLink,
  parseRoute,
  type Route,
  routeProtocol,
  routeTable,
  routeType,
} from '@9p/rawio/netlink';
import { refuse } from 'slashnet/core';
import { addressOf, maskOf, sameIp } from './address.js';
import { protocolTag, type RouteRow, routeLine } from './fmt.js';
import type { Host } from './host.js';
import { type Ip, ipText, masked } from './ip.js';
import type { Journal } from './journal.js';
import { saying } from './tun.js';

/** An interface of ours, as routes know it. */
export interface Own {
  readonly id: number;
  readonly ifindex: number;
  readonly locals: readonly Ip[];
  /** Who is at the other end. */
  readonly remotes: readonly Ip[];
}

interface Made {
  readonly route: Route;
  readonly tag: string;
}

const made_max = 65_536;
const kinds: Readonly<Record<number, string>> = {
  [routeType.unicast]: 'u',
  [routeType.broadcast]: 'b',
  [routeType.multicast]: 'm',
};
/** ENOENT, ESRCH, ENXIO, ENODEV */
const gone = [2, 3, 6, 19];

const keyOf = (r: Route): string =>
  `${ipText(r.dst)}/${r.dstLen} ${r.gateway === undefined ? '' : ipText(r.gateway)} ${r.oif}`;
const nameOf = (r: Route): string => `${ipText(r.dst)}/${r.dstLen}`;

export class Routes {
  readonly #host: Host;
  /** The interfaces there are now, by conversation. */
  readonly #own: () => readonly Own[];
  readonly #made = new Map<string, Made>();
  readonly #journal: Journal;

  constructor(host: Host, own: () => readonly Own[], journal: Journal) {
    this.#host = host;
    this.#own = own;
    this.#journal = journal;
  }

  /** Those on interfaces of ours go with them. */
  #note(): void {
    const ours = new Set(this.#own().map((o) => o.ifindex));
    const lasting = [...this.#made.values()].map((m) => m.route).filter((r) => !ours.has(r.oif));
    this.#journal.write(lasting);
  }

  /** What a daemon that was killed left behind. How many routes there were. */
  async recover(): Promise<number> {
    const left = this.#journal.left();
    for (const r of left) await this.#host.request(delRoute(r)).catch(unlessGone);
    return left.length;
  }

  async #names(): Promise<Map<number, string>> {
    const names = new Map<number, string>();
    for (const m of await this.#host.request(getLinks())) {
      const l = parseLink(m.body);
      if (typeof l !== 'string') names.set(l.index, l.name);
    }
    return names;
  }

  /** Every route of the main table, a line each. */
  async text(): Promise<string> {
    const names = await this.#names();
    for (const o of this.#own()) names.set(o.ifindex, String(o.id));
    let s = '';
    for (const family of [af.inet, af.inet6]) {
      for (const m of await this.#host.request(getRoutes(family))) {
        const r = parseRoute(m.body);
        if (typeof r === 'string' || r.table !== routeTable.main) continue;
        s += routeLine(this.#row(r, names));
      }
    }
    return s;
  }

  #row(r: Route, names: ReadonlyMap<number, string>): RouteRow {
    // Where we gave no interface the kernel has found one.
    const made = this.#made.get(keyOf(r)) ?? this.#made.get(keyOf({ ...r, oif: 0 }));
    return {
      dst: r.dst,
      dstLen: r.dstLen,
      next: r.gateway,
      src: r.src,
      srcLen: r.srcLen ?? 0,
      kind: kinds[r.type] ?? '-',
      tag: made?.tag ?? protocolTag(r.protocol),
      ifc: names.get(r.oif) ?? '-',
    };
  }

  /** Index of an interface: a conversation's number, or a Linux name. */
  async #oif(ifc: string | undefined): Promise<number> {
    if (ifc === undefined || ifc === '-') return 0;
    const own = this.#own().find((o) => String(o.id) === ifc);
    if (own !== undefined) return own.ifindex;
    for (const [index, name] of await this.#names()) if (name === ifc) return index;
    throw refuse(`interface not found: ${ifc}`);
  }

  /** target mask next [ifc] [src smask]; a line as it is read is taken too. */
  async #parse(args: readonly string[]): Promise<Route> {
    const { target, mask, next, ifc, src, smask } = fieldsOf(args);
    const dst = sized(addressOf(target), [next, src]);
    const dstLen = maskOf(mask, dst);
    const hop = next === undefined ? undefined : sized(addressOf(next), [target]);
    const ours = (which: (o: Own) => readonly Ip[]): Own | undefined =>
      hop && this.#own().find((o) => which(o).some((ip) => sameIp(ip, hop)));
    const local = ours((o) => o.locals);
    const oif = (await this.#oif(ifc)) || (local ?? ours((o) => o.remotes))?.ifindex;
    const direct = hop === undefined || local !== undefined || hop.every((b) => b === 0);
    return {
      dst: masked(dst, dstLen),
      dstLen,
      ...(direct ? {} : { gateway: hop }),
      ...sourceOf(src, smask, dst),
      oif: oif ?? 0,
      table: routeTable.main,
      protocol: routeProtocol,
      type: routeType.unicast,
      metric: 0,
    };
  }

  async add(args: readonly string[], tag: string): Promise<void> {
    const r = await this.#parse(args);
    if (this.#made.size >= made_max) throw refuse(`too many routes: limit ${made_max}`);
    if (r.gateway === undefined && r.oif === 0) throw refuse('bad ip address: no next hop');
    const asked = this.#host.request(newRoute(r)).then(() => undefined);
    await saying(`add ${nameOf(r)}`, asked);
    this.#made.set(keyOf(r), { route: r, tag });
    this.#note();
  }

  /** Any route, whoever made it: no metric, protocol or interface but those that are given. */
  async remove(args: readonly string[]): Promise<void> {
    const r = { ...(await this.#parse(args)), protocol: 0, type: 0 };
    const asked = this.#host.request(delRoute(r)).then(() => undefined);
    await saying(`remove ${nameOf(r)}`, asked);
    const gateway = r.gateway === undefined ? '' : ipText(r.gateway);
    for (const key of this.#made.keys())
      if (key.startsWith(`${nameOf(r)} ${gateway}`)) this.#made.delete(key);
    this.#note();
  }

  /** The kernel has taken the routes of an interface that is no more. */
  forget(ifindex: number): void {
    for (const [key, made] of this.#made) if (made.route.oif === ifindex) this.#made.delete(key);
  }

  /** Those that we made, or of them those with this tag. One that is gone by itself is no error. */
  async flush(tag?: string): Promise<void> {
    for (const [key, made] of [...this.#made]) {
      if (tag !== undefined && made.tag !== tag) continue;
      this.#made.delete(key);
      await this.#host.request(delRoute(made.route)).catch(unlessGone);
    }
    this.#note();
  }
}

/** What is gone by itself is no error. */
export function unlessGone(e: unknown): void {
  if (!(e instanceof NetlinkError && gone.includes(e.errno))) throw e;
}

interface Fields {
  readonly target: string;
  readonly mask: string;
  readonly next: string | undefined;
  readonly ifc: string | undefined;
  readonly src: string | undefined;
  readonly smask: string | undefined;
}

/** Which word is what, by how many there are: iproute.c of 9front. */
function fieldsOf(a: readonly string[]): Fields {
  const [target = '', mask = '', next] = a;
  const [ifc, src, smask] = {
    4: [a[3]],
    5: [undefined, a[3], a[4]],
    6: [a[3], a[4], a[5]],
    7: [a[4], a[5], a[6]], // target mask next tag ifc src smask
    8: [a[5], a[6], a[7]], // and with flags: a line as it is read
  }[a.length] ?? [undefined, undefined, undefined];
  return { target, mask, next, ifc, src, smask };
}

/** `0` says no family: it takes that of an address beside it. */
function sized(ip: Ip, beside: readonly (string | undefined)[]): Ip {
  const six = beside.some((s) => s?.includes(':'));
  return six && ip.length === 4 && ip.every((b) => b === 0) ? new Uint8Array(16) : ip;
}

function sourceOf(src: string | undefined, smask: string | undefined, dst: Ip) {
  if (src === undefined || smask === undefined) return {};
  const ip = sized(addressOf(src), dst.length === 16 ? ['::'] : []);
  const srcLen = maskOf(smask, ip);
  if (srcLen === 0) return {};
  if (dst.length === 4 || ip.length === 4) throw refuse('source routes are for IPv6');
  return { src: masked(ip, srcLen), srcLen };
}
