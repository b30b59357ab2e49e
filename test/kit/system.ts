/** A slashnet inside the test, and its files by path: read, write,
 *  clone, and what is behind data. */
import assert from 'node:assert/strict';
import {
  makeSystem,
  type OpenFile,
  omode,
  type Port,
  type System,
  type SystemOptions,
  type Who,
} from 'slashnet/core';
import { owner, request, Shell } from './files.js';

export { owner as glenda, request as reqOf };

export class Files {
  readonly system: System;
  /** Lines of the daemon's log that tell of a bug. */
  readonly bugs: string[] = [];
  readonly who: Who = owner;
  readonly #shell: Shell;

  constructor(o: Partial<SystemOptions> = {}) {
    const log = (l: string): void => void (/\bbug\b|plugin error/.test(l) && this.bugs.push(l));
    this.system = makeSystem({ plugins: [], poison: true, log, ...o });
    this.#shell = new Shell(this.system, this.who);
  }

  open(path: string, mode: number = omode.rdwr, who = this.who): Promise<OpenFile> {
    return this.#shell.as(who).open(path, mode);
  }
  /** What is behind a data file. */
  async port(path: string): Promise<Port> {
    const chan = await this.system.ns.open(path, omode.rdwr, this.who);
    assert.ok(chan.port !== undefined, `${path} has no port`);
    return chan.port;
  }
  read(path: string): Promise<string> {
    return this.#shell.cat(path);
  }
  async write(path: string, what: string, mode: number = omode.write, who = this.who) {
    const f = await this.open(path, mode, who);
    try {
      await this.#shell.write(f, what, request(who));
    } finally {
      f.close();
    }
  }
  /** A conversation as `cat clone` makes it: its directory. */
  async clone(layer: string): Promise<string> {
    return `${layer}/${await this.read(`${layer}/clone`)}`;
  }
  list(path: string): Promise<string[]> {
    return this.#shell.ls(path);
  }
}

export const soon = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

const look_ms = 10;
const limit_ms = 60_000;
/** For what another party does when it likes (the kernel tells of a link): look until it is so. */
export async function eventually(what: string, f: () => Promise<boolean> | boolean): Promise<void> {
  const end = performance.now() + limit_ms;
  while (!(await f())) {
    if (performance.now() > end) assert.fail(`not within ${limit_ms / 1000} s: ${what}`);
    await soon(look_ms);
  }
}
