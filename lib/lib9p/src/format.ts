/** Every message on one line, in the words of Plan 9's fcallfmt:
 *
 *    Twalk tag 3 fid 1 newfid 2 nwname 1 0:ctl
 *
 *  A line is made only when someone listens. Bytes from a peer are shown as text where
 *  they are text, as hex where not, control characters escaped, and never more than
 *  fits a line; secrets are masked. */
import { hex, text } from './bytes.js';
import { decode } from './codec.js';
import {
  code,
  type Dialect,
  type Fcall,
  type Kind,
  type Kinds,
  layoutOf,
  type MoreKinds,
  nofid,
  notag,
  type WireDir,
} from './fcall.js';
import { type Qid, qt } from './tree.js';

const shown_bytes = 64;
const name_chars = 80;

/** A message as it lies in a buffer; any bytes print. */
export function formatBytes(
  b: Uint8Array,
  o: number,
  end: number,
  secret = false,
  dialect: Dialect = '9P2000',
): string {
  const f = decode(b, o, end, dialect);
  if (typeof f !== 'string') return format(f, secret);
  return `(${f}) ${hex(b.subarray(o, Math.min(end, o + 16)))}`;
}

/** `secret`: the file's data is not to be shown at all. */
export function format(f: Fcall, secret = false): string {
  const values = f as unknown as Readonly<Record<string, never>>;
  let line = `${f.type} tag ${f.tag === notag ? -1 : f.tag}`;
  for (const [name, kind] of layoutOf[code[f.type]]!.fields)
    if (values[name] !== undefined) line += ` ${field(name, kind, values[name], secret)}`;
  return line;
}

/** Most fields are their name and their value; these have words of their own. */
const shown: {
  readonly [K in keyof (Kinds & MoreKinds)]?: (
    v: (Kinds & MoreKinds)[K],
    secret: boolean,
  ) => string;
} = {
  qid: (v) => `qid ${formatQid(v)}`,
  names: (v) => `nwname ${list(v.map((s) => printable(s)))}`,
  qids: (v) => `nwqid ${list(v.map(formatQid))}`,
  data: formatData,
  stat: (v) => `stat ${formatDir(v)}`,
};
const values: {
  readonly [K in keyof (Kinds & MoreKinds)]?: (v: (Kinds & MoreKinds)[K]) => string | number;
} = {
  fid: (v) => (v === nofid ? -1 : v),
  uid: (v) => v | 0,
  perm: formatMode,
  mode: (v) => `0${v.toString(8)}`,
  str: (v) => printable(v),
  extension: (v) => printable(v),
  quoted: (v) => `'${printable(v)}'`,
  ename: (v) => printable(mask(v.slice(0, 4 * name_chars)), 2 * name_chars),
};

function field(name: string, kind: Kind, value: never, secret: boolean): string {
  const whole = shown[kind];
  return whole ? whole(value, secret) : `${name} ${values[kind]?.(value) ?? String(value)}`;
}

/** (path vers type), the type by its letters. */
export function formatQid(q: Qid): string {
  return `(${q.path.toString(16).padStart(16, '0')} ${q.vers} ${typeLetters(q.type)})`;
}

/** d-rwxr-xr-x, as Plan 9's %M has it with the other letters in front. */
export function formatMode(mode: number): string {
  const bits = ['---', '--x', '-w-', '-wx', 'r--', 'r-x', 'rw-', 'rwx'];
  const [u, g, o] = [bits[(mode >>> 6) & 7], bits[(mode >>> 3) & 7], bits[mode & 7]];
  return `${typeLetters(mode >>> 24) || '-'}${u}${g}${o}`;
}

export function formatDir(d: WireDir): string {
  const who = [d.name, d.uid, d.gid, d.muid].map((s) => `'${printable(s)}'`).join(' ');
  const mode = d.mode === 0xffffffff ? '-1' : formatMode(d.mode);
  const [at, mt] = [d.atime, d.mtime].map((t) => (t === 0xffffffff ? -1 : t));
  const length = BigInt.asIntN(64, d.length);
  return `${who} q ${formatQid(d.qid)} m ${mode} at ${at} mt ${mt} l ${length} t ${d.type ?? 0} d ${d.dev ?? 0}`;
}

/** Data as far as a line shows them. */
export function formatData(b: Uint8Array, secret: boolean): string {
  if (b.length === 0) return 'count 0';
  if (secret) return `count ${b.length} (not shown)`;
  const some = text(b.subarray(0, 4 * shown_bytes));
  if (!isText(some) && mask(some) !== some) return `count ${b.length} (not shown)`;
  if (!isText(some)) return `count ${b.length} ${hex(b.subarray(0, shown_bytes / 2))}`;
  return `count ${b.length} '${printable(mask(some), shown_bytes)}'`;
}

/** Attributes of a secret kind keep their name: `!password=...`. A value runs to the first blank
 *  outside quotes; where quotes are open at the end, to the end. */
export function mask(s: string): string {
  return s.replace(/(![^\s=']*)=(?:'(?:[^']|'')*(?:'|$)|[^\s'])*/g, '$1=...');
}

function isText(s: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what is looked for
  return !/[\0-\x08\x0e-\x1f\x7f\ufffd]/.test(s.slice(0, shown_bytes));
}

/** No line feeds, escapes or endless names in a line. */
function printable(s: string, most = name_chars): string {
  const cut = s.length > most ? `${s.slice(0, most)}...` : s;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what is looked for
  return cut.replace(/[\0-\x1f\x7f-\x9f\u2028\u2029]/g, escaped);
}

function escaped(c: string): string {
  if (c === '\n') return '\\n';
  if (c === '\t') return '\\t';
  return `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

const list = (items: readonly string[]): string =>
  [items.length, ...items.map((s, i) => `${i}:${s}`)].join(' ');

function typeLetters(type: number): string {
  const letters: readonly [number, string][] = [
    [qt.dir, 'd'],
    [qt.append, 'a'],
    [qt.excl, 'l'],
    [qt.auth, 'A'],
    [qt.tmp, 't'],
  ];
  return letters.map(([bit, letter]) => (type & bit ? letter : '')).join('');
}
