/** slashnet ppp, after ppp(8): a PPP link in the foreground, client or server. */
import { resolve } from 'node:path';
import { isatty } from 'node:tty';
import type { Mount } from '@9p/lib9p';
import { errorText } from '../core/errors.js';
import { readRegular } from '../core/regular.js';
import { quote } from '../core/words.js';
import { type Command, complain, type Options, printable, Usage } from './command.js';
import { diallingOf } from './dialling.js';
import { person, secretFrom } from './key.js';
import { type Daemon, daemonFor } from './owndaemon.js';
import { parseChat, type Step } from './pppchat.js';
import { fileMedium, type Medium, wireMedium } from './pppmedium.js';
import { deviceOptions, linkOptions, stackOf, verbOptions, verbsOf } from './pppoptions.js';
import { chat, shuttle } from './pppprepare.js';
import { type LinkOptions, Session } from './pppsession.js';
import { StreamWire, stdioKeepsPackets, stdioWire } from './pppwire.js';
import { type How, howOf, Resolver, recoverResolver } from './resolver.js';
import { signalled } from './serve.js';

const chat_bytes_max = 64 * 1024;
const redial_max = 1_000_000;
/** What a frame has beside its packet; and LCP needs frames of 1500 to begin with. */
const frame_bytes = 8;
const least_mtu = 1500;

const text = (v: unknown): string | undefined => (typeof v === 'string' ? v : undefined);
const list = (v: unknown): readonly string[] => (Array.isArray(v) ? (v as string[]) : []);

/** What was asked for, with all that can be known to be wrong before anything is done. */
interface Plan {
  readonly verbs: readonly string[];
  readonly port: string | undefined;
  readonly baud: string | undefined;
  readonly chat: { readonly name: string; readonly steps: readonly Step[] } | undefined;
  readonly shuttle: boolean;
  readonly modemcmd: string | undefined;
  readonly mtu: number;
  /** A server to mount, for its ipifc. */
  readonly stack: string | undefined;
  readonly redial: number;
}

const isDialString = (port: string): boolean => port.includes('!') && !port.startsWith('/');

/** A path in the tree says by itself what it carries. */
function refuseFraming(o: Options, port: string | undefined): void {
  if (o.hdlc === true && o.noacfield === true) throw new Usage('-f and -F: one of them');
  if (o.hdlc === true) return;
  const bytes = port === undefined ? !stdioKeepsPackets() : isDialString(port);
  if (bytes)
    throw new Usage(
      `${port ?? 'standard input and output'}: it keeps no packets apart: give -f for HDLC framing`,
    );
}

async function planOf(addresses: readonly string[], o: Options): Promise<Plan> {
  const given = text(o.port);
  const port = given === undefined || isDialString(given) ? given : resolve(given);
  const verbs = verbsOf(addresses, o);
  for (const [flag, value] of [
    ['-M', o.chat],
    ['-u', o.shuttle],
    ['--redial', o.redial],
  ] as const)
    if (value !== undefined && port === undefined) throw new Usage(`${flag} needs -p`);
  refuseFraming(o, port);
  const net = text(o.net);
  const redial = text(o.redial) ?? '0';
  if (!/^\d{1,7}$/.test(redial) || Number(redial) > redial_max)
    throw new Usage(`bad --redial '${redial}': up to ${redial_max}`);
  const name = text(o.chat);
  return {
    verbs,
    port,
    baud: text(o.baud),
    chat: name === undefined ? undefined : { name, steps: await chatFile(name) },
    shuttle: o.shuttle === true,
    modemcmd: text(o.modemcmd),
    mtu: Math.max(least_mtu, Number(o.mtu ?? 0)) + frame_bytes,
    stack: net?.includes('!') === true ? net : undefined,
    redial: Number(redial),
  };
}

async function chatFile(name: string): Promise<Step[]> {
  const bytes = await readRegular(name, chat_bytes_max, () => undefined).catch((e: unknown) => {
    throw new Usage(`-M: ${errorText(e)}`);
  });
  return parseChat(name, Buffer.from(bytes).toString('latin1'));
}

// What is below ---------------------------------------------------------------------------------

async function mediumOf(m: Mount, p: Plan): Promise<Medium> {
  if (p.port === undefined) return wireMedium(m, stdioWire(), p.mtu);
  if (!isDialString(p.port)) return fileMedium(m, p.port, p.baud);
  const { connect } = await diallingOf({});
  const stream = await connect(p.port, {});
  return wireMedium(m, new StreamWire(stream, stream), p.mtu);
}

/** The order of ppp(8): -M or -u, then -t. */
async function below(m: Mount, p: Plan, debug: boolean, cancel: AbortSignal): Promise<Medium> {
  const medium = await mediumOf(m, p);
  const trace = (line: string): void =>
    void (debug && process.stderr.write(`${printable(line)}\n`));
  try {
    const { line } = medium;
    if (p.chat !== undefined) await chat(line, p.chat.name, p.chat.steps, trace, cancel);
    else if (p.shuttle) await shuttle(line, cancel);
    if (p.modemcmd !== undefined) await line.write(Buffer.from(`${p.modemcmd}\r`));
    return medium;
  } catch (e) {
    await medium.close();
    throw e;
  }
}

// The daemon ------------------------------------------------------------------------------------

/** Plugins of a private daemon: what the link needs. */
function loads(p: Plan, net: string): string[] {
  const host = p.stack !== undefined || net === 'none' ? [] : ['ipifc'];
  return ['auth', 'loop', ...host, 'ppp'];
}

/** Where the stack is; a server that was named instead of a path is mounted meanwhile. */
async function withStack<T>(
  m: Mount,
  address: string | undefined,
  f: (net: string | undefined) => Promise<T>,
): Promise<T> {
  if (address === undefined) return f(undefined);
  const at = `/n/ppp.${process.pid}`;
  await m.writeFile('/ctl', `mount ${quote(address)} ${at}`);
  try {
    for (const net of [at, `${at}/net`])
      if (await m.stat(`${net}/ipifc`).catch(() => undefined)) return await f(net);
    throw new Usage(`-x ${address}: there is no ipifc`);
  } finally {
    await m.writeFile('/ctl', `unmount ${at}`).catch(complain);
  }
}

const isOnTerminal = (p: Plan): boolean => p.port !== undefined && isatty(0);

function linkOf(d: Daemon, p: Plan, o: Options, how: How, net: string | undefined): LinkOptions {
  const debug = Number(o.debug ?? 0);
  const verbs = net === undefined ? p.verbs : p.verbs.filter((v) => !v.startsWith('net '));
  return {
    verbs: net === undefined ? verbs : [...verbs, `net ${net}`],
    below: (m, cancel) => below(m, p, debug > 0, cancel),
    announce: o.announce === true,
    redial: p.redial,
    debug,
    up: text(o.up),
    down: text(o.down),
    resolver: new Resolver(how),
    person: d.own && isOnTerminal(p) ? (cancel) => person(d.m, cancel) : undefined,
  };
}

async function run(addresses: readonly string[], o: Options): Promise<number> {
  const how = howOf(o.dns);
  const plan = await planOf(addresses, o);
  const secret = secretFrom('SLASHNET_KEY');
  const told = signalled();
  const end = new AbortController();
  void told.then(() => end.abort());
  await recoverResolver(complain);
  const net = stackOf(text(o.net) ?? '/net');
  const wanted = { name: 'ppp', load: loads(plan, net), keys: list(o.keys), told };
  const d = await daemonFor(o, wanted);
  try {
    if (d.own && secret !== undefined) await secret(d.m);
    return await withStack(d.m, plan.stack, (net) =>
      Session.run(d, linkOf(d, plan, o, how, net), end.signal),
    );
  } finally {
    await d.stop('ppp has ended');
  }
}

export const ppp: Command = {
  name: 'ppp',
  stays: true,
  about: 'a PPP link over a device, a connection or standard input and output, as ppp(8)',
  args: '[address...]',
  options: [...verbOptions.map((r) => r.flag), ...deviceOptions, ...linkOptions],
  examples: [
    'slashnet ppp -f -b 115200 -p /dev/ttyUSB0 -M chat -k user=glenda -P --dns resolvconf',
    'slashnet ppp -S -f -p /dev/ttyS0 10.0.0.1 10.0.0.2     # the other end',
    "socat tcp-listen:1723,fork exec:'slashnet ppp -Saf 10.0.0.1 10.0.0.2'",
    'slashnet -a ppp.1234 cat /ppp/0/status                 # look into one that runs',
  ],
  async run(addresses, o) {
    const status = await run(addresses, o).catch((e: unknown) => {
      complain(e);
      return e instanceof Usage ? 2 : 1;
    });
    return process.exit(status); // standard input may still be open
  },
};
