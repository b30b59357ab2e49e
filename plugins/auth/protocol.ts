/** What a protocol is to the rest of auth: one record in the table of proto/table.ts. */
import type { Ms, Random, Wait } from 'slashnet/core';
import type { Attrs } from './attr.js';
import type { Key } from './keys.js';

/** A protocol of factotum(4), section "Protocols". */
export interface Protocol {
  readonly name: string;
  /** What its keys must have: 'user? !password?'. Undefined: it takes no keys. */
  readonly prompt?: string;
  /** Why a key of these attributes does not do, in the place of what `prompt` demands. */
  check?(key: Attrs): string | undefined;
  /** For `service=` this a key of proto=pass does where there is none of the protocol's own. */
  readonly passService?: string;
  /** The role if start names none. Undefined: one must be named. */
  readonly role?: 'client' | 'server';
  /** Begin. An outcome in the place of an exchange says why not. */
  readonly client?: (p: Party) => Exchange | Outcome;
  readonly server?: (p: Party) => Exchange | Outcome;
}

/** One authentication under way. The phases are named as factotum names them. */
export interface Exchange {
  /** 'Established': done; 'Broken': it can only end. */
  readonly phase: string;
  /** Who the peer is and what is shared with it: told once Established, wiped at the end. */
  readonly info?: AuthInfo | undefined;
  /** Bytes for the peer. */
  read(): Wait<Outcome>;
  /** Bytes from the peer: the callee's to keep until it is done, then wiped. */
  write(data: Uint8Array): Wait<Outcome>;
}

export type Outcome =
  /** data: wiped when it was read. */
  | { readonly is: 'ok'; readonly data?: Uint8Array }
  /** The message must have this many bytes. */
  | { readonly is: 'toosmall'; readonly bytes: number }
  /** Not in this phase. */
  | { readonly is: 'phase' }
  | { readonly is: 'needkey'; readonly template: Attrs }
  /** A person must agree that the key is used. */
  | { readonly is: 'confirm'; readonly key: Key }
  | { readonly is: 'error'; readonly why: string };

/** authinfo, as auth(2) has it. */
export interface AuthInfo {
  readonly cuid: string;
  readonly suid: string;
  /** Shared with the peer from now on. */
  readonly secret: Uint8Array;
}

/** What an exchange may ask of the authentication it is part of. */
export interface Party {
  readonly random: Random;
  /** The value of an attribute that start gave. */
  attr(name: string): string | undefined;
  /** The key to use now, or the outcome that says which is wanted. It is looked up anew at each
   *  call, for keys come and go while a peer thinks. An exchange that passes such an outcome on
   *  must be as it was: the step is done again when a person has helped. */
  key(): Key | Outcome;
  /** The same authentication by another protocol, with these attributes in place of its own. */
  as(protocol: Protocol, more: Attrs): Party;
  /** The value of an attribute of each key that would do for `protocol`. */
  valuesOf(name: string, protocol: Protocol): readonly string[];
  now(): Ms;
  /** What the authentication server at a dial string says to a request. It fails with one line. */
  tickets(address: string, request: Uint8Array): Promise<Uint8Array>;
  /** May the peer in? Asked of whoever judges: the keys here, or a RADIUS server some day. */
  judge(claim: Claim): Wait<AuthInfo | undefined>;
  /** The verdict is known already: it is counted and logged, and a failure costs the peer time. */
  settle(user: string, info: AuthInfo | undefined): Wait<AuthInfo | undefined>;
}

/** What a peer offers to prove that it is `user`. */
export interface Claim {
  readonly user: string;
  /** The secret shared from now on if `secret` is the user's (empty where the protocol makes
   *  none), else undefined. Takes constant time. */
  proven(secret: Uint8Array): Uint8Array | undefined;
  /** For judges that cannot hand out the secret: what was asked, and what the peer answered. */
  readonly challenge?: Uint8Array;
  readonly response: Uint8Array;
}

export const ok = { is: 'ok' } as const satisfies Outcome;
export const phaseError = { is: 'phase' } as const satisfies Outcome;
export const failed = (why: string): Outcome & { is: 'error' } => ({ is: 'error', why });

/** Is it an outcome, not what it stands in place of? */
export const isOutcome = (x: Exchange | Key | Outcome): x is Outcome => 'is' in x;
