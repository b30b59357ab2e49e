/** TLS: keys, the server's side, and whose certificate a client has shown. */
import type { ServerOpts, Server as Sockets } from 'node:net';
import {
  createSecureContext,
  createServer,
  type SecureContextOptions,
  type TLSSocket,
} from 'node:tls';
import { refuse } from './errors.js';
import { type Gate, refusal } from './gate.js';
import type { Who } from './tree.js';

/** PEM texts. */
export interface TlsKeys {
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  /** To dial: who signs the certificates of servers, in the place of the system's list. To listen:
   *  who signs those of clients; then each client must show one, and its CN is who he is. */
  readonly ca?: string | undefined;
}

const handshake_ms = 10_000;

/** What Node wants to know to dial; throws with one line if the texts are no keys. */
export function tlsContext(keys: TlsKeys): SecureContextOptions {
  const { cert, key, ca } = keys;
  if ((cert === undefined) !== (key === undefined)) refuse('tls: a certificate needs its key');
  const given = {
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(ca === undefined ? {} : { ca }),
  };
  if (ca !== undefined && !ca.includes('BEGIN CERTIFICATE')) refuse('tls: no certificate in ca');
  try {
    createSecureContext(given);
  } catch (e) {
    refuse(`tls: bad certificate or key: ${(e as Error).message}`);
  }
  return { ...given, minVersion: 'TLSv1.2' };
}

/** And to listen. Who has no good certificate is let through the handshake, because
 *  there is no telling him why before: `certified` must follow. */
export function tlsServerOptions(keys: TlsKeys) {
  if (keys.cert === undefined) refuse('tls: a listener needs a certificate and its key');
  const verify = { requestCert: keys.ca !== undefined, rejectUnauthorized: false };
  return { ...tlsContext(keys), ...verify, handshakeTimeout: handshake_ms };
}

/** Connections count at the gate from the first byte of their handshake on. */
export function createTlsServer(
  keys: TlsKeys,
  gate: Gate,
  sockets: ServerOpts,
  serveSocket: (s: TLSSocket, who: Who | undefined) => void,
): Sockets {
  const server = createServer({ ...tlsServerOptions(keys), ...sockets }, (s) => {
    const who = keys.ca === undefined ? undefined : certified(s);
    if (typeof who === 'string') gate.turnAway(s, refusal(who));
    else serveSocket(s, who);
  });
  server.on('connection', (raw) => {
    if (gate.enter(raw) !== undefined) gate.turnAway(raw, undefined);
  });
  return server;
}

/** Who the client's certificate says that he is, its one CN; or why it does not do. */
export function certified(socket: TLSSocket): Who | string {
  const subject: unknown = socket.getPeerCertificate().subject;
  if (subject === undefined) return 'certificate required';
  if (!socket.authorized) return `bad certificate: ${socket.authorizationError}`;
  // A CN that is there twice comes as a list.
  const { CN: name } = subject as { CN?: unknown };
  if (typeof name !== 'string' || !/^[\p{L}\p{N}\p{P}\p{S}]+$/u.test(name))
    return 'bad certificate: its CN is not the name of a user';
  return { uname: name, groups: [], owner: false };
}
