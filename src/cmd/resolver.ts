/** --dns: the peer's name servers for this host, and back as it was. A file of the runtime
 *  directory notes what was done, so that after a kill -9 the next command takes it back. */
import { spawn } from 'node:child_process';
import {
  accessSync,
  closeSync,
  constants,
  ftruncateSync,
  lstatSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { errorText } from '../core/errors.js';
import { runtimeDirectory } from '../core/runtime.js';
import { quote, words } from '../core/words.js';
import { Usage } from './command.js';

/** Undefined: none. */
export type How = 'resolvconf' | 'resolvectl' | { readonly file: string } | undefined;

const usual = '/etc/resolv.conf';
const file_bytes_max = 1024 * 1024;
const journal = /^dns\.(\d{1,9})$/;

/** What --dns says; that which could not be done is told before anything is. */
export function howOf(value: unknown): How {
  if (value === undefined || value === 'none') return undefined;
  if (value === 'resolvconf' || value === 'resolvectl') {
    const dirs = (process.env.PATH ?? '').split(':').filter((d) => d !== '');
    if (dirs.some((d) => may(join(d, value), constants.X_OK))) return value;
    throw new Usage(`--dns ${value}: there is no such command here`);
  }
  const file = value === 'file' ? usual : String(value);
  if (!file.startsWith('/'))
    throw new Usage(`bad --dns '${value}': resolvconf, resolvectl, file, /path or none`);
  refuseFile(file);
  return { file };
}

function may(path: string, mode: number): boolean {
  try {
    accessSync(path, mode);
    return true;
  } catch {
    return false;
  }
}

function refuseFile(file: string): void {
  const is = lstatSync(file, { throwIfNoEntry: false });
  if (is?.isSymbolicLink())
    throw new Usage(`--dns: ${file} is a link: who keeps it wants resolvectl or resolvconf`);
  if (is !== undefined && (!is.isFile() || is.size > file_bytes_max))
    throw new Usage(`--dns: ${file} is no file of name servers`);
  if (is !== undefined && !may(file, constants.W_OK))
    throw new Usage(`--dns: ${file}: permission denied`);
}

// The file ---------------------------------------------------------------------------------------

/** In front, where resolvers look first; without what had this tag before. */
export function withBlock(text: string, tag: string, servers: readonly string[]): string {
  const lines = servers.map((s) => `nameserver ${s}\n`).join('');
  const block = `# slashnet ${tag} begin\n${lines}# slashnet ${tag} end\n`;
  return block + withoutBlocks(text, (t) => t === tag);
}

/** Whatever else has changed in the file stays. A block without its end is somebody's edit. */
export function withoutBlocks(text: string, which: (tag: string) => boolean): string {
  const block = /^# slashnet (\S+) begin\n(?:(?!# slashnet ).*\n)*# slashnet \1 end\n/gm;
  return text.replace(block, (all, tag: string) => (which(tag) ? '' : all));
}

const read = (file: string): string => {
  try {
    return readFileSync(file, 'utf8');
  } catch (e) {
    if ((e as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw e;
  }
};

/** Never empty for a moment, and with its owner and mode: others read it all the while. */
function rewrite(file: string, text: string): void {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_NOFOLLOW;
  const fd = openSync(file, flags, 0o644);
  try {
    const bytes = Buffer.from(text);
    writeSync(fd, bytes, 0, bytes.length, 0);
    ftruncateSync(fd, bytes.length);
  } finally {
    closeSync(fd);
  }
}

/** One that we have made is empty then, and goes. */
function takeBack(file: string, which: (tag: string) => boolean): void {
  const was = read(file);
  const text = withoutBlocks(was, which);
  if (text === was) return;
  if (text === '') rmSync(file, { force: true });
  else rewrite(file, text);
}

// Processes --------------------------------------------------------------------------------------

/** A number may be another process's by now: when it was started tells, in ticks since the boot.
 *  Field 22 of proc(5), behind the name, which may hold anything. */
function tagOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const started = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
    return `ppp.${pid}.${started}`;
  } catch {
    return undefined;
  }
}

const isDead = (tag: string): boolean => tagOf(Number(tag.split('.')[1])) !== tag;

// Whoever is told --------------------------------------------------------------------------------

function run(command: string, args: readonly string[], input: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['pipe', 'ignore', 'pipe'] });
    let said = '';
    child.stderr.on('data', (b: Buffer) => (said = `${said}${b}`.slice(0, 200)));
    child.stdin.on('error', () => undefined); // it ended without reading
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`${command}: ${said.trim() || `exit status ${code}`}`));
    });
    child.stdin.end(input);
  });
}

/** How what `dns.PID` notes is undone. An interface that is gone has taken its servers along. */
async function undo(how: string, what: string, tag: string): Promise<void> {
  if (how === 'file') takeBack(what, (t) => t === tag);
  else if (how === 'resolvconf') await run('resolvconf', ['-d', what], '');
  else if (how === 'resolvectl') await run('resolvectl', ['revert', what], '').catch(() => {});
}

/** One link's. */
export class Resolver {
  readonly #how: How;
  readonly #tag = tagOf(process.pid) ?? `ppp.${process.pid}.0`;
  #done: readonly [how: string, what: string] | undefined;

  constructor(how: How) {
    this.#how = how;
  }

  get #journal(): string {
    return join(runtimeDirectory(), `dns.${process.pid}`);
  }

  /** The name servers that came with this interface, the only ones of ours. */
  async set(ifname: string, servers: readonly string[]): Promise<void> {
    const how = this.#how;
    if (how === undefined || servers.length === 0) return;
    const [name, what] =
      typeof how === 'object' ? ['file', how.file] : [how, how === 'resolvectl' ? ifname : ''];
    const where = what === '' ? `${ifname || `ppp.${process.pid}`}.slashnet` : what;
    writeFileSync(this.#journal, `${[name, where, this.#tag].map(quote).join(' ')}\n`, {
      mode: 0o600,
    });
    this.#done = [name, where];
    if (name === 'file') rewrite(where, withBlock(read(where), this.#tag, servers));
    else if (name === 'resolvectl') await run('resolvectl', ['dns', where, ...servers], '');
    else await run('resolvconf', ['-a', where], servers.map((s) => `nameserver ${s}\n`).join(''));
  }

  async undo(): Promise<void> {
    const done = this.#done;
    if (done === undefined) return;
    this.#done = undefined;
    await undo(...done, this.#tag);
    rmSync(this.#journal, { force: true });
  }
}

/** What commands that were killed have left; `log` is told what was done. */
export async function recoverResolver(log: (line: string) => void): Promise<void> {
  const dir = runtimeDirectory();
  for (const name of readdirSync(dir).filter((n) => journal.test(n))) {
    const [how = '', what = '', tag = ''] = words(readFileSync(join(dir, name), 'utf8'));
    if (!isDead(tag)) continue;
    rmSync(join(dir, name), { force: true });
    try {
      await undo(how, what, tag);
      log(`name servers of a command that was killed taken back: ${how} ${what}`);
    } catch (e) {
      log(`name servers of a command that was killed: ${errorText(e)}`);
    }
  }
}
