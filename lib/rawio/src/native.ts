/** Loading the addon, and what it looks like from here: native/module.c. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type {
  Arena,
  ArenaSize,
  Credentials,
  Device,
  Events,
  InterfaceInfo,
  Spec,
} from './types.js';

export interface Native {
  arena(size: ArenaSize): Arena;
  open(spec: Spec, arena: Arena, budget: number, on: Events): Device;
  ifinfo(name: string): InterfaceInfo;
  ifnames(): string[];
  mount(fd: number, dir: string, options: string, name: string, source: string): void;
  unmount(dir: string, lazy: boolean): void;
  fusermount(dir: string, options: string): number;
  peercred(fd: number): Credentials;
  socktype(fd: number): number;
  cut(bytes: Uint8Array, room: number): Uint8Array[];
  join(packets: readonly Uint8Array[], udp: boolean): Uint8Array[];
}

type Loaded = { native: Native; missing: undefined } | { native: undefined; missing: string };

/** So that with what goes before it an error text keeps to 127 bytes. */
const reason_max = 80;

/**
 * What install.mjs wrote down, or what the loader says where there is a file that does not load.
 */
function reason(error: unknown): string {
  try {
    const why = readFileSync(new URL('../build/why.txt', import.meta.url), 'utf8');
    return why.split('\n')[0]!.slice(0, reason_max);
  } catch {
    const e = error as NodeJS.ErrnoException;
    if (e.code === 'MODULE_NOT_FOUND') return 'run node lib/rawio/install.mjs';
    return e.message.split('\n')[0]!.slice(0, reason_max);
  }
}

function load(): Loaded {
  try {
    const native = createRequire(import.meta.url)('../build/rawio.node') as Native;
    return { native, missing: undefined };
  } catch (error) {
    return { native: undefined, missing: reason(error) };
  }
}

const loaded = load();

/** Why there is no addon here; undefined if there is one. */
export const missing = loaded.missing;

/** The addon, or an exception that says why there is none. */
export function native(): Native {
  if (loaded.native !== undefined) return loaded.native;
  throw Object.assign(new Error(`no such device: rawio is not built: ${loaded.missing}`), {
    code: 'ENODEV',
  });
}
