/** eia on ptys, whose other ends socat joins: files, settings, ppp
 *  above it, and the unplugged line. */
import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import {
  closeSync,
  constants,
  existsSync,
  mkdtempSync,
  openSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Server } from '@9p/lib9p';
import { text, utf8 } from '@9p/packet';
import { type OpenFile, omode } from 'slashnet/core';
import auth from '../../plugins/auth/plugin.js';
import eia from '../../plugins/eia/plugin.js';
import ppp from '../../plugins/ppp/plugin.js';
import { remoteTree } from '../../srv/remote.js';
import { eventually, Files, flush, needs, reqOf } from '../kit/index.js';
import { joined } from './lib9p-kit.js';

const skip = needs('socat', 'stty');
const directory = mkdtempSync(join(tmpdir(), 'eia-'));
const cables: Cable[] = [];
after(() => {
  for (const c of cables) c.unplug();
  rmSync(directory, { recursive: true, force: true });
});

/** Two ptys; what is written to one comes out of the other. */
class Cable {
  readonly a: string;
  readonly b: string;
  #socat: ChildProcess | undefined;

  constructor() {
    this.a = join(directory, `a${cables.length}`);
    this.b = join(directory, `b${cables.length}`);
    cables.push(this);
  }
  async plug(): Promise<this> {
    const pty = (link: string): string => `PTY,link=${link},rawer`;
    this.#socat = spawn('socat', [pty(this.a), pty(this.b)], { stdio: 'inherit' });
    await eventually('socat makes its ptys', () => existsSync(this.a) && existsSync(this.b));
    return this;
  }
  unplug(): void {
    this.#socat?.kill();
  }
}

/** A system, and what its eia and others were told to load. */
async function system(t: { after(f: () => Promise<void>): void }, ...paths: string[]) {
  const f = new Files();
  const running: { stop(why: string): unknown }[] = [];
  t.after(async () => {
    await f.system.stop('the test is over', 1000);
    for (const r of running) await r.stop('the test is over');
    assert.deepEqual(f.bugs, []);
  });
  const load = async (...args: string[]) => {
    running.push(await eia.start(f.system.env, args));
  };
  for (const p of paths) await load(p);
  return { f, load };
}

/** So many bytes, by reads of whatever is there. */
async function readAll(f: OpenFile, n: number): Promise<string> {
  let got = '';
  while (got.length < n) {
    const b = await f.read(65536, 0, reqOf());
    assert.ok(b.length > 0, `the end after ${got.length} of ${n} bytes`);
    got += text(b);
  }
  return got;
}

test('three files in the root, and bytes both ways', { skip }, async (t) => {
  const cable = await new Cable().plug();
  const { f, load } = await system(t);
  await load(cable.a, 'eia5');
  await load(cable.b);
  const names = (await f.list('/')).filter((n) => n.startsWith('eia'));
  assert.deepEqual(names.sort(), [
    'eia0',
    'eia0ctl',
    'eia0status',
    'eia5',
    'eia5ctl',
    'eia5status',
  ]);
  const modeOf = async (path: string) => {
    const node = await f.system.ns.walk(path, f.who);
    return ((await node.stat()).mode & 0o777).toString(8);
  };
  assert.equal(await modeOf('/eia5'), '660');
  assert.equal(await modeOf('/eia5ctl'), '660');
  assert.equal(await modeOf('/net/eia5status'), '444');
  assert.equal(await f.read('/eia5ctl'), '5');
  assert.match(
    await f.read('/eia5status'),
    new RegExp(
      '^b9600 c0 d1 e0 l8 m0 pn r1 s1 i1\\n' +
        'dev\\(5\\) type\\(0\\) framing\\(0\\) overruns\\(0\\) berr\\(0\\) serr\\(0\\)\\n',
    ),
  );
  const five = await f.open('/eia5');
  const zero = await f.open('/eia0');
  const reading = zero.read(100, 0, reqOf()) as Promise<Uint8Array>;
  assert.ok(reading instanceof Promise, 'it waits for a byte');
  await five.write(utf8('x'), 0, reqOf());
  assert.equal(text(await reading), 'x');
  await zero.write(utf8('hello'), 0, reqOf());
  assert.equal(await readAll(five, 5), 'hello');
  const given = reqOf();
  const up = five.read(1, 0, given) as Promise<Uint8Array>;
  flush(given);
  await assert.rejects(up, /interrupted/);
  five.close();
  zero.close();
});

test('settings are those of the tty; a message that is wrong changes nothing', {
  skip,
}, async (t) => {
  const cable = await new Cable().plug();
  const { f } = await system(t, cable.a);
  const stty = (): string => execFileSync('stty', ['-F', cable.a, '-a'], { encoding: 'utf8' });
  const data = await f.open('/eia0');
  await f.write('/eia0ctl', 'B19200 M1\tx1\n');
  assert.match(stty(), /speed 19200 baud/);
  assert.match(stty(), / crtscts/);
  assert.match(stty(), / ixon ixoff/);
  await f.write('/eia0ctl', 'd0 r0 k1 c1 e1 i8'); // which a pty has not
  assert.match(await f.read('/eia0status'), /^b19200 c1 d0 e1 l8 m1 pn r0 s1 i8\n/);
  await assert.rejects(
    f.write('/eia0ctl', 'b300 l9'),
    /: bad arg in system call: 'l9': bits: l5 to l8$/,
  );
  assert.match(stty(), /speed 19200 baud/);
  await f.write('/eia0ctl', 'b123456 m0 x0');
  assert.match(stty(), / -crtscts/);
  // The second open that sets them has not closed what we have open.
  const far = await f.open('/eia0');
  await far.write(utf8('still'), 0, reqOf());
  assert.equal(execFileSync('head', ['-c', '5', cable.b], { encoding: 'utf8' }), 'still');
  far.close();
  data.close();
});

test('what cannot be loaded says why, and leaves no names', { skip }, async (t) => {
  const cable = await new Cable().plug();
  const { f, load } = await system(t, cable.a);
  const file = join(directory, 'file');
  writeFileSync(file, '');
  const rows: readonly (readonly [string[], RegExp])[] = [
    [[cable.a], /a\d+: another program has it open$/],
    [[cable.b, 'eia0'], /\/eia0 already exists/],
    [[cable.b, 'tty0'], /bad name: tty0: eia0 to eia999/],
    [['/dev/null'], /\/dev\/null: not a serial port or terminal$/],
    [[file], /no such device: .*file$/],
    [[join(directory, 'none')], /no such device/],
    [['ttyS0'], /'ttyS0' is not the path of a device/],
  ];
  for (const [args, why] of rows) await assert.rejects(load(...args), why, args.join(' '));
  assert.deepEqual(
    (await f.list('/')).filter((n) => n.startsWith('eia')),
    ['eia0', 'eia0ctl', 'eia0status'],
  );
});

test('both directions full at once do not stop one another; nothing is lost', {
  skip,
}, async (t) => {
  const cable = await new Cable().plug();
  const { f } = await system(t, cable.a, cable.b);
  const n = 1_000_000;
  const all = 'slashnet '.repeat(n / 9 + 1).slice(0, n);
  const chunk = 8192;
  const ends = await Promise.all(['/eia0', '/eia1'].map((p) => f.open(p)));
  const send = async (end: OpenFile) => {
    for (let i = 0; i < n; i += chunk) await end.write(utf8(all.slice(i, i + chunk)), 0, reqOf());
  };
  const [first, second] = await Promise.all([...ends.map((e) => readAll(e, n)), ...ends.map(send)]);
  assert.ok(first === all && second === all);
  for (const e of ends) e.close();
  assert.match(await f.read('/eia0status'), new RegExp(` in ${n} out ${n} queued 0 `));
});

test('a reader that is not there holds up the writer, not the daemon', { skip }, async (t) => {
  const cable = await new Cable().plug();
  const { f } = await system(t, cable.a);
  await f.write('/eia0ctl', 'q20000');
  const far = openSync(cable.b, constants.O_RDONLY | constants.O_NOCTTY);
  const a = await f.open('/eia0');
  const chunk = 'z'.repeat(10_000);
  let written = 0;
  let waits: Promise<number> | undefined;
  while (waits === undefined) {
    const r = a.write(utf8(chunk), 0, reqOf());
    // What has room is taken at once; else until some of it has gone, which it may.
    const now = await Promise.race([r, new Promise<'waits'>((d) => setImmediate(d, 'waits'))]);
    if (now !== 'waits') written += chunk.length;
    else if (/ queued [12]\d{4} /.test(await f.read('/eia0status'))) waits = r as Promise<number>;
    else written += Number(await r);
    assert.ok(written < 10_000_000, 'it takes without limit');
  }
  const total = written + chunk.length;
  const head = spawn('head', ['-c', String(total)], { stdio: [far, 'pipe', 'inherit'] });
  let got = '';
  for await (const piece of head.stdout ?? []) got += piece;
  assert.equal(await waits, chunk.length);
  assert.ok(got === 'z'.repeat(total));
  a.close();
  closeSync(far);
});

// ppp --------------------------------------------------------------------------------------------

async function station(f: Files, line: string, ...options: string[]): Promise<string> {
  const dir = await f.clone('/ppp');
  const all = ['framing hdlc', 'net none', 'auth none', ...options, `bind /net/${line}`];
  await f.write(`${dir}/ctl`, all.join('\n'));
  return dir;
}

async function layers(f: Files): Promise<void> {
  await auth.start(f.system.env, []);
  await ppp.start(f.system.env, []);
}
const server = ['role server', 'noauth', 'local 10.9.0.1', 'remote 10.9.0.2'];

async function pings(f: Files, from: string, g: Files, to: string): Promise<void> {
  const a = await f.open(`${from}/data`);
  const b = await g.open(`${to}/data`);
  const packet = new Uint8Array(1400).fill(0x7e);
  packet.set([0x45, 0, 0x05, 0x78, 0, 0, 0, 0, 64, 17, 0, 0, 10, 9, 0, 2, 10, 9, 0, 1]);
  await a.write(packet, 0, reqOf());
  assert.deepEqual(Buffer.from(await b.read(65536, 0, reqOf())), Buffer.from(packet));
  a.close();
  b.close();
}

const isUp = async (f: Files, dir: string): Promise<boolean> =>
  /^Opened .*remote 10\.9/.test(await f.read(`${dir}/status`));

for (const daemons of [1, 2])
  test(`ppp over two lines in ${daemons} daemon(s), hung up and called again`, {
    skip,
  }, async (t) => {
    const cable = await new Cable().plug();
    const { f, load } = await system(t, cable.a);
    await layers(f);
    let g = f;
    if (daemons === 1) await load(cable.b);
    else {
      ({ f: g } = await system(t, cable.b));
      await layers(g);
    }
    const b = await station(g, daemons === 1 ? 'eia1' : 'eia0', ...server);
    await g.write(`${b}/ctl`, 'announce');
    const a = await station(f, 'eia0');
    await assert.rejects(f.open('/eia0'), /connection in use: \/ppp\/\d\/lower is bound to it/);
    for (let calls = 0; calls < 2; calls++) {
      await f.write(`${a}/ctl`, 'connect');
      assert.equal(await f.read(`${a}/local`).then((s) => s.split('\n')[0]), '10.9.0.2');
      await eventually('the server is up, too', () => isUp(g, b));
      await pings(f, a, g, b);
      await f.write(`${a}/ctl`, 'hangup');
      assert.match(await f.read('/eia0status'), / hungup in \d{3,} out \d{3,} queued 0 /);
    }
  });

test('unplugged: ppp hears it, the names go; both are back when the line is', {
  skip,
}, async (t) => {
  const cable = await new Cable().plug();
  const { f } = await system(t, cable.a);
  const { f: g } = await system(t, cable.b);
  await layers(f);
  await layers(g);
  const b = await station(g, 'eia0', ...server);
  await g.write(`${b}/ctl`, 'announce');
  const a = await station(f, 'eia0', 'redial 1000');
  await f.write(`${a}/ctl`, 'connect');
  await eventually('the server is up, too', () => isUp(g, b));
  cable.unplug();
  await eventually('ppp is down', async () => /unplugged/.test(await f.read(`${a}/err`)));
  const names = async () => (await f.list('/')).filter((n) => n.startsWith('eia'));
  await eventually('the names are gone', async () => (await names()).length === 0);
  await cable.plug();
  await eventually('the names are back', async () => (await names()).length === 3);
  await eventually('the link is up again', async () => (await isUp(f, a)) && isUp(g, b));
  await pings(f, a, g, b);
});

test('a file that is read when the line is unplugged ends, and says why', { skip }, async (t) => {
  const cable = await new Cable().plug();
  const { f } = await system(t, cable.a);
  const a = await f.open('/eia0', omode.rdwr);
  const reading = a.read(10, 0, reqOf()) as Promise<Uint8Array>;
  cable.unplug();
  assert.equal((await reading).length, 0);
  await assert.rejects(async () => a.read(10, 0, reqOf()), /hungup channel: eia0: unplugged/);
  await assert.rejects(async () => a.write(utf8('x'), 0, reqOf()), /not connected/);
  a.close();
});

test('a line of another daemon, through its files', { skip }, async (t) => {
  const cable = await new Cable().plug();
  const { f: far } = await system(t, cable.a);
  const { f: g } = await system(t, cable.b);
  const f = new Files();
  t.after(() => f.system.stop('the test is over', 1000));
  await layers(f);
  await layers(g);
  const who = (uname: string) => ({ uname, groups: [], owner: true });
  const imported = remoteTree(await joined(new Server(far.system.tree, { who })));
  f.system.ns.graft(await imported.attach(f.who, ''), '/n/far', 'mount far /n/far');
  const b = await station(g, 'eia0', ...server);
  await g.write(`${b}/ctl`, 'announce');
  const a = await f.clone('/ppp');
  await f.write(`${a}/ctl`, 'framing hdlc\nnet none\nauth none\nbind /n/far/eia0');
  for (let calls = 0; calls < 2; calls++) {
    await f.write(`${a}/ctl`, 'connect');
    await eventually('the server is up, too', () => isUp(g, b));
    await pings(f, a, g, b);
    await f.write(`${a}/ctl`, 'hangup');
    assert.match(await far.read('/eia0status'), / hungup /); // by its ctl, not the far root's
  }
});
