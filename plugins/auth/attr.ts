/** Attribute lists of factotum(4): `name=value name name? !private=value`, quoted as in rc(1). */
import { outside, outsideCopy, put8, u8, utf8 } from '@9p/packet';
import { refuse } from 'slashnet/core';

/** The name of a private attribute starts with '!'. Its value
 *  stays in bytes, which can be wiped. */
export type Attr =
  | { readonly is: 'value'; readonly name: string; readonly value: string }
  | { readonly is: 'query'; readonly name: string }
  | { readonly is: 'secret'; readonly name: string; readonly bytes: Uint8Array };
export type Attrs = readonly Attr[];

export const attrs_max = 64;
export const name_bytes_max = 64;
export const value_bytes_max = 1024;

const [nul, tab, lf, cr, space, quoteMark, query, equals] = [0, 9, 10, 13, 32, 39, 63, 61];

/** Parses a list. Throws a refusal that repeats nothing of it. */
export function parseAttrs(b: Uint8Array): Attrs {
  // Private values must not become strings, which cannot be wiped:
  // tokens are cut in a scratch buffer.
  const scratch = outside(b.length);
  const out: Attr[] = [];
  try {
    for (const [from, to] of tokens(b, scratch)) {
      if (out.length >= attrs_max) throw refuse(`too many attributes: the limit is ${attrs_max}`);
      out.push(parseOne(scratch.subarray(from, to)));
    }
    return withoutSpareQueries(out);
  } catch (e) {
    wipe(out);
    throw e;
  } finally {
    scratch.fill(0);
  }
}

/** The same from words that are unquoted already, as a verb's arguments are. */
export function parseWords(words: readonly string[]): Attrs {
  if (words.length > attrs_max) throw refuse(`too many attributes: the limit is ${attrs_max}`);
  return withoutSpareQueries(words.map((w) => parseOne(utf8(w))));
}

/** Copies the tokens of `b` to `to` without their quotes, and tells where each lies there. */
function tokens(b: Uint8Array, to: Uint8Array): [from: number, end: number][] {
  const out: [number, number][] = [];
  let at = 0;
  let from = -1;
  let quoted = false;
  for (let i = 0; i < b.length; i++) {
    const c = u8(b, i);
    if (c === nul) throw refuse('NUL in an attribute');
    if (!quoted && isSpace(c)) {
      if (from >= 0) out.push([from, at]);
      from = -1;
      continue;
    }
    if (from < 0) from = at;
    if (c !== quoteMark) put8(to, at++, c);
    else if (!quoted) quoted = true;
    else if (i + 1 < b.length && u8(b, i + 1) === quoteMark) put8(to, at++, u8(b, ++i));
    else quoted = false;
  }
  if (quoted) throw refuse('unmatched quote');
  if (from >= 0) out.push([from, at]);
  return out;
}

const isSpace = (c: number): boolean => c === space || c === tab || c === lf || c === cr;

function parseOne(token: Uint8Array): Attr {
  const split = token.indexOf(equals);
  if (split >= 0) {
    const value = token.subarray(split + 1);
    if (value.length > value_bytes_max)
      throw refuse(`attribute too long: the limit is ${value_bytes_max} bytes`);
    const name = parseName(token.subarray(0, split));
    if (isPrivate(name)) return { is: 'secret', name, bytes: outsideCopy(value) };
    return { is: 'value', name, value: plain(value) };
  }
  if (token.length > 0 && u8(token, token.length - 1) === query)
    return { is: 'query', name: parseName(token.subarray(0, -1)) };
  const name = parseName(token);
  if (isPrivate(name)) return { is: 'secret', name, bytes: new Uint8Array(0) };
  return { is: 'value', name, value: '' };
}

function parseName(b: Uint8Array): string {
  if (b.length > name_bytes_max)
    throw refuse(`attribute name too long: the limit is ${name_bytes_max} bytes`);
  const name = plain(b);
  if (name === '' || name === '!') throw refuse('attribute without a name');
  return name;
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Public text goes to terminals: no control characters but tab. */
function plain(b: Uint8Array): string {
  const s = decoded(b);
  if (/[^\P{Cc}\t]/u.test(s)) throw refuse('control character in an attribute');
  return s;
}
function decoded(b: Uint8Array): string {
  try {
    return decoder.decode(b);
  } catch {
    throw refuse('attribute is not UTF-8');
  }
}

function withoutSpareQueries(list: readonly Attr[]): Attrs {
  const seen = new Set<string>(list.filter((a) => a.is !== 'query').map((a) => a.name));
  return list.filter((a) => {
    if (a.is !== 'query') return true;
    if (seen.has(a.name)) return false;
    seen.add(a.name);
    return true;
  });
}

export const isPrivate = (name: string): boolean => name.startsWith('!');

/** A list as `parseAttrs` will read it again, but for private values, which print as queries. */
export const printAttrs = (list: Attrs): string => list.map(printOne).join(' ');

function printOne(a: Attr): string {
  if (a.is !== 'value') return `${quoted(a.name)}?`;
  if (a.value === '' && !a.name.endsWith('?')) return quoted(a.name);
  return `${quoted(a.name)}=${quoted(a.value)}`;
}

/** As %q prints it: quoted if it is empty or has white space, a control character or a quote. */
export const quoted = (s: string): string =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  s === '' || /[\s'\x00-\x20]/.test(s) ? `'${s.replaceAll("'", "''")}'` : s;

const shown_max = 64;

/** A name that a peer gave, for a line of text: short, and no control characters. */
export const printable = (s: string): string =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is replaced
  quoted(s.replace(/[\x00-\x1f\x7f-\x9f]/g, '?').slice(0, shown_max));

/** `quoted` for a value that must not become a string. The caller wipes the result. Any byte
 *  beyond ASCII is quoted too: a reader may take Unicode's spaces for separators. */
export function quotedBytes(b: Uint8Array): Uint8Array {
  let quotes = 0;
  let needed = b.length === 0;
  for (let i = 0; i < b.length; i++) {
    const c = u8(b, i);
    if (c === quoteMark) quotes++;
    if (c <= space || c === quoteMark || c >= 0x7f) needed = true;
  }
  if (!needed) return outsideCopy(b);
  const out = outside(b.length + quotes + 2);
  let at = 0;
  put8(out, at++, quoteMark);
  for (let i = 0; i < b.length; i++) {
    const c = u8(b, i);
    if (c === quoteMark) put8(out, at++, c);
    put8(out, at++, c);
  }
  put8(out, at, quoteMark);
  return out;
}

/** The first value of `name`. */
export function attrValue(list: Attrs, name: string): string | undefined {
  for (const a of list) if (a.is === 'value' && a.name === name) return a.value;
  return undefined;
}

/** `list` with the values of `more` in place of those of the same name, and after them. */
export function mergeAttrs(list: Attrs, more: Attrs): Attrs {
  const given = new Set(more.map((a) => a.name));
  return [...list.filter((a) => !given.has(a.name)), ...more];
}

/** Does each attribute of `pattern` fit the list `of`? */
export const matches = (pattern: Attrs, of: Attrs): boolean => pattern.every((p) => fits(p, of));

function fits(p: Attr, of: Attrs): boolean {
  const same = of.filter((a) => a.name === p.name);
  if (p.is === 'secret') return false; // nobody finds out a secret by asking for it
  if (p.name === 'role' || p.name === 'disabled')
    return p.is === 'query' || same.every((a) => a.is === 'value' && a.value === p.value);
  if (p.is === 'query') return same.length > 0;
  return same.some((a) => a.is === 'value' && a.value === p.value);
}

export function wipe(list: Attrs): void {
  for (const a of list) if (a.is === 'secret') a.bytes.fill(0);
}
