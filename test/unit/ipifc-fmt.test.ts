/** Lines of iproute and of the journal, and addresses of control messages. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Address, addressText, parseAddress } from '../../plugins/ipifc/address.js';
import { protocolTag, routeLine } from '../../plugins/ipifc/fmt.js';
import { type Ip, ipText, parseIp } from '../../plugins/ipifc/ip.js';
import { lineOf, parseLine } from '../../plugins/ipifc/journal.js';
import { fuzzIterations, SeededRandom } from '../kit/index.js';

const ip = (s: string): Ip => parseIp(s) as Ip;
const words = (s: string): string[] => s.split(' ');

test('routes in the columns of 9front, iproute.c', () => {
  const none = { src: undefined, srcLen: 0 };
  const first = { dst: ip('0.0.0.0'), dstLen: 0, next: ip('10.0.0.1'), kind: 'u', tag: 'none' };
  assert.equal(
    routeLine({ ...first, ...none, ifc: '0' }),
    '0.0.0.0         /96  10.0.0.1        4u   none   0 0.0.0.0         /96 \n',
  );
  const host = { dst: ip('fd00::1'), dstLen: 128, next: undefined, kind: 'u', tag: 'kernel' };
  assert.equal(
    routeLine({ ...host, src: ip('fd00::'), srcLen: 64, ifc: 'eth0' }),
    'fd00::1         /128 ::              6iup kern eth0 fd00::          /64 \n',
  );
  assert.deepEqual([2, 4, 9, 200].map(protocolTag), ['kern', 'stat', 'ra', '200']);
});

test('addresses of add: masks, classes, the other end', () => {
  const cases: readonly [args: string, local: string, remote: string | undefined][] = [
    ['10.0.0.1', '10.0.0.1/8', undefined],
    ['172.16.0.1', '172.16.0.1/16', undefined],
    ['192.168.1.1', '192.168.1.1/24', undefined],
    ['10.0.0.1 255.255.255.255 10.0.0.2', '10.0.0.1/32', '10.0.0.2'],
    ['10.0.0.1 /128 10.0.0.2', '10.0.0.1/32', '10.0.0.2'],
    ['10.0.0.1 /32 10.0.0.1', '10.0.0.1/32', undefined],
    ['10.0.0.1 255.255.255.0 10.0.0.0', '10.0.0.1/24', undefined],
    ['fe80::1 /64', 'fe80::1/64', undefined],
    ['fe80::1/64', 'fe80::1/64', undefined],
    ['fd00::1', 'fd00::1/128', undefined],
    ['fd00::1 /128 fd00::2', 'fd00::1/128', 'fd00::2'],
  ];
  for (const [args, local, remote] of cases) {
    const a: Address = parseAddress(words(args));
    assert.equal(addressText(a), local, args);
    assert.equal(a.remote && ipText(a.remote), remote, args);
  }
  for (const bad of ['', '10.0.0', '10.0.0.1 x', '10.0.0.1 /32 x', '10.0.0.1 /32 fd00::1'])
    assert.throws(() => parseAddress(words(bad)), /^FileError|bad (ip address|mask): /, bad);
});

test('the journal: what is written is read, and nothing else is', () => {
  for (const line of ['0a000000/8 0a000001 3', '00000000/0 - 12', `fd${'0'.repeat(30)}/8 - 1`]) {
    const r = parseLine(line);
    assert.ok(r !== undefined, line);
    assert.equal(lineOf(r), line);
  }
  const bad = ['', 'net:[4026531840]', '0a000000/33 - 1', '0a00/8 - 1', '0a000000/8 - x'];
  bad.push('0a000000/8 0a00000100000000 1', '0a0000000a000000/8 - 1', '0a000000/8 - 1 2');
  for (const line of bad) assert.equal(parseLine(line), undefined, line);
  const r = new SeededRandom(4);
  for (let i = 0; i < fuzzIterations(); i++) {
    let s = '0a000000/8 0a000001 3';
    for (let k = r.below(3); k >= 0; k--) {
      const at = r.below(s.length);
      s = s.slice(0, at) + r.pick(['0', 'f', ' ', '/', '-', '']) + s.slice(at + r.below(2));
    }
    const route = parseLine(s);
    if (route !== undefined) assert.equal(parseLine(lineOf(route))?.dstLen, route.dstLen);
  }
});
