/** IPCP's addresses and name servers, IPV6CP's identifiers: what each end was given against what
 *  the other wants, by table and by seed. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { equal, hex, u32 } from '@9p/packet';
import { linkLocalId } from '../../plugins/ppp/address.js';
import { codes, ipcpOptions, protocols } from '../../plugins/ppp/codes.js';
import { ControlProtocol, defaultTimers } from '../../plugins/ppp/cp.js';
import {
  type IpcpConfig,
  type IpcpResult,
  initialIpcp,
  ipcpFault,
  ipcpOptionSet,
} from '../../plugins/ppp/ipcp.js';
import { initialIpv6cp, ipv6cpOptionSet } from '../../plugins/ppp/ipv6cp.js';
import type { Option } from '../../plugins/ppp/options.js';
import { type Control, emitOptions, type Opt, parseOptions } from '../../plugins/ppp/wire.js';
import { SeededRandom } from '../kit/index.js';
import { begin, config, isUp, last, pair, server } from './ppp-peer.js';

const a = (s: string): number => s.split('.').reduce((v, x) => v * 256 + Number(x), 0);
const [one, two, nine] = [a('10.0.0.1'), a('10.0.0.2'), a('10.0.0.9')];

// Two ends -------------------------------------------------------------------------------------

type Given = Partial<IpcpConfig>;
/** Local and remote of both ends, or why the one and the other end has no IPv4. */
type Outcome = readonly [client: string, server: string];
const addresses: readonly [what: string, client: Given, server: Given, Outcome][] = [
  ['the server gives', {}, {}, ['10.0.0.2 10.0.0.1', '10.0.0.1 10.0.0.2']],
  [
    'a lone local freezes local only',
    { local: two },
    {},
    ['10.0.0.2 10.0.0.1', '10.0.0.1 10.0.0.2'],
  ],
  [
    'a lone remote freezes remote only',
    { remote: one },
    {},
    ['10.0.0.2 10.0.0.1', '10.0.0.1 10.0.0.2'],
  ],
  [
    'the client has its own',
    { local: nine },
    { remote: undefined },
    ['10.0.0.9 10.0.0.1', '10.0.0.1 10.0.0.9'],
  ],
  [
    'both given, and right',
    { local: two, remote: one },
    {},
    ['10.0.0.2 10.0.0.1', '10.0.0.1 10.0.0.2'],
  ],
  [
    'the local one is not the right one',
    { local: nine },
    {},
    ['ipcp: peer wants us to be 10.0.0.2', 'ipcp: peer wants to be 10.0.0.9'],
  ],
  [
    'the remote one is not the right one',
    { remote: nine },
    {},
    ['ipcp: peer wants to be 10.0.0.1', 'ipcp: peer wants us to be 10.0.0.9'],
  ],
  [
    'our own address',
    { local: one },
    { remote: undefined },
    ['ipcp: peer wants to be 10.0.0.1', 'ipcp: peer wants to be 10.0.0.1'],
  ],
  [
    'both ends would be one',
    {},
    { remote: one },
    ['ipcp: both ends would be 10.0.0.1', 'ipcp: both ends would be 10.0.0.1'],
  ],
  ['nobody gives one', {}, { remote: undefined }, ['ipcp: peer gives us no address', '']],
];
for (const [what, client, srv, want] of addresses) {
  test(`ipcp: ${what}`, () => {
    const p = pair(config({ ip: client }), server({ ip: srv }));
    begin(p);
    p.run(60_000);
    const got = [p.a.events, p.b.events].map((events) => {
      const e = events.filter((x) => x.is === 'ip' || x.is === 'ipdown').at(-1);
      if (e?.is === 'ip') return [e.up.local, e.up.remote].map(dotted).join(' ');
      return e?.why;
    });
    for (const i of [0, 1]) if (want[i] !== '') assert.equal(got[i], want[i], p.trace());
    // One that fails leaves the other up.
    assert.ok(last(p.a.events, 'ipv6') !== undefined && last(p.b.events, 'ipv6') !== undefined);
    assert.equal(last(p.a.events, 'ipv6down'), undefined);
    assert.equal(p.client.ppp.phase, 'Network');
  });
}
const dotted = (v: number): string => [24, 16, 8, 0].map((n) => (v >>> n) & 255).join('.');

test('ipcp: name servers both ways', () => {
  const [d, w] = [
    [a('8.8.8.8'), a('9.9.9.9')],
    [a('10.0.0.5'), a('10.0.0.6')],
  ];
  for (const [dns, wins] of [
    [d, w],
    [d.slice(0, 1), []],
    [[], w.slice(1)],
  ] as const) {
    const p = pair(config({ ip: { askDns: true, askWins: true } }), server({ ip: { dns, wins } }));
    begin(p);
    assert.ok(
      p.run(5000, () => isUp(p)),
      p.trace(),
    );
    const up = last(p.a.events, 'ip')?.up;
    const two = (list: readonly number[]) => [list[0] ?? 0, list[1] ?? 0];
    assert.deepEqual([up?.dns, up?.wins], [two(dns), two(wins)]);
    assert.deepEqual(last(p.b.events, 'ip')?.up.dns, [0, 0], 'a server asks for none');
  }
  const p = pair(
    config({ ip: { dns: d, askDns: false } }),
    server({ ip: { askDns: true, dns: [] } }),
  );
  begin(p);
  assert.ok(
    p.run(5000, () => isUp(p)),
    p.trace(),
  );
  assert.deepEqual(last(p.b.events, 'ip')?.up.dns, d, 'a client may give them');
});

// A peer by hand -------------------------------------------------------------------------------

/** IPCP alone, open, with what it sent. */
class Hand {
  readonly r: IpcpResult;
  readonly cp: ControlProtocol;
  readonly sent: Control[] = [];
  why: string | undefined;
  up = false;
  #id = 0;

  constructor(c: Given) {
    const none = { server: false, askDns: false, askWins: false, dns: [], wins: [] };
    const given: IpcpConfig = { local: undefined, remote: undefined, ...none, ...c };
    this.r = initialIpcp(given);
    const options = ipcpOptionSet(given, this.r);
    this.cp = new ControlProtocol(spec(options, this), {
      send: (_p, x) => this.sent.push(x),
      log() {},
      count() {},
      room: () => 1500,
    });
    this.cp.open(0);
    this.cp.up(0);
    this.fault = () => ipcpFault(given, this.r);
  }
  readonly fault: () => string | undefined;

  /** The peer asks for this; what we say. */
  asks(...opts: Opt[]): { code: number; options: readonly Opt[] } {
    this.cp.receive({ code: codes.confReq, id: ++this.#id, body: emitOptions(opts) }, 0);
    const c = this.sent.filter((x) => x.code >= codes.confAck && x.code <= codes.confRej).at(-1);
    return { code: c?.code ?? 0, options: opts0(c) };
  }
  /** The peer says this to what we asked for last. */
  says(code: number, f: (asked: readonly Opt[]) => readonly Opt[]): void {
    const c = this.sent.filter((x) => x.code === codes.confReq).at(-1) as Control;
    this.cp.receive({ code, id: c.id, body: emitOptions([...f(opts0(c))]) }, 0);
  }
  get asked(): number | undefined {
    const c = this.sent.filter((x) => x.code === codes.confReq).at(-1);
    const o = opts0(c).find((x) => x.type === ipcpOptions.addr);
    return o === undefined ? undefined : u32(o.value, 0);
  }
}
function spec(options: readonly Option[], h: Hand) {
  const up = () => {
    h.up = true;
  };
  const finished = (why: string) => {
    h.why ??= why;
  };
  const timers = defaultTimers;
  return { name: 'ipcp', protocol: protocols.ipcp, options, timers, up, finished, down() {} };
}
function opts0(c: Control | undefined): readonly Opt[] {
  const o = c === undefined ? [] : parseOptions(c.body);
  assert.ok(typeof o !== 'string');
  return o;
}
const address = (v: number): Opt => ({
  type: ipcpOptions.addr,
  value: Uint8Array.of(v >>> 24, v >>> 16, v >>> 8, v),
});

const { confAck, confNak, confRej } = codes;
/** What the peer says it is, what we were given, our answer: its code and the address in it. */
const judged: readonly [asked: string, given: Given, code: number, answer: string][] = [
  ['10.0.0.9', {}, confAck, '10.0.0.9'],
  ['10.0.0.9', { remote: two }, confNak, '10.0.0.2'],
  ['10.0.0.2', { remote: two }, confAck, '10.0.0.2'],
  ['0.0.0.0', { remote: two }, confNak, '10.0.0.2'],
  ['0.0.0.0', {}, confRej, '0.0.0.0'],
  ['224.0.0.1', {}, confNak, '0.0.0.0'],
  ['255.255.255.255', {}, confNak, '0.0.0.0'],
  ['127.0.0.1', {}, confNak, '0.0.0.0'],
  ['0.0.0.7', {}, confNak, '0.0.0.0'],
  ['10.0.0.1', { local: one }, confNak, '0.0.0.0'],
  ['10.0.0.9', { server: true, local: one, remote: two }, confNak, '10.0.0.2'],
];
for (const [asked, given, code, answer] of judged) {
  test(`ipcp: a peer that says it is ${asked}, ${JSON.stringify(given)}`, () => {
    const h = new Hand(given);
    const got = h.asks(address(a(asked)));
    assert.deepEqual([got.code, got.options], [code, [address(a(answer))]]);
    if (code !== confNak || asked === '0.0.0.0') return;
    for (let i = 0; i < 20 && h.why === undefined; i++) h.asks(address(a(asked)));
    for (let i = 0; i < 5; i++) h.cp.timeout(h.cp.deadline());
    assert.equal(h.why, `ipcp: peer wants to be ${asked}`);
    assert.equal(h.up, false);
  });
}

test('ipcp: a peer that does not say is asked to, and then let be (RFC 1332 3.3)', () => {
  const h = new Hand({ local: one });
  for (let i = 0; i < defaultTimers.max_failure; i++)
    assert.deepEqual(h.asks(), { code: confNak, options: [address(0)] });
  assert.equal(h.asks().code, confAck);
  h.says(confAck, (x) => x);
  assert.deepEqual([h.up, h.r.remote, h.fault()], [true, 0, undefined]);
  assert.equal(new Hand({ local: one, remote: two }).asks().code, confAck, 'we know already');
});

test('ipcp: IP-Addresses (1) and what nobody knows is rejected, the rest kept', () => {
  const h = new Hand({});
  const old = { type: ipcpOptions.addrs, value: new Uint8Array(8) };
  const unknown = { type: 77, value: new Uint8Array(3) };
  assert.deepEqual(h.asks(old, address(nine), unknown), { code: confRej, options: [old, unknown] });
  assert.equal(h.asks(address(nine)).code, confAck);
});

/** What was given, the peer's Naks and Rejects of our address, what we then are or why not. */
const forced: readonly [what: string, Given, (number | 'rej')[], string][] = [
  ['taken', {}, [nine], '10.0.0.9'],
  ['the last is taken', {}, [nine, two], '10.0.0.2'],
  ['zero', {}, [0, 0, 0, 0, 0, 0], 'ipcp: peer gives us no address'],
  ['refused', {}, ['rej'], 'ipcp: peer gives us no address'],
  ['refused, and we have our own', { local: one }, ['rej'], '10.0.0.1'],
  ['Nak, then Reject', { local: one }, [nine, 'rej'], 'ipcp: peer wants us to be 10.0.0.9'],
  ['for ever', { local: one }, Array(6).fill(nine), 'ipcp: peer wants us to be 10.0.0.9'],
  ['multicast', {}, Array(6).fill(a('224.0.0.1')), 'ipcp: peer wants us to be 224.0.0.1'],
  ['its own', { remote: two }, Array(6).fill(two), 'ipcp: peer wants us to be 10.0.0.2'],
  [
    'of a client',
    { local: one, server: true },
    Array(6).fill(9),
    'ipcp: peer wants us to be 0.0.0.9',
  ],
  [
    'a server with none',
    { server: true },
    Array(6).fill(nine),
    'ipcp: peer wants us to be 10.0.0.9',
  ],
];
for (const [what, given, naks, want] of forced) {
  test(`ipcp: our address from the peer: ${what}`, () => {
    const h = new Hand(given);
    for (const v of naks)
      if (v === 'rej') h.says(confRej, (x) => x.filter((o) => o.type === ipcpOptions.addr));
      else h.says(confNak, () => [address(v)]);
    if (h.cp.state === 'Closing') for (let i = 0; i < 5; i++) h.cp.timeout(h.cp.deadline());
    if (h.why === undefined) h.says(confAck, (x) => x);
    assert.equal(h.why ?? dotted(h.r.local), want);
  });
}

test('ipcp: what is no name server is none', () => {
  const h = new Hand({ askDns: true, local: one });
  const nak = (v: string) => ({ ...address(a(v)), type: ipcpOptions.dns1 });
  h.says(confNak, () => [nak('127.0.0.1')]);
  h.says(confAck, (x) => x);
  assert.deepEqual(h.r.dns, [0, 0]);
});

// IPV6CP ---------------------------------------------------------------------------------------

test('ipv6cp: both converge on different identifiers, whatever they begin with', () => {
  const same = new Uint8Array(8).fill(7);
  for (let seed = 1; seed <= 200; seed++) {
    const random = new SeededRandom(seed);
    const given = () => (random.bytes(1)[0] as number) % 2 === 0;
    const id = () => (given() ? { ipv6: { id: same } } : {});
    const p = pair(config(id()), server(id()), { seed });
    begin(p);
    assert.ok(
      p.run(20_000, () => isUp(p)),
      `seed ${seed}\n${p.trace()}`,
    );
    const [x, y] = [last(p.a.events, 'ipv6')?.up, last(p.b.events, 'ipv6')?.up];
    assert.ok(x !== undefined && y !== undefined);
    assert.ok(equal(x.local, y.remote) && equal(x.remote, y.local), `seed ${seed}`);
    assert.ok(!equal(x.local, x.remote) && hex(x.local) !== '0'.repeat(16), `seed ${seed}`);
  }
});

test("ipv6cp: zero is given one, ours is not, and a Nak with the peer's is not taken", () => {
  const random = new SeededRandom(1);
  const r = initialIpv6cp(random, { id: new Uint8Array(8).fill(7) });
  const [option] = ipv6cpOptionSet(r, random) as [Option];
  for (const bad of [new Uint8Array(8), r.local]) {
    const nak = option.judge(bad);
    assert.ok(nak instanceof Uint8Array && !equal(nak, r.local) && !equal(nak, new Uint8Array(8)));
    assert.equal((nak[0] as number) & 2, 0, 'the universal bit is clear (RFC 5072 4.1)');
  }
  const theirs = new Uint8Array(8).fill(9);
  assert.equal(option.judge(theirs), 'ack');
  option.agreed(theirs);
  option.naked(theirs);
  assert.ok(!equal(r.local, theirs));
});

test('ipv6cp: the peer gets the identifier that was given for it, or no IPv6', () => {
  const [mine, theirs] = [new Uint8Array(8).fill(7), new Uint8Array(8).fill(9)];
  const p = pair(config(), server({ ipv6: { id: mine, peerId: theirs } }));
  begin(p);
  assert.ok(
    p.run(5000, () => isUp(p)),
    p.trace(),
  );
  assert.deepEqual(last(p.a.events, 'ipv6')?.up, { local: theirs, remote: mine });
  const random = new SeededRandom(1);
  const r = initialIpv6cp(random, { id: mine, peerId: theirs });
  const [option] = ipv6cpOptionSet(r, random, theirs) as [Option];
  assert.deepEqual([option.judge(mine), option.judge(theirs)], [theirs, 'ack']);
  assert.equal(option.insists?.(mine), 'ipv6cp: peer wants to be fe80::707:707:707:707');
  assert.equal(option.insists?.(new Uint8Array(8)), undefined);
});

test('ipv6cp: an identifier as an address', () => {
  for (const [text, id] of [
    ['fe80::1', '0000000000000001'],
    ['FE80::a:b:c:d', '000a000b000c000d'],
    ['fe80::0', undefined],
    ['fe80::', undefined],
    ['fe80::1:2:3:4:5', undefined],
    ['fe80:1::1', undefined],
    ['::1', undefined],
    ['fe80::12345', undefined],
  ] as const)
    assert.equal(linkLocalId(text) && hex(linkLocalId(text) as Uint8Array), id, text);
});
