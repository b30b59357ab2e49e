/** The daemon that a command talks to: a running one, or a private one in its own process, which
 *  posts a socket in the runtime directory: `slashnet -a ppp.1234 ls /`. */
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { dial, type Mount } from '@9p/lib9p';
import { alive, runtimeDirectory, userName } from '../core/runtime.js';
import { attach, type Options } from './command.js';
import { noCore, survive } from './serve.js';

export interface Wanted {
  /** What the socket is called, before the process's number. */
  readonly name: string;
  /** Plugins that a private one loads. */
  readonly load: readonly string[];
  /** Files of keys for it. */
  readonly keys: readonly string[];
  /** When it settles, the start is given up. */
  readonly told: Promise<unknown>;
}

export interface Daemon {
  readonly m: Mount;
  /** As -a takes it. */
  readonly address: string;
  /** Nobody else's. */
  readonly own: boolean;
  /** What is ours of it: hung up, undone. */
  stop(why: string): Promise<void>;
}

/** Where -a or $SLASHNET say, else a private one. The command stays: a fault that nobody catches
 *  ends neither. */
export async function daemonFor(o: Options, w: Wanted): Promise<Daemon> {
  survive();
  const address = o.address ?? process.env.SLASHNET;
  if (address === undefined || address === '') return privateDaemon(o, w);
  const m = await attach(o);
  return { m, address, own: false, stop: async () => m.close() };
}

const posted = /^[a-z]+\.(\d{1,9})$/;

/** Sockets of commands that were killed. */
function removeStale(dir: string): void {
  for (const name of readdirSync(dir)) {
    const pid = posted.exec(name)?.[1];
    if (pid !== undefined && /^ppp|^pptp/.test(name) && !alive(Number(pid)))
      rmSync(join(dir, name), { force: true });
  }
}

async function privateDaemon(o: Options, w: Wanted): Promise<Daemon> {
  const { startDaemon } = await import('../../srv/daemon.js');
  noCore();
  const dir = runtimeDirectory();
  removeStale(dir);
  const address = `unix!${join(dir, `${w.name}.${process.pid}`)}`;
  const d = await startDaemon({
    told: w.told,
    socket: address.slice('unix!'.length),
    load: w.load,
    keys: w.keys,
    credentials: process.env.CREDENTIALS_DIRECTORY,
    trace: o.chatty === true ? (s) => void process.stderr.write(`${s}\n`) : undefined,
  });
  try {
    const m = await dial(address, { uname: userName() });
    const stop = async (why: string): Promise<void> => {
      m.close();
      await d.stop(why);
    };
    return { m, address, own: true, stop };
  } catch (e) {
    await d.stop('it could not be dialled');
    throw e;
  }
}
