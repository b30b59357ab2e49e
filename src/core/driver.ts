/** Drivers: the only callers of machines and of the timers of paths. */
import type { Packet } from '@9p/packet';
import type { Clock, Machine, Ms, Path, Sink } from './machine.js';
import type { Driver, PathTimer } from './plugin.js';
import type { Turn } from './turn.js';

export interface DriverHost {
  readonly clock: Clock;
  readonly turn: Turn;
  count(reason: string): void;
  crash(e: unknown): void;
}

type Input<Cmd> = { command: Cmd } | { packet: Packet } | 'timeout';

const inbox_max = 1024;

/** Runs `m`; what it sends goes to `out`, what it tells to `tell`. Input
 *  that re-enters waits its turn. */
export const makeDriver = <Cmd, Ev>(
  host: DriverHost,
  m: Machine<Cmd, Ev>,
  out: Sink,
  tell: (e: Ev) => void,
): Driver<Cmd> => new MachineDriver(host, m, out, tell);

/** Classes, as there is one for each of thousands of conversations. */
class MachineDriver<Cmd, Ev> implements Driver<Cmd>, Ringing {
  readonly #host: DriverHost;
  readonly #m: Machine<Cmd, Ev>;
  readonly #out: Sink;
  readonly #tell: (e: Ev) => void;
  readonly #inbox: Input<Cmd>[] = [];
  readonly #alarm: Alarm;
  #busy = false;
  #stopped = false;

  constructor(host: DriverHost, m: Machine<Cmd, Ev>, out: Sink, tell: (e: Ev) => void) {
    this.#host = host;
    this.#m = m;
    this.#out = out;
    this.#tell = tell;
    this.#alarm = new Alarm(host.clock, this);
  }

  command(c: Cmd): void {
    this.#enter({ command: c });
  }
  send(p: Packet): boolean {
    return this.#enter({ packet: this.#busy ? p.keep() : p });
  }
  ring(): void {
    this.#enter('timeout');
  }
  stop(): void {
    this.#stopped = true;
    this.#inbox.length = 0;
    this.#alarm.stop();
  }

  #enter(input: Input<Cmd>): boolean {
    if (this.#stopped) return false;
    if (this.#inbox.length >= inbox_max) {
      this.#host.count('inboxfull');
      return false;
    }
    this.#inbox.push(input);
    if (!this.#busy) this.#host.turn.run(() => this.#drain());
    return true;
  }

  #drain(): void {
    this.#busy = true;
    try {
      for (let i = this.#inbox.shift(); i !== undefined && !this.#stopped; i = this.#inbox.shift())
        this.#handle(i);
      if (!this.#stopped) this.#alarm.set(this.#m.deadline());
    } catch (e) {
      this.#host.crash(e);
    } finally {
      this.#inbox.length = 0; // gives back the room that a queue keeps, too
      this.#busy = false;
    }
  }

  #handle(input: Input<Cmd>): void {
    const now = this.#host.clock.now();
    const m = this.#m;
    if (input === 'timeout') m.timeout(now);
    else if ('packet' in input) m.receive(input.packet, now);
    else m.command(input.command, now);
    for (let o = m.poll(); o !== undefined && !this.#stopped; o = m.poll()) {
      if (o.do === 'send') this.#out.send(o.packet);
      else this.#tell(o.event);
    }
  }
}

export const makePathTimer = (
  host: DriverHost,
  p: Path<string>,
  above: Sink,
  below: Sink,
): PathTimer => new TimerOfPath(host, p, above, below);

class TimerOfPath implements PathTimer, Ringing {
  readonly #host: DriverHost;
  readonly #p: Path<string>;
  readonly #above: Sink;
  readonly #below: Sink;
  readonly #alarm: Alarm;

  constructor(host: DriverHost, p: Path<string>, above: Sink, below: Sink) {
    this.#host = host;
    this.#p = p;
    this.#above = above;
    this.#below = below;
    this.#alarm = new Alarm(host.clock, this);
  }

  check(): void {
    this.#alarm.set(this.#p.deadline?.() ?? Number.POSITIVE_INFINITY);
  }
  stop(): void {
    this.#alarm.stop();
  }
  ring(): void {
    this.#host.turn.run(() => {
      try {
        this.#p.timeout?.(this.#host.clock.now(), this.#above, this.#below);
        this.check();
      } catch (e) {
        this.#host.crash(e);
      }
    });
  }
}

interface Ringing {
  ring(): void;
}

/** One timer that follows a deadline; set again only where the
 *  deadline comes nearer or it has rung. */
class Alarm {
  readonly #clock: Clock;
  readonly #whom: Ringing;
  #at: Ms = Number.POSITIVE_INFINITY;
  #want: Ms = Number.POSITIVE_INFINITY;
  #timer: { stop(): void } | undefined;

  constructor(clock: Clock, whom: Ringing) {
    this.#clock = clock;
    this.#whom = whom;
  }

  stop(): void {
    this.#timer?.stop();
    this.#timer = undefined;
    this.#at = Number.POSITIVE_INFINITY;
    this.#want = this.#at;
  }

  set(deadline: Ms): void {
    this.#want = deadline;
    const isSet = this.#timer !== undefined && this.#at <= deadline;
    if (isSet && deadline !== Number.POSITIVE_INFINITY) return;
    this.#timer?.stop();
    this.#timer = undefined;
    this.#at = deadline;
    if (deadline === Number.POSITIVE_INFINITY) return;
    const ms = Math.max(0, deadline - this.#clock.now());
    this.#timer = this.#clock.after(ms, () => this.#due());
  }

  #due(): void {
    this.#timer = undefined;
    if (this.#clock.now() >= this.#want) this.#whom.ring();
    else this.set(this.#want);
  }
}
