/** What PPP is bound to: a device that eia serves, a path in the tree, or a wire of the command's
 *  own, which a loop of the daemon carries to it. */
import { type Handle, type Mount, omode, Reads } from '@9p/lib9p';
import { errorText, refuse } from '../core/errors.js';
import { quote } from '../core/words.js';
import type { Wire } from './pppwire.js';

/** Both ways, before PPP begins: for chat, shuttle and modem commands. */
export interface Line {
  /** Empty at its end. */
  read(cancel: AbortSignal): Promise<Uint8Array>;
  write(b: Uint8Array): Promise<void>;
  /** uart(3): what the device does not know is no failure. */
  control(message: string): Promise<void>;
  /** What was read and is PPP's. */
  unread(b: Uint8Array): void;
}

export interface Medium {
  /** For bind. */
  readonly path: string;
  readonly line: Line;
  /** Before it is bound: the line is PPP's from now on. */
  give(): Promise<void>;
  /** Once it is bound. */
  begin(): void;
  /** Why, when nothing comes any more. */
  readonly ended: Promise<string>;
  close(): Promise<void>;
}

const never = new Promise<never>(() => undefined);

// A device, or any path -------------------------------------------------------------------------

/** Ignored where the device knows no such thing: hardware flow control, queue, non-blocking
 *  writes, RTS, DTR, hang up when the carrier goes. */
const modem = ['m1', 'q64000', 'n1', 'r1', 'd1', 'c1'];

class FileMedium implements Medium, Line {
  readonly path: string;
  readonly ended = never;
  readonly #m: Mount;
  #f: Handle | undefined;

  constructor(m: Mount, path: string) {
    this.#m = m;
    this.path = path;
  }

  get line(): Line {
    return this;
  }
  async #open(): Promise<Handle> {
    this.#f ??= await this.#m.open(this.path, omode.rdwr);
    return this.#f;
  }
  async read(cancel: AbortSignal): Promise<Uint8Array> {
    const f = await this.#open();
    return f.read(f.iounit, 0, cancel);
  }
  async write(b: Uint8Array): Promise<void> {
    await (await this.#open()).write(b, 0);
  }
  async control(message: string): Promise<void> {
    await this.#m.writeFile(`${this.path}ctl`, message).catch(() => undefined);
  }
  unread(): void {} // what is lost with it comes again: PPP repeats itself
  async give(): Promise<void> {
    await this.#f?.close();
    this.#f = undefined;
  }
  begin(): void {}
  close(): Promise<void> {
    return this.give();
  }
}

/** Where a path of the name space is for who walks the tree: /net is another name of the root,
 *  which a walk does not know. Undefined: nowhere. */
export async function inTree(m: Mount, path: string): Promise<string | undefined> {
  for (const at of [path, path.replace(/^\/net(?=\/)/, '')])
    if (await m.stat(at).catch(() => undefined)) return at;
  return undefined;
}

/** A path in the tree; else a device of the daemon's host, which eia is told to serve. */
export async function fileMedium(
  m: Mount,
  path: string,
  baud: string | undefined,
): Promise<Medium> {
  const medium = new FileMedium(m, (await inTree(m, path)) ?? (await deviceFile(m, path)));
  if (baud !== undefined) await medium.control(`b${baud}`);
  for (const message of modem) await medium.control(message);
  return medium;
}

/** A running daemon may serve it from an earlier time. */
async function deviceFile(m: Mount, device: string): Promise<string> {
  const served = await lineOf(m, device);
  if (served !== undefined) return served;
  await m.writeFile('/ctl', `load eia ${quote(device)}`);
  const loaded = await lineOf(m, device);
  if (loaded === undefined) throw refuse(`${device}: eia does not serve it`);
  return loaded;
}

/** The device that a line of eia is, is in its status. */
async function lineOf(m: Mount, device: string): Promise<string | undefined> {
  const names = (await m.ls('/')).map((d) => d.name).filter((n) => /^eia\d+$/.test(n));
  for (const name of names) {
    const status = await m.readText(`/${name}status`).catch(() => '');
    if (status.split('\n').some((l) => l.startsWith(`${device} `))) return `/${name}`;
  }
  return undefined;
}

// A wire of our own -----------------------------------------------------------------------------

const reads_max = 32;
const reads_idle = 2;
const writes_max = 64;
const text = (b: Uint8Array): string => Buffer.from(b).toString().trim();

/** A loop whose far end is ours. */
class WireMedium implements Medium, Line {
  readonly path: string;
  readonly ended: Promise<string>;
  readonly #wire: Wire;
  /** Holds the loop. */
  readonly #ctl: Handle;
  readonly #far: Handle;
  readonly #reads: Reads;
  #over: (why: string) => void = () => undefined;
  #closed: Promise<void> | undefined;
  /** Was put back. */
  #back: Uint8Array | undefined;
  /** Under way; it outlives who asked for it. */
  #next: Promise<Uint8Array | undefined> | undefined;

  constructor(wire: Wire, n: string, ctl: Handle, far: Handle) {
    this.#wire = wire;
    this.#ctl = ctl;
    this.#far = far;
    this.path = `/net/loop/${n}/data`;
    const stream = { stream: true, depth: reads_max, idle: reads_idle };
    this.#reads = new Reads(far.fid, { count: far.iounit, ...stream });
    this.ended = new Promise((over) => {
      this.#over = over;
    });
  }

  static async make(m: Mount, wire: Wire, mtu: number): Promise<WireMedium> {
    const ctl = await m.open('/loop/clone', omode.rdwr);
    const n = text(await ctl.read(32, 0));
    await ctl.write(wire.packets ? `mtu ${mtu}` : 'framing bytes', 0);
    return new WireMedium(wire, n, ctl, await m.open(`/loop/${n}/data1`, omode.rdwr));
  }

  get line(): Line {
    return this;
  }
  async #take(given?: Promise<never>): Promise<Uint8Array | undefined> {
    const back = this.#back;
    this.#back = undefined;
    if (back !== undefined) return back;
    this.#next ??= this.#wire.next();
    const b = await (given === undefined ? this.#next : Promise.race([this.#next, given]));
    this.#next = undefined;
    return b;
  }

  /** One that is given up gives what it gets to the next. */
  async read(cancel: AbortSignal): Promise<Uint8Array> {
    let abort = (): void => undefined;
    const given = new Promise<never>((_resolve, reject) => {
      abort = () => reject(new Error('interrupted'));
      cancel.addEventListener('abort', abort);
      if (cancel.aborted) abort();
    });
    given.catch(() => undefined);
    try {
      return (await this.#take(given)) ?? new Uint8Array(0);
    } finally {
      cancel.removeEventListener('abort', abort);
    }
  }
  write(b: Uint8Array): Promise<void> {
    return this.#wire.send(b);
  }
  async control(): Promise<void> {}
  unread(b: Uint8Array): void {
    if (b.length > 0) this.#back = b;
  }
  async give(): Promise<void> {}

  begin(): void {
    // Then PPP is told by the loop, whose far end is open no longer.
    this.#fromWire()
      .catch(errorText)
      .then(async (why) => {
        await this.#closeFar();
        this.#over(why ?? 'the medium has ended');
      });
    this.#toWire().catch(() => undefined); // the loop has gone, and with it who would be told
  }

  async #fromWire(): Promise<undefined> {
    let writing = 0;
    let wake = (): void => undefined;
    const write = async (b: Uint8Array): Promise<void> => {
      writing++;
      await this.#far.fid.write(b, 0).catch(() => 0); // dropped, as on any line
      writing--;
      wake();
    };
    const fewer = async (than: number): Promise<void> => {
      while (writing >= than)
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
    };
    for (let b = await this.#take(); b !== undefined; b = await this.#take()) {
      for (let at = 0; at < b.length; at += this.#far.iounit)
        void write(b.subarray(at, at + this.#far.iounit));
      await fewer(writes_max);
    }
    await fewer(1);
  }

  /** Once: its fid is soon another's. */
  #closeFar(): Promise<void> {
    this.#closed ??= this.#far.close().catch(() => undefined);
    return this.#closed;
  }

  async #toWire(): Promise<void> {
    for await (const b of this.#reads) await this.#wire.send(b);
  }

  async close(): Promise<void> {
    this.#reads.stop();
    this.#wire.close();
    await this.#closeFar();
    await this.#ctl.close().catch(() => undefined);
  }
}

/** `mtu`: of frames, where the wire has packets. */
export const wireMedium = (m: Mount, wire: Wire, mtu: number): Promise<Medium> =>
  WireMedium.make(m, wire, mtu);
