/** The option negotiation automaton of RFC 1661 section 4, driven by the RFC's own table. */
import type { Ms } from 'slashnet/core';

export const states = [
  'Initial',
  'Starting',
  'Closed',
  'Stopped',
  'Closing',
  'Stopping',
  'Req-Sent',
  'Ack-Rcvd',
  'Ack-Sent',
  'Opened',
] as const;
export type State = (typeof states)[number];

export const actions = [
  'tlu',
  'tld',
  'tls',
  'tlf',
  'irc',
  'zrc',
  'scr',
  'sca',
  'scn',
  'str',
  'sta',
  'scj',
  'ser',
] as const;
export type Action = (typeof actions)[number];

/** Section 4.1: an event a row, a state a column, 0 Initial .. 9 Opened. */
const rfc1661 = `
Up    2     irc,scr/6 -     -             -     -     -         -         -         -
Down  -     -     0         tls/1         0     1     1         1         1         tld/1
Open  tls/1 1     irc,scr/6 3r            5r    5r    6         7         8         9r
Close 0     tlf/0 2         2             4     4     irc,str/4 irc,str/4 irc,str/4 tld,irc,str/4
TO+   -     -     -         -             str/4 str/5 scr/6     scr/6     scr/8     -
TO-   -     -     -         -             tlf/2 tlf/3 tlf/3p    tlf/3p    tlf/3p    -
RCR+  -     -     sta/2     irc,scr,sca/8 4     5     sca/8     sca,tlu/9 sca/8     tld,scr,sca/8
RCR-  -     -     sta/2     irc,scr,scn/6 4     5     scn/6     scn/7     scn/6     tld,scr,scn/6
RCA   -     -     sta/2     sta/3         4     5     irc/7     scr/6x    irc,tlu/9 tld,scr/6x
RCN   -     -     sta/2     sta/3         4     5     irc,scr/6 scr/6x    irc,scr/8 tld,scr/6x
RTR   -     -     sta/2     sta/3         sta/4 sta/5 sta/6     sta/6     sta/6     tld,zrc,sta/5
RTA   -     -     2         3             tlf/2 tlf/3 6         6         8         tld,scr/6
RUC   -     -     scj/2     scj/3         scj/4 scj/5 scj/6     scj/7     scj/8     scj/9
RXJ+  -     -     2         3             4     5     6         6         8         9
RXJ-  -     -     tlf/2     tlf/3         tlf/2 tlf/3 tlf/3     tlf/3     tlf/3     tld,irc,str/5
RXR   -     -     2         3             4     5     6         7         8         ser/9`;

export const events = [
  'Up',
  'Down',
  'Open',
  'Close',
  'TO+',
  'TO-',
  'RCR+',
  'RCR-',
  'RCA',
  'RCN',
  'RTR',
  'RTA',
  'RUC',
  'RXJ+',
  'RXJ-',
  'RXR',
] as const;
export type Event = (typeof events)[number];

export interface Cell {
  readonly actions: readonly Action[];
  /** Index into `states`. */
  readonly next: number;
  /** [p]assive, [r]estart, [x] crossed connection. */
  readonly note: '' | 'p' | 'r' | 'x';
}

/** A cell as the RFC writes it; '-', which cannot happen, is
 *  undefined. Throws on what is not a cell. */
export function parseCell(text: string): Cell | undefined {
  if (text === '-') return undefined;
  const [, list = '', next, note = ''] = /^(?:([a-z,]+)\/)?(\d)([prx]?)$/.exec(text) ?? [];
  if (next === undefined) throw new Error(`bad cell ${text}`);
  const names = list === '' ? [] : list.split(',');
  for (const a of names)
    if (!actions.includes(a as Action)) throw new Error(`unknown action ${a} in ${text}`);
  return { actions: names as Action[], next: Number(next), note: note as Cell['note'] };
}

/** Rows of an event and ten cells; every event exactly once. */
export function parseTable(text: string): Readonly<Record<Event, readonly (Cell | undefined)[]>> {
  const rows = new Map<string, readonly (Cell | undefined)[]>();
  for (const line of text.split('\n').filter((l) => l.trim() !== '')) {
    const [event = '', ...cells] = line.trim().split(/\s+/);
    if (!events.includes(event as Event) || rows.has(event)) throw new Error(`bad event ${event}`);
    if (cells.length !== states.length) throw new Error(`${event}: ${cells.length} cells`);
    rows.set(event, cells.map(parseCell));
  }
  if (rows.size !== events.length) throw new Error('events are missing');
  return Object.fromEntries(rows) as Record<Event, readonly (Cell | undefined)[]>;
}

export const table = parseTable(rfc1661);

/** What a step is about: `P` is the packet that made the event, where there was one. */
export interface Step<P> {
  readonly event: Event;
  readonly cell: Cell;
  readonly packet: P | undefined;
}

export interface FsmOptions {
  /** [p]: after Max-Configure requests wait in Stopped for the peer, unfinished. */
  readonly passive: boolean;
  /** Up waits in Stopped for the peer's first word: a request before it would be lost, and with it
   *  a whole Restart timer. */
  readonly silent?: boolean;
  /** [r]: Open in a state that is past its beginning acts as Down and Up. */
  readonly restart: boolean;
}

/** States in which the Restart timer runs: those that have a TO event. */
const timed = table['TO+'].map((cell) => cell !== undefined);

/** Who does what the automaton says. */
export interface Actor<P> {
  act(a: Action, now: Ms, step: Step<P>): void;
  /** The table has no such event in this state. */
  impossible(event: Event, state: State): void;
}

/** Holds the state and has the actions done; an event raised by an
 *  action waits until the step is done. */
export class Fsm<P> {
  readonly #actor: Actor<P>;
  readonly #o: FsmOptions;
  /** What actions raised, while a step is under way. */
  #waiting: (() => void)[] | undefined;
  #state = 0;
  #busy = false;

  constructor(actor: Actor<P>, o: FsmOptions) {
    this.#actor = actor;
    this.#o = o;
  }

  get state(): State {
    return states[this.#state] as State;
  }
  get timed(): boolean {
    return timed[this.#state] === true;
  }

  step(event: Event, now: Ms, packet?: P): void {
    if (this.#busy) {
      this.#waiting ??= [];
      this.#waiting.push(() => this.#step(event, now, packet));
      return;
    }
    this.#busy = true;
    try {
      this.#step(event, now, packet);
      for (let f = this.#waiting?.shift(); f !== undefined; f = this.#waiting?.shift()) f();
    } finally {
      this.#busy = false;
      this.#waiting = undefined;
    }
  }

  #step(event: Event, now: Ms, packet: P | undefined): void {
    if (event === 'Up' && this.state === 'Starting' && this.#o.silent === true) {
      this.#state = states.indexOf('Stopped');
      return;
    }
    const cell = table[event][this.#state];
    if (cell === undefined) {
      this.#actor.impossible(event, this.state);
      return;
    }
    this.#state = cell.next;
    for (const a of cell.actions) {
      if (a === 'tlf' && cell.note === 'p' && this.#o.passive) continue;
      this.#actor.act(a, now, { event, cell, packet });
    }
    if (cell.note === 'r' && this.#o.restart) {
      this.#step('Down', now, undefined);
      this.#step('Up', now, undefined);
    }
  }
}
