/** Bytes for fuzzing: pure noise, and mutations of good messages. */
import { SeededRandom } from './random.js';

/** How often a fuzz test goes round: $FUZZ_ITERATIONS, or few, so that the unit run stays fast. */
export function fuzzIterations(few = 2000): number {
  const asked = Number(process.env.FUZZ_ITERATIONS ?? '');
  return Number.isInteger(asked) && asked > 0 ? asked : few;
}

/** The seeds of a simulation: 1 to $SIM_SEEDS, or few; $SIM_SEED
 *  names one alone, to see it again. */
export function seeds(few = 20): number[] {
  const { SIM_SEED, SIM_SEEDS } = process.env;
  if (SIM_SEED !== undefined) return [Number(SIM_SEED)];
  const n = SIM_SEEDS === undefined ? few : Number(SIM_SEEDS);
  return Array.from({ length: n }, (_, i) => i + 1);
}

const length_max = 1600;
/** Values at which length fields and counters go wrong. */
const edges = [0, 1, 2, 3, 4, 5, 0x7d, 0x7e, 0x7f, 0x80, 0xc0, 0xfe, 0xff] as const;

type Mutator = (b: Uint8Array, r: SeededRandom) => Uint8Array;

const at = (b: Uint8Array, r: SeededRandom) => r.below(Math.max(1, b.length));

function edit(b: Uint8Array, change: (copy: Uint8Array) => void): Uint8Array {
  const copy = b.slice();
  if (copy.length > 0) change(copy);
  return copy;
}

function joined(...parts: Uint8Array[]): Uint8Array {
  const all = Buffer.concat(parts);
  return Uint8Array.from(all.subarray(0, length_max));
}

const mutators: readonly Mutator[] = [
  (b, r) => edit(b, (c) => void (c[at(c, r)]! ^= 1 << r.below(8))),
  (b, r) => edit(b, (c) => void (c[at(c, r)] = r.pick(edges))),
  (b, r) => edit(b, (c) => void (c[at(c, r)] = r.u32())),
  (b, r) => edit(b, (c) => void (c[at(c, r)]! += r.below(9) - 4)),
  (b, r) => b.slice(0, at(b, r)), // cut short
  (b, r) => b.slice(at(b, r)), // its head lost
  (b, r) => joined(b, r.bytes(r.below(40))), // padding behind
  (b, r) => joined(b, b.slice(at(b, r))), // a part twice
  (b, r) => {
    const i = at(b, r);
    return joined(b.subarray(0, i), r.bytes(1 + r.below(4)), b.subarray(i));
  },
  (b, r) => {
    const i = at(b, r);
    return joined(b.subarray(0, i), b.subarray(i + 1 + r.below(4)));
  },
];

/**
 * `n` samples that depend on `seed` alone. With a `corpus` of good messages most are those
 * with one to four faults put in (and each good one comes first, as it is); without it
 * they are noise of up to 64 bytes.
 */
export function* samples(
  seed: number,
  n: number,
  corpus: readonly Uint8Array[] = [],
): Generator<Uint8Array> {
  const r = new SeededRandom(seed);
  for (let i = 0; i < n; i++) {
    const good = corpus[i];
    if (good !== undefined) yield good.slice();
    else if (corpus.length === 0 || r.chance(10)) yield r.bytes(r.below(65));
    else yield mutate(r.pick(corpus), r);
  }
}

export function mutate(good: Uint8Array, r: SeededRandom): Uint8Array {
  let b = good;
  for (let faults = 1 + r.below(4); faults > 0; faults--) b = r.pick(mutators)(b, r);
  return b;
}
