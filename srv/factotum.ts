/** What 9P has of factotum(4): the rpc of an agent answers a Tauth, or proves to another server who
 *  one is. No secret passes here. auth(2), fauth_proxy. */
import {
  type AuthFile,
  newReq,
  type OpenFile,
  type Prove,
  type Qid,
  type Wait,
  type Who,
} from '@9p/lib9p';
import { le16, text, utf8 } from '@9p/packet';
import { type Clock, newQid, quote, refuse } from 'slashnet/core';

/** Who attaches has so long to prove himself. */
const prove_ms = 60_000;
/** Proofs under way, in all and from one address. */
export const proofs_max = 256;
export const proofs_address_max = 32;
/** The most that a message of rpc has. */
const message_bytes = 4096;
const header_bytes = 3; // 'ok '

/** One authentication: a request, and its reply. */
export type Ask = (request: Uint8Array) => Promise<Uint8Array>;

/** The agent's rpc, opened where a path of the name space or another server has it. */
export const askFile =
  (f: OpenFile, who: Who): Ask =>
  async (request) => {
    const req = newReq(who, message_bytes);
    await f.write(request, 0, req);
    return new Uint8Array(await f.read(message_bytes, 0, req));
  };

interface Reply {
  readonly verb: string;
  readonly data: Uint8Array;
}

async function call(ask: Ask, verb: string, data?: Uint8Array): Promise<Reply> {
  const request = data === undefined ? utf8(verb) : new Uint8Array([...utf8(`${verb} `), ...data]);
  const reply = await ask(request);
  const at = reply.indexOf(0x20);
  if (at < 0) return { verb: text(reply), data: new Uint8Array(0) };
  return { verb: text(reply.subarray(0, at)), data: reply.subarray(at + 1) };
}

const words = (r: Reply): string =>
  r.verb === 'error' || r.verb === 'phase' ? text(r.data) : `${r.verb} ${text(r.data)}`;

async function must(ask: Ask, verb: string, data?: Uint8Array): Promise<Reply> {
  const r = await call(ask, verb, data);
  if (r.verb !== 'ok') throw refuse(words(r));
  return r;
}

/** Speaks through the afid as the agent says, until it is done. `spec`: attributes that the key
 *  must have. */
export const proveBy =
  (open: () => Promise<{ ask: Ask; close(): void }>, spec = ''): Prove =>
  async (afid, uname) => {
    const { ask, close } = await open();
    try {
      const user = /(^|\s)user=/.test(spec) || uname === 'none' ? '' : ` user=${quote(uname)}`;
      await must(ask, `start proto=p9any role=client${user}${spec === '' ? '' : ` ${spec}`}`);
      for (;;) {
        const r = await call(ask, 'read');
        if (r.verb === 'done') return;
        if (r.verb === 'ok') await afid.write(r.data, 0);
        else if (r.verb !== 'phase') throw refuse(words(r));
        else await hear(ask, afid);
      }
    } finally {
      close();
    }
  };

/** One message of the server's: the agent says how much it wants. */
async function hear(ask: Ask, afid: Parameters<Prove>[0]): Promise<void> {
  let got: Uint8Array = new Uint8Array(0);
  for (;;) {
    const r = await call(ask, 'write', got);
    if (r.verb === 'ok') return;
    if (r.verb !== 'toosmall') throw refuse(words(r));
    const wanted = Number(text(r.data));
    if (!(wanted > got.length && wanted <= message_bytes)) throw refuse('authentication: bad size');
    const more = await afid.read(wanted - got.length, 0);
    if (more.length === 0) throw refuse('authentication: the server says no more');
    got = new Uint8Array([...got, ...more]);
  }
}

/** Makes the files of Tauths. */
export class Prover {
  readonly #open: () => Promise<OpenFile>;
  readonly #me: Who;
  readonly #clock: Clock;
  #n = 0;
  readonly #of = new Map<string, number>();

  /** `open`: the agent's rpc, for `me`. */
  constructor(open: () => Promise<OpenFile>, me: Who, clock: Clock) {
    this.#open = open;
    this.#me = me;
    this.#clock = clock;
  }

  /** `address` of the client, for the agent's log. Only `uname`, unless it is ''. */
  async file(uname: string, address: string): Promise<AuthFile> {
    const leave = this.#enter(address);
    let rpc: OpenFile | undefined;
    try {
      rpc = await this.#open();
      const ask = askFile(rpc, this.#me);
      // Only keys that are meant for it: whoever else knows a key of ours could make tickets of it.
      await must(ask, `start proto=p9any role=server service=9p address=${quote(address)}`);
      return new Proof(ask, rpc, uname, this.#me.uname, this.#clock, leave);
    } catch (e) {
      rpc?.close();
      leave();
      throw e;
    }
  }

  /** A place, and what gives it back. */
  #enter(address: string): () => void {
    const n = this.#of.get(address) ?? 0;
    const from = n >= proofs_address_max ? ` from ${address}` : '';
    if (from !== '' || this.#n >= proofs_max)
      throw refuse(`too many authentications under way${from}: try again`);
    this.#n++;
    this.#of.set(address, n + 1);
    return () => {
      this.#n--;
      const left = (this.#of.get(address) ?? 1) - 1;
      if (left === 0) this.#of.delete(address);
      else this.#of.set(address, left);
    };
  }
}

class Proof implements AuthFile {
  readonly qid: Qid = newQid(0);
  readonly ready = true;
  onready: (() => void) | undefined;
  readonly #ask: Ask;
  readonly #uname: string;
  readonly #owner: string;
  readonly #timer: { stop(): void };
  #rpc: OpenFile | undefined;
  readonly #left: () => void;
  /** What a read was too short for. */
  #rest: Uint8Array = new Uint8Array(0);
  /** Steps go one after the other. */
  #last: Promise<unknown> = Promise.resolve();
  #who: Who | undefined;

  constructor(
    ask: Ask,
    rpc: OpenFile,
    uname: string,
    owner: string,
    clock: Clock,
    left: () => void,
  ) {
    this.#owner = owner;
    this.#ask = ask;
    this.#rpc = rpc;
    this.#uname = uname;
    this.#left = left;
    this.#timer = clock.after(prove_ms, () => this.#finish());
  }

  read(n: number): Promise<Uint8Array> {
    return this.#turn(async () => {
      if (this.#rest.length === 0) this.#rest = await this.#next();
      const out = this.#rest.subarray(0, n);
      this.#rest = this.#rest.subarray(out.length);
      return out;
    });
  }
  write(data: Uint8Array): Promise<number> {
    const copy = new Uint8Array(data);
    return this.#turn(async () => {
      if (copy.length > message_bytes - header_bytes) throw refuse('authentication: bad size');
      await must(this.#ask, 'write', copy);
      return copy.length;
    });
  }
  /** The agent says that it is done when it is asked for more. */
  proven(): Wait<Who | undefined> {
    return this.#turn(async () => {
      if (this.#who === undefined && this.#rest.length === 0) this.#rest = await this.#next();
      return this.#who;
    });
  }
  close(): void {
    this.#finish();
  }

  /** Bytes for the client; none when it is done. */
  async #next(): Promise<Uint8Array> {
    if (this.#who !== undefined) return new Uint8Array(0);
    const r = await call(this.#ask, 'read');
    if (r.verb === 'ok') return r.data.slice();
    if (r.verb === 'phase') return new Uint8Array(0); // the client's turn
    if (r.verb !== 'done') throw refuse(words(r));
    const info = await must(this.#ask, 'authinfo');
    const cuid = text(info.data.subarray(2, 2 + le16(info.data, 0)));
    if (this.#uname !== '' && this.#uname !== cuid)
      throw refuse(`auth uname mismatch: ${this.#uname} vs ${cuid}`);
    this.#who = { uname: cuid, groups: [], owner: cuid === this.#owner };
    this.#finish();
    return new Uint8Array(0);
  }

  #turn<T>(f: () => Promise<T>): Promise<T> {
    const done = this.#last.then(() => {
      if (this.#rpc === undefined && this.#who === undefined)
        throw refuse('authentication took too long');
      return f();
    });
    this.#last = done.catch(() => undefined);
    return done;
  }

  /** Who is proven stays so; the agent is not needed any more. */
  #finish(): void {
    if (this.#rpc === undefined) return;
    this.#timer.stop();
    this.#rpc.close();
    this.#rpc = undefined;
    // The place of a failed one is free when its verdict is due: hanging up makes no guess cheaper.
    void this.#last.then(this.#left);
  }
}
