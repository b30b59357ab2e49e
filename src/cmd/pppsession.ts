/** A ppp link as the commands of ppp(8) keep one: verbs into a conversation's ctl, and in the
 *  foreground until it ends. What is below it is the command's business. */
import { type Handle, type Mount, omode } from '@9p/lib9p';
import { realClock } from '../core/clock.js';
import { errorText } from '../core/errors.js';
import { quote, words } from '../core/words.js';
import { chomp, complain, linesOf, printable, reads, Usage } from './command.js';
import type { Daemon } from './owndaemon.js';
import { follow } from './pppdebug.js';
import { environment, type Facts, type Hook, startHook } from './ppphooks.js';
import { inTree, type Medium } from './pppmedium.js';
import type { Resolver } from './resolver.js';

/** Exit statuses; docs/slashnet-ppp.md has them. */
export const status = {
  ended: 0,
  failed: 1,
  usage: 2,
  medium: 3,
  link: 4,
  auth: 5,
  network: 6,
  lost: 7,
  peer: 8,
  interrupted: 9,
} as const;

const kinds: readonly [why: RegExp, status: number][] = [
  [/^interrupted/, status.interrupted],
  [/^authentication|refuses to authenticate/, status.auth],
  [/peer is gone|^link lost|the link below/, status.lost],
  [/terminated by peer|peer terminated/, status.peer],
  [/^lcp|looped back/, status.link],
  [/^no network|ipcp|ipv6cp|ipifc|iproute|interface|tun/, status.network],
];

/** What a reason that ppp gives for the end, or for no beginning, makes of us. */
export const statusOf = (why: string): number =>
  kinds.find(([of]) => of.test(why))?.[1] ?? status.failed;

/** The same of a link that was up. */
const lostBy = (why: string): number => {
  const of = statusOf(why);
  return of === status.failed ? status.lost : of;
};

/** How one try has ended. */
interface Attempt {
  readonly stage: 'medium' | 'link' | 'up';
  readonly why: string;
  readonly status: number;
}

export interface LinkOptions {
  /** Lines for ctl, before bind. */
  readonly verbs: readonly string[];
  /** What is below, made anew for each attempt. */
  below(m: Mount, cancel: AbortSignal): Promise<Medium>;
  /** Wait for the other end, in the place of connect. */
  readonly announce: boolean;
  /** Attempts after a failure or a loss. */
  readonly redial: number;
  readonly debug: number;
  readonly up: string | undefined;
  readonly down: string | undefined;
  readonly resolver: Resolver;
  /** While connect is under way: a person who has the keys. */
  readonly person?: ((cancel: AbortSignal) => Promise<void>) | undefined;
}

const first_ms = 1000;
const longest_ms = 60_000;
/** Longest that the end waits for what it told ppp, and for --down. */
const goodbye_ms = 3000;
const down_ms = 10_000;

const after = (ms: number): Promise<void> =>
  new Promise((resolve) => void realClock.after(ms, resolve));

/** A conversation, from its clone on: the last close of its ctl hangs it up. */
class Conversation {
  readonly dir: string;
  readonly #ctl: Handle;

  private constructor(dir: string, ctl: Handle) {
    this.dir = dir;
    this.#ctl = ctl;
  }

  static async clone(m: Mount, layer: string): Promise<Conversation> {
    const ctl = await m.open(`/${layer}/clone`, omode.rdwr);
    const n = Buffer.from(await ctl.read(32, 0))
      .toString()
      .trim();
    return new Conversation(`/${layer}/${n}`, ctl);
  }

  async write(line: string, cancel?: AbortSignal): Promise<void> {
    try {
      await this.#ctl.write(line, 0, cancel);
    } catch (e) {
      // The verb is ours: a person has not written it.
      throw new Error(errorText(e).replace(/: (connect|announce)$/, ''));
    }
  }

  close(): Promise<void> {
    return this.#ctl.close().catch(() => undefined);
  }
}

const say = (line: string): void => void process.stderr.write(`slashnet: ${printable(line)}\n`);

export class Session {
  readonly #d: Daemon;
  readonly #o: LinkOptions;
  readonly #conv: Conversation;
  readonly #end: AbortSignal;
  /** Settles when `end` is. */
  readonly #told: Promise<void>;
  #up: Facts | undefined;
  #upHook: Hook | undefined;
  /** What is to be done about changes is done one after the other. */
  #changes: Promise<void> = Promise.resolve();
  /** It has gone down. */
  #gone: (why: string) => void = () => undefined;

  private constructor(d: Daemon, o: LinkOptions, conv: Conversation, end: AbortSignal) {
    this.#d = d;
    this.#o = o;
    this.#conv = conv;
    this.#end = end;
    this.#told = new Promise((resolve) => {
      if (end.aborted) resolve();
      end.addEventListener('abort', () => resolve());
    });
  }

  /** Until the link ends, or `end` is aborted. The exit status. */
  static async run(d: Daemon, o: LinkOptions, end: AbortSignal): Promise<number> {
    const conv = await Conversation.clone(d.m, 'ppp');
    const s = new Session(d, o, conv, end);
    try {
      await s.#prepare();
      return await s.#attempts();
    } finally {
      await s.#wentDown('the command ended');
      await conv.close();
    }
  }

  async #prepare(): Promise<void> {
    for (const line of this.#o.verbs)
      await this.#conv.write(line, this.#end).catch((e: Error) => {
        throw new Usage(e.message);
      });
    await follow(this.#d.m, this.#conv.dir, this.#o.debug);
    const path = `${this.#conv.dir}/event`;
    const event = await this.#d.m.open(path, omode.read);
    this.#watch(path, event).catch(() => undefined); // it ends with the conversation
  }

  async #watch(path: string, event: Handle): Promise<void> {
    for await (const l of linesOf(reads(path, event, new AbortController().signal))) {
      const line = Buffer.from(chomp(l)).toString();
      if (line === 'up' || this.#isNews(line)) this.#change(() => this.#cameUp());
      else if (line.startsWith('down ')) {
        const why = line.slice('down '.length);
        this.#change(() => this.#wentDown(why));
        this.#gone(why);
      }
    }
  }

  /** Other addresses, of a link that is up already: "ip 10.0.0.2 10.0.0.1". */
  #isNews(line: string): boolean {
    const [, local, remote] = /^ip (\d\S+) (\S+)$/.exec(line) ?? [];
    const now = this.#up;
    if (now === undefined || local === undefined || remote === undefined) return false;
    return !now.local.split(' ').includes(local) || !now.remote.split(' ').includes(remote);
  }

  #change(what: () => Promise<void>): void {
    this.#changes = this.#changes.then(what).catch(complain);
  }

  async #attempts(): Promise<number> {
    for (let left = this.#o.redial, wait_ms = first_ms; ; left--) {
      const { stage, why, status: s } = await this.#attempt();
      if (s === status.ended) return s;
      if (stage === 'up') [left, wait_ms] = [this.#o.redial, first_ms];
      if (s === status.interrupted || s === status.usage || left === 0) {
        complain(why);
        return s;
      }
      say(`${why}; again in ${wait_ms / 1000} s`);
      await this.#pause(wait_ms);
      wait_ms = Math.min(longest_ms, 2 * wait_ms);
    }
  }

  async #pause(ms: number): Promise<void> {
    let timer = { stop(): void {} };
    const over = new Promise<void>((resolve) => {
      timer = realClock.after(ms, resolve);
    });
    await Promise.race([over, this.#told]);
    timer.stop();
  }

  /** Once from the medium to the end of the link. */
  async #attempt(): Promise<Attempt> {
    let stage: Attempt['stage'] = 'medium';
    let medium: Medium | undefined;
    try {
      medium = await this.#o.below(this.#d.m, this.#end);
      await medium.give();
      await this.#conv.write(`bind ${quote(medium.path)}`, this.#end);
      stage = 'link';
      const gone = new Promise<string>((resolve) => {
        this.#gone = resolve;
      });
      const connected = this.#connect();
      medium.begin(); // what has come already finds PPP listening
      await connected;
      stage = 'up';
      const ended = this.#o.announce ? medium.ended : gone;
      const why = await Promise.race([ended, this.#told]);
      return { stage, why: why ?? '', status: why === undefined ? status.ended : lostBy(why) };
    } catch (e) {
      const why = errorText(e);
      if (this.#end.aborted) return { stage, why, status: status.interrupted };
      if (e instanceof Usage) return { stage, why, status: status.usage };
      return { stage, why, status: stage === 'medium' ? status.medium : statusOf(why) };
    } finally {
      await this.#leave(medium);
    }
  }

  async #connect(): Promise<void> {
    if (this.#o.announce) return this.#conv.write('announce', this.#end);
    const over = new AbortController();
    this.#o.person?.(over.signal).catch(complain);
    try {
      await this.#conv.write('connect', this.#end);
    } finally {
      over.abort();
    }
  }

  /** Hung up and unbound; what the peer does not say in time, nobody waits for. */
  async #leave(medium: Medium | undefined): Promise<void> {
    const hangup = this.#conv.write('hangup').then(() => this.#conv.write('unbind'));
    await Promise.race([hangup.catch(() => undefined), after(goodbye_ms)]);
    this.#change(() => this.#wentDown('hung up'));
    await this.#changes;
    await medium?.close().catch(() => undefined);
  }

  // Up and down ---------------------------------------------------------------------------------

  async #cameUp(): Promise<void> {
    if (this.#up !== undefined) await this.#wentDown('its addresses have changed');
    const facts = await this.#facts();
    this.#up = facts;
    const { local, remote, device } = facts;
    const dns = facts.dns.length === 0 ? '' : ` dns ${facts.dns.join(' ')}`;
    const where = device === '' ? '' : ` interface ${device}`;
    say(`up: local ${local} remote ${remote}${where}${dns}`);
    await this.#o.resolver.set(device, facts.dns).catch(complain);
    if (this.#o.up === undefined) return;
    this.#upHook = startHook(this.#o.up, this.#environment(facts, 'up'));
    this.#upHook.done.catch(complain);
  }

  async #wentDown(why: string): Promise<void> {
    const facts = this.#up;
    this.#up = undefined;
    if (facts === undefined) return;
    say(`down: ${why}`);
    await this.#o.resolver.undo().catch(complain);
    this.#upHook?.kill();
    if (this.#o.down === undefined) return;
    const hook = startHook(this.#o.down, this.#environment(facts, why));
    await Promise.race([hook.done.catch(complain), after(down_ms)]);
    hook.kill();
  }

  #environment(facts: Facts, why: string) {
    const { address } = this.#d;
    return environment(facts, { why, address, dir: this.#conv.dir });
  }

  async #facts(): Promise<Facts> {
    const { m } = this.#d;
    const read = (name: string): Promise<string> => m.readText(`${this.#conv.dir}/${name}`);
    const [statusLine, local, remote, dns] = await Promise.all(
      ['status', 'local', 'remote', 'dns'].map(read) as [Promise<string>, ...Promise<string>[]],
    );
    const pairs = pairsOf(statusLine);
    const lines = (s: string | undefined) => (s ?? '').split('\n').filter((l) => l !== '');
    return {
      local: lines(local).join(' '),
      remote: lines(remote).join(' '),
      dns: lines(dns),
      user: pairs.get('user') ?? '',
      mtu: pairs.get('mtu') ?? '',
      device: await deviceOf(m, pairs.get('ifc')),
    };
  }
}

/** "Opened phase Network role client …" */
export function pairsOf(line: string): Map<string, string> {
  const [, ...all] = words(line);
  const pairs = new Map<string, string>();
  for (let i = 0; i + 1 < all.length; i += 2) pairs.set(all[i] as string, all[i + 1] as string);
  return pairs;
}

/** What the system calls an interface: the second word of its status. */
async function deviceOf(m: Mount, ifc: string | undefined): Promise<string> {
  if (ifc === undefined) return '';
  const at = (await inTree(m, ifc)) ?? ifc;
  const line = await m.readText(`${at}/status`).catch(() => '');
  return /^device (\S+)/.exec(line)?.[1] ?? '';
}
