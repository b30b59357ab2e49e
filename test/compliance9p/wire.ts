/** Messages to bytes, and bytes to what a pattern is compared with. It shares nothing with the
 *  library: a suite that used the codec under test would prove nothing. */
import { byName, byType, type Dialect, direntFields, type Field, statFields } from './layouts.js';
import type { Item, Pattern, Vars } from './notation.js';
import { bytes, bytesFit, number, numberFits, pairs, qidParts, word } from './notation.js';

/** A qid is its three numbers, a stat its fields in order. */
type Value = bigint | Buffer | readonly Value[];

export interface Message {
  readonly name: string;
  readonly tag: number;
  readonly fields: readonly Field[];
  readonly values: readonly Value[];
}

// To bytes ----------------------------------------------------------------------------------------

export function encode(m: Pattern, d: Dialect, vars: Vars): Buffer {
  const layout = byName(d, m.name);
  if (layout === undefined) throw new Error(`no message ${m.name}: ${m.text}`);
  const fields = [...m.fields, ...leftOut(m, d).map((f) => (f.kind === 's' ? "''" : 'nofid'))];
  if (fields.length !== layout.fields.length) throw new Error(`wrong number of fields: ${m.text}`);
  const body = layout.fields.map((f, i) => encodeField(f, fields[i]!, d, vars));
  const tag = int(number(word(m.tag, '2'), vars), 2);
  const rest = Buffer.concat([int(BigInt(layout.type), 1), tag, ...body]);
  return Buffer.concat([int(BigInt(rest.length + 4), 4), rest]);
}

/** Fields that only the dialect has, where the message is written as 9P2000 has it. */
function leftOut(m: Pattern, d: Dialect): readonly Field[] {
  const plain = byName('', m.name)?.fields.length;
  return plain === m.fields.length ? byName(d, m.name)!.fields.slice(plain) : [];
}

function encodeField(f: Field, item: Item, d: Dialect, vars: Vars): Buffer {
  switch (f.kind) {
    case '1':
    case '2':
    case '4':
    case '8':
      return int(number(word(item, f.kind), vars), Number(f.kind));
    case 's':
      return counted(2, bytes(word(item, f.kind), vars));
    case 'd':
    case 'e':
      return counted(4, bytes(word(item, f.kind), vars));
    case 'q':
      return encodeQid(word(item, f.kind), vars);
    case 's*':
      return encodeNames(item, vars);
    case 'stat':
      return encodeStat(item, d, vars);
    case 'q*':
      throw new Error('a request has no list of qids');
  }
}

function int(n: bigint, size: number): Buffer {
  const b = Buffer.alloc(8);
  b.writeBigUInt64LE(BigInt.asUintN(8 * size, n));
  return b.subarray(0, size);
}

const counted = (size: number, b: Buffer): Buffer =>
  Buffer.concat([int(BigInt(b.length), size), b]);

function encodeQid(text: string, vars: Vars): Buffer {
  const [type = '', vers = '', path = ''] = qidParts(text);
  const parts = [number(type, vars), number(vers, vars), number(path, vars)] as const;
  return Buffer.concat([int(parts[0], 1), int(parts[1], 4), int(parts[2], 8)]);
}

function encodeNames(item: Item, vars: Vars): Buffer {
  const names = typeof item === 'string' ? [item] : item.items;
  const all = names.map((name) => counted(2, bytes(name, vars)));
  return Buffer.concat([int(BigInt(names.length), 2), ...all]);
}

/** What is not named is left alone: every bit of a number set, and strings empty. */
function encodeStat(item: Item, d: Dialect, vars: Vars): Buffer {
  const given = pairs(item);
  const parts = statFields(d).map((f) => {
    const untouched = f.kind === 's' ? "''" : f.kind === 'q' ? '-1.-1.-1' : '-1';
    return encodeField(f, given.get(f.name) ?? untouched, d, vars);
  });
  return counted(2, counted(2, Buffer.concat(parts)));
}

// From bytes --------------------------------------------------------------------------------------

/** Every byte is accounted for, or the text says what is wrong. */
export function decode(b: Buffer, d: Dialect): Message | string {
  const layout = byType(d, b[4]!);
  if (layout === undefined) return `unknown type ${b[4]}`;
  const r = new Cursor(b, 7);
  const values = layout.fields.map((f) => decodeField(f, r, d));
  const bad = r.verdict();
  if (bad !== undefined) return `${layout.name}: ${bad}`;
  return { name: layout.name, tag: b.readUInt16LE(5), fields: layout.fields, values };
}

class Cursor {
  readonly #b: Buffer;
  #at: number;
  #bad: string | undefined;

  constructor(b: Buffer, at: number) {
    this.#b = b;
    this.#at = at;
  }

  get more(): boolean {
    return this.#bad === undefined && this.#at < this.#b.length;
  }

  int(size: number): bigint {
    return this.bytes(size).reduceRight((n, byte) => (n << 8n) | BigInt(byte), 0n);
  }

  bytes(n: number): Buffer {
    if (n > this.#b.length - this.#at) this.fail('too short');
    this.#at += n;
    return this.#b.subarray(this.#at - n, this.#at);
  }

  string(): Buffer {
    const s = this.bytes(Number(this.int(2)));
    if (s.includes(0)) this.fail('NUL in a string');
    if (!Buffer.from(s.toString()).equals(s)) this.fail('a string is not UTF-8');
    return s;
  }

  fail(why: string): void {
    this.#bad ??= why;
  }

  verdict(): string | undefined {
    return this.#bad ?? (this.more ? `${this.#b.length - this.#at} bytes too long` : undefined);
  }
}

function decodeField(f: Field, r: Cursor, d: Dialect): Value {
  switch (f.kind) {
    case '1':
    case '2':
    case '4':
    case '8':
      return r.int(Number(f.kind));
    case 's':
      return r.string();
    case 'd':
    case 'e':
      return r.bytes(Number(r.int(4)));
    case 'q':
      return [r.int(1), r.int(4), r.int(8)];
    case 's*':
      return times(r, () => r.string());
    case 'q*':
      return times(r, () => [r.int(1), r.int(4), r.int(8)]);
    case 'stat':
      return inner(r, (stat) => decodeStat(stat, d));
  }
}

const times = <T>(r: Cursor, one: () => T): T[] => Array.from({ length: Number(r.int(2)) }, one);

function decodeStat(r: Cursor, d: Dialect): Value {
  return inner(r, (stat) => statFields(d).map((f) => decodeField(f, stat, d)));
}

/** What is counted in two bytes, to its end exactly. */
function inner(r: Cursor, read: (r: Cursor) => Value): Value {
  const within = new Cursor(r.bytes(Number(r.int(2))), 0);
  const value = read(within);
  const bad = within.verdict();
  if (bad !== undefined) r.fail(`a stat is ${bad}`);
  return value;
}

/** What a read of a directory gave, entry by entry. */
export interface Entries {
  readonly names: readonly string[];
  readonly fields: readonly Field[];
  /** Of each, its fields. */
  readonly all: readonly (readonly Value[])[];
  /** Where the next read begins. */
  readonly next: bigint;
}

export function entriesOf(data: Buffer, d: Dialect): Entries | string {
  const r = new Cursor(data, 0);
  const fields = d === 'L' ? direntFields : statFields(d);
  const all: (readonly Value[])[] = [];
  const names: string[] = [];
  let next = BigInt(data.length);
  while (r.more) {
    const read = (one: Cursor) => fields.map((f) => decodeField(f, one, d));
    const values = d === 'L' ? read(r) : (inner(r, read) as readonly Value[]);
    all.push(values);
    names.push(String(values[fields.findIndex((f) => f.name === 'name')]));
    if (d === 'L') next = values[1] as bigint;
  }
  return r.verdict() ?? { names, fields, all, next };
}

// Comparison --------------------------------------------------------------------------------------

/** Why the reply is not what the pattern says; undefined where it is. */
export function misfit(p: Pattern, m: Message, d: Dialect, vars: Vars): string | undefined {
  if (p.name !== m.name) return 'is another message';
  if (!numberFits(word(p.tag, '2'), BigInt(m.tag), vars)) return 'has another tag';
  const [first] = p.fields;
  // Fields by name, where there are many.
  if (typeof first === 'object' && first.open === '{' && m.fields.length > 1)
    return namedFit(first, m, d, vars) ? undefined : 'does not fit';
  const patterns = [...p.fields, ...leftOut(p, d).map(() => '*')];
  if (patterns.length !== m.fields.length) throw new Error(`wrong number of fields: ${p.text}`);
  const bad = m.fields.find((f, i) => !fits(f, patterns[i]!, m.values[i]!, d, vars));
  return bad && `${bad.name} does not fit`;
}

function fits(f: Field, item: Item, value: Value, d: Dialect, vars: Vars): boolean {
  if (item === '*') return true;
  if (f.kind === 'stat') {
    const stat = { fields: statFields(d), values: value as readonly Value[] };
    return namedFit(item, stat, d, vars);
  }
  if (f.kind === 'q*') return qidsFit(item, value as readonly Value[], vars);
  if (f.kind === 'q') return qidFits(word(item, 'q'), value as readonly bigint[], vars);
  if (typeof value === 'bigint') return numberFits(word(item, f.kind), value, vars);
  if (typeof item === 'string') return bytesFit(item, value as Buffer, vars);
  return entriesFit(item, entriesOf(value as Buffer, d), d, vars);
}

type Fielded = Pick<Message, 'fields' | 'values'>;

function namedFit(item: Item, { fields, values }: Fielded, d: Dialect, vars: Vars): boolean {
  return [...pairs(item)].every(([name, pattern]) => {
    const i = fields.findIndex((f) => f.name === name);
    if (i < 0) throw new Error(`no field ${name}`);
    return fits(fields[i]!, pattern, values[i]!, d, vars);
  });
}

function qidFits(pattern: string, qid: readonly bigint[], vars: Vars): boolean {
  return qidParts(pattern).every((part, i) => numberFits(part, qid[i]!, vars));
}

function qidsFit(item: Item, qids: readonly Value[], vars: Vars): boolean {
  const patterns = typeof item === 'string' ? [item] : item.items;
  if (patterns.length !== qids.length) return false;
  return patterns.every((p, i) => qidFits(p, qids[i] as readonly bigint[], vars));
}

/** Names of all, or fields of the only one. */
function entriesFit(
  item: Exclude<Item, string>,
  got: Entries | string,
  d: Dialect,
  vars: Vars,
): boolean {
  if (typeof got === 'string') return false;
  if (!item.items.some((word) => word.includes('='))) return sameNames(item.items, got.names);
  const [values = []] = got.all;
  return got.all.length === 1 && namedFit(item, { fields: got.fields, values }, d, vars);
}

/** The order of a directory is the server's. */
export const sameNames = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && [...a].sort().join('/') === [...b].sort().join('/');

/** A reply on one line. */
export function show(m: Message): string {
  return [m.name, m.tag, ...m.values.map(showValue)].join(' ');
}

function showValue(v: Value): string {
  if (typeof v === 'bigint') return String(v);
  if (!Buffer.isBuffer(v)) return `[${(v as readonly Value[]).map(showValue).join(' ')}]`;
  if (v.length > 200) return `${v.length} bytes`;
  const text = v.toString();
  return /^[\p{L}\p{N}\p{P}\p{S} ]*$/u.test(text) ? `'${text}'` : `#${v.toString('hex')}`;
}
