/** slashnet key: the keys of auth. Secrets come from the terminal, standard input and files, never
 *  from arguments, which anybody on the machine can read. */
import { basename } from 'node:path';
import { type Handle, type Mount, omode } from '@9p/lib9p';
import { readRegular } from '../core/regular.js';
import { isPrivateValue, quote, words } from '../core/words.js';
import {
  type Command,
  complain,
  type Options,
  out,
  printable,
  Usage,
  withDaemon,
} from './command.js';
import { importSecrets, type Kind } from './secrets.js';
import { Terminal } from './terminal.js';

const ctl = '/auth/ctl';
const import_bytes_max = 1024 * 1024;

/** `user=o'hara` is quoted behind the equals sign. */
const attribute = (w: string): string => {
  const at = w.indexOf('=');
  return at < 0 ? w : `${w.slice(0, at + 1)}${quote(w.slice(at + 1))}`;
};

function publicOnly(attrs: readonly string[]): void {
  if (attrs.some(isPrivateValue))
    throw new Usage("others can read arguments: '!password?' asks for the value");
}

/** One message, whose bytes are wiped when they have gone. */
async function send(m: Mount, message: Buffer, cancel: AbortSignal): Promise<void> {
  const f = await m.open(ctl, omode.write, cancel);
  try {
    await f.write(message, 0, cancel);
  } finally {
    message.fill(0);
    await f.close().catch(() => undefined);
  }
}

const quoteBytes = (b: Buffer): Buffer =>
  Buffer.from(`'${b.toString('latin1').replaceAll("'", "''")}'`, 'latin1');

/** The key of `attrs`, of which those that end with ? are asked for. */
async function asked(t: Terminal, attrs: readonly string[]): Promise<Buffer> {
  const parts: Buffer[] = [Buffer.from('key')];
  for (const a of attrs) {
    if (!a.endsWith('?') || a.includes('=')) parts.push(Buffer.from(` ${attribute(a)}`));
    else if (!a.startsWith('!')) {
      const value = await t.line(`${printable(a.slice(0, -1))}: `);
      parts.push(Buffer.from(` ${a.slice(0, -1)}=${quote(value)}`));
    } else {
      const secret = await t.secret(`${printable(a.slice(1, -1))}: `);
      parts.push(Buffer.from(` ${a.slice(0, -1)}=`), quoteBytes(secret));
      secret.fill(0);
    }
  }
  const key = Buffer.concat(parts);
  for (const p of parts) p.fill(0);
  return key;
}

async function add(m: Mount, attrs: readonly string[], cancel: AbortSignal): Promise<void> {
  const t = new Terminal(cancel);
  try {
    const wanted = attrs.some((a) => a.startsWith('!')) ? attrs : [...attrs, '!password?'];
    await send(m, await asked(t, wanted), cancel);
  } finally {
    t.close();
  }
}

function kindOf(path: string, o: Options): Kind {
  if (o.pap === true || basename(path).startsWith('pap')) return 'pap';
  if (o.chap === true || basename(path).startsWith('chap')) return 'chap';
  throw new Usage(`${path}: chap-secrets or pap-secrets? --chap or --pap says it`);
}

/** Every line that can be a key becomes one; the others are told. Its status is 1 if there were. */
async function importFile(m: Mount | undefined, path: string, o: Options, cancel: AbortSignal) {
  const kind = kindOf(path, o);
  const file = await readRegular(path, import_bytes_max, (is) => {
    if ((is.mode & 0o077) !== 0) complain(`${path}: others can read it: chmod 600 ${path}`);
  });
  let [done, left] = [0, 0];
  try {
    for (const i of importSecrets(file, kind)) {
      if ('why' in i) {
        left++;
        complain(`${path}:${i.line}: ${i.why}`);
        continue;
      }
      if (i.note !== undefined) complain(`${path}:${i.line}: ${i.note}`);
      if (m === undefined) await out(`${i.shown}\n`);
      else
        await send(m, i.key, cancel).catch((e: Error) => {
          throw new Error(`${path}:${i.line}: ${e.message}`);
        });
      i.key.fill(0);
      done++;
    }
  } finally {
    file.fill(0);
  }
  process.stderr.write(`${done} imported, ${left} not\n`);
  return left > 0 ? 1 : 0;
}

/** Asks for each key that is wanted, and whether keys with `confirm` may be used, until Ctrl-C. */
async function prompt(m: Mount, cancel: AbortSignal, about = ''): Promise<void> {
  const t = new Terminal(cancel);
  let turn: Promise<unknown> = Promise.resolve();
  const serve = async (path: string, f: Handle, answer: (line: string) => Promise<string>) => {
    for (;;) {
      const b = await f.read(f.iounit, 0, cancel);
      if (b.length === 0) return;
      const line = Buffer.from(b).toString().trim();
      const done = turn.then(() => answer(line)); // one question at a time
      turn = done.catch(() => undefined);
      const said = await done;
      await f
        .write(Buffer.from(said), 0, cancel)
        .catch((e: Error) => complain(`${path}: ${e.message}`));
    }
  };
  const tagOf = (line: string): string => / (tag=\d+)( |$)/.exec(line)?.[1] ?? '';
  const attrsOf = (line: string): string[] => words(line).slice(2);
  const shown = (line: string): string => printable(attrsOf(line).map(attribute).join(' '));
  const giveKey = async (line: string): Promise<string> => {
    process.stderr.write(`a key is wanted: ${shown(line)}\n`);
    try {
      await send(m, await asked(t, attrsOf(line)), cancel);
      return tagOf(line);
    } catch (e) {
      if (cancel.aborted) throw e;
      complain(e);
      return `${tagOf(line)} error=${quote((e as Error).message)}`;
    }
  };
  const confirm = async (line: string): Promise<string> => {
    const yes = /^y(es)?$/i.test(await t.line(`use the key ${shown(line)}? [y/N] `));
    return `${tagOf(line)} answer=${yes ? 'yes' : 'no'}`;
  };
  try {
    const needkey = await m.open('/auth/needkey', omode.rdwr, cancel);
    const confirms = await m.open('/auth/confirm', omode.rdwr, cancel);
    process.stderr.write(about);
    await Promise.race([
      serve('/auth/needkey', needkey, giveKey),
      serve('/auth/confirm', confirms, confirm),
    ]);
  } finally {
    t.close();
  }
}

/** Whoever sits at the terminal, for another command: asked for what is wanted until `cancel`. */
export const person = (m: Mount, cancel: AbortSignal): Promise<void> =>
  prompt(m, cancel).catch((e) => {
    if (!cancel.aborted) throw e;
  });

/** A key in an environment variable, which nobody that we start inherits: what adds it. */
export function secretFrom(variable: string): ((m: Mount) => Promise<void>) | undefined {
  const value = process.env[variable];
  if (value === undefined || value === '') return undefined;
  delete process.env[variable];
  const line = value.startsWith('key ') ? value : `key ${value}`;
  return (m) => send(m, Buffer.from(line), new AbortController().signal);
}

export const key: Command = {
  name: 'key',
  about:
    "the keys of auth: list, add, del, import pppd's secrets, prompt for those that are wanted",
  args: '<list|add|del|import|prompt> [attribute...]',
  options: [
    ['--chap', 'import: the file is a chap-secrets'],
    ['--pap', 'import: the file is a pap-secrets'],
    ['--dry-run', 'import: print the keys, their secrets hidden, and add none'],
  ],
  examples: [
    'slashnet key add proto=pass service=ppp user=glenda      # asks for the password',
    'slashnet key del user=glenda',
    'slashnet key import /etc/ppp/chap-secrets',
    'slashnet key prompt',
  ],
  async run([what = '', ...attrs], o) {
    if (what === 'import') {
      const [path, more] = attrs;
      if (path === undefined || more !== undefined) throw new Usage('key import: one file');
      if (o.dryRun === true) return importFile(undefined, path, o, new AbortController().signal);
      return withDaemon(o, (m, cancel) => importFile(m, path, o, cancel));
    }
    if (!['list', 'add', 'del', 'prompt'].includes(what))
      throw new Usage(`key ${what}: list, add, del, import or prompt`);
    publicOnly(attrs);
    if (what === 'del' && attrs.length === 0) throw new Usage('key del: of which keys?');
    return withDaemon(o, async (m, cancel) => {
      if (what === 'list') await out(await m.readFile(ctl, cancel));
      else if (what === 'add') await add(m, attrs, cancel);
      else if (what === 'prompt') await prompt(m, cancel, 'waiting for questions; Ctrl-C ends\n');
      else await send(m, Buffer.from(`delkey ${attrs.map(attribute).join(' ')}`), cancel);
      return 0;
    });
  },
};
