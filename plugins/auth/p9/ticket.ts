/** The messages of p9sk1 and of the authentication server. authsrv(6). */
import { concat, putLe32, text, u8, utf8 } from '@9p/packet';
import { decrypt, encrypt, key_bytes } from './des.js';

export const challenge_bytes = 8;
/** A name has one byte less: a NUL ends it. */
export const name_bytes = 28;
export const domain_bytes = 48;
export const ticketreq_bytes = 1 + name_bytes + domain_bytes + challenge_bytes + 2 * name_bytes;
export const ticket_bytes = 1 + challenge_bytes + 2 * name_bytes + key_bytes;
export const authenticator_bytes = 1 + challenge_bytes + 4;
export const error_bytes = 64;

/** First bytes: of requests, of replies, of what is enciphered. */
export const kind = {
  treq: 1,
  chal: 2,
  ok: 4,
  err: 5,
  /** A ticket under the server's key, and under the client's. */
  ts: 64,
  tc: 65,
  /** An authenticator made by the server, and by the client. */
  as: 66,
  ac: 67,
} as const;

/** Asks the authentication server for tickets. */
export interface Ticketreq {
  readonly type: number;
  /** Whose key the server has. */
  readonly authid: string;
  readonly authdom: string;
  readonly challenge: Uint8Array;
  /** Whose key the client's host has, and who the client is there. */
  readonly hostid: string;
  readonly uid: string;
}

/** Says that whoever knows `key` is cuid. */
export interface Ticket {
  readonly num: number;
  readonly challenge: Uint8Array;
  readonly cuid: string;
  readonly suid: string;
  readonly key: Uint8Array;
}

/** Proves that one knows the ticket's key. */
export interface Authenticator {
  readonly num: number;
  readonly challenge: Uint8Array;
  readonly id: number;
}

export const putTicketreq = (t: Ticketreq): Uint8Array =>
  concat(
    Uint8Array.of(t.type),
    name(t.authid, name_bytes),
    name(t.authdom, domain_bytes),
    t.challenge,
    name(t.hostid, name_bytes),
    name(t.uid, name_bytes),
  );

/** A ticket request as the server made it, for the user of this host. */
export function forUser(request: Uint8Array, user: string): Uint8Array {
  const theirs = request.subarray(0, ticketreq_bytes - 2 * name_bytes);
  return concat(theirs, name(user, name_bytes), name(user, name_bytes));
}

/** Of 141 bytes. */
export function getTicketreq(b: Uint8Array): Ticketreq {
  const from = new Fields(b);
  return {
    type: from.byte(),
    authid: from.name(name_bytes),
    authdom: from.name(domain_bytes),
    challenge: from.bytes(challenge_bytes),
    hostid: from.name(name_bytes),
    uid: from.name(name_bytes),
  };
}

/** Enciphered under `key`. */
export function putTicket(t: Ticket, key: Uint8Array): Uint8Array {
  const names = concat(name(t.cuid, name_bytes), name(t.suid, name_bytes));
  const b = concat(Uint8Array.of(t.num), t.challenge, names, t.key);
  encrypt(b, key);
  return b;
}

/** Of 72 bytes; under another key than `key` it is noise. */
export function getTicket(b: Uint8Array, key: Uint8Array): Ticket {
  const from = new Fields(b, key);
  const t = {
    num: from.byte(),
    challenge: from.bytes(challenge_bytes),
    cuid: from.sealedName(),
    suid: from.sealedName(),
    key: from.bytes(key_bytes),
  };
  from.wipe();
  return t;
}

export function putAuthenticator(a: Authenticator, key: Uint8Array): Uint8Array {
  const b = concat(Uint8Array.of(a.num), a.challenge, new Uint8Array(4));
  putLe32(b, 1 + challenge_bytes, a.id);
  encrypt(b, key);
  return b;
}

/** A name, padded with NULs. Throws if it does not fit. */
function name(s: string, n: number): Uint8Array {
  const b = utf8(s);
  if (b.length >= n) throw new Error(`a name of more than ${n - 1} bytes`);
  const out = new Uint8Array(n);
  out.set(b);
  return out;
}

export const fits = (s: string, n: number): boolean => utf8(s).length < n;

class Fields {
  readonly #b: Uint8Array;
  #at = 0;
  constructor(b: Uint8Array, key?: Uint8Array) {
    this.#b = new Uint8Array(b);
    if (key !== undefined) decrypt(this.#b, key);
  }
  wipe(): void {
    this.#b.fill(0);
  }
  byte(): number {
    return u8(this.#b, this.#at++);
  }
  bytes(n: number): Uint8Array {
    this.#at += n;
    return this.#b.slice(this.#at - n, this.#at);
  }
  /** Empty too where it is no name: the chaining gives a changed ticket one chance in 256 to be
   *  noise in the middle only. */
  sealedName(): string {
    const b = this.#b.subarray(this.#at, this.#at + name_bytes);
    const name = this.name(name_bytes);
    const clean = b.subarray(utf8(name).length).every((x) => x === 0);
    return clean ? name : '';
  }
  /** Empty where it is no text that could be one. */
  name(n: number): string {
    const b = this.bytes(n);
    const end = b.subarray(0, n - 1).indexOf(0);
    const name = text(b.subarray(0, end < 0 ? n - 1 : end));
    return /^[^\p{Cc}\ufffd]*$/u.test(name) ? name : '';
  }
}
