/** A tree made of values, for examples, tests and small servers:
 *
 *    memTree({
 *      readme: 'text',
 *      time: () => `${Date.now()}\n`,
 *      level: file({ read: () => `${level}\n`, write: (s) => setLevel(s) }),
 *      dir: { inner: 'text' },
 *      diary: attrs({ perm: dmappend | 0o644, uid: 'glenda' }, 'Dear diary\n'),
 *    })
 *
 *  A function's text is made by a read at offset 0; the reads after it go on in the same text. */
import { text as textOf, utf8 } from './bytes.js';
import { Efound, Enocreate, Enoremove, Eperm, refuse } from './errors.js';
import { allowed, may, needed } from './perm.js';
import type { Dir, DirChange, Node, OpenFile, Qid, Req, Tree, Wait } from './tree.js';
import { dmappend, dmdir, dmexcl, dmtmp, omode } from './tree.js';
import { then } from './wait.js';

type Content = string | Uint8Array;

/** A file whose content is made when it is read; without one of the two it is not opened for it. */
export interface FileSpec {
  readonly read?: (req: Req) => Wait<Content>;
  readonly write?: (text: string, req: Req) => Wait<void>;
}

export type Entry = Content | (() => Wait<Content>) | MadeFile | Attributed | Entries;
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

/** What an entry has that the rest of the tree has not; `perm` as in a create, dmdir left out. */
export interface Attrs {
  readonly perm?: number;
  readonly uid?: string;
  readonly gid?: string;
}

class Attributed {
  readonly attrs: Attrs;
  readonly entry: Entry;
  constructor(attrs: Attrs, entry: Entry) {
    this.attrs = attrs;
    this.entry = entry;
  }
}

export const attrs = (a: Attrs, entry: Entry): Attributed => new Attributed(a, entry);

export interface MemOptions {
  /** Whose files they are. */
  readonly owner?: string;
  /** Files of bytes can be written, made and removed, by whom the mode lets: others too. */
  readonly writable?: boolean;
  /** The time in seconds, for what is written; without it all is of 1970. */
  readonly now?: () => number;
}

const most_bytes = 64 * 1024 * 1024;
const name_bytes = 255;
/** Bits of a mode that say what becomes of writes and opens. */
const kept_bits = dmappend | dmexcl | dmtmp;
const mode_bits = (dmdir | kept_bits | 0o777) >>> 0;

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
  if (entry instanceof Attributed) return attribute(make(dir, name, entry.entry), entry.attrs);
  const inner = new MemDir(dir.shared, name, dir);
  fill(inner, entry);
  return inner;
}

function attribute(node: MemNode, { perm, uid = node.uid, gid = node.gid }: Attrs): MemNode {
  if (perm !== undefined) node.mode = ((node.mode & dmdir) | perm) >>> 0;
  return Object.assign(node, { uid, gid, muid: uid });
}

/** What files and directories have in common. */
abstract class MemNode implements Node {
  readonly shared: Shared;
  name: string;
  mode: number;
  uid: string;
  gid: string;
  muid: string;
  protected vers = 0;
  protected mtime: number;
  protected readonly dir: MemDir | undefined;
  readonly #path: bigint;

  constructor(shared: Shared, name: string, dir: MemDir | undefined, mode: number) {
    this.shared = shared;
    this.name = name;
    this.dir = dir;
    this.mode = mode;
    this.uid = this.gid = this.muid = shared.owner;
    this.mtime = shared.now();
    this.#path = ++shared.paths;
  }

  abstract readonly length: number;
  abstract open(mode: number, req: Req): Wait<OpenFile>;

  get qid(): Qid {
    return { type: this.mode >>> 24, vers: this.vers, path: this.#path };
  }

  stat(): Dir {
    const { qid, mode, mtime, name, uid, gid, muid } = this;
    const length = BigInt(this.length);
    return { qid, mode, atime: mtime, mtime, length, name, uid, gid, muid };
  }

  child(_name: string): MemNode | undefined {
    return undefined;
  }

  walk(_name: string, _req: Req): MemNode | undefined {
    return undefined;
  }

  list(_req: Req): readonly Node[] {
    return [];
  }

  /** All of it or nothing: every change is checked before the first is made. */
  wstat(change: DirChange, req: Req): void {
    const { name, mode, mtime, length, gid } = change;
    if (mode !== undefined || mtime !== undefined || gid !== undefined) this.#checkOwner(req, gid);
    if (mode !== undefined && (mode & ~mode_bits) !== 0) refuse('unknown bits in mode');
    if (name !== undefined) this.#checkName(name, req);
    if (length !== undefined) this.checkLength(length, req);
    if (name !== undefined) this.#rename(name, req);
    if (length !== undefined) this.truncate(Number(length), req);
    if (mode !== undefined) this.mode = ((this.mode & dmdir) | (mode & ~dmdir)) >>> 0;
    if (mtime !== undefined) this.mtime = mtime;
    if (gid !== undefined) this.gid = gid;
  }

  checkLength(_length: bigint, _req: Req): void {}

  truncate(_length: number, _req: Req): void {}

  remove(req: Req): void {
    const dir = this.parent('cannot remove root');
    dir.checkWrite(req);
    this.checkRemove();
    dir.drop(this, req);
  }

  checkRemove(): void {}

  check(mode: number, req: Req): void {
    if (!allowed(req.who, this, needed(mode))) refuse(Eperm);
  }

  /** The contents were changed by who asks. */
  touch(req: Req): void {
    this.vers = (this.vers + 1) >>> 0;
    this.mtime = this.shared.now();
    this.muid = req.who.uname;
  }

  /** The directory that it is in; not where it was before it was removed. */
  protected parent(root: string): MemDir {
    const dir = this.dir ?? refuse(root);
    return dir.child(this.name) === this ? dir : refuse(Efound);
  }

  /** Mode, time and group are the owner's to change; the group to one that he is in. */
  #checkOwner({ who }: Req, gid: string | undefined): void {
    if (who.owner) return;
    if (who.uname !== this.uid) refuse('not owner');
    if (gid === undefined || gid === this.gid || gid === who.uname) return;
    if (!who.groups.includes(gid)) refuse('not in group');
  }

  #checkName(name: string, req: Req): void {
    const dir = this.parent('cannot rename root');
    dir.checkWrite(req);
    if (name !== this.name) dir.checkName(name);
  }

  #rename(name: string, req: Req): void {
    const dir = this.dir!;
    dir.drop(this, req);
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

  override walk(name: string, req: Req): MemNode | undefined {
    if (!allowed(req.who, this, may.exec)) refuse(Eperm);
    return this.child(name);
  }

  override list(req: Req): readonly Node[] {
    this.check(omode.read, req);
    return [...this.#children.values()];
  }

  put(node: MemNode): void {
    this.#children.set(node.name, node);
  }

  checkWrite(req: Req): void {
    if (!allowed(req.who, this, may.write)) refuse(Eperm);
  }

  /** Of a new file. */
  checkName(name: string): void {
    if (this.child(name) !== undefined) refuse('file already exists');
    if (Buffer.byteLength(name) > name_bytes) refuse('name too long');
  }

  drop(node: MemNode, req: Req): void {
    this.#children.delete(node.name);
    this.touch(req);
  }

  override checkRemove(): void {
    if (this.#children.size > 0) refuse('directory is not empty');
  }

  open(): Wait<OpenFile> {
    return refuse('is a directory');
  }

  create(name: string, perm: number, _mode: number, req: Req): OpenFile {
    if (!allowed(req.who, this, may.write))
      refuse(this.shared.fileMode === 0o444 ? Enocreate : Eperm);
    if (this.dir !== undefined) this.parent('');
    this.checkName(name);
    if ((perm & ~mode_bits) !== 0) refuse('unknown bits in mode');
    const directory = (perm & dmdir) !== 0;
    const node = directory
      ? new MemDir(this.shared, name, this)
      : new MemFile(this.shared, name, this, new Uint8Array(0));
    const mask = directory ? 0o777 : 0o666;
    node.mode = (perm & (~mask | (this.mode & mask) | ~0o777)) >>> 0;
    node.uid = node.muid = req.who.uname;
    node.gid = this.gid;
    this.put(node);
    this.touch(req);
    return node instanceof MemFile ? node.opened() : new OpenDir(node);
  }
}

/** Bytes that stay. */
class MemFile extends MemNode {
  /** The content, and room behind it that is all zeros. */
  #room: Uint8Array;
  #length: number;
  #opens = 0;

  constructor(shared: Shared, name: string, dir: MemDir, bytes: Uint8Array) {
    super(shared, name, dir, shared.fileMode);
    this.#room = bytes;
    this.#length = bytes.length;
  }

  get length(): number {
    return this.#length;
  }

  open(mode: number, req: Req): OpenFile {
    this.parent('');
    this.check(mode, req);
    if ((this.mode & dmexcl) !== 0 && this.#opens > 0) refuse('exclusive use file already open');
    // Who may only append does not truncate.
    if ((mode & omode.trunc) !== 0 && (this.mode & dmappend) === 0) this.truncate(0, req);
    return this.opened();
  }

  opened(): OpenFile {
    this.#opens++;
    return new OpenBytes(this);
  }

  closed(): void {
    this.#opens--;
  }

  override checkLength(length: bigint, req: Req): void {
    this.check(omode.write, req);
    if (length > most_bytes) refuse('file too large');
  }

  override truncate(length: number, req: Req): void {
    this.#resize(length);
    this.touch(req);
  }

  readAt(n: number, offset: number): Uint8Array {
    return this.#room.subarray(offset, Math.min(offset + n, this.#length));
  }

  writeAt(data: Uint8Array, at: number, req: Req): number {
    if (data.length === 0) return 0;
    const offset = (this.mode & dmappend) === 0 ? at : this.#length;
    if (offset + data.length > this.#length) this.#resize(offset + data.length);
    this.#room.set(data, offset);
    this.touch(req);
    return data.length;
  }

  #resize(length: number): void {
    if (length > most_bytes) refuse('file too large');
    if (length > this.#room.length) {
      const old = this.#room;
      this.#room = new Uint8Array(Math.min(Math.max(length, 2 * old.length), most_bytes));
      this.#room.set(old);
    }
    if (length < this.#length) this.#room.fill(0, length, this.#length);
    this.#length = length;
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

  write(data: Uint8Array, offset: number, req: Req): number {
    return this.node.writeAt(data, offset, req);
  }

  close(): void {
    this.node.closed();
  }
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

  override checkRemove(): void {
    refuse(Enoremove);
  }

  /** Clients truncate what they write to, and set its time: nothing that is here. */
  override wstat(change: DirChange, req: Req): void {
    const { length: _, mtime: _time, ...rest } = change;
    super.wstat(rest, req);
  }
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
