/** One client of a server: bytes in, bytes out, and the order of replies. Owns no socket.
 *
 *  The replies to what came in one `receive` go out in one write. A client that does not read is
 *  stopped, not fed: its requests wait here unread until `drained`. */
import { le16, le32 } from './bytes.js';
import { type Call, Calls, makeCall } from './calls.js';
import { decode, encode } from './codec.js';
import { errnoOf } from './errno.js';
import * as err from './errors.js';
import { errorText, FileError, refuse } from './errors.js';
import type { Rmessage, Tmessage } from './fcall.js';
import { code, type Dialect, type Fcall, header_bytes, iohdrsz, min_msize_bytes } from './fcall.js';
import type { Fid } from './fids.js';
import { formatBytes } from './format.js';
import { Framer } from './framer.js';
import type { Malformed } from './reader.js';
import type { Limits, Peer, Server, Wire } from './server.js';
import { Session } from './session.js';
import type { Wait } from './tree.js';
import { Writer } from './writer.js';

/** Before Tversion a message may be this long: the size that Plan 9 always had. */
const first_msize_bytes = 8192 + 24;
/** Replies are written when there are this many bytes of them, if the batch is longer. */
const batch_bytes = 128 * 1024;
/** Buffers that a client's slowness has made are kept for its next. */
const spare_buffers = 2;
const none = new Uint8Array(0);
const rread_bytes = header_bytes + 4;

export class Connection {
  readonly id: number;
  readonly peer: Peer;
  readonly #server: Server;
  readonly #wire: Wire;
  readonly #limits: Limits;
  readonly #framer = new Framer(first_msize_bytes);
  readonly #out = new Writer();
  readonly #calls: Calls;
  readonly #session: Session;
  /** 0 until a version is agreed on. */
  #msize = 0;
  /** Bytes written that the wire still keeps, their buffers, and those that came back. */
  #unsent = 0;
  #lent: Uint8Array[] = [];
  #spare: Uint8Array[] = [];
  #paused = false;
  #running = false;
  /** Secrets have passed: what they passed through is wiped. */
  #secret = false;
  #late: Uint8Array[] = [];
  #flushDue = false;
  #ended: string | undefined;

  constructor(server: Server, id: number, wire: Wire, peer: Peer) {
    this.#server = server;
    this.#limits = server.limits;
    this.#wire = wire;
    this.id = id;
    this.peer = peer;
    const fault = (e: unknown): void => server.fault?.(e);
    this.#calls = new Calls({
      failed: (call, e) => this.#error(call.tag, e),
      flushed: (call) => this.#reply({ type: 'Rflush', tag: call.tag }),
      settled: () => this.#soon(),
      fault,
    });
    this.#session = new Session({
      tree: server.tree,
      calls: this.#calls,
      fids: this.#limits.fids,
      who: (uname, aname, uid) => server.who(uname, peer, aname, uid),
      auth: (uname, aname, uid) => server.auth(uname, peer, aname, uid),
      admit: (who, aname) => server.admit(who, aname),
      accounts: server.accounts,
      fault,
    });
  }

  /** Why the connection is over; undefined while it is not. */
  get ended(): string | undefined {
    return this.#ended;
  }

  /** Bytes of replies that the client has not taken. */
  get unsent(): number {
    return this.#unsent;
  }

  get fids(): number {
    return this.#session.fids.size;
  }

  get outstanding(): number {
    return this.#calls.size;
  }

  /** Bytes from the client; the caller's again when this returns.
   *  Never throws for what they are. */
  receive(bytes: Uint8Array): void {
    if (this.#ended !== undefined) return;
    if (this.#running) this.#late.push(new Uint8Array(bytes));
    else {
      this.#framer.feed(bytes);
      this.#server.turn(this.#run);
    }
    if (this.#secret) bytes.fill(0); // as far as it is known: what is left of it was copied
  }

  /** The wire has got rid of all that it kept. */
  drained(): void {
    this.#unsent = 0;
    if (this.#secret) for (const b of this.#lent) b.fill(0);
    this.#spare = this.#lent.slice(0, spare_buffers);
    this.#lent = [];
    if (this.#ended !== undefined || this.#running) return;
    if (this.#paused) this.#server.turn(this.#run);
    if (!this.#paused || this.#full) return;
    this.#paused = false;
    this.#wire.resume();
  }

  /** The connection is gone: everything is clunked and nothing more is written. */
  hangup(why: string): void {
    if (this.#ended !== undefined) return;
    this.#ended = why;
    this.#server.connections.delete(this);
    this.#server.turn(() => this.#abort());
  }

  get #full(): boolean {
    return this.#unsent > this.#limits.ahead_bytes;
  }

  #abort(): void {
    this.#calls.abort();
    this.#session.clunkAll();
  }

  readonly #run = (): void => {
    this.#running = true;
    this.#messages();
    for (let late = this.#late.shift(); late !== undefined; late = this.#late.shift()) {
      this.#framer.feed(late);
      this.#messages();
      if (this.#secret) late.fill(0);
    }
    this.#running = false;
    this.#write();
    if (this.#framer.bad !== undefined) this.end(this.#framer.bad);
  };

  #messages(): void {
    const f = this.#framer;
    while (this.#ended === undefined && !this.#full && f.next()) {
      this.#message(f.buf, f.start, f.end);
      if (this.#out.at >= batch_bytes) this.#write();
    }
    f.keep();
  }

  #message(b: Uint8Array, o: number, end: number): void {
    const tag = le16(b, o + 5);
    if (this.#server.trace !== undefined) this.#traceIn(b, o, end);
    try {
      this.#dispatch(b, o, end, tag);
    } catch (e) {
      this.#error(tag, e);
    }
  }

  #dispatch(b: Uint8Array, o: number, end: number, tag: number): void {
    const type = b[o + 4];
    if (this.#calls.has(tag) && type !== code.Tversion) refuse(err.Eduptag);
    if (type === code.Tread && end - o === 23) this.#tread(b, o, tag);
    else if (type === code.Twrite && end - o >= 23) this.#twrite(b, o, end, tag);
    else this.#request(decode(b, o, end, this.#session.dialect));
  }

  #request(f: Fcall | Malformed): void {
    if (typeof f === 'string') refuse(f);
    else if (f.type[0] === 'R') refuse('not a request');
    else if (f.type === 'Tversion') this.#version(f);
    else if (f.type === 'Tflush') this.#flush(f.tag, f.oldtag);
    else this.#operation(f as Tmessage);
  }

  #operation(f: Tmessage): void {
    this.#admit(f.type === 'Tclunk' || f.type === 'Tremove');
    const call = this.#callOf(f);
    const r = this.#session.handle(f, call);
    if (r instanceof Promise) this.#calls.wait(call, r, (_, r) => this.#reply(r));
    else this.#reply(r);
  }

  #callOf(f: Tmessage): Call {
    const fid = 'fid' in f && f.type !== 'Tattach' ? this.#session.fids.get(f.fid) : undefined;
    const call = makeCall(f.tag, fid, this.#session.iounit);
    // They are not among the operations that they themselves wait for.
    if (f.type === 'Tclunk' || f.type === 'Tremove') call.fid = undefined;
    return call;
  }

  /** The two messages that count make no objects of themselves:
   *
   *    size[4] type[1] tag[2] fid[4] offset[8] count[4] data[count]
   */
  #tread(b: Uint8Array, o: number, tag: number): void {
    this.#admit();
    const fid = this.#session.fids.get(le32(b, o + 7));
    const n = Math.min(le32(b, o + 19), this.#session.iounit);
    const call = makeCall(tag, fid, this.#session.iounit);
    call.count = n;
    const data = this.#session.read(fid, n, offsetAt(b, o + 11), call);
    if (data instanceof Promise) this.#calls.wait(call, data, this.#rread);
    else this.#rread(call, data);
  }

  #twrite(b: Uint8Array, o: number, end: number, tag: number): void {
    this.#admit();
    if (le32(b, o + 19) !== end - o - 23) refuse('bad count of a write');
    const fid = this.#session.fids.get(le32(b, o + 7));
    const data = b.subarray(o + 23, Math.min(end, o + 23 + this.#session.iounit));
    const call = makeCall(tag, fid, this.#session.iounit);
    const count = this.#written(fid, data, offsetAt(b, o + 11), call);
    if (count instanceof Promise) this.#calls.wait(call, count, this.#rwrite);
    else this.#rwrite(call, count);
  }

  /** Whoever keeps what is written has copied it. */
  #written(fid: Fid, data: Uint8Array, offset: number, call: Call): Wait<number> {
    if (fid.place.node.secret !== true) return this.#session.write(fid, data, offset, call);
    this.#secret = true;
    try {
      return this.#session.write(fid, data, offset, call);
    } finally {
      data.fill(0);
    }
  }

  /** Whoever asks for less is never refused for asking too much. */
  #admit(less = false): void {
    if (this.#msize === 0) refuse(err.Enoversion);
    if (this.#calls.size >= this.#limits.tags && !less) refuse(err.Etags);
  }

  /** A new session: everything of the one before is aborted, and never answered. */
  #version(f: Extract<Tmessage, { type: 'Tversion' }>): void {
    this.#abort();
    this.#msize = 0;
    this.#session.dialect = '9P2000';
    if (f.msize < min_msize_bytes) refuse(err.Emsize);
    const msize = Math.min(f.msize, this.#limits.msize);
    const dialect = dialectOf(f.version);
    if (dialect !== undefined) this.#agree(msize, dialect);
    this.#reply({ type: 'Rversion', tag: f.tag, msize, version: dialect ?? 'unknown' });
  }

  #agree(msize: number, dialect: Dialect): void {
    this.#msize = msize;
    this.#framer.msize = msize;
    this.#session.iounit = msize - iohdrsz;
    this.#session.dialect = dialect;
  }

  #flush(tag: number, oldtag: number): void {
    if (this.#msize === 0) refuse(err.Enoversion);
    const call = makeCall(tag, undefined, 0);
    if (this.#calls.flush(call, oldtag)) this.#reply({ type: 'Rflush', tag });
  }

  // Replies -------------------------------------------------------------------------------------

  /** The data of a read go from the node's bytes into the output, copied once. */
  readonly #rread = (call: Call, data: Uint8Array): void => {
    if (call.fid?.place.node.secret === true) this.#secret = true;
    const some = data.length > call.count ? data.subarray(0, call.count) : data;
    const start = this.#out.at;
    try {
      this.#out.begin(code.Rread, call.tag, rread_bytes + some.length);
      this.#out.u32(some.length).bytes(some).end(start);
    } catch (e) {
      this.#unput(start, e);
    }
    if (this.#server.trace !== undefined) this.#traceOut(start, call.fid);
  };

  readonly #rwrite = (call: Call, count: number): void => {
    const start = this.#out.begin(code.Rwrite, call.tag, header_bytes + 4);
    this.#out.u32(count).end(start);
    if (this.#server.trace !== undefined) this.#traceOut(start, call.fid);
  };

  #reply(r: Rmessage): void {
    const start = this.#out.at;
    try {
      encode(this.#out, r, this.#session.dialect);
      if (r.type === 'Rstat' && this.#out.at - start > this.#msize) refuse(err.Estat);
    } catch (e) {
      this.#unput(start, e);
    }
    if (this.#server.trace !== undefined) this.#traceOut(start, undefined);
  }

  /** No half a message goes out. */
  #unput(start: number, e: unknown): never {
    this.#out.at = start;
    throw e;
  }

  #error(tag: number, e: unknown): void {
    if (!(e instanceof FileError)) this.#server.fault?.(e);
    const ename = errorText(e);
    const { dialect } = this.#session;
    // The number is looked for only where it is sent: that is some twenty patterns.
    if (dialect === '9P2000') this.#reply({ type: 'Rerror', tag, ename });
    else if (dialect === '9P2000.u')
      this.#reply({ type: 'Rerror', tag, ename, errno: errnoOf(ename) });
    else this.#reply({ type: 'Rlerror', tag, ecode: errnoOf(ename) });
  }

  /** Replies that come of themselves: those of one turn of the event loop go in one write. */
  #soon(): void {
    if (this.#flushDue || this.#running) return;
    this.#flushDue = true;
    queueMicrotask(() => {
      this.#flushDue = false;
      if (!this.#running) this.#write();
    });
  }

  #write(): void {
    const w = this.#out;
    if (w.at === 0 || this.#ended !== undefined) return;
    const bytes = w.buf.subarray(0, w.at);
    w.at = 0;
    if (this.#wire.write(bytes)) {
      if (this.#secret) bytes.fill(0);
      return;
    }
    this.#lent.push(w.buf);
    w.buf = this.#spare.pop() ?? none;
    this.#unsent += bytes.length;
    if (this.#unsent > this.#limits.queued_bytes) this.end(err.Eslow);
    else if (this.#full && !this.#paused) this.#pause();
  }

  #pause(): void {
    this.#paused = true;
    this.#wire.pause();
  }

  /** End it from this side; the replies that there are go first. */
  end(why: string): void {
    this.#write();
    if (this.#ended !== undefined) return;
    this.hangup(why);
    this.#wire.end(why);
  }

  // Traces --------------------------------------------------------------------------------------

  #traceIn(b: Uint8Array, o: number, end: number): void {
    const fid = end - o >= 11 ? this.#session.fids.find(le32(b, o + 7)) : undefined;
    // Who knows what is written to a fid that is not there.
    const secret = fid === undefined || fid.place.node.secret === true;
    const line = formatBytes(b, o, end, secret, this.#session.dialect);
    this.#server.trace?.(`<-${this.id}- ${line}`);
  }

  #traceOut(start: number, fid: Fid | undefined): void {
    const secret = fid?.place.node.secret === true;
    const { dialect } = this.#session;
    const line = formatBytes(this.#out.buf, start, this.#out.at, secret, dialect);
    this.#server.trace?.(`-${this.id}-> ${line}`);
  }
}

/** What the server speaks with a client that asks for this version; version(5): a suffix that it
 *  does not know is cut off. */
function dialectOf(version: string): Dialect | undefined {
  if (version === '9P2000.u' || version === '9P2000.L') return version;
  return /^9P[2-9]\d{3}/.test(version) ? '9P2000' : undefined;
}

/** An offset as a number: beyond what one holds exactly there is no file. */
function offsetAt(b: Uint8Array, o: number): number {
  const high = le32(b, o + 4);
  if (high > 0x1fffff) refuse(err.Eoffset);
  return high * 2 ** 32 + le32(b, o);
}
