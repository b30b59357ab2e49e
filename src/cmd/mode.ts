/** Modes of files as people write and read them, chmod(1) and ls(1) of Plan 9. */
import { dmdir, qt } from '@9p/lib9p';

/** Append-only, exclusive use, temporary: not a matter of who. */
const special: Readonly<Record<string, number>> = {
  a: qt.append << 24,
  l: qt.excl << 24,
  t: qt.tmp << 24,
};
const permission: Readonly<Record<string, number>> = { r: 0o444, w: 0o222, x: 0o111 };
const whose: Readonly<Record<string, number>> = { u: 0o700, g: 0o070, o: 0o007, a: 0o777 };

const sum = (letters: string, of: Readonly<Record<string, number>>): number =>
  [...letters].reduce((all, c) => all | (of[c] ?? 0), 0);

/** What '644', '+x' or 'u=rw,go-w,+a' make of a mode; undefined if it is none of these. */
export function parseMode(text: string): ((mode: number) => number) | undefined {
  if (/^[0-7]{1,3}$/.test(text)) {
    const to = Number.parseInt(text, 8);
    return (mode) => ((mode & ~0o777) | to) >>> 0;
  }
  const steps = text.split(',').map(step);
  if (steps.includes(undefined)) return undefined;
  return (mode) => steps.reduce((m, f) => f?.(m) ?? m, mode) >>> 0;
}

function step(text: string): ((mode: number) => number) | undefined {
  const [, who = '', op, what = ''] = /^([ugoa]*)([-+=])([rwxalt]*)$/.exec(text) ?? [];
  if (op === undefined) return undefined;
  const mask = sum(who || 'a', whose);
  const bits = (sum(what, permission) & mask) | sum(what, special);
  if (op === '-') return (mode) => mode & ~bits;
  return (mode) => (op === '=' ? mode & ~mask : mode) | bits;
}

const bit = (mode: number, of: number): boolean => (mode & (of << 24)) !== 0;

/** "d-rwxr-xr-x", "alrw-rw----": kind; exclusive or temporary; owner, group, others. */
export function modeText(mode: number): string {
  const three = (n: number): string =>
    `${n & 4 ? 'r' : '-'}${n & 2 ? 'w' : '-'}${n & 1 ? 'x' : '-'}`;
  const kind = mode & dmdir ? 'd' : bit(mode, qt.append) ? 'a' : bit(mode, qt.auth) ? 'A' : '-';
  const use = bit(mode, qt.excl) ? 'l' : bit(mode, qt.tmp) ? 't' : '-';
  return kind + use + three(mode >> 6) + three(mode >> 3) + three(mode);
}
