/** The verbs of ctl beyond the standard ones: an option of ppp(8) each.
 *  docs/ppp.md has the same table. */
import { fromHex } from '@9p/packet';
import { isPrivateValue, type Req, refuse, type Verb, type Wait } from 'slashnet/core';
import { isZero, linkLocalId, parseIp, usable } from './address.js';
import { type CcpConfig, defaultCcp } from './ccp.js';
import { namedMethods, withOneEap } from './eapmethods.js';
import { id_bytes } from './ipv6cp.js';
import { mru_min } from './lcp.js';
import type { Bits } from './mppekey.js';
import { type Range, range_max } from './pool.js';
import { type Settings, vj_slots } from './settings.js';
import { slots_max } from './vj.js';

/** What a verb needs of a conversation. */
export interface Settable {
  readonly settings: Settings;
  readonly bound: boolean;
  identify(text: string): void;
  announce(args: readonly string[], req: Req): Wait<void>;
}

const mru_max = 16384;
/** What a stack takes. */
const speed_max = 999_999_999;
const seconds_max = 86_400;

function number(s: string, min: number, max: number, what: string): number {
  const n = /^\d{1,9}$/.test(s) ? Number(s) : Number.NaN;
  if (!(n >= min && n <= max)) throw refuse(`bad ${what} '${s}': ${min} to ${max}`);
  return n;
}
function address(s: string): number {
  const v = parseIp(s);
  if (v === undefined || !usable(v)) throw refuse(`bad ip address '${s}'`);
  return v;
}
function range(v: string): Range {
  const [first = 0, last = 0, ...more] = v.split('-').map(address);
  if (more.length > 0 || last < first) throw refuse(`bad pool '${v}': first-last`);
  if (last - first >= range_max) throw refuse(`bad pool '${v}': over ${range_max} addresses`);
  return { first, last };
}
function onOff(s: string): boolean {
  if (s !== 'on' && s !== 'off') throw refuse(`'${s}' is neither on nor off`);
  return s === 'on';
}
function hexWord(s: string, bytes: number, what: string): Uint8Array {
  if (!/^([0-9a-fA-F]{2})+$/.test(s) || s.length !== 2 * bytes)
    throw refuse(`bad ${what} '${s}': ${2 * bytes} hex digits`);
  return fromHex(s);
}

type Set = (s: Settings, args: readonly string[], c: Settable) => void;

function verb(usage: string, min: number, max: number, set: Set, secret = false): Verb<Settable> {
  const name = usage.slice(0, `${usage} `.indexOf(' '));
  return { name, args: [min, max], usage, secret, run: (c, args) => set(c.settings, args, c) };
}
type Flag = 'magic' | 'pfc' | 'acfc' | 'address' | 'passive' | 'ip' | 'ipv6' | 'proxy';
const flag = (name: Flag): Verb<Settable> =>
  verb(`${name} on|off`, 1, 1, (s, [v = '']) => {
    s[name] = onOff(v);
  });

/** `none`, `ask`, or two addresses at most, to give. */
function servers(args: readonly string[]): 'ask' | readonly number[] {
  if (args[0] === 'ask' && args.length === 1) return 'ask';
  if (args[0] === 'none' && args.length === 1) return [];
  return args.map(address);
}

/** Public attributes only: a secret belongs to auth's ctl, and argv is public. */
function keySpec(args: readonly string[]): readonly string[] {
  if (args.some(isPrivateValue))
    throw refuse('a private value is no part of a key pattern: write the key to /auth/ctl');
  return args;
}

/** As `auth mschapv2,chap` or in words. */
function methods(args: readonly string[]) {
  const names = args.flatMap((a) => a.split(',')).filter((name) => name !== '');
  const found = [...new Set(names)].map((name) => {
    const m = namedMethods.find((x) => x.name === name);
    if (m === undefined)
      throw refuse(`unknown method '${name}': ${namedMethods.map((x) => x.name).join(' ')}`);
    return m;
  });
  return withOneEap(found);
}

/** Whose secrets answer for us: /n/host/factotum. */
function setAgent(s: Settings, [path = '', more]: readonly string[]): void {
  if (more !== undefined) throw refuse('one path, of the directory that has rpc');
  s.agent = path.replace(/\/+$/, '');
}

function role(s: Settings, [r = '']: readonly string[]): void {
  if (r !== 'client' && r !== 'server') throw refuse(`'${r}' is neither client nor server`);
  s.role = r;
}
function framing(s: Settings, [f = '']: readonly string[], c: Settable): void {
  if (!['packet', 'hdlc', 'none', 'noacfield'].includes(f))
    throw refuse(`'${f}' is not packet, hdlc, none or noacfield`);
  if (c.bound) throw refuse('framing is chosen before bind: unbind first');
  s.framing = f === 'hdlc' ? 'hdlc' : 'packet';
  if (f === 'noacfield') s.address = false;
}
function timeout(s: Settings, [phase = '', v = '']: readonly string[]): void {
  const ms = number(v, 1, seconds_max, 'time in seconds') * 1000;
  if (phase === 'lcp') s.lcp_timeout_ms = ms;
  else if (phase === 'auth') s.auth_timeout_ms = ms;
  else if (phase === 'net') s.net_timeout_ms = ms;
  else throw refuse(`'${phase}' is not lcp, auth or net`);
}
function fixed(s: Settings, [local, remote]: readonly string[]): void {
  s.local = local === undefined ? s.local : address(local);
  s.remote = remote === undefined ? s.remote : address(remote);
  s.fixed = true;
}
/** `mppe require 128 stateless`: what is not named is as if nothing had been said of it. */
function mppe(s: Settings, [how = '', ...words]: readonly string[]): void {
  if (how !== 'require' && how !== 'prefer' && how !== 'deny')
    throw refuse(`'${how}' is not require, prefer or deny`);
  const bits: Bits[] = [];
  let state: CcpConfig['state'];
  for (const w of words) {
    const n = ([128, 56, 40] as const).find((b) => `${b}` === w);
    if (n !== undefined) bits.push(n);
    else if (w === 'stateless' || w === 'stateful') state = w;
    else throw refuse(`'${w}' is neither 40, 56 or 128 nor stateless or stateful`);
  }
  const strongest = [...new Set(bits)].sort((a, b) => b - a);
  s.ccp = {
    compress: s.ccp.compress,
    mppe: how,
    bits: bits.length === 0 ? defaultCcp.bits : strongest,
    state,
  };
}
function echo(s: Settings, [sec = '', ...more]: readonly string[]): void {
  const how = more.find((w) => w === 'adaptive' || w === 'always');
  const [n, extra] = more.filter((w) => w !== how);
  if (extra !== undefined) throw refuse(`'${extra}' is neither adaptive nor always`);
  s.echo = {
    echo_interval_ms: number(sec, 0, seconds_max, 'interval in seconds') * 1000,
    echo_failures: n === undefined ? s.echo.echo_failures : number(n, 1, 1000, 'failures'),
    echo_adaptive: how === undefined ? s.echo.echo_adaptive : how === 'adaptive',
  };
}
function identifier(a: string): Uint8Array {
  const id = linkLocalId(a);
  if (id === undefined) throw refuse(`bad ip address '${a}': of IPv6 fe80::id alone`);
  return id;
}
const addressOrAny = (a: string): number | undefined => (a === 'any' ? undefined : address(a));

const links: readonly Verb<Settable>[] = [
  verb('role client|server', 1, 1, role),
  verb('noauth', 0, 0, (s) => void (s.noauth = true)),
  verb('auth method …|path', 1, 8, (s, a) => {
    if (a[0]?.startsWith('/')) return setAgent(s, a);
    s.methods = a[0] === 'none' && a.length === 1 ? [] : methods(a);
    s.noauth = s.methods.length === 0;
  }),
  verb('mutual off|method …', 1, 8, (s, a) => {
    s.mutual = a[0] === 'off' && a.length === 1 ? [] : methods(a);
  }),
  verb('authtries n', 1, 1, (s, [n = '']) => void (s.auth_tries = number(n, 1, 5, 'count'))),
  verb('rechallenge seconds', 1, 1, (s, [v = '']) => {
    s.rechallenge_ms = number(v, 0, seconds_max, 'interval in seconds') * 1000;
  }),
  verb('key attr …', 0, 32, (s, a) => void (s.key = keySpec(a)), true),
  verb('name word', 1, 1, (s, [n = '']) => void (s.name = n.slice(0, 64))),
  verb('mtu n', 1, 1, (s, [n = '']) => void (s.mtu = number(n, mru_min, mru_max, 'mtu'))),
  verb('mru n', 1, 1, (s, [n = '']) => void (s.mru = number(n, mru_min, mru_max, 'mru'))),
  verb('accm hex|none', 1, 1, (s, [v = '']) => {
    s.accm = v === 'none' ? undefined : Number.parseInt(`0x${hexText(v)}`, 16);
  }),
  flag('magic'),
  flag('pfc'),
  flag('acfc'),
  verb('compress on|off|agree', 1, 1, (s, [v = '']) => {
    s.ccp = { ...s.ccp, compress: v === 'agree' ? v : onOff(v) ? 'ask' : 'no' };
  }),
  verb('mppe require|prefer|deny [40|56|128 …] [stateless|stateful]', 1, 5, mppe),
  flag('address'),
  verb('framing packet|hdlc|none|noacfield', 1, 1, framing),
];
const hexText = (v: string): string => {
  hexWord(v, 4, 'accm');
  return v;
};

const addresses: readonly Verb<Settable>[] = [
  verb('local addr|any', 1, 1, (s, [a = '']) => {
    if (a.includes(':')) s.ifid = identifier(a);
    else s.local = addressOrAny(a);
  }),
  verb('remote addr|any', 1, 1, (s, [a = '']) => {
    if (a.includes(':')) s.peerIfid = identifier(a);
    else s.remote = addressOrAny(a);
    if (a === 'any') s.peerIfid = undefined;
  }),
  verb('pool first-last|none', 1, 1, (s, [v = '']) => {
    s.pool = v === 'none' ? undefined : range(v);
  }),
  verb('dns ask|none|addr [addr]', 1, 2, (s, a) => void (s.dns = servers(a))),
  verb('wins ask|none|addr [addr]', 1, 2, (s, a) => void (s.wins = servers(a))),
  verb('vj on|off|slots', 1, 1, (s, [v = '']) => {
    s.vj = /^\d/.test(v) ? number(v, 1, slots_max, 'count of slots') : onOff(v) ? vj_slots : 0;
  }),
  verb('mss on|off', 1, 1, (s, [v = '']) => void (s.mss = onOff(v))),
  flag('ip'),
  flag('ipv6'),
  verb('ifid hex|random', 1, 1, (s, [v = '']) => {
    const id = v === 'random' ? undefined : hexWord(v, id_bytes, 'interface identifier');
    if (id !== undefined && isZero(id)) throw refuse('an interface identifier is not zero');
    s.ifid = id;
  }),
  verb('static [local [remote]]', 0, 2, fixed),
  verb('net path|none', 1, 1, (s, [p = '']) => {
    if (p !== 'none' && !p.startsWith('/')) throw refuse(`'${p}' is not an absolute path`);
    s.net = p === 'none' ? undefined : p.replace(/\/+$/, '');
  }),
  verb('ifname name', 1, 1, (s, [n = '']) => {
    if (!/^[^\s/]{1,15}$/.test(n)) throw refuse(`bad interface name '${n}'`);
    s.ifname = n;
  }),
  verb('primary [on|off]', 0, 1, (s, [v = 'on']) => void (s.primary = onOff(v))),
  flag('proxy'),
  verb('speed n', 1, 1, (s, [n = '']) => void (s.speed = number(n, 0, speed_max, 'speed'))),
];

const timers: readonly Verb<Settable>[] = [
  verb('echo seconds [failures] [adaptive|always]', 1, 3, echo),
  verb('lqr seconds|off', 1, 1, (s, [v = '']) => {
    s.lqr_s = v === 'off' ? undefined : number(v, 1, 3600, 'period in seconds');
  }),
  verb('restart ms [max_ms]', 1, 2, (s, [v = '', m = v]) => {
    const restart_timer_ms = number(v, 10, 60_000, 'time in ms');
    const restart_max_ms = number(m, restart_timer_ms, 60_000, 'longest time in ms');
    s.timers = { ...s.timers, restart_timer_ms, restart_max_ms };
  }),
  verb('maxconfigure n', 1, 1, (s, [v = '']) => {
    s.timers = { ...s.timers, max_configure: number(v, 1, 1000, 'count') };
  }),
  verb('maxterminate n', 1, 1, (s, [v = '']) => {
    s.timers = { ...s.timers, max_terminate: number(v, 1, 100, 'count') };
  }),
  verb('maxfailure n', 1, 1, (s, [v = '']) => {
    s.timers = { ...s.timers, max_failure: number(v, 1, 100, 'count') };
  }),
  verb('timeout lcp|auth|net seconds', 2, 2, timeout),
  flag('passive'),
];

export const verbs: readonly Verb<Settable>[] = [
  ...links,
  ...addresses,
  ...timers,
  verb('identify text', 1, 32, (_s, words, c) => c.identify(words.join(' '))),
  { name: 'announce', args: [0, 0], usage: 'announce', run: (c, a, req) => c.announce(a, req) },
];
