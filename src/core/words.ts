/** Words of a control message, by rc's quoting: '…' with '' for a quote inside. */
import { refuse } from './errors.js';

/** Splits a line; an unclosed quote is refused. */
export function words(line: string): string[] {
  const out: string[] = [];
  let word: string | undefined;
  let quoted = false;
  for (let i = 0; i < line.length; i++) {
    const c = line[i] as string;
    if (quoted) {
      if (c !== "'") word += c;
      else if (line[i + 1] === "'") {
        word += c;
        i++;
      } else quoted = false;
    } else if (c === "'") {
      quoted = true;
      word ??= '';
    } else if (/\s/.test(c)) {
      if (word !== undefined) out.push(word);
      word = undefined;
    } else word = (word ?? '') + c;
  }
  if (quoted) throw refuse('unmatched quote');
  if (word !== undefined) out.push(word);
  return out;
}

/** A word as `words` will read it again. */
export const quote = (s: string): string =>
  s === '' || /[\s']/.test(s) ? `'${s.replaceAll("'", "''")}'` : s;

/** The value of a private attribute of auth, which has no place where others can read it: in
 *  arguments, in what a layer is told. */
export const isPrivateValue = (word: string): boolean => /^!.*=/s.test(word);
