/** What a client asks in 9P2000.L where it has other messages: the same operations, in Linux's
 *  structures and flags. */
import type { Accounts } from './accounts.js';
import type { Cancel } from './cancel.js';
import type { Client, Reply } from './client.js';
import { FileError, refuse } from './errors.js';
import { nouid } from './fcall.js';
import { Reader } from './reader.js';
import { type Dir, type DirChange, dmdir, omode, type Qid } from './tree.js';

/** open(2), with the numbers of the protocol. */
const oflag = { creat: 0o100, excl: 0o200, trunc: 0o1000, directory: 0o200000 } as const;
/** All that stat(2) tells. */
const basic = 0x7ffn;
/** Bits of Tsetattr.valid. */
const set = { mode: 1, gid: 4, length: 8, mtime: 0x20, mtimeGiven: 0x100 } as const;
const s_ifmt = 0o170000;
const s_ifdir = 0o040000;
/** Bits of a mode beside the permissions, as 9P2000.u has them for what Plan 9 has not. */
const special: ReadonlyMap<number, number> = new Map([
  [s_ifdir, dmdir],
  [0o120000, 0x02000000], // symbolic link
  [0o060000, 0x00800000], // devices
  [0o020000, 0x00800000],
  [0o010000, 0x00200000], // named pipe
  [0o140000, 0x00100000], // socket
]);

interface Opened {
  readonly qid: Qid;
  readonly iounit: number;
}

/** Mode as in open(5); executing is reading. */
function flagsOf(mode: number): number {
  const access = (mode & 3) === omode.exec ? omode.read : mode & 3;
  return access | ((mode & omode.trunc) !== 0 ? oflag.trunc : 0);
}

export function open(c: Client, fid: number, mode: number, cancel?: Cancel): Promise<Opened> {
  return c.rpc('lopen', { fid, flags: flagsOf(mode) }, cancel);
}

/** As Tcreate: the fid of the directory becomes that of the new file, open. */
export async function create(
  c: Client,
  fid: number,
  name: string,
  perm: number,
  mode: number,
  cancel?: Cancel,
): Promise<Opened> {
  if ((perm & ~(dmdir | 0o777)) !== 0) refuse('9P2000.L has no such mode of a file');
  const made = { fid, name, mode: perm & 0o777, gid: nouid };
  if ((perm & dmdir) === 0) {
    const flags = flagsOf(mode) | oflag.creat | oflag.excl;
    return c.rpc('lcreate', { ...made, flags }, cancel);
  }
  await c.rpc('mkdir', made, cancel);
  const { qids } = await c.rpc('walk', { fid, newfid: fid, names: [name] }, cancel);
  if (qids.length !== 1) refuse('the new directory is gone');
  return c.rpc('lopen', { fid, flags: oflag.directory }, cancel);
}

/** The protocol does not say a file's name: who walked there knows. */
export async function stat(
  c: Client,
  fid: number,
  name: string,
  accounts: Accounts,
  cancel?: Cancel,
): Promise<Dir> {
  return dirOf(await c.rpc('getattr', { fid, mask: basic }, cancel), name, accounts);
}

function dirOf(a: Reply<'getattr'>, name: string, accounts: Accounts): Dir {
  const uid = accounts.user(a.uid);
  return {
    qid: a.qid,
    mode: ((special.get(a.mode & s_ifmt) ?? 0) | (a.mode & 0o777)) >>> 0,
    atime: Number(BigInt.asUintN(32, a.atime)),
    mtime: Number(BigInt.asUintN(32, a.mtime)),
    length: (a.mode & s_ifmt) === s_ifdir ? 0n : a.length,
    name,
    uid,
    gid: accounts.group(a.gid),
    muid: uid,
  };
}

/** All but the name. */
export async function setattr(
  c: Client,
  fid: number,
  change: DirChange,
  accounts: Accounts,
  cancel?: Cancel,
): Promise<void> {
  const { mode, gid, length, mtime } = change;
  const has = (v: unknown, bit: number): number => (v === undefined ? 0 : bit);
  const times = has(mtime, set.mtime | set.mtimeGiven);
  const body = {
    fid,
    valid: has(mode, set.mode) | has(gid, set.gid) | has(length, set.length) | times,
    mode: (mode ?? 0) & 0o777,
    uid: nouid,
    gid: gid === undefined ? nouid : accounts.gid(gid),
    length: length ?? 0n,
    atime: 0n,
    atimens: 0n,
    mtime: BigInt(mtime ?? 0),
    mtimens: 0n,
  };
  await c.rpc('setattr', body, cancel);
}

export interface Entry {
  readonly name: string;
  readonly qid: Qid;
}

/** What is known of a file by its entry alone. */
export function bare({ name, qid }: Entry): Dir {
  const unknown = { atime: 0, mtime: 0, length: 0n, uid: '', gid: '', muid: '' };
  return { qid, mode: (qid.type << 24) >>> 0, name, ...unknown };
}

/** What one read of an open directory gave: its entries and where the next one goes on. */
export async function readdir(
  c: Client,
  fid: number,
  offset: bigint,
  cancel?: Cancel,
): Promise<{ entries: Entry[]; bytes: number; next: bigint }> {
  const { data } = await c.rpc('readdir', { fid, offset, count: c.iounit }, cancel);
  const r = new Reader(data, 0, data.length);
  const entries: Entry[] = [];
  let next = offset;
  while (r.at < r.end) {
    const qid = r.qid();
    next = r.u64();
    r.u8(); // its type is in the qid
    const name = r.str();
    if (name !== '.' && name !== '..') entries.push({ name, qid });
  }
  const bad = r.verdict();
  if (bad !== undefined) throw new FileError(`bad directory: ${bad}`);
  return { entries, bytes: data.length, next };
}
