/** Questions to a person on the terminal: a line, or a secret that is not shown and can be wiped.
 *  Where standard input is no terminal, its lines are the answers. No library for it: those make
 *  strings of secrets. */
import { Usage } from './command.js';

const [interrupt, end, backspace, lf, cr, kill, del] = [0x03, 0x04, 0x08, 0x0a, 0x0d, 0x15, 0x7f];
const line_bytes_max = 1024;

export class Terminal {
  readonly #in = process.stdin;
  #held: number[] = [];
  #over = false;
  #wake = (): void => undefined;
  readonly #cancel: AbortSignal;

  constructor(cancel: AbortSignal) {
    this.#cancel = cancel;
    cancel.addEventListener('abort', () => this.#wake());
    this.#in.on('data', (b: Buffer) => {
      this.#held.push(...b);
      b.fill(0);
      this.#wake();
    });
    this.#in.on('end', () => {
      this.#over = true;
      this.#wake();
    });
  }

  /** Shown while it is typed. */
  async line(question: string): Promise<string> {
    this.#forget();
    process.stderr.write(question);
    const b = await this.#read();
    return b.toString().trim();
  }

  /** The caller's to wipe. */
  async secret(question: string): Promise<Buffer> {
    if (!this.#in.isTTY) return this.#read();
    this.#in.setRawMode(true); // before the question: what is typed after it is not shown
    this.#forget();
    process.stderr.write(question);
    try {
      return await this.#read();
    } finally {
      this.#in.setRawMode(false);
      process.stderr.write('\n');
    }
  }

  close(): void {
    this.#wipe();
    this.#in.destroy();
  }

  /** What a person typed before the question is no answer to it. */
  #forget(): void {
    if (this.#in.isTTY) this.#wipe();
  }
  #wipe(): void {
    this.#held.fill(0);
    this.#held = [];
  }

  async #byte(): Promise<number | undefined> {
    while (this.#held.length === 0) {
      if (this.#cancel.aborted) throw new Error('interrupted');
      if (this.#over) return undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return this.#held.shift();
  }

  /** Up to the end of the line, with the keys that edit one where the terminal is raw. */
  async #read(): Promise<Buffer> {
    const line = Buffer.alloc(line_bytes_max);
    let n = 0;
    try {
      for (;;) {
        const c = await this.#byte();
        if (c === undefined && n === 0) throw new Usage('standard input has ended: no answer');
        if (c === undefined || c === lf || c === cr) return Buffer.from(line.subarray(0, n));
        if (!this.#in.isRaw) line[n++] = c;
        else if (c === interrupt) throw new Error('interrupted');
        else if (c === end && n === 0) throw new Error('no answer');
        else if (c === backspace || c === del) n = previous(line, n);
        else if (c === kill) n = 0;
        else line[n++] = c;
        if (n === line.length) throw new Error(`an answer has at most ${line_bytes_max - 1} bytes`);
      }
    } finally {
      line.fill(0);
    }
  }
}

/** Where the last character of UTF-8 begins. */
function previous(b: Uint8Array, n: number): number {
  let at = Math.max(0, n - 1);
  while (at > 0 && ((b[at] ?? 0) & 0xc0) === 0x80) at--;
  return at;
}
