/** Packets of skeleton on one line, for `log` and for the trace of a
 *  failed test. Must print any bytes. */
import { header_bytes, parse } from './wire.js';

export function fmt(b: Uint8Array, start: number, end: number): string {
  const h = parse(b, start, end);
  if (typeof h === 'string') return `skeleton ${h} len ${end - start}`;
  return `skeleton ${h.type} len ${end - start - header_bytes}`;
}
