/** What the messages mean, section 5 of the manual, over a tree. Knows no bytes and no tags: every
 *  operation answers with the R message or throws the error's text. */
import { type Accounts, noAccounts } from './accounts.js';
import { type AuthFile, AuthNode } from './authfid.js';
import type { Call, Calls } from './calls.js';
import { DirReader } from './dirread.js';
import * as err from './errors.js';
import { FileError, refuse } from './errors.js';
import { type Dialect, nofid, nouid, type Rmessage, type Tmessage, type WireDir } from './fcall.js';
import { type Fid, Fids, isDir, type Place } from './fids.js';
import { Linux } from './linux.js';
import { allowed, may, needed } from './perm.js';
import { Entries } from './readdir.js';
import { dirChange, forbidden, goodName } from './stat.js';
import type { Dir, Node, OpenFile, Qid, Tree, Wait, Who } from './tree.js';
import { dmdir, newReq, omode, wantsRead, wantsWrite } from './tree.js';
import { attempt, then } from './wait.js';

type T<K extends Tmessage['type']> = Extract<Tmessage, { type: K }>;

/** Bits of open's mode that mean something: OCEXEC is the client's own affair and ignored. */
const known_mode = 3 | omode.trunc | omode.rclose | 0x20;
/** 9P2000.u: append, which is the client's affair; links, devices, pipes and sockets to make. */
const unix_append = 0x80;
const unix_special = 0x03b00000;

export interface SessionOptions {
  readonly tree: Tree;
  readonly calls: Calls;
  readonly fids: number;
  /** `uid`: the user's number, where the client gave one. */
  who(uname: string, aname: string, uid: number | undefined): Wait<Who>;
  /** For a Tauth; undefined: none is needed. */
  auth(uname: string, aname: string, uid: number | undefined): Wait<AuthFile | undefined>;
  /** Throws where `who` may not attach to that tree. */
  admit(who: Who, aname: string): Wait<void>;
  readonly accounts?: Accounts | undefined;
  /** A node threw where it must not. */
  fault(e: unknown): void;
}

export class Session {
  /** Largest data of one Rread or Twrite; set by Tversion. */
  iounit = 0;
  dialect: Dialect = '9P2000';
  readonly fids: Fids;
  readonly accounts: Accounts;
  readonly #linux = new Linux(this);
  readonly #tree: Tree;
  readonly #calls: Calls;
  readonly #o: SessionOptions;
  readonly #fault: SessionOptions['fault'];

  constructor(o: SessionOptions) {
    this.#tree = o.tree;
    this.#calls = o.calls;
    this.#o = o;
    this.#fault = o.fault;
    this.accounts = o.accounts ?? noAccounts;
    this.fids = new Fids(o.fids);
  }

  /** Everything but Tversion and Tflush, which are about the
   *  connection, and Tread and Twrite below. */
  handle(f: Tmessage, call: Call): Wait<Rmessage> {
    switch (f.type) {
      case 'Tauth':
        return this.#auth(f, call);
      case 'Tattach':
        return this.#attach(f, call);
      case 'Twalk':
        return this.#walk(f, call);
      case 'Topen':
        return then(this.open(f.fid, this.#mode(f.mode), call), (qid) => ({
          type: 'Ropen',
          tag: f.tag,
          qid,
          iounit: this.iounit,
        }));
      case 'Tcreate':
        return this.#create(f, call);
      case 'Tclunk':
        return then(this.clunk(f.fid), () => ({ type: 'Rclunk', tag: f.tag }));
      case 'Tremove':
        return then(this.#remove(f.fid, call), () => ({ type: 'Rremove', tag: f.tag }));
      case 'Tstat':
        return this.#stat(f);
      case 'Twstat':
        return then(this.#wstat(f, call), () => ({ type: 'Rwstat', tag: f.tag }));
    }
    return this.#linux.handle(f, call);
  }

  /** Every fid is clunked; what is open closes as its operations end. */
  clunkAll(): void {
    for (const fid of this.fids.takeAll()) this.#retire(fid);
  }

  read(fid: Fid, n: number, offset: number, call: Call): Wait<Uint8Array> {
    if (fid.state !== 'open' || !wantsRead(fid.mode)) return refuse(err.Enotread);
    const { file } = fid;
    if (fid.dir !== undefined) return fid.dir.read(n, offset, call);
    if (file === undefined) return refuse(err.Eisdir);
    if (fid.nonblock && !file.ready) return refuse(err.Eagain);
    return file.read(n, offset, call);
  }

  write(fid: Fid, data: Uint8Array, offset: number, call: Call): Wait<number> {
    if (fid.state !== 'open' || !wantsWrite(fid.mode)) return refuse(err.Enotwrite);
    return fid.file!.write(data, offset, call);
  }

  #attach(f: T<'Tattach'>, call: Call): Wait<Rmessage> {
    this.fids.check(f.fid);
    const said = (): Wait<Who> => this.#o.who(f.uname, f.aname, uidOf(f));
    return then(f.afid === nofid ? said() : this.#proven(f), (who) =>
      then(this.#o.admit(who, f.aname), () =>
        then(this.#tree.attach(who, f.aname), (node) => {
          mustMatter(call);
          this.fids.add(f.fid, { node, up: undefined }, who);
          return { type: 'Rattach', tag: f.tag, qid: node.qid };
        }),
      ),
    );
  }

  #auth(f: T<'Tauth'>, call: Call): Wait<Rmessage> {
    this.fids.check(f.afid);
    return then(this.#o.auth(f.uname, f.aname, uidOf(f)), (file) => {
      if (file === undefined) return refuse(err.Enoauth);
      try {
        mustMatter(call);
        const node = new AuthNode(file);
        const fid = this.fids.add(f.afid, { node, up: undefined }, nobody);
        fid.state = 'open';
        fid.mode = omode.rdwr;
        fid.file = file;
        fid.auth = { file, uname: f.uname, aname: f.aname };
        return { type: 'Rauth', tag: f.tag, aqid: node.qid };
      } catch (e) {
        file.close();
        throw e;
      }
    });
  }

  /** Whom the afid of an attach has proven. It may serve for several. */
  #proven(f: T<'Tattach'>): Wait<Who> {
    const { auth } = this.fids.get(f.afid);
    if (auth === undefined) return refuse(err.Enotauth);
    if (auth.uname !== f.uname) refuse(err.mismatch('uname', auth.uname, f.uname));
    if (auth.aname !== f.aname) refuse(err.mismatch('aname', auth.aname, f.aname));
    return then(auth.file.proven(), (who) => {
      if (who === undefined) return refuse(err.Eunproven);
      if (f.uname !== '' && f.uname !== who.uname)
        refuse(err.mismatch('uname', f.uname, who.uname));
      return who;
    });
  }

  #walk(f: T<'Twalk'>, call: Call): Wait<Rmessage> {
    const fid = this.fids.get(f.fid);
    if (!isWalked(fid)) refuse(err.Eclone);
    if (f.newfid !== f.fid) this.fids.check(f.newfid);
    const qids: Qid[] = [];
    return then(follow(fid.place, f.names, qids, call), (place) => {
      mustMatter(call);
      if (qids.length === f.names.length) this.#arrive(f, fid, place);
      return { type: 'Rwalk', tag: f.tag, qids };
    });
  }

  #arrive(f: T<'Twalk'>, fid: Fid, place: Place): void {
    if (fid.gone) refuse(err.Ebadfid);
    if (f.newfid !== f.fid) this.fids.add(f.newfid, place, fid.who);
    else if (isWalked(fid)) fid.place = place;
    else refuse(err.Eclone);
  }

  /** OAPPEND of 9P2000.u says nothing to us: the client gives offsets. */
  #mode(mode: number): number {
    return this.dialect === '9P2000.u' ? mode & ~unix_append : mode;
  }

  open(n: number, mode: number, call: Call): Wait<Qid> {
    const fid = this.fids.get(n);
    const { node, up } = fid.place;
    const directory = isDir(node);
    checkMode(fid, mode, directory);
    if (rclose(mode) && node.remove === undefined) refuse(err.Eperm);
    const start = () =>
      then(mayOpen(fid, mode), () =>
        directory ? undefined : node.open(mode & ~omode.rclose, call),
      );
    const arrived = (file: OpenFile | undefined) => ({ node: file?.node ?? node, up });
    return this.#opening(fid, mode, call, start, arrived);
  }

  #create(f: T<'Tcreate'>, call: Call): Wait<Rmessage> {
    const special = (f.perm & unix_special) !== 0 || (f.extension ?? '') !== '';
    if (this.dialect === '9P2000.u' && special) refuse(err.Especial);
    const created = this.create(f.fid, f.name, f.perm, this.#mode(f.mode), call);
    return then(created, (qid) => ({ type: 'Rcreate', tag: f.tag, qid, iounit: this.iounit }));
  }

  /** The fid becomes that of the new file, open. */
  create(n: number, name: string, perm: number, mode: number, call: Call): Wait<Qid> {
    const fid = this.fids.get(n);
    const dir = fid.place;
    if (!isDir(dir.node)) refuse(err.Ecreate);
    checkMode(fid, mode, (perm & dmdir) !== 0);
    const start = () => this.make(dir, name, perm, mode & ~omode.rclose, call);
    const arrived = (file: OpenFile | undefined) =>
      then(file?.node ?? dir.node.walk(name, call), (node) =>
        node === undefined ? refuse(err.Efound) : { node, up: dir },
      );
    return this.#opening(fid, mode, call, start, arrived);
  }

  make(dir: Place, name: string, perm: number, mode: number, call: Call): Wait<OpenFile> {
    if (!isDir(dir.node)) refuse(err.Enotdir);
    if (!goodName(name)) refuse(err.Ename);
    if (dir.node.create === undefined) return refuse(err.Enocreate);
    return dir.node.create(name, perm, mode, call);
  }

  /** Open the fid and take it where it then is; if anything fails it stays as it was. */
  #opening(
    fid: Fid,
    mode: number,
    call: Call,
    start: () => Wait<OpenFile | undefined>,
    arrived: (file: OpenFile | undefined) => Wait<Place>,
  ): Wait<Qid> {
    fid.state = 'opening';
    fid.opener = call;
    let file: OpenFile | undefined;
    const got = (opened: OpenFile | undefined) => arrived((file = opened));
    const done = (place: Place): Qid => {
      mustMatter(call);
      if (fid.gone) refuse(err.Eintr);
      fid.place = place;
      fid.file = file;
      fid.mode = mode;
      fid.state = 'open';
      if (isDir(place.node)) this.#openDir(fid);
      return file?.qid ?? place.node.qid;
    };
    const failed = (e: unknown): never => {
      file?.close();
      if (fid.opener === call) fid.state = 'walked';
      throw e;
    };
    return attempt(
      () => then(then(start(), got), done),
      (qid) => qid,
      failed,
    );
  }

  #openDir(fid: Fid): void {
    if (this.dialect === '9P2000.L') fid.entries = new Entries(fid.place);
    else fid.dir = new DirReader(fid.place.node, this.dialect, this.#numbered);
  }

  #stat(f: T<'Tstat'>): Wait<Rmessage> {
    const dir = this.fids.get(f.fid).place.node.stat();
    return then(dir, (stat) => ({ type: 'Rstat', tag: f.tag, stat: this.#numbered(stat) }));
  }

  /** With the numbers that 9P2000.u has beside the names. */
  readonly #numbered = (d: Dir): WireDir => {
    if (this.dialect !== '9P2000.u') return d;
    const { accounts } = this;
    const numbers = { nuid: accounts.uid(d.uid), ngid: accounts.gid(d.gid) };
    return { ...d, extension: '', ...numbers, nmuid: accounts.uid(d.muid) };
  };

  #wstat(f: T<'Twstat'>, call: Call): Wait<void> {
    const { node } = this.fids.get(f.fid).place;
    const asked = this.#named(f.stat);
    if (asked.name !== '' && !goodName(asked.name)) refuse(err.Ename);
    return then(node.stat(), (is) => {
      const why = forbidden(asked, is);
      if (why !== undefined) return refuse(why);
      const change = dirChange(asked);
      return Object.keys(change).length > 0 ? node.wstat(change, call) : undefined;
    });
  }

  /** A user or group that 9P2000.u gives by number alone. */
  #named(d: WireDir): WireDir {
    const { nuid = nouid, ngid = nouid } = d;
    return {
      ...d,
      uid: d.uid === '' && nuid !== nouid ? this.accounts.user(nuid) : d.uid,
      gid: d.gid === '' && ngid !== nouid ? this.accounts.group(ngid) : d.gid,
    };
  }

  /** The fid goes even where the removal fails. */
  #remove(n: number, call: Call): Wait<void> {
    const fid = this.fids.take(n);
    const { node } = fid.place;
    const remove = () => (node.remove === undefined ? refuse(err.Enoremove) : node.remove(call));
    return attempt(
      remove,
      () => this.#retire(fid),
      (e) =>
        then(this.#retire(fid), () => {
          throw e;
        }),
    );
  }

  clunk(n: number): Wait<void> {
    return this.#retire(this.fids.take(n));
  }

  /** Close when the operations on the fid have ended; they are told that nobody waits for them. */
  #retire(fid: Fid): Wait<void> {
    if (fid.busy > 0) this.#calls.interrupt(fid, new FileError(err.Eintr));
    if (fid.busy === 0) return this.#close(fid);
    return new Promise<void>((idle) => (fid.onidle = idle)).then(() => this.#close(fid));
  }

  #close(fid: Fid): Wait<void> {
    try {
      fid.file?.close();
    } catch (e) {
      this.#fault(e);
    }
    if (fid.state !== 'open' || !rclose(fid.mode)) return;
    const req = newReq(fid.who, this.iounit);
    // The clunk succeeds whatever becomes of the file.
    const ignore = () => undefined;
    return attempt(() => fid.place.node.remove?.(req), ignore, ignore);
  }
}

/** Whoever holds an afid. */
const nobody: Who = { uname: 'none', groups: [], owner: false };

const uidOf = (f: T<'Tauth'> | T<'Tattach'>): number | undefined =>
  f.uid === nouid ? undefined : f.uid;

/** As far as the names lead: a qid for each step. Fails only where the first step does. */
function follow(from: Place, names: readonly string[], qids: Qid[], call: Call): Wait<Place> {
  let place = from;
  for (let i = 0; i < names.length; i++) {
    const next = step(place, names[i]!, qids.length === 0, call);
    if (next instanceof Promise) {
      const at = place;
      return next.then((p) => (p ? follow(pass(p, qids), names.slice(i + 1), qids, call) : at));
    }
    if (next === undefined) return place;
    place = pass(next, qids);
  }
  return place;
}

function pass(place: Place, qids: Qid[]): Place {
  qids.push(place.node.qid);
  return place;
}

function step(place: Place, name: string, first: boolean, call: Call): Wait<Place | undefined> {
  const stop = (e: unknown): undefined => {
    if (first) throw e;
  };
  if (!isDir(place.node)) return stop(new FileError(err.Ewalk));
  if (name === '..') return place.up ?? place;
  const walk = () => place.node.walk(name, call);
  const arrive = (node: Node | undefined) =>
    node === undefined ? stop(new FileError(err.Efound)) : { node, up: place };
  return attempt(walk, arrive, stop);
}

/** Not open, nor about to be: an open that was given up does not count. */
function isWalked(fid: Fid): boolean {
  return fid.state === 'walked' || (fid.state === 'opening' && fid.opener?.over === true);
}

function checkMode(fid: Fid, mode: number, directory: boolean): void {
  if (!isWalked(fid)) refuse(err.Eopen);
  if ((mode & ~known_mode) !== 0) refuse(err.Emode);
  if (directory && (mode & ~(omode.rclose | 0x20)) !== omode.read) refuse(err.Eisdir);
}

/** What open(5) asks of directories: to read one, and to write the one in which a file is removed
 *  when it closes. A file asks for itself. */
function mayOpen(fid: Fid, mode: number): Wait<void> {
  const { node, up } = fid.place;
  const must = (dir: Node, want: number): Wait<void> =>
    then(dir.stat(), (d) => (allowed(fid.who, d, want) ? undefined : refuse(err.Eperm)));
  const remove = rclose(mode) && up !== undefined ? must(up.node, may.write) : undefined;
  return then(remove, () => (isDir(node) ? must(node, needed(mode)) : undefined));
}

/** A request that was flushed or aborted must not change the connection any more. */
function mustMatter(call: Call): void {
  if (call.over) refuse(err.Eintr);
}

const rclose = (mode: number): boolean => (mode & omode.rclose) !== 0;
