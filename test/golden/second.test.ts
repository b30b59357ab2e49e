/** The golden files of packets: what the second implementations make of the RFCs today is what is
 *  written there, and what ours must write and read. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { goldenFiles } from '../second/golden.js';

const folder = new URL('../../../test/golden/ppp/', import.meta.url);

test('the golden files are what the second implementations make', () => {
  const files = goldenFiles();
  assert.deepEqual(readdirSync(folder).sort(), Object.keys(files).sort());
  for (const [name, content] of Object.entries(files))
    assert.equal(readFileSync(new URL(name, folder), 'utf8'), content, name);
});
