/** The texts of uart(3): the letters of ctl, and status. */
import { refuse } from 'slashnet/core';

export type Parity = 'none' | 'even' | 'odd';

export interface Settings {
  /** b */
  baud: number;
  /** l */
  bits: 5 | 6 | 7 | 8;
  /** p */
  parity: Parity;
  /** s */
  stop: 1 | 2;
  /** m: CTS stops output, RTS the other end's. */
  rtscts: boolean;
  /** x: XOFF and XON do. */
  xonxoff: boolean;
  /** d */
  dtr: boolean;
  /** r */
  rts: boolean;
  /** c, e: hang up when the line falls. */
  onDcd: boolean;
  onDsr: boolean;
  /** n: what finds the output full is dropped. */
  nonblocking: boolean;
  /** q: bytes that wait, each way. */
  queue: number;
  /** i: the FIFO's level, which Linux decides; shown as it was written. */
  fifo: number;
}

export const defaults = (): Settings => ({
  baud: 9600,
  bits: 8,
  parity: 'none',
  stop: 1,
  rtscts: false,
  xonxoff: false,
  dtr: true,
  rts: true,
  onDcd: false,
  onDsr: false,
  nonblocking: false,
  queue: 64 * 1024,
  fifo: 1,
});

/** What is done beside setting something. */
export type Action =
  | { do: 'set'; set: Partial<Settings> }
  | { do: 'break'; ms: number }
  | { do: 'flush' }
  | { do: 'hangup' }
  | { do: 'connect' };

/** Of `break`, and of `k` without a time. */
const break_ms = 200;
const words_max = 64;

interface Letter {
  /** What a number may be; a letter without has none. */
  readonly range?: readonly [min: number, max: number];
  readonly of: string;
  make(n: number): Action;
}

const set = (s: Partial<Settings>): Action => ({ do: 'set', set: s });
const flag = (of: string, make: (on: boolean) => Partial<Settings>): Letter => ({
  range: [0, 1_000_000],
  of,
  make: (n) => set(make(n !== 0)),
});

const letters: Readonly<Record<string, Letter>> = {
  b: { range: [50, 4_000_000], of: 'baud rate', make: (baud) => set({ baud }) },
  c: flag('hang up on DCD', (onDcd) => ({ onDcd })),
  d: flag('DTR', (dtr) => ({ dtr })),
  e: flag('hang up on DSR', (onDsr) => ({ onDsr })),
  f: { of: 'flush', make: () => ({ do: 'flush' }) },
  h: { of: 'hang up', make: () => ({ do: 'hangup' }) },
  i: { range: [0, 256], of: 'FIFO level', make: (fifo) => set({ fifo }) },
  k: {
    range: [0, 10_000],
    of: 'break, in ms',
    make: (ms) => ({ do: 'break', ms: ms === 0 ? break_ms : ms }),
  },
  l: { range: [5, 8], of: 'bits', make: (n) => set({ bits: n as Settings['bits'] }) },
  m: flag('CTS and RTS', (rtscts) => ({ rtscts })),
  n: flag('writes do not wait', (nonblocking) => ({ nonblocking })),
  q: { range: [0, 1024 * 1024], of: 'queue, in bytes', make: (queue) => set({ queue }) },
  r: flag('RTS', (rts) => ({ rts })),
  s: { range: [1, 2], of: 'stop bits', make: (n) => set({ stop: n as Settings['stop'] }) },
  // There is no clock that would be set: the kernel tells of each byte.
  w: { range: [1, 1_000_000], of: 'clock, in 100 us', make: () => set({}) },
  x: flag('XON and XOFF', (xonxoff) => ({ xonxoff })),
};

const words: ReadonlyMap<string, Action> = new Map([
  ['break', { do: 'break', ms: break_ms }],
  ['hangup', { do: 'hangup' }],
  ['connect', { do: 'connect' }],
]);

const bad = (why: string): Error => refuse(`bad arg in system call: ${why}`);

function parseWord(word: string): Action {
  const w = word.toLowerCase();
  const whole = words.get(w);
  if (whole !== undefined) return whole;
  const first = w.charAt(0);
  if (first === 'p') return set({ parity: parityOf(w) });
  const letter = letters[first];
  const shown = word.slice(0, 20);
  if (letter === undefined)
    throw bad(`'${shown}': it takes b c d e f h i k l m n p q r s w x and break`);
  const text = w.slice(1);
  if (letter.range === undefined && text === '') return letter.make(0);
  const [min, max] = letter.range ?? [0, 0];
  // Plan 9's manual has `n` alone, its driver wants a number.
  const n = w === 'n' ? 1 : w === 'k' ? 0 : /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (!(n >= min && n <= max))
    throw bad(`'${shown}': ${letter.of}: ${first}${min} to ${first}${max}`);
  return letter.make(n);
}

/** Even, odd, anything else none, as uart(3) has it. */
const parityOf = (w: string): Parity =>
  w.charAt(1) === 'e' ? 'even' : w.charAt(1) === 'o' ? 'odd' : 'none';

/** What one write says, whole before any of it is done. */
export function parseCtl(message: string): readonly Action[] {
  const said = message.split(/\s+/).filter((w) => w !== '');
  if (said.length > words_max) throw bad(`more than ${words_max} words`);
  return said.map(parseWord);
}

/** Modem lines as they are; a pty has none. */
export interface ModemLines {
  readonly cts: boolean;
  readonly dsr: boolean;
  readonly dcd: boolean;
}

export interface Figures {
  readonly dev: number;
  readonly path: string;
  readonly open: boolean;
  readonly up: boolean;
  /** Bytes. */
  readonly in: number;
  readonly out: number;
  readonly queued: number;
  /** What came in and found no room. */
  readonly lost: number;
  readonly counters: string;
}

/** The two lines of Plan 9's driver, then ours. */
export function statusText(s: Settings, f: Figures, lines: ModemLines | undefined): string {
  const bit = (b: boolean): number => (b ? 1 : 0);
  const first =
    `b${s.baud} c${bit(s.onDcd)} d${bit(s.dtr)} e${bit(s.onDsr)} l${s.bits} m${bit(s.rtscts)} ` +
    `p${s.parity.charAt(0)} r${bit(s.rts)} s${s.stop} i${s.fifo}\n`;
  const high = lines === undefined ? [] : (['cts', 'dsr', 'dcd'] as const).filter((l) => lines[l]);
  const second =
    `dev(${f.dev}) type(0) framing(0) overruns(0) berr(${f.lost}) serr(0)` +
    `${high.map((l) => ` ${l}`).join('')}\n`;
  const state = f.up ? 'up' : f.open ? 'hungup' : 'closed';
  const third =
    `${f.path} ${state} in ${f.in} out ${f.out} queued ${f.queued} ` +
    `n${bit(s.nonblocking)} q${s.queue} x${bit(s.xonxoff)}\n`;
  return first + second + third + f.counters;
}
