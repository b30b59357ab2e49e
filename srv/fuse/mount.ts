/** Mounting a tree: the choice of a backend. */
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
import { fuseNative } from './native.js';
import { freeDirectory } from './place.js';
import { every } from './wait.js';

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
