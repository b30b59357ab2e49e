/** One authentication: the protocol chosen by its attributes, the phase it
 *  is in, what may be done with it. */
import { Einterrupted, type Ms, type Random, type Wait, type Who } from 'slashnet/core';
import type { Asking, Question } from './asking.js';
import { type Attrs, attrValue, mergeAttrs, printAttrs, printable } from './attr.js';
import { findKey, type Judge, keyPattern, wantedKey, withKey } from './judge.js';
import { type Key, type KeyRing, refuseSecrets, unknownProto } from './keys.js';
import { findProtocol } from './proto/table.js';
import {
  type AuthInfo,
  type Claim,
  type Exchange,
  failed,
  isOutcome,
  type Outcome,
  ok,
  type Party,
  type Protocol,
} from './protocol.js';

/** What all authentications share. */
export interface Agent {
  readonly ring: KeyRing;
  readonly random: Random;
  readonly judge: Judge;
  count(reason: string): void;
  /** A login failed: undefined, or what to wait for before the peer is told. */
  penalty(user: string, address: string | undefined): Promise<void> | undefined;
  now(): Ms;
  /** As Party has it. */
  tickets(address: string, request: Uint8Array): Promise<Uint8Array>;
  /** The persons who give keys, and agree to their use. */
  readonly needkey: Asking;
  readonly confirm: Asking;
  /** A line for the readers of `log`; it holds no secret. */
  log(line: string): void;
  /** `debug` is on. */
  readonly debug: boolean;
}

export type Reply =
  | Exclude<Outcome, { is: 'confirm' }>
  | { readonly is: 'done'; readonly haveai: boolean }
  | { readonly is: 'notstarted' };

export class Session implements Party {
  readonly #agent: Agent;
  readonly #who: Who;
  readonly #name: string;
  #attrs: Attrs = [];
  #known: Attrs = [];
  #protocol: Protocol | undefined;
  #exchange: Exchange | undefined;
  #why = '';
  /** What a read was too small for. */
  #held: Uint8Array | undefined;
  #told = false;
  /** A person is being asked. */
  #question: Question | undefined;
  /** To their use a person has agreed. */
  readonly #agreed = new Set<Key>();

  constructor(agent: Agent, who: Who, name: string) {
    this.#agent = agent;
    this.#who = who;
    this.#name = name;
  }

  get phase(): string {
    return this.#exchange?.phase ?? 'Notstarted';
  }
  /** What start gave, and the public attributes of the key. */
  get attrs(): Attrs {
    return this.#known;
  }
  get info(): AuthInfo | undefined {
    return this.phase === 'Established' ? this.#exchange?.info : undefined;
  }
  get random(): Random {
    return this.#agent.random;
  }

  start(attrs: Attrs): Wait<Reply> {
    this.close();
    try {
      refuseSecrets(attrs);
    } catch (e) {
      return failed((e as Error).message);
    }
    const begin = beginning(attrs);
    if (typeof begin === 'string') return failed(begin);
    this.#protocol = begin.protocol;
    this.#attrs = attrs;
    this.#known = attrs;
    this.#agent.count('starts');
    this.#log(`start ${printAttrs(attrs)}`);
    return this.#step('start', () => {
      const exchange = begin.run(this);
      if (isOutcome(exchange)) return exchange;
      this.#exchange = exchange;
      return ok;
    });
  }

  /** At most `n` bytes for the peer. */
  read(n: number): Wait<Reply> {
    const held = this.#held;
    if (held !== undefined) return this.#fit(held, n);
    const no = this.#cannot();
    if (no !== undefined) return no;
    const exchange = this.#exchange!;
    return then(
      this.#step('read', () => exchange.read()),
      (r) => (r.is === 'ok' && r.data !== undefined ? this.#fit(r.data, n) : r),
    );
  }

  write(data: Uint8Array): Wait<Reply> {
    this.#drop();
    const no = this.#cannot();
    if (no !== undefined) return no;
    const exchange = this.#exchange!;
    return this.#step('write', () => exchange.write(data));
  }

  /** The step that waits for a person fails, and has changed nothing. */
  interrupt(): void {
    this.#question?.drop();
    this.#question = undefined;
  }

  close(): void {
    this.#drop();
    this.interrupt();
    this.#agreed.clear();
    this.#exchange?.info?.secret.fill(0);
    this.#exchange = undefined;
    this.#protocol = undefined;
    this.#attrs = [];
    this.#known = [];
    this.#told = false;
  }

  // What the protocol asks -------------------------------------------------------------------

  key(): Key | Outcome {
    return this.#keyFor(this.#protocol!, this.#attrs);
  }

  judge(claim: Claim): Wait<AuthInfo | undefined> {
    return this.#judgeBy(claim, this.#protocol!, this.#attrs);
  }

  settle(user: string, info: AuthInfo | undefined): Wait<AuthInfo | undefined> {
    const address = attrValue(this.#attrs, 'address');
    const from = address === undefined ? '' : ` address=${printable(address)}`;
    const what = info === undefined ? 'auth failed' : 'auth ok';
    // A verdict that came late finds no protocol.
    const proto = this.#protocol?.name ?? '?';
    this.#log(`${what}: user=${printable(user)}${from} proto=${proto}`);
    if (info !== undefined) {
      this.#known = mergeAttrs(this.#known, [{ is: 'value', name: 'user', value: user }]);
      return info;
    }
    this.#agent.count('failed');
    return this.#agent.penalty(user, address)?.then(() => undefined);
  }

  as(protocol: Protocol, more: Attrs): Party {
    const attrs = mergeAttrs(this.#attrs, more);
    return {
      random: this.random,
      attr: (name) => attrValue(attrs, name),
      key: () => this.#keyFor(protocol, attrs),
      as: (p, m) => this.as(p, mergeAttrs(more, m)),
      valuesOf: (name, p) => this.valuesOf(name, p),
      now: () => this.now(),
      tickets: (address, request) => this.tickets(address, request),
      judge: (claim) => this.#judgeBy(claim, protocol, attrs),
      settle: (user, info) => this.settle(user, info),
    };
  }

  attr(name: string): string | undefined {
    return attrValue(this.#attrs, name);
  }

  valuesOf(name: string, protocol: Protocol): readonly string[] {
    const keys = this.#agent.ring.findAll(keyPattern(protocol.name, this.#attrs), this.#who);
    const values = keys.map((k) => attrValue(k.attrs, name)).filter((v) => v !== undefined);
    return [...new Set(values)];
  }

  now(): Ms {
    return this.#agent.now();
  }

  tickets(address: string, request: Uint8Array): Promise<Uint8Array> {
    return this.#agent.tickets(address, request);
  }

  /** Any stranger begins a server role: no person is asked for him. */
  get #serves(): boolean {
    return attrValue(this.#attrs, 'role') === 'server';
  }

  #keyFor(protocol: Protocol, attrs: Attrs): Key | Outcome {
    const askable = !this.#serves && (this.#agent.confirm.open || this.#agreed.size > 0);
    const key = findKey(this.#agent.ring, protocol, attrs, this.#who, askable);
    if (key === undefined) return { is: 'needkey', template: wantedKey(protocol, attrs) };
    if (key.confirm && !this.#agreed.has(key)) return { is: 'confirm', key };
    this.#known = withKey(this.#attrs, key);
    return key;
  }

  #judgeBy(claim: Claim, protocol: Protocol, attrs: Attrs): Wait<AuthInfo | undefined> {
    const verdict = this.#agent.judge(claim, protocol, attrs, this.#who);
    return then(verdict, (info) => this.settle(claim.user, info));
  }

  // ------------------------------------------------------------------------------------------

  #cannot(): Reply | undefined {
    if (this.#protocol === undefined) return failed('no current protocol');
    if (this.#exchange === undefined) return { is: 'notstarted' };
    if (this.phase === 'Broken') return failed(this.#why || 'authentication failed');
    if (this.phase === 'Established') return { is: 'done', haveai: this.info !== undefined };
    return undefined;
  }

  /** A step of the exchange; done again when a person gave the key that it lacked, or agreed to
   *  its use. */
  #step(verb: string, run: () => Wait<Outcome>): Wait<Reply> {
    return then(run(), (o) => {
      const { needkey, confirm } = this.#agent;
      if (o.is === 'confirm') {
        if (!confirm.open) return this.#note(failed('confirm is closed'), verb);
        const shown = o.key.attrs.filter((a) => a.is !== 'secret');
        return this.#ask(verb, run, o, confirm.ask(shown));
      }
      const noted = this.#note(o, verb);
      if (o.is !== 'needkey' || !needkey.open || this.#serves) return noted;
      return this.#ask(verb, run, o, needkey.ask(o.template));
    });
  }

  async #ask(verb: string, run: () => Wait<Outcome>, o: Outcome, q: Question): Promise<Reply> {
    this.interrupt(); // a step that was begun before
    this.#question = q;
    const answer = await q.answer;
    if (this.#question !== q) return failed(Einterrupted); // closed, or begun anew
    this.#question = undefined;
    if (answer.is === 'error') return this.#note(failed(answer.why), verb);
    if (o.is === 'confirm') {
      if (answer.is !== 'yes')
        return this.#note(failed(answer.is === 'no' ? 'not confirmed' : 'confirm is closed'), verb);
      this.#agreed.add(o.key);
    } else if (answer.is !== 'yes') return o as Reply;
    return this.#step(verb, run);
  }

  /** Counts and logs what came of a step. */
  #note(o: Reply, verb: string): Reply {
    if (o.is === 'needkey') {
      this.#agent.count('needkey');
      this.#log(`needkey ${printAttrs(o.template)}`);
    }
    if (o.is === 'error') {
      this.#why = o.why;
      this.#log(`${verb}: ${o.why}`);
    }
    if (this.phase === 'Broken') this.#agent.count('broken');
    if (this.phase === 'Established' && !this.#told) {
      this.#told = true;
      this.#agent.count('done');
    }
    return o;
  }

  #fit(data: Uint8Array, n: number): Reply {
    this.#held = data.length > n ? data : undefined;
    return data.length > n ? { is: 'toosmall', bytes: data.length } : { is: 'ok', data };
  }

  #drop(): void {
    this.#held?.fill(0);
    this.#held = undefined;
  }

  #log(line: string): void {
    this.#agent.log(`${this.#name}: ${line}`);
  }
}

/** The protocol and role that `attrs` ask for, or why there is none. */
function beginning(
  attrs: Attrs,
): { protocol: Protocol; run: (p: Party) => Exchange | Outcome } | string {
  const name = attrValue(attrs, 'proto');
  if (name === undefined) return 'proto not specified';
  const protocol = findProtocol(name);
  if (protocol === undefined) return unknownProto(name);
  const role = attrValue(attrs, 'role') ?? protocol.role;
  if (role === undefined) return 'role not specified';
  const run = role === 'client' || role === 'server' ? protocol[role] : undefined;
  if (run === undefined) return `unknown role ${printable(role)}`;
  return { protocol, run };
}

/** `f` of what `x` is or will be. */
export function then<A, B>(x: Wait<A>, f: (a: A) => Wait<B>): Wait<B> {
  return x instanceof Promise ? x.then(f) : f(x);
}
