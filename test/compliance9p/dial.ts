/** Streams to a server by its address. */
import { createConnection } from 'node:net';
import { Duplex, PassThrough } from 'node:stream';
import { type Server, serve } from '@9p/lib9p';

/** unix!/path, /path, tcp!host!port. */
export function connector(address: string): () => Promise<Duplex> {
  const [net = '', host = '', port = '564'] = address.split('!');
  if (address.startsWith('/')) return () => connected({ path: address });
  if (net === 'unix') return () => connected({ path: address.slice('unix!'.length) });
  if (net === 'tcp' && host !== '') return () => connected({ host, port: Number(port) });
  throw new Error(`bad address '${address}': unix!/path or tcp!host!port`);
}

/** A stream without a socket: what is written in one piece arrives in one piece. */
export const inMemory = (server: Server) => async (): Promise<Duplex> => {
  const [there, back] = [new PassThrough(), new PassThrough()];
  const far = Duplex.from({ readable: there, writable: back });
  void serve(server, far, { net: 'test', address: '' });
  return Duplex.from({ readable: back, writable: there });
};

function connected(at: { path: string } | { host: string; port: number }): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ ...at, noDelay: true });
    socket.once('connect', () => resolve(socket));
    socket.once('error', reject);
  });
}
