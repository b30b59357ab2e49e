// Compiles the addon: `node install.mjs`, or build() from a set-up script. It never fails: without
// a compiler everything runs that needs no packets of its own, and build/why.txt says why: a line
// for each attempt.
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const native = join(here, 'native');
const out = join(here, 'build');
const addon = join(out, 'rawio.node');
const why = join(out, 'why.txt');
const flags = ['-std=gnu11', '-D_GNU_SOURCE', '-O3', '-shared', '-fPIC', '-fvisibility=hidden'];

const sources = () => readdirSync(native).filter((name) => /\.[ch]$/.test(name));
const modified = (path) => statSync(path).mtimeMs;

function upToDate() {
  if (!existsSync(addon)) return false;
  return sources().every((name) => modified(join(native, name)) <= modified(addon));
}

/** Where node_api.h and uv.h are: with the node that runs this, or where a distribution goes. */
function headers() {
  const prefix = dirname(dirname(process.execPath));
  const places = [join(prefix, 'include/node'), '/usr/include/node', '/usr/local/include/node'];
  const found = places.find((dir) => existsSync(join(dir, 'node_api.h')));
  if (found === undefined) throw new Error(`no node_api.h in ${places.join(', ')}`);
  return found;
}

const limit_ms = 120_000;

/** Of all that a compiler says, its first error is what matters. */
function run(command, args) {
  const options = { cwd: native, encoding: 'utf8', timeout: limit_ms };
  const { error, status, stderr } = spawnSync(command, args, options);
  if (error?.code === 'ENOENT') throw new Error(`no ${command} here`);
  if (error) throw error;
  const said = stderr.split('\n').find((line) => /error/i.test(line));
  if (status !== 0) throw new Error(said ?? `${command} failed`);
}

/** Under another name first, so that nobody ever loads half a file. */
function compile() {
  const temporary = `${addon}.${process.pid}`;
  const files = sources().filter((name) => name.endsWith('.c'));
  try {
    run(process.env.CC ?? 'cc', [...flags, `-I${headers()}`, '-o', temporary, ...files]);
    renameSync(temporary, addon);
  } finally {
    rmSync(temporary, { force: true });
  }
}

/** The one npm runs with, or the one inside the npm that came with node. */
function nodeGyp() {
  const bundled = 'lib/node_modules/npm/node_modules/node-gyp/bin/node-gyp.js';
  return process.env.npm_config_node_gyp ?? join(dirname(dirname(process.execPath)), bundled);
}

/** Fetches the headers that are not here; slower, and needs python. */
function compileByGyp() {
  if (!existsSync(nodeGyp())) throw new Error('no node-gyp here');
  run(process.execPath, [nodeGyp(), 'rebuild', '--directory', native]);
  renameSync(join(native, 'build/Release/rawio.node'), addon);
}

/** Builds what is not built; undefined, or why it could not. */
export function build() {
  if (process.platform !== 'linux') return 'only Linux has what it is made for';
  mkdirSync(out, { recursive: true });
  if (upToDate()) return undefined;
  const reasons = [];
  for (const attempt of [compile, compileByGyp]) {
    try {
      attempt();
      rmSync(why, { force: true });
      return undefined;
    } catch (error) {
      reasons.push(error.message.split('\n')[0]);
    }
  }
  writeFileSync(why, `${reasons.join('\n')}\n`);
  return reasons[0];
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const failed = build();
  if (failed !== undefined) console.error(`rawio is not built: ${failed}`);
}
