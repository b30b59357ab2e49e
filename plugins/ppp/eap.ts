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
import { type Control, clean, parseControl } from './wire.js';

/** What `auth` has for a type, the best first. */
const methods = [
  { type: eapTypes.mschapv2, proto: 'eap-mschapv2' },
  { type: eapTypes.md5, proto: 'eap-md5' },
] as const;
type Method = (typeof methods)[number];
const methodOf = (type: number): Method | undefined => methods.find((m) => m.type === type);

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
  #at: Ms = never;
  /** What was asked last, and the answer to it: said again if it is asked again. */
  #asked: Control | undefined;
  #reply: Control | undefined;
  #user = '';
  /** Why a method of ours gave up, told once the peer has said Failure. */
  #why = '';
  #done = false;
  /** An end that was not said has been taken for one. */
  #taken = false;

  constructor(host: AuthHost, t: AuthTimers) {
    this.#host = host;
    this.#t = t;
  }

  start(now: Ms): void {
    this.#at = now + silence_ms(this.#t);
  }

  receive(c: Control, now: Ms): void {
    if (c.code === eapCodes.request) this.#requested(c, now);
    else if (c.code === eapCodes.failure) this.#failed(clean(c.body) || 'peer says failure');
    else if (c.code === eapCodes.success) this.#host.need({ need: 'eappeer', packet: whole(c) });
    else this.#host.count('eapcode');
  }

  /** Success is sent once, and may be lost: RFC 3748 section 4.2. Whether the method had come to
   *  its end is for `auth` to say. */
  indicated(): void {
    if (this.#reply === undefined || this.#done || this.#taken) return;
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
    this.#at = now + silence_ms(this.#t);
    this.#asked = { ...c, body: c.body.slice() };
    this.#reply = undefined;
    this.#taken = false;
    const method = methodOf(type);
    if (type === eapTypes.identity) this.#host.need({ need: 'eapidentity' });
    else if (type === eapTypes.notification) this.#say([type]);
    else if (method === undefined) this.#say([eapTypes.nak, ...methods.map((m) => m.type)]);
    else this.#host.need({ need: 'eappeer', proto: method.proto, packet: whole(c) });
  }

  #say(body: readonly number[] | Uint8Array): void {
    if (this.#asked === undefined) return;
    this.#reply = { code: eapCodes.response, id: this.#asked.id, body: Uint8Array.from(body) };
    this.#host.send(this.#reply);
  }

  answer(a: Answer): void {
    if (a.is === 'error') {
      this.#failed(a.why);
      return;
    }
    if (a.is !== 'eap') throw new Error(`eap answered with ${a.is}`);
    if (a.user !== undefined) this.#user = text(a.user);
    if (a.why !== undefined) this.#why = a.why;
    if (a.identity) this.#say(concat([eapTypes.identity], a.user ?? empty));
    else if (a.ended === true) this.#finish(true, '');
    else if (a.packet !== undefined) this.#say(control(a.packet).body);
    else {
      this.#taken = false;
      this.#host.count('eapbotch');
    }
  }

  #failed(why: string): void {
    this.#finish(false, this.#why || why);
  }
  /** A challenge may come again in the Network phase: only a failure changes what was said. */
  #finish(ok: boolean, message: string): void {
    this.#at = never;
    if (this.#done && ok) return;
    this.#done = true;
    this.#host.done(ok, message, this.#user);
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
  #left: readonly Method[] = methods;
  #user = '';
  /** A packet of the peer's is with `auth`. */
  #judging = false;
  #over = false;

  /** `id` is the Identifier to begin with. */
  constructor(host: AuthHost, t: AuthTimers, id: number) {
    this.#host = host;
    this.#t = t;
    const body = Uint8Array.of(eapTypes.identity);
    this.#request = { code: eapCodes.request, id: id & 0xff, body };
  }

  start(now: Ms): void {
    this.#send(now);
  }

  #ask(c: Control, now: Ms): void {
    this.#request = c;
    this.#sent = 0;
    this.#send(now);
  }
  #send(now: Ms): void {
    this.#sent++;
    this.#at = now + this.#t.restart_timer_ms;
    this.#host.send(this.#request);
  }

  receive(c: Control): void {
    const type = typeOf(c);
    if (c.code !== eapCodes.response) this.#host.count('eapcode');
    else if (type === 0) this.#host.count('badlength');
    else if (this.#over && c.id === this.#request.id) this.#host.send(this.#request);
    else if (this.#over || this.#judging || c.id !== this.#request.id)
      this.#host.count('stalereply');
    else if (typeOf(this.#request) === eapTypes.identity) this.#identified(c, type);
    else if (type === eapTypes.nak) this.#refused(c);
    else this.#ask_auth({ packet: whole(c) });
  }

  #identified(c: Control, type: number): void {
    if (type !== eapTypes.identity) return this.#host.count('eapbotch');
    this.#user = clean(c.body.subarray(1), field_bytes);
    this.#begin();
  }

  /** The Nak names what the peer would have; RFC 3748 section 5.3.1. */
  #refused(c: Control): void {
    const asked = typeOf(this.#request);
    const wanted = [...c.body.subarray(1)];
    this.#left = this.#left.filter((m) => m.type !== asked && wanted.includes(m.type));
    if (this.#left.length > 0) this.#begin();
    else this.#end(false, 'peer has none of our methods');
  }

  #begin(): void {
    const method = this.#left[0];
    if (method !== undefined) this.#ask_auth({ proto: method.proto, user: this.#user });
  }
  #ask_auth(q: { packet: Uint8Array } | { proto: string; user: string }): void {
    this.#judging = true;
    this.#at = never;
    this.#host.need({ need: 'eapserver', ...q });
  }

  answer(a: Answer, now: Ms): void {
    this.#judging = false;
    if (a.is === 'error') return this.#end(false, a.why);
    if (a.is !== 'eap') throw new Error(`eap answered with ${a.is}`);
    if (a.packet === undefined) {
      this.#host.count('eapbotch'); // it is asked again when the time comes
      this.#at = now + this.#t.restart_timer_ms;
      return;
    }
    const c = control(a.packet);
    if (c.code === eapCodes.request) this.#ask(c, now);
    else this.#end(c.code === eapCodes.success, c.code === eapCodes.success ? '' : refused, c);
  }

  #end(ok: boolean, why: string, last?: Control): void {
    this.#over = true;
    this.#at = never;
    const code = ok ? eapCodes.success : eapCodes.failure;
    this.#request = last ?? { code, id: this.#request.id, body: empty };
    this.#host.send(this.#request);
    this.#host.done(ok, why, this.#user);
  }

  timeout(now: Ms): void {
    if (now < this.#at) return;
    if (this.#sent < this.#t.tries) return this.#send(now);
    this.#at = never;
    this.#host.done(false, `no answer to ${this.#sent} requests`, this.#user);
  }
  deadline(): Ms {
    return this.#at;
  }
}
const refused = 'authentication failed';
