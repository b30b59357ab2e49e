/** The netlink codec and client against bytes that Linux 6.18 sent, and against anything at all. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { equal, fromHex, hex } from '@9p/packet';
import * as nl from '@9p/rawio/netlink';
import { bytes, cuts, VirtualClock } from '../kit/index.js';
import { addr, link, refusal, route } from './netlink-bytes.js';

const first = (h: string): nl.Message => {
  const m = nl.parseMessage(fromHex(h), 0);
  assert.ok(typeof m !== 'string', String(m));
  return m;
};
const fine = <T>(x: T | nl.Malformed): T => {
  if (typeof x === 'string') assert.fail(x);
  return x as T;
};

const acked = '24000000 0200 0001 07000000 00000000 00000000 20000000 1300 0500 07000000 00000000';

test('a link', () => {
  const l = fine(nl.parseLink(first(link).body));
  assert.deepEqual(
    { ...l, mac: hex(l.mac, ':') },
    {
      index: 3,
      name: 'eth1',
      arphrd: nl.arphrdEther,
      flags: 0x11043,
      mtu: 1500,
      mac: '0e:2a:68:c5:3a:cf',
      kind: '',
      stats: undefined,
    },
  );
});

test('an address of a point-to-point link', () => {
  const a = fine(nl.parseAddress(first(addr).body));
  assert.deepEqual([a.index, a.prefix, hex(a.local), hex(a.peer)], [3, 32, '0a000001', '0a000002']);
});

test('a route, and what we would send to make the same', () => {
  const r = fine(nl.parseRoute(first(route).body));
  assert.equal(hex(r.dst), 'c0a80500');
  assert.equal(hex(r.gateway ?? new Uint8Array(0)), '0a000002');
  assert.deepEqual([r.dstLen, r.oif, r.table, r.protocol, r.type, r.metric], [24, 3, 254, 4, 1, 5]);
  assert.deepEqual(fine(nl.parseRoute(nl.newRoute(r).body)), r);
});

test('what is emitted parses to the same', () => {
  const v6 = { dst: fromHex('fd00'.padEnd(32, '0')), dstLen: 8, oif: 7, table: 1000 };
  const r: nl.Route = { ...v6, protocol: nl.routeProtocol, type: 1, metric: 0 };
  assert.deepEqual(fine(nl.parseRoute(nl.newRoute(r).body)), r);
  const a: nl.Address = {
    index: 2,
    prefix: 64,
    local: fromHex('fe80000000000000000000000000000a'),
    peer: fromHex('fe80000000000000000000000000000a'),
  };
  assert.deepEqual(fine(nl.parseAddress(nl.newAddress(a).body)), a);
  const l = fine(nl.parseLink(nl.setLink(9, { up: true, mtu: 1492, name: 'ppp0' }).body));
  assert.deepEqual([l.index, l.flags, l.mtu, l.name], [9, nl.iff.up, 1492, 'ppp0']);
  assert.throws(() => nl.setLink(9, { name: 'sixteencharacters' }), /bad interface name/);
});

test('errors and acknowledgements', () => {
  const e = fine(nl.parseError(first(refusal)));
  assert.equal(nl.answerText(e), 'network is unreachable: nexthop has invalid gateway');
  assert.equal(fine(nl.parseError(first(acked))).errno, 0);
  assert.equal(nl.answerText({ errno: 17, why: '' }), 'file exists');
  assert.equal(nl.answerText({ errno: 4711, why: '' }), 'errno 4711');
});

test('cut at every byte nothing is read beyond the end', () => {
  for (const h of [link, addr, route, refusal]) {
    for (const cut of cuts(bytes(h))) {
      const { messages, bad } = nl.parseDatagram(cut);
      assert.equal(messages.length, 0);
      assert.equal(bad, cut.length === 0 ? undefined : cut.length < 16 ? 'short' : 'badlength');
    }
    for (const cut of cuts(first(h).body)) {
      nl.parseLink(cut);
      nl.parseAddress(cut);
      nl.parseRoute(cut);
    }
  }
});

/** A kernel that answers as it is told. */
function kernel(answer: (m: nl.Message) => Uint8Array[]) {
  const clock = new VirtualClock();
  const events: nl.Message[] = [];
  const counted: string[] = [];
  const sent: nl.Message[] = [];
  const client = new nl.NetlinkClient({
    send(datagram) {
      const m = fine(nl.parseMessage(datagram, 0));
      sent.push({ ...m, body: m.body.slice() });
      for (const d of answer(m)) {
        client.receive(d);
        d.fill(0xa5);
      }
    },
    after: (ms, f) => clock.after(ms, f),
    event: (m) => events.push(m),
    count: (r) => counted.push(r),
  });
  return { client, clock, events, counted, sent };
}
const reply = (h: string, seq: number, flags?: number): Uint8Array => {
  const b = fromHex(h);
  b.set([seq], 8);
  if (flags !== undefined) b.set([flags], 6);
  return b;
};
const done = '14000000 0300 0200 07000000 53310000 00000000';

test('a request is answered by its acknowledgement, its error or its messages', async () => {
  const ok = kernel((m) => [reply(acked, m.seq)]);
  assert.deepEqual(await ok.client.request(nl.setLink(3, { up: true })), []);
  assert.equal(ok.sent[0]?.flags, nl.nlmf.request | nl.nlmf.ack);

  const no = kernel((m) => [reply(refusal, m.seq)]);
  const bad = no.client.request(nl.getLink('eth1'));
  await assert.rejects(bad, { errno: 101, message: /network is unreachable/ });

  const one = kernel((m) => [reply(link, m.seq)]);
  const [m] = await one.client.request(nl.getLink('eth1'));
  assert.equal(fine(nl.parseLink((m as nl.Message).body)).name, 'eth1');
});

test('a dump is all its datagrams up to done; interrupted, it is asked for again', async () => {
  let asked = 0;
  const { client, sent } = kernel((m) => {
    asked++;
    const parts = [reply(link, m.seq, 2), reply(link, m.seq, asked === 1 ? 0x12 : 2)];
    return [...parts, reply(done, m.seq)];
  });
  assert.equal((await client.request(nl.getLinks())).length, 2);
  assert.equal(sent.length, 2);
  assert.notEqual(sent[0]?.seq, sent[1]?.seq);
});

test('the kernel makes one dump at a time for a socket: others wait, also behind a refused one', async () => {
  const { client, sent } = kernel(() => []);
  const all = [1, 2, 3].map(() => client.request(nl.getLinks()));
  const one = client.request(nl.getLink('eth1'));
  assert.equal(sent.length, 2, 'the first dump, and what is none');
  client.receive(reply(link, 2));
  assert.equal((await one).length, 1);
  client.receive(reply(refusal, 1));
  await assert.rejects(all[0] as Promise<unknown>, /network is unreachable/);
  for (const [i, p] of [...all.entries()].slice(1)) {
    await new Promise((later) => setImmediate(later));
    assert.equal(sent.length, 2 + i);
    const { seq } = sent.at(-1) as nl.Message;
    client.receive(reply(link, seq, 2));
    client.receive(reply(done, seq));
    assert.equal((await p).length, 1);
  }
});

test('what nobody asked for is an event, and an answer to nobody is counted', () => {
  const { client, events, counted } = kernel(() => []);
  client.receive(reply(link, 0));
  client.receive(reply(acked, 99));
  client.receive(fromHex('00'));
  assert.equal(events.length, 1);
  assert.deepEqual(counted, ['strayanswer', 'short']);
});

test('no answer is an error after 5 s; a socket that is gone at once', async () => {
  const { client, clock } = kernel(() => []);
  const p = client.request(nl.getLinks());
  await assert.rejects(clock.until(p), /netlink: timed out/);
  assert.equal(clock.now(), 5000);
  const q = client.request(nl.getLinks());
  client.close('netlink is gone');
  await assert.rejects(q, /netlink is gone/);
  await assert.rejects(client.request(nl.getLinks()), /netlink is gone/);
  assert.equal(clock.pending, 0);
});

test('a message comes through a buffer that holds others', () => {
  const b = fromHex(link + acked);
  const { messages } = nl.parseDatagram(b);
  assert.equal(messages.length, 2);
  assert.ok(equal(nl.emitMessage(2, 0x100, 7, messages[1]?.body as Uint8Array), fromHex(acked)));
});
