/** The second backend: the npm package fuse-native 2.2.6, for systems where
 *  /dev/fuse cannot be spoken to directly. It needs libfuse 2. What it lacks and how
 *  that is made up for: docs/fuse.md. */
import type { Wait } from '@9p/lib9p';
import type Fuse from 'fuse-native';
import type { Operations, Stat } from 'fuse-native';
import { type Clock, cut, error_bytes, errorText, refuse } from 'slashnet/core';
import { type FuseBackend, type FuseMount, inText, type MountRequest, subtype } from './backend.js';
import { mountAt } from './mountinfo.js';
import { Paths } from './paths.js';
import { detach } from './system.js';
import { every } from './wait.js';
import type { Attr } from './wire.js';

/** Detaching is our affair: its own way is a shell that expands what a directory's name holds, and
 *  needs libfuse 2's fusermount even for root. */
async function load(): Promise<typeof Fuse> {
  const { default: Fuse } = await import('fuse-native');
  Fuse.unmount = (_dir, done) => done(null);
  return Fuse;
}

export const fuseNative: FuseBackend = {
  name: 'fuse-native',
  knowsCallers: false,
  async missing() {
    try {
      await load();
      return undefined;
    } catch (e) {
      return cut(errorText(e), error_bytes - 60);
    }
  },
  async mount(m) {
    // it does not tell who asks: all would be the one who mounts
    if (m.allowOther) throw refuse('fuse-native cannot tell users apart: allowOther not permitted');
    const paths = new Paths({
      root: m.root,
      accounts: m.accounts,
      who: m.accounts.who(process.getuid?.() ?? 0, process.getgid?.() ?? 0),
      clock: m.clock,
      bug: m.bug,
    });
    const Fuse = await load();
    // direct_io is no option of its: it is passed on as part of this one, and without it
    // a file of size 0 is never read
    const fuse = new Fuse(m.dir, operations(paths, m), {
      fsname: `${m.source.replace(/[\\,]/g, '\\$&')},direct_io`,
      subtype,
      timeout: false,
    });
    await called((done) => fuse.mount(done)).catch((e: unknown) => {
      throw refuse(`mount ${inText(m.dir)}: fuse-native: ${errorText(e)}`);
    });
    const mount = new NativeMount(m.dir, fuse, paths);
    await mount.watch(m.clock);
    return mount;
  },
};

const called = (f: (done: (e: Error | null) => void) => void): Promise<void> =>
  new Promise((resolve, reject) =>
    f((e) => (e === null || e === undefined ? resolve() : reject(refuse(errorText(e))))),
  );

function operations(paths: Paths, m: MountRequest): Operations {
  const { turn } = m;
  const answer = (work: () => Wait<number | void>, done: (n: number) => void): void =>
    turn.run(() => paths.answer(work, (n) => done(n ?? 0), done));
  return {
    getattr: (path, done) =>
      paths.answer(
        () => paths.attr(path),
        (a) => done(0, statOf(a)),
        done,
      ),
    readdir: (path, done) =>
      paths.answer(
        () => paths.names(path),
        (names) => done(0, names),
        done,
      ),
    open: (path, flags, done) =>
      answer(
        () => paths.open(path, flags),
        (n) => (n > 0 ? done(0, n) : done(n)),
      ),
    read: (_path, fd, b, n, offset, done) => answer(() => paths.read(fd, b, n, offset), done),
    write: (_path, fd, b, n, offset, done) => answer(() => paths.write(fd, b, n, offset), done),
    release: (_path, fd, done) => answer(() => paths.release(fd), done),
    // echo > ctl is an open, a truncate and a write
    truncate: (_path, _size, done) => done(0),
    utimens: (_path, _atime, _mtime, done) => done(0),
    chmod: (path, mode, done) => answer(() => paths.chmod(path, mode), done),
  };
}

function statOf(a: Attr): Stat {
  const { mode, uid, gid } = a;
  const time = { atime: seconds(a.atime), mtime: seconds(a.mtime), ctime: seconds(a.mtime) };
  const ino = Number(a.ino & 0xffffffffn); // all that its array of 32 bits holds
  return { mode, uid, gid, size: Number(a.size), ino, nlink: 1, dev: 0, ...time };
}
const seconds = (s: number): Date => new Date(s * 1000);

/** It does not tell either when somebody else unmounts. */
const look_ms = 1000;

class NativeMount implements FuseMount {
  readonly backend = 'fuse-native';
  readonly dir: string;
  readonly gone: Promise<string>;
  readonly #fuse: Fuse;
  readonly #paths: Paths;
  #dev: string | undefined;
  #timer: { stop(): void } | undefined;
  #end: (why: string) => void = () => {};
  #ended = false;

  constructor(dir: string, fuse: Fuse, paths: Paths) {
    this.dir = dir;
    this.#fuse = fuse;
    this.#paths = paths;
    this.gone = new Promise((resolve) => {
      this.#end = resolve;
    });
  }
  get waiting(): number {
    return this.#paths.waiting;
  }
  stats(): string {
    return '';
  }

  async watch(clock: Clock): Promise<void> {
    this.#dev = (await mountAt(this.dir))?.dev;
    this.#timer = every(clock, look_ms, () => {
      void this.#there().then((there) => {
        if (!there) void this.#over('ENODEV');
      });
    });
  }
  async #there(): Promise<boolean> {
    return (await mountAt(this.dir))?.dev === this.#dev;
  }
  /** Once: it then no longer keeps the event loop. */
  async #over(why: string): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    this.#timer?.stop();
    this.#paths.close();
    await called((done) => this.#fuse.unmount(done));
    this.#end(why);
  }

  async unmount(): Promise<void> {
    this.#paths.close(); // each blocked request holds a thread of its own, until it is answered
    if (await this.#there()) await detach(this.dir);
    await this.#over('unmounted');
  }
}
