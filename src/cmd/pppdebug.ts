/** -d: what a conversation does, on standard error, from its log and pcap files. */
import { type Mount, omode, Reads } from '@9p/lib9p';
import { hex } from '@9p/packet';
import { chomp, linesOf, printable } from './command.js';

const bytes_max = 64;
const enhanced = 6;
const head_bytes = 28;

/** Packets of data, which the log shows by their length alone: "12.034 /ppp/0 -> ip 84 bytes". */
const isData = (line: string): boolean => /^\S+ \S+ (<-|->) \S+ \d+ bytes$/.test(line);

/** From now on: 1 states and control packets, 2 each packet, 3 their bytes too. */
export async function follow(m: Mount, dir: string, level: number): Promise<void> {
  const say = (line: string): void => void process.stderr.write(`${printable(line)}\n`);
  if (level < 1) return;
  const log = await pieces(m, `${dir}/log`);
  const pcap = level < 3 ? undefined : await pieces(m, `${dir}/pcap`);
  const ended = (): void => undefined; // with the conversation
  showLog(log, say, level === 1).catch(ended);
  if (pcap !== undefined) showBytes(pcap, say).catch(ended);
}

async function pieces(m: Mount, path: string): Promise<Reads> {
  const f = await m.open(path, omode.read);
  return new Reads(f.fid, { count: f.iounit, depth: 1, stream: true });
}

async function showLog(log: Reads, say: (line: string) => void, control: boolean): Promise<void> {
  for await (const l of linesOf(log)) {
    const line = Buffer.from(chomp(l)).toString();
    if (!control || !isData(line)) say(line);
  }
}

async function showBytes(pcap: Reads, say: (line: string) => void): Promise<void> {
  for await (const p of packets(pcap)) {
    const more = p.bytes.length > bytes_max ? '…' : '';
    say(`${p.inbound ? '<-' : '->'} ${hex(p.bytes.subarray(0, bytes_max))}${more}`);
  }
}

export interface Captured {
  readonly inbound: boolean;
  readonly bytes: Uint8Array;
}

/** The packets of a capture, as packet's pcapngPacket writes them. */
export async function* packets(source: AsyncIterable<Uint8Array>): AsyncGenerator<Captured> {
  let held = Buffer.alloc(0);
  for await (const b of source) {
    held = Buffer.concat([held, b]);
    while (held.length >= 12) {
      const total = held.readUInt32LE(4);
      if (total < 12) throw new Error('no pcapng');
      if (held.length < total) break;
      if (held.readUInt32LE(0) === enhanced) yield captured(held.subarray(0, total));
      held = held.subarray(total);
    }
  }
}

/** epb_flags is the first option: 1 came in, 2 went out. */
function captured(block: Buffer): Captured {
  const n = block.readUInt32LE(20);
  const flags = block.readUInt32LE(head_bytes + ((n + 3) & ~3) + 4);
  return { inbound: (flags & 3) === 1, bytes: block.subarray(head_bytes, head_bytes + n) };
}
