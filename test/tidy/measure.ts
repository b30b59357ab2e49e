/** Prints the size of the code, folder by folder: node dist/test/tidy/measure.js */
import { quantile, zoneOf } from './rules.js';
import { projectSources, type Source } from './source.js';

const percent = (part: number, whole: number) => `${Math.round((100 * part) / (whole || 1))}`;
const isComment = (line: string) => /^\s*(\/\/|\/?\*)/.test(line);

function row(name: string, sources: readonly Source[]): string {
  const lines = sources.flatMap((s) => s.lines.filter((l) => l.trim() !== ''));
  const fns = sources.flatMap((s) => s.functions.map((f) => f.lines));
  const longest = Math.max(0, ...fns);
  const cells = [
    sources.length,
    lines.length,
    quantile(
      sources.map((s) => s.lines.length - 1),
      0.5,
    ),
    fns.length,
    quantile(fns, 0.5),
    quantile(fns, 0.9),
    longest,
    percent(lines.filter(isComment).length, lines.length),
  ];
  return name.padEnd(18) + cells.map((c) => String(c).padStart(9)).join('');
}

const sources = projectSources();
const zones = new Map<string, Source[]>();
for (const s of sources) {
  const zone = zoneOf(s.path);
  const list = zones.get(zone) ?? [];
  list.push(s);
  zones.set(zone, list);
}
const titles = ['files', 'lines', 'file med', 'functions', 'median', 'p90', 'longest', 'comment%'];
console.log(' '.repeat(18) + titles.map((t) => t.padStart(9)).join(''));
for (const [zone, list] of [...zones].sort()) console.log(row(zone, list));
console.log(row('all', sources));
