/** This host's network stack, asked by netlink; opened when it is first needed. */
import { type Message, type NetlinkSocket, openNetlink, type Request } from '@9p/rawio/netlink';
import { type Env, refuse } from 'slashnet/core';
import type { Journal } from './journal.js';
import { Proxies } from './proxy.js';

export class Host {
  readonly #env: Env;
  #socket: NetlinkSocket | undefined;
  #closed = false;
  /** An interface that we made is no more. */
  ongone: ((ifindex: number) => void) | undefined;
  readonly proxies: Proxies;

  constructor(env: Env, proxies: Journal) {
    this.#env = env;
    this.proxies = new Proxies(this, proxies);
  }

  /** Rejects with the kernel's words. */
  async request(r: Request): Promise<Message[]> {
    if (this.#closed) throw refuse('no such device: ipifc was unloaded');
    this.#socket ??= openNetlink({
      groups: 0,
      after: (ms, f) => this.#env.clock.after(ms, f),
      event() {},
    });
    return this.#socket.client.request(r);
  }

  close(): void {
    this.#closed = true;
    this.#socket?.close();
    this.#socket = undefined;
  }
}
