/** The protocols, in the order in which `proto` lists them. To add
 *  one: write its file, name it here. */

import { utf8 } from '@9p/packet';
import { type Attrs, parseAttrs } from '../attr.js';
import type { Protocol } from '../protocol.js';
import { chap } from './chap.js';
import { eapMd5 } from './eapmd5.js';
import { eapMschapv2 } from './eapmschapv2.js';
import { mschap, mschapv2 } from './mschap.js';
import { p9any } from './p9any.js';
import { p9sk1 } from './p9sk1.js';
import { pap } from './pap.js';
import { pass } from './pass.js';

export const protocols: readonly Protocol[] = [
  chap,
  eapMd5,
  eapMschapv2,
  mschap,
  mschapv2,
  p9any,
  p9sk1,
  pap,
  pass,
];

export const findProtocol = (name: string): Protocol | undefined =>
  protocols.find((p) => p.name === name);

/** See KeyRules. */
export const checkOf = (name: string): Protocol['check'] => findProtocol(name)?.check;

/** The attributes that a key of `name` must have; see KeyRules. */
export function promptOf(name: string): Attrs | null | undefined {
  const p = findProtocol(name);
  if (p === undefined) return undefined;
  return p.prompt === undefined ? null : parseAttrs(utf8(p.prompt));
}
