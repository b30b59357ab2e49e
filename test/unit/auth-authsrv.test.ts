/** The authentication server and who asks it, over loopback: sizes, times, numbers are bounded. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { test } from 'node:test';
import { newReq, omode } from '@9p/lib9p';
import { utf8 } from '@9p/packet';
import { makeSystem } from 'slashnet/core';
import { passwordKey } from '../../plugins/auth/p9/des.js';
import { type AuthListener, askTickets, listenAuth } from '../../plugins/auth/p9/net.js';
import { getTicket, kind, putTicketreq } from '../../plugins/auth/p9/ticket.js';
import auth from '../../plugins/auth/plugin.js';
import { SeededRandom, VirtualClock } from '../kit/index.js';

const chal = utf8('server!!');
const who = { authid: 'bootes', authdom: 'lone', challenge: chal, hostid: 'glenda', uid: 'glenda' };
const request = putTicketreq({ ...who, type: kind.treq });
const key = passwordKey(utf8('secret'));

async function withServer(
  run: (s: AuthListener, clock: VirtualClock, logins: string[]) => Promise<void>,
): Promise<void> {
  const clock = new VirtualClock();
  const logins: string[] = [];
  const s = await listenAuth('tcp!127.0.0.1!0', {
    clock,
    random: new SeededRandom(4),
    withKey: (user, _dom, f) => (user === 'glenda' ? f(key) : undefined),
    login: (user, address, ok) => {
      logins.push(`${user} ${address} ${ok}`);
      return undefined;
    },
  });
  try {
    await run(s, clock, logins);
  } finally {
    s.close();
  }
}
async function dial(s: AuthListener): Promise<Socket> {
  const socket = connect(Number(s.address.split('!')[2]), '127.0.0.1');
  await once(socket, 'connect');
  return socket;
}
/** What comes until the end of the connection. */
async function all(socket: Socket): Promise<Buffer> {
  const got: Buffer[] = [];
  socket.on('data', (b: Buffer) => got.push(b));
  socket.on('error', () => undefined); // refused, it may be a reset
  await once(socket, 'close');
  return Buffer.concat(got);
}

test('tickets by the network; what the server refuses comes with its words', () =>
  withServer(async (s, clock) => {
    const tickets = await askTickets(clock, s.address, request);
    const { num, cuid, challenge } = getTicket(tickets.subarray(0, 72), key);
    assert.deepEqual([tickets.length, num, cuid, challenge], [144, kind.tc, 'glenda', chal]);
    const pak = putTicketreq({ ...who, type: 19 });
    const message = 'remote: unknown ticket request';
    await assert.rejects(askTickets(clock, s.address, pak), { message });
  }));

test('several requests on a connection; a wrong login is told of with its address', () =>
  withServer(async (s, _clock, logins) => {
    const socket = await dial(s);
    const box = putTicketreq({ ...who, type: kind.chal });
    socket.write(Buffer.concat([request, request, box, Buffer.alloc(16)]));
    const got = await all(socket);
    assert.deepEqual([got.length, got[0], got[145], got[290]], [145 + 145 + 17 + 65, 4, 4, 4]);
    assert.equal(got.subarray(307).toString().replace(/\0+$/, ''), '\x05cr-fail');
    assert.deepEqual(logins, ['glenda 127.0.0.1 false']);
  }));

test('who says nothing is ended after 30 s, and so are all when the server ends', () =>
  withServer(async (s, clock) => {
    const silent = await dial(s);
    // An answer on a later connection: the server has both by then.
    await askTickets(clock, s.address, request);
    clock.advance(30_000);
    assert.equal((await all(silent)).length, 0);
    const other = await dial(s);
    await askTickets(clock, s.address, request);
    s.close();
    assert.equal((await all(other)).length, 0);
  }));

test('the ninth connection from one address is turned away', () =>
  withServer(async (s) => {
    const open: Socket[] = [];
    for (let i = 0; i < 8; i++) open.push(await dial(s));
    const ninth = await dial(s);
    assert.equal((await all(ninth)).length, 0);
    open[0]!.write(request);
    const [first] = await once(open[0]!, 'data');
    assert.equal((first as Buffer)[0], kind.ok, 'the others are served');
    for (const o of open) o.destroy();
  }));

test('an address must be one of tcp', async () => {
  const host = { clock: new VirtualClock(), random: new SeededRandom(1), withKey: () => undefined };
  for (const address of ['unix!/tmp/x', 'tls!*!567'])
    await assert.rejects(listenAuth(address, { ...host, login: () => undefined }), {
      message: `${address}: tcp!host!567 is wanted`,
    });
});

/** A server that does `f` with whoever comes. */
async function withPeer(f: (s: Socket) => void, run: (at: string) => Promise<void>): Promise<void> {
  const sockets: Socket[] = [];
  const server: Server = createServer((s) => {
    sockets.push(s);
    s.on('error', () => undefined);
    f(s);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    await run(`tcp!127.0.0.1!${(server.address() as AddressInfo).port}`);
  } finally {
    for (const s of sockets) s.destroy();
    server.close();
  }
}

test('asking: a server that says what is no reply, half of one, or nothing', async () => {
  const clock = new VirtualClock();
  const botch = { message: 'AS protocol botch' };
  const asking = (at: string) => askTickets(clock, at, request);
  await withPeer(
    (s) => s.write('HTTP/1.0 400\r\n'),
    (at) => assert.rejects(asking(at), botch),
  );
  await withPeer(
    (s) => s.end(Buffer.alloc(100, kind.ok)),
    (at) => assert.rejects(asking(at), botch),
  );
  await withPeer(
    (s) => s.write(Buffer.concat([Buffer.from([kind.err]), Buffer.alloc(64, 'x\x1b')])),
    (at) => assert.rejects(asking(at), { message: `remote: ${'x?'.repeat(32)}` }),
  );
  await withPeer(
    (s) => s.once('data', () => clock.advance(5000)),
    (at) => assert.rejects(asking(at), { message: `${at}: no answer in 5 s` }),
  );
});

test('authsrv twice at once, and one that begins as auth goes: none is left behind', async () => {
  const lines: string[] = [];
  const log = (l: string): void => void lines.push(l);
  const s = makeSystem({ plugins: [], clock: new VirtualClock(), owner: 'glenda', log });
  const running = await auth.start(s.env, []);
  const ctl = await s.ns.open('/auth/ctl', omode.write, s.me);
  const say = async (what: string) => ctl.write(utf8(what), 0, newReq(s.me));
  const begin = async (): Promise<string> => {
    await say('authsrv tcp!127.0.0.1!0');
    return lines.map((l) => /authsrv: (tcp!.*)/.exec(l)?.[1]).findLast((a) => a) ?? '';
  };
  const free = async (): Promise<string> => {
    const address = await begin();
    await say('authsrv off');
    return `authsrv ${address}`;
  };
  const refused = { message: 'interrupted' };
  const [one, other] = [await free(), await free()];
  const first = assert.rejects(say(one), refused);
  await say(other);
  await first;
  await say('authsrv off');
  for (const a of [one, other]) await listens(a);
  const late = assert.rejects(say(one), refused);
  await running?.stop('test');
  await late;
  await listens(one);
});

/** Nobody else does. */
async function listens(line: string): Promise<void> {
  const sockets = createServer().listen(Number(line.split('!')[2]), '127.0.0.1');
  await once(sockets, 'listening');
  sockets.close();
  await once(sockets, 'close');
}
