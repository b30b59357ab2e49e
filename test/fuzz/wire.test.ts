/** Any bytes from a link, a kernel or a 9P connection: parsers give an object or the name of a
 *  counter, what is read and written again is the same, and it prints on one line. */
import assert from 'node:assert/strict';
import {
  decode,
  decodeDirs,
  encodeDir,
  encodeFcall,
  Framer,
  formatBytes,
  formatDir,
} from '@9p/lib9p';
import { packetOf, putLe32 } from '@9p/packet';
import * as nl from '@9p/rawio/netlink';
import type { Sink } from 'slashnet/core';
import { frameMax, frameText } from '../../plugins/ether/fmt.js';
import { answerEcho, emitEcho, parseEcho } from '../../plugins/ipifc/icmp.js';
import { Peers } from '../../plugins/ipifc/peers.js';
import { fmtPpp } from '../../plugins/ppp/fmt.js';
import { HdlcPath } from '../../plugins/ppp/hdlc.js';
import { PppPath } from '../../plugins/ppp/path.js';
import * as ppp from '../../plugins/ppp/wire.js';
import { fmt as fmtPppoe } from '../../plugins/pppoe/fmt.js';
import * as pppoe from '../../plugins/pppoe/wire.js';
import { fmt as fmtSkeleton } from '../../plugins/skeleton/fmt.js';
import * as skeleton from '../../plugins/skeleton/wire.js';
import { fmtRequest } from '../../srv/fuse/fmt.js';
import * as fuse from '../../srv/fuse/wire.js';
import { bodies, request } from '../fuse/kernel.js';
import { bytes, emitted, SeededRandom } from '../kit/index.js';
import { netlinkMessages } from '../unit/netlink-bytes.js';
import { ninepMessages, pppFrames, pppoeFrames } from './frames.js';
import { counter, fuzz, oneLine, packetIn, type Row } from './fuzz.js';

const nowhere: Sink = { send: () => true };

// PPP -------------------------------------------------------------------------------------------

const pppControl: Row = {
  name: 'ppp control packets and options',
  corpus: pppFrames,
  check(b) {
    oneLine(fmtPpp(b, 0, b.length), 240);
    for (const from of [0, 2]) {
      const c = ppp.parseControl(b, Math.min(from, b.length), b.length);
      if (typeof c === 'string') continue;
      const out = emitted(4 + c.body.length, (o, at) => ppp.emitControl(o, at, c));
      assert.deepEqual(ppp.parseControl(out, 0, out.length), c);
      const options = ppp.parseOptions(c.body);
      if (typeof options !== 'string') assert.deepEqual(ppp.emitOptions(options), c.body.slice());
    }
  },
};

function pppPath(): Row {
  const path = Object.assign(new PppPath({ address: false }), { ip: true, ipv6: true });
  let control = 0;
  const machine: Sink = { send: () => ++control > 0 };
  return {
    name: 'the data path of ppp',
    corpus: pppFrames,
    check(b) {
      for (const drop of [path.up(packetIn(b), nowhere, machine), path.down(packetIn(b), nowhere)])
        assert.ok(drop === undefined || counter(drop));
    },
    done: () => assert.ok(control > 0),
  };
}

/** What is sent, as frames of their own. */
function hdlcFrames(): Uint8Array[] {
  const wire: Uint8Array[] = [];
  const line = new HdlcPath(1504, () => undefined);
  const out: Sink = { send: (p) => wire.push(p.bytes().slice()) > 0 };
  for (const b of pppFrames) line.down(packetOf(b), out, 0);
  return wire;
}

function hdlc(): Row {
  let bad = 0;
  let good = 0;
  const line = new HdlcPath(1504, (reason) => void (counter(reason) && bad++));
  const frame: Sink = {
    send: (p) => {
      assert.ok(p.length >= 1 && p.length <= 1502);
      return ++good > 0;
    },
  };
  return {
    name: 'a line of hdlc',
    corpus: hdlcFrames(),
    check: (b) => void line.up(packetIn(b), frame),
    done: () => assert.ok(good > 0 && bad > 0),
  };
}

function hdlcThere(): Row {
  const [from, to] = [new HdlcPath(1800, assert.fail), new HdlcPath(1800, assert.fail)];
  return {
    name: 'frames over hdlc and out again',
    corpus: pppFrames,
    check(b) {
      if (b.length === 0) return; // no frame is
      const accm = (b[0] ?? 0) * 0x01010101;
      from.sendAccm = accm >>> 0;
      to.receiveAccm = accm >>> 0;
      const got: Uint8Array[] = [];
      const up: Sink = { send: (p) => got.push(p.bytes().slice()) > 0 };
      from.down(packetIn(b), { send: (p) => to.up(p, up) === undefined }, 0);
      assert.deepEqual(got, [b]);
    },
  };
}

// Ethernet and PPPoE ----------------------------------------------------------------------------

const discovery: Row = {
  name: 'pppoe frames',
  corpus: pppoeFrames,
  check(b) {
    oneLine(fmtPppoe(b, 0, b.length));
    const p = packetIn(b);
    const d = pppoe.parse(p.buf, p.start, p.end);
    if (counter(d) || typeof d === 'string') return;
    for (const t of d.tags) assert.ok(t.value.byteOffset + t.value.length <= p.end);
    const out = emitted(pppoe.frameLength(d), (o, at) => pppoe.emit(o, at, d));
    assert.deepEqual(pppoe.parse(out, 0, out.length), d);
  },
};

const ethernet: Row = {
  name: 'ethernet frames',
  corpus: [
    ...pppoeFrames,
    bytes('ffffffffffff 020000000001 8100 2005 8863 1109 0000 0004 0101 0000'),
  ],
  check(b) {
    oneLine(frameText(b, 0, b.length), 80);
    assert.ok([1514, 1518].includes(frameMax(b, 0, 1500)));
  },
};

// IP --------------------------------------------------------------------------------------------

const v4 = Uint8Array.of(10, 0, 0, 1);
const echoes = [
  bytes(`4500 002c 10e2 4000 4001 15ed 0a00 0001 0a00 0002
    0800 2e0f 4626 0001 f303 036b 0000 0000 825a 0b00 0000 0000`),
  emitted(56, (b, o) => {
    const [src, dst] = [bytes(`fe80${'0'.repeat(27)}1`), bytes(`fe80${'0'.repeat(27)}2`)];
    return emitEcho(b, o, { src, dst, id: 7, seq: 9, data: 8 });
  }),
];

const echo: Row = {
  name: 'echo requests, and whom they are for',
  corpus: echoes,
  check(b) {
    const peers = new Peers<string>();
    peers.add(v4, 8, 'net');
    for (const who of [peers.to(b, 0, b.length), peers.from(b, 0, b.length)])
      assert.ok(who === undefined || (who === 'net' && b[0]! >>> 4 === 4));
    const e = parseEcho(b, 0, b.length);
    if (counter(e) || typeof e === 'string') return;
    answerEcho(b, 0, e);
    const r = parseEcho(b, 0, b.length);
    assert.ok(typeof r !== 'string' && !r.request, `${r}`);
  },
};

// Kernels ---------------------------------------------------------------------------------------

const netlink: Row = {
  name: 'netlink messages',
  corpus: netlinkMessages,
  check(b) {
    for (const m of nl.parseDatagram(b).messages) {
      for (const parse of [nl.parseLink, nl.parseAddress, nl.parseRoute]) {
        const x = parse(m.body);
        if (typeof x === 'string') assert.match(x, /^(short|badlength)$/);
      }
      const a = nl.parseError(m);
      if (typeof a !== 'string') nl.answerText(a);
    }
  },
};

const fuseParsers = [
  fuse.parseInit,
  fuse.parseName,
  fuse.parseBatchForget,
  fuse.parseSetattr,
  fuse.parseOpen,
  fuse.parseCreate,
  fuse.parseMkdir,
  fuse.parseRead,
  fuse.parseWrite,
  fuse.parseRelease,
  fuse.parsePoll,
  fuse.parseInterrupt,
  fuse.parseAccess,
  (b: Uint8Array, o: number, end: number) => fuse.parseRename(b, o, end, 8),
  (b: Uint8Array, o: number, end: number) => fuse.parseRename(b, o, end, 16),
] as const;

const fuseRequests: Row = {
  name: 'requests of fuse',
  corpus: [
    request(fuse.opcode.lookup, Uint8Array.of(0x70, 0x70, 0x70, 0)),
    request(fuse.opcode.init, bodies.init()),
    request(fuse.opcode.forget, bodies.forget(3)),
    request(fuse.opcode.batchForget, bodies.batchForget(3, 4, 5)),
    request(fuse.opcode.setattr, bodies.setattr(63, { size: 1, mtime: 5 })),
    request(fuse.opcode.open, bodies.open(2)),
    request(fuse.opcode.read, bodies.read(1, 4096)),
    request(fuse.opcode.write, bodies.write(1, 'connect\n')),
    request(fuse.opcode.poll, bodies.poll(1, 2, true)),
    request(fuse.opcode.create, bodies.create('new')),
    request(fuse.opcode.rename2, bodies.rename2(1, 'a', 'b')),
    request(fuse.opcode.interrupt, bodies.interrupt(2)),
  ],
  check(b) {
    if (b.length >= 4 && b.length % 4 !== 0) putLe32(b, 0, b.length);
    oneLine(fmtRequest(b, 0, b.length));
    const h = fuse.parseHeader(b, 0, b.length);
    if (counter(h) || typeof h === 'string') return;
    assert.ok(h.body <= h.end && h.end <= b.length);
    fuse.parseForget(b, h);
    for (const parse of fuseParsers) counter(parse(b, h.body, h.end));
  },
};

// 9P --------------------------------------------------------------------------------------------

const messages: Row = {
  name: '9P messages and directory entries',
  corpus: ninepMessages,
  check(b) {
    if (b.length >= 7 && b.length % 4 !== 0) putLe32(b, 0, b.length);
    oneLine(formatBytes(b, 0, b.length));
    const f = decode(b, 0, b.length);
    if (typeof f !== 'string') {
      const again = encodeFcall(f);
      assert.deepEqual(decode(again, 0, again.length), f);
    }
    const dirs = decodeDirs(b);
    if (typeof dirs === 'string') return;
    for (const d of dirs) {
      oneLine(formatDir(d));
      encodeDir(d);
    }
  },
};

function framer(): Row {
  const r = new SeededRandom(3);
  let f = new Framer(8192);
  let found = 0;
  return {
    name: '9P messages out of a stream',
    corpus: ninepMessages,
    check(b) {
      if (b.length >= 7 && b.length % 4 !== 0) putLe32(b, 0, b.length);
      const cut = r.below(b.length + 1);
      for (const part of [b.subarray(0, cut), b.subarray(cut)]) {
        f.feed(part);
        for (; f.next(); found++) assert.ok(f.end - f.start >= 7 && f.end - f.start <= 8192);
        f.keep();
      }
      if (f.bad !== undefined || r.chance(10)) f = new Framer(8192);
    },
    done: () => assert.ok(found > 0),
  };
}

const skeletons: Row = {
  name: 'skeleton',
  corpus: [bytes('00'), bytes('01'), bytes('02 41'), bytes('03')],
  check(b) {
    assert.match(fmtSkeleton(b, 0, b.length), /^skeleton \w+/);
    counter(skeleton.parse(b, 0, b.length));
  },
};

fuzz([
  ...[pppControl, pppPath(), hdlc(), hdlcThere()],
  ...[discovery, ethernet, echo, netlink, fuseRequests, messages, framer(), skeletons],
]);
