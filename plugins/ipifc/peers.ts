/** Who lies behind which address: the table by which one interface serves many links. Looked at
 *  once a packet, so it makes no objects there; the longest prefix wins. */
import { u8, u32 } from '@9p/packet';
import { bitsOf, type Ip, masked } from './ip.js';

interface Entry<T> {
  readonly net: Ip;
  readonly bits: number;
  readonly to: T;
  /** Another prefix of the same length and hash. */
  next: Entry<T> | undefined;
}

/** One length of prefix: its entries by hash. */
interface Length<T> {
  readonly bits: number;
  readonly masks: Uint32Array;
  readonly entries: Map<number, Entry<T>>;
  count: number;
}

export const prefixes_max = 65_536;

/** Offsets of the destination in an IPv4 (RFC 791) and an IPv6 header (RFC 8200). */
const destination = { v4: 16, v6: 24 } as const;
const source = { v4: 12, v6: 8 } as const;

export class Peers<T> {
  /** Longest first. */
  readonly #v4: Length<T>[] = [];
  readonly #v6: Length<T>[] = [];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Who the packet at b[start..end] is for; undefined for nobody, and for what is no IP packet. */
  to(b: Uint8Array, start: number, end: number): T | undefined {
    const version = u8(b, start) >>> 4;
    if (version === 4)
      return end - start < 20 ? undefined : this.#find4(u32(b, start + destination.v4));
    return version === 6 && end - start >= 40 ? this.#find6(b, start + destination.v6) : undefined;
  }

  /** Who the packet ought to come from. */
  from(b: Uint8Array, start: number, end: number): T | undefined {
    const version = u8(b, start) >>> 4;
    if (version === 4) return end - start < 20 ? undefined : this.#find4(u32(b, start + source.v4));
    return version === 6 && end - start >= 40 ? this.#find6(b, start + source.v6) : undefined;
  }

  #find4(address: number): T | undefined {
    for (const l of this.#v4) {
      const e = l.entries.get((address & (l.masks[0] as number)) >>> 0);
      if (e !== undefined) return e.to;
    }
    return undefined;
  }

  #find6(b: Uint8Array, o: number): T | undefined {
    for (const l of this.#v6) {
      let e = l.entries.get(hash6(b, o, l.masks));
      for (; e !== undefined; e = e.next) if (same6(b, o, e.net, l.masks)) return e.to;
    }
    return undefined;
  }

  #lengths(family: number): Length<T>[] {
    return family === 4 ? this.#v4 : this.#v6;
  }

  get(ip: Ip, bits = bitsOf(ip)): T | undefined {
    const net = masked(ip, bits);
    const l = this.#lengths(ip.length).find((x) => x.bits === bits);
    for (let e = l?.entries.get(hashOf(net, l)); e !== undefined; e = e.next)
      if (same(e.net, net)) return e.to;
    return undefined;
  }

  /** False if the prefix has somebody already, or the table is full. */
  add(ip: Ip, bits: number, to: T): boolean {
    if (this.#size >= prefixes_max || this.get(ip, bits) !== undefined) return false;
    const net = masked(ip, bits);
    const l = this.#length(ip.length, bits);
    const at = hashOf(net, l);
    l.entries.set(at, { net, bits, to, next: l.entries.get(at) });
    l.count++;
    this.#size++;
    return true;
  }

  #length(family: number, bits: number): Length<T> {
    const lengths = this.#lengths(family);
    const had = lengths.find((l) => l.bits === bits);
    if (had !== undefined) return had;
    const l: Length<T> = { bits, masks: maskWords(family, bits), entries: new Map(), count: 0 };
    lengths.push(l);
    lengths.sort((a, b) => b.bits - a.bits);
    return l;
  }

  /** Forget one prefix; who it was. */
  remove(ip: Ip, bits: number): T | undefined {
    const lengths = this.#lengths(ip.length);
    const i = lengths.findIndex((x) => x.bits === bits);
    const l = lengths[i];
    if (l === undefined) return undefined;
    const gone = unlink(l, masked(ip, bits));
    if (gone === undefined) return undefined;
    this.#size--;
    if (--l.count === 0) lengths.splice(i, 1);
    return gone.to;
  }

  /** Every prefix, for listings and for what goes with one peer. */
  *all(): Generator<{ ip: Ip; bits: number; to: T }> {
    for (const l of [...this.#v4, ...this.#v6])
      for (const first of l.entries.values())
        for (let e: Entry<T> | undefined = first; e !== undefined; e = e.next)
          yield { ip: e.net, bits: e.bits, to: e.to };
  }
}

function unlink<T>(l: Length<T>, net: Ip): Entry<T> | undefined {
  const at = hashOf(net, l);
  let before: Entry<T> | undefined;
  for (let e = l.entries.get(at); e !== undefined; before = e, e = e.next) {
    if (!same(e.net, net)) continue;
    if (before !== undefined) before.next = e.next;
    else if (e.next !== undefined) l.entries.set(at, e.next);
    else l.entries.delete(at);
    return e;
  }
  return undefined;
}

function maskWords(family: number, bits: number): Uint32Array {
  const out = new Uint32Array(family / 4);
  const net = masked(new Uint8Array(family).fill(0xff), bits);
  for (let i = 0; i < out.length; i++) out[i] = u32(net, 4 * i);
  return out;
}

const hashOf = <T>(net: Ip, l: Length<T>): number =>
  net.length === 4 ? u32(net, 0) : hash6(net, 0, l.masks);

function hash6(b: Uint8Array, o: number, m: Uint32Array): number {
  let h = u32(b, o) & (m[0] as number);
  h = Math.imul(h, 31) + (u32(b, o + 4) & (m[1] as number));
  h = Math.imul(h, 31) + (u32(b, o + 8) & (m[2] as number));
  return (Math.imul(h, 31) + (u32(b, o + 12) & (m[3] as number))) >>> 0;
}

function same6(b: Uint8Array, o: number, net: Ip, m: Uint32Array): boolean {
  for (let i = 0; i < 4; i++)
    if ((u32(b, o + 4 * i) & (m[i] as number)) >>> 0 !== u32(net, 4 * i)) return false;
  return true;
}

function same(a: Ip, b: Ip): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
