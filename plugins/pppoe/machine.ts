/** Discovery of a PPPoE host, RFC 2516 sections 5 and 8: from PADI
 *  to a session, and to its PADT. */
import { equal, type Packet, take, utf8 } from '@9p/packet';
import type { Machine, Ms, Output } from 'slashnet/core';
import { fmtMac, printable } from './fmt.js';
import {
  broadcast,
  code,
  type Discovery,
  emit,
  find,
  frameLength,
  isGroup,
  type Mac,
  parse,
  reservedSession,
  type Tag,
  tag,
} from './wire.js';

export type State = 'Idle' | 'PADI-sent' | 'PADR-sent' | 'Session';

/** What is asked of discovery. */
export interface Want {
  /** '' takes any service, as RFC 2516 appendix A has it. */
  readonly service: string;
  /** Only this access concentrator. */
  readonly acName: string | undefined;
  /** Tells answers to this connect from those to others. */
  readonly hostUniq: Uint8Array;
  /** Until the first repetition; doubled for each further one, RFC 2516 section 8. */
  readonly retry_ms: number;
  /** The whole of discovery. */
  readonly limit_ms: number;
}

export type Cmd =
  | { readonly do: 'connect'; readonly want: Want }
  /** Ends a session with a PADT, or discovery with no word of failure. */
  | { readonly do: 'hangup' }
  /** The same without a PADT: nobody would hear it, or the session is another's. */
  | { readonly do: 'drop' }
  | { readonly do: 'static'; readonly session: number; readonly peer: Mac };

export type Event =
  | { readonly is: 'state'; readonly state: State }
  | { readonly is: 'session' }
  /** connect did not succeed. */
  | { readonly is: 'failed'; readonly why: string }
  /** The access concentrator ended the session. */
  | { readonly is: 'ended'; readonly why: string }
  | { readonly is: 'count'; readonly reason: Reason };

export type Reason =
  | 'unexpected'
  | 'badframe'
  | 'noacname'
  | 'groupmac'
  | 'otheracname'
  | 'otherservice'
  | 'offererror'
  | 'extraoffers'
  | 'wrongmac'
  | 'badsession'
  | 'duppads'
  | 'straypads'
  | 'retries';

export interface Session {
  readonly id: number;
  readonly peer: Mac;
  readonly acName: string;
  readonly service: string;
}

/** A chosen offer; its bytes are copies. */
interface Offer {
  readonly ac: Mac;
  readonly acName: string;
  readonly cookie: Uint8Array | undefined;
  readonly relay: Uint8Array | undefined;
}

/** PADR without an answer before discovery starts again with a PADI, section 8. */
export const padrs_max = 4;
const names_max = 3;
const nothingSaid = new Uint8Array(0);
const nothing: Want = {
  service: '',
  acName: undefined,
  hostUniq: new Uint8Array(0),
  retry_ms: 0,
  limit_ms: 0,
};
const never = Number.POSITIVE_INFINITY;

export class DiscoveryMachine implements Machine<Cmd, Event> {
  readonly #local: Mac;
  readonly #ether: string;
  readonly #out: Output<Event>[] = [];
  #state: State = 'Idle';
  #want: Want = nothing;
  #hostUniq: Uint8Array = new Uint8Array(0);
  #offer: Offer | undefined;
  #session: Session | undefined;
  #again: Ms = never;
  #giveUp: Ms = never;
  #wait_ms = 0;
  #padrs = 0;
  /** Names of access concentrators that were not the one asked for. */
  #others: string[] = [];
  /** An error that came instead of an offer. */
  #refusal: string | undefined;

  /** `ether` is the interface's name in error texts: "ether0". */
  constructor(local: Mac, ether: string) {
    this.#local = local;
    this.#ether = ether;
  }

  get state(): State {
    return this.#state;
  }
  get session(): Session | undefined {
    return this.#session;
  }
  /** Of the last connect; answers to it are ours. */
  get hostUniq(): Uint8Array {
    return this.#hostUniq;
  }

  command(c: Cmd, now: Ms): void {
    if (c.do === 'drop' || c.do === 'hangup') {
      // A connect that was given up may still be answered with a session: #stray ends that.
      const s = this.#session;
      if (s !== undefined && c.do === 'hangup') this.#sendPadt(s.id, s.peer);
      this.#idle();
    } else if (this.#state !== 'Idle') this.#count('unexpected');
    else if (c.do === 'connect') this.#connect(c.want, now);
    else this.#static({ id: c.session, peer: c.peer, acName: '', service: '' });
  }

  receive(p: Packet, now: Ms): void {
    const d = parse(p.buf, p.start, p.end);
    const drop = typeof d === 'string' ? 'badframe' : this.#input(d, now);
    if (drop !== undefined) this.#count(drop);
  }

  timeout(now: Ms): void {
    if (now >= this.#giveUp) this.#fail(this.#silence());
    else if (now >= this.#again) this.#repeat(now);
  }

  poll(): Output<Event> | undefined {
    return this.#out.shift();
  }

  deadline(): Ms {
    return Math.min(this.#again, this.#giveUp);
  }

  #input(d: Discovery, now: Ms): Reason | undefined {
    if (d.code === code.pado) return this.#pado(d, now);
    if (d.code === code.pads) return this.#pads(d);
    return d.code === code.padt ? this.#padt(d) : 'unexpected';
  }

  #connect(want: Want, now: Ms): void {
    this.#want = want;
    this.#hostUniq = want.hostUniq;
    this.#others = [];
    this.#offer = undefined;
    this.#giveUp = now + want.limit_ms;
    this.#initiate(now, want.retry_ms);
  }

  #initiate(now: Ms, wait_ms: number): void {
    this.#refusal = undefined;
    this.#enter('PADI-sent');
    this.#wait(now, wait_ms);
    this.#send(code.padi, broadcast, [this.#serviceTag(), this.#uniqTag()]);
  }

  #request(o: Offer, now: Ms): void {
    this.#offer = o;
    this.#padrs = 1;
    this.#enter('PADR-sent');
    this.#wait(now, this.#want.retry_ms);
    this.#sendPadr(o);
  }

  /** The wait is over: the same again, and twice as long. */
  #repeat(now: Ms): void {
    const padr = this.#state === 'PADR-sent';
    if (!padr && this.#refusal !== undefined) {
      this.#fail(this.#refusal);
      return;
    }
    this.#count('retries');
    if (padr && this.#offer !== undefined && this.#padrs < padrs_max) {
      this.#padrs++;
      this.#wait(now, this.#wait_ms * 2);
      this.#sendPadr(this.#offer);
    } else this.#initiate(now, padr ? this.#want.retry_ms : this.#wait_ms * 2);
  }

  #wait(now: Ms, ms: number): void {
    this.#wait_ms = ms;
    this.#again = now + ms;
  }

  #pado(d: Discovery, now: Ms): Reason | undefined {
    if (this.#state === 'PADR-sent' || this.#state === 'Session') return 'extraoffers';
    if (this.#state !== 'PADI-sent' || !this.#forUs(d)) return 'unexpected';
    if (d.session !== 0) return 'badsession';
    if (isGroup(d.src)) return 'groupmac';
    const error = errorOf(d);
    if (error !== undefined) {
      this.#refusal = error;
      return 'offererror';
    }
    const reason = this.#unwanted(d);
    if (reason === undefined) this.#request(offerOf(d), now);
    return reason;
  }

  /** Section 5.3: the choice is made by the AC-Name and the services offered. */
  #unwanted(d: Discovery): Reason | undefined {
    const want = this.#want;
    const name = find(d, tag.acName);
    if (name === undefined) return 'noacname';
    if (want.acName !== undefined && !equal(name, utf8(want.acName))) {
      const shown = printable(name);
      if (this.#others.length < names_max && !this.#others.includes(shown))
        this.#others.push(shown);
      return 'otheracname';
    }
    if (want.service === '') return undefined;
    const wanted = utf8(want.service);
    const offered = d.tags.some((t) => t.type === tag.serviceName && equal(t.value, wanted));
    return offered ? undefined : 'otherservice';
  }

  #pads(d: Discovery): Reason | undefined {
    const ac = this.#offer?.ac;
    if (ac === undefined || !this.#forUs(d)) return 'unexpected';
    if (d.src !== ac) return 'wrongmac';
    // One that comes after the next PADI has gone out is a session all the same.
    if (this.#state !== 'PADR-sent' && this.#state !== 'PADI-sent') return this.#stray(d);
    const error = errorOf(d);
    if (error !== undefined) {
      this.#fail(error);
      return undefined;
    }
    if (d.session === 0 || d.session === reservedSession) return 'badsession';
    const given = d.tags.filter((t) => t.type === tag.serviceName).map((t) => t.value);
    const service = given.find((v) => equal(v, utf8(this.#want.service))) ?? given[0];
    const name = service === undefined ? this.#want.service : printable(service);
    if (!this.#accepts(service)) {
      this.#sendPadt(d.session, ac);
      this.#fail(`access concentrator gave service '${name}', not '${this.#want.service}'`);
      return undefined;
    }
    this.#open({ id: d.session, peer: ac, acName: this.#offer?.acName ?? '', service: name });
    return undefined;
  }

  /** Some access concentrators leave the Service-Name out of a
   *  PADS: then it is what we asked for. */
  #accepts(service: Uint8Array | undefined): boolean {
    const { service: wanted } = this.#want;
    return wanted === '' || service === undefined || equal(service, utf8(wanted));
  }

  /** A PADR sent twice may have made two sessions; so may one whose sender no longer waits. */
  #stray(d: Discovery): Reason {
    if (this.#session?.id === d.session) return 'duppads';
    if (d.session !== 0 && d.session !== reservedSession) this.#sendPadt(d.session, d.src);
    return 'straypads';
  }

  #padt(d: Discovery): Reason | undefined {
    const s = this.#session;
    if (s === undefined || d.session !== s.id) return 'unexpected';
    if (d.src !== s.peer) return 'wrongmac';
    const said = printable(find(d, tag.genericError) ?? nothingSaid);
    const why = `access concentrator ended the session${said === '' ? '' : `: ${said}`}`;
    this.#out.push({ do: 'tell', event: { is: 'ended', why } });
    this.#idle();
    return undefined;
  }

  #static(s: Session): void {
    this.#offer = undefined;
    this.#hostUniq = new Uint8Array(0);
    this.#open(s);
  }

  #open(s: Session): void {
    this.#session = s;
    this.#stop();
    this.#enter('Session');
    this.#out.push({ do: 'tell', event: { is: 'session' } });
  }

  #fail(why: string): void {
    this.#idle();
    this.#out.push({ do: 'tell', event: { is: 'failed', why } });
  }

  #idle(): void {
    this.#session = undefined;
    this.#stop();
    this.#enter('Idle');
  }

  #stop(): void {
    this.#again = never;
    this.#giveUp = never;
  }

  /** Nobody answered, or nobody who was asked for. */
  #silence(): string {
    const where = `on ${this.#ether} in ${this.#want.limit_ms / 1000} s`;
    const o = this.#offer;
    if (this.#refusal !== undefined) return this.#refusal;
    if (o !== undefined) {
      const who = `'${o.acName}' at ${fmtMac(o.ac)}`;
      return `access concentrator ${who} made no session ${where}: no answer to PADR`;
    }
    const name = this.#want.acName;
    const others = this.#others.map((n) => `'${n}'`).join(', ');
    if (others !== '') return `no access concentrator '${name}' answered ${where}, but ${others}`;
    return `no access concentrator answered ${where}`;
  }

  #forUs(d: Discovery): boolean {
    const uniq = find(d, tag.hostUniq);
    return uniq !== undefined && equal(uniq, this.#hostUniq);
  }

  #sendPadr(o: Offer): void {
    const tags = [this.#serviceTag(), this.#uniqTag()];
    if (o.cookie !== undefined) tags.push({ type: tag.acCookie, value: o.cookie });
    if (o.relay !== undefined) tags.push({ type: tag.relaySessionId, value: o.relay });
    this.#send(code.padr, o.ac, tags);
  }

  /** Tags are not required; a relay finds its session by its own. */
  #sendPadt(id: number, peer: Mac): void {
    const tags: Tag[] = this.#hostUniq.length > 0 ? [this.#uniqTag()] : [];
    const relay = this.#offer?.relay;
    if (relay !== undefined) tags.push({ type: tag.relaySessionId, value: relay });
    this.#send(code.padt, peer, tags, id);
  }

  #send(c: number, dst: Mac, tags: readonly Tag[], session = 0): void {
    const d: Discovery = { dst, src: this.#local, code: c, session, tags };
    const p = take(frameLength(d));
    emit(p.buf, p.start, d);
    this.#out.push({ do: 'send', packet: p });
  }

  #serviceTag(): Tag {
    return { type: tag.serviceName, value: utf8(this.#want.service) };
  }
  #uniqTag(): Tag {
    return { type: tag.hostUniq, value: this.#hostUniq };
  }

  #enter(s: State): void {
    if (this.#state === s) return;
    this.#state = s;
    this.#out.push({ do: 'tell', event: { is: 'state', state: s } });
  }

  #count(reason: Reason): void {
    this.#out.push({ do: 'tell', event: { is: 'count', reason } });
  }
}

function offerOf(d: Discovery): Offer {
  return {
    ac: d.src,
    acName: printable(find(d, tag.acName) ?? nothingSaid),
    cookie: find(d, tag.acCookie)?.slice(),
    relay: find(d, tag.relaySessionId)?.slice(),
  };
}

const errorTags: readonly (readonly [number, string])[] = [
  [tag.serviceNameError, 'access concentrator refused the service'],
  [tag.acSystemError, 'access concentrator has an error'],
  [tag.genericError, 'access concentrator has an error'],
];

/** An error tag with the peer's own words, if there is one. */
function errorOf(d: Discovery): string | undefined {
  for (const [type, what] of errorTags) {
    const value = find(d, type);
    if (value === undefined) continue;
    const said = printable(value);
    return said === '' ? what : `${what}: ${said}`;
  }
  return undefined;
}
