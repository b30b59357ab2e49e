/** The limits that `serve --limit` sets, by name. */
import {
  defaultGateLimits,
  defaultLimits,
  type GateLimits,
  type Limits,
  max_msize_bytes,
  min_msize_bytes,
} from '@9p/lib9p';
import { Usage } from './command.js';

type Name = keyof Limits | keyof GateLimits;

interface Row {
  readonly of: Name;
  readonly least: number;
  readonly most: number;
}

const most_bytes = 1024 * 1024 * 1024;
const most_things = 1024 * 1024;

/** A message in `queued` must fit, so that who reads is never hung up. */
export const limits: ReadonlyMap<string, Row> = new Map([
  ['msize', { of: 'msize', least: min_msize_bytes, most: max_msize_bytes }],
  ['fids', { of: 'fids', least: 1, most: most_things }],
  ['tags', { of: 'tags', least: 1, most: 65535 }],
  ['ahead', { of: 'ahead_bytes', least: 0, most: most_bytes }],
  ['queued', { of: 'queued_bytes', least: 2 * max_msize_bytes, most: most_bytes }],
  ['connections', { of: 'connections', least: 1, most: most_things }],
  ['address', { of: 'perAddress', least: 1, most: most_things }],
] as const);

const defaults = { ...defaultLimits, ...defaultGateLimits };

/** For --help: each with what it is unless it is set. */
export const limitsHelp = [...limits].map(([name, row]) => `${name}=${defaults[row.of]}`).join(' ');

/** "fids=100" and so on. */
export function limitsOf(specs: readonly string[]): Partial<Limits & GateLimits> {
  const set: Partial<Record<Name, number>> = {};
  for (const spec of specs) {
    const [name = '', text = ''] = spec.split('=');
    const row = limits.get(name);
    if (row === undefined)
      throw new Usage(`no limit '${name}': there are ${[...limits.keys()].join(' ')}`);
    const n = /^\d{1,10}$/.test(text) ? Number(text) : -1;
    if (n < row.least || n > row.most)
      throw new Usage(`bad --limit '${spec}': ${name} from ${row.least} to ${row.most}`);
    set[row.of] = n;
  }
  return set;
}
