/** A little tree in memory, with one file of each kind that a front end must serve. */
import {
  type Dir,
  type DirChange,
  dmdir,
  FileError,
  type Node,
  type OpenFile,
  type Qid,
  qt,
  type Req,
  type Tree,
  type Wait,
  wantsWrite,
} from '@9p/lib9p';
import { text, utf8 } from '@9p/packet';
import { errnoOf, QueueFile } from 'slashnet/core';

let paths = 0n;
const none = { who: { uname: 'x', groups: [], owner: true }, iounit: 0, flushed: false };
export const req = (): Req => ({ ...none, onflush: undefined });

abstract class MemNode implements Node {
  readonly name: string;
  readonly qid: Qid;
  mode: number;
  uid = 'root';
  gid = 'root';
  mtime = 1_000_000_000;
  readonly changes: DirChange[] = [];

  constructor(name: string, mode: number) {
    this.name = name;
    this.mode = mode;
    this.qid = { type: mode >= dmdir ? qt.dir : qt.file, vers: 0, path: ++paths };
  }
  stat(): Wait<Dir> {
    const { qid, mode, mtime, name, uid, gid } = this;
    return { qid, mode, atime: mtime, mtime, length: 0n, name, uid, gid, muid: uid };
  }
  walk(_name: string, _req: Req): Wait<Node | undefined> {
    throw new FileError('not a directory');
  }
  list(_req: Req): Wait<readonly Node[]> {
    throw new FileError('not a directory');
  }
  open(_mode: number, _req: Req): Wait<OpenFile> {
    throw new FileError('is a directory');
  }
  wstat(change: DirChange): void {
    this.changes.push(change);
    if (change.mode !== undefined) this.mode = change.mode;
    if (change.mtime !== undefined) this.mtime = change.mtime;
  }
}

export class MemDir extends MemNode {
  readonly files = new Map<string, Node>();
  constructor(name: string, files: readonly Node[] = []) {
    super(name, dmdir + 0o755);
    for (const f of files) this.add(f);
  }
  add(node: Node): void {
    this.files.set(node.name, node);
  }
  override walk(name: string): Node | undefined {
    return this.files.get(name);
  }
  override list(): Node[] {
    return [...this.files.values()];
  }
}

/** What all open files here have; each kind overrides what it does. */
class MemFile implements OpenFile {
  readonly qid: Qid;
  ready = true;
  onready: (() => void) | undefined;
  readonly onclose: (() => void) | undefined;
  constructor(qid: Qid, onclose?: () => void) {
    this.qid = qid;
    this.onclose = onclose;
  }
  read(_n: number, _offset: number, _req: Req): Wait<Uint8Array> {
    throw new FileError('permission denied');
  }
  write(_data: Uint8Array, _offset: number, _req: Req): Wait<number> {
    throw new FileError('permission denied');
  }
  close(): void {
    this.onclose?.();
  }
}

/** Text made when read from the beginning. */
export class TextNode extends MemNode {
  readonly #text: () => string;
  opens = 0;
  slowly = false;
  /** Its conversation is no more. */
  gone = false;
  constructor(name: string, content: () => string, mode = 0o444) {
    super(name, mode);
    this.#text = content;
  }
  override open(mode: number, req: Req): OpenFile {
    if (this.gone) throw new FileError('file not found');
    if (wantsWrite(mode) && (this.mode & 0o222) === 0) throw new FileError('permission denied');
    if (!req.who.owner && (this.mode & 4) === 0) throw new FileError('permission denied');
    this.opens++;
    const file = new MemFile(this.qid, () => void this.opens--);
    let bytes: Uint8Array | undefined;
    file.read = (n, offset) => {
      if (bytes === undefined || offset === 0) bytes = utf8(this.#text());
      const part = bytes.subarray(offset, offset + n);
      return this.slowly ? Promise.resolve(part) : part;
    };
    file.write = (data) => data.length;
    return file;
  }
}

/** `connect` waits for a peer who says nothing, until `hangup`; `fail TEXT` fails with it. */
export class CtlNode extends MemNode {
  readonly slow = true;
  readonly log: string[] = [];
  #abort: ((why: string) => void) | undefined;
  constructor(name = 'ctl') {
    super(name, 0o660);
  }
  get connecting(): boolean {
    return this.#abort !== undefined;
  }
  override open(): OpenFile {
    const file = new MemFile(this.qid);
    file.read = (n, offset) => utf8('0').subarray(offset, offset + n);
    file.write = (data, _offset, r) => this.#run(text(data).trim(), data.length, r);
    return file;
  }
  #run(verb: string, n: number, r: Req): Wait<number> {
    this.log.push(verb);
    if (verb === 'connect') return this.#connect(r);
    if (verb.startsWith('fail ')) throw new FileError(verb.slice(5));
    if (verb === 'hangup') this.#abort?.('hung up');
    else if (verb === 'bug') throw new TypeError('a bug');
    return n;
  }
  #connect(r: Req): Promise<number> {
    return new Promise((_, reject) => {
      this.#abort = (why) => {
        this.#abort = undefined;
        reject(new FileError(why));
      };
      r.onflush = () => this.#abort?.('interrupted');
    });
  }
}

/** Each opener reads what is put from then on. */
export class EventNode extends MemNode {
  readonly readers = new Set<QueueFile>();
  constructor(name = 'event') {
    super(name, 0o440);
  }
  override open(): OpenFile {
    const file = new QueueFile(this.qid, 65536, true);
    file.onclose = () => this.readers.delete(file);
    this.readers.add(file);
    return file;
  }
  put(s: string): void {
    for (const r of this.readers) r.put(utf8(s));
  }
}

/** What is written comes back, a record for a record. */
export class DataNode extends MemNode {
  constructor(name = 'data') {
    super(name, 0o660);
  }
  override open(): OpenFile {
    const file = new QueueFile(this.qid, 65536, false);
    file.onwrite = (data) => {
      file.put(data.slice());
      return data.length;
    };
    return file;
  }
}

export interface Mem extends Tree {
  readonly root: MemDir;
  readonly ctl: CtlNode;
  readonly event: EventNode;
  readonly conversation: MemDir;
}

const noise = utf8('0123456789abcdef'.repeat(8192));

/** As many bytes as are asked for at any offset, for measurements;
 *  what is written to it is taken. */
class EndlessNode extends MemNode {
  constructor(name = 'endless') {
    super(name, 0o666);
  }
  override open(): OpenFile {
    return new EndlessFile(this.qid);
  }
}
class EndlessFile extends MemFile {
  override read(n: number): Uint8Array {
    return noise.subarray(0, n);
  }
  override write(data: Uint8Array): number {
    return data.length;
  }
}

const line1400 = `${'0123456789abcdef'.repeat(88).slice(0, 1399)}\n`;

export function memTree(): Mem {
  const ctl = new CtlNode();
  const event = new EventNode();
  const conversation = new MemDir('0', [
    ctl,
    event,
    new DataNode(),
    new TextNode('status', () => 'Connected mtu 1492\n'),
    new TextNode(
      'count',
      () => `events opened: ${event.readers.size}\nwaiting: ${ctl.connecting}\n`,
    ),
    new TextNode('big', () => '0123456789abcdef'.repeat(25_000)),
    new TextNode('secret', () => 'hidden\n', 0o400),
    new TextNode('stats', () => line1400, 0o666),
    new EndlessNode(),
  ]);
  const tick = new TextNode('tick', () => {
    event.put('tick\n');
    return `errno of busy is ${errnoOf('busy')}\n`;
  });
  const root = new MemDir('/', [new MemDir('ppp', [conversation]), tick]);
  return { root, ctl, event, conversation, attach: () => root };
}
