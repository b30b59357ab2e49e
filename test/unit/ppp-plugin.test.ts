/** ppp as files: a client and a server over a wire in memory, on
 *  virtual time, with auth's files. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { text, utf8 } from '@9p/packet';
import { omode } from 'slashnet/core';
import ppp from '../../plugins/ppp/plugin.js';
import { byteWords } from '../../plugins/ppp/rpc.js';
import { file, Lab, request, Stack, two, type Wire } from './ppp-lab.js';

for (const method of ['pap', 'chap']) {
  for (const framing of ['packet', 'bytes'] as const) {
    test(`connect, ${method}, ${framing}: status, addresses, packets both ways, hangup`, async () => {
      const more = framing === 'bytes' ? ['framing hdlc', 'pfc on', 'acfc on'] : [];
      const lab = await two({ framing, client: more, server: [`auth ${method}`, ...more] });
      await lab.done(lab.echo('connect', '/ppp/0/ctl'));
      assert.match(await lab.cat('/ppp/0/status'), /^Opened phase Network role client lcp Opened /);
      assert.match(await lab.cat('/ppp/0/local'), /^10\.0\.0\.2\n/);
      assert.match(await lab.cat('/ppp/0/remote'), /^10\.0\.0\.1\n/);
      assert.match(await lab.cat('/ppp/1/remote'), /^10\.0\.0\.2\n/);
      assert.equal(await lab.cat('/ppp/0/dns'), '8.8.8.8\n');
      assert.equal(await lab.cat('/ppp/0/auth'), `local ${method} ok user glenda\n`);
      assert.equal(await lab.cat('/ppp/1/auth'), `peer ${method} ok user glenda\n`);
      assert.match(await lab.cat('/ppp/0/ipcp'), /^state Opened\n(.+\n)+local 10.0.0.2\n/);
      await lab.clock.run(1000);
      assert.match(await lab.cat('/ppp/0/local'), /^10\.0\.0\.2\nfe80::[0-9a-f:]+\n$/);

      const [a, b] = [await lab.open('/ppp/0/data'), await lab.open('/ppp/1/data')];
      // /ppp/N/data is to be joined where it is opened through the name space: read it as a file
      const [fa, fb] = [await file(lab, '/ppp/0/data'), await file(lab, '/ppp/1/data')];
      assert.ok(a.port !== undefined && b.port !== undefined);
      const packet = Uint8Array.of(0x45, 0, 0, 20, ...new Uint8Array(16));
      for (const [from, to] of [
        [fa, fb],
        [fb, fa],
      ] as const) {
        await from.write(packet, 0, request());
        const got = await lab.done(Promise.resolve(to.read(2000, 0, request())));
        assert.deepEqual(Uint8Array.from(got), packet);
      }
      await lab.done(lab.echo('hangup', '/ppp/0/ctl'));
      assert.match(await lab.cat('/ppp/0/status'), /^Dead /);
      await lab.clock.run(3000);
      assert.match(await lab.cat('/ppp/1/err'), /terminated by peer/);
      assert.match(await lab.cat('/ppp/1/status'), /^(Announced|Establish) /);
      assert.equal(lab.logged.filter((l) => /rabbit|bug/.test(l)).length, 0, lab.logged.join('\n'));

      await lab.done(lab.echo('connect', '/ppp/0/ctl'));
      assert.match(await lab.cat('/ppp/0/status'), /^Opened /);
    });
  }
}

test('a wrong password, no key, no peer: connect says so, err too', async () => {
  const wrong = await two({ server: ['auth chap'] });
  await wrong.echo(
    'key proto=chap service=ppp role=client user=glenda !password=carrot',
    '/auth/ctl',
  );
  const e = 'authentication failed (chap): authentication failed: connect';
  await assert.rejects(wrong.done(wrong.echo('connect', '/ppp/0/ctl')), { message: e });
  assert.equal(await wrong.cat('/ppp/0/err'), `${e}\n`);
  assert.equal(
    await wrong.cat('/ppp/0/auth'),
    'local chap failed user glenda authentication failed\n',
  );

  const none = await two({ client: ['key user=nobody'] });
  await assert.rejects(
    none.done(none.echo('connect', '/ppp/0/ctl')),
    /authentication failed \(mschapv2\): no key for .*user=nobody/,
  );

  const silent = await two();
  (silent.wires[0] as Wire).cut = true;
  const began = silent.clock.now();
  await assert.rejects(silent.done(silent.echo('connect', '/ppp/0/ctl')), {
    message: 'lcp: no answer to 10 requests: connect',
  });
  assert.equal(silent.clock.now() - began, 27_000); // 1, 2 and eight times 3 seconds
});

test('refused before anything is sent', async () => {
  const lab = new Lab();
  await ppp.start(lab.system.env, []);
  await lab.cat('/ppp/clone');
  await lab.cat('/wire/clone');
  const refused: readonly [string, RegExp][] = [
    ['connect', /^nothing is bound below: bind path first: connect$/],
    ['connect 10.0.0.1', /^connect takes no address/],
    ['bind /wire/0/data\nrole server\nconnect', /a server needs an address of its own/],
    ['framing hdlc', /^framing is chosen before bind/],
    ['mtu 10', /^bad mtu '10': 128 to 16384: mtu 10$/],
    ['local 300.1.1.1', /^bad ip address '300.1.1.1'/],
    ['local 127.0.0.1', /^bad ip address/],
    ['auth magic', /^unknown method 'magic': mschapv2 eap chap mschap pap/],
    ['key user=x !password=secret', /^a private value is no part of a key pattern/],
    ['ifid 0000000000000000', /is not zero/],
    ['accm 12', /^bad accm '12': 8 hex digits/],
    ['echo x', /^bad interval/],
    ['echo 5 2 3', /^'3' is neither adaptive nor always/],
    ['restart 1000 999', /^bad longest time in ms '999': 1000 to 60000/],
    ['framing slip', /^'slip' is not packet, hdlc, none or noacfield/],
    ['identify box', /^lcp is not Opened: there is no peer/],
    ['frob', /^unknown control message: frob$/],
    ['timeout foo 3', /^'foo' is not lcp, auth or net/],
  ];
  for (const [what, why] of refused)
    await assert.rejects(lab.echo(what, '/ppp/0/ctl'), (e: Error) => {
      assert.match(e.message, why);
      assert.ok(!e.message.includes('secret'));
      return true;
    });
});

test('every verb is taken, and help lists it', async () => {
  const lab = new Lab();
  await ppp.start(lab.system.env, []);
  await lab.cat('/ppp/clone');
  const lines = [
    ...[
      'role server',
      'noauth',
      'auth pap chap',
      'auth none',
      'mutual chap',
      "key user='o''hara' dom=x",
    ],
    ...['mutual off', 'authtries 2', 'rechallenge 60'],
    ...['name bras', 'mtu 1400', 'mru 1400', 'accm 000a0000', 'accm none', 'magic off', 'pfc on'],
    ...[
      'acfc on',
      'address on',
      'framing noacfield',
      'framing none',
      'framing hdlc',
      'local 10.0.0.1',
      'local any',
      'remote 10.0.0.2',
    ],
    ...['pool 10.0.0.10-10.0.3.250', 'pool none', 'vj off', 'vj on', 'vj 256', 'mss on'],
    ...['proxy on', 'speed 115200', 'local fe80::1', 'remote fe80::a:b:c:d', 'remote any'],
    ...['dns ask', 'dns none', 'dns 8.8.8.8 9.9.9.9', 'wins 10.0.0.3', 'ip on', 'ipv6 off'],
    ...['ifid 0000000000000001', 'ifid random', 'static 10.0.0.1 10.0.0.2', 'net /net', 'net none'],
    ...[
      'ifname ppp7',
      'primary',
      'primary off',
      'echo 10 3',
      'echo 5 always',
      'echo 9 2 adaptive',
      'echo 0',
      'lqr 10',
      'lqr off',
      'restart 1000',
    ],
    ...[
      'restart 500 8000',
      'maxconfigure 5',
      'maxterminate 3',
      'maxfailure 4',
      'timeout lcp 5',
      'timeout auth 5',
    ],
    ...['timeout net 5', 'passive on'],
  ];
  await lab.echo(lines.join('\n'), '/ppp/0/ctl');
  const help = await lab.cat('/ppp/0/help');
  for (const l of lines) assert.match(help, new RegExp(`^\t${l.split(' ')[0]}\\b`, 'm'));
});

test('IPv6 is enough where the peer has no IPv4, whichever of both is known first', async () => {
  for (const [client, server] of [
    [[], ['ip off']],
    [['ip off'], []],
  ] as const) {
    const lab = await two({ client: [...client], server: [...server] });
    await lab.done(lab.echo('connect', '/ppp/0/ctl'));
    for (const n of [0, 1]) assert.match(await lab.cat(`/ppp/${n}/local`), /^fe80/);
    await lab.clock.run(1000);
    lab.wires[0]!.cut = true;
    await lab.clock.run(60_000);
    for (const n of [0, 1]) assert.match(await lab.cat(`/ppp/${n}/err`), /^lcp: peer is gone/);
  }
});

test('an interrupted connect leaves the conversation as it was', async () => {
  const lab = await two();
  (lab.wires[0] as Wire).cut = true;
  const req = request();
  const p = lab.echo('connect', '/ppp/0/ctl', req);
  await lab.clock.run(500);
  assert.match(await lab.cat('/ppp/0/status'), /^Establish /);
  req.flushed = true;
  req.onflush?.();
  await assert.rejects(p, /interrupted/);
  await lab.clock.run(3000);
  assert.match(await lab.cat('/ppp/0/status'), /^Dead /);
  (lab.wires[0] as Wire).cut = false;
  await lab.done(lab.echo('connect', '/ppp/0/ctl'));
});

test('hangup takes back the question that a key is asked with', async () => {
  const lab = await two({ server: ['auth pap'] });
  await lab.echo('delkey user=glenda', '/auth/ctl');
  const needkey = await lab.open('/auth/needkey');
  const connected = lab.echo('connect', '/ppp/0/ctl');
  const question = needkey.read(4096, 0, request());
  assert.match(text(await lab.done(Promise.resolve(question))), /^needkey tag=1 proto=pass /);
  const refused = assert.rejects(connected, /hung up/);
  await lab.done(lab.echo('hangup', '/ppp/0/ctl'));
  await lab.done(refused);
  const answer = async () => needkey.write(utf8('tag=1'), 0, request());
  await assert.rejects(answer, { message: 'tag not found' });
  needkey.close();
});

test('hangup aborts a connect that waits, and needs no peer', async () => {
  const lab = await two();
  (lab.wires[0] as Wire).cut = true;
  const p = lab.echo('connect', '/ppp/0/ctl');
  await lab.clock.run(500);
  await lab.echo('hangup', '/ppp/0/ctl'); // takes no time
  await assert.rejects(p, /hung up/);
  assert.match(await lab.cat('/ppp/0/status'), /^Dead /);

  (lab.wires[0] as Wire).cut = false;
  await lab.done(lab.echo('connect', '/ppp/0/ctl'));
  (lab.wires[0] as Wire).cut = true;
  const began = lab.clock.now();
  await lab.done(lab.echo('hangup', '/ppp/0/ctl'));
  assert.ok(lab.clock.now() - began <= 1500);
});

test('the link goes: err, event, status; redial brings it back', async () => {
  const lab = await two({ client: ['redial 3'] });
  const event = await lab.open('/ppp/0/event', omode.read);
  await lab.done(lab.echo('connect', '/ppp/0/ctl'));
  const wire = lab.wires[0] as Wire;
  lab.system.turn.run(() => wire.lose('cable pulled'));
  assert.equal(await lab.cat('/ppp/0/err'), 'link lost: cable pulled\n');
  assert.match(await lab.cat('/ppp/0/status'), /^Dead /);
  lab.system.turn.run(() => {
    wire.upper.raise();
    wire.far.raise();
  });
  await lab.clock.run(20_000);
  assert.match(await lab.cat('/ppp/0/status'), /^Opened /);
  const told = text(await event.read(65536, 0, request()));
  assert.match(told, /phase Establish/);
  event.close();
});

test('static: no negotiation, packets pass', async () => {
  const lab = await two({ client: ['static 10.9.0.1 10.9.0.2'], server: ['static'] });
  await lab.done(lab.echo('connect', '/ppp/0/ctl'));
  assert.match(await lab.cat('/ppp/1/status'), /^Opened role server lcp static local 10.0.0.1/);
  assert.match(
    await lab.cat('/ppp/0/status'),
    /^Opened role client lcp static local 10.9.0.1 remote 10.9.0.2 mtu 1492/,
  );
  const [a, b] = [await file(lab, '/ppp/0/data'), await file(lab, '/ppp/1/data')];
  const packet = Uint8Array.of(0x45, 0, 0, 20, ...new Uint8Array(16));
  await a.write(packet, 0, request());
  const got = await lab.done(Promise.resolve(b.read(2000, 0, request())));
  assert.deepEqual(Uint8Array.from(got), packet);
  await lab.done(lab.echo('hangup', '/ppp/0/ctl'));
  assert.match(await lab.cat('/ppp/0/status'), /^Dead /);
});

test('the conversation closes in any state', async () => {
  for (const ms of [0, 1, 6, 12, 30, 1000]) {
    const lab = await two();
    const p = lab.echo('connect', '/ppp/0/ctl').catch(() => undefined);
    await lab.clock.run(ms);
    await lab.done(lab.echo('close', '/ppp/0/ctl'));
    await lab.done(p);
    await assert.rejects(lab.cat('/ppp/0/status'), /not in the name space/);
    await lab.done(lab.system.stop('the end'));
    assert.equal(lab.logged.filter((l) => /bug|crash/.test(l)).length, 0, lab.logged.join('\n'));
  }
});

test('the daemon ends: the Terminate-Request goes before the wire does', async () => {
  const lab = await two();
  await lab.done(lab.echo('connect', '/ppp/0/ctl'));
  lab.logged.length = 0;
  await lab.done(lab.system.stop('the daemon ended'));
  const all = lab.logged.join('\n');
  assert.match(all, /\/ppp\/0 phase Terminate/);
  assert.doesNotMatch(all, /link lost/);
});

// The interface that connect makes ------------------------------------------------------------

test('connect makes an interface, hangup takes all of it back', async () => {
  const lab = await two({
    client: [
      'net /net',
      'ifname dsl0',
      'primary',
      'ipv6 off',
      'mtu 1400',
      'proxy on',
      'speed 9600',
    ],
    server: ['noauth', 'ipv6 off'],
  });
  const stack = new Stack(lab, ['speed']);
  await lab.done(lab.echo('connect', '/ppp/0/ctl'));
  const made = [
    'ifname dsl0',
    'bind /net/ppp/0/data',
    'speed 9600',
    'add 10.0.0.2 255.255.255.255 10.0.0.1 1400 proxy',
    'iproute add 0 0 10.0.0.1',
    'ndb ip=10.0.0.2 ipmask=255.255.255.255 ipgw=10.0.0.1\n\tdns=8.8.8.8\n',
  ];
  assert.deepEqual(stack.said, made);
  assert.match(await lab.cat('/ppp/0/status'), / ifc \/net\/ipifc\/0 /);
  await lab.done(lab.echo('hangup', '/ppp/0/ctl'));
  const undone = ['ndb ip=10.0.0.2\n', 'iproute remove 0 0 10.0.0.1', 'unbind'];
  assert.deepEqual(stack.said.slice(made.length), undone);
  assert.equal(stack.closed, 1);
});

test('a stack that has no message speed, as that of Plan 9 from Bell Labs', async () => {
  const lab = await two({ client: ['net /net', 'ipv6 off', 'speed 9600'], server: ['noauth'] });
  const stack = new Stack(lab);
  await lab.done(lab.echo('connect', '/ppp/0/ctl'));
  assert.deepEqual(stack.said.slice(0, 2), [
    'bind /net/ppp/0/data',
    'add 10.0.0.2 255.255.255.255 10.0.0.1 1492',
  ]);
});

test('without an interface there is no connection: the reason, and the link is ended', async () => {
  for (const what of [/^bind/, /^add/]) {
    const lab = await two({ client: ['net /net'], server: ['noauth'] });
    const stack = new Stack(lab);
    stack.refuses = what;
    await assert.rejects(lab.done(lab.echo('connect', '/ppp/0/ctl')), /device busy/);
    await lab.clock.run(3000);
    assert.match(await lab.cat('/ppp/0/status'), /^Dead /);
    assert.match(await lab.cat('/ppp/1/err'), /terminated by peer: hangup/);
    assert.equal(stack.closed, 1);
  }
});

test('IPv6 that comes later is added; data that is open already gets no interface', async () => {
  const lab = await two({ client: ['net /net'], server: ['noauth'] });
  const stack = new Stack(lab);
  await lab.done(lab.echo('connect', '/ppp/0/ctl'));
  await lab.clock.run(100);
  assert.match(stack.said.at(-1) ?? '', /^add fe80::[0-9a-f:]+ \/64$/);
  await lab.done(lab.echo('hangup', '/ppp/0/ctl'));

  const other = await two({ client: ['net /net'], server: ['noauth'] });
  const idle = new Stack(other);
  const data = await file(other, '/ppp/0/data');
  await other.done(other.echo('connect', '/ppp/0/ctl'));
  assert.deepEqual(idle.said, []);
  data.close();
});

test('words in bytes, as auth quotes them', () => {
  const show = (s: string) =>
    byteWords(Buffer.from(s, 'latin1')).map((w) => Buffer.from(w).toString('latin1'));
  assert.deepEqual(show("glenda 'open ''sesame'' now' ''"), ['glenda', "open 'sesame' now", '']);
  assert.deepEqual(show('a\xa0b \xff'), ['a\xa0b', '\xff']);
  assert.deepEqual(show("  a'b c'd\n"), ['ab cd']);
  assert.deepEqual(show("'open"), ['open']);
});
