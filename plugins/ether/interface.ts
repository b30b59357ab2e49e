/** One Ethernet interface of Linux as a layer: /ether0. */
import { hex, linkType } from '@9p/packet';
import { iff, type Link } from '@9p/rawio/netlink';
import { type Counters, counters, type Env, type Layer } from 'slashnet/core';
import { EtherConversation, verbs } from './conversation.js';
import { frameText, statsText } from './fmt.js';

const conversations_max = 64;

export class Interface {
  readonly name: string;
  readonly env: Env;
  link: Link;
  readonly conversations = new Set<EtherConversation>();
  /** Frames, over all conversations. */
  in = 0;
  out = 0;
  /** Of conversations that are closed. */
  overflows = 0;
  outputErrors = 0;
  #served: { remove(why: string): Promise<void> } | undefined;

  constructor(env: Env, name: string, link: Link) {
    this.env = env;
    this.name = name;
    this.link = link;
  }

  serve(): void {
    this.#served = this.env.serve(layerOf(this));
  }

  get up(): boolean {
    return (this.link.flags & iff.up) !== 0;
  }
  get running(): boolean {
    return (this.link.flags & iff.running) !== 0;
  }

  /** The system says that something about it has changed. */
  changed(link: Link): void {
    const was = this.link;
    this.link = link;
    if (was.mtu === link.mtu && was.flags === link.flags) return;
    for (const c of this.conversations) c.changed();
  }

  /** It is no more: what stands on it is hung up. */
  async gone(): Promise<void> {
    await this.remove(`${this.name}: ${this.link.name} is gone`);
  }
  async remove(why: string): Promise<void> {
    const served = this.#served;
    this.#served = undefined;
    await served?.remove(why);
  }

  ifstats(): string {
    const l = this.link;
    const flags = `up ${this.up ? 1 : 0} link ${this.running ? 1 : 0}`;
    const kind = l.kind === '' ? 'hardware' : l.kind;
    return `interface ${l.name} index ${l.index} kind ${kind} mtu ${l.mtu} ${flags}\n`;
  }

  stats(): string {
    const now = { overflows: this.overflows, outputErrors: this.outputErrors, promiscuous: 0 };
    for (const c of this.conversations) {
      const { rxlost, txdropped } = c.lost();
      now.overflows += rxlost;
      now.outputErrors += txdropped;
      if (c.promiscuous) now.promiscuous++;
    }
    const { in: received, out, link, running } = this;
    return statsText({ in: received, out, link: running, mac: link.mac, ...now });
  }
}

/** Plan 9's lines first, then what was counted under a reason. */
function statsOf(i: Interface): Counters<string> {
  const own = counters();
  return { add: own.add, get: own.get, toString: () => i.stats() + own.toString() };
}

const layerOf = (i: Interface): Layer<EtherConversation> => ({
  name: i.name,
  limit: conversations_max,
  about: `Ethernet interface ${i.link.name}`,
  verbs,
  stats: statsOf(i),
  linkType: linkType.ether,
  format: frameText,
  rootFiles: [
    { name: 'addr', perm: 0o444, text: () => hex(i.link.mac) },
    { name: 'ifstats', perm: 0o444, text: () => i.ifstats() },
  ],
  files: [{ name: 'type', perm: 0o444, text: (c) => c.typeText() }],
  create: (ctx) => new EtherConversation(ctx, i),
});
