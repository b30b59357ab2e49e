/** Runs the tests: node tools/test.mjs fast|all [part of a file's name]...
 *
 *  fast  all but *.long.test.ts, with short fuzz runs and few seeds: at most 5 minutes
 *  all   those too, a million fuzz samples a parser, all seeds of the simulator, all interop cases
 *
 *  Tests that need root or a device skip with the reason where they have none. The last line is
 *  `N passed, N failed, N skipped`; the status is 1 if one failed or none ran. */
import { readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { run } from 'node:test';
import { inspect } from 'node:util';
import { interop } from './interop.mjs';
import { root } from './setup.mjs';

const file_ms = { fast: 540_000, all: 1_800_000 };
const settings = {
  fast: {},
  all: { FUZZ_ITERATIONS: '1000000', SIM_SEEDS: '300' },
};

function testFiles(mode, patterns) {
  const libs = readdirSync(join(root, 'lib')).map((l) => join('lib', l, 'dist'));
  const found = ['dist/test', ...libs].flatMap((dir) => {
    try {
      return readdirSync(join(root, dir), { recursive: true }).map((f) => join(dir, f));
    } catch {
      return []; // not compiled
    }
  });
  return found
    .filter((f) => f.endsWith('.test.js') && !f.includes('node_modules'))
    .filter((f) => mode === 'all' || !f.endsWith('.long.test.js'))
    .filter((f) => patterns.length === 0 || patterns.some((p) => f.includes(p)))
    .sort();
}

const shortName = (file) =>
  relative(root, file ?? '')
    .replace(/^dist\/test\//, '')
    .replace(/\.test\.js$/, '');

/** What was printed by a file's tests is shown only where one of them failed. */
function makeReport() {
  const files = new Map();
  const skipped = [];
  /** What happened when no test ran: the runner does not say in which file. */
  const notes = [];
  const of = (file) => {
    let f = files.get(file);
    if (f === undefined) {
      f = { passed: 0, failures: [], skipped: 0, output: '', ms: 0 };
      files.set(file, f);
    }
    return f;
  };
  return {
    files,
    skipped,
    notes,
    output: (e) => {
      of(e.file).output += e.message;
    },
    diagnostic(e) {
      if (/^(Warning|Error)/.test(e.message)) notes.push(e.message);
    },
    result(e, passed) {
      const f = of(e.file);
      if (e.details.type === 'suite' && passed && !e.skip) return;
      if (e.nesting === 0) f.ms += e.details.duration_ms;
      if (e.skip !== undefined && e.skip !== false) {
        if (e.skip === true) f.failures.push({ name: e.name, error: 'skipped without a reason' });
        else {
          f.skipped++;
          skipped.push(`${shortName(e.file)}: ${e.name}: ${e.skip}`);
        }
      } else if (passed || e.todo) f.passed++;
      else if (e.details.error?.failureType !== 'subtestsFailed')
        f.failures.push({ name: e.name, error: e.details.error?.cause ?? e.details.error });
    },
  };
}

function printFile(name, f) {
  const n = `${f.passed} passed${f.skipped > 0 ? `, ${f.skipped} skipped` : ''}`;
  if (f.failures.length === 0) {
    console.log(`ok     ${shortName(name)} (${n}, ${Math.round(f.ms)} ms)`);
    return;
  }
  console.log(`FAILED ${shortName(name)} (${n}, ${f.failures.length} failed)`);
  for (const { name: test, error } of f.failures) {
    const text = typeof error === 'string' ? error : inspect(error, { depth: 4 });
    console.log(`  ✖ ${test}\n${text.replace(/^/gm, '      ')}`);
  }
  if (f.output !== '') console.log(`  what it printed:\n${f.output.replace(/^/gm, '      ')}`);
}

async function unitRun(mode, files) {
  Object.assign(process.env, { ...settings[mode], ...process.env });
  const report = makeReport();
  const stream = run({
    files: files.map((f) => join(root, f)),
    concurrency: 2,
    timeout: file_ms[mode],
  });
  stream.on('test:pass', (e) => report.result(e, true));
  stream.on('test:fail', (e) => report.result(e, false));
  stream.on('test:stdout', report.output);
  stream.on('test:stderr', report.output);
  stream.on('test:diagnostic', report.diagnostic);
  for await (const _ of stream); // until all have ended
  for (const [name, f] of report.files) printFile(name, f);
  for (const n of report.notes) console.log(`note: ${n}`);
  for (const s of report.skipped) console.log(`skipped ${s}`);
  const total = { passed: 0, failed: 0, skipped: 0 };
  for (const f of report.files.values()) {
    total.passed += f.passed;
    total.failed += f.failures.length;
    total.skipped += f.skipped;
  }
  return total;
}

async function main() {
  const [mode = 'fast', ...patterns] = process.argv.slice(2);
  if (!(mode in settings)) {
    console.error('usage: node tools/test.mjs fast|all [part of a file name]...');
    return 2;
  }
  const started = performance.now();
  const files = testFiles(mode, patterns);
  const total = await unitRun(mode, files);
  if (mode === 'all' && patterns.length === 0) {
    const more = await interop({ every: true });
    for (const k of Object.keys(total)) total[k] += more[k];
  }
  if (total.passed + total.failed === 0) console.log('no test ran');
  console.log(`in ${((performance.now() - started) / 1000).toFixed(1)} s`);
  console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
  return total.failed > 0 || total.passed === 0 ? 1 : 0;
}

process.exitCode = await main();
