/** Any PPP packet on one line: `lcp ConfReq id 3 len 18 mru 1492
 *  magic 5e6f7a81`. Shows no password. */
import { hex, u8, u16, u32 } from '@9p/packet';
import { ipText } from './address.js';
import { valueText } from './ccp.js';
import {
  authMethods,
  ccpOptionNames,
  ccpOptions,
  chapNames,
  codeNames,
  codes,
  eapCodes,
  eapNames,
  eapTypeNames,
  eapTypes,
  ipcpOptionNames,
  ipcpOptions,
  ipv6cpOptionNames,
  lcpOptionNames,
  lcpOptions,
  papNames,
  protocolNames,
  protocols,
} from './codes.js';
import { methodOf } from './lcp.js';
import { parseReport, report_bytes } from './lqr.js';
import { type Control, clean, counted, header_bytes, parseControl, parseOptions } from './wire.js';

const line_max = 240;

/** The frame at b[o..end), from the protocol field (or FF 03 before it) on. Never throws. */
export function fmtPpp(b: Uint8Array, o: number, end: number): string {
  const s = fmt(b, o, end);
  return s.length > line_max ? `${s.slice(0, line_max - 1)}…` : s;
}

function fmt(b: Uint8Array, o: number, end: number): string {
  let at = o;
  if (end - at >= 2 && u16(b, at) === 0xff03) at += 2;
  if (end - at < 1) return 'empty';
  const compressed = (u8(b, at) & 1) === 1;
  if (!compressed && end - at < 2) return `short ${hex(b.subarray(at, end))}`;
  const protocol = compressed ? u8(b, at) : u16(b, at);
  at += compressed ? 1 : 2;
  const name = protocolNames.get(protocol) ?? protocol.toString(16).padStart(4, '0');
  if (protocol === protocols.lqr) return fmtReport(b.subarray(at, end));
  if (protocol < 0x8000) return `${name} ${end - at} bytes`;
  const c = parseControl(b, at, end);
  if (typeof c === 'string' && protocol === protocols.pap) return `${name} ${c}`; // may hold a password
  if (typeof c === 'string') return `${name} ${c} ${hex(b.subarray(at, Math.min(end, at + 16)))}`;
  return `${name} ${fmtControl(protocol, c)}`;
}

/** In words: lqrs, packets and octets, of the receiver's last, of what came of it, and ours. */
function fmtReport(b: Uint8Array): string {
  if (b.length < report_bytes) return `lqr short ${hex(b.subarray(0, 16))}`;
  const r = parseReport(b);
  const last = `last ${r.lastOutLqrs} ${r.lastOutPackets} ${r.lastOutOctets}`;
  const bad = `discards ${r.peerInDiscards} errors ${r.peerInErrors}`;
  const arrived = `in ${r.peerInLqrs} ${r.peerInPackets} ${r.peerInOctets} ${bad}`;
  const out = `out ${r.peerOutLqrs} ${r.peerOutPackets} ${r.peerOutOctets}`;
  return `lqr magic ${hex(b.subarray(0, 4))} ${last} ${arrived} ${out}`;
}

const tables = new Map<number, ReadonlyMap<number, string>>([
  [protocols.pap, papNames],
  [protocols.chap, chapNames],
  [protocols.eap, eapNames],
]);

/** As `fmtPpp`, without the protocol's name. */
export function fmtControl(protocol: number, c: Control): string {
  const table = tables.get(protocol) ?? codeNames;
  const head = `${table.get(c.code) ?? `code ${c.code}`} id ${c.id} len ${header_bytes + c.body.length}`;
  const rest = body(protocol, c);
  return rest === '' ? head : `${head} ${rest}`;
}

function body(protocol: number, c: Control): string {
  if (protocol === protocols.pap) return fmtPap(c);
  if (protocol === protocols.chap) return fmtChap(c);
  if (protocol === protocols.eap) return fmtEap(c);
  if (c.code >= codes.confReq && c.code <= codes.confRej) return fmtOptions(protocol, c.body);
  if (c.code === codes.termReq || c.code === codes.termAck) return quoted(c.body);
  if (c.code === codes.codeRej) return fmtRejected(c.body);
  return protocol === protocols.lcp ? fmtLcp(c) : '';
}

const quoted = (b: Uint8Array): string => (b.length === 0 ? '' : `'${clean(b)}'`);
const field = (name: string, b: Uint8Array | undefined): string =>
  b === undefined ? `${name} short` : `${name} ${quoted(b) || "''"}`;

function fmtPap(c: Control): string {
  const first = counted(c.body, 0);
  return c.code === 1 ? `${field('user', first)} password *` : field('message', first);
}

/** The type; a name, where that is all there is. */
function fmtEap(c: Control): string {
  if (c.code > eapCodes.response) return '';
  if (c.body.length === 0) return 'type short';
  const type = u8(c.body, 0);
  const name = eapTypeNames.get(type) ?? `type ${type}`;
  const rest = c.body.subarray(1);
  if (type === eapTypes.nak) return `${name} ${[...rest].join(' ')}`.trimEnd();
  return type <= eapTypes.notification && rest.length > 0
    ? `${name} ${quoted(rest)}`
    : `${name} ${rest.length} bytes`;
}

function fmtChap(c: Control): string {
  if (c.code > 2) return quoted(c.body);
  const value = counted(c.body, 0);
  if (value === undefined) return 'value short';
  return `value ${value.length} bytes ${field('name', c.body.subarray(1 + value.length))}`;
}

function fmtRejected(b: Uint8Array): string {
  const c = parseControl(b, 0, b.length);
  if (typeof c === 'string') return hex(b.subarray(0, 16));
  return `(${codeNames.get(c.code) ?? `code ${c.code}`} id ${c.id})`;
}

function fmtLcp(c: Control): string {
  const b = c.body;
  if (c.code === codes.protRej) {
    const p = b.length < 2 ? undefined : u16(b, 0);
    return p === undefined ? 'short' : (protocolNames.get(p) ?? p.toString(16).padStart(4, '0'));
  }
  if (c.code < codes.echoReq || c.code > codes.timeRemaining) return '';
  if (b.length < 4) return 'short';
  const magic = `magic ${hex(b.subarray(0, 4))}`;
  if (c.code === codes.identification) return `${magic} ${quoted(b.subarray(4))}`.trimEnd();
  if (c.code === codes.timeRemaining && b.length >= 8) return `${magic} seconds ${u32(b, 4)}`;
  return b.length > 4 ? `${magic} data ${b.length - 4}` : magic;
}

const optionNames: ReadonlyMap<number, ReadonlyMap<number, string>> = new Map([
  [protocols.lcp, lcpOptionNames],
  [protocols.ipcp, ipcpOptionNames],
  [protocols.ipv6cp, ipv6cpOptionNames],
  [protocols.ccp, ccpOptionNames],
]);

/** As `mru 1492 magic 5e6f7a81`. */
export function fmtOptions(protocol: number, b: Uint8Array): string {
  const options = parseOptions(b);
  if (typeof options === 'string') return `${options} ${hex(b.subarray(0, 16))}`;
  const names = optionNames.get(protocol);
  return options
    .map(({ type, value }) => {
      const v = fmtValue(protocol, type, value);
      return `${names?.get(type) ?? `option${type}`}${v === '' ? '' : ` ${v}`}`;
    })
    .join(' ');
}

function fmtValue(protocol: number, type: number, v: Uint8Array): string {
  if (protocol === protocols.lcp && type === lcpOptions.mru && v.length === 2)
    return `${u16(v, 0)}`;
  if (protocol === protocols.lcp && type === lcpOptions.auth && v.length >= 2) {
    const m = methodOf(v, authMethods);
    const name = m?.name ?? protocolNames.get(u16(v, 0)) ?? hex(v.subarray(0, 2));
    return m === undefined && v.length > 2 ? `${name} ${hex(v.subarray(2))}` : name;
  }
  if (protocol === protocols.lcp && type === lcpOptions.quality && v.length === 6)
    return `${protocolNames.get(u16(v, 0)) ?? hex(v.subarray(0, 2))} ${u32(v, 2)}`;
  if (protocol === protocols.ipcp && type !== ipcpOptions.comp && v.length === 4)
    return ipText(u32(v, 0));
  if (protocol === protocols.ipcp && v.length === 4 && u16(v, 0) === protocols.vjc)
    return `vj ${u8(v, 2) + 1} slots${u8(v, 3) === 0 ? '' : ' compslot'}`;
  if (protocol === protocols.ccp && type === ccpOptions.mppe && v.length === 4)
    return valueText(u32(v, 0));
  return hex(v);
}
