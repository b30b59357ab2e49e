/** A connection's fids: what a client has walked to, and opened. */
import type { Auth } from './authfid.js';
import type { DirReader } from './dirread.js';
import { Ebadfid, Edupfid, Efids, FileError } from './errors.js';
import { nofid } from './fcall.js';
import type { Entries } from './readdir.js';
import { type Node, type OpenFile, qt, type Who } from './tree.js';

/** A node and the way back to the root: `..` of the root is the root. */
export interface Place {
  readonly node: Node;
  readonly up: Place | undefined;
}

export interface Fid {
  place: Place;
  readonly who: Who;
  state: 'walked' | 'opening' | 'open';
  /** Who opens it now. */
  opener: { readonly over: boolean } | undefined;
  /** How it is open. */
  mode: number;
  file: OpenFile | undefined;
  /** Of an afid. */
  auth: Auth | undefined;
  dir: DirReader | undefined;
  /** The same for 9P2000.L. */
  entries: Entries | undefined;
  /** O_NONBLOCK, which 9P2000.L alone has. */
  nonblock: boolean;
  /** Operations under way. */
  busy: number;
  /** Called when the last of them ends. */
  onidle: (() => void) | undefined;
  /** Clunked, or its connection is over. */
  gone: boolean;
}

export const isDir = (node: Node): boolean => (node.qid.type & qt.dir) !== 0;

export class Fids {
  readonly #table = new Map<number, Fid>();
  readonly #limit: number;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get(fid: number): Fid {
    const found = this.#table.get(fid);
    if (found === undefined) throw new FileError(Ebadfid);
    return found;
  }

  find(fid: number): Fid | undefined {
    return this.#table.get(fid);
  }

  /** Refuses a number that cannot be used for a new fid. */
  check(fid: number): void {
    if (fid === nofid) throw new FileError(Ebadfid);
    if (this.#table.has(fid)) throw new FileError(Edupfid);
    if (this.#table.size >= this.#limit) throw new FileError(Efids);
  }

  add(fid: number, place: Place, who: Who): Fid {
    this.check(fid);
    const added: Fid = {
      place,
      who,
      state: 'walked',
      opener: undefined,
      mode: 0,
      file: undefined,
      auth: undefined,
      dir: undefined,
      entries: undefined,
      nonblock: false,
      busy: 0,
      onidle: undefined,
      gone: false,
    };
    this.#table.set(fid, added);
    return added;
  }

  /** Out of the table; the fid is gone for the client. */
  take(fid: number): Fid {
    const found = this.get(fid);
    this.#table.delete(fid);
    found.gone = true;
    return found;
  }

  takeAll(): Fid[] {
    const all = [...this.#table.keys()];
    return all.map((fid) => this.take(fid));
  }

  get size(): number {
    return this.#table.size;
  }
}
