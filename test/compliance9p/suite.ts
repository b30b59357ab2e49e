/** All checks, and the run of them against one server. */
import { type Check, parseChecks, spokenIn } from './check.js';
import { flush, remove, stat, wstat } from './checks/change.js';
import { create, open, walk } from './checks/files.js';
import { attach, auth, error, intro, version } from './checks/intro.js';
import { clunk, read, write } from './checks/io.js';
import { linux, unix } from './checks/linux.js';
import { fixtureNames, prepare } from './fixture.js';
import { type RunOptions, run } from './runner.js';

const texts = [
  ...[intro, error, version, auth, attach, walk, open, create],
  ...[read, write, clunk, remove, stat, wstat, flush, unix, linux],
];

export const checks: readonly Check[] = texts.flatMap((text) => parseChecks(text, fixtureNames));

/** What section 5 says of 9P2000 is as true of 9P2000.u, but for how one comes to speak it. */
export const inUnix: readonly Check[] = checks
  .filter((c) => c.dialect === '' && !['version', 'u', 'L'].includes(c.section))
  .map((c) => spokenIn('9P2000.u', c));

export interface Result {
  readonly check: Check;
  readonly verdict: 'ok' | 'not ok' | 'skip';
  /** What the server did instead, or what it lacks. */
  readonly why: string;
}

/** One check after the other. */
export async function* runSuite(
  options: RunOptions,
  wanted: readonly Check[] = checks,
): AsyncGenerator<Result> {
  const lacks = await prepare({ ...options, segments: 'whole' });
  for (const check of wanted) {
    const lack = check.needs.find((name) => lacks.has(name));
    if (lack !== undefined) yield { check, verdict: 'skip', why: `no ${lack}: ${lacks.get(lack)}` };
    else {
      const why = await run(check, options);
      yield { check, verdict: why === undefined ? 'ok' : 'not ok', why: why ?? '' };
    }
  }
}

export function line({ check, verdict, why }: Result): string {
  const text = `${verdict} ${check.number} ${check.section}: ${check.claim}`;
  return why === '' ? text : `${text}\n    ${why}`;
}
