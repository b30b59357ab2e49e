/** The texts of ether(3). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hex } from '@9p/packet';
import * as fmt from '../../plugins/ether/fmt.js';
import { bytes, cuts } from '../kit/index.js';

test('types: strtoul with base 0', () => {
  const cases: readonly [text: string, type: number | undefined][] = [
    ['0x8863', 0x8863],
    ['34915', 0x8863],
    ['0X8864', 0x8864],
    ['010', 8],
    ['0', 0],
    ['-1', -1],
    ['65536', undefined],
    ['-2', undefined],
    ['', undefined],
    ['0x', undefined],
    ['8863x', undefined],
    ['089', 89],
  ];
  for (const [text, type] of cases) assert.equal(fmt.parseType(text), type, text);
});

test('addresses, with and without colons', () => {
  for (const s of ['020000000001', '02:00:00:00:00:01', '02-00-00-00-00-01'])
    assert.equal(hex(fmt.parseMac(s) ?? new Uint8Array(0)), '020000000001', s);
  for (const s of ['', '02000000001', '02:00:00:00:00', '02:0:0:0:0:1', '0200000000zz'])
    assert.equal(fmt.parseMac(s), undefined, s);
});

test('stats as netif.c prints them', () => {
  const mac = bytes('020000000001');
  const text = fmt.statsText({
    in: 1,
    out: 2,
    link: true,
    overflows: 3,
    outputErrors: 4,
    promiscuous: 0,
    mac,
  });
  assert.equal(
    text,
    'in: 1\nlink: 1\nout: 2\ncrc errs: 0\noverflows: 0\nsoft overflows: 3\nframing errs: 0\n' +
      'buffer errs: 0\noutput errs: 4\nprom: 0\nmbps: 0\naddr: 020000000001\n',
  );
});

// PADI, RFC 2516 appendix B, and the same in VLAN 5
const padi = bytes('ffffffffffff 020000000001 8863 1109 0000 0004 0101 0000');
const tagged = bytes('ffffffffffff 020000000001 8100 2005 8863 1109 0000 0004 0101 0000');

test('a frame on a line', () => {
  const text = (b: Uint8Array): string => fmt.frameText(b, 0, b.length);
  assert.equal(text(padi), '020000000001 > ffffffffffff 0x8863 len 24');
  assert.equal(text(tagged), '020000000001 > ffffffffffff vlan 5 0x8863 len 28');
  for (const cut of cuts(padi)) assert.match(text(cut), cut.length < 14 ? /short$/ : /0x8863/);
});

test('the tag of a frame is not counted to the mtu', () => {
  assert.equal(fmt.frameMax(padi, 0, 1500), 1514);
  assert.equal(fmt.frameMax(tagged, 0, 1500), 1518);
});
