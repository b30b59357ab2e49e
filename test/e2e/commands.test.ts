/** The command `slashnet` as a user types it: exit statuses, texts, help, profiles, stdio. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { mount } from '@9p/lib9p';
import { commands } from '../../src/cmd/commands.js';
import { needs } from '../kit/needs.js';
import { bin, clean, listening, Place, type Running, within, withPlace } from './place.js';

const helped = commands.map((c) => c.name);

describe('commands on a running daemon', { timeout: 500_000 }, () => {
  let p: Place;
  let d: Running;
  before(async () => {
    p = await Place.make();
    d = await p.serve();
  });
  after(async () => {
    clean(await d.term());
    await p.end();
  });
  const fails = async (code: number, text: RegExp, script: string): Promise<void> => {
    const r = await p.run(script);
    assert.equal(r.code, code, `${script}: ${r.out}${r.err}`);
    assert.match(r.err, text, script);
    assert.equal(r.out, '', script);
  };

  test('what they print', async () => {
    const [list, long, dir, version, ctl] = await Promise.all([
      p.ok('slashnet ls'),
      p.ok('slashnet ls -l /loop/clone /auth'),
      p.ok('slashnet ls loop'),
      p.ok('slashnet cat /version /version'),
      p.ok('slashnet stat /ppp/clone'),
    ]);
    for (const name of ['auth', 'ppp', 'pppoe', 'loop', 'ipifc', 'ctl', 'ns', 'version'])
      assert.ok(list.split('\n').includes(name), `${name} in ${list}`);
    assert.match(long, /^--rw-rw-rw- \w+ +\w+ +\d+ \d{4}-\d\d-\d\d \d\d:\d\d \/loop\/clone\n/);
    assert.match(long, /^--rw-rw-rw- \w+ +\w+ +\d+ .* \/auth\/rpc$/m);
    assert.match(dir, /^clone\n/);
    assert.match(version, /^(slashnet \d+\.\d+\.\d+\ninstance [0-9a-f-]+\n){2}$/);
    assert.match(ctl, /^name: clone\nmode: --rw-rw-rw- 666\n(\w+: .*\n)*qid: path [0-9a-f]{16} /);
  });

  test('refused: status 1, and the reason on standard error alone', async () => {
    await fails(1, /^slashnet: \/nothing: .*not found.*\n$/, 'slashnet cat /nothing');
    await fails(1, /^slashnet: .*\n$/, 'slashnet ls /nothing');
    await fails(1, /^slashnet: .*not found.*\n$/, 'slashnet stat /nothing');
    await fails(1, /^slashnet: \/version: permission denied\n$/, 'slashnet write /version x');
    await fails(1, /'\/nothing' is not in the name space: bind/, 'slashnet bind /nothing /loop');
    await fails(1, /^slashnet: .*\n$/, 'slashnet unbind /loop');
    await fails(1, /^slashnet: .*not mounted by this daemon.*\n$/, 'slashnet unmount /mnt');
    await fails(1, /^slashnet: no server at unix!\/no\/where\n$/, 'slashnet -a unix!/no/where ls');
    await fails(1, /ENOENT.*'\/no\/ca'/, 'slashnet --ca /no/ca -a tls!localhost!1 ls');
    await fails(1, /no daemon at \/no\/where: start one/, 'SLASHNET=/no/where slashnet ls');
    await fails(1, /^slashnet: .*nonsense.*\n$/, 'slashnet -a nonsense ls');
  });

  test('wrong usage: status 2', async () => {
    await fails(2, /unknown command 'frobnicate'/, 'slashnet frobnicate');
    await fails(2, /unknown option '--frob'/, 'slashnet ls --frob');
    await fails(2, /missing required argument 'path'/, 'slashnet cat');
    await fails(2, /missing required argument 'target'/, 'slashnet bind /ppp');
    await fails(2, /too many arguments/, 'slashnet bind /ppp /a /b');
    await fails(2, /too many arguments/, 'slashnet ns x');
    await fails(2, /bad --ether 'eth1'/, 'slashnet serve --ether eth1');
  });

  test('write: its lines in order, standard input, the number of the line that failed', async () => {
    await p.ok('slashnet cat /loop/clone >/dev/null');
    await p.ok("slashnet write /loop/0/ctl 'loss 10%' 'delay 20'");
    assert.match(await p.ok('slashnet cat /loop/0/status'), /down 'loss 10% delay 20ms'/);
    await p.ok("printf 'clear\\nmtu 1000\\n' | slashnet write /loop/0/ctl");
    assert.match(await p.ok('slashnet cat /loop/0/status'), /mtu 1000 .* down none/);
    const bad = "printf 'clear\\n\\nfrob\\n' | slashnet write /loop/0/ctl";
    await fails(1, /^slashnet: \/loop\/0\/ctl: line 3: unknown control message: frob\n$/, bad);
    assert.equal(await p.ok('slashnet cat /loop/0/err'), 'line 3: unknown control message: frob\n');
  });

  test('-D shows each message, and no secret', async () => {
    const key = "'key proto=pass service=ppp user=glenda !password=opensesame'";
    const r = await p.run(
      `slashnet -D write /auth/ctl ${key}; echo ${key} | slashnet -D write /auth/ctl`,
    );
    assert.match(r.err, /-> Twrite .* !password=/);
    assert.doesNotMatch(r.err, /opensesame/);
    assert.deepEqual([r.code, r.out], [0, '']);
  });

  test('a reader that has enough ends cat without a word', async () => {
    const files = '/version '.repeat(400);
    const r = await p.run(`slashnet cat ${files} | head -c1; :`);
    assert.deepEqual([r.code, r.out, r.err], [0, 's', '']);
  });

  test('bind, ns and unbind', async () => {
    await p.ok('slashnet bind /loop /pppoe');
    assert.match(await p.ok('slashnet ns'), /^bind \/loop \/pppoe$/m);
    assert.match(await p.ok('slashnet ls /pppoe'), /^clone$/m);
    const [first = ''] = (await p.ok('slashnet ns')).split('\n').filter((l) => /pppoe/.test(l));
    await p.ok('slashnet unbind /pppoe');
    assert.doesNotMatch(await p.ok('slashnet ns'), /pppoe/);
    await p.ok(`slashnet ${first}`); // what ns prints rebuilds it
    assert.match(await p.ok('slashnet ns; slashnet unbind /loop /pppoe'), /^bind \/loop \/pppoe$/m);
    await p.ok(
      'slashnet bind -a /auth /loop && slashnet ls /loop | grep -x proto; slashnet unbind /loop',
    );
  });

  test('each has examples, whose first word is a command; --help shows them', async () => {
    const words = new Set<string>();
    for (const { name, examples } of commands) {
      assert.ok(
        examples.some((e) => e.includes(name)),
        `${name} in its examples`,
      );
      for (const line of examples) {
        const [, word = '', sub = ''] =
          /^(?:eval "\$\()?(\S+) (?:-a '\S+' )?(\w+)/.exec(line) ?? [];
        words.add(word);
        if (word === 'slashnet') assert.ok(helped.includes(sub), line);
      }
    }
    assert.match(
      await p.ok('slashnet rm --help'),
      /^Usage: slashnet rm .*\nExamples:\n {2}slashnet -a /s,
    );
    const npm = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'));
    assert.ok(npm.scripts.start !== undefined, 'npm start');
    words.delete('srv'); // Plan 9's own
    const each = [...words].map((w) => `command -v ${w}`).join(' && ');
    await p.ok(`bash -c '${each}'`);
    const all = await p.ok('slashnet --help');
    for (const c of helped) assert.match(all, new RegExp(`^ {2}${c}\\b`, 'm'));
  });

  test('mount without privilege or device says why', {
    skip: needs('root', 'setpriv'),
  }, async () => {
    const nobody = 'setpriv --reuid=65534 --regid=65534 --clear-groups';
    const run = `mkdir -p nobody; chmod 777 nobody; cd nobody; XDG_RUNTIME_DIR=$PWD ${nobody} \
      slashnet serve --socket ./s --bare --mount ./mnt`;
    const r = await p.run(`${run} 2>&1`);
    assert.equal(r.code, 1);
    assert.match(r.out, /slashnet: .*mnt/);
  });
});

test('a profile: load, alias, bind, mount, and messages to files', { timeout: 500_000 }, () =>
  withPlace({}, async (p) => {
    const far = await p.serve(['--socket', join(p.dir, 'far'), '--bare', '--load', 'loop']);
    const text = `# a client and a server on one wire
      load auth
      load loop
      load ppp
      alias /mnt/slashnet
      mount unix!${p.dir}/far /n/far
      bind -a /n/far/loop /loop
      /auth/ctl key proto=pass service=ppp user=glenda !password=secret
      /loop/clone
      /ppp/clone net none
      /ppp/0/ctl bind /mnt/slashnet/loop/0/data
      /ppp/clone net none
      /ppp/1/ctl role server
      /ppp/1/ctl local 10.0.0.1
      /ppp/1/ctl remote 10.0.0.2
      /ppp/1/ctl bind /net/loop/0/data1
      /ppp/1/ctl announce
      /ppp/0/ctl connect
    `;
    writeFileSync(join(p.dir, 'profile'), text);
    const d = await p.serve(['--bare', '--profile', join(p.dir, 'profile')]);
    assert.match(await p.ok('slashnet cat /ppp/0/status'), /^Opened .* local 10\.0\.0\.2 /);
    assert.equal(
      await p.ok('slashnet ns'),
      `alias /net\nalias /mnt/slashnet\nmount unix!${p.dir}/far /n/far\nbind -a /n/far/loop /loop\n`,
    );
    assert.match(
      await p.ok('slashnet ls /loop /n/far/loop'),
      /^\/loop\/clone\n(.*\n)*\/n\/far\/loop\/clone\n/m,
    );
    clean(await d.term());
    writeFileSync(join(p.dir, 'bad'), 'load auth\n\n  /auth/ctl frob !password=secret\n');
    await assert.rejects(p.serve(['--bare', '--profile', join(p.dir, 'bad')]), (e: Error) => {
      assert.match(e.message, /bad:3: unknown verb/);
      assert.doesNotMatch(e.message, /secret/);
      return true;
    });
    clean(await far.term());
  }),
);

test('serve --stdio speaks 9P there, and ends with its input', { timeout: 500_000 }, () =>
  withPlace({}, async (p) => {
    const d = p.start([process.execPath, bin, 'serve', '--stdio', '--bare', '--load', 'loop']);
    const { stdin, stdout } = d.child;
    assert.ok(stdin !== null && stdout !== null);
    stdout.removeAllListeners('data');
    const { Duplex } = await import('node:stream');
    const m = await mount(Duplex.from({ writable: stdin, readable: stdout }));
    assert.match(await m.readText('/version'), /^slashnet /);
    assert.equal(await m.readText('/loop/clone'), '0');
    await assert.rejects(m.writeFile('/loop/0/ctl', 'frob'), /unknown control message: frob/);
    m.close();
    stdin.end();
    clean(await within('the end', d.ended));
  }),
);

test(
  '--listen tcp needs --insecure; then a name that is given is believed',
  { timeout: 500_000 },
  () =>
    withPlace({}, async (p) => {
      const any = 'tcp!127.0.0.1!0';
      await assert.rejects(
        p.serve(['--bare', '--listen', any]),
        /anybody could connect: --auth demands a proof/,
      );
      const d = await p.serve(['--bare', '--load', 'loop', '--listen', any, '--insecure']);
      const tcp = await listening(d, 'tcp');
      assert.match(await p.ok(`slashnet -a '${tcp}' cat /version`), /^slashnet /);
      const one = await p.ok("slashnet cat /loop/clone; slashnet ls -l /loop/0 | grep -c 'rw'");
      assert.match(one, /^0/);
      clean(await d.term());
    }),
);
