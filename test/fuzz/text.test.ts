/** Any text from a user, a file or auth: it is read, or refused in one short line; what
 *  is printed is read as the same. */
import assert from 'node:assert/strict';
import { parseAddress as parseDial } from '@9p/lib9p';
import { text, utf8 } from '@9p/packet';
import { quote, words } from 'slashnet/core';
import { parseAttrs, printAttrs, quotedBytes } from '../../plugins/auth/attr.js';
import { parseMac, parseType, typeText } from '../../plugins/ether/fmt.js';
import { parseAddress } from '../../plugins/ipifc/address.js';
import { ipText, parseIp, parseMask, parsePrefix } from '../../plugins/ipifc/ip.js';
import { entriesOf, merge } from '../../plugins/ipifc/ndb.js';
import { fmtFaults, none, set } from '../../plugins/loop/faults.js';
import * as pppAddress from '../../plugins/ppp/address.js';
import { byteWords } from '../../plugins/ppp/rpc.js';
import { fmtMac } from '../../plugins/pppoe/fmt.js';
import { macOf } from '../../plugins/pppoe/wire.js';
import { parseMountInfo } from '../../srv/fuse/mountinfo.js';
import { runProfile } from '../../srv/profile.js';
import { Files, reqOf, SeededRandom, VirtualClock } from '../kit/index.js';
import { error_bytes_max, fuzz, isRefusal, oneLine, orRefused, type Row } from './fuzz.js';

const lines = (...s: string[]): Uint8Array[] => s.map((l) => utf8(l));

const quoting: Row = {
  name: 'words of a control message',
  corpus: lines("bind /net/ether0 'a b'", "key user='o''hara' x", "''  '''' '", '\tconnect\r\n'),
  check(b) {
    const all = orRefused(() => words(text(b)));
    if (all !== undefined) assert.deepEqual(words(all.map(quote).join(' ')), all);
  },
};

const attrs: Row = {
  name: 'attributes of auth',
  corpus: lines(
    'proto=pass service=ppp user=glenda !password=hunter2',
    "user='it''s' !password? role=client dom=",
    "us'er'=x'y'z a=b=c disabled 'user=a b'",
  ),
  check(b) {
    const list = orRefused(() => parseAttrs(b), error_bytes_max);
    if (list === undefined) return;
    oneLine(printAttrs(list).replaceAll('\t', ' '), 100_000);
    const open = printAttrs(list.filter((a) => a.is !== 'secret'));
    assert.equal(printAttrs(parseAttrs(utf8(open))), open);
  },
};

const answers: Row = {
  name: "words of auth's answers",
  corpus: lines('ok glenda secret', "ok 'a b' 'it''s' \u00e9", 'done haveai', "'"),
  check(b) {
    const all = byteWords(b);
    const again = Buffer.concat(all.flatMap((w) => [quotedBytes(w), utf8(' ')]));
    assert.deepEqual(byteWords(Uint8Array.from(again)), all);
  },
};

const addresses: Row = {
  name: 'addresses',
  corpus: lines(
    ...['10.0.0.1/24', '255.255.240.0', 'fe80::1/64', '2001:db8::ffff:10.0.0.1', '::', '/120'],
    ...['02:00:5e:10:00:01', '02005E100001', '0x8863', 'tcp!host!564', 'unix!/tmp/x'],
  ),
  check(b) {
    const s = text(b);
    const ip = parseIp(s);
    if (ip !== undefined) assert.deepEqual(parseIp(ipText(ip)), ip);
    const v = pppAddress.parseIp(s);
    if (v !== undefined) assert.equal(pppAddress.parseIp(pppAddress.ipText(v)), v);
    const mac = macOf(s);
    if (mac !== undefined) assert.equal(macOf(fmtMac(mac)), mac);
    const type = parseType(s);
    if (type !== undefined && type >= 0) assert.equal(parseType(typeText(type)), type);
    parseMac(s);
    parsePrefix(s);
    for (const family of [4, 16]) parseMask(s, family);
    orRefused(() => parseAddress(s.split(' ')));
    orRefused(() => parseDial(s));
  },
};

const faults: Row = {
  name: 'faults of a wire',
  corpus: lines(
    ...['loss 10%', 'corrupt 0.5', 'dup 100%', 'reorder 5 3', 'delay 1.5s', 'jitter 20ms'],
    ...['rate 64k', 'rate 10M', 'queue 100', 'chunk 7'],
  ),
  check(b) {
    const [name = '', ...more] = text(b).split(' ');
    const f = orRefused(() => set(none, name, more));
    if (f === undefined) return;
    const shown = fmtFaults(f).split(' ');
    if (shown[0] !== 'none')
      assert.equal(fmtFaults(set(none, shown[0] ?? '', shown.slice(1))), fmtFaults(f));
  },
};

const files: Row = {
  name: 'mountinfo and ndb',
  corpus: lines(
    '36 35 98:0 /root /mnt\\040x rw,noatime master:1 - fuse.slashnet slashnet rw\n1 2 3',
    'ip=10.0.0.2 ipmask=255.255.255.0\n\tdns=8.8.8.8\n# comment\nsys=x dom=y\n',
  ),
  check(b) {
    const s = text(b);
    for (const m of parseMountInfo(s)) assert.ok(m.dir !== undefined);
    const whole = entriesOf(s).join('');
    assert.equal(entriesOf(whole).join(''), whole);
    assert.equal(merge(merge('', s), ''), merge('', s));
  },
};

// Messages to running layers --------------------------------------------------------------------

const plugins = [new URL('../../plugins', import.meta.url).pathname];

async function running() {
  const clock = new VirtualClock();
  const f = new Files({ plugins, clock, random: new SeededRandom(1) });
  for (const name of ['auth', 'loop', 'ppp', 'ipifc']) await f.system.control(`load ${name}`);
  return { clock, f };
}

/** A message that waits is given up: it is not time that is tested. */
async function settle(p: Promise<unknown> | number, req: { onflush: (() => void) | undefined }) {
  if (typeof p === 'number') return;
  let done = false;
  const end = p.catch(isRefusal).finally(() => {
    done = true;
  });
  await new Promise(setImmediate);
  if (!done) req.onflush?.();
  await end;
}

async function layer(name: string, setup: string, ...corpus: string[]): Promise<Row> {
  const { f } = await running();
  const open = async () => {
    const dir = await f.clone(`/${name}`);
    await f.write(`${dir}/ctl`, setup);
    return { dir, ctl: await f.open(`${dir}/ctl`, 1) };
  };
  let c = await open();
  let n = 0;
  return {
    name: `messages to ${name}`,
    corpus: lines(...corpus),
    async check(b) {
      const req = reqOf();
      try {
        await settle(c.ctl.write(b, 0, req) as Promise<number> | number, req);
      } catch (e) {
        isRefusal(e);
      }
      if (++n % 100 !== 0) return;
      for (const l of (await f.read(`${c.dir}/status`)).split('\n'))
        oneLine(l.replaceAll('\t', ' '));
      c.ctl.close();
      await f.write(`${c.dir}/ctl`, 'close');
      c = await open();
    },
    done: () => assert.deepEqual(f.bugs, []),
  };
}

async function keys(): Promise<Row> {
  const { f } = await running();
  return {
    name: 'messages to auth',
    corpus: lines(
      'key proto=pass service=ppp user=glenda !password=Zq7xSECRET',
      'delkey proto=pass user=glenda',
      'debug',
    ),
    async check(b) {
      // Where a fault made the secret something else, as `! password=…`, it is none.
      const s = text(b);
      const open = s.replace(/(?<=^|[ \t\r\n])!password=[^ \t\r\n]*/g, '');
      const isSecret = !/'|SECRET/.test(open);
      await f.write('/auth/ctl', isSecret ? s : s.replaceAll('SECRET', '')).catch((e) => {
        isRefusal(e);
        assert.ok(!/SECRET/.test((e as Error).message), (e as Error).message);
      });
      assert.ok(!(await f.read('/auth/ctl')).includes('SECRET'));
    },
    done: () => assert.deepEqual(f.bugs, []),
  };
}

async function profile(): Promise<Row> {
  const { f } = await running();
  let read = 0;
  return {
    name: 'profiles',
    corpus: lines(
      '# comment\n\n/loop/clone loss 10%\r\n/auth/ctl delkey user=x\n',
      'alias /net2\nunalias /net2\nbind /loop /n/x\nunbind /n/x',
      '/loop/0/ctl seed 7\n/loop/0/ctl delay 20ms\n/loop/0/ctl clear',
    ),
    async check(b) {
      await runProfile(f.system, 'p', text(b)).then(
        () => read++,
        (e) => {
          assert.match((e as Error).message, /^p:\d+: /);
          assert.equal((e as Error).name, 'FileError');
        },
      );
    },
    done() {
      assert.ok(read > 0);
      assert.deepEqual(f.bugs, []);
    },
  };
}

fuzz([
  ...[quoting, attrs, answers, addresses, faults, files],
  await layer(
    'loop',
    'seed 1',
    ...['loss 10%\nup delay 20ms', 'seed 7\nclear', 'mtu 1400', 'framing bytes', 'up reorder 5 3'],
  ),
  await layer(
    'ppp',
    'net none',
    ...['role server\nauth chap pap\nlocal 10.0.0.1', 'mtu 1400\nmru 1400', 'accm 000a0000'],
    ...["key user='o''hara' dom=x", 'dns 8.8.8.8 9.9.9.9', 'ifid 0000000000000001', 'echo 5 3'],
    ...['static 10.0.0.1 10.0.0.2', 'timeout lcp 5', 'framing hdlc', 'primary on', 'ifname ppp7'],
  ),
  await layer(
    'ipifc',
    'device memory\nbind pkt',
    ...['add 10.0.0.1 255.255.255.255 10.0.0.2 1400', 'remove 10.0.0.1 /128', 'add fe80::1 /64'],
    ...['connect 10.1.0.1 255.255.0.0', 'mtu 1400', 'ra6 recvra 1', 'speed 9600\ndelay 5'],
    ...['ping 10.0.0.1 1', 'add6 fe80::2/64', 'peer /loop/0/data 10.0.0.7/24'],
  ),
  await keys(),
  await profile(),
]);
