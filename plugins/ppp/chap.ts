/** Challenge Handshake Authentication Protocol, RFC 1994, both
 *  roles; the digest is made by `auth`. */
import { concat, equal, text, u8, utf8 } from '@9p/packet';
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
import { chapCodes } from './codes.js';
import { type Control, clean, counted } from './wire.js';

/** Bytes of an MD5 response. */
export const response_bytes = 16;

/** value-size[1] value[] name[] */
function valueAndName(c: Control): { value: Uint8Array; name: Uint8Array } | undefined {
  const value = counted(c.body, 0);
  if (value === undefined || value.length === 0) return undefined;
  return { value, name: c.body.subarray(1 + value.length) };
}

/** We answer challenges, at the start and whenever else the peer likes. */
export class ChapPeer implements AuthMachine {
  readonly #host: AuthHost;
  readonly #t: AuthTimers;
  /** A challenge that we sent ourselves must not be answered: a reflected one. */
  readonly #ours: () => Uint8Array | undefined;
  #at: Ms = never;
  #asked: { id: number; challenge: Uint8Array } | undefined;
  #reply: Control | undefined;
  #waiting = false;
  #sent = 0;
  #user = '';

  constructor(host: AuthHost, t: AuthTimers, ours: () => Uint8Array | undefined = () => undefined) {
    this.#host = host;
    this.#t = t;
    this.#ours = ours;
  }

  start(now: Ms): void {
    this.#at = now + silence_ms(this.#t);
  }

  receive(c: Control, now: Ms): void {
    if (c.code === chapCodes.challenge) this.#challenged(c, now);
    else if (c.code !== chapCodes.success && c.code !== chapCodes.failure)
      this.#host.count('chapcode');
    else if (!this.#waiting || c.id !== this.#reply?.id) this.#host.count('stalereply');
    else {
      this.#waiting = false;
      this.#at = never;
      this.#host.done(c.code === chapCodes.success, clean(c.body), this.#user);
    }
  }

  #challenged(c: Control, now: Ms): void {
    const v = valueAndName(c);
    if (v === undefined) {
      this.#host.count('badlength');
      return;
    }
    const again = this.#asked?.id === c.id && equal(this.#asked.challenge, v.value);
    if (again) {
      if (this.#reply !== undefined) this.#host.send(this.#reply);
      return; // what it needs is under way
    }
    const ours = this.#ours();
    if (ours !== undefined && equal(ours, v.value)) {
      this.#host.done(false, 'peer sends our own challenge back', '');
      return;
    }
    this.#at = now + this.#t.restart_timer_ms * this.#t.tries;
    this.#reply = undefined;
    this.#waiting = false;
    this.#asked = { id: c.id, challenge: v.value.slice() };
    this.#host.need({ need: 'chap', ...this.#asked, name: clean(v.name) });
  }

  answer(a: Answer, now: Ms): void {
    if (this.#asked === undefined || this.#reply !== undefined) return;
    if (a.is === 'error') {
      this.#at = never;
      this.#host.done(false, a.why, this.#user);
      return;
    }
    if (a.is !== 'chap') throw new Error(`chap answered with ${a.is}`);
    this.#user = text(a.user);
    const body = concat([a.response.length], a.response, a.user);
    this.#reply = { code: chapCodes.response, id: this.#asked.id, body };
    this.#waiting = true;
    this.#sent = 0;
    this.#send(this.#reply, now);
  }

  /** Again and again, since the Success may be lost: the
   *  authenticator must allow it (RFC 1994 4.2). */
  #send(reply: Control, now: Ms): void {
    this.#sent++;
    this.#at = now + this.#t.restart_timer_ms;
    this.#host.send(reply);
  }

  timeout(now: Ms): void {
    if (now < this.#at) return;
    if (this.#waiting && this.#reply !== undefined && this.#sent < this.#t.tries) {
      this.#send(this.#reply, now);
      return;
    }
    this.#at = never;
    const why = this.#waiting
      ? `no answer to ${this.#sent} responses`
      : 'no challenge from the peer';
    this.#host.done(false, why, this.#user);
  }
  deadline(): Ms {
    return this.#at;
  }
}

/** We challenge the peer; a wrong response ends it. */
export class ChapAuthenticator implements AuthMachine {
  readonly #host: AuthHost;
  readonly #t: AuthTimers;
  readonly #name: string;
  #at: Ms = never;
  #id: number;
  #challenge: Uint8Array | undefined;
  #sent = 0;
  #user = '';
  #checking = false;
  #verdict: Control | undefined;

  /** `id` is the Identifier to begin with; `name` what we call ourselves. */
  constructor(host: AuthHost, t: AuthTimers, id: number, name: string) {
    this.#host = host;
    this.#t = t;
    this.#id = id & 0xff;
    this.#name = name;
  }

  /** Against reflection: what we last sent. */
  get challenge(): Uint8Array | undefined {
    return this.#challenge;
  }

  start(): void {
    this.#host.need({ need: 'challenge' });
  }

  answer(a: Answer, now: Ms): void {
    if (a.is === 'challenge') this.#begin(a.challenge, now);
    else if (a.is === 'verdict') this.#judge(a.ok, a.message, a.message);
    else if (a.is !== 'error') throw new Error(`chap answered with ${a.is}`);
    else if (this.#checking) this.#judge(false, 'authentication is not available', a.why);
    else this.#host.done(false, a.why, this.#user);
  }

  #begin(challenge: Uint8Array, now: Ms): void {
    if (this.#challenge !== undefined) return;
    this.#challenge = challenge.slice(0, field_bytes);
    this.#send(now);
  }

  #send(now: Ms): void {
    const challenge = this.#challenge;
    if (challenge === undefined) throw new Error('no challenge to send');
    this.#sent++;
    this.#at = now + this.#t.restart_timer_ms;
    const body = concat([challenge.length], challenge, utf8(this.#name));
    this.#host.send({ code: chapCodes.challenge, id: this.#id, body });
  }

  receive(c: Control): void {
    const v = valueAndName(c);
    if (c.code !== chapCodes.response) this.#host.count('chapcode');
    else if (this.#challenge === undefined || c.id !== this.#id) this.#host.count('stalereply');
    else if (v === undefined || u8(c.body, 0) !== response_bytes) this.#host.count('badlength');
    else if (this.#verdict !== undefined) this.#host.send(this.#verdict);
    else if (!this.#checking) {
      this.#checking = true;
      this.#at = never;
      this.#user = clean(v.name, field_bytes);
      const response = v.value.slice();
      this.#host.need({ need: 'chapcheck', user: this.#user, id: c.id, response });
    }
  }

  #judge(ok: boolean, message: string, why: string): void {
    if (!this.#checking || this.#verdict !== undefined) return;
    const code = ok ? chapCodes.success : chapCodes.failure;
    this.#verdict = { code, id: this.#id, body: utf8(message).slice(0, field_bytes) };
    this.#host.send(this.#verdict);
    this.#host.done(ok, why, this.#user);
  }

  timeout(now: Ms): void {
    if (now < this.#at) return;
    if (this.#sent < this.#t.tries) this.#send(now);
    else {
      this.#at = never;
      this.#host.done(false, `no answer to ${this.#sent} challenges`, '');
    }
  }
  deadline(): Ms {
    return this.#at;
  }
}
