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
export function makeDriver<Cmd, Ev>(
  host: DriverHost,
  m: Machine<Cmd, Ev>,
  out: Sink,
  tell: (e: Ev) => void,
): Driver<Cmd> {
  const inbox: Input<Cmd>[] = [];
  const alarm = makeAlarm(host, () => enter('timeout'));
  let busy = false;
  let stopped = false;

  function handle(input: Input<Cmd>): void {
    const now = host.clock.now();
    if (input === 'timeout') m.timeout(now);
    else if ('packet' in input) m.receive(input.packet, now);
    else m.command(input.command, now);
    for (let o = m.poll(); o !== undefined && !stopped; o = m.poll()) {
      if (o.do === 'send') out.send(o.packet);
      else tell(o.event);
    }
  }

  function drain(): void {
    busy = true;
    try {
      for (let i = inbox.shift(); i !== undefined && !stopped; i = inbox.shift()) handle(i);
      if (!stopped) alarm.set(m.deadline());
    } catch (e) {
      inbox.length = 0;
      host.crash(e);
    } finally {
      busy = false;
    }
  }

  function enter(input: Input<Cmd>): boolean {
    if (stopped) return false;
    if (inbox.length >= inbox_max) {
      host.count('inboxfull');
      return false;
    }
    inbox.push(input);
    if (!busy) host.turn.run(drain);
    return true;
  }

  return {
    command: (c) => void enter({ command: c }),
    send: (p) => enter({ packet: busy ? p.keep() : p }),
    stop() {
      stopped = true;
      inbox.length = 0;
      alarm.stop();
    },
  };
}

export function makePathTimer(
  host: DriverHost,
  p: Path<string>,
  above: Sink,
  below: Sink,
): PathTimer {
  const alarm = makeAlarm(host, () => {
    host.turn.run(() => {
      try {
        p.timeout?.(host.clock.now(), above, below);
        check();
      } catch (e) {
        host.crash(e);
      }
    });
  });
  const check = () => alarm.set(p.deadline?.() ?? Number.POSITIVE_INFINITY);
  return { check, stop: alarm.stop };
}

/** One timer that follows a deadline; set again only where the
 *  deadline comes nearer or it has rung. */
function makeAlarm(host: DriverHost, ring: () => void) {
  let at = Number.POSITIVE_INFINITY;
  let timer: { stop(): void } | undefined;
  let want = Number.POSITIVE_INFINITY;
  function stop(): void {
    timer?.stop();
    timer = undefined;
    at = Number.POSITIVE_INFINITY;
    want = at;
  }
  function set(deadline: Ms): void {
    want = deadline;
    if (timer !== undefined && at <= deadline && deadline !== Number.POSITIVE_INFINITY) return;
    timer?.stop();
    timer = undefined;
    at = deadline;
    if (deadline === Number.POSITIVE_INFINITY) return;
    timer = host.clock.after(Math.max(0, deadline - host.clock.now()), () => {
      timer = undefined;
      if (host.clock.now() >= want) ring();
      else set(want);
    });
  }
  return { set, stop };
}
