/** Checks a server by section 5 of the manual:
 *
 *    node dist/test/compliance9p/main.js ADDRESS [--aname X] [--uname X] [--only 12-30]
 *      [--unix] [--ca FILE] [--limit ms]
 *
 *  It makes a directory c9p in the tree, where there is none, and leaves it there. `--unix` asks in
 *  9P2000.u what is said of 9P2000. The address `own` is the tree of the tests, which has all. */
import { readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { parseArgs } from 'node:util';
import { connector, inMemory } from './dial.js';
import { ownServer } from './fixture.js';
import { checks, inUnix, line, runSuite } from './suite.js';

const usage =
  'usage: main.js ADDRESS [--aname X] [--uname X] [--only 12-30,40] [--unix] [--ca FILE] [--limit ms]';

/** `12`, `12-30` or several with commas. */
function chosen(only: string): (n: number) => boolean {
  const ranges = only.split(',').map((range) => {
    const [from, to = from] = range.split('-').map(Number);
    if (from === undefined || Number.isNaN(from) || Number.isNaN(to)) throw new Error(usage);
    return { from, to: to! };
  });
  return (n) => ranges.some((r) => n >= r.from && n <= r.to);
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      aname: { type: 'string', default: '' },
      uname: { type: 'string' },
      only: { type: 'string', default: '0-9999' },
      unix: { type: 'boolean', default: false },
      ca: { type: 'string' },
      limit: { type: 'string', default: '5000' },
    },
  });
  const [address] = positionals;
  if (address === undefined || positionals.length > 1) throw new Error(usage);
  const limit_ms = Number(values.limit);
  if (!(limit_ms > 0 && limit_ms < 1e6)) throw new Error(usage);
  const is = chosen(values.only);
  const own = address === 'own';
  const tls = values.ca === undefined ? {} : { ca: readFileSync(values.ca, 'utf8') };
  const options = {
    connect: own ? inMemory(ownServer()) : connector(address, tls),
    user: values.uname ?? (own ? 'glenda' : userInfo().username),
    aname: values.aname,
    limit_ms,
  };
  (await options.connect()).on('error', () => undefined).destroy();
  const sum = { ok: 0, 'not ok': 0, skip: 0 };
  for await (const result of runSuite(
    options,
    (values.unix ? inUnix : checks).filter((c) => is(c.number)),
  )) {
    sum[result.verdict]++;
    console.log(line(result));
  }
  console.log(`${sum.ok} ok, ${sum['not ok']} not ok, ${sum.skip} skipped`);
  return sum['not ok'] > 0 || sum.ok === 0 ? 1 : 0;
}

try {
  process.exitCode = await main();
} catch (e) {
  console.error(e instanceof Error ? e.message : e);
  process.exitCode = 2;
}
