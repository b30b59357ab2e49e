/** EAP in PPP: identities, Nak, sending again, both roles; and through the files of auth. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hex, packetOf } from '@9p/packet';
import { protocols } from '../../plugins/ppp/codes.js';
import { type Control, controlPacket, parseControl } from '../../plugins/ppp/wire.js';
import {
  begin,
  chap,
  config,
  eapMethod,
  isUp,
  last,
  type PppPair,
  pair,
  pap,
  server,
} from './ppp-peer.js';

const demand = { lcp: { demand: [eapMethod] } };
const up = (c = config(), s = server(demand)): PppPair => {
  const p = pair(c, s);
  begin(p);
  p.run(10_000);
  assert.ok(isUp(p), p.trace());
  return p;
};
/** The packets of EAP that a side sent, as a trace has them. */
const said = (p: PppPair, side: 'a' | 'b'): string[] =>
  p
    .trace()
    .split('\n')
    .flatMap((l) => {
      const m = new RegExp(` ${side} -> eap (.*)$`).exec(l);
      return m === null ? [] : [m[1]?.replace(/ id \d+/, '') ?? ''];
    });

test('identity, a method, Success; who it was', () => {
  const p = up();
  assert.deepEqual(last(p.b.events, 'auth'), {
    is: 'auth',
    who: 'peer',
    ok: true,
    method: 'eap',
    user: 'glenda',
    message: '',
    keyed: true,
  });
  assert.equal(last(p.a.events, 'auth')?.user, 'glenda');
  assert.deepEqual(said(p, 'b'), [
    'Request len 5 Identity 0 bytes',
    'Request len 26 MSCHAPv2 21 bytes',
    'Success len 4',
  ]);
  assert.deepEqual(said(p, 'a'), [
    "Response len 11 Identity 'glenda'",
    'Response len 26 MSCHAPv2 21 bytes',
  ]);
});

test('a wrong password, and one in both directions', () => {
  const p = pair(config(), server(demand));
  p.client.password = 'hare';
  begin(p);
  p.run(10_000);
  assert.equal(last(p.a.events, 'finished')?.why, 'authentication failed (eap): peer says failure');
  assert.match(last(p.b.events, 'finished')?.why ?? '', /of the peer 'glenda' failed \(eap\)/);
  const both = { lcp: { demand: [eapMethod], accept: [eapMethod] } };
  up(config(both), server(both));
});

/** A machine alone, whose peer is the test. */
function alone(role: 'client' | 'server') {
  const p = pair(config(), server(demand));
  begin(p);
  p.run(35); // LCP is up, and the server has asked who it is
  const end = role === 'client' ? p.a : p.b;
  const sends: Control[] = [];
  return { p, end, sends, role };
}

/** Delivers a packet of EAP to one side, and gives what it sends in answer. */
function give(
  p: PppPair,
  side: 'client' | 'server',
  code: number,
  id: number,
  ...body: number[]
): string {
  const before = p.trace().split('\n').length;
  const c = { code, id, body: Uint8Array.from(body) };
  const frame = controlPacket(protocols.eap, c);
  p[side].receive(packetOf(frame.bytes().slice()), 1000);
  for (let o = p[side].poll(); o !== undefined; o = p[side].poll()) {
    if (o.do !== 'send') continue;
    const b = o.packet.bytes();
    const sent = parseControl(b, 2, b.length);
    assert.ok(typeof sent !== 'string' && before > 0);
    return `${sent.code} ${sent.id} ${hex(sent.body)}`;
  }
  return '';
}

test('client: what is asked again is said again; Notification, unknown methods, nonsense', () => {
  const { p } = alone('client');
  const first = give(p, 'client', 1, 40, 1);
  assert.equal(first, `2 40 01${hex(Uint8Array.from(Buffer.from('glenda')))}`);
  assert.equal(give(p, 'client', 1, 40, 1), first);
  assert.equal(
    give(p, 'client', 1, 41, 2, 0x68, 0x69),
    '2 41 02',
    'a notification is acknowledged',
  );
  assert.equal(give(p, 'client', 1, 42, 13, 0x20), '2 42 031a04', 'TLS: what we have instead');
  assert.equal(give(p, 'client', 1, 43), '', 'no type');
  assert.equal(give(p, 'client', 1, 44, 4, 3, 1, 2, 3), '', 'auth makes nothing of it');
  assert.equal(give(p, 'client', 9, 45, 4), '');
  assert.match(give(p, 'client', 1, 46, 4, 16, ...new Uint8Array(16)), /^2 46 0410/);
});

test('server: a Nak leads to the method that the peer has, or to the end', () => {
  const { p } = alone('server');
  const trace = said(p, 'b');
  assert.ok(trace[0]?.startsWith('Request len 5 Identity'), p.trace());
  const id = Number(/ b -> eap Request id (\d+)/.exec(p.trace())?.[1]);
  assert.match(give(p, 'server', 2, id, 1, 0x67), /^1 77 1a/, 'MSCHAPv2 first');
  assert.equal(give(p, 'server', 2, 76, 3, 4), '', 'another identifier');
  assert.match(give(p, 'server', 2, 77, 3, 13, 4), /^1 77 04/, 'MD5 then');
  const q = alone('server').p;
  const again = Number(/ b -> eap Request id (\d+)/.exec(q.trace())?.[1]);
  give(q, 'server', 2, again, 1, 0x67);
  assert.equal(give(q, 'server', 2, 77, 3, 0), '4 77 ', 'Failure: the peer wants none of ours');
});

test('eap is asked for in its place, and given up for what the peer has', () => {
  const p = up(
    config({ lcp: { accept: [pap] } }),
    server({ lcp: { demand: [eapMethod, chap, pap] } }),
  );
  assert.equal(last(p.b.events, 'auth')?.method, 'pap');
  const q = up(
    config({ lcp: { accept: [eapMethod] } }),
    server({ lcp: { demand: [pap, eapMethod] } }),
  );
  assert.equal(last(q.b.events, 'auth')?.method, 'eap');
});
