/** Calls that have arrived at a conversation that announced: what an open of `listen` waits for. */
import type { OpenFile, Req, Wait } from '@9p/lib9p';
import type { Slot } from './conv.js';
import { Einterrupted, refuse } from './errors.js';
import { openCtl } from './standard.js';

/** Calls that nobody has listened for yet. */
export const backlog_max = 32;
export const listeners_max = 256;

interface Listener {
  take(call: Slot): void;
  refuse(why: string): void;
}

export class Calls {
  readonly #waiting: Listener[] = [];
  readonly #arrived: Slot[] = [];
  announced = false;

  get full(): boolean {
    return this.#waiting.length === 0 && this.#arrived.length >= backlog_max;
  }

  /** To the one who has listened longest, or kept for the next. */
  put(call: Slot): void {
    const listener = this.#waiting.shift();
    if (listener === undefined) this.#arrived.push(call);
    else listener.take(call);
  }

  /** The ctl of the next call's conversation, open. */
  listen(req: Req): Wait<OpenFile> {
    if (!this.announced) throw refuse('not announced');
    for (let s = this.#arrived.shift(); s !== undefined; s = this.#arrived.shift())
      if (!s.closed) return ctlOf(s, req);
    if (this.#waiting.length >= listeners_max) throw refuse('too many listeners');
    return new Promise((resolve, reject) => {
      const listener: Listener = {
        take: (call) => resolve(ctlOf(call, req)),
        refuse: (why) => reject(refuse(why)),
      };
      this.#waiting.push(listener);
      req.onflush = () => {
        const i = this.#waiting.indexOf(listener);
        if (i >= 0) this.#waiting.splice(i, 1);
        reject(refuse(Einterrupted));
      };
    });
  }

  /** No more: who listens is told, and what nobody took is hung up. */
  end(): void {
    this.announced = false;
    for (const l of this.#waiting.splice(0)) l.refuse('listen hungup');
    for (const s of this.#arrived.splice(0)) void s.hangupAndClose('nobody listened');
  }
}

/** Who listens owns the call's conversation from now on, as the opener of clone does. */
function ctlOf(s: Slot, req: Req): OpenFile {
  s.owner = req.who;
  return openCtl(s, s.ctl.qid, s.ctl);
}
