/** @9p/lib9p as others have it: packed alone, installed in a folder of nothing, and the two
 *  programs of its README compiled against its types and run. */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const lib = join(root, 'lib/lib9p');

/** The blocks of TypeScript in the README, in their order. */
function programs(): readonly string[] {
  const text = readFileSync(join(lib, 'README.md'), 'utf8');
  return [...text.matchAll(/^```ts\n(.*?)^```$/gms)].map((m) => m[1] as string);
}

function run(command: string, args: readonly string[], cwd: string): string {
  return execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

const settings = {
  compilerOptions: {
    strict: true,
    module: 'nodenext',
    target: 'es2022',
    types: ['node'],
    skipLibCheck: false,
    noEmit: false,
    outDir: 'out',
  },
  files: ['server.ts', 'client.ts'],
};

test('packed alone it installs, is typed, and serves what its README shows', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'lib9p-'));
  try {
    const [tarball = ''] = run('npm', ['pack', '--silent', '--pack-destination', dir], lib).split(
      '\n',
    );
    const home = join(dir, 'app');
    mkdirSync(home);
    writeFileSync(join(home, 'package.json'), '{ "type": "module", "private": true }\n');
    const quiet = ['--silent', '--offline', '--no-audit', '--no-fund'];
    run('npm', ['install', ...quiet, join(dir, tarball)], home);
    const tree = run('npm', ['ls', '--all', '--parseable'], home).trim().split('\n');
    assert.deepEqual(tree, [home, join(home, 'node_modules/@9p/lib9p')]);

    const [server = '', client = ''] = programs().map((p) =>
      p.replaceAll('/tmp/hello', join(dir, 'sock')),
    );
    writeFileSync(join(home, 'server.ts'), server);
    writeFileSync(join(home, 'client.ts'), client);
    writeFileSync(join(home, 'tsconfig.json'), JSON.stringify(settings));
    mkdirSync(join(home, 'node_modules/@types'));
    symlinkSync(join(root, 'node_modules/@types/node'), join(home, 'node_modules/@types/node'));
    symlinkSync(join(root, 'node_modules/undici-types'), join(home, 'node_modules/undici-types'));
    run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', '.'], home);

    const serving = spawn(process.execPath, ['out/server.js'], { cwd: home });
    try {
      const [said] = await once(serving.stdout, 'data');
      assert.equal(String(said), `serving unix!${join(dir, 'sock')}\n`);
      const got = run(process.execPath, ['out/client.js'], home);
      assert.equal(got, "hello, glenda\n\n[ 'readme' ]\n");
    } finally {
      serving.kill();
    }
    // A module that exports a `then` cannot be awaited.
    run(process.execPath, ['--input-type=module', '-e', "await import('@9p/lib9p')"], home);
    const used = server.split('\n').filter((l) => l !== '').length;
    assert.ok(used <= 20, `the server of the README has ${used} lines`);
  } finally {
    rmSync(dir, { recursive: true });
  }
});
