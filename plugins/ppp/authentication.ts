/** The Authenticate phase: what its machines need of the world, and what they get. They hold no
 *  secret: a machine tells what it needs, and the plugin has `auth` answer. */
import type { Ms } from 'slashnet/core';
import type { Control } from './wire.js';

/** What MPPE derives its keys from, RFC 3079: the start key of MS-CHAP, the master key of MS-CHAPv2
 *  (in EAP too). */
export interface MppeKeys {
  readonly method: 'mschap' | 'mschapv2';
  /** 16 bytes, wiped by who made it. */
  readonly key: Uint8Array;
  /** We were the authenticator. */
  readonly server: boolean;
}

/** Asked of `auth`; answered by an Answer with the same `n`. */
export type Need = { readonly n: number } & (
  | { readonly need: 'pap' }
  | {
      readonly need: 'chap';
      readonly method: string;
      readonly id: number;
      readonly challenge: Uint8Array;
      /** As the peer calls itself. */
      readonly name: string;
    }
  | { readonly need: 'challenge'; readonly method: string }
  | { readonly need: 'papcheck'; readonly user: string; readonly password: Uint8Array }
  | {
      readonly need: 'chapcheck';
      readonly method: string;
      readonly user: string;
      readonly id: number;
      readonly response: Uint8Array;
    }
  /** The user's name, for the answer to an Identity request: of a key for any of these. */
  | { readonly need: 'eapidentity'; readonly protos: readonly string[] }
  /** A packet of the peer's for the method that answers; the one before, where none is named. */
  | { readonly need: 'eappeer'; readonly proto?: string; readonly packet: Uint8Array }
  /** The first request of a method to this user, who has so many attempts; or what comes of a
   *  response. */
  | {
      readonly need: 'eapserver';
      readonly proto: string;
      readonly user: string;
      readonly attempts: number;
    }
  | { readonly need: 'eapserver'; readonly packet: Uint8Array }
);

/** `keyed`: there are MppeKeys of it now. */
export type Answer = { readonly n: number; readonly keyed?: boolean } & (
  | { readonly is: 'pap'; readonly user: Uint8Array; readonly password: Uint8Array }
  | {
      readonly is: 'chap';
      readonly user: Uint8Array;
      readonly response: Uint8Array;
      /** With mschapv2: what the peer's Success must have. */
      readonly proof?: Uint8Array;
    }
  | { readonly is: 'challenge'; readonly challenge: Uint8Array }
  /** A packet for the peer, whole; neither that nor the end: what was heard made no sense. */
  | {
      readonly is: 'eap';
      readonly packet?: Uint8Array;
      readonly user?: Uint8Array;
      readonly identity?: boolean;
      readonly ended?: boolean;
    }
  /** The message goes to the peer. With mschapv2 `proof` is ours, for its Success. */
  | {
      readonly is: 'verdict';
      readonly ok: boolean;
      readonly message: string;
      readonly proof?: Uint8Array;
    }
  /** `auth` cannot: no key, hung up. Ours, not the peer's fault. */
  | { readonly is: 'error'; readonly why: string }
);

/** Without `n`, which the session gives. */
export type Unnumbered<T> = T extends unknown ? Omit<T, 'n'> : never;

export interface AuthHost {
  send(c: Control): void;
  need(n: Unnumbered<Need>): void;
  count(reason: string): void;
  /** Once, and again after a new challenge: `message` is the peer's, or why. */
  done(ok: boolean, message: string, user: string): void;
  /** An attempt of the peer's has failed, and it may make another. */
  failed(message: string, user: string): void;
}

/** One direction of one method. */
export interface AuthMachine {
  start(now: Ms): void;
  receive(c: Control, now: Ms): void;
  answer(a: Answer, now: Ms): void;
  timeout(now: Ms): void;
  deadline(): Ms;
  /** The other end behaves as if we had succeeded: its word may have been lost. */
  indicated?(): void;
}

export interface AuthTimers {
  readonly restart_timer_ms: number;
  /** Transmissions of one packet before giving up. */
  readonly tries: number;
  /** How often a peer may try to prove who it is, where the method has a way to let it. */
  readonly attempts: number;
  /** How long after a success the peer has to prove it again; 0: never. */
  readonly rechallenge_ms: Ms;
}

/** The Restart timer of a peer that has the RFC's: ours may be shorter, and says nothing of its. */
const peer_restart_timer_ms = 3000;
/** How long to wait for the first that the peer sends of its own accord. */
export const silence_ms = (t: AuthTimers): Ms =>
  Math.max(t.restart_timer_ms, peer_restart_timer_ms) * t.tries;

export const never = Number.POSITIVE_INFINITY;
/** Longest of PAP's fields. */
export const field_bytes = 255;
/** As much of what the peer says as a line of ours takes. */
export const said_max = 200;
