/** A link through files: several reads in flight, in order, and one write a packet. For data
 *  files that are served elsewhere, in another process or on another machine. */
import type { Req, Wait, Who } from '@9p/lib9p';
import { type Packet, packetOf } from '@9p/packet';
import { errorText } from './errors.js';
import type { Chan } from './namespace.js';
import type { Link } from './plugin.js';
import { join, Port, part } from './port.js';
import type { Turn } from './turn.js';

const read_bytes = 65536;
const writes_max = 64;

export interface PumpOptions {
  readonly turn: Turn;
  readonly path: string;
  /** What the file is joined to. */
  readonly lower: Port;
  readonly who: Who;
  /** Opens the file anew, once it has ended. */
  open(): Wait<Chan>;
}

export function pump({ turn, path, lower, who, open }: PumpOptions, first: Chan): Link {
  let chan = first;
  let writing = 0;
  let stopped = false;
  const req = (): Req => ({ who, iounit: 0, flushed: false, onflush: undefined });
  let reading: Req | undefined;

  const port: Port = new Port({
    name: path,
    framing: lower.framing,
    mtu: () => 65535,
    full: () => writing >= writes_max,
    take(p: Packet) {
      if (writing >= writes_max) return 'qfull';
      void write(p.keep());
      return undefined;
    },
    detached: () => stop(),
  });

  async function write(p: Packet): Promise<void> {
    writing++;
    try {
      await chan.write(p.bytes(), 0, req());
    } catch (e) {
      turn.run(() => port.lower(errorText(e)));
    } finally {
      if (writing-- === writes_max) turn.run(() => port.roomAgain());
    }
  }

  async function read(from: Chan): Promise<void> {
    for (let offset = 0; !stopped && from === chan; ) {
      reading = req();
      // A file of text ends at its offset; at 0 it would be read for
      // ever, and nothing else would run.
      const b = await from.read(read_bytes, offset, reading);
      offset += b.length;
      if (stopped) return;
      if (b.length === 0) break;
      turn.run(() => port.deliver(packetOf(b)));
    }
    if (from === chan) turn.run(() => port.lower('hung up'));
  }

  function start(): void {
    const from = chan;
    turn.run(() => port.raise());
    read(from).catch((e) => {
      if (!stopped && from === chan) turn.run(() => port.lower(errorText(e)));
    });
  }

  /** The new one is open before the old one goes: whoever serves it sees no gap. */
  async function again(): Promise<void> {
    const next = await open();
    if (stopped) return next.close();
    const old = chan;
    chan = next;
    old.close();
    start();
  }

  function stop(): void {
    if (stopped) return;
    stopped = true;
    if (reading !== undefined) {
      reading.flushed = true;
      reading.onflush?.();
    }
    chan.close();
  }

  turn.run(() => join(lower, port));
  start();
  return {
    path,
    fast: false,
    again,
    unbind(why) {
      if (lower.peer === port) turn.run(() => part(lower, port, why));
      stop();
    },
  };
}
