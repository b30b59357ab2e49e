/** A daemon on each of its carriers: who a client is there, what a trace
 *  shows, which limits there are. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { Duplex, PassThrough } from 'node:stream';
import { after, test } from 'node:test';
import {
  type DialOptions,
  dial,
  type Mount,
  mount,
  type Peer,
  serveStdio,
  type TlsKeys,
  type Who,
} from '@9p/lib9p';
import { dialAny } from '../../srv/carriers.js';
import { type Daemon, type DaemonOptions, startDaemon } from '../../srv/daemon.js';
import { Accounts } from '../../srv/fuse/accounts.js';
import { whoIs } from '../../srv/who.js';
import { Certs, needs } from '../kit/index.js';

const dir = mkdtempSync(join(tmpdir(), 'carriers-'));
after(() => rmSync(dir, { recursive: true }));
const me = userInfo().username;
const skip = needs('openssl');
const certs = skip === false ? new Certs(dir) : undefined;
const [server, glenda, owner] =
  certs === undefined
    ? []
    : [certs.server(), certs.make('glenda', '/CN=glenda'), certs.make('me', `/CN=${me}`)];

let count = 0;
const socketPath = (): string => join(dir, `s${++count}`);

async function withDaemon(o: DaemonOptions, f: (d: Daemon) => Promise<void>): Promise<void> {
  const d = await startDaemon({ load: ['auth'], ...o });
  try {
    await f(d);
  } finally {
    await d.stop('the test is over');
  }
}

async function reach<T>(
  address: string | undefined,
  f: (m: Mount) => Promise<T>,
  o: DialOptions = {},
): Promise<T> {
  const m = await dial(address ?? '', { connect: dialAny, ...o });
  try {
    return await f(m);
  } finally {
    m.close();
  }
}

/** Whose a conversation is that the client makes: so the server believes that it is he. */
async function whoAmI(m: Mount): Promise<string> {
  const n = await m.readText('/auth/clone');
  const { uid } = await m.stat(`/auth/${n}/ctl`);
  const may = await m.writeFile('/ctl', 'alias /elsewhere').then(
    () => 'owner',
    () => 'nobody',
  );
  return `${uid} ${may}`;
}

const ca = (): string => certs!.text('ca.pem');
const anybody = ['tcp!127.0.0.1!0', 'ws!127.0.0.1!0!/9p'];
const secure = ['tls!127.0.0.1!0', 'wss!127.0.0.1!0!/9p'];

test('who a client is: the name it gives where that is meant', () =>
  withDaemon({ listen: anybody, insecure: true }, async (d) => {
    for (const a of d.addresses)
      assert.equal(await reach(a, whoAmI, { uname: 'rob' }), 'rob nobody', a);
  }));

test('who a client is: its certificate says so, on TLS and in WebSockets', { skip }, () =>
  withDaemon({ listen: secure, tls: { ...server, ca: ca() } }, async (d) => {
    assert.equal(d.addresses.length, 2, 'without --insecure');
    for (const a of d.addresses) {
      const as = (keys: TlsKeys | undefined, uname = 'rob') =>
        reach(a, whoAmI, { uname, tls: { ...keys, ca: ca() } });
      assert.equal(await as(glenda), 'glenda nobody', a);
      assert.equal(await as(owner), `${me} owner`, a);
      await assert.rejects(as(undefined, me), /certificate required/, a);
      const stranger = certs!.make('stranger', `/CN=${me}`, 'otherca');
      await assert.rejects(as(stranger), /bad certificate: /, a);
    }
  }),
);

test('a listener that proves nothing needs --insecure; a failed start leaves nothing', () =>
  withDaemon({ socket: socketPath() }, async () => {
    const open = [...anybody, ...secure];
    for (const address of open) {
      const socket = socketPath();
      const message = `${address}: anybody could connect: --auth demands a proof; --insecure says that it is meant`;
      const tls = server;
      await assert.rejects(startDaemon({ socket, listen: [address], tls }), { message });
      assert.throws(() => statSync(socket), { code: 'ENOENT' });
    }
  }));

const peers: readonly [string, Peer, number | undefined, string][] = [
  ['a socket of mode 600', { net: 'unix', address: '' }, undefined, 'glenda owner'],
  ['stdio', { net: 'stdio', address: '' }, undefined, 'glenda owner'],
  ['the owner for himself', { net: 'unix', address: '' }, 0, 'glenda owner'],
  ['the owner for another', { net: 'unix', address: '' }, 7, 'bob'],
  ['a certificate', { net: 'tls', address: '', who: person('rob') }, undefined, 'rob'],
  ['and no other by number', { net: 'tls', address: '', who: person('rob') }, 7, 'rob'],
  ['and not the owner', { net: 'tls', address: '', who: person('rob') }, 0, 'rob'],
  ['the owner’s', { net: 'wss', address: '', who: person('glenda') }, undefined, 'glenda owner'],
  ['the owner’s, for another', { net: 'wss', address: '', who: person('glenda') }, 7, 'bob'],
  ['what he says', { net: 'tcp', address: '127.0.0.1' }, undefined, 'said'],
];
for (const [name, peer, uid, want] of peers)
  test(`who a client is: ${name}`, () => {
    const files = { passwd: () => 'bob:x:7:7::', group: () => '' };
    const accounts = new Accounts(1000, files);
    const me = { ...person('glenda'), owner: true };
    const who = whoIs({ me, accounts, insecure: true }, 'said', peer, uid);
    assert.equal(`${who.uname}${who.owner ? ' owner' : ''}`, want);
    if (peer.net === 'tcp')
      assert.throws(() => whoIs({ me, accounts, insecure: false }, 'said', peer, uid), {
        message: 'authentication required',
      });
  });

function person(uname: string): Who {
  return { uname, groups: [], owner: false };
}

const asNobody = `const s = require('node:net').connect(process.argv[1]);
s.on('error', (e) => console.log(e.code));
const say = (b) => s.write(Buffer.from(b, 'hex'));
s.on('connect', () => say('1300000064ffff002000000600395032303030'));
let n = 0;
s.on('data', (b) => {
  if (++n === 1) say('1700000068000000000000ffffffff04726f6f740000'.replace('04', '0400'));
  else { console.log(b[4]); s.end(); }
});`;

test('a socket for others: the system says who each is', { skip: needs('root') }, async () => {
  const socket = socketPath();
  chmodSync(dir, 0o755);
  await withDaemon({ socket, socketMode: 0o666 }, async (d) => {
    assert.equal(statSync(socket).mode & 0o777, 0o666);
    assert.equal(await reach(d.addresses[0], whoAmI, { uname: 'rob' }), 'root owner');
    const seen = new Promise<string>((done) => {
      const who = d.server.who;
      Object.assign(d.server, {
        who: async (...args: Parameters<typeof who>) => {
          const w = await who(...args);
          done(`${w.uname} ${w.owner} ${w.groups}`);
          return w;
        },
      });
    });
    const child = spawn(process.execPath, ['-e', asNobody, socket], { uid: 65534, gid: 65534 });
    assert.equal(await seen, 'nobody false nogroup', 'it had said root');
    await once(child, 'close');
  });
  const group = { socket: socketPath(), socketGroup: 'daemon' };
  await withDaemon(group, async () => {
    assert.equal(statSync(group.socket).mode & 0o777, 0o660);
    assert.equal(statSync(group.socket).gid, 1);
  });
  await assert.rejects(startDaemon({ socket, socketGroup: 'no such' }), {
    message: "no group 'no such' here",
  });
});

test('a trace shows no secret, on any carrier', { skip }, async () => {
  const lines: string[] = [];
  const o = { socket: socketPath(), listen: [...anybody, ...secure], insecure: true };
  const trace = (line: string): void => void lines.push(line);
  await withDaemon({ ...o, tls: server, trace }, async (d) => {
    assert.equal(d.addresses.length, 5);
    for (const a of d.addresses) {
      lines.length = 0;
      const own: string[] = [];
      const tls = { ca: ca() };
      const traced = { tls, uname: me, trace: (line: string): void => void own.push(line) };
      const key = 'key proto=pass user=glenda !password=very-secret';
      await reach(a, (m) => m.writeFile('/auth/ctl', key), traced);
      // One that is no control message.
      await reach(
        a,
        (m) => m.open('/auth/ctl', 1).then((f) => f.write(key.slice(5))),
        traced,
      ).catch(() => undefined);
      for (const all of [lines, own]) {
        assert.ok(
          all.some((l) => /Twrite .* count \d\d/.test(l)),
          `${a}: ${all.join('\n')}`,
        );
        assert.ok(!all.some((l) => /very|secret/.test(l)), `${a}: ${all.join('\n')}`);
      }
    }
  });
});

test('nor on standard input and output', async () => {
  const lines: string[] = [];
  await withDaemon({ trace: (line) => void lines.push(line) }, async (d) => {
    const [near, far] = [new PassThrough(), new PassThrough()];
    const over = serveStdio(d.server, near, far);
    const m = await mount(Duplex.from({ readable: far, writable: near }));
    await m.writeFile('/auth/ctl', 'key proto=pass user=glenda !password=very-secret');
    m.close();
    await over;
  });
  assert.ok(lines.some((l) => l.includes('Twrite')));
  assert.doesNotMatch(lines.join('\n'), /very|secret/);
});

// Limits --------------------------------------------------------------------------------------

const limited: readonly [
  string,
  DaemonOptions['limits'],
  (m: Mount) => Promise<unknown>,
  RegExp,
][] = [
  ['fids', { fids: 2 }, (m) => m.readText('/auth/ctl').then(() => several(m)), /^too many fids$/],
  [
    'tags',
    { tags: 1 },
    (m) => Promise.all([1, 2].map(() => m.open('/log').then((f) => f.read(100)))),
    /^too many requests outstanding$/,
  ],
  [
    'msize',
    { msize: 256 },
    (m) => {
      assert.equal(m.client.msize, 256);
      m.client.msize = 8192; // a client that does not keep to it
      return m.client.rpc('write', { fid: m.root.fid, offset: 0n, data: new Uint8Array(300) });
    },
    /^hungup: /,
  ],
];
const several = (m: Mount) => Promise.all([m.walk('/ctl'), m.walk('/ctl'), m.walk('/ctl')]);

for (const [name, limits, act, message] of limited)
  test(`the limit of ${name} is told`, () =>
    withDaemon({ socket: socketPath(), limits }, async (d) => {
      await assert.rejects(reach(d.addresses[0], act), { message });
      await reach(d.addresses[0], (m) => m.readText('/version'));
    }));

test('connections are counted over all carriers, and the one too many is told why', () =>
  withDaemon(
    { socket: socketPath(), listen: anybody, insecure: true, limits: { connections: 2 } },
    async (d) => {
      const [unix = '', tcp = '', ws = ''] = d.addresses;
      await reach(unix, () =>
        reach(tcp, async () => {
          const message = /too many connections: limit 2$/;
          for (const a of [unix, tcp]) await assert.rejects(reach(a, whoAmI), message);
          await assert.rejects(reach(ws, whoAmI), (e: Error) => {
            assert.equal(e.message, `${ws}: 503 too many connections: limit 2`);
            return true;
          });
        }),
      );
    },
  ));

test('and those from one address', () =>
  withDaemon({ listen: anybody, insecure: true, limits: { perAddress: 1 } }, async (d) => {
    const [tcp, ws] = d.addresses;
    await reach(tcp, async () => {
      for (const a of [tcp, ws])
        await assert.rejects(reach(a, whoAmI), /too many connections from 127.0.0.1: limit 1$/);
    });
  }));
