/** Protocol machines and data paths: what a layer writes without socket,
 *  timer, clock or random source. */
import type { Packet } from '@9p/packet';

/** Monotonic milliseconds. */
export type Ms = number;

/** Takes packets. False: dropped, and counted by the one who dropped it. */
export interface Sink {
  send(p: Packet): boolean;
}

export type Output<Ev> = { do: 'send'; packet: Packet } | { do: 'tell'; event: Ev };

/** A control protocol, sans-IO. The Driver is its only caller. */
export interface Machine<Cmd, Ev> {
  /** From ctl, from the layer above, or a signal of the Path. */
  command(c: Cmd, now: Ms): void;
  /** A control packet from the link; it may be kept only by `keep()`. */
  receive(p: Packet, now: Ms): void;
  /** At or after `deadline()`; early or extra calls do nothing. */
  timeout(now: Ms): void;
  /** Drained fully after each of the three. */
  poll(): Output<Ev> | undefined;
  /** Earliest of the named timers; Infinity if none. */
  deadline(): Ms;
}

/** A layer's data plane: stateful, in order. It hands on none, one or several packets, or
 *  returns why it dropped one: the name of a counter. */
export interface Path<Drop extends string> {
  down(p: Packet, below: Sink, now: Ms): Drop | undefined;
  /** `control` takes what is for the Machine, in order. */
  up(p: Packet, above: Sink, control: Sink, now: Ms): Drop | undefined;
  /** Reorder and acknowledgement timers, run by the Driver. */
  timeout?(now: Ms, above: Sink, below: Sink): void;
  deadline?(): Ms;
}

export interface Clock {
  now(): Ms;
  /** Wall clock in milliseconds since 1970, for logs and captures only. */
  date(): number;
  after(ms: Ms, f: () => void): { stop(): void };
}

export interface Random {
  u32(): number;
  bytes(n: number): Uint8Array;
}
