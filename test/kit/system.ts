/** A slashnet inside the test, and its files as a user has them: read, write, clone. */
import assert from 'node:assert/strict';
import { text, utf8 } from '@9p/packet';
import {
  makeSystem,
  type OpenFile,
  omode,
  type Port,
  type Req,
  type System,
  type SystemOptions,
  type Who,
} from 'slashnet/core';

export const glenda: Who = { uname: 'glenda', groups: [], owner: true };
export const reqOf = (who: Who = glenda): Req => ({
  who,
  iounit: 0,
  flushed: false,
  onflush: undefined,
});

export class Files {
  readonly system: System;
  /** Lines of the daemon's log that tell of a bug. */
  readonly bugs: string[] = [];
  readonly who: Who = glenda;

  constructor(o: Partial<SystemOptions> = {}) {
    const log = (l: string): void => void (/\bbug\b|plugin error/.test(l) && this.bugs.push(l));
    this.system = makeSystem({ plugins: [], poison: true, log, ...o });
  }

  async open(path: string, mode: number = omode.rdwr, who = this.who): Promise<OpenFile> {
    return (await this.system.ns.walk(path, who)).open(mode, reqOf(who));
  }
  /** What is behind a data file. */
  async port(path: string): Promise<Port> {
    const chan = await this.system.ns.open(path, omode.rdwr, this.who);
    assert.ok(chan.port !== undefined, `${path} has no port`);
    return chan.port;
  }
  async read(path: string): Promise<string> {
    const f = await this.open(path, omode.read);
    const b = await f.read(65536, 0, reqOf());
    f.close();
    return text(b);
  }
  async write(path: string, what: string, mode: number = omode.write, who = this.who) {
    const f = await this.open(path, mode, who);
    try {
      await f.write(utf8(what), 0, reqOf(who));
    } finally {
      f.close();
    }
  }
  /** A conversation as `cat clone` makes it: its directory. */
  async clone(layer: string): Promise<string> {
    return `${layer}/${await this.read(`${layer}/clone`)}`;
  }
  async list(path: string): Promise<string[]> {
    const node = await this.system.ns.walk(path, this.who);
    return (await node.list(reqOf())).map((n) => n.name);
  }
}

export const soon = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

const look_ms = 10;
const looks_max = 300;
/** For what another party does when it likes (the kernel tells of a link): look until it is so. */
export async function eventually(what: string, f: () => Promise<boolean> | boolean): Promise<void> {
  for (let i = 0; i < looks_max; i++) {
    if (await f()) return;
    await soon(look_ms);
  }
  assert.fail(`not within ${(looks_max * look_ms) / 1000} s: ${what}`);
}
