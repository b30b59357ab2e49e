/** Control messages: several lines a write, one verb a line, one verb at a time. */
import { newReq, type Req, type Wait } from '@9p/lib9p';
import { text } from '@9p/packet';
import {
  cut,
  Ebadargs,
  Einterrupted,
  Etoolong,
  Eunknown,
  error_bytes,
  errorText,
  refuse,
} from './errors.js';
import type { Verb } from './plugin.js';
import { words } from './words.js';

export const control_bytes = 8 * 1024;
const args_bytes = 40;
const waiting_max = 64;

/** `reason: verb args`, at most 127 bytes; a secret verb repeats nothing but its name,
 *  others no private value, also of a key pattern that is one argument. */
function complaint(e: unknown, verb: string, args: readonly string[], secret: boolean): Error {
  const repeated = args.map((a) => a.replace(/((?:^|[\s'])![^=\s]*=).*/s, '$1***')).join(' ');
  const shown = secret || args.length === 0 ? '' : ` ${cut(repeated, args_bytes)}`;
  const tail = `: ${verb}${shown}`;
  const reason = errorText(e);
  if (reason.endsWith(tail)) return refuse(cut(reason, error_bytes));
  return refuse(cut(reason, error_bytes - Buffer.byteLength(tail)) + tail);
}

interface Running {
  readonly aborts: boolean;
  abort(why: string): void;
  readonly done: Promise<void>;
}

/** The verbs of one thing (a conversation, the root, auth's key ring) and the one that runs now. */
export class Control<C> {
  readonly #verbs: ReadonlyMap<string, Verb<C>>;
  readonly #c: C;
  #running: Running | undefined;
  #waiting = 0;
  /** Called with the error of a refused line. */
  onrefused: ((e: Error) => void) | undefined;

  constructor(verbs: ReadonlyMap<string, Verb<C>>, c: C) {
    this.#verbs = verbs;
    this.#c = c;
  }

  /** Run the lines of one write; the count of its bytes when the effects have happened. */
  write(data: Uint8Array, req: Req): Wait<number> {
    if (data.length > control_bytes) throw refuse(`${Etoolong}: over ${control_bytes} bytes`);
    const lines = text(data).split('\n');
    const last = this.#from(lines, 0, req);
    return last instanceof Promise ? last.then(() => data.length) : data.length;
  }

  /** The running verb ends with this error. */
  abort(why: string): void {
    // Not one that aborts others: a close that takes time would abort itself.
    if (this.#running?.aborts === false) this.#running.abort(why);
  }

  #from(lines: readonly string[], i: number, req: Req): Wait<void> {
    for (let k = i; k < lines.length; k++) {
      let r: Wait<void>;
      try {
        r = this.#line(lines[k] as string, req);
      } catch (e) {
        throw this.#refused(e, lines, k);
      }
      if (r instanceof Promise)
        return r.then(
          () => this.#from(lines, k + 1, req),
          (e) => {
            throw this.#refused(e, lines, k);
          },
        );
    }
  }

  #refused(e: unknown, lines: readonly string[], k: number): Error {
    const err = e instanceof Error ? e : refuse(String(e));
    const several = lines.filter((l) => l.trim() !== '').length > 1;
    const told = several ? refuse(cut(`line ${k + 1}: ${err.message}`, error_bytes)) : err;
    this.onrefused?.(told);
    return told;
  }

  #line(line: string, req: Req): Wait<void> {
    const bare = line.replace(/\r$/, '').trim();
    if (bare === '') return;
    const first = /^[^\s']*/.exec(bare)?.[0] ?? '';
    const verb = this.#verbs.get(first);
    if (verb === undefined) throw complaint(Eunknown, cut(first, args_bytes), [], true);
    let args: string[] = [];
    try {
      args = words(bare.slice(first.length));
      const [min, max] = verb.args;
      if (args.length < min || args.length > max) throw refuse(`${Ebadargs}: usage: ${verb.usage}`);
    } catch (e) {
      throw complaint(e, first, [], true);
    }
    const bad = (e: unknown): Error => complaint(e, first, args, verb.secret === true);
    const run = (): Wait<void> => this.#run(verb, args, req);
    try {
      const r = this.#next(verb, run, req);
      return r instanceof Promise
        ? r.catch((e) => {
            throw bad(e);
          })
        : r;
    } catch (e) {
      throw bad(e);
    }
  }

  /** One verb at a time; those that abort do not wait. */
  #next(verb: Verb<C>, run: () => Wait<void>, req: Req): Wait<void> {
    const now = this.#running;
    if (now === undefined) return run();
    if (verb.aborts === true) {
      now.abort(verb.name === 'hangup' ? 'hung up' : `${verb.name} came in between`);
      return run();
    }
    if (this.#waiting >= waiting_max) throw refuse('too many control messages wait');
    this.#waiting++;
    const turn = (): Wait<void> => {
      this.#waiting--;
      if (req.flushed) throw refuse(Einterrupted);
      return this.#next(verb, run, req);
    };
    return now.done.then(turn);
  }

  #run(verb: Verb<C>, args: readonly string[], req: Req): Wait<void> {
    const inner = newReq(req.who, req.iounit);
    const r = verb.run(this.#c, args, inner);
    if (!(r instanceof Promise)) return;
    return new Promise<void>((resolve, reject) => {
      let ended = (): void => undefined;
      const me: Running = {
        aborts: verb.aborts === true,
        abort: (why) => {
          if (inner.flushed) return;
          inner.flushed = true;
          // What was told has ended. What cannot be told goes on, and others wait for it.
          if (inner.onflush !== undefined) end();
          reject(told(inner) ?? refuse(why));
        },
        done: new Promise<void>((done) => {
          ended = done;
        }),
      };
      const end = (): void => {
        if (this.#running === me) this.#running = undefined;
        req.onflush = undefined;
        ended();
      };
      this.#running = me;
      req.onflush = () => me.abort(Einterrupted);
      r.then(
        () => {
          end();
          resolve();
        },
        (e) => {
          end();
          reject(e);
        },
      );
    });
  }
}

/** Tell the holder of an operation that nobody waits for it; an exception of his is the outcome. */
function told(req: Req): unknown {
  try {
    req.onflush?.();
    return undefined;
  } catch (e) {
    return e;
  }
}

/** Verbs by name; of two with one name the last counts. */
export const verbMap = <C>(verbs: readonly Verb<C>[]): ReadonlyMap<string, Verb<C>> =>
  new Map(verbs.map((v) => [v.name, v]));

/** The `usage` lines of a help file. */
export const usageOf = <C>(verbs: readonly Verb<C>[]): string =>
  verbs.map((v) => `\t${v.usage}\n`).join('');
