/** Conversations of a client that errs: requests that hit, faults put into them, and conversations
 *  of real clients cut, shuffled and mixed. A Talk has one connection and its ledger. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import {
  type Connection,
  code,
  type Dialect,
  encodeFcall,
  type Fcall,
  formatBytes,
  header_bytes,
  layoutOf,
  nofid,
  notag,
  type Server,
  type Tmessage,
} from '@9p/lib9p';
import { hex, putLe32, utf8 } from '@9p/packet';
import { golden } from '../golden/transcript.js';
import { request } from '../golden/words.js';
import { mutate, type SeededRandom } from '../kit/index.js';
import { randomFcall, settled, typesOf, type Untagged } from '../unit/lib9p-kit.js';
import { Ledger } from './ledger.js';

/** What is there to be hit. */
export interface Ground {
  readonly names: readonly string[];
  /** What is written. */
  readonly texts: readonly string[];
  /** Whole paths, each walked in one message. */
  readonly paths: readonly string[];
}

const fids = 10;
const tags = 16;
const noted_max = 40;

// Requests --------------------------------------------------------------------------------------

const requestsOf = (d: Dialect) =>
  typesOf(d).filter((t) => t.startsWith('T')) as Tmessage['type'][];
const all: Readonly<Record<Dialect, readonly Tmessage['type'][]>> = {
  '9P2000': requestsOf('9P2000'),
  '9P2000.u': requestsOf('9P2000.u'),
  '9P2000.L': requestsOf('9P2000.L'),
};
const common: readonly Tmessage['type'][] = ['Twalk', 'Tread', 'Twrite', 'Tclunk', 'Tflush'];
const opens: Readonly<Record<Dialect, Tmessage['type']>> = {
  '9P2000': 'Topen',
  '9P2000.u': 'Topen',
  '9P2000.L': 'Tlopen',
};
const modes = [0, 0, 0, 1, 2, 2, 0x10, 0x11, 0x40];
const sets = [0, 1, 2, 0x10, 0x11, 0x40, 0o1000, 0o1001, 0x8000, 0x10000, 0x7ff, 0xffffffff];

/** A request of which most fields are such that it might succeed. */
function likely(r: SeededRandom, d: Dialect, ground: Ground): Tmessage {
  const type = r.chance(70) ? r.pick([...common, opens[d]]) : r.pick(all[d]);
  const f = randomFcall(r, type === 'Tversion' && r.chance(95) ? 'Tclunk' : type, d);
  const values = f as unknown as Record<string, unknown>;
  values.tag = r.below(tags);
  for (const [name, kind] of layoutOf[code[f.type]]!.fields) {
    if (r.chance(3)) continue;
    // Fid 0 is the root, from which walks begin.
    if (kind === 'fid') values[name] = name === 'afid' ? nofid : 1 + r.below(fids);
    else if (name === 'oldtag') values[name] = r.below(tags);
    else if (name === 'name' || kind === 'str') values[name] = r.pick(ground.names);
    else if (name === 'offset') values[name] = BigInt(r.pick([0, 0, 0, 1, 5, 40, 100]));
    else if (name === 'count') values[name] = r.below(9000);
    else if (kind === 'data') values[name] = r.chance(80) ? utf8(r.pick(ground.texts)) : r.bytes(9);
    else if (kind === 'u8' || kind === 'u32')
      values[name] = r.pick(sets) & (kind === 'u8' ? 0xff : -1);
    if (kind === 'u32') values[name] = Number(values[name]) >>> 0;
    if (kind === 'names') values[name] = namesOf(r, ground);
  }
  if (f.type === 'Tattach' || (f.type === 'Twalk' && r.chance(80))) values.fid = 0;
  return f as Tmessage;
}

/** A fid that is walked to a file, opened and used: what a client does. */
function use(r: SeededRandom, d: Dialect, ground: Ground): Tmessage[] {
  const fid = 1 + r.below(fids);
  const names = r.pick(ground.paths).split('/');
  const mode = r.pick(modes);
  const linux = (mode & 3) | ((mode & 0x10) << 5);
  const open: Untagged =
    d === '9P2000.L' ? { type: 'Tlopen', fid, flags: linux } : { type: 'Topen', fid, mode };
  const read: Untagged = { type: 'Tread', fid, offset: 0n, count: r.below(9000) };
  const all: Untagged[] = [
    { type: 'Tclunk', fid },
    { type: 'Twalk', fid: 0, newfid: fid, names },
    open,
  ];
  for (let n = r.below(4); n > 0; n--) {
    const write: Untagged = { type: 'Twrite', fid, offset: 0n, data: utf8(r.pick(ground.texts)) };
    all.push(r.chance((mode & 3) === 0 ? 10 : 60) ? write : read);
  }
  return all.map((f) => ({ ...f, tag: r.below(tags) }) as Tmessage);
}

/** Most faults leave it a message, whose size is right: without, a stream is soon over. */
function sized(b: Uint8Array, r: SeededRandom): Uint8Array {
  if (r.chance(1)) return b;
  const out = new Uint8Array(Math.max(header_bytes, b.length));
  out.set(b);
  putLe32(out, 0, out.length);
  return out;
}

const namesOf = (r: SeededRandom, ground: Ground): readonly string[] =>
  r.chance(50)
    ? r.pick(ground.paths).split('/')
    : Array.from({ length: r.below(4) }, () => r.pick(ground.names));

// Conversations ---------------------------------------------------------------------------------

/** The requests of the golden transcripts, by dialect. */
const recorded: readonly { readonly dialect: Dialect; readonly sent: readonly Tmessage[] }[] =
  readdirSync(new URL('../../../test/golden', import.meta.url))
    .filter((name) => name.endsWith('.9p'))
    .map((name) => {
      const lines = golden(name.slice(0, -'.9p'.length)).split('\n');
      const sent = lines
        .filter((l) => l.startsWith('-> '))
        .map((l) => request(l.slice(3).replace(/\$\w+/g, '7')));
      const [first] = sent;
      assert.ok(first?.type === 'Tversion', name);
      return { dialect: first.version as Dialect, sent };
    });

/** Two conversations, a piece of each, dealt together, some of it out of order. */
function shuffled(r: SeededRandom, d: Dialect): Tmessage[] {
  const of = recorded.filter((c) => c.dialect === d);
  const pieces = [r.pick(of), r.pick(of)].map(({ sent }, i) => {
    const from = r.chance(70) ? 1 : r.below(sent.length);
    return sent.slice(from, from + 4 + r.below(60)).map((f) => moved(f, 100 * i));
  });
  const out: Tmessage[] = [];
  while (pieces.some((p) => p.length > 0)) {
    const [next] = r.pick(pieces).splice(0, 1);
    if (next !== undefined && !r.chance(5)) out.push(next);
  }
  for (let i = 1; i < out.length; i++)
    if (r.chance(15)) [out[i - 1], out[i]] = [out[i]!, out[i - 1]!];
  return out;
}

/** With other fids: those of the two must not be the same always. */
function moved(f: Tmessage, by: number): Tmessage {
  const fields = layoutOf[code[f.type]]!.fields.filter(([, kind]) => kind === 'fid');
  const values = f as unknown as Readonly<Record<string, number>>;
  const other = fields.map(([name]) => [name, values[name] === nofid ? nofid : values[name]! + by]);
  return { ...f, ...Object.fromEntries(other) };
}

// Talking ---------------------------------------------------------------------------------------

export class Talk {
  readonly books = new Ledger();
  readonly connection: Connection;
  readonly #r: SeededRandom;
  /** The last segments of both sides, for who looks why. */
  readonly #last: [mark: string, bytes: Uint8Array][] = [];
  readonly #dialect: Dialect;
  ended: string | undefined;

  constructor(server: Server, r: SeededRandom, dialect: Dialect) {
    this.#r = r;
    this.#dialect = dialect;
    const wire = {
      write: (b: Uint8Array) => {
        this.#note('<-', b.slice());
        this.books.got(b);
        b.fill(0xa5);
        return true;
      },
      pause: () => undefined,
      resume: () => undefined,
      end: (why: string) => {
        this.ended = why;
      },
    };
    this.connection = server.connect(wire, { net: 'test', address: '' });
    const msize = r.pick([300, 8192, 8216, 65560]);
    this.#send(encodeFcall({ type: 'Tversion', tag: notag, msize, version: dialect }));
    const who = { uname: 'u', aname: '', uid: nofid };
    this.#send(encodeFcall({ type: 'Tattach', tag: 0, fid: 0, afid: nofid, ...who }, dialect));
  }

  #encoded(f: Fcall): Uint8Array {
    return encodeFcall(f, this.#dialect);
  }

  /** In one segment, or cut in two. */
  #send(b: Uint8Array): void {
    const r = this.#r;
    this.#note('->', b);
    this.books.sent(b);
    const cut = r.chance(90) ? b.length : r.below(b.length + 1);
    try {
      this.connection.receive(b.slice(0, cut));
      if (cut < b.length) this.connection.receive(b.slice(cut));
    } catch (e) {
      throw this.#told(e);
    }
  }

  #note(mark: string, b: Uint8Array): void {
    this.#last.push([mark, b]);
    if (this.#last.length > noted_max) this.#last.shift();
  }

  #told(e: unknown): Error {
    const line = ([mark, b]: [string, Uint8Array]): string =>
      `${mark} ${hex(b)} ${formatBytes(b, 0, b.length, false, this.#dialect)}`;
    const sent = this.#last.map(line).join('\n');
    return new Error(`${(e as Error).message}\n${sent}`, { cause: e });
  }

  /** Up to `n` requests; how many. Faults are put into 40 of 100. */
  async requests(n: number, ground: Ground): Promise<number> {
    const r = this.#r;
    const script: Tmessage[] = [];
    let i = 0;
    while (i < n && this.ended === undefined) {
      if (script.length === 0 && r.chance(30)) script.push(...use(r, this.#dialect, ground));
      const good = this.#encoded(script.shift() ?? likely(r, this.#dialect, ground));
      this.#send(r.chance(60) ? good : sized(mutate(good, r), r));
      i++;
      if (this.books.torn && r.chance(30)) break;
      if (r.chance(5)) await settled();
    }
    return i;
  }

  /** A shuffled conversation, one by one or, with tags of their own, several in a segment. */
  async conversation(): Promise<number> {
    const r = this.#r;
    const all = shuffled(r, this.#dialect);
    const n = all.length;
    const single = r.chance(50);
    while (all.length > 0 && this.ended === undefined) {
      const batch = all.splice(0, single ? 1 : 1 + r.below(8));
      const used = batch.map((f, i) => (single ? f : { ...f, tag: this.#newTag(i) }));
      this.#send(Buffer.concat(used.map((f) => this.#encoded(f))));
      if (r.chance(20)) await settled();
    }
    return n - all.length;
  }

  /** The i-th that is free. */
  #newTag(i: number): number {
    for (let tag = 20; ; tag++) if (this.books.free(tag) && i-- === 0) return tag;
  }

  /** Flush all that waits, or just go; then nothing is left. */
  async end(): Promise<void> {
    const { books, connection } = this;
    if (books.doomed) assert.ok(this.ended !== undefined, 'a stream that is no stream was taken');
    else assert.equal(this.ended, undefined);
    if (this.ended === undefined && !books.torn && this.#r.chance(80)) {
      await settled();
      await settled();
      for (const oldtag of books.tags())
        this.#send(this.#encoded({ type: 'Tflush', tag: this.#newTag(0), oldtag }));
      for (let n = 0; n < 50 && books.outstanding > 0; n++) await settled();
      const left = { books: books.tags(), outstanding: connection.outstanding };
      assert.deepEqual(left, { books: [], outstanding: 0 }, this.#told(new Error('left')).message);
    }
    const { answered } = books;
    connection.hangup('end of the conversation');
    for (let n = 0; n < 3; n++) await settled();
    assert.deepEqual([connection.fids, connection.outstanding, books.answered], [0, 0, answered]);
  }
}
