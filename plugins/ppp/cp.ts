/** A control protocol that negotiates: RFC 1661 sections 4.3 to 4.6 and 5.1 to 5.7 round the
 *  automaton. LCP, IPCP and IPV6CP are this with different options. */
import { equal, put16, u8, u16, utf8 } from '@9p/packet';
import type { Ms } from 'slashnet/core';
import { codeNames, codes } from './codes.js';
import { type Action, type Actor, type Event, Fsm, type State, type Step } from './fsm.js';
import { type Answer, agree, answer, type Option, request, within } from './options.js';
import {
  type Control,
  clean,
  emitControl,
  emitOptions,
  header_bytes,
  type Opt,
  parseOptions,
} from './wire.js';

/** RFC 1661 4.6 */
export interface Timers {
  /** For the first Configure-Request; twice as long for each that goes again, up to the other. */
  readonly restart_timer_ms: number;
  readonly restart_max_ms: number;
  /** The same for Terminate-Request, and the wait after the peer's:
   *  shorter, since somebody waits for it. */
  readonly terminate_timer_ms: number;
  readonly max_configure: number;
  readonly max_terminate: number;
  readonly max_failure: number;
}
/** The RFC's 3 seconds is where the back-off ends, not where it begins: over a line that loses
 *  every fifth packet what comes sooner is what gets it up, and ten requests still take longer
 *  than most peers need to start. */
export const defaultTimers: Timers = {
  restart_timer_ms: 1000,
  restart_max_ms: 3000,
  terminate_timer_ms: 700,
  max_configure: 10,
  max_terminate: 2,
  max_failure: 5,
};

/** Where a control protocol sends and tells. */
export interface CpHost {
  send(protocol: number, c: Control): void;
  /** Longest information field that the peer takes. */
  room(): number;
  log(line: string): void;
  count(reason: string): void;
}

/** What is particular to one protocol. */
export interface CpSpec {
  /** "lcp" */
  readonly name: string;
  readonly protocol: number;
  readonly options: readonly Option[];
  readonly timers: Timers;
  readonly passive?: boolean;
  readonly silent?: boolean;
  /** This-Layer-Up: both requests are acknowledged. */
  up(now: Ms): void;
  down(now: Ms): void;
  /** This-Layer-Finished. */
  finished(why: string, now: Ms): void;
  /** Codes beyond Code-Reject; false: not known. */
  extra?(c: Control, now: Ms): boolean;
}

/** A Configure-Request of the peer with our answer to it, on its way through the automaton. */
interface Request {
  readonly control: Control;
  readonly asked?: readonly Opt[];
  readonly answer?: Answer;
}

/** Codes without which nothing works: a Code-Reject of one is catastrophic (RXJ-). */
const vital = codes.codeRej;
/** Times that an acknowledged request may come again before it counts as a new beginning. */
const repetitions_max = 3;
/** Most bytes of a rejected packet that we send back, if the peer takes as much. */
const rejected_bytes = 1024;

/** Packets by their code, and the Restart timer's. */
export interface CpCounts {
  readonly sent: readonly number[];
  readonly received: readonly number[];
  readonly timeouts: number;
}
/** Codes from here on are of no protocol: counted as one. */
export const counted_codes = 16;
const add = (counts: number[], code: number): void => {
  const i = Math.min(code, counted_codes);
  while (counts.length <= i) counts.push(0);
  counts[i] = (counts[i] ?? 0) + 1;
};

const none: Uint8Array = new Uint8Array(0);
/** Of what we have made or found good. */
function parsed(body: Uint8Array): readonly Opt[] {
  const options = parseOptions(body);
  return typeof options === 'string' ? [] : options;
}

export class ControlProtocol implements Actor<Request> {
  readonly spec: CpSpec;
  readonly #host: CpHost;
  readonly #fsm: Fsm<Request>;
  readonly #sent: number[] = [];
  readonly #received: number[] = [];
  #timeouts = 0;
  #timer: Ms = Number.POSITIVE_INFINITY;
  /** The Restart timer's period now. */
  #period_ms: Ms = 0;
  /** Restart counter: transmissions left. */
  #left = 0;
  #id = 0;
  /** Options as they went over the line, of our last Configure-Request, and whether a valid reply
   *  to it has come. */
  #asked = none;
  #askedId = -1;
  #answered = true;
  /** What of it the peer has acknowledged, and what the peer asked last. */
  #acked = none;
  #peerAsked = none;
  /** The peer's request that we acknowledged last, and how often it has
   *  come again since we are Opened. */
  #agreed = none;
  #agreedId = -1;
  #again = 0;
  #naksSent = 0;
  #naksTaken = 0;
  #why = 'closed';
  #said = '';

  constructor(spec: CpSpec, host: CpHost) {
    this.spec = spec;
    this.#host = host;
    const { passive = false, silent = false } = spec;
    this.#fsm = new Fsm(this, { passive, silent, restart: false });
  }

  // For the automaton alone.
  impossible(e: Event, at: State): void {
    this.#host.count('impossible');
    this.#host.log(`${this.spec.name} ${e} cannot happen in ${at}`);
  }
  act(a: Action, now: Ms, s: Step<Request>): void {
    if (a === 'tlu') this.#up(now);
    else if (a === 'tld') this.spec.down(now);
    else if (a === 'tlf') this.spec.finished(this.#why, now);
    else if (a === 'irc') this.#initRestart(s);
    else if (a === 'zrc') this.#zeroRestart(now);
    else if (a === 'scr') this.#sendRequest(now, s.event === 'TO+');
    else if (a === 'sca') this.#sendAck(s.packet);
    else if (a === 'scn') this.#sendNak(s.packet);
    else if (a === 'str') this.#sendTerminate(now);
    else if (a === 'sta') this.#sendTerminateAck(s.packet);
    else if (a === 'scj') this.#sendCodeReject(s.packet);
    // tls has no effect, and for ser the protocol's own `extra` has answered
  }

  get state(): State {
    return this.#fsm.state;
  }
  get opened(): boolean {
    return this.#fsm.state === 'Opened';
  }
  /** Why it ends, while it does. */
  get why(): string {
    return this.#why;
  }
  get counts(): CpCounts {
    return { sent: this.#sent, received: this.#received, timeouts: this.#timeouts };
  }
  /** Options as they went over the line: our last request, what of ours the peer has
   *  acknowledged, what the peer asked last and what we acknowledged of that. */
  get asked(): Uint8Array {
    return this.#asked;
  }
  get agreed(): Uint8Array {
    return this.#acked;
  }
  get peerAsked(): Uint8Array {
    return this.#peerAsked;
  }
  get peerAgreed(): Uint8Array {
    return this.#agreed;
  }
  /** A new Identifier, for packets beyond Code-Reject. */
  nextId(): number {
    this.#id = (this.#id + 1) & 0xff;
    return this.#id;
  }

  up(now: Ms): void {
    this.#step('Up', now);
  }
  down(now: Ms): void {
    if (this.state !== 'Initial' && this.state !== 'Starting') this.#step('Down', now);
  }
  open(now: Ms): void {
    this.#naksSent = 0;
    this.#naksTaken = 0;
    this.#step('Open', now);
  }
  /** `said` is what the peer is told: what went wrong on our side may be none of its business. */
  close(why: string, now: Ms, said = why): void {
    this.#why = why;
    this.#said = said;
    this.#step('Close', now);
  }
  /** The peer does not know this protocol (Protocol-Reject). */
  refused(now: Ms): void {
    this.#why = `peer rejects ${this.spec.name}`;
    this.#step('RXJ-', now);
  }

  deadline(): Ms {
    return this.#timer;
  }
  timeout(now: Ms): void {
    if (now < this.#timer) return;
    const more = this.#left > 0;
    this.#timeouts++;
    if (!more && this.state !== 'Stopping' && this.state !== 'Closing')
      this.#why = `${this.spec.name}: no answer to ${this.spec.timers.max_configure} requests`;
    this.#step(more ? 'TO+' : 'TO-', now);
  }

  receive(c: Control, now: Ms): void {
    const { name } = this.spec;
    add(this.#received, c.code);
    if (this.state === 'Initial' || this.state === 'Starting') this.#host.count(`${name}early`);
    else if (c.code === codes.confReq) this.#receiveRequest(c, now);
    else if (c.code >= codes.confAck && c.code <= codes.confRej) this.#receiveReply(c, now);
    else if (c.code === codes.termReq) this.#receiveTerminate(c, now);
    else if (c.code === codes.termAck) this.#step('RTA', now);
    else if (c.code === codes.codeRej) this.#receiveCodeReject(c, now);
    else if (this.spec.extra?.(c, now) === true) this.#step('RXR', now);
    else {
      this.#host.count('unknowncode');
      this.#step('RUC', now, { control: c });
    }
  }

  #step(event: Event, now: Ms, packet?: Request): void {
    const was = this.state;
    this.#fsm.step(event, now, packet);
    if (!this.#fsm.timed) this.#timer = Number.POSITIVE_INFINITY;
    if (this.state !== was) this.#host.log(`${this.spec.name} ${was} ${event} -> ${this.state}`);
  }

  // Receiving -----------------------------------------------------------------------------------

  #receiveRequest(c: Control, now: Ms): void {
    if (this.#isRetransmission(c)) {
      this.#host.count('repeated');
      this.send(codes.confAck, c.id, c.body);
      return;
    }
    const asked = parseOptions(c.body);
    if (typeof asked === 'string') {
      this.#host.count(asked);
      return;
    }
    const control = { ...c, body: c.body.slice() };
    this.#peerAsked = control.body;
    const mayNak = this.#naksSent < this.spec.timers.max_failure;
    const a = answer(this.spec.options, asked, mayNak);
    const good = a.code === codes.confAck;
    this.#step(good ? 'RCR+' : 'RCR-', now, { control, asked, answer: a });
    if (a.fail !== undefined) this.close(a.fail, now);
  }

  /** The very request that made us Opened: its Ack was slow or lost, and the peer still waits
   *  for it. To begin anew then, as the table has it for any request, never ends where the
   *  round trip is longer than the Restart timer. A peer that did begin anew gets what the
   *  table says after `repetitions_max`. */
  #isRetransmission(c: Control): boolean {
    if (!this.opened || c.id !== this.#agreedId || !equal(c.body, this.#agreed)) return false;
    return ++this.#again <= repetitions_max;
  }

  /** Ack, Nak or Reject: valid once, for the last request, and only
   *  if it speaks of what that asked. */
  #receiveReply(c: Control, now: Ms): void {
    if (c.id !== this.#askedId || this.#answered) {
      this.#host.count('stalereply');
      return;
    }
    const options = parseOptions(c.body);
    if (typeof options === 'string') this.#host.count(options);
    else if (c.code === codes.confAck) this.#receiveAck(c, now);
    else if (options.length === 0) this.#host.count('badreply');
    else if (c.code === codes.confNak) this.#receiveNak(options, now);
    else if (!within(options, parsed(this.#asked))) this.#host.count('badreply');
    else this.#receiveReject(options, now);
  }

  #receiveAck(c: Control, now: Ms): void {
    if (!equal(c.body, this.#asked)) {
      this.#host.count('badreply');
      return;
    }
    this.#answered = true;
    this.#naksTaken = 0;
    this.#acked = this.#asked;
    const asked = parsed(this.#asked);
    for (const o of this.spec.options) o.acked(asked.find((x) => x.type === o.type)?.value.slice());
    this.#step('RCA', now);
  }

  /** A peer that keeps to its Nak after Max-Failure of them is taken to
   *  reject; then it has as many more. */
  #receiveNak(options: readonly Opt[], now: Ms): void {
    this.#answered = true;
    const patience = this.spec.timers.max_failure;
    const rejects = ++this.#naksTaken > patience;
    let fail = this.#naksTaken > 2 * patience ? 'does not converge' : undefined;
    for (const { type, value } of options) {
      const o = this.spec.options.find((x) => x.type === type);
      if (o === undefined) continue;
      const fits = value.length >= o.length[0] && value.length <= o.length[1];
      fail = (rejects || !fits ? o.rejected() : o.naked(value.slice())) ?? fail;
    }
    this.#receivedNo(fail, now);
  }

  #receiveReject(options: readonly Opt[], now: Ms): void {
    this.#answered = true;
    let fail: string | undefined;
    for (const { type } of options) {
      fail = this.spec.options.find((x) => x.type === type)?.rejected() ?? fail;
    }
    this.#receivedNo(fail, now);
  }

  /** Another request; none, where what we cannot do without would be missing from it. */
  #receivedNo(fail: string | undefined, now: Ms): void {
    if (fail === undefined) this.#step('RCN', now);
    else this.close(`${this.spec.name}: ${fail}`, now);
  }

  #receiveTerminate(c: Control, now: Ms): void {
    const said = clean(c.body);
    if (this.state !== 'Closing' && this.state !== 'Stopping')
      this.#why = `${this.spec.name}: terminated by peer${said === '' ? '' : `: ${said}`}`;
    this.#step('RTR', now, { control: c });
  }

  #receiveCodeReject(c: Control, now: Ms): void {
    if (c.body.length < 4) {
      this.#host.count('badlength');
      return;
    }
    const code = u8(c.body, 0);
    const name = codeNames.get(code) ?? `code ${code}`;
    this.#host.log(`${this.spec.name} peer rejects ${name}`);
    if (code <= vital) {
      this.#why = `${this.spec.name}: peer rejects ${name}`;
      this.#step('RXJ-', now);
    } else this.#step('RXJ+', now);
  }

  // Actions -------------------------------------------------------------------------------------

  send(code: number, id: number, body: Uint8Array): void {
    add(this.#sent, code);
    this.#host.send(this.spec.protocol, { code, id, body });
  }

  #up(now: Ms): void {
    this.#naksSent = 0;
    this.spec.up(now);
  }

  #initRestart(s: Step<Request>): void {
    const { max_configure, max_terminate } = this.spec.timers;
    const ending = s.cell.actions.includes('str') || s.event === 'RXJ-';
    this.#left = ending ? max_terminate : max_configure;
  }

  /** Wait a little, so that the peer has our Terminate-Ack before the link goes. */
  #zeroRestart(now: Ms): void {
    this.#left = 0;
    this.#timer = now + this.spec.timers.terminate_timer_ms;
  }

  /** A retransmission keeps its Identifier, so that an answer slower than the timer still
   *  counts; after a valid answer it must not (RFC 1661 5.1). */
  #sendRequest(now: Ms, again: boolean): void {
    const { restart_timer_ms, restart_max_ms } = this.spec.timers;
    if (!again || this.#answered) {
      this.#asked = emitOptions(request(this.spec.options));
      this.#askedId = this.nextId();
    }
    this.#period_ms = again ? Math.min(2 * this.#period_ms, restart_max_ms) : restart_timer_ms;
    this.#answered = false;
    this.#left--;
    this.#timer = now + this.#period_ms;
    this.send(codes.confReq, this.#askedId, this.#asked);
  }

  #sendAck(r: Request | undefined): void {
    if (r?.answer === undefined || r.asked === undefined) throw new Error('sca without a request');
    this.#naksSent = 0;
    this.#again = 0;
    this.#agreed = r.control.body;
    this.#agreedId = r.control.id;
    agree(this.spec.options, r.asked);
    this.send(codes.confAck, r.control.id, r.answer.body);
  }

  #sendNak(r: Request | undefined): void {
    if (r?.answer === undefined) throw new Error('scn without a request');
    if (r.answer.code === codes.confNak) this.#naksSent++;
    this.send(r.answer.code, r.control.id, r.answer.body);
  }

  #sendTerminate(now: Ms): void {
    this.#left--;
    this.#timer = now + this.spec.timers.terminate_timer_ms;
    this.send(codes.termReq, this.nextId(), utf8(this.#said).subarray(0, 64));
  }

  #sendTerminateAck(r: Request | undefined): void {
    const id = r?.control.code === codes.termReq ? r.control.id : this.nextId();
    this.send(codes.termAck, id, new Uint8Array(0));
  }

  #sendCodeReject(r: Request | undefined): void {
    if (r === undefined) throw new Error('scj without a packet');
    const whole = new Uint8Array(header_bytes + r.control.body.length);
    emitControl(whole, 0, r.control);
    const bytes = Math.min(rejected_bytes, this.#host.room() - header_bytes);
    this.send(codes.codeRej, this.nextId(), whole.subarray(0, bytes));
  }
}

/** The body of a Protocol-Reject: the protocol and as much of its packet as fits `bytes`. */
export function protocolReject(protocol: number, info: Uint8Array, bytes: number): Uint8Array {
  const n = Math.max(0, Math.min(info.length, bytes - 2));
  const body = new Uint8Array(2 + n);
  put16(body, 0, protocol);
  body.set(info.subarray(0, n), 2);
  return body;
}

/** The protocol that a Protocol-Reject speaks of; undefined if it is too short to say. */
export const rejectedProtocol = (body: Uint8Array): number | undefined =>
  body.length < 2 ? undefined : u16(body, 0);
