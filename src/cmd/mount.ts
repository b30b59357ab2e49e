/** slashnet mount and unmount: a daemon's tree, or that of any 9P server, at a directory. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { errorText } from '../core/errors.js';
import { quote } from '../core/words.js';
import { type Command, type Options, Usage } from './command.js';
import { keysOf } from './dialling.js';
import { control } from './names.js';
import { signalled, survive } from './serve.js';

const text = (v: unknown): string => (typeof v === 'string' ? v : '');

/** The daemon shows its own tree: a request of the kernel's is a function call there. */
function mountOwn(dir: string, { aname, ...o }: Options): Promise<number> {
  if (o.foreground === true || o.allowOther === true)
    throw new Usage('-f and --allow-other are for mount ADDRESS DIRECTORY');
  const words = [resolve(dir), text(aname), text(o.fuseBackend)];
  while (words.at(-1) === '') words.pop();
  // As a rule the daemon was started on the line before.
  return control({ ...o, wait: true }, `fuse ${words.map(quote).join(' ')}`);
}

/** What the process that serves the mount says to the one that started it. */
type Said = { readonly mounted: true } | { readonly failed: string };

/** The command again, for a process that stays. */
function foregroundWords(args: readonly string[], o: Options): string[] {
  const words = (values: Readonly<Record<string, unknown>>): string[] =>
    Object.entries(values).flatMap(([flag, v]) => (text(v) === '' ? [] : [flag, text(v)]));
  return [
    ...words({ '--ca': o.ca, '--cert': o.cert, '--key': o.key }),
    ...['mount', '--foreground'],
    ...words({ '--aname': o.aname, '--uname': o.uname, '--fuse-backend': o.fuseBackend }),
    ...(o.allowOther === true ? ['--allow-other'] : []),
    ...['--', ...args],
  ];
}

/** Another process of ours mounts and goes on by itself. */
async function inBackground(args: readonly string[], o: Options): Promise<number> {
  const script = process.argv[1] as string;
  const words = [...process.execArgv, script, ...foregroundWords(args, o)];
  const child = spawn(process.execPath, words, {
    detached: true,
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  const giveUp = (): void => void child.kill();
  process.once('SIGINT', giveUp);
  process.once('SIGTERM', giveUp);
  const [said] = (await Promise.race([once(child, 'message'), once(child, 'close')])) as [
    Said | number | null,
  ];
  if (typeof said !== 'object' || said === null) throw new Error(`mount ${args[1]}: interrupted`);
  if ('failed' in said) throw new Error(said.failed);
  child.disconnect();
  child.unref();
  return 0;
}

async function mounted(args: readonly string[], o: Options, signal: AbortSignal) {
  const [address = '', dir = ''] = args;
  const { mountServer } = await import('../../srv/mount9p.js');
  const debug = o.chatty === true ? (s: string) => void process.stderr.write(`${s}\n`) : undefined;
  return mountServer(address, resolve(dir), {
    aname: text(o.aname),
    uname: text(o.uname),
    tls: await keysOf(o),
    backend: text(o.fuseBackend),
    allowOther: o.allowOther === true,
    trace: debug,
    signal,
  });
}

/** Until it is unmounted, by us or by somebody else. */
async function inForeground(args: readonly string[], o: Options): Promise<number> {
  survive();
  const told = signalled();
  const given = new AbortController();
  void told.then((why) => given.abort(why));
  const m = await mounted(args, o, given.signal).catch((e: unknown) => {
    process.send?.({ failed: errorText(e) } satisfies Said);
    throw e;
  });
  if (process.send !== undefined) process.chdir('/'); // in the background we hold no directory
  if (!given.signal.aborted) process.send?.({ mounted: true } satisfies Said);
  await Promise.race([told, m.gone]);
  await m.unmount();
  return process.exit(0);
}

export const mount: Command = {
  name: 'mount',
  about: 'DIRECTORY shows the tree of the daemon, over FUSE; ADDRESS DIRECTORY that of any server',
  args: '<directory...>',
  options: [
    ['--aname <tree>', 'the tree to show: of the daemon, a path; of a server, its name for it'],
    ['--uname <name>', 'user to be on the server'],
    ['--fuse-backend <name>', 'direct or fuse-native (default: the first that works)'],
    ['--allow-other', 'let other users in, to what the server lets anybody do'],
    ['-f, --foreground', 'serve the mount in this process, until it is unmounted or Ctrl-C'],
    ['-D, --chatty', 'in the foreground, each 9P message and FUSE request on standard error'],
  ],
  examples: [
    'slashnet mount /mnt',
    'slashnet mount --aname ppp ~/ppp && cat ~/ppp/clone',
    "slashnet mount 'tcp!host!564' /n/host",
    'slashnet mount -f /tmp/ns.glenda/acme ~/acme',
  ],
  async run(args, o) {
    const [first = '', second, ...more] = args;
    if (more.length > 0) throw new Usage('mount [ADDRESS] DIRECTORY');
    if (second === undefined) return mountOwn(first, o);
    if (o.foreground === true || o.chatty === true) return inForeground(args, o);
    return inBackground(args, o);
  },
};

export const unmount: Command = {
  name: 'unmount',
  about: 'take away what slashnet mount has mounted',
  args: '<directory>',
  examples: ['slashnet unmount /mnt'],
  async run([dir = ''], o) {
    const { unmountServer } = await import('../../srv/mount9p.js');
    if (o.address === undefined && (await unmountServer(resolve(dir)))) return 0;
    return control(o, `unfuse ${quote(resolve(dir))}`);
  },
};
