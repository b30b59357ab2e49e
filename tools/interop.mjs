/** Runs our stack against real peers: node tools/interop.mjs [--all] [name of a sut]...
 *
 *  Each executable in test/interop/sut is the system under test of one scenario of
 *  test/interop/lab; one in test/interop is a scenario of its own. Lines of its header say
 *  which, and what it can do; the first case is the one that CI runs:
 *      # scenario: pppoe-server.sh
 *      # cases: kernel-chap kernel-pap user-chap
 *      # needs: commands that it wants beside the lab's */
import { spawn, spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { isMain, root } from './setup.mjs';

const interopDir = join(root, 'test/interop');
const labDir = join(interopDir, 'lab');

/** One line, or several that each begin so. */
const header = (text, word) =>
  [...text.matchAll(new RegExp(`^# ${word}:(.*)$`, 'gm'))].map((m) => m[1].trim()).join(' ');

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function executables(dir) {
  if (!existsSync(dir)) return [];
  return readdirSync(dir, { withFileTypes: true })
    .filter((e) => e.isFile() && isExecutable(join(dir, e.name)))
    .map((e) => join(dir, e.name));
}

function describe(path) {
  const text = readFileSync(path, 'utf8');
  const words = (word) => header(text, word).split(/\s+/).filter(Boolean);
  const name = basename(path).replace(/\.sh$/, '');
  const [cases, needs] = [words('cases'), words('needs')];
  return { name, path, scenario: header(text, 'scenario'), cases, needs };
}

/** All systems under test that name a scenario, and the scenarios that need none. */
export function suts() {
  const own = executables(interopDir).map(describe);
  const lab = executables(join(interopDir, 'sut'))
    .map(describe)
    .filter((s) => s.scenario !== '');
  return [
    ...lab.map((s) => ({ ...s, command: join(labDir, s.scenario), env: { SUT_CMD: s.path } })),
    ...own.map((s) => ({ ...s, command: s.path, env: {} })),
  ];
}

const lackingOf = (commands) =>
  commands.filter(
    (c) => spawnSync('sh', ['-c', `PATH=$PATH:/usr/sbin:/sbin command -v ${c}`]).status !== 0,
  );

/** Why the lab cannot run here, or this scenario of it; undefined if it can. */
function whyNot(needs) {
  if (process.getuid?.() !== 0) return 'the lab needs root (network namespaces)';
  const always = ['linux.uml', 'pppd', 'ethtool', 'unshare', 'socat', 'openssl', 'python3'];
  const lacking = lackingOf([...always, ...needs]);
  if (lacking.length > 0) return `no ${lacking.join(', ')}: run test/interop/lab/install.sh`;
  return undefined;
}

/** What a scenario may take before the lab ends it, in seconds: it, and each case. */
const boot_s = 60;
const case_s = 120;

/** One scenario with these cases; its output goes on to ours. */
function scenario(sut, cases) {
  return new Promise((done) => {
    const child = spawn(sut.command, cases, {
      env: { LAB_LIMIT: String(boot_s + case_s * cases.length), ...process.env, ...sut.env },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let output = '';
    child.stdout.on('data', (chunk) => {
      output += chunk;
      process.stdout.write(chunk);
    });
    child.on('error', () => done({ passed: 0, failed: cases.length }));
    child.on('close', () => {
      const passed = (output.match(/^ok /gm) ?? []).length;
      done({ passed, failed: cases.length - passed }); // a case that never printed has failed
    });
  });
}

/** One case of each scenario, or every case that the sut names; returns the totals. */
export async function interop({ every = false, names = [] } = {}) {
  const total = { passed: 0, failed: 0, skipped: 0 };
  for (const sut of suts()) {
    if (names.length > 0 && !names.includes(sut.name)) continue;
    const cases = every ? sut.cases : sut.cases.slice(0, 1);
    if (cases.length === 0) {
      console.log(`interop ${sut.name}: it names no case yet`);
      continue;
    }
    const why = whyNot(sut.needs);
    if (why !== undefined) {
      console.log(`skipped interop ${sut.name}: ${why}`);
      total.skipped += cases.length;
      continue;
    }
    console.log(`interop ${sut.name}: ${cases.join(' ')}`);
    const r = await scenario(sut, cases);
    total.passed += r.passed;
    total.failed += r.failed;
  }
  return total;
}

if (isMain(import.meta.url)) {
  const args = process.argv.slice(2);
  const names = args.filter((a) => !a.startsWith('-'));
  const total = await interop({ every: args.includes('--all'), names });
  console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
  process.exitCode = total.failed > 0 ? 1 : 0;
}
