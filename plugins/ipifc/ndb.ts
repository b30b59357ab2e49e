/** What the network was told about itself, ndb(6): entries of a first
 *  line and indented lines after it. */
import { text, utf8 } from '@9p/packet';
import { type OpenFile, omode, type Qid, refuse } from 'slashnet/core';

/** As 9front's devip.c. */
export const ndb_bytes = 32 * 1024;

/** Each entry, its lines with it; comments and blank lines go with the entry before. */
export function entriesOf(s: string): string[] {
  const out: string[] = [];
  for (const line of s.split('\n')) {
    if (line.trim() === '') continue;
    if (/^[\s#]/.test(line) && out.length > 0) out[out.length - 1] += `${line}\n`;
    else out.push(`${line}\n`);
  }
  return out;
}

/** The first `attr=value`, by which an entry is known. */
const keyOf = (entry: string): string => entry.trimStart().split(/\s/, 1)[0] ?? '';
const isBare = (entry: string): boolean => entry.trim() === keyOf(entry);

/** Each of `added` takes the place of the entry with its key; one
 *  that is nothing else removes it. */
export function merge(old: string, added: string): string {
  const entries = new Map(entriesOf(old).map((e) => [keyOf(e), e]));
  for (const e of entriesOf(added)) {
    if (isBare(e)) entries.delete(keyOf(e));
    else entries.set(keyOf(e), e);
  }
  return [...entries.values()].join('');
}

export class Ndb {
  #text = '';

  get text(): string {
    return this.#text;
  }
  set(s: string): void {
    if (utf8(s).length > ndb_bytes) throw refuse(`ndb too long: over ${ndb_bytes} bytes`);
    this.#text = s;
  }
  open(mode: number, qid: Qid): OpenFile {
    return new NdbFile(this, mode, qid);
  }
}

/** Truncated at open it is replaced by what is written, one write after the
 *  other; else entries are merged. */
class NdbFile implements OpenFile {
  readonly qid: Qid;
  readonly ready = true;
  onready: (() => void) | undefined;
  readonly #ndb: Ndb;
  readonly #replace: boolean;

  constructor(ndb: Ndb, mode: number, qid: Qid) {
    this.qid = qid;
    this.#ndb = ndb;
    this.#replace = (mode & omode.trunc) !== 0;
    if (this.#replace) ndb.set('');
  }
  read(n: number, offset: number): Uint8Array {
    return utf8(this.#ndb.text).subarray(offset, offset + n);
  }
  write(data: Uint8Array): number {
    const s = text(data);
    this.#ndb.set(this.#replace ? this.#ndb.text + s : merge(this.#ndb.text, s));
    return data.length;
  }
  close(): void {}
}
