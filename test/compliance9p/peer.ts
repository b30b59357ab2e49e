/** The suite's end of a connection, over any stream: bytes out, whole messages in. */
import type { Duplex } from 'node:stream';

const none = Buffer.alloc(0);

export class Peer {
  readonly #stream: Duplex;
  readonly #limit_ms: number;
  readonly #messages: Buffer[] = [];
  #rest: Buffer = none;
  #over = false;
  #wake: (() => void) | undefined;

  constructor(stream: Duplex, limit_ms: number) {
    this.#stream = stream;
    this.#limit_ms = limit_ms;
    stream.on('data', (b: Buffer) => this.#receive(b));
    for (const end of ['end', 'close', 'error']) stream.on(end, () => this.#end());
  }

  send(b: Uint8Array): void {
    if (!this.#over && this.#stream.writable) this.#stream.write(b);
  }

  /** The next message, or undefined where the connection is over; rejected when none comes. */
  async next(): Promise<Buffer | undefined> {
    if (this.#messages.length === 0 && !this.#over) await this.#something();
    return this.#messages.shift();
  }

  /** Nothing more goes out; what comes is still read. */
  end(): void {
    this.#stream.end();
  }

  close(): void {
    this.#stream.destroy();
  }

  #something(): Promise<void> {
    return new Promise((resolve, reject) => {
      const late = () => reject(new Error(`no reply in ${this.#limit_ms} ms`));
      const timer = setTimeout(late, this.#limit_ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #receive(b: Buffer): void {
    this.#rest = this.#rest.length === 0 ? b : Buffer.concat([this.#rest, b]);
    while (this.#rest.length >= 4) {
      // A size that cannot be is taken as it is: what comes of it fits no pattern.
      const size = Math.max(7, this.#rest.readUInt32LE(0));
      if (size > this.#rest.length) break;
      this.#messages.push(this.#rest.subarray(0, size));
      this.#rest = this.#rest.subarray(size);
    }
    if (this.#messages.length > 0) this.#wake?.();
  }

  #end(): void {
    this.#over = true;
    this.#wake?.();
  }
}
