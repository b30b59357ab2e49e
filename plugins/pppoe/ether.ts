/** One Ethernet interface and all conversations on it: two ether
 *  conversations, and the demultiplexer. */
import { text, utf8 } from '@9p/packet';
import {
  type Chan,
  type Counters,
  clean,
  type Env,
  type Link,
  linkTo,
  newReq,
  omode,
  Port,
  refuse,
  type Who,
} from 'slashnet/core';
import { Demux } from './demux.js';
import { etherType, header_bytes, isGroup, type Mac, macOf } from './wire.js';

/** A conversation that stands on an interface. */
export interface User {
  /** The mtu has changed. */
  etherChanged(): void;
  /** It carries no frames, or is gone. */
  etherDown(why: string): void;
  /** It was full and is no longer. */
  room(): void;
}

/** 1500 bytes and the Ethernet header. RFC 4638 would let larger frames through. */
const frame_bytes_max = 1514;
const addr_bytes_max = 64;

export class Ether {
  /** "ether0": for error texts. */
  readonly name: string;
  readonly local: Mac;
  readonly demux: Demux;
  readonly users = new Set<User>();
  readonly discovery: Port;
  readonly session: Port;
  /** Why it carries nothing any more; to be opened anew. */
  gone: string | undefined;
  /** Joined by function call, not pumped through files. */
  fast = true;
  #undo: (() => void)[] = [];

  constructor(name: string, local: Mac, stats: Counters<string>, bug: (e: unknown) => void) {
    this.name = name;
    this.local = local;
    this.demux = new Demux(local);
    const host = { count: (reason: string) => stats.add(reason), crash: bug };
    this.discovery = new Port(
      {
        name: `pppoe discovery on ${name}`,
        framing: 'packet',
        mtu: () => frame_bytes_max,
        take: (p) => this.demux.discovery(p),
      },
      host,
    );
    this.session = new Port(
      {
        name: `pppoe sessions on ${name}`,
        framing: 'packet',
        mtu: () => frame_bytes_max,
        take: (p) => this.demux.session(p),
        up: () => this.#each((u) => u.etherChanged()),
        down: (why) => this.#downNow(why),
        room: () => this.#each((u) => u.room()),
      },
      host,
    );
  }

  /** Longest PPP frame in a session: 1494 on an Ethernet of 1500. */
  get mtu(): number {
    return Math.min(frame_bytes_max, this.session.peer?.mtu ?? frame_bytes_max) - header_bytes;
  }
  get full(): boolean {
    return this.session.peer?.full ?? false;
  }
  /** Frames flow. */
  get isUp(): boolean {
    return this.gone === undefined && this.session.peer?.isUp === true;
  }

  /** What `close` is to undo: the conversations below. */
  onclose(f: () => void): void {
    this.#undo.push(f);
  }
  close(): void {
    this.gone ??= 'closed';
    for (const f of this.#undo.splice(0).reverse()) f();
  }

  /** No carrier, or no interface any more. */
  #downNow(why: string): void {
    const lost = this.session.peer === undefined;
    const told = `${this.name} is ${lost ? 'gone' : 'down'}: ${why}`;
    if (lost) this.gone ??= told;
    this.#each((u) => u.etherDown(told));
  }
  #each(f: (u: User) => void): void {
    for (const u of [...this.users]) f(u);
  }
}

/** The interface whose directory is at `path`, shared by all that
 *  name it. With the rights of `who`. */
export async function shareEther(env: Env, stats: Counters<string>, path: string, who: Who) {
  const dir = clean(path);
  const node = await env.ns.walk(dir, who);
  // Who may not open clone may not use what another has opened either.
  (await env.ns.open(`${dir}/clone`, omode.rdwr, who)).close();
  const name = dir.slice(dir.lastIndexOf('/') + 1);
  return env.share(`pppoe ${node.qid.path} ${name}`, () => openEther(env, stats, dir, name, who));
}

async function openEther(
  env: Env,
  stats: Counters<string>,
  dir: string,
  name: string,
  who: Who,
): Promise<Ether> {
  const local = await address(env, dir, who);
  const ether = new Ether(name, local, stats, (e) => {
    env.log(`pppoe on ${name}: ${e instanceof Error ? e.stack : String(e)}`);
  });
  try {
    await attach(env, ether, dir, etherType.discovery, ether.discovery, who);
    await attach(env, ether, dir, etherType.session, ether.session, who);
  } catch (e) {
    ether.close();
    throw e;
  }
  return ether;
}

async function readAll(chan: Chan, who: Who): Promise<string> {
  return text(await chan.read(addr_bytes_max, 0, newReq(who))).trim();
}

/** The file `addr` of ether(3): twelve hex digits. */
async function address(env: Env, dir: string, who: Who): Promise<Mac> {
  const addr = await env.ns.open(`${dir}/addr`, omode.read, who);
  try {
    const said = await readAll(addr, who);
    const m = macOf(said);
    if (m === undefined || isGroup(m))
      throw refuse(`${dir}/addr is no Ethernet address: '${said}'`);
    return m;
  } finally {
    addr.close();
  }
}

/** A conversation of the interface for one ethertype, joined to `port`; its
 *  ctl stays open while it is used. */
async function attach(env: Env, e: Ether, dir: string, type: number, port: Port, who: Who) {
  const ctl = await env.ns.open(`${dir}/clone`, omode.rdwr, who);
  e.onclose(() => ctl.close());
  await ctl.write(utf8(`connect 0x${type.toString(16)}`), 0, newReq(who));
  const number = await readAll(ctl, who);
  if (!/^\d+$/.test(number)) throw refuse(`${dir}/clone gave no number but '${number}'`);
  const link: Link = await linkTo(env.ns, env.turn, `${dir}/${number}/data`, port, who);
  if (!link.fast) e.fast = false;
  e.onclose(() => void Promise.resolve(link.unbind('closed')).catch(() => undefined));
}
