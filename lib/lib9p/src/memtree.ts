/** A tree made of values, for examples, tests and small servers:
 *
 *    memTree({
 *      readme: 'text',
 *      time: () => `${Date.now()}\n`,
 *      level: file({ read: () => `${level}\n`, write: (s) => setLevel(s) }),
 *      dir: { inner: 'text' },
 *    })
 *
 *  A function's text is made by a read at offset 0; the reads after it go on in the same text. */
import { text as textOf, utf8 } from './bytes.js';
import { Enocreate, Eperm, refuse } from './errors.js';
import { allowed, may, needed } from './perm.js';
import type { Dir, DirChange, Node, OpenFile, Qid, Req, Tree, Wait } from './tree.js';
import { dmdir, omode } from './tree.js';
import { then } from './wait.js';

type Content = string | Uint8Array;

/** A file whose content is made when it is read; without one of the two it is not opened for it. */
export interface FileSpec {
  readonly read?: (req: Req) => Wait<Content>;
  readonly write?: (text: string, req: Req) => Wait<void>;
}

export type Entry = Content | (() => Wait<Content>) | MadeFile | Entries;
export interface Entries {
  readonly [name: string]: Entry;
}

/** Tells a FileSpec from a directory that has a file `read`. */
class MadeFile {
  readonly spec: FileSpec;
  constructor(spec: FileSpec) {
    this.spec = spec;
  }
}

export const file = (spec: FileSpec): MadeFile => new MadeFile(spec);

export interface MemOptions {
  /** Whose files they are. */
  readonly owner?: string;
  /** Files of bytes can be written, made and removed, by whom the mode lets: others too. */
  readonly writable?: boolean;
  /** The time in seconds, for what is written; without it all is of 1970. */
  readonly now?: () => number;
}

const most_bytes = 64 * 1024 * 1024;

export function memTree(entries: Entries, options: MemOptions = {}): Tree {
  const shared: Shared = {
    owner: options.owner ?? 'none',
    fileMode: options.writable ? 0o666 : 0o444,
    dirMode: options.writable ? 0o777 : 0o555,
    now: options.now ?? (() => 0),
    paths: 0n,
  };
  const root = new MemDir(shared, '/', undefined);
  fill(root, entries);
  const attach = (aname: string): Wait<Node> => {
    const names = aname.split('/').filter((name) => name !== '');
    const at = names.reduce<MemNode | undefined>((dir, name) => dir?.child(name), root);
    return at ?? refuse(`no tree '${aname}'`);
  };
  return { attach: (_who, aname) => attach(aname) };
}

interface Shared {
  readonly owner: string;
  readonly fileMode: number;
  readonly dirMode: number;
  readonly now: () => number;
  paths: bigint;
}

function fill(dir: MemDir, entries: Entries): void {
  for (const [name, entry] of Object.entries(entries)) dir.put(make(dir, name, entry));
}

function make(dir: MemDir, name: string, entry: Entry): MemNode {
  if (typeof entry === 'string') return new MemFile(dir.shared, name, dir, utf8(entry));
  if (entry instanceof Uint8Array) return new MemFile(dir.shared, name, dir, new Uint8Array(entry));
  if (typeof entry === 'function') return new SpecFile(dir.shared, name, dir, { read: entry });
  if (entry instanceof MadeFile) return new SpecFile(dir.shared, name, dir, entry.spec);
  const inner = new MemDir(dir.shared, name, dir);
  fill(inner, entry);
  return inner;
}

/** What files and directories have in common. */
abstract class MemNode implements Node {
  readonly shared: Shared;
  name: string;
  mode: number;
  uid: string;
  readonly gid: string;
  protected vers = 0;
  protected mtime: number;
  protected readonly dir: MemDir | undefined;
  readonly #path: bigint;

  constructor(shared: Shared, name: string, dir: MemDir | undefined, mode: number) {
    this.shared = shared;
    this.name = name;
    this.dir = dir;
    this.mode = mode;
    this.uid = shared.owner;
    this.gid = shared.owner;
    this.mtime = shared.now();
    this.#path = ++shared.paths;
  }

  abstract readonly length: number;
  abstract open(mode: number, req: Req): Wait<OpenFile>;

  get qid(): Qid {
    return { type: this.mode >>> 24, vers: this.vers, path: this.#path };
  }

  stat(): Dir {
    const { qid, mode, mtime, name, uid, gid } = this;
    const length = BigInt(this.length);
    return { qid, mode, atime: mtime, mtime, length, name, uid, gid, muid: uid };
  }

  child(_name: string): MemNode | undefined {
    return undefined;
  }

  walk(name: string): MemNode | undefined {
    return this.child(name);
  }

  list(): readonly Node[] {
    return [];
  }

  wstat(change: DirChange, req: Req): void {
    const mine = req.who.owner || req.who.uname === this.uid;
    if (!mine && (change.mode !== undefined || change.mtime !== undefined)) refuse('not owner');
    if (change.gid !== undefined) refuse('not owner');
    if (change.name !== undefined) this.#rename(change.name, req);
    if (change.length !== undefined) this.truncate(Number(change.length), req);
    if (change.mode !== undefined) this.mode = ((this.mode & dmdir) | (change.mode & 0o777)) >>> 0;
    if (change.mtime !== undefined) this.mtime = change.mtime;
  }

  truncate(_length: number, _req: Req): void {
    refuse(Eperm);
  }

  remove(req: Req): void {
    const dir = this.dir ?? refuse('cannot remove root');
    if (!allowed(req.who, dir, may.write)) refuse(Eperm);
    if (this.list().length > 0) refuse('directory is not empty');
    dir.drop(this.name);
  }

  check(mode: number, req: Req): void {
    if (!allowed(req.who, this, needed(mode))) refuse(Eperm);
  }

  #rename(name: string, req: Req): void {
    const dir = this.dir ?? refuse('cannot rename root');
    if (!allowed(req.who, dir, may.write)) refuse(Eperm);
    if (name !== this.name && dir.child(name) !== undefined) refuse('file already exists');
    dir.drop(this.name);
    this.name = name;
    dir.put(this);
  }
}

class MemDir extends MemNode {
  readonly #children = new Map<string, MemNode>();
  readonly length = 0;

  constructor(shared: Shared, name: string, dir: MemDir | undefined) {
    super(shared, name, dir, (dmdir | shared.dirMode) >>> 0);
  }

  override child(name: string): MemNode | undefined {
    return this.#children.get(name);
  }

  override list(): readonly Node[] {
    return [...this.#children.values()];
  }

  put(node: MemNode): void {
    this.#children.set(node.name, node);
  }

  drop(name: string): void {
    this.#children.delete(name);
  }

  open(): Wait<OpenFile> {
    return refuse('is a directory');
  }

  create(name: string, perm: number, _mode: number, req: Req): OpenFile {
    if (!allowed(req.who, this, may.write))
      refuse(this.shared.fileMode === 0o444 ? Enocreate : Eperm);
    if (this.child(name) !== undefined) refuse('file already exists');
    const directory = (perm & dmdir) !== 0;
    const node = directory
      ? new MemDir(this.shared, name, this)
      : new MemFile(this.shared, name, this, new Uint8Array(0));
    const mask = directory ? 0o777 : 0o666;
    node.mode = ((node.mode & ~0o777) | (perm & (~mask | (this.mode & mask)) & 0o777)) >>> 0;
    node.uid = req.who.uname;
    this.put(node);
    return node instanceof MemFile ? node.opened() : new OpenDir(node);
  }
}

/** Bytes that stay. */
class MemFile extends MemNode {
  #bytes: Uint8Array;

  constructor(shared: Shared, name: string, dir: MemDir, bytes: Uint8Array) {
    super(shared, name, dir, shared.fileMode);
    this.#bytes = bytes;
  }

  get length(): number {
    return this.#bytes.length;
  }

  open(mode: number, req: Req): OpenFile {
    this.check(mode, req);
    if ((mode & omode.trunc) !== 0) this.resize(0);
    return this.opened();
  }

  opened(): OpenFile {
    return new OpenBytes(this);
  }

  override truncate(length: number, req: Req): void {
    this.check(omode.write, req);
    this.resize(length);
  }

  resize(length: number): void {
    if (length > most_bytes) refuse('file too large');
    const old = this.#bytes;
    this.#bytes = new Uint8Array(length);
    this.#bytes.set(old.subarray(0, length));
    this.touch();
  }

  touch(): void {
    this.vers = (this.vers + 1) >>> 0;
    this.mtime = this.shared.now();
  }

  readAt(n: number, offset: number): Uint8Array {
    return this.#bytes.subarray(offset, offset + n);
  }

  writeAt(data: Uint8Array, offset: number): number {
    if (offset + data.length > this.#bytes.length) this.resize(offset + data.length);
    this.#bytes.set(data, offset);
    this.touch();
    return data.length;
  }
}

class OpenBytes implements OpenFile {
  readonly node: MemFile;
  readonly ready = true;
  onready = undefined;

  constructor(node: MemFile) {
    this.node = node;
  }

  get qid(): Qid {
    return this.node.qid;
  }

  read(n: number, offset: number): Uint8Array {
    return this.node.readAt(n, offset);
  }

  write(data: Uint8Array, offset: number): number {
    return this.node.writeAt(data, offset);
  }

  close(): void {}
}

/** What a create of a directory opens: the front end reads directories by their nodes. */
class OpenDir implements OpenFile {
  readonly node: MemDir;
  readonly ready = true;
  onready = undefined;

  constructor(node: MemDir) {
    this.node = node;
  }

  get qid(): Qid {
    return this.node.qid;
  }

  read(): Uint8Array {
    return refuse('is a directory');
  }

  write(): number {
    return refuse('is a directory');
  }

  close(): void {}
}

/** Content made when asked for. */
class SpecFile extends MemNode {
  readonly spec: FileSpec;
  readonly length = 0;

  constructor(shared: Shared, name: string, dir: MemDir, spec: FileSpec) {
    super(shared, name, dir, (spec.read ? 0o444 : 0) | (spec.write ? 0o222 : 0));
    this.spec = spec;
  }

  open(mode: number, req: Req): OpenFile {
    this.check(mode & ~omode.trunc, req);
    return new OpenSpec(this);
  }

  /** Shells truncate what they write to. */
  override truncate(): void {}
}

class OpenSpec implements OpenFile {
  readonly node: SpecFile;
  readonly ready = true;
  onready = undefined;
  #content: Uint8Array | undefined;

  constructor(node: SpecFile) {
    this.node = node;
  }

  get qid(): Qid {
    return this.node.qid;
  }

  read(n: number, offset: number, req: Req): Wait<Uint8Array> {
    const known = offset > 0 ? this.#content : undefined;
    const content = known ?? then(this.node.spec.read?.(req) ?? refuse(Eperm), bytesOf);
    return then(content, (bytes) => (this.#content = bytes).subarray(offset, offset + n));
  }

  write(data: Uint8Array, _offset: number, req: Req): Wait<number> {
    const write = this.node.spec.write ?? refuse(Eperm);
    return then(write(textOf(data), req), () => data.length);
  }

  close(): void {}
}

const bytesOf = (content: Content): Uint8Array =>
  typeof content === 'string' ? utf8(content) : content;
