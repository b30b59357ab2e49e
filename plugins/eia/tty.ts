/** A tty of the system, by the package serialport: opening, settings, modem lines,
 *  waiting. Reads and writes are ours. The package asks anew for ever where a tty
 *  that was unplugged reads as ended, and does not read while it waits to write: two
 *  ends that both do so never go on. */
import { readSync, statSync, writeSync } from 'node:fs';
import { errorText, refuse } from 'slashnet/core';
import type { ModemLines, Settings } from './fmt.js';

type SerialPortModule = typeof import('serialport');
/** What we use of the package's binding on Linux, which it does not name. */
interface Binding {
  readonly fd: number | null;
  readonly poller: {
    on(event: 'readable' | 'writable', f: (e: Error | null) => void): void;
    poll(flags: number): void;
  };
  set(o: Record<'brk' | 'cts' | 'dsr' | 'dtr' | 'rts' | 'lowLatency', boolean>): Promise<void>;
  get(): Promise<ModemLines & { lowLatency?: boolean }>;
  flush(): Promise<void>;
  drain(): Promise<void>;
  close(): Promise<void>;
}

export interface TtyEvents {
  /** Good until the call returns. */
  data(b: Uint8Array): void;
  /** It takes bytes again. */
  writable(): void;
  /** Nothing comes after it. */
  gone(): void;
}

const readable = 1;
const writable = 2;
/** A tty gives 4 KB a read; so many a time, and others get their turn. */
const reads_max = 16;
/** Waiting until all is sent takes a thread of the four that files and resolver have, too. */
const drains_max = 2;
let drains = 0;

const scratch = Buffer.alloc(16 * 1024);

async function bindingOf(path: string, s: Settings, lock: boolean): Promise<Binding> {
  const { SerialPort } = (await import('serialport')) as SerialPortModule;
  const o = {
    path,
    baudRate: s.baud,
    dataBits: s.bits,
    parity: s.parity,
    stopBits: s.stop,
    rtscts: s.rtscts,
    xon: s.xonxoff,
    xoff: s.xonxoff,
    lock,
  };
  const port = await (SerialPort.binding.open as (options: typeof o) => Promise<unknown>)(o);
  return port as Binding;
}

/** The package's `Error: No such file or directory, cannot open /dev/ttyUSB0`, in our words. */
function reasonOf(e: unknown): string {
  const text = errorText(e).replace(/^Error:? /, '');
  if (/lock port/i.test(text)) return 'another program has it open';
  if (/Inappropriate ioctl/.test(text)) return 'not a serial port or terminal';
  return (text.split(/,| \|\|/)[0] ?? text).toLowerCase();
}

const isCode = (e: unknown, ...codes: readonly string[]): boolean =>
  codes.includes((e as NodeJS.ErrnoException).code ?? '');

/** A pty has no modem lines: asked for, or set, it answers ENOTTY. */
async function unlessPty<T>(f: () => Promise<T>): Promise<T | undefined> {
  try {
    return await f();
  } catch (e) {
    if (/Inappropriate ioctl/.test(errorText(e))) return undefined;
    throw e;
  }
}

/** Is there something of the name that may be a tty? */
export function isDevice(path: string): boolean {
  try {
    return statSync(path).isCharacterDevice();
  } catch {
    return false;
  }
}

export class Tty {
  readonly #path: string;
  readonly #binding: Binding;
  readonly #on: TtyEvents;
  /** Has modem lines: bytes leave at the speed that was set. */
  readonly wired: boolean;
  #waiting = false;
  #closed = false;

  constructor(path: string, binding: Binding, wired: boolean, on: TtyEvents) {
    this.#path = path;
    this.#binding = binding;
    this.#on = on;
    this.wired = wired;
    binding.poller.on('readable', (e) => this.#polled(e, () => this.#read()));
    binding.poller.on('writable', (e) => this.#polled(e, () => this.#write()));
    this.#poll();
  }

  /** Throws why not, in words. */
  static async open(path: string, s: Settings, on: TtyEvents): Promise<Tty> {
    if (!isDevice(path)) throw refuse(`${path}: no such device`);
    try {
      const binding = await bindingOf(path, s, true);
      const lines = await unlessPty(() => binding.get());
      const tty = new Tty(path, binding, lines !== undefined, on);
      if (!s.dtr || !s.rts) await tty.lines(s.dtr, s.rts);
      return tty;
    } catch (e) {
      throw refuse(`${path}: ${reasonOf(e)}`);
    }
  }

  /** All that is waited for, each time: the package forgets what it was told before. */
  #poll(): void {
    if (!this.#closed) this.#binding.poller.poll(this.#waiting ? readable | writable : readable);
  }
  #polled(e: Error | null, then: () => void): void {
    if (this.#closed) return;
    if (e !== null) this.#gone();
    else then();
    this.#poll();
  }
  #gone(): void {
    if (this.#closed) return;
    void this.close();
    this.#on.gone();
  }

  #read(): void {
    for (let i = 0; i < reads_max && !this.#closed; i++) {
      let n: number;
      try {
        n = readSync(this.#binding.fd as number, scratch, 0, scratch.length, null);
      } catch (e) {
        if (!isCode(e, 'EAGAIN', 'EINTR')) this.#gone();
        return;
      }
      if (n === 0) return this.#gone();
      this.#on.data(scratch.subarray(0, n));
    }
  }
  #write(): void {
    if (!this.#waiting) return;
    this.#waiting = false;
    this.#on.writable();
  }

  /** Bytes taken; where that is not all, `writable` is told later. */
  write(b: Uint8Array): number {
    if (this.#closed) return 0;
    let n = 0;
    try {
      n = writeSync(this.#binding.fd as number, b);
    } catch (e) {
      if (!isCode(e, 'EAGAIN', 'EINTR')) {
        this.#gone();
        return 0;
      }
    }
    if (n < b.length) {
      this.#waiting = true;
      this.#poll();
    }
    return n;
  }

  /** All is sent, or too many others wait for that. */
  async drain(): Promise<void> {
    if (drains >= drains_max || this.#closed) return;
    drains++;
    try {
      await this.#binding.drain();
    } catch {
      // Closed meanwhile.
    } finally {
      drains--;
    }
  }

  /** What is on its way out in the kernel is gone; what has just come in, too. */
  async flush(): Promise<void> {
    if (!this.#closed) await this.#binding.flush();
  }

  /** The settings are the tty's, whoever has it open: so a second open sets them, and what we
   *  have open goes on, with its lock and its modem lines. */
  async apply(s: Settings): Promise<void> {
    try {
      const second = await bindingOf(this.#path, s, false);
      await second.close();
    } catch (e) {
      throw refuse(`${this.#path}: ${reasonOf(e)}`);
    }
  }

  async lines(dtr: boolean, rts: boolean, brk = false): Promise<void> {
    if (this.#closed) return;
    await unlessPty(async () => {
      const { lowLatency } = await this.#binding.get();
      const rest = { cts: false, dsr: false, lowLatency: lowLatency === true };
      await this.#binding.set({ dtr, rts, brk, ...rest });
    });
  }
  async modem(): Promise<ModemLines | undefined> {
    return this.#closed ? undefined : unlessPty(() => this.#binding.get());
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#binding.close().catch(() => undefined);
  }
}
