/** What must become of two ends, from their options alone: up with which protocols, or refused for
 *  which reason. */
import type { Bits, EndOptions, Method } from './options.js';

export interface Outcome {
  /** Why it cannot come up: what one end or the other says. Undefined: it comes up. */
  readonly refused: RegExp | undefined;
  readonly method: Method | undefined;
  /** That by which the client knows the server. */
  readonly mutual: Method | undefined;
  readonly ipv6: boolean;
  /** The client's and the server's; undefined: no IPv4. */
  /** Headers are compressed, if there is IPv4. */
  readonly vj: boolean;
  /** Both directions are encrypted. */
  readonly sealed: boolean;
  /** MPPC is in it, or alone. */
  readonly compressed: boolean;
  readonly ip: { readonly client: string; readonly server: string } | undefined;
}

/** What is agreed on when one end demands these and the other agrees to those: what the one would
 *  have, else what the other would, else the next of the one's. Undefined: none that both have. */
function methodOf(demands: readonly Method[], agrees: readonly Method[]): Method | undefined {
  const all = demands.filter((m) => agrees.includes(m));
  const [hint] = agrees;
  if (all[0] === demands[0]) return all[0];
  return hint !== undefined && all.includes(hint) ? hint : all[0];
}

/** Addresses that both ends believe, or why there are none. */
function ipOf(client: EndOptions, server: EndOptions): Outcome['ip'] | RegExp {
  if (!client.ip || !server.ip) return /rejects|no network protocol/;
  const mine = client.local ?? server.remote;
  if (mine === undefined || server.local === undefined) return /gives us no address/;
  const odd = (server.remote ?? mine) !== mine || (client.remote ?? server.local) !== server.local;
  if (odd || mine === server.local) return /address/;
  return { client: mine, server: server.local };
}

/** Key lengths that an end would take, given what authenticated. RFC 3079 section 2: the shorter
 *  ones of MS-CHAP need another hash. */
function bitsOf({ mppe }: EndOptions, method: Method | undefined): readonly Bits[] {
  if (mppe.policy === 'deny' || method === undefined) return [];
  if (method === 'mschap') return mppe.bits.filter((b) => b === 128);
  return method === 'mschapv2' || method === 'eap' ? mppe.bits : [];
}

/** Whether both directions are encrypted, or why there is no link. */
function sealOf(client: EndOptions, server: EndOptions, method?: Method): boolean | RegExp {
  const [mine, theirs] = [bitsOf(client, method), bitsOf(server, method)];
  const [a, b] = [client.mppe, server.mppe];
  const states = a.state === undefined || b.state === undefined || a.state === b.state;
  if (states && mine.some((x) => theirs.includes(x))) return true;
  return a.policy === 'require' || b.policy === 'require' ? /ccp|encrypt|mppe|key/i : false;
}

const keys: readonly Method[] = ['mschap', 'mschapv2', 'eap'];

export function outcome(client: EndOptions, server: EndOptions): Outcome {
  const vj = client.vj > 0 && server.vj > 0;
  const compressed = client.compress && server.compress;
  const none = {
    method: undefined,
    mutual: undefined,
    ipv6: false,
    ip: undefined,
    vj,
    sealed: false,
    compressed,
  };
  const method = server.noauth ? undefined : methodOf(server.methods, client.methods);
  const mutual = methodOf(client.mutual, server.mutual);
  const refuses = client.mutual.length > 0 && mutual === undefined;
  if (refuses || (!server.noauth && method === undefined))
    return { ...none, refused: /refuses to authenticate itself/ };
  if (!server.noauth && client.user !== 'glenda')
    return { ...none, refused: /^authentication.* failed/ };
  // Where both directions make keys there are none: RFC 3079 does not say whose count.
  const [keyed, other] = [method, mutual].filter((m) => m !== undefined && keys.includes(m));
  const sealed = sealOf(client, server, other === undefined ? keyed : undefined);
  if (sealed instanceof RegExp) return { ...none, method, refused: sealed };
  const ip = ipOf(client, server);
  const ipv6 = client.ipv6 && server.ipv6;
  const noIp = ip instanceof RegExp;
  if (noIp && !ipv6) return { ...none, method, refused: /^no network protocol: / };
  const up = { refused: undefined, method, mutual, ipv6, vj, sealed, compressed };
  return { ...up, ip: noIp ? undefined : ip };
}
