/** Wraps comments at 100 columns, which biome leaves as they are: node tools/reflow.mjs FILE...
 *  Touches a block only if a line of it is too long; drawings and lists in it keep their lines. */
import { readFileSync, writeFileSync } from 'node:fs';

const columns = 100;
/** A last line shorter than this is evened out. */
const last_min = 30;

/** Words of `text` in lines of at most `width`. */
function wrap(text, width) {
  const lines = [];
  let line = '';
  for (const word of text.split(/\s+/).filter(Boolean)) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  if (line !== '') lines.push(line);
  return lines;
}

/** As `wrap`, narrower where that spares a last line of a word or two. */
function even(text, width) {
  let lines = wrap(text, width);
  for (let w = width - 1; lines.length > 1 && lines.at(-1).length < last_min; w--) {
    const narrower = wrap(text, w);
    if (narrower.length > lines.length) break;
    lines = narrower;
  }
  return lines;
}

/** Paragraphs: a blank line, an indented line or the dash of a list begins a new one. */
function paragraphs(lines) {
  const out = [];
  let open = false;
  for (const l of lines) {
    const verbatim = l.trim() === '' || /^ {2,}\S|^\||^\s*[-*] /.test(l);
    if (verbatim || !open) out.push({ verbatim, text: l });
    else out[out.length - 1].text += ` ${l.trim()}`;
    open = !verbatim;
  }
  return out;
}

/** A block from its first line with /** to the one with its end. */
function block(lines) {
  const indent = lines[0].match(/^\s*/)[0];
  const inner = lines.map((l) =>
    l
      .trim()
      .replace(/^\/\*\*/, '')
      .replace(/\s*\*\/$/, ''),
  );
  // Text beside the opening mark: the lines below hang by two blanks.
  const opened = inner[0].trim() !== '';
  const hang =
    opened && lines.length > 1 && inner.slice(1).every((l) => l === '' || /^\* {2}|^\*$/.test(l));
  const body = inner.map((l, i) =>
    i === 0 ? l.trim() : l.replace(hang ? /^\* ? ?/ : /^\* ?/, ''),
  );
  if (!opened) body.shift();
  if (body.at(-1)?.trim() === '') body.pop();
  const hanging = opened && (hang || lines.length === 1);
  const margin = hanging ? ' *  ' : ' * ';
  const width = columns - indent.length - margin.length;
  const end = hanging ? ' */'.length : 0;
  const text = paragraphs(body).flatMap((p) => (p.verbatim ? [p.text] : even(p.text, width - end)));
  if (!hanging)
    return ['/**', ...text.map((l) => ` * ${l}`.trimEnd()), ' */'].map((l) => indent + l);
  const out = text.map((l, i) => `${indent}${i === 0 ? '/** ' : margin}${l}`.trimEnd());
  if (out.at(-1).length + 3 <= columns) out.push(`${out.pop()} */`);
  else out.push(`${indent} */`);
  return out;
}

function slashes(lines) {
  const indent = lines[0].match(/^\s*/)[0];
  const body = lines.map((l) => l.trim().replace(/^\/\/ ?/, ''));
  const width = columns - indent.length - 3;
  return paragraphs(body).flatMap((p) =>
    (p.verbatim ? [p.text] : even(p.text, width)).map((l) => `${indent}// ${l}`.trimEnd()),
  );
}

export function reflow(source) {
  const lines = source.split('\n');
  const out = [];
  for (let i = 0; i < lines.length; ) {
    const start = i;
    let make;
    if (/^\s*\/\*\*/.test(lines[i])) {
      while (i < lines.length - 1 && !lines[i].includes('*/')) i++;
      if (lines[i].trimEnd().endsWith('*/')) make = block;
      i++;
    } else if (/^\s*\/\/ /.test(lines[i])) {
      while (i < lines.length && /^\s*\/\/( |$)/.test(lines[i])) i++;
      make = slashes;
    } else i++;
    const part = lines.slice(start, i);
    const long = part.some((l) => [...l].length > columns);
    out.push(...(make !== undefined && long ? make(part) : part));
  }
  return out.join('\n');
}

for (const file of process.argv.slice(2)) {
  const before = readFileSync(file, 'utf8');
  const after = reflow(before);
  if (after === before) continue;
  writeFileSync(file, after);
  console.log(file);
}
