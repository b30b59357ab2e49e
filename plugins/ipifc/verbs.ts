/** The control messages of an interface, ip(3) and ours. */
import { type Req, refuse, type Verb } from 'slashnet/core';
import { addressOf, parseAddress } from './address.js';
import type { Ipifc } from './conversation.js';
import { type Ip, parsePrefix } from './ip.js';
import { Memory } from './memory.js';
import { Pool } from './pool.js';

const mtu_min = 68; // RFC 791 section 3.2
const mtu_max = 65535;
const pings_max = 1000;
const ping_bytes_max = 65_000;
const interval_ms_min = 10;
const interval_ms_max = 60_000;

function numberOf(what: string, s: string, min: number, max: number): number {
  if (!/^\d{1,9}$/.test(s) || Number(s) < min || Number(s) > max)
    throw refuse(`bad ${what}: ${s}: ${min} to ${max}`);
  return Number(s);
}
const mtuOf = (s: string): number => numberOf('mtu', s, mtu_min, mtu_max);

async function add(c: Ipifc, args: readonly string[], req: Req): Promise<void> {
  const [, , , mtu, flags] = args;
  const address = { ...parseAddress(args), proxy: flags === 'proxy' };
  if (flags !== undefined && flags !== 'proxy') throw refuse(`${flags} not supported`);
  const n = mtu === undefined || mtu === '0' || mtu === '-' ? undefined : mtuOf(mtu);
  c.make(req);
  if (n !== undefined) await c.setMtu(n);
  await c.add(address, req);
}

/** Plan 9's media that there are here, or a path alone. */
function bind(c: Ipifc, [medium = '', dev = '']: readonly string[], req: Req): Promise<void> {
  if (medium === 'pkt') {
    // Plan 9's ppp gives the path of its device, which is no name of an interface here.
    if (goodName.test(dev)) ifname(c, dev);
    return c.bindPkt(req);
  }
  if (medium === 'netdev') return c.bindTo(dev, req);
  if (dev !== '' || !medium.startsWith('/')) throw refuse('unknown interface type');
  return c.bindTo(medium, req);
}

async function remove(c: Ipifc, args: readonly string[]): Promise<void> {
  const { local, bits } = parseAddress(args.slice(0, 2));
  await c.remove(local, bits);
}

function device(c: Ipifc, kind: string): void {
  if (kind !== 'tun' && kind !== 'memory') throw refuse(`bad device: ${kind}: tun or memory`);
  if (c.medium !== undefined) throw refuse(`interface already bound: ${c.medium.name}`);
  c.kind = kind;
}

const goodName = /^[a-zA-Z][a-zA-Z0-9_.-]{0,14}$/;

function ifname(c: Ipifc, name: string): void {
  if (!goodName.test(name)) throw refuse(`bad interface name: ${name}`);
  if (c.medium?.name === name) return;
  if (c.medium !== undefined) throw refuse(`interface already bound: ${c.medium.name}`);
  c.ifname = name;
}

async function ra6(c: Ipifc, [what = '', value = '']: readonly string[]): Promise<void> {
  if (what !== 'recvra' || !/^[01]$/.test(value)) throw refuse('only recvra 0 or 1 is supported');
  if (c.medium === undefined) throw refuse('interface not bound');
  await c.medium.acceptRa(value === '1');
  c.recvra = value === '1';
}

function pool(c: Ipifc): void {
  if (c.below.size > 0) throw refuse('interface already bound');
  c.pool ??= new Pool(c);
}
function poolOf(c: Ipifc): Pool {
  if (c.pool === undefined) throw refuse('not in pool mode');
  return c.pool;
}
function prefixOf(s: string): { ip: Ip; bits: number } {
  const p = parsePrefix(s);
  if (p === undefined) throw refuse(`bad ip address: ${s}`);
  return p;
}

async function ping(c: Ipifc, args: readonly string[], req: Req): Promise<void> {
  const [to = '', count = '1', interval = '200', size = '56'] = args;
  const { medium } = c;
  if (!(medium instanceof Memory)) throw refuse("ping is for device memory: use the host's own");
  const dst = addressOf(to);
  const src = medium.source(dst);
  if (src === undefined) throw refuse(`no address to reach ${to} from`);
  const o = {
    src,
    dst,
    count: numberOf('count', count, 1, pings_max),
    interval_ms: numberOf('interval', interval, interval_ms_min, interval_ms_max),
    size: numberOf('size', size, 0, ping_bytes_max),
  };
  const pinged = medium.ping(o, (stop) => {
    req.onflush = stop;
  });
  const [sent, received] = await pinged;
  if (received === 0) throw refuse(`no answer from ${to} to ${sent} pings`);
}

const v = (
  name: string,
  min: number,
  max: number,
  usage: string,
  run: Verb<Ipifc>['run'],
): Verb<Ipifc> => ({ name, args: [min, max], usage: `${name} ${usage}`.trimEnd(), run });

const addUsage = 'local [mask [remote [mtu [proxy]]]]';

export const verbs: readonly Verb<Ipifc>[] = [
  v('device', 1, 1, 'tun|memory', (c, [kind = '']) => device(c, kind)),
  v('ifname', 1, 1, 'name', (c, [name = '']) => ifname(c, name)),
  v('bind', 1, 2, 'path | netdev path | pkt [name]', bind),
  { ...v('unbind', 0, 1, '[path]', (c, [path]) => c.unbind(path)), aborts: true },
  ...['add', 'try', 'add6'].map((name) => v(name, 1, 5, addUsage, add)),
  ...['remove', 'del', 'remove6'].map((name) => v(name, 1, 3, 'local mask [remote]', remove)),
  v('mtu', 1, 1, 'n', (c, [n = '']) => c.setMtu(mtuOf(n))),
  v('ra6', 2, 2, 'recvra 0|1', ra6),
  v('speed', 1, 1, 'n', (c, [n = '']) => {
    c.speed = numberOf('speed', n, 0, 999_999_999);
  }),
  v('delay', 1, 1, 'n', (c, [n = '']) => {
    c.delay = numberOf('delay', n, 0, 999_999_999);
  }),
  v('pool', 0, 0, '', pool),
  v('peer', 2, 2, 'path addr[/bits]', (c, [path = '', net = '']) => {
    const { ip, bits } = prefixOf(net);
    return poolOf(c).add(path, ip, bits);
  }),
  v('unpeer', 1, 1, 'addr[/bits]', (c, [net = '']) => {
    const { ip, bits } = prefixOf(net);
    return poolOf(c).remove(ip, bits);
  }),
  v('ping', 1, 4, 'addr [count [interval_ms [size]]]', ping),
];
