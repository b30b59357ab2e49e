/** EAP's packets, and the two roles that its methods share: requests go one way, responses the
 *  other, Success or Failure ends it. RFC 3748. Identity and sending again are for who relays. */
import { concat, put16, u8, u16 } from '@9p/packet';
import {
  type AuthInfo,
  type Exchange,
  failed,
  type Outcome,
  ok,
  type Party,
  phaseError,
} from '../protocol.js';
import { user_bytes_max } from './login.js';

export const code = { request: 1, response: 2, success: 3, failure: 4 } as const;
const header_bytes = 4;
const nak = 3;

/** Of a method: `data` is what follows the type. */
export interface Eap {
  readonly code: number;
  readonly id: number;
  readonly type: number;
  readonly data: Uint8Array;
}

export function putEap(p: Eap): Uint8Array {
  const typed = p.code <= code.response;
  const b = concat([p.code, p.id, 0, 0], typed ? [p.type] : [], p.data);
  put16(b, 2, b.length);
  return b;
}

/** What is behind Length is padding. Undefined: no packet. */
export function getEap(b: Uint8Array): Eap | undefined {
  const n = b.length < header_bytes ? 0 : u16(b, 2);
  if (n < header_bytes || n > b.length) return undefined;
  const head = { code: u8(b, 0), id: u8(b, 1) };
  const typed = head.code <= code.response;
  if (head.code < code.request || head.code > code.failure || (typed && n === header_bytes))
    return undefined;
  const type = typed ? u8(b, header_bytes) : 0;
  return { ...head, type, data: new Uint8Array(b.subarray(typed ? header_bytes + 1 : n, n)) };
}

const empty = new Uint8Array(0);
const botch = failed('eap botch');

/** What comes of a message: the next one, or the end. */
export type Step =
  | { readonly is: 'say'; readonly data: Uint8Array; readonly info?: AuthInfo | undefined }
  | { readonly is: 'end'; readonly ok: boolean; readonly info?: AuthInfo | undefined }
  | { readonly is: 'botch' };

/** A method, as the server has it. */
export interface ServerMethod {
  readonly type: number;
  /** Of the first request; `id` is its identifier. */
  first(id: number, user: string): Uint8Array;
  response(id: number, data: Uint8Array): Step | Promise<Step>;
}

/** Write the user's name; then each read is a packet for the peer, each write one of it. */
export class EapServer implements Exchange {
  phase = 'SNeedUser';
  /** From the verdict on: wiped also if the peer never hears it. */
  info: AuthInfo | undefined;
  readonly #method: ServerMethod;
  #id: number;
  #next: Uint8Array = empty;
  #ended: 'yes' | 'no' | undefined;

  constructor(party: Party, method: ServerMethod) {
    this.#method = method;
    this.#id = u8(party.random.bytes(1), 0);
  }

  read(): Outcome {
    if (this.phase !== 'SHaveReq') return phaseError;
    this.phase = 'SNeedResp';
    if (this.#ended === 'yes') this.phase = 'Established';
    else if (this.#ended === 'no') this.phase = 'Broken';
    return { is: 'ok', data: this.#next };
  }

  write(data: Uint8Array): Outcome | Promise<Outcome> {
    if (this.phase === 'SNeedUser') return this.#begin(data);
    if (this.phase !== 'SNeedResp') return phaseError;
    const p = getEap(data);
    if (p?.code !== code.response || p.id !== this.#id) return botch;
    if (p.type === nak) return failed('the peer refuses this method');
    if (p.type !== this.#method.type) return botch;
    const step = this.#method.response(p.id, p.data);
    if (!(step instanceof Promise)) return this.#go(step);
    this.phase = 'SWaitVerdict';
    return step.then(
      (s) => this.#go(s),
      () => this.#go({ is: 'end', ok: false }),
    );
  }

  #begin(name: Uint8Array): Outcome {
    if (name.length > user_bytes_max) return failed('user name too long');
    this.#request(this.#method.first(this.#id, new TextDecoder().decode(name)));
    return ok;
  }
  #request(data: Uint8Array): void {
    this.phase = 'SHaveReq';
    this.#next = putEap({ code: code.request, id: this.#id, type: this.#method.type, data });
  }

  #go(s: Step): Outcome {
    this.phase = 'SNeedResp';
    if (s.is === 'botch') return botch;
    this.info = s.info;
    if (s.is === 'say') {
      this.#id = (this.#id + 1) & 0xff;
      this.#request(s.data);
      return ok;
    }
    this.phase = 'SHaveReq';
    this.#ended = s.ok ? 'yes' : 'no';
    const last = s.ok ? code.success : code.failure;
    this.#next = putEap({ code: last, id: this.#id, type: 0, data: empty });
    return ok;
  }
}

/** A method, as the client has it. */
export interface ClientMethod {
  readonly type: number;
  /** What is said to a request; any other outcome is the answer to who relays. */
  request(id: number, data: Uint8Array): Exclude<Step, { is: 'end' }> | Outcome;
  /** Success has come: did the method end well? */
  succeeded(): AuthInfo | undefined | false;
}

/** Each write is a packet of the peer's, each read one for it. */
export class EapClient implements Exchange {
  phase = 'CNeedReq';
  info: AuthInfo | undefined;
  readonly #method: ClientMethod;
  #next: Uint8Array = empty;

  constructor(method: ClientMethod) {
    this.#method = method;
  }

  read(): Outcome {
    if (this.phase !== 'CHaveResp') return phaseError;
    this.phase = 'CNeedReq';
    return { is: 'ok', data: this.#next };
  }

  write(data: Uint8Array): Outcome {
    if (this.phase !== 'CNeedReq') return phaseError;
    const p = getEap(data);
    if (p?.code === code.success) return this.#succeeded();
    if (p?.code === code.failure) {
      this.phase = 'Broken';
      return failed('authentication failed');
    }
    if (p?.code !== code.request || p.type !== this.#method.type) return botch;
    const step = this.#method.request(p.id, p.data);
    if (step.is === 'botch') return botch;
    if (step.is !== 'say') return step;
    if (step.info !== undefined) this.info = step.info;
    this.#next = putEap({ code: code.response, id: p.id, type: p.type, data: step.data });
    this.phase = 'CHaveResp';
    return ok;
  }

  #succeeded(): Outcome {
    const info = this.#method.succeeded();
    if (info === false) return botch; // RFC 3748 section 4.2: not before the method has ended
    this.info = info;
    this.phase = 'Established';
    return ok;
  }
}
