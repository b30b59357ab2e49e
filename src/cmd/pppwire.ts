/** What a command has in its own hands and PPP goes over: standard input and output, or a
 *  connection that was dialled. */
import { constants, fstatSync, readFileSync } from 'node:fs';
import type { Readable, Writable } from 'node:stream';
import { type Arena, arena, type FileDevice, open, socktype } from '@9p/rawio';

export interface Wire {
  /** One read and one write is a packet; else bytes. */
  readonly packets: boolean;
  /** What comes next; undefined: nothing does any more. One at a time. */
  next(): Promise<Uint8Array | undefined>;
  /** Done when there is room for more. One at a time. */
  send(b: Uint8Array): Promise<void>;
  close(): void;
}

/** Bytes, by streams of Node. */
export class StreamWire implements Wire {
  readonly packets = false;
  readonly #in: Readable;
  readonly #out: Writable;
  readonly #pieces: AsyncIterator<Uint8Array>;
  readonly #closed: () => void;
  #broken = false;

  /** `closed`: when it is, as a terminal wants to be told. */
  constructor(input: Readable, output: Writable, closed: () => void = () => undefined) {
    this.#closed = closed;
    this.#in = input;
    this.#out = output;
    this.#pieces = input[Symbol.asyncIterator]();
    // It is told by the input, or by the keepalive of PPP.
    output.on('error', () => {
      this.#broken = true;
      input.destroy();
    });
  }

  async next(): Promise<Uint8Array | undefined> {
    try {
      const r = await this.#pieces.next();
      return r.done === true ? undefined : r.value;
    } catch {
      return undefined;
    }
  }

  send(b: Uint8Array): Promise<void> {
    if (this.#broken) return Promise.resolve();
    return new Promise((done) => void this.#out.write(b, () => done()));
  }

  close(): void {
    this.#closed();
    this.#in.destroy();
    if (this.#out !== process.stdout) this.#out.destroy();
  }
}

const slots = 64;
const held_packets = 256;
/** Longest packet, and what goes with it. */
const slot_bytes = 17 * 1024;

/** Packets, one a read(2) or write(2): Node's streams would join them. */
export class PacketWire implements Wire {
  readonly packets = true;
  readonly #arena: Arena;
  readonly #in: FileDevice;
  readonly #out: FileDevice;
  readonly #held: Uint8Array[] = [];
  #over = false;
  #came = (): void => undefined;
  #room = (): void => undefined;

  constructor(input: number, output: number) {
    this.#arena = arena({ slots, slotBytes: slot_bytes, headroom: 4, copyBytes: 64 * 1024 });
    this.#in = this.#open(input);
    this.#out = this.#open(output);
    this.#out.pause(); // the same socket perhaps, which one of them reads
  }

  #open(fd: number): FileDevice {
    return open({ kind: 'file', fd }, this.#arena, 1, {
      rx: (_n, bytes, at) => this.#receive(bytes.slice(at[0], at[1])),
      room: () => this.#room(),
      gone: () => {
        this.#over = true;
        this.#came();
        this.#room();
      },
    });
  }

  #receive(b: Uint8Array): void {
    this.#held.push(b);
    if (this.#held.length >= held_packets) this.#in.pause();
    this.#came();
  }

  async next(): Promise<Uint8Array | undefined> {
    while (this.#held.length === 0 && !this.#over)
      await new Promise<void>((came) => {
        this.#came = came;
      });
    const b = this.#held.shift();
    if (this.#held.length === 0 && !this.#over) this.#in.resume();
    return b;
  }

  async send(b: Uint8Array): Promise<void> {
    const { bytes, copyAt } = this.#arena;
    const { tx } = this.#out;
    while (!this.#over) {
      bytes.set(b, copyAt);
      tx[0] = copyAt;
      tx[1] = copyAt + b.length;
      if (this.#out.flush(1) === 1) return;
      await new Promise<void>((room) => {
        this.#room = room;
      });
    }
  }

  close(): void {
    this.#over = true;
    this.#came();
    this.#room();
    this.#in.close();
    this.#out.close();
  }
}

const stream = 1;

/** The flag of a pipe is its writer's alone: what reads from one cannot know. */
function isDirectPipe(fd: number): boolean {
  const flags = /^flags:\s*([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1];
  return (Number.parseInt(flags ?? '0', 8) & constants.O_DIRECT) !== 0;
}

/** Whether a read of both is a packet: datagram or SEQPACKET sockets, O_DIRECT pipes. */
export function stdioKeepsPackets(): boolean {
  try {
    const [input, output] = [fstatSync(0), fstatSync(1)];
    const out = output.isSocket() ? socktype(1) !== stream : output.isFIFO() && isDirectPipe(1);
    return out && (input.isSocket() ? socktype(0) !== stream : input.isFIFO());
  } catch {
    return false; // no rawio, or no /proc: then there are bytes alone
  }
}

/** Standard input and output as they are. A terminal is made raw, as its other end is no person. */
export function stdioWire(): Wire {
  if (stdioKeepsPackets()) return new PacketWire(0, 1);
  const { stdin, stdout } = process;
  if (!stdin.isTTY) return new StreamWire(stdin, stdout);
  stdin.setRawMode(true);
  return new StreamWire(stdin, stdout, () => void stdin.setRawMode(false));
}
