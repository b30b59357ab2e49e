/** Completion by the shells themselves: keys typed at a terminal, and what the command line that
 *  comes of them does. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type Listener, listen, memTree, Server } from '@9p/lib9p';
import { needs } from '../kit/needs.js';
import { Place, type Running, until } from './place.js';

const tree = memTree({
  dir: { one: '1', two: '2', under: { deep: '' } },
  'a:b': { inner: '' },
  'two words': '',
  "it's": '',
  '*star': '',
  'bad\nname': '',
  version: 'near\n',
});
const far = memTree({ faraway: '', sub: { subfile: '' } });

/** How each is started with our completion, and with a prompt that can be seen. */
const shells = {
  bash: ['.bashrc', 'PS1="READY "; eval "$(slashnet completion bash)"', 'bash --rcfile .bashrc -i'],
  zsh: [
    '.zshrc',
    'PS1="READY "; autoload -Uz compinit; compinit -D -u; eval "$(slashnet completion zsh)"',
    'ZDOTDIR=. zsh -d -i',
  ],
  fish: [
    'config',
    'function fish_prompt; echo -n "READY "; end; slashnet completion fish | source',
    'fish --no-config -C "source config"',
  ],
} as const;

const limit_ms = 60_000;

/** A shell at a terminal. */
class Terminal {
  readonly #r: Running;
  #from = 0;

  constructor(p: Place, [rc, text, command]: (typeof shells)['bash' | 'zsh' | 'fish']) {
    writeFileSync(join(p.dir, rc), `${text}\n`);
    const env = { TERM: 'xterm', HOME: p.dir, HISTFILE: '' };
    this.#r = p.start(['script', '-qec', command, '/dev/null'], env);
  }

  async expect(want: RegExp): Promise<void> {
    const seen = (): string => this.#r.out.slice(this.#from);
    await until(`${want}`, () => want.test(seen()) || this.#r.over, limit_ms).catch((e: Error) =>
      assert.fail(`${e.message} in ${JSON.stringify(seen())}`),
    );
    assert.match(seen(), want);
    this.#from += (want.exec(seen())?.index ?? 0) + 1;
  }

  /** Types keys at a prompt; what they do has this in it. */
  async type(keys: string, want: RegExp): Promise<void> {
    await this.expect(/READY /);
    this.#r.child.stdin?.write(keys);
    await this.expect(want);
  }

  async end(): Promise<void> {
    await this.expect(/READY /);
    this.#r.child.stdin?.write('exit 0\n');
    assert.equal((await this.#r.ended).code, 0);
  }
}

describe('completion', { timeout: 500_000 }, () => {
  let p: Place;
  const listeners: Listener[] = [];
  before(async () => {
    p = await Place.make();
    listeners.push(await listen(new Server(tree), { path: join(p.dir, 'sock') }));
    listeners.push(await listen(new Server(far), { path: join(p.dir, 'far') }));
  });
  after(async () => {
    for (const l of listeners) await l.close();
    await p.end();
  });

  for (const shell of ['bash', 'zsh', 'fish'] as const)
    test(shell, { skip: needs('script', shell) }, async () => {
      const t = new Terminal(p, shells[shell]);
      await t.type('slashnet sta\t/dir/on\t\n', /name: one\r/);
      await t.type('slashnet stat dir/und\tde\t\n', /name: deep\r/);
      await t.type('slashnet stat /tw\t\n', /name: two words\r/);
      await t.type('slashnet stat /it\t\n', /name: it's\r/);
      await t.type('slashnet stat /a:b/in\t\n', /name: inner\r/);
      await t.type(`slashnet -a ${p.dir}/far stat /fa\t\n`, /name: faraway\r/);
      await t.type(`slashnet -a ${p.dir}/far --aname sub stat /su\t\n`, /name: subfile\r/);
      await t.type('slashnet -a /no/where stat /di\t\n', /slashnet: no server at \/no\/where\r/);
      await t.end();
    });

  test('bash: a file of ours behind <, directories of ours for a mount', {
    skip: needs('script', 'bash'),
  }, async () => {
    const t = new Terminal(p, shells.bash);
    await t.type('echo typed; slashnet write /dir/one < .bashr\t\n', /permission denied\r/);
    await t.type('slashnet unmount mn\t\n', /unmount mnt\/ ?\r/);
    await t.end();
  });

  test('__complete: words, statuses, and silence', async () => {
    const ran = async (args: string, out: string, code: number): Promise<void> => {
      const r = await p.run(`slashnet __complete ${args}`);
      assert.deepEqual([r.out, r.err, r.code], [out, '', code], args);
    };
    await ran("zsh ls ''", "/dir/\n/a:b/\n/two words\n/it's\n/*star\n/version\n", 5);
    await ran('fish ls dir/', 'dir/one\ndir/two\ndir/under/\n', 5);
    await ran("bash 'slashnet ls /a:b/i'", 'b/inner\n', 5);
    await ran('fish completion z', 'zsh\n', 0);
    await ran("zsh serve --profile ''", '', 3);
    await ran("zsh serve --mount ''", '', 4);
    await ran('zsh ls /nothing/', '', 0);
    await ran('zsh -a nonsense ls /', '', 0);
    await ran('zsh -a /no/where ls /', '', 0);
  });

  test('a server that never answers is not waited for', async () => {
    const mute = createServer((c) => void c.resume()).listen(join(p.dir, 'mute'));
    await once(mute, 'listening');
    const r = await p.run('slashnet __complete zsh -a $PWD/mute ls /');
    assert.deepEqual([r.out, r.err, r.code], ['', '', 0]);
    mute.close();
  });
});
