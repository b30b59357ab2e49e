/** pppd's chap-secrets and pap-secrets as keys for /auth/ctl: client, server, secret and addresses
 *  a line. pppd(8), "Authentication". */
import { quote } from '../core/words.js';

/** What a line became. `key` is a line for ctl, the caller's to wipe. */
export type Imported =
  | { readonly line: number; readonly key: Buffer; readonly shown: string; readonly note?: string }
  | { readonly line: number; readonly why: string };

const [tab, lf, cr, space, doubleQuote, hash, singleQuote, backslash] = [
  9, 10, 13, 32, 34, 35, 39, 92,
];
const isBlank = (c: number | undefined): boolean => c === space || c === tab || c === cr;

export type Kind = 'chap' | 'pap';
/** A secret for CHAP is never sent in the clear: no key of proto=pass is made of it. */
const protos: Readonly<Record<Kind, string>> = {
  chap: 'proto=chap proto=mschap proto=mschapv2',
  pap: 'proto=pap',
};

export function* importSecrets(b: Uint8Array, kind: Kind): Generator<Imported> {
  for (const [line, fields] of lines(b)) {
    if (typeof fields === 'string') yield { line, why: fields };
    else if (fields.length > 0) yield oneOf(line, fields, kind);
    if (typeof fields !== 'string') for (const f of fields) f.fill(0);
  }
}

function oneOf(line: number, fields: readonly Buffer[], kind: Kind): Imported {
  const [client, server, secret, ...addresses] = fields;
  if (client === undefined || server === undefined || secret === undefined)
    return { line, why: 'client, server and secret are wanted' };
  const [user, peer] = [client.toString(), server.toString()];
  if (user === '*') return { line, why: 'a secret of any client (*) has no user' };
  if (secret.length === 0) return { line, why: 'no secret: the password of the system, or none' };
  if (secret[0] === 0x40) return { line, why: "the secret's file (@) is not followed" };
  if (secret.includes(0)) return { line, why: 'a NUL in the secret' };
  const named = peer === '*' ? '' : ` server=${quote(peer)}`;
  const shown = `key ${protos[kind]} service=ppp user=${quote(user)}${named}`;
  const key = Buffer.concat([Buffer.from(`${shown} !password=`), quoteBytes(secret)]);
  const any = addresses.every((a) => ['*', '-'].includes(a.toString()));
  const note = any ? {} : { note: 'its addresses are not kept' };
  return { line, key, shown: `${shown} !password?`, ...note };
}

/** Always quoted: a secret may be anything. */
function quoteBytes(b: Buffer): Buffer {
  const out = [singleQuote];
  for (const c of b) out.push(...(c === singleQuote ? [c, c] : [c]));
  return Buffer.from([...out, singleQuote]);
}

/** The words of each line with its number, or why it is none. A backslash joins lines. */
function* lines(b: Uint8Array): Generator<[number, Buffer[] | string]> {
  for (let at = 0, n = 1; at < b.length; ) {
    const first = n;
    const words: Buffer[] = [];
    let why: string | undefined;
    for (;;) {
      while (isBlank(b[at])) at++;
      if (b[at] === hash) while (at < b.length && b[at] !== lf) at++;
      if (at >= b.length || b[at] === lf) break;
      if (b[at] === backslash && b[at + 1] === lf) {
        at += 2;
        n++;
        continue;
      }
      const w = word(b, at);
      if (w.why !== undefined) why = w.why;
      words.push(Buffer.from(w.bytes));
      w.bytes.fill(0);
      n += w.lines;
      at = w.end;
    }
    at++;
    n++;
    yield [first, why ?? words];
  }
}

interface Word {
  readonly bytes: number[];
  readonly end: number;
  readonly lines: number;
  readonly why?: string;
}

/** Quotes may stand anywhere in it; what is quoted goes on over the end of a line. */
function word(b: Uint8Array, from: number): Word {
  const bytes: number[] = [];
  let quoted = 0;
  let lines = 0;
  let at = from;
  for (; at < b.length; at++) {
    const c = b[at]!;
    if (quoted === 0 && (isBlank(c) || c === lf || c === hash)) break;
    if (c === lf) lines++;
    if (c === backslash) {
      const e = escaped(b, at + 1);
      bytes.push(...e.bytes);
      at = e.end - 1;
    } else if (c === quoted) quoted = 0;
    else if (quoted === 0 && (c === doubleQuote || c === singleQuote)) quoted = c;
    else bytes.push(c);
  }
  const end = { bytes, end: at, lines };
  return quoted === 0 ? end : { ...end, why: 'a quote is not closed' };
}

const escapes: Readonly<Record<string, number>> = { a: 7, b: 8, f: 12, n: 10, r: 13, t: 9, s: 32 };

/** What a backslash stands before: a letter, up to three octal digits, x and up to two hex. */
function escaped(b: Uint8Array, at: number): { bytes: number[]; end: number } {
  const rest = Buffer.from(b.subarray(at, at + 3)).toString('latin1');
  const octal = /^[0-7]{1,3}/.exec(rest)?.[0];
  if (octal !== undefined)
    return { bytes: [Number.parseInt(octal, 8) & 0xff], end: at + octal.length };
  const hex = /^x([0-9a-fA-F]{1,2})/.exec(rest)?.[1];
  if (hex !== undefined) return { bytes: [Number.parseInt(hex, 16)], end: at + 1 + hex.length };
  if (rest === '') return { bytes: [backslash], end: at };
  if (rest[0] === '\n') return { bytes: [], end: at + 1 };
  return { bytes: [escapes[rest[0] ?? ''] ?? b[at]!], end: at + 1 };
}
