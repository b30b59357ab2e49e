/** One serial line: what is behind eiaN, eiaNctl and eiaNstatus,
 *  whether its device is there or not. */
import { type Packet, packetOf, text } from '@9p/packet';
import { counters, type Env, errorText, Port, refuse } from 'slashnet/core';
import { type Action, defaults, parseCtl, type Settings, statusText } from './fmt.js';
import { Tty, type TtyEvents } from './tty.js';

/** So long a line stays open that nobody uses: from one command of a shell to the next DTR stays
 *  up, and the other end of a pty does not see it closed. */
const linger_ms = 5_000;
/** Longest that a change, or the end, waits for output that flow control holds up. */
const drain_ms = 2_000;
/** No more than so much lies in the kernel's buffer, where what is urgent would wait behind it. */
const slice_ms = 250;
const slice_bytes_min = 64;
const bits_per_byte = 10;
/** How often the modem lines are looked at, where `c1` or `e1` says so. */
const look_ms = 250;
const ctl_bytes = 8 * 1024;

/** What a tty does for a line; a test has another. */
export type Device = Pick<
  Tty,
  'wired' | 'write' | 'drain' | 'flush' | 'apply' | 'lines' | 'modem' | 'close'
>;
export type Opener = (path: string, s: Settings, on: TtyEvents) => Promise<Device>;

const joined = (parts: readonly Uint8Array[]): Uint8Array =>
  parts.length === 1 ? (parts[0] as Uint8Array) : Buffer.concat(parts);

export class Line {
  readonly path: string;
  readonly number: number;
  readonly name: string;
  readonly port: Port;
  /** Its device is gone, or said to be; look whether that is so. */
  onlost: (() => void) | undefined;
  readonly #env: Env;
  /** Open from load to unload, whoever uses it. */
  readonly #held: boolean;
  readonly #stats = counters<string>();
  #settings: Settings = defaults();
  #tty: Device | undefined;
  readonly #device: Opener;
  #opening: Promise<void> | undefined;
  /** One ctl message at a time. */
  #last: Promise<void> = Promise.resolve();
  #out: Uint8Array[] = [];
  #queued = 0;
  /** Bytes, ever. */
  #in = 0;
  #sent = 0;
  /** Given to the kernel since it last had sent all. */
  #ahead = 0;
  #draining = false;
  readonly #whenEmpty: (() => void)[] = [];
  #dirty = false;
  #wasFull = false;
  /** What came in while nobody was there to have it. */
  #early: Uint8Array[] = [];
  #earlyBytes = 0;
  #lost = 0;
  #idle: { stop(): void } | undefined;
  #looking: { stop(): void } | undefined;
  #stopped = false;

  constructor(env: Env, path: string, number: number, held: boolean, device = Tty.open as Opener) {
    this.#device = device;
    this.#env = env;
    this.path = path;
    this.number = number;
    this.name = `eia${number}`;
    this.#held = held;
    this.port = new Port(
      {
        name: `/${this.name}`,
        framing: 'bytes',
        mtu: () => 65535,
        full: () => this.#full(),
        take: (p) => this.#take(p),
        attached: () => env.turn.defer(() => this.#deliverEarly()),
        detached: () => this.#touch(),
      },
      {
        count: (reason) => this.#stats.add(reason),
        crash: (e) => env.log(`${this.name}: bug: ${errorText(e)}`),
      },
    );
  }

  // The device ------------------------------------------------------------------------------------

  get isOpen(): boolean {
    return this.#tty !== undefined;
  }

  /** Opened if it is not, and carrying. */
  ready(): Promise<void> | undefined {
    this.#touch();
    return this.#tty !== undefined && this.port.isUp ? undefined : this.#connect();
  }

  open(): Promise<void> {
    if (this.#tty !== undefined) return Promise.resolve();
    this.#opening ??= this.#openNow().finally(() => {
      this.#opening = undefined;
    });
    return this.#opening;
  }

  async #openNow(): Promise<void> {
    if (this.#stopped) throw refuse(`${this.name} was unloaded`);
    const { turn } = this.#env;
    const tty = await this.#device(this.path, this.#settings, {
      data: (b) => turn.run(() => this.#received(b)),
      writable: () => turn.run(() => this.#push()),
      gone: () => turn.run(() => this.#gone()),
    });
    if (this.#stopped) return tty.close();
    this.#tty = tty;
    this.#look();
    this.#touch();
    turn.run(() => this.port.raise());
  }

  #gone(): void {
    this.#forget();
    this.#tty = undefined;
    this.port.lower(`${this.name}: unplugged`);
    this.onlost?.();
  }

  /** What waits, either way, is of a connection that is no more. */
  #forget(): void {
    this.#out = [];
    this.#early = [];
    this.#queued = this.#earlyBytes = this.#ahead = 0;
    this.#looking?.stop();
    this.#looking = undefined;
    this.#tellEmpty();
  }

  async #connect(): Promise<void> {
    await this.open();
    if (this.port.isUp) return;
    await this.#tty?.lines(this.#settings.dtr, this.#settings.rts);
    if (this.#tty === undefined) throw refuse(`${this.name}: unplugged`);
    this.#look();
    this.#env.turn.run(() => this.port.raise());
  }

  /** The modem hangs up when DTR falls. The device stays open: so it is seen when it goes. */
  async #hangup(why: string): Promise<void> {
    if (this.#tty === undefined || !this.port.isUp) return;
    await this.#drained();
    this.#env.turn.run(() => {
      this.#forget();
      this.port.lower(`${this.name}: ${why}`);
    });
    await this.#tty?.lines(false, false);
  }

  /** Somebody uses it, or somebody no longer does. */
  #touch(): void {
    this.#idle?.stop();
    this.#idle = undefined;
    if (this.#held || this.#stopped) return;
    this.#idle = this.#env.clock.after(linger_ms, () => {
      if (this.port.peer === undefined) void this.#close('nobody uses it');
    });
  }

  async #close(why: string): Promise<void> {
    const tty = this.#tty;
    if (tty === undefined) return;
    await this.#drained();
    if (this.#tty !== tty) return;
    this.#tty = undefined;
    this.#env.turn.run(() => {
      this.#forget();
      this.port.lower(`${this.name}: ${why}`);
    });
    await tty.close();
  }

  async stop(why: string): Promise<void> {
    this.#idle?.stop();
    this.#stopped = true;
    await this.#opening?.catch(() => undefined);
    await this.#close(why);
    const { peer } = this.port;
    this.#env.turn.run(() => {
      this.port.detach(why);
      peer?.detach(why);
    });
  }

  // Bytes in --------------------------------------------------------------------------------------

  #received(b: Uint8Array): void {
    this.#in += b.length;
    if (this.port.peer !== undefined && this.#early.length === 0) this.#deliver(b);
    else if (this.#earlyBytes + b.length > this.#settings.queue) this.#lost += b.length;
    else {
      this.#early.push(b.slice());
      this.#earlyBytes += b.length;
    }
  }
  #deliver(b: Uint8Array): void {
    if (!this.port.deliver(packetOf(b))) this.#lost += b.length;
  }
  #deliverEarly(): void {
    if (this.port.peer === undefined) return;
    const early = this.#early;
    this.#early = [];
    this.#earlyBytes = 0;
    for (const b of early) this.#deliver(b);
  }

  // Bytes out -------------------------------------------------------------------------------------

  /** A pty has no speed: what its other end does not take, it does not take from us. */
  get #slice_bytes(): number {
    if (this.#tty?.wired !== true) return Number.POSITIVE_INFINITY;
    return Math.max(slice_bytes_min, (this.#settings.baud / bits_per_byte / 1000) * slice_ms);
  }

  /** Before the limit, which what does not wait (an answer of LCP) may use up. Layers above are
   *  held up in spite of `n1`: they have a queue of their own, or drop what is best. */
  #full(): boolean {
    const most = Math.min(this.#settings.queue / 2, this.#slice_bytes);
    const full = this.#queued > 0 && this.#queued >= most;
    if (!full || (this.#settings.nonblocking && this.port.peer?.through === undefined))
      return false;
    this.#wasFull = true;
    return true;
  }

  #take(p: Packet): string | undefined {
    if (this.#tty === undefined || !this.port.isUp) return 'notconnected';
    const n = p.end - p.start;
    if (this.#queued > 0 && this.#queued >= this.#settings.queue) return 'qfull';
    this.#out.push(p.keep().bytes());
    this.#queued += n;
    if (!this.#dirty) {
      this.#dirty = true;
      this.#env.turn.dirty(this);
    }
    return undefined;
  }
  flush(): void {
    this.#dirty = false;
    this.#push();
  }

  #push(): void {
    const slice = this.#slice_bytes;
    while (this.#tty !== undefined && this.#out.length > 0 && !this.#draining) {
      const all = joined(this.#out);
      const b = all.subarray(0, Math.max(1, slice - this.#ahead));
      const n = this.#tty.write(b);
      if (this.#tty === undefined) return;
      this.#out = n < all.length ? [all.subarray(n)] : [];
      this.#queued -= n;
      this.#sent += n;
      this.#ahead += n;
      if (this.#ahead >= slice) void this.#drain();
      if (n < b.length) break;
    }
    if (this.#queued === 0) this.#tellEmpty();
    if (!this.#wasFull || this.#full()) return;
    this.#wasFull = false;
    this.port.roomAgain();
  }

  async #drain(): Promise<void> {
    this.#draining = true;
    await this.#tty?.drain();
    this.#draining = false;
    this.#ahead = 0;
    this.#env.turn.run(() => this.#push());
  }

  /** All that was written is on the line, or flow control has held it up for too long: who waits
   *  for this may be about to change that. */
  async #drained(): Promise<void> {
    let late = false;
    await new Promise<void>((done) => {
      const timer = this.#env.clock.after(drain_ms, () => {
        late = true;
        done();
      });
      void this.#emptied().then(() => {
        timer.stop();
        done();
      });
    });
    if (!late) return;
    this.#stats.add('undrained');
    await this.#tty?.flush();
  }
  async #emptied(): Promise<void> {
    if (this.#queued > 0) await new Promise<void>((empty) => this.#whenEmpty.push(empty));
    await this.#tty?.drain();
  }
  #tellEmpty(): void {
    for (const f of this.#whenEmpty.splice(0)) f();
  }

  // Modem lines -----------------------------------------------------------------------------------

  /** While `c1` or `e1` says so; a pty, which has none, is asked once. */
  #look(): void {
    const { onDcd, onDsr } = this.#settings;
    if (this.#looking !== undefined || this.#tty?.wired !== true || !(onDcd || onDsr)) return;
    let was = { dcd: false, dsr: false };
    const look = async (): Promise<void> => {
      const now = await this.#tty?.modem().catch(() => undefined);
      if (this.#looking === undefined || now === undefined) return;
      const s = this.#settings;
      if (s.onDcd && was.dcd && !now.dcd) return this.#hangup('carrier lost');
      if (s.onDsr && was.dsr && !now.dsr) return this.#hangup('DSR lost');
      was = now;
      this.#looking = s.onDcd || s.onDsr ? again() : undefined;
    };
    const again = () => this.#env.clock.after(look_ms, () => void look());
    this.#looking = again();
  }

  // Files -----------------------------------------------------------------------------------------

  ctl(data: Uint8Array): Promise<void> {
    if (data.length > ctl_bytes) throw refuse(`control message too long: over ${ctl_bytes} bytes`);
    const actions = parseCtl(text(data));
    const done = this.#last.then(() => this.#do(actions));
    this.#last = done.catch(() => undefined);
    return done;
  }

  /** Settings that stand together are one change of the tty. */
  async #do(actions: readonly Action[]): Promise<void> {
    this.#touch();
    await this.open();
    let set: Partial<Settings> = {};
    for (const a of actions) {
      if (a.do === 'set') set = { ...set, ...a.set };
      else {
        await this.#change(set);
        set = {};
        await this.#act(a);
      }
    }
    await this.#change(set);
  }

  async #act(a: Exclude<Action, { do: 'set' }>): Promise<void> {
    const { dtr, rts } = this.#settings;
    if (a.do === 'connect') await this.#connect();
    else if (a.do === 'hangup') await this.#hangup('hung up by ctl');
    else if (a.do === 'flush') {
      this.#out = [];
      this.#queued = 0;
      await this.#tty?.flush();
      this.#env.turn.run(() => this.#push());
    } else {
      await this.#drained();
      await this.#tty?.lines(dtr, rts, true);
      await new Promise<void>((over) => this.#env.clock.after(a.ms, over));
      await this.#tty?.lines(dtr, rts);
    }
  }

  async #change(set: Partial<Settings>): Promise<void> {
    const was = this.#settings;
    const now = { ...was, ...set };
    const differ = (...keys: readonly (keyof Settings)[]): boolean =>
      keys.some((k) => was[k] !== now[k]);
    const line = differ('baud', 'bits', 'parity', 'stop', 'rtscts', 'xonxoff');
    const modem = differ('dtr', 'rts');
    if (line || modem) await this.#drained();
    if (line) await this.#tty?.apply(now);
    this.#settings = now;
    if (modem) await this.#tty?.lines(now.dtr, now.rts);
    this.#look();
    this.#env.turn.run(() => this.#push());
  }

  async status(): Promise<string> {
    const lines = await this.#tty?.modem().catch(() => undefined);
    const figures = {
      dev: this.number,
      path: this.path,
      open: this.isOpen,
      up: this.port.isUp,
      in: this.#in,
      out: this.#sent,
      queued: this.#queued,
      lost: this.#lost,
      counters: this.#stats.toString(),
    };
    return statusText(this.#settings, figures, lines);
  }
}
