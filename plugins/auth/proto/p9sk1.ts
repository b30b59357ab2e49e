/** p9sk1, Plan 9's shared keys and tickets: authsrv(6). The client gets two tickets from the
 *  authentication server, one for itself and one for the server, with one key in both. */
import { concat, fromHex, text } from '@9p/packet';
import { type Attrs, attrValue, printable } from '../attr.js';
import { sameBytes } from '../digest.js';
import type { Key } from '../keys.js';
import { key_bytes, passwordKey, secretOf } from '../p9/des.js';
import * as t from '../p9/ticket.js';
import {
  type AuthInfo,
  type Exchange,
  failed,
  isOutcome,
  type Outcome,
  ok,
  type Party,
  type Protocol,
  phaseError,
} from '../protocol.js';

export const p9sk1: Protocol = {
  name: 'p9sk1',
  prompt: 'user? dom? !password?',
  check,
  client,
  server,
};

/** For so long a server takes the answer to its challenge. */
const challenge_ms = 60_000;
const botch = 'auth server protocol botch';
const badKey = 'bad key';

function check(key: Attrs): string | undefined {
  const [user, dom] = [attrValue(key, 'user'), attrValue(key, 'dom')];
  if (user === undefined || dom === undefined) return 'need user and dom attributes';
  if (!t.fits(user, t.name_bytes)) return 'user name too long';
  if (!t.fits(dom, t.domain_bytes)) return 'auth dom name too long';
  const hex = key.find((a) => a.is === 'secret' && a.name === '!hex');
  if (hex?.is === 'secret') return isKey(hex.bytes) ? undefined : 'malformed !hex key data';
  const password = key.some((a) => a.is === 'secret' && a.name === '!password');
  return password ? undefined : 'need !password or !hex attribute';
}

const isKey = (hex: Uint8Array): boolean =>
  hex.length === 2 * key_bytes && /^[0-9a-fA-F]+$/.test(text(hex));

/** `f` of the DES key of `key`, which is wiped then. */
export function withDesKey<T>(key: Key, f: (des: Uint8Array) => T): T {
  const hex = key.secret('!hex');
  const password = key.secret('!password') ?? new Uint8Array(0);
  const des = hex === undefined ? passwordKey(password) : fromHex(text(hex));
  try {
    return f(des);
  } finally {
    des.fill(0);
  }
}

/** Throughout: the peer's challenge, ours, and what the two agreed on. */
abstract class Sk1 implements Exchange {
  abstract phase: string;
  info: AuthInfo | undefined;
  protected readonly party: Party;
  /** Ours. */
  protected readonly challenge: Uint8Array;
  constructor(party: Party) {
    this.party = party;
    this.challenge = party.random.bytes(t.challenge_bytes);
  }
  abstract read(): Outcome;
  abstract write(data: Uint8Array): Outcome | Promise<Outcome>;

  protected broken(why: string): Outcome {
    this.phase = 'Broken';
    return failed(why);
  }
  protected established(ticket: t.Ticket): void {
    this.phase = 'Established';
    this.info = { cuid: ticket.cuid, suid: ticket.suid, secret: secretOf(ticket.key) };
    ticket.key.fill(0);
  }
}

function client(party: Party): Exchange {
  return new Client(party);
}

class Client extends Sk1 {
  phase = 'CHaveChal';
  #ticket: t.Ticket | undefined;
  /** Of the server, and the ticket for it. */
  #theirs: Uint8Array = new Uint8Array(0);
  #forServer: Uint8Array = new Uint8Array(0);

  read(): Outcome {
    if (this.phase === 'CHaveChal') {
      this.phase = 'CNeedTreq';
      return { is: 'ok', data: this.challenge.slice() };
    }
    if (this.phase !== 'CHaveTicket' || this.#ticket === undefined) return phaseError;
    this.phase = 'CNeedAuth';
    const mine = { num: t.kind.ac, challenge: this.#theirs, id: 0 };
    return {
      is: 'ok',
      data: concat(this.#forServer, t.putAuthenticator(mine, this.#ticket.key)),
    };
  }

  write(data: Uint8Array): Outcome | Promise<Outcome> {
    if (this.phase === 'CNeedTreq') {
      if (data.length < t.ticketreq_bytes) return { is: 'toosmall', bytes: t.ticketreq_bytes };
      return this.#takeTicketreq(t.getTicketreq(data), data);
    }
    if (this.phase === 'CNeedAuth') {
      if (data.length < t.authenticator_bytes)
        return { is: 'toosmall', bytes: t.authenticator_bytes };
      return this.#takeAuthenticator(data.subarray(0, t.authenticator_bytes));
    }
    return phaseError;
  }

  #takeTicketreq(asked: t.Ticketreq, request: Uint8Array): Outcome | Promise<Outcome> {
    const wanted = this.party.attr('dom');
    // Another domain's key is not for a server that was chosen for this one.
    if (wanted !== undefined && wanted !== asked.authdom)
      return this.broken(
        `no key matches proto=p9sk1 dom=${printable(wanted)} dom=${printable(asked.authdom)}`,
      );
    const dom = { is: 'value', name: 'dom', value: asked.authdom } as const;
    const party = this.party.as(p9sk1, [dom]);
    const key = party.key();
    if (isOutcome(key)) return key;
    if (asked.type !== t.kind.treq) return this.broken(botch);
    const user = attrValue(key.attrs, 'user') ?? '';
    const address = attrValue(key.attrs, 'auth');
    if (address === undefined) {
      // Who knows the server's own key needs nobody to make its tickets.
      if (asked.authid !== user)
        return this.broken(
          `no authentication server known: a key for ${printable(asked.authdom)} needs auth=`,
        );
      const mine = { ...asked, uid: user };
      const made = withDesKey(key, (des) => makeTickets(mine, des, des, this.party.random));
      return this.#takeTickets(asked, made, key);
    }
    this.phase = 'CWaitTickets'; // no second request while the first is out
    return this.party.tickets(address, t.forUser(request, user)).then(
      (tickets) => {
        const still = party.key(); // ours may be gone, and wiped: zeros, as anybody knows
        if (!isOutcome(still)) return this.#takeTickets(asked, tickets, still);
        this.phase = 'CNeedTreq';
        return still;
      },
      (e: Error) => this.broken(`gettickets: ${e.message}`),
    );
  }

  #takeTickets(asked: t.Ticketreq, tickets: Uint8Array, key: Key): Outcome {
    const mine = withDesKey(key, (des) => t.getTicket(tickets.subarray(0, t.ticket_bytes), des));
    if (mine.num !== t.kind.tc || !sameBytes(mine.challenge, asked.challenge))
      return this.broken(badKey);
    this.#ticket = mine;
    this.#theirs = asked.challenge;
    this.#forServer = tickets.slice(t.ticket_bytes);
    this.phase = 'CHaveTicket';
    return ok;
  }

  #takeAuthenticator(got: Uint8Array): Outcome {
    const ticket = this.#ticket!;
    const right = { num: t.kind.as, challenge: this.challenge, id: 0 };
    if (!sameBytes(got, t.putAuthenticator(right, ticket.key))) return this.broken(botch);
    this.established(ticket);
    return ok;
  }
}

function server(party: Party): Exchange | Outcome {
  const key = party.key();
  return isOutcome(key) ? key : new Server(party);
}

class Server extends Sk1 {
  phase = 'SNeedChal';
  #theirs: Uint8Array = new Uint8Array(0);
  #asked_at = 0;
  #answer: Uint8Array = new Uint8Array(0);
  #ticket: t.Ticket | undefined;

  read(): Outcome {
    if (this.phase === 'SHaveTreq') {
      const key = this.party.key();
      if (isOutcome(key)) return key;
      this.phase = 'SNeedTicket';
      this.#asked_at = this.party.now();
      const authid = attrValue(key.attrs, 'user') ?? '';
      const authdom = attrValue(key.attrs, 'dom') ?? '';
      const { challenge } = this;
      const asked = { type: t.kind.treq, authid, authdom, challenge, hostid: '', uid: '' };
      return { is: 'ok', data: t.putTicketreq(asked) };
    }
    if (this.phase !== 'SHaveAuth' || this.#ticket === undefined) return phaseError;
    this.established(this.#ticket);
    return { is: 'ok', data: this.#answer };
  }

  write(data: Uint8Array): Outcome | Promise<Outcome> {
    if (this.phase === 'SNeedChal') {
      if (data.length < t.challenge_bytes) return { is: 'toosmall', bytes: t.challenge_bytes };
      this.#theirs = data.slice(0, t.challenge_bytes);
      this.phase = 'SHaveTreq';
      return ok;
    }
    if (this.phase !== 'SNeedTicket') return phaseError;
    const bytes = t.ticket_bytes + t.authenticator_bytes;
    if (data.length < bytes) return { is: 'toosmall', bytes };
    const key = this.party.key();
    if (isOutcome(key)) return key;
    if (this.party.now() - this.#asked_at > challenge_ms) return this.broken('challenge expired');
    const ticket = withDesKey(key, (des) => t.getTicket(data.subarray(0, t.ticket_bytes), des));
    return this.#judge(ticket, data.subarray(t.ticket_bytes, bytes));
  }

  #judge(ticket: t.Ticket, authenticator: Uint8Array): Outcome | Promise<Outcome> {
    const right = { num: t.kind.ac, challenge: this.challenge, id: 0 };
    const isTicket =
      ticket.num === t.kind.ts &&
      sameBytes(ticket.challenge, this.challenge) &&
      ticket.cuid !== '' &&
      ticket.suid !== '';
    const proven = sameBytes(authenticator, t.putAuthenticator(right, ticket.key)) && isTicket;
    const { cuid, suid } = ticket;
    // The name in what is no ticket is noise.
    const verdict = proven
      ? this.party.settle(cuid, { cuid, suid, secret: ticket.key })
      : this.party.settle('?', undefined);
    this.phase = 'SWaitVerdict';
    if (verdict instanceof Promise) return verdict.then((info) => this.#take(info, ticket));
    return this.#take(verdict, ticket);
  }

  #take(info: AuthInfo | undefined, ticket: t.Ticket): Outcome {
    if (info === undefined) return this.broken(botch);
    const mine = { num: t.kind.as, challenge: this.#theirs, id: 0 };
    this.#answer = t.putAuthenticator(mine, ticket.key);
    this.#ticket = ticket;
    this.phase = 'SHaveAuth';
    return ok;
  }
}

/** The two tickets that answer a request: for the client and for the server. */
export function makeTickets(
  asked: t.Ticketreq,
  clientKey: Uint8Array,
  serverKey: Uint8Array,
  random: Party['random'],
): Uint8Array {
  const { challenge, uid } = asked;
  const key = random.bytes(key_bytes);
  const ticket = { challenge, cuid: uid, suid: uid, key };
  const both = concat(
    t.putTicket({ ...ticket, num: t.kind.tc }, clientKey),
    t.putTicket({ ...ticket, num: t.kind.ts }, serverKey),
  );
  key.fill(0);
  return both;
}
