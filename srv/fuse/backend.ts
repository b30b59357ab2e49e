/** What a FUSE backend is: the one way of mounting a tree, whatever carries the requests. */
import type { Node } from '@9p/lib9p';
import { type Clock, refuse, type Turn } from 'slashnet/core';
import type { Accounts } from './accounts.js';

const backendNames = ['direct', 'fuse-native'] as const;
export type BackendName = (typeof backendNames)[number];

export function backendNamed(name: string): BackendName {
  const known = backendNames.find((n) => n === name);
  if (known !== undefined) return known;
  throw refuse(`no FUSE backend '${name}': ${backendNames.join(' or ')}`);
}

/** What every backend gets from `mountFuse`. */
export interface MountRequest {
  readonly root: Node;
  /** Absolute, without links. */
  readonly dir: string;
  /** What mount(8) and df(1) show as what is mounted: whose tree it is. */
  readonly source: string;
  readonly accounts: Accounts;
  /** Let other users in; who may do what is the tree's to say.
   *  Needs user_allow_other unless root. */
  readonly allowOther: boolean;
  readonly clock: Clock;
  /** Each request runs in a turn of its own. */
  readonly turn: Pick<Turn, 'run'>;
  /** One line a request, where somebody listens. */
  readonly trace: ((line: string) => void) | undefined;
  /** Hears of errors that are ours. */
  readonly bug: (e: unknown) => void;
}

export interface FuseMount {
  readonly dir: string;
  readonly backend: BackendName;
  /** Operations that wait. */
  readonly waiting: number;
  /** Counters, `name: value` a line. */
  stats(): string;
  /** Settles, with the reason, when the kernel has ended the mount: umount(8), or our unmount. */
  readonly gone: Promise<string>;
  /** Detach the mount, abort what waits, close what is open. Safe to
   *  call twice, and when it is gone. */
  unmount(): Promise<void>;
}

export interface FuseBackend {
  readonly name: BackendName;
  /** Each request tells whose it is. */
  readonly knowsCallers: boolean;
  /** Why it cannot be used here, in a line; undefined if it can. */
  missing(): Promise<string | undefined>;
  /** Throws FileError. */
  mount(m: MountRequest): Promise<FuseMount>;
}

/** What /proc/self/mountinfo calls our mounts: their type after `fuse.`, and the source of a
 *  daemon's own tree. */
export const subtype = 'slashnet';

/** A directory in an error text, which has a limit: its end tells more. */
export const inText = (dir: string): string => (dir.length > 50 ? `...${dir.slice(-50)}` : dir);
