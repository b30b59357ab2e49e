/** The interface that `connect` makes: an ipifc, cloned through the name space and bound to our
 *  data; one of another machine, which has no path to our data, is joined to it through its own. */
import { text, utf8 } from '@9p/packet';
import {
  type Chan,
  type Env,
  errorText,
  isChannel,
  type Link,
  linkTo,
  type Namespace,
  newReq,
  omode,
  type Port,
  refuse,
  type Who,
} from 'slashnet/core';
import { ipText } from './address.js';
import type { IpcpResult } from './ipcp.js';

export interface InterfaceOptions {
  /** Where the IP stack is: "/net". */
  readonly net: string;
  /** "/ppp/0/data" */
  readonly data: string;
  /** What is behind it. */
  readonly upper: Port;
  readonly ifname: string | undefined;
  readonly primary: boolean;
  readonly proxy: boolean;
  readonly speed: number;
}

export class Interface {
  readonly #ns: Namespace;
  readonly #who: Who;
  readonly #o: InterfaceOptions;
  readonly #ctl: Chan;
  /** "/net/ipifc/3" */
  readonly path: string;
  /** To the data file of a stack that is not ours. */
  #link: Link | undefined;
  #ip: Readonly<IpcpResult> | undefined;
  #mtu = 0;
  #linkLocal: string | undefined;
  /** How to undo, last first. */
  readonly #undo: (() => Promise<void>)[] = [];

  constructor(ns: Namespace, who: Who, o: InterfaceOptions, ctl: Chan, n: string) {
    this.#ns = ns;
    this.#who = who;
    this.#o = o;
    this.#ctl = ctl;
    this.path = `${o.net}/ipifc/${n}`;
  }

  /** Cloned, named and bound; without addresses. */
  static async make(env: Env, who: Who, o: InterfaceOptions): Promise<Interface> {
    const { ns } = env;
    const ctl = await ns.open(`${o.net}/ipifc/clone`, omode.rdwr, who);
    try {
      const n = text(await ctl.read(32, 0, newReq(who))).trim();
      const it = new Interface(ns, who, o, ctl, n);
      await it.#bind(env);
      return it;
    } catch (e) {
      ctl.close();
      throw e;
    }
  }

  async #bind(env: Env): Promise<void> {
    const { ifname, data, upper, speed } = this.#o;
    const theirs = `${this.path}/data`;
    if (isChannel(await this.#ns.walk(theirs, this.#who))) {
      if (ifname !== undefined) await this.#write(`ifname ${ifname}`);
      await this.#write(`bind ${data}`);
    } else {
      await this.#write(ifname === undefined ? 'bind pkt' : `bind pkt ${ifname}`);
      this.#link = await linkTo(this.#ns, env.turn, theirs, upper, this.#who);
    }
    if (speed > 0) await this.#write(`speed ${speed}`).catch(unlessUnknown);
  }

  async #write(message: string): Promise<void> {
    await this.#ctl.write(utf8(message), 0, newReq(this.#who));
  }

  async addIp(ip: Readonly<IpcpResult>, mtu: number): Promise<void> {
    const [local, remote] = [ipText(ip.local), ipText(ip.remote)];
    this.#ip = ip;
    this.#mtu = mtu;
    await this.#write(
      `add ${local} 255.255.255.255 ${remote} ${mtu}${this.#o.proxy ? ' proxy' : ''}`,
    );
    if (this.#o.primary)
      await this.#primary(local, remote, ip.dns.filter((a) => a !== 0).map(ipText));
  }

  /** The addresses after a renegotiation, if they or the mtu are others. */
  async changeIp(ip: Readonly<IpcpResult>, mtu: number): Promise<void> {
    const was = this.#ip;
    if (was?.local === ip.local && was.remote === ip.remote && mtu === this.#mtu) return;
    await this.#takeBack();
    if (was !== undefined)
      await this.#write(`remove ${ipText(was.local)} 255.255.255.255 ${ipText(was.remote)}`);
    await this.addIp(ip, mtu);
  }

  /** In place of the one from before a renegotiation, if that was another. */
  async addLinkLocal(address: string): Promise<void> {
    const was = this.#linkLocal;
    if (was === address) return;
    this.#linkLocal = address;
    if (was !== undefined) await this.#write(`remove ${was} /64`);
    await this.#write(`add ${address} /64`);
  }

  /** Default route and name servers, as ppp(8) -P; both are taken back at the end. */
  async #primary(local: string, remote: string, dns: readonly string[]): Promise<void> {
    await this.#put('iproute', `add 0 0 ${remote}`);
    this.#undo.push(() => this.#put('iproute', `remove 0 0 ${remote}`));
    const head = `ip=${local}`;
    const servers = dns.map((a) => `\tdns=${a}\n`).join('');
    await this.#put('ndb', `${head} ipmask=255.255.255.255 ipgw=${remote}\n${servers}`);
    this.#undo.push(() => this.#put('ndb', `${head}\n`));
  }

  async #put(file: string, message: string): Promise<void> {
    const path = `${this.#o.net}/${file}`;
    const f = await this.#ns.open(path, omode.write, this.#who);
    try {
      await f.write(utf8(message), 0, newReq(this.#who));
    } catch (e) {
      throw refuse(`${path}: ${errorText(e)}`);
    } finally {
      f.close();
    }
  }

  /** Done when the interface is gone. What cannot be undone is told to `log`. */
  async close(log: (line: string) => void): Promise<void> {
    const told = (e: unknown) => log(`undoing ${this.path}: ${errorText(e)}`);
    await this.#takeBack().catch(told);
    await this.#link?.unbind('the link is down');
    await this.#write('unbind').catch(told);
    this.#ctl.close();
  }

  async #takeBack(): Promise<void> {
    for (const f of this.#undo.splice(0).reverse()) await f();
  }
}

/** The stack of Plan 9 from Bell Labs has no message `speed`; 9front's has. */
function unlessUnknown(e: unknown): void {
  if (!/unknown control message/.test(errorText(e))) throw e;
}
