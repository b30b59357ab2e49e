/** pppoe: PPP over Ethernet, RFC 2516, as its host; docs/pppoe.md is its page. */
import { fromHex, linkType, utf8 } from '@9p/packet';
import { counters, type Layer, type Plugin, refuse, type Verb } from 'slashnet/core';
import { PppoeConv } from './conv.js';
import { fmt } from './fmt.js';
import { echoed_bytes, isGroup, macOf, reservedSession, tag } from './wire.js';

const sessions_max = 10_000;
const service_bytes_max = 255;
const hostUniq_bytes_max = echoed_bytes[tag.hostUniq] ?? 0;

/** A whole number in its bounds. */
function whole(s: string, what: string, min: number, max: number): number {
  const n = /^\d{1,9}$/.test(s) ? Number(s) : Number.NaN;
  if (!(n >= min && n <= max)) throw refuse(`'${s}' is not a ${what}: ${min} to ${max}`);
  return n;
}

function name(s: string): string {
  if (utf8(s).length > service_bytes_max) throw refuse(`too long: over ${service_bytes_max} bytes`);
  return s;
}

function hostUniq(digits: string): Uint8Array {
  if (!/^([0-9a-fA-F]{2})+$/.test(digits)) throw refuse(`'${digits}' is not a row of hex bytes`);
  const b = fromHex(digits);
  if (b.length > hostUniq_bytes_max) throw refuse(`too long: over ${hostUniq_bytes_max} bytes`);
  return b;
}

function setStatic(c: PppoeConv, [session, id = '', macWord, address = '']: readonly string[]) {
  if (session !== 'session' || macWord !== 'mac')
    throw refuse('usage: static session id mac address');
  const peer = macOf(address);
  if (peer === undefined || isGroup(peer)) throw refuse(`'${address}' is no address of a station`);
  c.static(whole(id, 'session', 1, reservedSession - 1), peer);
}

export const verbs: readonly Verb<PppoeConv>[] = [
  {
    name: 'service',
    args: [0, 1],
    usage: 'service [name]',
    run: (c, [s = '']) => void (c.options.service = name(s)),
  },
  {
    name: 'acname',
    args: [0, 1],
    usage: 'acname [name]',
    run: (c, [s]) => void (c.options.acName = s === undefined ? s : name(s)),
  },
  {
    name: 'hostuniq',
    args: [0, 1],
    usage: 'hostuniq [hex]',
    run: (c, [s]) => void (c.options.hostUniq = s === undefined ? s : hostUniq(s)),
  },
  {
    name: 'retry',
    args: [1, 1],
    usage: 'retry ms',
    run: (c, [s = '']) => void (c.options.retry_ms = whole(s, 'time in ms', 100, 60_000)),
  },
  {
    name: 'timeout',
    args: [1, 1],
    usage: 'timeout seconds',
    run: (c, [s = '']) => void (c.options.limit_ms = 1000 * whole(s, 'time in s', 1, 3600)),
  },
  {
    name: 'linger',
    args: [1, 1],
    usage: 'linger ms',
    run: (c, [s = '']) => void (c.options.linger_ms = whole(s, 'time in ms', 0, 5000)),
  },
  {
    name: 'static',
    args: [4, 4],
    usage: 'static session id mac address',
    run: setStatic,
  },
];

const plugin: Plugin = {
  name: 'pppoe',
  start(env) {
    const stats = counters();
    const layer: Layer<PppoeConv> = {
      name: 'pppoe',
      limit: sessions_max,
      about: 'PPP over Ethernet (RFC 2516), host side: bind an ether directory, then connect',
      verbs,
      stats,
      linkType: linkType.ether,
      format: fmt,
      create: (ctx) => new PppoeConv(ctx, stats),
    };
    const served = env.serve(layer);
    return { stop: (why) => served.remove(why) };
  },
};
export default plugin;
