/** Devices of the kernel, each kind. Run as root of a network and mount namespace of its own: see
 *  test/unit/rawio-device.test.ts. */
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmdirSync } from 'node:fs';
import { createServer, connect as dial } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { fromHex, hex, le32, packetOf, put16, putLe32, u16 } from '@9p/packet';
import {
  type Arena,
  arena,
  type Device,
  type Events,
  fusermount,
  ifinfo,
  ifnames,
  mount,
  Outbox,
  open,
  received,
  type Spec,
  unmount,
} from '@9p/rawio';
import { needs } from '../kit/needs.js';
import { queue, Recorder } from './recorder.js';
import { sound } from './reference.js';

const pppoe = 0x8864;
const all_types = 3;

const ip = (...args: string[]): string => execFileSync('ip', args, { encoding: 'utf8' });
const fresh = (slots = 64): Arena =>
  arena({ slots, slotBytes: 2048, headroom: 128, copyBytes: 2048 * 512 });

/** Till the kernel has seen the carrier: what is sent before that is dropped. */
function waitRunning(name: string): void {
  const running = 0x40;
  for (let tries = 0; tries < 200 && !(ifinfo(name).flags & running); tries++) ip('link', 'show');
  ip('link', 'set', name, 'up'); // takes the lock under which the rest of it is done
}

/** A veth pair that lasts as long as its test; both ends up. */
let pairs = 0;
function pair(t: { after(f: () => void): void }): [string, string] {
  const [a, b] = [`a${++pairs}`, `b${pairs}`];
  ip('link', 'add', a, 'type', 'veth', 'peer', 'name', b);
  for (const name of [a, b]) ip('link', 'set', name, 'addrgenmode', 'none', 'up');
  t.after(() => spawnSync('ip', ['link', 'del', a]));
  for (const name of [a, b]) waitRunning(name);
  return [a, b];
}

/** Opens, and closes when the test ends. */
function opened(t: { after(f: () => void): void }, spec: Spec, on: Events, a: Arena): Device {
  const d = open(spec, a, 0, on);
  t.after(() => d.close());
  return d;
}

const closed = (d: Device): Promise<void> => new Promise((done) => d.close(done));

const frame = (n: number, type = pppoe): Uint8Array => {
  const f = new Uint8Array(n);
  f.set(fromHex('ffffffffffff 020000000001'));
  put16(f, 12, type);
  for (let i = 14; i < n; i++) f[i] = i;
  return f;
};

function sendAll(d: Device, a: Arena, list: readonly Uint8Array[]): number {
  for (const [i, p] of list.entries()) queue(a, d.tx, i, p);
  return d.flush(list.length);
}

test('ether: frames cross, own ones are left out', async (t) => {
  const [a, b] = pair(t);
  const [from, to, shared] = [new Recorder(), new Recorder(), fresh()];
  const left = opened(t, { kind: 'ether', ifname: a, type: all_types }, from, shared);
  opened(t, { kind: 'ether', ifname: b, type: pppoe }, to, shared);
  const frames = [60, 100, 1514].map((n) => frame(n));
  assert.equal(sendAll(left, shared, [...frames, frame(80, 0x8863)]), 4);
  await to.until('three frames', (r) => r.packets.length === 3);
  assert.deepEqual(to.packets, frames);
  assert.deepEqual(from.packets, []);
  assert.equal(left.counters().txpackets, 4);
  assert.equal(left.name, a);
  assert.equal(left.ifindex, ifinfo(a).index);
});

test('ether: a frame too long to send, and one too long for a slot, are counted', async (t) => {
  const [a, b] = pair(t);
  const [to, small] = [new Recorder(), fresh()];
  ip('link', 'set', a, 'mtu', '4000');
  ip('link', 'set', b, 'mtu', '4000');
  const left = opened(t, { kind: 'ether', ifname: a, type: pppoe }, new Recorder(), small);
  const right = opened(t, { kind: 'ether', ifname: b, type: pppoe }, to, small);
  const long = frame(3000);
  small.bytes.set(long, small.copyAt);
  left.tx.set([small.copyAt, small.copyAt + 3000, small.copyAt, small.copyAt + 5000]);
  assert.equal(left.flush(2), 2);
  sendAll(left, small, [frame(60)]);
  await to.until('the short frame', (r) => r.packets.length === 1);
  assert.equal(left.counters().txdropped, 1);
  assert.equal(right.counters().rxtoobig, 1);
});

test('ether: tagged frames come with their tag, to a device of all types alone', async (t) => {
  const [a, b] = pair(t);
  const [all, one, shared] = [new Recorder(), new Recorder(), fresh()];
  const left = opened(t, { kind: 'ether', ifname: a, type: pppoe }, new Recorder(), shared);
  opened(t, { kind: 'ether', ifname: b, type: all_types }, all, shared);
  opened(t, { kind: 'ether', ifname: b, type: pppoe }, one, shared);
  const plain = hex(frame(60));
  const tagged = fromHex(`${plain.slice(0, 24)}81006005${plain.slice(24)}`);
  sendAll(left, shared, [tagged, frame(60)]);
  await all.until('both frames', (r) => r.packets.length === 2);
  await one.until('the plain frame', (r) => r.packets.length === 1);
  assert.deepEqual(
    all.packets.map((p) => hex(p)),
    [hex(tagged), plain],
  );
  assert.deepEqual(
    one.packets.map((p) => hex(p)),
    [plain],
  );
});

test('ether: a checksum that this host left to the hardware is finished', async (t) => {
  const [a, b] = pair(t);
  const [to, shared] = [new Recorder(), fresh()];
  ip('addr', 'add', '10.7.0.1/24', 'dev', a);
  ip('neigh', 'add', '10.7.0.2', 'lladdr', hex(ifinfo(b).mac, ':'), 'dev', a);
  opened(t, { kind: 'ether', ifname: b, type: 0x0800 }, to, shared);
  const socket = dial(9, '10.7.0.2').on('error', () => {});
  t.after(() => socket.destroy());
  await to.until('a SYN', (r) => r.packets.length > 0);
  const syn = to.packets[0]!;
  assert.equal(syn[23], 6);
  assert.ok(sound(syn.subarray(14)));
});

test('ether: down is not gone, removed is', async (t) => {
  const [a, b] = pair(t);
  const [at, to, shared] = [new Recorder(), new Recorder(), fresh()];
  const left = opened(t, { kind: 'ether', ifname: a, type: pppoe }, at, shared);
  const right = opened(t, { kind: 'ether', ifname: b, type: pppoe }, to, shared);
  ip('link', 'set', b, 'down');
  assert.equal(sendAll(right, shared, [frame(60)]), 1);
  assert.equal(right.counters().txdropped, 1);
  ip('link', 'set', b, 'up');
  for (const name of [a, b]) waitRunning(name);
  sendAll(left, shared, [frame(60)]);
  await to.until('a frame after up', (r) => r.packets.length === 1);
  assert.deepEqual(to.told, []);
  ip('link', 'del', a);
  await to.until('gone', (r) => r.told.length > 0);
  await at.until('gone', (r) => r.told.length > 0);
  assert.deepEqual([at.told, to.told], [['gone ENODEV'], ['gone ENODEV']]);
  assert.equal(sendAll(left, shared, [frame(60)]), 1, 'nobody waits for what is gone');
  await Promise.all([closed(left), closed(right)]);
  assert.deepEqual([at.told, to.told], [['gone ENODEV'], ['gone ENODEV']]);
});

test('ether: pause holds, resume brings', async (t) => {
  const [a, b] = pair(t);
  const [to, shared] = [new Recorder(), fresh()];
  const left = opened(t, { kind: 'ether', ifname: a, type: pppoe }, new Recorder(), shared);
  const right = opened(t, { kind: 'ether', ifname: b, type: pppoe }, to, shared);
  to.onrx = () => right.pause();
  for (let i = 0; i < 3; i++) sendAll(left, shared, [frame(60)]);
  await to.until('the first batch', (r) => r.packets.length > 0);
  const first = to.packets.length;
  sendAll(left, shared, [frame(60)]);
  await new Promise((r) => setImmediate(r));
  assert.equal(to.packets.length, first);
  to.onrx = undefined;
  right.resume();
  await to.until('the rest', (r) => r.packets.length === 4);
});

test('ether: full says so, room comes, nothing is lost between', async (t) => {
  const [a, b] = pair(t);
  const tc = spawnSync(
    'tc',
    `qdisc add dev ${a} root tbf rate 40mbit burst 5k limit 16mb`.split(' '),
  );
  if (tc.status !== 0) return t.skip('no tbf qdisc here');
  const [from, to, shared] = [new Recorder(), new Recorder(), fresh(256)];
  const left = opened(t, { kind: 'ether', ifname: a, type: pppoe }, from, shared);
  opened(t, { kind: 'ether', ifname: b, type: pppoe }, to, shared);
  const sender = new Outbox(shared).sender(left);
  let sent = 0;
  for (; sent < 20_000 && !sender.full; sent++) {
    const p = packetOf(frame(1000));
    put16(p.buf, p.start + 14, sent);
    sender.send(p);
  }
  assert.ok(sender.full, `not full after ${sent}`);
  shared.bytes.fill(0xa5); // the slots are used again
  from.onroom = () => sender.room(); // which may fill it again
  await to.until('all frames', (r) => r.packets.length === sent);
  assert.ok(from.told.length > 0 && from.told.every((event) => event === 'room'));
  assert.ok(to.packets.every((p, i) => u16(p, 14) === i && p.length === 1000));
});

test('ether: promiscuous and multicast', (t) => {
  const [a] = pair(t);
  const d = open({ kind: 'ether', ifname: a, type: pppoe }, fresh(), 0, new Recorder());
  t.after(() => d.close());
  d.promiscuous(true);
  assert.match(ip('-d', 'link', 'show', a), /promiscuity 1/);
  d.promiscuous(false);
  assert.match(ip('-d', 'link', 'show', a), /promiscuity 0/);
  d.multicast(fromHex('01005e010203'), true);
  assert.match(ip('maddr', 'show', 'dev', a), /01:00:5e:01:02:03/);
  assert.throws(() => d.multicast(new Uint8Array(5), true), /bad address/);
});

/**
 * Sends back what comes, its addresses exchanged: this host then talks with itself over the device.
 */
function mirror(p: { buf: Uint8Array; start: number }): void {
  const v6 = p.buf[p.start]! >> 4 === 6;
  const [at, n] = v6 ? [p.start + 8, 16] : [p.start + 12, 4];
  const source = p.buf.slice(at, at + n);
  p.buf.copyWithin(at, at + n, at + 2 * n);
  p.buf.set(source, at + n);
}

async function transfer(host: string, peer: string, bytes: number): Promise<number> {
  let got = 0;
  const server = createServer((s) => {
    s.on('data', (d) => {
      for (const [i, c] of d.entries()) assert.equal(c, (got + i) % 251);
      got += d.length;
    }).on('end', () => s.end());
  });
  await new Promise<void>((up) => server.listen(0, host, up));
  const { port } = server.address() as { port: number };
  const s = dial({ port, host: peer, localAddress: host });
  s.end(Uint8Array.from({ length: bytes }, (_, i) => i % 251));
  await new Promise((done, fail) => s.on('close', done).on('error', fail).resume());
  await new Promise((done) => server.close(done));
  return got;
}

const mtu = 1492;

/** A TUN of this address that sends back, as from its peers, what is sent to them. */
function mirrored(gso: boolean, host: string) {
  const shared = fresh(128);
  const seen = { sound: 0, unsound: 0 };
  const tun = open({ kind: 'tun', name: 'rawio%d', gso, mtu }, shared, 64, {
    rx(n) {
      for (let i = 0; i < n; i++) {
        const p = received(shared, i);
        assert.ok(p.length <= mtu);
        const v6 = p.buf[p.start]! >> 4 === 6;
        if (![6, 17].includes(p.buf[p.start + (v6 ? 6 : 9)]!)) continue;
        seen[sound(p.bytes()) ? 'sound' : 'unsound']++;
        mirror(p);
        sender.send(p);
      }
      sender.flush();
    },
    room: () => sender.room(),
    gone: assert.fail,
  });
  const sender = new Outbox(shared).sender(tun);
  const prefix = host.includes(':') ? ['64', 'nodad'] : ['24'];
  ip('addr', 'add', `${host}/${prefix.shift()}`, 'dev', tun.name, ...prefix);
  ip('link', 'set', tun.name, 'up');
  return { tun, seen };
}

const ends = [
  ['10.8.0.1', '10.8.0.2'],
  ['fd08::1', 'fd08::2'],
] as const;

for (const gso of [true, false])
  for (const [host, peer] of ends)
    test(`tun: TCP to ${peer}, gso ${gso}`, { skip: needs('/dev/net/tun') }, async () => {
      const { tun, seen } = mirrored(gso, host);
      assert.match(tun.name, /^rawio\d+$/);
      assert.equal(ifinfo(tun.name).mtu, mtu);
      assert.equal(await transfer(host, peer, 1 << 20), 1 << 20);
      const c = tun.counters();
      assert.ok(seen.unsound === 0 && seen.sound >= (1 << 20) / mtu, JSON.stringify(seen));
      assert.equal(c.rxbad + c.rxtoobig + c.txdropped, 0);
      assert.ok(gso ? c.txjoined > c.txpackets / 2 : c.txjoined === 0, JSON.stringify(c));
      await closed(tun);
      assert.ok(!ifnames().includes(tun.name), 'gone when done is called');
    });

/** Sends 20 parts of 1,000 bytes in one call (UDP_SEGMENT, udp(7)) and reads them again. */
const udpScript = `
import socket, sys
host, peer = sys.argv[1:]
s = socket.socket(socket.AF_INET6 if ':' in host else socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(5)
s.bind((host, 5000))
s.setsockopt(17, 103, 1000)
s.sendto(bytes(i // 1000 for i in range(19500)), (peer, 5000))
got = [s.recv(2000) for i in range(20)]
print([len(g) for g in got] == [1000] * 19 + [500], [g[0] for g in got] == list(range(20)))`;

for (const [host, peer] of ends)
  test(`tun: UDP in one call to ${peer}`, { skip: needs('/dev/net/tun', 'python3') }, async () => {
    const { tun, seen } = mirrored(true, host);
    const child = spawn('python3', ['-c', udpScript, host, peer]);
    let said = '';
    for (const out of [child.stdout, child.stderr]) out.on('data', (d) => void (said += d));
    await new Promise((done) => child.on('close', done));
    assert.equal(said, 'True True\n');
    const c = tun.counters();
    assert.equal(seen.unsound, 0);
    assert.ok(c.txpackets >= 20 && c.txdropped === 0, JSON.stringify(c));
    await closed(tun);
  });

test('tun: removed, it is gone', { skip: needs('/dev/net/tun') }, async (t) => {
  const on = new Recorder();
  const tun = opened(t, { kind: 'tun', gso: true }, on, fresh());
  ip('link', 'del', tun.name);
  await on.until('gone', (r) => r.told.length > 0);
  await closed(tun);
  assert.deepEqual(on.told, ['gone ENODEV']);
});

test('close inside rx: no event after it', async (t) => {
  const [a, b] = pair(t);
  const shared = fresh(4);
  const left = opened(t, { kind: 'ether', ifname: a, type: pppoe }, new Recorder(), shared);
  let batches = 0;
  const done = new Promise<void>((end) => {
    const right = open({ kind: 'ether', ifname: b, type: pppoe }, shared, 1, {
      rx(): void {
        batches++;
        right.close(end);
        right.close();
        assert.equal(right.flush(0), 0);
      },
      room: assert.fail,
      gone: assert.fail,
    });
  });
  sendAll(left, shared, [frame(60), frame(60), frame(60)]);
  ip('link', 'set', b, 'down');
  await done;
  assert.equal(batches, 1);
});

test('the arrays of an arena may be taken away from under a device', async (t) => {
  const [a, b] = pair(t);
  const [to, shared] = [new Recorder(), fresh()];
  const left = opened(t, { kind: 'ether', ifname: a, type: pppoe }, new Recorder(), shared);
  opened(t, { kind: 'ether', ifname: b, type: pppoe }, to, shared);
  for (const { buffer } of [shared.bytes, shared.at, left.tx]) {
    const b = buffer as ArrayBuffer & { transfer?(): ArrayBuffer }; // since Node 22
    b.transfer?.();
    structuredClone(b, { transfer: [b] });
  }
  assert.equal(left.flush(2), 2); // what tx holds is C's: two packets of no bytes, refused
  ip('link', 'del', a);
  await to.until('gone', (r) => r.told.length > 0);
});

test('an exception in rx goes where uncaught ones go, and the device goes on', async (t) => {
  const [a, b] = pair(t);
  const [to, shared] = [new Recorder(), fresh()];
  const left = opened(t, { kind: 'ether', ifname: a, type: pppoe }, new Recorder(), shared);
  opened(t, { kind: 'ether', ifname: b, type: pppoe }, to, shared);
  const script = `
    import { arena, open } from ${JSON.stringify(import.meta.resolve('@9p/rawio'))};
    const a = arena({ slots: 4, slotBytes: 2048, headroom: 128, copyBytes: 0 });
    process.on('uncaughtException', (e) => console.log(e.message));
    const on = { rx() { throw new Error('thrown'); }, room() {}, gone() {} };
    const d = open({ kind: 'ether', ifname: '${b}', type: ${pppoe} }, a, 1, on);
    console.log('ready');
    process.stdin.on('end', () => d.close()).resume();`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script]);
  let said = '';
  child.stdout.on('data', (d) => {
    said += d;
    if (said === 'ready\n') sendAll(left, shared, [frame(60), frame(60)]);
    if (said === 'ready\nthrown\nthrown\n') child.stdin.end();
  });
  const status = await new Promise((done) => child.on('close', done));
  assert.equal(status, 0, said);
});

test('a worker that ends closes its devices', async (t) => {
  const [a] = pair(t);
  const script = `
    const { parentPort } = require('node:worker_threads');
    import(${JSON.stringify(import.meta.resolve('@9p/rawio'))}).then(({ arena, open }) => {
      const a = arena({ slots: 4, slotBytes: 2048, headroom: 128, copyBytes: 0 });
      const on = { rx() {}, room() {}, gone() {} };
      open({ kind: 'ether', ifname: '${a}', type: 3 }, a, 1, on).promiscuous(true);
      parentPort.postMessage('open');
    });`;
  const worker = new Worker(script, { eval: true });
  await new Promise((done, fail) => worker.on('message', done).on('error', fail));
  assert.match(ip('-d', 'link', 'show', a), /promiscuity 1/);
  await worker.terminate();
  assert.match(ip('-d', 'link', 'show', a), /promiscuity 0/);
});

test('ip: with a remote address bare, without with headers', async (t) => {
  ip('link', 'set', 'lo', 'up');
  const shared = fresh();
  const [bare, whole] = [new Recorder(), new Recorder()];
  const proto = 253; // RFC 3692: for experiments
  const ends = { local: '127.0.0.1', remote: '127.0.0.2' };
  const one = opened(t, { kind: 'ip', proto, ...ends }, bare, shared);
  const other = opened(t, { kind: 'ip', proto, local: '127.0.0.2' }, whole, shared);
  sendAll(one, shared, [fromHex('01020304')]);
  await whole.until('a packet', (r) => r.packets.length === 1);
  const got = whole.packets[0]!;
  assert.equal(hex(got.subarray(9, 10)), 'fd');
  assert.equal(hex(got.subarray(12)), '7f0000017f00000201020304');
  const answer = Uint8Array.from([...got.subarray(0, 20), 9, 9]);
  mirror({ buf: answer, start: 0 });
  sendAll(other, shared, [answer]);
  await bare.until('the answer', (r) => r.packets.length === 1);
  assert.equal(hex(bare.packets[0]!), '0909');
});

test('netlink: a dump of links', async (t) => {
  const [on, shared] = [
    new Recorder(),
    arena({ slots: 4, slotBytes: 32768, headroom: 4, copyBytes: 4096 }),
  ];
  const d = opened(t, { kind: 'netlink', proto: 0, groups: 1 }, on, shared);
  const dump = fromHex('20000000 1200 0103 07000000 00000000 00000000 00000000 00000000 00000000');
  sendAll(d, shared, [dump]);
  const text = (r: Recorder) => Buffer.concat(r.packets).toString('latin1');
  await on.until('the end of the dump', (r) => r.packets.some((p) => u16(p, 4) === 0x0300));
  assert.match(text(on), /lo\0/);
  ip('link', 'add', 'seen0', 'type', 'veth', 'peer', 'name', 'seen1');
  await on.until('news of seen0', (r) => text(r).includes('seen0'));
  ip('link', 'del', 'seen0');
});

const fuse_init = 26;
const initReply = (request: Uint8Array): Uint8Array => {
  const reply = new Uint8Array(16 + 64);
  putLe32(reply, 0, reply.length);
  reply.set(request.subarray(8, 16), 8);
  putLe32(reply, 16, 7);
  putLe32(reply, 20, 38);
  return reply;
};

for (const how of ['mount', 'fusermount'] as const) {
  const skip = how === 'mount' ? needs('/dev/fuse') : needs('/dev/fuse', 'fusermount3');
  test(`file: FUSE by ${how}`, { skip }, async (t) => {
    const dir = mkdtempSync(join(tmpdir(), 'rawio-'));
    t.after(() => rmdirSync(dir));
    const large = arena({ slots: 2, slotBytes: 1 << 18, headroom: 16, copyBytes: 0 });
    const fd = how === 'mount' ? openSync('/dev/fuse', 'r+') : fusermount(dir, '', 'rawio');
    if (how === 'mount') mount(fd, dir, 'default_permissions', 'rawio');
    const on = new Recorder();
    const d = open({ kind: 'file', fd }, large, 0, on);
    t.after(() => d.close());
    await on.until('INIT', (r) => r.packets.length === 1);
    assert.equal(le32(on.packets[0]!, 4), fuse_init);
    assert.equal(d.write(initReply(on.packets[0]!), 80), 0);
    assert.equal(d.write(initReply(on.packets[0]!), 80), -2, 'answered twice: ENOENT');
    assert.match(
      execFileSync('cat', ['/proc/mounts'], { encoding: 'utf8' }),
      /rawio .* fuse\.rawio/,
    );
    unmount(dir, true);
    await on.until('gone', (r) => r.told.length > 0);
    assert.deepEqual(on.told, ['gone ENODEV']);
    assert.throws(() => unmount(dir, false), /^Error: unmount .*: invalid argument$/);
  });
}

function fails(spec: Spec, text: RegExp, code: string): void {
  assert.throws(
    () => open(spec, fresh(), 0, new Recorder()),
    (e: NodeJS.ErrnoException) => {
      assert.match(e.message, text);
      assert.equal(e.code, code);
      return true;
    },
  );
}

test('tun: errors say what and why', { skip: needs('/dev/net/tun') }, (t) => {
  const [a] = pair(t);
  fails({ kind: 'tun', name: a, gso: true }, new RegExp(`^${a}: invalid argument$`), 'EINVAL');
  fails({ kind: 'tun', name: 'a/b', gso: true }, /^a\/b: invalid argument$/, 'EINVAL');
});

test('errors say what and why', () => {
  const on = new Recorder();
  fails({ kind: 'ether', ifname: 'nope0', type: 3 }, /^ether nope0: no such device$/, 'ENODEV');
  fails({ kind: 'ether', ifname: 'much-too-long-a-name', type: 3 }, /no such device$/, 'ENODEV');
  fails({ kind: 'ip', proto: 47, remote: 'x' }, /^ip protocol 47: invalid argument$/, 'EINVAL');
  fails({ kind: 'ip', proto: 0 }, /invalid argument$/, 'EINVAL');
  fails({ kind: 'file', fd: -1 }, /^file: bad file descriptor$/, 'EBADF');
  fails({ kind: 'file', fd: 9999 }, /^file: bad file descriptor$/, 'EBADF');
  fails({ kind: 'bogus' } as unknown as Spec, /bad kind or arena/, 'EINVAL');
  assert.throws(() => open({ kind: 'ip', proto: 47 }, {} as Arena, 0, on), /bad kind or arena/);
  assert.throws(
    () => arena({ slots: 1e9, slotBytes: 2048, headroom: 4, copyBytes: 0 }),
    /bad arena/,
  );
  assert.throws(() => arena({ slots: 4, slotBytes: 100, headroom: 4, copyBytes: 0 }), /bad arena/);
  assert.throws(() => ifinfo('nope0'), /^Error: interface nope0: no such device$/);
  assert.throws(
    () => mount(-1, '/nowhere', ''),
    /^Error: mount \/nowhere: no such file or directory$/,
  );
});

test('a descriptor is still its owner’s where open fails', () => {
  const fd = openSync('/dev/null', 'r');
  assert.throws(
    () => open({ kind: 'file', fd }, fresh(), 0, new Recorder()),
    /operation not permitted/,
  );
  closeSync(fd);
});

test('pairs outside the arena are refused before anything is sent', (t) => {
  const [a] = pair(t);
  const d = opened(t, { kind: 'ether', ifname: a, type: pppoe }, new Recorder(), fresh());
  for (const bad of [
    [-1, 10],
    [10, 9],
    [0, 1e9],
  ]) {
    d.tx.set(bad);
    assert.throws(() => d.flush(1), /outside the arena/);
  }
  assert.throws(() => d.flush(513), /bad number/);
  assert.throws(() => d.flush.call({} as Device, 1), /not a device/);
  assert.throws(() => d.flush.call(fresh() as unknown as Device, 1), /not a device/);
});

test('without the privilege the error says how to get it', (t) => {
  const script = `
    import { arena, open } from ${JSON.stringify(import.meta.resolve('@9p/rawio'))};
    const a = arena({ slots: 4, slotBytes: 2048, headroom: 128, copyBytes: 0 });
    const on = { rx() {}, room() {}, gone() {} };
    open({ kind: 'ether', ifname: 'lo', type: 3 }, a, 1, on);`;
  const r = spawnSync('setpriv', [
    ...['--bounding-set', '-all', '--inh-caps', '-all', process.execPath],
    ...['--input-type=module', '-e', script],
  ]);
  if (r.error) return t.skip('no setpriv here');
  const line = String(r.stderr).match(/^Error: (.*)$/m)?.[1] ?? '';
  assert.match(line, /^ether lo: operation not permitted: need CAP_NET_RAW: setcap cap_net_raw/);
  assert.ok(Buffer.byteLength(line) <= 127, `${line.length} bytes`);
});
