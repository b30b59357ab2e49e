/** Servers and clients on sockets and other streams; the rest of the package knows of none. */
import { createServer, type Socket, type Server as Sockets } from 'node:net';
import type { Duplex, Readable, Writable } from 'node:stream';
import { type Address, formatAddress, type InetAddress, parseAddress } from './address.js';
import { Client, type ClientOptions, type Prove } from './client.js';
import { type Connect, connect } from './connect.js';
import { errorText, refuse } from './errors.js';
import { Gate, type GateLimits, refusal } from './gate.js';
import { Mount } from './mount.js';
import type { Peer, Server } from './server.js';
import { attach, wireOf } from './stream.js';
import { createTlsServer, type TlsKeys } from './tls.js';
import type { Who } from './tree.js';
import { bindSocket, type SocketRights } from './unixsocket.js';

export interface ListenOptions extends Partial<GateLimits>, SocketRights {
  /** Shared with other listeners, in the place of limits of its own. */
  readonly gate?: Gate | undefined;
  readonly tls?: TlsKeys | undefined;
  /** Who is at the other end of a unix socket, where the system can tell. */
  readonly identify?: ((socket: Socket) => Who | undefined) | undefined;
}

export interface Listener {
  /** As one dials it: unix!/path, tcp!host!port or tls!host!port. */
  readonly address: string;
  /** Connections refused because of a limit. */
  readonly refused: number;
  /** No more connections; those that are there go on until the server hangs them up. */
  close(): Promise<void>;
}

export const socketOptions = { noDelay: true, keepAlive: true };

/** A unix socket is its owner's alone, mode 600, unless the options say otherwise. */
export async function listen(
  server: Server,
  address: Address | string,
  options: ListenOptions = {},
): Promise<Listener> {
  const at = typeof address === 'string' ? parseAddress(address) : address;
  const gate = options.gate ?? new Gate(options);
  const sockets = socketsOf(server, at, gate, options);
  const unbind = 'path' in at ? await bindSocket(sockets, at.path, options) : undefined;
  if (!('path' in at)) await bindInet(sockets, at);
  sockets.on('error', (e) => server.fault?.(e));
  return {
    address: 'path' in at ? formatAddress(at) : boundAddress(sockets, at),
    get refused() {
      return gate.refused;
    },
    async close() {
      sockets.close();
      await unbind?.();
    },
  };
}

function socketsOf(server: Server, at: Address, gate: Gate, o: ListenOptions): Sockets {
  if ('path' in at) return plainSockets(gate, (s) => void serve(server, s, unixPeer(s, o)));
  switch (at.net) {
    case undefined:
    case 'tcp':
      return plainSockets(gate, (s) => {
        void serve(server, s, { net: 'tcp', address: s.remoteAddress ?? '' });
      });
    case 'tls':
      return createTlsServer(o.tls ?? {}, gate, socketOptions, (s, who) => {
        const peer = { net: 'tls', address: s.remoteAddress ?? '' };
        void serve(server, s, who === undefined ? peer : { ...peer, who });
      });
    default:
      return refuse(`${formatAddress(at)}: no listener for ${at.net} here`);
  }
}

/** `serveSocket` may throw why it does not. */
function plainSockets(gate: Gate, serveSocket: (s: Socket) => void): Sockets {
  return createServer(socketOptions, (socket) => {
    const why = gate.enter(socket);
    if (why !== undefined) return gate.turnAway(socket, refusal(why));
    try {
      serveSocket(socket);
    } catch (e) {
      gate.turnAway(socket, refusal(errorText(e)));
    }
  });
}

function unixPeer(socket: Socket, o: ListenOptions): Peer {
  const peer = { net: 'unix', address: '' };
  const who = o.identify?.(socket);
  return who === undefined ? peer : { ...peer, who };
}

/** Serve one stream that is there already: a socket, a pipe, TLS, a WebSocket's. */
export function serve(server: Server, stream: Duplex, peer: Peer): Promise<string> {
  return serveStreams(server, stream, stream, peer);
}

/** 9P on stdin and stdout, as behind `ssh host`. Settles with the reason when it is over. */
export function serveStdio(
  server: Server,
  input: Readable = process.stdin,
  output: Writable = process.stdout,
): Promise<string> {
  return serveStreams(server, input, output, { net: 'stdio', address: '' });
}

function serveStreams(
  server: Server,
  input: Readable,
  output: Writable,
  peer: Peer,
): Promise<string> {
  return new Promise((over) => {
    const c = server.connect(
      wireOf(input, output, () => c.drained()),
      peer,
    );
    const hangup = (why: string): void => {
      c.hangup(why);
      over(c.ended ?? why);
    };
    attach(input, output, { receive: (bytes) => c.receive(bytes), hangup });
  });
}

export interface DialOptions extends ClientOptions {
  readonly uname?: string;
  readonly aname?: string;
  /** The server must ask for a proof of who one is, and gets it. */
  readonly prove?: Prove | undefined;
  /** Gives up connecting and attaching; what comes after is not its affair. */
  readonly signal?: AbortSignal;
  /** For tls!, and who carries WebSockets. */
  readonly tls?: TlsKeys | undefined;
  /** Makes the connection, in the place of this package's own `connect`: other carriers. */
  readonly connect?: Connect;
}

/** Connect to a dial string (address.ts), and attach. */
export async function dial(address: string, options: DialOptions = {}): Promise<Mount> {
  return mount(await (options.connect ?? connect)(address, options), options);
}

/** Attach over a stream that is there already. */
export async function mount(stream: Duplex, options: DialOptions = {}): Promise<Mount> {
  const client = new Client(
    wireOf(stream, stream, () => undefined),
    options,
  );
  attach(stream, stream, {
    receive: (bytes) => client.receive(bytes),
    hangup: (why) => client.hangup(why),
  });
  const abort = (): void => client.end('interrupted');
  options.signal?.addEventListener('abort', abort);
  try {
    await client.version();
    const { uname = 'none', aname, prove } = options;
    return new Mount(await client.attach(uname, aname, undefined, prove));
  } catch (e) {
    client.end('not mounted');
    throw e;
  } finally {
    options.signal?.removeEventListener('abort', abort);
  }
}

/** Listen where `at` says. */
export function bindInet(sockets: Sockets, at: InetAddress): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (e: Error): void => reject(new Error(`${formatAddress(at)}: ${e.message}`));
    sockets.once('error', failed);
    sockets.listen({ port: at.port, ...(at.host === '*' ? {} : { host: at.host }) }, () => {
      sockets.off('error', failed);
      resolve();
    });
  });
}

/** As one dials it, with the port that was got. */
export function boundAddress(sockets: Sockets, at: InetAddress): string {
  const got = sockets.address();
  if (got === null || typeof got === 'string') return formatAddress(at);
  return formatAddress({ ...at, host: at.host === '*' ? '*' : got.address, port: got.port });
}
