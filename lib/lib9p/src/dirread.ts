/** Reading a directory: whole entries, in order, from the start or from where the last read
 *  ended. A count in which no entry fits gives nothing, as v9fs expects that fills up its
 *  buffer: an error only where the entry would fit in no read at all. */
import { Ecount, Eoffset, FileError } from './errors.js';
import type { Dialect, WireDir } from './fcall.js';
import { encodeDir } from './stat.js';
import type { Dir, Node, Req, Wait } from './tree.js';
import { then } from './wait.js';

export class DirReader {
  readonly #node: Node;
  readonly #dialect: Dialect;
  readonly #entry: (d: Dir) => WireDir;
  #nodes: readonly Node[] = [];
  #next = 0;
  /** An entry that did not fit in the last read. */
  #held: Uint8Array | undefined;
  #offset = 0;

  /** `entry` adds what the dialect has beside a Dir. */
  constructor(node: Node, dialect: Dialect, entry: (d: Dir) => WireDir) {
    this.#node = node;
    this.#dialect = dialect;
    this.#entry = entry;
  }

  read(n: number, offset: number, req: Req): Wait<Uint8Array> {
    if (offset !== 0 && offset !== this.#offset) throw new FileError(Eoffset);
    if (offset !== 0) return this.#entries(n, req);
    return then(this.#node.list(req), (nodes) => {
      this.#nodes = nodes;
      this.#next = 0;
      this.#held = undefined;
      this.#offset = 0;
      return this.#entries(n, req);
    });
  }

  #entries(n: number, req: Req): Wait<Uint8Array> {
    const out: Uint8Array[] = [];
    return then(this.#gather(n, out, req), () => {
      const bytes = Buffer.concat(out);
      const tooLong = bytes.length === 0 && this.#held !== undefined && n >= req.iounit;
      if (tooLong) throw new FileError(Ecount);
      this.#offset += bytes.length;
      return bytes;
    });
  }

  /** As many entries as fit in n bytes. */
  #gather(n: number, out: Uint8Array[], req: Req): Wait<void> {
    let left = n;
    for (;;) {
      if (this.#held !== undefined) {
        if (this.#held.length > left) return;
        left -= this.#held.length;
        out.push(this.#held);
        this.#held = undefined;
      }
      const node = this.#nodes[this.#next++];
      if (node === undefined) return;
      const stat = tryStat(node);
      if (stat instanceof Promise) return stat.then((d) => this.#resume(d, left, out, req));
      this.#hold(stat);
    }
  }

  #hold(stat: Dir | undefined): void {
    this.#held = stat && encodeDir(this.#entry(stat), this.#dialect);
  }

  #resume(stat: Dir | undefined, n: number, out: Uint8Array[], req: Req): Wait<void> {
    this.#hold(stat);
    return this.#gather(n, out, req);
  }
}

/** undefined for a file that went away since it was listed. */
function tryStat(node: Node): Wait<Dir | undefined> {
  try {
    const stat = node.stat();
    return stat instanceof Promise ? stat.catch(() => undefined) : stat;
  } catch {
    return undefined;
  }
}
