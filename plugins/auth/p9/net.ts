/** The authentication server on a network: asked for tickets, and served. The one file of auth that
 *  opens sockets. */
import { createServer, type Socket } from 'node:net';
import { bindInet, boundAddress, connect, Gate, parseAddress } from '@9p/lib9p';
import { concat, text, u8 } from '@9p/packet';
import { type Clock, refuse } from 'slashnet/core';
import { type Answer, AuthServer, type AuthServerHost } from './authsrv.js';
import { error_bytes, kind, ticket_bytes } from './ticket.js';

/** For the whole of one request. */
const ask_ms = 5000;
/** Without a byte a connection to the server ends. */
const idle_ms = 30_000;
const limits = { connections: 64, perAddress: 8 };
const botch = 'AS protocol botch';

/** Two tickets, of what the server at the dial string `address` says to `request`. */
export async function askTickets(
  clock: Clock,
  address: string,
  request: Uint8Array,
): Promise<Uint8Array> {
  const late = new AbortController();
  const timer = clock.after(ask_ms, () => late.abort());
  let socket: Socket | undefined;
  try {
    socket = await connect(address, { signal: late.signal });
    const opened = socket;
    late.signal.addEventListener('abort', () => opened.destroy());
    return await answer(opened, request);
  } catch (e) {
    throw late.signal.aborted ? new Error(`${address}: no answer in ${ask_ms / 1000} s`) : e;
  } finally {
    timer.stop();
    socket?.destroy();
  }
}

function answer(socket: Socket, request: Uint8Array): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    let got: Uint8Array = new Uint8Array(0);
    socket.on('data', (b: Uint8Array) => {
      got = concat(got, b);
      const bytes = u8(got, 0) === kind.err ? error_bytes : 2 * ticket_bytes;
      if (u8(got, 0) !== kind.ok && u8(got, 0) !== kind.err) reject(new Error(botch));
      else if (got.length > bytes) {
        const body = got.subarray(1, 1 + bytes);
        if (u8(got, 0) === kind.ok) resolve(body);
        else reject(new Error(`remote: ${printable(body)}`));
      }
    });
    socket.on('error', reject);
    socket.on('close', () => reject(new Error(botch)));
    socket.write(request);
  });
}

const printable = (b: Uint8Array): string => {
  const end = b.indexOf(0);
  return text(b.subarray(0, end < 0 ? b.length : end)).replace(/[^\x20-\x7e]/g, '?');
};

/** What a connection has to say about itself. */
export interface AuthListenerHost extends AuthServerHost {
  readonly clock: Clock;
  /** A login's end: what to wait for before the peer is told, if anything. */
  login(user: string, address: string, ok: boolean): Promise<void> | undefined;
}

export interface AuthListener {
  /** As one dials it. */
  readonly address: string;
  close(): void;
}

export async function listenAuth(address: string, host: AuthListenerHost): Promise<AuthListener> {
  const at = parseAddress(address);
  if (!('host' in at) || at.net !== 'tcp') throw refuse(`${address}: tcp!host!567 is wanted`);
  const gate = new Gate(limits);
  const open = new Set<Socket>();
  const sockets = createServer((s) => {
    if (gate.enter(s) !== undefined) return gate.turnAway(s, undefined);
    open.add(s);
    s.on('close', () => open.delete(s));
    serve(s, host);
  });
  await bindInet(sockets, at);
  return {
    address: boundAddress(sockets, at),
    close: () => {
      sockets.close();
      for (const s of open) s.destroy();
    },
  };
}

function serve(s: Socket, host: AuthListenerHost): void {
  const server = new AuthServer(host);
  s.on('error', () => s.destroy());
  const idle = (): { stop(): void } => host.clock.after(idle_ms, () => s.destroy());
  let timer = idle();
  s.on('close', () => timer.stop());
  s.on('data', (b: Uint8Array) => {
    timer.stop();
    timer = idle();
    s.pause(); // one answer at a time
    void say(s, server.receive(b), host).then(() => s.resume());
  });
}

async function say(s: Socket, answers: readonly Answer[], host: AuthListenerHost): Promise<void> {
  for (const a of answers) {
    if (a.login !== undefined) await host.login(a.login.user, s.remoteAddress ?? '', a.login.ok);
    if (a.last) s.end(a.reply);
    else s.write(a.reply);
  }
}
