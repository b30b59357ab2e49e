/** A layer for tests: /wire/0 and /wire/1 are two ends of one wire, 2 and 3 of the next. */
import type { Packet } from '@9p/packet';
import { type Context, type Conversation, counters, type Layer, type Port } from 'slashnet/core';

export class End implements Conversation {
  readonly state = 'Open';
  readonly idle = false;
  readonly upper: Port;
  readonly #ends: Map<number, End>;
  readonly #id: number;
  mtu = 1500;
  full = false;
  /** What happens to each packet instead of going to the other end. */
  catch: ((p: Packet) => void) | undefined;

  constructor(ctx: Context, ends: Map<number, End>) {
    this.#ends = ends;
    this.#id = ctx.id;
    this.upper = ctx.port({
      name: `${ctx.name}/data`,
      framing: 'packet',
      mtu: () => this.mtu,
      full: () => this.full,
      take: (p) => this.#take(p),
    });
    this.upper.raise();
    ends.set(ctx.id, this);
  }
  #take(p: Packet): string | undefined {
    if (this.catch !== undefined) this.catch(p);
    else this.#ends.get(this.#id ^ 1)?.upper.deliver(p);
    return undefined;
  }
  status(): string {
    return '';
  }
  close(why: string): void {
    this.upper.lower(why);
    this.#ends.delete(this.#id);
  }
}

export function wireLayer(): { layer: Layer<End>; ends: Map<number, End> } {
  const ends = new Map<number, End>();
  const layer: Layer<End> = {
    name: 'wire',
    limit: 100,
    about: 'a wire for tests',
    verbs: [],
    stats: counters(),
    create: (ctx) => new End(ctx, ends),
  };
  return { layer, ends };
}
