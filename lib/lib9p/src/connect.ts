/** The dialling side of sockets: unix, tcp and tls. */
import { ALL } from 'node:dns';
import { createConnection, isIP, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect as tlsConnect } from 'node:tls';
import { type Address, formatAddress, type InetAddress, parseAddress } from './address.js';
import { refuse } from './errors.js';
import { type TlsKeys, tlsContext } from './tls.js';

export interface ConnectOptions {
  readonly signal?: AbortSignal;
  readonly tls?: TlsKeys | undefined;
}

/** A stream of 9P to where a dial string says, or one line why not. */
export type Connect = (address: string, options: ConnectOptions) => Promise<Duplex>;

export async function connect(address: string, o: ConnectOptions = {}): Promise<Socket> {
  const at = dialled(parseAddress(address));
  if (o.signal?.aborted) refuse(`${address}: interrupted`);
  const [socket, event] = open(at, o.tls ?? {});
  return settled(address, socket, event, o.signal);
}

/** An address that one can dial, as opposed to announce. */
export function dialled(at: Address): Address {
  if ('host' in at && (at.host === '*' || at.port === 0))
    refuse(`${formatAddress(at)} is to announce, not to dial`);
  return at;
}

/** The socket, and the event that says that it is connected. */
function open(at: Address, keys: TlsKeys): [Socket, string] {
  // Node would look names up with ADDRCONFIG, which knows no localhost where only lo is up.
  const carrier = { noDelay: true, keepAlive: true, hints: ALL };
  if ('path' in at) return [createConnection({ path: at.path }), 'connect'];
  if (at.net === 'tls') return [tlsConnect({ ...carrier, ...tlsTo(at, keys) }), 'secureConnect'];
  if (at.net === 'tcp')
    return [createConnection({ ...carrier, host: at.host, port: at.port }), 'connect'];
  return refuse(`${formatAddress(at)}: ${at.net} is not carried here`);
}

/** The server's certificate is verified, and must be for the host that was dialled. */
export function tlsTo(at: InetAddress, keys: TlsKeys) {
  const name = isIP(at.host) === 0 ? { servername: at.host } : {};
  return { host: at.host, port: at.port, ...name, ...tlsContext(keys) };
}

/** When the event comes; an error, or the signal, ends the attempt. */
function settled(address: string, socket: Socket, event: string, signal?: AbortSignal) {
  return new Promise<Socket>((resolve, reject) => {
    const abort = (): void => void socket.destroy(new Error('interrupted'));
    signal?.addEventListener('abort', abort);
    const failed = (e: Error): void => {
      signal?.removeEventListener('abort', abort);
      reject(new Error(`${address}: ${reason(e)}`));
    };
    socket.once('error', failed);
    socket.once(event, () => {
      socket.off('error', failed);
      signal?.removeEventListener('abort', abort);
      resolve(socket);
    });
  });
}

/** Of a name with several addresses each has failed: the first stands for all. */
function reason(e: Error): string {
  if ('syscall' in e && e.syscall === 'getaddrinfo') return 'host not found';
  return e instanceof AggregateError && e.errors[0] instanceof Error
    ? e.errors[0].message
    : e.message;
}
