/** A peer that negotiates anew in mid-traffic: LCP as a whole, or one network protocol. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { codes, protocols } from '../../plugins/ppp/codes.js';
import { controlPacket } from '../../plugins/ppp/wire.js';
import { bytes } from '../kit/index.js';
import { file, type Lab, request, Stack, two, type Wire } from './ppp-lab.js';
import { chap, config, last, pap, server } from './ppp-peer.js';
import { Solo } from './ppp-solo.js';

const { lcp, ipcp, ipv6cp } = protocols;

test('IPCP anew: other addresses, and neither LCP nor IPV6CP notices', () => {
  const m = new Solo(config()).openNetwork();
  m.say(ipcp, codes.confReq, 2, '0306 0a000009');
  assert.deepEqual(m.lines(), [
    'ipcp ConfReq addr 10.0.0.2 dns1 0.0.0.0 dns2 0.0.0.0',
    'ipcp ConfAck addr 10.0.0.9',
  ]);
  assert.equal(last(m.events, 'ipdown')?.why, 'ipcp went down');
  m.reply(ipcp, codes.confNak, '0306 0a000007');
  m.reply(ipcp);
  const ip = last(m.events, 'ip')?.up;
  assert.deepEqual([ip?.local, ip?.remote], [0x0a000007, 0x0a000009]);
  assert.deepEqual([m.stateOf('ipv6cp'), m.peer.ppp.phase], ['Opened', 'Network']);
  assert.equal(last(m.events, 'ipv6down'), undefined);
});

test('IPV6CP anew: the peer may have another identifier, ours stays', () => {
  const m = new Solo(config()).openNetwork();
  const ours = last(m.events, 'ipv6')?.up.local;
  m.say(ipv6cp, codes.confReq, 2, '010a 0000000000000009');
  m.reply(ipv6cp);
  const ipv6 = last(m.events, 'ipv6')?.up;
  assert.deepEqual([ipv6?.local, ipv6?.remote], [ours, bytes('0000000000000009')]);
  assert.equal(m.stateOf('ipcp'), 'Opened');
});

test('LCP anew: all that was agreed is agreed again, from the phase of establishment on', () => {
  const m = new Solo(config()).openNetwork();
  const ours = last(m.events, 'ipv6')?.up.local;
  m.say(lcp, codes.confReq, 2, '0104 0400 0506 00000007 0702');
  assert.equal(m.lines().at(-1), 'lcp ConfRej pfc');
  m.say(lcp, codes.confReq, 3, '0104 0400 0506 00000007');
  assert.deepEqual([m.peer.ppp.phase, m.peer.ppp.ncps.length], ['Establish', 0]);
  assert.equal(last(m.events, 'link')?.up, undefined);
  m.reply(lcp);
  const { peerMru, peerMagic } = m.peer.ppp.agreed;
  assert.deepEqual([m.peer.ppp.phase, peerMru, peerMagic], ['Network', 1024, 7]);
  m.reply(ipcp, codes.confNak, '0306 0a000005');
  m.reply(ipcp);
  m.say(ipcp, codes.confReq, 9, '0306 0a000001');
  assert.equal(last(m.events, 'ip')?.up.local, 0x0a000005);
  m.reply(ipv6cp);
  m.say(ipv6cp, codes.confReq, 9, '010a 0000000000000007');
  assert.deepEqual(last(m.events, 'ipv6')?.up.local, ours);
  assert.equal(m.why, undefined);
});

test('LCP anew at a server: who was let in proves himself again, by no less than before', () => {
  const m = new Solo(server({ lcp: { demand: [chap, pap], magic: false } }));
  m.reply(lcp);
  m.say(lcp, codes.confReq, 1);
  m.say(lcp, codes.confReq, 2);
  assert.match(m.request(lcp).line, /^lcp ConfReq auth chap$/);
  m.news();
  m.say(ipcp, codes.confReq, 1, '0306 0a000002');
  assert.deepEqual(m.lines(), []);
  m.reply(lcp, codes.confNak, '0304 c023');
  m.reply(lcp, codes.confRej);
  assert.match(m.lines().at(-1) ?? '', /^lcp TermReq/);
});

test('a peer that begins anew and then says nothing more: given up, with the reason', () => {
  const m = new Solo(config()).openNetwork();
  m.say(lcp, codes.confReq, 2, '0506 00000007');
  m.run(60_000);
  assert.equal(m.why, 'lcp: no answer to 10 requests');
});

// As files ------------------------------------------------------------------------------------

/** As if the server had sent it. */
function inject(lab: Lab, protocol: number, body: string, code = 1, id = 0x63): void {
  const c = { code, id, body: bytes(body) };
  lab.system.turn.run(() => void (lab.wires[0] as Wire).upper.deliver(controlPacket(protocol, c)));
}

for (const [what, protocol, body] of [
  ['LCP', lcp, '0104 0400 0506 00000007'],
  ['IPCP', ipcp, '0306 0a000009'],
  ['IPV6CP', ipv6cp, '010a 0000000000000009'],
] as const)
  test(`${what} anew: data stays open, and what is written to it passes again`, async () => {
    const lab = await two({ server: ['auth chap'] });
    await lab.done(lab.echo('connect', '/ppp/0/ctl'));
    await lab.clock.run(100);
    const [a, b] = [await file(lab, '/ppp/0/data'), await file(lab, '/ppp/1/data')];
    const uptime = async () => Number(/uptime (\d+)/.exec(await lab.cat('/ppp/0/status'))?.[1]);
    await lab.clock.run(5000);
    inject(lab, protocol, body);
    await lab.clock.run(2000);
    assert.match(
      await lab.cat('/ppp/0/status'),
      /^Opened phase Network .* ipcp Opened ipv6cp Opened /,
    );
    assert.equal(await uptime(), 7);
    const packet = Uint8Array.of(0x45, 0, 0, 20, ...new Uint8Array(16));
    for (const [from, to] of [
      [a, b],
      [b, a],
    ] as const) {
      const read = Promise.resolve(to.read(2000, 0, request()));
      await from.write(packet, 0, request());
      assert.deepEqual(Uint8Array.from(await lab.done(read)), packet);
    }
    assert.equal(await lab.cat('/ppp/0/err'), '');
  });

test('LCP anew: the interface stays, with its addresses', async () => {
  const lab = await two({ client: ['net /net'], server: ['noauth'] });
  const stack = new Stack(lab);
  await lab.done(lab.echo('connect', '/ppp/0/ctl'));
  await lab.clock.run(100);
  const made = [...stack.said];
  assert.equal(made.length, 3);
  inject(lab, lcp, '0506 00000007');
  await lab.clock.run(2000);
  assert.match(await lab.cat('/ppp/0/status'), /^Opened .* ifc \/net\/ipifc\/0 /);
  assert.deepEqual([stack.said, stack.closed], [made, 0]);
});

test('IPCP anew with other addresses: the interface gets them in place of the old ones', async () => {
  const client = ['net /net', 'ipv6 off', 'primary', 'echo 0'];
  const lab = await two({ client, server: ['noauth', 'ipv6 off', 'dns none'] });
  const stack = new Stack(lab);
  await lab.done(lab.echo('connect', '/ppp/0/ctl'));
  const made = stack.said.length;
  const wire = lab.wires[0] as Wire;
  wire.cut = true; // from here on the test is the server
  const answer = (code: number, body?: string) => {
    const asked = wire.seen.filter((h) => h.startsWith('802101')).at(-1) ?? '';
    inject(lab, ipcp, body ?? asked.slice(12), code, Number.parseInt(asked.slice(6, 8), 16));
  };
  inject(lab, ipcp, '0306 0a000009');
  answer(codes.confNak, '0306 0a000007');
  answer(codes.confRej, wire.seen.at(-1)?.slice(24));
  answer(codes.confAck);
  await lab.clock.run(100);
  assert.deepEqual(stack.said.slice(made), [
    'ndb ip=10.0.0.2\n',
    'iproute remove 0 0 10.0.0.1',
    'remove 10.0.0.2 255.255.255.255 10.0.0.1',
    'add 10.0.0.7 255.255.255.255 10.0.0.9 1492',
    'iproute add 0 0 10.0.0.9',
    'ndb ip=10.0.0.7 ipmask=255.255.255.255 ipgw=10.0.0.9\n',
  ]);
  assert.equal(await lab.cat('/ppp/0/local'), '10.0.0.7\n');
});
