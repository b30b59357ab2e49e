/** One TCP connection's packets in which each thing that RFC 1144 can tell is told once. */
import type { Bytes } from './keys.js';
import { type Segment, tcpPacket } from './traffic.js';

export interface Told {
  readonly why: string;
  readonly packet: Bytes;
}

export function script(): Told[] {
  const c: Segment = { id: 100, seq: 1000, ack: 5000, window: 8192, port: 1024, urgent: 0 };
  const out: Told[] = [];
  const send = (why: string, data: string, flags = 0x10): void => {
    out.push({ why, packet: tcpPacket(c, flags, Buffer.from(data)) });
  };
  const next = (by: Partial<Segment>): void => {
    for (const [k, v] of Object.entries(by)) {
      const size = k === 'seq' || k === 'ack' ? 2 ** 32 : 2 ** 16;
      c[k as keyof Segment] = (c[k as keyof Segment] + v + size) % size;
    }
  };
  send('SYN goes as it is', '', 0x02);
  send('the first with ACK: uncompressed, the slot in its protocol field', 'abc');
  next({ id: 1, seq: 3 });
  send('unidirectional data: SAWU', 'defg', 0x18);
  next({ id: 1, seq: 4, ack: 4 });
  send('echoed: SWU', 'h');
  next({ id: 1, seq: 1, ack: 7 });
  send('S A', 'ij');
  next({ id: 1, ack: 256 });
  send('A of two bytes', '');
  next({ id: 2 });
  send('I: data after a packet without', 'k');
  next({ id: 1, seq: 1, window: -300 });
  send('W, a window that shrinks', 'lm', 0x18);
  next({ id: 1, seq: 65535 });
  send('S of two bytes', 'n');
  next({ id: 1, seq: 1, urgent: 5 });
  send('U', 'op', 0x38);
  next({ id: 1, seq: 2 });
  send('the urgent pointer stays, its flag goes: S, as SAWU would not say so', 'qr');
  send('the same again, sent anew: uncompressed', 'qr');
  next({ id: 1, seq: 2, ack: 65536 });
  send('an A of more than two bytes: uncompressed', 's');
  next({ id: 1000, seq: 1 });
  send('I of two bytes', 't', 0x18);
  next({ id: 0, seq: 1 });
  send('I of zero: three bytes', 'u');
  next({ id: 1, seq: 1 });
  send('FIN goes as it is', 'v', 0x11);
  return out;
}
