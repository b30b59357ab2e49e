/** 9P authentication between daemons: p9any and p9sk1 with the keys of /auth, tickets from the
 *  authentication server of one of them, and who may attach. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Mount } from '@9p/lib9p';
import { clean, listening, type Place, until, withPlace } from './place.js';

const limit = { timeout: 500_000 };
const as = 'key proto=p9sk1 dom=lone role=authsrv';

/** The daemon that is attached to: `bootes` is its name in the domain. */
async function host(p: Place): Promise<{ m: Mount; address: string; as: string; said(): string }> {
  const far = join(p.dir, 'far');
  const args = ['--bare', '--load', 'auth', 'loop', '--socket', far];
  const d = await p.serve([...args, '--auth', '--listen', 'tcp!127.0.0.1!0']);
  const m = await p.dial(`unix!${far}`);
  await m.writeFile(
    '/auth/ctl',
    `key proto=p9sk1 service=9p dom=lone role=server user=bootes !password=hostpassword
${as} user=bootes !password=hostpassword
${as} user=glenda !password=secret
${as} user=bob !password=builder
failtime 0
authsrv tcp!127.0.0.1!0`,
  );
  const at = () => /authsrv: (tcp!.*)\n/.exec(d.err)?.[1];
  await until('the authentication server', () => at() !== undefined);
  const address = await listening(d, 'tcp');
  return { m, address, as: at() ?? '', said: () => d.err };
}

test('one daemon mounts another: the right key, a wrong one, none, another name', limit, () =>
  withPlace({}, async (p) => {
    const h = await host(p);
    const here = await p.serve(['--bare', '--load', 'auth']);
    const m = await p.dial();
    const mount = (spec: string, at: string) =>
      m.writeFile('/ctl', `mount ${spec} ${h.address} ${at}`);
    const key = (attrs: string) => m.writeFile('/auth/ctl', `key proto=p9sk1 dom=lone ${attrs}`);

    await assert.rejects(mount('-k user=glenda', '/n/h'), /needkey proto=p9sk1 .*user=glenda/);
    await key(`user=glenda auth=${h.as} !password=wrong`);
    await assert.rejects(mount('-k user=glenda', '/n/h'), /bad key/);
    await key(`user=glenda auth=${h.as} !password=secret`);
    await mount('-k user=glenda', '/n/h');
    assert.match(await m.readText('/n/h/version'), /slashnet/);
    assert.match(await m.readText('/ns'), /^mount -k user=glenda tcp!/m);
    await assert.rejects(m.writeFile('/n/h/auth/ctl', 'debug'), /permission denied/, 'no owner');

    await key(`user=nobody auth=${h.as} !password=secret`);
    await assert.rejects(mount('-k user=nobody', '/n/x'), /bad key/, 'no name is known');
    await assert.rejects(mount('', '/n/x'), /authentication required/);
    for (const spec of ['!password=x', "'dom=lone !password=x'"])
      await assert.rejects(mount(`-k ${spec}`, '/n/x'), /no private values.*!password=\*\*\*/);
    await assert.rejects(mount('-k dom=other', '/n/x'), /no common protocols or keys/);
    assert.match(h.said(), /auth ok: user=glenda address=127\.0\.0\.1 proto=p9any/);
    assert.doesNotMatch(h.said(), /secret|hostpassword|builder/);

    // The host knows its own key: it makes the tickets itself.
    await key('user=bootes !password=hostpassword');
    await mount('-k user=bootes', '/n/own');
    assert.match(await m.readText('/n/own/version'), /slashnet/);
    await m.writeFile('/ctl', 'unmount /n/h\nunmount /n/own');
    clean(await here.term());
  }),
);

test('a key for dialling lets nobody in: who knows it is not everybody', limit, () =>
  withPlace({}, async (p) => {
    const far = join(p.dir, 'far');
    const args = ['--bare', '--load', 'auth', '--socket', far, '--auth'];
    const d = await p.serve([...args, '--listen', 'tcp!127.0.0.1!0']);
    const mine = await p.dial(`unix!${far}`);
    await mine.writeFile('/auth/ctl', 'key proto=p9sk1 dom=isp user=glenda !password=secret');
    await p.serve(['--bare', '--load', 'auth']);
    const m = await p.dial();
    await m.writeFile('/auth/ctl', 'key proto=p9sk1 dom=isp user=glenda !password=secret');
    const address = await listening(d, 'tcp');
    const mounting = m.writeFile('/ctl', `mount -k user=glenda ${address} /n/h`);
    await assert.rejects(mounting, /needkey proto=p9sk1 role=server service=9p/);
  }),
);

test('commands prove by the agent of a daemon; who may attach, and to what', limit, () =>
  withPlace({}, async (p) => {
    const h = await host(p);
    await p.serve(['--bare', '--load', 'auth']);
    const m = await p.dial();
    for (const [user, password] of [
      ['glenda', 'secret'],
      ['bob', 'builder'],
    ] as const)
      await m.writeFile(
        '/auth/ctl',
        `key proto=p9sk1 dom=lone user=${user} auth=${h.as} !password=${password}`,
      );
    await h.m.writeFile('/ctl', 'allow glenda /loop /auth');
    await h.m.writeFile('/ctl', 'allow bob');
    const to = (user: string, tree: string, command: string) =>
      p.run(
        `slashnet -a '${h.address}' --agent '${p.address}' --uname ${user} --aname '${tree}' ${command}`,
      );
    const bob = await to('bob', '', 'cat /version');
    assert.deepEqual([bob.code, bob.err], [0, '']);
    const loop = await to('glenda', '/loop', 'ls /');
    assert.match(loop.out, /^clone$/m);
    const up = await to('glenda', '/loop', 'cat /../version');
    assert.match(up.err, /not found/, 'the root of an attach is its top');
    for (const [user, tree, why] of [
      ['glenda', '', 'glenda may not attach to /'],
      ['glenda', '/', 'glenda may not attach to /'],
      ['glenda', '/loop/../ppp', 'glenda may not attach to /ppp'],
      ['eve', '', 'needkey'],
    ] as const) {
      const r = await to(user, tree, 'ls /');
      assert.equal(r.code, 1);
      assert.ok(r.err.includes(why), r.err);
    }
    const bare = await p.run(`slashnet -a '${h.address}' ls /`);
    assert.match(bare.err, /authentication required/);
    await h.m.writeFile('/ctl', 'deny bob');
    assert.match((await to('bob', '', 'ls /')).err, /bob may not attach/);
  }),
);

test(
  'a listener that proves nothing is refused; --auth and --insecure are one or the other',
  limit,
  () =>
    withPlace({}, async (p) => {
      const serve = (o: string) => p.run(`slashnet serve --bare --socket "$PWD/s" ${o}`);
      for (const at of ['tcp!127.0.0.1!0', 'ws!127.0.0.1!0', 'tcp!*!0']) {
        const r = await serve(`--listen '${at}'`);
        assert.equal(r.code, 1);
        assert.match(r.err, /anybody could connect: --auth demands a proof/);
      }
      assert.match((await serve("--auth --insecure --listen 'tcp!*!0'")).err, /one of them/);
    }),
);
