/** What the parts of a session share: its configuration, what it is told and what it tells. */
import type { Answer, AuthTimers, Need } from './authentication.js';
import { type CcpConfig, type CcpResult, defaultCcp } from './ccp.js';
import { authMethods } from './codes.js';
import { defaultTimers, type Timers } from './cp.js';
import type { IpcpConfig, IpcpResult } from './ipcp.js';
import type { Ipv6cpConfig, Ipv6cpResult } from './ipv6cp.js';
import { defaultEcho, type EchoConfig } from './keepalive.js';
import type { LcpConfig, LcpResult } from './lcp.js';

export interface PppConfig {
  readonly lcp: LcpConfig;
  /** Undefined: no IPv4. */
  readonly ip: IpcpConfig | undefined;
  /** Undefined: no IPv6. `id`: our interface identifier, else a random one. */
  readonly ipv6: Ipv6cpConfig | undefined;
  readonly ccp: CcpConfig;
  readonly timers: Timers;
  readonly auth: AuthTimers;
  readonly echo: EchoConfig;
  /** Wait for a peer that does not answer yet. */
  readonly passive: boolean;
  /** Say nothing before the peer does. */
  readonly silent: boolean;
  /** What we call ourselves in a CHAP Challenge. */
  readonly name: string;
}

export const defaultConfig: PppConfig = {
  lcp: {
    mru: 1500,
    accm: undefined,
    magic: true,
    pfc: false,
    acfc: false,
    quality: undefined,
    demand: [],
    accept: authMethods,
  },
  ip: {
    local: undefined,
    remote: undefined,
    server: false,
    askDns: true,
    askWins: false,
    dns: [],
    wins: [],
  },
  ipv6: {},
  ccp: defaultCcp,
  timers: defaultTimers,
  auth: { restart_timer_ms: 3000, tries: 10, attempts: 3, rechallenge_ms: 0 },
  echo: defaultEcho,
  passive: false,
  silent: false,
  name: 'slashnet',
};

/** RFC 1661 section 3.2 */
export type Phase = 'Dead' | 'Establish' | 'Authenticate' | 'Network' | 'Terminate';

export type Command =
  /** The link carries frames, or no longer does. */
  | { readonly do: 'up' }
  | { readonly do: 'down'; readonly why: string }
  | { readonly do: 'open' }
  | { readonly do: 'close'; readonly why: string }
  /** Of what CCP agreed on, something is missing: ask for it; or begin anew. */
  | { readonly do: 'reset' }
  | { readonly do: 'restart' }
  /** Send an Identification with this text. */
  | { readonly do: 'identify'; readonly text: string }
  | { readonly do: 'answer'; readonly answer: Answer };

export type PppEvent =
  | { readonly is: 'phase'; readonly phase: Phase }
  /** LCP came up with this, or (undefined) went down: the Path follows. */
  | { readonly is: 'link'; readonly up: Readonly<LcpResult> | undefined }
  | { readonly is: 'need'; readonly need: Need }
  | AuthResult
  | { readonly is: 'ip'; readonly up: Readonly<IpcpResult> }
  | { readonly is: 'ipdown'; readonly why: string }
  | { readonly is: 'ipv6'; readonly up: Readonly<Ipv6cpResult> }
  | { readonly is: 'ipv6down'; readonly why: string }
  /** CCP came up with this, or (undefined) went down: the Path follows. */
  | { readonly is: 'ccp'; readonly up: CcpResult | undefined; readonly why: string }
  /** The peer has lost something that was compressed. */
  | { readonly is: 'flush' }
  /** Dead; nothing comes after it until the next 'open'. */
  | { readonly is: 'finished'; readonly why: string }
  | { readonly is: 'log'; readonly line: string }
  | { readonly is: 'count'; readonly reason: string };

export interface AuthResult {
  readonly is: 'auth';
  /** Who has proved, or not, who he is. */
  readonly who: 'we' | 'peer';
  readonly ok: boolean;
  readonly method: string;
  readonly user: string;
  readonly message: string;
  /** There are keys for MPPE (AuthClient.keys), now that this direction is done. */
  readonly keyed: boolean;
}
