/** Files of a system as a shell has them: cat, echo, and an open file with short methods. */
import { newReq, type OpenFile, omode, type Req, type Who } from '@9p/lib9p';
import { text, utf8 } from '@9p/packet';
import type { System } from 'slashnet/core';

export const owner: Who = { uname: 'glenda', groups: [], owner: true };
export const request = (who: Who = owner, iounit = 0): Req => newReq(who, iounit);
/** The client went away. */
export function flush(req: Req): void {
  req.flushed = true;
  req.onflush?.();
}

const bytesOf = (what: string | Uint8Array): Uint8Array =>
  typeof what === 'string' ? utf8(what) : what;

export class Shell {
  readonly s: System;
  readonly who: Who;

  constructor(s: System, who: Who = owner) {
    this.s = s;
    this.who = who;
  }
  /** The same system for somebody else. */
  as(who: Who): Shell {
    return new Shell(this.s, who);
  }

  async open(path: string, mode: number = omode.rdwr, iounit = 0): Promise<OpenFile> {
    const node = await this.s.ns.walk(path, this.who);
    return node.open(mode, request(this.who, iounit));
  }
  async read(f: OpenFile, n = 65536, req = request(this.who)): Promise<string> {
    return text(await f.read(n, 0, req));
  }
  async write(f: OpenFile, what: string | Uint8Array, req = request(this.who)): Promise<number> {
    return f.write(bytesOf(what), 0, req);
  }

  async cat(path: string): Promise<string> {
    const f = await this.open(path, omode.read);
    try {
      return await this.read(f);
    } finally {
      f.close();
    }
  }
  async echo(what: string | Uint8Array, path: string): Promise<void> {
    const f = await this.open(path, omode.write | omode.trunc);
    try {
      await this.write(f, what);
    } finally {
      f.close();
    }
  }
  /** The text with which `echo` is refused. */
  async refusal(what: string | Uint8Array, path: string): Promise<string> {
    try {
      await this.echo(what, path);
    } catch (e) {
      return (e as Error).message;
    }
    throw new Error(`'${typeof what === 'string' ? what : 'bytes'}' to ${path} was accepted`);
  }
  /** A kept conversation, as `cat clone` makes it; its directory. */
  async clone(layer: string): Promise<string> {
    return `/${layer}/${(await this.cat(`/${layer}/clone`)).trim()}`;
  }
  async ls(path: string): Promise<string[]> {
    const node = await this.s.ns.walk(path, this.who);
    return (await node.list(request(this.who))).map((n) => n.name);
  }
}
