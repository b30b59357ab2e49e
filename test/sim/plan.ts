/** What one seed of the simulation is: the options of both ends, who
 *  calls, and what the wire does. */
import { SeededRandom } from '../kit/index.js';
import { type EndOptions, ends, lines } from './options.js';

export interface Plan {
  readonly seed: number;
  readonly client: EndOptions;
  readonly server: EndOptions;
  /** Their ctl messages. */
  readonly ctl: { readonly client: readonly string[]; readonly server: readonly string[] };
  /** Who writes connect; the others announce. */
  readonly callers: readonly ('client' | 'server')[];
  /** The server is at the near end of the wire. */
  readonly serverNear: boolean;
  readonly bytes: boolean;
  /** Control messages to loop. */
  readonly faults: readonly string[];
  /** How long the wire stays bad after both ends came up. */
  readonly bad_ms: number;
  /** And then dead, for about as long as the keepalive, so that one end is down or both; 0: not. */
  readonly dead_ms: number;
  /** The longest that an end believes in a peer that is gone. */
  readonly keepalive_ms: number;
}

const faults_pct = 20;
const rates_bps = ['64k', '1M', '0', '0'] as const;

/** Each up to its limit. On bytes a lost chunk harms two frames, and cut anew more than that. */
function direction(r: SeededRandom, d: 'up' | 'down', bytes: boolean): string[] {
  const chunk = bytes && r.chance(50) ? 20 + r.below(200) : 0;
  const loss_pct = r.below(faults_pct + 1) / (chunk > 0 ? 4 : bytes ? 2 : 1);
  return [
    `${d} loss ${loss_pct}%`,
    `${d} dup ${r.below(faults_pct + 1)}%`,
    `${d} reorder ${r.below(faults_pct + 1)}% ${1 + r.below(3)}`,
    `${d} delay ${r.below(400)}ms`,
    `${d} jitter ${r.below(200)}ms`,
    `${d} rate ${r.pick(rates_bps)}`,
    ...(bytes ? [`${d} corrupt ${r.below(3)}%`, `${d} chunk ${chunk}`] : []),
  ];
}

export function planOf(seed: number): Plan {
  const r = new SeededRandom(seed);
  const bytes = r.chance(35);
  const [interval_s, failures] = [2 + r.below(4), 3 + r.below(3)];
  // Both have the same keepalive, so that the test knows it.
  const adaptive = r.chance(50);
  const echo = `echo ${interval_s} ${failures} ${adaptive ? 'adaptive' : 'always'}`;
  const same = [echo, 'redial 100'];
  const { client, server } = ends(r, bytes);
  return {
    seed,
    client,
    server,
    ctl: { client: [...lines(client), ...same], server: [...lines(server), ...same] },
    callers: r.pick([['client'], ['client'], ['server'], ['client', 'server']] as const),
    serverNear: r.chance(50),
    bytes,
    faults: [...direction(r, 'up', bytes), ...direction(r, 'down', bytes)],
    bad_ms: r.below(60_000),
    dead_ms: r.chance(50) ? r.below(1200 * interval_s * (failures + 2)) : 0,
    // an interval in which something came sends no adaptive echo
    keepalive_ms: interval_s * 1000 * (failures + (adaptive ? 2 : 1)),
  };
}
