/** The golden files of test/golden/ppp, as the second implementations make them. Run alone it
 *  writes them. */
import { writeFileSync } from 'node:fs';
import { hex } from '@9p/packet';
import { type CcpOptions, CcpSender } from './ccp.js';
import * as eap from './eap.js';
import { type Bits, type Bytes, masterKey, ntResponse, startKey } from './keys.js';
import * as lqr from './lqr.js';
import type { Secret } from './mppe.js';
import { VjSender } from './vj.js';
import { script, type Told } from './vjscript.js';

const columns = 90;

/** A word and bytes, as many lines as they need. */
function line(word: string, b: Bytes): string {
  const all = hex(b, ' ');
  const rows = all.match(new RegExp(`.{1,${columns - 6}}(?= |$)`, 'g')) ?? [];
  return rows.map((r, i) => `${(i === 0 ? word : '').padEnd(5)} ${r.trim()}`).join('\n');
}
const comment = (s: string): string => s.replace(/^/gm, '# ');

const header = (what: string): string =>
  `${comment(`${what}\nWritten by test/second, which knows the RFC and nothing of ours.`)}\n`;

/** RFC 3079 section 3.5 has the vectors: User, clientPass. */
export const user = 'User';
export const password = 'clientPass';
export const authenticator = Buffer.from('5b5d7c7d7b3f2f3e3c2c602132262628', 'hex');
export const peer = Buffer.from('21402324255e262a28295f2b3a337c7e', 'hex');
const challenge8 = Buffer.from('102db5df085d3041', 'hex');

export const keyOf = (method: Secret['method']): Bytes =>
  method === 'mschap'
    ? startKey(password, challenge8)
    : masterKey(password, ntResponse(authenticator, peer, user, password));

/** What is sent where nothing is shown: IPv4 of a few bytes. */
export const filler = Buffer.from('002145000000', 'hex');

export interface Case {
  readonly method: Secret['method'] | 'none';
  readonly bits: Bits;
  readonly stateless: boolean;
  readonly server: boolean;
  readonly mppc: boolean;
}
const title = (c: Case): string =>
  `case ${c.method} ${c.bits} ${c.stateless ? 'stateless' : 'stateful'} ` +
  `${c.server ? 'server' : 'client'} ${c.mppc ? 'mppc' : 'plain'}`;

export const optionsOf = ({ method, ...c }: Case): CcpOptions => ({
  mppc: c.mppc,
  ...(method !== 'none' && {
    mppe: {
      secret: { method, key: keyOf(method), server: c.server },
      bits: c.bits,
      stateless: c.stateless,
    },
  }),
});
export const senderOf = (c: Case): CcpSender => new CcpSender(optionsOf(c));

type Step = { packet: Bytes; why?: string } | { skip: number } | 'reset';

function play(c: Case, steps: readonly Step[]): string {
  const sender = senderOf(c);
  const out = [title(c)];
  for (const s of steps) {
    if (s === 'reset') {
      out.push('reset');
      sender.reset();
    } else if ('skip' in s) {
      out.push(`skip  ${s.skip}`);
      for (let i = 0; i < s.skip; i++) sender.send(filler);
    } else {
      if (s.why !== undefined) out.push(comment(s.why));
      const { compressed, data } = sender.send(s.packet);
      out.push(line('in', s.packet), line(compressed ? 'comp' : 'as', data));
    }
  }
  return `${out.join('\n')}\n`;
}

const ip = (text: string): Bytes =>
  Buffer.concat([Buffer.from('002145000000', 'hex'), Buffer.from(text)]);
const packets = (...all: [Bytes, string?][]): Step[] =>
  all.map(([packet, why]) => (why === undefined ? { packet } : { packet, why }));

const mppeSteps: readonly Step[] = [
  ...packets(
    [ip('test message'), 'count 0'],
    [ip('a second')],
    [Buffer.from('005760000000', 'hex')],
  ),
  { skip: 251 },
  ...packets([ip('x'), 'count 254'], [ip('y'), 'the flag packet'], [ip('z')]),
  'reset',
  ...packets([ip('after a reset')], [ip('and on')]),
  { skip: 4094 - 259 },
  ...packets(
    [ip('x'), 'count 4094'],
    [ip('y'), 'the last flag packet'],
    [ip('z'), 'count 0 again'],
  ),
];

function mppe(): string {
  const cases: string[] = [];
  for (const stateless of [true, false]) {
    for (const bits of [40, 56, 128] as const)
      for (const server of [true, false])
        cases.push(play({ method: 'mschapv2', bits, stateless, server, mppc: false }, mppeSteps));
    cases.push(
      play({ method: 'mschap', bits: 128, stateless, server: true, mppc: false }, mppeSteps),
    );
  }
  return [
    header(
      `MPPE, RFC 3078; keys of RFC 3079's examples (password ${password}).
case: whose keys, bits, mode, which end sends. in: from the protocol field on. comp: what follows
protocol 00fd. as: it goes as it was. skip n: so many packets ${hex(filler, ' ')} that are not shown.
reset: a Reset-Request came.`,
    ),
    ...cases,
  ].join('\n');
}

const words = 'the quick brown fox jumps over the lazy dog and the lazy dog sleeps; ';
const high = Uint8Array.from({ length: 64 }, (_, i) => (i * 73 + 128) & 255);
const long = (n: number, salt: number): Bytes =>
  ip(Array.from({ length: n }, (_, i) => `line ${(i * 7919 + salt) % 977} of it\n`).join(''));

const mppcSteps: readonly Step[] = [
  ...packets(
    [ip(words), 'an empty history: FLUSHED'],
    [ip(words), 'again: a match of all of it'],
    [Buffer.concat([ip(''), Buffer.alloc(300)]), 'a run of one byte'],
    [Buffer.concat([ip(words), high]), 'bytes from 80 on'],
    [Buffer.concat([Buffer.of(0, 0x21), high, high.map((x) => x ^ 0x55)]), 'what does not shrink'],
    [ip(words), 'so the history is new'],
    [ip(words)],
  ),
  'reset',
  ...packets([ip(words), 'after a reset'], [ip(words)]),
];
const farSteps: readonly Step[] = packets(
  ...[1, 2, 3, 4, 5].map((i): [Bytes] => [long(80, i)]),
  [long(80, 6), 'matches from far off'],
  [long(80, 7), 'and to the front: there is no room'],
);

function mppc(): string {
  const e = { method: 'mschapv2', bits: 128, server: true, mppc: true } as const;
  return [
    header(
      `MPPC, RFC 2118, alone and in MPPE; as mppe.txt. Which matches a sender finds is its affair: all
of these must be understood.`,
    ),
    play({ method: 'none', bits: 128, stateless: false, server: true, mppc: true }, [
      ...mppcSteps,
      ...farSteps,
    ]),
    play({ ...e, stateless: false }, mppcSteps),
    play({ ...e, stateless: true }, mppcSteps),
  ].join('\n');
}

function vj(): string {
  const told = (t: Told, sender: VjSender): string => {
    const f = sender.send(t.packet);
    const word = { 33: 'ip', 45: 'vjc', 47: 'vju' }[f.protocol] ?? '';
    return `${comment(t.why)}\n${line('in', t.packet)}\n${line(word, f.data)}`;
  };
  const cases = [false, true].map((compSlot) => {
    const sender = new VjSender(1, compSlot);
    return `case ${compSlot ? 'compslot' : 'slots'}\n${script()
      .map((t) => told(t, sender))
      .join('\n')}\n`;
  });
  return [
    header(
      `VJ, RFC 1144, one slot: so the slot is 0. in: an IPv4 packet; ip, vju (002f), vjc (002d): what it
is sent as. case compslot: the slot may be left out.`,
    ),
    ...cases,
  ].join('\n');
}

/** Two ends in turn, each of which counts what it sends; some of it is lost. */
function reports(): { option: Bytes; packets: Bytes[] } {
  const end = (magic: number): lqr.End => ({
    magic,
    out: { lqrs: 0, packets: 0, octets: 0 },
    in: { lqrs: 0, packets: 0, discards: 0, errors: 0, octets: 0 },
  });
  const [a, b] = [end(0x01020304), end(0xfffefdfc)];
  const heard = new Map<lqr.End, lqr.Report>();
  const packets: Bytes[] = [];
  for (let i = 0; i < 6; i++) {
    const [from, to] = i % 2 === 0 ? [a, b] : [b, a];
    from.out.packets += 10 * i + 1;
    from.out.octets += 1000 * i + 52;
    from.out.lqrs++;
    const r = lqr.report(from, heard.get(from));
    packets.push(lqr.emitReport(r));
    if (i === 2) continue;
    to.in.lqrs++;
    to.in.packets += 9 * i + 1;
    to.in.octets += 900 * i + 52;
    to.in.errors += i;
    heard.set(to, r);
  }
  return { option: lqr.option(1000), packets };
}
function lqrs(): string {
  const { option, packets } = reports();
  const one = (b: Bytes) => {
    const r = lqr.parseReport(b);
    const fields = Object.entries(r ?? {}).map(([k, v]) => `${k} ${v}`);
    return `${comment(fields.slice(0, 6).join(' '))}\n${comment(fields.slice(6).join(' '))}\n${line('lqr', b)}`;
  };
  return [
    header(
      'LQR, RFC 1989: the option of LCP that asks for one every 10 s, and what is behind c025.',
    ),
    line('opt', option),
    ...packets.map(one),
    '',
  ].join('\n');
}

export function eapExchange(): { packets: Bytes[]; master: Bytes } {
  return eap.exchange({ user, password, server: 'slashnet', authenticator, peer, id: 7 });
}
function eaps(): string {
  const { packets, master } = eapExchange();
  const names = ['Identity?', 'Identity', 'Challenge', 'Response', 'Success', 'Success', 'the end'];
  const rows = packets.map((p, i) => `${comment(names[i]!)}\n${line(i % 2 ? 'peer' : 'auth', p)}`);
  const fail = eap.failure(9, 8, authenticator, true);
  return [
    header(
      `EAP-MSCHAPv2, draft-kamath-pppext-eap-mschapv2, with the names of RFC 2759's example: what is
behind c227. key: the master key of both ends afterwards.`,
    ),
    ...rows,
    line('key', master),
    comment('Failure, and its answer'),
    line('auth', fail),
    line('peer', eap.acknowledge(9, eap.op.failure)),
    '',
  ].join('\n');
}

export const goldenFiles = (): Record<string, string> => ({
  'mppe.txt': mppe(),
  'mppc.txt': mppc(),
  'vj.txt': vj(),
  'lqr.txt': lqrs(),
  'eap-mschapv2.txt': eaps(),
});

if (process.argv[1] === new URL(import.meta.url).pathname)
  for (const [name, content] of Object.entries(goldenFiles()))
    writeFileSync(new URL(`../../../test/golden/ppp/${name}`, import.meta.url), content);
