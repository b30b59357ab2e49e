/** Mounting a tree: the choice of a backend, and what a dead daemon left behind. */
import { realpath, statfs } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import type { Tree } from '@9p/lib9p';
import {
  type Clock,
  cut,
  error_bytes,
  errorText,
  realClock,
  refuse,
  type Turn,
} from 'slashnet/core';
import { Accounts } from './accounts.js';
import {
  type BackendName,
  type FuseBackend,
  type FuseMount,
  inText,
  type MountRequest,
  subtype,
} from './backend.js';
import { direct } from './direct.js';
import { type MountInfo, mountAt } from './mountinfo.js';
import { fuseNative } from './native.js';
import { detach } from './system.js';
import { every, sleep } from './wait.js';

export interface MountOptions {
  /** Default: the first that works here, direct before fuse-native. */
  readonly backend?: BackendName;
  /** The subtree to show; default all. */
  readonly aname?: string;
  /** Let users in besides the one who mounts. Default: root's mounts do, where the backend
   *  tells users apart. */
  readonly allowOther?: boolean;
  /** What mount(8) shows as what is mounted; default slashnet. */
  readonly source?: string;
  readonly clock?: Clock;
  readonly turn?: Pick<Turn, 'run'>;
  /** One line a request. */
  readonly trace?: (line: string) => void;
  readonly bug?: (e: unknown) => void;
}

const backends: readonly FuseBackend[] = [direct, fuseNative];
const accounts_refresh_ms = 60_000;

/**
 * Mount `tree` on the directory `dir`. A stale mount of ours at `dir` is detached
 * first; a live one is refused. Throws FileError, one line. After this no file
 * operation of this process may touch `dir`.
 */
export async function mountFuse(tree: Tree, dir: string, o: MountOptions = {}): Promise<FuseMount> {
  const { clock = realClock } = o;
  const { backend, lacking } = await choose(o.backend, dir);
  const accounts = new Accounts(process.getuid?.() ?? 0);
  const me = accounts.who(process.getuid?.() ?? 0, process.getgid?.() ?? 0);
  const root = await tree.attach(me, o.aname ?? '');
  const request: MountRequest = {
    root,
    dir: await freeDirectory(dir, clock),
    clock,
    accounts,
    allowOther: o.allowOther ?? (backend.knowsCallers && process.getuid?.() === 0),
    source: o.source ?? subtype,
    turn: o.turn ?? { run: (f) => f() },
    trace: o.trace,
    bug: o.bug ?? ((e) => process.emitWarning(errorText(e))),
  };
  const mount = await backend.mount(request).catch((e: unknown) => {
    throw lacking.length === 0 ? e : refuse(oneLine([errorText(e), ...lacking]));
  });
  const timer = every(clock, accounts_refresh_ms, () => accounts.forget());
  void mount.gone.then(() => timer.stop());
  return mount;
}

interface Choice {
  readonly backend: FuseBackend;
  /** Why those before it were passed over. */
  readonly lacking: readonly string[];
}

const oneLine = (reasons: readonly string[]): string => cut(reasons.join('; '), error_bytes);

/** The backend asked for, or the first that works; the error says what each lacks. */
async function choose(name: BackendName | undefined, dir: string): Promise<Choice> {
  const lacking: string[] = [];
  for (const b of backends) {
    if (name !== undefined && b.name !== name) continue;
    const why = await b.missing();
    if (why === undefined) return { backend: b, lacking };
    lacking.push(`${b.name}: ${why}`);
  }
  throw refuse(oneLine([`mount ${inText(dir)}: no such device: fuse`, ...lacking]));
}

/** `dir` made absolute without links, and nothing of ours mounted there. */
async function freeDirectory(dir: string, clock: Clock): Promise<string> {
  for (let layer = 0; layer < stale_max; layer++) {
    const path = await canonical(dir);
    const there = await mountAt(path);
    if (there === undefined || !isOurs(there)) return path;
    if (!(await isDead(path, clock))) throw refuse(`${path} is in use: slashnet is mounted there`);
    await detach(path);
  }
  throw refuse(`${dir} is in use: too many dead mounts there`);
}
const stale_max = 16;

const isOurs = (m: MountInfo): boolean => m.type === `fuse.${subtype}`;

/** By the parent's, since a dead mount answers nothing, not even what it is. */
async function canonical(dir: string): Promise<string> {
  const path = resolve(dir);
  try {
    const parent = join(await realpath(dirname(path)), basename(path));
    if ((await mountAt(parent)) !== undefined) return parent;
    return await realpath(path);
  } catch (e) {
    throw refuse(`mount ${inText(dir)}: ${errorText(e)}`);
  }
}

/** How long a live daemon may take to answer for its mount; longer is busy, not dead. */
const alive_ms = 2000;

/** A mount whose daemon is gone refuses at once. In the thread
 *  pool, since a live one may be slow. */
async function isDead(path: string, clock: Clock): Promise<boolean> {
  const late = sleep(clock, alive_ms, false);
  const dead = statfs(path).then(
    () => false,
    (e: NodeJS.ErrnoException) => e.code === 'ENOTCONN' || e.code === 'ECONNABORTED',
  );
  const verdict = await Promise.race([dead, late.over]);
  late.stop();
  return verdict;
}
