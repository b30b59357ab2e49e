/** The rules of the house over one source or all of them; each answers with its complaints. */
import type { Fn, Import, Source } from './source.js';

export type Complaint = string;

/** Files that may do what is otherwise one file's business; each with the reason. */
export interface Exceptions {
  /** May ask for the time, set timers, or draw chance. */
  readonly clock: Readonly<Record<string, string>>;
  /** May import node:crypto or @9p/crypto. */
  readonly crypto: Readonly<Record<string, string>>;
  /** May be longer than a file should be: tables of a wire format. */
  readonly long: Readonly<Record<string, string>>;
  /** May import srv or plugins, dynamically. */
  readonly compose: Readonly<Record<string, string>>;
}

export const function_lines_max = 70;
/** A test's body, which holds its tables too. */
export const test_lines_max = 180;
export const file_lines_max = 500;
export const test_file_lines_max = 800;
/** Biome holds code to it but for what cannot be broken, tools/reflow.mjs comments. */
export const columns_max = 100;
/** What ends in a long string. */
export const string_columns_max = 120;

const at = (s: Source, line: number, what: string): Complaint => `${s.path}:${line}: ${what}`;

/** What ships, as opposed to tests, benches and tools. */
export const ships = (path: string): boolean => /^(lib|src|plugins|srv)\//.test(path);

/** 'lib/packet', 'core', 'plugins/ppp', 'srv', 'cmd', 'test', 'bench' … */
export function zoneOf(path: string): string {
  const lib = path.match(/^(lib|plugins)\/([^/]+)\//);
  if (lib !== null) return `${lib[1]}/${lib[2]}`;
  return path.match(/^src\/([^/]+)\//)?.[1] ?? path.split('/')[0] ?? '';
}

/** DESIGN: lib <- src/core <- plugins | srv | src/cmd; tests may import all. */
function mayImport(from: string, spec: string): boolean {
  if (spec.startsWith('node:')) return true;
  if (from === 'lib/packet') return false;
  if (from.startsWith('lib/')) return spec === '@9p/packet';
  if (spec.startsWith('@9p/')) return true;
  return spec === 'slashnet/core' && from !== 'core';
}

const isOwnName = (spec: string): boolean =>
  spec.startsWith('node:') || spec.startsWith('@9p/') || spec.startsWith('slashnet/');

/** 'fuse-native', '@scope/name' of what comes from npm; undefined for our own and for Node's. */
export function npmPackage(spec: string): string | undefined {
  if (spec === '' || spec.startsWith('.') || isOwnName(spec)) return undefined;
  return spec.split('/', spec.startsWith('@') ? 2 : 1).join('/');
}

function relativeAllowed(s: Source, i: Import, e: Exceptions): boolean {
  const from = zoneOf(s.path);
  const to = zoneOf(i.file ?? '');
  if (to === from) return true;
  if (to === 'core') return from === 'srv' || from === 'cmd';
  const composes = s.path in e.compose && (to === 'srv' || to.startsWith('plugins/'));
  return composes && i.kind !== 'static';
}

export function importDirection(s: Source, e: Exceptions): Complaint[] {
  if (!ships(s.path)) return [];
  const bad = (i: Import) => {
    if (i.file !== undefined) return !relativeAllowed(s, i, e);
    if (i.spec === '') return !(s.path in e.compose);
    return npmPackage(i.spec) === undefined && !mayImport(zoneOf(s.path), i.spec);
  };
  return s.imports
    .filter(bad)
    .map((i) => at(s, i.line, `may not import '${i.spec || 'a computed name'}'`));
}

/** lib and core stand on nothing from npm; each package elsewhere is one file's business. */
export function npmImports(all: readonly Source[]): Complaint[] {
  const users = new Map<string, Set<string>>();
  const out: Complaint[] = [];
  for (const s of all.filter((x) => ships(x.path))) {
    for (const i of s.imports) {
      const name = npmPackage(i.spec);
      if (name === undefined) continue;
      const zone = zoneOf(s.path);
      if (zone === 'core' || zone.startsWith('lib/')) out.push(at(s, i.line, `imports ${name}`));
      users.set(name, (users.get(name) ?? new Set()).add(s.path));
    }
  }
  for (const [name, files] of users)
    if (files.size > 1) out.push(`${name} is imported by more than one file: ${[...files]}`);
  return out;
}

/** A package with a native or heavy part is imported when it is used,
 *  so that all starts without it. */
export function lazyImports(s: Source, heavy: readonly string[]): Complaint[] {
  return s.imports
    .filter((i) => i.kind === 'static' && heavy.includes(npmPackage(i.spec) ?? ''))
    .map((i) => at(s, i.line, `'${i.spec}' needs await import()`));
}

const sansIo = /(^|\/)(wire|fmt|machine|path|fsm)\.ts$/;
const worldly = [
  ...['Date', 'process', 'console', 'performance', 'setTimeout', 'setInterval', 'setImmediate'],
  ...['queueMicrotask', 'Math.random', 'Buffer.concat', '.readUInt16BE', '.readUInt32BE'],
];

/** Protocols neither see the world nor know the time: they are told. */
export function sansIoFiles(s: Source): Complaint[] {
  if (!ships(s.path) || !sansIo.test(s.path)) return [];
  const names = worldly.filter((n) => s.names.has(n));
  return [
    ...s.imports
      .filter((i) => i.spec.startsWith('node:'))
      .map((i) => at(s, i.line, `imports ${i.spec} in a file without I/O`)),
    ...names.map((n) => at(s, s.names.get(n) ?? 0, `uses ${n} in a file without I/O`)),
  ];
}

const clockNames = [
  ...[
    'Date.now',
    'new Date()',
    'Math.random',
    'performance.now',
    'setTimeout',
    'setInterval',
    'process.hrtime',
  ],
];

export function clockUse(s: Source, e: Exceptions): Complaint[] {
  if (!ships(s.path) || s.path in e.clock) return [];
  const used = clockNames.filter((n) => s.names.has(n));
  const timers = s.imports.filter((i) => i.spec.startsWith('node:timers'));
  return [
    ...used.map((n) => at(s, s.names.get(n) ?? 0, `uses ${n}: ask the clock that you are given`)),
    ...timers.map((i) => at(s, i.line, `imports ${i.spec}: ask the clock that you are given`)),
  ];
}

/** Challenges are answered inside auth: no other layer hashes a secret. */
export function cryptoUse(s: Source, e: Exceptions): Complaint[] {
  if (!ships(s.path) || s.path.startsWith('plugins/auth/') || s.path in e.crypto) return [];
  const web = s.names.get('crypto');
  return [
    ...s.imports
      .filter((i) => ['node:crypto', 'crypto', '@9p/crypto'].includes(i.spec))
      .map((i) => at(s, i.line, `imports ${i.spec} outside plugins/auth`)),
    ...(web === undefined ? [] : [at(s, web, 'uses crypto outside plugins/auth')]),
  ];
}

export function language(s: Source): Complaint[] {
  const out: Complaint[] = [];
  for (const [kind, line] of s.kinds) {
    if (kind !== 'default') out.push(at(s, line, `uses ${kind}`));
    else if (ships(s.path) && !/^plugins\/[^/]+\/plugin\.ts$/.test(s.path))
      out.push(at(s, line, 'has a default export, which only plugin.ts has'));
  }
  return out;
}

/** A test is a story, and a suite a list of them: they are read from top to bottom. */
const isTestBody = (s: Source, f: Fn): boolean => f.top && s.path.endsWith('.test.ts');

export function functionLengths(s: Source): Complaint[] {
  const max = (f: Fn) => (isTestBody(s, f) ? test_lines_max : function_lines_max);
  return s.functions
    .filter((f) => f.lines > max(f))
    .map((f) => at(s, f.line, `${f.name} has ${f.lines} lines, over ${max(f)}`));
}

export function fileLength(s: Source, e: Exceptions): Complaint[] {
  const n = s.lines.length - 1;
  const max = ships(s.path) ? file_lines_max : test_file_lines_max;
  if (n <= max || s.path in e.long) return [];
  return [at(s, n, `has ${n} lines, over ${max}`)];
}

/** A long address or hex dump has no place to break. */
const isComment = /^\s*(\/\/|\/?\*|#)/;
const unbreakable = /https?:\/\/\S{60}|[0-9a-f]{80}/;

export function columns(path: string, lines: readonly string[]): Complaint[] {
  return lines.flatMap((l, i) => {
    const max = /['"`]/.test(l) && !isComment.test(l) ? string_columns_max : columns_max;
    const n = [...l].length;
    return n > max && !unbreakable.test(l) ? [`${path}:${i + 1}: ${n} columns, over ${max}`] : [];
  });
}

/** A file begins with the sentence that says what it is; a list of exports says it itself. */
export function fileHeader(s: Source): Complaint[] {
  if (!ships(s.path) || s.path.endsWith('/index.ts') || s.text.startsWith('/**')) return [];
  return [at(s, 1, 'has no header: /** one sentence, and the RFC */')];
}

const leftovers: readonly (readonly [RegExp, string])[] = [
  [/\b(TODO|FIXME|XXX)\b/, 'unfinished'],
  [/\b(test|it|describe|suite)\.only\b/, 'runs alone'],
  [/\b(test|it|describe|suite)\.(skip|todo)\b/, "use { skip: 'the reason' }"],
  [/\bskip: true\b/, 'skips without a reason'],
  [/\bdebugger\b/, 'left over'],
  [/\bbiome-ignore(?!.*: \S)/, 'says not why'],
  [/@ts-(ignore|nocheck|expect-error)/, 'mend the type'],
];

export function leftoversIn(path: string, lines: readonly string[]): Complaint[] {
  return lines.flatMap((l, i) =>
    leftovers
      .filter(([pattern]) => pattern.test(l))
      .map(([pattern, why]) => `${path}:${i + 1}: ${pattern.exec(l)?.[0]}: ${why}`),
  );
}

/** Shapes of credentials; the words are split so that this list is not found by itself. */
const secrets = [
  new RegExp(`-----BEGIN [A-Z ]*${'PRIVATE'} KEY`),
  new RegExp(`\\b${'AKIA'}[0-9A-Z]{16}\\b`),
  new RegExp(`\\b${'gh'}[pousr]_[A-Za-z0-9]{36}`),
  new RegExp(`\\b${'npm'}_[A-Za-z0-9]{36}\\b`),
  new RegExp(`${'_auth'}Token\\s*=`),
];
const tracked_bytes_max = 256 * 1024;

/** In git: text of a reasonable size, without secrets. */
export function trackedFile(path: string, content: Uint8Array): Complaint[] {
  const text = Buffer.from(content.buffer, content.byteOffset, content.length).toString('latin1');
  const out: Complaint[] = [];
  if (content.includes(0)) out.push(`${path}: is binary`);
  if (content.length > tracked_bytes_max) out.push(`${path}: has ${content.length} bytes`);
  for (const s of secrets) if (s.test(text)) out.push(`${path}: holds what looks like a secret`);
  return out;
}

const shared = new RegExp(`(\\.\\./|/work/)${'shared'}\\b`);

/** Facts were taken over; nothing reads them there, apart from a
 *  bench that says so in its header. */
export function readsShared(path: string, text: string): Complaint[] {
  const lines = text.split('\n');
  const code = lines.filter((l) => !/^\s*(#|\/\/|\/?\*)/.test(l)).join('\n');
  if (!shared.test(code)) return [];
  if (path.startsWith('bench/') && shared.test(lines.slice(0, 12).join('\n'))) return [];
  return [`${path}: reads outside the project: ${shared.exec(code)?.[0]}`];
}

/** The share below which `part` of the sorted numbers lie. */
export function quantile(numbers: readonly number[], part: number): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) * part)] ?? 0;
}
