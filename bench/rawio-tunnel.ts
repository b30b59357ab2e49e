/**
 * The yardstick's tunnel with JavaScript between the devices: 22 bytes pushed and pulled a packet,
 * no negotiation. Run as its tunnel.sh runs a program: node dist/bench/rawio-tunnel.js TUN ETHER
 */
import { fromHex, type Packet, put16, u16 } from '@9p/packet';
import { arena, type Events, Outbox, open, received, type Sender } from '@9p/rawio';

const number = (name: string, otherwise: number): number => Number(process.env[name] ?? otherwise);
const [tunName, etherName] = process.argv.slice(2);
const shared = arena({
  slots: number('SLOTS', 192),
  slotBytes: 2048,
  headroom: 128,
  copyBytes: 65536,
});
const outbox = new Outbox(shared);
/** Ethernet, PPPoE session 1, PPP IPv4; the length is at 18. */
const header = fromHex('ffffffffffff 020000000001 8864 1100 0001 0000 0021');

const gone = (errno: string): void => {
  console.error(errno);
  process.exit(1);
};

function toWire(p: Packet): void {
  const length = p.length + 2;
  const o = p.push(header.length);
  p.buf.set(header, o);
  put16(p.buf, o + 18, length);
  wire.send(p);
}

function toHost(p: Packet): void {
  if (!p.pull(header.length)) return;
  const o = p.start - header.length;
  if (u16(p.buf, o + 20) !== 0x21) return;
  p.trim(u16(p.buf, o + 18) - 2);
  host.send(p);
}

function events(each: (p: Packet) => void, out: () => Sender, sender: () => Sender): Events {
  return {
    rx(n) {
      for (let i = 0; i < n; i++) each(received(shared, i));
      out().flush();
      if (out() === wire && wire.full) tun.pause();
    },
    room() {
      sender().room();
      if (!sender().full) tun.resume();
    },
    gone,
  };
}

const tun = open(
  { kind: 'tun', name: tunName!, gso: true },
  shared,
  number('TUNBUDGET', 64),
  events(
    toWire,
    () => wire,
    () => host,
  ),
);
const ether = open(
  { kind: 'ether', ifname: etherName!, type: 0x8864 },
  shared,
  number('BUDGET', 192),
  events(
    toHost,
    () => host,
    () => wire,
  ),
);
const host: Sender = outbox.sender(tun);
const wire: Sender = outbox.sender(ether);
process.on('SIGTERM', () => {
  console.error(tunName, tun.counters(), ether.counters());
  process.exit(0);
});
