/** The pages of pppoe and loop name the verbs that the layers have, with their usage. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { verbs as loopVerbs } from '../../plugins/loop/plugin.js';
import { verbs as pppoeVerbs } from '../../plugins/pppoe/plugin.js';

const page = (name: string): string =>
  readFileSync(new URL(`../../../docs/${name}.md`, import.meta.url), 'utf8');
/** What begins a row of a table, in code. */
const rows = (text: string): Set<string> =>
  new Set(
    [...text.matchAll(/^\| `((?:[^`\\]|\\.)+)` \|/gm)].map((m) => m[1]!.replaceAll('\\|', '|')),
  );

test('each verb of pppoe has its row', () => {
  const shown = rows(page('pppoe'));
  for (const v of pppoeVerbs) assert.ok(shown.has(v.usage), v.usage);
});

test('each verb of loop has its row', () => {
  const shown = rows(page('loop'));
  for (const v of loopVerbs)
    if (v.name !== 'up' && v.name !== 'down') assert.ok(shown.has(v.usage), v.usage);
});
