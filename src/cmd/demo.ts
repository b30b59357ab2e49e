import type { Command } from './command.js';
export const demo: Command = {
  name: 'demo',
  about: 'show two ppp over a wire in memory',
  examples: ['slashnet demo'],
  run: async () => 0,
};
