/** Dial strings, dial(2): net!host!service, unix!path, and a path alone. */
import { readFileSync } from 'node:fs';
import { refuse } from './errors.js';

export interface UnixAddress {
  readonly net?: 'unix';
  readonly path: string;
}

export interface InetAddress {
  /** Without it: tcp. */
  readonly net?: 'tcp' | 'tls' | 'ws' | 'wss';
  /** `*` to announce on every address. */
  readonly host: string;
  /** 0 to announce on any port. */
  readonly port: number;
  /** Of ws and wss: what the HTTP request is for, `/9p`. */
  readonly resource?: string;
}

export type Address = UnixAddress | InetAddress;

const forms = 'unix!path, tcp!host!service, tls!host!service, ws!host!service!path';
const nets = new Map([
  ['tcp', { net: 'tcp', service: '9fs' }],
  ['net', { net: 'tcp', service: '9fs' }],
  ['tls', { net: 'tls', service: '9fs' }],
  ['ws', { net: 'ws', service: 'http' }],
  ['wss', { net: 'wss', service: 'https' }],
] as const);
/** Those that /etc/services does not know, or that must be known without it. */
const services = new Map([
  ['9fs', 564],
  ['ticket', 567],
  ['styx', 6666],
  ['http', 80],
  ['https', 443],
]);
const services_bytes = 1024 * 1024;

export function parseAddress(address: string): Address {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what is looked for
  if (/[\0-\x1f\x7f]/.test(address)) refuse('bad address: it has control characters');
  if (address.startsWith('/')) return { net: 'unix', path: address };
  const [first = '', host = '', service, ...more] = address.split('!');
  if (first === 'unix' && host !== '') return { net: 'unix', path: address.slice(5) };
  const known = nets.get(first as 'tcp');
  const web = known?.net === 'ws' || known?.net === 'wss';
  if (known === undefined || !/^[^\s/]+$/.test(host) || more.length > (web ? 1 : 0))
    return refuse(`bad address '${address.slice(0, 40)}': ${forms}`);
  const port = portOf(service ?? known.service, address);
  const to = { net: known.net, host, port };
  return web ? { ...to, resource: `/${(more[0] ?? '').replace(/^\//, '')}` } : to;
}

/** As one dials it. */
export function formatAddress(at: Address): string {
  if ('path' in at) return `unix!${at.path}`;
  const resource = at.resource === undefined || at.resource === '/' ? '' : `!${at.resource}`;
  return `${at.net ?? 'tcp'}!${at.host}!${at.port}${resource}`;
}

function portOf(service: string, address: string): number {
  const port = /^\d+$/.test(service) ? Number(service) : named(service);
  if (port === undefined) return refuse(`unknown service '${service}' in '${address}'`);
  return port < 65536 ? port : refuse(`bad port in '${address}'`);
}

function named(service: string): number | undefined {
  return services.get(service) ?? inServices(service, systemServices());
}

function systemServices(): string {
  try {
    return readFileSync('/etc/services', 'latin1').slice(0, services_bytes);
  } catch {
    return ''; // then only the names above are known
  }
}

/** services(5): name port/protocol aliases, # and a comment. */
function inServices(service: string, text: string): number | undefined {
  for (const line of text.split('\n')) {
    const [name, where = '', ...aliases] = (line.split('#')[0] ?? '').trim().split(/\s+/);
    const port = /^(\d+)\/tcp$/.exec(where)?.[1];
    if (port !== undefined && (name === service || aliases.includes(service))) return Number(port);
  }
  return undefined;
}
