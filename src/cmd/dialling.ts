/** How commands reach a server: any dial string, with the keys of --ca, --cert and --key. */
import { readFile } from 'node:fs/promises';
import {
  type Connect,
  connect,
  type DialOptions,
  dial,
  omode,
  type Prove,
  type TlsKeys,
} from '@9p/lib9p';
import { userName } from '../core/runtime.js';
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

/** Who proves who we are: the agent that another server has, as a daemon's or plan9port's. */
export async function proverAt(address: string): Promise<Prove> {
  const { proveBy } = await import('../../srv/factotum.js');
  return proveBy(async () => {
    const m = await dial(address, { ...(await diallingOf({})), uname: userName() });
    try {
      const rpc = await m.open('/auth/rpc', omode.rdwr);
      const ask = async (b: Uint8Array): Promise<Uint8Array> => {
        await rpc.write(b, 0);
        return rpc.read(rpc.iounit, 0);
      };
      return { ask, close: () => m.close() };
    } catch (e) {
      m.close();
      throw new Error(`${address}: /auth/rpc: ${(e as Error).message}`);
    }
  });
}
