/** What MS-CHAP and MS-CHAPv2 say in Success and Failure: RFC 2433 and RFC 2759, sections 5 and 6.
 *  The proofs themselves are made by `auth`. */
import { hex, text } from '@9p/packet';

/** The authenticator response of mschapv2. */
export const proof_bytes = 20;

/** The error: wrong name or password. With `again` the peer may answer `challenge`. */
export const failure = (
  challenge: Uint8Array,
  version: number,
  again: boolean,
  message: string,
): string =>
  `E=691 R=${again ? 1 : 0} C=${hex(challenge).toUpperCase()} V=${version} M=${message || 'Access denied'}`;

export const success = (proof: Uint8Array, message: string): string =>
  `S=${hex(proof).toUpperCase()} M=${message || 'Access granted'}`;

/** Does a Success begin with this proof? Takes as long whatever it says. */
export function proves(body: Uint8Array, proof: Uint8Array): boolean {
  const right = `S=${hex(proof).toUpperCase()}`;
  const said = text(body.subarray(0, right.length));
  let differs = said.length ^ right.length;
  for (let i = 0; i < right.length; i++) differs |= said.charCodeAt(i) ^ right.charCodeAt(i);
  return differs === 0;
}

const reasons: Readonly<Record<string, string>> = {
  646: 'not allowed at this hour',
  647: 'the account is disabled',
  648: 'the password has expired',
  649: 'no permission to dial in',
  691: 'wrong name or password',
  709: 'the password could not be changed',
};

/** A Failure in words: `E=691 R=0 C=… V=3 M=…`; any other text as it is. */
export function failureText(message: string): string {
  const code = /^E=(\d{1,10})(?=\s|$)/.exec(message)?.[1];
  if (code === undefined) return message;
  const said = /\sM=(.*)$/.exec(message)?.[1]?.trim() ?? '';
  const reason = `${reasons[code] ?? 'refused'} (${code})${said === '' ? '' : `: ${said}`}`;
  return mayRetry(message) ? `${reason}; no other key to try` : reason;
}
/** The peer of a Failure may answer its challenge. */
export const mayRetry = (message: string): boolean => /^E=\d{1,10}\s+R=1(?=\s|$)/.test(message);
