/** One-line forms of PPPoE frames and of the texts in them, for log, err and test failures. */
import { hex, text, u8, u16 } from '@9p/packet';
import {
  broadcast,
  code,
  type Discovery,
  etherType,
  header_bytes,
  type Mac,
  mac,
  parse,
  type Tag,
  tag,
} from './wire.js';

const codeNames = new Map<number, string>([
  [code.padi, 'PADI'],
  [code.pado, 'PADO'],
  [code.padr, 'PADR'],
  [code.pads, 'PADS'],
  [code.padt, 'PADT'],
]);

const tagNames = new Map<number, string>([
  [tag.serviceName, 'Service-Name'],
  [tag.acName, 'AC-Name'],
  [tag.hostUniq, 'Host-Uniq'],
  [tag.acCookie, 'AC-Cookie'],
  [tag.vendorSpecific, 'Vendor-Specific'],
  [tag.relaySessionId, 'Relay-Session-Id'],
  [tag.pppMaxPayload, 'PPP-Max-Payload'],
  [tag.serviceNameError, 'Service-Name-Error'],
  [tag.acSystemError, 'AC-System-Error'],
  [tag.genericError, 'Generic-Error'],
]);

const textTags: readonly number[] = [
  tag.serviceName,
  tag.acName,
  tag.serviceNameError,
  tag.acSystemError,
  tag.genericError,
];

const shown_bytes = 64;

/** "02:00:5e:10:00:01" */
export const fmtMac = (m: Mac): string =>
  m
    .toString(16)
    .padStart(12, '0')
    .replace(/..(?=.)/g, '$&:');

/** Text from a peer, safe to print on one line: up to a NUL, at most 64 bytes, no
 *  control or direction characters. */
export function printable(b: Uint8Array): string {
  const nul = b.indexOf(0);
  const s = text(b.subarray(0, Math.min(nul < 0 ? b.length : nul, shown_bytes)));
  return s.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cs}]/gu, '?');
}

function fmtTag(t: Tag): string {
  const name = tagNames.get(t.type) ?? `tag 0x${t.type.toString(16).padStart(4, '0')}`;
  const b = t.value.subarray(0, shown_bytes);
  const more = t.value.length > b.length ? `… ${t.value.length} bytes` : '';
  const value = textTags.includes(t.type) ? `'${printable(b)}'` : hex(b) || 'empty';
  return `${name} ${value}${more}`;
}

/** "PADO 02:00:00:00:00:02 > 02:00:00:00:00:01 sid 0 AC-Name 'x'" */
export function fmtDiscovery(d: Discovery): string {
  const name = codeNames.get(d.code) ?? `code 0x${d.code.toString(16).padStart(2, '0')}`;
  const dst = d.dst === broadcast ? 'all' : fmtMac(d.dst);
  const tags = d.tags.map((t) => ` ${fmtTag(t)}`).join('');
  return `${name} ${fmtMac(d.src)} > ${dst} sid ${d.session}${tags}`;
}

/** Any bytes as one line: a frame of either stage, or what is wrong with it. */
export function fmt(b: Uint8Array, o: number, end: number): string {
  if (end - o >= header_bytes && u16(b, o + 12) === etherType.session) return fmtSession(b, o, end);
  const d = parse(b, o, end);
  if (typeof d !== 'string') return fmtDiscovery(d);
  const some = hex(b.subarray(o, Math.min(end, o + 32)));
  return `pppoe ${d}, ${end - o} bytes: ${some}`;
}

function fmtSession(b: Uint8Array, o: number, end: number): string {
  const from = `${fmtMac(mac(b, o + 6))} > ${fmtMac(mac(b, o))}`;
  const head = `ver ${u8(b, o + 14).toString(16)} code ${u8(b, o + 15)}`;
  const odd = u16(b, o + 14) === 0x1100 ? '' : ` ${head}`;
  const protocol = end - o >= header_bytes + 2 ? ` ppp ${hex(b.subarray(o + 20, o + 22))}` : '';
  return `session ${from} sid ${u16(b, o + 16)} len ${u16(b, o + 18)}${odd}${protocol}`;
}
