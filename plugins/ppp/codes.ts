/** Numbers and names of PPP: protocols (RFC 1661 2), codes (5),
 *  options (6; RFC 1332, 1877, 5072). */

export const protocols = {
  ip: 0x0021,
  vjc: 0x002d,
  vju: 0x002f,
  ipv6: 0x0057,
  comp: 0x00fd,
  ipcp: 0x8021,
  ipv6cp: 0x8057,
  ccp: 0x80fd,
  lcp: 0xc021,
  lqr: 0xc025,
  pap: 0xc023,
  chap: 0xc223,
  eap: 0xc227,
} as const;

/** Names of protocols which others may send and we only print. */
const strangers: Readonly<Record<string, number>> = {
  mp: 0x003d,
  ecp: 0x8053,
};

/** Codes of all control protocols up to codeRej, of LCP from there on, where 12 and 13 are
 *  RFC 1570; 14 and 15 are CCP's (RFC 1962). */
export const codes = {
  confReq: 1,
  confAck: 2,
  confNak: 3,
  confRej: 4,
  termReq: 5,
  termAck: 6,
  codeRej: 7,
  protRej: 8,
  echoReq: 9,
  echoReply: 10,
  discardReq: 11,
  identification: 12,
  timeRemaining: 13,
  resetReq: 14,
  resetAck: 15,
} as const;

/** RFC 1334 2.2 */
export const papCodes = { authReq: 1, authAck: 2, authNak: 3 } as const;
/** RFC 3748 4 and 5 */
export const eapCodes = { request: 1, response: 2, success: 3, failure: 4 } as const;
export const eapTypes = { identity: 1, notification: 2, nak: 3, md5: 4, mschapv2: 26 } as const;
/** RFC 1994 4 */
export const chapCodes = { challenge: 1, response: 2, success: 3, failure: 4 } as const;

export const lcpOptions = {
  mru: 1,
  accm: 2,
  auth: 3,
  quality: 4,
  magic: 5,
  pfc: 7,
  acfc: 8,
} as const;

export const ipcpOptions = {
  addrs: 1,
  comp: 2,
  addr: 3,
  dns1: 129,
  wins1: 130,
  dns2: 131,
  wins2: 132,
} as const;

export const ipv6cpOptions = { ifid: 1, comp: 2 } as const;

/** RFC 1962 4 and the RFCs of each; 24 is Deflate in an older draft. We speak the first alone. */
export const ccpOptions = {
  mppe: 18,
  predictor1: 1,
  predictor2: 2,
  stac: 17,
  bsd: 21,
  olddeflate: 24,
  deflate: 26,
} as const;

/** From number to name, the first letter as `f` makes it. */
function names(
  o: Readonly<Record<string, number>>,
  f = (s: string) => s,
): ReadonlyMap<number, string> {
  return new Map(Object.entries(o).map(([k, v]) => [v, f(k)]));
}
const capital = (s: string): string => s.slice(0, 1).toUpperCase() + s.slice(1);

export const protocolNames = names({ ...strangers, ...protocols });
export const codeNames = names(codes, capital);
export const papNames = names(papCodes, capital);
export const chapNames = names(chapCodes, capital);
export const eapNames = names(eapCodes, capital);
export const eapTypeNames: ReadonlyMap<number, string> = new Map([
  [eapTypes.identity, 'Identity'],
  [eapTypes.notification, 'Notification'],
  [eapTypes.nak, 'Nak'],
  [eapTypes.md5, 'MD5-Challenge'],
  [eapTypes.mschapv2, 'MSCHAPv2'],
]);
export const lcpOptionNames = names(lcpOptions);
export const ipcpOptionNames = names(ipcpOptions);
export const ipv6cpOptionNames = names(ipv6cpOptions);
export const ccpOptionNames = names(ccpOptions);

/** A way to authenticate: what the Auth-Protocol option says (RFC 1661 6.2, RFC 1994 3). */
export interface AuthMethod {
  readonly name: string;
  readonly protocol: number;
  /** What follows the protocol in the option: CHAP's algorithm. */
  readonly data: readonly number[];
  /** Of EAP: the types that are allowed, the best first. Undefined: all that we have. */
  readonly types?: readonly number[];
}
/** The best first: MS-CHAPv2 alone proves both ends; PAP sends the password. The algorithms of CHAP
 *  are those of RFC 1994, RFC 2433 and RFC 2759. */
export const authMethods: readonly AuthMethod[] = [
  { name: 'mschapv2', protocol: protocols.chap, data: [0x81] },
  { name: 'eap', protocol: protocols.eap, data: [] },
  { name: 'chap', protocol: protocols.chap, data: [5] },
  { name: 'mschap', protocol: protocols.chap, data: [0x80] },
  { name: 'pap', protocol: protocols.pap, data: [] },
];
