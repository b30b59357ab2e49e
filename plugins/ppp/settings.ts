/** What the verbs of ctl set, and the machine's configuration that follows from it. */
import { type CcpConfig, defaultCcp } from './ccp.js';
import { type AuthMethod, authMethods } from './codes.js';
import { defaultTimers, type Timers } from './cp.js';
import type { Lease } from './ipcp.js';
import { defaultEcho, type EchoConfig } from './keepalive.js';
import { defaultMru } from './lcp.js';
import type { Range } from './pool.js';
import { ourAgent } from './rpc.js';
import { defaultConfig, type PppConfig } from './session.js';

export interface Settings {
  role: 'client' | 'server';
  /** A server that lets anybody in. */
  noauth: boolean;
  methods: readonly AuthMethod[];
  /** The other direction too: a client demands these, a server lets itself be asked by them. */
  mutual: readonly AuthMethod[];
  /** Tries that a peer has to prove who it is; how often it must do so again, 0: never. */
  auth_tries: number;
  rechallenge_ms: number;
  /** The directory of the factotum that answers for us. */
  agent: string;
  /** Words for the pattern by which auth looks for a key. */
  key: readonly string[];
  name: string;
  /** Undefined: as much as the layer below carries. */
  mru: number | undefined;
  mtu: number | undefined;
  local: number | undefined;
  remote: number | undefined;
  /** Where the peer's comes from, if that is not given. */
  pool: Range | undefined;
  /** Asked of the peer, given to it (these), or neither. Undefined: a client asks. */
  dns: 'ask' | readonly number[] | undefined;
  wins: 'ask' | readonly number[];
  accm: number | undefined;
  magic: boolean;
  pfc: boolean;
  acfc: boolean;
  /** FF 03 in front of frames; undefined: with hdlc. */
  address: boolean | undefined;
  /** Undefined: as what is bound carries packets or bytes. */
  framing: 'packet' | 'hdlc' | undefined;
  ccp: CcpConfig;
  /** Between link quality reports of the peer; undefined: none. */
  lqr_s: number | undefined;
  echo: EchoConfig;
  timers: Timers;
  passive: boolean;
  ip: boolean;
  ipv6: boolean;
  /** Slots of VJ header compression that we ask for; 0: none, either way. */
  vj: number;
  /** SYNs are made to fit the link. Undefined: over pppoe. */
  mss: boolean | undefined;
  ifid: Uint8Array | undefined;
  /** The peer's, where `remote` gave it. */
  peerIfid: Uint8Array | undefined;
  /** Where `connect` clones an interface; undefined: nowhere. */
  net: string | undefined;
  ifname: string | undefined;
  primary: boolean;
  /** Answered for on the Ethernet that the peer's address is of. */
  proxy: boolean;
  /** Of the line, bits a second; 0: not known. */
  speed: number;
  /** No negotiation. */
  fixed: boolean;
  /** How long `connect` waits in each phase. */
  lcp_timeout_ms: number;
  auth_timeout_ms: number;
  net_timeout_ms: number;
}

/** As pppd and Plan 9 have. */
export const vj_slots = 16;

export const defaultSettings = (): Settings => ({
  role: 'client',
  noauth: false,
  methods: authMethods,
  mutual: [],
  auth_tries: defaultConfig.auth.attempts,
  rechallenge_ms: defaultConfig.auth.rechallenge_ms,
  agent: ourAgent,
  key: [],
  name: defaultConfig.name,
  mru: undefined,
  mtu: undefined,
  local: undefined,
  remote: undefined,
  pool: undefined,
  dns: undefined,
  wins: [],
  accm: undefined,
  magic: true,
  pfc: false,
  acfc: false,
  address: undefined,
  framing: undefined,
  ccp: defaultCcp,
  lqr_s: undefined,
  echo: defaultEcho,
  timers: defaultTimers,
  passive: false,
  ip: true,
  ipv6: true,
  vj: vj_slots,
  mss: undefined,
  ifid: undefined,
  peerIfid: undefined,
  net: '/net',
  ifname: undefined,
  primary: false,
  proxy: false,
  speed: 0,
  fixed: false,
  lcp_timeout_ms: 30_000,
  auth_timeout_ms: 30_000,
  net_timeout_ms: 30_000,
});

/** What lies below: the longest packet that fits a frame, headers taken off; how it is framed. */
export interface Below {
  readonly fits: number;
  readonly hdlc: boolean;
}

/** The MRU that we ask for: what was set, else all that fits a frame of `below_bytes`. */
export const mruOf = (s: Settings, below_bytes: number): number =>
  s.mru ?? s.mtu ?? Math.min(defaultMru, below_bytes);

export function configOf(
  s: Settings,
  below: Below,
  silent: boolean,
  pool: Lease | undefined,
): PppConfig {
  const server = s.role === 'server';
  const dns = s.dns ?? (server ? [] : 'ask');
  return {
    lcp: {
      mru: mruOf(s, below.fits),
      accm: below.hdlc ? (s.accm ?? 0) : s.accm,
      magic: s.magic,
      pfc: s.pfc,
      acfc: s.acfc,
      quality: s.lqr_s === undefined ? undefined : 100 * s.lqr_s,
      demand: !server ? s.mutual : s.noauth ? [] : s.methods,
      accept: server ? s.mutual : s.methods,
    },
    ip: s.ip
      ? {
          local: s.local,
          remote: s.remote,
          server,
          askDns: dns === 'ask',
          askWins: s.wins === 'ask',
          dns: dns === 'ask' ? [] : dns,
          wins: s.wins === 'ask' ? [] : s.wins,
          ...(pool === undefined ? {} : { pool }),
          // hdlc alone says when a frame was lost: RFC 1332 section 4
          ...(s.vj > 0 ? { vj: { slots: s.vj, compSlot: s.framing === 'hdlc' } } : {}),
        }
      : undefined,
    ipv6: s.ipv6
      ? { ...(s.ifid && { id: s.ifid }), ...(s.peerIfid && { peerId: s.peerIfid }) }
      : undefined,
    ccp: s.ccp,
    timers: s.timers,
    auth: {
      restart_timer_ms: s.timers.restart_max_ms,
      tries: s.timers.max_configure,
      attempts: s.auth_tries,
      rechallenge_ms: s.rechallenge_ms,
    },
    echo: s.echo,
    passive: silent || s.passive,
    silent,
    name: s.name,
  };
}
