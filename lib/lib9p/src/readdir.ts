/** Reading a directory as 9P2000.L does: qid[13] offset[8] type[1] name[s] an entry, `.` and `..`
 *  first. An entry's offset is where the next read goes on; the listing is that of the last read
 *  at 0. */
import { Ecount, Eoffset, FileError } from './errors.js';
import { isDir, type Place } from './fids.js';
import type { Qid, Req, Wait } from './tree.js';
import { then } from './wait.js';
import { Writer } from './writer.js';

/** An entry with an empty name. */
const entry_bytes = 24;
const dt = { dir: 4, file: 8 } as const;

interface Entry {
  readonly name: string;
  readonly qid: Qid;
  readonly directory: boolean;
}

export class Entries {
  readonly #place: Place;
  #all: readonly Entry[] = [];

  constructor(place: Place) {
    this.#place = place;
  }

  read(n: number, offset: bigint, req: Req): Wait<Uint8Array> {
    if (offset !== 0n) return this.#from(Number(offset), n, req);
    return then(this.#place.node.list(req), (nodes) => {
      const { node, up } = this.#place;
      const all = nodes.map((n) => ({ name: n.name, qid: n.qid, directory: isDir(n) }));
      const dot = { name: '.', qid: node.qid, directory: true };
      const dotdot = { name: '..', qid: (up?.node ?? node).qid, directory: true };
      this.#all = [dot, dotdot, ...all];
      return this.#from(0, n, req);
    });
  }

  #from(first: number, n: number, req: Req): Uint8Array {
    if (first > this.#all.length) throw new FileError(Eoffset);
    const w = new Writer();
    for (let i = first; i < this.#all.length; i++) {
      const { name, qid, directory } = this.#all[i]!;
      const start = w.at;
      w.need(entry_bytes)
        .qid(qid)
        .offset(i + 1)
        .u8(directory ? dt.dir : dt.file)
        .str(name);
      if (w.at <= n) continue;
      if (start === 0 && n >= req.iounit) throw new FileError(Ecount);
      w.at = start;
      break;
    }
    return w.buf.subarray(0, w.at);
  }
}
