/** What an end of the simulation is told by ctl, drawn at random: each option of docs/ppp.md on and
 *  off. Those that decide whether the link comes up are fields, which the oracle reads. */
import type { SeededRandom } from '../kit/index.js';

export const methods = ['pap', 'chap', 'mschap', 'mschapv2'] as const;
export type Method = (typeof methods)[number];
/** Of a hundred, how many have addresses at odds. */
const odd_pct = 0;

export interface EndOptions {
  readonly server: boolean;
  /** A server's: what it demands. A client's: what it agrees to. */
  readonly methods: readonly Method[];
  /** A server that lets anybody in. */
  readonly noauth: boolean;
  /** A client's: who it says it is. */
  readonly user: 'glenda' | 'mallory';
  readonly ip: boolean;
  readonly ipv6: boolean;
  readonly local: string | undefined;
  readonly remote: string | undefined;
  readonly dns: readonly string[] | undefined;
  readonly mru: number | undefined;
  readonly magic: boolean;
  readonly pfc: boolean;
  readonly acfc: boolean;
  readonly accm: string | undefined;
  /** Slots that it asks for; 0: no compression of headers. */
  readonly vj: number;
  /** Those that no other end can tell apart. */
  readonly more: readonly string[];
}

const serverAddress = '10.9.0.1';
const clientAddress = '10.9.0.2';
const elsewhere = '10.9.0.77';

/** Some of them in any order, more than none. */
function some<T>(r: SeededRandom, from: readonly T[]): T[] {
  const left = [...from];
  const out: T[] = [];
  const n = 1 + r.below(from.length);
  while (out.length < n) out.push(...left.splice(r.below(left.length), 1));
  return out;
}
const maybe = <T>(r: SeededRandom, pct: number, f: () => T): T | undefined =>
  r.chance(pct) ? f() : undefined;

function links(r: SeededRandom, bytes: boolean) {
  const hex8 = r.u32().toString(16).padStart(8, '0');
  return {
    mru: maybe(r, 50, () => 128 + r.below(1372)),
    magic: !r.chance(20),
    pfc: r.chance(50),
    acfc: r.chance(50),
    accm: maybe(r, bytes ? 50 : 10, () => r.pick(['00000000', 'ffffffff', hex8])),
    vj: r.pick([0, 1, 3, 16, 16, 256]),
    more: [
      ...(bytes || !r.chance(30) ? [] : [r.pick(['address on', 'framing noacfield'])]),
      ...(r.chance(30) ? [`restart ${r.pick(['1000', '3000', '500 4000', '1000 3000'])}`] : []),
      ...(r.chance(20) ? ['passive on'] : []),
      ...(r.chance(20) ? [`lqr ${1 + r.below(20)}`] : []),
      ...(r.chance(20) ? [`maxfailure ${5 + r.below(5)}`] : []),
    ],
  };
}

/** Who knows which address; rarely they are at odds. */
function addresses(r: SeededRandom): { client: Known; server: Known } {
  const odd = r.chance(odd_pct);
  const other = (right: string) => (odd && r.chance(50) ? elsewhere : right);
  const client = {
    local: maybe(r, 40, () => other(clientAddress)),
    remote: maybe(r, 25, () => other(serverAddress)),
  };
  const mustGive = client.local === undefined && !r.chance(6);
  const remote = mustGive || r.chance(40) ? other(clientAddress) : undefined;
  return { client, server: { local: serverAddress, remote } };
}
type Known = Pick<EndOptions, 'local' | 'remote'>;

export function ends(r: SeededRandom, bytes: boolean): { client: EndOptions; server: EndOptions } {
  const known = addresses(r);
  const client: EndOptions = {
    ...links(r, bytes),
    ...known.client,
    server: false,
    methods: r.chance(50) ? methods : some(r, methods),
    noauth: false,
    user: r.chance(5) ? 'mallory' : 'glenda',
    ip: !r.chance(8),
    ipv6: !r.chance(25),
    dns: undefined,
  };
  const server: EndOptions = {
    ...links(r, bytes),
    ...known.server,
    server: true,
    methods: some(r, methods),
    noauth: r.chance(15),
    user: 'glenda',
    ip: !r.chance(8),
    ipv6: !r.chance(25),
    dns: maybe(r, 50, () => ['8.8.8.8', '9.9.9.9'].slice(r.below(2))),
  };
  return { client: oneProtocol(client), server: oneProtocol(server) };
}
/** An end with neither is refused by ctl at once. */
const oneProtocol = (o: EndOptions): EndOptions => (o.ip || o.ipv6 ? o : { ...o, ip: true });

/** The ctl messages. */
export function lines(o: EndOptions): string[] {
  const set = (name: string, v: string | number | undefined) =>
    v === undefined ? [] : [`${name} ${v}`];
  const on = (name: string, v: boolean) => `${name} ${v ? 'on' : 'off'}`;
  return [
    o.server ? 'role server' : `key user=${o.user}`,
    `auth ${o.methods.join(' ')}`,
    ...(o.noauth ? ['noauth'] : []),
    on('ip', o.ip),
    on('ipv6', o.ipv6),
    ...set('local', o.local),
    ...set('remote', o.remote),
    ...set('dns', o.dns?.join(' ')),
    ...set('mru', o.mru),
    on('magic', o.magic),
    on('pfc', o.pfc),
    on('acfc', o.acfc),
    ...set('accm', o.accm),
    `vj ${o.vj === 0 ? 'off' : o.vj}`,
    ...o.more,
  ];
}
