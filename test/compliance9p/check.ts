/** Checks from their text. A check is a line `NUMBER SECTION: CLAIM` and, indented, an exchange on
 *  a connection of its own:
 *
 *    > Tstat 1 0 ; Tstat 2 0      send, in one segment
 *    bytes> Tstat 1 0             send, a byte at a time
 *    cut> Tstat 1 0               send in two parts, at each place in turn; one reply line for all
 *    short> Tstat 1 0             send without its last byte; long> with one too many
 *    raw> #0700 #0000 x*10        send these bytes
 *    < Rstat 1 {name=c9p} | ...   the next reply is one of these
 *    << Rstat 1 * ; Rstat 2 *     the next replies are these, in any order
 *    <? Rerror 1 *                the next reply may be this
 *    refused 5                    the next reply is an error, or the server hangs up
 *    closed                       the server hangs up
 *    ls 1 300 [a b]               read a directory to its end, so many bytes at a time
 *    hangup                       the client hangs up, and the server after it
 *    2: > Tstat 1 0               on a second connection
 *    needs noauth                 not done where the server has it not
 *    # a comment
 *
 *  Another word is a phrase for some of these: see `phrases`. When an exchange is over nothing more
 *  must come: the reply to a last Tversion is the next. */
import type { Dialect } from './layouts.js';
import { type Item, itemsOf, type Pattern, parseMessage } from './notation.js';

interface Line {
  /** As written, for reports. */
  readonly text: string;
  /** Which of the connections. */
  readonly on: number;
}

export type Step = Line &
  (
    | { readonly op: 'send'; readonly messages: readonly Pattern[] }
    | { readonly op: 'bytes' | 'short' | 'long'; readonly message: Pattern }
    | { readonly op: 'cut'; readonly message: Pattern; replies: readonly Pattern[] }
    | { readonly op: 'raw'; readonly words: readonly string[] }
    | { readonly op: 'reply' | 'replies' | 'maybe'; readonly replies: readonly Pattern[] }
    | { readonly op: 'refused'; readonly tag: string }
    | { readonly op: 'closed' | 'hangup' }
    | { readonly op: 'ls'; readonly fid: string; readonly count: string; readonly names: string[] }
  );

export interface Check {
  readonly number: number;
  readonly section: string;
  readonly claim: string;
  readonly dialect: Dialect;
  readonly steps: readonly Step[];
  /** Files of the tree under test, by name, and dialects, that it cannot do without. */
  readonly needs: readonly string[];
}

export const dialects = ['9P2000', '9P2000.u', '9P2000.L'] as const;

const heading = /^(\d+) ([\w.]+): (.+)$/;

/** `files` are the names that a check may need. */
export function parseChecks(text: string, files: readonly string[]): Check[] {
  const checks: Check[] = [];
  let lines: string[] = [];
  const end = (head: string) => {
    if (head !== '') checks.push(parseCheck(head, lines, files));
    lines = [];
  };
  let head = '';
  for (const line of text.split('\n').filter((l) => !/^\s*(#|$)/.test(l))) {
    if (line.startsWith(' ')) {
      lines.push(line.trim());
      continue;
    }
    end(head);
    head = line;
  }
  end(head);
  return checks;
}

function parseCheck(head: string, lines: readonly string[], files: readonly string[]): Check {
  const [, number, section = '', claim = ''] = heading.exec(head) ?? [];
  if (number === undefined) throw new Error(`bad heading: ${head}`);
  const words = new Set(lines.flatMap((l) => l.split(/[\s[\]]+/)));
  if (words.has('create')) words.add('tmp');
  const named = files.filter((name) => words.has(name));
  const inC9p = named.length > 0 || lines.some((l) => l.includes('c9p'));
  // Who needs no file of ours may be asked of any tree, at its root.
  const begun = inC9p ? lines : lines.map((l) => l.replace(/^((?:\d: )?)session/, '$1root'));
  const needs = lines.flatMap((l) => /^needs (\S+)$/.exec(l)?.[1] ?? []);
  needs.push(...dialects.filter((version) => words.has(version)));
  if (lines.some((l) => /^session( \d+)?$/.test(l))) needs.push('9P2000');
  if (inC9p) needs.push('c9p');
  needs.push(...named);
  const exchange = parseExchange(begun.filter((l) => !l.startsWith('needs ')));
  return { number: Number(number), section, claim, ...exchange, needs };
}

export function parseExchange(lines: readonly string[]): { dialect: Dialect; steps: Step[] } {
  const version = lines
    .map((l) => /^(?:session|root).* 9P2000\.([uL])$/.exec(l)?.[1])
    .find(Boolean);
  const dialect = (version ?? '') as Dialect;
  const steps: Step[] = [];
  for (const line of lines) {
    const [, on = '1', phrase = ''] = /^(?:(\d): )?(.*)$/.exec(line) ?? [];
    for (const text of said(phrase, dialect)) addStep(steps, text, Number(on));
  }
  return { dialect, steps };
}

/** A check of 9P2000 in one of the dialects that have its messages. */
export function spokenIn(version: '9P2000.u', check: Check): Check {
  const says = (m: Pattern): Pattern => {
    if (!/^[TR]version$/.test(m.name)) return m;
    return { ...m, fields: m.fields.map((f) => (f === '9P2000' ? version : f)) };
  };
  const steps = check.steps.map((step): Step => {
    if ('replies' in step) return { ...step, replies: step.replies.map(says) };
    return 'messages' in step ? { ...step, messages: step.messages.map(says) } : step;
  });
  const needs = check.needs.map((name) => (name === '9P2000' ? version : name));
  return { ...check, claim: `${check.claim} (${version})`, steps, needs };
}

function addStep(steps: Step[], text: string, on: number): void {
  const last = steps.at(-1);
  const reply = text.startsWith('< ') && last?.op === 'cut' && last.replies.length === 0;
  if (reply) last.replies = alternatives(text.slice(2));
  else steps.push({ ...parseStep(text), text, on });
}

const changes = { 'bytes>': 'bytes', 'short>': 'short', 'long>': 'long' } as const;

const alternatives = (text: string): Pattern[] => text.split(' | ').map(parseMessage);

/** What a step is but for its line. */
type Deed = Step extends infer S ? (S extends Line ? Omit<S, keyof Line> : never) : never;

function parseStep(text: string): Deed {
  const [, word = '', rest = ''] = /^(\S+)\s*(.*)$/.exec(text) ?? [];
  switch (word) {
    case '>':
      return { op: 'send', messages: rest.split(' ; ').map(parseMessage) };
    case 'bytes>':
    case 'short>':
    case 'long>':
      return { op: changes[word], message: parseMessage(rest) };
    case 'cut>':
      return { op: 'cut', message: parseMessage(rest), replies: [] };
    case 'raw>':
      return { op: 'raw', words: itemsOf(rest).map(String) };
    case '<':
      return { op: 'reply', replies: alternatives(rest) };
    case '<?':
      return { op: 'maybe', replies: alternatives(rest) };
    case '<<':
      return { op: 'replies', replies: rest.split(' ; ').map(parseMessage) };
    case 'refused':
      return { op: 'refused', tag: rest };
    case 'closed':
    case 'hangup':
      return { op: word };
    case 'ls': {
      const [fid, count, names] = itemsOf(rest);
      return { op: 'ls', fid: String(fid), count: String(count), names: listed(names) };
    }
  }
  throw new Error(`bad step: ${text}`);
}

/** `f000..f199` are two hundred names. */
function listed(names: Item | undefined): string[] {
  if (names === undefined || typeof names === 'string') throw new Error('ls wants a list of names');
  return names.items.flatMap((name) => {
    const [, letter, from, to] = /^(\D+)(\d+)\.\.\D+(\d+)$/.exec(name) ?? [];
    if (from === undefined || to === undefined) return [name];
    const all = Array.from({ length: Number(to) - Number(from) + 1 }, (_, i) => Number(from) + i);
    return all.map((n) => letter + String(n).padStart(from.length, '0'));
  });
}

// Phrases -----------------------------------------------------------------------------------------

const attach = (fid: string, user: string): string[] => [
  `> Tattach 0 ${fid} nofid ${user} $aname`,
  `< Rattach 0 dir.*.*`,
];

const intoC9p = (fid: string): string[] => [`> Twalk 0 ${fid} ${fid} [c9p]`, '< Rwalk 0 [dir.*.*]'];

/** In the directory that the fid is at. */
const create = (fid: string, name: string, perm: string, mode: string, d: Dialect): string[] =>
  d === 'L'
    ? [`> Tlcreate 0 ${fid} ${name} ${mode} ${perm} nofid`, '< Rlcreate 0 * *']
    : [`> Tcreate 0 ${fid} ${name} ${perm} ${mode}`, '< Rcreate 0 * *'];

/** A word that is not there is empty: the message is then one too short to be read. */
type Phrase = (args: readonly string[], d: Dialect, rest: string) => string[];

/** What most checks begin with, and small dialogues. Their tag is 0. */
const phrases: Readonly<Record<string, Phrase>> = {
  session: (args) => [`root ${args.join(' ')}`, ...intoC9p('0')],
  root: ([msize = '8216', version = '9P2000']) => [
    `> Tversion notag ${msize} ${version}`,
    `< Rversion notag <=${msize} ${version}`,
    ...attach('0', '$user'),
  ],
  attach: ([fid = '', user = '$user']) => [...attach(fid, user), ...intoC9p(fid)],
  walk: ([fid, ...names]) => [
    `> Twalk 0 0 ${fid} [${names.join(' ')}]`,
    `< Rwalk 0 [${names.map(() => '*').join(' ')}]`,
  ],
  open: ([fid, mode, ...names], d) => [
    `walk ${fid} ${names.join(' ')}`,
    d === 'L' ? `> Tlopen 0 ${fid} ${mode}` : `> Topen 0 ${fid} ${mode}`,
    d === 'L' ? '< Rlopen 0 * *' : '< Ropen 0 * *',
  ],
  create: ([fid = '', perm = '', mode = '', name = ''], d) => [
    `walk ${fid} tmp`,
    ...create(fid, name, perm, mode, d),
  ],
  file: ([fid = '', perm = '', name = '', ...dir], d) => [
    `walk ${fid} ${dir.join(' ')}`,
    ...create(fid, name, perm, '1', d),
  ],
  mkdir: ([fid = '', name = '', ...dir], d) => [
    `walk ${fid} ${dir.join(' ')}`,
    ...(d === 'L'
      ? [`> Tmkdir 0 ${fid} ${name} 0o777 nofid`, '< Rmkdir 0 *']
      : create(fid, name, 'dmdir+0o777', '0', d)),
    `clunk ${fid}`,
  ],
  read: ([fid, offset, count], _, rest) => [
    `> Tread 0 ${fid} ${offset} ${count}`,
    `< Rread 0 ${after(rest, 3)}`,
  ],
  write: ([fid, offset, count], _, rest) => [
    `> Twrite 0 ${fid} ${offset} ${after(rest, 3)}`,
    `< Rwrite 0 ${count}`,
  ],
  stat: ([fid], _, rest) => [`> Tstat 0 ${fid}`, `< Rstat 0 ${after(rest, 1)}`],
  wstat: ([fid], _, rest) => [`> Twstat 0 ${fid} ${after(rest, 1)}`, '< Rwstat 0'],
  clunk: ([fid]) => [`> Tclunk 0 ${fid}`, '< Rclunk 0'],
  remove: ([fid]) => [`> Tremove 0 ${fid}`, '< Rremove 0'],
};

/** What follows the first n words. */
const after = (rest: string, n: number): string => rest.split(/\s+/).slice(n).join(' ');

function said(line: string, d: Dialect): string[] {
  const [, word = '', rest = ''] = /^(\S+)\s*(.*)$/.exec(line) ?? [];
  const phrase = phrases[word];
  if (phrase === undefined) return [line];
  return phrase(rest.split(/\s+/).filter(Boolean), d, rest).flatMap((l) => said(l, d));
}
