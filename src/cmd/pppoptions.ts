/** The options of ppp(8): what each writes to ctl, and what is wrong with them before anything is
 *  done. docs/ppp.md has the same table. */
import { isIPv4, isIPv6 } from 'node:net';
import { isPrivateValue, quote, words } from '../core/words.js';
import { type Flag, type Options, Usage } from './command.js';

interface Row {
  readonly flag: Flag;
  /** Lines for ctl, the value in the place of what it is called. */
  readonly verbs: readonly string[];
}

const row = (flags: string, about: string, ...verbs: string[]): Row => ({
  flag: [flags, about],
  verbs,
});

/** Each is a verb, or several. */
export const verbOptions: readonly Row[] = [
  row('-a, --noauth', 'as a server, let anybody in', 'noauth'),
  row('-b, --baud <rate>', 'speed of the device, and of the interface', 'speed <rate>'),
  row('-c, --nocompress', 'no compression of packets', 'compress off', 'pfc off'),
  row('-C, --novj', 'no compression of IP headers', 'vj off', 'acfc off'),
  row('-f, --hdlc', 'HDLC framing: for serial lines, TCP, anything of bytes', 'framing hdlc'),
  row('-F, --noacfield', 'frames without FF 03 in front, as pppoe has them', 'framing noacfield'),
  row('-k, --keyspec <spec>', "which key to use: 'user=glenda'; no secrets", 'key <spec>'),
  row('-m, --mtu <n>', 'largest packet (default: 1450)', 'mtu <n>'),
  row('-P, --primary', 'default route and name servers through this interface', 'primary'),
  row('-S, --server', 'be the server', 'role server'),
  row(
    '-x, --net <path>',
    'IP stack to use (default: /net): any with ipifc, a server that has one, or none',
    'net <path>',
  ),
  row('-y, --proxy', 'proxy ARP for the other end', 'proxy on'),
];

/** Those of the interface and the person: every command that makes a ppp link has them. */
export const linkOptions: readonly Flag[] = [
  ['-d, --debug', 'on standard error: states and negotiation; -dd packets; -ddd bytes', 'count'],
  ['--dns <how>', 'peer’s name servers to the host: resolvconf, resolvectl, file, /path, none'],
  ['--up <command>', 'run by sh when the link has come up; ppp-command.md has its environment'],
  ['--down <command>', 'the same when it has gone down'],
  ['--keys <file>', 'keys for this link, a line each; of mode 600', 'each'],
  ['--verb <line>', 'one more line for ctl: any verb of /ppp', 'each'],
];

export const deviceOptions: readonly Flag[] = [
  ['-p, --port <file>', 'device, pty, path in the tree or tcp!host!port, not standard input'],
  ['-M, --chat <file>', "chat with the modem first: 'send' 'expect' [seconds] a line"],
  ['-t, --modemcmd <text>', 'write it and CR to the device, last before PPP'],
  ['-u, --shuttle', 'first join the terminal to the device, up to Ctrl-D or the end of input'],
  ['--redial <n>', 'try again so often when it fails or is lost; needs -p'],
  ['--announce', 'wait for the other end to begin, and when it has gone for the next call'],
];

const default_mtu = '1450';

/** The name commander gives to the value of a flag. */
const nameOf = (flags: string): string =>
  (/--([\w-]+)/.exec(flags)?.[1] ?? '').replace(/-(\w)/g, (_, c: string) => c.toUpperCase());

function line(name: string, value: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they would begin a line of their own
  if (/[\x00-\x1f\x7f]/.test(value)) throw new Usage(`--${name}: control characters in its value`);
  return value;
}

/** `.alt` is /net.alt, as setnetmtpt(2) has it. A dial string is for who mounts it. */
export const stackOf = (path: string): string => (path.startsWith('.') ? `/net${path}` : path);

/** What may be wrong with a value that ctl would find out too late, or must not see. */
const checks: Readonly<Record<string, (value: string) => string>> = {
  keyspec: (spec) => {
    const attrs = parsed('--keyspec', spec);
    if (attrs.some(isPrivateValue))
      throw new Usage('-k: others can read arguments: secrets belong into --keys or the terminal');
    return spec;
  },
  net: (path) => quote(stackOf(path)),
  baud: (rate) => {
    if (/^[1-9]\d{0,8}$/.test(rate)) return rate;
    throw new Usage(`bad -b '${rate}': bits a second`);
  },
  mtu: (n) => {
    if (/^\d{3,5}$/.test(n) && Number(n) >= 128 && Number(n) <= 16384) return n;
    throw new Usage(`bad -m '${n}': 128 to 16384`);
  },
};

function parsed(name: string, spec: string): string[] {
  try {
    return words(spec);
  } catch (e) {
    throw new Usage(`${name}: ${(e as Error).message}`);
  }
}

/** The lines for ctl, in the order of the table, the addresses, then what --verb says. */
export function verbsOf(addresses: readonly string[], o: Options): string[] {
  const all = { mtu: default_mtu, ...o } as Options;
  const of = ({ flag, verbs }: Row): string[] => {
    const name = nameOf(flag[0]);
    const value = all[name];
    if (value === undefined) return [];
    const text = line(name, String(value));
    const shown = checks[name]?.(text) ?? text;
    return verbs.map((v) => v.replace(/<\w+>/, () => shown));
  };
  const more = (Array.isArray(o.verb) ? (o.verb as string[]) : []).map((v) => line('verb', v));
  for (const v of more) refuseSecret(v);
  const lines = [...verbOptions.flatMap(of), ...addressVerbs(addresses), ...more];
  if (o.server === true && !lines.some((l) => /^(local .*\.|ip off)/.test(l)))
    throw new Usage('-S: a server needs an address of its own');
  return lines;
}

function refuseSecret(verb: string): void {
  if (parsed('--verb', verb).some(isPrivateValue))
    throw new Usage('--verb: others can read arguments: secrets belong into --keys');
}

/** fe80::/64 with a host part: an interface identifier. */
function isLinkLocal(a: string): boolean {
  return isIPv6(a) && /^fe80::[0-9a-f:]*[1-9a-f]/i.test(a);
}

/** Up to four: of each family the first is ours, the second the peer's. */
export function addressVerbs(addresses: readonly string[]): string[] {
  const [four, six] = [addresses.filter((a) => isIPv4(a)), addresses.filter(isLinkLocal)];
  for (const a of addresses)
    if (!four.includes(a) && !six.includes(a)) throw new Usage(`bad ip address '${a}'`);
  if (four.length > 2 || six.length > 2)
    throw new Usage('too many addresses: of IPv4 and of link-local IPv6 two each, ours first');
  return [four, six].flatMap(([local, remote]) => [
    ...(local === undefined ? [] : [`local ${local}`]),
    ...(remote === undefined ? [] : [`remote ${remote}`]),
  ]);
}
