/** p9any: the server offers protocols and domains, the client chooses, and that one goes on.
 *  authsrv(6). Of the protocols offered p9sk1 is known here. */
import { text, utf8 } from '@9p/packet';
import { type Attr, printable } from '../attr.js';
import {
  type AuthInfo,
  type Exchange,
  failed,
  isOutcome,
  type Outcome,
  ok,
  type Party,
  type Protocol,
  phaseError,
} from '../protocol.js';
import { p9sk1 } from './p9sk1.js';

export const p9any: Protocol = { name: 'p9any', client, server };

/** The best first. */
const offered: readonly Protocol[] = [p9sk1];
/** As much as one rpc takes; and so much is asked for where a NUL is awaited. */
const offers_bytes_max = 4090;
const noCommon = 'negotiation failed, no common protocols or keys';

interface Choice {
  readonly protocol: Protocol;
  readonly dom: string;
}

/** Until the choice is made; from then on that protocol's exchange. */
abstract class Any implements Exchange {
  #phase: string;
  #inner: Exchange | undefined;
  protected readonly party: Party;
  readonly #relay: string;

  constructor(party: Party, phase: string, relay: string) {
    this.party = party;
    this.#phase = phase;
    this.#relay = relay;
  }
  get phase(): string {
    if (this.#inner === undefined) return this.#phase;
    return ['Established', 'Broken'].includes(this.#inner.phase) ? this.#inner.phase : this.#relay;
  }
  set phase(p: string) {
    this.#phase = p;
  }
  get info(): AuthInfo | undefined {
    return this.#inner?.info;
  }
  read(): Outcome | Promise<Outcome> {
    return this.#inner?.read() ?? this.say();
  }
  write(data: Uint8Array): Outcome | Promise<Outcome> {
    if (this.#inner !== undefined) return this.#inner.write(data);
    return this.hear(data);
  }

  protected abstract say(): Outcome;
  protected abstract hear(data: Uint8Array): Outcome;

  protected go(x: Exchange | Outcome): Outcome {
    if (isOutcome(x)) return x;
    this.#inner = x;
    return ok;
  }
  protected broken(why: string): Outcome {
    this.#phase = 'Broken';
    return failed(why);
  }
  protected for(c: Choice): Party {
    return this.party.as(c.protocol, [domAttr(c.dom)]);
  }
}

const domAttr = (value: string): Attr => ({ is: 'value', name: 'dom', value });

/** The words of a message that a NUL ends; undefined: it has not ended. */
function words(b: Uint8Array): string[] | undefined {
  if (b.length === 0 || b.indexOf(0) !== b.length - 1) return undefined;
  return text(b.subarray(0, -1))
    .split(' ')
    .filter((w) => w !== '');
}
const line = (s: string): Outcome => ({ is: 'ok', data: utf8(`${s}\0`) });
const more: Outcome = { is: 'toosmall', bytes: offers_bytes_max };

function server(party: Party): Exchange | Outcome {
  const offers = offered.flatMap((p) => party.valuesOf('dom', p).map((d) => `${p.name}@${d}`));
  // Asked for in the terms of the protocol liked best.
  if (offers.length === 0) {
    const key = party.as(p9sk1, []).key();
    return isOutcome(key) ? key : failed(noCommon);
  }
  return new Server(party, offers);
}

class Server extends Any {
  readonly #offers: readonly string[];

  constructor(party: Party, offers: readonly string[]) {
    super(party, 'SHaveProtos', 'SRelay');
    this.#offers = offers;
  }
  protected say(): Outcome {
    if (this.phase !== 'SHaveProtos') return phaseError;
    this.phase = 'SNeedProto';
    return line(this.#offers.join(' '));
  }
  protected hear(data: Uint8Array): Outcome {
    if (this.phase !== 'SNeedProto') return phaseError;
    const choice = words(data);
    if (choice === undefined) return data.length < offers_bytes_max ? more : this.broken(noCommon);
    const [name = '', dom = ''] = choice;
    const protocol = offered.find((p) => p.name === name);
    if (choice.length !== 2 || protocol === undefined || !this.#offers.includes(`${name}@${dom}`))
      return this.broken(noCommon);
    return this.go(protocol.server!(this.for({ protocol, dom })));
  }
}

function client(party: Party): Exchange {
  return new Client(party);
}

class Client extends Any {
  #choice: Choice | undefined;
  /** Version 2: the server says OK to the choice. */
  #confirms = false;

  constructor(party: Party) {
    super(party, 'CNeedProtos', 'CRelay');
  }

  protected say(): Outcome {
    if (this.phase !== 'CHaveProto' || this.#choice === undefined) return phaseError;
    const choice = this.#choice;
    const said = line(`${choice.protocol.name} ${choice.dom}`);
    if (this.#confirms) this.phase = 'CNeedOK';
    else {
      const gone = this.go(choice.protocol.client!(this.for(choice)));
      if (gone.is !== 'ok') return gone;
    }
    return said;
  }

  protected hear(data: Uint8Array): Outcome {
    if (this.phase === 'CNeedProtos') return this.#takeOffers(data);
    if (this.phase !== 'CNeedOK') return phaseError;
    const said = words(data);
    if (said === undefined && data.length < 3) return { is: 'toosmall', bytes: 3 };
    if (said?.join(' ') !== 'OK') return this.broken(noCommon);
    const choice = this.#choice!;
    return this.go(choice.protocol.client!(this.for(choice)));
  }

  #takeOffers(data: Uint8Array): Outcome {
    let offers = words(data);
    if (offers === undefined) return data.length < offers_bytes_max ? more : this.broken(noCommon);
    const version = offers[0]?.startsWith('v.') ? offers[0] : 'v.1';
    if (version !== 'v.1' && version !== 'v.2')
      return this.broken(`unknown p9any version: ${printable(version)}`);
    if (offers[0] === version) offers = offers.slice(1);
    this.#confirms = version === 'v.2';
    const dom = this.party.attr('dom');
    const known = offered
      .flatMap((protocol) => doms(offers, protocol))
      .filter((c) => dom === undefined || c.dom === dom);
    if (known.length === 0) return this.broken(noCommon);
    let lacking: Outcome | undefined;
    for (const c of known) {
      const key = this.for(c).key();
      if (!isOutcome(key)) {
        this.#choice = c;
        this.phase = 'CHaveProto';
        return ok;
      }
      lacking ??= key;
    }
    return lacking ?? failed(noCommon);
  }
}

/** The domains that `offers` name for a protocol. */
const doms = (offers: readonly string[], protocol: Protocol): Choice[] =>
  offers
    .filter((o) => o.startsWith(`${protocol.name}@`))
    .map((o) => ({ protocol, dom: o.slice(protocol.name.length + 1) }));
