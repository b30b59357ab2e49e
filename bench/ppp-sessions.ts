/**
 * Full sessions a second, and the memory of one: LCP, MS-CHAPv2 and IPCP, through the files as a
 * user has them, both ends in this process over wires of `loop`.
 *
 *     node --expose-gc dist/bench/ppp-sessions.js [runs]
 *
 * A session is a wire and two conversations of ppp (net none), bound before; what is timed is
 * `connect` until it returns, for 1,000 of them with 50 under way at once. The share of crypto is
 * that of the profiler's samples inside of the digests and ciphers. Memory is heapUsed + external
 * after collections, over 1,000 wires with two conversations each, and is told with the half of a
 * wire that each has and without it. Gates: 1,000 a second; under 20 KB for a conversation that is
 * up, without its wire, its share of auth with it.
 */
import { Session } from 'node:inspector/promises';
import { fileURLToPath } from 'node:url';
import { makeSystem, type System } from 'slashnet/core';
import { readText, writeLine } from '../srv/profile.js';
import { load, median } from './common.js';

const sessions = 1000;
const atOnce = 50;
const rate_min = 1000;
const bytes_max = 20 * 1024;

const plugins = fileURLToPath(new URL('../plugins', import.meta.url));
const key = 'key proto=pass service=ppp user=glenda !password=rabbit';

/** The directories of one: both ends, and the wire between them. */
interface Link {
  readonly wire: string;
  readonly client: string;
  readonly server: string;
}

async function start(): Promise<System> {
  const system = makeSystem({ plugins: [plugins] });
  for (const layer of ['auth', 'loop', 'ppp']) await system.control(`load ${layer}`);
  await writeLine(system, '/auth/ctl', key);
  return system;
}

const clone = async (system: System, layer: string): Promise<string> =>
  `/${layer}/${await readText(system, `/${layer}/clone`)}`;

const common = ['net none', 'ipv6 off', 'auth mschapv2', 'vj off', 'mppe deny'];

/** Those of `lines` that this tree knows: the bench runs on older ones too. */
async function known(system: System, dir: string, lines: readonly string[]): Promise<string[]> {
  const help = await readText(system, `${dir}/help`);
  return lines.filter((l) => help.includes(`\n\t${l.split(' ')[0]} `));
}

async function idle(system: System, wire: string, i: number): Promise<Link> {
  const [client, server] = [await clone(system, 'ppp'), await clone(system, 'ppp')];
  const lines = await known(system, client, common);
  const say = (dir: string, more: readonly string[]): Promise<void> =>
    writeLine(system, `${dir}/ctl`, [...lines, ...more].join('\n'));
  await say(client, [`bind ${wire}/data`]);
  const remote = `remote 10.${1 + (i >> 8)}.${i & 255}.2`;
  const at = ['role server', 'local 10.0.0.1', remote, `bind ${wire}/data1`, 'announce'];
  await say(server, at);
  return { wire, client, server };
}

/** All of them, `atOnce` under way. */
async function connect(system: System, links: readonly Link[]): Promise<void> {
  let next = 0;
  const one = async (): Promise<void> => {
    for (let l = links[next++]; l !== undefined; l = links[next++])
      await writeLine(system, `${l.client}/ctl`, 'connect');
  };
  await Promise.all(Array.from({ length: atOnce }, one));
}
async function hangUp(system: System, links: readonly Link[]): Promise<void> {
  for (const l of links) await writeLine(system, `${l.client}/ctl`, 'hangup');
}

/** Heap and what lies outside of it, after collections. */
function memory(): number {
  for (let i = 0; i < 4; i++) (globalThis.gc as () => void)();
  const m = process.memoryUsage();
  return m.heapUsed + m.external;
}

const isCrypto = /^(md4|sha1|desEncrypt|des|permute|crypt|rekey|update|digest|createHash|Hash)$/;
const cryptoFiles = /lib\/crypto\/|auth\/mschap\.js|auth\/digest\.js|internal\/crypto/;

/** Percent of the samples that are in digests and ciphers, with what they call. */
async function cryptoShare(work: () => Promise<void>): Promise<number> {
  const s = new Session();
  s.connect();
  await s.post('Profiler.enable');
  await s.post('Profiler.start');
  await work();
  const { profile } = await s.post('Profiler.stop');
  s.disconnect();
  const nodes = new Map(profile.nodes.map((n) => [n.id, n]));
  const crypto = new Set<number>();
  const mark = (id: number, inside: boolean): void => {
    const n = nodes.get(id);
    if (n === undefined) return;
    const { functionName, url } = n.callFrame;
    const is = inside || cryptoFiles.test(url) || (url === '' && isCrypto.test(functionName));
    if (is) crypto.add(id);
    for (const c of n.children ?? []) mark(c, is);
  };
  mark(profile.nodes[0]?.id ?? 0, false);
  const samples = profile.samples ?? [];
  const busy = samples.filter((id) => nodes.get(id)?.callFrame.functionName !== '(idle)');
  return (100 * busy.filter((id) => crypto.has(id)).length) / busy.length;
}

const runs = Number(process.argv[2] ?? 5);
if (globalThis.gc === undefined) throw new Error('run me with node --expose-gc');
const system = await start();
await connect(system, [await idle(system, await clone(system, 'loop'), 0)]);

const before = memory();
const wires: string[] = [];
for (let i = 0; i < sessions; i++) wires.push(await clone(system, 'loop'));
const each = (): number => (memory() - before) / (2 * sessions);
const wire_bytes = each();
const links: Link[] = [];
for (const [i, wire] of wires.entries()) links.push(await idle(system, wire, i));
const idle_bytes = each() - wire_bytes;
await connect(system, links);
const up_bytes = each() - wire_bytes;
const kb = (n: number): string => `${(n / 1024).toFixed(1)} KB`;
const withWire = `${kb(idle_bytes + wire_bytes)}, ${kb(up_bytes + wire_bytes)} with half a wire`;
console.log(`a conversation: idle ${kb(idle_bytes)}, up ${kb(up_bytes)} (${withWire})`);

const rates: number[] = [];
const cpu: number[] = [];
for (let i = 0; i < runs; i++) {
  await hangUp(system, links);
  const t = performance.now();
  const used = process.cpuUsage();
  await connect(system, links);
  rates.push((1000 * sessions) / (performance.now() - t));
  const { user, system: sys } = process.cpuUsage(used);
  cpu.push((user + sys) / sessions);
}
await hangUp(system, links);
const share = await cryptoShare(() => connect(system, links));
console.log(
  `sessions a second: ${median(rates).toFixed(0)} (${rates.map((r) => r.toFixed(0)).join(' ')}), ` +
    `${median(cpu).toFixed(0)} us of CPU each; crypto ${share.toFixed(0)} % of it; load ${load()}`,
);
const good = median(rates) >= rate_min && up_bytes < bytes_max;
console.log(good ? 'ok' : 'NOT REACHED');
process.exit(good ? 0 : 1);
