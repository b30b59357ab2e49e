/** The client's side of a connection: tags, replies, flushes. Owns no socket.
 *
 *  Requests made in one turn of the event loop go out in one write; replies are matched by tag,
 *  in any order. A request's promise is rejected with the server's text, or with `hungup: ...`. */
import { type Accounts, noAccounts } from './accounts.js';
import { le16, le32 } from './bytes.js';
import { type Cancel, isCancelled, onCancel } from './cancel.js';
import { ClientFid } from './clientfid.js';
import { decode, encode } from './codec.js';
import { cutText, Ebig, Eintr, Etags, FileError, refuse } from './errors.js';
import { errnoText } from './errtext.js';
import type { Dialect, Fcall, Rmessage, Tmessage } from './fcall.js';
import { code, iohdrsz, max_msize_bytes, min_msize_bytes, nofid, notag, nouid } from './fcall.js';
import { formatBytes } from './format.js';
import { Framer } from './framer.js';
import { qt } from './tree.js';
import { Writer } from './writer.js';

/** What a client asks of the carrier of its bytes: as Wire, but a client is never stopped. */
export interface ClientWire {
  /** False: the bytes are kept, their buffer is the carrier's. */
  write(bytes: Uint8Array): boolean;
  end(why: string): void;
}

export interface ClientOptions {
  /** Largest message to ask for. */
  readonly msize?: number;
  /** Requests outstanding. */
  readonly tags?: number;
  readonly trace?: (line: string) => void;
  /** What to offer, in turn. */
  readonly dialects?: readonly Dialect[];
  /** Names of users and groups, where the dialect has numbers. */
  readonly accounts?: Accounts;
}

type Name<M extends { type: string }> = M['type'] extends `${'T' | 'R'}${infer N}` ? N : never;
/** What a request says but for type and tag, and the message that answers it. */
export type Body<N extends Name<Tmessage>> = Omit<
  Extract<Tmessage, { type: `T${N}` }>,
  'type' | 'tag'
>;
export type Reply<N extends Name<Tmessage>> = Extract<Rmessage, { type: `R${N}` }>;

/** A request without its reply. */
interface Pending {
  readonly type: number;
  accept(r: Rmessage): void;
  reject(e: Error): void;
  readonly cancel: Cancel | undefined;
  /** A Tflush is out for it: its tag stays taken until that is answered. */
  flushing: boolean;
  done: boolean;
}

const default_msize_bytes = 128 * 1024 + iohdrsz;
const default_tags = 1024;
const all_dialects: readonly Dialect[] = ['9P2000', '9P2000.L', '9P2000.u'];
/** Of an error's text; Plan 9's are of 127. */
const most_ename_bytes = 255;
/** A Tread, and a Twrite round its data. */
const io_bytes = 23;

/** Proves to a server who `uname` is, by reads and writes of the afid of a Tauth. */
export type Prove = (afid: ClientFid, uname: string, aname: string) => Promise<void>;

export class Client {
  msize = 0;
  dialect: Dialect = '9P2000';
  readonly accounts: Accounts;
  readonly #dialects: readonly Dialect[];
  /** False once the server was seen to take requests out of order: none is sent any more ahead of
   *  one that it depends on. */
  ordered = true;
  trace: ((line: string) => void) | undefined;
  /** Called once, when the connection is over. */
  onend: ((why: string) => void) | undefined;
  readonly #wire: ClientWire;
  readonly #tagLimit: number;
  readonly #ask: number;
  readonly #framer: Framer;
  readonly #out = new Writer();
  readonly #pending = new Map<number, Pending>();
  readonly #watched = new Map<Cancel, { requests: number; readonly over: () => void }>();
  readonly #freeTags: number[] = [];
  readonly #freeFids: number[] = [];
  #tags = 0;
  #fids = 0;
  #sendDue = false;
  #ended: string | undefined;

  constructor(wire: ClientWire, options: ClientOptions = {}) {
    this.#wire = wire;
    this.#ask = Math.min(options.msize ?? default_msize_bytes, max_msize_bytes);
    this.#tagLimit = Math.min(options.tags ?? default_tags, notag - 1);
    this.trace = options.trace;
    this.#dialects = options.dialects ?? all_dialects;
    this.accounts = options.accounts ?? noAccounts;
    this.#framer = new Framer(this.#ask);
  }

  /** Largest data of one read or write. */
  get iounit(): number {
    return this.msize - iohdrsz;
  }

  /** Why the connection is over; undefined while it is not. */
  get ended(): string | undefined {
    return this.#ended;
  }

  get outstanding(): number {
    return this.#pending.size;
  }

  /** Agree on dialect and message size; everything of an earlier session is gone. A server that
   *  does not know 9P2000 is offered the dialects that Linux has of it. */
  async version(): Promise<void> {
    let instead = '';
    for (const dialect of this.#dialects) {
      this.dialect = dialect;
      const asked = this.rpc('version', { msize: this.#ask, version: dialect });
      const r = await asked.catch((e) => this.#unversed(e));
      if (r.version === dialect) return this.#agreed(r.msize);
      instead ||= r.version;
    }
    refuse(`server speaks ${instead}, not ${this.#dialects.join(' or ')}`);
  }

  /** diod answers with the error of 9P2000.L, which is no message here; an error in words says why
   *  we are turned away. */
  #unversed(e: unknown): { version: string; msize: number } {
    const isMessage = !(e instanceof FileError && e.message.startsWith('bad reply'));
    if (this.#ended !== undefined || isMessage) throw e;
    return { version: 'unknown', msize: 0 };
  }

  #agreed(msize: number): void {
    if (msize < min_msize_bytes || msize > this.#ask) refuse(`bad msize ${msize} of server`);
    this.msize = msize;
    this.#framer.msize = msize;
    // Those who speak it answer with as many threads as they have.
    this.ordered = this.dialect !== '9P2000.L';
  }

  /** A name that is a number is the user's, where the dialect has such. */
  async attach(uname: string, aname = '', cancel?: Cancel, prove?: Prove): Promise<ClientFid> {
    const uid = /^\d{1,9}$/.test(uname) ? Number(uname) : nouid;
    const who = { uname, aname, uid };
    const afid = prove === undefined ? undefined : await this.#auth(who, prove, cancel);
    const root = new ClientFid(this, this.newFid(), { type: qt.dir, vers: 0, path: 0n });
    const body = { fid: root.fid, afid: afid?.fid ?? nofid, ...who };
    try {
      root.qid = (await this.rpc('attach', body, cancel).catch((e) => root.unmade(e))).qid;
      return root;
    } finally {
      afid?.drop();
    }
  }

  /** Tauth, and what `prove` does with the afid. */
  async #auth(
    who: { uname: string; aname: string; uid: number },
    prove: Prove,
    cancel?: Cancel,
  ): Promise<ClientFid> {
    const afid = new ClientFid(this, this.newFid(), { type: qt.auth, vers: 0, path: 0n });
    const body = { afid: afid.fid, ...who };
    afid.qid = (await this.rpc('auth', body, cancel).catch((e) => afid.unmade(e))).aqid;
    return afid.orDrop(prove(afid, who.uname, who.aname).then(() => afid));
  }

  /** Any request; its answer, or a rejection. */
  rpc<N extends Name<Tmessage>>(name: N, body: Body<N>, cancel?: Cancel): Promise<Reply<N>> {
    const type = `T${name}` as Tmessage['type'];
    return new Promise<Reply<N>>((resolve, reject) => {
      const accept = resolve as (r: Rmessage) => void;
      const tag = this.#start(code[type], cancel, accept, reject);
      const start = this.#out.at;
      try {
        encode(this.#out, { ...body, type, tag } as unknown as Tmessage, this.dialect);
        if (this.#out.at - start > (this.msize || this.#ask)) refuse(Ebig);
      } catch (e) {
        this.#out.at = start;
        this.#settle(this.#forget(tag));
        throw e;
      }
      this.#sent(start);
    });
  }

  /** rpc('read'), without objects for the messages: this and `write` are what data go by. */
  read(fid: number, n: number, offset: number, cancel?: Cancel): Promise<Uint8Array> {
    const count = Math.min(n, this.iounit);
    return new Promise((resolve, reject) => {
      const accept = (r: Rmessage): void => {
        if (r.type !== 'Rread') return;
        if (r.data.length <= count) resolve(r.data);
        else reject(new FileError('server read more than was asked for'));
      };
      const tag = this.#start(code.Tread, cancel, accept, reject);
      const start = this.#out.begin(code.Tread, tag, io_bytes);
      this.#out.u32(fid).offset(offset).u32(count).end(start);
      this.#sent(start);
    });
  }

  /** At most iounit bytes; how many were taken. */
  write(fid: number, data: Uint8Array, offset: number, cancel?: Cancel): Promise<number> {
    const some = data.length > this.iounit ? data.subarray(0, this.iounit) : data;
    return new Promise((resolve, reject) => {
      const accept = (r: Rmessage): void => {
        if (r.type !== 'Rwrite') return;
        if (r.count <= some.length) resolve(r.count);
        else reject(new FileError('server wrote more than was asked for'));
      };
      const tag = this.#start(code.Twrite, cancel, accept, reject);
      const start = this.#out.begin(code.Twrite, tag, io_bytes + some.length);
      this.#out.u32(fid).offset(offset).u32(some.length).bytes(some).end(start);
      this.#sent(start);
    });
  }

  /** Bytes from the server; the caller's again when this returns.
   *  Never throws for what they are. */
  receive(bytes: Uint8Array): void {
    if (this.#ended !== undefined) return;
    const f = this.#framer;
    f.feed(bytes);
    while (this.#ended === undefined && f.next()) this.#message(f.buf, f.start, f.end);
    f.keep();
    if (f.bad !== undefined) this.end(f.bad);
  }

  /** The connection is gone. */
  hangup(why: string): void {
    if (this.#ended !== undefined) return;
    this.#ended = why;
    const all = [...this.#pending.values()];
    this.#pending.clear();
    for (const p of all) if (this.#settle(p)) p.reject(new FileError(`hungup: ${why}`));
    this.onend?.(why);
  }

  /** End it from this side. */
  end(why: string): void {
    if (this.#ended !== undefined) return;
    this.#send();
    this.hangup(why);
    this.#wire.end(why);
  }

  /** A request that went ahead failed with `e` since another was not done yet: it had no effect,
   *  may be asked again, and no more go ahead. */
  outOfTurn(e: unknown): boolean {
    const early = e instanceof FileError && /\bfid\b|not open/.test(e.message);
    if (early) this.ordered = false;
    return early;
  }

  newFid(): number {
    return this.#freeFids.pop() ?? this.#fids++;
  }

  /** For fids that the server has surely forgotten. */
  freeFid(fid: number): void {
    this.#freeFids.push(fid);
  }

  // Requests ------------------------------------------------------------------------------------

  #newTag(): number {
    return this.#freeTags.pop() ?? this.#tags++;
  }

  /** A tag for a request that is about to be put into the output. */
  #start(
    type: number,
    cancel: Cancel | undefined,
    accept: (r: Rmessage) => void,
    reject: (e: Error) => void,
  ): number {
    if (this.#ended !== undefined) refuse(`hungup: ${this.#ended}`);
    if (cancel !== undefined && isCancelled(cancel)) refuse(Eintr);
    if (this.#pending.size >= this.#tagLimit && !asksForLess(type)) refuse(Etags);
    const tag = type === code.Tversion ? notag : this.#newTag();
    const flags = { flushing: false, done: false };
    const p: Pending = { type, accept, reject, cancel, ...flags };
    this.#pending.set(tag, p);
    if (cancel !== undefined) this.#watch(cancel);
    return tag;
  }

  /** One listener for all the requests that it would give up: a Req has room for no other. */
  #watch(cancel: Cancel): void {
    const watched = this.#watched.get(cancel);
    if (watched !== undefined) watched.requests++;
    else {
      const over = onCancel(cancel, () => this.#flushAll(cancel));
      this.#watched.set(cancel, { requests: 1, over });
    }
  }

  #flushAll(cancel: Cancel): void {
    for (const [tag, p] of this.#pending) if (p.cancel === cancel) this.#flush(tag, p);
  }

  #unwatch(cancel: Cancel): void {
    const watched = this.#watched.get(cancel)!;
    if (--watched.requests > 0) return;
    this.#watched.delete(cancel);
    watched.over();
  }

  #sent(start: number): void {
    this.trace?.(`-> ${formatBytes(this.#out.buf, start, this.#out.at, false, this.dialect)}`);
    this.#soon();
  }

  /** Give up. The answer may still come first, and then it counts. */
  #flush(oldtag: number, p: Pending): void {
    if (p.done || p.flushing || this.#ended !== undefined) return;
    p.flushing = true;
    const interrupt = (): boolean => {
      const first = this.#settle(p);
      if (first) p.reject(new FileError(Eintr));
      return first;
    };
    const accept = (): void => {
      interrupt();
      this.#forget(oldtag);
    };
    // No server may refuse; where one does, the tag is taken until its own answer comes.
    const refused = (): void => {
      p.flushing = false;
      if (!interrupt()) this.#forget(oldtag);
    };
    const tag = this.#start(code.Tflush, undefined, accept, refused);
    const start = this.#out.at;
    encode(this.#out, { type: 'Tflush', tag, oldtag });
    this.#sent(start);
  }

  #soon(): void {
    if (this.#sendDue) return;
    this.#sendDue = true;
    queueMicrotask(() => {
      this.#sendDue = false;
      this.#send();
    });
  }

  #send(): void {
    const w = this.#out;
    if (w.at === 0 || this.#ended !== undefined) return;
    const bytes = w.buf.subarray(0, w.at);
    w.at = 0;
    if (!this.#wire.write(bytes)) w.buf = new Uint8Array(0);
  }

  // Replies -------------------------------------------------------------------------------------

  #message(b: Uint8Array, o: number, end: number): void {
    this.trace?.(`<- ${formatBytes(b, o, end, false, this.dialect)}`);
    const tag = le16(b, o + 5);
    const p = this.#pending.get(tag);
    // The answer to a tag that nobody waits for is dropped, as the Plan 9 kernel does.
    if (p === undefined) return;
    if (!p.flushing) this.#forget(tag);
    if (this.#settle(p)) this.#answer(p, b, o, end);
  }

  #answer(p: Pending, b: Uint8Array, o: number, end: number): void {
    const f = b[o + 4] === code.Rread ? rread(b, o, end) : decode(b, o, end, this.dialect);
    if (typeof f === 'string') p.reject(new FileError(`bad reply: ${f}`));
    else if (f.type === 'Rerror') p.reject(new FileError(shown(f.ename)));
    else if (f.type === 'Rlerror') p.reject(new FileError(errnoText(f.ecode)));
    else if (code[f.type] !== p.type + 1) p.reject(new FileError(`${f.type} is not the reply`));
    else p.accept(f as Rmessage);
  }

  /** True the first time: the request is answered, in whatever way. */
  #settle(p: Pending | undefined): boolean {
    if (p === undefined || p.done) return false;
    p.done = true;
    if (p.cancel !== undefined) this.#unwatch(p.cancel);
    return true;
  }

  #forget(tag: number): Pending | undefined {
    const p = this.#pending.get(tag);
    if (this.#pending.delete(tag) && tag !== notag) this.#freeTags.push(tag);
    return p;
  }
}

/** Never refused for asking too much: a fid that stayed would be taken for one that is free. */
const asksForLess = (type: number): boolean =>
  type === code.Tflush || type === code.Tclunk || type === code.Tremove;

/** The data are the reader's own: the buffer that they came in goes back to its owner. */
function rread(b: Uint8Array, o: number, end: number): Fcall | string {
  const n = end - o - 11;
  if (n < 0 || le32(b, o + 7) !== n) return 'bad count of a read';
  return { type: 'Rread', tag: le16(b, o + 5), data: b.slice(o + 11, end) };
}

/** A server's text as a line that a terminal may show. */
function shown(ename: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it is about
  return cutText(ename.replace(/[\x00-\x1f\x7f]+/g, ' ').trim(), most_ename_bytes) || 'i/o error';
}
