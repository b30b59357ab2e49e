/** Link quality reports: against the golden packets, by hand, and over wires that lose. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { hex, packetOf, text } from '@9p/packet';
import { omode } from 'slashnet/core';
import { codes, protocols } from '../../plugins/ppp/codes.js';
import { type LineCounts, noCounts, Quality, report_bytes } from '../../plugins/ppp/lqr.js';
import { bytes } from '../kit/index.js';
import { file, type Lab, request, type TwoOptions, two, type Wire } from './ppp-lab.js';
import { config } from './ppp-peer.js';
import { Solo } from './ppp-solo.js';

const { lcp, lqr } = protocols;

/** The packets of the golden file. */
function golden(): string[] {
  const url = new URL('../../../test/golden/ppp/lqr.txt', import.meta.url);
  const lines = readFileSync(url, 'utf8')
    .replace(/^#.*\n/gm, '')
    .replace(/\n +/g, ' ');
  return [...lines.matchAll(/^lqr +([0-9a-f ]+)$/gm)].map((m) => (m[1] ?? '').replaceAll(' ', ''));
}

/** One end, whose line counts what the test says. */
class End {
  counts: Record<keyof LineCounts, number> = { ...noCounts, reportOctets: 52 };
  readonly quality = new Quality(() => ({ ...this.counts }));
  now = 0;
  constructor(magic: number, period_ms = 1000) {
    this.quality.start(period_ms, magic, 0);
  }
  report(): string | undefined {
    this.now = this.quality.deadline();
    this.quality.timeout(this.now);
    const r = this.quality.take();
    return r === undefined ? undefined : hex(r);
  }
}

test('the golden reports, byte for byte: two ends in turn, the third report lost', () => {
  const ends = [new End(0x01020304), new End(0xfffefdfc)] as const;
  const made = golden().map((_, i) => {
    const [from, to] = i % 2 === 0 ? ends : [ends[1], ends[0]];
    from.counts.outPackets += 10 * i;
    from.counts.outOctets += 1000 * i;
    const r = from.report() ?? '';
    from.counts.outPackets++;
    from.counts.outOctets += 52;
    if (i === 2) return r;
    to.counts.inPackets += 9 * i + 1;
    to.counts.inOctets += 900 * i + 52;
    to.counts.inErrors += i;
    assert.equal(to.quality.receive(bytes(r)), undefined);
    return r;
  });
  assert.ok(made.length >= 6);
  assert.deepEqual(made, golden());
  assert.deepEqual(ends[0].quality.in, { packets: 51, lost: 5, errors: 5, discards: 0 });
  assert.deepEqual(ends[1].quality.in, { packets: 62, lost: 25, errors: 4, discards: 0 });
});

test('counters may wrap between two reports', () => {
  const [a, b] = [new End(1), new End(2)];
  Object.assign(a.counts, { outPackets: 2 ** 32 - 3, outOctets: 2 ** 32 - 9 });
  b.counts.inPackets = 2 ** 32 - 1;
  for (let i = 0; i < 2; i++) {
    const r = bytes(a.report() ?? '');
    assert.equal(b.quality.receive(r), undefined);
    a.counts.outPackets += 10;
    b.counts.inPackets += 8;
  }
  assert.deepEqual(b.quality.in, { packets: 10, lost: 2, errors: 0, discards: 0 });
});

test('without a timer each report is answered; with one, only where ours did not arrive', () => {
  const answers = (period_ms: number, peerInLqrs: readonly number[]): boolean[] =>
    peerInLqrs.map(
      (() => {
        const end = new End(1, period_ms);
        return (n: number) => {
          const r = bytes('00000002'.padEnd(2 * report_bytes, '0'));
          new DataView(r.buffer, r.byteOffset).setUint32(16, n);
          end.quality.receive(r);
          return end.quality.take() !== undefined;
        };
      })(),
    );
  assert.deepEqual(answers(0, [0, 1, 1]), [true, true, true]);
  assert.deepEqual(answers(1000, [0, 1, 2, 2, 3]), [false, false, false, true, false]);
});

const spoken = (quality: number | undefined) => config({ lcp: { quality, magic: false } });

test('the option: asked for, and what the peer asks', () => {
  const m = new Solo(spoken(1000));
  assert.equal(m.request(lcp).body, '0408c025000003e8');
  m.news();
  for (const [asked, answer] of [
    ['0408c025 00000064', 'ConfAck quality lqr 100'],
    ['0408c025 00000000', 'ConfAck quality lqr 0'],
    ['0408c025 00000001', 'ConfNak quality lqr 100'],
    ['0408c045 00000064', 'ConfNak quality lqr 1000'],
    ['0404c025', 'ConfNak quality lqr 1000'],
    ['0403c0', 'ConfRej quality c0'],
  ]) {
    m.say(lcp, codes.confReq, 1, asked);
    assert.equal(m.lines()[0], `lcp ${answer}`);
  }
  m.reply(lcp, codes.confNak, '0408c025 000007d0');
  assert.equal(m.lines().at(-1), 'lcp ConfReq quality lqr 2000');
  m.reply(lcp, codes.confNak, '0404c123');
  assert.equal(m.lines().at(-1), 'lcp ConfReq');
});

test('off: the option is one that nobody knows, and so is the protocol', () => {
  const m = new Solo(spoken(undefined));
  m.news();
  m.say(lcp, codes.confReq, 1, '0408c025 00000064');
  assert.deepEqual(m.lines(), ['lcp ConfRej quality lqr 100']);
  m.openLcp();
  m.news();
  m.receive(packetOf(bytes('c025'.padEnd(2 * (2 + report_bytes), '0'))));
  assert.deepEqual(m.lines(), ['lcp ProtRej lqr']);
});

test('reports come at the peer’s period; a Protocol-Reject ends them, and only them', () => {
  const m = new Solo(spoken(1000)).openLcp('0408c025 000000c8');
  m.news();
  m.run(6100);
  const at = () => m.news().flatMap((s) => (s.protocol === lqr ? [s.at] : []));
  assert.deepEqual(at(), [2000, 4000, 6000]);
  m.say(lcp, codes.protRej, 9, 'c025 00000000');
  m.run(6000);
  assert.deepEqual(at(), []);
  assert.equal(m.peer.ppp.quality?.state, 'rejected');
  assert.equal(m.peer.ppp.phase, 'Network');
});

test('what is no report, or is our own, is counted and changes nothing', () => {
  const m = new Solo(config({ lcp: { quality: 1000 } })).openLcp('0408c025 00000000');
  const magic = m.request(lcp).body.slice(-8);
  m.receive(packetOf(bytes('c025 0000')));
  m.receive(packetOf(bytes(`c025${magic}`.padEnd(100, '0'))));
  assert.deepEqual([m.counted('badlength'), m.counted('looped')], [1, 1]);
  assert.equal(m.peer.ppp.quality?.received, 0);
});

// Over a wire ---------------------------------------------------------------------------------

async function reporting(o: TwoOptions = {}): Promise<Lab> {
  const verbs = ['lqr 10', 'echo 0', 'ipv6 off'];
  const client = [...verbs, ...(o.client ?? [])];
  const lab = await two({ ...o, client, server: ['noauth', ...verbs, ...(o.server ?? [])] });
  await lab.done(lab.echo('connect', '/ppp/0/ctl'));
  return lab;
}
async function send(lab: Lab, from: string, n: number): Promise<void> {
  const f = await file(lab, `${from}/data`);
  for (let i = 0; i < n; i++)
    await f.write(Uint8Array.of(0x45, 0, 0, 20, ...new Uint8Array(16 + i)), 0, request());
  f.close();
}
const quality = async (lab: Lab, n: number): Promise<string> =>
  (await lab.cat(`/ppp/${n}/quality`)).replaceAll('\n', ' ').trim();

for (const [what, o] of [
  ['packets', {}],
  ['packets with FF 03', { client: ['address on'], server: ['address on'] }],
  ['hdlc', { framing: 'bytes' }],
  [
    'hdlc, pfc and acfc',
    { framing: 'bytes', client: ['pfc on', 'acfc on'], server: ['pfc on', 'acfc on'] },
  ],
] as const)
  test(`${what}: where nothing is lost both ends count the same packets and octets`, async () => {
    const lab = await reporting(o);
    const log = await lab.open('/ppp/0/log', omode.read);
    const other = await file(lab, '/ppp/1/data'); // somebody reads there
    for (let i = 0; i < 4; i++) {
      await send(lab, '/ppp/0', 5);
      await lab.clock.run(10_000);
    }
    other.close();
    let compared = 0;
    while (compared < 3) {
      const line = text(await log.read(4096, 0, request()));
      const [, sent, arrived] =
        /<- lqr magic \w+ last \d+ (\d+ \d+) in \d+ (\d+ \d+)/.exec(line) ?? [];
      if (sent === undefined || sent === '0 0') continue;
      assert.equal(arrived, sent, line);
      compared++;
    }
    assert.match(await quality(lab, 0), /^state on period 10 peerperiod 10 sent 4 received 4 /);
  });

test('what a cut wire loses is told at both ends', async () => {
  const lab = await reporting();
  const other = await file(lab, '/ppp/1/data');
  await lab.clock.run(21_000);
  const wire = lab.wires[0] as Wire;
  wire.cut = true;
  await send(lab, '/ppp/0', 3);
  wire.cut = false;
  await send(lab, '/ppp/0', 2);
  await lab.clock.run(9500);
  assert.match(await quality(lab, 1), /inpackets 6 inlost 3 inerrors 0 indiscards 0$/);
  await lab.clock.run(10_000); // what the server has seen of it comes with its next report
  assert.match(await quality(lab, 0), /outpackets 6 outlost 3 outerrors 0 outdiscards 0/);
  assert.match(await quality(lab, 1), /inpackets 1 inlost 0/);
  other.close();
});

test('frames that a line spoils are errors; one error, where a flag is spoilt between two', async () => {
  const loop = ['framing bytes', 'seed 1'];
  const lab = await reporting({ loop });
  const other = await file(lab, '/ppp/1/data');
  await lab.clock.run(21_000);
  await lab.echo('corrupt 100%', '/loop/0/ctl');
  await send(lab, '/ppp/0', 3);
  await lab.echo('clear', '/loop/0/ctl');
  await lab.clock.run(9500);
  other.close();
  assert.match(await quality(lab, 1), /inpackets 4 inlost 3 inerrors [123] indiscards 0$/);
});
