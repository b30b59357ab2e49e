/** The authentication server of authsrv(6), one connection of it: tickets for who asks with a
 *  ticket request, and for who answers a challenge. It says nothing about which names have keys. */
import { concat, put8, text, utf8 } from '@9p/packet';
import type { Random } from 'slashnet/core';
import { nobodys, sameSecret } from '../digest.js';
import { makeTickets } from '../proto/p9sk1.js';
import { encrypt, key_bytes } from './des.js';
import * as t from './ticket.js';

export interface AuthServerHost {
  readonly random: Random;
  /** `f` of the key of a user of this server; undefined: there is none. */
  withKey<T>(user: string, dom: string, f: (des: Uint8Array) => T): T | undefined;
}

export interface Answer {
  readonly reply: Uint8Array;
  /** Of a login: whose, and did it succeed? */
  readonly login?: { readonly user: string; readonly ok: boolean };
  /** The connection is at its end. */
  readonly last?: boolean;
}

/** What the challenge box is asked and answers: digits, and a NUL. */
const netchallenge_bytes = 16;
const request_bytes_max = t.ticketreq_bytes;

export class AuthServer {
  readonly #host: AuthServerHost;
  #held: Uint8Array = new Uint8Array(0);
  /** A challenge was given: the request that asked for it, and the challenge. */
  #asked: { of: t.Ticketreq; challenge: string } | undefined;

  constructor(host: AuthServerHost) {
    this.#host = host;
  }

  /** Bytes as they come, at most a request more than one answer needs. */
  receive(data: Uint8Array): Answer[] {
    if (this.#held.length + data.length > 8 * request_bytes_max)
      return [{ reply: refusal('too many requests at once'), last: true }];
    this.#held = concat(this.#held, data);
    const out: Answer[] = [];
    for (;;) {
      const n = this.#asked === undefined ? t.ticketreq_bytes : netchallenge_bytes;
      if (this.#held.length < n) return out;
      const message = this.#held.subarray(0, n);
      this.#held = this.#held.slice(n);
      const answer = this.#asked === undefined ? this.#request(message) : this.#response(message);
      out.push(answer);
      if (answer.last) return out;
    }
  }

  #request(message: Uint8Array): Answer {
    const asked = t.getTicketreq(message);
    if (asked.type === t.kind.treq) return { reply: concat([t.kind.ok], this.#tickets(asked)) };
    if (asked.type !== t.kind.chal) return { reply: refusal('unknown ticket request'), last: true };
    const challenge = String(this.#host.random.u32() % 100_000);
    this.#asked = { of: asked, challenge };
    const said = new Uint8Array(netchallenge_bytes);
    said.set(utf8(challenge));
    return { reply: concat([t.kind.ok], said) };
  }

  /** Who is not known gets tickets under a key that nobody has, the same each time: the number, the
   *  challenge and the names are enciphered first, and would show which keys change. */
  #tickets(asked: t.Ticketreq): Uint8Array {
    const { hostid, uid, authid, authdom } = asked;
    const may = hostid === uid && uid !== '';
    const make = (client: Uint8Array, server: Uint8Array): Uint8Array =>
      makeTickets(asked, client, server, this.#host.random);
    return this.#keyOf(may ? hostid : '', authdom, (client) =>
      this.#keyOf(may ? authid : '', authdom, (server) => make(client, server)),
    );
  }

  #response(message: Uint8Array): Answer {
    const { of: asked, challenge } = this.#asked!;
    this.#asked = undefined;
    const end = message.indexOf(0);
    const said = message.subarray(0, end < 0 ? message.length : end);
    const ok = this.#keyOf(asked.uid, asked.authdom, (des) => answers(said, challenge, des));
    const login = { user: asked.uid, ok };
    if (!ok) return { reply: refusal('cr-fail'), login, last: true };
    const key = this.#host.random.bytes(key_bytes);
    const ticket = { challenge: asked.challenge, cuid: asked.uid, suid: asked.uid, key };
    // Here the asker is the server, and there is no authid.
    const sealed = this.#keyOf(asked.hostid, asked.authdom, (des) =>
      t.putTicket({ ...ticket, num: t.kind.ts }, des),
    );
    const proof = t.putAuthenticator({ num: t.kind.ac, challenge: asked.challenge, id: 0 }, key);
    key.fill(0);
    return { reply: concat([t.kind.ok], sealed, proof), login };
  }

  #keyOf<T>(user: string, dom: string, f: (des: Uint8Array) => T): T {
    const nobody = nobodys(`${user}\0${dom}`).subarray(0, key_bytes);
    return this.#host.withKey(user, dom, f) ?? f(nobody);
  }
}

/** AuthErr and a text. */
function refusal(why: string): Uint8Array {
  const out = new Uint8Array(1 + t.error_bytes);
  put8(out, 0, t.kind.err);
  out.set(utf8(why).subarray(0, t.error_bytes - 1), 1);
  return out;
}

/** Is it what a challenge box shows for the challenge: the first four bytes of it enciphered, in
 *  hex, or in digits, with 2 for a, b and c, and 3 for d, e and f? securenet(8) */
export function answers(said: Uint8Array, challenge: string, des: Uint8Array): boolean {
  const block = new Uint8Array(8);
  block.set(utf8(challenge).subarray(0, 7));
  encrypt(block, des);
  const hex = Buffer.from(block.subarray(0, 4)).toString('hex');
  const digits = hex.replace(/[abc]/g, '2').replace(/[def]/g, '3');
  const word = utf8(text(said).trim().toLowerCase());
  const isHex = sameSecret(word, utf8(hex));
  return sameSecret(word, utf8(digits)) || isHex;
}
