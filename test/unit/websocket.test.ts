/** 9P in WebSockets: the handshake, whose pages may come in, frames good and bad. */
import assert from 'node:assert/strict';
import { request as httpRequest } from 'node:http';
import { createConnection, createServer } from 'node:net';
import { test } from 'node:test';
import { dial, Gate, type InetAddress, memTree, parseAddress, Server } from '@9p/lib9p';
import { connectWeb, listenWeb, originAllowed } from '../../srv/websocket.js';
import { doesNotRead } from './lib9p-kit.js';

const tree = memTree({ hello: 'hello\n', big: new Uint8Array(300_000).fill(65) });

async function listening(
  f: (l: { address: string; server: Server }) => Promise<void>,
): Promise<void> {
  const server = new Server(tree);
  const at = parseAddress('ws!127.0.0.1!0!/9p') as InetAddress;
  const l = await listenWeb(server, at, { gate: new Gate() });
  try {
    await f({ address: l.address, server });
  } finally {
    server.hangup('the test is over');
    await l.close();
  }
}

async function read(address: string): Promise<string> {
  const m = await dial(address, { connect: connectWeb });
  try {
    return await m.readText('/hello');
  } finally {
    m.close();
  }
}

const origins: readonly [string | undefined, string, readonly string[], boolean][] = [
  [undefined, 'bell:80', [], true],
  ['http://127.0.0.1:8080', '127.0.0.1:8080', [], true],
  ['http://[::1]:8080', '[::1]:8080', [], true],
  ['http://localhost:8080', 'localhost:8080', [], true],
  ['https://bell.example', 'bell.example', [], true],
  ['http://127.0.0.1:9090', '127.0.0.1:8080', [], false],
  ['http://evil.example:8080', 'evil.example:8080', [], false], // a name that points at us
  ['http://evil.example', '127.0.0.1:8080', [], false],
  ['null', 'localhost:8080', [], false],
  ['', 'localhost:8080', [], false],
  ['https://app.example', 'bell.example', ['https://app.example'], true],
  ['https://bell.example', 'bell.example', ['https://app.example'], false],
  ['https://app.example.evil.example', 'bell.example', ['https://app.example'], false],
];
for (const [origin, host, allowed, want] of origins)
  test(`origin ${origin} at ${host}, allowed ${allowed}`, () => {
    const headers = origin === undefined ? { host } : { host, origin };
    assert.equal(originAllowed({ headers }, 'bell.example', allowed), want);
  });

/** The status that a handshake with these headers gets. */
function handshake(port: number, path: string, headers: Record<string, string>): Promise<string> {
  return new Promise((done, failed) => {
    const q = httpRequest({ host: '127.0.0.1', port, path, headers });
    q.on('response', (r) => done(`${r.statusCode} ${r.statusMessage}`));
    q.on('upgrade', (r, s) => {
      s.destroy();
      done(`${r.statusCode} ${r.headers['sec-websocket-protocol']}`);
    });
    q.on('error', failed);
    q.end();
  });
}

const upgrade = {
  connection: 'upgrade',
  upgrade: 'websocket',
  'sec-websocket-version': '13',
  'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==',
};
const nineP = { ...upgrade, 'sec-websocket-protocol': 'mqtt, 9p' };

test('a WebSocket is opened by who asks for 9p at the path, from an allowed page', () =>
  listening(async ({ address }) => {
    const port = Number(address.split('!')[2]);
    const evil = { ...nineP, origin: 'http://evil.example' };
    assert.equal(await handshake(port, '/9p', nineP), '101 9p');
    assert.equal(await handshake(port, '/9p', evil), '403 origin not allowed');
    assert.equal(await handshake(port, '/', nineP), '404 no such resource');
    assert.equal(await handshake(port, '/9p', upgrade), '400 subprotocol 9p wanted');
    assert.equal(await handshake(port, '/9p', {}), '426 Upgrade Required');
    assert.equal(
      await handshake(port, '/9p', { ...nineP, 'sec-websocket-key': 'x' }),
      '400 Bad Request',
    );
    await assert.rejects(read(`ws!127.0.0.1!${port}`), /404 no such resource$/);
  }));

/** Frames of a client, RFC 6455 section 5.2, masked with zeros. */
function frame(opcode: number, payload: Uint8Array, claim = payload.length): Buffer {
  const small = claim < 126;
  const head = Buffer.alloc(small ? 6 : 14);
  head[0] = 0x80 | opcode;
  head[1] = 0x80 | (small ? claim : 127);
  if (!small) head.writeBigUInt64BE(BigInt(claim), 2);
  return Buffer.concat([head, payload]);
}

/** A client in bytes; what it got after the handshake, when it is over. It leaves
 *  when it has got `n` bytes. */
async function raw(address: string, n: number, ...frames: readonly Buffer[]): Promise<Buffer> {
  const socket = createConnection({ host: '127.0.0.1', port: Number(address.split('!')[2]) });
  const lines = Object.entries({ host: 'x', ...nineP }).map(([k, v]) => `${k}: ${v}\r\n`);
  socket.write(`GET /9p HTTP/1.1\r\n${lines.join('')}\r\n`);
  for (const f of frames) socket.write(f);
  let got = Buffer.alloc(0);
  let left = false;
  for await (const b of socket) {
    got = Buffer.concat([got, b as Buffer]);
    const head = got.indexOf('\r\n\r\n') + 4;
    if (head >= 4 && got.length - head >= n && !left) left = socket.write(close);
  }
  return got.subarray(got.indexOf('\r\n\r\n') + 4);
}

const version = Buffer.from('1300000064ffff002000000600395032303030', 'hex');
const rversion = Buffer.from('1300000065ffff002000000600395032303030', 'hex');
const close = frame(8, Buffer.from([0x03, 0xe8]));

test('frames may cut the messages anywhere; text, and a frame too large, end it', () =>
  listening(async ({ address }) => {
    const a = address;
    const bytes = [...version].map((b) => frame(2, Uint8Array.of(b)));
    const answer = Buffer.concat([Buffer.from([0x82, rversion.length]), rversion]);
    const pong = Buffer.from([0x8a, 2, 0x68, 0x69]);
    const cut = await raw(a, answer.length + pong.length, ...bytes, frame(9, Buffer.from('hi')));
    assert.ok(cut.includes(answer));
    assert.ok(cut.includes(pong));
    const text = await raw(a, 4, frame(1, Buffer.from('Tversion')), frame(2, version));
    assert.equal(text.toString('latin1', 2), '\x03\xebbinary frames only', 'and no answer');
    const huge = await raw(a, 4, frame(2, version, 2 ** 32));
    assert.deepEqual(huge.subarray(2, 4), Buffer.from([0x03, 0xf1]), '1009');
    assert.equal(await read(a), 'hello\n', 'others go on');
  }));

test('a file larger than a frame comes whole', () =>
  listening(async ({ address }) => {
    const m = await dial(address, { connect: connectWeb, msize: 1 << 20 });
    assert.equal((await m.readFile('/big')).length, 300_000);
    m.close();
  }));

test('who does not read is stopped and delays nobody', () =>
  listening(async ({ address, server }) =>
    doesNotRead(await connectWeb(address, {}), server, () => read(address)),
  ));

test('dialling is given up, and fails, in one line', async () => {
  const mute = createServer();
  await new Promise<void>((ready) => mute.listen(0, '127.0.0.1', ready));
  const address = `ws!127.0.0.1!${(mute.address() as { port: number }).port}`;
  const stop = new AbortController();
  mute.once('connection', () => stop.abort());
  await assert.rejects(connectWeb(address, { signal: stop.signal }), {
    message: `${address}: interrupted`,
  });
  await assert.rejects(connectWeb(address, { signal: stop.signal }), {
    message: `${address}: interrupted`,
  });
  mute.close();
  await assert.rejects(connectWeb('ws!127.0.0.1!1', {}), {
    message: 'ws!127.0.0.1!1: connect ECONNREFUSED 127.0.0.1:1',
  });
});
