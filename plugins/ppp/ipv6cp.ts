/** IPv6 Control Protocol, RFC 5072: each end has an Interface-Identifier that
 *  is not zero and not the other's. */
import { equal } from '@9p/packet';
import type { Random } from 'slashnet/core';
import { isZero } from './address.js';
import { ipv6cpOptions } from './codes.js';
import type { Option } from './options.js';

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

export function initialIpv6cp(random: Random, given?: Uint8Array): Ipv6cpResult {
  return { local: given ?? generate(random), remote: new Uint8Array(id_bytes) };
}

export function ipv6cpOptionSet(r: Ipv6cpResult, random: Random): readonly Option[] {
  return [
    {
      type: ipv6cpOptions.ifid,
      length: [id_bytes, id_bytes],
      wanted: () => r.local,
      acked() {},
      naked(hint) {
        r.local = isZero(hint) ? generate(random, r.local) : hint;
        return undefined;
      },
      rejected: () => 'peer refuses our interface identifier',
      judge: (v) => (isZero(v) || equal(v, r.local) ? generate(random, r.local) : 'ack'),
      suggest: () => generate(random, r.local),
      agreed(v) {
        r.remote = v ?? new Uint8Array(id_bytes);
      },
      missing: () => generate(random, r.local),
    },
  ];
}
