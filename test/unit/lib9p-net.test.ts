/** What carries 9P: dial strings, sockets and TLS, who may come in and who it is. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { connect as tlsConnect } from 'node:tls';
import {
  type Address,
  type DialOptions,
  dial,
  formatAddress,
  Gate,
  type ListenOptions,
  listen,
  memTree,
  parseAddress,
  Server,
} from '@9p/lib9p';
import { Certs, needs } from '../kit/index.js';
import { doesNotRead } from './lib9p-kit.js';

const dir = mkdtempSync(join(tmpdir(), 'lib9p-net-'));
after(() => rmSync(dir, { recursive: true }));
const noOpenssl = needs('openssl');

const tree = memTree({ hello: 'hello\n', big: new Uint8Array(300_000).fill(65) });
/** Its attach says whom it believes. */
function makeServer() {
  const seen: string[] = [];
  const server = new Server(tree, {
    who: (uname, peer) => {
      seen.push(`${peer.net} ${peer.who?.uname ?? `?${uname}`}`);
      return peer.who ?? { uname, groups: [], owner: false };
    },
  });
  return { server, seen };
}

const dialStrings: readonly [string, Address][] = [
  ['unix!/tmp/ns.glenda/acme', { net: 'unix', path: '/tmp/ns.glenda/acme' }],
  ['/srv/9p!old', { net: 'unix', path: '/srv/9p!old' }],
  ['unix!sock!1', { net: 'unix', path: 'sock!1' }],
  ['tcp!bell!9fs', { net: 'tcp', host: 'bell', port: 564 }],
  ['tcp!bell', { net: 'tcp', host: 'bell', port: 564 }],
  ['net!bell!styx', { net: 'tcp', host: 'bell', port: 6666 }],
  ['tcp!::1!564', { net: 'tcp', host: '::1', port: 564 }],
  ['tcp!*!0', { net: 'tcp', host: '*', port: 0 }],
  ['tls!bell.example!17020', { net: 'tls', host: 'bell.example', port: 17020 }],
  ['ws!bell!8080', { net: 'ws', host: 'bell', port: 8080, resource: '/' }],
  ['ws!bell', { net: 'ws', host: 'bell', port: 80, resource: '/' }],
  ['wss!bell!https!a/9p', { net: 'wss', host: 'bell', port: 443, resource: '/a/9p' }],
  ['wss!bell!8443!/9p', { net: 'wss', host: 'bell', port: 8443, resource: '/9p' }],
];
for (const [text, want] of dialStrings)
  test(`dial string ${text}`, () => {
    const at = parseAddress(text);
    assert.deepEqual(at, want);
    assert.deepEqual(parseAddress(formatAddress(at)), want, 'it is written as it is read');
  });

const forms = 'unix!path, tcp!host!service, tls!host!service, ws!host!service!path';
const badStrings: readonly [string, string][] = [
  ['', `bad address '': ${forms}`],
  ['bell', `bad address 'bell': ${forms}`],
  ['unix!', `bad address 'unix!': ${forms}`],
  ['il!bell!9fs', `bad address 'il!bell!9fs': ${forms}`],
  ['tcp!!564', `bad address 'tcp!!564': ${forms}`],
  ['tcp!a b!564', `bad address 'tcp!a b!564': ${forms}`],
  ['tcp!bell!564!x', `bad address 'tcp!bell!564!x': ${forms}`],
  ['tcp!bell!65536', "bad port in 'tcp!bell!65536'"],
  ['tcp!bell!', "unknown service '' in 'tcp!bell!'"],
  ['tcp!bell!-1', "unknown service '-1' in 'tcp!bell!-1'"],
  ['tcp!bell!constructor', "unknown service 'constructor' in 'tcp!bell!constructor'"],
  ['tcp!bell\n!564', 'bad address: it has control characters'],
  ['/a\0b', 'bad address: it has control characters'],
];
for (const [text, message] of badStrings)
  test(`bad dial string ${JSON.stringify(text)}`, () =>
    assert.throws(() => parseAddress(text), { message }));

test('what is to announce is not dialled, and what cannot be carried says so', async () => {
  await assert.rejects(dial('tcp!*!9fs'), { message: 'tcp!*!564 is to announce, not to dial' });
  await assert.rejects(dial('tcp!a!0'), { message: 'tcp!a!0 is to announce, not to dial' });
  await assert.rejects(dial('ws!127.0.0.1!1'), {
    message: 'ws!127.0.0.1!1: ws is not carried here',
  });
  await assert.rejects(listen(new Server(tree), 'ws!127.0.0.1!0'), /no listener for ws here/);
  await assert.rejects(listen(new Server(tree), 'tcp!192.0.2.1!0'), /^Error: tcp!192.0.2.1!0: /);
  await assert.rejects(dial('tcp!a..b!1'), { message: 'tcp!a..b!1: host not found' });
  // Both addresses of the name refuse: one reason is told.
  await assert.rejects(dial('tcp!localhost!1'), /^Error: tcp!localhost!1: connect ECONNREFUSED/);
});

/** Listen, and hand on how to dial it; all is gone afterwards. */
async function listening(
  address: string,
  options: ListenOptions,
  f: (l: {
    address: string;
    server: Server;
    seen: string[];
    refused: () => number;
    read: (o?: DialOptions) => Promise<string>;
  }) => Promise<void>,
): Promise<void> {
  const { server, seen } = makeServer();
  const l = await listen(server, address, options);
  const read = async (o: DialOptions = {}): Promise<string> => {
    const m = await dial(l.address, o);
    try {
      return await m.readText('/hello');
    } finally {
      m.close();
    }
  };
  try {
    await f({ address: l.address, server, seen, refused: () => l.refused, read });
  } finally {
    server.hangup('the test is over');
    await l.close();
  }
}

for (const [at, want] of [
  ['tcp!127.0.0.1!0', /^tcp!127\.0\.0\.1![1-9]\d*$/],
  ['tcp!::1!0', /^tcp!::1![1-9]\d*$/],
] as const)
  test(`announced on ${at}`, () =>
    listening(at, {}, async ({ address, read, seen }) => {
      assert.match(address, want);
      assert.equal(await read({ uname: 'glenda' }), 'hello\n');
      assert.deepEqual(seen, ['tcp ?glenda']);
    }));

test('announced on every address', () =>
  listening('tcp!*!0', {}, async ({ address, server }) => {
    const port = /^tcp!\*!(\d+)$/.exec(address)?.[1];
    for (const host of ['127.0.0.1', '::1']) (await dial(`tcp!${host}!${port}`)).close();
    assert.ok(server);
  }));

test('a unix socket has the mode and the group that it is given', { skip: needs('root') }, () =>
  listening(join(dir, 'shared'), { mode: 0o660, gid: 12 }, async ({ address, read }) => {
    const s = statSync(join(dir, 'shared'));
    assert.equal(s.mode & 0o777, 0o660);
    assert.equal(s.gid, 12);
    assert.equal(address, `unix!${join(dir, 'shared')}`);
    assert.equal(await read(), 'hello\n');
  }),
);

test('one too many is told why: in all, from an address, over several listeners', async () => {
  const gate = new Gate({ connections: 3, perAddress: 2 });
  await listening('tcp!127.0.0.1!0', { gate }, (tcp) =>
    listening(join(dir, 'gate'), { gate }, async (unix) => {
      const held = [await dial(tcp.address), await dial(tcp.address)];
      await assert.rejects(tcp.read(), {
        message: 'too many connections from 127.0.0.1: limit 2',
      });
      held.push(await dial(unix.address));
      await assert.rejects(unix.read(), { message: 'too many connections: limit 3' });
      await assert.rejects(tcp.read(), { message: 'too many connections: limit 3' });
      assert.equal(gate.refused, 3);
      const gone = new Promise((done) => (held[0]!.client.onend = done));
      for (const c of tcp.server.connections) c.end('make room');
      await gone;
      for (const m of held) m.close();
    }),
  );
});

test(
  'who is turned away and goes on sending is not listened to for long',
  { timeout: 300_000 },
  () =>
    listening('tcp!127.0.0.1!0', { connections: 0 }, async ({ address }) => {
      const to = { port: Number(address.split('!')[2]), host: '127.0.0.1', allowHalfOpen: true };
      const socket = createConnection(to).resume();
      socket.on('error', () => undefined);
      const sending = setInterval(() => socket.write('more'), 100);
      await new Promise((gone) => socket.once('close', gone));
      clearInterval(sending);
    }),
);

test('room is made as connections go', () =>
  listening('tcp!127.0.0.1!0', { connections: 1 }, async ({ address, server, read }) => {
    for (let i = 0; i < 3; i++) {
      const socket = createConnection({ port: Number(address.split('!')[2]), host: '127.0.0.1' });
      await new Promise((done) => socket.once('connect', done));
      await assert.rejects(read(), /too many connections: limit 1/);
      const gone = new Promise((done) => socket.once('close', done));
      server.hangup('go');
      await gone;
    }
    assert.equal(await read(), 'hello\n');
  }));

for (const at of ['tcp!127.0.0.1!0', `unix!${join(dir, 'slow')}`])
  test(`who does not read is stopped and delays nobody: ${at.slice(0, 4)}`, () =>
    listening(at, {}, async ({ address, server, read }) => {
      const to = parseAddress(address);
      const where = 'path' in to ? { path: to.path } : { host: to.host, port: to.port };
      await doesNotRead(createConnection(where), server, read);
    }));

// TLS -----------------------------------------------------------------------------------------

const certs = noOpenssl === false ? new Certs(dir) : undefined;
const keysOf = () => {
  const c = certs!;
  const ca = c.text('ca.pem');
  return { ca, server: c.server(), glenda: c.make('glenda', '/CN=glenda') };
};
type Keys = ReturnType<typeof keysOf>;

function tlsTest(name: string, f: (k: Keys, c: Certs) => Promise<void>): void {
  test(`tls: ${name}`, { skip: noOpenssl }, () => f(keysOf(), certs!));
}

tlsTest('the server is verified, by name and by who signed it', ({ ca, server }, c) =>
  listening('tls!127.0.0.1!0', { tls: server }, async ({ address, read, seen }) => {
    const [, , port] = address.split('!');
    assert.equal(await read({ tls: { ca }, uname: 'rob' }), 'hello\n');
    assert.deepEqual(seen, ['tls ?rob'], 'a name that nobody vouches for');
    await (await dial(`tls!localhost!${port}`, { tls: { ca } })).readText('/hello');
    await assert.rejects(read(), /^Error: tls!127.0.0.1!\d+: unable to verify|self.signed/);
    const other = { ca: c.text('otherca.pem') };
    await assert.rejects(read({ tls: other }), /unable to verify|self.signed/);
    c.make('elsewhere', '/CN=elsewhere', 'ca', 'DNS:elsewhere');
    await listening('tls!127.0.0.1!0', { tls: c.pair('elsewhere') }, ({ read: wrong }) =>
      assert.rejects(wrong({ tls: { ca } }), /does not match certificate/),
    );
  }),
);

tlsTest('a client certificate is demanded, and its CN is who it is', ({ ca, server, glenda }, c) =>
  listening('tls!127.0.0.1!0', { tls: { ...server, ca } }, async ({ read, seen }) => {
    assert.equal(await read({ tls: { ca, ...glenda }, uname: 'somebody else' }), 'hello\n');
    assert.deepEqual(seen, ['tls glenda']);
    await assert.rejects(read({ tls: { ca } }), { message: 'certificate required' });
    const stranger = c.make('stranger', '/CN=glenda', 'otherca');
    const unknown =
      /^FileError: bad certificate: UNABLE_TO_VERIFY|^FileError: bad certificate: SELF/;
    await assert.rejects(read({ tls: { ca, ...stranger } }), unknown);
    for (const subject of ['/O=no name', '/CN=two/CN=names', '/CN=a blank']) {
      const odd = c.make('odd', subject);
      await assert.rejects(read({ tls: { ca, ...odd } }), /its CN is not the name of a user/);
    }
    assert.deepEqual(seen, ['tls glenda'], 'nobody else was let in');
  }),
);

tlsTest('keys that are none are refused in one line', async ({ ca, server }) => {
  const at = 'tls!127.0.0.1!0';
  const refused = (tls: object, message: RegExp) =>
    assert.rejects(listen(new Server(tree), at, { tls }), message);
  await refused({}, /^FileError: tls: a listener needs a certificate and its key$/);
  await refused({ cert: server.cert }, /^FileError: tls: a certificate needs its key$/);
  await refused({ ...server, cert: 'x' }, /^FileError: tls: bad certificate or key: [^\n]*$/);
  await refused({ ...server, ca: 'x' }, /^FileError: tls: no certificate in ca$/);
  await assert.rejects(dial('tls!127.0.0.1!1', { tls: { ca, key: server.key } }), /needs its key/);
});

tlsTest('connections count from the first byte on; the one too many is closed', ({ ca, server }) =>
  listening(
    'tls!127.0.0.1!0',
    { tls: server, connections: 1 },
    async ({ address, read, refused }) => {
      const silent = createConnection({ host: '127.0.0.1', port: Number(address.split('!')[2]) });
      await new Promise((done) => silent.once('connect', done));
      await assert.rejects(read({ tls: { ca } }), /ECONNRESET|disconnected|hungup/);
      assert.equal(refused(), 1);
      silent.destroy();
    },
  ),
);

tlsTest('who does not read is stopped and delays nobody', ({ ca, server }) =>
  listening('tls!127.0.0.1!0', { tls: server }, async ({ address, server: s, read }) => {
    const socket = tlsConnect({ host: '127.0.0.1', port: Number(address.split('!')[2]), ca });
    await new Promise((done) => socket.once('secureConnect', done));
    await doesNotRead(socket, s, () => read({ tls: { ca } }));
  }),
);
