/** The transcripts of ether, ipifc and iproute against Linux itself: two ends of a veth, TUN
 *  devices, and the kernel's table of routes. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Server } from '@9p/lib9p';
import ether from '../../plugins/ether/plugin.js';
import ipifc from '../../plugins/ipifc/plugin.js';
import { Files, inNetns, sh, soon } from '../kit/index.js';
import { play } from './transcript.js';

if (inNetns(import.meta.url, 'golden transcripts on Linux')) {
  const runtime = mkdtempSync(join(tmpdir(), 'golden-'));
  process.env.XDG_RUNTIME_DIR = runtime;
  const mac = '02:00:00:00:09:0';
  sh(`ip link add eth1 address ${mac}1 type veth peer name eth2 address ${mac}2`);
  sh('ip link set eth1 up; ip link set eth2 up');
  const f = new Files();
  const { system: s } = f;
  const server = new Server(s.tree, {
    who: () => f.who,
    turn: (work) => s.turn.run(work),
    fault: (e) => f.bugs.push(String(e)),
  });
  const plugins = Promise.all([
    ether.start(s.env, ['eth1', 'ether0']),
    ether.start(s.env, ['eth2', 'ether1']),
    ipifc.start(s.env, []),
  ]);
  after(async () => {
    for (const p of await plugins) await p.stop('the test is over');
    await s.stop('the test is over');
    rmSync(runtime, { recursive: true });
    assert.deepEqual(f.bugs, []);
  });

  for (const name of ['dial-ether', 'ipifc', 'iproute'])
    test(name, async () => {
      await plugins;
      await play(name, server, { wait: () => soon(1) });
    });
}
