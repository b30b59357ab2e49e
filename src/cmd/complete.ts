/** slashnet __complete: what could stand where the cursor is, for the scripts in tools/complete.
 *
 *    slashnet __complete bash LINE       the line up to the cursor
 *    slashnet __complete zsh WORD...     its words behind the first, the last being typed yet
 *    slashnet __complete fish WORD...
 *
 *  A candidate a line, for zsh and fish with a tab and what it is about. The exit status says what
 *  they are. Never a word on standard error, and never long. */
import { qt } from '@9p/lib9p';
import { attach, type Command, common, type Flag, type Options, out } from './command.js';
import { shells } from './completion.js';

/** Exit statuses; file and directory: the shell is to offer its own. */
const status = { words: 0, file: 3, directory: 4, paths: 5 } as const;
const limit_ms = 1000;

export type Candidate = readonly [word: string, about: string];

export type Offer =
  | { readonly kind: 'words'; readonly words: readonly Candidate[] }
  /** Files of this server. */
  | { readonly kind: 'paths'; readonly options: Options }
  | { readonly kind: 'file' }
  | { readonly kind: 'directory' };

interface Parsed {
  readonly names: readonly string[];
  /** What its value is called. */
  readonly value: string | undefined;
  readonly many: boolean;
  readonly about: string;
}

const help: Flag = ['-h, --help', 'options and examples'];

function parseFlag([flags, about]: Flag): Parsed {
  const names = flags.match(/(?<=^|\s)--?[\w-]+/g) ?? [];
  const [, value, dots] = /[<[]([^.\]>]+)(\.\.\.)?[>\]]/.exec(flags) ?? [];
  return { names, value, many: dots !== undefined, about };
}

/** What stands at this place: '<path> [line...]' at 0 is 'path', from 1 on 'line'. */
function operandAt(args: string, n: number): string | undefined {
  const all = args.match(/[\w-]+(\.\.\.)?/g) ?? [];
  const last = all.at(-1);
  const at = all[n] ?? (last?.endsWith('...') ? last : undefined);
  return at?.replace('...', '');
}

const nothing: Offer = { kind: 'words', words: [] };

function ofValue(name: string | undefined): Offer {
  if (name === 'directory') return { kind: 'directory' };
  return name === 'file' || name === 'path' ? { kind: 'file' } : nothing;
}

function ofOperand(name: string | undefined, options: Options): Offer {
  if (name === 'path' || name === 'source' || name === 'target') return { kind: 'paths', options };
  if (name === 'shell') return { kind: 'words', words: shells.map((s) => [s, '']) };
  return ofValue(name);
}

const ofFlags = (flags: readonly Parsed[]): Offer => ({
  kind: 'words',
  words: flags.flatMap((f) => f.names.map((name): Candidate => [name, f.about])),
});

/** The words of a command line behind `slashnet`, as far as they are read. */
class Line {
  readonly #commands: readonly Command[];
  readonly #options: Record<string, string> = {};
  #flags = [...common, help].map(parseFlag);
  #command: Command | undefined;
  /** The option that the next word is a value of. */
  #due: Parsed | undefined;
  #operands = 0;
  #plain = false;

  constructor(commands: readonly Command[]) {
    this.#commands = commands;
  }

  /** False: no such command, so nothing is known of what follows. */
  take(word: string): boolean {
    if (this.#isValue(word)) this.#value(word);
    else if (!this.#plain && word === '--') this.#plain = true;
    else if (this.#isFlag(word)) this.#flag(word);
    else if (this.#command !== undefined) this.#operands++;
    else return this.#begin(word);
    return true;
  }

  /** For what begins so. */
  offer(word: string): Offer {
    if (this.#isValue(word)) return ofValue(this.#due?.value);
    if (this.#isFlag(word)) return ofFlags(this.#flags);
    if (this.#command !== undefined)
      return ofOperand(operandAt(this.#command.args ?? '', this.#operands), this.#options);
    return { kind: 'words', words: this.#commands.map((c): Candidate => [c.name, c.about]) };
  }

  #isValue(word: string): boolean {
    return this.#due !== undefined && !(this.#due.many && word.startsWith('-'));
  }

  #isFlag(word: string): boolean {
    return !this.#plain && word.startsWith('-');
  }

  #begin(word: string): boolean {
    this.#command = this.#commands.find((c) => c.name === word);
    this.#flags = [...(this.#command?.options ?? []), help].map(parseFlag);
    return this.#command !== undefined;
  }

  /** '-a', '-aVALUE', '--address', '--address=VALUE'. */
  #flag(word: string): void {
    const [, name = word, value] = /^(--[^=]+|-[^-])=?(.*)$/s.exec(word) ?? [];
    this.#due = this.#flags.find((f) => f.value !== undefined && f.names.includes(name));
    if (this.#due !== undefined && value !== undefined && value !== '') this.#value(value);
  }

  #value(value: string): void {
    const name = this.#due?.names.at(-1)?.slice(2);
    if (this.#command === undefined && name !== undefined) this.#options[name] = value;
    if (this.#due?.many !== true) this.#due = undefined;
  }
}

/** What is to be offered for the last of these words. */
export function offerFor(words: readonly string[], commands: readonly Command[]): Offer {
  const line = new Line(commands);
  for (const w of words.slice(0, -1)) if (!line.take(w)) return nothing;
  return line.offer(words.at(-1) ?? '');
}

/** The words of a line of bash up to the cursor, without their quotes; the last is being typed. */
export function bashWords(line: string): string[] {
  const words = [''];
  let quote = '';
  let begun = false;
  for (let i = 0; i < line.length; i++) {
    const c = line[i] as string;
    const add = (s: string): void => void (words[words.length - 1] += s);
    if (quote === '' && /\s/.test(c)) {
      if (begun) words.push('');
      begun = false;
      continue;
    }
    begun = true;
    if (c === quote) quote = '';
    else if (quote === '' && (c === "'" || c === '"')) quote = c;
    else if (c === '\\' && quote !== "'") add(line[++i] ?? '');
    else add(c);
  }
  return words;
}

/** Readline sees a word begin behind each of these. */
const behindBreak = (word: string): number => word.search(/[^:=]*$/);

async function pathsOf(o: Options, word: string): Promise<readonly Candidate[]> {
  const cut = word.lastIndexOf('/') + 1;
  const dir = word === '' ? '/' : word.slice(0, cut);
  const signal = AbortSignal.timeout(limit_ms);
  // Whatever it waits for then: a name server, a connection, an answer.
  signal.addEventListener('abort', () => process.exit(status.words));
  const m = await attach(o, signal);
  const all = await m.ls(dir, signal);
  m.close();
  return all.map((d) => [dir + d.name + (d.qid.type & qt.dir ? '/' : ''), '']);
}

export async function complete(
  args: readonly string[],
  commands: readonly Command[],
): Promise<number> {
  const [shell, ...rest] = args;
  const words = shell === 'bash' ? bashWords(rest[0] ?? '').slice(1) : rest;
  const word = words.at(-1) ?? '';
  try {
    const offer = offerFor(words, commands);
    if (offer.kind === 'file' || offer.kind === 'directory') return status[offer.kind];
    const all = offer.kind === 'words' ? offer.words : await pathsOf(offer.options, word);
    // A name with a newline or an escape in it is not for the command line.
    const fit = all.filter(([w]) => w.startsWith(word) && !/\p{Cc}/u.test(w));
    const from = shell === 'bash' ? behindBreak(word) : 0;
    const show = ([w, about]: Candidate): string =>
      shell === 'bash' || about === '' ? w.slice(from) : `${w}\t${about}`;
    await out(fit.map((c) => `${show(c)}\n`).join(''));
    return status[offer.kind];
  } catch {
    return status.words;
  }
}
