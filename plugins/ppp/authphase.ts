/** The Authenticate phase of RFC 1661 3.5: up to two machines, one
 *  for each direction agreed in LCP. */
import type { Ms, Random } from 'slashnet/core';
import {
  type Answer,
  type AuthHost,
  type AuthMachine,
  type Need,
  never,
} from './authentication.js';
import type { AuthMethod } from './codes.js';
import { type Challenger, type Method, methodFor } from './methods.js';
import type { AuthResult, PppConfig } from './session.js';
import type { Control } from './wire.js';

export interface AuthPhaseHost {
  send(protocol: number, c: Control): void;
  count(reason: string): void;
  need(n: Need): void;
  result(r: AuthResult): void;
  /** The peer has failed, and may try again. */
  tried(r: AuthResult): void;
}

interface Side {
  readonly who: AuthResult['who'];
  readonly wire: AuthMethod;
  readonly method: Method;
  readonly machine: AuthMachine & Challenger;
  ok: boolean;
  /** It made keys for MPPE. */
  keyed: boolean;
}

export class AuthPhase {
  readonly #config: PppConfig;
  readonly #host: AuthPhaseHost;
  readonly #random: Random;
  #sides: readonly Side[] = [];
  #n = 0;
  /** Who waits for the answer number n. */
  readonly #waiting = new Map<number, Side>();

  constructor(config: PppConfig, host: AuthPhaseHost, random: Random) {
    this.#config = config;
    this.#host = host;
    this.#random = random;
  }

  /** Both directions have succeeded, or were not asked for. */
  get done(): boolean {
    return this.#sides.every((s) => s.ok);
  }

  /** There are keys for MPPE: of one direction and no more, as AuthClient.keys has it. */
  get keyed(): boolean {
    return this.#sides.filter((s) => s.keyed).length === 1;
  }

  uses(protocol: number): boolean {
    return this.#sides.some((s) => s.wire.protocol === protocol);
  }

  start(demand: AuthMethod | undefined, comply: AuthMethod | undefined, now: Ms): void {
    this.stop();
    const sides: Side[] = [];
    if (demand !== undefined) sides.push(this.#side('peer', demand));
    if (comply !== undefined) sides.push(this.#side('we', comply));
    this.#sides = sides;
    for (const s of sides) s.machine.start(now);
  }

  /** Late answers go nowhere. */
  stop(): void {
    this.#sides = [];
    this.#waiting.clear();
  }

  #side(who: Side['who'], wire: AuthMethod): Side {
    const method = methodFor(wire);
    const context = {
      id: this.#random.u32() & 0xff,
      name: this.#config.name,
      types: wire.types,
      ours: () => this.#sides.find((s) => s.who === 'peer')?.machine.challenge,
    };
    const make = who === 'peer' ? method.authenticator : method.peer;
    const machine = make(
      this.#hostOf(who, wire, () => side),
      this.#config.auth,
      context,
    );
    const side: Side = { who, wire, method, machine, ok: false, keyed: false };
    return side;
  }

  #hostOf(who: Side['who'], wire: AuthMethod, side: () => Side): AuthHost {
    return {
      send: (c) => this.#host.send(wire.protocol, c),
      count: (reason) => this.#host.count(reason),
      need: (need) => {
        const n = ++this.#n;
        // What it asked before, it asks no more: the peer has changed its challenge.
        for (const [late, m] of this.#waiting) if (m === side()) this.#waiting.delete(late);
        this.#waiting.set(n, side());
        this.#host.need({ ...need, n });
      },
      done: (ok, message, user) => {
        side().ok = ok;
        const { keyed } = this;
        this.#host.result({ is: 'auth', who, ok, method: wire.name, user, message, keyed });
      },
      failed: (message, user) => {
        const { name: method } = wire;
        this.#host.tried({ is: 'auth', who, ok: false, method, user, message, keyed: false });
      },
    };
  }

  receive(protocol: number, c: Control, now: Ms): void {
    const side = this.#sides.find(
      (s) =>
        s.wire.protocol === protocol &&
        s.method.toAuthenticator.includes(c.code) === (s.who === 'peer'),
    );
    if (side === undefined) this.#host.count('unasked');
    else side.machine.receive(c, now);
  }

  /** The other end is at its network protocols. */
  indicated(): void {
    for (const s of this.#sides) if (s.who === 'we' && !s.ok) s.machine.indicated?.();
  }

  answer(a: Answer, now: Ms): void {
    const side = this.#waiting.get(a.n);
    if (side === undefined) return;
    this.#waiting.delete(a.n);
    side.keyed ||= a.keyed === true;
    side.machine.answer(a, now);
  }

  timeout(now: Ms): void {
    for (const s of this.#sides) if (now >= s.machine.deadline()) s.machine.timeout(now);
  }
  deadline(): Ms {
    return this.#sides.reduce((t, s) => Math.min(t, s.machine.deadline()), never);
  }
}
