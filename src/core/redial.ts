/** Keeping a conversation up: connect again after a loss, with back-off. */
import type { Clock } from './machine.js';

const first_ms = 1000;
const longest_ms = 60_000;

export class Redial {
  /** How many attempts after a loss; 0: none. */
  #tries = 0;
  #args: readonly string[] = [];
  readonly #clock: Clock;
  readonly #connect: (args: readonly string[]) => Promise<void>;
  #timer: { stop(): void } | undefined;
  #left = 0;
  #wait_ms = first_ms;
  #wanted = false;

  constructor(clock: Clock, connect: (args: readonly string[]) => Promise<void>) {
    this.#clock = clock;
    this.#connect = connect;
  }

  /** From now on, whatever is under way. */
  set tries(n: number) {
    this.#tries = n;
    this.#left = n;
    if (n === 0) this.#stop();
  }

  connecting(): void {
    this.#stop();
  }
  connected(args: readonly string[]): void {
    this.#args = args;
    this.#wanted = true;
    this.#left = this.#tries;
    this.#wait_ms = first_ms;
  }
  /** Hung up or closed: stay down, also when the attempt under way fails. */
  hungup(): void {
    this.#wanted = false;
    this.#stop();
  }
  lost(): void {
    if (this.#wanted && this.#timer === undefined && this.#left > 0) this.#later();
  }
  #stop(): void {
    this.#timer?.stop();
    this.#timer = undefined;
  }

  #later(): void {
    this.#left--;
    this.#timer = this.#clock.after(this.#wait_ms, () => {
      this.#timer = undefined;
      this.#connect(this.#args).catch(() => {
        if (this.#wanted && this.#left > 0 && this.#timer === undefined) this.#later();
      });
    });
    this.#wait_ms = Math.min(longest_ms, this.#wait_ms * 2);
  }
}
