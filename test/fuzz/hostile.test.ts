/** A peer that knows PPP and no secret: frames that are well formed, with the Identifiers that are
 *  waited for, at any time. Nothing lets it in, and it gets no more out of us than it puts in. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { concat } from '@9p/packet';
import { codes, protocols } from '../../plugins/ppp/codes.js';
import type { PppConfig } from '../../plugins/ppp/session.js';
import { controlPacket } from '../../plugins/ppp/wire.js';
import { bytes, fuzzIterations, SeededRandom } from '../kit/index.js';
import { chap, config, eapMethod, mschap, mschapv2, pap, server } from '../unit/ppp-peer.js';
import { Solo } from '../unit/ppp-solo.js';

const spoken = [
  ...[protocols.lcp, protocols.pap, protocols.chap, protocols.eap],
  ...[protocols.ipcp, protocols.ipv6cp, 0x80fd, 0xc025, 0x0021, 0x00fd],
];
/** Options of LCP, of the NCPs, and bodies of the authentication protocols. */
const bodies = [
  '',
  '0104 05dc',
  '0506 11223344',
  '0304 c023',
  '0305 c22305',
  '0305 c22381',
  '0304 c227',
  '0304 c227 0304 c023',
  '0408 c025 000003e8',
  '0306 0a000002',
  '0306 00000000',
  '010a 0123456789abcdef',
  '1206 01000040',
  '0206 002d0f01',
  '06 676c656e6461 06 726162626974',
  '06 676c656e6461 05 6775657373',
  '10 000102030405060708090a0b0c0d0e0f 676c656e6461',
  `31 ${'00'.repeat(49)} 676c656e6461`,
  '01',
  '01 676c656e6461',
  '03 1a',
  '03 04',
  '04 10 000102030405060708090a0b0c0d0e0f',
  '1a 03',
  '1a 02 01 0036 31',
  '533d 00',
].map(bytes);

/** One frame: what would be an answer to the last of its protocol as often as not. */
function frame(s: Solo, r: SeededRandom) {
  const protocol = r.pick(spoken);
  const last = s.sent.filter((x) => x.protocol === protocol).at(-1);
  const id = last !== undefined && r.chance(70) ? last.id : r.below(256);
  const said = last !== undefined && r.chance(40) ? bytes(last.body) : r.pick(bodies);
  const body = r.chance(15) ? concat(said, r.pick(bodies)) : said;
  return controlPacket(protocol, { code: 1 + r.below(14), id, body });
}

const outputs_max = 5;
const needs_max = 3;

/** How often it was let in. */
function attack(
  what: string,
  c: PppConfig,
  seed: number,
  n: number,
  secret = 'nobody knows',
): number {
  let entered = 0;
  const r = new SeededRandom(seed);
  let s = new Solo(c);
  const begin = () => {
    s = new Solo(c);
    s.peer.secret = secret;
    s.peer.mute = r.chance(30);
    if (r.chance(70)) {
      s.reply(protocols.lcp);
      s.say(protocols.lcp, codes.confReq, 1);
    }
  };
  begin();
  for (let i = 0; i < n; i++) {
    const [sent, needs] = [s.sent.length, s.peer.needs.length];
    s.receive(frame(s, r));
    const where = () => `${what}, seed ${seed}, frame ${i}\n${s.trace().slice(-2000)}`;
    assert.ok(s.sent.length - sent <= outputs_max, where());
    if (s.peer.ppp.phase === 'Network') entered++;
    assert.ok(s.peer.needs.length - needs <= 1, where());
    if (s.peer.mute)
      assert.ok(s.peer.needs.length <= needs_max, `${s.peer.needs.length} needs: ${where()}`);
    if (r.chance(5)) s.run(r.below(4000));
    if (s.why !== undefined || r.chance(2)) {
      s.command({ do: 'down', why: 'over' });
      assert.equal(s.peer.deadline(), Number.POSITIVE_INFINITY, where());
      begin();
    }
  }
  return entered;
}

for (const method of [pap, chap, mschap, mschapv2, eapMethod]) {
  const lcp = { demand: [method], accept: [method] };
  test(`who knows no secret does not get in (${method.name})`, () => {
    const demand = server({ lcp: { demand: [method] } });
    assert.equal(attack('server', demand, 1, fuzzIterations()), 0);
    assert.equal(attack('mutual', server({ lcp }), 2, fuzzIterations()), 0);
    if (method === pap) assert.ok(attack('guessed', demand, 1, 20_000, 'rabbit') > 0);
    attack('client', config({ lcp: { accept: [method] } }), 3, fuzzIterations());
  });
}
