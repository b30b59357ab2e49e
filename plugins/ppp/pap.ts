/** Password Authentication Protocol, RFC 1334 section 2, both roles. */

import { concat, text, utf8 } from '@9p/packet';
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
import { papCodes } from './codes.js';
import { type Control, clean, counted } from './wire.js';

/** We prove who we are. The password is asked for anew at each transmission, and not kept. */
export class PapPeer implements AuthMachine {
  readonly #host: AuthHost;
  readonly #t: AuthTimers;
  #at: Ms = never;
  #id = 0;
  #sent = 0;
  #user = '';
  #done = false;

  constructor(host: AuthHost, t: AuthTimers) {
    this.#host = host;
    this.#t = t;
  }

  start(): void {
    this.#host.need({ need: 'pap' });
  }

  answer(a: Answer, now: Ms): void {
    if (this.#done) return;
    if (a.is === 'error') this.#finish(false, a.why);
    else if (a.is !== 'pap') throw new Error(`pap answered with ${a.is}`);
    else if (a.user.length > field_bytes || a.password.length > field_bytes)
      this.#finish(false, 'user name or password is longer than pap allows');
    else this.#send(a.user, a.password, now);
  }

  #send(user: Uint8Array, password: Uint8Array, now: Ms): void {
    this.#user = text(user);
    this.#id = (this.#id + 1) & 0xff;
    this.#sent++;
    this.#at = now + this.#t.restart_timer_ms;
    const body = concat([user.length], user, [password.length], password);
    this.#host.send({ code: papCodes.authReq, id: this.#id, body });
  }

  /** The answer to any of our requests will do: they say the same, and
   *  it may be slower than the timer. */
  receive(c: Control): void {
    const ours = c.id >= 1 && c.id <= this.#id;
    if (c.code !== papCodes.authAck && c.code !== papCodes.authNak) this.#host.count('papcode');
    else if (this.#done || !ours) this.#host.count('stalereply');
    else this.#finish(c.code === papCodes.authAck, clean(counted(c.body, 0) ?? c.body));
  }

  timeout(now: Ms): void {
    if (now < this.#at) return;
    this.#at = never;
    if (this.#sent >= this.#t.tries) this.#finish(false, `no answer to ${this.#sent} requests`);
    else this.#host.need({ need: 'pap' });
  }
  deadline(): Ms {
    return this.#at;
  }

  #finish(ok: boolean, message: string): void {
    this.#done = true;
    this.#at = never;
    this.#host.done(ok, message, this.#user);
  }
}

/** The peer proves who it is, in one attempt. */
export class PapAuthenticator implements AuthMachine {
  readonly #host: AuthHost;
  readonly #t: AuthTimers;
  #at: Ms = never;
  #id = 0;
  #user = '';
  /** Of `auth`, for the answer to the same request once more; undefined until it is there. */
  #verdict: { ok: boolean; message: string } | undefined;
  #asking = false;

  constructor(host: AuthHost, t: AuthTimers) {
    this.#host = host;
    this.#t = t;
  }

  start(now: Ms): void {
    this.#at = now + silence_ms(this.#t);
  }

  receive(c: Control): void {
    const user = counted(c.body, 0);
    const password = user && counted(c.body, 1 + user.length);
    if (c.code !== papCodes.authReq) this.#host.count('papcode');
    else if (user === undefined || password === undefined) this.#host.count('badlength');
    else {
      this.#id = c.id;
      if (this.#verdict !== undefined) this.#reply(this.#verdict);
      else if (!this.#asking) this.#check(clean(user, field_bytes), password.slice());
    }
  }

  #check(user: string, password: Uint8Array): void {
    this.#asking = true;
    this.#at = never;
    this.#user = user;
    this.#host.need({ need: 'papcheck', user, password });
  }

  answer(a: Answer): void {
    if (!this.#asking || this.#verdict !== undefined) return;
    if (a.is !== 'verdict' && a.is !== 'error') throw new Error(`papcheck answered with ${a.is}`);
    const ok = a.is === 'verdict' && a.ok;
    const message = a.is === 'verdict' ? a.message : 'authentication is not available';
    this.#verdict = { ok, message };
    this.#reply(this.#verdict);
    this.#host.done(ok, a.is === 'error' ? a.why : message, this.#user);
  }

  #reply(v: { ok: boolean; message: string }): void {
    const message = utf8(v.message).subarray(0, field_bytes);
    const code = v.ok ? papCodes.authAck : papCodes.authNak;
    this.#host.send({ code, id: this.#id, body: concat([message.length], message) });
  }

  timeout(now: Ms): void {
    if (now < this.#at) return;
    this.#at = never;
    this.#host.done(false, 'no request from the peer', '');
  }
  deadline(): Ms {
    return this.#at;
  }
}
