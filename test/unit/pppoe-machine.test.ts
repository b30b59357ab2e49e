/** Discovery of a PPPoE host on virtual time, RFC 2516 sections 5 and 8. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { equal, fromHex, hex, type Packet, packetOf, take, utf8 } from '@9p/packet';
import { fmtDiscovery } from '../../plugins/pppoe/fmt.js';
import { type Cmd, DiscoveryMachine, type Want } from '../../plugins/pppoe/machine.js';
import {
  broadcast,
  code,
  type Discovery,
  emit,
  find,
  frameLength,
  type Mac,
  parse,
  type Tag,
  tag,
} from '../../plugins/pppoe/wire.js';

const iterations = Number(process.env.FUZZ_ITERATIONS ?? 2000);
const local = 0x020000000001;
const ac = 0x020000000002;
const other = 0x020000000003;

const want: Want = {
  service: '',
  acName: undefined,
  hostUniq: fromHex('0123456789abcdef'),
  retry_ms: 500,
  limit_ms: 16_000,
};

function rng(seed: number) {
  let x = seed;
  const u32 = () => {
    x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
    return x;
  };
  return { u32, bytes: (n: number) => Uint8Array.from({ length: n }, () => u32() >>> 24) };
}

/** A machine, what it sent and what it told, on a clock that only `run` moves. */
function host() {
  const m = new DiscoveryMachine(local, 'ether0');
  const sent: Discovery[] = [];
  const told: string[] = [];
  const at: number[] = [];
  let now = 1000;
  function drain(): void {
    for (let o = m.poll(); o !== undefined; o = m.poll()) {
      if (o.do === 'send') {
        sent.push(frameOf(o.packet));
        at.push(now - 1000);
      } else if (o.event.is === 'count') told.push(o.event.reason);
      else if (o.event.is === 'state') told.push(o.event.state);
      else told.push('why' in o.event ? `${o.event.is}: ${o.event.why}` : o.event.is);
    }
  }
  return {
    m,
    sent,
    at,
    told,
    command(c: Cmd): void {
      m.command(c, now);
      drain();
    },
    hear(d: Discovery): void {
      m.receive(packet(d), now);
      drain();
    },
    run(ms: number): void {
      const end = now + ms;
      while (m.deadline() <= end) {
        now = Math.max(now, m.deadline());
        m.timeout(now);
        drain();
      }
      now = end;
    },
    get last(): Discovery {
      return sent[sent.length - 1] as Discovery;
    },
  };
}
type Host = ReturnType<typeof host>;

function frameOf(p: Packet): Discovery {
  const d = parse(p.buf, p.start, p.end);
  assert.ok(typeof d !== 'string', `${d}`);
  return d;
}

function packet(d: Discovery): Packet {
  const p = take(frameLength(d));
  emit(p.buf, p.start, d);
  return p;
}

const text = (type: number, s: string): Tag => ({ type, value: utf8(s) });
const uniqOf = (h: Host): Tag => ({ type: tag.hostUniq, value: h.m.hostUniq });

function pado(h: Host, tags: readonly Tag[] = [], src: Mac = ac): Discovery {
  const name = tags.some((t) => t.type === tag.acName) ? [] : [text(tag.acName, 'ac')];
  const all = [uniqOf(h), text(tag.serviceName, ''), ...name, ...tags];
  return { dst: local, src, code: code.pado, session: 0, tags: all };
}
function pads(h: Host, session: number, tags: readonly Tag[] = [], src: Mac = ac): Discovery {
  return { dst: local, src, code: code.pads, session, tags: [uniqOf(h), ...tags] };
}
const padt = (session: number, src: Mac = ac, tags: readonly Tag[] = []): Discovery => ({
  dst: local,
  src,
  code: code.padt,
  session,
  tags,
});

/** A host with session 7. */
function opened(): Host {
  const h = host();
  h.command({ do: 'connect', want });
  h.hear(pado(h));
  h.hear(pads(h, 7));
  assert.equal(h.m.state, 'Session');
  return h;
}

test('the four steps', () => {
  const h = host();
  h.command({ do: 'connect', want: { ...want, service: 'isp' } });
  const padi = h.last;
  assert.deepEqual([padi.code, padi.dst, padi.src, padi.session], [code.padi, broadcast, local, 0]);
  assert.deepEqual(
    padi.tags.map((t) => [t.type, t.type === tag.serviceName ? hex(t.value) : t.value.length]),
    [
      [tag.serviceName, '697370'],
      [tag.hostUniq, 8],
    ],
  );
  const cookie = { type: tag.acCookie, value: fromHex('c00c1e') };
  const relay = { type: tag.relaySessionId, value: fromHex('0102030405060708090a0b0c') };
  h.hear(pado(h, [text(tag.serviceName, 'isp'), cookie, relay]));
  const padr = h.last;
  assert.deepEqual([padr.code, padr.dst, padr.src, padr.session], [code.padr, ac, local, 0]);
  const services = padr.tags.filter((t) => t.type === tag.serviceName);
  assert.equal(services.length, 1);
  assert.ok(equal(find(padr, tag.acCookie) ?? utf8(''), cookie.value));
  assert.ok(equal(find(padr, tag.relaySessionId) ?? utf8(''), relay.value));
  assert.ok(equal(find(padr, tag.hostUniq) ?? utf8(''), h.m.hostUniq));
  h.hear(pads(h, 7, [text(tag.serviceName, 'isp')]));
  assert.deepEqual(h.m.session, { id: 7, peer: ac, acName: 'ac', service: 'isp' });
  assert.deepEqual(h.told, ['PADI-sent', 'PADR-sent', 'Session', 'session']);
  assert.equal(h.m.deadline(), Number.POSITIVE_INFINITY);
  h.command({ do: 'hangup' });
  assert.deepEqual([h.last.code, h.last.dst, h.last.session], [code.padt, ac, 7]);
  assert.equal(h.m.state, 'Idle');
});

test('the cookie is kept when its frame is gone', () => {
  const h = host();
  h.command({ do: 'connect', want });
  const p = packet(pado(h, [{ type: tag.acCookie, value: fromHex('c00c1e') }]));
  h.m.receive(p, 1000);
  p.buf.fill(0xa5, p.start, p.end);
  h.run(600); // the PADR again
  assert.equal(hex(find(h.last, tag.acCookie) ?? utf8('')), 'c00c1e');
});

test('nobody answers: PADI is repeated with twice the wait, and after 16 s the reason is told', () => {
  const h = host();
  h.command({ do: 'connect', want });
  h.run(60_000);
  assert.deepEqual(h.at, [0, 500, 1500, 3500, 7500, 15_500]);
  assert.equal(h.told.at(-1), 'failed: no access concentrator answered on ether0 in 16 s');
  assert.equal(h.m.state, 'Idle');
});

test('no PADS: PADR is repeated, then discovery starts again, then it fails', () => {
  const h = host();
  h.command({ do: 'connect', want });
  h.hear(pado(h));
  h.run(8000);
  const codes = h.sent.map((d) => d.code);
  assert.deepEqual(codes.slice(0, 6), [code.padi, ...Array(4).fill(code.padr), code.padi]);
  assert.deepEqual(h.at.slice(0, 6), [0, 0, 500, 1500, 3500, 7500]);
  h.run(20_000);
  assert.equal(
    h.told.at(-1),
    "failed: access concentrator 'ac' at 02:00:00:00:00:02 made no session on ether0 in 16 s: no answer to PADR",
  );
});

test('a PADS that comes when the next PADI has gone out still makes the session', () => {
  const h = host();
  h.command({ do: 'connect', want });
  h.hear(pado(h));
  h.run(7600);
  assert.equal(h.m.state, 'PADI-sent');
  h.hear(pads(h, 9));
  assert.equal(h.m.session?.id, 9);
});

test('each of the first frames lost, once', () => {
  for (let lost = 0; lost < 4; lost++) {
    const h = host();
    let n = 0;
    h.command({ do: 'connect', want });
    for (let step = 0; step < 40 && h.m.state !== 'Session'; step++) {
      const d = h.last;
      if (n++ !== lost) {
        const answer = d.code === code.padi ? pado(h) : pads(h, 7);
        if (n++ !== lost) h.hear(answer);
        else h.run(500);
      } else h.run(500);
    }
    assert.equal(h.m.state, 'Session', `frame ${lost} lost`);
  }
});

/** What each offer comes to: the counter, and the state after it. */
const offers: readonly [why: string, Partial<Want>, (h: Host) => Discovery, string][] = [
  ['good', {}, (h) => pado(h), 'PADR-sent'],
  ['Service-Name absent, any wanted', {}, (h) => without(pado(h), tag.serviceName), 'PADR-sent'],
  ['no AC-Name', {}, (h) => without(pado(h), tag.acName), 'noacname'],
  ['of another service', { service: 'isp' }, (h) => pado(h), 'otherservice'],
  ['the AC asked for', { acName: 'ac' }, (h) => pado(h), 'PADR-sent'],
  ['another AC', { acName: 'AC' }, (h) => pado(h), 'otheracname'],
  ['session id in a PADO', {}, (h) => ({ ...pado(h), session: 1 }), 'badsession'],
  ['from a group address', {}, (h) => pado(h, [], 0x01005e000001), 'groupmac'],
  ['for another host', {}, (h) => without(pado(h), tag.hostUniq), 'unexpected'],
  ['PADS before PADR', {}, (h) => pads(h, 7), 'unexpected'],
  ['PADT before a session', {}, () => padt(7), 'unexpected'],
];

function without(d: Discovery, type: number): Discovery {
  return { ...d, tags: d.tags.filter((t) => t.type !== type) };
}

test('offers are taken or counted', () => {
  for (const [why, asked, answer, told] of offers) {
    const h = host();
    h.command({ do: 'connect', want: { ...want, ...asked } });
    h.hear(answer(h));
    assert.equal(h.told.at(-1), told, why);
    assert.equal(h.m.state, told === 'PADR-sent' ? told : 'PADI-sent', why);
  }
});

test('only others answered: their names are told', () => {
  const h = host();
  h.command({ do: 'connect', want: { ...want, acName: 'mine', limit_ms: 3000 } });
  h.hear(pado(h, [text(tag.acName, 'bad\nname')], other));
  h.hear(pado(h, [text(tag.acName, 'b')]));
  h.hear(pado(h, [text(tag.acName, 'b')]));
  h.run(3000);
  const names = "'bad?name', 'b'";
  assert.equal(
    h.told.at(-1),
    `failed: no access concentrator 'mine' answered on ether0 in 3 s, but ${names}`,
  );
});

const refusals: readonly [Tag, string][] = [
  [text(tag.serviceNameError, ''), 'access concentrator refused the service'],
  [
    text(tag.serviceNameError, 'no such\r\nservice'),
    'access concentrator refused the service: no such??service',
  ],
  [text(tag.acSystemError, 'full\0'), 'access concentrator has an error: full'],
  [text(tag.genericError, '\x1b[2J'), 'access concentrator has an error: ?[2J'],
];

test('an error in PADS fails at once with the words of the peer', () => {
  for (const [t, why] of refusals) {
    const h = host();
    h.command({ do: 'connect', want });
    h.hear(pado(h));
    h.hear(pads(h, 0, [t]));
    assert.equal(h.told.at(-1), `failed: ${why}`);
    assert.equal(h.m.state, 'Idle');
  }
});

test('an error in PADO fails only if nobody offers within the wait', () => {
  for (const [t, why] of refusals) {
    const h = host();
    h.command({ do: 'connect', want });
    h.hear(pado(h, [t]));
    h.run(500);
    assert.equal(h.told.at(-1), `failed: ${why}`);
  }
  const h = host();
  h.command({ do: 'connect', want });
  h.hear(pado(h, [refusals[0]![0]], other));
  h.hear(pado(h));
  assert.equal(h.m.state, 'PADR-sent');
});

test('PADS: source, session and service are checked', () => {
  const h = host();
  h.command({ do: 'connect', want: { ...want, service: 'isp' } });
  h.hear(pado(h, [text(tag.serviceName, 'isp')]));
  h.hear(pads(h, 7, [], other));
  h.hear(pads(h, 0));
  h.hear(pads(h, 0xffff));
  h.hear(without(pads(h, 7), tag.hostUniq));
  assert.deepEqual(h.told.slice(2), ['wrongmac', 'badsession', 'badsession', 'unexpected']);
  h.hear(pads(h, 7, [text(tag.serviceName, 'gold')]));
  assert.equal(h.told.at(-1), "failed: access concentrator gave service 'gold', not 'isp'");
  assert.deepEqual([h.last.code, h.last.session], [code.padt, 7]);
});

test('PADT is obeyed only from our access concentrator and for our session', () => {
  const h = opened();
  h.told.length = 0;
  h.hear(padt(7, other));
  h.hear(padt(8));
  assert.deepEqual(h.told, ['wrongmac', 'unexpected']);
  assert.equal(h.m.state, 'Session');
  const sent = h.sent.length;
  h.hear(padt(7, ac, [text(tag.genericError, 'shut down')]));
  assert.equal(h.told.at(-2), 'ended: access concentrator ended the session: shut down');
  assert.equal(h.m.state, 'Idle');
  h.command({ do: 'hangup' });
  assert.equal(h.sent.length, sent, 'no PADT for a session that is over');
});

test('a second session that a repeated PADR made is ended, our own is kept', () => {
  const h = opened();
  h.hear(pads(h, 7));
  assert.equal(h.told.at(-1), 'duppads');
  h.hear(pads(h, 8));
  assert.equal(h.told.at(-1), 'straypads');
  assert.deepEqual([h.last.code, h.last.session], [code.padt, 8]);
  assert.equal(h.m.session?.id, 7);
});

test('given up: no failure is told, and a session that is made all the same is ended', () => {
  const h = host();
  h.command({ do: 'connect', want });
  h.hear(pado(h));
  h.command({ do: 'hangup' });
  assert.equal(h.told.at(-1), 'Idle');
  h.run(60_000);
  h.hear(pads(h, 7));
  assert.deepEqual([h.last.code, h.last.session, h.last.dst], [code.padt, 7, ac]);
  assert.equal(h.m.state, 'Idle');
});

test('a session set by hand, and its PADT', () => {
  const h = host();
  h.command({ do: 'static', session: 7, peer: ac });
  assert.deepEqual(h.told, ['Session', 'session']);
  h.command({ do: 'hangup' });
  assert.deepEqual([h.last.code, h.last.session, h.last.dst], [code.padt, 7, ac]);
  assert.deepEqual(h.last.tags, []);
});

test('dropped: no PADT', () => {
  const h = opened();
  const sent = h.sent.length;
  h.command({ do: 'drop' });
  assert.equal(h.m.state, 'Idle');
  assert.equal(h.sent.length, sent);
});

test('commands in the wrong state are counted', () => {
  const h = opened();
  h.command({ do: 'connect', want });
  h.command({ do: 'static', session: 8, peer: ac });
  assert.deepEqual(h.told.slice(-2), ['unexpected', 'unexpected']);
  assert.equal(h.m.session?.id, 7);
});

test('early and extra timeouts do nothing', () => {
  const h = host();
  h.m.timeout(0);
  h.command({ do: 'connect', want });
  h.m.timeout(1001);
  h.m.timeout(1499);
  assert.equal(h.m.poll(), undefined);
});

test('fuzz: frames and commands in any order; one session at most, timers only in discovery', () => {
  for (let seed = 1; seed <= Math.max(20, iterations / 100); seed++) {
    const h = host();
    const r = rng(seed);
    const pick = (n: number) => (r.u32() >>> 8) % n;
    for (let i = 0; i < 100; i++) {
      const k = pick(10);
      if (k < 2) h.command({ do: 'connect', want });
      else if (k === 2) h.command({ do: pick(2) ? 'hangup' : 'drop' });
      else if (k === 3) h.run(pick(3000));
      else h.hear(anyFrame(h, pick));
      const quiet = h.m.state === 'Idle' || h.m.state === 'Session';
      assert.equal(h.m.deadline() === Number.POSITIVE_INFINITY, quiet, `seed ${seed} step ${i}`);
      assert.equal(h.m.session !== undefined, h.m.state === 'Session', `seed ${seed} step ${i}`);
    }
    for (const d of h.sent) assert.equal(d.src, local, fmtDiscovery(d));
  }
});

function anyFrame(h: Host, pick: (n: number) => number): Discovery {
  const src = pick(4) === 0 ? other : ac;
  const errors = [[], [], [], [text(tag.genericError, 'no')]];
  const tags = errors[pick(errors.length)] ?? [];
  const d = [pado(h, tags, src), pads(h, pick(3), tags, src), padt(pick(3), src)][pick(3)]!;
  const p = packet(d);
  if (pick(5) === 0) p.buf[p.start + 12 + pick(p.length - 12)] = pick(256);
  const read = parse(p.buf, p.start, p.end);
  return typeof read === 'string' ? d : frameOf(packetOf(p.bytes()));
}
