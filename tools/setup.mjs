/** Brings a checkout to where it can run: packages, native code, compiled TypeScript. Quiet if
 *  all is there. Plain JavaScript without dependencies, because it runs before there are any. */
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, realpathSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
const node_min = 20;
/** A step that takes longer than this says what it is. */
const quiet_ms = 700;

const say = (text) => process.stderr.write(`setup: ${text}\n`);

/** Runs `command args` in the checkout; `about` is printed if it
 *  takes long, its output if it fails. */
function step(about, command, args) {
  return new Promise((done) => {
    const started = performance.now();
    let told = false;
    const timer = setTimeout(() => {
      told = true;
      say(`${about} …`);
    }, quiet_ms);
    let output = '';
    const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
    const collect = (chunk) => {
      output += chunk;
    };
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    const end = (ok, why) => {
      clearTimeout(timer);
      const seconds = ((performance.now() - started) / 1000).toFixed(1);
      if (ok && told) say(`${about}: ${seconds} s`);
      done({ ok, output: why === undefined ? output : `${output}${why}\n` });
    };
    child.on('error', (e) => end(false, String(e.message)));
    child.on('close', (code) => end(code === 0));
  });
}

const readJson = (path) => {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
};

/** Says why what is installed is not what package-lock.json asks for; undefined if it is. npm
 *  writes the hidden lock file last, so an interrupted install has none. */
function whyInstall() {
  const installed = readJson(join(root, 'node_modules/.package-lock.json'))?.packages;
  if (installed === undefined) return 'no node_modules';
  const wanted = readJson(join(root, 'package-lock.json'))?.packages ?? {};
  for (const [path, want] of Object.entries(wanted)) {
    if (!path.startsWith('node_modules/')) continue;
    const have = installed[path];
    if (have === undefined && (want.optional || want.peer)) continue;
    if (have === undefined || have.version !== want.version || have.resolved !== want.resolved)
      return `${path.slice('node_modules/'.length)} is not as in package-lock.json`;
  }
  return undefined;
}

async function install() {
  const why = whyInstall();
  if (why === undefined) return true;
  say(`npm ci (${why}); this takes some ten seconds, more on a slow network`);
  const args = ['ci', '--no-audit', '--no-fund', '--loglevel=error'];
  const npm = process.env.npm_execpath;
  const r = npm?.endsWith('.js')
    ? await step('npm ci', process.execPath, [npm, ...args])
    : await step('npm ci', 'npm', args);
  if (!r.ok) say(`npm ci failed:\n${r.output}`);
  return r.ok;
}

/** The one part written in C. Without it the layers that need it say so when they are used. */
async function native() {
  const script = join(root, 'lib/rawio/install.mjs');
  if (!existsSync(script)) return;
  const r = await step('compiling lib/rawio (C)', process.execPath, [script]);
  if (!r.ok) say(`lib/rawio is not built, and the layers on raw devices will say so:\n${r.output}`);
}

/** Each folder of sources with the folder that tsc makes of it. */
function projects() {
  const of = (dir, sources, out) => ({ dir, sources, out: join(dir, out) });
  const libs = readdirSync(join(root, 'lib'), { withFileTypes: true });
  return [
    of(root, ['src', 'plugins', 'srv', 'test', 'bench'], 'dist'),
    ...libs
      .filter((d) => d.isDirectory())
      .map((d) => of(join(root, 'lib', d.name), ['src'], 'dist')),
  ];
}

function filesIn(dir) {
  if (!existsSync(dir)) return [];
  return readdirSync(dir, { withFileTypes: true }).flatMap((e) => {
    const path = join(dir, e.name);
    if (e.name === 'node_modules') return [];
    return e.isDirectory() ? filesIn(path) : [path];
  });
}

/** The compiled files of sources that are gone: else a test that was removed would still run. */
function removeOrphans() {
  for (const { dir, out } of projects()) {
    const base = dir === root ? dir : join(dir, 'src');
    for (const file of filesIn(out)) {
      const stem = file.match(/^(.*?)(\.d\.ts|\.js)(\.map)?$/)?.[1];
      if (stem === undefined) continue;
      if (!existsSync(`${base}${stem.slice(out.length)}.ts`)) rmSync(file);
    }
  }
}

/** tsc believes its own record of what it has written: where a file of
 *  it was deleted, that is wrong. */
function forgetDamaged() {
  for (const { dir, sources, out } of projects()) {
    const base = dir === root ? dir : join(dir, 'src');
    const lacking = sources
      .flatMap((s) => filesIn(join(dir, s)))
      .filter((f) => f.endsWith('.ts') && !f.endsWith('.d.ts'))
      .find((f) => !existsSync(`${out}${f.slice(base.length, -3)}.js`));
    if (lacking !== undefined) rmSync(join(out, '.tsbuildinfo'), { force: true });
  }
}

async function compile() {
  forgetDamaged();
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  const r = await step('compiling TypeScript', process.execPath, [tsc, '-b']);
  removeOrphans();
  if (!r.ok) say(`does not compile:\n${r.output}`);
  return r.ok;
}

/** True if the checkout is ready to run. */
export async function setup() {
  if (Number(process.versions.node.split('.')[0]) < node_min) {
    say(`needs Node ${node_min} or later, this is ${process.version}`);
    return false;
  }
  if (!(await install())) return false;
  await native();
  return compile();
}

export const isMain = (url) =>
  process.argv[1] !== undefined &&
  statSync(process.argv[1], { throwIfNoEntry: false }) !== undefined &&
  realpathSync(process.argv[1]) === fileURLToPath(url);

if (isMain(import.meta.url)) process.exitCode = (await setup()) ? 0 : 1;
