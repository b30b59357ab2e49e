/** The notation in which a message is written down in a check: its name, its tag, and its fields in
 *  the order of the manual.
 *
 *    Twalk 1 0 2 [dir leaf]        numbers in decimal, 0x80, 0o644; names of bits; sums of them
 *    Twrite 3 2 $n+1 'text\n'      strings bare, quoted, '#c328' in hex, x*300 repeated
 *    Twstat 4 2 {name=new}         of a stat what is named, the rest "don't touch"
 *
 *  A reply may leave open what the manual leaves to the server:
 *
 *    Rerror 1 *                    anything
 *    Rwalk 1 [dir.*.$p file.!$v.*] $p is that number from now on; !$v another than it was
 *    Rread 2 *100                  so many bytes of anything; <=100 so many at most
 *    Rread 3 {a b}                 whole directory entries with these names
 *    Rread 3 {name=a length=1}     one directory entry, of which this is named
 *    Rstat 4 {length=13}           of a stat, or of many fields, what is named */
import type { Kind } from './layouts.js';

/** A word, a list in brackets, or words in braces. */
export type Item = string | { readonly open: '[' | '{'; readonly items: readonly string[] };

export interface Pattern {
  readonly name: string;
  readonly tag: Item;
  readonly fields: readonly Item[];
  /** As it was written. */
  readonly text: string;
}

export type Vars = Map<string, bigint | Buffer>;

const constants: Readonly<Record<string, bigint>> = {
  notag: 0xffffn,
  nofid: 0xffffffffn,
  file: 0n,
  dir: 0x80n,
  append: 0x40n,
  excl: 0x20n,
  auth: 0x08n,
  tmp: 0x04n,
  dmdir: 0x80000000n,
  dmappend: 0x40000000n,
  dmexcl: 0x20000000n,
  dmtmp: 0x04000000n,
};

const token = /\s*(?:([[\]{}])|((?:'(?:[^'\\]|\\.)*'|[^\s'[\]{}])+))/y;

export function parseMessage(text: string): Pattern {
  const [name, tag, ...fields] = itemsOf(text);
  if (typeof name !== 'string' || tag === undefined) throw new Error(`bad message: ${text}`);
  return { name, tag, fields, text };
}

export function itemsOf(text: string): Item[] {
  const items: Item[] = [];
  let inner: string[] | undefined;
  for (const [sign, word] of tokens(text.trim())) {
    if (word !== undefined) (inner ?? items).push(word);
    else if (sign === '[' || sign === '{') items.push({ open: sign, items: (inner = []) });
    else inner = undefined;
  }
  if (inner !== undefined) throw new Error(`not closed: ${text}`);
  return items;
}

function* tokens(text: string): Generator<[sign: string | undefined, word: string | undefined]> {
  token.lastIndex = 0;
  while (token.lastIndex < text.length) {
    const at = token.lastIndex;
    const found = token.exec(text);
    if (found === null) throw new Error(`cannot read: ${text.slice(at)}`);
    yield [found[1], found[2]];
  }
}

// Values ------------------------------------------------------------------------------------------

export function number(word: string, vars: Vars): bigint {
  return word.split('+').reduce((sum, part) => sum + term(part, vars), 0n);
}

function term(word: string, vars: Vars): bigint {
  if (word.startsWith('$')) return numberOf(word.slice(1), vars);
  return constants[word] ?? BigInt(word);
}

function numberOf(name: string, vars: Vars): bigint {
  const value = vars.get(name);
  if (typeof value !== 'bigint') throw new Error(`no number $${name}`);
  return value;
}

const atom = /^(?:'((?:[^'\\]|\\.)*)'|#((?:[0-9a-f]{2})*)|([^'*]*))(?:\*(\d+))?$/;
const escapes: Readonly<Record<string, string>> = { n: '\n', '0': '\0' };

/** The bytes of a string or of data. */
export function bytes(word: string, vars: Vars): Buffer {
  const known = word.startsWith('$') ? vars.get(word.slice(1)) : undefined;
  if (Buffer.isBuffer(known)) return known;
  const found = atom.exec(word);
  if (found === null || word.startsWith('$')) throw new Error(`bad string ${word}`);
  const [, quoted, hex, bare, times] = found;
  const one =
    hex === undefined
      ? Buffer.from(bare ?? quoted!.replace(/\\(.)/g, (_, c: string) => escapes[c] ?? c))
      : Buffer.from(hex, 'hex');
  return times === undefined ? one : Buffer.alloc(one.length * Number(times), one);
}

// Patterns ----------------------------------------------------------------------------------------

/** As far as the pattern says, the number is right. A `$name` that is not known yet becomes it. */
export function numberFits(pattern: string, value: bigint, vars: Vars): boolean {
  if (pattern === '*') return true;
  if (pattern.startsWith('<=')) return value <= number(pattern.slice(2), vars);
  if (pattern.startsWith('>=')) return value >= number(pattern.slice(2), vars);
  if (pattern.startsWith('!')) return value !== number(pattern.slice(1), vars);
  if (/^\$\w+$/.test(pattern) && !vars.has(pattern.slice(1))) vars.set(pattern.slice(1), value);
  return value === number(pattern, vars);
}

/** Of a string or data. `$n`, not known yet, becomes the number of bytes. */
export function bytesFit(pattern: string, value: Buffer, vars: Vars): boolean {
  const size = /^(\*|<=|>=)(.*)$/.exec(pattern);
  if (pattern === '*') return true;
  if (size?.[1] === '*') return BigInt(value.length) === number(size[2]!, vars);
  if (size !== null) return numberFits(pattern, BigInt(value.length), vars);
  if (/^\$\w+$/.test(pattern) && !Buffer.isBuffer(vars.get(pattern.slice(1))))
    return numberFits(pattern, BigInt(value.length), vars);
  return value.equals(bytes(pattern, vars));
}

export const qidParts = (word: string): string[] =>
  word === '*' ? ['*', '*', '*'] : word.split('.');

/** 'name=x' pairs of a stat. */
export function pairs(item: Item): Map<string, string> {
  if (typeof item === 'string') throw new Error(`a stat is in braces: ${item}`);
  return new Map(
    item.items.map((pair) => {
      const at = pair.indexOf('=');
      return [pair.slice(0, at), pair.slice(at + 1)] as const;
    }),
  );
}

export function word(item: Item | undefined, kind: Kind): string {
  if (typeof item !== 'string') throw new Error(`a field of kind ${kind} is one word`);
  return item;
}
