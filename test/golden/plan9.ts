/** A Plan 9 host's /net, played: tcp, gre, ether0 and ether1 on one wire, ipifc, iproute, arp, ndb;
 *  no cs. What is far away answers by itself: TCP echoes, GRE answers, a host answers pings. */
import type { Node, Tree } from '@9p/lib9p';
import { hex, u16 } from '@9p/packet';
import { answerEcho, parseEcho } from '../../plugins/ipifc/icmp.js';
import { ipText, masked, parseIp } from '../../plugins/ipifc/ip.js';
import { type Conversation, device, Folder, type Place, refuseNow, text } from './devip.js';

const v4 = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/;
const here = '10.9.0.1';

const ipOf = (s: string): string => (v4.test(s) ? s : refuseNow('bad ip address syntax'));

/** `addr!port`, as devip's setraddrport. */
function addressOf(s: string): [ip: string, port: number] {
  const [ip = '', port] = s.split('!');
  if (port === undefined) return refuseNow('malformed address');
  if (!/^\d+$/.test(port)) return refuseNow('bad numeric port');
  return [ipOf(ip), Number(port)];
}
const bytesOf = (ip: string): number[] => ip.split('.').map(Number);

// tcp, gre --------------------------------------------------------------------------------------

abstract class Dialled implements Conversation {
  protected readonly p: Place;
  protected raddr: readonly [ip: string, port: number] | undefined;
  constructor(p: Place) {
    this.p = p;
  }
  ctl([verb = '', to, ...more]: readonly string[]): void {
    if (verb === 'hangup') return this.p.hangup('hungup by ctl');
    if (verb !== 'connect') return refuseNow('unknown control request');
    if (to === undefined || more.length > 1) return refuseNow('bad args to connect');
    if (this.raddr !== undefined) return refuseNow('connection in use');
    const [ip, port] = addressOf(to);
    if (port === 1) return refuseNow('connection refused');
    this.raddr = [ip, port];
  }
  local(): string {
    return this.raddr === undefined ? '::!0\n' : `${here}!${5000 + this.p.x}\n`;
  }
  remote(): string {
    return this.raddr === undefined ? '::!0\n' : `${this.raddr.join('!')}\n`;
  }
  close(): void {
    this.raddr = undefined;
  }
  abstract send(data: Uint8Array): void;
  abstract status(): string;
}

class Tcp extends Dialled {
  send(data: Uint8Array): void {
    if (this.raddr === undefined) refuseNow('i/o on hungup channel');
    this.p.arrive(data);
  }
  status(): string {
    const state = this.raddr === undefined ? 'Closed' : 'Established';
    const windows = 'cwin 2920 swin 65535>>0 rwin 65535>>0 qscale 0';
    const timers = 'timer.start 10 timer.count 10 rerecv 0 katimer.start 2400 katimer.count 2400';
    return `${state} qin 0 qout 0 rq 0.0 srtt 0 mdev 0 sst 65535 ${windows} ${timers}\n`;
  }
}

/** Addresses and GRE header, both ways: a write's zeros are filled in, and the answer comes from
 *  the other end with its addresses changed over. */
class Gre extends Dialled {
  send(data: Uint8Array): void {
    if (this.raddr === undefined) return refuseNow('i/o on hungup channel');
    if (data.length < 12) return;
    const [ip, port] = this.raddr;
    if (data.subarray(0, 4).every((b) => b === 0)) data.set(bytesOf(here), 0);
    if (data.subarray(4, 8).every((b) => b === 0)) data.set(bytesOf(ip), 4);
    data[10] = port >>> 8;
    data[11] = port & 0xff;
    const [src, dst] = [data.slice(0, 4), data.slice(4, 8)];
    data.set(dst, 0);
    data.set(src, 4);
    this.p.arrive(data);
  }
  status(): string {
    const none =
      'hoa 0.0.0.0 north 0.0.0.0 south 0.0.0.0 seq 0 pending 0  0 buffered dl 0 0 ul 0 0';
    return `${this.raddr === undefined ? 'Closed' : 'Open'} ${none} ulkey 00000000\n`;
  }
}

// ether -----------------------------------------------------------------------------------------

const noType = 0;

/** The interfaces on one wire, and the conversations of each. */
class Wire {
  readonly all = new Set<Netfile>();
  send(from: Netfile, frame: Uint8Array): void {
    const to = hex(frame.subarray(0, 6));
    const many = (frame[0]! & 1) === 1;
    frame.set(from.mac, 6);
    for (const f of [...this.all]) {
      if (!many && f.mac === from.mac) continue; // a broadcast comes back to who sent it
      if (f.type !== u16(frame, 12) && f.type !== -1) continue;
      if (many || f.prom || to === hex(f.mac)) f.p.arrive(frame.slice());
    }
  }
}

const mtu_min = 14;
const mtu_max = 1514;

class Netfile implements Conversation {
  readonly p: Place;
  readonly mac: Uint8Array;
  readonly #wire: Wire;
  readonly files: readonly Node[];
  type = noType;
  prom = false;
  constructor(p: Place, mac: Uint8Array, wire: Wire) {
    this.p = p;
    this.mac = mac;
    this.#wire = wire;
    this.files = [text('type', () => `${String(this.type).padStart(11)} `)];
  }
  ctl([verb = '', arg = '']: readonly string[]): void {
    if (verb === 'promiscuous') this.prom = true;
    else if (verb !== 'connect') refuseNow('bad process or channel control request');
    else {
      const type = /^0x/i.test(arg) ? Number.parseInt(arg, 16) : Number.parseInt(arg, 10) || 0;
      if ([...this.#wire.all].some((f) => f !== this && f.mac === this.mac && f.type === type))
        refuseNow('device or object already in use');
      this.type = type;
      this.#wire.all.add(this);
    }
  }
  send(frame: Uint8Array): void {
    if (frame.length < mtu_min) refuseNow('read or write too small');
    if (frame.length > mtu_max) refuseNow('read or write too large');
    this.#wire.send(this, frame);
  }
  status(): string {
    return '';
  }
  close(): void {
    this.#wire.all.delete(this);
    this.type = noType;
    this.prom = false;
  }
}

function ether(name: string, mac: Uint8Array, wire: Wire): Folder {
  const stats = 'in: 0\nlink: 1\nout: 0\ncrc errs: 0\noverflows: 0\nsoft overflows: 0\n';
  const rest = 'framing errs: 0\nbuffer errs: 0\noutput errs: 0\nprom: 0\nmbps: 100\n';
  return device({
    name,
    most: 8,
    files: [
      text('addr', () => hex(mac)),
      text('stats', () => `${stats}${rest}addr: ${hex(mac)}\n`),
      text('ifstats', () => ''),
    ],
    number: (x) => `${String(x).padStart(11)} `,
    make: (p) => new Netfile(p, mac, wire),
  });
}

// ipifc -----------------------------------------------------------------------------------------

interface Lifc {
  readonly local: string;
  /** Over 128 bits, also of an IPv4 mask. */
  readonly bits: number;
  readonly remote: string;
}

const ifcAddress = (s: string): string => (parseIp(s) === undefined ? ipOf(s) : s);
const ones = (s: string): number =>
  bytesOf(ipOf(s)).reduce((n, b) => n + b.toString(2).replaceAll('0', '').length, 0);

function maskBits(ip: string, s: string | undefined): number {
  const v6 = ip.includes(':');
  const first = Number(ip.split('.')[0]);
  if (s === undefined) return v6 ? 128 : 96 + (first < 128 ? 8 : first < 192 ? 16 : 24);
  if (!s.startsWith('/')) return 96 + ones(s);
  const n = Number(s.slice(1));
  return v6 || n > 32 ? n : n + 96;
}
const network = (ip: string, bits: number): string => {
  const a = parseIp(ip) ?? new Uint8Array(4);
  return ipText(masked(a, a.length === 4 ? bits - 96 : bits));
};
const column = (s: string, n: number): string => s.padEnd(n);

/** Of medium pkt: a host at the other end of it answers pings. */
class Ifc implements Conversation {
  readonly p: Place;
  device = '';
  mtu = 0;
  readonly lifcs: Lifc[] = [];
  constructor(p: Place) {
    this.p = p;
  }

  ctl([verb = '', ...a]: readonly string[]): void {
    if (verb === 'bind') return this.#bind(a);
    if (this.device === '') return refuseNow('interface not bound');
    if (verb === 'unbind') return this.#unbind();
    if (verb === 'add' || verb === 'try') return this.#add(a);
    if (verb === 'remove' || verb === 'del') return this.#remove(a);
    if (verb !== 'mtu') return refuseNow('unknown control request');
    const n = Number(a[0]);
    if (!(n > 0 && n <= 4096)) refuseNow('bad arg in system call');
    this.mtu = n;
  }
  #bind([medium = '', dev]: readonly string[]): void {
    if (medium !== 'pkt') refuseNow('unknown interface type');
    if (this.device !== '') refuseNow('interface already bound');
    this.device = dev ?? `pkt${this.p.x}`;
    this.mtu = 4096;
  }
  #unbind(): void {
    this.device = '';
    this.lifcs.length = 0;
    this.p.hangup('unbound');
  }
  #add([ip = '', mask, remote, mtu]: readonly string[]): void {
    const local = ifcAddress(ip);
    const bits = maskBits(local, mask);
    if (mtu !== undefined && Number(mtu) > 0) this.mtu = Number(mtu);
    if (this.lifcs.some((l) => l.local === local)) return;
    const end = remote === undefined ? network(local, bits) : ifcAddress(remote);
    this.lifcs.push({ local, bits, remote: end });
  }
  #remove([ip = '', mask]: readonly string[]): void {
    const i = this.lifcs.findIndex((l) => l.local === ip && l.bits === maskBits(ip, mask));
    if (i < 0) refuseNow('address not on this interface');
    this.lifcs.splice(i, 1);
  }

  /** Into the stack. */
  send(data: Uint8Array): void {
    const e = parseEcho(data, 0, data.length);
    if (typeof e === 'string' || !e.request) return;
    if (!this.lifcs.some((l) => l.local === [...e.dst].join('.'))) return;
    answerEcho(data, 0, e);
    this.p.arrive(data);
  }
  status(): string {
    const first = `device ${this.device} maxtu ${this.mtu} sendra 0 recvra 0 mflag 0 oflag 0`;
    const more = 'maxraint 600000 minraint 200000 linkmtu 0 reachtime 0 rxmitra 0 ttl 255';
    const counts = 'routerlt 0 pktin 0 pktout 0 errin 0 errout 0 speed 0 delay 0';
    const forever = column('4294967295', 12);
    const lines = this.lifcs.map((l) => {
      const addresses = [column(l.local, 40), column(`/${l.bits}`, 10), column(l.remote, 40)];
      return `\t${addresses.join(' ')} ${forever} ${forever}\n`;
    });
    return `${first} ${more} ${counts}\n${lines.length === 0 ? '\n' : lines.join('')}`;
  }
  local(): string {
    return this.lifcs.map((l) => `${column(l.local, 40)} -> ${column(l.local, 40)}\n`).join('');
  }
  close(): void {
    // Medium pkt of 9front: unbound with the last close.
    this.#unbind();
  }
}

/** The tree, to be served by 9P. */
export function plan9Net(): Tree {
  const wire = new Wire();
  const mac = (n: number): Uint8Array => Uint8Array.of(2, 0, 0, 0, 9, n);
  let routes = '';
  let ndb = '';
  const protocols: readonly [name: string, make: (p: Place) => Conversation][] = [
    ['tcp', (p) => new Tcp(p)],
    ['gre', (p) => new Gre(p)],
    ['ipifc', (p) => new Ifc(p)],
  ];
  const nodes: Node[] = [
    ...protocols.map(([name, make]) =>
      device({ name, most: 64, files: [text('stats', () => '')], make }),
    ),
    ether('ether0', mac(1), wire),
    ether('ether1', mac(2), wire),
    text(
      'iproute',
      () => routes,
      (s) => {
        routes += `${s}\n`;
      },
    ),
    text('arp', () => ''),
    text(
      'ndb',
      () => ndb,
      (s) => {
        ndb += s;
      },
    ),
  ];
  const root = new Folder('/', () => nodes);
  return { attach: () => root };
}
