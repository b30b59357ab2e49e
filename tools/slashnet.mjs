#!/usr/bin/env node
/** The command `slashnet`: src/cmd/main.ts as compiled, which it has
 *  compiled first in a fresh checkout. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const main = new URL('../dist/src/cmd/main.js', import.meta.url);

if (!existsSync(fileURLToPath(main))) {
  const { setup } = await import('./setup.mjs');
  if (!(await setup())) process.exit(1);
}
await import(main.href);
