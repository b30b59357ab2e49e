/** Streams to the server under test. */
import { Duplex, PassThrough } from 'node:stream';
import { type Server, serve, type TlsKeys } from '@9p/lib9p';
import { dialAny } from '../../srv/carriers.js';

export const connector =
  (address: string, tls: TlsKeys = {}) =>
  (): Promise<Duplex> =>
    dialAny(address, { tls });

/** A stream without a socket: what is written in one piece arrives in one piece. */
export const inMemory = (server: Server) => async (): Promise<Duplex> => {
  const [there, back] = [new PassThrough(), new PassThrough()];
  const far = Duplex.from({ readable: there, writable: back });
  far.allowHalfOpen = false; // as a socket
  void serve(server, far, { net: 'test', address: '' });
  return Duplex.from({ readable: back, writable: there });
};
