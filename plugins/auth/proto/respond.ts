/** The client role that the CHAP family shares: a challenge comes, the response to it goes. */
import { attrValue } from '../attr.js';
import {
  type AuthInfo,
  type Exchange,
  failed,
  isOutcome,
  type Outcome,
  ok,
  type Party,
  phaseError,
} from '../protocol.js';

/** As factotum has it for who is not known. */
const nobody = 'none';
const empty = new Uint8Array(0);

/** What differs between them. */
export interface ResponseRules {
  /** The least and the most that a challenge has. */
  readonly bytes: readonly [min: number, max: number];
  response(challenge: Uint8Array, password: Uint8Array, user: string): Response;
}

export interface Response {
  readonly data: Uint8Array;
  /** Shared with the server that takes the response; the caller's to wipe. */
  readonly secret?: Uint8Array;
}

export function respond(party: Party, rules: ResponseRules): Exchange | Outcome {
  const first = party.key();
  if (isOutcome(first)) return first;
  const [min, max] = rules.bytes;
  let phase = 'CNeedChal';
  let data: Uint8Array = empty;
  let info: AuthInfo | undefined;
  return {
    get phase() {
      return phase;
    },
    get info() {
      return info;
    },
    write(challenge) {
      if (phase !== 'CNeedChal') return phaseError;
      if (challenge.length < min) return { is: 'toosmall', bytes: min };
      if (challenge.length > max) return failed('chap botch');
      const key = party.key();
      if (isOutcome(key)) return key;
      const user = attrValue(key.attrs, 'user') ?? nobody;
      const response = rules.response(challenge, key.secret('!password') ?? empty, user);
      data = response.data;
      // The server has not proven who it is.
      if (response.secret !== undefined)
        info = { cuid: user, suid: nobody, secret: response.secret };
      phase = 'CHaveResp';
      return ok;
    },
    read() {
      if (phase !== 'CHaveResp') return phaseError;
      phase = 'Established';
      return { is: 'ok', data };
    },
  };
}
