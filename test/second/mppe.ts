/** MPPE written a second time, from RFC 3078 alone. A packet here is what follows protocol 00fd,
 *  and its data begins at a protocol field of two bytes. */
import {
  asymmetricStartKey,
  type Bits,
  type Bytes,
  keyLength,
  newKeyFromSha,
  Rc4,
  reduced,
} from './keys.js';

export const flag = { flushed: 0x8000, front: 0x4000, compressed: 0x2000, encrypted: 0x1000 };
const counts = 4096;

/** What both methods make the keys from: `server` was the authenticator. */
export interface Secret {
  readonly method: 'mschap' | 'mschapv2';
  readonly key: Bytes;
  readonly server: boolean;
}

/** One direction's keys, and the tables that were made from the last of them. */
class Keys {
  readonly #start: Bytes;
  readonly #bits: Bits;
  #session: Bytes;
  rc4: Rc4;

  constructor(secret: Secret, bits: Bits, send: boolean) {
    const length = keyLength(bits);
    this.#bits = bits;
    this.#start =
      secret.method === 'mschap'
        ? secret.key.subarray(0, length)
        : asymmetricStartKey(secret.key, length, send, secret.server);
    this.#session = reduced(newKeyFromSha(this.#start, this.#start), bits);
    this.rc4 = new Rc4(this.#session);
  }
  /** Section 7.3. */
  change(): void {
    const interim = newKeyFromSha(this.#start, this.#session);
    this.#session = reduced(new Rc4(interim).crypt(interim), this.#bits);
    this.reinit();
  }
  reinit(): void {
    this.rc4 = new Rc4(this.#session);
  }
  get session(): Bytes {
    return this.#session;
  }
}

export interface MppeOptions {
  readonly secret: Secret;
  readonly bits: Bits;
  readonly stateless: boolean;
}

export class MppeSender {
  readonly #keys: Keys;
  readonly #stateless: boolean;
  #count = 0;
  #flush = true;

  constructor(o: MppeOptions) {
    this.#keys = new Keys(o.secret, o.bits, true);
    this.#stateless = o.stateless;
  }
  get sessionKey(): Bytes {
    return this.#keys.session;
  }
  /** A Reset-Request came. */
  reset(): void {
    this.#flush = true;
  }
  /** Whether the next packet is one that begins anew. */
  get flushes(): boolean {
    return this.#stateless || this.#flush || (this.#count & 0xff) === 0xff;
  }
  /** `bits`: those of MPPC. */
  send(data: Bytes, bits = 0): Bytes {
    const changes = this.#stateless || (this.#count & 0xff) === 0xff;
    const flushed = this.flushes;
    if (changes) this.#keys.change();
    else if (flushed) this.#keys.reinit();
    const head = (flushed ? flag.flushed : 0) | flag.encrypted | bits | this.#count;
    this.#count = (this.#count + 1) % counts;
    this.#flush = false;
    return Buffer.concat([[head >> 8, head & 255], this.#keys.rc4.crypt(data)].map(Buffer.from));
  }
}

export type Got = { readonly data: Bytes; readonly head: number } | 'reset' | 'drop';

export class MppeReceiver {
  readonly #keys: Keys;
  readonly #stateless: boolean;
  #last = counts - 1;
  #waits = false;

  constructor(o: MppeOptions) {
    this.#keys = new Keys(o.secret, o.bits, false);
    this.#stateless = o.stateless;
  }
  /** The data; 'reset': dropped, and a Reset-Request goes out; 'drop': dropped. */
  receive(packet: Bytes): Got {
    if (packet.length < 3) return 'drop';
    const head = (packet[0]! << 8) | packet[1]!;
    const count = head & (counts - 1);
    if ((head & flag.encrypted) === 0) return 'drop';
    if (this.#stateless && (head & flag.flushed) === 0) return 'drop';
    const ahead = (count - this.#last + counts) % counts;
    for (let i = 1; i <= ahead; i++)
      if (this.#stateless || ((this.#last + i) & 0xff) === 0xff) this.#keys.change();
    this.#last = count;
    if (!this.#stateless) {
      const lost = ahead !== 1 && !this.#waits;
      if ((head & flag.flushed) !== 0) {
        this.#keys.reinit();
        this.#waits = false;
      } else if (lost || this.#waits) {
        this.#waits = true;
        return lost ? 'reset' : 'drop';
      }
    }
    return { data: this.#keys.rc4.crypt(packet.subarray(2)), head };
  }
}
