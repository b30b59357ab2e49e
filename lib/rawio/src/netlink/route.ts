/** Links, addresses and routes of Linux as netlink messages:
 *  rtnetlink(7), linux/rtnetlink.h, if_link.h. */
import { le16, le32, le64, putLe32, u8, utf8 } from '@9p/packet';
import {
  type Attribute,
  type Attributes,
  cstring,
  emitBody,
  type Malformed,
  nlmf,
  parseAttributes,
} from './message.js';

export const rtm = {
  newLink: 16,
  delLink: 17,
  getLink: 18,
  setLink: 19,
  newAddr: 20,
  delAddr: 21,
  getAddr: 22,
  newRoute: 24,
  delRoute: 25,
  getRoute: 26,
  newNeigh: 28,
  delNeigh: 29,
} as const;
/** Bits of the group mask of a netlink socket: who listens is told of changes. */
export const rtnlgrp = { link: 1, ipv4Ifaddr: 0x10, ipv4Route: 0x40, ipv6Route: 0x400 } as const;
export const af = { unspec: 0, inet: 2, inet6: 10 } as const;
export const iff = { up: 1, loopback: 8, pointToPoint: 0x10, running: 0x40, noarp: 0x80 } as const;
export const arphrdEther = 1;

/** What a request to the kernel is, but for sequence number and length. */
export interface Request {
  readonly type: number;
  readonly flags: number;
  readonly body: Uint8Array;
}

// Links ------------------------------------------------------------------------------------------
export interface LinkStats {
  readonly rxpackets: number;
  readonly txpackets: number;
  readonly rxbytes: number;
  readonly txbytes: number;
  readonly rxerrors: number;
  readonly txerrors: number;
  readonly rxdropped: number;
  readonly txdropped: number;
}
export interface Link {
  readonly index: number;
  readonly name: string;
  /** ARPHRD_ number: 1 is Ethernet. */
  readonly arphrd: number;
  readonly flags: number;
  readonly mtu: number;
  readonly mac: Uint8Array;
  /** "veth", "tun", "bridge"; empty for hardware. */
  readonly kind: string;
  readonly stats: LinkStats | undefined;
}

const ifla = { address: 1, ifname: 3, mtu: 4, linkinfo: 18, stats64: 23, afSpec: 26 } as const;
const ifinfomsgLen = 16;
const ifnamsiz = 16;

/** family[1] pad[1] type[2] index[4] flags[4] change[4] attributes */
export function parseLink(b: Uint8Array): Link | Malformed {
  if (b.length < ifinfomsgLen) return 'short';
  const a = parseAttributes(b, ifinfomsgLen);
  if (typeof a === 'string') return a;
  return {
    index: le32(b, 4),
    name: cstring(a.get(ifla.ifname) ?? none),
    arphrd: le16(b, 2),
    flags: le32(b, 8),
    mtu: u32Of(a, ifla.mtu),
    mac: a.get(ifla.address)?.slice() ?? none,
    kind: parseKind(a.get(ifla.linkinfo)),
    stats: parseStats(a.get(ifla.stats64)),
  };
}

function parseKind(b: Uint8Array | undefined): string {
  if (b === undefined) return '';
  const a = parseAttributes(b, 0);
  return typeof a === 'string' ? '' : cstring(a.get(1) ?? none);
}

/** struct rtnl_link_stats64: packets, bytes, errors and dropped come
 *  first, receive before transmit. */
function parseStats(b: Uint8Array | undefined): LinkStats | undefined {
  if (b === undefined || b.length < 64) return undefined;
  const at = (i: number): number => Number(le64(b, 8 * i));
  return {
    rxpackets: at(0),
    txpackets: at(1),
    rxbytes: at(2),
    txbytes: at(3),
    rxerrors: at(4),
    txerrors: at(5),
    rxdropped: at(6),
    txdropped: at(7),
  };
}

function ifinfomsg(index: number, flags: number, change: number): Uint8Array {
  const b = new Uint8Array(ifinfomsgLen);
  putLe32(b, 4, index);
  putLe32(b, 8, flags);
  putLe32(b, 12, change);
  return b;
}

export const getLinks = (): Request => ({
  type: rtm.getLink,
  flags: nlmf.dump,
  body: ifinfomsg(0, 0, 0),
});

export const getLink = (name: string): Request => ({
  type: rtm.getLink,
  flags: 0,
  body: emitBody(ifinfomsg(0, 0, 0), [[ifla.ifname, nameOf(name)]]),
});

/** Change what is given of the link with this index. */
export function setLink(
  index: number,
  o: { readonly up?: boolean; readonly mtu?: number; readonly name?: string },
): Request {
  const attributes: Attribute[] = [];
  if (o.mtu !== undefined) attributes.push([ifla.mtu, u32Value(o.mtu)]);
  if (o.name !== undefined) attributes.push([ifla.ifname, nameOf(o.name)]);
  const fixed = ifinfomsg(index, o.up ? iff.up : 0, o.up === undefined ? 0 : iff.up);
  return { type: rtm.setLink, flags: nlmf.ack, body: emitBody(fixed, attributes) };
}

const inet6AddrGenMode = 8;
const genModeNone = 1;

/** The kernel makes no link-local address by itself on this link:
 *  whoever made the link gives it one. */
export function noLinkLocal(index: number): Request {
  const mode = emitBody(none, [[inet6AddrGenMode, Uint8Array.of(genModeNone)]]);
  const families = emitBody(none, [[af.inet6, mode]]);
  const body = emitBody(ifinfomsg(index, 0, 0), [[ifla.afSpec, families]]);
  return { type: rtm.setLink, flags: nlmf.ack, body };
}

export const delLink = (index: number): Request => ({
  type: rtm.delLink,
  flags: nlmf.ack,
  body: ifinfomsg(index, 0, 0),
});

// Addresses --------------------------------------------------------------------------------------
export interface Address {
  readonly index: number;
  /** 4 or 16 bytes. */
  readonly local: Uint8Array;
  /** The other end of a point-to-point link; elsewhere the same as local. */
  readonly peer: Uint8Array;
  readonly prefix: number;
}

const ifa = { address: 1, local: 2, flags: 8 } as const;
const ifaddrmsgLen = 8;
/** No duplicate address detection: nobody else is on the link. */
const ifaFlagNodad = 0x02;

/** family[1] prefixlen[1] flags[1] scope[1] index[4] attributes */
export function parseAddress(b: Uint8Array): Address | Malformed {
  if (b.length < ifaddrmsgLen) return 'short';
  const a = parseAttributes(b, ifaddrmsgLen);
  if (typeof a === 'string') return a;
  const address = a.get(ifa.address) ?? none;
  const local = a.get(ifa.local) ?? address;
  if (local.length !== addressLen(u8(b, 0)) || address.length !== local.length) return 'badlength';
  return { index: le32(b, 4), prefix: u8(b, 1), local: local.slice(), peer: address.slice() };
}

function addressBody(a: Address): Uint8Array {
  const v6 = a.local.length === 16;
  const fixed = new Uint8Array(ifaddrmsgLen);
  fixed[0] = v6 ? af.inet6 : af.inet;
  fixed[1] = a.prefix;
  fixed[2] = v6 ? ifaFlagNodad : 0;
  fixed[3] = v6 && u8(a.local, 0) === 0xfe && (u8(a.local, 1) & 0xc0) === 0x80 ? scopeLink : 0;
  putLe32(fixed, 4, a.index);
  return emitBody(fixed, [
    [ifa.local, a.local],
    [ifa.address, a.peer],
  ]);
}

export const newAddress = (a: Address): Request => ({
  type: rtm.newAddr,
  flags: nlmf.ack | nlmf.create | nlmf.excl,
  body: addressBody(a),
});
export const delAddress = (a: Address): Request => ({
  type: rtm.delAddr,
  flags: nlmf.ack,
  body: addressBody(a),
});
export const getAddresses = (): Request => ({
  type: rtm.getAddr,
  flags: nlmf.dump,
  body: new Uint8Array(ifaddrmsgLen),
});

// Routes -----------------------------------------------------------------------------------------
export interface Route {
  /** 4 or 16 bytes; all zero for a default route. */
  readonly dst: Uint8Array;
  readonly dstLen: number;
  readonly src?: Uint8Array;
  readonly srcLen?: number;
  readonly gateway?: Uint8Array;
  /** Index of the interface; 0 where the kernel finds it by the gateway. */
  readonly oif: number;
  readonly table: number;
  /** Who made it: 2 the kernel, 3 boot, 4 an administrator. */
  readonly protocol: number;
  /** 1 unicast, 2 local, 3 broadcast, 5 multicast. */
  readonly type: number;
  readonly metric: number;
}

const rta = { dst: 1, src: 2, oif: 4, gateway: 5, priority: 6, multipath: 9, table: 15 } as const;
const rtmsgLen = 12;
const scopeLink = 253;
const scopeNowhere = 255;
export const routeTable = { default: 253, main: 254, local: 255 } as const;
export const routeType = { unicast: 1, local: 2, broadcast: 3, multicast: 5 } as const;
/** rtm_protocol of the routes that we make: an unassigned number of those for routing daemons. */
export const routeProtocol = 157;

/** family[1] dst_len[1] src_len[1] tos[1] table[1] protocol[1]
 *  scope[1] type[1] flags[4] attributes */
export function parseRoute(b: Uint8Array): Route | Malformed {
  if (b.length < rtmsgLen) return 'short';
  const a = parseAttributes(b, rtmsgLen);
  if (typeof a === 'string') return a;
  const n = addressLen(u8(b, 0));
  const dst = a.get(rta.dst) ?? new Uint8Array(n);
  const src = a.get(rta.src);
  const hop = a.get(rta.gateway) ?? firstHop(a.get(rta.multipath));
  if (dst.length !== n || (src ?? dst).length !== n) return 'badlength';
  const gateway = hop?.length === n ? { gateway: hop.slice() } : {};
  return {
    dst: dst.slice(),
    dstLen: u8(b, 1),
    ...(src === undefined ? {} : { src: src.slice(), srcLen: u8(b, 2) }),
    ...gateway,
    oif: u32Of(a, rta.oif),
    table: a.has(rta.table) ? u32Of(a, rta.table) : u8(b, 4),
    protocol: u8(b, 5),
    type: u8(b, 7),
    metric: u32Of(a, rta.priority),
  };
}

/** The gateway of the first of several next hops: len[2] flags[1] hops[1] ifindex[4] attributes */
function firstHop(b: Uint8Array | undefined): Uint8Array | undefined {
  if (b === undefined || b.length < 8) return undefined;
  const length = le16(b, 0);
  if (length < 8 || length > b.length) return undefined;
  const a = parseAttributes(b.subarray(0, length), 8);
  return typeof a === 'string' ? undefined : a.get(rta.gateway);
}

function routeBody(r: Route, scope: number): Uint8Array {
  const fixed = new Uint8Array(rtmsgLen);
  fixed[0] = r.dst.length === 16 ? af.inet6 : af.inet;
  fixed[1] = r.dstLen;
  fixed[2] = r.srcLen ?? 0;
  fixed[4] = r.table < 256 ? r.table : 0;
  fixed[5] = r.protocol;
  fixed[6] = scope;
  fixed[7] = r.type;
  const attributes: Attribute[] = [];
  if (r.dstLen > 0) attributes.push([rta.dst, r.dst]);
  if (r.src !== undefined && r.srcLen) attributes.push([rta.src, r.src]);
  if (r.gateway !== undefined) attributes.push([rta.gateway, r.gateway]);
  if (r.oif !== 0) attributes.push([rta.oif, u32Value(r.oif)]);
  if (r.metric !== 0) attributes.push([rta.priority, u32Value(r.metric)]);
  attributes.push([rta.table, u32Value(r.table)]);
  return emitBody(fixed, attributes);
}

export const newRoute = (r: Route): Request => ({
  type: rtm.newRoute,
  flags: nlmf.ack | nlmf.create | nlmf.excl,
  body: routeBody(r, r.gateway === undefined && r.dst.length === 4 ? scopeLink : 0),
});
/** Protocol, type, metric and interface of 0 match any. */
export const delRoute = (r: Route): Request => ({
  type: rtm.delRoute,
  flags: nlmf.ack,
  body: routeBody(r, scopeNowhere),
});

export function getRoutes(family: number): Request {
  const body = new Uint8Array(rtmsgLen);
  body[0] = family;
  return { type: rtm.getRoute, flags: nlmf.dump, body };
}

// Neighbours -------------------------------------------------------------------------------------
const ndmsgLen = 12;
const ndaDst = 1;
const ntfProxy = 8;
const nudPermanent = 0x80;

/** family[1] pad[3] index[4] state[2] flags[1] type[1] attributes: linux/neighbour.h */
function proxyBody(index: number, address: Uint8Array): Uint8Array {
  const fixed = new Uint8Array(ndmsgLen);
  fixed[0] = address.length === 16 ? af.inet6 : af.inet;
  putLe32(fixed, 4, index);
  fixed[8] = nudPermanent;
  fixed[10] = ntfProxy;
  return emitBody(fixed, [[ndaDst, address]]);
}
/** Interface `index` answers for an address that is elsewhere; the same again is no error. */
export const newProxy = (index: number, address: Uint8Array): Request => ({
  type: rtm.newNeigh,
  flags: nlmf.ack | nlmf.create,
  body: proxyBody(index, address),
});
export const delProxy = (index: number, address: Uint8Array): Request => ({
  type: rtm.delNeigh,
  flags: nlmf.ack,
  body: proxyBody(index, address),
});

// Values -----------------------------------------------------------------------------------------
const none = new Uint8Array(0);
const addressLen = (family: number): number => (family === af.inet6 ? 16 : 4);

function u32Of(a: Attributes, type: number): number {
  const b = a.get(type);
  return b === undefined || b.length < 4 ? 0 : le32(b, 0);
}

function u32Value(n: number): Uint8Array {
  const b = new Uint8Array(4);
  putLe32(b, 0, n);
  return b;
}

function nameOf(name: string): Uint8Array {
  const b = utf8(name);
  if (b.length === 0 || b.length >= ifnamsiz) throw new Error(`bad interface name: ${name}`);
  const out = new Uint8Array(b.length + 1);
  out.set(b);
  return out;
}
