/** A layer for tests, `wire`: conversations 0 and 1, 2 and 3 and so on are the ends of a wire
 *  that does nothing to packets. What is bound to them can talk. */
import { type Context, type Conversation, counters, type Env, type Port } from 'slashnet/core';

export const wire_mtu_bytes = 1500;

class WireEnd implements Conversation {
  readonly state = 'Up';
  readonly idle = true;
  readonly upper: Port;
  readonly #ends: Map<number, WireEnd>;
  readonly #id: number;

  constructor(ctx: Context, ends: Map<number, WireEnd>) {
    this.#ends = ends;
    this.#id = ctx.id;
    ends.set(ctx.id, this);
    this.upper = ctx.port({
      name: `${ctx.name}/data`,
      framing: 'packet',
      mtu: () => wire_mtu_bytes,
      take: (p) => (ends.get(ctx.id ^ 1)?.upper.deliver(p) ? undefined : 'nobody'),
    });
    this.upper.raise();
  }
  status(): string {
    return '';
  }
  close(): void {
    this.#ends.delete(this.#id);
  }
}

/** Serve /wire in `env`. */
export function serveWire(env: Env): void {
  const ends = new Map<number, WireEnd>();
  env.serve({
    name: 'wire',
    limit: 1024,
    about: 'ends 2n and 2n+1 are joined',
    verbs: [],
    stats: counters(),
    create: (ctx) => new WireEnd(ctx, ends),
  });
}
