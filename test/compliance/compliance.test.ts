/** Every layer against what all have in common. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { needs } from '../kit/index.js';
import { pluginDir } from './bench.js';
import { flat, layers } from './layers.js';
import { holdLayer } from './suite.js';

test('every plugin is in the list', () => {
  for (const name of readdirSync(pluginDir)) {
    if (!existsSync(join(pluginDir, name, 'plugin.js'))) continue;
    const known = layers.some((l) => l.plugin === name) || flat.includes(name);
    assert.ok(known, `${name}: add it to test/compliance/layers.ts`);
  }
});

for (const l of layers) if (l.netns !== true) holdLayer(l, needs(...(l.needs ?? [])));
