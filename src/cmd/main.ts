/** The command `slashnet`. Exit status: 0 done, 1 refused (the
 *  error's text on stderr), 2 bad usage. */
import { Command as Commander, CommanderError } from 'commander';
import { version } from '../core/runtime.js';
import { cat } from './cat.js';
import { type Command, type Options, Usage } from './command.js';
import { demo } from './demo.js';
import { ls, stat } from './ls.js';
import { mount, unmount } from './mount.js';
import { bind, ns, unbind } from './names.js';
import { serve } from './serve.js';
import { write } from './write.js';

export const commands: readonly Command[] = [
  serve,
  mount,
  unmount,
  ls,
  cat,
  write,
  stat,
  ns,
  bind,
  unbind,
  demo,
];

const isPipe = (e: NodeJS.ErrnoException): boolean => e.code === 'EPIPE';

function define(program: Commander, c: Command, done: (status: number) => void): void {
  const cmd = program.command(`${c.name}${c.args === undefined ? '' : ` ${c.args}`}`);
  cmd.description(c.about).exitOverride();
  for (const [flags, about] of c.options ?? []) cmd.option(flags, about);
  cmd.addHelpText('after', `\nExamples:\n${c.examples.map((e) => `  ${e}\n`).join('')}`);
  cmd.action(async () => {
    // Whoever reads us has gone: `slashnet cat … | head`. A daemon has more to do than that.
    if (c !== serve) process.stdout.on('error', (e) => process.exit(isPipe(e) ? 0 : 1));
    const options = { ...program.opts(), ...cmd.opts() } as Options;
    done((await c.run(cmd.args, options)) ?? 0);
  });
}

export async function main(argv: readonly string[]): Promise<number> {
  let status = 0;
  const program = new Commander('slashnet')
    .description('Network protocol layers as files, over 9P2000 and FUSE.')
    .version(version())
    .option('-a, --address <address>', 'daemon to use: unix!/path or tcp!host!port ($SLASHNET)')
    .addHelpText('after', '\nBegin with: slashnet demo\n')
    .enablePositionalOptions() // bind has a -a of its own
    .exitOverride();
  for (const c of commands)
    define(program, c, (s) => {
      status = s;
    });
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return status;
  } catch (e) {
    if (e instanceof CommanderError) return e.exitCode === 0 ? 0 : 2;
    process.stderr.write(`slashnet: ${e instanceof Error ? e.message : String(e)}\n`);
    return e instanceof Usage ? 2 : 1;
  }
}

process.exitCode = await main(process.argv.slice(2));
