/** How many may come in: connections in all, and from one address. One gate may stand before
 *  several listeners. */
import type { Socket } from 'node:net';
import { encodeFcall } from './codec.js';
import { notag } from './fcall.js';

export interface GateLimits {
  /** Connections in all. */
  readonly connections: number;
  /** From one address; a unix socket has none. */
  readonly perAddress: number;
}

export const defaultGateLimits: GateLimits = { connections: 1024, perAddress: 128 };

/** Who is turned away may still be told why: this many at a time, each until he says nothing for so
 *  long, or has said something so often. */
const told_max = 32;
const told_ms = 1000;
const told_pieces = 8;

export class Gate {
  /** Connections turned away. */
  refused = 0;
  readonly #limits: GateLimits;
  readonly #of = new Map<string, number>();
  #all = 0;
  #told = 0;

  constructor(limits: Partial<GateLimits> = {}) {
    this.#limits = { ...defaultGateLimits, ...limits };
  }

  /** Undefined, and the socket counts until it closes; or why it may not come in. */
  enter(socket: Socket): string | undefined {
    const address = socket.remoteAddress ?? '';
    const n = this.#of.get(address) ?? 0;
    if (this.#all >= this.#limits.connections)
      return `too many connections: limit ${this.#limits.connections}`;
    if (address !== '' && n >= this.#limits.perAddress)
      return `too many connections from ${address}: limit ${this.#limits.perAddress}`;
    this.#all++;
    this.#of.set(address, n + 1);
    socket.once('close', () => this.#leave(address));
    return undefined;
  }

  /** Say why, if it can be said, and close. */
  turnAway(socket: Socket, answer: Uint8Array | string | undefined): void {
    this.refused++;
    socket.on('error', () => undefined);
    if (answer === undefined || this.#told >= told_max) return void socket.destroy();
    this.#told++;
    socket.once('close', () => this.#told--);
    // What is unread when a socket closes would make the other end lose what it was told; but each
    // piece puts the timeout off.
    let pieces = 0;
    socket.on('data', () => {
      if (++pieces > told_pieces) socket.destroy();
    });
    socket.setTimeout(told_ms, () => socket.destroy());
    socket.end(answer);
  }

  #leave(address: string): void {
    this.#all--;
    const n = (this.#of.get(address) ?? 1) - 1;
    if (n === 0) this.#of.delete(address);
    else this.#of.set(address, n);
  }
}

/** The answer to a Tversion that has not been read yet: its tag is known. */
export const refusal = (ename: string): Uint8Array =>
  encodeFcall({ type: 'Rerror', tag: notag, ename });
