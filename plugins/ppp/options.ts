/** Configuration Options, RFC 1661 section 6: what we ask, and how we judge what the peer asks. */
import { equal } from '@9p/packet';
import { codes } from './codes.js';
import { emitOptions, type Opt } from './wire.js';

/** Ours to agree, to refuse, to suggest these bytes instead; or a reason to give up the link. */
export type Verdict = 'ack' | 'rej' | Uint8Array | { readonly fail: string };

/** One option of a protocol, both ways. A string that a function
 *  returns is why negotiation must end. */
export interface Option {
  readonly type: number;
  /** Least and most bytes of the value. */
  readonly length: readonly [number, number];
  /** The value for our next Configure-Request; undefined: not asked for. */
  wanted(): Uint8Array | undefined;
  /** The peer agreed to our request; undefined: to one without this option. */
  acked(value: Uint8Array | undefined): void;
  /** The peer would rather have `hint`, perhaps for what we did not ask. */
  naked(hint: Uint8Array): string | undefined;
  /** The peer does not want to talk about it. */
  rejected(): string | undefined;
  /** The peer asks for `value`, whose length is right. */
  judge(value: Uint8Array): Verdict;
  /** The peer keeps to `value` though it was Nak'ed Max-Failure times: why there is no agreement.
   *  Undefined: it is rejected then. */
  insists?(value: Uint8Array): string | undefined;
  /** We agreed to the peer's request; undefined: to one without this option. */
  agreed(value: Uint8Array | undefined): void;
  /** What to suggest for a value of a wrong length; refused if absent. */
  suggest?(): Uint8Array;
  /** What to suggest if the peer's request has it not. */
  missing?(): Uint8Array | undefined;
}

/** Our Configure-Request. */
export function request(options: readonly Option[]): Opt[] {
  const out: Opt[] = [];
  for (const o of options) {
    const value = o.wanted();
    if (value !== undefined) out.push({ type: o.type, value });
  }
  return out;
}

export interface Answer {
  readonly code: number;
  readonly body: Uint8Array;
  /** Give up. */
  readonly fail?: string;
}

function verdict(
  options: readonly Option[],
  seen: ReadonlySet<number>,
  opt: Opt,
  mayNak: boolean,
): Verdict {
  const o = options.find((x) => x.type === opt.type);
  if (o === undefined || seen.has(opt.type)) return 'rej';
  const fits = opt.value.length >= o.length[0] && opt.value.length <= o.length[1];
  const v = fits ? o.judge(opt.value) : (o.suggest?.() ?? 'rej');
  if (!(v instanceof Uint8Array) || mayNak) return v;
  const fail = fits ? o.insists?.(opt.value) : undefined;
  return fail === undefined ? 'rej' : { fail };
}

/**
 * Our answer to the peer's Configure-Request. Rejects go first, alone. With `mayNak` false
 * (Max-Failure is used up) what would be a Nak is a Reject, and nothing is asked for that the peer
 * left out. An option that comes twice is rejected the second time.
 */
export function answer(options: readonly Option[], asked: readonly Opt[], mayNak: boolean): Answer {
  const rejects: Opt[] = [];
  const naks: Opt[] = [];
  const seen = new Set<number>();
  for (const opt of asked) {
    const v = verdict(options, seen, opt, mayNak);
    seen.add(opt.type);
    if (v === 'ack') continue;
    if (v === 'rej') rejects.push(opt);
    else if (v instanceof Uint8Array) naks.push({ type: opt.type, value: v });
    else return { code: codes.confRej, body: emitOptions([opt]), fail: v.fail };
  }
  if (rejects.length > 0) return { code: codes.confRej, body: emitOptions(rejects) };
  if (mayNak) naks.push(...absent(options, seen));
  if (naks.length > 0) return { code: codes.confNak, body: emitOptions(naks) };
  return { code: codes.confAck, body: emitOptions(asked) };
}

function absent(options: readonly Option[], seen: ReadonlySet<number>): Opt[] {
  const out: Opt[] = [];
  for (const o of options) {
    const value = seen.has(o.type) ? undefined : o.missing?.();
    if (value !== undefined) out.push({ type: o.type, value });
  }
  return out;
}

/** What the peer's acknowledged request means, for each option. */
export function agree(options: readonly Option[], asked: readonly Opt[]): void {
  for (const o of options) o.agreed(asked.find((x) => x.type === o.type)?.value.slice());
}

/** Whether each of `some` is in `all`, with the same value: only
 *  such a Configure-Reject is valid. */
export const within = (some: readonly Opt[], all: readonly Opt[]): boolean =>
  some.every((s) => all.some((a) => a.type === s.type && equal(a.value, s.value)));
