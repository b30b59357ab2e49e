/** slashnet mount: subtrees of the daemon side by side, and the tree of any 9P server, by processes
 *  of their own. */
import assert from 'node:assert/strict';
import { chownSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Certs, needs } from '../kit/index.js';
import {
  asleep,
  clean,
  listening,
  Place,
  type Running,
  until,
  within,
  withPlace,
} from './place.js';

const skip = needs('root', '/dev/fuse', 'unshare', 'nsenter', 'ip', 'setpriv');
const tiny9p = fileURLToPath(new URL('../../../test/interop/lab/standin/tiny9p', import.meta.url));
const nobody = 'setpriv --reuid=65534 --regid=65534 --clear-groups';
const spaces = { spaces: true };

/** A directory to mount on. */
function at(p: Place, name: string): string {
  const dir = join(p.dir, name);
  mkdirSync(dir, { recursive: true });
  return dir;
}

/** Processes that serve mounts of this place. */
async function serving(p: Place): Promise<string[]> {
  const all = await p.ok(
    `ps -eo pid,args | grep -F '${p.dir}' | grep -F -- '--foreground' || true`,
  );
  return all.split('\n').filter((l) => / mount /.test(l) && !/grep/.test(l));
}
const nobodyServes = (p: Place): Promise<void> =>
  until('the end of who serves', async () => (await serving(p)).length === 0);

describe('the daemon’s own tree', { skip, timeout: 500_000 }, () => {
  test('several mounts of several subtrees; a path below each is the name space’s', () =>
    withPlace(spaces, async (p) => {
      await p.serve(['--bare', '--load', 'loop', '--load', 'auth', '--load', 'ppp']);
      const [all, loop, two] = [at(p, 'all'), at(p, 'loop'), at(p, 'two')];
      await p.ok(`slashnet mount ${all}`);
      await p.ok(`slashnet mount --aname loop ${loop}; slashnet mount --aname /loop ${two}`);
      assert.equal(await p.ok(`cat ${loop}/clone`), '0');
      assert.equal(await p.ok(`cat ${two}/0/ctl; cat ${all}/loop/0/ctl`), '00');
      assert.match(await p.ok('slashnet ns'), new RegExp(`^alias ${loop} /loop$`, 'm'));
      await p.ok(`cat ${all}/ppp/clone; echo net none > ${all}/ppp/0/ctl`);
      await p.ok(`echo bind ${two}/0/data > ${all}/ppp/0/ctl`);
      const busy = await p.run(`cat ${all}/loop/0/data`);
      assert.match(busy.err, /Device or resource busy/, 'bound by the path of a mount');
      await p.ok(`slashnet unmount ${loop}`);
      assert.equal(await p.ok(`cat ${two}/0/ctl`), '0');
      assert.equal(await p.ok(`grep -c ' ${p.dir}/' /proc/self/mountinfo`), '2\n');
      const refused = await p.run(`slashnet mount --aname nothing ${loop}`);
      assert.match(refused.err, /'\/nothing' is not in the name space/);
    }));

  test('who is in the group slashnet, by his gid or by /etc/group, may what the group may', () =>
    withPlace(spaces, async (p) => {
      const system = readFileSync('/etc/group', 'utf8').replace(/^slashnet:.*\n/gm, '');
      writeFileSync(join(p.dir, 'group'), `${system}slashnet:x:4242:daemon\n`);
      await p.ok(`mount --bind ${p.dir}/group /etc/group`);
      await p.serve(['--bare', '--load', 'loop', '--mount', p.mnt]);
      await p.ok(`cat ${p.mnt}/loop/clone`);
      assert.equal(await p.ok(`stat -c '%U %G %a' ${p.mnt}/loop/0/ctl`), 'root slashnet 660\n');
      const clear = async (uid: number, gid: number): Promise<string> => {
        const as = `setpriv --reuid=${uid} --regid=${gid} --clear-groups`;
        return (await p.run(`${as} sh -c 'echo clear > ${p.mnt}/loop/0/ctl'`)).err;
      };
      const daemon = Number(await p.ok('id -u daemon'));
      assert.equal(await clear(65534, 4242), '');
      assert.equal(await clear(daemon, daemon), '');
      assert.match(await clear(65534, 65534), /Permission denied/);
    }));

  test('unmount takes away what a killed daemon has left', () =>
    withPlace(spaces, async (p) => {
      const d = await p.serve(['--bare', '--mount', p.mnt]);
      d.kill('SIGKILL');
      await d.ended;
      assert.equal(await p.mounts(), 1);
      await p.ok(`slashnet unmount ${p.mnt}`);
      assert.equal(await p.mounts(), 0);
      assert.match((await p.run(`slashnet unmount ${p.mnt}`)).err, /no daemon at/);
    }));

  test('root’s mount lets others in, and the modes decide', () =>
    withPlace(spaces, async (p) => {
      await p.serve(['--bare', '--load', 'loop']);
      await p.ok(`slashnet mount ${p.mnt}; cat ${p.mnt}/loop/clone`);
      const as = (script: string) => p.run(`${nobody} sh -c '${script}'`);
      assert.match((await as(`cat ${p.mnt}/version`)).out, /^slashnet /);
      assert.match((await as(`cat ${p.mnt}/loop/0/status`)).out, /mtu/);
      assert.match((await as(`echo clear > ${p.mnt}/loop/0/ctl`)).err, /[Pp]ermission denied/);
      assert.match((await as(`cat ${p.mnt}/log`)).err, /[Pp]ermission denied/);
      const n = await as(
        `exec 3<>${p.mnt}/loop/clone; read n <&3; echo hangup > ${p.mnt}/loop/$n/ctl`,
      );
      assert.deepEqual([n.code, n.err], [0, ''], 'a conversation of his own is his');
    }));

  for (const backend of ['direct', 'fuse-native'])
    test(`--fuse-backend ${backend}, of serve --mount and of mount`, (t) =>
      withPlace(spaces, async (p) => {
        const args = ['--bare', '--load', 'loop', '--mount', p.mnt, '--fuse-backend', backend];
        const d = await p.serve(args).catch((e: Error) => e);
        if (d instanceof Error) {
          assert.match(d.message, /mnt: no such device: fuse; fuse-native: .*libfuse/);
          return t.skip(d.message);
        }
        assert.match(await p.ok(`cat ${p.mnt}/version`), /^slashnet /);
        // a shell that sees the name ends the daemon
        const more = at(p, 'more "$(kill $PPID)"');
        const mount = p.slashnet('mount', '--fuse-backend', backend, '--aname', 'loop', more);
        clean(await within('a mount', mount.ended));
        assert.equal(await p.ok(`cat ${p.dir}/more*/clone`), '0');
        assert.equal(
          await p.ok(`grep -c ' ${p.dir}/.* fuse.slashnet ' /proc/self/mountinfo`),
          '2\n',
        );
        clean(await within('its end', p.slashnet('unmount', more).ended));
        clean(await d.term());
        assert.equal(await p.mounts(), 0);
        const other = await p.run(
          `slashnet serve --socket x --mount ${p.mnt} --fuse-backend nosuch`,
        );
        assert.match(other.err, /no FUSE backend 'nosuch': direct or fuse-native/);
      }));
});

describe('the tree of a server', { skip, timeout: 500_000 }, () => {
  let p: Place;
  let d: Running;
  let far: string;
  before(async () => {
    p = await Place.make(spaces);
    d = await p.serve(['--bare', '--load', 'loop']);
    far = at(p, 'far');
  });
  after(() => p.end());

  test('mount returns when it is mounted; unmount ends who serves it', async () => {
    await p.ok(`slashnet mount '${p.address}' ${far}`);
    assert.match(await p.ok(`cat ${far}/version`), /^slashnet /);
    assert.match(await p.ok(`ls -l ${far}`), /^-r--r--r-- .* version$/m);
    assert.match(
      await p.ok('mount'),
      new RegExp(`^unix!.*/sock on ${far} type fuse.slashnet`, 'm'),
    );
    assert.equal(await p.ok(`cat ${far}/loop/clone`), '0');
    await p.ok(`echo 'loss 10%' > ${far}/loop/0/ctl`);
    assert.match(await p.ok(`cat ${far}/loop/0/status`), /loss 10%/);
    const bad = await p.run(`/bin/echo frob > ${far}/loop/0/ctl`);
    assert.match(bad.err, /Invalid argument/);
    assert.match((await p.run(`cat ${far}/nothing`)).err, /No such file or directory/);
    assert.equal((await serving(p)).length, 1);
    await p.ok(`slashnet unmount ${far}`);
    await nobodyServes(p);
    assert.equal(await p.mounts(), 0);
  });

  test('records go both ways through one descriptor; a reader that waits can be killed', async () => {
    await p.ok(`slashnet mount --aname loop '${p.address}' ${far}`);
    await p.ok(`echo clear > ${far}/0/ctl`);
    const out = await p.ok(`exec 3<>${far}/0/data 4<>${far}/0/data1
      dd bs=100 count=1 status=none <&4 & echo first >&3; wait; echo back >&4
      dd bs=100 count=1 status=none <&3`);
    assert.equal(out, 'first\nback\n');
    const cat = p.start(['cat', join(far, '0/event')]);
    await asleep(p, cat);
    cat.kill('SIGKILL');
    assert.equal((await within('the end of cat', cat.ended)).signal, 'SIGKILL');
    await p.ok(`umount ${far}`);
    await nobodyServes(p);
  });

  test('-f: until Ctrl-C, and -D prints what goes over', async () => {
    const f = p.slashnet('mount', '-f', '-D', p.address, far);
    await until('the mount', async () => (await p.mounts()) === 1);
    assert.match(await p.ok(`cat ${far}/version`), /^slashnet /);
    f.kill('SIGINT');
    clean(await within('the end', f.ended));
    assert.match(f.err, /-> Tversion .*\n/);
    assert.match(f.err, /^lookup .* name "version"$/m);
    assert.equal(await p.mounts(), 0);
  });

  test('kill -9 of who serves it, and mounted again', async () => {
    const f = p.slashnet('mount', '-f', p.address, far);
    await until('the mount', async () => (await p.mounts()) === 1);
    f.kill('SIGKILL');
    await f.ended;
    assert.match((await p.run(`ls ${far}`)).err, /Transport endpoint is not connected/);
    await p.ok(`slashnet mount '${p.address}' ${far}`);
    assert.match(await p.ok(`cat ${far}/version`), /^slashnet /);
    const again = await p.run(`slashnet mount '${p.address}' ${far}`);
    assert.match(again.err, /far is in use: slashnet is mounted there/);
    await p.ok(`slashnet unmount ${far}`);
    await nobodyServes(p);
  });

  test('what is refused', async () => {
    const fails = async (args: string, why: RegExp, code = 1): Promise<void> => {
      const r = await p.run(`slashnet mount ${args}`);
      assert.equal(r.code, code, `${args}: ${r.err}`);
      assert.match(r.err, why);
    };
    await fails(`unix!${p.dir}/nowhere ${far}`, /^slashnet: unix!.*nowhere: .*ENOENT.*\n$/);
    await fails(`'${p.address}' ${p.dir}/nothing`, /mount .*\/nothing: .*no such file/i);
    await fails(`'${p.address}' ${p.dir}`, /sock is below .* itself/);
    await fails(`--fuse-backend x '${p.address}' ${far}`, /no FUSE backend 'x'/);
    await fails(`--aname nosuch '${p.address}' ${far}`, /nosuch.* is not in the name space/);
    await fails(`a b c`, /mount \[ADDRESS\] DIRECTORY/, 2);
    await fails(`-f ${far}`, /-f and --allow-other are for/, 2);
    assert.deepEqual([await p.mounts(), (await serving(p)).length], [0, 0]);
  });

  test('others get in only where that was asked for, and do what anybody may', async () => {
    await p.ok(`slashnet mount '${p.address}' ${far}; cat ${far}/loop/clone`);
    const as = (script: string) => p.run(`${nobody} ${script}`);
    assert.match((await as(`cat ${far}/version`)).err, /Permission denied/);
    await p.ok(`slashnet unmount ${far}`);
    await p.ok(`slashnet mount --allow-other '${p.address}' ${far}`);
    assert.match((await as(`cat ${far}/version`)).out, /^slashnet /);
    assert.match((await as(`cat ${far}/loop/0/ctl`)).err, /Permission denied/);
    await p.ok(`slashnet unmount ${far}`);
    await nobodyServes(p);
  });

  test('the server is lost: no operation hangs; it is back: what is opened works again', async () => {
    await p.ok(`slashnet mount '${p.address}' ${far}; cat ${far}/loop/clone`);
    const cat = p.start(['cat', join(far, 'loop/0/event')]);
    await asleep(p, cat);
    d.kill('SIGKILL');
    await d.ended;
    const ended = await within('the end of cat', cat.ended);
    assert.match(ended.err, /Broken pipe/);
    for (const script of [`cat ${far}/version`, `ls ${far}/loop`, `echo x > ${far}/loop/0/ctl`])
      assert.match((await p.run(script)).err, /Broken pipe|Connection refused/, script);
    d = await p.serve(['--bare', '--load', 'loop']);
    await until('it works again', async () => (await p.run(`cat ${far}/version`)).code === 0);
    assert.equal(await p.ok(`cat ${far}/loop/clone`), '0');
    await p.ok(`slashnet unmount ${far}`);
    await nobodyServes(p);
  });
});

describe('a server far away', { skip: skip || needs('openssl'), timeout: 500_000 }, () => {
  test('over tls and wss, with our certificate', () =>
    withPlace(spaces, async (p) => {
      const certs = new Certs(p.dir);
      certs.server();
      certs.make('me', '/CN=root');
      const keys = (name: string) =>
        ['ca', 'cert', 'key'].flatMap((k) => [
          `--${k}`,
          certs.path({ ca: 'ca.pem', cert: `${name}.pem`, key: `${name}.key` }[k] ?? ''),
        ]);
      const listen = ['--listen', 'tls!127.0.0.1!0', 'wss!127.0.0.1!0'];
      const d = await p.serve(['--bare', '--load', 'auth', ...keys('server'), ...listen]);
      const far = at(p, 'far');
      for (const net of ['tls', 'wss']) {
        const address = await listening(d, net);
        const refused = await p.run(`slashnet mount '${address}' ${far}`);
        assert.match(refused.err, /^slashnet: .*(certificate|self.signed).*\n$/);
        await p.ok(`slashnet ${keys('me').join(' ')} mount '${address}' ${far}`);
        assert.match(await p.ok(`cat ${far}/version`), /^slashnet /);
        await p.ok(`echo key proto=pass user=${net} '!password=x' > ${far}/auth/ctl`);
        assert.match(await p.ok(`cat ${far}/auth/ctl`), new RegExp(`user=${net}`));
        await p.ok(`slashnet unmount ${far}`);
        await nobodyServes(p);
      }
    }));
});

describe('a server of others', { skip: skip || needs('python3'), timeout: 500_000 }, () => {
  test('files as they are there: compared, written, truncated', () =>
    withPlace(spaces, async (p) => {
      const [files, far] = [at(p, 'files'), at(p, 'far')];
      const big = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 7919) >> 3));
      writeFileSync(join(files, 'big'), big);
      writeFileSync(join(files, 'small'), 'hello\n');
      mkdirSync(join(files, 'sub'));
      const server = p.start(['python3', tiny9p, '127.0.0.1', '5640', files]);
      await until(
        'a server',
        async () => (await p.run('slashnet -a tcp!127.0.0.1!5640 ls')).code === 0,
      );
      await p.ok(`slashnet mount 'tcp!127.0.0.1!5640' ${far}`);
      assert.match(await p.ok(`ls -l ${far}`), /^-rw.* 300000 .* big$/m);
      await p.ok(`cmp ${far}/big ${files}/big && test -d ${far}/sub`);
      await p.ok(
        `dd if=${far}/big bs=1000 skip=299 count=1 status=none | cmp - ${far}/big -i 0:299000`,
      );
      await p.ok(`echo other > ${far}/small; echo more >> ${far}/small`);
      assert.equal(readFileSync(join(files, 'small'), 'utf8'), 'other\nmore\n');
      await p.ok(`slashnet unmount ${far}`);
      server.kill('SIGTERM');
      await nobodyServes(p);
    }));
});

describe('without privilege', {
  skip: skip || needs('fusermount3', 'mknod'),
  timeout: 500_000,
}, () => {
  test('by fusermount3: one’s own directory alone, and nobody else gets in, not even root', () =>
    withPlace(spaces, async (p) => {
      // udev would have made it so
      await p.ok(`mknod -m 666 ${p.dir}/fuse c 10 229 && mount --bind ${p.dir}/fuse /dev/fuse`);
      const [mine, home] = [at(p, 'mine'), at(p, 'home')];
      for (const dir of [mine, home]) chownSync(dir, 65534, 65534);
      const as = (script: string) => p.run(`XDG_RUNTIME_DIR=${home} ${nobody} ${script}`);
      const address = `unix!${home}/s`;
      const d = p.sh(
        `XDG_RUNTIME_DIR=${home} exec ${nobody} slashnet serve --bare --socket ${home}/s`,
      );
      await until('a daemon', () => d.over || d.err.includes('listening on'));
      assert.ok(!d.over, d.err);
      const r = await as(`slashnet mount '${address}' ${mine}`);
      assert.deepEqual([r.code, r.err], [0, '']);
      assert.match((await as(`cat ${mine}/version`)).out, /^slashnet /);
      assert.match((await p.run(`cat ${mine}/version`)).err, /Permission denied/);
      const refused = await as(`slashnet mount '${address}' ${p.mnt}`);
      assert.match(refused.err, /fusermount3: user has no write access to mountpoint/);
      const gone = await as(`slashnet unmount ${mine}`);
      assert.deepEqual([gone.code, gone.err], [0, '']);
      await nobodyServes(p);
      const own = await as(`slashnet -a '${address}' mount ${mine}`);
      assert.deepEqual([own.code, own.err], [0, '']);
      assert.match((await as(`cat ${mine}/version`)).out, /^slashnet /);
      clean(await d.term());
      assert.equal(await p.ok("grep -c ' fuse.slashnet ' /proc/self/mountinfo || true"), '0\n');
    }));
});
