/** docs/ppp.md holds what it promises: its table of verbs, its default values and its example. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { type Node, omode, type Req, type Who } from '@9p/lib9p';
import { text, utf8 } from '@9p/packet';
import { makeSystem, type System } from 'slashnet/core';
import { verbs } from '../../plugins/ppp/verbs.js';
import { SeededRandom, VirtualClock } from '../kit/index.js';

const page = readFileSync(new URL('../../../docs/ppp.md', import.meta.url), 'utf8');
const plugins = new URL('../../plugins', import.meta.url).pathname;
const me: Who = { uname: 'glenda', groups: [], owner: true };
const request = (): Req => ({ who: me, iounit: 0, flushed: false, onflush: undefined });

test('the page has every verb with its usage, in the order of the source, and no other', () => {
  const table = page.slice(page.indexOf('### Verbs'), page.indexOf('The options of ppp(8)'));
  const usages = [...table.matchAll(/^\| `([^`]+)` \|/gm)].map((m) => m[1]?.replaceAll('\\|', '|'));
  assert.deepEqual(
    usages,
    verbs.map((v) => v.usage),
  );
});

/** The commands of the example and what they print. */
function example(): { command: string; prints: string }[] {
  const block = page.slice(page.indexOf('## EXAMPLE')).split('\n    ').slice(1);
  const last = block.at(-1)?.split('\n')[0] ?? '';
  const lines = [...block.slice(0, -1), last];
  const out: { command: string; prints: string }[] = [];
  for (const l of lines) {
    const open = (out.at(-1)?.command.split("'").length ?? 1) % 2 === 0;
    if (l.startsWith('$ ')) out.push({ command: l.slice(2), prints: '' });
    else if (open) (out.at(-1) as { command: string }).command += `\n${l}`;
    else (out.at(-1) as { prints: string }).prints += `${l}\n`;
  }
  return out;
}

async function open(s: System, path: string, mode: number) {
  const node: Node = await s.ns.walk(path, me);
  return node.open(mode, request());
}
async function cat(s: System, path: string): Promise<string> {
  const f = await open(s, path, omode.read);
  const out = text(await f.read(8192, 0, request()));
  f.close();
  return out;
}
async function run(s: System, command: string): Promise<string> {
  const echo = /^echo (?:'([^']*)'|(\S+)) > \/mnt(\S+)$/.exec(command);
  if (echo !== null) {
    const f = await open(s, echo[3] ?? '', omode.write);
    await f.write(utf8(`${echo[1] ?? echo[2]}\n`), 0, request());
    f.close();
    return '';
  }
  assert.match(command, /^cat /, command);
  let out = '';
  for (const path of command.slice(4).split(' ')) out += await cat(s, path.replace('/mnt', ''));
  return out;
}

test('the example works as printed', async () => {
  const clock = new VirtualClock();
  const random = new SeededRandom(3);
  const s = makeSystem({ plugins: [plugins], clock, random, poison: true, owner: 'glenda' });
  for (const layer of ['loop', 'auth', 'ppp']) await s.control(`load ${layer}`);
  const plain = (t: string) => t.replace(/fe80::\S+/, 'fe80::x').replace(/\n$/, '');
  const steps = example();
  assert.ok(steps.length >= 6);
  for (const { command, prints } of steps) {
    const out = await clock.until(run(s, command));
    await clock.run(100);
    assert.equal(plain(out), plain(prints), command);
  }
  await clock.until(s.stop('the end'));
});
