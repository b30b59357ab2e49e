/** What the tests of golden packets share. */
import { readFileSync } from 'node:fs';
import { Packet } from '@9p/packet';
import { bytes } from '../kit/index.js';

/** In the midst of noise, with room on both sides. */
export const packetOf = (b: Uint8Array): Packet => {
  const buf = new Uint8Array(b.length + 400).fill(0xa5);
  buf.set(b, 200);
  return new Packet(buf, 0, 200, 200 + b.length, buf.length, false);
};

const folder = new URL('../../../test/golden/ppp/', import.meta.url);

/** `skip n` has no bytes, and `case` words after it. */
export interface GoldenLine {
  readonly word: string;
  readonly rest: string;
  readonly b: Uint8Array;
}

/** The lines of a golden file, those that go on joined, without comments. */
export function goldenLines(file: string): GoldenLine[] {
  const text = readFileSync(new URL(file, folder), 'utf8');
  const rows = text
    .replace(/^#.*\n/gm, '')
    .replace(/\n {6}/g, ' ')
    .split('\n');
  return rows
    .filter((row) => row !== '')
    .map((row) => {
      const [, word = '', rest = ''] = row.match(/^(\S+) *(.*)$/) ?? [];
      const isBytes = word !== 'case' && word !== 'skip';
      return { word, rest, b: bytes(isBytes ? rest : '') };
    });
}

/** And by case. */
export function goldenCases(file: string): { name: string; lines: GoldenLine[] }[] {
  const out: { name: string; lines: GoldenLine[] }[] = [];
  for (const line of goldenLines(file)) {
    if (line.word === 'case') out.push({ name: line.rest, lines: [] });
    else out.at(-1)?.lines.push(line);
  }
  return out;
}
