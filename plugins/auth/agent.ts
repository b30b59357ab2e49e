/** The agent of a daemon: its keys, its counters, the reader of its
 *  log, and the verbs of its ctl. */
import { outsideCopy, text, u8, utf8 } from '@9p/packet';
import {
  type Counters,
  counters,
  cut,
  Einterrupted,
  type Env,
  Eperm,
  Etoolong,
  error_bytes,
  errorText,
  type Queue,
  type Random,
  refuse,
  type Wait,
  type Who,
} from 'slashnet/core';
import { Asking } from './asking.js';
import { attrValue, parseAttrs, printable } from './attr.js';
import { type Judge, keyJudge } from './judge.js';
import { KeyRing } from './keys.js';
import { type AuthListener, askTickets, listenAuth } from './p9/net.js';
import { Penalty } from './penalty.js';
import { withDesKey } from './proto/p9sk1.js';
import { checkOf, promptOf } from './proto/table.js';
import type { Agent } from './session.js';

/** Authentications under way at once, by rpc and by conversations. */
export const sessions_max = 4096;
/** Those of one user who is not the daemon's owner: the others need some too. */
export const sessions_user_max = 256;
const ctl_bytes_max = 8 * 1024;

export class KeyAgent implements Agent {
  readonly ring = new KeyRing({ promptOf, checkOf });
  readonly judge: Judge = keyJudge(this.ring);
  readonly random: Random;
  readonly stats: Counters<string>;
  readonly needkey: Asking;
  readonly confirm: Asking;
  debug = false;
  /** Why the last write to ctl was refused: over FUSE the writer sees an errno only. */
  err = '';
  readonly #env: Env;
  readonly #penalty: Penalty;
  #ask_ms = 60_000;
  #authsrv: AuthListener | undefined;
  /** Times that one was begun or ended: tells one that is there too late. */
  #authsrvs = 0;
  #reader: Queue<Uint8Array> | undefined;
  #open = 0;
  readonly #of = new Map<string, number>();
  #number = 0;

  constructor(env: Env) {
    this.#env = env;
    this.random = env.random;
    this.#penalty = new Penalty(env.clock);
    this.needkey = new Asking('needkey', env.clock, () => this.#ask_ms);
    this.confirm = new Asking('confirm', env.clock, () => this.#ask_ms);
    const counted = counters(['starts', 'done', 'failed', 'needkey', 'broken']);
    const now = () => `keys: ${this.ring.size}\nopen: ${this.#open}\n`;
    this.stats = {
      add: (k, n) => counted.add(k, n),
      get: (k) => counted.get(k),
      toString: () => counted.toString() + now(),
    };
  }

  count(reason: string): void {
    this.stats.add(reason);
  }

  penalty(user: string, address: string | undefined): Promise<void> | undefined {
    return this.#penalty.failed(user, address);
  }

  now(): number {
    return this.#env.clock.now();
  }

  tickets(address: string, request: Uint8Array): Promise<Uint8Array> {
    return askTickets(this.#env.clock, address, request);
  }

  close(): void {
    this.#endAuth();
    this.ring.wipe();
  }

  #endAuth(): number {
    this.#authsrv?.close();
    this.#authsrv = undefined;
    return ++this.#authsrvs;
  }

  log(line: string): void {
    if (this.#env.log.on) this.#env.log(`/auth ${line}`);
    this.#reader?.put(utf8(`${line}\n`));
  }

  /** The log file: one reader at a time, the daemon's owner. What the close undoes is returned. */
  readLog(q: Queue<Uint8Array>, who: Who): () => void {
    if (!who.owner) throw refuse(Eperm);
    if (this.#reader !== undefined) throw refuse('file in use');
    this.#reader = q;
    return () => {
      this.#reader = undefined;
    };
  }

  /** A place for an authentication: the name that the log has for it, and what gives it back. */
  enter(who: Who): { name: string; leave(): void } {
    const before = this.#of.get(who.uname) ?? 0;
    const limit = who.owner ? sessions_max : sessions_user_max;
    if (this.#open >= sessions_max || before >= limit)
      throw refuse(`too many authentications: the limit is ${limit}`);
    const add = (n: 1 | -1): void => {
      this.#open += n;
      const of = (this.#of.get(who.uname) ?? 0) + n;
      if (of === 0) this.#of.delete(who.uname);
      else this.#of.set(who.uname, of);
    };
    add(1);
    return { name: String(++this.#number), leave: () => add(-1) };
  }

  /** A write to ctl, in bytes: private values become no strings, which could not be wiped. */
  async control(data: Uint8Array, who: Who): Promise<void> {
    if (!who.owner) throw refuse(Eperm);
    if (data.length > ctl_bytes_max) throw refuse(`${Etoolong}: over ${ctl_bytes_max} bytes`);
    const copy = outsideCopy(data); // a line may wait; then what was written is no more
    try {
      await this.#lines(linesOf(copy), who);
    } finally {
      copy.fill(0);
    }
  }

  async #lines(lines: readonly Uint8Array[], who: Who): Promise<void> {
    const several = lines.filter((l) => !isIdle(l)).length > 1;
    for (const [i, line] of lines.entries()) {
      try {
        if (!isIdle(line)) await this.#verb(line, who);
      } catch (e) {
        const where = several ? `line ${i + 1}: ` : '';
        this.err = cut(where + errorText(e), error_bytes);
        throw refuse(this.err);
      }
    }
  }

  #verb(line: Uint8Array, who: Who): Wait<void> {
    const at = line.findIndex((_, i) => isBlank(u8(line, i)));
    const verb = text(at < 0 ? line : line.subarray(0, at));
    const rest = line.subarray(at < 0 ? line.length : at + 1);
    if (verb === 'key') {
      this.ring.add(parseAttrs(rest), who);
      this.needkey.settle((template) => this.ring.find(template, who) !== undefined);
    } else if (verb === 'delkey') this.ring.remove(parseAttrs(rest));
    else if (verb === 'debug') this.debug = !this.debug;
    else if (verb === 'authsrv') return this.#serveAuth(text(rest).trim());
    else if (verb === 'asktime') this.#ask_ms = seconds(rest, 3600);
    else if (verb === 'failtime') this.#penalty.first_ms = seconds(rest, 60);
    else throw refuse('unknown verb');
  }

  /** Begins or ends to be an authentication server; its users are the keys of role=authsrv. */
  async #serveAuth(where: string): Promise<void> {
    if (where === '') throw refuse('authsrv: an address or off');
    const mine = this.#endAuth();
    if (where === 'off') return;
    const { clock } = this.#env;
    const begun = await listenAuth(where, {
      clock,
      random: this.random,
      withKey: (user, dom, f) => {
        const attrs = { proto: 'p9sk1', role: 'authsrv', user, dom };
        const pattern = Object.entries(attrs).map(
          ([name, value]) => ({ is: 'value', name, value }) as const,
        );
        const key = this.ring
          .findAll(pattern, owner)
          .find((k) => attrValue(k.attrs, 'role') !== undefined);
        return key === undefined ? undefined : withDesKey(key, f);
      },
      login: (user, address, ok) => {
        this.log(
          `authsrv: auth ${ok ? 'ok' : 'failed'}: user=${printable(user)} address=${address}`,
        );
        if (ok) return undefined;
        this.count('failed');
        return this.penalty(user, address);
      },
    });
    if (mine !== this.#authsrvs) {
      begun.close();
      throw refuse(Einterrupted);
    }
    this.#authsrv = begun;
    this.log(`authsrv: ${begun.address}`);
  }
}

/** The keys of the authentication server are the daemon's. */
const owner: Who = { uname: 'none', groups: [], owner: true };

const [lf, hash] = [10, 35];
const isBlank = (c: number): boolean => c === 9 || c === 13 || c === 32;

/** The argument of a verb, in milliseconds. */
function seconds(b: Uint8Array, max: number): number {
  const word = text(b).trim();
  const n = Number(word);
  if (!/^\d{1,4}(\.\d{1,3})?$/.test(word) || n > max)
    throw refuse(`seconds: a number from 0 to ${max}`);
  return n * 1000;
}

/** Nothing, or a comment. */
const isIdle = (line: Uint8Array): boolean => line.length === 0 || u8(line, 0) === hash;

/** Without the white space that they begin with. */
function linesOf(data: Uint8Array): Uint8Array[] {
  const out: Uint8Array[] = [];
  for (let from = 0; from <= data.length; ) {
    const end = data.indexOf(lf, from);
    const to = end < 0 ? data.length : end;
    while (from < to && isBlank(u8(data, from))) from++;
    out.push(data.subarray(from, to));
    from = to + 1;
  }
  return out;
}
