/** The command `slashnet`. Exit status: 0 done, 1 refused (the error's text on stderr), 2 bad
 *  usage, 3 a `watch` whose time is over; docs/slashnet-ppp.md has those of `ppp`. */
import { Command as Commander, CommanderError } from 'commander';
import { version } from '../core/runtime.js';
import { type Command, common, complain, type Flag, type Options, Usage } from './command.js';
import { commands } from './commands.js';
import { complete } from './complete.js';

/** Whoever reads us has gone: `slashnet cat … | head`. Other errors, `out` rejects with. */
function endWithReader(): void {
  process.stdout.on('error', (e: NodeJS.ErrnoException) => {
    if (e.code === 'EPIPE') process.exit(0);
  });
  process.stderr.on('error', () => undefined);
}

function defineFlag(cmd: Commander, [flags, about, repeats]: Flag): void {
  if (repeats === 'count') cmd.option(flags, about, (_: string, n: number = 0) => n + 1);
  else if (repeats === 'each')
    cmd.option(flags, about, (v: string, all: readonly string[] = []) => [...all, v]);
  else cmd.option(flags, about);
}

function define(program: Commander, c: Command, done: (status: number) => void): void {
  const cmd = program.command(`${c.name}${c.args === undefined ? '' : ` ${c.args}`}`);
  cmd.description(c.about).exitOverride();
  for (const f of c.options ?? []) defineFlag(cmd, f);
  cmd.addHelpText('after', `\nExamples:\n${c.examples.map((e) => `  ${e}\n`).join('')}`);
  cmd.action(async () => {
    if (c.stays !== true) endWithReader();
    const options = { ...program.opts(), ...cmd.opts() } as Options;
    done((await c.run(cmd.args, options)) ?? 0);
  });
}

export async function main(argv: readonly string[]): Promise<number> {
  let status = 0;
  const program = new Commander('slashnet')
    .description('Network protocol layers as files, over 9P2000 and FUSE.')
    .version(version())
    .addHelpText('after', '\nBegin with: slashnet demo\n')
    .enablePositionalOptions() // bind has a -a of its own
    .exitOverride();
  for (const [flags, about] of common) program.option(flags, about);
  for (const c of commands)
    define(program, c, (s) => {
      status = s;
    });
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return status;
  } catch (e) {
    if (e instanceof CommanderError) return e.exitCode === 0 ? 0 : 2;
    complain(e);
    return e instanceof Usage ? 2 : 1;
  }
}

const [first, ...rest] = process.argv.slice(2);
process.exitCode =
  first === '__complete' ? await complete(rest, commands) : await main(process.argv.slice(2));
