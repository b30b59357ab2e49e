/** MS-CHAPv2 in EAP, type 26, after draft-kamath-pppext-eap-mschapv2. AuthInfo is as there. */
import { concat, hex, put16, text, u8, u16, utf8 } from '@9p/packet';
import { attrValue } from '../attr.js';
import { sameBytes } from '../digest.js';
import {
  type AuthInfo,
  type Exchange,
  failed,
  isOutcome,
  type Outcome,
  type Party,
  type Protocol,
} from '../protocol.js';
import { type ClientMethod, EapClient, EapServer, type ServerMethod, type Step } from './eap.js';
import { tries_max } from './login.js';
import { proveV2 } from './mschap.js';

export const eapMschapv2: Protocol = {
  name: 'eap-mschapv2',
  prompt: 'user? !password?',
  passService: 'ppp',
  client,
  server,
};

const type = 26;
const op = { challenge: 1, response: 2, success: 3, failure: 4 } as const;
const header_bytes = 4;
const challenge_bytes = 16;
/** Peer-Challenge 16, zeros 8, NT-Response 24, Flags 1. */
const response_bytes = 49;
const key_bytes = 16;
const front_bytes = 24;

/** OpCode, MS-CHAPv2-ID, MS-Length; a reply to Success or Failure is an OpCode alone. */
function message(opcode: number, id: number, ...parts: (Uint8Array | readonly number[])[]) {
  const b = concat([opcode, id, 0, 0], ...parts);
  put16(b, 2, b.length);
  return b;
}

interface Message {
  readonly op: number;
  readonly id: number;
  readonly body: Uint8Array;
}

function parse(data: Uint8Array): Message | undefined {
  if (data.length === 1) return { op: u8(data, 0), id: 0, body: new Uint8Array(0) };
  const n = data.length < header_bytes ? 0 : u16(data, 2);
  if (n < header_bytes || n > data.length) return undefined;
  return { op: u8(data, 0), id: u8(data, 1), body: data.subarray(header_bytes, n) };
}

/** Value-Size, Value, Name. */
function valueAndName(b: Uint8Array, n: number): { value: Uint8Array; name: string } | undefined {
  if (b.length < 1 + n || u8(b, 0) !== n) return undefined;
  return { value: b.subarray(1, 1 + n), name: text(b.subarray(1 + n)) };
}

const without = (domain: string): string => domain.slice(domain.lastIndexOf('\\') + 1);
/** `S=` and the authenticator response of AuthInfo's secret. */
const proofText = (secret: Uint8Array): string =>
  `S=${hex(secret.subarray(key_bytes)).toUpperCase()}`;

function client(party: Party): Exchange | Outcome {
  const first = party.key();
  return isOutcome(first) ? first : new EapClient(new Client(party));
}

type Said = ReturnType<ClientMethod['request']>;

class Client implements ClientMethod {
  readonly type = type;
  readonly #party: Party;
  #info: AuthInfo | undefined;
  /** The server has proven itself; that is told once it says Success. */
  #proven = false;

  constructor(party: Party) {
    this.#party = party;
  }

  request(_id: number, data: Uint8Array): Said {
    const m = parse(data);
    if (m?.op === op.challenge) return this.#challenged(m);
    if (m?.op === op.success && this.#info !== undefined) return this.#succeeding(m.body);
    // There is nothing to say to a failure but that it was heard; the text is for the log.
    if (m?.op === op.failure) return { is: 'say', data: Uint8Array.of(op.failure) };
    return { is: 'botch' };
  }

  #challenged(m: Message): Said {
    const asked = valueAndName(m.body, challenge_bytes);
    if (asked === undefined) return { is: 'botch' };
    const key = this.#party.key();
    if (isOutcome(key)) return key;
    const user = attrValue(key.attrs, 'user') ?? '';
    const front = concat(this.#party.random.bytes(challenge_bytes), new Uint8Array(8));
    const password = key.secret('!password') ?? new Uint8Array(0);
    const proof = proveV2({ challenge: asked.value, front, user }, password);
    this.#info?.secret.fill(0);
    this.#info = { cuid: user, suid: 'none', secret: proof.secret };
    this.#proven = false;
    const value = concat([response_bytes], front, proof.ntResponse, [0]);
    return { is: 'say', data: message(op.response, m.id, value, utf8(user)), info: this.#info };
  }

  #succeeding(body: Uint8Array): Said {
    const right = utf8(proofText(this.#info!.secret));
    this.#proven = sameBytes(body.subarray(0, right.length), right);
    if (!this.#proven) return failed('bad authenticator');
    return { is: 'say', data: Uint8Array.of(op.success) };
  }

  succeeded(): AuthInfo | false {
    return this.#proven && this.#info !== undefined ? this.#info : false;
  }
}

function server(party: Party): Exchange {
  return new EapServer(party, new Server(party));
}

class Server implements ServerMethod {
  readonly type = type;
  readonly #party: Party;
  #challenge: Uint8Array;
  #user = '';
  #msId = 0;
  /** How often the peer may still fail. */
  #tries: number;
  /** The peer is to say that it heard the verdict; or, of a failure, to try again. */
  #verdict: { ok: boolean; info?: AuthInfo | undefined } | undefined;

  constructor(party: Party) {
    this.#party = party;
    this.#challenge = party.random.bytes(challenge_bytes);
    this.#tries = Math.min(Number(party.attr('tries') ?? 1) || 1, tries_max);
  }

  first(id: number, user: string): Uint8Array {
    this.#user = user;
    this.#msId = id;
    return message(op.challenge, id, [challenge_bytes], this.#challenge, utf8('slashnet'));
  }

  response(_id: number, data: Uint8Array): Step | Promise<Step> {
    const m = parse(data);
    if (m === undefined) return { is: 'botch' };
    const verdict = this.#verdict;
    if (verdict !== undefined && m.op === (verdict.ok ? op.success : op.failure))
      return { is: 'end', ...verdict };
    if (verdict !== undefined && (verdict.ok || this.#tries === 0)) return { is: 'botch' };
    const said = m.op === op.response ? valueAndName(m.body, response_bytes) : undefined;
    // Of another try it may be the next one.
    const ids = verdict === undefined ? [this.#msId] : [this.#msId, (this.#msId + 1) & 0xff];
    if (said === undefined || !ids.includes(m.id)) return { is: 'botch' };
    this.#msId = m.id;
    const info = this.#judge(said.value, said.name);
    return info instanceof Promise ? info.then((i) => this.#tell(i)) : this.#tell(info);
  }

  #judge(value: Uint8Array, name: string) {
    const front = value.subarray(0, front_bytes);
    const ntResponse = value.subarray(front_bytes, 2 * front_bytes);
    const user = this.#user;
    const challenge = this.#challenge;
    return this.#party.judge({
      user,
      challenge,
      response: value.subarray(0, 2 * front_bytes),
      proven(password) {
        const proof = proveV2({ challenge, front, user }, password);
        // The name in the response is hashed; it must be the one whose key this is.
        const same = without(name) === without(user);
        if (sameBytes(ntResponse, proof.ntResponse) && same) return proof.secret;
        proof.secret.fill(0);
        return undefined;
      },
    });
  }

  #tell(info: AuthInfo | undefined): Step {
    this.#verdict = { ok: info !== undefined, info };
    if (info !== undefined) {
      const said = utf8(`${proofText(info.secret)} M=Access granted`);
      return { is: 'say', data: message(op.success, this.#msId, said), info };
    }
    this.#tries--;
    this.#challenge = this.#party.random.bytes(challenge_bytes);
    const again = `R=${this.#tries > 0 ? 1 : 0} C=${hex(this.#challenge).toUpperCase()}`;
    const said = utf8(`E=691 ${again} V=3 M=Access denied`);
    return { is: 'say', data: message(op.failure, this.#msId, said) };
  }
}
