/** IPv6 Control Protocol, RFC 5072: each end has an Interface-Identifier that
 *  is not zero and not the other's. */
import { equal } from '@9p/packet';
import type { Random } from 'slashnet/core';
import { isZero, linkLocal } from './address.js';
import { ipv6cpOptions } from './codes.js';
import type { Option, Verdict } from './options.js';

export interface Ipv6cpResult {
  local: Uint8Array;
  remote: Uint8Array;
}

export const id_bytes = 8;

/** A random identifier, its universal bit clear (RFC 5072 4.1), unlike `not`. */
export function generate(random: Random, not: Uint8Array = new Uint8Array(id_bytes)): Uint8Array {
  for (;;) {
    const id = random.bytes(id_bytes);
    id[0] = (id[0] ?? 0) & ~0x02;
    if (!isZero(id) && !equal(id, not)) return id;
  }
}

export interface Ipv6cpConfig {
  /** Ours to begin with; else a random one. */
  readonly id?: Uint8Array;
  /** The peer's, and no other. */
  readonly peerId?: Uint8Array;
}

export function initialIpv6cp(random: Random, { id, peerId }: Ipv6cpConfig = {}): Ipv6cpResult {
  return { local: id ?? generate(random, peerId), remote: new Uint8Array(id_bytes) };
}

export const ipv6cpOptionSet = (
  r: Ipv6cpResult,
  random: Random,
  peerId?: Uint8Array,
): readonly Option[] => [new InterfaceId(r, random, peerId)];

class InterfaceId implements Option {
  readonly #r: Ipv6cpResult;
  readonly #random: Random;
  readonly #peerId: Uint8Array | undefined;

  constructor(r: Ipv6cpResult, random: Random, peerId: Uint8Array | undefined) {
    this.#peerId = peerId;
    this.#r = r;
    this.#random = random;
  }
  get type(): number {
    return ipv6cpOptions.ifid;
  }
  get length(): readonly [number, number] {
    return eight;
  }
  wanted(): Uint8Array {
    return this.#r.local;
  }
  acked(): void {}
  naked(hint: Uint8Array): undefined {
    this.#r.local = isZero(hint) || equal(hint, this.#r.remote) ? this.#other() : hint;
  }
  #other(): Uint8Array {
    return generate(this.#random, this.#r.local);
  }
  rejected(): string {
    return 'peer refuses our interface identifier';
  }
  judge(v: Uint8Array): Verdict {
    const right = this.#peerId;
    const good = right === undefined ? !isZero(v) && !equal(v, this.#r.local) : equal(v, right);
    return good ? 'ack' : this.suggest();
  }
  insists(v: Uint8Array): string | undefined {
    const why = isZero(v) ? undefined : `ipv6cp: peer wants to be ${linkLocal(v)}`;
    return this.#peerId && why;
  }
  suggest(): Uint8Array {
    return this.#peerId ?? this.#other();
  }
  agreed(v: Uint8Array | undefined): void {
    this.#r.remote = v ?? new Uint8Array(id_bytes);
  }
  missing(): Uint8Array {
    return this.suggest();
  }
}
const eight: readonly [number, number] = [id_bytes, id_bytes];
