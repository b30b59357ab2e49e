/** Challenge Handshake Authentication Protocol, RFC 1994, both roles, with its algorithms MD5,
 *  MS-CHAP (RFC 2433) and MS-CHAPv2 (RFC 2759). The responses are made by `auth`. */
import { concat, equal, text, utf8 } from '@9p/packet';
import type { Ms } from 'slashnet/core';
import {
  type Answer,
  type AuthHost,
  type AuthMachine,
  type AuthTimers,
  field_bytes,
  never,
  said_max,
  silence_ms,
} from './authentication.js';
import { chapCodes } from './codes.js';
import { failure, failureText, proves, success } from './mschap.js';
import { type Control, clean, counted } from './wire.js';

/** What the algorithms differ in. */
export interface Algorithm {
  readonly method: 'chap' | 'mschap' | 'mschapv2';
  readonly response_bytes: number;
  /** Of the Microsoft ones: the version that a Failure names. It may allow another try. */
  readonly version?: number;
}
export const algorithms = {
  chap: { method: 'chap', response_bytes: 16 },
  mschap: { method: 'mschap', response_bytes: 49, version: 2 },
  mschapv2: { method: 'mschapv2', response_bytes: 49, version: 3 },
} as const satisfies Readonly<Record<string, Algorithm>>;

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
  readonly #by: Algorithm;
  /** A challenge that we sent ourselves must not be answered: a reflected one. */
  readonly #ours: () => Uint8Array | undefined;
  #at: Ms = never;
  #asked: { id: number; challenge: Uint8Array } | undefined;
  #reply: Control | undefined;
  /** What the Success must have. */
  #proof: Uint8Array | undefined;
  #waiting = false;
  #sent = 0;
  #user = '';

  constructor(
    host: AuthHost,
    t: AuthTimers,
    by: Algorithm,
    ours: () => Uint8Array | undefined = () => undefined,
  ) {
    this.#host = host;
    this.#t = t;
    this.#by = by;
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
      this.#judged(c.code === chapCodes.success, c.body);
    }
  }

  /** A peer that has no proof of its own is not whom we dialled. */
  #judged(ok: boolean, body: Uint8Array): void {
    const said = clean(body, said_max);
    const bad = ok && this.#proof !== undefined && !proves(body, this.#proof);
    if (bad) this.#host.done(false, 'bad authenticator', this.#user);
    else if (ok) this.#host.done(true, said.replace(/^S=\S*\s*(M=)?/, ''), this.#user);
    else this.#host.done(false, this.#by.version ? failureText(said) : said, this.#user);
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
    const { method } = this.#by;
    this.#host.need({ need: 'chap', method, ...this.#asked, name: clean(v.name) });
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
    this.#proof = a.proof;
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
    this.#host.done(false, this.#missed(), this.#user);
  }
  #missed(): string {
    if (this.#waiting) return `no answer to ${this.#sent} responses`;
    if (this.#asked === undefined) return 'no challenge from the peer';
    return `no answer from auth in ${(this.#t.restart_timer_ms * this.#t.tries) / 1000} s`;
  }
  deadline(): Ms {
    return this.#at;
  }
}

/** We challenge the peer; a wrong response ends it, unless another try is allowed. */
export class ChapAuthenticator implements AuthMachine {
  readonly #host: AuthHost;
  readonly #t: AuthTimers;
  readonly #name: string;
  readonly #by: Algorithm;
  #at: Ms = never;
  /** Of the Response that counts. */
  #id: number;
  #challenge: Uint8Array | undefined;
  #sent = 0;
  #user = '';
  /** What is awaited: of `auth` a challenge or a verdict, of the peer a Response, or nothing. */
  #stage: 'challenge' | 'response' | 'verdict' | 'over' = 'challenge';
  /** The attempt that failed, of which the peer hears with the next challenge. */
  #failed: string | undefined;
  #attempts: number;
  /** Said last: again, if the Response that it answers comes again. */
  #said: Control | undefined;
  #succeeded = false;

  /** `id` is the Identifier to begin with; `name` what we call ourselves. */
  constructor(host: AuthHost, t: AuthTimers, by: Algorithm, id: number, name: string) {
    this.#host = host;
    this.#by = by;
    this.#t = t;
    this.#id = id & 0xff;
    this.#name = name;
    this.#attempts = by.version === undefined ? 1 : t.attempts;
  }

  /** Against reflection: what we last sent. */
  get challenge(): Uint8Array | undefined {
    return this.#challenge;
  }

  start(): void {
    this.#host.need({ need: 'challenge', method: this.#by.method });
  }

  answer(a: Answer, now: Ms): void {
    if (a.is === 'challenge') this.#challenged(a.challenge.slice(0, field_bytes), now);
    else if (a.is === 'verdict') this.#judged(a, now);
    else if (a.is !== 'error') throw new Error(`chap answered with ${a.is}`);
    else if (this.#stage === 'verdict') this.#refuse('authentication is not available', a.why);
    else if (this.#failed !== undefined) this.#refuse(this.#failed, a.why);
    else if (this.#stage === 'challenge') this.#over(false, a.why);
  }

  #challenged(challenge: Uint8Array, now: Ms): void {
    if (this.#stage !== 'challenge') return;
    this.#stage = 'response';
    this.#challenge = challenge;
    this.#sent = 0;
    if (this.#failed === undefined) return this.#send(now);
    this.#say(chapCodes.failure, this.#failure(true, this.#failed));
    this.#host.failed(this.#failed, this.#user);
    this.#failed = undefined;
    this.#id = (this.#id + 1) & 0xff; // RFC 2759 section 9.1.4
    this.#at = now + person_ms;
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
    else if (this.#said !== undefined && c.id === this.#said.id) this.#host.send(this.#said);
    else if (this.#stage === 'verdict' && c.id === this.#id)
      return; // it is being judged
    else if (this.#stage !== 'response' || c.id !== this.#id) this.#host.count('stalereply');
    else if (v?.value.length !== this.#by.response_bytes) this.#host.count('badlength');
    else this.#check(v.value.slice(), clean(v.name, field_bytes));
  }

  #check(response: Uint8Array, user: string): void {
    this.#stage = 'verdict';
    this.#at = never;
    const changed = this.#succeeded && user !== this.#user;
    if (changed) return this.#refuse(denied, `it calls itself '${user}' now`);
    this.#user = user;
    const { method } = this.#by;
    this.#host.need({ need: 'chapcheck', method, user, id: this.#id, response });
  }

  #judged(a: Extract<Answer, { is: 'verdict' }>, now: Ms): void {
    if (this.#stage !== 'verdict') return;
    if (!a.ok && --this.#attempts > 0) {
      this.#stage = 'challenge';
      this.#failed = a.message;
      this.start();
    } else if (!a.ok) this.#refuse(a.message, a.message);
    else {
      this.#say(chapCodes.success, a.proof ? success(a.proof, a.message) : a.message);
      this.#succeeded = true;
      this.#over(true, a.message);
      if (this.#t.rechallenge_ms > 0) this.#at = now + this.#t.rechallenge_ms;
    }
  }

  #refuse(message: string, why: string): void {
    this.#say(chapCodes.failure, this.#failure(false, message));
    this.#over(false, why);
  }
  #failure(again: boolean, message: string): string {
    const { version } = this.#by;
    return version === undefined
      ? message
      : failure(this.#challenge ?? new Uint8Array(0), version, again, message);
  }
  #say(code: number, message: string): void {
    this.#said = { code, id: this.#id, body: utf8(message).slice(0, field_bytes) };
    this.#host.send(this.#said);
  }
  #over(ok: boolean, why: string): void {
    this.#stage = 'over';
    this.#at = never;
    this.#host.done(ok, why, this.#user);
  }

  timeout(now: Ms): void {
    if (now < this.#at) return;
    this.#at = never;
    if (this.#stage === 'over') this.#again();
    else if (this.#said?.code === chapCodes.failure) this.#over(false, denied);
    else if (this.#sent < this.#t.tries) this.#send(now);
    else this.#over(false, `no answer to ${this.#sent} challenges`);
  }
  deadline(): Ms {
    return this.#at;
  }

  /** The peer has to prove again who it is, in one attempt. */
  #again(): void {
    this.#stage = 'challenge';
    this.#attempts = 1;
    this.#said = undefined;
    this.#id = (this.#id + 1) & 0xff;
    this.start();
  }
}
/** RFC 2759 section 6: a person may be asked for another password. */
const person_ms = 60_000;
const denied = 'authentication failed';
