/** Which key an authentication uses, and the verdict of a server role on its peer. */
import type { Wait, Who } from 'slashnet/core';
import { type Attr, type Attrs, attrValue, mergeAttrs } from './attr.js';
import { unguessable } from './digest.js';
import type { Key, KeyRing } from './keys.js';
import { promptOf } from './proto/table.js';
import type { AuthInfo, Claim, Protocol } from './protocol.js';

/** Whoever says whether a peer may in. `attrs` is what start gave; `who` opened the rpc file. */
export type Judge = (c: Claim, p: Protocol, attrs: Attrs, who: Who) => Wait<AuthInfo | undefined>;

/** Judges by the keys of `ring`. A name without a key takes as long as a wrong secret. */
export function keyJudge(ring: KeyRing): Judge {
  const nobody = unguessable(16);
  return (claim, protocol, attrs, who) => {
    const user: Attr = { is: 'value', name: 'user', value: claim.user };
    const key = findKey(ring, protocol, [...attrs, user], who);
    const shared = claim.proven(key?.secret('!password') ?? nobody);
    if (key === undefined || shared === undefined) return undefined;
    return { cuid: claim.user, suid: claim.user, secret: shared };
  };
}

/** A key of the protocol's own, else one of proto=pass where that does. */
export function findKey(
  ring: KeyRing,
  p: Protocol,
  attrs: Attrs,
  who: Who,
  confirm = false,
): Key | undefined {
  const own = ring.find(keyPattern(p.name, attrs), who, confirm);
  if (own !== undefined || !passDoes(p, attrs)) return own;
  return ring.find(keyPattern('pass', attrs), who, confirm);
}

/** What to ask a person for: the key that would serve most. */
export function wantedKey(p: Protocol, attrs: Attrs): Attrs {
  const proto = passDoes(p, attrs) ? 'pass' : p.name;
  const pattern = keyPattern(proto, attrs);
  const prompt = promptOf(proto) ?? [];
  return [...pattern, ...prompt.filter((q) => !pattern.some((a) => a.name === q.name))];
}

const passDoes = (p: Protocol, attrs: Attrs): boolean =>
  p.passService !== undefined && attrValue(attrs, 'service') === p.passService;

/** What a key must have besides what keys of its protocol have anyway. */
export function keyPattern(proto: string, attrs: Attrs): Attrs {
  // The peer's address is for the log, and `tries` the protocol's: no key has them.
  const rest = attrs.filter((a) => !['proto', 'address', 'tries'].includes(a.name));
  return [{ is: 'value', name: 'proto', value: proto }, ...rest];
}

/** The attributes of an authentication once its key is known. */
export function withKey(attrs: Attrs, key: Key): Attrs {
  const open = key.attrs.filter((a) => a.is === 'value' && a.name !== 'proto');
  return mergeAttrs(attrs, open);
}
