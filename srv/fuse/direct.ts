/** The direct backend: the kernel's FUSE protocol over /dev/fuse. */
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { missing as noRawio } from '@9p/rawio';
import { type Clock, errorText, refuse } from 'slashnet/core';
import { type FuseBackend, type FuseMount, inText, type MountRequest } from './backend.js';
import type { Channel } from './channel.js';
import { fmtRequest } from './fmt.js';
import { mountAt } from './mountinfo.js';
import { mountPlain } from './plain.js';
import { mountRaw } from './raw.js';
import { FuseServer } from './server.js';
import { io_bytes } from './session.js';
import { sleep } from './wait.js';

/** How long the kernel may take to greet us. */
const init_ms = 10_000;

export const direct: FuseBackend = {
  name: 'direct',
  knowsCallers: true,
  async missing() {
    if (process.platform !== 'linux') return 'the direct backend needs linux';
    try {
      await access('/dev/fuse', constants.R_OK | constants.W_OK);
    } catch (e) {
      return errorText(e);
    }
    if (noRawio !== undefined && process.getuid?.() !== 0) return `rawio is not built: ${noRawio}`;
    return undefined;
  },
  async mount(m) {
    const options = [`max_read=${io_bytes}`, ...(m.allowOther ? ['allow_other'] : [])].join(',');
    const mount = new DirectMount(m, await mountChannel(m, options));
    await mount.greeted();
    return mount;
  },
};

/** Without the addon /dev/fuse is read in the thread pool: slower, and for root alone. */
const mountChannel = async (m: MountRequest, options: string): Promise<Channel> =>
  noRawio === undefined ? mountRaw(m, options) : mountPlain(m, options);

class DirectMount implements FuseMount {
  readonly backend = 'direct';
  readonly dir: string;
  readonly gone: Promise<string>;
  readonly #channel: Channel;
  readonly #clock: Clock;
  readonly #server: FuseServer;
  readonly #greeting: Promise<string | undefined>;
  /** Of our mount, so that another one at the same place is left alone. */
  #dev: string | undefined;
  #over = false;

  constructor(m: MountRequest, channel: Channel) {
    this.dir = m.dir;
    this.#channel = channel;
    this.#clock = m.clock;
    let greet: (refused?: string) => void = () => {};
    this.#greeting = new Promise((resolve) => {
      greet = resolve;
    });
    this.#server = new FuseServer(m.root, channel, m.accounts, { bug: m.bug, oninit: greet });
    this.gone = new Promise((resolve) => {
      channel.start(requests(this.#server, m), (why) => {
        this.#over = true;
        this.#server.session.close();
        greet(`the kernel ended it: ${why}`);
        resolve(why);
      });
    });
  }

  get waiting(): number {
    return this.#server.session.waiting;
  }
  stats(): string {
    const { inodes, handles, waiting, stats } = this.#server.session;
    return `inodes: ${inodes.size}\nopen: ${handles.size}\nwaiting: ${waiting}\n${stats}`;
  }

  /** Until the kernel has said hello. */
  async greeted(): Promise<void> {
    this.#dev = (await mountAt(this.dir))?.dev;
    const late = sleep(this.#clock, init_ms, 'no answer from the kernel');
    const refused = await Promise.race([this.#greeting, late.over]);
    late.stop();
    if (refused === undefined) return;
    await this.unmount();
    throw refuse(`mount ${inText(this.dir)}: ${refused}`);
  }

  async unmount(): Promise<void> {
    if (this.#over) return;
    const there = await mountAt(this.dir);
    await this.#channel.end(there !== undefined && there.dev === this.#dev);
    await this.gone;
  }
}

function requests(server: FuseServer, m: MountRequest) {
  const { turn, trace } = m;
  return (b: Uint8Array, start: number, end: number): void => {
    trace?.(fmtRequest(b, start, end));
    turn.run(() => server.request(b, start, end));
  };
}
