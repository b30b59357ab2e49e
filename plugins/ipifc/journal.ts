/** Routes and proxy ARP on interfaces that are not ours outlive us: noted in a file of the runtime
 *  directory, so that after a kill -9 the next daemon takes them back. */
import { readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fromHex, hex } from '@9p/packet';
import { type Route, routeProtocol, routeTable, routeType } from '@9p/rawio/netlink';
import { alive } from 'slashnet/core';

const lines_max = 65_536;

/** The network namespace, or nothing where /proc does not say. */
function netns(): string {
  try {
    return readlinkSync('/proc/self/ns/net');
  } catch {
    return '';
  }
}

/** `dst/len gateway oif`, addresses in hexadecimal. */
export function lineOf(r: Route): string {
  return `${hex(r.dst)}/${r.dstLen} ${r.gateway === undefined ? '-' : hex(r.gateway)} ${r.oif}`;
}

/** Undefined for a line that no journal has. */
export function parseLine(line: string): Route | undefined {
  const m = /^((?:[0-9a-f]{8}){1,4})\/(\d{1,3}) (-|[0-9a-f]{8,32}) (\d{1,9})$/.exec(line);
  if (m === null) return undefined;
  const [, dst = '', dstLen = '', gateway = '', oif = ''] = m;
  const whole = dst.length === 8 || dst.length === 32;
  if (!whole || Number(dstLen) > dst.length * 4) return undefined;
  if (gateway !== '-' && gateway.length !== dst.length) return undefined;
  return {
    dst: fromHex(dst),
    dstLen: Number(dstLen),
    ...(gateway === '-' ? {} : { gateway: fromHex(gateway) }),
    oif: Number(oif),
    table: routeTable.main,
    protocol: routeProtocol,
    type: routeType.unicast,
    metric: 0,
  };
}

export class Journal {
  readonly #directory: () => string;
  readonly #name: string;
  #written = false;

  constructor(directory: () => string, name = 'routes') {
    this.#directory = directory;
    this.#name = name;
  }

  #file(): string {
    return join(this.#directory(), `${this.#name}.${process.pid}`);
  }

  /** What is to be taken back if we die now. */
  write(routes: readonly Route[]): void {
    if (routes.length === 0) {
      if (this.#written) rmSync(this.#file(), { force: true });
      this.#written = false;
      return;
    }
    this.#written = true;
    const lines = [netns(), ...routes.map(lineOf)].map((l) => `${l}\n`).join('');
    writeFileSync(this.#file(), lines, { mode: 0o600 });
  }

  /** The routes that daemons which are no more left in this network namespace; told once. */
  left(): Route[] {
    const dir = this.#directory();
    const out: Route[] = [];
    for (const name of readdirSync(dir)) {
      const file = /^([a-z]+)\.(\d{1,9})$/.exec(name);
      if (file?.[1] !== this.#name || alive(Number(file[2]))) continue;
      const [where, ...lines] = readFileSync(join(dir, name), 'utf8').split('\n', lines_max);
      if (where !== netns()) continue;
      rmSync(join(dir, name), { force: true });
      out.push(...lines.map(parseLine).filter((r) => r !== undefined));
    }
    return out;
  }
}
