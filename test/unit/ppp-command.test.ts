/** The pure parts of slashnet ppp: options to verbs, the chat, the shuttle's keys, name servers in
 *  a file, bytes of a capture, exit statuses. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { pcapngHeader, pcapngPacket } from '@9p/packet';
import { verbs as layerVerbs } from '../../plugins/ppp/verbs.js';
import { type Options, Usage } from '../../src/cmd/command.js';
import { ppp } from '../../src/cmd/ppp.js';
import { Hearing, parseChat } from '../../src/cmd/pppchat.js';
import { packets } from '../../src/cmd/pppdebug.js';
import { environment } from '../../src/cmd/ppphooks.js';
import { addressVerbs, verbOptions, verbsOf } from '../../src/cmd/pppoptions.js';
import { pairsOf, statusOf } from '../../src/cmd/pppsession.js';
import { type Key, Keys } from '../../src/cmd/pppshuttle.js';
import { withBlock, withoutBlocks } from '../../src/cmd/resolver.js';

const page = (name: string): string =>
  readFileSync(new URL(`../../../docs/${name}`, import.meta.url), 'utf8');
const bytes = (s: string): Uint8Array => Buffer.from(s, 'latin1');

describe('options', () => {
  test('each writes its verbs, in the order of the table', () => {
    const cases: readonly [o: Record<string, unknown>, args: string[], want: string[]][] = [
      [{}, [], ['mtu 1450']],
      [
        { noauth: true, server: true },
        ['10.0.0.1'],
        ['noauth', 'mtu 1450', 'role server', 'local 10.0.0.1'],
      ],
      [{ baud: '9600', mtu: '576' }, [], ['speed 9600', 'mtu 576']],
      [{ nocompress: true }, [], ['compress off', 'pfc off', 'mtu 1450']],
      [{ novj: true }, [], ['vj off', 'acfc off', 'mtu 1450']],
      [{ keyspec: "user='g l' server=isp" }, [], ["key user='g l' server=isp", 'mtu 1450']],
      [{ net: '/n/host net' }, [], ['mtu 1450', "net '/n/host net'"]],
      [{ net: '.alt' }, [], ['mtu 1450', 'net /net.alt']],
      [
        { net: 'none', primary: true, proxy: true },
        [],
        ['mtu 1450', 'primary', 'net none', 'proxy on'],
      ],
      [
        { verb: ['lqr 10', 'echo 0'] },
        ['1.2.3.4', '1.2.3.5'],
        ['mtu 1450', 'local 1.2.3.4', 'remote 1.2.3.5', 'lqr 10', 'echo 0'],
      ],
    ];
    for (const [o, args, want] of cases) assert.deepEqual(verbsOf(args, o as Options), want);
  });

  test('what is wrong is told before anything is done', () => {
    const cases: readonly [o: Record<string, unknown>, args: string[], why: RegExp][] = [
      [{}, ['10.0.0'], /bad ip address '10\.0\.0'/],
      [{}, ['fe80::'], /bad ip address/],
      [{}, ['2001:db8::1'], /bad ip address/],
      [{}, ['10.0.0.1', '10.0.0.2', '10.0.0.3'], /too many addresses/],
      [{ keyspec: 'user=x !password=y' }, [], /others can read arguments/],
      [{ keyspec: "user='x" }, [], /unmatched quote/],
      [{ keyspec: 'user=x\nhangup' }, [], /control characters/],
      [{ verb: ['key !password=y'] }, [], /others can read arguments/],
      [{ verb: ['a\nb'] }, [], /control characters/],
      [{ mtu: '127' }, [], /bad -m '127': 128 to 16384/],
      [{ mtu: '1e3' }, [], /bad -m/],
      [{ baud: '0' }, [], /bad -b/],
      [{ server: true }, ['fe80::1'], /-S: a server needs an address of its own/],
    ];
    for (const [o, args, why] of cases)
      assert.throws(
        () => verbsOf(args, o as Options),
        (e) => e instanceof Usage && why.test(e.message) && !/=y/.test(e.message),
        String(why),
      );
  });

  test('addresses in any of the orders of 9front', () => {
    const [l4, r4, l6, r6] = ['10.0.0.1', '10.0.0.2', 'fe80::1', 'fe80::2'];
    const four = [`local ${l4}`, `remote ${r4}`, `local ${l6}`, `remote ${r6}`];
    const cases: readonly [string[], string[]][] = [
      [[l4], [`local ${l4}`]],
      [[l6], [`local ${l6}`]],
      [[l4, r4], four.slice(0, 2)],
      [[l6, r6], four.slice(2)],
      [
        [l4, l6],
        [`local ${l4}`, `local ${l6}`],
      ],
      [
        [l6, l4],
        [`local ${l4}`, `local ${l6}`],
      ],
      [[l4, l6, r4], four.slice(0, 3)],
      [[l6, l4, r4], four.slice(0, 3)],
      [[l4, r4, l6, r6], four],
      [[l6, r6, l4, r4], four],
    ];
    for (const [args, want] of cases) assert.deepEqual(addressVerbs(args), want, args.join(' '));
  });

  test('the table of docs/ppp.md is the one of --help', () => {
    const table = page('ppp.md').split('### Options of the command')[1]?.split('\n#')[0] ?? '';
    const rows = [...table.matchAll(/^\| `(-\w)[^`]*` \| (.*?) \|/gm)].map((m) => [m[1], m[2]]);
    const want = verbOptions.map(({ flag, verbs }) => [
      flag[0].slice(0, 2),
      verbs.map((v) => `\`${v.replace(/<(\w+)>/g, '$1')}\``).join(' '),
    ]);
    assert.deepEqual(rows, want);
  });

  test('each verb is one of /ppp', () => {
    const known = new Set(layerVerbs.map((v) => v.name));
    const ours = verbOptions.flatMap((o) => o.verbs).map((v) => v.split(' ')[0] ?? '');
    assert.deepEqual(
      ours.filter((v) => !known.has(v)),
      [],
    );
  });

  test('its page has every option', () => {
    const text = page('slashnet-ppp.md');
    for (const [flags] of ppp.options ?? [])
      for (const name of flags.match(/(?<=^|\s)--?[\w-]+/g) ?? [])
        assert.match(text, new RegExp(`\`${name}[\` ]`), name);
  });
});

describe('chat', () => {
  test('the file', () => {
    const text = "# dial\r\n'' OK\nATZ OK 5\n\n'ATD 1' ''\n'it''s' x";
    assert.deepEqual(parseChat('f', text), [
      { line: 2, send: '', expect: 'OK', limit_s: 60 },
      { line: 3, send: 'ATZ', expect: 'OK', limit_s: 5 },
      { line: 5, send: 'ATD 1', expect: '', limit_s: 60 },
      { line: 6, send: "it's", expect: 'x', limit_s: 60 },
    ]);
    for (const [bad, why] of [
      ['AT', /^f:1: a line is 'send' 'expect'/],
      ["\n'secret OK", /^f:2: unmatched quote$/],
      ['a b c', /seconds are 1 to 3600/],
      ['a b 0', /seconds are/],
      ['a b 1 d', /a line is/],
    ] as const)
      assert.throws(
        () => parseChat('f', bad),
        (e) => e instanceof Usage && why.test(e.message),
      );
    assert.throws(() => parseChat('f', 'a b\n'.repeat(1001)), /over 1000 lines/);
  });

  /** What is said piece by piece, and what is waited for. */
  const hears = (said: readonly string[], expect: string): [boolean, string] => {
    const h = new Hearing();
    let found = false;
    for (const s of said) {
      h.hear(bytes(s));
      found ||= h.found(expect);
    }
    return [found, Buffer.from(h.rest()).toString('latin1')];
  };

  test('what is heard', () => {
    assert.deepEqual(hears(['AT\r\r\nok\r\n'], 'OK'), [true, '\r\n'], 'behind the echo, any case');
    assert.deepEqual(hears(['CONN', 'ECT 9600\r\n~\xff'], 'CONNECT'), [true, ' 9600\r\n~\xff']);
    assert.deepEqual(hears(['log', 'in: '], 'ogin:'), [true, ' '], 'a prompt has no line end');
    assert.deepEqual(hears(['RING\r\nOK'], 'CONNECT'), [false, 'OK']);
    assert.deepEqual(hears(['O\nK'], 'OK'), [false, 'K'], 'not over a line end');
    assert.deepEqual(hears(['x'.repeat(100_000), 'OK'], 'OK'), [true, ''], 'noise without end');
  });

  test('a modem that refuses is not waited for, unless that is what is waited for', () => {
    for (const no of ['BUSY', 'no carrier', 'ERROR', 'NO DIALTONE'])
      assert.throws(() => hears([`\r\n${no}\r\n`], 'CONNECT'), /the modem says [A-Z ]+$/);
    assert.deepEqual(hears(['\r\nBUSY\r\n'], 'busy'), [true, '\r\n']);
    assert.deepEqual(
      hears(['the line is not BUSY\r\nOK'], 'OK')[0],
      true,
      'only a line of its own',
    );
  });
});

test('keys of the shuttle', () => {
  const typed = (...chunks: string[]): string => {
    const keys = new Keys();
    const show = (k: Key): string =>
      k.is === 'bytes'
        ? Buffer.from(k.bytes).toString('latin1')
        : k.is === 'end'
          ? '.'
          : `[${k.message}]`;
    return chunks.flatMap((c) => [...keys.typed(bytes(c))].map(show)).join('|');
  };
  const cases: readonly [chunks: string[], want: string][] = [
    [['ATZ\r'], 'ATZ\r'],
    [['a\x05b\x0fc'], 'a|[pe]|b|[po]|c'],
    [['\x80'], '[k500]'],
    [['\x80\x80'], '[k500]|[k500]'],
    [['\xc3\x80'], '\xc3\x80'],
    [['\xe2', '\x80\x94x\x80'], '\xe2|\x80\x94x|[k500]'],
    [['ab\x04cd'], 'ab|.'],
    [['\x04'], '.'],
    [['\x03\x1c\x00'], '\x03\x1c\x00'],
    [[''], ''],
  ];
  for (const [chunks, want] of cases) assert.equal(typed(...chunks), want);
});

describe('name servers in a file', () => {
  const old = 'search lan\nnameserver 192.168.0.1\n';
  const ours = withBlock(old, 'ppp.7.1', ['10.0.0.53', '10.0.0.54']);

  test('in front, once, and back as it was', () => {
    assert.equal(
      ours,
      `# slashnet ppp.7.1 begin\nnameserver 10.0.0.53\nnameserver 10.0.0.54\n# slashnet ppp.7.1 end\n${old}`,
    );
    assert.equal(withBlock(ours, 'ppp.7.1', ['10.0.0.53', '10.0.0.54']), ours);
    assert.equal(
      withoutBlocks(ours, () => true),
      old,
    );
  });

  test('others’ lines and blocks stay, whoever ends first', () => {
    const both = withBlock(ours, 'ppp.8.2', ['10.1.0.53']);
    const first = withoutBlocks(both, (t) => t === 'ppp.7.1');
    assert.equal(first, withBlock(old, 'ppp.8.2', ['10.1.0.53']));
    assert.equal(
      withoutBlocks(first, (t) => t === 'ppp.8.2'),
      old,
    );
    const edited = `${both}options rotate\n`;
    assert.equal(
      withoutBlocks(edited, () => true),
      `${old}options rotate\n`,
    );
    const half = ours.replace('# slashnet ppp.7.1 end\n', '');
    assert.equal(
      withoutBlocks(half, () => true),
      half,
      'somebody’s edit',
    );
  });
});

test('the bytes of a capture, however they come', async () => {
  const whole = Buffer.concat([
    pcapngHeader(9, '/ppp/0'),
    pcapngPacket(1, true, bytes('\xc0\x21\x01'), 0, 3, 'a note'),
    pcapngPacket(2, false, bytes('xxabcde'), 2, 7),
  ]);
  for (const n of [1, 7, 4096]) {
    const cut = async function* () {
      for (let at = 0; at < whole.length; at += n) yield whole.subarray(at, at + n);
    };
    const all: string[] = [];
    for await (const p of packets(cut()))
      all.push(`${p.inbound} ${Buffer.from(p.bytes).toString('latin1')}`);
    assert.deepEqual(all, ['true \xc0\x21\x01', 'false abcde']);
  }
  const bad = async function* () {
    yield new Uint8Array(12);
  };
  await assert.rejects(async () => packets(bad()).next(), /no pcapng/);
});

test('reasons and exit statuses', () => {
  const errors = page('ppp.md').split('## ERRORS')[1]?.split('\n## ')[0] ?? '';
  const of: Readonly<Record<string, number>> = {
    'nothing is bound below: bind path first': 1,
    'the link below is not up': 7,
    'a server needs an address of its own: local addr': 1,
    'lcp: no answer to 10 requests': 4,
    'lcp: timed out after 30 s': 4,
    'lcp: terminated by peer: …': 8,
    'lcp: does not converge': 4,
    'lcp: peer refuses to authenticate itself': 5,
    'the line is looped back': 4,
    'no network protocol: ipcp: peer gives us no address': 6,
    'link lost: what the layer below said': 7,
    'lcp: peer is gone: no answer to 5 echo requests': 7,
  };
  for (const [why, status] of Object.entries(of)) {
    assert.ok(errors.includes(why), `docs/ppp.md has: ${why}`);
    assert.equal(statusOf(why), status, why);
  }
  for (const [, why = ''] of errors.matchAll(/^ {4}(authentication.*)$/gm))
    assert.equal(statusOf(why), 5, why);
});

test('what --up and --down are told', () => {
  assert.deepEqual(
    [...pairsOf("Opened phase Network user 'g l' ifc /net/ipifc/0")],
    [
      ['phase', 'Network'],
      ['user', 'g l'],
      ['ifc', '/net/ipifc/0'],
    ],
  );
  const facts = { remote: '10.0.0.1 fe80::1', dns: ['10.0.0.53'], user: 'glenda', mtu: '1450' };
  const told = environment(
    { ...facts, local: '10.0.0.2', device: 'ppp0' },
    { why: 'up', address: 'unix!/s', dir: '/ppp/0' },
  );
  assert.deepEqual(told, {
    IFNAME: 'ppp0',
    IPLOCAL: '10.0.0.2',
    IPREMOTE: '10.0.0.1',
    LLLOCAL: '',
    LLREMOTE: 'fe80::1',
    DNS1: '10.0.0.53',
    DNS2: '',
    PEERNAME: 'glenda',
    MTU: '1450',
    WHY: 'up',
    PPP: '/ppp/0',
    SLASHNET: 'unix!/s',
  });
});
