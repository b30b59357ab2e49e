/** The network interfaces of the system, as they come, change and go. */

import {
  getLinks,
  type Link,
  type Message,
  type NetlinkSocket,
  openNetlink,
  parseLink,
  rtm,
  rtnlgrp,
} from '@9p/rawio/netlink';
import type { Env } from 'slashnet/core';
import { errorText } from 'slashnet/core';

export interface LinkWatcher {
  link(l: Link): void;
  gone(index: number): void;
}

export class Links {
  /** By index. */
  readonly all = new Map<number, Link>();
  readonly #watchers = new Set<LinkWatcher>();
  readonly #env: Env;
  #socket: NetlinkSocket | undefined;

  constructor(env: Env) {
    this.#env = env;
  }

  static async open(env: Env): Promise<Links> {
    const links = new Links(env);
    links.#socket = openNetlink({
      groups: rtnlgrp.link,
      after: (ms, f) => env.clock.after(ms, f),
      event: (m) => env.turn.run(() => links.#event(m)),
      lost: () => void links.refresh().catch((e) => env.log(`links: ${errorText(e)}`)),
    });
    await links.refresh();
    return links;
  }

  /** Everything anew: at the start, and after events were lost. */
  async refresh(): Promise<void> {
    const answer = await this.#socket?.client.request(getLinks());
    const seen = new Set<number>();
    this.#env.turn.run(() => {
      for (const m of answer ?? []) {
        const l = parseLink(m.body);
        if (typeof l === 'string') continue;
        seen.add(l.index);
        this.#put(l);
      }
      for (const index of [...this.all.keys()]) if (!seen.has(index)) this.#remove(index);
    });
  }

  #event(m: Message): void {
    if (m.type !== rtm.newLink && m.type !== rtm.delLink) return;
    const l = parseLink(m.body);
    if (typeof l === 'string') return;
    if (m.type === rtm.newLink) this.#put(l);
    else this.#remove(l.index);
  }
  #put(l: Link): void {
    this.all.set(l.index, l);
    for (const w of [...this.#watchers]) w.link(l);
  }
  #remove(index: number): void {
    if (!this.all.delete(index)) return;
    for (const w of [...this.#watchers]) w.gone(index);
  }

  /** Told of every interface that there is, in the order of their indexes,
   *  and of what happens from now on. */
  watch(w: LinkWatcher): { stop(): void } {
    this.#watchers.add(w);
    for (const l of [...this.all.values()].sort((a, b) => a.index - b.index)) w.link(l);
    return { stop: () => void this.#watchers.delete(w) };
  }

  close(): void {
    this.#socket?.close();
    this.#watchers.clear();
  }
}
