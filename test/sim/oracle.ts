/** What must become of two ends, from their options alone: up with which protocols, or refused for
 *  which reason. */
import type { EndOptions, Method } from './options.js';

export interface Outcome {
  /** Why it cannot come up: what one end or the other says. Undefined: it comes up. */
  readonly refused: RegExp | undefined;
  readonly method: Method | undefined;
  readonly ipv6: boolean;
  /** The client's and the server's; undefined: no IPv4. */
  /** Headers are compressed, if there is IPv4. */
  readonly vj: boolean;
  readonly ip: { readonly client: string; readonly server: string } | undefined;
}

/** That by which the server knows the client: what it would have, else what the client would, else
 *  the next of its own. Undefined: none that both have. */
function methodOf(client: EndOptions, server: EndOptions): Method | undefined {
  const [first, ...others] = server.methods.filter((m) => client.methods.includes(m));
  const hint = client.methods[0];
  if (first === server.methods[0]) return first;
  return hint !== undefined && [first, ...others].includes(hint) ? hint : first;
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

export function outcome(client: EndOptions, server: EndOptions): Outcome {
  const vj = client.vj > 0 && server.vj > 0;
  const none = { method: undefined, ipv6: false, ip: undefined, vj };
  const method = server.noauth ? undefined : methodOf(client, server);
  if (!server.noauth && method === undefined)
    return { ...none, refused: /refuses to authenticate itself/ };
  if (!server.noauth && client.user !== 'glenda')
    return { ...none, refused: /^authentication.* failed/ };
  const ip = ipOf(client, server);
  const ipv6 = client.ipv6 && server.ipv6;
  const noIp = ip instanceof RegExp;
  if (noIp && !ipv6) return { ...none, method, refused: /^no network protocol: / };
  return { refused: undefined, method, ipv6, vj, ip: noIp ? undefined : ip };
}
