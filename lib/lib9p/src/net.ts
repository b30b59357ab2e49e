/** Servers and clients on sockets and other streams; the rest of the package knows of none. */
import { createConnection, createServer, type Socket, type Server as Sockets } from 'node:net';
import type { Duplex, Readable, Writable } from 'node:stream';
import { Client, type ClientOptions } from './client.js';
import { refuse } from './errors.js';
import { Mount } from './mount.js';
import type { Peer, Server } from './server.js';
import { attach, wireOf } from './stream.js';
import { bindSocket } from './unixsocket.js';

export type Address = { readonly path: string } | { readonly host: string; readonly port: number };

export interface ListenOptions {
  /** Connections in all. */
  readonly connections?: number;
  /** From one address; a unix socket has none. */
  readonly perAddress?: number;
}

export interface Listener {
  /** As one dials it: unix!/path or tcp!host!port. */
  readonly address: string;
  /** Connections refused because of a limit. */
  readonly refused: number;
  /** No more connections; those that are there go on until the server hangs them up. */
  close(): Promise<void>;
}

const default_connections = 1024;
const default_per_address = 128;

/** A unix socket is its owner's alone, mode 600. */
export async function listen(
  server: Server,
  at: Address,
  options: ListenOptions = {},
): Promise<Listener> {
  const gate = new Gate(options);
  const net = 'path' in at ? 'unix' : 'tcp';
  const sockets = createServer({ noDelay: true, keepAlive: true }, (socket) => {
    const address = socket.remoteAddress ?? '';
    if (gate.enter(socket, address)) serve(server, socket, { net, address });
  });
  const unbind = 'path' in at ? await bindSocket(sockets, at.path) : await bindTcp(sockets, at);
  sockets.on('error', (e) => server.fault?.(e));
  return {
    address: 'path' in at ? `unix!${at.path}` : tcpAddress(sockets),
    get refused() {
      return gate.refused;
    },
    async close() {
      sockets.close();
      await unbind();
    },
  };
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
  /** Gives up connecting and attaching; what comes after is not its affair. */
  readonly signal?: AbortSignal;
}

/** Connect to unix!/path, tcp!host!port or /path, and attach. */
export async function dial(address: string, options: DialOptions = {}): Promise<Mount> {
  return mount(await connected(parseAddress(address), address, options.signal), options);
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
    return new Mount(await client.attach(options.uname ?? 'none', options.aname));
  } catch (e) {
    client.end('not mounted');
    throw e;
  } finally {
    options.signal?.removeEventListener('abort', abort);
  }
}

export function parseAddress(address: string): Address {
  if (address.startsWith('/')) return { path: address };
  if (address.startsWith('unix!')) return { path: address.slice('unix!'.length) };
  const [net, host, service = '9fs', ...more] = address.split('!');
  if (net === 'tcp' && host && more.length === 0) return { host, port: portOf(service, address) };
  return refuse(`bad address '${address}': unix!/path or tcp!host!port`);
}

function portOf(service: string, address: string): number {
  const port = service === '9fs' ? 564 : Number(/^\d+$/.test(service) ? service : 0);
  return port > 0 && port < 65536 ? port : refuse(`bad port in '${address}'`);
}

function connected(at: Address, address: string, signal?: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) refuse(`${address}: interrupted`);
    const socket = createConnection({ ...at, noDelay: true, keepAlive: true });
    const abort = (): void => void socket.destroy(new Error('interrupted'));
    signal?.addEventListener('abort', abort);
    const failed = (e: Error): void => {
      signal?.removeEventListener('abort', abort);
      reject(new Error(`${address}: ${e.message}`));
    };
    socket.once('error', failed);
    socket.once('connect', () => {
      socket.off('error', failed);
      signal?.removeEventListener('abort', abort);
      resolve(socket);
    });
  });
}

async function bindTcp(
  sockets: Sockets,
  at: { host: string; port: number },
): Promise<() => Promise<void>> {
  await new Promise<void>((resolve, reject) => {
    sockets.once('error', reject);
    sockets.listen(at.port, at.host, () => {
      sockets.off('error', reject);
      resolve();
    });
  });
  return async () => undefined;
}

function tcpAddress(sockets: Sockets): string {
  const at = sockets.address();
  return at === null || typeof at === 'string' ? 'tcp' : `tcp!${at.address}!${at.port}`;
}

/** How many may come in. */
class Gate {
  refused = 0;
  readonly #limit: number;
  readonly #each: number;
  readonly #of = new Map<string, number>();
  #all = 0;

  constructor(options: ListenOptions) {
    this.#limit = options.connections ?? default_connections;
    this.#each = options.perAddress ?? default_per_address;
  }

  /** False, and the socket is gone, if it is one too many. */
  enter(socket: Socket, address: string): boolean {
    const n = this.#of.get(address) ?? 0;
    if (this.#all >= this.#limit || (address !== '' && n >= this.#each)) {
      this.refused++;
      socket.on('error', () => undefined);
      socket.destroy();
      return false;
    }
    this.#all++;
    this.#of.set(address, n + 1);
    socket.once('close', () => this.#leave(address));
    return true;
  }

  #leave(address: string): void {
    this.#all--;
    const n = (this.#of.get(address) ?? 1) - 1;
    if (n === 0) this.#of.delete(address);
    else this.#of.set(address, n);
  }
}
