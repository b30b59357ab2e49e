/** EAP-MSCHAPv2 written a second time, from draft-kamath-pppext-eap-mschapv2's layout and RFC 2759
 *  alone. Packets are those of EAP, from the code on. */
import { authenticatorResponse, type Bytes, masterKey, ntResponse } from './keys.js';

export const code = { request: 1, response: 2, success: 3, failure: 4 };
export const op = { challenge: 1, response: 2, success: 3, failure: 4 };
const mschapv2 = 26;

function eap(c: number, id: number, data: Bytes): Bytes {
  const b = Buffer.concat([Buffer.alloc(4), data]);
  b[0] = c;
  b[1] = id;
  b.writeUInt16BE(b.length, 2);
  return b;
}
/** Op, MS-CHAPv2-ID, MS-Length from the op on, and what follows. */
function message(c: number, id: number, o: number, msId: number, data: Bytes): Bytes {
  const b = Buffer.concat([Buffer.of(mschapv2, o, msId, 0, 0), data]);
  b.writeUInt16BE(b.length - 1, 3);
  return eap(c, id, b);
}

export const identityRequest = (id: number): Bytes => eap(code.request, id, Buffer.of(1));
export const identity = (id: number, user: string): Bytes =>
  eap(code.response, id, Buffer.concat([Buffer.of(1), Buffer.from(user)]));

export const challenge = (id: number, msId: number, value: Bytes, name: string): Bytes =>
  message(
    code.request,
    id,
    op.challenge,
    msId,
    Buffer.concat([Buffer.of(16), value, Buffer.from(name)]),
  );

/** Peer-Challenge, eight zeros, NT-Response, flags. */
export const response = (id: number, msId: number, peer: Bytes, nt: Bytes, user: string): Bytes =>
  message(
    code.response,
    id,
    op.response,
    msId,
    Buffer.concat([Buffer.of(49), peer, Buffer.alloc(8), nt, Buffer.of(0), Buffer.from(user)]),
  );

export const success = (id: number, msId: number, s: string, m: string): Bytes =>
  message(code.request, id, op.success, msId, Buffer.from(`S=${s} M=${m}`));
/** The peer's answer to it and to a failure: the op alone. */
export const acknowledge = (id: number, o: number): Bytes =>
  eap(code.response, id, Buffer.of(mschapv2, o));

export const failure = (id: number, msId: number, value: Bytes, retry: boolean): Bytes => {
  const c = Buffer.from(value).toString('hex').toUpperCase();
  const text = `E=691 R=${retry ? 1 : 0} C=${c} V=3 M=failed`;
  return message(code.request, id, op.failure, msId, Buffer.from(text));
};
export const end = (id: number, ok: boolean): Bytes =>
  eap(ok ? code.success : code.failure, id, Buffer.alloc(0));

/** What is in a Response of MSCHAPv2; undefined if it is not one. */
export function parseResponse(
  b: Bytes,
): { peer: Bytes; nt: Bytes; user: string; msId: number } | undefined {
  const p = Buffer.from(b);
  if (p.length < 59 || p.readUInt16BE(2) !== p.length || p.readUInt16BE(7) !== p.length - 5)
    return undefined;
  if (p[0] !== code.response || p[4] !== mschapv2 || p[5] !== op.response || p[9] !== 49)
    return undefined;
  return {
    msId: p[6]!,
    peer: p.subarray(10, 26),
    nt: p.subarray(34, 58),
    user: p.subarray(59).toString(),
  };
}

/** One exchange whose chances are given: all its packets, and the key that both ends have then. */
export interface Exchange {
  readonly user: string;
  readonly password: string;
  readonly server: string;
  readonly authenticator: Bytes;
  readonly peer: Bytes;
  /** Of the first request; each one after it has the next. */
  readonly id: number;
}
export function exchange(x: Exchange): { packets: Bytes[]; master: Bytes } {
  const { id, user, password, authenticator, peer } = x;
  const nt = ntResponse(authenticator, peer, user, password);
  const s = authenticatorResponse(authenticator, peer, user, password);
  const packets = [
    identityRequest(id),
    identity(id, user),
    challenge(id + 1, id + 1, authenticator, x.server),
    response(id + 1, id + 1, peer, nt, user),
    success(id + 2, id + 1, s, 'OK'),
    acknowledge(id + 2, op.success),
    end(id + 2, true),
  ];
  return { packets, master: masterKey(password, nt) };
}
