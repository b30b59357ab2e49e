/** A device of rawio as a source and a sink of packets: a batch is a turn, and what was sent
 *  leaves when the turn ends. All packet devices lie in one arena, so that a packet goes from
 *  one to another without a copy. */
import type { Packet } from '@9p/packet';
import {
  type Arena,
  arena,
  type Device,
  type EtherDevice,
  type Events,
  Outbox,
  open,
  received,
  type Sender,
  type Spec,
} from '@9p/rawio';
import { errorText, refuse } from './errors.js';
import type { Flushable, Turn } from './turn.js';

export interface DeviceEvents {
  receive(p: Packet): void;
  /** After each batch, in the same turn. */
  batch?(): void;
  /** It was full and is no longer. */
  room?(): void;
  /** Removed by the system; nothing comes after it. */
  gone(errno: string): void;
  /** An exception of one of the above. */
  bug(e: unknown): void;
}

/** A batch of jumbo frames; of slots that see none only the beginnings are touched. */
const size = { slots: 256, slotBytes: 9728, headroom: 128, copyBytes: 1024 * 1024 };
/** Packets of one turn: so many that a turn is worth it, so few that others get theirs. */
const budget = 128;

let outbox: Outbox | undefined;

export class PacketDevice<D extends Device = Device> implements Flushable {
  readonly raw: D;
  readonly #turn: Turn;
  readonly #on: DeviceEvents;
  readonly #sender: Sender;
  readonly #arena: Arena;
  readonly #batch = (): void => this.#receive();
  /** Packets of the batch under way. */
  #count = 0;
  #dirty = false;
  #closed = false;

  /** See openDevice. */
  constructor(turn: Turn, box: Outbox, spec: Spec, on: DeviceEvents) {
    this.#turn = turn;
    this.#on = on;
    this.#arena = box.arena;
    this.raw = opened(spec, box.arena, {
      rx: (n) => {
        this.#count = n;
        turn.run(this.#batch);
      },
      room: () => turn.run(() => this.#room()),
      gone: (errno) => turn.run(() => this.#gone(errno)),
    }) as D;
    this.#sender = box.sender(this.raw);
  }

  get name(): string {
    return this.raw.name;
  }
  get ifindex(): number {
    return this.raw.ifindex;
  }
  /** Sources should stop until room(). */
  get full(): boolean {
    return this.#sender.full;
  }

  #receive(): void {
    try {
      for (let i = 0; i < this.#count && !this.#closed; i++)
        this.#on.receive(received(this.#arena, i));
      this.#on.batch?.();
    } catch (e) {
      this.#on.bug(e);
    }
  }

  /** The packet goes when the turn ends; else the name of a counter. */
  send(p: Packet): 'qfull' | 'closed' | undefined {
    if (this.#closed) return 'closed';
    const taken = this.#sender.send(p);
    if (!this.#dirty) {
      this.#dirty = true;
      this.#turn.dirty(this);
    }
    return taken ? undefined : 'qfull';
  }

  flush(): void {
    this.#dirty = false;
    if (!this.#closed) this.#sender.flush();
  }

  #room(): void {
    if (this.#closed) return;
    this.#sender.room();
    if (!this.#sender.full) this.#on.room?.();
  }

  #gone(errno: string): void {
    if (this.#closed) return;
    this.close();
    this.#on.gone(errno);
  }

  /** Stop reading: packets wait in the kernel, which decides which of them to drop. */
  pause(): void {
    if (!this.#closed) this.raw.pause();
  }
  resume(): void {
    if (!this.#closed) this.raw.resume();
  }

  /** `done` is called when the system has let go of it. */
  close(done?: () => void): void {
    if (this.#closed) {
      done?.();
      return;
    }
    this.#sender.flush(); // a last word (PADT, Terminate-Request) still goes
    this.#closed = true;
    this.raw.close(done);
  }
}

/** An error text has 127 bytes, and the end of rawio's is the line to type:
 *  what is before it is shortened. */
function opened(spec: Spec, memory: Arena, on: Events): Device {
  try {
    return open(spec, memory, budget, on);
  } catch (e) {
    throw refuse(
      errorText(e)
        .replace(/need CAP_\w+: /, '')
        .replace(/^[a-z]+%d: /, 'tun: '),
    );
  }
}

/** Throws with the reason in words: rawio is not built, no privilege, no such device. */
export function openDevice(
  turn: Turn,
  spec: Extract<Spec, { kind: 'ether' }>,
  on: DeviceEvents,
): PacketDevice<EtherDevice>;
export function openDevice(turn: Turn, spec: Spec, on: DeviceEvents): PacketDevice;
export function openDevice(turn: Turn, spec: Spec, on: DeviceEvents): PacketDevice {
  // One for all: turns do not nest, so neither do their batches.
  outbox ??= new Outbox(arena(size));
  return new PacketDevice(turn, outbox, spec, on);
}
