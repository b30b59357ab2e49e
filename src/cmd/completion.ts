/** slashnet completion: what makes a shell ask `slashnet __complete` what could be typed. */
import { readFile } from 'node:fs/promises';
import { type Command, out, Usage } from './command.js';

export const shells = ['bash', 'zsh', 'fish'];

export const completion: Command = {
  name: 'completion',
  about: 'print the script by which bash, zsh or fish completes our commands, options and paths',
  args: '<shell>',
  examples: [
    'eval "$(slashnet completion bash)"         # in ~/.bashrc',
    'eval "$(slashnet completion zsh)"          # in ~/.zshrc, behind compinit',
    'slashnet completion fish | source          # in ~/.config/fish/config.fish',
  ],
  async run([shell = '']) {
    if (!shells.includes(shell))
      throw new Usage(`no completion for '${shell}': ${shells.join(' ')}`);
    const script = new URL(`../../../tools/complete/slashnet.${shell}`, import.meta.url);
    await out(await readFile(script));
    return 0;
  },
};
