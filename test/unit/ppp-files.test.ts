/** What the files of a conversation of ppp tell, and the lines of its event. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { text } from '@9p/packet';
import { type Chan, omode } from 'slashnet/core';
import { request, two, type Wire } from './ppp-lab.js';

type Lab = Awaited<ReturnType<typeof two>>;

/** Values by name. */
async function pairs(lab: Lab, path: string): Promise<ReadonlyMap<string, string>> {
  const lines = (await lab.cat(path)).split('\n').filter((l) => l !== '');
  return new Map(lines.map((l) => [l.split(' ')[0] ?? '', l.slice(l.indexOf(' ') + 1)]));
}

/** The next lines of event or log, which give one a read, up to the one that is looked for. */
async function lines(event: Chan, n: number, last?: RegExp): Promise<string[]> {
  const out: string[] = [];
  while (out.length < n && last?.test(out.at(-1) ?? '') !== true)
    out.push(text(await event.read(4096, 0, request())).trimEnd());
  return out;
}

async function connected(client: string[] = [], server: string[] = []): Promise<Lab> {
  const lab = await two({ client, server });
  await lab.done(lab.echo('connect', '/ppp/0/ctl'));
  await lab.clock.run(100);
  return lab;
}

test('a control protocol tells what was asked, agreed and counted, each way', async () => {
  const lab = await connected(['mru 1400', 'pfc on'], ['auth chap', 'ipv6 off']);
  const lcp = await pairs(lab, '/ppp/0/lcp');
  const magic = lcp.get('magic') ?? '';
  assert.equal(lcp.get('state'), 'Opened');
  assert.equal(lcp.get('asked'), `mru 1400 magic ${magic}`);
  assert.equal(lcp.get('agreed'), lcp.get('asked'));
  assert.equal(lcp.get('peerasked'), `mru 1492 auth chap magic ${lcp.get('peermagic')}`);
  assert.equal(lcp.get('peeragreed'), lcp.get('peerasked'));
  assert.equal(lcp.get('sent'), 'ConfReq 2 ConfAck 1');
  assert.equal(lcp.get('received'), 'ConfReq 1 ConfAck 1 ConfRej 1 ProtRej 1');
  assert.equal(lcp.get('timeouts'), '0');
  const ipcp = await pairs(lab, '/ppp/0/ipcp');
  assert.equal(ipcp.get('agreed'), 'addr 10.0.0.2 comp vj 16 slots dns1 8.8.8.8');
  assert.equal(ipcp.get('peeragreed'), 'addr 10.0.0.1 comp vj 16 slots');
  assert.match(ipcp.get('sent') ?? '', /^ConfReq \d ConfAck 1$/);
  const ipv6cp = await pairs(lab, '/ppp/0/ipv6cp');
  assert.equal(ipv6cp.get('state'), 'Stopped');
  assert.match(ipv6cp.get('asked') ?? '', /^ifid [0-9a-f]{16}$/);
  assert.deepEqual([ipv6cp.get('agreed'), ipv6cp.get('sent')], [undefined, 'ConfReq 1']);
  await lab.done(lab.echo('hangup', '/ppp/0/ctl'));
  assert.equal(await lab.cat('/ppp/0/ipcp'), 'state Initial\n');
});

test('before connect each says that it is Initial', async () => {
  const lab = await two();
  for (const name of ['lcp', 'ipcp', 'ipv6cp', 'ccp'])
    assert.match(await lab.cat(`/ppp/0/${name}`), /^state Initial\n/);
});

test('time-outs are counted, and requests that nobody answers', async () => {
  const lab = await two();
  await lab.clock.run(20); // the server's first request
  (lab.wires[0] as Wire).cut = true;
  const p = lab.echo('connect', '/ppp/0/ctl').catch(() => undefined);
  await lab.clock.run(3500);
  const lcp = await pairs(lab, '/ppp/0/lcp');
  assert.deepEqual(
    [lcp.get('sent'), lcp.get('received'), lcp.get('timeouts')],
    ['ConfReq 3', undefined, '2'],
  );
  await lab.echo('hangup', '/ppp/0/ctl');
  await p;
});

test('status tells phase, addresses, mtu, name and uptime', async () => {
  const lab = await connected([], ['auth chap']);
  await lab.clock.run(7000);
  const status = await lab.cat('/ppp/0/status');
  assert.match(status, /^Opened phase Network .* local 10\.0\.0\.2 remote 10\.0\.0\.1 mtu 1492 /);
  assert.match(status, / auth chap user glenda uptime 7 /);
});

test('event has a line for each change', async () => {
  const lab = await two({
    client: ['ifid 0000000000000001'],
    server: ['auth chap', 'ifid 0000000000000002'],
  });
  const event = await lab.open('/ppp/0/event', omode.read);
  await lab.done(lab.echo('connect', '/ppp/0/ctl'));
  await lab.clock.run(100);
  assert.deepEqual(await lines(event, 7), [
    'phase Establish',
    'phase Authenticate',
    'auth ok glenda local chap',
    'phase Network',
    'ipv6 fe80::1 fe80::2', // it takes fewer steps
    'ip 10.0.0.2 10.0.0.1',
    'up',
  ]);
  await lab.done(lab.echo('hangup', '/ppp/1/ctl'));
  await lab.clock.run(3000);
  assert.deepEqual(await lines(event, 5), [
    'ip down ipcp went down',
    'ipv6 down ipv6cp went down',
    'phase Terminate',
    'down lcp: terminated by peer: hangup',
    'phase Dead',
  ]);
});

test('event: who failed to prove himself, by what; a name that is no word is quoted', async () => {
  const lab = await two({ server: ['auth pap'] });
  const wrong = "key proto=pap service=ppp role=client user='gl enda' !password=carrot";
  await lab.echo('delkey user=glenda', '/auth/ctl');
  await lab.echo(wrong, '/auth/ctl');
  const event = await lab.open('/ppp/1/event', omode.read);
  await assert.rejects(lab.done(lab.echo('connect', '/ppp/0/ctl')));
  const [, failed] = await lines(event, 2);
  assert.equal(failed, "auth failed 'gl enda' peer pap");
});

test('identify: one packet to a peer that is there, else refused', async () => {
  const lab = await two();
  const log = await lab.open('/ppp/1/log', omode.read);
  const why = { message: 'lcp is not Opened: there is no peer: identify box 7' };
  await assert.rejects(lab.echo('identify box 7', '/ppp/0/ctl'), why);
  await lab.done(lab.echo('connect', '/ppp/0/ctl'));
  await lab.echo('identify box 7', '/ppp/0/ctl');
  await lab.clock.run(100);
  const heard = await lines(log, 80, /lcp peer: Identification/);
  assert.match(heard.at(-1) ?? '', /magic [0-9a-f]{8} 'box 7'$/);
});

test('err of an announced end has why a call did not come up', async () => {
  const lab = await two({ client: ['mppe require'], server: ['noauth'] });
  await assert.rejects(lab.done(lab.echo('connect', '/ppp/0/ctl')), /encryption is required/);
  await lab.clock.run(3000);
  assert.match(await lab.cat('/ppp/1/err'), /^lcp: terminated by peer/);
});
