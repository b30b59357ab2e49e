/** What the files of a conversation read: status, the protocols, auth, dns. */
import { hex } from '@9p/packet';
import { ipText, linkLocal } from './address.js';
import { type CcpResult, modeText } from './ccp.js';
import { codeNames } from './codes.js';
import { type ControlProtocol, counted_codes } from './cp.js';
import { fmtOptions } from './fmt.js';
import type { IpcpResult } from './ipcp.js';
import type { Ipv6cpResult } from './ipv6cp.js';
import type { RoundTrips } from './keepalive.js';
import type { LcpResult } from './lcp.js';
import type { Measure } from './lqr.js';
import type { PppMachine } from './machine.js';
import type { Mppe } from './mppe.js';
import type { HeaderCompression, Pair } from './path.js';
import type { AuthResult } from './session.js';
import type { Settings } from './settings.js';

/** What a conversation knows of its session. */
export interface View {
  readonly settings: Settings;
  readonly machine: PppMachine | undefined;
  readonly link: Readonly<LcpResult> | undefined;
  readonly ip: Readonly<IpcpResult> | undefined;
  readonly ipv6: Readonly<Ipv6cpResult> | undefined;
  readonly ccp: CcpResult | undefined;
  readonly mppe: Mppe | undefined;
  readonly auths: readonly AuthResult[];
  readonly mtu: number;
  readonly ifpath: string | undefined;
  readonly uptime_s: number;
  /** Of the TCP/IP headers, while there is any. */
  readonly headers: HeaderCompression | undefined;
}

const known = (pairs: readonly Pair[]): readonly Pair[] =>
  pairs.filter(([, v]) => v !== undefined && v !== '');
const spaced = (pairs: readonly Pair[]): string =>
  known(pairs)
    .map(([k, v]) => `${k} ${v}`)
    .join(' ');
const lines = (pairs: readonly Pair[]): string =>
  known(pairs)
    .map(([k, v]) => `${k} ${v}\n`)
    .join('');

const ncp = (m: PppMachine | undefined, name: string): ControlProtocol | undefined =>
  m?.ncps.find((x) => x.spec.name === name);
const stateOf = (m: PppMachine | undefined, name: string): string =>
  ncp(m, name)?.state ?? 'Initial';

/** "ConfReq 2 ConfAck 1" */
const codesText = (counts: readonly number[]): string =>
  counts
    .map((n, code) => {
      const name = code === counted_codes ? 'other' : (codeNames.get(code) ?? `code${code}`);
      return n > 0 ? `${name} ${n}` : '';
    })
    .filter((s) => s !== '')
    .join(' ');

/** What any control protocol has to say. */
function cpPairs(cp: ControlProtocol | undefined): readonly Pair[] {
  if (cp === undefined) return [['state', 'Initial']];
  const options = (b: Uint8Array): string => fmtOptions(cp.spec.protocol, b);
  const { sent, received, timeouts } = cp.counts;
  return [
    ['state', cp.state],
    ['asked', options(cp.asked)],
    ['agreed', options(cp.agreed)],
    ['peerasked', options(cp.peerAsked)],
    ['peeragreed', options(cp.peerAgreed)],
    ['sent', codesText(sent)],
    ['received', codesText(received)],
    ['timeouts', timeouts],
  ];
}

/** The file of a control protocol that has no more to say. */
export const cpText =
  (name: string) =>
  (v: View): string =>
    lines(cpPairs(ncp(v.machine, name)));

/** The pairs after the state. */
export function statusText(v: View): string {
  const { machine: m, link, settings: s } = v;
  const keepalive = link === undefined ? undefined : m?.keepalive; // of this link, not the last
  const rtt = keepalive?.rtt;
  return spaced([
    ['phase', s.fixed ? undefined : (m?.phase ?? 'Dead')],
    ['role', s.role],
    ['lcp', s.fixed ? 'static' : (m?.lcp.state ?? 'Initial')],
    ['ipcp', s.ip && !s.fixed ? stateOf(m, 'ipcp') : undefined],
    ['ipv6cp', s.ipv6 && !s.fixed ? stateOf(m, 'ipv6cp') : undefined],
    ['ccp', ncp(m, 'ccp')?.state],
    ['local', v.ip && ipText(v.ip.local)],
    ['remote', v.ip && ipText(v.ip.remote)],
    ['mtu', v.mtu],
    ['mru', link?.mru],
    ['auth', v.auths.find((a) => a.ok)?.method],
    ['user', v.auths.find((a) => a.ok)?.user],
    ['ifc', v.ifpath],
    ['uptime', v.uptime_s > 0 ? v.uptime_s.toFixed(0) : undefined],
    ['echoes', rtt?.count],
    ['unanswered', keepalive?.unanswered],
    ['rtt_ms', rtt !== undefined && rtt.count > 0 ? rtt.last.toFixed(1) : undefined],
  ]);
}

function rttText({ last, min, max, sum, count }: RoundTrips): string {
  const [l, a, b, mean] = [last, min, max, sum / count].map((ms) => ms.toFixed(1));
  return `${l} min ${a} max ${b} mean ${mean}`;
}

export function lcpText(v: View): string {
  const r = v.link ?? v.machine?.agreed;
  const k = v.machine?.keepalive;
  const hex8 = (n: number | undefined): string | undefined => n?.toString(16).padStart(8, '0');
  const rtt = k === undefined || k.rtt.count === 0 ? undefined : k.rtt;
  return lines([
    ...cpPairs(v.machine?.lcp),
    ['mru', r?.mru],
    ['peermru', r?.peerMru],
    ['sendaccm', hex8(r?.sendAccm)],
    ['receiveaccm', hex8(r?.receiveAccm)],
    ['magic', hex8(r?.magic)],
    ['peermagic', hex8(r?.peerMagic)],
    ['pfc', r && (r.sendPfc ? 'on' : 'off')],
    ['acfc', r && (r.sendAcfc ? 'on' : 'off')],
    ['demand', r?.demand?.name],
    ['comply', r?.comply?.name],
    ['echoes', k?.rtt.count],
    ['unanswered', k?.unanswered],
    ['rtt_ms', rtt && rttText(rtt)],
  ]);
}

export function ipcpText(v: View): string {
  const wins = v.ip?.wins.filter((a) => a !== 0).map(ipText) ?? [];
  return lines([
    ...cpPairs(ncp(v.machine, 'ipcp')),
    ['local', v.ip && ipText(v.ip.local)],
    ['remote', v.ip && ipText(v.ip.remote)],
    ...dnsOf(v).map((a): Pair => ['dns', a]),
    ...wins.map((a): Pair => ['wins', a]),
    ...(v.headers?.pairs() ?? []),
  ]);
}

export function ipv6cpText(v: View): string {
  return lines([
    ...cpPairs(ncp(v.machine, 'ipv6cp')),
    ['ifid', v.ipv6 && hex(v.ipv6.local)],
    ['peerifid', v.ipv6 && hex(v.ipv6.remote)],
    ['local', v.ipv6 && linkLocal(v.ipv6.local)],
    ['remote', v.ipv6 && linkLocal(v.ipv6.remote)],
  ]);
}

export function ccpText(v: View): string {
  const { sender, receiver } = v.mppe ?? {};
  return lines([
    ...cpPairs(ncp(v.machine, 'ccp')),
    ['send', v.ccp && modeText(v.ccp.send)],
    ['receive', v.ccp && modeText(v.ccp.receive)],
    ['packetssent', sender?.packets],
    ['packetsreceived', receiver?.packets],
    ['lost', receiver?.lost],
    ['badcounter', receiver?.badcounter],
  ]);
}

/** Packets that one end sent between two reports of the peer's, and what became of them. */
const measurePairs = (name: string, m: Measure | undefined): readonly Pair[] =>
  m === undefined
    ? []
    : [
        [`${name}packets`, m.packets],
        [`${name}lost`, m.lost],
        [`${name}errors`, m.errors],
        [`${name}discards`, m.discards],
      ];

export function qualityText(v: View): string {
  const q = v.machine?.quality;
  const seconds = (period: number | undefined): string | undefined =>
    period === undefined ? undefined : `${period / 100}`;
  return lines([
    ['state', q?.state ?? 'off'],
    ['period', seconds(v.link?.quality)],
    ['peerperiod', seconds(v.link?.peerQuality)],
    ['sent', q?.sent],
    ['received', q?.received],
    ...measurePairs('out', q?.out),
    ...measurePairs('in', q?.in),
  ]);
}

/** A line each way that was tried. */
export function authText(v: View): string {
  return v.auths
    .map((a) => {
      const who = a.who === 'we' ? 'local' : 'peer';
      const said = a.message === '' ? '' : ` ${a.message}`;
      return `${who} ${a.method} ${a.ok ? 'ok' : 'failed'} user ${a.user || '-'}${said}\n`;
    })
    .join('');
}

const dnsOf = (v: View): string[] => (v.ip?.dns ?? []).filter((a) => a !== 0).map(ipText);
export const dnsText = (v: View): string =>
  dnsOf(v)
    .map((a) => `${a}\n`)
    .join('');

/** IPv4 and link-local address of one end, a line each. */
export function addressText(v: View, end: 'local' | 'remote'): string {
  const out: string[] = [];
  if (v.ip !== undefined) out.push(ipText(v.ip[end]));
  if (v.ipv6 !== undefined) out.push(linkLocal(v.ipv6[end]));
  return out.map((a) => `${a}\n`).join('');
}
