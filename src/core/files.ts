/** Nodes made of tables: folders, text files, streams. Permission is
 *  checked at open, once (open(5)). */
import {
  type Dir,
  type DirChange,
  dmdir,
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
import { utf8 } from '@9p/packet';
import { Eperm, refuse } from './errors.js';
import type { FileDef } from './plugin.js';
import { QueueFile } from './queue.js';

let nextPath = 1n;
/** A qid that no other file has or had. */
export const newQid = (type: number): Qid => ({ type, vers: 0, path: nextPath++ });

/** The group whose members may use what its owner shares, if the system has it. */
export const group = 'slashnet';

/** Who has not said who he is owns nothing, whatever he made. */
export const nobody = 'none';

const started = Math.floor(Date.now() / 1000);

export function mayOpen(who: Who, owner: string, perm: number, mode: number): boolean {
  if (who.owner) return true;
  let bits = perm & 7;
  if (who.groups.includes(group)) bits |= (perm >> 3) & 7;
  if (who.uname === owner && owner !== nobody) bits |= (perm >> 6) & 7;
  return (!wantsRead(mode) || (bits & 4) !== 0) && (!wantsWrite(mode) || (bits & 2) !== 0);
}

export interface NodeOptions {
  readonly name: string;
  readonly perm: number;
  /** uid of the file: asked anew, as a conversation's owner may change. */
  owner(): string;
  /** What is read and written is shown in no trace. */
  readonly secret?: boolean;
  /** Bytes that a read would give now, where that is cheap to say: some versions of v9fs read
   *  nothing of a file of length 0. Streams have none. */
  length?(): number;
}

abstract class Base implements Node {
  readonly qid: Qid;
  readonly name: string;
  protected readonly o: NodeOptions;

  constructor(type: number, o: NodeOptions) {
    this.qid = newQid(type);
    this.name = o.name;
    this.o = o;
  }

  stat(): Dir {
    const uid = this.o.owner();
    return {
      qid: this.qid,
      mode: (this.o.perm | (this.qid.type & qt.dir ? dmdir : 0)) >>> 0,
      atime: started,
      mtime: started,
      length: BigInt(this.#length()),
      name: this.name,
      uid,
      gid: group,
      muid: uid,
    };
  }

  /** A text that cannot be made now is refused by the read, not by a listing. */
  #length(): number {
    try {
      return this.o.length?.() ?? 0;
    } catch {
      return 0;
    }
  }
  abstract walk(name: string, req: Req): Wait<Node | undefined>;
  abstract list(req: Req): Wait<readonly Node[]>;
  abstract open(mode: number, req: Req): Wait<OpenFile>;

  /** 9pfuse sends length 0 and v9fs mtime after `echo x > ctl`: both succeed and do nothing. */
  wstat(change: DirChange, _req: Req): void {
    if (change.name !== undefined && change.name !== this.name) throw refuse(Eperm);
    if (change.mode !== undefined || change.gid !== undefined) throw refuse(Eperm);
    if (change.length !== undefined && change.length !== 0n) throw refuse(Eperm);
  }
}

export interface FolderSource {
  find(name: string): Node | undefined;
  all(): readonly Node[];
}

export class Folder extends Base {
  readonly #source: FolderSource;
  constructor(o: NodeOptions, source: FolderSource) {
    super(qt.dir, o);
    this.#source = source;
  }
  walk(name: string): Node | undefined {
    return this.#source.find(name);
  }
  list(): readonly Node[] {
    return this.#source.all();
  }
  open(): OpenFile {
    throw refuse('is a directory');
  }
}

export type Opener = (mode: number, req: Req, qid: Qid) => Wait<OpenFile>;

export class FileNode extends Base {
  readonly #opener: Opener;
  readonly slow: boolean;
  readonly secret: boolean;
  constructor(o: NodeOptions, opener: Opener, slow = false) {
    super(qt.file, o);
    this.secret = o.secret === true;
    this.#opener = opener;
    this.slow = slow;
  }
  walk(): undefined {
    throw refuse('walk in non-directory');
  }
  list(): readonly Node[] {
    throw refuse('not a directory');
  }
  allowed(mode: number, req: Req): boolean {
    return mayOpen(req.who, this.o.owner(), this.o.perm, mode);
  }
  open(mode: number, req: Req): Wait<OpenFile> {
    if (!this.allowed(mode, req)) throw refuse(Eperm);
    return this.#opener(mode, req, this.qid);
  }
}

const nothing = new Uint8Array(0);

/** Text made anew by a read at offset 0, then sliced; by the first read in any case, which may
 *  be elsewhere (tail -c, dd skip=). */
export class TextFile implements OpenFile {
  readonly qid: Qid;
  readonly ready = true;
  onready: (() => void) | undefined;
  readonly #make: () => string;
  readonly #write: ((data: Uint8Array, req: Req) => Wait<void>) | undefined;
  #text: Uint8Array = nothing;

  constructor(qid: Qid, make: () => string, write?: (data: Uint8Array, req: Req) => Wait<void>) {
    this.qid = qid;
    this.#make = make;
    this.#write = write;
  }

  read(n: number, offset: number): Uint8Array {
    if (offset === 0 || this.#text === nothing) this.#text = utf8(this.#make());
    return this.#text.subarray(offset, offset + n);
  }
  write(data: Uint8Array, _offset: number, req: Req): Wait<number> {
    if (this.#write === undefined) throw refuse(Eperm);
    const done = this.#write(data, req);
    return done instanceof Promise ? done.then(() => data.length) : data.length;
  }
  close(): void {}
}

/** A file of text, whose length is told. */
export const textNode = (o: NodeOptions, make: () => string): FileNode =>
  new FileNode(
    { ...o, length: () => Buffer.byteLength(make()) },
    (_mode, _req, qid) => new TextFile(qid, make),
  );

const stream_bytes = 256 * 1024;
/** For whom a length is told: a stat does not say who asks. */
const anybody: Who = { uname: nobody, groups: [], owner: false };

/** The node of a plugin's file definition, for the thing `c` that it is about. */
export function defNode<C>(def: FileDef<C>, c: C, owner: () => string): FileNode {
  const o = { name: def.name, perm: def.perm, owner, secret: def.secret === true };
  if ('port' in def) throw new Error(`${def.name}: a data file belongs to a conversation`);
  if ('open' in def) {
    const length = (): number => def.length?.(c) ?? 0;
    return new FileNode({ ...o, length }, (mode, req, qid) => def.open(c, mode, req, qid));
  }
  if ('stream' in def)
    return new FileNode(o, (_mode, req, qid) => {
      const q = new QueueFile(qid, stream_bytes, true);
      q.onclose = def.stream(c, q, req);
      return q;
    });
  const write = def.write;
  return new FileNode(
    { ...o, length: () => Buffer.byteLength(def.text(c, anybody)) },
    (_mode, req, qid) =>
      new TextFile(
        qid,
        () => def.text(c, req.who),
        write === undefined ? undefined : (data, r) => write(c, data, r),
      ),
    write !== undefined,
  );
}

/** Nodes by name, in the order of a listing. */
export function folderOf(nodes: readonly Node[]): FolderSource {
  const byName = new Map(nodes.map((n) => [n.name, n]));
  return { find: (name) => byName.get(name), all: () => nodes };
}
