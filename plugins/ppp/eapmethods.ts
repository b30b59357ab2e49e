/** The methods of EAP that `auth` has: an entry each. What is here is what ppp must read of their
 *  packets itself. */
import { u8 } from '@9p/packet';
import { said_max } from './authentication.js';
import { type AuthMethod, authMethods, eapTypes, protocols } from './codes.js';
import { clean, counted } from './wire.js';

/** `data` is what follows the type of a Request. */
export interface EapMethod {
  readonly type: number;
  /** As `auth` and the verb call it. */
  readonly name: string;
  /** The challenge, where that is what the Request is: ours must not come back. */
  challenge(data: Uint8Array): Uint8Array | undefined;
  /** What it says about a failure, as MS-CHAP's Failure. */
  failure(data: Uint8Array): string | undefined;
}

/** What a message of MSCHAPv2 is: draft-kamath-pppext-eap-mschapv2, section 2. */
const op = { challenge: 1, failure: 4 } as const;
const message_bytes = 4;
const opOf = (data: Uint8Array): number => (data.length < message_bytes ? 0 : u8(data, 0));

/** The best first. */
const eapMethods: readonly EapMethod[] = [
  {
    type: eapTypes.mschapv2,
    name: 'eap-mschapv2',
    challenge: (d) => (opOf(d) === op.challenge ? counted(d, message_bytes) : undefined),
    failure: (d) =>
      opOf(d) === op.failure ? clean(d.subarray(message_bytes), said_max) : undefined,
  },
  {
    type: eapTypes.md5,
    name: 'eap-md5',
    challenge: (d) => counted(d, 0),
    failure: () => undefined,
  },
];

export const eapMethodsOf = (types?: readonly number[]): readonly EapMethod[] =>
  types === undefined ? eapMethods : types.flatMap((t) => eapMethods.filter((m) => m.type === t));

/** All that `auth` names: EAP with any method, and with one alone. */
export const namedMethods: readonly AuthMethod[] = [
  ...authMethods,
  ...eapMethods.map(({ name, type }) => ({ ...eapOf([type]), name })),
];

function eapOf(types: readonly number[]): AuthMethod {
  return { name: 'eap', protocol: protocols.eap, data: [], types };
}

/** LCP has one option for all of EAP, in the place of the first; the method is chosen within. */
export function withOneEap(list: readonly AuthMethod[]): readonly AuthMethod[] {
  const eaps = list.filter((m) => m.protocol === protocols.eap);
  if (eaps.length < 2) return list;
  const any = eaps.find((m) => m.types === undefined);
  const one = any ?? eapOf(eaps.flatMap((m) => m.types ?? []));
  return list.flatMap((m) => (m.protocol !== protocols.eap ? [m] : m === eaps[0] ? [one] : []));
}
