/** CCP: what pairs of ends agree on, with peers that answer as others do; what IP has to wait for;
 *  and whole conversations over a wire that loses. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { concat, hex, packetOf } from '@9p/packet';
import { makeSystem } from 'slashnet/core';
import { Ccp, type CcpConfig, defaultCcp, modeText, possible } from '../../plugins/ppp/ccp.js';
import { ccpOptions, codes, protocols } from '../../plugins/ppp/codes.js';
import { answer, type Option } from '../../plugins/ppp/options.js';
import type { Command } from '../../plugins/ppp/session.js';
import { type Control, controlPacket, parseOptions } from '../../plugins/ppp/wire.js';
import { bytes, request, SeededRandom, Shell, VirtualClock } from '../kit/index.js';
import {
  begin,
  chap,
  config,
  eapMethod,
  isUp,
  last,
  mschap,
  mschapv2,
  type PppPair,
  pair,
  server,
} from './ppp-peer.js';

const [H, S, M, L, C] = [0x01000000, 0x40, 0x80, 0x20, 0x01];
const value = (v: number) => bytes(v.toString(16).padStart(8, '0'));
const number = (v: Uint8Array | undefined): number =>
  v === undefined ? 0 : Number.parseInt(hex(v), 16);

const quiet = {
  send: () => undefined,
  room: () => 1500,
  log: () => undefined,
  count: () => undefined,
  agreed: () => undefined,
  flush: () => undefined,
};
const optionOf = (c: Partial<CcpConfig>): Option => {
  const [o] = new Ccp({ ...defaultCcp, ...c }, quiet).spec.options;
  assert.ok(o !== undefined);
  return o;
};

/** How others answer our request: agreed (true), a Nak, or a Reject. */
type Answers = (v: number) => true | number | 'rej';
const pppd =
  (bits: number, stateful: boolean): Answers =>
  (v) => {
    if ((v & ~(H | S | L)) !== 0) return v & (H | S | L);
    if ((v & H) === 0 && !stateful) return 'rej';
    if ((v & (S | L)) === (S | L)) return (bits & S) !== 0 ? v & ~L : v & ~S;
    return (v & bits) === 0 ? 'rej' : true;
  };
const plan9: Answers = (v) => ((v & (C | H)) === C && (v & S) !== 0 ? true : C | S);
const windows: Answers = (v) => ((v & S) !== 0 ? true : H | S | C);
const none: Answers = () => 'rej';

const asks: readonly [why: string, Partial<CcpConfig>, Answers, want: number][] = [
  ['pppd', {}, pppd(S | L, false), H | S],
  ['pppd, MPPC wished for', { compress: 'ask' }, pppd(S | L, false), H | S],
  ['pppd, stateful demanded', { state: 'stateful' }, pppd(S, true), S],
  ['pppd that refuses stateful', { state: 'stateful' }, pppd(S, false), 0],
  ['pppd with 40 bits, not named', {}, pppd(L, false), 0],
  ['pppd with 40 bits', { bits: [128, 40] }, pppd(L, false), H | L],
  ['9front', { compress: 'ask' }, plan9, C | S],
  ['9front, which is not asked for MPPC but would have it', {}, plan9, C | S],
  ['9front without MPPC', { compress: 'no' }, plan9, 0],
  ['9front, stateless demanded', { compress: 'ask', state: 'stateless' }, plan9, 0],
  ['Windows', { compress: 'ask' }, windows, H | S | C],
  ['who has 56', {}, (v) => ((v & M) !== 0 ? true : H | M), H | M],
  ['who has none', {}, none, 0],
];
for (const [why, c, answers, want] of asks)
  test(`what we ask of ${why}`, () => {
    const o = optionOf(c);
    for (let n = 0; n < 6; n++) {
      const asked = number(o.wanted());
      const a = asked === 0 ? true : answers(asked);
      if (a === true) {
        assert.equal(asked.toString(16), want.toString(16));
        return;
      }
      assert.equal(a === 'rej' ? o.rejected() : o.naked(value(a)), undefined);
    }
    assert.fail('does not converge');
  });

test('what is required is not given up', () => {
  for (const answers of [none, plan9]) {
    const o = optionOf({ mppe: 'require', compress: 'no' });
    let why: string | undefined;
    for (let n = 0; n < 4 && why === undefined; n++) {
      const a = answers(number(o.wanted()));
      why = a === 'rej' ? o.rejected() : o.naked(value(Number(a)));
    }
    assert.match(why ?? '', /refuses the encryption that we require/);
  }
});

const thrice = (want: string): string[] => [want, want, want];
const judged: readonly [why: string, Partial<CcpConfig>, asked: number, ...want: string[]][] = [
  ['pppd', {}, H | S, 'ack'],
  ['all that there is', {}, H | S | M | L, 'nak 1000040'],
  ['stateful', {}, S, 'ack'],
  ['stateful, which must not be', { state: 'stateless' }, S, 'nak 1000040'],
  ['stateless, which must not be', { state: 'stateful' }, H | S, 'nak 40'],
  ['40 bits, not named', {}, H | L, ...thrice('nak 1000040'), 'rej'],
  ['40 bits, named', { bits: [40] }, H | L, 'ack'],
  ['the obsolete bit', {}, H | S | 0x10, 'nak 1000040'],
  ['9front, MPPC asked for', { compress: 'ask' }, C | S, 'ack'],
  ['9front', {}, C | S, 'ack'],
  ['9front, without MPPC', { compress: 'no' }, C | S, 'nak 40'],
  [
    'MPPC alone: encryption is suggested, also if a Nak was lost',
    { compress: 'ask' },
    C,
    ...thrice('nak 1000041'),
    'ack',
  ],
  ['MPPC alone, encryption required', { mppe: 'require' }, C, 'nak 1000040', 'nak 1000040'],
  ['no keys', { bits: [] }, H | S, 'rej'],
  ['no keys, but MPPC', { bits: [], compress: 'ask' }, H | S | C, 'nak 1000001'],
];
for (const [why, c, asked, ...want] of judged)
  test(`how we judge ${why}`, () => {
    const o = optionOf(c);
    for (const w of want) {
      const v = o.judge(value(asked));
      const got = v instanceof Uint8Array ? `nak ${number(v).toString(16)}` : v;
      assert.equal(got, w);
    }
  });

test('Deflate, BSD-Compress, Predictor and Stac are rejected, alone', () => {
  const { mppe, ...others } = ccpOptions;
  const body = Object.values(others).map((type) => ({ type, value: bytes('7800') }));
  const a = answer([optionOf({})], [...body, { type: mppe, value: value(H | S) }], true);
  assert.equal(a.code, codes.confRej);
  const rejected = parseOptions(a.body);
  assert.ok(typeof rejected !== 'string');
  assert.deepEqual(rejected, body);
});

test('keys of MS-CHAP do for 128 bits; no keys for none', () => {
  assert.deepEqual(possible(defaultCcp, 'mschap').bits, [128]);
  assert.deepEqual(possible(defaultCcp, 'mschapv2').bits, [128, 56]);
  assert.deepEqual(possible(defaultCcp, 'none').bits, []);
  assert.deepEqual(possible({ ...defaultCcp, mppe: 'deny' }, 'mschapv2').bits, []);
});

// Sessions -------------------------------------------------------------------------------------

type Part = Partial<CcpConfig>;
function session(a: Part, b: Part, demand = mschapv2, ms = 4000): PppPair {
  const p = pair(config({ ccp: a }), server({ ccp: b, lcp: { demand: [demand] } }));
  begin(p);
  p.run(ms, () => isUp(p));
  return p;
}
const agreed = (p: PppPair): (string | undefined)[] =>
  (['a', 'b'] as const).flatMap((s) => {
    const up = last(p[s].events, 'ccp')?.up;
    return up === undefined ? [undefined] : [modeText(up.send), modeText(up.receive)];
  });
const why = (p: PppPair): (string | undefined)[] =>
  (['a', 'b'] as const).map((s) => last(p[s].events, 'finished')?.why);

const pairs: readonly [a: Part, b: Part, want: string | undefined][] = [
  [{ mppe: 'require' }, {}, 'mppe 128 stateless'],
  [{ mppe: 'require' }, { mppe: 'require' }, 'mppe 128 stateless'],
  [{ state: 'stateful' }, {}, 'mppe 128 stateful'],
  [{ bits: [56] }, {}, 'mppe 56 stateless'],
  [{ bits: [128, 40] }, { bits: [40] }, 'mppe 40 stateless'],
  [{ compress: 'ask' }, { compress: 'ask' }, 'mppc mppe 128 stateless'],
  [{ compress: 'ask' }, { compress: 'no' }, 'mppe 128 stateless'],
  [{}, {}, 'mppe 128 stateless'],
  [{ compress: 'ask', mppe: 'deny' }, { compress: 'ask', mppe: 'deny' }, 'mppc stateful'],
  [{ compress: 'ask', state: 'stateful' }, { compress: 'ask', mppe: 'deny' }, 'mppc stateful'],
  [{ compress: 'ask' }, { compress: 'ask', mppe: 'deny' }, 'mppc stateless'],
];
for (const [a, b, want] of pairs)
  test(`${JSON.stringify(a)} with ${JSON.stringify(b)}: ${want}`, () => {
    const p = session(a, b);
    assert.ok(isUp(p), p.trace());
    assert.deepEqual(agreed(p), [want, want, want, want]);
    assert.ok(p.now < 500, `${p.now} ms`);
  });

test('every way to authenticate that makes keys makes encryption', () => {
  for (const method of [mschap, mschapv2, eapMethod])
    assert.equal(agreed(session({}, {}, method))[0], 'mppe 128 stateless', method.name);
});

test('without keys there is no CCP, and what requires it fails at once', () => {
  const p = session({}, {}, chap);
  assert.ok(isUp(p));
  assert.deepEqual(agreed(p), [undefined, undefined]);
  assert.doesNotMatch(p.trace(), /ccp/);
  const must = session({ mppe: 'require' }, {}, chap);
  must.run(5000);
  assert.match(why(must)[0] ?? '', /the authentication gave no keys for it/);
});

test('required, but the peer will not: the link ends with the reason', () => {
  for (const b of [{ mppe: 'deny' }, { bits: [40] }] as const) {
    const p = session({ mppe: 'require' }, b);
    p.run(60_000, () => why(p)[0] !== undefined);
    assert.match(why(p)[0] ?? '', /ccp/, p.trace());
    assert.equal(last(p.a.events, 'ip'), undefined);
  }
});

test('IP waits for CCP, and what came for it meanwhile is not lost', () => {
  const p = session({ mppe: 'require' }, {});
  for (const s of ['a', 'b'] as const) {
    const order = p[s].events.map((e) => e.is);
    assert.ok(order.indexOf('ccp') < order.indexOf('ip'));
  }
});

test('preferred, and the peer does not answer CCP: IP waits for one Restart timer', () => {
  const p = pair(config(), server({ lcp: { demand: [mschapv2] } }));
  p.drop = (_from, _n, b) => b[0] === 0x80 && b[1] === 0xfd;
  begin(p);
  assert.ok(p.run(3000, () => last(p.a.events, 'ip') !== undefined));
});

test('CCP anew: IP goes down where it is required, and comes back', () => {
  for (const mppe of ['require', 'prefer'] as const) {
    const p = session({ mppe }, { mppe });
    const seen = p.a.events.length;
    p.command('a', { do: 'restart' });
    p.run(3000, () => isUp(p));
    assert.ok(isUp(p), p.trace());
    const after = p.a.events.slice(seen).flatMap((e) => ('up' in e || 'why' in e ? [e.is] : []));
    assert.equal(after.includes('ipdown'), mppe === 'require');
    assert.deepEqual(agreed(p), Array(4).fill('mppe 128 stateless'));
    assert.ok(after.includes('ccp'));
  }
});

test('a peer that ends CCP ends the link where it is required', () => {
  const p = session({ mppe: 'require' }, {});
  p.server.ppp.ncps.find((x) => x.spec.name === 'ccp')?.close('enough', p.now);
  p.command('b', { do: 'answer', answer: { n: -1, is: 'error', why: '' } });
  p.run(20_000);
  assert.match(why(p)[0] ?? '', /ccp: terminated by peer: enough/);
});

/** A packet from nowhere to the client. */
function inject(p: PppPair, c: Control): void {
  p.client.receive(controlPacket(protocols.ccp, c), p.now);
  const nothing: Command = { do: 'answer', answer: { n: -1, is: 'error', why: '' } };
  p.command('a', nothing);
}

test('Reset-Request: a flush, and a Reset-Ack unless there is MPPC; neither is Code-Rejected', () => {
  for (const compress of ['no', 'ask'] as const) {
    const p = session({ compress }, { compress });
    inject(p, { code: codes.resetReq, id: 77, body: bytes('') });
    inject(p, { code: codes.resetAck, id: 78, body: bytes('') });
    p.run(100);
    assert.equal(p.a.events.filter((e) => e.is === 'flush').length, 1);
    assert.equal(/ResetAck id 77/.test(p.trace()), compress === 'no');
    assert.doesNotMatch(p.trace(), /CodeRej/);
  }
});

test('our Reset-Requests: one in half a second, or after the answer', () => {
  const p = session({}, {});
  const sent = () => p.trace().match(/ResetReq/g)?.length ?? 0;
  p.command('a', { do: 'reset' });
  const one = sent();
  for (let i = 0; i < 9; i++) p.command('a', { do: 'reset' });
  assert.equal(sent(), one);
  p.run(100); // the Reset-Ack
  p.command('a', { do: 'reset' });
  assert.equal(sent() > one, true);
});

// Conversations --------------------------------------------------------------------------------

const plugins = [new URL('../../plugins', import.meta.url).pathname];
const key = 'key proto=pass service=ppp user=glenda !password=rabbit';

/** Both ends over a wire of loop that loses, and datagrams from one to the other. */
async function conversations(o: { verbs: string; loss?: string; client?: string }) {
  const clock = new VirtualClock();
  const random = new SeededRandom(11);
  const s = makeSystem({ plugins, clock, random, poison: true, owner: 'glenda' });
  for (const layer of ['auth', 'loop', 'ppp']) await s.control(`load ${layer}`);
  const sh = new Shell(s);
  await sh.echo(key, '/auth/ctl');
  const wire = await sh.clone('loop');
  const [client, srv] = [await sh.clone('ppp'), await sh.clone('ppp')];
  const common = `net none\n${o.verbs}\n`;
  await sh.echo(`${common}${o.client ?? ''}\nbind ${wire}/data`, `${client}/ctl`);
  const addresses = 'role server\nlocal 10.0.0.1\nremote 10.0.0.2';
  await sh.echo(`${common}${addresses}\nbind ${wire}/data1\nannounce`, `${srv}/ctl`);
  await clock.until(sh.echo('connect', `${client}/ctl`));
  if (o.loss !== undefined) await sh.echo(`loss ${o.loss}`, `${wire}/ctl`);
  return { clock, s, sh, wire, client, srv };
}

const datagram = (i: number): Uint8Array =>
  concat(bytes('45000028'), packetOf(new Uint8Array(32).fill(i)).bytes());

for (const [verbs, want] of [
  ['mppe require', 'send mppe 128 stateless\nreceive mppe 128 stateless\n'],
  ['mppe require 128 stateful', 'send mppe 128 stateful\nreceive mppe 128 stateful\n'],
  ['mppe require 40 stateful\ncompress on', 'send mppc mppe 40 stateful\n'],
  ['mppe deny\ncompress on', 'send mppc stateful\nreceive mppc stateful\n'],
  ['auth mschap\nmppe require', 'send mppe 128 stateless\nreceive mppe 128 stateless\n'],
  ['auth eap\nmppe require stateful', 'send mppe 128 stateful\n'],
] as const)
  test(`datagrams over a wire that loses: ${verbs.replace('\n', ', ')}`, async () => {
    const c = await conversations({ verbs, loss: '5%' });
    const { clock, sh } = c;
    assert.ok((await sh.cat(`${c.client}/ccp`)).includes(want));
    const out = await sh.open(`${c.client}/data`, 2);
    const from = await sh.open(`${c.srv}/data`, 2);
    let good = 0;
    const all = (async () => {
      for (;;) {
        const b = await from.read(2000, 0, request());
        if (b.length === 0) return;
        assert.equal(hex(b), hex(datagram(b[8] ?? 0)));
        good++;
      }
    })().catch(() => undefined);
    for (let i = 0; i < 1500; i++) {
      await out.write(datagram(i & 0xff), 0, request());
      await clock.run(20);
    }
    assert.ok(good > 1000, `${good} of 1500`);
    const text = await sh.cat(`${c.srv}/ccp`);
    if (/stateless/.test(text)) assert.doesNotMatch(text, /ResetReq/);
    else assert.match(text, /\nsent .*ResetReq \d+\n/);
    assert.match(text, /\nlost [1-9]\d*\n/);
    assert.match(await sh.cat(`${c.srv}/status`), /^Opened /);
    await clock.until(c.s.stop('the end'));
    await all;
  });

test('the mtu is what is left of the frame', async () => {
  const plain = await conversations({ verbs: 'mppe deny' });
  const sealed = await conversations({ verbs: 'mppe require' });
  const mtu = async ({ sh, client }: typeof plain): Promise<number> =>
    Number(/ mtu (\d+)/.exec(await sh.cat(`${client}/status`))?.[1]);
  assert.equal((await mtu(plain)) - (await mtu(sealed)), 4);
  for (const { clock, s } of [plain, sealed]) await clock.until(s.stop('the end'));
});

test('of connect: what is required and cannot be is told', async () => {
  for (const [verbs, client, error] of [
    ['mppe deny', 'mppe require', /ccp/],
    ['auth chap', 'mppe require', /gave no keys/],
  ] as const)
    await assert.rejects(conversations({ verbs, client }), error);
});
