/** The control protocol of skeleton: Hello until a Welcome comes, then packets, then Bye.
 *
 *  A machine has no socket, clock, timer or random source: what happens to it is an
 *  argument, what it wants done is drained with poll(), and deadline() says when it
 *  wants to be called again. So a test runs an hour of it in a millisecond, and the
 *  same input gives the same bytes. */
import type { Packet } from '@9p/packet';
import type { Machine, Ms, Output } from 'slashnet/core';
import { message, parse, type Type } from './wire.js';

export type State = 'Idle' | 'Calling' | 'Open';
/** lost: what is below carries packets no longer, so there is nobody to say Bye to. */
export type Cmd = 'call' | 'hangup' | 'lost';
/** `state` comes before what it led to. */
export type Event =
  | { is: 'state'; state: State }
  | { is: 'open' }
  | { is: 'closed'; why: string }
  | { is: 'count'; reason: string };

/** Times have their unit in their name. */
export const hello_ms = 1000;
export const hellos_max = 5;

export class Greeting implements Machine<Cmd, Event> {
  #state: State = 'Idle';
  #at: Ms = Number.POSITIVE_INFINITY;
  #hellos = 0;
  readonly #out: Output<Event>[] = [];

  get state(): State {
    return this.#state;
  }

  command(c: Cmd, now: Ms): void {
    if (c === 'call' && this.#state === 'Idle') this.#call(now);
    if (c === 'hangup' && this.#state !== 'Idle') {
      this.#send('bye');
      this.#end('hung up');
    }
    if (c === 'lost' && this.#state !== 'Idle') this.#end('the link below went down');
  }

  /** Only control packets come here: the path keeps the others. */
  receive(p: Packet, _now: Ms): void {
    const h = parse(p.buf, p.start, p.end);
    if (typeof h === 'string') this.#tell({ is: 'count', reason: h });
    else if (h.type === 'hello') {
      // Who hears of us late asks again: answer in every state.
      this.#send('welcome');
      if (this.#state === 'Idle') this.#open();
    } else if (h.type === 'welcome') {
      if (this.#state === 'Calling') this.#open();
    } else if (h.type === 'bye' && this.#state !== 'Idle') this.#end('the other end hung up');
  }

  /** May come early, or for no reason: then it does nothing. */
  timeout(now: Ms): void {
    if (now < this.#at) return;
    if (this.#hellos < hellos_max) this.#hello(now);
    else this.#end('no answer from the other end');
  }

  poll(): Output<Event> | undefined {
    return this.#out.shift();
  }
  deadline(): Ms {
    return this.#at;
  }

  #call(now: Ms): void {
    this.#hellos = 0;
    this.#enter('Calling');
    this.#hello(now);
  }
  #hello(now: Ms): void {
    this.#hellos++;
    this.#at = now + hello_ms;
    this.#send('hello');
  }
  #open(): void {
    this.#at = Number.POSITIVE_INFINITY;
    this.#enter('Open');
    this.#tell({ is: 'open' });
  }
  #end(why: string): void {
    this.#at = Number.POSITIVE_INFINITY;
    this.#enter('Idle');
    this.#tell({ is: 'closed', why });
  }
  #enter(state: State): void {
    this.#state = state;
    this.#tell({ is: 'state', state });
  }
  #send(type: Type): void {
    this.#out.push({ do: 'send', packet: message(type) });
  }
  #tell(event: Event): void {
    this.#out.push({ do: 'tell', event });
  }
}
