/** What an end of the simulation is told by ctl, drawn at random: each option of docs/ppp.md on and
 *  off. Those that decide whether the link comes up are fields, which the oracle reads. */
import type { SeededRandom } from '../kit/index.js';

export type Method = 'pap' | 'chap' | 'mschap' | 'mschapv2' | 'eap';
export const methods: readonly Method[] = ['pap', 'chap', 'mschap', 'mschapv2', 'eap'];
/** Of a hundred, how many have addresses at odds. */
const odd_pct = 6;

export interface EndOptions {
  readonly server: boolean;
  /** A server's: what it demands. A client's: what it agrees to. */
  readonly methods: readonly Method[];
  /** A server that lets anybody in. */
  readonly noauth: boolean;
  /** A client's: what it demands of the server. A server's: what it agrees to. */
  readonly mutual: readonly Method[];
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
  readonly compress: boolean;
  readonly mppe: Mppe;
  /** Those that no other end can tell apart. */
  readonly more: readonly string[];
}

export type Bits = 40 | 56 | 128;
export interface Mppe {
  readonly policy: 'require' | 'prefer' | 'deny';
  readonly bits: readonly Bits[];
  /** The one that must be. */
  readonly state: 'stateless' | 'stateful' | undefined;
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
    compress: r.chance(25),
    mppe: encryption(r),
    vj: r.pick([0, 1, 3, 16, 16, 256]),
    more: [
      ...(bytes || !r.chance(30) ? [] : [r.pick(['address on', 'framing noacfield'])]),
      ...(r.chance(30) ? [`restart ${r.pick(['2000', '3000', '500 4000', '1000 3000'])}`] : []),
      ...(r.chance(20) ? ['passive on'] : []),
      ...(r.chance(20) ? [`rechallenge ${5 + r.below(20)}`] : []),
      ...(r.chance(20) ? [`authtries ${1 + r.below(5)}`] : []),
      ...(r.chance(20) ? [`lqr ${1 + r.below(20)}`] : []),
      ...(r.chance(20) ? [`maxfailure ${5 + r.below(5)}`] : []),
    ],
  };
}

function encryption(r: SeededRandom): Mppe {
  return {
    policy: r.pick(['require', 'prefer', 'prefer', 'deny'] as const),
    bits: r.chance(40) ? [128, 56] : some(r, [40, 56, 128]),
    state: maybe(r, 30, () => r.pick(['stateless', 'stateless', 'stateful'] as const)),
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
    mutual: r.chance(15) ? some(r, methods) : [],
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
    mutual: r.chance(50) ? methods : r.chance(30) ? some(r, methods) : [],
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
    `mutual ${o.mutual.join(' ') || 'off'}`,
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
    on('compress', o.compress),
    `mppe ${[o.mppe.policy, ...o.mppe.bits, ...(o.mppe.state === undefined ? [] : [o.mppe.state])].join(' ')}`,
    `vj ${o.vj === 0 ? 'off' : o.vj}`,
    ...o.more,
  ];
}
