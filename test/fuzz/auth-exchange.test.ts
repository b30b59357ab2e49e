/** Whole authentications in which one message is another than it was: of each protocol and role, by
 *  rpc and by 9P. None ends well unless what changed does not count; no reply tells a secret. */
import assert from 'node:assert/strict';
import { decode, encodeFcall, memTree, notag, Server, type Tmessage } from '@9p/lib9p';
import { concat, hex, text, utf8 } from '@9p/packet';
import { makeSystem, newReq, omode } from 'slashnet/core';
import auth from '../../plugins/auth/plugin.js';
import type { Rpc } from '../../plugins/auth/rpc.js';
import { Prover } from '../../srv/factotum.js';
import { SeededRandom, VirtualClock } from '../kit/index.js';
import { ask, type Bench, bench, say, writing } from '../unit/auth-bench.js';
import { Raw, settled } from '../unit/lib9p-kit.js';
import { fuzz, type Row } from './fuzz.js';

const password = 'open-sesame';
const keys = [
  `proto=pass service=ppp user=glenda !password=${password}`,
  `proto=p9sk1 dom=lone user=bootes !password=${password}`,
];
const words = /^(ok( |$)|done( haveai)?$|phase |toosmall \d+$|error [^\n]+$|needkey )/;

/** Of the keys, those of p9sk1 are for anything. */
const serviceOf = (proto: string): string => (proto.startsWith('p9') ? '' : ' service=ppp');

type Side = 'server' | 'client';
/** The n-th message to a side. */
interface Sent {
  readonly to: Side;
  readonly n: number;
  readonly b: Uint8Array;
}
interface Run {
  readonly sent: Sent[];
  readonly done: ReadonlySet<Side>;
}

/** An authentication whose messages pass `hook`. */
class Exchange {
  readonly sent: Sent[] = [];
  readonly done = new Set<Side>();
  readonly #rpc: Record<Side, Rpc>;
  readonly #hook: (s: Sent) => Uint8Array;
  readonly #mayTell: boolean;

  constructor(b: Bench, proto: string, hook: (s: Sent) => Uint8Array) {
    this.#rpc = { client: b.open(), server: b.open() };
    this.#hook = hook;
    this.#mayTell = proto === 'pap';
    for (const role of ['client', 'server'] as const)
      say(this.#rpc[role], `start proto=${proto} role=${role}${serviceOf(proto)}`);
  }
  /** The bytes of ok; undefined: it said something else. */
  read(from: Side): Uint8Array | undefined {
    const r = this.#reply(from, 'read');
    if (text(r).startsWith('done')) this.done.add(from);
    return text(r.subarray(0, 3)) === 'ok ' ? r.slice(3) : undefined;
  }
  write(to: Side, b: Uint8Array | undefined): void {
    if (b === undefined) return;
    const sent = { to, n: this.sent.filter((s) => s.to === to).length, b };
    this.sent.push(sent);
    this.#reply(to, writing(this.#hook(sent)));
  }
  #reply(from: Side, what: string | Uint8Array): Uint8Array {
    const r = ask(this.#rpc[from], what);
    if (text(r.subarray(0, 3)) !== 'ok ') assert.match(text(r), words);
    if (!this.#mayTell) assert.ok(!text(r).includes(password));
    return r;
  }
  /** Each message of either goes to the other until nobody has any. */
  relay(): void {
    for (let i = 0; i < 12; i++)
      for (const [from, to] of [
        ['server', 'client'],
        ['client', 'server'],
      ] as const)
        this.write(to, this.read(from));
  }
  close(): void {
    this.#rpc.client.close();
    this.#rpc.server.close();
  }
}

function chap(x: Exchange, proto: string): void {
  const challenge = x.read('server');
  const id = proto === 'chap' ? [7] : [];
  if (challenge !== undefined) x.write('client', concat(id, challenge));
  const response = x.read('client');
  x.write('server', utf8('glenda'));
  if (response !== undefined) x.write('server', concat(id, response));
  x.read('server');
}
function pap(x: Exchange): void {
  x.write('server', utf8('glenda'));
  x.write('server', utf8(password));
  x.read('server');
}
function eap(x: Exchange): void {
  x.write('server', utf8('glenda'));
  x.relay();
}

const play: Readonly<Record<string, (x: Exchange, proto: string) => void>> = {
  ...{ chap, mschap: chap, mschapv2: chap, pap },
  ...{ 'eap-md5': eap, 'eap-mschapv2': eap },
  ...{ p9sk1: (x) => x.relay(), p9any: (x) => x.relay() },
};

/** What of a message counts for the side that gets it; the rest may be anything. Undefined: all. */
type Counts = (b: Uint8Array) => string;
const all: Counts = (b) => hex(b);
const none: Counts = (b) => (b.length >= 8 ? '' : 'short');
const first =
  (n: number, from = 0): Counts =>
  (b) =>
    b.length < n ? 'short' : hex(b.subarray(from, n));
const exactly =
  (n: number, ...ranges: [number, number][]): Counts =>
  (b) =>
    b.length === n ? ranges.map(([i, j]) => hex(b.subarray(i, j))).join(' ') : 'length';
/** A packet of EAP: its data, cut or not, behind code, identifier and type. */
const packet =
  (data: (d: Uint8Array) => string): Counts =>
  (b) => {
    const n = b.length < 4 ? 0 : (b[2]! << 8) | b[3]!;
    if (n < 4 || n > b.length) return 'length';
    const typed = b[0] === 1 || b[0] === 2;
    return `${b[0]} ${b[1]} ${typed ? b[4] : ''} ${data(b.subarray(typed ? 5 : n, n))}`;
  };
const name = (b: Uint8Array): string =>
  text(b.subarray(0, b.indexOf(0) < 0 ? b.length : b.indexOf(0)));
const withoutDomain = (s: string): string => s.slice(s.lastIndexOf('\\') + 1);
const msResponse = (d: Uint8Array): string => {
  const n = (d[2]! << 8) | d[3]!;
  if (d.length < 54 || n > d.length || n < 54) return 'length';
  const user = withoutDomain(text(d.subarray(54, n)));
  return `${hex(d.subarray(0, 2))} ${hex(d.subarray(4, 21))} ${hex(d.subarray(29, 53))} ${user}`;
};
const msAck = (d: Uint8Array): string =>
  d.length === 1 || d.length >= 4 ? String(d[0]) : 'length';
const choice: Counts = (b) =>
  b.indexOf(0) === b.length - 1
    ? text(b)
        .replaceAll('\0', '')
        .split(' ')
        .filter((w) => w)
        .join(' ')
    : 'nul';

const counts: Readonly<Record<string, readonly Counts[]>> = {
  'chap server': [all, all],
  'mschap server': [all, exactly(48, [24, 48])],
  'mschapv2 server': [all, exactly(48, [0, 16], [24, 48])],
  'pap server': [all, all],
  'eap-md5 server': [all, packet((d) => (d.length < 17 ? 'length' : hex(d.subarray(0, 17))))],
  'eap-mschapv2 server': [all, packet(msResponse), packet(msAck)],
  'p9sk1 server': [none, first(85)],
  'p9any server': [choice, none, first(85)],
  'eap-mschapv2 client': [
    packet((d) => hex(d.subarray(0, 2)) + hex(d.subarray(4, 21))),
    packet((d) => hex(d.subarray(0, 1)) + hex(d.subarray(4, 46))),
    (b) => (b.length >= 4 ? String(b[0]) : 'short'),
  ],
  'p9sk1 client': [
    (b) =>
      b.length < 141
        ? 'short'
        : [b[0], name(b.subarray(1, 28)), name(b.subarray(29, 76)), hex(b.subarray(77, 85))].join(
            ' ',
          ),
    first(13),
  ],
};

function runOf(proto: string, hook: (s: Sent) => Uint8Array = (s) => s.b): Run {
  const x = new Exchange(bench(keys), proto, hook); // the same chance each time
  play[proto]?.(x, proto);
  x.close();
  return x;
}

/** One message to that side is replaced by what the samples make of it. */
function changed(proto: string, to: Side): Row {
  const honest = runOf(proto).sent.filter((s) => s.to === to);
  const significant = counts[`${proto} ${to}`] ?? [];
  let [refused, same] = [0, 0];
  return {
    name: `${proto}, what the ${to} hears`,
    // The first byte says which it replaces.
    corpus: honest.map((s) => concat([s.n], s.b)),
    check(bytes) {
      const n = (bytes[0] ?? 0) % honest.length;
      const b = bytes.subarray(1);
      const run = runOf(proto, (s) => (s.to === to && s.n === n ? b : s.b));
      const of = significant[n];
      const was = honest[n]?.b ?? b;
      if (!run.done.has(to)) return void refused++;
      same++;
      if (of === undefined) return;
      assert.equal(of(b), of(was), `${proto}: ${to} is content with message ${n}`);
    },
    done: () => assert.ok(refused > 0 && same > 0, `${refused} refused, ${same} as before`),
  };
}

/** Any request in the place of one of a good authentication: only words, no secret, no crash. */
function requests(): Row {
  const protos = Object.keys(play);
  return {
    name: 'rpc requests amid an authentication',
    corpus: [
      ...['start proto=chap role=client', 'read', 'write glenda', 'attr', 'authinfo'].map(utf8),
      ...protos.map((p) => utf8(`start proto=${p} role=server${serviceOf(p)}`)),
    ],
    check(bytes) {
      const b = bench(keys);
      const rpc = b.open();
      const proto = protos[(bytes[0] ?? 0) % protos.length] ?? 'chap';
      say(rpc, `start proto=${proto} role=server${serviceOf(proto)}`);
      ask(rpc, 'read');
      const r = ask(rpc, bytes.subarray(0, 4000));
      const said = text(r);
      if (!said.startsWith('ok '))
        assert.match(
          said,
          /^(ok|done( haveai)?|phase .*|toosmall \d+|error .*|needkey .*|protocol not started)$/s,
        );
      assert.doesNotMatch(said, /^done/);
      assert.ok(!said.includes(password));
      assert.equal(say(rpc, 'authinfo').startsWith('ok'), false);
      rpc.close();
    },
  };
}

// 9P -----------------------------------------------------------------------------------------

const tags = { auth: 1, attach: 9 } as const;
const afid = 5;

/** A server whose clients prove themselves to auth, with the same chance for each. */
async function serverOf(seed: number): Promise<Server> {
  const clock = new VirtualClock();
  const s = makeSystem({ plugins: [], clock, random: new SeededRandom(seed), owner: 'none' });
  await auth.start(s.env, []);
  const ctl = await s.ns.open('/auth/ctl', omode.write, s.me);
  for (const k of ['failtime 0', ...keys.map((k) => `key service=9p ${k}`)])
    await ctl.write(utf8(k), 0, newReq(s.me));
  const prover = new Prover(async () => s.ns.open('/auth/rpc', omode.rdwr, s.me), s.me, clock);
  return new Server(memTree({ hello: 'x' }), {
    auth: (uname) => prover.file(uname, 'test'),
    who: () => assert.fail('an attach without proof'),
    admit: (who) => assert.equal(who.uname, 'bootes'),
    fault: (e) => assert.fail(e as Error),
  });
}

/** Sends bytes, and waits for what they are answered. */
async function sends(c: Raw, b: Uint8Array): Promise<void> {
  const before = c.replies.length;
  c.connection.receive(new Uint8Array(b));
  for (let i = 0; i < 12 && c.replies.length === before; i++) await settled();
}

/** The steps of a client of p9any, each made of what the server said before. */
async function attach(hook: (n: number, b: Uint8Array) => Uint8Array): Promise<boolean> {
  const c = new Raw(await serverOf(3));
  const rpc = bench(keys).open();
  say(rpc, 'start proto=p9any role=client user=bootes');
  let n = 0;
  const send = async (m: Omit<Tmessage, 'tag'>, tag = 2): Promise<void> =>
    sends(c, hook(n++, encodeFcall({ ...m, tag } as Tmessage)));
  const hear = async (): Promise<void> => {
    await send({ type: 'Tread', fid: afid, offset: 0n, count: 4090 } as Tmessage);
    const r = c.replies.at(-1);
    if (r?.type === 'Rread' && r.data.length > 0) say(rpc, writing(r.data));
  };
  const tell = async (): Promise<void> => {
    const said = ask(rpc, 'read');
    const data = text(said.subarray(0, 3)) === 'ok ' ? said.slice(3) : new Uint8Array(0);
    await send({ type: 'Twrite', fid: afid, offset: 0n, data } as Tmessage);
  };
  await sends(c, encodeFcall({ type: 'Tversion', tag: notag, msize: 8216, version: '9P2000' }));
  await send({ type: 'Tauth', afid, uname: 'bootes', aname: '' } as Tmessage, tags.auth);
  await hear();
  await tell(); // the choice
  await tell(); // the challenge
  await hear();
  await tell(); // ticket and authenticator
  await hear();
  const who = { fid: 0, afid, uname: 'bootes', aname: '' };
  await send({ type: 'Tattach', ...who } as Tmessage, tags.attach);
  const attached = c.replies.some((r) => r.type === 'Rattach');
  c.connection.end('done');
  rpc.close();
  return attached;
}

async function attaches(): Promise<Row> {
  const honest: Uint8Array[] = [];
  const keep = (_n: number, b: Uint8Array): Uint8Array => {
    honest.push(b.slice());
    return b;
  };
  assert.equal(await attach(keep), true);
  const ticket = honest.findIndex((b) => b.length === 23 + 85);
  let [refused, same] = [0, 0];
  return {
    name: '9P: Tauth, the afid, and Tattach',
    corpus: honest.map((b, n) => concat([n], b)),
    async check(bytes) {
      const k = (bytes[0] ?? 0) % honest.length;
      const b = bytes.slice(1);
      if (!(await attach((n, m) => (n === k ? b : m)))) return void refused++;
      same++;
      if (k !== ticket) return;
      const m = decode(b, 0, b.length);
      assert.ok(typeof m !== 'string' && m.type === 'Twrite' && m.fid === afid);
      assert.equal(hex(m.data.subarray(0, 85)), hex(honest[ticket]!.subarray(23)));
    },
    done: () => assert.ok(refused > 0 && same > 0, `${refused} refused, ${same} as before`),
  };
}

fuzz([
  ...Object.keys(play).map((proto) => changed(proto, 'server')),
  changed('eap-mschapv2', 'client'),
  changed('p9sk1', 'client'),
  requests(),
  await attaches(),
]);
