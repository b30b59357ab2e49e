/** The server role that PAP and the CHAP family share: perhaps a
 *  challenge, then a name, then a proof. */
import {
  type AuthInfo,
  type Claim,
  type Exchange,
  failed,
  type Outcome,
  ok,
  type Party,
  phaseError,
} from '../protocol.js';

export const tries_max = 5;
/** PAP's Peer-ID-Length and CHAP's Length leave no room for more. RFC 1334 section 2.2.1. */
export const user_bytes_max = 255;

/** What differs between them. */
export interface LoginRules {
  /** Read by the caller before the name is written. Undefined: there is none. */
  readonly challenge?: Uint8Array;
  /** The phase in which the proof is awaited. */
  readonly needProof: string;
  /** What `proof` claims of `user`, or why it is no proof at all. */
  claim(proof: Uint8Array, user: string): Omit<Claim, 'user'> | string;
}

export class Login implements Exchange {
  phase: string;
  info: AuthInfo | undefined;
  readonly #party: Party;
  readonly #rules: LoginRules;
  #user = '';
  #tries = 0;

  constructor(party: Party, rules: LoginRules) {
    this.#party = party;
    this.#rules = rules;
    this.phase = rules.challenge === undefined ? 'SNeedUser' : 'SHaveChal';
  }

  read(): Outcome {
    if (this.phase !== 'SHaveChal' || this.#rules.challenge === undefined) return phaseError;
    this.phase = 'SNeedUser';
    return { is: 'ok', data: this.#rules.challenge.slice() };
  }

  write(data: Uint8Array): Outcome | Promise<Outcome> {
    if (this.phase === 'SNeedUser') return this.#takeUser(data);
    if (this.phase === this.#rules.needProof) return this.#takeProof(data);
    return phaseError;
  }

  #takeUser(data: Uint8Array): Outcome {
    if (data.length > user_bytes_max) return failed('user name too long');
    this.#user = decoder.decode(data);
    this.phase = this.#rules.needProof;
    return ok;
  }

  #takeProof(data: Uint8Array): Outcome | Promise<Outcome> {
    const claim = this.#rules.claim(data, this.#user);
    if (typeof claim === 'string') return failed(claim);
    const verdict = this.#party.judge({ ...claim, user: this.#user });
    if (!(verdict instanceof Promise)) return this.#settle(verdict);
    this.phase = 'SWaitVerdict'; // no second guess while the first is being judged
    return verdict.then(
      (info) => this.#settle(info),
      () => this.#settle(undefined),
    );
  }

  /** Another name and proof may follow a failure, a few times: a
   *  mistyped password, not a search. */
  #settle(info: AuthInfo | undefined): Outcome {
    this.info = info;
    if (info !== undefined) {
      this.phase = 'Established';
      return ok;
    }
    this.phase = ++this.#tries < tries_max ? 'SNeedUser' : 'Broken';
    return failed(this.phase === 'Broken' ? 'too many tries' : 'authentication failed');
  }
}

const decoder = new TextDecoder();
