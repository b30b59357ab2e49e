/** uart(3) on the serial ports of the system, and on any tty or pty: docs/eia.md. */
import { type FSWatcher, watch } from 'node:fs';
import { dirname } from 'node:path';
import { type Env, errorText, type Plugin, type Running, refuse, TextFile } from 'slashnet/core';
import { Line } from './line.js';
import { systemPorts } from './system.js';
import { isDevice } from './tty.js';

const lines_max = 1000;
/** A device that comes is made first, and given its mode and owner then. */
const settle_ms = 100;

interface Served {
  readonly line: Line;
  /** Undefined while its device is not there. */
  names: { remove(): void } | undefined;
}

/** The three files of a line; false if one of the names is taken. */
function serveFiles(env: Env, line: Line): { remove(): void } | undefined {
  const { name, port } = line;
  const made: { remove(): void }[] = [];
  const remove = (): void => {
    for (const f of made) f.remove();
  };
  try {
    made.push(env.file({ name, perm: 0o660, port: () => port, ready: () => line.ready() }));
    made.push(
      env.file({
        name: `${name}ctl`,
        perm: 0o660,
        text: () => String(line.number),
        write: (_c, data) => line.ctl(data),
      }),
    );
    made.push(
      env.file({
        name: `${name}status`,
        perm: 0o444,
        async open(_c, _mode, _req, qid) {
          const text = await line.status();
          return new TextFile(qid, () => text);
        },
      }),
    );
    return { remove };
  } catch (e) {
    remove();
    if (/already exists/.test(errorText(e))) return undefined;
    throw e;
  }
}

/** What one `load` serves. */
class Lines {
  readonly #env: Env;
  readonly #byPath = new Map<string, Served>();

  constructor(env: Env) {
    this.#env = env;
  }

  /** Under this number, or the smallest that is free. */
  add(path: string, held: boolean, number?: number): Line {
    const last = number ?? lines_max - 1;
    for (let n = number ?? 0; n <= last; n++) {
      const line = new Line(this.#env, path, n, held);
      const names = serveFiles(this.#env, line);
      if (names === undefined) continue;
      this.#byPath.set(path, { line, names });
      line.onlost = () => this.look(path);
      return line;
    }
    throw refuse(number === undefined ? 'too many serial lines' : `/eia${number} already exists`);
  }

  has(path: string): boolean {
    return this.#byPath.has(path);
  }
  get paths(): readonly string[] {
    return [...this.#byPath.keys()];
  }

  /** The names come and go with the device. */
  look(path: string): void {
    const s = this.#byPath.get(path);
    if (s === undefined) return;
    const there = isDevice(path);
    if (there) s.names ??= serveFiles(this.#env, s.line);
    else if (!s.line.isOpen) {
      s.names?.remove();
      s.names = undefined;
    }
  }

  /** A line that is held, whose device has come back. */
  async reopen(path: string): Promise<void> {
    const line = this.#byPath.get(path)?.line;
    if (line === undefined || line.isOpen || !isDevice(path)) return;
    try {
      await line.open();
    } catch (e) {
      this.#env.log(`eia: ${errorText(e)}`);
    }
  }

  async stop(why: string): Promise<void> {
    for (const s of this.#byPath.values()) s.names?.remove();
    await Promise.all([...this.#byPath.values()].map((s) => s.line.stop(why)));
  }
}

/** Told a moment after something happened in the directory of devices. */
function watching(env: Env, directory: string, told: () => void): { stop(): void } {
  let timer: { stop(): void } | undefined;
  let watcher: FSWatcher | undefined;
  const soon = (): void => {
    timer ??= env.clock.after(settle_ms, () => {
      timer = undefined;
      told();
    });
  };
  try {
    watcher = watch(directory, { persistent: false }, soon);
    watcher.on('error', (e) => env.log(`eia: ${directory}: ${errorText(e)}`));
  } catch (e) {
    env.log(`eia: devices that come later are not seen: ${errorText(e)}`);
  }
  return {
    stop() {
      timer?.stop();
      watcher?.close();
    },
  };
}

/** Every port of the system, opened when it is used. */
function startAll(env: Env): Running {
  const lines = new Lines(env);
  const look = (): void => {
    for (const path of systemPorts()) if (!lines.has(path)) lines.add(path, false);
    for (const path of lines.paths) lines.look(path);
  };
  look();
  const watched = watching(env, '/dev', look);
  return {
    stop(why) {
      watched.stop();
      return lines.stop(why);
    },
  };
}

/** One tty, open from now on. */
async function startOne(env: Env, path: string, name?: string): Promise<Running> {
  if (!path.startsWith('/')) throw refuse(`'${path}' is not the path of a device: /dev/ttyUSB0`);
  const number = /^eia(0|[1-9]\d{0,2})$/.exec(name ?? 'eia0')?.[1];
  if (number === undefined) throw refuse(`bad name: ${name}: eia0 to eia${lines_max - 1}`);
  if (!isDevice(path)) throw refuse(`no such device: ${path}`);
  const lines = new Lines(env);
  const line = lines.add(path, true, name === undefined ? undefined : Number(number));
  try {
    await line.open();
  } catch (e) {
    await lines.stop('not opened');
    throw e;
  }
  const watched = watching(env, dirname(path), () => {
    lines.look(path);
    void lines.reopen(path);
  });
  return {
    stop(why) {
      watched.stop();
      return lines.stop(why);
    },
  };
}

const plugin: Plugin = {
  name: 'eia',
  start(env, [path, name]) {
    return path === undefined ? startAll(env) : startOne(env, path, name);
  },
};
export default plugin;
