/** MPPC alone, and MPPE with or without MPPC in it: one header, one count, and one FLUSHED bit for
 *  both (RFC 3078 section 3.1). A packet here is what follows protocol 00fd. */
import type { Bytes } from './keys.js';
import { MppcReceiver, MppcSender } from './mppc.js';
import { flag, type MppeOptions, MppeReceiver, MppeSender } from './mppe.js';

const counts = 4096;
/** Protocols 0021 to 00fa alone pass through it. */
const carried = (packet: Bytes): boolean =>
  packet[0] === 0 && packet[1]! >= 0x21 && packet[1]! <= 0xfa;

export interface CcpOptions {
  readonly mppc: boolean;
  readonly mppe?: MppeOptions;
}

/** With 00fd, or as it was under its own protocol. */
export type Sent = { readonly compressed: boolean; readonly data: Bytes };

export class CcpSender {
  readonly #mppc: MppcSender | undefined;
  readonly #mppe: MppeSender | undefined;
  #count = 0;

  constructor(o: CcpOptions) {
    this.#mppc = o.mppc ? new MppcSender() : undefined;
    this.#mppe = o.mppe === undefined ? undefined : new MppeSender(o.mppe);
  }
  reset(): void {
    this.#mppc?.reset();
    this.#mppe?.reset();
  }
  send(packet: Bytes): Sent {
    if (!carried(packet)) return { compressed: false, data: packet };
    if (this.#mppe === undefined) return this.#alone(packet);
    if (this.#mppe.flushes) this.#mppc?.reset();
    if (this.#mppc?.flushes) this.#mppe.reset();
    const { bits, data } = this.#mppc?.send(packet) ?? { bits: 0, data: packet };
    return { compressed: true, data: this.#mppe.send(data, bits) };
  }
  #alone(packet: Bytes): Sent {
    const { bits, data } = this.#mppc?.send(packet) ?? { bits: 0, data: packet };
    if ((bits & flag.compressed) === 0) return { compressed: false, data: packet };
    const head = bits | this.#count;
    this.#count = (this.#count + 1) % counts;
    return { compressed: true, data: Buffer.concat([Buffer.of(head >> 8, head & 255), data]) };
  }
}

/** A packet from its protocol field on; 'reset': dropped, and a Reset-Request goes out. */
export type Received = Bytes | 'reset' | 'drop';

export class CcpReceiver {
  readonly #mppc: MppcReceiver | undefined;
  readonly #mppe: MppeReceiver | undefined;
  #next = 0;
  #waits = false;

  constructor(o: CcpOptions) {
    this.#mppc = o.mppc ? new MppcReceiver() : undefined;
    this.#mppe = o.mppe === undefined ? undefined : new MppeReceiver(o.mppe);
  }
  receive(packet: Bytes): Received {
    if (this.#mppe === undefined) return this.#alone(packet);
    const got = this.#mppe.receive(packet);
    if (typeof got === 'string') return got;
    return this.#expanded(got.head, got.data);
  }
  #alone(packet: Bytes): Received {
    if (packet.length < 3) return 'drop';
    const head = (packet[0]! << 8) | packet[1]!;
    const lost = (head & (counts - 1)) !== this.#next;
    this.#next = ((head & (counts - 1)) + 1) % counts;
    if ((head & flag.flushed) !== 0) this.#waits = false;
    else if (this.#waits || lost) {
      const first = !this.#waits;
      this.#waits = true;
      return first ? 'reset' : 'drop';
    }
    return this.#expanded(head, packet.subarray(2));
  }
  #expanded(head: number, data: Bytes): Received {
    if (this.#mppc === undefined) return data;
    const packet = this.#mppc.receive(head, data);
    if (packet === undefined) this.#waits = true;
    return packet ?? 'reset';
  }
}
