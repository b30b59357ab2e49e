/** Which machines run an authentication method; a new method is an
 *  entry here and one in codes.ts. */
import type { AuthHost, AuthMachine, AuthTimers } from './authentication.js';
import { type Algorithm, algorithms, ChapAuthenticator, ChapPeer } from './chap.js';
import { type AuthMethod, chapCodes, eapCodes, papCodes } from './codes.js';
import { EapAuthenticator, EapPeer } from './eap.js';
import { eapMethodsOf } from './eapmethods.js';
import { PapAuthenticator, PapPeer } from './pap.js';

export interface MethodContext {
  /** A random Identifier to begin with. */
  readonly id: number;
  /** What we call ourselves in a challenge. */
  readonly name: string;
  /** Of EAP, as AuthMethod has them. */
  readonly types: readonly number[] | undefined;
  /** The challenge that we sent last. */
  ours(): Uint8Array | undefined;
}

export interface Method {
  /** Proves who we are. */
  peer(h: AuthHost, t: AuthTimers, c: MethodContext): AuthMachine;
  /** Has the peer prove who it is. */
  authenticator(h: AuthHost, t: AuthTimers, c: MethodContext): AuthMachine & Challenger;
  /** Codes that are the authenticator's to receive; the others are the peer's. */
  readonly toAuthenticator: readonly number[];
}
export interface Challenger {
  readonly challenge?: Uint8Array | undefined;
}

const methods: Readonly<Record<string, Method>> = {
  pap: {
    peer: (h, t) => new PapPeer(h, t),
    authenticator: (h, t) => new PapAuthenticator(h, t),
    toAuthenticator: [papCodes.authReq],
  },
  chap: chap(algorithms.chap),
  mschap: chap(algorithms.mschap),
  mschapv2: chap(algorithms.mschapv2),
  eap: {
    peer: (h, t, c) => new EapPeer(h, t, eapMethodsOf(c.types), c.ours),
    authenticator: (h, t, c) => new EapAuthenticator(h, t, eapMethodsOf(c.types), c.id),
    toAuthenticator: [eapCodes.response],
  },
};

function chap(by: Algorithm): Method {
  return {
    peer: (h, t, c) => new ChapPeer(h, t, by, c.ours),
    authenticator: (h, t, c) => new ChapAuthenticator(h, t, by, c.id, c.name),
    toAuthenticator: [chapCodes.response],
  };
}

export function methodFor(m: AuthMethod): Method {
  const found = methods[m.types === undefined ? m.name : 'eap'];
  if (found === undefined) throw new Error(`no machine for ${m.name}`);
  return found;
}
