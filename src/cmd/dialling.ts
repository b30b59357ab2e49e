/** How commands reach a server: any dial string, with the keys of --ca, --cert and --key. */
import { readFile } from 'node:fs/promises';
import { type Connect, connect, type DialOptions, type TlsKeys } from '@9p/lib9p';
import type { Options } from './command.js';

const given = (v: unknown): Promise<string> | undefined =>
  typeof v === 'string' ? readFile(v, 'utf8') : undefined;

/** Undefined where none of the options is given. */
export async function keysOf(o: Options): Promise<TlsKeys | undefined> {
  if (o.ca === undefined && o.cert === undefined && o.key === undefined) return undefined;
  const [ca, cert, key] = await Promise.all([given(o.ca), given(o.cert), given(o.key)]);
  return { ca, cert, key };
}

/** WebSockets are carried by what the daemon has for them. */
const dialAny: Connect = async (address, o) => {
  if (!/^wss?!/.test(address)) return connect(address, o);
  const { connectWeb } = await import('../../srv/websocket.js');
  return connectWeb(address, o);
};

export const diallingOf = async (o: Options): Promise<DialOptions & { connect: Connect }> => ({
  connect: dialAny,
  tls: await keysOf(o),
});
