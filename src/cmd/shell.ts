/** The two ways in which the demo types its commands: by the system's own cat and echo on a
 *  mount, or as a 9P client that does what they would. */
import { spawn } from 'node:child_process';
import { type Mount, omode } from '@9p/lib9p';

export interface Shell {
  /** What to say of it first. */
  readonly about: string;
  /** The command as a user would type it. */
  typed(step: { cat: string } | { echo: string; to: string }): string;
  cat(path: string): Promise<string>;
  echo(text: string, path: string): Promise<void>;
}

export function ninep(m: Mount): Shell {
  return {
    about: 'By 9P clients of a daemon in this process; as root, on a FUSE mount.',
    typed(s) {
      if ('cat' in s) return `slashnet cat ${s.cat}`;
      // Others can see a command's arguments.
      if (s.echo.includes('!')) return `echo ${word(s.echo)} | slashnet write ${s.to}`;
      return `slashnet write ${s.to} ${word(s.echo)}`;
    },
    cat: (path) => m.readText(path),
    async echo(text, path) {
      const f = await m.open(path, omode.write);
      try {
        await f.write(`${text}\n`);
      } finally {
        await f.close();
      }
    },
  };
}

export function mounted(dir: string): Shell {
  return {
    about:
      "By the system's own cat and echo, on a FUSE mount.\n$ cd $(mktemp -d); slashnet mount .",
    typed: (s) =>
      'cat' in s ? `cat ${s.cat.slice(1)}` : `echo ${word(s.echo)} > ${s.to.slice(1)}`,
    cat: (path) => sh('exec cat "$1"', [dir + path]),
    async echo(text, path) {
      await sh('echo "$1" > "$2"', [text, dir + path]);
    },
  };
}

const word = (s: string): string => (/[!%;&|<>$ ]/.test(s) ? `'${s}'` : s);

function sh(script: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const p = spawn('sh', ['-c', script, 'sh', ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    let out = '';
    let err = '';
    p.stdout.on('data', (b) => (out += b));
    p.stderr.on('data', (b) => (err += b));
    p.once('error', reject);
    p.once('close', (code) => {
      if (code === 0) resolve(out);
      else reject(new Error(err.trim() || `exit status ${code}`));
    });
  });
}
