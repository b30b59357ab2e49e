/** A turn: one entry from outside (a batch of packets, a timer, a file operation) and
 *  all that follows from it at once. The end of the outermost one runs what was deferred
 *  and flushes each device sent to. */
import { onPacket, type Packet } from '@9p/packet';

export interface Turn {
  run<T>(f: () => T): T;
  /** Run `f` before this turn ends, after what runs now; in a turn
   *  of its own if none is under way. */
  defer(f: () => void): void;
  /** `d.flush()` at the end of this turn, once. */
  dirty(d: Flushable): void;
}
export interface Flushable {
  flush(): void;
}

export interface TurnOptions {
  /** Called for an error that nobody below has caught: a bug. The turn still ends. */
  readonly bug?: (e: unknown) => void;
  /** Tests: what was not kept dies with its turn, and whoever uses it then sees it. */
  readonly poison?: boolean;
}

export function makeTurn(o: TurnOptions = {}): Turn {
  let depth = 0;
  let deferred: (() => void)[] = [];
  let dirty: Flushable[] = [];
  const mortal: Packet[] = [];
  const bug =
    o.bug ??
    ((e) => {
      throw e;
    });
  if (o.poison) {
    onPacket((p) => {
      if (depth > 0) mortal.push(p);
    });
  }

  function settle(): void {
    while (deferred.length > 0 || dirty.length > 0) {
      const now = deferred;
      deferred = [];
      for (const f of now) attempt(f, bug);
      if (deferred.length > 0) continue;
      const devices = dirty;
      dirty = [];
      for (const d of devices) attempt(() => d.flush(), bug);
    }
  }

  function end(): void {
    depth = 1; // what settling sends belongs to this turn
    try {
      if (deferred.length > 0 || dirty.length > 0) settle();
      if (mortal.length > 0) poison(mortal);
    } finally {
      depth = 0;
    }
  }

  function run<T>(f: () => T): T {
    if (depth > 0) return f();
    depth = 1;
    try {
      return f();
    } finally {
      end();
    }
  }

  return {
    run,
    defer(f) {
      if (depth > 0) deferred.push(f);
      else run(f);
    },
    dirty(d) {
      if (depth === 0) d.flush();
      else if (!dirty.includes(d)) dirty.push(d);
    },
  };
}

function attempt(f: () => void, bug: (e: unknown) => void): void {
  try {
    f();
  } catch (e) {
    bug(e);
  }
}

/** Bytes that are read after this are 0xa5, and the offsets are those of no packet. */
function poison(dead: Packet[]): void {
  for (const p of dead) {
    if (p.kept || p.start < 0) continue;
    p.buf.fill(0xa5, p.start, p.end);
    p.start = -1;
    p.end = -1;
  }
  dead.length = 0;
}
