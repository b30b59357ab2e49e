/** Planted secrets: they show in nothing that the daemon says, and when their keys are gone neither
 *  a snapshot of its heap has them nor its memory, which is what a core would be made of. */
import assert from 'node:assert/strict';
import { closeSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { md4 } from '@9p/crypto';
import { type Mount, omode } from '@9p/lib9p';
import { passwordKey } from '../../plugins/auth/p9/des.js';
import { needs, SeededRandom } from '../kit/index.js';
import { type Running, until, withPlace } from './place.js';

const random = new SeededRandom(Date.now() >>> 0);
const word = (): string => `S${Buffer.from(random.bytes(12)).toString('hex')}`;

/** As it could lie about: as it is, as MS-CHAP has it, hashed, as a key, in hex and base64. */
function forms(secret: string): [name: string, b: Buffer][] {
  const wide = Buffer.from(secret, 'utf16le');
  const hash = Buffer.from(md4(wide));
  return [
    ['itself', Buffer.from(secret)],
    ['UTF-16', wide],
    ['its MD4', hash],
    ['its MD4 twice', Buffer.from(md4(hash))],
    ['its DES key', Buffer.from(passwordKey(Buffer.from(secret)))],
    ['hex', Buffer.from(Buffer.from(secret).toString('hex'))],
    ['base64', Buffer.from(Buffer.from(secret).toString('base64').replace(/=+$/, ''))],
  ];
}

/** Where in the writable memory of a process it lies. */
function found(pid: number, what: Buffer): string[] {
  const hits: string[] = [];
  const mem = openSync(`/proc/${pid}/mem`, 'r');
  const piece = 1 << 24;
  for (const line of readFileSync(`/proc/${pid}/maps`, 'utf8').split('\n')) {
    const m = /^([0-9a-f]+)-([0-9a-f]+) rw\S+ \S+ \S+ \S+ *(.*)$/.exec(line);
    if (m === null) continue;
    const end = Number.parseInt(m[2] ?? '', 16);
    for (let at = Number.parseInt(m[1] ?? '', 16); at < end; at += piece) {
      const b = Buffer.alloc(Math.min(piece + what.length, end - at));
      try {
        readSync(mem, b, 0, b.length, at);
      } catch {
        continue; // a guard page
      }
      if (b.includes(what)) hits.push(`${at.toString(16)} ${m[3]}`);
    }
  }
  closeSync(mem);
  return hits;
}

/** Every request as its reply, and all that was said. */
async function exchanges(m: Mount, secrets: readonly string[], seen: string[]): Promise<void> {
  const [pass = '', chap = '', sk1 = ''] = secrets;
  const tell = async (p: Promise<unknown>): Promise<void> => {
    await p.catch((e: Error) => seen.push(e.message));
  };
  const keys = [
    `key proto=pass service=ppp user=glenda !password=${pass}`,
    `key proto=chap user=bob !password='${chap}'`,
    `key proto=p9sk1 dom=lone user=bootes !password=${sk1}`,
  ];
  for (const k of ['debug', 'failtime 0', ...keys]) await m.writeFile('/auth/ctl', k);
  for (const k of keys) {
    for (const slip of [`kez${k.slice(3)}`, `${k}'`, k.replace('proto=', 'prot='), `del${k}`])
      await tell(m.writeFile('/auth/ctl', slip));
    await tell(m.writeFile('/auth/clone', k));
    await tell(m.writeFile('/ctl', k));
  }
  await m.readText('/auth/clone');
  await tell(m.writeFile('/auth/0/ctl', `start proto=pap role=server !password=${pass}`));
  await m.writeFile('/auth/0/ctl', 'start proto=pap role=server service=ppp');
  const rpc = await m.open('/auth/rpc', omode.rdwr);
  const ask = async (what: string | Buffer): Promise<string> => {
    await rpc.write(Buffer.from(what), 0);
    return Buffer.from(await rpc.read(8192, 0)).toString('latin1');
  };
  const challenge = (n: number): Buffer =>
    Buffer.concat([Buffer.from('write '), Buffer.alloc(n, 7)]);
  for (const [proto, n] of [
    ['chap', 9],
    ['mschap', 8],
    ['mschapv2', 16],
  ] as const) {
    for (const what of [
      `start proto=${proto} role=client service=ppp`,
      challenge(n),
      'read',
      'attr',
    ])
      seen.push(await ask(what));
    for (const what of [`start proto=${proto} role=server service=ppp`, 'read', 'write glenda'])
      seen.push(await ask(what));
    seen.push(await ask(challenge(n === 9 ? 17 : 48)));
  }
  const eap = Buffer.from([1, 5, 0, 9, 4, 3, 1, 2, 3]);
  for (const what of [
    'start proto=eap-md5 role=client service=ppp',
    Buffer.concat([Buffer.from('write '), eap]),
    'read',
  ])
    seen.push(await ask(what));
  for (const what of ['start proto=p9sk1 role=server', challenge(8), 'read', challenge(85)])
    seen.push(await ask(what));
  // Here the secret is what is asked for: it is no leak, and goes to nobody else.
  assert.equal(await ask('start proto=pap role=client service=ppp'), 'ok');
  assert.equal(await ask('read'), `ok glenda ${pass}`);
  for (const proof of [pass, `${pass}x`]) {
    await ask('start proto=pap role=server service=ppp');
    await ask('write glenda');
    seen.push(await ask(`write ${proof}`));
  }
  await rpc.close();
}

/** All that can be read of auth's files. */
async function files(m: Mount, seen: string[]): Promise<void> {
  for (const f of ['ctl', 'err', 'proto', 'stats', 'help', '0/status', '0/stats', '0/err', '0/ctl'])
    seen.push(await m.readText(`/auth/${f}`));
}

async function snapshot(d: Running, m: Mount, dir: string): Promise<string> {
  const name = () => readdirSync(dir).find((f) => f.endsWith('.heapsnapshot'));
  d.kill('SIGUSR2');
  await until('a snapshot', () => name() !== undefined);
  await m.readText('/version'); // written in one turn, which is over
  return join(dir, name() ?? '');
}

test(
  'no secret shows, and none is left when its key is gone',
  {
    timeout: 500_000,
    skip: needs('root'),
  },
  () =>
    withPlace({}, async (p) => {
      const options = { NODE_OPTIONS: '--heapsnapshot-signal=SIGUSR2' };
      const d = await p.serve(['--bare', '--load', 'auth', '-D'], options);
      const m = await p.dial();
      const secrets = [word(), word(), word()];
      const log = await m.open('/auth/log', omode.read);
      const seen: string[] = [];
      await exchanges(m, secrets, seen);
      await files(m, seen);
      seen.push(Buffer.from(await log.read(8192, 0)).toString(), d.err, d.out);
      assert.ok(seen.length > 50 && d.err.includes('Twrite'), 'the trace is on');
      for (const s of secrets)
        for (const [name, b] of forms(s))
          for (const text of seen)
            assert.ok(!text.includes(b.toString('latin1')), `${name} in: ${text.slice(0, 200)}`);

      const pid = d.child.pid ?? 0;
      const filter = readFileSync(`/proc/${pid}/coredump_filter`, 'utf8');
      assert.equal(Number.parseInt(filter, 16), 0, 'a core has nothing of its memory');
      const there = secrets.map((s) => found(pid, Buffer.from(s)).length);
      assert.ok(
        there.every((n) => n > 0),
        'the scan finds what is there',
      );
      await m.writeFile('/auth/ctl', 'delkey service=ppp\ndelkey proto=chap\ndelkey proto=p9sk1');
      const heap = readFileSync(await snapshot(d, m, p.dir), 'latin1');
      assert.ok(heap.includes('p9sk1'), 'a snapshot has strings');
      for (const s of secrets)
        for (const [name, b] of forms(s)) {
          assert.ok(!heap.includes(b.toString('latin1')), `${name} in the heap`);
          assert.deepEqual(found(pid, b), [], `${name} in memory`);
        }
    }),
);
