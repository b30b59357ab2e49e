/** Files through which a person is asked: `needkey` and `confirm` of factotum(4). One
 *  open at a time reads the questions and writes the answers, each by its tag. */
import { utf8 } from '@9p/packet';
import {
  type Clock,
  cut,
  Einterrupted,
  Eperm,
  error_bytes,
  newQid,
  type OpenFile,
  type Qid,
  type Req,
  refuse,
  type Who,
} from 'slashnet/core';
import { type Attrs, attrValue, parseAttrs, printAttrs } from './attr.js';

/** Questions that wait at once. */
export const questions_max = 256;
const answer_bytes_max = 1024;

/** 'gone': nobody is there, or the time is over. */
export type Answer =
  | { readonly is: 'yes' | 'no' | 'gone' }
  | { readonly is: 'error'; readonly why: string };

export interface Question {
  readonly answer: Promise<Answer>;
  /** Who asked no longer wants to know. */
  drop(): void;
}

interface Waiting {
  readonly tag: number;
  readonly attrs: Attrs;
  /** Read by the person. */
  told: boolean;
  end(a: Answer): void;
}

export class Asking {
  readonly #word: 'needkey' | 'confirm';
  readonly #clock: Clock;
  readonly #limit_ms: () => number;
  #open: AskingFile | undefined;
  #waiting: Waiting[] = [];
  #tag = 0;
  /** Tags that a key has answered: who gave it says so all the same. */
  #settled: string[] = [];

  constructor(word: 'needkey' | 'confirm', clock: Clock, limit_ms: () => number) {
    this.#word = word;
    this.#clock = clock;
    this.#limit_ms = limit_ms;
  }

  /** Somebody is there to answer. */
  get open(): boolean {
    return this.#open !== undefined && this.#waiting.length < questions_max;
  }

  ask(attrs: Attrs): Question {
    let w: Waiting | undefined;
    const answer = new Promise<Answer>((resolve) => {
      const late = this.#clock.after(this.#limit_ms(), () => w?.end({ is: 'gone' }));
      const made: Waiting = {
        tag: ++this.#tag,
        attrs,
        told: false,
        end: (a) => {
          late.stop();
          this.#waiting = this.#waiting.filter((x) => x !== made);
          resolve(a);
        },
      };
      w = made;
      this.#waiting.push(made);
    });
    this.#open?.wake();
    return { answer, drop: () => w?.end({ is: 'gone' }) };
  }

  /** Answers `yes` to what `fits`, as if the person had. */
  settle(fits: (attrs: Attrs) => boolean): void {
    const fitting = this.#waiting.filter((w) => fits(w.attrs));
    const tags = fitting.filter((w) => w.told).map((w) => String(w.tag));
    this.#settled = [...this.#settled, ...tags].slice(-questions_max);
    for (const w of fitting) w.end({ is: 'yes' });
  }

  openFile(who: Who): OpenFile {
    if (!who.owner) throw refuse(Eperm);
    if (this.#open !== undefined) throw refuse('file in use');
    this.#open = new AskingFile(this);
    return this.#open;
  }

  // Of the open file -------------------------------------------------------------------------

  /** The next question that was not read yet, as a line. */
  next(): string | undefined {
    const w = this.#waiting.find((x) => !x.told);
    if (w === undefined) return undefined;
    w.told = true;
    return `${this.#word} tag=${w.tag} ${printAttrs(w.attrs)}\n`;
  }
  get unread(): boolean {
    return this.#waiting.some((w) => !w.told);
  }

  answer(data: Uint8Array): void {
    if (data.length > answer_bytes_max) throw refuse(`over ${answer_bytes_max} bytes`);
    const attrs = parseAttrs(data);
    if (attrs.length === 0) throw refuse('empty write');
    const tag = attrValue(attrs, 'tag');
    if (tag === undefined) throw refuse('no tag');
    const answer = this.#word === 'confirm' ? confirmed(attrs) : keyGiven(attrs);
    const w = this.#waiting.find((x) => String(x.tag) === tag && x.told);
    const settled = this.#settled.indexOf(tag);
    if (settled >= 0) this.#settled.splice(settled, 1);
    else if (w === undefined) throw refuse('tag not found');
    w?.end(answer);
  }

  closed(): void {
    this.#open = undefined;
    for (const w of this.#waiting) w.end({ is: 'gone' });
  }
}

function confirmed(attrs: Attrs): Answer {
  const answer = attrValue(attrs, 'answer');
  if (answer === undefined) throw refuse('no answer');
  if (answer !== 'yes' && answer !== 'no') throw refuse('bad answer');
  return { is: answer };
}

function keyGiven(attrs: Attrs): Answer {
  const why = attrValue(attrs, 'error');
  return why === undefined ? { is: 'yes' } : { is: 'error', why: cut(why, error_bytes) };
}

const nothing = new Uint8Array(0);

/** Reads wait for the next question; a write is an answer. */
class AskingFile implements OpenFile {
  readonly qid: Qid = newQid(0);
  readonly stream = true;
  onready: (() => void) | undefined;
  readonly #asking: Asking;
  /** The rest of a question that a read was too short for. */
  #rest: Uint8Array = nothing;
  #reader: { n: number; resolve(b: Uint8Array): void } | undefined;
  #closed = false;

  constructor(asking: Asking) {
    this.#asking = asking;
  }
  get ready(): boolean {
    return this.#rest.length > 0 || this.#asking.unread;
  }

  read(n: number, _offset: number, req: Req): Uint8Array | Promise<Uint8Array> {
    if (this.#reader !== undefined) throw refuse('another read is waiting');
    const now = this.#next(n);
    if (now !== undefined) return now;
    return new Promise((resolve, reject) => {
      const reader = { n, resolve };
      this.#reader = reader;
      req.onflush = () => {
        if (this.#reader === reader) this.#reader = undefined;
        reject(refuse(Einterrupted));
      };
    });
  }
  write(data: Uint8Array): number {
    this.#asking.answer(data);
    return data.length;
  }
  wake(): void {
    if (this.#reader === undefined) return this.onready?.();
    const { n, resolve } = this.#reader;
    const line = this.#next(n);
    if (line === undefined) return;
    this.#reader = undefined;
    resolve(line);
  }
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#asking.closed();
  }

  #next(n: number): Uint8Array | undefined {
    if (this.#rest.length === 0) {
      const line = this.#asking.next();
      if (line === undefined) return undefined;
      this.#rest = utf8(line);
    }
    const out = this.#rest.subarray(0, n);
    this.#rest = this.#rest.subarray(out.length);
    return out;
  }
}
