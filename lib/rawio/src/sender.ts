/**
 * Sending Packets: gathers those of a turn, and keeps the order when the kernel says that it is
 * full.
 */
import { type Packet, packetOf } from '@9p/packet';
import type { Arena, Device } from './types.js';

/**
 * Packets that one sender holds while its device is full; what comes beyond is dropped and counted.
 */
const held_limit = 1024;

/** The room for copies of one arena, and the senders that share it. */
export class Outbox {
  readonly arena: Arena;
  #used: number;
  #waiting: Sender[] = [];

  constructor(arena: Arena) {
    this.arena = arena;
    this.#used = arena.copyAt;
  }

  sender(device: Device): Sender {
    return new Sender(this, device);
  }

  /**
   * Copies a packet's bytes; where they begin, or -1 if there can be no room. May flush every
   * sender.
   */
  copy(p: Packet): number {
    if (this.#used + p.length > this.arena.bytes.length) this.flush();
    const at = this.#used;
    if (at + p.length > this.arena.bytes.length) return -1;
    this.arena.bytes.set(p.bytes(), at);
    this.#used += p.length;
    return at;
  }

  flush(): void {
    while (this.#waiting.length > 0) this.#waiting[0]!.flush();
  }

  /** A sender has something to flush; its copies lie in our room until it has done so. */
  begin(s: Sender): void {
    this.#waiting.push(s);
  }

  end(s: Sender): void {
    if (this.#waiting.at(-1) === s) this.#waiting.pop();
    else this.#waiting.splice(this.#waiting.indexOf(s), 1);
    if (this.#waiting.length === 0) this.#used = this.arena.copyAt;
  }
}

/**
 * One for each device. Its owner calls flush() at the end of a turn, and room() when the device
 * does.
 */
export class Sender {
  /**
   * Sources should stop until the device's room(). What is sent all the same is held, up to a
   * limit.
   */
  full = false;
  dropped = 0;
  readonly #outbox: Outbox;
  readonly #device: Device;
  readonly #limit: number;
  #n = 0;
  #held: Packet[] = [];

  constructor(outbox: Outbox, device: Device) {
    this.#outbox = outbox;
    this.#device = device;
    this.#limit = device.tx.length / 2;
  }

  /**
   * Takes the packet: its bytes must stay as they are until flush(). False: dropped, and counted.
   */
  send(p: Packet): boolean {
    if (this.#n === this.#limit) this.flush();
    if (this.full) return this.#hold(p);
    const start = p.buf === this.#outbox.arena.bytes ? p.start : this.#outbox.copy(p);
    if (start < 0) return this.#drop();
    if (this.full) return this.#hold(p); // copying may flush
    if (this.#n === 0) this.#outbox.begin(this);
    const { tx } = this.#device;
    tx[2 * this.#n] = start;
    tx[2 * this.#n + 1] = start + p.length;
    this.#n++;
    return true;
  }

  flush(): void {
    const n = this.#n;
    if (n === 0) return;
    this.#n = 0;
    const went = this.#device.flush(n);
    if (went < n) this.#stop(went, n);
    this.#outbox.end(this);
  }

  /** The device has room again: what was held goes first. `full` says whether that was enough. */
  room(): void {
    const held = this.#held;
    this.#held = [];
    this.full = false;
    for (const p of held) this.send(p);
    this.flush();
  }

  /** The slots of the arena will be used again, so what did not go is copied. */
  #stop(went: number, n: number): void {
    const { tx } = this.#device;
    this.full = true;
    for (let i = went; i < n; i++)
      this.#held.push(
        packetOf(this.#outbox.arena.bytes.subarray(tx[2 * i]!, tx[2 * i + 1]!)).keep(),
      );
  }

  #hold(p: Packet): boolean {
    if (this.#held.length >= held_limit) return this.#drop();
    this.#held.push(p.keep());
    return true;
  }

  #drop(): false {
    this.dropped++;
    return false;
  }
}
