/** One conversation as the engine sees it: who uses it, what is bound below, how long it lives.
 *  The part that devip.c plays in Plan 9; a plugin's Conversation is the specific half. */
import {
  type Node,
  newReq,
  type OpenFile,
  type Qid,
  type Req,
  type Wait,
  type Who,
} from '@9p/lib9p';
import { utf8 } from '@9p/packet';
import { Calls } from './calls.js';
import { Control } from './control.js';
import { type Counters, counters } from './counters.js';
import { DataFile } from './datafile.js';
import { makeDriver, makePathTimer } from './driver.js';
import { Einterrupted, Einuse, errorText, oneLine, refuse } from './errors.js';
import { Folder, type FolderSource } from './files.js';
import { controlBelow, linkTo } from './link.js';
import type { Clock, Machine, Path, Sink } from './machine.js';
import type { Context, Conversation, Driver, Env, Layer, Link, PathTimer } from './plugin.js';
import { Port, type PortOptions, type Tap } from './port.js';
import { Redial } from './redial.js';
import type { Kind } from './standard.js';
import { Taps } from './taps.js';
import type { Turn } from './turn.js';
import { quote } from './words.js';

/** What a slot asks of the layer that it is in. */
export interface SlotHost {
  freed(slot: Slot): void;
  /** Another conversation, for a call; not kept. Throws at the layer's limit. */
  create(who: Who): Slot;
}

const nothingOpen: ReadonlyMap<Port, DataFile> = new Map();

export class Slot implements Context, FolderSource {
  readonly id: number;
  readonly name: string;
  readonly env: Env;
  readonly layer: Layer;
  readonly stats: Counters<string> = counters();
  readonly taps: Taps;
  readonly c: Conversation;
  readonly folder: Folder;
  readonly control: Control<Slot>;
  readonly redial: Redial;
  readonly calls = new Calls();
  readonly born: number;
  /** When it last changed, or was told to. */
  stirred: number;
  owner: Who;
  kept: boolean;
  /** Something was written to its ctl or data. */
  touched = false;
  err = '';
  link: Link | undefined;
  #lowerPort: Port | undefined;
  /** Files that somebody has walked to, by name. */
  #nodes: readonly Node[] = [];
  #opens = 0;
  /** Of each port whose data is open as a file. */
  #data: ReadonlyMap<Port, DataFile> = nothingOpen;
  #closed = false;
  /** The last close hangs it up. */
  #leaving = false;
  /** The ports behind its data files. */
  readonly uppers: readonly Port[];
  tap: Tap | undefined;
  ontap: ((tap: Tap | undefined) => void) | undefined;
  #ports: readonly Port[] = [];
  readonly #host: SlotHost;
  readonly #kind: Kind;

  constructor(
    host: SlotHost,
    layer: Layer,
    env: Env,
    id: number,
    who: Who,
    kept: boolean,
    kind: Kind,
  ) {
    this.#host = host;
    this.layer = layer;
    this.env = env;
    this.id = id;
    this.name = `/${layer.name}/${id}`;
    this.owner = who;
    this.born = env.clock.now();
    this.stirred = this.born;
    this.kept = kept;
    this.#kind = kind;
    this.taps = new Taps(env.clock, this.name, layer, (tap) => this.#tapped(tap));
    this.c = layer.create(this);
    this.uppers = this.#uppers();
    this.control = new Control(kind.verbs, this);
    this.control.onrefused = (e) => {
      this.err = e.message;
    };
    this.redial = new Redial(env.clock, (args) => this.#connectAgain(args));
    this.folder = new Folder(
      { name: String(id), perm: 0o555, owner: () => this.owner.uname },
      this,
    );
  }

  /** A file of ours, made when somebody first wants it: most of them nobody ever looks at. */
  find(name: string): Node | undefined {
    if (this.#closed) return undefined;
    const known = this.#nodes.find((n) => n.name === name);
    if (known !== undefined) return known;
    const made = this.#kind.files.get(name)?.(this);
    if (made !== undefined) this.#nodes = [...this.#nodes, made];
    return made;
  }
  all(): readonly Node[] {
    return this.#closed ? [] : [...this.#kind.files.keys()].map((name) => this.find(name) as Node);
  }

  #uppers(): readonly Port[] {
    const more = (this.layer.files ?? []).flatMap((f) => ('port' in f ? [f.port(this.c)] : []));
    return this.c.upper === undefined ? more : [this.c.upper, ...more];
  }

  log(text: string): void {
    this.taps.log(text);
    const up = this.env.log;
    if (up.on) up(`${this.name} ${text}`);
  }
  get closed(): boolean {
    return this.#closed;
  }
  get ctl(): Node {
    return this.find('ctl') as Node;
  }
  #tapped(tap: Tap | undefined): void {
    this.tap = tap;
    for (const p of this.#ports) p.tap = tap;
    this.ontap?.(tap);
  }

  // What the plugin uses -----------------------------------------------------------------------
  count(reason: string, n = 1): void {
    this.stats.add(reason, n);
    this.layer.stats.add(reason, n);
  }
  port(o: PortOptions): Port {
    const port = new Port(o, this);
    port.tap = this.tap; // log was opened before there was anything to see
    this.#ports = [...this.#ports, port];
    return port;
  }
  driver<Cmd, Ev>(m: Machine<Cmd, Ev>, out: Sink, tell: (e: Ev) => void): Driver<Cmd> {
    return makeDriver(this, m, out, tell);
  }
  pathTimer(p: Path<string>, above: Sink, below: Sink): PathTimer {
    return makePathTimer(this, p, above, below);
  }
  get clock(): Clock {
    return this.env.clock;
  }
  get turn(): Turn {
    return this.env.turn;
  }
  event(text: string): void {
    this.stirred = this.env.clock.now();
    this.taps.event(text);
    if (this.env.log.on) this.env.log(`${this.name} ${text}`);
  }
  fail(why: string): void {
    this.err = oneLine(why);
  }
  down(why: string): void {
    this.fail(why);
    this.event(`down ${why}`);
    this.redial.lost();
  }

  /** An exception of the plugin: its conversation goes, the daemon stays. */
  crash(e: unknown): void {
    this.count('crashed');
    const why = `plugin error: ${errorText(e)}`;
    this.env.log(`${this.name} ${e instanceof Error ? (e.stack ?? why) : why}`);
    this.env.turn.defer(() => this.close(why));
  }

  // What is bound below --------------------------------------------------------------------------
  async bind(path: string, req: Req): Promise<void> {
    if (this.link !== undefined) throw refuse(`${this.link.path} is bound: unbind it first`);
    const { c, env } = this;
    if (c.bind !== undefined) this.#bound(await c.bind(path, req), undefined, req);
    else if (c.lower !== undefined) {
      const lower = c.lower(path);
      lower.through = c.upper;
      if (c.upper !== undefined) c.upper.through = lower;
      this.#bound(await linkTo(env.ns, env.turn, path, lower, req.who), lower, req);
    } else throw refuse(`nothing can be bound below ${this.layer.name}`);
  }

  /** The path may have answered late: after a flush, the end, or another bind. */
  #bound(link: Link, lower: Port | undefined, req: Req): void {
    if (this.#closed || req.flushed || this.link !== undefined) {
      this.#dropLink(link, 'the bind was given up');
      throw refuse(Einterrupted);
    }
    this.link = link;
    this.#lowerPort = lower;
    this.event(`bind ${link.path}`);
  }

  #dropLink(link: Link, why: string): void {
    const failed = (e: unknown): void => this.env.log(`${this.name} unbind: ${errorText(e)}`);
    try {
      void Promise.resolve(link.unbind(why)).catch(failed);
    } catch (e) {
      failed(e);
    }
  }

  async unbind(why: string): Promise<void> {
    const link = this.link;
    if (link === undefined) return;
    this.link = undefined;
    this.#lowerPort = undefined;
    await link.unbind(why);
    this.event(`unbind ${link.path}`);
  }

  /** A port of this conversation has lost its peer. */
  detached(port: Port, why: string): void {
    if (port === this.#lowerPort && this.link !== undefined) {
      const path = this.link.path;
      this.link = undefined;
      this.#lowerPort = undefined;
      this.event(`unbind ${path}: ${why}`);
    }
    if (this.uppers.includes(port)) this.env.turn.defer(() => this.#maybeFree());
  }

  // Verbs -----------------------------------------------------------------------------------------
  async connect(args: readonly string[], req: Req): Promise<void> {
    if (this.c.connect === undefined) throw refuse('connect not supported');
    this.redial.connecting();
    const brought = await this.#connectBelow(req);
    try {
      if (req.flushed) throw refuse('interrupted');
      await this.c.connect(args, req);
    } catch (e) {
      await this.#leaveBelow(brought, req);
      throw e;
    }
    this.redial.connected(args);
  }

  /** Given up or failed: what lies below is as it was before, too. */
  async #leaveBelow(brought: Link | undefined, { who }: Req): Promise<void> {
    if (brought === undefined || brought !== this.link) return;
    const req = newReq(who);
    await controlBelow(this.env.ns, brought.path, 'hangup', req).catch((e) => {
      this.log(`hangup below: ${errorText(e)}`);
    });
  }

  /** What was not up and now is. */
  async #connectBelow(req: Req): Promise<Link | undefined> {
    const { link } = this;
    if (link === undefined || this.#lowerPort === undefined) return undefined;
    if (link.fast && this.#lowerPort.peer?.isUp !== false) return undefined;
    const wasUp = this.#lowerPort.peer?.isUp !== false;
    try {
      await controlBelow(this.env.ns, link.path, 'connect', req);
    } catch (e) {
      const text = errorText(e);
      if (!/^connect not supported/.test(text)) throw refuse(text.replace(/: connect$/, ''));
    }
    if (this.#lowerPort?.peer?.isUp === false) await link.again?.();
    return wasUp ? undefined : link;
  }

  /** As a verb, so that it waits for others, and `hangup`, `unbind` and `close` end it. */
  async #connectAgain(args: readonly string[]): Promise<void> {
    await this.writeCtl(utf8(['connect', ...args].map(quote).join(' ')), this.#ownReq());
  }
  #ownReq(): Req {
    return newReq(this.owner);
  }

  async announce(args: readonly string[], req: Req): Promise<void> {
    if (this.c.announce === undefined) throw refuse('announce not supported');
    await this.c.announce(args, req);
    this.calls.announced = true;
    this.event('announced');
  }

  /** A call has arrived: a conversation of its own, for who listens. */
  call(begin: (c: Conversation) => void): boolean {
    if (!this.calls.announced || this.calls.full) {
      this.count(this.calls.announced ? 'backlogfull' : 'notannounced');
      return false;
    }
    try {
      const slot = this.#host.create(this.owner);
      begin(slot.c);
      this.calls.put(slot);
      return true;
    } catch (e) {
      this.count('callrefused');
      this.log(`call: ${errorText(e)}`);
      return false;
    }
  }

  /** The open of `listen`: the ctl of the next call's conversation. */
  async listen(req: Req): Promise<OpenFile> {
    this.hold();
    try {
      return await this.calls.listen(req);
    } finally {
      this.release();
    }
  }

  /** This layer first, then what lies below and is used by this bind alone. The bind stays. */
  async hangup(why: string, req: Req): Promise<void> {
    this.redial.hungup();
    this.calls.end();
    await this.c.hangup?.(why);
    this.stirred = this.env.clock.now();
    const below = this.#lowerPort === undefined ? undefined : this.link;
    if (below === undefined) return;
    await controlBelow(this.env.ns, below.path, 'hangup', req).catch((e) => {
      this.log(`hangup below: ${errorText(e)}`);
    });
  }

  /** The directory goes. */
  close(why: string, byVerb = false): void {
    if (this.#closed) return;
    this.#closed = true;
    this.redial.hungup();
    this.calls.end();
    // The verb that closes does not fail by its own doing.
    if (!byVerb) this.control.abort(why);
    const link = this.link;
    this.link = undefined;
    this.env.ns.forget((n) => n === this.folder || this.#nodes.includes(n));
    this.env.turn.run(() => {
      try {
        this.c.close(why);
      } catch (e) {
        this.env.log(`${this.name} close: ${errorText(e)}`);
      }
      for (const port of this.uppers) {
        const { peer } = port;
        port.detach(why);
        peer?.detach(`${this.name} was closed`);
      }
    });
    if (link !== undefined) this.#dropLink(link, why);
    this.taps.end(why);
    this.#host.freed(this);
  }

  // Use and life ----------------------------------------------------------------------------------
  /** Nobody uses it, and nothing is under way. */
  get forgettable(): boolean {
    try {
      return !this.used && this.c.idle;
    } catch (e) {
      this.crash(e);
      return false;
    }
  }
  get used(): boolean {
    return this.#opens > 0 || this.uppers.some((p) => p.peer !== undefined);
  }

  /** Another layer stands on it; whoever reads data as a file is none. */
  get carries(): boolean {
    return this.uppers.some((p) => p.peer !== undefined && !this.#data.has(p));
  }

  hold(): void {
    this.#opens++;
  }
  /** The last close of ctl, data, err or listen, with no link attached, hangs up and frees. */
  release(): void {
    this.#opens--;
    this.#maybeFree();
  }
  get #wanted(): boolean {
    return this.#closed || this.kept || this.used;
  }
  #maybeFree(): void {
    if (this.#wanted || this.#leaving) return;
    this.#leaving = true;
    const why = 'the last file was closed';
    void this.#hangupLast(why).then(() => {
      this.#leaving = false;
      // Who has opened it meanwhile, or said `keep`, has it hung up.
      if (!this.#wanted) this.close(why);
    });
  }
  async #hangupLast(why: string): Promise<void> {
    this.control.abort(why);
    try {
      if (!this.c.idle) await this.hangup(why, this.#ownReq());
    } catch (e) {
      this.log(`hangup: ${errorText(e)}`);
    }
  }
  async hangupAndClose(why: string, byVerb = false): Promise<void> {
    await this.#hangupLast(why);
    this.close(why, byVerb);
  }

  writeCtl(data: Uint8Array, req: Req): Wait<number> {
    if (this.#closed) throw refuse(`${this.name} was closed`);
    this.touched = true;
    this.stirred = this.env.clock.now();
    return this.control.write(data, req);
  }

  openData(port: Port, qid: Qid, req: Req): OpenFile {
    const { iounit } = req;
    if (iounit > 0 && port.mtu > iounit)
      throw refuse(`msize too small: ${iounit} bytes a read, mtu ${port.mtu}`);
    let data = this.#data.get(port);
    if (data === undefined) {
      if (port.peer !== undefined) throw refuse(`${Einuse}: ${port.peer.name} is bound to it`);
      data = this.#newData(port, qid);
    }
    return data.open(qid);
  }

  #newData(port: Port, qid: Qid): DataFile {
    const data = new DataFile(port, qid, {
      turn: this.env.turn,
      count: (reason) => this.count(reason),
      crash: (e) => this.crash(e),
      closed: () => {
        this.#data = new Map([...this.#data].filter(([p]) => p !== port));
        this.release();
      },
    });
    this.#data = new Map([...this.#data, [port, data]]);
    this.hold();
    this.touched = true;
    return data;
  }
}
