/** One PPP machine, and the test itself as its peer, packet by packet on virtual time. */
import assert from 'node:assert/strict';
import { hex, type Packet, u8, u16 } from '@9p/packet';
import { codes, protocols } from '../../plugins/ppp/codes.js';
import { fmtPpp } from '../../plugins/ppp/fmt.js';
import type { Command, PppConfig, PppEvent } from '../../plugins/ppp/session.js';
import { controlPacket } from '../../plugins/ppp/wire.js';
import { bytes } from '../kit/index.js';
import { Peer } from './ppp-peer.js';

/** What it sent: the line of a log, and the body as it was. */
interface Sent {
  readonly at: number;
  readonly protocol: number;
  readonly code: number;
  readonly id: number;
  readonly body: string;
  readonly line: string;
}

export class Solo {
  readonly peer: Peer;
  readonly sent: Sent[] = [];
  readonly events: PppEvent[] = [];
  now = 0;
  #seen = 0;

  constructor(config: PppConfig, heard?: () => number) {
    this.peer = new Peer(config, 5, heard);
    this.command({ do: 'up' });
    this.command({ do: 'open' });
  }

  command(c: Command): void {
    this.peer.command(c, this.now);
    this.#drain();
  }
  receive(p: Packet): void {
    this.peer.receive(p, this.now);
    this.#drain();
  }
  /** A control packet of the peer's; the body in hex. */
  say(protocol: number, code: number, id: number, body = ''): void {
    this.receive(controlPacket(protocol, { code, id, body: bytes(body) }));
  }

  /** Until `ms` have gone by. */
  run(ms: number): void {
    const end = this.now + ms;
    for (let t = this.peer.deadline(); t <= end; t = this.peer.deadline()) {
      this.now = Math.max(this.now, t);
      this.peer.timeout(this.now);
      this.#drain();
    }
    this.now = end;
  }

  #drain(): void {
    for (let o = this.peer.poll(); o !== undefined; o = this.peer.poll()) {
      if (o.do === 'tell') this.events.push(o.event);
      else this.#note(o.packet);
    }
  }
  #note(p: Packet): void {
    const { buf: b, start: o, end } = p;
    this.sent.push({
      at: this.now,
      protocol: u16(b, o),
      code: u8(b, o + 2),
      id: u8(b, o + 3),
      body: hex(b.subarray(o + 6, end)),
      line: fmtPpp(b, o, end).replace(/ id \d+ len \d+/, ''),
    });
  }

  /** What was sent since this was last asked. */
  news(): readonly Sent[] {
    const out = this.sent.slice(this.#seen);
    this.#seen = this.sent.length;
    return out;
  }
  lines(): string[] {
    return this.news().map((s) => s.line);
  }
  /** Our last Configure-Request of a protocol. */
  request(protocol: number): Sent {
    const found = this.sent.filter((s) => s.protocol === protocol && s.code === codes.confReq);
    const last = found.at(-1);
    assert.ok(last !== undefined, `no ConfReq of ${protocol.toString(16)}`);
    return last;
  }
  /** Acknowledges that; what else is said about it has another code. */
  reply(protocol: number, code: number = codes.confAck, body?: string): void {
    const { id, body: asked } = this.request(protocol);
    this.say(protocol, code, id, body ?? asked);
  }

  /** LCP is Opened: our request as it is, the peer's with these options. */
  openLcp(options = '0506 11223344'): this {
    this.reply(protocols.lcp);
    this.say(protocols.lcp, codes.confReq, 1, options);
    assert.equal(this.peer.ppp.lcp.state, 'Opened', this.trace());
    return this;
  }
  /** IPCP and IPV6CP too. */
  openNetwork(): this {
    this.openLcp();
    this.reply(protocols.ipcp, codes.confNak, '0306 0a000002');
    this.reply(protocols.ipcp);
    this.say(protocols.ipcp, codes.confReq, 1, '0306 0a000001');
    this.reply(protocols.ipv6cp);
    this.say(protocols.ipv6cp, codes.confReq, 1, '010a 0000000000000007');
    for (const ncp of this.peer.ppp.ncps)
      if (ncp.spec.name !== 'ccp') assert.ok(ncp.opened, this.trace());
    this.news();
    return this;
  }

  stateOf(name: string): string | undefined {
    return this.peer.ppp.ncps.find((n) => n.spec.name === name)?.state;
  }
  counted(reason: string): number {
    return this.events.filter((e) => e.is === 'count' && e.reason === reason).length;
  }
  get why(): string | undefined {
    return this.events.flatMap((e) => (e.is === 'finished' ? [e.why] : [])).at(-1);
  }
  trace(): string {
    return this.sent.map((s) => `${s.at} ${s.line}`).join('\n');
  }
}
