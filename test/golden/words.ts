/** Requests out of the formatter's own words: `Twalk tag 1 fid 1 newfid 2 nwname 1 0:ctl`. Data may
 *  be longer than a line of a trace shows: all of a text, or the bytes of which the rest are 0. */
import assert from 'node:assert/strict';
import {
  code,
  type Fcall,
  format,
  type Kind,
  layoutOf,
  nofid,
  notag,
  type Rmessage,
  type Tmessage,
} from '@9p/lib9p';
import { hex, text, utf8 } from '@9p/packet';
import { bytes } from '../kit/index.js';

const letters: readonly [letter: string, bit: number][] = [
  ['d', 0x80],
  ['a', 0x40],
  ['l', 0x20],
  ['A', 0x08],
  ['t', 0x04],
];
/** All of them stand for all ones: leave it alone. */
const typeOf = (s: string): number =>
  s === 'dalAt' ? 0xff : letters.reduce((n, [c, bit]) => (s.includes(c) ? n | bit : n), 0);

function modeOf(s: string): number {
  if (s === '-1') return 0xffffffff;
  const bits = [...s.slice(-9)].reduce((n, c) => (n << 1) | (c === '-' ? 0 : 1), 0);
  return ((typeOf(s.slice(0, -9)) << 24) | bits) >>> 0;
}

const unescaped = (s: string): string =>
  s.replace(/\\(n|t|u[0-9a-f]{4})/g, (_all, c: string) =>
    c === 'n' ? '\n' : c === 't' ? '\t' : String.fromCharCode(Number.parseInt(c.slice(1), 16)),
  );

function dataOf(s: string): Uint8Array {
  const [, count = '0', rest = ''] = /^(\d+) ?(.*)$/.exec(s) ?? [];
  const out = new Uint8Array(Number(count));
  const given = rest.startsWith("'") ? utf8(unescaped(rest.slice(1, -1))) : bytes(rest);
  if (rest.startsWith("'")) assert.equal(given.length, out.length, s);
  out.set(given);
  return out;
}

const dirPattern =
  /^'(.*)' '(.*)' '(.*)' '(.*)' q \((\w+) (\d+) (\w*)\) m (\S+) at (\S+) mt (\S+) l (\S+) t (\d+) d (\d+)$/;

function dirOf(s: string): unknown {
  const m = dirPattern.exec(s);
  assert.ok(m !== null, s);
  const [name, uid, gid, muid, path, vers, type, mode, at, mt, l, t, d] = m.slice(1) as string[];
  const qid = { type: typeOf(type ?? ''), vers: Number(vers), path: BigInt(`0x${path}`) };
  const times = { atime: Number(at) >>> 0, mtime: Number(mt) >>> 0 };
  const length = BigInt.asUintN(64, BigInt(l ?? 0));
  const numbers = { type: Number(t), dev: Number(d), mode: modeOf(mode ?? ''), length };
  return { ...numbers, ...times, qid, name, uid, gid, muid };
}

interface Word {
  /** As it begins in a line, where it is not the field's name. */
  readonly word?: string;
  readonly pattern: string;
  /** Only a dialect has it. */
  readonly optional?: true;
  value(s: string): unknown;
}
const number: Word = { pattern: '-?\\d+', value: (s) => Number(s) >>> 0 };
const str: Word = { pattern: '\\S*', value: (s) => s };

const kinds: { readonly [K in Kind]?: Word } = {
  u8: number,
  u16: number,
  u32: number,
  u64: { pattern: '\\d+', value: BigInt },
  fid: { pattern: '-1|\\d+', value: (s) => (s === '-1' ? nofid : Number(s)) },
  perm: { pattern: '\\S+', value: modeOf },
  mode: { pattern: '0\\d+', value: (s) => Number.parseInt(s, 8) },
  str,
  quoted: { pattern: "'.*'", value: (s) => s.slice(1, -1) },
  names: {
    word: 'nwname',
    pattern: '.*',
    value: (s) => [...s.matchAll(/ \d+:(\S*)/g)].map((m) => m[1]),
  },
  data: { word: 'count', pattern: '.*', value: dataOf },
  stat: { pattern: '.*', value: dirOf },
  uid: { ...number, optional: true },
  extension: { ...str, optional: true },
};

function patternOf(name: string, { word, pattern, optional }: Word): string {
  const p = ` ${word ?? name} ?(${pattern})`;
  return optional ? `(?:${p})?` : p;
}

export function request(line: string): Tmessage {
  const type = line.slice(0, line.indexOf(' '));
  const layout = layoutOf[code[type as Tmessage['type']]];
  assert.ok(layout !== undefined && type.startsWith('T'), `no request: ${line}`);
  const fields = layout.fields.map(([name, kind]) => [name, kinds[kind] ?? str] as const);
  const patterns = fields.map(([name, kind]) => patternOf(name, kind));
  const m = new RegExp(`^${type} tag (-1|\\d+)${patterns.join('')}$`).exec(line);
  assert.ok(m !== null, `not ${fields.map(([name]) => name).join(' ')}: ${line}`);
  const given = fields.flatMap(([name, kind], i) => {
    const s = m[i + 2];
    return s === undefined ? [] : [[name, kind.value(s)]];
  });
  const tag = m[1] === '-1' ? notag : Number(m[1]);
  return { type, tag, ...Object.fromEntries(given) } as Tmessage;
}

const controls = { '\n': '\\n', '\t': '\\t' } as Readonly<Record<string, string>>;

/** As the formatter's line, but with all of the data. */
export function whole(f: Fcall): string {
  if (f.type !== 'Rread') return format(f);
  const some = text(f.data);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what is looked for
  const isText = !/[\0-\x08\x0e-\x1f\x7f\ufffd]/.test(some);
  const shown = isText ? `'${some.replace(/[\n\t]/g, (c) => controls[c] ?? c)}'` : hex(f.data, ' ');
  return `Rread tag ${f.tag} count ${f.data.length}${f.data.length === 0 ? '' : ` ${shown}`}`;
}

/** `*`: anything. `$name`: a word, the same each time. */
export function matches(pattern: string, r: Rmessage, known: Map<string, string>): boolean {
  const named: string[] = [];
  const source = pattern.replace(/\$\w+|\*|[.+?^(){}|[\]\\]/g, (t) => {
    if (t === '*') return '.*?';
    if (!t.startsWith('$')) return `\\${t}`;
    const is = known.get(t);
    if (is !== undefined) return is;
    if (named.includes(t)) return `\\k<${t.slice(1)}>`;
    named.push(t);
    return `(?<${t.slice(1)}>[^ ')]+)`;
  });
  const m = new RegExp(`^${source}$`).exec(whole(r));
  for (const t of named) known.set(t, m?.groups?.[t.slice(1)] ?? '');
  return m !== null;
}
