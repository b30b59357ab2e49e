/** Plan 9's protocol directory, played: devip(3) and netif as they are, not as ours is. The number
 *  of a conversation is used again, its directory stays when it is closed, texts have no length,
 *  and an error says what Plan 9's kernel says. */
import {
  type Dir,
  type Node,
  type OpenFile,
  type Qid,
  qt,
  type Req,
  type Wait,
  type Who,
  wantsRead,
  wantsWrite,
} from '@9p/lib9p';
import { text as textOf, utf8 } from '@9p/packet';
import { QueueFile, refuse, words } from 'slashnet/core';

let paths = 0n;
const newQid = (type: number): Qid => ({ type, vers: 0, path: ++paths });
const eve = 'network';

type Opener = (mode: number, req: Req) => Wait<OpenFile>;

abstract class Entry implements Node {
  readonly name: string;
  readonly qid: Qid;
  perm: number;
  owner = eve;

  constructor(name: string, type: number, perm: number) {
    this.name = name;
    this.qid = newQid(type);
    this.perm = perm;
  }
  stat(): Dir {
    const { qid, name, owner: uid, perm } = this;
    const mode = ((qid.type << 24) | perm) >>> 0;
    return { qid, mode, atime: 0, mtime: 0, length: 0n, name, uid, gid: eve, muid: eve };
  }
  wstat(): void {
    refuseNow('permission denied');
  }
  abstract walk(name: string): Node | undefined;
  abstract list(): readonly Node[];
  abstract open(mode: number, req: Req): Wait<OpenFile>;
}

export const refuseNow = (why: string): never => {
  throw refuse(why);
};

export class Folder extends Entry {
  readonly #all: () => readonly Node[];
  constructor(name: string, all: () => readonly Node[]) {
    super(name, qt.dir, 0o555);
    this.#all = all;
  }
  walk(name: string): Node | undefined {
    return this.#all().find((n) => n.name === name);
  }
  list(): readonly Node[] {
    return this.#all();
  }
  open(): OpenFile {
    return refuseNow('is a directory');
  }
}

export class File extends Entry {
  readonly #open: Opener;
  constructor(name: string, perm: number, open: Opener) {
    super(name, qt.file, perm);
    this.#open = open;
  }
  walk(): undefined {
    refuseNow('not a directory');
  }
  list(): readonly Node[] {
    return refuseNow('not a directory');
  }
  allowed(mode: number, who: Who): boolean {
    const bits = who.owner ? 7 : (this.perm >> (who.uname === this.owner ? 6 : 0)) & 7;
    return (!wantsRead(mode) || (bits & 4) !== 0) && (!wantsWrite(mode) || (bits & 2) !== 0);
  }
  open(mode: number, req: Req): Wait<OpenFile> {
    if (!this.allowed(mode, req.who)) refuseNow('permission denied');
    return this.#open(mode, req);
  }
}

export interface Io {
  read?(n: number, offset: number, req: Req): Wait<Uint8Array>;
  write?(data: Uint8Array, req: Req): number;
  close?(): void;
}

export const opened = (qid: Qid, io: Io, node?: Node): OpenFile => ({
  qid,
  ready: true,
  onready: undefined,
  read: (n, offset, req) => io.read?.(n, offset, req) ?? refuseNow('permission denied'),
  write: (data, _offset, req) => io.write?.(data, req) ?? refuseNow('permission denied'),
  close: () => io.close?.(),
  ...(node === undefined ? {} : { node }),
});

const slice =
  (make: () => string) =>
  (n: number, offset: number): Uint8Array =>
    utf8(make()).subarray(offset, offset + n);

export function text(
  name: string,
  make: () => string,
  write?: (s: string) => void,
  perm = write === undefined ? 0o444 : 0o664,
): File {
  const f: File = new File(name, perm, () =>
    opened(f.qid, {
      read: slice(make),
      write(data) {
        if (write === undefined) return refuseNow('permission denied');
        write(textOf(data));
        return data.length;
      },
    }),
  );
  return f;
}

const queue_bytes = 256 * 1024;

/** What a protocol has beside ctl, data and the like. */
export interface Conversation {
  ctl(words: readonly string[], who: Who): void;
  /** A write to data. */
  send(data: Uint8Array): void;
  status(): string;
  local?(): string;
  remote?(): string;
  /** Further files: type of ether. */
  readonly files?: readonly Node[];
  /** The last of ctl, data, err and listen was closed. */
  close(): void;
}

/** What a conversation has of its directory. */
export interface Place {
  readonly x: number;
  /** To who reads data. */
  arrive(data: Uint8Array): void;
  /** Data reads give nothing more. */
  hangup(why: string): void;
}

class Slot implements Place {
  readonly x: number;
  readonly folder: Folder;
  readonly ctl: File;
  readonly #nodes: readonly File[];
  readonly #c: Conversation;
  readonly #ctl: Io;
  #queue = new QueueFile(newQid(0), queue_bytes, false);
  inuse = 0;

  constructor(x: number, number: string, make: (p: Place) => Conversation) {
    this.x = x;
    this.#ctl = {
      read: slice(() => number),
      write: (data, req) => this.#command(data, req.who),
    };
    this.#c = make(this);
    const c = this.#c;
    const held = (name: string, io: Io): File => {
      const f: File = new File(name, 0o660, (_mode, req) => this.open(f, io, req.who));
      return f;
    };
    this.ctl = held('ctl', this.#ctl);
    const data = held('data', {
      read: (n, offset, req) => this.#queue.read(n, offset, req),
      write: (b) => {
        c.send(b.slice());
        return b.length;
      },
    });
    const texts = [text('status', () => c.status())];
    if (c.local !== undefined) texts.push(text('local', () => c.local?.() ?? ''));
    if (c.remote !== undefined) texts.push(text('remote', () => c.remote?.() ?? ''));
    this.#nodes = [this.ctl, data, held('err', { read: () => new Uint8Array(0) }), ...texts];
    this.folder = new Folder(String(x), () => [...this.#nodes, ...(c.files ?? [])]);
  }

  open(f: File, io: Io, who: Who, node?: Node): OpenFile {
    if (this.inuse++ === 0) {
      this.#queue = new QueueFile(newQid(0), queue_bytes, false);
      for (const n of this.#nodes) n.owner = who.uname;
    }
    let open = true;
    const close = (): void => {
      if (!open) return;
      open = false;
      if (--this.inuse > 0) return;
      this.#c.close();
      this.hangup('hangup');
      for (const n of this.#nodes) n.owner = eve;
    };
    return opened(f.qid, { ...io, close }, node);
  }

  openCtl(who: Who): OpenFile {
    return this.open(this.ctl, this.#ctl, who, this.ctl);
  }

  #command(data: Uint8Array, who: Who): number {
    const f = words(textOf(data).trim());
    if (f.length === 0) refuseNow('short control request');
    this.#c.ctl(f, who);
    return data.length;
  }

  arrive(data: Uint8Array): void {
    this.#queue.put(data);
  }
  hangup(why: string): void {
    this.#queue.end(`i/o on hungup channel: ${why}`);
  }
}

export interface Protocol {
  readonly name: string;
  readonly most: number;
  readonly files: readonly Node[];
  /** What a read of ctl gives: netif writes a number of 11 columns and a blank. */
  number?(x: number): string;
  make(p: Place): Conversation;
}

export function device(p: Protocol): Folder {
  const slots: Slot[] = [];
  const free = (): Slot => {
    const idle = slots.find((s) => s.inuse === 0);
    if (idle !== undefined) return idle;
    if (slots.length >= p.most) refuseNow('no free devices');
    const x = slots.length;
    const slot = new Slot(x, p.number?.(x) ?? String(x), (place) => p.make(place));
    slots.push(slot);
    return slot;
  };
  const clone = new File('clone', 0o666, (_mode, req) => free().openCtl(req.who));
  return new Folder(p.name, () => [clone, ...p.files, ...slots.map((s) => s.folder)]);
}
