/** pppoe against a real access concentrator, rp-pppoe's pppoe-server
 *  in user mode, over a veth pair. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fcs16, fcsInit, fromHex, hex, putLe16 } from '@9p/packet';
import type { Running } from 'slashnet/core';
import ether from '../../plugins/ether/plugin.js';
import pppoe from '../../plugins/pppoe/plugin.js';
import { eventually, Files, inNetns, needs, reqOf, sh } from '../kit/index.js';

/** RFC 1662: FF 03, the frame, FCS-16, and all control characters escaped. */
function hdlc(frame: Uint8Array): Uint8Array {
  const body = new Uint8Array(frame.length + 4);
  body.set([0xff, 0x03]);
  body.set(frame, 2);
  putLe16(body, frame.length + 2, fcs16(body, 0, frame.length + 2, fcsInit) ^ 0xffff);
  const out = [0x7e];
  for (const c of body) {
    if (c < 0x20 || c === 0x7d || c === 0x7e) out.push(0x7d, c ^ 0x20);
    else out.push(c);
  }
  return Uint8Array.from([...out, 0x7e]);
}

const echoRequest = fromHex('c021 0901 0008 00000000');
const ours = fromHex('c021 0a07 0008 01020304');

/** What pppoe-server starts in the place of pppd: rp-pppoe's own pppoe, fed with one frame
 *  by a pipe that has no end. */
function script(dir: string): string {
  const path = join(dir, 'pppd');
  const bytes = [...hdlc(echoRequest)].map((c) => `\\${c.toString(8).padStart(3, '0')}`).join('');
  writeFileSync(
    path,
    `#!/bin/sh\nmkfifo $0.$$; exec 3<>$0.$$; printf '${bytes}' >&3\n` +
      `echo $$ > ${dir}/pid; eval "exec $2" <&3 > ${dir}/out\n`,
  );
  chmodSync(path, 0o755);
  return path;
}

if (inNetns(import.meta.url, 'pppoe and rp-pppoe')) {
  const skip = needs('pppoe-server', 'pppoe');
  const dir = mkdtempSync(join(tmpdir(), 'slashnet-pppoe-'));
  const f = new Files();
  let server: ChildProcess | undefined;
  const c = '/pppoe/0';
  const connect = async (): Promise<void> => void (await f.write(`${c}/ctl`, 'connect'));
  const refusal = (): Promise<string> => connect().then(() => 'no', String);
  const state = async (): Promise<string> => (await f.read(`${c}/status`)).split(' ')[0] ?? '';

  const running: Running[] = [];

  after(async () => {
    server?.kill();
    for (const r of running.reverse()) await r.stop('the test is over');
    await f.system.stop('the test is over');
    rmSync(dir, { recursive: true });
    assert.deepEqual(f.bugs, []);
  });

  test('a session, frames both ways, and our PADT is obeyed', { skip }, async () => {
    sh('ip link add eth7 type veth peer name eth8; ip link set eth7 up; ip link set eth8 up');
    running.push(await ether.start(f.system.env, ['eth7', 'ether0']));
    running.push(await pppoe.start(f.system.env, []));
    const args = ['-F', '-I', 'eth8', '-C', 'lab', '-S', 'isp', '-q', script(dir)];
    server = spawn('pppoe-server', args, { stdio: 'ignore' });
    await f.clone('/pppoe');
    await f.write(`${c}/ctl`, 'service isp\nretry 100\nbind /net/ether0');
    await connect();
    assert.match(await f.read(`${c}/status`), / service isp acname lab session 1 mtu 1494\n$/);
    const data = await (await f.system.ns.walk(`${c}/data`, f.system.me)).open(2, reqOf());
    assert.equal(hex(await data.read(2000, 0, reqOf())), hex(echoRequest));
    await data.write(ours, 0, reqOf());
    await eventually('our frame at the peer', () =>
      hex(readFileSync(join(dir, 'out'))).includes(hex(hdlc(ours)).slice(2)),
    );
    data.close();
    await f.write(`${c}/ctl`, 'hangup');
    await eventually('the session of the peer to end', () => !alive(dir));
  });

  test('the access concentrator ends a session: its words are told', { skip }, async () => {
    rmSync(join(dir, 'pid'));
    await connect();
    const pid = join(dir, 'pid'); // the shell makes it first, and then writes
    await eventually('a session', () => existsSync(pid) && readFileSync(pid).length > 0);
    sh(`pkill -9 -P ${pidOf(dir)} || true; kill -9 ${pidOf(dir)} || true`);
    await eventually('a PADT', async () => (await state()) === 'Idle');
    assert.match(await f.read(`${c}/err`), /^access concentrator ended the session: RP-PPPoE: /);
  });

  test('another name, another service, nobody', { skip }, async () => {
    await f.write(`${c}/ctl`, 'timeout 1\nacname other');
    assert.match(await refusal(), /no access concentrator 'other' .* in 1 s, but 'lab'/);
    await f.write(`${c}/ctl`, 'acname\nservice gold');
    assert.match(await refusal(), /no access concentrator answered on ether0 in 1 s/);
  });

  test('the interface is removed in mid-session', { skip }, async () => {
    await f.write(`${c}/ctl`, 'service');
    await connect();
    sh('ip link del eth7');
    await eventually('the session to end', async () => (await state()) === 'Idle');
    assert.match(await f.read(`${c}/err`), /^ether0 is (gone|down): /);
    assert.match(await refusal(), /ether0/);
  });
}

const pidOf = (dir: string): string => readFileSync(join(dir, 'pid'), 'utf8').trim();
function alive(dir: string): boolean {
  return sh(`kill -0 ${pidOf(dir)} 2>/dev/null && echo yes || echo no`).trim() === 'yes';
}
