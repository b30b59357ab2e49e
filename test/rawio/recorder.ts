/** What a device told, kept for a test to wait on. */
import type { Arena, Events } from '@9p/rawio';

const limit_ms = 5000;

export class Recorder implements Events {
  readonly packets: Uint8Array[] = [];
  readonly told: string[] = [];
  onrx: (() => void) | undefined;
  onroom: (() => void) | undefined;
  #wake: (() => void) | undefined;

  rx(n: number, bytes: Uint8Array, at: Int32Array): void {
    for (let i = 0; i < n; i++) this.packets.push(bytes.slice(at[2 * i]!, at[2 * i + 1]!));
    this.onrx?.();
    this.#wake?.();
  }
  room(): void {
    this.onroom?.();
    this.#tell('room');
  }
  gone(errno: string): void {
    this.#tell(`gone ${errno}`);
  }
  lost(): void {
    this.#tell('lost');
  }

  /** Waits for events until `enough` of them came. */
  async until(what: string, enough: (r: Recorder) => boolean): Promise<void> {
    const end = Date.now() + limit_ms;
    while (!enough(this)) {
      const left = end - Date.now();
      if (left <= 0)
        throw new Error(`no ${what}; ${this.packets.length} packets; ${this.told.join(', ')}`);
      await new Promise<void>((wake) => {
        const timer = setTimeout(wake, left);
        this.#wake = () => {
          clearTimeout(timer);
          wake();
        };
      });
    }
  }

  #tell(event: string): void {
    this.told.push(event);
    this.#wake?.();
  }
}

/** Queues bytes as packet i of tx, copied to where copies go. */
export function queue(a: Arena, tx: Int32Array, i: number, bytes: Uint8Array): void {
  const at = a.copyAt + 2048 * i;
  a.bytes.set(bytes, at);
  tx[2 * i] = at;
  tx[2 * i + 1] = at + bytes.length;
}
