/** slashnet serve: the daemon, in the foreground. The only place
 *  where everything is put together. */
import { writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { serveStdio } from '@9p/lib9p';
import type { CarrierOptions } from '../../srv/carriers.js';
import type { DaemonOptions } from '../../srv/daemon.js';
import { errorText } from '../core/errors.js';
import { defaultSocket } from '../core/runtime.js';
import { type Command, type Options, Usage } from './command.js';
import { keysOf } from './dialling.js';
import { limitsHelp, limitsOf } from './limits.js';

/** Loaded unless a profile or --bare says otherwise; what cannot run here is told and left out. */
const usual = ['auth', 'loop', 'ipifc', 'pppoe', 'ppp'];

const list = (v: unknown): readonly string[] => (Array.isArray(v) ? (v as string[]) : []);

/** "ether0=eth1" to the plugin's arguments. */
function etherLoad(spec: string): string {
  const m = /^(ether\d+)=([^\s/=]+)$/.exec(spec);
  if (m === null) throw new Usage(`bad --ether '${spec}': etherN=interface`);
  return `ether ${m[2]} ${m[1]}`;
}

/** "660" as chmod has it. */
function modeOf(text: string): number {
  if (!/^0?[0-7]{3}$/.test(text)) throw new Usage(`bad --socket-mode '${text}': 600, 660 or 666`);
  return Number.parseInt(text, 8);
}

/** As browsers write it: one with a path or a slash behind it would never be met. */
function originOf(text: string): string {
  if (/^(null|[a-z][a-z\d+.-]*:\/\/[^\s/A-Z]+)$/.test(text)) return text;
  throw new Usage(`bad --origin '${text}': as https://host or http://host:port`);
}

/** Which listeners there are, and whom they let in. */
async function carriersOf(o: Options): Promise<CarrierOptions> {
  return {
    socket: isStdio(o) ? undefined : String(o.socket ?? defaultSocket()),
    socketMode: typeof o.socketMode === 'string' ? modeOf(o.socketMode) : undefined,
    socketGroup: typeof o.socketGroup === 'string' ? o.socketGroup : undefined,
    listen: list(o.listen).filter((address) => address !== 'stdio'),
    insecure: o.insecure === true,
    auth: o.auth === true,
    tls: await keysOf(o),
    origins: list(o.origin).map(originOf),
  };
}

const isStdio = (o: Options): boolean => o.stdio === true || list(o.listen).includes('stdio');

async function optionsOf(o: Options, told: Promise<string>): Promise<DaemonOptions> {
  const ethers = list(o.ether).map(etherLoad);
  const debug = o.chatty === true ? (s: string) => void process.stderr.write(`${s}\n`) : undefined;
  const file = typeof o.profile === 'string' ? o.profile : undefined;
  const text = file === undefined ? '' : await readFile(file, 'utf8');
  const bare = o.bare === true || /^[^\S\n]*load\s/m.test(text);
  return {
    told,
    ...(await carriersOf(o)),
    limits: limitsOf(list(o.limit)),
    tryLoad: bare ? [] : [...usual, ...(ethers.length === 0 ? ['ether'] : [])],
    load: [...ethers, ...list(o.load)],
    keys: list(o.keys),
    credentials: process.env.CREDENTIALS_DIRECTORY,
    profile: file === undefined ? undefined : { name: file, text },
    log: o.quiet === true ? undefined : (s) => void process.stderr.write(`slashnet: ${s}\n`),
    trace: debug,
  };
}

/** The first signal. It counts while the daemon starts, too: what a profile did is undone. */
export const signalled = (): Promise<string> =>
  new Promise((resolve) => {
    for (const s of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(s, () => resolve(s));
  });

/** What nobody catches and nobody awaits is told, and ends nothing: not the sessions of others. */
export function survive(): void {
  const bug = (e: unknown): void =>
    void process.stderr.write(`slashnet: bug: ${e instanceof Error ? e.stack : String(e)}\n`);
  process.on('unhandledRejection', bug);
  process.on('uncaughtException', bug);
  process.stderr.on('error', () => undefined);
}

/** A core would have the keys: the kernel is told to leave our memory out of it. core(5) */
export function noCore(): void {
  try {
    writeFileSync('/proc/self/coredump_filter', '0');
  } catch {
    // No Linux, or no /proc: there is nothing to tell.
  }
}

/** What a plugin has left behind must not keep the process. */
function failed(e: unknown): never {
  process.stderr.write(`slashnet: ${errorText(e)}\n`);
  return process.exit(1);
}

export const serve: Command = {
  name: 'serve',
  stays: true,
  about: 'run the daemon in the foreground, until SIGTERM or Ctrl-C',
  options: [
    ['--socket <path>', 'unix socket to listen on (default: in the runtime directory)'],
    [
      '--socket-mode <mode>',
      'of the socket: 600 (default), or 660 or 666 for others of this system',
    ],
    ['--socket-group <group>', 'whose it is; its members may connect'],
    ['--listen <address...>', 'also listen on tcp!host!port, tls!, ws!, wss!, unix!path; stdio'],
    ['--cert <file>', 'certificate of tls! and wss! listeners, and for dialling others'],
    ['--key <file>', 'its key'],
    ['--ca <file>', 'demand a certificate that this one signed: its CN is who the client is'],
    ['--origin <origin...>', "pages that may open a WebSocket: 'https://host'"],
    ['--auth', 'clients of --listen prove who they are by p9any, with the keys of /auth'],
    ['--insecure', 'believe the names that clients of --listen give'],
    ['--limit <name=n...>', `defaults: ${limitsHelp}`],
    ['--stdio', 'speak 9P on standard input and output instead, as behind ssh'],
    ['--ether <etherN=interface...>', 'serve these interfaces, under these names'],
    ['--load <plugin...>', "load more plugins: 'name arg arg'"],
    ['--bare', 'load nothing but what --load says; so does a profile with load lines of its own'],
    ['--profile <file>', 'lines to do first: root control messages, or a path and its message'],
    ['--keys <file...>', 'keys for /auth/ctl, a line each; of mode 600'],
    ['--mount <directory>', 'mount there over FUSE'],
    ['--fuse-backend <name>', 'direct or fuse-native (default: the first that works)'],
    ['-D, --chatty', 'print each 9P message on standard error'],
    ['-q, --quiet', 'no log on standard error'],
  ],
  examples: [
    'slashnet serve --ether ether0=eth1',
    "slashnet serve --listen 'tls!*!9fs' --cert s.pem --key s.key --ca clients.pem",
    'slashnet serve --profile /etc/slashnet/profile --mount /mnt',
    "srv -e 'ssh host slashnet serve --stdio' slashnet /n/slashnet    # on Plan 9",
  ],
  async run(_args, o) {
    const { startDaemon } = await import('../../srv/daemon.js');
    survive();
    noCore();
    const told = signalled();
    const d = await startDaemon(await optionsOf(o, told)).catch(failed);
    try {
      const backend = typeof o.fuseBackend === 'string' ? o.fuseBackend : '';
      if (typeof o.mount === 'string') await d.mount(o.mount, '', backend);
      if (o.quiet !== true)
        for (const a of d.addresses) process.stderr.write(`slashnet: listening on ${a}\n`);
      const why = await (isStdio(o) ? Promise.race([told, serveStdio(d.server)]) : told);
      d.system.env.log(`${why}: hanging up`);
    } finally {
      await d.stop('the daemon ended');
    }
    return process.exit(0); // whatever a plugin has left behind must not keep the process
  },
};
