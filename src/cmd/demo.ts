/** slashnet demo, which is `npm start`: two ppp over a wire in
 *  memory, as a user would compose them. */
import { access, constants, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dial } from '@9p/lib9p';
import { type Command, out } from './command.js';
import { mounted, ninep, type Shell } from './shell.js';

const whole_ms = 15_000;

/** One command of the demo, and what its answer must be like. */
interface Step {
  readonly say?: string;
  readonly cat?: string;
  readonly echo?: readonly [text: string, path: string];
  readonly want?: RegExp;
}

const layers: readonly Step[] = [
  { say: 'A wire in memory, with an end for each of two.' },
  { cat: '/loop/clone', want: /^0$/ },
  { say: 'A key. Protocol layers hold no secrets: they ask auth, as Plan 9 asks factotum.' },
  { echo: ['key proto=pass service=ppp user=glenda !password=secret', '/auth/ctl'] },
  { cat: '/auth/ctl', want: /^key .*user=glenda.* !password\?\n$/ },
  { say: 'The client: ppp on one end of the wire, an IP stack in memory above it.' },
  { cat: '/ppp/clone', want: /^0$/ },
  { echo: ['bind /net/loop/0/data', '/ppp/0/ctl'] },
  { cat: '/ipifc/clone', want: /^0$/ },
  { echo: ['device memory', '/ipifc/0/ctl'] },
  { echo: ['bind /net/ppp/0/data', '/ipifc/0/ctl'] },
  { say: 'The server: on the other end. It asks for chap and gives the client its address.' },
  { cat: '/ppp/clone', want: /^1$/ },
  { echo: ['role server', '/ppp/1/ctl'] },
  { echo: ['auth chap', '/ppp/1/ctl'] },
  { echo: ['local 10.9.0.1', '/ppp/1/ctl'] },
  { echo: ['remote 10.9.0.2', '/ppp/1/ctl'] },
  { echo: ['bind /net/loop/0/data1', '/ppp/1/ctl'] },
  { cat: '/ipifc/clone', want: /^1$/ },
  { echo: ['device memory', '/ipifc/1/ctl'] },
  { echo: ['bind /net/ppp/1/data', '/ipifc/1/ctl'] },
  { echo: ['announce', '/ppp/1/ctl'] },
];

const traffic: readonly Step[] = [
  { say: 'Connect: LCP, authentication, IPCP. The write returns when the link is up.' },
  { echo: ['connect', '/ppp/0/ctl'] },
  { cat: '/ppp/0/status', want: /^Opened .*phase Network/ },
  { cat: '/ppp/0/local', want: /^10\.9\.0\.2$/m },
  { cat: '/ppp/0/remote', want: /^10\.9\.0\.1$/m },
  { say: 'Addresses for both stacks, and real IP packets across the link.' },
  { echo: ['add 10.9.0.2 255.255.255.255 10.9.0.1', '/ipifc/0/ctl'] },
  { echo: ['add 10.9.0.1 255.255.255.255 10.9.0.2', '/ipifc/1/ctl'] },
  { echo: ['ping 10.9.0.1 3', '/ipifc/0/ctl'] },
  { cat: '/ipifc/0/ping', want: /3 packets transmitted, 3 received, 0% packet loss/ },
  { say: 'The wire gets bad while it is in use: every tenth packet is lost, each way.' },
  { echo: ['loss 10%', '/loop/0/ctl'] },
  { cat: '/loop/0/status', want: /loss 10%/ },
  { echo: ['ping 10.9.0.1 20 10', '/ipifc/0/ctl'] },
  { cat: '/ipifc/0/ping', want: /20 packets transmitted, \d+ received/ },
  { echo: ['clear', '/loop/0/ctl'] },
  { say: 'What each end has counted.' },
  { cat: '/ppp/0/stats', want: /txpackets: \d+/ },
  { cat: '/ppp/1/stats', want: /rxpackets: \d+/ },
  { say: 'Hang up: a Terminate-Request, and both ends are down.' },
  { echo: ['hangup', '/ppp/0/ctl'] },
  { cat: '/ppp/0/status', want: /phase Dead/ },
  { cat: '/ppp/1/err', want: /terminat|hung up/i },
];

const next = `
Next:
  slashnet serve &              the daemon
  slashnet mount /mnt           its tree as files, over FUSE: then cat and echo are all it takes
  cat /mnt/ppp/help             the verbs and files of a layer
  slashnet --help               the commands
Read on in README.md, docs/index.md, and docs/skeleton.md to write a layer of your own.
`;

async function step(sh: Shell, s: Step): Promise<void> {
  if (s.say !== undefined) await out(`\n${bold(s.say)}\n`);
  if (s.echo !== undefined) {
    const [text, path] = s.echo;
    await out(`$ ${sh.typed({ echo: text, to: path })}\n`);
    await sh.echo(text, path);
  }
  if (s.cat === undefined) return;
  await out(`$ ${sh.typed({ cat: s.cat })}\n`);
  const answer = await sh.cat(s.cat);
  await out(answer.endsWith('\n') ? answer : `${answer}\n`);
  if (s.want?.test(answer) !== true) throw new Error(`${s.cat}: not what was expected: ${s.want}`);
}

const bold = (s: string): string => (process.stdout.isTTY ? `\x1b[1m${s}\x1b[0m` : s);

/** As root with /dev/fuse: a mount, if it can be had. */
async function mountPoint(): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const there = await access('/dev/fuse', constants.R_OK | constants.W_OK).then(
    () => true,
    () => false,
  );
  return there ? mkdtemp(join(tmpdir(), 'slashnet-mnt.')) : undefined;
}

async function play(): Promise<void> {
  const { startDaemon } = await import('../../srv/daemon.js');
  const dir = await mkdtemp(join(tmpdir(), 'slashnet-demo.'));
  const d = await startDaemon({
    socket: join(dir, 'ns.sock'),
    load: ['auth', 'loop', 'ipifc', 'ppp'],
  });
  const m = await dial(d.addresses[0] as string);
  const mnt = await mountPoint();
  try {
    if (mnt !== undefined) await d.mount(mnt);
    const sh = mnt === undefined ? ninep(m) : mounted(mnt);
    await out(`slashnet: network protocol layers as files. ${sh.about}\n`);
    for (const s of [...layers, ...traffic]) await step(sh, s);
  } finally {
    m.close();
    await d.stop('the demo is over');
    await rm(dir, { recursive: true, force: true });
    if (mnt !== undefined) await rm(mnt, { recursive: true, force: true });
  }
}

export const demo: Command = {
  name: 'demo',
  about: 'show two ppp over a wire in memory: no root, no network; a few seconds',
  examples: ['slashnet demo', 'npm start'],
  async run() {
    const late = setTimeout(() => {
      process.stderr.write(`slashnet: demo: not done in ${whole_ms / 1000} s\n`);
      process.exit(1);
    }, whole_ms);
    try {
      await play();
      await out(next);
    } finally {
      clearTimeout(late);
    }
    return 0;
  },
};
