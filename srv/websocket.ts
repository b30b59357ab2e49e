/** 9P in WebSockets, RFC 6455, which is what a browser can speak: subprotocol `9p`, binary frames,
 *  the stream of messages cut into them in any way. The one file that imports the package ws. */
import { ALL } from 'node:dns';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { isIP, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import {
  bindInet,
  boundAddress,
  type ConnectOptions,
  certified,
  dialled,
  type Gate,
  type InetAddress,
  type Listener,
  parseAddress,
  type Server,
  serve,
  type TlsKeys,
  tlsServerOptions,
  tlsTo,
} from '@9p/lib9p';
import { refuse } from 'slashnet/core';
import type { WebSocket, WebSocketServer } from 'ws';

const subprotocol = '9p';
/** A frame that comes is at most so long; what goes is cut into pieces. */
const frame_bytes = 4 * 1024 * 1024;
const piece_bytes = 256 * 1024;
/** Pongs to a client that does not read them end there. */
const unread_bytes = 64 * 1024;
const handshake_ms = 10_000;

export interface WebOptions {
  readonly gate: Gate;
  readonly tls?: TlsKeys | undefined;
  /** Whose pages may connect, `https://host`. Without any: those of the very server. */
  readonly origins?: readonly string[] | undefined;
}

export async function listenWeb(server: Server, at: InetAddress, o: WebOptions): Promise<Listener> {
  const { WebSocketServer } = await import('ws');
  const web = new WebSocketServer({
    noServer: true,
    maxPayload: frame_bytes,
    perMessageDeflate: false,
    autoPong: false,
    handleProtocols: () => subprotocol,
  });
  const options = { keepAlive: true, headersTimeout: handshake_ms, requestTimeout: handshake_ms };
  const sockets =
    at.net === 'wss'
      ? createSecureServer({ ...options, ...tlsServerOptions(o.tls ?? {}) })
      : createServer(options);
  const door = new Door(server, at, o, web);
  sockets.on('connection', (s: Socket) => door.knock(s));
  sockets.on('request', (q: IncomingMessage, r: ServerResponse) => door.request(q, r));
  sockets.on('upgrade', (q: IncomingMessage, s: Socket, head: Buffer) => door.upgrade(q, s, head));
  await bindInet(sockets, at);
  sockets.on('error', (e) => server.fault?.(e));
  return {
    address: boundAddress(sockets, at),
    get refused() {
      return o.gate.refused;
    },
    async close() {
      sockets.close();
    },
  };
}

/** Who may come in, and why others may not: the reason phrase of HTTP tells. */
class Door {
  readonly #server: Server;
  readonly #at: InetAddress;
  readonly #o: WebOptions;
  readonly #web: WebSocketServer;
  readonly #turnedAway = new WeakSet<object>();

  constructor(server: Server, at: InetAddress, o: WebOptions, web: WebSocketServer) {
    this.#server = server;
    this.#at = at;
    this.#o = o;
    this.#web = web;
  }

  /** Connections count from the first byte on. Under TLS there is no telling why yet. */
  knock(socket: Socket): void {
    const why = this.#o.gate.enter(socket);
    if (why === undefined) return;
    this.#turnedAway.add(socket);
    this.#o.gate.turnAway(socket, this.#at.net === 'wss' ? undefined : response(503, why));
  }

  request(q: IncomingMessage, r: ServerResponse): void {
    if (this.#turnedAway.has(q.socket)) return;
    r.writeHead(426, { connection: 'close', upgrade: 'websocket' }).end('9P in WebSockets\n');
  }

  upgrade(q: IncomingMessage, socket: Socket, head: Buffer): void {
    if (this.#turnedAway.has(socket)) return;
    const proof = this.#at.net === 'wss' && this.#o.tls?.ca !== undefined;
    const who = proof ? certified(socket as TLSSocket) : undefined;
    if (typeof who === 'string') return this.#o.gate.turnAway(socket, response(401, who));
    const why = this.#objection(q);
    if (why !== undefined) return this.#o.gate.turnAway(socket, response(...why));
    // Until ws has it: a client that leaves in the middle of the handshake.
    socket.on('error', () => socket.destroy());
    this.#web.handleUpgrade(q, socket, head, (ws) => {
      const peer = { net: this.#at.net ?? 'ws', address: socket.remoteAddress ?? '' };
      void serve(this.#server, new WebStream(ws), who === undefined ? peer : { ...peer, who });
    });
  }

  #objection(q: IncomingMessage): readonly [number, string] | undefined {
    if (q.url !== this.#at.resource) return [404, 'no such resource'];
    if (!originAllowed(q, this.#at.host, this.#o.origins ?? [])) return [403, 'origin not allowed'];
    const offered = (q.headers['sec-websocket-protocol'] ?? '').split(',').map((p) => p.trim());
    return offered.includes(subprotocol) ? undefined : [400, `subprotocol ${subprotocol} wanted`];
  }
}

const response = (status: number, why: string): string =>
  `HTTP/1.1 ${status} ${why}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`;

/** A browser says whose page connects, and cannot be made to lie; what is no browser says nothing.
 *  A page of the same host may, if the name cannot be one that somebody else has pointed at us. */
export function originAllowed(
  q: Pick<IncomingMessage, 'headers'>,
  announced: string,
  origins: readonly string[],
): boolean {
  const { origin, host = '' } = q.headers;
  if (origin === undefined) return true;
  if (origins.length > 0) return origins.includes(origin);
  if (!URL.canParse(origin)) return false;
  const from = new URL(origin);
  const name = from.hostname.replace(/^\[(.*)\]$/, '$1');
  const ours = isIP(name) !== 0 || name === 'localhost' || name === announced.toLowerCase();
  return ours && from.host === host.toLowerCase();
}

/** The bytes of a WebSocket's frames as a stream. */
class WebStream extends Duplex {
  readonly #ws: WebSocket;

  constructor(ws: WebSocket) {
    super();
    this.#ws = ws;
    ws.on('message', (data: Buffer, binary) => this.#frame(data, binary));
    ws.on('ping', (data) => {
      if (ws.bufferedAmount < unread_bytes) ws.pong(data);
    });
    ws.once('close', () => this.#over());
    ws.once('error', (e) => this.destroy(e));
  }

  #frame(data: Buffer, binary: boolean): void {
    if (this.readableEnded || this.#ws.readyState !== this.#ws.OPEN) return;
    if (!binary) {
      this.#ws.close(1003, 'binary frames only');
      this.push(null);
    } else if (!this.push(data)) this.#ws.pause();
  }

  /** What came before the end is still read; then the stream is gone by itself. */
  #over(): void {
    this.push(null);
    this.end();
  }

  override _read(): void {
    if (this.#ws.isPaused) this.#ws.resume();
  }

  override _write(bytes: Buffer, _encoding: string, done: (e?: Error | null) => void): void {
    let at = 0;
    for (; at + piece_bytes < bytes.length; at += piece_bytes)
      this.#ws.send(bytes.subarray(at, at + piece_bytes));
    this.#ws.send(bytes.subarray(at), done);
  }

  override _final(done: () => void): void {
    if (this.#ws.readyState === this.#ws.CLOSED) return done();
    this.#ws.once('close', () => done());
    this.#ws.close(1000);
  }

  override _destroy(e: Error | null, done: (e: Error | null) => void): void {
    this.#ws.terminate();
    done(e);
  }
}

/** Dial ws!host!service!path and wss!…. */
export async function connectWeb(address: string, o: ConnectOptions): Promise<Duplex> {
  const at = dialled(parseAddress(address));
  if ('path' in at || at.resource === undefined) throw refuse(`${address}: no WebSocket`);
  if (o.signal?.aborted) throw refuse(`${address}: interrupted`);
  const { WebSocket } = await import('ws');
  const host = isIP(at.host) === 6 ? `[${at.host}]` : at.host;
  const ws = new WebSocket(`${at.net}://${host}:${at.port}${at.resource}`, subprotocol, {
    ...(at.net === 'wss' ? tlsTo(at, o.tls ?? {}) : {}),
    hints: ALL, // as lib9p's connect
    maxPayload: frame_bytes,
    perMessageDeflate: false,
    autoPong: false,
    handshakeTimeout: handshake_ms,
  });
  // What comes with the answer to the handshake must find the stream there.
  const stream = new WebStream(ws);
  return opened(address, ws, stream, o.signal);
}

function opened(address: string, ws: WebSocket, stream: Duplex, signal?: AbortSignal) {
  return new Promise<Duplex>((resolve, reject) => {
    const failed = (why: string): void => {
      signal?.removeEventListener('abort', abort);
      stream.destroy();
      reject(new Error(`${address}: ${why}`));
    };
    const abort = (): void => failed('interrupted');
    signal?.addEventListener('abort', abort);
    ws.once('unexpected-response', (_q, r) => failed(`${r.statusCode} ${r.statusMessage}`));
    const early = (e: Error): void => failed(e.message);
    stream.once('error', early);
    ws.once('open', () => {
      signal?.removeEventListener('abort', abort);
      stream.off('error', early);
      resolve(stream);
    });
  });
}
