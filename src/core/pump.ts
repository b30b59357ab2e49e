/** A link through files: several reads in flight, in order, and one write a packet. For data
 *  files that are served elsewhere, in another process or on another machine. */
import type { Req, Who } from '@9p/lib9p';
import { type Packet, packetOf } from '@9p/packet';
import { errorText } from './errors.js';
import type { Chan } from './namespace.js';
import type { Link } from './plugin.js';
import { join, Port, part } from './port.js';
import type { Turn } from './turn.js';

const read_bytes = 65536;
const writes_max = 64;

export function pump(turn: Turn, path: string, chan: Chan, lower: Port, who: Who): Link {
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

  async function read(): Promise<void> {
    for (let offset = 0; !stopped; ) {
      reading = req();
      // A file of text ends at its offset; at 0 it would be read for
      // ever, and nothing else would run.
      const b = await chan.read(read_bytes, offset, reading);
      offset += b.length;
      if (stopped) return;
      if (b.length === 0) break;
      turn.run(() => port.deliver(packetOf(b)));
    }
    turn.run(() => port.lower('hung up'));
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

  turn.run(() => {
    join(lower, port);
    port.raise();
  });
  read().catch((e) => {
    if (!stopped) turn.run(() => port.lower(errorText(e)));
  });
  return {
    path,
    fast: false,
    unbind(why) {
      if (lower.peer === port) turn.run(() => part(lower, port, why));
      stop();
    },
  };
}
