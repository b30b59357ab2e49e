/** A plugin of somebody else, in a directory of its own: what docs/skeleton.md promises. */
import assert from 'node:assert/strict';
import { cpSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { clean, type Place, withPlace } from './place.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));

/** As `npm install slashnet` leaves it: the packages in node_modules, beside the plugins. */
function installed(p: Place): string {
  const dir = join(p.dir, 'theirs');
  const modules = join(dir, 'node_modules');
  mkdirSync(join(modules, '@9p'), { recursive: true });
  symlinkSync(root, join(modules, 'slashnet'));
  for (const lib of readdirSync(join(root, 'node_modules', '@9p')))
    symlinkSync(join(root, 'node_modules', '@9p', lib), join(modules, '@9p', lib));
  writeFileSync(join(dir, 'package.json'), '{ "type": "module" }\n');
  return dir;
}

const parrot = `import { counters, refuse } from 'slashnet/core';

function say(c, [word]) {
  if (word.length > 8) throw refuse('that is too long for a parrot');
  c.word = word;
}
const layer = {
  name: 'parrot',
  limit: 3,
  about: 'says what it was told',
  stats: counters([]),
  verbs: [{ name: 'say', args: [1, 1], usage: 'say word', run: say }],
  files: [{ name: 'word', perm: 0o444, text: (c) => c.word + '\\n' }],
  create: () => ({
    word: 'hello',
    state: 'Idle',
    idle: true,
    status() { return 'word ' + this.word; },
    close() {},
  }),
};
export default {
  name: 'parrot',
  start(env) {
    const served = env.serve(layer);
    return { stop: (why) => served.remove(why) };
  },
};
`;

test('a plugin outside the project imports slashnet/core and works', { timeout: 500_000 }, () =>
  withPlace({}, async (p) => {
    const dir = installed(p);
    mkdirSync(join(dir, 'parrot'));
    writeFileSync(join(dir, 'parrot', 'plugin.js'), parrot);
    const d = await p.serve(['--bare', '--load', 'parrot'], { SLASHNET_PLUGINS: dir });
    const m = await p.dial();
    assert.equal(await m.readText('/parrot/clone'), '0');
    await m.writeFile('/parrot/0/ctl', 'say polly');
    assert.equal(await m.readText('/parrot/0/word'), 'polly\n');
    assert.equal(await m.readText('/parrot/0/status'), 'Idle word polly\n');
    await assert.rejects(
      m.writeFile('/parrot/0/ctl', 'say cockatooooo'),
      /^FileError: that is too long for a parrot: say cockatooooo$/,
    );
    assert.match(await m.readText('/parrot/help'), /^\tsay word$/m);
    for (const n of ['1', '2']) assert.equal(await m.readText('/parrot/clone'), n);
    await m.writeFile('/ctl', 'unload parrot');
    await assert.rejects(m.readText('/parrot/0/word'), /not in the name space|not found/);
    clean(await d.term());
  }),
);

test('a copy of skeleton under another name, as its page says', { timeout: 500_000 }, () =>
  withPlace({}, async (p) => {
    const dir = installed(p);
    const theirs = join(dir, 'mine');
    cpSync(join(root, 'dist', 'plugins', 'skeleton'), theirs, { recursive: true });
    const d = await p.serve(['--bare', '--load', 'loop', 'mine'], { SLASHNET_PLUGINS: dir });
    const m = await p.dial();
    assert.equal(await m.readText('/loop/clone'), '0');
    for (const n of ['0', '1']) assert.equal(await m.readText('/skeleton/clone'), n);
    await m.writeFile('/skeleton/0/ctl', 'bind /net/loop/0/data\nshout on');
    await m.writeFile('/skeleton/1/ctl', 'bind /net/loop/0/data1');
    await m.writeFile('/skeleton/0/ctl', 'connect');
    const [here, there] = [
      await m.open('/skeleton/0/data', 2),
      await m.open('/skeleton/1/data', 2),
    ];
    await here.write('hello\n');
    assert.equal(Buffer.from(await there.read()).toString(), 'HELLO\n');
    assert.equal(await m.readText('/skeleton/0/letters'), '5\n');
    clean(await d.term());
  }),
);

test('a plugin that is none, or throws, is told and leaves the daemon', { timeout: 500_000 }, () =>
  withPlace({}, async (p) => {
    const dir = installed(p);
    const bad = {
      empty: 'export const x = 1;',
      thrower: 'throw new Error("no luck");',
      worse: 'syntax error',
    };
    for (const [name, text] of Object.entries(bad)) {
      mkdirSync(join(dir, name));
      writeFileSync(join(dir, name, 'plugin.js'), text);
    }
    const d = await p.serve(['--bare'], { SLASHNET_PLUGINS: dir });
    const m = await p.dial();
    await assert.rejects(m.writeFile('/ctl', 'load empty'), /is not a plugin/);
    await assert.rejects(m.writeFile('/ctl', 'load thrower'), /no luck/);
    await assert.rejects(m.writeFile('/ctl', 'load worse'), /load worse/);
    await assert.rejects(m.writeFile('/ctl', 'load ../empty'), /bad plugin name/);
    await assert.rejects(m.writeFile('/ctl', 'load nobody'), /plugin 'nobody' not found/);
    assert.match(await m.readText('/version'), /^slashnet /);
    clean(await d.term());
  }),
);
