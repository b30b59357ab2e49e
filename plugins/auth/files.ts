/** The files of auth that speak with an authentication: rpc, and the data of a conversation. */
import { outsideCopy } from '@9p/packet';
import {
  type Context,
  type Conversation,
  Einterrupted,
  Eperm,
  newQid,
  type OpenFile,
  type Qid,
  type Req,
  refuse,
  type Wait,
  type Who,
} from 'slashnet/core';
import type { KeyAgent } from './agent.js';
import { parseWords, quoted } from './attr.js';
import { Rpc, replyText } from './rpc.js';
import { type Reply, Session, then } from './session.js';

/** One open of rpc: an authentication of its own, with the rights of who opened it. */
export class RpcFile implements OpenFile {
  readonly qid: Qid = newQid(0);
  readonly ready = true;
  onready: (() => void) | undefined;
  readonly #leave: () => void;
  readonly #rpc: Rpc;
  #open = true;

  constructor(agent: KeyAgent, who: Who) {
    const { name, leave } = agent.enter(who);
    this.#leave = leave;
    this.#rpc = new Rpc(new Session(agent, who, name), agent, name);
  }
  read(n: number, _offset: number, req: Req): Wait<Uint8Array> {
    return this.#rpc.read(n, req);
  }
  write(data: Uint8Array): number {
    this.#rpc.write(data);
    return data.length;
  }
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#rpc.close();
    this.#leave();
  }
}

/** A numbered authentication: `start` to its ctl, then its data. */
export class AuthConversation implements Conversation {
  readonly #agent: KeyAgent;
  readonly #ctx: Context;
  readonly #place: { readonly name: string; leave(): void };
  #session: Session;
  /** Who wrote start: nobody else gets what his keys give. */
  #who: Who;
  #phase = 'Notstarted';

  constructor(agent: KeyAgent, ctx: Context) {
    this.#agent = agent;
    this.#ctx = ctx;
    this.#place = agent.enter(ctx.owner);
    this.#who = ctx.owner;
    this.#session = new Session(agent, ctx.owner, this.#place.name);
  }

  get state(): string {
    return this.#session.phase;
  }
  get idle(): boolean {
    return ['Notstarted', 'Established', 'Broken'].includes(this.state);
  }
  status(): string {
    const known = this.#session.attrs.filter((a) => a.is === 'value');
    return known.map((a) => `${quoted(a.name)} ${quoted(a.value)}`).join(' ');
  }

  start(args: readonly string[], req: Req): Wait<void> {
    this.#session.close();
    this.#who = req.who;
    this.#session = new Session(this.#agent, req.who, this.#place.name);
    return then(this.#step(this.#session.start(parseWords(args)), 'start', req), () => {});
  }
  read(n: number, req: Req): Wait<Uint8Array> {
    this.#check(req.who);
    return this.#step(this.#session.read(n), 'read', req);
  }
  write(data: Uint8Array, req: Req): Wait<number> {
    this.#check(req.who);
    const copy = outsideCopy(data);
    const reply = then(this.#session.write(copy), (r) => {
      copy.fill(0); // whatever came of it
      return r;
    });
    return then(this.#step(reply, 'write', req), () => data.length);
  }
  hangup(): void {
    this.#session.close();
    this.#tell();
  }
  close(): void {
    this.#session.close();
    this.#place.leave();
  }

  #check(who: Who): void {
    if (!who.owner && who.uname !== this.#who.uname) throw refuse(Eperm);
  }

  #step(reply: Wait<Reply>, verb: string, req: Req): Wait<Uint8Array> {
    if (!(reply instanceof Promise)) return this.#judge(reply, verb);
    const session = this.#session;
    return new Promise((resolve, reject) => {
      req.onflush = () => {
        session.interrupt();
        reject(refuse(Einterrupted));
      };
      reply.then((r) => resolve(this.#judge(r, verb))).catch(reject);
    });
  }

  /** The bytes of a reply; one that is not ok is thrown, with
   *  rpc's words, but for done: the end. */
  #judge(r: Reply, verb: string): Uint8Array {
    this.#tell();
    if (r.is === 'ok') return r.data ?? nothing;
    if (r.is === 'done' && verb === 'read') return nothing;
    const words = r.is === 'error' ? r.why : replyText(r, verb, this.state);
    this.#ctx.fail(words);
    throw refuse(words);
  }

  #tell(): void {
    if (this.state === this.#phase) return;
    this.#phase = this.state;
    this.#ctx.event(this.#phase);
  }
}

/** N/data, open. A reply is wiped when the next one is asked for. */
export class AuthData implements OpenFile {
  readonly qid: Qid = newQid(0);
  readonly ready = true;
  onready: (() => void) | undefined;
  readonly #c: AuthConversation;
  #given: Uint8Array = nothing;

  constructor(c: AuthConversation) {
    this.#c = c;
  }
  read(n: number, _offset: number, req: Req): Wait<Uint8Array> {
    this.close();
    return then(this.#c.read(n, req), (b) => {
      this.#given = b;
      return b;
    });
  }
  write(data: Uint8Array, _offset: number, req: Req): Wait<number> {
    this.close();
    return this.#c.write(data, req);
  }
  close(): void {
    this.#given.fill(0);
  }
}

const nothing = new Uint8Array(0);
