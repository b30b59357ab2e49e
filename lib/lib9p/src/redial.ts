/** A mount that comes back: a lost connection is made again when it is next needed. Owns no socket
 *  and no timer.
 *
 *    const m = await reconnecting((signal) => dial('tcp!host!564', { signal }), clock);
 *
 *  What was under way when it was lost, and whatever was open, fails with `hungup: ...`: nothing
 *  is silently asked again, for it may have had its effect. */
import { type Cancel, isCancelled, onCancel } from './cancel.js';
import type { ClientFid } from './clientfid.js';
import { Eintr, errorText, FileError, refuse } from './errors.js';
import { Mount } from './mount.js';

/** Monotonic milliseconds, and a call after some of them. */
export interface Clock {
  now(): number;
  after(ms: number, f: () => void): { stop(): void };
}

/** A server that is there and says nothing gets this long. */
const dial_ms = 10_000;
/** After a failure those who ask are told of it at once, for so long; twice as long each time. */
const first_wait_ms = 250;
const longest_wait_ms = 8_000;

/** `dial` connects and attaches, and closes what it has when it is told to give up. */
export async function reconnecting(
  dial: (signal: AbortSignal) => Promise<Mount>,
  clock: Clock,
  cancel?: Cancel,
): Promise<Mount> {
  const redial = new Redial(dial, clock);
  try {
    return new Mount(await redial.again(cancel), redial);
  } catch (e) {
    redial.stop();
    throw e;
  }
}

export class Redial {
  readonly #dial: (signal: AbortSignal) => Promise<Mount>;
  readonly #clock: Clock;
  /** The attempt that all who ask now wait for. */
  #attempt: Promise<ClientFid> | undefined;
  #wait_ms = first_wait_ms;
  #notBefore = 0;
  #why = '';
  #root: ClientFid | undefined;
  readonly #stopped = new AbortController();

  constructor(dial: (signal: AbortSignal) => Promise<Mount>, clock: Clock) {
    this.#dial = dial;
    this.#clock = clock;
  }

  /** The root of a new connection. Who gives up leaves the attempt to the others. */
  async again(cancel?: Cancel): Promise<ClientFid> {
    if (cancel !== undefined && isCancelled(cancel)) refuse(Eintr);
    if (this.#attempt === undefined && this.#clock.now() < this.#notBefore) refuse(this.#why);
    this.#attempt ??= this.#try().finally(() => (this.#attempt = undefined));
    return cancel === undefined ? this.#attempt : unless(cancel, this.#attempt);
  }

  /** No more attempts, nor the one under way, nor what came of the last. */
  stop(): void {
    this.#stopped.abort();
    this.#root?.client.end('closed');
  }

  async #try(): Promise<ClientFid> {
    const given = new AbortController();
    const stop = (): void => given.abort('closed');
    const late = (): void => given.abort(`no answer in ${dial_ms / 1000} s`);
    this.#stopped.signal.addEventListener('abort', stop);
    if (this.#stopped.signal.aborted) stop();
    const timer = this.#clock.after(dial_ms, late);
    try {
      given.signal.throwIfAborted();
      this.#root = (await this.#dial(given.signal)).root;
      if (given.signal.aborted) this.#root.client.end('closed');
      given.signal.throwIfAborted();
      this.#wait_ms = first_wait_ms;
      return this.#root;
    } catch (e) {
      const why = given.signal.aborted ? given.signal.reason : errorText(e);
      throw this.#failed(String(why));
    } finally {
      timer.stop();
      this.#stopped.signal.removeEventListener('abort', stop);
    }
  }

  #failed(why: string): FileError {
    this.#why = why;
    this.#notBefore = this.#clock.now() + this.#wait_ms;
    this.#wait_ms = Math.min(longest_wait_ms, this.#wait_ms * 2);
    return new FileError(why);
  }
}

/** What `p` gives, unless it is given up before. */
function unless<T>(cancel: Cancel, p: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const over = onCancel(cancel, () => reject(new FileError(Eintr)));
    p.finally(over).then(resolve, reject);
  });
}
