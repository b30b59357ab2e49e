/** Extensible Authentication Protocol, RFC 3748, both roles: identities, Nak, sending again. The
 *  methods are in `auth`, which makes and reads their packets whole. */
import { concat, equal, text, u8 } from '@9p/packet';
import type { Ms } from 'slashnet/core';
import {
  type Answer,
  type AuthHost,
  type AuthMachine,
  type AuthTimers,
  field_bytes,
  never,
  silence_ms,
} from './authentication.js';
import { eapCodes, eapTypes } from './codes.js';
import type { EapMethod } from './eapmethods.js';
import { failureText, mayRetry } from './mschap.js';
import { type Control, clean, parseControl } from './wire.js';

/** Requests until it must have come to an end: RFC 3748 leaves that open, and so might a peer. */
const requests_max = 100;

const empty = new Uint8Array(0);
/** The type of a Request or Response; 0: it has none. */
const typeOf = (c: Control): number => (c.body.length === 0 ? 0 : u8(c.body, 0));

/** Code, identifier and length in front: as `auth` has packets. */
const whole = (c: Control): Uint8Array =>
  concat([c.code, c.id, (c.body.length + 4) >> 8, (c.body.length + 4) & 0xff], c.body);

function control(packet: Uint8Array): Control {
  const c = parseControl(packet, 0, packet.length);
  if (typeof c === 'string') throw new Error(`auth gave no packet of EAP: ${c}`);
  return { ...c, body: c.body.slice() };
}

/** We are asked, and answer. */
export class EapPeer implements AuthMachine {
  readonly #host: AuthHost;
  readonly #t: AuthTimers;
  readonly #methods: readonly EapMethod[];
  /** A challenge of our own must not be answered. */
  readonly #ours: () => Uint8Array | undefined;
  #at: Ms = never;
  /** What was asked last, and the answer to it: said again if it is asked again. */
  #asked: Control | undefined;
  #reply: Control | undefined;
  /** Of which a Request was answered: there is no other until the end. RFC 3748 section 2.1. */
  #method: EapMethod | undefined;
  #requests = 0;
  #user = '';
  /** What a method said about the Failure that follows. */
  #why: string | undefined;
  #done = false;
  /** An end that was not said has been taken for one. */
  #taken = false;

  constructor(
    host: AuthHost,
    t: AuthTimers,
    methods: readonly EapMethod[],
    ours: () => Uint8Array | undefined,
  ) {
    this.#host = host;
    this.#t = t;
    this.#methods = methods;
    this.#ours = ours;
  }

  start(now: Ms): void {
    this.#at = now + silence_ms(this.#t);
  }

  /** The identifiers of Success and Failure are not looked at: pppd sends others. */
  receive(c: Control, now: Ms): void {
    if (c.code === eapCodes.request) this.#requested(c, now);
    else if (c.code === eapCodes.failure) this.#failed(clean(c.body) || 'peer says failure');
    else if (c.code !== eapCodes.success) this.#host.count('eapcode');
    else if (this.#method === undefined) this.#host.count('eapbotch');
    else this.#host.need({ need: 'eappeer', packet: whole(c) });
  }

  /** Success is sent once, and may be lost: RFC 3748 section 4.2. Whether the method had come to
   *  its end is for `auth` to say. */
  indicated(): void {
    if (this.#reply === undefined || this.#method === undefined || this.#taken) return;
    this.#taken = true;
    const success = { code: eapCodes.success, id: this.#reply.id, body: empty };
    this.#host.need({ need: 'eappeer', packet: whole(success) });
  }

  #requested(c: Control, now: Ms): void {
    const again = this.#asked?.id === c.id && equal(this.#asked.body, c.body);
    if (again) {
      if (this.#reply !== undefined) this.#host.send(this.#reply);
      return; // or what it needs is under way
    }
    const type = typeOf(c);
    if (type === 0) return this.#host.count('badlength');
    const method = this.#methods.find((m) => m.type === type);
    if (type === eapTypes.nak) return this.#host.count('eapbotch');
    if (type > eapTypes.nak && this.#method !== undefined && method !== this.#method)
      return this.#host.count('eapmethod');
    if (!this.#done && ++this.#requests > requests_max)
      return this.#failed('the peer asks without an end');
    if (!this.#done) this.#at = now + silence_ms(this.#t);
    this.#asked = { ...c, body: c.body.slice() };
    this.#reply = undefined;
    this.#taken = false;
    if (type === eapTypes.identity) this.#identify();
    else if (type === eapTypes.notification) this.#say([type]);
    else if (method === undefined) this.#say([eapTypes.nak, ...this.#methods.map((m) => m.type)]);
    else this.#answer(method, c);
  }

  /** With it a conversation begins. */
  #identify(): void {
    this.#method = undefined;
    this.#host.need({ need: 'eapidentity', protos: this.#methods.map((m) => m.name) });
  }

  #answer(method: EapMethod, c: Control): void {
    const data = c.body.subarray(1);
    const [ours, value] = [this.#ours(), method.challenge(data)];
    if (ours !== undefined && value !== undefined && equal(ours, value))
      return this.#failed('peer sends our own challenge back');
    const said = method.failure(data);
    this.#why = said === undefined ? undefined : failureText(said);
    this.#host.need({ need: 'eappeer', proto: method.name, packet: whole(c) });
  }

  #say(body: readonly number[] | Uint8Array): void {
    if (this.#asked === undefined) return;
    this.#reply = { code: eapCodes.response, id: this.#asked.id, body: Uint8Array.from(body) };
    this.#host.send(this.#reply);
  }

  answer(a: Answer): void {
    if (a.is === 'error') return this.#failed(a.why);
    if (a.is !== 'eap') throw new Error(`eap answered with ${a.is}`);
    if (a.user !== undefined) this.#user = text(a.user);
    if (a.identity) this.#say(concat([eapTypes.identity], a.user ?? empty));
    else if (a.ended === true) this.#finish(true, '');
    else if (a.packet !== undefined) {
      const { body } = control(a.packet);
      this.#method = this.#methods.find((m) => m.type === u8(body, 0));
      this.#say(body);
    } else {
      this.#taken = false;
      this.#host.count('eapbotch');
    }
  }

  #failed(why: string): void {
    this.#finish(false, this.#why ?? why);
  }
  /** A challenge may come again in the Network phase: it has no timer, since what carries IP need
   *  not be told again that it may. */
  #finish(ok: boolean, message: string): void {
    const known = this.#done && ok;
    this.#at = never;
    this.#done = true;
    this.#method = undefined;
    if (!known) this.#host.done(ok, message, this.#user);
  }

  timeout(now: Ms): void {
    if (now < this.#at) return;
    this.#at = never;
    const why = this.#asked === undefined ? 'no request from the peer' : 'the peer says no more';
    this.#host.done(false, why, this.#user);
  }
  deadline(): Ms {
    return this.#at;
  }
}

/** We ask for an identity, then by a method; the peer may want another of ours. */
export class EapAuthenticator implements AuthMachine {
  readonly #host: AuthHost;
  readonly #t: AuthTimers;
  #at: Ms = never;
  #sent = 0;
  /** Sent, and not answered yet; or the last word. */
  #request: Control;
  /** Those that the peer has not refused; the first is asked by. */
  #left: readonly EapMethod[];
  #user = '';
  /** What is with `auth`; when to send again, should that make nothing of a reply. */
  #judging: 'nothing' | 'method' | 'reply' = 'nothing';
  #due: Ms = never;
  /** The Request is the first of its method: a Nak is an answer to that alone. */
  #first = false;
  #over = false;

  /** `id` is the Identifier to begin with. */
  constructor(host: AuthHost, t: AuthTimers, methods: readonly EapMethod[], id: number) {
    this.#host = host;
    this.#t = t;
    this.#left = methods;
    const body = Uint8Array.of(eapTypes.identity);
    this.#request = { code: eapCodes.request, id: id & 0xff, body };
  }

  /** Against reflection: what the last Request has. */
  get challenge(): Uint8Array | undefined {
    const { code, body } = this.#request;
    const asks = code === eapCodes.request && body[0] === this.#left[0]?.type;
    return asks ? this.#left[0]?.challenge(body.subarray(1)) : undefined;
  }

  start(now: Ms): void {
    this.#send(now);
  }

  #send(now: Ms): void {
    this.#sent++;
    this.#at = now + this.#t.restart_timer_ms;
    this.#host.send(this.#request);
  }

  receive(c: Control, now: Ms): void {
    const type = typeOf(c);
    if (c.code !== eapCodes.response) this.#host.count('eapcode');
    else if (type === 0) this.#host.count('badlength');
    else if (this.#over && c.id === this.#request.id) this.#host.send(this.#request);
    else if (this.#over || this.#judging !== 'nothing' || c.id !== this.#request.id)
      this.#host.count('stalereply');
    else if (typeOf(this.#request) === eapTypes.identity) this.#identified(c, type);
    else if (type === eapTypes.nak) this.#refused(c, now);
    else this.#judge('reply', { packet: whole(c) });
  }

  #identified(c: Control, type: number): void {
    if (type !== eapTypes.identity) return this.#host.count('eapbotch');
    this.#user = clean(c.body.subarray(1), field_bytes);
    this.#begin(this.#t.attempts);
  }

  /** The Nak names what the peer would have; RFC 3748 section 5.3.1. */
  #refused(c: Control, now: Ms): void {
    if (!this.#first) return this.#host.count('eapbotch');
    const wanted = c.body.subarray(1);
    this.#left = this.#left.slice(1).filter((m) => wanted.includes(m.type));
    if (this.#left.length > 0) this.#begin(this.#t.attempts);
    else this.#end(false, 'peer has none of our methods', now);
  }

  #begin(attempts: number): void {
    const method = this.#left[0];
    if (method === undefined) throw new Error('eap without a method');
    this.#judge('method', { proto: method.name, user: this.#user, attempts });
  }
  #judge(
    what: 'method' | 'reply',
    q: { packet: Uint8Array } | { proto: string; user: string; attempts: number },
  ): void {
    this.#judging = what;
    this.#due = this.#at;
    this.#at = never;
    this.#host.need({ need: 'eapserver', ...q });
  }

  answer(a: Answer, now: Ms): void {
    const begun = this.#judging === 'method';
    this.#judging = 'nothing';
    if (a.is === 'error') return this.#end(false, a.why, now);
    if (a.is !== 'eap') throw new Error(`eap answered with ${a.is}`);
    if (a.packet === undefined) {
      // A reply that makes no sense wins no time.
      this.#at = this.#due;
      return this.#host.count('eapbotch');
    }
    const c = control(a.packet);
    const ok = c.code === eapCodes.success;
    if (c.code !== eapCodes.request) return this.#end(ok, ok ? '' : refused, now, c);
    this.#first = begun;
    this.#request = c;
    this.#sent = 0;
    this.#send(now);
    const said = this.#left[0]?.failure(c.body.subarray(1));
    if (said !== undefined && mayRetry(said)) this.#host.failed(refused, this.#user);
  }

  #end(ok: boolean, why: string, now: Ms, last?: Control): void {
    this.#over = true;
    this.#at = ok && this.#t.rechallenge_ms > 0 ? now + this.#t.rechallenge_ms : never;
    const code = ok ? eapCodes.success : eapCodes.failure;
    this.#request = last ?? { code, id: this.#request.id, body: empty };
    this.#host.send(this.#request);
    this.#host.done(ok, why, this.#user);
  }

  /** The peer has to prove again who it is, by the same method. */
  #again(): void {
    this.#over = false;
    this.#begin(1);
  }

  timeout(now: Ms): void {
    if (now < this.#at) return;
    if (this.#over) return this.#again();
    if (this.#sent < this.#t.tries) return this.#send(now);
    this.#at = never;
    this.#host.done(false, `no answer to ${this.#sent} requests`, this.#user);
  }
  deadline(): Ms {
    return this.#at;
  }
}
const refused = 'authentication failed';
